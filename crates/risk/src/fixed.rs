//! Fixed-point primitives with the rounding direction in the name.
//!
//! sBPF has no wide multiply, and a checked 64-bit product costs 25 times an unchecked one; so the operations here
//! are wrapping where a bound (stated at each) makes wrapping impossible.

use crate::units::Fraction;

const LOW32: u64 = 0xffff_ffff;

/// The full product of two words.
#[inline(always)]
const fn product(a: u64, b: u64) -> u128 {
    // Two 64-bit factors: at most (2^64 - 1)^2, which is below 2^128.
    (a as u128).wrapping_mul(b as u128)
}

#[inline(always)]
const fn narrow(x: u128) -> Option<u64> {
    if x >> 64 == 0 {
        #[expect(clippy::cast_possible_truncation, reason = "the upper half was just tested")]
        return Some(x as u64);
    }
    None
}

/// `a * b` for `b <= 2^32`: the product without its low 32 bits, and those. Two 64-bit products instead of a call.
#[inline(always)]
pub const fn half_product(a: u64, b: u64) -> (u64, u64) {
    let low = (a & LOW32).wrapping_mul(b);
    // (2^32 - 1) 2^32 + 2^32 - 1 < 2^64.
    ((a >> 32).wrapping_mul(b).wrapping_add(low >> 32), low & LOW32)
}

/// `floor(a * b / 2^shift)` for `shift < 128`; `None` when it exceeds 64 bits.
#[inline(always)]
pub const fn mul_shift_floor(a: u64, b: u64, shift: u32) -> Option<u64> {
    if b >> 32 == 0 && shift >= 32 && shift < 96 {
        return Some(half_product(a, b).0.wrapping_shr(shift.wrapping_sub(32)));
    }
    narrow(product(a, b).wrapping_shr(shift))
}

/// `ceil(a * b / 2^shift)` for `shift < 64`; `None` when it exceeds 64 bits.
#[inline(always)]
pub const fn mul_shift_ceil(a: u64, b: u64, shift: u32) -> Option<u64> {
    if b >> 32 == 0 && shift >= 32 {
        let (top, rest) = half_product(a, b);
        let places = shift.wrapping_sub(32);
        let floor = top.wrapping_shr(places);
        let exact = rest == 0 && floor.wrapping_shl(places) == top;
        return Some(if exact { floor } else { floor.wrapping_add(1) });
    }
    let rounding = (1u128.wrapping_shl(shift)).wrapping_sub(1);
    // The product is at most 2^128 - 2^65 + 1 and the rounding term below 2^64: no carry out of 128 bits.
    narrow(product(a, b).wrapping_add(rounding).wrapping_shr(shift))
}

/// `a * 2^shift` when it fits 64 bits: a 64-bit division is one instruction, a 128-bit one a library call.
#[inline(always)]
const fn small_shift(a: u64, shift: u32) -> Option<u64> {
    if shift < u64::BITS && a.wrapping_shl(shift).wrapping_shr(shift) == a {
        return Some(a.wrapping_shl(shift));
    }
    None
}

/// `floor(a * 2^shift / divisor)` for `a * 2^shift < 2^128`; `None` when the divisor is 0 or the result exceeds 64 bits.
#[inline(always)]
pub const fn shift_div_floor(a: u64, shift: u32, divisor: u64) -> Option<u64> {
    if let Some(numerator) = small_shift(a, shift) {
        return numerator.checked_div(divisor);
    }
    match (a as u128).wrapping_shl(shift).checked_div(divisor as u128) {
        Some(quotient) => narrow(quotient),
        None => None,
    }
}

/// `ceil(a * 2^shift / divisor)` for `shift < 64`; `None` when the divisor is 0 or the result exceeds 64 bits.
#[inline(always)]
pub const fn shift_div_ceil(a: u64, shift: u32, divisor: u64) -> Option<u64> {
    if let Some(numerator) = small_shift(a, shift)
        && divisor != 0
    {
        return Some(numerator.div_ceil(divisor));
    }
    // a * 2^63 + 2^64 stays below 2^128.
    let rounding = (divisor as u128).saturating_sub(1);
    match (a as u128).wrapping_shl(shift).wrapping_add(rounding).checked_div(divisor as u128) {
        Some(quotient) => narrow(quotient),
        None => None,
    }
}

/// `floor(x * fraction)`. Cannot overflow: the fraction is below one.
#[inline(always)]
pub const fn scale_floor(x: u64, fraction: Fraction) -> u64 {
    let m = fraction.get() as u64;
    let high = (x >> 32).wrapping_mul(m);
    let low = (x & LOW32).wrapping_mul(m) >> 32;
    high.wrapping_add(low)
}

/// `ceil(x * fraction)`, at most one too high, for `x < 2^64 - 1`.
#[inline(always)]
pub const fn scale_ceil(x: u64, fraction: Fraction) -> u64 {
    if x == 0 || fraction.is_zero() {
        return 0;
    }
    scale_floor(x, fraction).wrapping_add(1)
}

/// `floor(a * (1 - weight) + b * weight)`: between `a` and `b`.
#[inline(always)]
pub const fn mix_floor(a: u64, b: u64, weight: Fraction) -> u64 {
    let b_part = weight.get() as u64;
    let a_part = (1u64 << 32).wrapping_sub(b_part);
    // The parts add up to 2^32 and each half word is below it, so neither sum reaches 2^64.
    let high = (a >> 32).wrapping_mul(a_part).wrapping_add((b >> 32).wrapping_mul(b_part));
    let low = (a & LOW32).wrapping_mul(a_part).wrapping_add((b & LOW32).wrapping_mul(b_part));
    high.wrapping_add(low >> 32)
}

/// Number of bits of `x`: 0 for 0, 64 for the largest.
#[inline(always)]
pub const fn bit_length(x: u64) -> u32 {
    u64::BITS.wrapping_sub(x.leading_zeros())
}

/// `floor(a / b)` as a fraction, at most `MAX`; for `b = 0` it is `MAX`.
#[inline(always)]
pub const fn ratio_floor(a: u64, b: u64) -> Fraction {
    match shift_div_floor(a, 32, b) {
        Some(q) if q <= LOW32 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "tested by the guard")]
            Fraction::new(q as u32)
        }
        _ => Fraction::MAX,
    }
}

/// The square root, rounded up.
pub const fn ceil_root(x: u64) -> u64 {
    let root = x.isqrt();
    // root <= 2^32 - 1.
    if root.wrapping_mul(root) == x { root } else { root.wrapping_add(1) }
}
