//! The liquidator: knows all vaults, ranks what can be liquidated by profit after fees, and hands it to the desk.
//!
//! A tick never waits for a transaction: what is under way is collected when it is done. Nothing that a vault, a node or a
//! plan does wrong ends the loop.

mod attempt;
mod backoff;
mod proceeds;
mod purse;
mod ranking;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballast_client::{Market, Pubkey};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::desk::{Desk, Outcome};
use crate::endpoints::{Endpoints, Unready};
use crate::index::{Applied, Index};
use crate::journal::Key;
use crate::metrics::Metrics;
use crate::strategy::{self, Plan, Purse};
use crate::updates::Update;
pub use backoff::{Backoff, Pause};
pub use proceeds::{Ledger, Proceeds};
use ranking::Ranking;

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
    /// How often all vaults are read, stream or not.
    pub resync: Duration,
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
            resync: Duration::from_secs(60),
            dry_run: false,
        }
    }
}

/// What one tick found and did.
#[derive(Debug, Default)]
pub struct Tick {
    /// Fewer nodes can be relied on than are needed: nothing was done.
    pub unready: Option<Unready>,
    /// Vaults that can be liquidated.
    pub liquidatable: usize,
    /// Of those, how many wait because they were refused.
    pub waiting: usize,
    /// The best plan of each vault that there was a place for, most profitable first, and whether it was handed to the desk.
    /// A dry run has those of all vaults.
    pub plans: Vec<(Plan, bool)>,
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
        vault: Pubkey,
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
    /// When the market and when all vaults were last read.
    market_read: Option<Instant>,
    vaults_read: Option<Instant>,
    recovered: bool,
    settling: bool,
    /// What plans under way may still take out of the purse.
    reserved: HashMap<Pubkey, Plan>,
    purse: Purse,
    /// Vaults that something was tried on, with the slot that a node has to have reached to know what became of them.
    touched: BTreeMap<Pubkey, u64>,
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
            vaults_read: None,
            recovered: false,
            settling: false,
            reserved: HashMap::new(),
            purse: Purse::default(),
            touched: BTreeMap::new(),
            running: JoinSet::new(),
        }
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

    /// Takes in what a stream says about an account. `None`: a slot that no other node confirms.
    pub fn receive(&mut self, update: &Update) -> Option<Applied> {
        self.endpoints.is_plausible(update.slot).then(|| self.index.apply(update))
    }

    /// Reads all vaults at the next tick: the stream may have missed some.
    pub fn resync(&mut self) {
        self.vaults_read = None;
        self.market_read = None;
    }

    /// One pass: nodes, accounts, scan, plans. To be called every second or so, and whenever something has arrived.
    pub async fn tick(&mut self) -> Tick {
        self.collect();
        match self.pass().await {
            Ok(tick) => tick,
            Err(unready) => {
                tracing::warn!("nothing is done: {unready}");
                let in_flight = self.running.len();
                Tick { unready: Some(unready), in_flight, ..Tick::default() }
            }
        }
    }

    /// Waits until nothing is under way any more, or for so long. Returns whether that was reached.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let clock = self.endpoints.clock().clone();
        let all = async {
            while let Some(done) = self.running.join_next().await {
                self.take(done);
            }
        };
        clock.timeout(patience, all).await.is_ok()
    }

    async fn pass(&mut self) -> Result<Tick, Unready> {
        let surveyed = self.endpoints.keep_surveyed().await;
        self.report_nodes();
        surveyed?;
        if !self.recovered {
            self.desk.recover().await?;
            self.recovered = true;
        }
        self.settle();
        self.read().await?;
        let Some(time) = self.time else { return Ok(Tick::default()) };
        let candidates = self.scan(time.now(self.endpoints.clock()));
        let mut tick = Tick { liquidatable: candidates.len(), ..Tick::default() };
        if !candidates.is_empty() {
            self.act(candidates, time, &mut tick).await?;
        }
        tick.in_flight = self.running.len();
        Ok(tick)
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
        if !self.settling && self.desk.in_flight() > 0 {
            self.settling = true;
            let desk = Arc::clone(&self.desk);
            self.running.spawn(async move { Done::Settled(desk.settle().await) });
        }
    }

    /// Reads what is due.
    async fn read(&mut self) -> Result<(), Unready> {
        let clock = self.endpoints.clock().clone();
        let due = |last: Option<Instant>, pause: Duration| last.is_none_or(|at| clock.since(at) >= pause);
        if due(self.market_read, self.terms.poll) {
            let seen = self.endpoints.market(self.index.address()).await?;
            self.index.apply(&seen.update);
            self.time = Some(Time { unix: seen.clock.unix, epoch: seen.clock.epoch, at: clock.now() });
            self.market_read = Some(clock.now());
        }
        if due(self.vaults_read, self.terms.resync) {
            let (updates, _) = self.endpoints.vaults(self.index.address()).await?;
            for update in &updates {
                self.index.apply(update);
            }
            self.vaults_read = Some(clock.now());
        }
        if !self.touched.is_empty() {
            self.read_touched().await?;
        }
        Ok(())
    }

    /// Reads what something was tried on. Until a node that knows the result has answered, such a vault is no candidate.
    async fn read_touched(&mut self) -> Result<(), Unready> {
        let addresses: Vec<Pubkey> = self.touched.keys().copied().collect();
        let answer = self.endpoints.accounts(&addresses).await?;
        for (address, raw) in addresses.iter().zip(answer.accounts) {
            let owner = raw.as_ref().map_or_else(Pubkey::default, |raw| raw.owner);
            let data = raw.map(|raw| raw.data);
            self.index.apply(&Update { address: *address, owner, data, slot: answer.slot });
        }
        self.touched.retain(|_, slot| *slot > answer.slot);
        Ok(())
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
        self.metrics.quarantined(self.index.quarantined_now());
        self.backoff.retain(|vault| found.binary_search(vault).is_ok());
        found
    }

    /// Takes in what is done.
    fn collect(&mut self) {
        while let Some(done) = self.running.try_join_next() {
            self.take(done);
        }
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(Done::Attempt { vault, kind, outcome }) => {
                self.reserved.remove(&vault);
                self.conclude(vault, kind, outcome);
            }
            Ok(Done::Settled(outcomes)) => {
                self.settling = false;
                for (key, outcome) in outcomes {
                    if let Key::Liquidate(vault) = key {
                        self.conclude(vault, "settled", outcome);
                    }
                }
            }
            // What it was about is in the journal, and is settled from there.
            Err(error) => {
                self.settling = false;
                tracing::error!("a task ended early: {error}");
            }
        }
    }

    fn market(&self) -> Option<Arc<Market>> {
        self.index.market().map(|market| Arc::new(*market))
    }
}
