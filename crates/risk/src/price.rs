//! Prices: from an oracle's decimal number to the unit value that a health check multiplies with.
//!
//! Two formats. [`Price`] is the truth: 64 bits, one per asset. [`Unit`] is what readers use: price and index
//! multiplied, 31 bits and a shift, renewed by whoever changes one of the two.

use crate::error::{Error, Result};
use crate::fixed::{bit_length, half_product, mix_floor, mul_shift_floor, scale_ceil, shift_div_floor};
use crate::units::{Amount, Fraction, Index, MAX_VALUE, Rate, Shares, Usd};

/// Micro-dollars per native unit: `mantissa * 2^-shift`, mantissa in `[2^63, 2^64)`.
///
/// Shifts from 33 (below $2,147 for one native unit) to 180 are accepted; what lies outside is refused when a price
/// is refreshed. The default value is "no price".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    mantissa: u64,
    shift: u8,
}

/// Smallest shift of a price: one native unit below 2^31 micro-dollars.
pub const MIN_SHIFT: u32 = 33;
/// Largest shift of a price: one native unit above 2^-117 micro-dollars.
pub const MAX_SHIFT: u32 = 180;
/// A power of five, shifted until its top bit is set, and by how much.
#[derive(Clone, Copy)]
struct Power {
    value: u64,
    lead: u32,
}

impl Power {
    /// `floor(number * 2^63 / value)`.
    #[inline(always)]
    fn divide_floor(self, number: u64) -> Option<u64> {
        let places = 63u32.wrapping_sub(self.lead);
        if places >= 32 {
            return shift_div_floor(number, 63, self.value);
        }
        // Up to 5^13, which fits a word: the quotient and what is left of it, each one narrow division.
        let divisor = self.value.wrapping_shr(self.lead);
        let quotient = number.checked_div(divisor)?;
        let rest = number.wrapping_sub(quotient.wrapping_mul(divisor));
        // divisor >= 2^places, so the quotient times that is at most the number; rest < 2^32.
        Some(quotient.wrapping_shl(places).wrapping_add(rest.wrapping_shl(places).checked_div(divisor)?))
    }
}

/// `5^0` to `5^27`, the largest that fits 63 bits, so decimal exponents down to -27 divide exactly once. A table,
/// because a checked power costs a price refresh several hundred compute units.
const POWERS_OF_FIVE: [Power; 28] = {
    let mut powers = [Power { value: 1 << 63, lead: 63 }; 28];
    let (mut at, mut five) = (1, 1u64);
    while at < powers.len() {
        // 5^27 < 2^63, and the index stays below the length.
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            five *= 5;
            powers[at] = Power { value: five << five.leading_zeros(), lead: five.leading_zeros() };
            at += 1;
        }
    }
    powers
};

impl Price {
    /// A price from its stored parts; `None` for "no price" or parts that no constructor makes.
    #[inline(always)]
    pub const fn from_parts(mantissa: u64, shift: u8) -> Option<Self> {
        if mantissa >> 63 == 0 || (shift as u32) < MIN_SHIFT || shift as u32 > MAX_SHIFT {
            return None;
        }
        Some(Self { mantissa, shift })
    }

    /// A price from parts that [`Price::mantissa`] and [`Price::shift`] gave; `None` for "no price". It spares the range
    /// check of [`Price::from_parts`], which every reader of an asset would pay.
    #[inline(always)]
    pub const fn stored(mantissa: u64, shift: u8) -> Option<Self> {
        if mantissa >> 63 == 0 {
            return None;
        }
        Some(Self { mantissa, shift })
    }

    pub const fn mantissa(self) -> u64 {
        self.mantissa
    }

    pub const fn shift(self) -> u8 {
        self.shift
    }

