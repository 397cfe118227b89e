//! The rules that parameters of an asset obey, checked in one place by the program, the client and the tests.

use crate::error::{Error, Result};
use crate::haircut::Depth;
use crate::interest::Curve;
use crate::liquidation::Bonus;
use crate::model::{
    MAX_FACTORS, MAX_LAMBDA, MAX_SCENARIOS, MAX_STRESS_MULTIPLIER, ONE, Sensitivities, TIMES_ONE, Terms,
};
use crate::ramp::MAX_RAMP_SECONDS;
use crate::units::{Fraction, Rate};

/// Haircuts (of deposits) or add-ons (of debts) at the three levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    pub init: Fraction,
    pub target: Fraction,
    pub maint: Fraction,
}

impl Levels {
    const fn ordered(&self) -> bool {
        ordered([self.init.get(), self.target.get(), self.maint.get()])
    }
}

/// `maint <= target <= init`.
const fn ordered([init, target, maint]: [u32; 3]) -> bool {
    maint <= target && target <= init
}

/// The risk parameters of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskParameters {
    pub haircuts: Levels,
    pub addons: Levels,
    pub depth: Depth,
    pub bonus: Bonus,
}

/// Largest bonus: a quarter.
pub const MAX_BONUS: Fraction = Fraction::new(1 << 30);

/// Largest part of a bonus for the reserve: a half. The rest is why anybody comes.
pub const MAX_BONUS_RESERVE: Fraction = Fraction::new(1 << 31);

/// Checks haircuts, add-ons and bonus.
///
/// Besides the order of the levels: as collateral against a debt without add-on, the largest bonus must fit into what
/// the maintenance haircut leaves, `bonus <= haircut / (1 - haircut)`, so that a liquidation at the threshold heals.
///
/// # Errors
/// [`Error::BadRiskParameters`].
pub fn check_risk(parameters: &RiskParameters) -> Result<()> {
    let RiskParameters { haircuts, addons, bonus, .. } = parameters;
    let ordered = haircuts.ordered() && addons.ordered() && bonus.least <= bonus.most;
    let kept = u64::from(haircuts.maint.complement_floor().get());
    // bonus x (1 - haircut) <= haircut; both factors are below 2^32.
    let heals = u64::from(bonus.most.get()).wrapping_mul(kept) >> 32 <= u64::from(haircuts.maint.get());
    if ordered && heals && bonus.most <= MAX_BONUS {
        return Ok(());
    }
    Err(Error::BadRiskParameters)
}

/// Checks a rate curve: from utilisation 0 to full, neither utilisation nor rate ever falling.
///
/// # Errors
/// [`Error::BadRateCurve`].
pub fn check_curve(curve: &Curve) -> Result<()> {
    let mut last = None;
    for point in curve {
        match last {
            None if point.utilisation != Fraction::ZERO => return Err(Error::BadRateCurve),
            Some((utilisation, rate)) if point.utilisation < utilisation || point.rate < rate => {
                return Err(Error::BadRateCurve);
            }
            _ => last = Some((point.utilisation, point.rate)),
        }
    }
    match last {
        Some((utilisation, rate)) if utilisation == Fraction::MAX && rate <= Rate::LIMIT => Ok(()),
        _ => Err(Error::BadRateCurve),
    }
}

/// Oldest price that an asset may accept, in seconds.
pub const MAX_AGE_LIMIT: u32 = 600;
/// Longest averaging time, in seconds (one day).
pub const MAX_AVERAGE_PERIOD: u32 = 86_400;
/// Longest averaging time of the realised variance, in seconds (30 days).
pub const MAX_VARIANCE_PERIOD: u32 = 2_592_000;
/// Largest multiple of the confidence interval, in hundredths.
pub const MAX_CONFIDENCE_MULTIPLE: u16 = 1_000;

/// What several price parameters of an asset must fulfil together; each by itself is in [`crate::table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceParameters {
    /// Oldest price used at `Target` and `Maint`, seconds.
    pub max_age: u32,
    /// At `Init`.
    pub max_age_init: u32,
    /// Prices outside of the band are not believed.
    pub band_low: u64,
    pub band_high: u64,
}

