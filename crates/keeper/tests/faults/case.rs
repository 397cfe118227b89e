//! One case: a market, a crash, a script of faults, and what has to be true when they have ended.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use ballast_client::snapshot::best_liquidation;
use ballast_keeper::clock::Clock;
use ballast_keeper::config::Config;
use ballast_keeper::journal::Record;
use ballast_keeper::liquidator::Ledger;
use ballast_keeper::rounds::End;
use ballast_tests::random::Random;

use crate::base::Base;
use crate::chain::{Aim, Chain};
use crate::judge;
use crate::life::{Place, configuration};
use crate::node::Mood;
use crate::script::Script;
use crate::stage::Stage;

/// Slots after which a case has failed.
const MOST_SLOTS: u64 = 2_000;
/// What a liquidation has to gain so that it must not be missed, micro-dollars: the keeper's least profit and its costs.
pub const MISSED: i64 = 20_000;
/// Between two pollings of a keeper with a subscription, and without one, milliseconds.
const POLL: [u64; 2] = [6_000, 3_000];

/// What a case left behind, for the judge.
pub struct Outcome {
    pub chain: Arc<Mutex<Chain>>,
    pub before: Vec<u64>,
    /// What the lives of the keeper had counted.
    pub ledger: Ledger,
    /// Records of every journal that there was.
    pub journals: Vec<Vec<Record>>,
    pub kills: usize,
    pub lost: bool,
    pub disk_was_full: bool,
    pub settled: bool,
    /// The last life ended by itself.
    pub stopped: bool,
    /// How it ended when it was asked to.
    pub end: Option<End>,
}

impl Outcome {
    /// Of a keeper that has not begun yet.
    pub fn new(chain: &Arc<Mutex<Chain>>) -> Self {
        let before = chain.lock().expect("nobody panics holding it").balances();
        Self {
            chain: Arc::clone(chain),
            before,
            ledger: Ledger::default(),
            journals: Vec::new(),
            kills: 0,
            lost: false,
            disk_was_full: false,
            settled: false,
            stopped: false,
            end: None,
        }
    }
}

/// Runs a case. Its violations, and its script.
pub async fn run(base: &Base, seed: u64, folder: &Path, clock: Clock) -> (Script, Vec<String>, Outcome) {
    let script = Script::of(seed);
    let chain = Arc::new(Mutex::new(Chain::new(base)));
    let config = Config::parse(&configuration(base, script.named, POLL[usize::from(!script.stream)], 1_000), &|_| None);
    let place = Place {
        chain: Arc::clone(&chain),
        moods: (0..script.nodes).map(|_| Arc::new(Mutex::new(Mood::default()))).collect(),
        config: Arc::new(config.expect("a configuration")),
        journal: folder.join("journal"),
        full: Arc::new(AtomicBool::new(false)),
        clock,
    };
    let mut stage = Stage::new(place, script, Random::new(seed ^ 0x5eed), Outcome::new(&chain));
    for slot in 0..MOST_SLOTS {
        stage.slot(slot).await;
        if slot > stage.script.end() && slot.is_multiple_of(8) && stage.is_settled() {
            stage.outcome.settled = true;
            break;
        }
    }
    stage.end().await;
    let violations = judge::violations(&stage.outcome);
    (stage.script, violations, stage.outcome)
}

/// What is left to be done: vaults that could be liquidated with a gain, a price that the market does not know, a change.
pub fn missed(chain: &Chain) -> Vec<String> {
    let (market, now, balances) = (chain.market(), chain.now(), chain.balances());
    let most = |asset: u8| balances.get(usize::from(asset)).copied().unwrap_or(0);
    let left = |address: &ballast_client::Pubkey| {
        let found = best_liquidation(&market, *address, &chain.vault(address), now, most)?;
        (found.gain >= MISSED).then(|| format!("{address} could be liquidated for {} micro-dollars", found.gain))
    };
    let mut missed: Vec<String> = chain.base.vaults.iter().filter_map(left).collect();
    missed.extend((!chain.is_priced()).then(|| "the market does not know the price of SOL".to_owned()));
    missed.extend(chain.owes_change().then(|| "the change is not carried out".to_owned()));
    missed
}

/// How many liquidations landed, and how many other transactions, and how many failed.
pub fn counts(chain: &Chain) -> [usize; 3] {
    let landed = |liquidation: bool| {
        let good = chain.included.iter().filter(|included| included.error.is_none());
        good.filter(|included| matches!(included.aim, Aim::Liquidation(_)) == liquidation).count()
    };
    [landed(true), landed(false), chain.included.iter().filter(|included| included.error.is_some()).count()]
}