    /// `number * 10^exponent` dollars for one whole token of `decimals` places, rounded down.
    ///
    /// # Errors
    /// [`Error::PriceOutOfRange`] for zero and for what the format cannot hold.
    pub fn from_decimal_floor(number: u64, exponent: i32, decimals: u8) -> Result<Self> {
        // Micro-dollars per native unit: number * 10^power = number * 5^power * 2^power.
        let power = exponent.checked_add(6).and_then(|p| p.checked_sub(i32::from(decimals)));
        let power = power.ok_or(Error::PriceOutOfRange)?;
        let five = usize::try_from(power.unsigned_abs()).ok().and_then(|power| POWERS_OF_FIVE.get(power));
        let five = *five.ok_or(Error::PriceOutOfRange)?;
        if number == 0 {
            return Err(Error::PriceOutOfRange);
        }
        let lead = number.leading_zeros();
        let number = number.wrapping_shl(lead);
        // Scaled so that the quotient or product has 63 or 64 bits; `scale` counts the binary places it then has.
        let (value, scale) = if power < 0 {
            let quotient = five.divide_floor(number).ok_or(Error::PriceOutOfRange)?;
            (quotient, 63u32.wrapping_add(lead).wrapping_sub(five.lead))
        } else {
            let bits = u64::BITS.wrapping_sub(five.lead);
            let product = mul_shift_floor(number, five.value, 64).ok_or(Error::PriceOutOfRange)?;
            (product, lead.wrapping_sub(bits))
        };
        let places = i64::from(scale.cast_signed()).checked_sub(i64::from(power)).ok_or(Error::PriceOutOfRange)?;
        Self::normalised(value, places)
    }

    /// `value * 2^-places`, shifted so that the top bit is set.
    fn normalised(value: u64, places: i64) -> Result<Self> {
        if value == 0 {
            return Err(Error::PriceOutOfRange);
        }
        // Mostly no or one step, which is cheaper than counting leading zeros on sBPF.
        let (mut value, mut places) = (value, places);
        while value >> 63 == 0 {
            value = value.wrapping_shl(1);
            places = places.wrapping_add(1);
        }
        let shift = u8::try_from(places).map_err(|_| Error::PriceOutOfRange)?;
        Self::from_parts(value, shift).ok_or(Error::PriceOutOfRange)
    }

    /// The smaller of two prices.
    pub fn min(self, other: Self) -> Self {
        if self.below(other) { self } else { other }
    }

    /// The larger of two prices.
    pub fn max(self, other: Self) -> Self {
        if self.below(other) { other } else { self }
    }

    /// Between half and double of another price.
    pub fn within_double(self, other: Self) -> bool {
        // Doubled, for the comparison alone.
        let twice = |price: Self| Self { shift: price.shift.wrapping_sub(1), ..price };
        !twice(self).below(other) && !twice(other).below(self)
    }

    /// The upper words of two prices, aligned to the larger one: at least 31 bits of that one, rounded down.
    #[inline(always)]
    pub(crate) fn words(self, other: Self) -> (u64, u64) {
        if self.shift == other.shift {
            return (self.mantissa >> 32, other.mantissa >> 32);
        }
        let shift = self.shift.min(other.shift);
        let aligned = |price: Self| {
            let word = price.mantissa >> 32;
            word.checked_shr(u32::from(price.shift.wrapping_sub(shift))).unwrap_or(0)
        };
        (aligned(self), aligned(other))
    }

    /// `self < other`. A larger shift is a smaller number, because mantissas are normalised.
    #[inline(always)]
    pub(crate) fn below(self, other: Self) -> bool {
        self.shift > other.shift || (self.shift == other.shift && self.mantissa < other.mantissa)
    }

    /// `self * (1 - fraction)`, rounded down.
    pub fn lowered_floor(self, fraction: Fraction) -> Result<Self> {
        let part = scale_ceil(self.mantissa, fraction);
        Self::normalised(self.mantissa.saturating_sub(part), i64::from(self.shift))
    }

