//! `liquidate`: one debt from the purse for one deposit.

use ballast_client::rehearsal::{self, Pair};
use ballast_client::snapshot::{self, Opportunity};

use super::plan::{Flow, Kind, Plan, Step};
use super::purse::Token;
use super::{MOST_OF_A_KIND, Situation};

/// The pairs that the purse pays for and the pools can hand out, the largest gain first.
pub(super) fn plans(situation: &Situation<'_>) -> Vec<Plan> {
    let market = situation.market.market;
    let (address, vault) = situation.vault;
    let most = |asset| token(situation, asset).map_or(0, |token| token.most());
    let pairs = snapshot::liquidations(market, address, vault, situation.now, most);
    let plans = pairs.iter().filter(|pair| pair.in_cash).filter_map(|pair| plan(situation, pair));
    let mut plans: Vec<Plan> = plans.take(2 * MOST_OF_A_KIND).collect();
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.profit));
    plans
}

fn token(situation: &Situation<'_>, asset: u8) -> Option<Token> {
    let record = situation.market.market.listed().get(usize::from(asset))?;
    Some(situation.purse.token(asset, record))
}

/// `None` where a mint does not move or the purse is short.
fn plan(situation: &Situation<'_>, pair: &Opportunity) -> Option<Plan> {
    let Opportunity { debt_asset: debt, collateral_asset: collateral, liquidation, .. } = *pair;
    let (pays, gets) = (token(situation, debt)?, token(situation, collateral)?);
    let sent = pays.sent(liquidation.repay.plus(liquidation.to_reserve).ok()?.get())?;
    let received = gets.received(liquidation.seize.get())?;
    let moves = [Flow { asset: debt, paid: sent, received: 0 }, Flow { asset: collateral, paid: 0, received }];
    let step = Step::Liquidate { debt, collateral, most: offer(situation, pair, &pays, sent)? };
    Plan::new(situation, Kind::Pair, vec![step], super::plan::flows(moves), pair.vault)
}

/// What is offered: a little more than what is needed now, because the debt grows until the transaction lands, but not
/// all that there is, because other liquidations are paid from it at the same time. All of it where a smaller offer
/// would move less.
fn offer(situation: &Situation<'_>, pair: &Opportunity, pays: &Token, sent: u64) -> Option<u64> {
    let offer = sent.saturating_add(sent / 1_000).saturating_add(1).min(pays.amount);
    let asked = Pair {
        debt_asset: pair.debt_asset,
        collateral_asset: pair.collateral_asset,
        most_repaid: pays.fee?.arrives_floor(offer).ok()?,
    };
    let (_, vault) = situation.vault;
    let moved = rehearsal::liquidation(situation.market.market, vault, asked, situation.now);
    Some(if moved == Some(pair.liquidation) { offer } else { pays.amount })
}
