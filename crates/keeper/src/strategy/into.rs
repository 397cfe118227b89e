//! `liquidate_into`: an own vault takes a debt and a deposit over. No tokens move, so it works with an empty purse,
//! with pools that are lent out, and with tokens that do not move.

use ballast_client::rehearsal::{self, Pair, Taken};
use ballast_client::snapshot::{self, Opportunity};
use ballast_client::{Pubkey, Vault};

use super::plan::{Flow, Kind, Plan, Step};
use super::{MOST_OF_A_KIND, Situation};

/// Halvings of the amount until the largest is found that the own vault can carry: to a thousandth.
const HALVINGS: usize = 10;

/// The best pairs, each as far as the own vault can carry it.
pub(super) fn plans(situation: &Situation<'_>) -> Vec<Plan> {
    let Some(own) = situation.own.filter(|(own, _)| *own != situation.vault.0) else { return vec![] };
    let (address, vault) = situation.vault;
    let pairs = snapshot::liquidations(situation.market.market, address, vault, situation.now, |_| u64::MAX);
    let best = pairs.iter().take(MOST_OF_A_KIND).filter_map(|pair| plan(situation, own, pair));
    let mut plans: Vec<Plan> = best.collect();
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.profit));
    plans
}

fn plan(situation: &Situation<'_>, (into, own): (Pubkey, &Vault), found: &Opportunity) -> Option<Plan> {
    let Opportunity { debt_asset: debt, collateral_asset: collateral, liquidation, .. } = *found;
    let whole = liquidation.repay.plus(liquidation.to_reserve).ok()?.get();
    let (most, taken) = most_carried(situation, own, (debt, collateral), whole)?;
    let moves = [
        Flow { asset: debt, paid: taken.owed, received: 0 },
        Flow { asset: collateral, paid: 0, received: taken.seized },
    ];
    let step = Step::TakeOver { into, debt, collateral, most };
    Plan::new(situation, Kind::Into, vec![step], super::plan::flows(moves), found.vault)
}

/// The largest offer up to the whole that leaves the own vault above its initial requirement, and what it moves.
fn most_carried(situation: &Situation<'_>, own: &Vault, assets: (u8, u8), whole: u64) -> Option<(u64, Taken)> {
    let (_, vault) = situation.vault;
    let (debt_asset, collateral_asset) = assets;
    let rehearse = |most_repaid| {
        let pair = Pair { debt_asset, collateral_asset, most_repaid };
        let taken = rehearsal::take_over(situation.market.market, [vault, own], pair, situation.now);
        taken.map(|taken| (most_repaid, taken))
    };
    // As with tokens: a little more than what is needed now, because the debt grows.
    let offer = whole.saturating_add(whole / 1_000).saturating_add(1);
    if let Some(all) = rehearse(offer) {
        return Some(all);
    }
    let (mut good, mut bad, mut best) = (0, whole, None);
    for _ in 0..HALVINGS {
        let middle = good + (bad - good) / 2;
        match rehearse(middle) {
            Some(carried) => (good, best) = (middle, Some(carried)),
            None => bad = middle,
        }
    }
    best
}