    /// `self * (1 + fraction)`, rounded up.
    pub fn raised_ceil(self, fraction: Fraction) -> Result<Self> {
        let part = scale_ceil(self.mantissa, fraction);
        match self.mantissa.checked_add(part) {
            Some(sum) => Self::normalised(sum, i64::from(self.shift)),
            None => {
                // The sum has 65 bits: halve it, round up (it stays below 2^64, since both terms do).
                let half = (self.mantissa >> 1).wrapping_add(part >> 1).wrapping_add(1);
                Self::normalised(half, i64::from(self.shift).wrapping_sub(1))
            }
        }
    }

    /// The average moved towards `price` by `weight`: `self * (1 - weight) + price * weight`, rounded down.
    ///
    /// Both are aligned to the larger one's shift first; what a 2^-64 part of the larger price is does not matter. The
    /// weights add up to exactly one, so that averaging often does not pull the average down.
    pub fn averaged(self, price: Self, weight: Fraction) -> Self {
        if weight.is_zero() {
            return self;
        }
        if self.shift == price.shift {
            // Between the two, so the top bit stays set.
            return Self { mantissa: mix_floor(self.mantissa, price.mantissa, weight), shift: self.shift };
        }
        let shift = self.shift.min(price.shift);
        let align = |p: Self| p.mantissa.checked_shr(u32::from(p.shift.wrapping_sub(shift))).unwrap_or(0);
        // Not zero: an aligned part that is, stands beside one of 64 bits, of which the weight keeps 31 at least.
        let mixed = mix_floor(align(self), align(price), weight);
        Self::normalised(mixed, i64::from(shift)).unwrap_or(self)
    }

    /// `self * rate`, the rate in 2^-32, rounded down.
    ///
    /// # Errors
    /// [`Error::PriceOutOfRange`], also for a rate of zero.
    pub fn times_floor(self, rate: u64) -> Result<Self> {
        let lead = rate.leading_zeros();
        // Without its lower half the product of two numbers of 64 bits has 63 or 64.
        let product = mul_shift_floor(self.mantissa, rate.checked_shl(lead).unwrap_or(0), 64);
        let places = i64::from(self.shift).wrapping_add(i64::from(lead)).wrapping_sub(32);
        Self::normalised(product.unwrap_or(0), places)
    }

    /// 10^-12 dollars for a whole token, less than 2^-30 of it too low; `u64::MAX` for what is more.
    pub fn pico_dollars_floor(self, decimals: u8) -> u64 {
        // Micro-dollars per native unit: times 10^power = 5^power * 2^power. The upper word of the power of five is enough.
        let power = u32::from(decimals).saturating_add(6);
        let Some(five) = usize::try_from(power).ok().and_then(|power| POWERS_OF_FIVE.get(power)) else {
            return u64::MAX;
        };
        // At least 62 bits.
        let (product, _) = half_product(self.mantissa, five.value >> 32);
        // Shifts are 33 at least and powers 27 at most.
        let places = u32::from(self.shift).wrapping_add(five.lead).wrapping_sub(power);
        match places.checked_sub(64) {
            Some(places) => product.checked_shr(places).unwrap_or(0),
            None if places == 63 => product.saturating_mul(2),
            None => u64::MAX,
        }
    }

    /// The value of an amount, rounded down.
    pub fn value_floor(self, amount: Amount) -> Result<Usd> {
        let shift = u32::from(self.shift);
        if shift > 127 {
            return Ok(Usd::ZERO);
        }
        match mul_shift_floor(amount.get(), self.mantissa, shift) {
            Some(value) if value < MAX_VALUE => Ok(Usd::new(value)),
            _ => Err(Error::ValueOutOfRange),
        }
    }

    /// How much of the token a value buys, rounded down; `Amount::MAX` when it is more than 64 bits hold.
    pub fn amount_floor(self, value: Usd) -> Amount {
        let shift = u32::from(self.shift);
        if value.is_zero() {
            return Amount::ZERO;
        }
        // From 2^128 on, the numerator divided by a 64-bit mantissa does not fit an amount anyway.
        if bit_length(value.get()).wrapping_add(shift) > 128 {
            return Amount::MAX;
        }
        shift_div_floor(value.get(), shift, self.mantissa).map_or(Amount::MAX, Amount::new)
    }

