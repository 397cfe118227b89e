//! A market with people at the edge of what they may do, and the question whether a guard has pushed one of them over it.

use std::cell::Cell;

use ballast_client::risk::price::Price;
use ballast_client::table::Parameter;
use ballast_client::{Market, StateView, snapshot};
use ballast_tests::assets::{Token, token};
use ballast_tests::oracle::published;
use ballast_tests::*;

use crate::probe::borrows_most;

/// What SOL, LST, ETH and USDC trade at outside, in dollars.
pub type Raw = [&'static str; 4];
pub const SYMBOLS: [&str; 4] = ["SOL", "LST", "ETH", "USDC"];
pub const CALM: Raw = ["150", "165", "3000", "1"];

pub struct Crowd {
    pub market: Fixture,
    pub vaults: Vec<Actor>,
    bob: Actor,
    /// What was published last.
    last: Cell<Raw>,
}

/// A token of which as much may be borrowed at `Init` as is allowed at `Maint`, but for one per cent on either side.
pub fn edgy(symbol: &'static str, values: &[(Parameter, u64)]) -> Token {
    let mut edgy = token(symbol).with(values);
    (edgy.listing.haircut_bps, edgy.listing.addon_bps) = ([1_600, 1_550, 1_500], [600, 550, 500]);
    if symbol == "USDC" {
        (edgy.listing.haircut_bps, edgy.listing.addon_bps) = ([600, 550, 500], [250, 225, 200]);
    }
    edgy
}

/// The tokens that this many dollars are in calm times.
pub fn dollars_of(symbol: &'static str, dollars: u64) -> Money {
    let one: fn(&str) -> Money = match symbol {
        "SOL" => sol,
        "LST" => lst,
        "ETH" => eth,
        _ => usdc,
    };
    let at = SYMBOLS.iter().position(|known| *known == symbol).expect("one of the four");
    let price: u64 = CALM[at].parse().expect("whole dollars");
    let whole = one("1");
    whole.with(u64::try_from(u128::from(whole.units) * u128::from(dollars) / u128::from(price)).expect("fits 64 bits"))
}

impl Crowd {
    /// The four assets, SOL with some guards.
    pub fn guarded(values: &[(Parameter, u64)]) -> Self {
        Self::of(vec![edgy("SOL", values), edgy("LST", &[]), edgy("ETH", &[]), edgy("USDC", &[])], false)
    }

    /// These tokens are the four assets; with a model of correlation or without.
    pub fn of(tokens: Vec<Token>, netting: bool) -> Self {
        let market = Fixture::of(tokens);
        if netting {
            market.adopts(3, 2);
        }
        let market = market.stocked();
        let bob = market.actor("bob", &[sol("1000"), lst("1000"), eth("100"), usdc("100000")]);
        let positions: [(&str, &[Money], &[&'static str]); 6] = [
            ("long", &[sol("100")], &["USDC"]),
            ("short", &[usdc("20000")], &["SOL"]),
            ("staker", &[lst("100")], &["SOL"]),
            ("unstaker", &[sol("100")], &["LST"]),
            ("spreader", &[sol("100"), eth("5")], &["LST", "USDC"]),
            ("hedger", &[lst("100"), usdc("5000")], &["SOL", "ETH"]),
        ];
        let vaults = positions.map(|(name, deposits, debts)| {
            let actor = market.actor(name, deposits);
            for money in deposits {
                actor.deposits(*money).unwrap();
            }
            // All but the last are owed in part; then as much as there is to be had.
            for symbol in &debts[..debts.len() - 1] {
                actor.borrows(dollars_of(symbol, 4_000)).unwrap();
            }
            assert!(borrows_most(&actor, debts[debts.len() - 1]) > 0);
            actor
        });
        Self { market, vaults: vaults.into(), bob, last: Cell::new(CALM) }
    }

    /// A second later this is what it is outside, and what every feed says, with a usual interval.
    pub fn publishes(&self, raw: Raw) {
        self.market.advances(1);
        for (symbol, dollars) in SYMBOLS.into_iter().zip(raw) {
            self.market.sets_price(symbol, dollars);
        }
    }

    /// Somebody refreshes one after the other; what a guard refuses stays refused.
    pub fn refreshes(&self) {
        for symbol in SYMBOLS {
            let _ = self.market.refreshes(&[symbol]);
        }
    }

    /// Nobody who is healthy at what it is outside, and was so before, can be liquidated; returns how many that are. And
    /// what counts at `Maint` is what would count without any guard.
    pub fn holds(&self, raw: Raw) -> usize {
        let (before, now) = (self.last.replace(raw), self.market.now() as u64);
        let (record, mut healthy) = (self.market.market(), 0);
        for actor in &self.vaults {
            let (vault, view) = (actor.vault(), actor.health());
            let bare = snapshot::health(&bared(record.clone()), &vault, now);
            assert_eq!(view.maint, bare.maint, "a guard moves nothing at `Maint`");
            let fine = |raw: Raw| {
                let view = snapshot::health(&traded(record.clone(), raw, now), &vault, now);
                matches!(view.state, StateView::Healthy | StateView::Restricted)
            };
            if fine(before) && fine(raw) {
                healthy += 1;
                let spared = !matches!(view.state, StateView::Liquidatable | StateView::Insolvent);
                assert!(spared, "{:?} at {raw:?}: {view:#?}", vault.used());
                self.nobody_liquidates(actor);
            }
        }
        healthy
    }

    fn nobody_liquidates(&self, victim: &Actor) {
        let positions = victim.vault();
        let on = |side: u8| positions.used().iter().filter(move |held| held.side == side).map(|held| held.asset);
        for debt in on(1) {
            for collateral in on(0) {
                let [pays, takes] = [debt, collateral].map(|index| SYMBOLS[usize::from(index)]);
                let seizure = self.bob.liquidate(victim, dollars_of(pays, 100), takes);
                let refusal = self.market.simulates(&[seizure], &[&self.bob.key]).expect_err("a liquidation");
                let reasons = [BallastError::VaultHealthy, BallastError::PriceUnusable].map(Fault::from);
                assert!(reasons.contains(&refusal.fault), "{refusal:#?}");
            }
        }
    }

    /// Publishes, refreshes, and asks.
    pub fn moves(&self, raw: Raw) -> usize {
        self.publishes(raw);
        self.refreshes();
        self.holds(raw)
    }
}

/// The market as if no guard had ever done anything but to withhold: at every level the price is the last accepted one.
fn bared(mut record: Box<Market>) -> Box<Market> {
    let count = usize::from(record.asset_count);
    for asset in &mut record.assets[..count] {
        if let Some(spot) = asset.spot() {
            asset.set_prices(spot, spot, spot, spot, spot);
            asset.volatility = 1 << 16;
            asset.accrue(asset.accrued_at);
        }
    }
    record
}

/// The market as if every feed were read at this moment and every price counted.
fn traded(mut record: Box<Market>, raw: Raw, now: u64) -> Box<Market> {
    for (asset, dollars) in record.assets.iter_mut().zip(raw) {
        let seen = published(dollars, 0);
        let price = Price::from_decimal_floor(seen.price.unsigned_abs(), seen.exponent, asset.decimals).unwrap();
        asset.set_prices(price, price, price, price, price);
        asset.accrue(now);
        (asset.usable_until, asset.init_until) = (u64::MAX, u64::MAX);
    }
    record
}
