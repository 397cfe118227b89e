//! Sizing a liquidation: one debt against one collateral (risk-model 5).
//!
//! [`preview`] is both the preview and the execution: the program moves exactly what it returns.
//!
//! Let `x` be the value repaid. It lowers the debt by `x`, the collateral by `(1 + b) x`, and moves the distance to the
//! target, `R_target - E`, by the marginal haircut and add-on of the two positions. That distance is convex in `x`, so
//! Newton's steps from 0 approach the root from below: a liquidation never goes past the target.

use crate::error::{Error, Result};
use crate::fixed::{mul_shift_ceil, ratio_floor, scale_floor, shift_div_ceil, shift_div_floor};
use crate::haircut::{Depth, collateral_floor, debt_addon_ceil, marginal_addon_ceil, marginal_haircut_ceil};
use crate::health::Health;
use crate::price::Price;
use crate::units::{Amount, Fraction, Usd};

const ONE: u64 = 1 << 32;
/// Steps of Newton's method. Each leaves a quarter of the distance at most (the distance is a parabola below the cap of
/// the haircut, and a double root its worst case), usually it squares the relative error.
const STEPS: u32 = 3;

/// The liquidation bonus as a function of the shortfall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bonus {
    pub least: Fraction,
    pub most: Fraction,
    /// Added per unit of `1 - E / R_maint`, in 2^-32.
    pub slope: Fraction,
}

impl Bonus {
    /// `clamp(least + slope x (1 - E / R_maint), least, most)`, rounded down.
    pub fn at(&self, maint: &Health) -> Fraction {
        let equity = u64::try_from(maint.equity()).unwrap_or(0);
        let margin = ratio_floor(equity, maint.requirement.get());
        let extra = scale_floor(u64::from(self.slope.get()), margin.complement_floor());
        let bonus = u64::from(self.least.get()).wrapping_add(extra).min(u64::from(self.most.get()));
        Fraction::new(u32::try_from(bonus).unwrap_or(u32::MAX))
    }
}

/// One side of the pair: what the vault has or owes of an asset, valued at the `Maint` price.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    pub amount: Amount,
    /// Value as the health check counts it.
    pub value: Usd,
    pub price: Price,
    /// Haircut (collateral) or add-on (debt) at `Target`.
    pub haircut: Fraction,
    pub depth: Depth,
}

/// What a liquidation starts from.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub maint: Health,
    pub target: Health,
    pub debt: Leg,
    pub collateral: Leg,
    pub bonus: Bonus,
    /// A debt left smaller than this is closed whole, if the liquidator pays for it and the collateral covers it.
    pub dust: Usd,
    /// The most that the liquidator pays.
    pub most: Amount,
}

/// What moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// From the liquidator into the pool of the debt.
    pub repay: Amount,
    /// From the vault's deposit to the liquidator.
    pub seize: Amount,
    /// Value of the repayment, rounded down.
    pub repaid_value: Usd,
    /// Value of what is seized, rounded down: at most `repaid_value x (1 + bonus)`.
    pub seized_value: Usd,
    pub bonus: Fraction,
}

/// How much is repaid and seized.
///
/// # Errors
/// [`Error::Healthy`] when `E >= R_maint`; [`Error::LiquidationTooSmall`] when nothing would move.
pub fn preview(request: &Request) -> Result<Liquidation> {
    if request.maint.passes() {
        return Err(Error::Healthy);
    }
    let bonus = capped(request.bonus.at(&request.maint), &request.debt, &request.collateral);
    let repay = repayment(request, bonus, depth_of(request, bonus));
    let (repay, seize) = match pay(request, bonus, repay)? {
        Payment::Within(seize) => (repay, seize),
        Payment::Beyond => {
            // The collateral is the limit: all of it, for the repayment that its value stands for.
            let value = request.collateral.price.value_floor(request.collateral.amount)?;
            let value = Usd::new(value.get().wrapping_add(1));
            let cost = shift_div_ceil(value.get(), 32, ONE.wrapping_add(u64::from(bonus.get())));
            let cost = Usd::new(cost.ok_or(Error::ValueOutOfRange)?.wrapping_add(1));
            (request.debt.price.amount_ceil(cost).min(repay), request.collateral.amount)
        }
    };
    if repay.is_zero() || seize.is_zero() {
        return Err(Error::LiquidationTooSmall);
    }
    let seized_value = request.collateral.price.value_floor(seize)?;
    Ok(Liquidation { repay, seize, repaid_value: request.debt.price.value_floor(repay)?, seized_value, bonus })
}

