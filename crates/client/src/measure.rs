//! Numbers of the parameter table as people write and read them. Nothing is lost: what [`write()`] prints, [`read`] reads
//! back to the same number.
//!
//! | measure | written |
//! |---|---|
//! | native units | whole tokens: `250,000`, `250_000` or `0.5` |
//! | part | `12.5%` or `1250bps`; rounded up, as everywhere |
//! | rate | `4.5%` a year; rounded down |
//! | variance | `5%`: the volatility of a day; rounded down |
//! | multiple | `1.5x` or `1.5` |
//! | seconds | `90s`, `15min`, `2h`, `7d` |
//! | money | `$1,000` |
//! | price for a whole token | `$0.9995`, `none` for no upper end |
//! | switch | `yes`, `no` |
//!
//! `off` is zero where zero turns a parameter off, and `raw:123` is the stored number of any of them.

use ballast_risk::table::{Measure, Parameter};
use ballast_risk::units::Rate;

/// Seconds of a day.
const DAY: u128 = 86_400;
/// Units of time, largest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400), ("h", 3_600), ("min", 60), ("m", 60), ("s", 1)];
/// Digits after the point that are tried before a number is printed as it is stored.
const PLACES: u32 = 18;
/// Numbers stay below this, so that they can be scaled by 2^64 within 128 bits.
const MOST: u128 = 1 << 63;

/// Why a text is no value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAValue {
    pub text: String,
    /// How to write it.
    pub expected: &'static str,
}

impl std::fmt::Display for NotAValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not {}", self.text, self.expected)
    }
}

impl std::error::Error for NotAValue {}

/// A decimal number without a sign: `number / 10^places`.
#[derive(Clone, Copy)]
struct Decimal {
    number: u128,
    places: u32,
}

/// How a rounding goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Exact,
    Up,
    Down,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let plain = ungrouped(text.trim())?;
        let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
        let digits = [whole, part].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let places = u32::try_from(part.len()).ok().filter(|places| *places <= PLACES)?;
        let number = digits.parse().ok().filter(|number| *number < MOST)?;
        Some(Self { number, places })
    }

    /// This times `numerator / denominator`.
    fn scaled(self, numerator: u128, denominator: u128, rounding: Rounding) -> Option<u64> {
        let product = self.number.checked_mul(numerator)?;
        let divisor = denominator.checked_mul(10u128.checked_pow(self.places)?)?;
        let floor = product.checked_div(divisor)?;
        let exact = floor.checked_mul(divisor)? == product;
        let value = match rounding {
            Rounding::Exact if !exact => return None,
            Rounding::Up if !exact => floor.checked_add(1)?,
            _ => floor,
        };
        u64::try_from(value).ok()
    }
}

/// A decimal number without what keeps its thousands apart: `1,234.5` and `1_234.5` are `1234.5`. `None` where groups are not
/// of three digits, left of the point: to many people `1,5` is one and a half, so it is no number rather than fifteen.
pub fn ungrouped(text: &str) -> Option<String> {
    let separators = [',', '_'];
    let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
    if part.contains(separators) {
        return None;
    }
    let Some(separator) = whole.chars().find(|letter| separators.contains(letter)) else {
        return Some(text.to_owned());
    };
    let mut groups = whole.split(separator);
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()));
    let complete = first && groups.all(|group| group.len() == 3 && !group.contains(separators));
    complete.then(|| format!("{}{part}", whole.replace(separator, "")))
}

/// Reads a value of a parameter. `decimals` are those of the token, for native units.
///
/// # Errors
/// [`NotAValue`]; whether the table allows the number is another question.
pub fn read(parameter: Parameter, decimals: u8, text: &str) -> Result<u64, NotAValue> {
    let text = text.trim();
    let value = match text.strip_prefix("raw:") {
        Some(raw) => raw.parse().ok(),
        None if text == "off" && parameter.row().zero_is_off => Some(0),
        None => read_measure(parameter.measure(), decimals, text),
    };
    value.ok_or_else(|| NotAValue { text: text.to_owned(), expected: expected(parameter.measure()) })
}

