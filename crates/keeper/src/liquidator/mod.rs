//! The liquidator: knows all vaults, ranks what can be liquidated by profit after fees, and hands it to the desk.
//!
//! A tick never waits for a transaction or for a reading of all vaults: what is under way is collected when it is done. It
//! scans what is known, be that of this moment or not. Nothing that a vault, a node or a plan does wrong ends the loop.

mod attempt;
mod backoff;
mod guard;
mod proceeds;
mod purse;
mod ranking;
mod reading;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballast_client::{Market, Pubkey};
use ballast_cluster::sending::FeePolicy;
use tokio::task::{Id, JoinError, JoinSet};

use crate::clock::Clock;
use crate::desk::{Desk, Outcome};
use crate::endpoints::{Endpoints, Unready};
use crate::index::{Applied, Index};
use crate::journal::Key;
use crate::metrics::Metrics;
use crate::strategy::{self, Plan, Purse, Situation};
use crate::updates::Update;
pub use backoff::{Backoff, Pause};
pub use proceeds::{Ledger, Proceeds};
use ranking::Ranking;

/// Who says how a vault can be liquidated, the best plan first.
pub type Planner = fn(&Situation<'_>) -> Vec<Plan>;

/// How the liquidator works.
#[derive(Clone, Debug)]
pub struct Terms {
    pub strategy: strategy::Terms,
    /// A vault of the keeper that takes positions over.
    pub own: Option<Pubkey>,
    /// Liquidations on their way at the same time.
    pub most_in_flight: usize,
    /// How often the market is read where no stream brings it.
    pub poll: Duration,
    /// Whether all vaults are read here. Not where a poller brings them.
    pub reads_vaults: bool,
    /// How often.
    pub resync: Duration,
    /// What is paid for a place in a block.
    pub fees: FeePolicy,
    /// Plans only; signs nothing.
    pub dry_run: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            strategy: strategy::Terms::default(),
            own: None,
            most_in_flight: 8,
            poll: Duration::from_secs(1),
            reads_vaults: true,
            resync: Duration::from_secs(60),
            fees: FeePolicy::default(),
            dry_run: false,
        }
    }
}

/// What one tick found and did.
#[derive(Debug, Default)]
pub struct Tick {
    /// Fewer nodes can be relied on than are needed, or none of them answered: not everything was done.
    pub unready: Option<Unready>,
    /// Vaults that can be liquidated.
    pub liquidatable: usize,
    /// Of those, how many wait because they were refused.
    pub waiting: usize,
    /// The best plan of each vault that there was a place for, most profitable first, and whether it was handed to the desk.
    /// A dry run has those of all vaults.
    pub plans: Vec<(Plan, bool)>,
    /// There was no time to plan for all that there is a place for: the next tick goes on.
    pub unfinished: bool,
    /// Vaults that something was tried on, of which no node that knows the result has been asked yet.
    pub unread: usize,
    /// What is under way at the end.
    pub in_flight: usize,
}

/// The cluster's time, carried on by our clock.
#[derive(Clone, Copy, Debug)]
struct Time {
    unix: u64,
    epoch: u64,
    at: Instant,
}

impl Time {
    fn now(&self, clock: &Clock) -> u64 {
        self.unix.saturating_add(clock.since(self.at).as_secs())
    }
}

/// What a task that was spawned comes back with.
enum Done {
    Attempt {
        kind: &'static str,
        outcome: Outcome,
    },
    /// What a former life, or nobody, had left behind.
    Settled(Vec<(Key, Outcome)>),
}

/// The liquidator of one market.
pub struct Liquidator {
    endpoints: Arc<Endpoints>,
    desk: Arc<Desk>,
    metrics: Metrics,
    terms: Terms,
    index: Index,
    backoff: Backoff,
    ranking: Ranking,
    ledger: Ledger,
    time: Option<Time>,
    /// When the market was last read.
    market_read: Option<Instant>,
    /// When all vaults are to be read; `None`: now.
    vaults_due: Option<Instant>,
    reading: JoinSet<Result<Vec<Update>, Unready>>,
    /// When the market last changed in a way that nothing has followed from yet.
    arrival: Option<Instant>,
    /// When it was last asked what others pay for a place.
    priced: Option<Instant>,
    planner: Planner,
    recovered: bool,
    /// The task that follows up what was left behind.
    settling: Option<Id>,
    /// Which vaults the tasks under way are about.
    attempts: HashMap<Id, Pubkey>,
    /// What plans under way may still take out of the purse.
    reserved: HashMap<Pubkey, Plan>,
    purse: Purse,
    /// Vaults that something was tried on, with the slot that a node has to have reached to know what became of them.
    touched: BTreeMap<Pubkey, u64>,
    /// Vaults that can be liquidated, and of which the last attempt failed.
    failed: BTreeSet<Pubkey>,
    running: JoinSet<Done>,
}

impl Liquidator {
    pub fn new(market: Pubkey, endpoints: Arc<Endpoints>, desk: Arc<Desk>, terms: Terms, metrics: Metrics) -> Self {
        Self {
            endpoints,
            desk,
            metrics,
            terms,
            index: Index::new(market),
            backoff: Backoff::default(),
            ranking: Ranking::default(),
            ledger: Ledger::default(),
            time: None,
            market_read: None,
            vaults_due: None,
            reading: JoinSet::new(),
            arrival: None,
            priced: None,
            planner: strategy::plans,
            recovered: false,
            settling: None,
            attempts: HashMap::new(),
            reserved: HashMap::new(),
            purse: Purse::default(),
            touched: BTreeMap::new(),
            failed: BTreeSet::new(),
            running: JoinSet::new(),
        }
    }