    /// How much of the token is worth at least a value: rounded up, saturating.
    pub fn amount_ceil(self, value: Usd) -> Amount {
        Amount::new(self.amount_floor(value).get().saturating_add(1))
    }

    /// The value of one share, rounded down, or [`Unit::NONE`] when it does not fit.
    pub fn unit_floor(self, index: Index) -> Unit {
        Unit::of(self, index, 0)
    }

    /// The value of one share, rounded up, or [`Unit::NONE`] when it does not fit.
    pub fn unit_ceil(self, index: Index) -> Unit {
        Unit::of(self, index, 1)
    }
}

/// `number * 10^exponent` dollars in 10^-12 dollars, rounded down; `u64::MAX` for what is more.
pub fn pico_dollars_floor(number: u64, exponent: i32) -> u64 {
    let power = exponent.saturating_add(12);
    let size = power.unsigned_abs();
    // 10^19 < 2^64.
    let five = usize::try_from(size).ok().filter(|at| *at <= 19).and_then(|at| POWERS_OF_FIVE.get(at));
    match five.map(|five| five.value.wrapping_shr(five.lead).wrapping_shl(size)) {
        Some(ten) if power < 0 => number.checked_div(ten).unwrap_or(0),
        // A checked product costs more than a division.
        Some(ten) if number <= u64::MAX.checked_div(ten).unwrap_or(0) => number.wrapping_mul(ten),
        None if power < 0 || number == 0 => 0,
        _ => u64::MAX,
    }
}

/// The weight of a new price after `elapsed` seconds in an average over `period` seconds: `elapsed / period`,
/// at most one.
pub fn average_weight(elapsed: u64, period: u32) -> Fraction {
    match elapsed {
        // elapsed < period < 2^32: the shift fits 64 bits, which divides without a library call.
        _ if elapsed < u64::from(period) => {
            let quotient = elapsed.wrapping_shl(32).checked_div(u64::from(period)).unwrap_or(0);
            Fraction::new(u32::try_from(quotient).unwrap_or(u32::MAX))
        }
        _ => Fraction::MAX,
    }
}

/// Micro-dollars per share, for multiplying fast: `mantissa * 2^-shift`, mantissa in `[2^30, 2^31]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// 0 means "no price".
    pub mantissa: u32,
    pub shift: u8,
}

/// Interest is brought forward without a division for at most this long (12 days); longer counts as no price.
pub const MAX_FORWARD_SECONDS: u64 = 1 << 20;

impl Unit {
    /// No price: a check that needs it is refused or leaves the position out, as risk-model 2 says.
    pub const NONE: Self = Self { mantissa: 0, shift: 0 };

    fn of(price: Price, index: Index, round_up: u64) -> Self {
        // The upper word of the mantissa is enough for 31 bits, and two 64-bit products are much cheaper than a wide one. It is
        // in [2^31, 2^32], an index from 2^52 on: their product less its last 32 bits has 52 bits at least. What is cut off
        // both times is below one of its last place, and the last line rounds up in a much larger one.
        let word = (price.mantissa >> 32).wrapping_add(round_up);
        let (upper, _) = half_product(index.get(), word);
        // An index near one leaves 52 or 53 bits, so counting up is cheaper than counting leading zeros.
        let mut drop = 21u32;
        while upper >> drop >> 31 != 0 {
            drop = drop.wrapping_add(1);
        }
        let mantissa = (upper >> drop).wrapping_add(round_up);
        let places = u32::from(price.shift).wrapping_add(Index::BITS).wrapping_sub(64).checked_sub(drop);
        match (u32::try_from(mantissa), places.and_then(|p| u8::try_from(p).ok())) {
            (Ok(mantissa), Some(shift)) if index >= Index::ONE => Self { mantissa, shift },
            _ if index < Index::ONE => Self::of_less(price, index, round_up),
            _ => Self::NONE,
        }
    }

