//! A market and its vaults as decoded accounts, and what the program would say about them.

use ballast::liquidate::{Offer, plan};
use ballast::state::{Market, Vault};
use ballast::{HealthView, StateView};
use ballast_risk::health::Side;
use ballast_risk::liquidation::Liquidation;

use crate::Pubkey;

/// A liquidation that the program would carry out now.
#[derive(Clone, Copy, Debug)]
pub struct Opportunity {
    pub vault: Pubkey,
    pub debt_asset: u8,
    pub collateral_asset: u8,
    pub liquidation: Liquidation,
}

impl Opportunity {
    /// What the liquidator gains before costs, micro-dollars.
    pub fn gain(&self) -> u64 {
        self.liquidation.seized_value.get().saturating_sub(self.liquidation.repaid_value.get())
    }
}

/// What `view_health` would return.
pub fn health(market: &Market, vault: &Vault, now: u64) -> HealthView {
    HealthView::of(market, vault, now)
}

/// The pair of debt and collateral with the largest gain, for a liquidator who can pay `most(asset)` native units
/// (what arrives of them, see [`Fee`](crate::Fee)). `None` when the vault cannot be liquidated.
pub fn best_liquidation(
    market: &Market,
    address: Pubkey,
    vault: &Vault,
    now: u64,
    most: impl Fn(u8) -> u64,
) -> Option<Opportunity> {
    if !matches!(health(market, vault, now).state, StateView::Liquidatable | StateView::Insolvent) {
        return None;
    }
    let on = |side| vault.used().iter().filter(move |position| position.side() == side).map(|position| position.asset);
    let pairs = on(Side::Debt).flat_map(|debt| on(Side::Deposit).map(move |collateral| (debt, collateral)));
    pairs
        .filter_map(|(debt_asset, collateral_asset)| {
            let paid = most(debt_asset);
            let cash = market.asset(collateral_asset).ok()?.cash;
            let offer = Offer { debt_asset, collateral_asset, most_repaid: paid, now };
            let (liquidation, _) = plan(market, vault, &offer).ok()?;
            (liquidation.seize.get() <= cash).then_some(Opportunity {
                vault: address,
                debt_asset,
                collateral_asset,
                liquidation,
            })
        })
        .max_by_key(Opportunity::gain)
}
