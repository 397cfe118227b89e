//! A liquidation in several steps within one transaction (risk-model 5): seizures and repayments in any number and order, and
//! one account of them at the end.
//!
//! The bonus is that of the vault as it was found. Each seizure costs what a liquidation of one pair would have to repay for it;
//! the repayments must come to as much, and the vault must stand no further from its target than before.

use crate::error::{Error, Result};
use crate::fixed::{scale_floor, shift_div_ceil};
use crate::health::Health;
use crate::price::Price;
use crate::units::{Amount, Fraction, Usd};

const ONE: u64 = 1 << 32;

/// The value that has to be repaid for a seizure: `value / (1 + bonus)`, rounded up.
///
/// # Errors
/// [`Error::ValueOutOfRange`].
pub fn cost_ceil(price: Price, seized: Amount, bonus: Fraction) -> Result<Usd> {
    let value = price.value_floor(seized)?.get().wrapping_add(1);
    let cost = shift_div_ceil(value, 32, ONE.wrapping_add(u64::from(bonus.get())));
    cost.map(Usd::new).ok_or(Error::ValueOutOfRange)
}

/// The part of a bonus that is not the reserve's, rounded down.
pub fn liquidators_part_floor(bonus: Fraction, reserve_share: Fraction) -> Fraction {
    let part = scale_floor(u64::from(bonus.get()), reserve_share.complement_floor());
    Fraction::new(u32::try_from(part).unwrap_or(u32::MAX))
}

/// `R_target - E`: how far a vault is from its target, negative beyond it. An insolvent vault cannot be brought to any target;
/// there the haircuts alone are the measure, as they are where a single pair is sized.
pub fn missing(target: &Health, solvent: bool) -> i64 {
    let required = if solvent { target.requirement() } else { target.haircuts };
    i64::try_from(required.get()).unwrap_or(i64::MAX).saturating_sub(target.equity())
}
