//! The profit that the keeper counts, to the unit, from what the chain says: the tokens by the events of liquidations, the
//! prices by the events of refreshes, the fee by the wallet. Nothing of the keeper's own arithmetic is used here.

use std::collections::BTreeMap;

use ballast_client::event::PriceRefreshed;
use ballast_client::logs::events;
use ballast_localnet::catalogue::SOL;
use ballast_localnet::crash::{Sent, Step};

/// Micro-dollars for a native unit: mantissa and shift, by asset.
type Prices = BTreeMap<u8, (u64, u8)>;

/// Profit less loss, as the metrics have it.
pub fn counted(metrics: &BTreeMap<String, u64>) -> i64 {
    let of = |name: &str| i64::try_from(metrics[&format!("ballast_keeper_{name}_micro_dollars_total")]).unwrap();
    of("profit") - of("loss")
}

/// What each liquidation was entered with has to be what it brought at prices that the market had between then and the next
/// fall, and all together what the metrics say.
pub fn agrees(log: &str, steps: &[Step], counted: i64) {
    let entered = entries(log);
    let (mut sum, mut exact, mut all) = (0, 0, 0);
    for step in steps {
        let first = (0u8..).zip(&step.prices).filter_map(|(asset, price)| {
            let price = price.as_ref()?;
            Some((asset, (price.mantissa(), price.shift())))
        });
        let mut history: Vec<Prices> = vec![first.collect()];
        for sent in step.sent.iter().filter(|sent| sent.refresh) {
            let mut prices = history.last().unwrap().clone();
            let new = events::<PriceRefreshed>(&sent.logs);
            prices.extend(new.iter().map(|event| (event.asset, (event.mantissa, event.shift))));
            history.push(prices);
        }
        let mut refreshes: usize = 0;
        for sent in &step.sent {
            refreshes += usize::from(sent.refresh);
            if sent.takings.vaults.is_empty() {
                continue;
            }
            let (profit, fee) =
                entered.get(&sent.signature).copied().unwrap_or_else(|| panic!("{} is not entered", sent.signature));
            // The keeper acts on prices of this fall, and may hear of a refresh a moment after the node has carried it out.
            let since = if refreshes == 0 { 0 } else { (refreshes - 1).max(1) };
            let mut possible: Vec<i64> = history[since..].iter().map(|prices| brought(sent, fee, prices)).collect();
            possible.sort_unstable();
            possible.dedup();
            assert!(possible.contains(&profit), "{} brought {possible:?}, entered: {profit}", sent.signature);
            (sum, all, exact) = (sum + profit, all + 1, exact + usize::from(possible.len() == 1));
        }
    }
    println!("  profit {counted} micro-dollars of {all} liquidations, {exact} of them at the only prices there were");
    assert_eq!(sum, counted, "the sum of what was entered");
    // How many have one possible profit is up to the machine: the others met a refresh that was on its way.
    assert!(all > 0, "nothing was liquidated");
}

/// Micro-dollars at prices: what came in rounded down, what went out up.
fn brought(sent: &Sent, fee: u64, prices: &Prices) -> i64 {
    let value = |asset: u8, units: u64| {
        let (mantissa, shift) = prices[&asset];
        i64::try_from((u128::from(units) * u128::from(mantissa)) >> shift).unwrap()
    };
    let flow = |(asset, flow): (&u8, &ballast_localnet::takings::Flow)| {
        value(*asset, flow.received) - if flow.paid == 0 { 0 } else { value(*asset, flow.paid) + 1 }
    };
    sent.takings.flows.iter().map(flow).sum::<i64>() - value(u8::try_from(SOL).unwrap(), fee) - 1
}

/// Profit and fee of each liquidation by its signature, as the keeper wrote them down.
fn entries(log: &str) -> BTreeMap<String, (i64, u64)> {
    let entry = |line: &str| {
        let field = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        Some((field("signature")?.to_owned(), (field("profit")?.parse().ok()?, field("fee")?.parse().ok()?)))
    };
    log.lines().filter(|line| line.contains("entered into the books")).filter_map(entry).collect()
}