    /// The same with somebody else who says how a vault can be liquidated.
    pub fn with_planner(self, planner: Planner) -> Self {
        Self { planner, ..self }
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What all liquidations of this life brought.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The vaults that wait because they were refused, with the reason.
    pub fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// How many vaults can be liquidated still, because it was tried and failed.
    pub fn failures(&self) -> usize {
        self.failed.len()
    }

    /// Takes in what a stream says about an account. `None`: a slot that no other node confirms.
    pub fn receive(&mut self, update: &Update) -> Option<Applied> {
        self.endpoints.is_plausible(update.slot).then(|| self.apply(update))
    }

    /// Reads all vaults at the next tick: the stream may have missed some.
    pub fn resync(&mut self) {
        self.vaults_due = None;
        self.market_read = None;
    }

    /// One pass: nodes, accounts, scan, plans. To be called every second or so, and whenever something has arrived.
    pub async fn tick(&mut self) -> Tick {
        self.collect();
        let mut tick = Tick::default();
        if let Err(unready) = self.pass(&mut tick).await {
            tracing::warn!("not everything could be done: {unready}");
            tick.unready = Some(unready);
        }
        (tick.in_flight, tick.unread) = (self.running.len(), self.touched.len());
        if !tick.unfinished {
            // What it led to is on its way; a price that led to nothing is no delay.
            self.arrival = None;
        }
        tick
    }

    /// Waits until nothing is under way any more, or for so long. Returns whether that was reached.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let clock = self.endpoints.clock().clone();
        let all = async {
            while let Some(done) = self.running.join_next_with_id().await {
                self.take(done);
            }
        };
        clock.timeout(patience, all).await.is_ok()
    }

    async fn pass(&mut self, tick: &mut Tick) -> Result<(), Unready> {
        let surveyed = self.endpoints.keep_surveyed().await;
        self.report_nodes();
        surveyed?;
        if !self.recovered {
            self.desk.recover().await?;
            self.recovered = true;
        }
        self.settle();
        let read = self.read().await;
        let Some(time) = self.time else { return read };
        let candidates = self.scan(time.now(self.endpoints.clock()));
        tick.liquidatable = candidates.len();
        if candidates.is_empty() {
            self.metrics.profitable(0);
        } else {
            self.act(candidates, time, tick).await?;
        }
        read
    }

    fn report_nodes(&self) {
        let reports = self.endpoints.reports();
        let healthy = |standing: &crate::endpoints::Standing| *standing == crate::endpoints::Standing::Healthy;
        self.metrics.healthy_endpoints(reports.iter().filter(|report| healthy(&report.standing)).count());
        for report in reports {
            self.metrics.endpoint(&report.name, healthy(&report.standing), report.behind);
        }
    }

    /// Follows up what is unfinished and nobody is at.
    fn settle(&mut self) {
        if self.settling.is_none() && self.desk.in_flight() > 0 {
            let desk = Arc::clone(&self.desk);
            let task = self.running.spawn(async move { Done::Settled(desk.settle().await) });
            self.settling = Some(task.id());
        }
    }

    /// The vaults that can be liquidated.
    fn scan(&mut self, now: u64) -> Vec<Pubkey> {
        let begun = std::time::Instant::now();
        let absorb = self.terms.strategy.absorb;
        let scan = self.index.scan(now);
        let (counts, ruined) = (scan.counts, scan.ruined.len());
        let mut found: Vec<Pubkey> = scan.liquidatable.iter().map(|found| found.address).collect();
        found.extend(scan.ruined.iter().filter(|_| absorb));
        found.sort_unstable();
        found.dedup();
        self.metrics.scanned(begun.elapsed(), counts.evaluated, found.len(), ruined);
        self.metrics.vaults(counts.vaults);
        self.metrics.quarantined(self.index.quarantined_now() + counts.suspect + self.backoff.quarantined());
        self.backoff.retain(|vault| found.binary_search(vault).is_ok());
        // Whatever was tried: somebody else has done it.
        self.failed.retain(|vault| found.binary_search(vault).is_ok());
        found
    }

    /// Takes in what is done.
    fn collect(&mut self) {
        while let Some(done) = self.running.try_join_next_with_id() {
            self.take(done);
        }
    }

    fn take(&mut self, done: Result<(Id, Done), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let vault = self.attempts.remove(&id);
        if let Some(vault) = &vault {
            self.reserved.remove(vault);
        }
        if self.settling == Some(id) {
            self.settling = None;
        }
        match (done, vault) {
            (Ok((_, Done::Attempt { kind, outcome })), Some(vault)) => self.enter(vault, kind, outcome),
            (Ok((_, Done::Attempt { .. })), None) => {}
            (Ok((_, Done::Settled(outcomes))), _) => {
                for (key, outcome) in outcomes {
                    if let Key::Liquidate(vault) = key {
                        self.enter(vault, "settled", outcome);
                    }
                }
            }
            // How far it came is in the journal, and is settled from there. The place is free again.
            (Err(error), vault) => {
                tracing::error!("a task ended early: {error}");
                if let Some(vault) = vault {
                    self.quarantine(vault, &error.to_string());
                    self.touched.insert(vault, 0);
                }
            }
        }
    }

    /// As [`Self::conclude`]. Logs that make us panic are the fault of one vault.
    fn enter(&mut self, vault: Pubkey, kind: &str, outcome: Outcome) {
        if let Err(cause) = guard::watched(|| self.conclude(vault, kind, outcome)) {
            self.quarantine(vault, &cause);
            self.touched.insert(vault, 0);
        }
    }

    fn market(&self) -> Option<Arc<Market>> {
        self.index.market().map(|market| Arc::new(*market))
    }
}

#[cfg(test)]
mod tests;
