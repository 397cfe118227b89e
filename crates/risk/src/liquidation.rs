//! Sizing a liquidation: one debt against one collateral (risk-model 5).
//!
//! [`preview`] is both the preview and the execution: the program moves exactly what it returns. How deep it goes is
//! decided in [`crate::sizing`]. [`best_first`] asks it about all pairs of a vault.

mod choice;

pub use choice::{Choice, MAX_PAIRS, Owed, Pledged, Start, best_first};

use crate::error::{Error, Result};
use crate::exposure::Exposures;
use crate::fixed::{mul_shift_ceil, ratio_floor, scale_floor, shift_div_ceil, shift_div_floor};
use crate::haircut::Depth;
use crate::health::Health;
use crate::model::{Coefficients, Rules};
use crate::price::Price;
use crate::sizing::Sizing;
use crate::units::{Amount, Fraction, Usd};

const ONE: u64 = 1 << 32;

/// The liquidation bonus as a function of the shortfall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bonus {
    pub least: Fraction,
    pub most: Fraction,
    /// Added per unit of `1 - E / R_maint`, in 2^-32.
    pub slope: Fraction,
}

impl Bonus {
    /// `clamp(least + slope x (1 - E / R_maint), least, most)`, and above `least` no more than `E / D`, rounded down.
    ///
    /// With `b <= E / D` the collateral pays for all of the debt, `(1 + b) D <= C`: a liquidation to the end leaves no bad
    /// debt. Below `least` nobody would come.
    pub fn at(&self, shortfall: &Shortfall) -> Fraction {
        let extra = scale_floor(u64::from(self.slope.get()), shortfall.margin.complement_floor());
        let bonus = u64::from(self.least.get()).wrapping_add(extra).min(u64::from(self.most.get()));
        let bonus = Fraction::new(u32::try_from(bonus).unwrap_or(u32::MAX));
        bonus.min(shortfall.cover.max(self.least))
    }
}

/// What a bonus depends on of the health of a vault. It can be kept, so that several steps pay by the state before the
/// first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// `E / R_maint`, rounded down, at most one.
    pub margin: Fraction,
    /// `E / D`, rounded down, at most one.
    pub cover: Fraction,
}

impl Shortfall {
    /// Zero where the debts are worth more than the assets.
    pub fn of(maint: &Health) -> Self {
        let equity = u64::try_from(maint.equity()).unwrap_or(0);
        Self { margin: ratio_floor(equity, maint.requirement().get()), cover: ratio_floor(equity, maint.debts.get()) }
    }
}

/// One side of the pair: what the vault has or owes of an asset, valued at the `Maint` price.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    pub amount: Amount,
    /// Value as the health check counts it.
    pub value: Usd,
    pub price: Price,
    /// Haircut (collateral) or add-on (debt) at `Target`.
    pub haircut: Fraction,
    /// The same at `Maint`.
    pub maint_haircut: Fraction,
    pub depth: Depth,
    pub columns: &'a Coefficients,
}

/// What a liquidation takes from the model of a market.
#[derive(Clone, Copy, Debug)]
pub struct Modelling<'a> {
    pub target: &'a Rules,
    pub maint: &'a Rules,
    /// At spot prices, scaled.
    pub exposures: &'a Exposures<'a>,
}

/// What a liquidation starts from.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub maint: Health,
    pub target: Health,
    /// In a market with netting or scenarios.
    pub model: Option<Modelling<'a>>,
    pub debt: Leg<'a>,
    pub collateral: Leg<'a>,
    pub bonus: Bonus,
    /// The part of the bonus that the liquidator passes on to the reserve of the debt asset.
    pub reserve_share: Fraction,
    /// Where less than this would be left of the debt, or of the collateral beside a debt, a liquidation goes on to the end of
    /// one of them, if the liquidator pays for it.
    pub dust: Usd,
    /// The most that the liquidator pays, with what goes to the reserve.
    pub most: Amount,
}

