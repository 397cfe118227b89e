//! What the vaults are judged by, and what of it is new since the last time.
//!
//! A decision is a pure function of the positions of a vault, of the rules of the market at `Maint`, and of the [`Footing`] of
//! each of its positions. So what time does (interest, ramps, a price that grows too old, a model that phases in) needs no
//! thought of its own: footings and rules are made for the present second, compared with those of the last scan, and the vaults
//! with a position whose footing differs are judged again.

use ballast_client::risk::health::{Level, Prices, Quote, Side};
use ballast_client::risk::model::Rules;
use ballast_client::risk::sheet::Footing;
use ballast_client::{Asset, Market};

/// The quotes of all listed assets at `Maint`: the deposit first, then the debt.
pub fn quotes(market: &Market, now: u64) -> Vec<[Quote<'_, 1>; 2]> {
    let quote = |asset, side| Asset::quote(asset, [Level::Maint], Prices::Spot, side, now);
    market.listed().iter().map(|asset| [quote(asset, Side::Deposit), quote(asset, Side::Debt)]).collect()
}

pub fn rules(market: &Market, now: u64) -> Rules {
    market.model().rules(Level::Maint, now)
}

/// What the last scan judged by.
pub struct Judged {
    rules: Rules,
    footings: Vec<[Option<Footing>; 2]>,
}

/// Bits of the assets whose footing is new, for deposits and for debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub deposits: u64,
    pub debts: u64,
}

impl Touched {
    pub const ALL: Self = Self { deposits: u64::MAX, debts: u64::MAX };
}

impl Judged {
    pub fn new(rules: Rules, quotes: &[[Quote<'_, 1>; 2]]) -> Self {
        let footings = quotes.iter().map(|[deposit, debt]| [Footing::of(deposit), Footing::of(debt)]);
        Self { rules, footings: footings.collect() }
    }

    /// What differs from the time before. Another number of assets or other rules touch everything.
    pub fn since(&self, before: Option<&Self>) -> Touched {
        let Some(before) = before.filter(|before| before.rules == self.rules) else { return Touched::ALL };
        if before.footings.len() != self.footings.len() {
            return Touched::ALL;
        }
        let mut touched = Touched { deposits: 0, debts: 0 };
        for (asset, ([deposit, debt], [old_deposit, old_debt])) in
            (0u32..).zip(self.footings.iter().zip(&before.footings))
        {
            touched.deposits |= u64::from(deposit != old_deposit).wrapping_shl(asset);
            touched.debts |= u64::from(debt != old_debt).wrapping_shl(asset);
        }
        touched
    }
}
