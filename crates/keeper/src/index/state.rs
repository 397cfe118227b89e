//! What the vaults are judged by, and what of it is new since the last time.
//!
//! A decision is a pure function of the positions of a vault, of the rules of the market at `Maint`, and of the
//! [`Footing`] of each of its positions. So what time does (interest, ramps, a price that grows too old, a model that
//! phases in) needs no thought of its own: footings and rules are made for the present second, compared with those of
//! the last scan, and the vaults with a position whose footing differs are judged again, unless their tolerance says
//! that the answer must be the same (`ballast_risk::sheet`).

use ballast_client::risk::health::{Level, Prices, Quote, Side};
use ballast_client::risk::model::Rules;
use ballast_client::risk::sheet::{Footing, Strains};
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

impl Judged {
    pub fn new(rules: Rules, quotes: &[[Quote<'_, 1>; 2]]) -> Self {
        let footings = quotes.iter().map(|[deposit, debt]| [Footing::of(deposit), Footing::of(debt)]);
        Self { rules, footings: footings.collect() }
    }

    /// What is different from the time before. Other rules make everything different.
    pub fn since(&self, before: Option<&Self>) -> Strains {
        match before.filter(|before| before.rules == self.rules) {
            Some(before) => Strains::between(&before.footings, &self.footings),
            None => Strains::ALL,
        }
    }
}