/// What moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Liquidation {
    /// From the liquidator into the pool of the debt.
    pub repay: Amount,
    /// From the liquidator to the reserve of the debt asset, on top: it cancels no debt. In native units of the debt.
    pub to_reserve: Amount,
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
    let sizing = Sizing::new(request);
    let bonus = sizing.bonus();
    let sizing = sizing.at(bonus);
    let reserve = Reserve::new(bonus, request.reserve_share);
    let most = reserve.leaves_floor(request.most);
    let depth = sizing.depth();
    let repay = repayment(&request.debt, depth).min(most);
    let (repay, seize) = match pay(request, bonus, repay)? {
        Payment::Within(seize) if repay < request.debt.amount && leaves_dust(request, depth, seize)? => {
            finished(request, bonus, most, &sizing)?.unwrap_or((repay, seize))
        }
        Payment::Within(seize) => (repay, seize),
        Payment::Beyond => (price_of_all(request, bonus)?.min(repay), request.collateral.amount),
    };
    if repay.is_zero() || seize.is_zero() {
        return Err(Error::LiquidationTooSmall);
    }
    let seized_value = request.collateral.price.value_floor(seize)?;
    let repaid_value = request.debt.price.value_floor(repay)?;
    Ok(Liquidation { repay, to_reserve: reserve.of_ceil(repay)?, seize, repaid_value, seized_value, bonus })
}

/// What a liquidator pays to the reserve, as a part of the repayment.
#[derive(Clone, Copy)]
struct Reserve {
    /// `bonus x share`, rounded up, in 2^-32.
    rate: u64,
}

impl Reserve {
    fn new(bonus: Fraction, share: Fraction) -> Self {
        // Two numbers below 2^32.
        Self { rate: mul_shift_ceil(u64::from(bonus.get()), u64::from(share.get()), 32).unwrap_or(u64::MAX) }
    }

    /// What goes to the reserve beside a repayment.
    fn of_ceil(self, repay: Amount) -> Result<Amount> {
        mul_shift_ceil(repay.get(), self.rate, 32).map(Amount::new).ok_or(Error::AmountOutOfRange)
    }

    /// The largest repayment that together with its part for the reserve is within `most`.
    fn leaves_floor(self, most: Amount) -> Amount {
        // A repayment within the quotient leaves its part of it, and being whole, that part rounded up.
        shift_div_floor(most.get(), 32, ONE.wrapping_add(self.rate)).map_or(Amount::ZERO, Amount::new)
    }
}

/// The tokens for a repayment of a value.
fn repayment(debt: &Leg, value: Usd) -> Amount {
    if value >= debt.value { debt.amount } else { debt.price.amount_floor(value).min(debt.amount) }
}

/// Whether so little would be left on one of the two sides that nobody would come for it.
fn leaves_dust(request: &Request, depth: Usd, seize: Amount) -> Result<bool> {
    let Leg { amount, price, .. } = request.collateral;
    let held = price.value_floor(amount.minus_or_zero(seize))?;
    Ok(request.debt.value.minus_or_zero(depth).min(held) < request.dust)
}

/// The pair to its end at the same price: all of the debt, or all of the collateral where that does not cover it. `None` if
/// the liquidator does not pay for it, or the vault would be worse off: dust is no other reason to go past the target.
/// `most` is without the part for the reserve.
fn finished(request: &Request, bonus: Fraction, most: Amount, sizing: &Sizing) -> Result<Option<(Amount, Amount)>> {
    let Request { debt, collateral, .. } = request;
    let (repay, seize) = match pay(request, bonus, debt.amount)? {
        Payment::Within(seize) => (debt.amount, seize),
        Payment::Beyond => (price_of_all(request, bonus)?.min(debt.amount), collateral.amount),
    };
    let may = repay <= most && sizing.may_repay(debt.price.value_floor(repay)?);
    Ok(may.then_some((repay, seize)))
}

/// What the liquidator repays for all of the collateral, rounded up.
fn price_of_all(request: &Request, bonus: Fraction) -> Result<Amount> {
    let value = request.collateral.price.value_floor(request.collateral.amount)?;
    let value = Usd::new(value.get().wrapping_add(1));
    let cost = shift_div_ceil(value.get(), 32, ONE.wrapping_add(u64::from(bonus.get())));
    Ok(request.debt.price.amount_ceil(Usd::new(cost.ok_or(Error::ValueOutOfRange)?.wrapping_add(1))))
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
