//! The one health check (risk-model 2 to 4). Program, keeper, command line and tests all call [`assess`].
//!
//! Cheap per position (see benches/cu.md): a unit value, one product for the value, one for the haircut.

use crate::error::{Error, Result};
use crate::haircut::{Depth, collateral_floor, debt_addon_ceil};
use crate::price::{MAX_FORWARD_SECONDS, Unit};
use crate::units::{Fraction, Rate, Shares, Usd};

/// The question a check answers, and with it the prices and haircuts that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// May the vault take on more risk? Conservative prices.
    Init,
    /// How far may a liquidation go? Spot prices.
    Target,
    /// May the vault be liquidated? Spot prices.
    Maint,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Init, Self::Target, Self::Maint];
}

/// The side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Deposit,
    Debt,
}

/// What the check reads of one asset, for one side and one level.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    /// Micro-dollars per share at the last accrual.
    pub unit: Unit,
    /// Interest since then.
    pub rate: Rate,
    /// Seconds since then.
    pub elapsed: u64,
    /// False when the price is missing, too old, or otherwise not to be used now.
    pub usable: bool,
    /// The haircut of a deposit or the add-on of a debt.
    pub haircut: Fraction,
    pub depth: Depth,
}

/// One position as the check sees it.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    pub side: Side,
    pub shares: Shares,
    pub quote: Quote,
}

impl Position {
    /// Value in micro-dollars: deposits rounded down, debts up.
    ///
    /// # Errors
    /// [`Error::PriceUnusable`], [`Error::ValueOutOfRange`].
    #[inline(always)]
    pub fn value(&self) -> Result<u64> {
        let quote = &self.quote;
        if !quote.usable || quote.unit.mantissa == 0 || quote.elapsed >= MAX_FORWARD_SECONDS {
            return Err(Error::PriceUnusable);
        }
        let value = match self.side {
            Side::Deposit => quote.unit.value_floor(self.shares, quote.rate, quote.elapsed),
            Side::Debt => quote.unit.value_ceil(self.shares, quote.rate, quote.elapsed),
        };
        value.ok_or(Error::ValueOutOfRange)
    }
}

/// The result of a check at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Value of all deposits.
    pub assets: Usd,
    /// Value of all debts.
    pub debts: Usd,
    /// What the equity must reach. Saturates.
    pub requirement: Usd,
}

impl Health {
    /// Assets less debts.
    pub fn equity(&self) -> i64 {
        // Both are below 2^62, see `MAX_VALUE`.
        self.assets.get().cast_signed().wrapping_sub(self.debts.get().cast_signed())
    }

    /// `equity >= requirement`.
    #[inline(always)]
    pub fn passes(&self) -> bool {
        self.assets.get() >= self.debts.get().saturating_add(self.requirement.get())
    }

    #[inline(always)]
    fn add(&mut self, position: &Position, value: u64) {
        let Quote { haircut, depth, .. } = position.quote;
        // At most 64 values below 2^56: sums stay below 2^62. Only the requirement of a debt may saturate.
        match position.side {
            Side::Deposit => {
                let counted = collateral_floor(value, haircut, depth);
                self.assets = Usd::new(self.assets.get().wrapping_add(value));
                self.require(value.wrapping_sub(counted));
            }
            Side::Debt => {
                self.debts = Usd::new(self.debts.get().wrapping_add(value));
                self.require(debt_addon_ceil(value, haircut, depth));
            }
        }
    }

    #[inline(always)]
    fn require(&mut self, amount: u64) {
        self.requirement = Usd::new(self.requirement.get().saturating_add(amount));
    }
}

/// Adds up a vault at one level.
///
/// Missing prices (risk-model 2): at `Init` a missing deposit counts nothing and a missing debt is refused; at `Maint`
/// and `Target` a missing debt counts nothing and a missing deposit is refused, so that neither ever liquidates.
///
/// # Errors
/// What the positions' iterator yields, [`Error::PriceUnusable`], [`Error::ValueOutOfRange`].
#[inline(always)]
pub fn assess<E: From<Error>>(
    level: Level,
    positions: impl Iterator<Item = core::result::Result<Position, E>>,
) -> core::result::Result<Health, E> {
    let mut health = Health::default();
    for position in positions {
        let position = position?;
        match position.value() {
            Ok(value) => health.add(&position, value),
            Err(Error::PriceUnusable) => {
                let refused = match level {
                    Level::Init => Side::Debt,
                    Level::Target | Level::Maint => Side::Deposit,
                };
                if position.side == refused {
                    return Err(Error::PriceUnusable.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(health)
}

/// Where a vault stands, in the words shown everywhere (risk-model 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginState {
    /// `E >= R_init`.
    Healthy,
    /// `R_maint <= E < R_init`: may only reduce risk.
    Restricted,
    /// `E < R_maint`.
    Liquidatable,
    /// `E < 0` at `Maint` prices.
    Insolvent,
}

impl MarginState {
    /// The state from both checks; `init` is `None` when a price needed for it is missing.
    pub fn of(init: Option<&Health>, maint: &Health) -> Self {
        if maint.equity() < 0 {
            Self::Insolvent
        } else if !maint.passes() {
            Self::Liquidatable
        } else if init.is_some_and(Health::passes) {
            Self::Healthy
        } else {
            Self::Restricted
        }
    }
}