fn expected(measure: Measure) -> &'static str {
    match measure {
        Measure::Native => "a number of whole tokens such as 250000, with no more places than the token has",
        Measure::Fraction => "a part from 0% to 100% such as 12.5% or 1250bps",
        Measure::Rate => "a yearly rate such as 4.5%",
        Measure::Variance => "the volatility of a day such as 5%",
        Measure::Times => "a multiple such as 1.5x",
        Measure::Hundredths => "a multiple with two places such as 2.12",
        Measure::Seconds => "a time such as 90s, 15min, 2h or 7d",
        Measure::MicroDollars => "an amount of money such as $1000 with at most six places",
        Measure::PicoDollars => "a price such as $0.9995 with at most twelve places, or none",
        Measure::Count => "a whole number",
        Measure::Switch => "yes or no",
    }
}

/// Reads a number of some measure; `decimals` are those of the token, for native units.
pub fn read_measure(measure: Measure, decimals: u8, text: &str) -> Option<u64> {
    match measure {
        Measure::Native => Decimal::parse(text)?.scaled(10u128.checked_pow(decimals.into())?, 1, Rounding::Exact),
        Measure::Fraction => read_part(text),
        Measure::Rate => {
            Decimal::parse(text.strip_suffix('%')?)?.scaled(1 << 52, 100 * u128::from(Rate::YEAR), Rounding::Down)
        }
        Measure::Variance => {
            let Decimal { number, places } = Decimal::parse(text.strip_suffix('%')?)?;
            let square = Decimal { number: number.checked_mul(number)?, places: places.checked_mul(2)? };
            square.scaled(1 << 64, 10_000 * DAY, Rounding::Down)
        }
        Measure::Times => Decimal::parse(text.strip_suffix('x').unwrap_or(text))?.scaled(1 << 16, 1, Rounding::Down),
        Measure::Hundredths => Decimal::parse(text.strip_suffix('x').unwrap_or(text))?.scaled(100, 1, Rounding::Exact),
        Measure::Seconds => seconds(text),
        Measure::MicroDollars => {
            Decimal::parse(text.strip_prefix('$').unwrap_or(text))?.scaled(1_000_000, 1, Rounding::Exact)
        }
        Measure::PicoDollars if text == "none" => Some(u64::MAX),
        Measure::PicoDollars => {
            Decimal::parse(text.strip_prefix('$').unwrap_or(text))?.scaled(1_000_000_000_000, 1, Rounding::Exact)
        }
        Measure::Count => text.parse().ok(),
        Measure::Switch => match text {
            "yes" | "on" | "true" | "1" => Some(1),
            "no" | "off" | "false" | "0" => Some(0),
            _ => None,
        },
    }
}

/// A part of one in 2^-32, rounded up; the whole is the largest number.
fn read_part(text: &str) -> Option<u64> {
    let (digits, whole) = match text.strip_suffix("bps") {
        Some(digits) => (digits, 10_000),
        None => (text.strip_suffix('%')?, 100),
    };
    let value = Decimal::parse(digits)?.scaled(1 << 32, whole, Rounding::Up)?;
    (value <= 1 << 32).then(|| value.min(u64::from(u32::MAX)))
}

/// A loading, volatility or shock in 2^-30, towards zero: `-25%`, `9.5%`. `None` beyond 32 bits.
pub fn read_coefficient(text: &str) -> Option<i32> {
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.trim().strip_prefix('+').unwrap_or(text.trim())),
    };
    let size = Decimal::parse(digits.strip_suffix('%')?)?.scaled(1 << 30, 100, Rounding::Down)?;
    i32::try_from(size).ok().map(|size| sign * size)
}

/// A time in seconds: `90`, `90s`, `15min`, `2h`, `7d`.
pub fn seconds(text: &str) -> Option<u64> {
    let unit = TIMES.iter().find_map(|(name, length)| Some((text.strip_suffix(name)?, *length)));
    let (digits, length) = unit.unwrap_or((text, 1));
    Decimal::parse(digits)?.scaled(u128::from(length), 1, Rounding::Exact)
}

