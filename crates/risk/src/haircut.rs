//! The size-dependent haircut requirement of one position (risk-model 3.1).
//!
//! Selling `V` dollars of an asset of liquidity depth `L` moves its price by about `V / L`, so the requirement grows
//! with the square of the size. The marginal haircut is capped at one: another unit never costs more than it is worth.

use crate::fixed::{bit_length, scale_ceil, scale_floor, shift_div_ceil};
use crate::health::Side;
use crate::ramp::Ramp;
use crate::units::{Fraction, MAX_VALUE, Usd};

/// Liquidity depth in micro-dollars with its reciprocal, so that nobody divides by it. Zero turns the size part off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    value: u64,
    /// `2^(31 + bits) / value` rounded up, less one: in `[2^31, 2^32)`.
    reciprocal: u32,
    /// `bits - 33` where `bits` is the bit length of the value.
    shift: u8,
}

/// Smallest depth that is not "off": about 8,600 dollars. Keeps the shift of the reciprocal non-negative.
pub const MIN_DEPTH: Usd = Usd::new(1 << 33);

impl Depth {
    /// No size-dependent part.
    pub const OFF: Self = Self { value: 0, reciprocal: 0, shift: 0 };

    /// `None` unless the depth is zero (off) or within [`MIN_DEPTH`] and [`MAX_VALUE`].
    pub fn new(depth: Usd) -> Option<Self> {
        let value = depth.get();
        if value == 0 {
            return Some(Self::OFF);
        }
        if depth < MIN_DEPTH || value >= MAX_VALUE {
            return None;
        }
        let bits = bit_length(value);
        // 2^(31 + bits) / value is in (2^31, 2^32]. The numerator is written as 2^31 * 2^bits.
        let reciprocal = shift_div_ceil(1 << 31, bits, value)?;
        let reciprocal = u32::try_from(reciprocal.saturating_sub(1)).ok()?;
        Some(Self { value, reciprocal, shift: u8::try_from(bits.saturating_sub(33)).ok()? })
    }

    /// A depth from its stored parts, as [`Depth::new`] made them.
    #[inline(always)]
    pub const fn from_parts(value: u64, reciprocal: u32, shift: u8) -> Self {
        Self { value, reciprocal, shift }
    }

    pub const fn parts(self) -> (u64, u32, u8) {
        (self.value, self.reciprocal, self.shift)
    }

    /// The depth inside of a window: its reciprocal, and with it the cost of size, is on the straight line from the one
    /// before to the one after; off counts as a reciprocal of zero. Rounded down, between both and below [`MAX_VALUE`], so
    /// that the cost is never too small: next to off it is at most that of the deepest depth there is. `before` until the
    /// window starts, `after` from its end on.
    #[inline(always)]
    pub fn ramped(before: Self, after: Self, ramp: Ramp, now: u64) -> Self {
        if ramp.over(now) {
            return after;
        }
        Self::inside_floor(before, after, ramp, now)
    }

    /// Out of line: most of the time no depth changes.
    #[inline(never)]
    fn inside_floor(before: Self, after: Self, ramp: Ramp, now: u64) -> Self {
        let (start, end, _) = ramp.parts();
        if now <= start || before.value == after.value {
            return before;
        }
        let (before_part, after_part) = (end.saturating_sub(now), now.saturating_sub(start));
        let (before, after) = ((before, before_part), (after, after_part));
        // Off is the deepest: zero less one is the largest number.
        let (small, large) = if before.0.value.wrapping_sub(1) < after.0.value.wrapping_sub(1) {
            (before, after)
        } else {
            (after, before)
        };
        harmonic_floor((small.0.value, small.1), (large.0.value, large.1))
            .and_then(|value| Self::new(Usd::new(value.min(MAX_VALUE.wrapping_sub(1)))))
            .unwrap_or(small.0)
    }

    /// `value / depth` in 2^-32, rounded up; more than 32 bits when the value exceeds the depth. 0 when off.
    ///
    /// The stored reciprocal is below the exact one by at most 2^-31 of it: for `value < 2^56` and a ratio of at most
    /// one that is less than 2 units of 2^-32; for larger ratios it is `ratio x 2^-31`, taken as a whole here.
    #[inline(always)]
    pub fn ratio_ceil(self, value: u64) -> u64 {
        if self.reciprocal == 0 {
            return 0;
        }
        let reciprocal = u64::from(self.reciprocal);
        // value < 2^56: the parts are below 2^24 * 2^32 and 2^32.
        let low = (value & 0xffff_ffff).wrapping_mul(reciprocal) >> 32;
        let top = (value >> 32).wrapping_mul(reciprocal).wrapping_add(low);
        // ratio = value * exact / 2^(bits - 1); the product above carries 2^-32 and `shift` is bits - 33.
        let ratio = top.wrapping_shr(u32::from(self.shift));
        ratio.wrapping_add(ratio >> 31).wrapping_add(3)
    }
}

/// What a deposit of a value counts after its haircut, rounded down: `V - hair(V)`. Never more for a larger haircut.
///
/// As the value grows, the exact function never falls. This one is short of it by up to 4 x 2^-32 of the value and 3
/// units, and may fall by 2^-32 of the value and a unit where the rounded ratio `V / L` steps up.
/// The value is below [`MAX_VALUE`].
#[inline(always)]
pub fn collateral_floor(value: u64, haircut: Fraction, depth: Depth) -> u64 {
    collateral_at_floor(value, haircut, depth, depth.ratio_ceil(value))
}

