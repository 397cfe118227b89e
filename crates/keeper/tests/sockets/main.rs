//! Faults of the websocket, on real sockets: the keeper's sources as its main loop starts them, the client library, the
//! supervisor, the poller and the rule of who is believed are real; the nodes are the test's. After each fault the table that the
//! keeper acts on is what is on the chain, nothing older has won on the way, and a subscription delivers again.
//!
//! Each case is a script of faults drawn from a seed. A fault counts when it made a difference, and in most cases nothing is read
//! again without a reason: what the subscription brings is all there is.

mod case;
mod chain;
mod fault;
mod node;
mod server;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use ballast_tests::Fixture;
use fault::{FAULTS, Fault};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Cases of the size that every change is tested with, and of the deep run.
const CASES: u64 = 160;
const DEEP: u64 = 1_600;
/// At the same time. They wait more than they work.
const AT_ONCE: usize = 12;

#[test]
fn whatever_a_websocket_does_the_table_ends_as_the_chain_is_and_nothing_older_wins() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (only, deep) = (variable("BALLAST_FAULT_SEED"), variable("BALLAST_DEEP") == Some(1));
    let cases = variable("BALLAST_FAULT_CASES").unwrap_or(if deep { DEEP } else { CASES });
    if only.is_some() {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    }
    let seeds = only.map_or(0..cases, |seed| seed..seed + 1);
    let fixture = Fixture::with_assets(2);
    let (market, template) = (fixture.market_address(), fixture.market());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let outcomes = runtime.block_on(async {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut running = JoinSet::new();
        for seed in seeds {
            let (places, template) = (Arc::clone(&places), template.clone());
            running.spawn(async move {
                let _place = places.acquire().await.expect("it is never closed");
                (seed, case::run(market, template, seed).await)
            });
        }
        running.join_all().await
    });

    let mut counts: BTreeMap<Fault, usize> = BTreeMap::new();
    let (mut losses, mut violations) = (0, Vec::new());
    for (seed, outcome) in &outcomes {
        outcome.felt.iter().for_each(|fault| *counts.entry(*fault).or_default() += 1);
        losses += outcome.losses;
        if !outcome.violations.is_empty() {
            violations.push(format!("seed {seed}: {:?}\n    {}", outcome.script, outcome.violations.join("\n    ")));
        }
    }
    println!("{:<35} {:>7}", "fault of the websocket", "count");
    for (fault, count) in &counts {
        println!("{:<35} {count:>7}", fault.name());
    }
    println!(
        "{} cases, {} faults that made a difference; {losses} subscriptions were given up and opened again",
        outcomes.len(),
        counts.values().sum::<usize>()
    );
    let shown = violations[..violations.len().min(10)].join("\n");
    assert!(violations.is_empty(), "{} cases with violations\n{shown}", violations.len());
    if only.is_none() && cases >= CASES {
        for fault in FAULTS {
            assert!(counts.contains_key(&fault), "no case with: {}", fault.name());
        }
    }
}
