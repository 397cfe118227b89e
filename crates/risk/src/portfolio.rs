//! The portfolio requirement (risk-model 3.2): `P = lambda x sqrt(Q)`, `Q = sum_f x_f^2 + sum_i (s_i e_i)^2`.
//!
//! It costs one product per position and factor, and is compared as squares: no covariance matrix, no root.

use crate::exposure::{Exposures, size_ceil};
use crate::fixed::mul_shift_ceil;
use crate::model::{MAX_FACTORS, Measure};

/// The factor sums of a vault, in 2^-30 of a unit. Factors not in use have loadings of zero.
#[inline(always)]
pub fn factor_sums(exposures: &Exposures, measure: &Measure) -> [i64; MAX_FACTORS] {
    // In blocks that fit the registers of the machine; five and more factors take the second one.
    let [a, b, c, d] = exposures.project::<0, 4>(measure.version);
    let [e, f] = if measure.factors > 4 { exposures.project::<4, 2>(measure.version) } else { [0, 0] };
    [a, b, c, d, e, f]
}

/// `Q` in square units, rounded up, from the specific squares and the factor sums.
///
/// With every volatility at most one, the exact sum is at most the square of the gross exposure, 2^31 + 32 units; the
/// rounding of up to 38 terms adds less than 7 to its root. So it is below 2^63.
#[inline(always)]
pub fn variance_ceil(specific: u64, sums: &[i64; MAX_FACTORS]) -> u64 {
    let mut variance = specific;
    for sum in sums {
        let size = size_ceil(*sum);
        variance = variance.wrapping_add(size.wrapping_mul(size));
    }
    variance
}

/// `lambda^2 x Q` in square units, rounded up, saturating. `lambda` is in 2^-16 and at most 2^20.
#[inline(always)]
pub fn squared_ceil(variance: u64, lambda: u32) -> u64 {
    let lambda = u64::from(lambda);
    mul_shift_ceil(variance, lambda.wrapping_mul(lambda), 32).unwrap_or(u64::MAX)
}
