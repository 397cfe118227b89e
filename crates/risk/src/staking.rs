//! The rate of a liquid-staking token: base tokens for one of it, in 2^-32.
//!
//! Rewards let it rise by a few per cent in a year. What rises faster may be a fault of the pool or somebody's doing, and
//! must not be borrowed against at once; so its growth is limited where a deposit is valued for new risk, and nowhere else:
//! a limit that lowered the price of a liquidation would liquidate vaults that are healthy.

use crate::error::{Error, Result};
use crate::fixed::{mul_shift_floor, shift_div_floor};
use crate::units::{Fraction, Rate};

/// `base / tokens`, rounded down.
///
/// # Errors
/// [`Error::PriceOutOfRange`] without tokens, or when the rate does not fit.
pub fn rate_floor(base: u64, tokens: u64) -> Result<u64> {
    shift_div_floor(base, 32, tokens).ok_or(Error::PriceOutOfRange)
}

/// The largest rate that counts some seconds after one that did: it grows by at most `limit` of itself in a year, in a
/// line. Rounded down.
pub fn grown_floor(rate: u64, limit: Fraction, elapsed: u64) -> u64 {
    // 32 bits each.
    let grown = u64::from(limit.get()).wrapping_mul(elapsed.min(u64::from(u32::MAX)));
    let part = grown.checked_div(Rate::YEAR).unwrap_or(0);
    rate.saturating_add(mul_shift_floor(rate, part, 32).unwrap_or(u64::MAX))
}
