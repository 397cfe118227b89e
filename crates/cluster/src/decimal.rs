//! Decimal numbers, exactly: `number x 10^exponent`, the form in which an oracle publishes a price.

/// The exponent that Pyth uses for most feeds; coarser numbers are written out to it.
const USUAL_EXPONENT: i32 = -8;
/// Smallest exponent that the program accepts.
const LEAST_EXPONENT: i32 = -18;

/// A positive decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub number: i64,
    pub exponent: i32,
}

/// Why a text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAPrice {
    NotANumber,
    Negative,
    Zero,
    /// Too many digits, or too large or small for an oracle's number.
    OutOfRange,
}

impl std::fmt::Display for NotAPrice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "is not a decimal number",
            Self::Negative => "is negative",
            Self::Zero => "is zero",
            Self::OutOfRange => "has too many digits, or is too large or too small, for a price",
        })
    }
}

impl Decimal {
    /// Reads `12`, `0.5` or `1.5e-05`, without rounding anything.
    ///
    /// # Errors
    /// Everything that is not a positive decimal number that an oracle could publish.
    pub fn parse(text: &str) -> Result<Self, NotAPrice> {
        let (negative, plain) = match text.strip_prefix(['-', '+']) {
            Some(plain) => (text.starts_with('-'), plain),
            None => (false, text),
        };
        let (mantissa, power) = match plain.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().map_err(|_| NotAPrice::NotANumber)?),
            None => (plain, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAPrice::NotANumber);
        }
        if digits().all(|byte| byte == b'0') {
            return Err(NotAPrice::Zero);
        }
        if negative {
            return Err(NotAPrice::Negative);
        }
        let places = i32::try_from(fraction.len()).map_err(|_| NotAPrice::OutOfRange)?;
        let exponent = power.checked_sub(places).ok_or(NotAPrice::OutOfRange)?;
        let joined = [whole, fraction].concat();
        let significant = joined.trim_end_matches('0');
        let dropped = i32::try_from(joined.len() - significant.len()).map_err(|_| NotAPrice::OutOfRange)?;
        let number = significant.parse().map_err(|_| NotAPrice::OutOfRange)?;
        let exponent = exponent.checked_add(dropped).ok_or(NotAPrice::OutOfRange)?;
        Self::normalised(number, exponent).ok_or(NotAPrice::OutOfRange)
    }

    /// `number x 10^exponent` with zeros added down to the usual exponent, as far as they fit.
    fn normalised(mut number: i64, mut exponent: i32) -> Option<Self> {
        while exponent > USUAL_EXPONENT {
            match number.checked_mul(10) {
                Some(longer) => number = longer,
                None if exponent > 0 => return None,
                None => break,
            }
            exponent -= 1;
        }
        (exponent >= LEAST_EXPONENT).then_some(Self { number, exponent })
    }

    /// `number x 10^-8` of dollars.
    pub const fn in_e8(number: i64) -> Self {
        Self { number, exponent: USUAL_EXPONENT }
    }

    /// This times `numerator / 10^12`, rounded down to eight significant digits or more.
    pub fn times_e12(self, numerator: u64) -> Option<Self> {
        let mut number = i128::from(self.number).checked_mul(i128::from(numerator))?;
        let mut exponent = self.exponent.checked_sub(12)?;
        // Down to 18 digits, which an i64 holds.
        while number >= 1_000_000_000_000_000_000 || exponent < LEAST_EXPONENT {
            number /= 10;
            exponent += 1;
        }
        let number = i64::try_from(number).ok().filter(|number| *number > 0)?;
        Some(Self { number, exponent })
    }

    /// For display and for comparing moves; never on the way to the chain.
    pub fn as_f64(self) -> f64 {
        self.number as f64 * 10f64.powi(self.exponent)
    }
}
