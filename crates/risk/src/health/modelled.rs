//! What factors and scenarios require of a vault (risk-model 3.2 and 3.3), by one model or, while one phases in, by two.

use crate::exposure::Exposures;
use crate::fixed::scale_ceil;
use crate::model::{MAX_SCENARIOS, Measure, Rules, Version};
use crate::scenario::Losses;
use crate::units::Fraction;
use crate::{portfolio, scenario};

/// Where the scenarios of the second model are numbered from.
const SECOND: u8 = 8;
const _: () = assert!(MAX_SCENARIOS == 8);

/// What factors and scenarios ask of a vault. A unit is `2^shift` micro-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modelled {
    pub shift: u32,
    /// Sum of the exposures, in units, each rounded down.
    pub equity: i64,
    /// `P^2` in square units, rounded up, saturating. Of two models the larger one.
    pub squared: u64,
    /// `S x tail` in 2^-16 of a unit, rounded up. Of two models the one with the larger `S`.
    pub loss: u64,
    /// How many worst scenarios `loss` adds up.
    pub tail: u8,
    /// The worst scenario; [`MAX_SCENARIOS`] more where `loss` is that of the model that phases in.
    pub worst: u8,
}

impl Modelled {
    /// `E >= P` and `E >= S`.
    #[inline(always)]
    pub(super) fn passes(&self) -> bool {
        if self.squared == 0 && self.loss == 0 {
            return true;
        }
        let Ok(equity) = u64::try_from(self.equity) else { return false };
        // At most 2^31 + 32: its square is below 2^63, and times 8 x 2^16 below 2^51.
        equity.wrapping_mul(equity) >= self.squared
            && equity.wrapping_mul(u64::from(self.tail)).wrapping_shl(16) >= self.loss
    }

    /// What counts of it while its model phases in, rounded up.
    fn part_ceil(self, progress: Fraction) -> Self {
        if progress == Fraction::MAX {
            return self;
        }
        let part = |whole| scale_ceil(whole, progress);
        // `P` grows with the progress, so its square with the square of that.
        Self { squared: part(part(self.squared)), loss: part(self.loss), ..self }
    }

    /// The larger requirement of each kind, of equal ones the own one. `S` is compared without a division.
    fn or_larger(self, second: Self) -> Self {
        let squared = self.squared.max(second.squared);
        let times = |loss: u64, tail: u8| loss.wrapping_mul(u64::from(tail.max(1)));
        // 55 bits times at most 8.
        if times(second.loss, self.tail) > times(self.loss, second.tail) {
            Self { squared, worst: second.worst.wrapping_add(SECOND), ..second }
        } else {
            Self { squared, ..self }
        }
    }
}

/// The part of factors and scenarios, from exposures that are scaled. What levels have in common is computed once.
#[inline(always)]
pub(super) fn modelled<const N: usize>(exposures: &mut Exposures, rules: &[Rules; N]) -> [Modelled; N] {
    let mut results = [Modelled::default(); N];
    let Some(Rules { first: common, .. }) = rules.first() else { return results };
    if common.version == Version::Previous {
        // What is handed on has to be in memory: a copy, so that the rules of the usual case need not be.
        let handed_on = *rules;
        during_a_change(exposures, &handed_on, &mut results);
        return results;
    }
    let mut variance = 0;
    if common.netting {
        let sums = portfolio::factor_sums(exposures, common);
        variance = portfolio::variance_ceil(exposures.specific(common.version), &sums);
    }
    let mut losses = Losses::default();
    if common.scenarios > 0 {
        losses = scenario::worst(scenario::losses_ceil(exposures, common), common);
    }
    for (result, rules) in results.iter_mut().zip(rules) {
        *result = of_level(exposures, &rules.first, (variance, losses));
    }
    results
}

/// The same by the model that is being replaced and the one that phases in. Out of line and for any number of levels: this
/// is seldom.
#[inline(never)]
fn during_a_change(exposures: &mut Exposures, rules: &[Rules], results: &mut [Modelled]) {
    exposures.add_previous();
    let common = |measure: &Measure| {
        let (factors, sums) = exposures.project_all(measure);
        let variance = portfolio::variance_ceil(exposures.specific(measure.version), &factors);
        (variance, scenario::worst(scenario::of_sums_ceil(sums), measure))
    };
    let first = rules.first().map(|rules| common(&rules.first)).unwrap_or_default();
    let second = rules.iter().find_map(|rules| rules.second.as_ref()).map(common).unwrap_or_default();
    for (result, rules) in results.iter_mut().zip(rules) {
        *result = of_level(exposures, &rules.first, first);
        if let Some(measure) = &rules.second {
            *result = result.or_larger(of_level(exposures, measure, second).part_ceil(measure.progress));
        }
    }
}

#[inline(always)]
fn of_level(exposures: &Exposures, measure: &Measure, (variance, losses): (u64, Losses)) -> Modelled {
    Modelled {
        shift: exposures.shift(),
        equity: exposures.equity(),
        squared: portfolio::squared_ceil(variance, measure.lambda),
        loss: losses.multiplied(measure.multiplier),
        tail: losses.tail,
        worst: losses.worst,
    }
}