/// Seconds in the largest unit that holds them exactly.
pub fn duration(seconds: u64) -> String {
    let fits = |length: u64| seconds != 0 && seconds.is_multiple_of(length);
    let (unit, length) = *TIMES.iter().find(|(_, length)| fits(*length)).unwrap_or(&("s", 1));
    format!("{}{unit}", seconds / length)
}

/// Prints a value of a parameter so that [`read`] gives it back.
pub fn write(parameter: Parameter, decimals: u8, value: u64) -> String {
    if parameter.row().zero_is_off && value == 0 {
        return "off".to_owned();
    }
    let text = match parameter.measure() {
        Measure::Native => places(value, decimals.into()),
        Measure::Fraction if value == u64::from(u32::MAX) => "100%".to_owned(),
        Measure::Fraction => shortest(value, |places| part_floor(value, places, 100, 1 << 32), "%", read_part),
        Measure::Rate => {
            let read = |text: &str| read_measure(Measure::Rate, 0, text);
            shortest(value, |places| part_ceil(value, places, 100 * u128::from(Rate::YEAR), 1 << 52), "%", read)
        }
        Measure::Variance => {
            shortest(value, |places| root_ceil(value, places), "%", |text| read_measure(Measure::Variance, 0, text))
        }
        Measure::Times => {
            let read = |text: &str| read_measure(Measure::Times, 0, text);
            shortest(value, |places| part_ceil(value, places, 1, 1 << 16), "x", read)
        }
        Measure::Hundredths => format!("{}x", places(value, 2)),
        Measure::Seconds => duration(value),
        Measure::MicroDollars => format!("${}", places(value, 6)),
        Measure::PicoDollars if value == u64::MAX => "none".to_owned(),
        Measure::PicoDollars => format!("${}", places(value, 12)),
        Measure::Count => value.to_string(),
        Measure::Switch => if value == 0 { "no" } else { "yes" }.to_owned(),
    };
    // What no text stands for, such as numbers out of range.
    if read(parameter, decimals, &text) == Ok(value) { text } else { format!("raw:{value}") }
}

/// `value / 10^places` with its thousands apart and without zeros at the end.
pub fn places(value: u64, places: u32) -> String {
    decimal(u128::from(value), places)
}

fn decimal(number: u128, places: u32) -> String {
    let width = usize::try_from(places).unwrap_or(0);
    let digits = format!("{number:0>width$}", width = width + 1);
    let (whole, part) = digits.split_at(digits.len() - width);
    let part = part.trim_end_matches('0');
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !part.is_empty() {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// The number with the fewest places that is read back to the value.
fn shortest(
    value: u64,
    candidate: impl Fn(u32) -> Option<u128>,
    unit: &str,
    read: impl Fn(&str) -> Option<u64>,
) -> String {
    let texts = (0..PLACES).map_while(|places| Some(format!("{}{unit}", decimal(candidate(places)?, places))));
    let mut fitting = texts.filter(|text| read(text) == Some(value));
    fitting.next().unwrap_or_else(|| format!("raw:{value}"))
}

fn part_floor(value: u64, places: u32, numerator: u128, denominator: u128) -> Option<u128> {
    let scaled = u128::from(value).checked_mul(numerator)?.checked_mul(10u128.checked_pow(places)?)?;
    scaled.checked_div(denominator)
}

fn part_ceil(value: u64, places: u32, numerator: u128, denominator: u128) -> Option<u128> {
    let scaled = u128::from(value).checked_mul(numerator)?.checked_mul(10u128.checked_pow(places)?)?;
    Some(scaled.div_ceil(denominator))
}

/// The volatility of a day in per cent whose square is at least the variance.
fn root_ceil(value: u64, places: u32) -> Option<u128> {
    let scale = 10u128.checked_pow(places.checked_mul(2)?)?;
    let square = u128::from(value).checked_mul(10_000 * DAY)?.checked_mul(scale)?;
    let square = square.div_ceil(1 << 64);
    let root = square.isqrt();
    Some(if root * root == square { root } else { root + 1 })
}