/// [`collateral_floor`] for whoever has [`Depth::ratio_ceil`] of the value already.
#[inline(always)]
pub fn collateral_at_floor(value: u64, haircut: Fraction, depth: Depth, ratio: u64) -> u64 {
    let kept = haircut.complement_floor();
    let linear = u64::from(kept.get());
    if ratio.wrapping_mul(2) < linear {
        // ratio < 2^31 here, so the difference is a fraction.
        let net = Fraction::new(kept.get().wrapping_sub(low_word(ratio)));
        return scale_floor(value, net);
    }
    // The marginal haircut has reached one: what is kept stays at its maximum, (1 - h)^2 L / 4.
    // The ratio is at most a few 2^-32 too high, so the exact cap may lie a little above this value; there the curve
    // is flat: the difference is (3 * 2^-32)^2 L, less than the one taken off.
    let peak = scale_floor(scale_floor(depth.value, kept), kept) >> 2;
    // Close to the cap the rounded ratio is felt: what a slightly smaller haircut would leave, is the most there, so
    // that the levels stay in order.
    let edge = scale_floor(value, u32::try_from(ratio).map_or(Fraction::MAX, Fraction::new));
    peak.saturating_sub(1).min(edge)
}

/// The weighted harmonic mean of a depth and of a larger one, or of zero, which stands for an infinite one; rounded down.
/// Each has its weight beside it, in seconds. `None` without any weight.
fn harmonic_floor(small: (u64, u64), large: (u64, u64)) -> Option<u64> {
    let [(small, small_weight), (large, large_weight)] =
        [small, large].map(|(depth, weight)| (u128::from(depth), u128::from(weight)));
    let mean = if large == 0 {
        small.wrapping_mul(small_weight.wrapping_add(large_weight)).checked_div(small_weight)?
    } else {
        // small + small (large - small) large_weight / divisor: a product of 136 bits, so the quotient comes first.
        let divisor = small.wrapping_mul(large_weight).wrapping_add(large.wrapping_mul(small_weight));
        let product = small.wrapping_mul(large.wrapping_sub(small));
        let whole = product.checked_div(divisor)?.wrapping_mul(large_weight);
        // A rest of 81 bits, times 24.
        let part = product.checked_rem(divisor)?.wrapping_mul(large_weight).checked_div(divisor)?;
        small.wrapping_add(whole).wrapping_add(part)
    };
    Some(u64::try_from(mean).unwrap_or(u64::MAX))
}

/// What a debt requires beyond its value, rounded up: `V g + V^2 / L`, saturating. The value is below [`MAX_VALUE`].
#[inline(always)]
pub fn debt_addon_ceil(value: u64, addon: Fraction, depth: Depth) -> u64 {
    debt_addon_at_ceil(value, addon, depth.ratio_ceil(value))
}

/// [`debt_addon_ceil`] for whoever has [`Depth::ratio_ceil`] of the value already.
#[inline(always)]
pub fn debt_addon_at_ceil(value: u64, addon: Fraction, ratio: u64) -> u64 {
    let rate = ratio.wrapping_add(u64::from(addon.get()));
    if rate >> 32 == 0 {
        return scale_ceil(value, Fraction::new(low_word(rate)));
    }
    // The debt is larger than the depth: rare and expensive.
    let product = u128::from(value).wrapping_mul(u128::from(rate)) >> 32;
    u64::try_from(product).unwrap_or(u64::MAX).saturating_add(1)
}

/// What selling a deposit or buying back a debt of this size costs by itself, rounded up, saturating: the haircut or add-on
/// without its linear part. Correlation saves nothing of it.
#[inline(always)]
pub fn size_cost_ceil(value: u64, side: Side, depth: Depth) -> u64 {
    size_cost_at_ceil(value, side, depth, depth.ratio_ceil(value))
}

/// [`size_cost_ceil`] for whoever has [`Depth::ratio_ceil`] of the value already.
#[inline(always)]
pub fn size_cost_at_ceil(value: u64, side: Side, depth: Depth, ratio: u64) -> u64 {
    if ratio >> 31 == 0 {
        // Up to half of the depth both sides cost the same.
        return scale_ceil(value, Fraction::new(low_word(ratio)));
    }
    match side {
        Side::Deposit => value.wrapping_sub(collateral_at_floor(value, Fraction::ZERO, depth, ratio)),
        Side::Debt => debt_addon_at_ceil(value, Fraction::ZERO, ratio),
    }
}

/// The rate at which [`debt_addon_ceil`] grows with the debt, in 2^-32, rounded up.
pub fn marginal_addon_ceil(value: u64, addon: Fraction, depth: Depth) -> u64 {
    depth.ratio_ceil(value).saturating_mul(2).saturating_add(u64::from(addon.get()))
}

/// The rate at which the haircut grows with the deposit, in 2^-32, rounded up, at most one.
pub fn marginal_haircut_ceil(value: u64, haircut: Fraction, depth: Depth) -> u64 {
    let rate = depth.ratio_ceil(value).saturating_mul(2).saturating_add(u64::from(haircut.get()));
    rate.saturating_add(1).min(1 << 32)
}

#[inline(always)]
const fn low_word(x: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "callers pass values below 2^32")]
    {
        x as u32
    }
}
