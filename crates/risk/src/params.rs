//! The rules that parameters of an asset obey, checked in one place by the program, the client and the tests.

use crate::error::{Error, Result};
use crate::haircut::Depth;
use crate::interest::Curve;
use crate::liquidation::Bonus;
use crate::units::{Fraction, Rate};

/// Haircuts (of deposits) or add-ons (of debts) at the three levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    pub init: Fraction,
    pub target: Fraction,
    pub maint: Fraction,
}

impl Levels {
    fn ordered(&self) -> bool {
        self.maint <= self.target && self.target <= self.init
    }
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
/// Largest multiple of the confidence interval, in hundredths.
pub const MAX_CONFIDENCE_MULTIPLE: u16 = 1_000;

/// Checks what an asset asks of its prices: largest age and averaging time in seconds, confidence multiple in hundredths.
///
/// # Errors
/// [`Error::BadPriceParameters`].
pub fn check_price(max_age: u32, average_period: u32, confidence_multiple: u16) -> Result<()> {
    let age = (1..=MAX_AGE_LIMIT).contains(&max_age);
    let period = (1..=MAX_AVERAGE_PERIOD).contains(&average_period);
    if age && period && (100..=MAX_CONFIDENCE_MULTIPLE).contains(&confidence_multiple) {
        return Ok(());
    }
    Err(Error::BadPriceParameters)
}
