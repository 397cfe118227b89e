//! Faults injected into the keeper, each case a script of them drawn from a seed, on a market that crashes: no double action,
//! nothing missed when they have ended, journal and chain agree, the money adds up to the unit, and the loop never ends.
//!
//! The nodes and the subscription are simulated, the rest is real: the compiled program in a virtual machine, the JSON that
//! the client library decodes, the keeper's endpoints, poller, journal, desk, and its main loop, which refreshes the prices,
//! liquidates and carries out a change. Time is paused and runs as fast as everybody can. A fault counts when it made a
//! difference: a request that was refused, an answer that was false, a transaction that was held up, a step that was reached.

mod base;
mod case;
mod chain;
mod disk;
mod judge;
mod lie;
mod life;
mod money;
mod node;
mod process;
mod script;
mod stage;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ballast_keeper::clock::{Clock, Stopped};
use base::Base;

/// Cases of the size that every change is tested with, and of the deep run.
const CASES: u64 = 1_000;
const DEEP: u64 = 10_000;
/// Cases more than those, because in some the faults come to nothing.
const MORE: u64 = 90;

#[derive(Default)]
struct Tally {
    faults: BTreeMap<String, usize>,
    /// Cases in which one made a difference.
    faulty: u64,
    /// Liquidations that landed, other transactions that did, and all that failed.
    counts: [usize; 3],
    /// Cases whose profit is one number, and was met.
    exact: u64,
    kills: usize,
    violations: Vec<String>,
}

fn run_case(base: &Base, seed: u64) -> (script::Script, Vec<String>, case::Outcome) {
    let folder = tempfile::tempdir().expect("a folder");
    // Whenever nobody has anything to do, it is later.
    let stopped = Stopped::new();
    let advance = Arc::clone(&stopped);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder
        .on_thread_park(move || {
            advance.advance();
        })
        .build()
        .expect("a runtime");
    runtime.block_on(case::run(base, seed, folder.path(), Clock::stopped(stopped)))
}

#[test]
fn whatever_goes_wrong_nothing_is_done_twice_and_nothing_is_missed() {
    let deep = std::env::var("BALLAST_DEEP").is_ok_and(|value| value == "1");
    let only = std::env::var("BALLAST_FAULT_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let cases = std::env::var("BALLAST_FAULT_CASES").ok().and_then(|cases| cases.parse().ok());
    let (wanted, more) = if deep { (DEEP, 10 * MORE) } else { (CASES, MORE) };
    let cases = cases.unwrap_or(wanted + more);
    if only.is_some() {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).without_time().init();
    }
    let seeds = only.map_or(0..cases, |seed| seed..seed + 1);
    let (next, tally) = (AtomicU64::new(seeds.start), Mutex::new(Tally::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let base = Base::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let (script, violations, outcome) = run_case(&base, seed);
                    let mut tally = tally.lock().expect("nobody panics holding it");
                    let chain = outcome.chain.lock().expect("nobody panics holding it");
                    for name in &chain.felt {
                        *tally.faults.entry(name.clone()).or_default() += 1;
                    }
                    tally.faulty += u64::from(!chain.felt.is_empty());
                    tally.exact += u64::from(money::is_exact(&outcome, &chain));
                    for (sum, count) in tally.counts.iter_mut().zip(case::counts(&chain)) {
                        *sum += count;
                    }
                    tally.kills += outcome.kills;
                    if !violations.is_empty() {
                        let told = format!("seed {seed}: {script:?}\n    {}", violations.join("\n    "));
                        tally.violations.push(told);
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().expect("nobody panics holding it");
    println!("{:<55} {:>7}", "fault", "count");
    for (name, count) in &tally.faults {
        println!("{name:<55} {count:>7}");
    }
    let Tally { faulty, counts: [liquidations, others, failed], exact, kills, .. } = &tally;
    println!(
        "{cases} cases, {faulty} with faults that made a difference: {liquidations} liquidations landed, {others} refreshes and \
         changes, {failed} failed on chain; the keeper was killed {kills} times; in {exact} cases the profit is one number"
    );
    assert!(
        tally.violations.is_empty(),
        "{} cases with violations\n{}",
        tally.violations.len(),
        tally.violations[..tally.violations.len().min(10)].join("\n")
    );
    if only.is_none() && cases >= wanted {
        for name in script::names() {
            assert!(tally.faults.contains_key(&name), "no case with: {name}");
        }
        assert!(tally.faulty >= wanted, "{} cases with faults are too few", tally.faulty);
    }
}
