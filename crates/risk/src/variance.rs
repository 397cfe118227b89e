//! Realised variance of a price, and the volatility multiplier that it makes (risk-model 3.1, `m_i`).
//!
//! The variance is kept per second, in 2^-64, as an exponentially weighted average that every accepted price renews.

use crate::fixed::{scale_floor, shift_div_ceil};
use crate::price::{Price, average_weight};
use crate::units::Fraction;

/// A volatility multiplier of one. Multipliers are in 2^-16.
pub const MULTIPLIER_ONE: u32 = 1 << 16;
/// Largest volatility multiplier: 16.
pub const MAX_MULTIPLIER: u32 = 16 << 16;

/// `|new - old| / old`, rounded up, at most [`Fraction::MAX`].
pub fn moved_ceil(old: Price, new: Price) -> Fraction {
    if old == new {
        return Fraction::ZERO;
    }
    let (old, new) = old.words(new);
    // One more for what the words lack. A word has 32 bits, so a smaller gap can be shifted, and the quotient fits.
    let gap = old.abs_diff(new).wrapping_add(1);
    if gap >= old {
        return Fraction::MAX;
    }
    Fraction::new(u32::try_from(gap.wrapping_shl(32).div_ceil(old)).unwrap_or(u32::MAX))
}

/// The variance per second after a price moved by `moved` within `elapsed` seconds, averaged over `period` seconds:
/// `variance x (1 - elapsed / period) + moved^2 / period`, from a whole period on `moved^2 / elapsed`. Rounded up.
pub fn renewed_ceil(variance: u64, moved: Fraction, elapsed: u64, period: u32) -> u64 {
    // A product of two 32-bit numbers.
    let square = u64::from(moved.get()).wrapping_mul(u64::from(moved.get()));
    if elapsed >= u64::from(period) {
        return square.div_ceil(elapsed.max(1));
    }
    // elapsed < period, so the period is not zero.
    let forgotten = scale_floor(variance, average_weight(elapsed, period));
    variance.saturating_sub(forgotten).saturating_add(square.div_ceil(u64::from(period).max(1)))
}

/// `clamp(realised / calibrated, 1, most)` in 2^-16, rounded up. A calibrated variance of zero turns it off.
pub fn multiplier_ceil(realised: u64, calibrated: u64, most: u32) -> u32 {
    if realised <= calibrated || calibrated == 0 {
        return MULTIPLIER_ONE;
    }
    match shift_div_ceil(realised, 16, calibrated) {
        Some(ratio) => u32::try_from(ratio).unwrap_or(u32::MAX).min(most).max(MULTIPLIER_ONE),
        None => most.max(MULTIPLIER_ONE),
    }
}

/// A haircut or add-on times a multiplier of at most [`MAX_MULTIPLIER`], rounded up, at most [`Fraction::MAX`].
#[inline(always)]
pub fn multiplied_ceil(part: Fraction, multiplier: u32) -> Fraction {
    // 32 and 21 bits.
    let product = u64::from(part.get()).wrapping_mul(u64::from(multiplier)).wrapping_add(0xffff) >> 16;
    Fraction::new(u32::try_from(product).unwrap_or(u32::MAX))
}
