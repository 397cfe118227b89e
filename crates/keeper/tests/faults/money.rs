//! The books, to the unit: what the keeper's accounts lost and gained, what the events say, and what the keeper counted.
//!
//! Its profit is what each liquidation brought at the prices when its fate became known. Where the market had only one set of
//! prices since the first fall, that is one number, and it has to be met. Where it had several, each liquidation is taken at its
//! worst and at its best. What landed for a life that ended before it knew, was counted by none: then the profit has to fit
//! the tokens that were counted.

use std::collections::BTreeMap;

use ballast_client::risk::Amount;
use ballast_client::risk::price::Price;
use ballast_keeper::liquidator::Ledger;
use ballast_localnet::takings::{Flow, Takings};
use ballast_tests::Signer;

use crate::case::Outcome;
use crate::chain::{Aim, Chain, Included, liquidator};

/// What a transaction of the keeper moved, by its events, and not by the keeper's own reading of them.
fn takings(included: &Included) -> Takings {
    Takings::of(&included.logs, &liquidator().pubkey())
}

fn value(price: Option<Price>, units: u64) -> i64 {
    let value = price.and_then(|price| price.value_floor(Amount::new(units)).ok()).expect("a price of what was traded");
    i64::try_from(value.get()).expect("a value")
}

/// Micro-dollars of flows and of a fee at prices: what came in rounded down, what went out up.
fn profit(flows: &BTreeMap<u8, Flow>, fee: u64, prices: &[Option<Price>]) -> i64 {
    let of = |(asset, flow): (&u8, &Flow)| {
        let price = prices[usize::from(*asset)];
        value(price, flow.received) - if flow.paid == 0 { 0 } else { value(price, flow.paid) + 1 }
    };
    flows.iter().map(of).sum::<i64>() - value(prices[0], fee) - 1
}

/// Least and most that liquidations brought.
fn bounds(chain: &Chain) -> (i64, i64) {
    // The prices of the beginning allow no liquidation.
    let prices = &chain.prices[chain.prices.len().min(2) - 1..];
    let mut sums = (0, 0);
    for included in landed(chain) {
        let at = |prices: &Vec<_>| profit(&takings(included).flows, included.fee, prices);
        sums.0 += prices.iter().map(at).min().expect("prices");
        sums.1 += prices.iter().map(at).max().expect("prices");
    }
    sums
}

fn landed(chain: &Chain) -> impl Iterator<Item = &Included> {
    let landed = chain.included.iter().filter(|included| included.error.is_none());
    landed.filter(|included| matches!(included.aim, Aim::Liquidation(_)))
}

/// Least and most that tokens can have brought, whenever they were counted: each part is rounded by less than one.
fn bounds_of_counted(counted: &Ledger, chain: &Chain) -> (i64, i64) {
    let prices = &chain.prices[chain.prices.len().min(2) - 1..];
    let values = |asset: u8, units: u64| prices.iter().map(move |prices| value(prices[usize::from(asset)], units));
    let rounding = i64::try_from(counted.liquidations * 10 + 10).expect("few");
    let mut sums = (-rounding, rounding);
    for flow in counted.tokens.values() {
        let [paid, received] = [flow.paid, flow.received].map(|units| (flow.asset, units));
        sums.0 += values(received.0, received.1).min().unwrap_or(0) - values(paid.0, paid.1).max().unwrap_or(0);
        sums.1 += values(received.0, received.1).max().unwrap_or(0) - values(paid.0, paid.1).min().unwrap_or(0);
    }
    // Fees of what failed are in the same sum.
    sums.0 -= values(0, counted.fees).max().unwrap_or(0);
    sums
}

/// What does not add up.
pub fn books(outcome: &Outcome, chain: &Chain) -> Vec<String> {
    let mut found = Vec::new();
    let mut all = Takings::default();
    landed(chain).for_each(|included| all.add(takings(included)));
    for (asset, (before, after)) in (0u8..).zip(outcome.before.iter().zip(chain.balances())) {
        let flow = all.flows.get(&asset).copied().unwrap_or_default();
        if before + flow.received - flow.paid != after {
            found.push(format!("asset {asset}: {before} before, {after} after, and the events say {flow:?}"));
        }
    }
    let counted = &outcome.ledger;
    let fees: u64 =
        chain.included.iter().filter(|included| matches!(included.aim, Aim::Liquidation(_))).map(|one| one.fee).sum();
    let tokens: BTreeMap<u8, Flow> = counted
        .tokens
        .iter()
        .map(|(asset, flow)| (*asset, Flow { paid: flow.paid, received: flow.received }))
        .collect();
    let liquidations = all.vaults.len() as u64;
    if outcome.kills == 0 {
        if (&tokens, counted.fees, counted.liquidations) != (&all.flows, fees, liquidations) {
            found.push(format!("counted {counted:?}, and the chain says {all:?} for fees of {fees}"));
        }
        let (least, most) = bounds(chain);
        if !(least..=most).contains(&counted.profit) {
            found.push(format!("a profit of {} was counted, and it was {least} to {most}", counted.profit));
        }
    }
    // What one life could not write down as ended, or what was lost of it, the next one ends and counts again.
    let again = outcome.kills > 0 && (outcome.disk_was_full || outcome.lost);
    if !again && (counted.liquidations > liquidations || counted.fees > fees) {
        found.push(format!("counted {counted:?}, more than the chain says: {all:?} for fees of {fees}"));
    }
    let (least, most) = bounds_of_counted(counted, chain);
    if !(least..=most).contains(&counted.profit) {
        found.push(format!("a profit of {} was counted, and its tokens are worth {least} to {most}", counted.profit));
    }
    found
}

/// Whether the profit of a case is one number.
pub fn is_exact(outcome: &Outcome, chain: &Chain) -> bool {
    let (least, most) = bounds(chain);
    outcome.kills == 0 && least == most && landed(chain).next().is_some()
}
