//! Amounts of tokens as people write and read them, exactly: `1.5` of a token with 9 decimals is 1,500,000,000.

use ballast_client::Asset;
use ballast_client::measure::ungrouped;
use serde::Serialize;

use crate::context::{OnChain, name};
use crate::failure::Failure;

/// How much of an asset somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Native units.
    Native(u64),
    /// As much as there is.
    All,
}

/// One asset with an amount, as written on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Index in the market.
    pub asset: u8,
    pub wanted: Wanted,
}

/// An amount as the result of a command has it, in the form of the token tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Native units.
    pub amount: String,
    pub decimals: u8,
    pub ui_amount_string: String,
}

impl Tokens {
    pub fn of(asset: &Asset, amount: u64) -> Self {
        let decimals = asset.decimals;
        Self { amount: amount.to_string(), decimals, ui_amount_string: decimal(amount, decimals) }
    }
}

/// Native units as a decimal number without zeros at its end.
pub fn decimal(amount: u64, decimals: u8) -> String {
    let places = usize::from(decimals);
    let digits = format!("{amount:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Micro-dollars as dollars and cents, rounded: `-$1,234.50`.
pub fn signed_dollars(micro: i64) -> String {
    let cents = micro.unsigned_abs().saturating_add(5_000) / 10_000;
    let sign = if micro < 0 && cents > 0 { "-" } else { "" };
    format!("{sign}${}.{:02}", ballast_cluster::text::grouped(cents / 100), cents % 100)
}

/// A decimal number in native units.
///
/// # Errors
/// What is wrong with it: not a number, more places than the token has, or too large.
pub fn native(text: &str, decimals: u8) -> Result<u64, String> {
    let plain = ungrouped(text).ok_or_else(|| {
        format!("{text} is no amount: write the point as in 1.5, and thousands as in 1,500 or not at all")
    })?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(format!("{text} is no amount: write 1.5, or all"));
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = usize::from(decimals).checked_sub(fraction.len());
    let missing = missing.ok_or_else(|| format!("{text} has more than {decimals} decimal places"))?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(missing));
    digits.parse().map_err(|_| format!("{text} is too large"))
}

/// Reads `SOL=1.5`, or `SOL 1.5` as two words, any number of times.
///
/// # Errors
/// [`Failure::Usage`].
pub fn parts(market: &OnChain, words: &[String]) -> Result<Vec<Part>, Failure> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (asset, amount) = match word.split_once('=') {
            Some(pair) => pair,
            None => {
                let amount = rest
                    .next()
                    .ok_or_else(|| Failure::usage(format!("how much {word}? Write {word}=1.5, or {word}=all")))?;
                (word.as_str(), amount.as_str())
            }
        };
        let index = market.asset(asset)?;
        if parts.iter().any(|part| part.asset == index) {
            return Err(Failure::usage(format!("{asset} is named twice")));
        }
        let record = &market.market.assets[usize::from(index)];
        let wanted = match amount {
            "all" => Wanted::All,
            text => Wanted::Native(
                native(text, record.decimals)
                    .map_err(|why| Failure::usage(format!("{}: {why}", name(&record.name))))?,
            ),
        };
        parts.push(Part { asset: index, wanted });
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_and_written_exactly() {
        assert_eq!(native("1.5", 9), Ok(1_500_000_000));
        assert_eq!(native(".5", 1), Ok(5));
        assert_eq!(native("1_000.10", 1), Ok(10_001));
        assert_eq!(native("1,234,567.5", 1), Ok(12_345_675));
        assert_eq!(native("18446744073709551615", 0), Ok(u64::MAX));
        assert_eq!(decimal(1_500_000_000, 9), "1.5");
        assert_eq!(decimal(5, 6), "0.000005");
        assert_eq!(decimal(u64::MAX, 0), "18446744073709551615");
        assert_eq!(decimal(0, 9), "0");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", ".", "-1", "1e3", "1.5.5", "SOL", "1,5", "1,50", "1,5000", ",500", "1,000,00", "1.000,5", "1_5"]
        {
            assert!(native(text, 9).is_err(), "{text}");
        }
        assert_eq!(native("0.15", 1), Err("0.15 has more than 1 decimal places".to_owned()));
        assert_eq!(native("18446744073709551616", 0), Err("18446744073709551616 is too large".to_owned()));
    }
}
