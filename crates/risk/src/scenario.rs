//! The stress requirement (risk-model 3.3): what the vault loses in the worst of several joint scenarios.

use crate::exposure::{Exposures, units_ceil};
use crate::model::{MAX_SCENARIOS, Measure};

/// What the worst scenarios cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Sum over the worst `tail` scenarios, in units; not below zero.
    pub sum: u64,
    /// How many of them: a divisor that nobody divides by.
    pub tail: u8,
    /// Which one is the worst.
    pub worst: u8,
    /// One bit for each scenario in the sum.
    pub counted: u8,
}

/// Loss by scenario in units, rounded up; a gain is negative. Scenarios not in use have shocks of zero.
#[inline(always)]
pub fn losses_ceil(exposures: &Exposures, measure: &Measure) -> [i64; MAX_SCENARIOS] {
    let [a, b, c, d] = exposures.project::<8, 4>(measure.version);
    let [e, f, g, h] = if measure.scenarios > 4 { exposures.project::<12, 4>(measure.version) } else { [0; 4] };
    of_sums_ceil([a, b, c, d, e, f, g, h])
}

/// The same from the sums of shock times exposure.
#[inline(always)]
pub fn of_sums_ceil(sums: [i64; MAX_SCENARIOS]) -> [i64; MAX_SCENARIOS] {
    sums.map(|sum| units_ceil(sum.wrapping_neg()))
}

/// The worst of the scenarios in use, or several for a mean.
#[inline(always)]
pub fn worst(mut losses: [i64; MAX_SCENARIOS], measure: &Measure) -> Losses {
    let mut sum = 0i64;
    let mut first = None;
    let mut counted = 0u8;
    for _ in 0..measure.tail {
        let mut top = (0u8, i64::MIN);
        for (at, loss) in (0u8..).zip(losses.iter().take(usize::from(measure.scenarios))) {
            if *loss > top.1 {
                top = (at, *loss);
            }
        }
        // Eight numbers of 34 bits.
        sum = sum.wrapping_add(top.1);
        first = first.or(Some(top.0));
        counted |= 1u8.wrapping_shl(u32::from(top.0));
        if let Some(loss) = losses.get_mut(usize::from(top.0)) {
            *loss = i64::MIN;
        }
    }
    Losses { sum: u64::try_from(sum).unwrap_or(0), tail: measure.tail, worst: first.unwrap_or(0), counted }
}

impl Losses {
    /// The loss times the multiplier of the level, in 2^-16 of a unit, still to be divided by `tail`.
    ///
    /// 36 and 19 bits.
    #[inline(always)]
    pub const fn multiplied(&self, multiplier: u32) -> u64 {
        self.sum.wrapping_mul(multiplier as u64)
    }
}