/// The bonus, but never so large that `E - R_target` gets worse: `b <= (h + g) / (1 - h)` with the linear parts alone.
fn capped(bonus: Fraction, debt: &Leg, collateral: &Leg) -> Fraction {
    let gain = u64::from(collateral.haircut.get()).wrapping_add(u64::from(debt.haircut.get()));
    let kept = ONE.saturating_sub(u64::from(collateral.haircut.get()));
    bonus.min(ratio_floor(gain, kept))
}

/// The value to repay so that the vault comes up to its target, not beyond.
fn depth_of(request: &Request, bonus: Fraction) -> Usd {
    let (debt, collateral) = (&request.debt, &request.collateral);
    let mut value = 0u64;
    for _ in 0..STEPS {
        let owed = debt.value.get().saturating_sub(value);
        let taken = grown_ceil(value, bonus);
        let held = collateral.value.get().saturating_sub(taken);
        let Some(missing) = distance_floor(request, value, held, owed) else { break };
        // The distance falls by haircut x (1 + b) + add-on - b for each unit repaid.
        let haircut = marginal_haircut_ceil(held, collateral.haircut, collateral.depth);
        let relief = haircut
            .saturating_add(mul_shift_ceil(haircut, u64::from(bonus.get()), 32).unwrap_or(u64::MAX))
            .saturating_add(marginal_addon_ceil(owed, debt.haircut, debt.depth))
            .saturating_sub(u64::from(bonus.get()));
        let step = shift_div_floor(missing, 32, relief).unwrap_or(u64::MAX);
        value = value.saturating_add(step);
        if value >= debt.value.get() || step == 0 {
            break;
        }
    }
    Usd::new(value.min(debt.value.get()))
}

/// `R_target - E` after repaying `value`, with `held` and `owed` left of the pair, rounded down; `None` when the target is reached.
fn distance_floor(request: &Request, value: u64, held: u64, owed: u64) -> Option<u64> {
    let (debt, collateral) = (&request.debt, &request.collateral);
    let counted = |v: u64| i128::from(collateral_floor(v, collateral.haircut, collateral.depth));
    let required = |v: u64| i128::from(debt_addon_ceil(v, debt.haircut, debt.depth));
    let before = i128::from(request.target.requirement.get()).wrapping_sub(i128::from(request.target.equity()));
    // What the vault loses counted collateral, less what it owes less. Sums of a few 64-bit numbers.
    let lost = counted(collateral.value.get()).wrapping_sub(counted(held));
    let eased = required(debt.value.get()).wrapping_sub(required(owed)).wrapping_add(i128::from(value));
    let after = before.wrapping_add(lost).wrapping_sub(eased);
    u64::try_from(after).ok().filter(|missing| *missing > 0)
}

/// The tokens for a repayment of a value: the whole debt when what is left would be dust and it can be closed, which takes
/// a liquidator who pays for all of it and collateral that covers it. Otherwise dust is no reason to go past the target.
fn repayment(request: &Request, bonus: Fraction, value: Usd) -> Amount {
    let debt = &request.debt;
    let closes = debt.value.minus_or_zero(value) < request.dust
        && request.most >= debt.amount
        && matches!(pay(request, bonus, debt.amount), Ok(Payment::Within(_)));
    let wanted =
        if closes || value >= debt.value { debt.amount } else { debt.price.amount_floor(value).min(debt.amount) };
    request.most.min(wanted)
}

enum Payment {
    Within(Amount),
    Beyond,
}

/// What a repayment buys of the collateral.
fn pay(request: &Request, bonus: Fraction, repay: Amount) -> Result<Payment> {
    let value = request.debt.price.value_floor(repay)?;
    let seized = value.get().wrapping_add(scale_floor(value.get(), bonus));
    let seize = request.collateral.price.amount_floor(Usd::new(seized));
    // All of it is beyond as well: an amount that saturates says no more than "at least so many".
    Ok(if seize >= request.collateral.amount { Payment::Beyond } else { Payment::Within(seize) })
}

/// `value x (1 + bonus)`, rounded up.
fn grown_ceil(value: u64, bonus: Fraction) -> u64 {
    value.saturating_add(scale_floor(value, bonus)).saturating_add(u64::from(value != 0))
}
