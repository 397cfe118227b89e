//! A market and its vaults as decoded accounts, and what the program would say about them.

use ballast::HealthView;
use ballast::liquidate::leg;
use ballast::state::{Market, SpotHealth, Vault};
use ballast_risk::health::Side;
use ballast_risk::liquidation::{Choice, Leg, Liquidation, MAX_PAIRS, Modelling, Owed, Pledged, Start, best_first};
use ballast_risk::{Amount, Fraction, Usd};

use crate::Pubkey;

/// A liquidation that the program would carry out now.
#[derive(Clone, Copy, Debug)]
pub struct Opportunity {
    pub vault: Pubkey,
    pub debt_asset: u8,
    pub collateral_asset: u8,
    pub liquidation: Liquidation,
    /// What the liquidator gains before costs, micro-dollars.
    pub gain: i64,
    /// Whether the pool has the tokens to be seized; if not, a vault of the liquidator can take them over.
    pub in_cash: bool,
}

/// What `view_health` would return.
pub fn health(market: &Market, vault: &Vault, now: u64) -> HealthView {
    HealthView::of(market, vault, now)
}

/// Every pair of debt and collateral of which anything can be liquidated, the largest gain first, for a liquidator who can pay
/// `most(asset)` native units (what arrives of them, see [`Fee`](crate::Fee)). None when the vault cannot be liquidated.
pub fn liquidations(
    market: &Market,
    address: Pubkey,
    vault: &Vault,
    now: u64,
    most: impl Fn(u8) -> u64,
) -> Vec<Opportunity> {
    let mut exposures = None;
    let Ok(SpotHealth { target, maint, rules: [of_target, of_maint] }) = market.spot_health(vault, now, &mut exposures)
    else {
        return vec![];
    };
    if maint.passes() {
        return vec![];
    }
    let modelling = |exposures| Modelling { target: &of_target, maint: &of_maint, exposures };
    let start = Start { maint, target, model: exposures.as_ref().map(modelling), dust: Usd::new(market.dust) };
    let (debts, owed): (Vec<u8>, Vec<Owed>) = legs(market, vault, Side::Debt, now)
        .map(|(asset, leg)| {
            let reserve_share = Fraction::new(market.assets[usize::from(asset)].bonus_reserve);
            (asset, Owed { leg, reserve_share, most: Amount::new(most(asset)) })
        })
        .unzip();
    let (deposits, pledged): (Vec<u8>, Vec<Pledged>) = legs(market, vault, Side::Deposit, now)
        .map(|(asset, leg)| {
            let record = &market.assets[usize::from(asset)];
            (asset, Pledged { leg, bonus: record.bonus(), cash: Amount::new(record.cash) })
        })
        .unzip();
    let mut found = [Choice::default(); MAX_PAIRS];
    let found = best_first(&start, &owed, &pledged, &mut found);
    let opportunity = |choice: &Choice| Opportunity {
        vault: address,
        debt_asset: debts[choice.debt],
        collateral_asset: deposits[choice.collateral],
        liquidation: choice.moved,
        gain: choice.gain,
        in_cash: choice.in_cash,
    };
    found.iter().map(opportunity).collect()
}

/// The positions of one side that have a price.
fn legs<'a>(market: &'a Market, vault: &'a Vault, side: Side, now: u64) -> impl Iterator<Item = (u8, Leg<'a>)> {
    let assets = vault.used().iter().filter(move |position| position.side() == side).map(|position| position.asset);
    assets.filter_map(move |asset| Some((asset, leg(market, vault, asset, side, now).ok()??)))
}

/// The best of them for which the pool has the tokens.
pub fn best_liquidation(
    market: &Market,
    address: Pubkey,
    vault: &Vault,
    now: u64,
    most: impl Fn(u8) -> u64,
) -> Option<Opportunity> {
    liquidations(market, address, vault, now, most).into_iter().find(|found| found.in_cash)
}