/// # Errors
/// [`Error::BadPriceParameters`].
pub const fn check_price(parameters: &PriceParameters) -> Result<()> {
    if parameters.max_age_init <= parameters.max_age && parameters.band_low <= parameters.band_high {
        return Ok(());
    }
    Err(Error::BadPriceParameters)
}

/// Longest validity of a model without a confirmation, in seconds (a year).
pub const MAX_VALIDITY: u64 = 31_536_000;

/// Shortest grace period of a model, in seconds (a day): who is absent for longer than the validity must not cause a jump.
pub const MIN_GRACE: u64 = 86_400;

/// Checks how long a model is valid and how long its fall-back takes, in seconds.
///
/// # Errors
/// [`Error::BadModel`].
pub fn check_validity(validity: u32, grace: u32) -> Result<()> {
    let validity = (1..=MAX_VALIDITY).contains(&u64::from(validity));
    if validity && (MIN_GRACE..=MAX_RAMP_SECONDS).contains(&u64::from(grace)) {
        return Ok(());
    }
    Err(Error::BadModel)
}

/// Checks the terms of a model by themselves: counts, the order of the levels, ranges.
///
/// Lambda is at least one, so that with `lambda x volatility <= 1` every volatility is at most one, which the bounds of
/// [`crate::portfolio`] rest on.
///
/// # Errors
/// [`Error::BadModel`].
#[inline(never)]
pub fn check_model(terms: &Terms) -> Result<()> {
    let Terms { netting, factors, scenarios, tail, lambdas, multipliers, .. } = *terms;
    let counts = usize::from(factors) <= MAX_FACTORS && usize::from(scenarios) <= MAX_SCENARIOS;
    let [lambda, _, least_lambda] = lambdas;
    let [multiplier, _, _] = multipliers;
    // Without netting there is nothing for factors and lambdas to do.
    let portfolio = if netting {
        ordered(lambdas) && lambda <= MAX_LAMBDA && least_lambda >= TIMES_ONE
    } else {
        factors == 0 && lambdas == [0; 3]
    };
    let stress = ordered(multipliers) && multiplier <= MAX_STRESS_MULTIPLIER;
    let tails = if scenarios == 0 { tail == 0 } else { (1..=scenarios).contains(&tail) };
    if counts && portfolio && stress && tails {
        return Ok(());
    }
    Err(Error::BadModel)
}

/// Checks the coefficients of one asset against the terms of a model: ranges, `lambda x volatility <= 1` and
/// `multiplier x fall <= 1` at `Init`, where both are largest, and nothing for factors and scenarios that the model does
/// not have.
///
/// # Errors
/// [`Error::BadSensitivities`].
#[inline(never)]
pub fn check_sensitivities(terms: &Terms, sensitivities: &Sensitivities) -> Result<()> {
    let Sensitivities { loadings, specific, shocks } = sensitivities;
    let one = u64::from(ONE.unsigned_abs());
    let square = |size: u64| u128::from(size).wrapping_mul(u128::from(size));
    let mut variance = square(u64::from(*specific));
    for loading in loadings {
        // Seven squares of 32-bit numbers.
        variance = variance.wrapping_add(square(u64::from(loading.unsigned_abs())));
    }
    let [lambda, _, _] = terms.lambdas;
    let [multiplier, _, _] = terms.multipliers;
    // (2^-16)^2 x (2^-30)^2 against one: at most 42 + 67 bits.
    let volatility = square(u64::from(lambda)).wrapping_mul(variance) <= 1 << 92 && variance <= square(one);
    let fall = |shock: &i32| u64::from(shock.saturating_neg().max(0).unsigned_abs());
    let stress = shocks.iter().all(|shock| {
        fall(shock) <= one && fall(shock).wrapping_mul(u64::from(multiplier)) <= one.wrapping_mul(u64::from(TIMES_ONE))
    });
    let unused = loadings.iter().skip(usize::from(terms.factors)).all(|loading| *loading == 0)
        && shocks.iter().skip(usize::from(terms.scenarios)).all(|shock| *shock == 0)
        && (terms.netting || *specific == 0);
    if volatility && stress && unused {
        return Ok(());
    }
    Err(Error::BadSensitivities)
}
