//! Many vaults against one state of a market: the decision at `Maint`, for whoever watches all of them.
//!
//! The quotes of all assets are made once; then each vault costs what [`assess`] costs, because it is what decides.

use crate::error::Error;
use crate::haircut::Depth;
use crate::health::{Position, Prices, Quote, Side, assess};
use crate::model::{Coefficients, Rules};
use crate::price::{MAX_FORWARD_SECONDS, Unit};
use crate::units::{Fraction, Shares};

/// What a vault has of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub shares: Shares,
    /// Index of the asset in the market.
    pub asset: u8,
    pub side: Side,
}

/// Whether a vault can be liquidated (risk-model 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A price is missing that the decision needs: nobody liquidates it.
    Unpriced,
    /// `E >= R_maint`.
    Sound,
    /// `E < R_maint`.
    Liquidatable,
    /// `E < 0`.
    Insolvent,
}

/// One state of a market at one time.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    rules: [Rules; 1],
    /// By asset; the deposit first, then the debt.
    quotes: &'a [[Quote<'a, 1>; 2]],
}

impl<'a> Sheet<'a> {
    /// `rules` and `quotes` are those of `Maint`.
    pub const fn new(rules: Rules, quotes: &'a [[Quote<'a, 1>; 2]]) -> Self {
        Self { rules: [rules], quotes }
    }

    /// Where a vault stands.
    pub fn standing(&self, vault: &[Held]) -> Standing {
        let positions = vault.iter().map(|held| {
            let [deposit, debt] = self.quotes.get(usize::from(held.asset)).ok_or(Error::PriceUnusable)?;
            let quote = match held.side {
                Side::Deposit => deposit,
                Side::Debt => debt,
            };
            Ok(Position { side: held.side, shares: held.shares, quote: *quote })
        });
        let checked: Result<_, Error> = assess(&self.rules, Prices::Spot, positions, &mut None);
        match checked {
            Err(_) => Standing::Unpriced,
            Ok([maint]) if maint.equity() < 0 => Standing::Insolvent,
            Ok([maint]) if maint.passes() => Standing::Sound,
            Ok(_) => Standing::Liquidatable,
        }
    }
}

/// All of a quote that a decision depends on: while it stays the same, so does every decision that reads nothing else that
/// changed. The quote itself changes with every second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footing {
    unit: Unit,
    /// The interest since the last accrual, in 2^-32: rate and time come into a value only by this.
    growth: u64,
    haircut: Fraction,
    depth: Depth,
    columns: Coefficients,
}

impl Footing {
    /// `None` where the quote has no usable price: nothing else of it counts then.
    pub fn of(quote: &Quote<'_, 1>) -> Option<Self> {
        let Quote { unit, rate, elapsed, usable, haircuts: [haircut], depth, columns } = *quote;
        let priced = usable && unit.mantissa != 0 && elapsed < MAX_FORWARD_SECONDS;
        // At most 2^31 x 2^20.
        let growth = u64::from(rate.get()).wrapping_mul(elapsed) >> 20;
        priced.then_some(Self { unit, growth, haircut, depth, columns: *columns })
    }
}