    /// Of an index that has lost value, down to nothing.
    #[cold]
    #[inline(never)]
    fn of_less(price: Price, index: Index, round_up: u64) -> Self {
        let Some(lead) = Index::BITS.wrapping_add(1).checked_sub(bit_length(index.get())).filter(|_| !index.is_zero())
        else {
            // No number of shares is worth anything; that is a price, and not none.
            return Self { mantissa: 1 << 30, shift: u8::MAX };
        };
        let unit = Self::of(price, Index::new(index.get().wrapping_shl(lead)), round_up);
        // Shifts of prices are 180 at most, and those of units less.
        let shift = u32::from(unit.shift).wrapping_add(lead);
        match u8::try_from(shift) {
            Ok(shift) if unit.mantissa != 0 => Self { shift, ..unit },
            _ => Self::NONE,
        }
    }

    /// The mantissa with `elapsed` seconds of interest, rounded down. `elapsed < MAX_FORWARD_SECONDS`.
    #[inline(always)]
    fn forward_floor(self, rate: Rate, elapsed: u64) -> u64 {
        // rate <= 2^31 and elapsed < 2^20: growth < 2^51, so the result stays below 1.5 * 2^31 + 2 < 2^32.
        let growth = u64::from(rate.get()).wrapping_mul(elapsed) >> 20; // in 2^-32, below 2^31
        let m = u64::from(self.mantissa);
        m.wrapping_add(m.wrapping_mul(growth) >> 32)
    }

    /// The same rounded up.
    #[inline(always)]
    fn forward_ceil(self, rate: Rate, elapsed: u64) -> u64 {
        let growth = (u64::from(rate.get()).wrapping_mul(elapsed) >> 20).wrapping_add(1);
        let m = u64::from(self.mantissa);
        m.wrapping_add(m.wrapping_mul(growth) >> 32).wrapping_add(1)
    }

    /// Value of deposit shares with `elapsed` seconds of interest, rounded down; `None` from [`MAX_VALUE`] on.
    #[inline(always)]
    pub fn value_floor(self, shares: Shares, rate: Rate, elapsed: u64) -> Option<u64> {
        times(shares.get(), self.forward_floor(rate, elapsed), self.shift)
    }

    /// Value of debt shares with `elapsed` seconds of interest, rounded up; `None` from [`MAX_VALUE`] on.
    #[inline(always)]
    pub fn value_ceil(self, shares: Shares, rate: Rate, elapsed: u64) -> Option<u64> {
        times(shares.get(), self.forward_ceil(rate, elapsed), self.shift).map(|value| value.wrapping_add(1))
    }
}

/// `floor(shares * mantissa / 2^shift)` for a mantissa below 2^32, `None` from [`MAX_VALUE`] on.
#[inline(always)]
fn times(shares: u64, mantissa: u64, shift: u8) -> Option<u64> {
    let low = (shares & 0xffff_ffff).wrapping_mul(mantissa);
    // (2^32 - 1)^2 + 2^32 - 1 < 2^64.
    let top = (shares >> 32).wrapping_mul(mantissa).wrapping_add(low >> 32);
    let shift = u32::from(shift);
    if shift >= 32 {
        let value = if shift < 96 { top.wrapping_shr(shift.wrapping_sub(32)) } else { 0 };
        return if value < MAX_VALUE { Some(value) } else { None };
    }
    // top * 2^(32 - shift) must stay below 2^56.
    if top.wrapping_shr(shift.wrapping_add(24)) != 0 {
        return None;
    }
    let lower = (low & 0xffff_ffff).wrapping_shr(shift);
    Some(top.wrapping_shl(32u32.wrapping_sub(shift)) | lower)
}
