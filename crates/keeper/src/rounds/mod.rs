//! The main loop: takes in what the stream brings, keeps prices fresh, liquidates, carries out changes, and ends in order.
//!
//! A round never waits for a transaction. What is under way is collected when it is done; what a node, an account or a
//! transaction does wrong costs that round and no other.

mod beside;
mod changes;
mod hand;
mod opening;
pub mod posting;
pub mod publishers;
pub mod refresher;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ballast_client::Pubkey;
use tokio::sync::{mpsc, watch as channel};
use tracing::{debug, info, warn};

use crate::config::Config;
use crate::endpoints::Endpoints;
use crate::liquidator::Liquidator;
use crate::metrics::Metrics;
use crate::server::{Condition, Status};
use crate::strategy::Plan;
use crate::stream::{self, Event, Watched};

use beside::Beside;
pub use changes::Changes;
pub use hand::{Ended, Hand};
pub use opening::{Mode, Opened, Unreached, endpoints, open};
pub use publishers::Publishers;
pub use refresher::Refresher;

/// Between two rounds when nothing arrives.
const PAUSE: Duration = Duration::from_millis(200);
/// Events that are taken in at most before a round.
const AT_ONCE: usize = 4_096;
/// A single pass has to come to an end within this time.
const ONCE_PATIENCE: Duration = Duration::from_secs(300);

/// The keeper of one market.
pub struct Keeper {
    market: Pubkey,
    endpoints: Arc<Endpoints>,
    liquidator: Liquidator,
    refresher: Refresher,
    publishers: Option<Publishers>,
    changes: Changes,
    metrics: Metrics,
    status: Status,
    watched: channel::Sender<Vec<Pubkey>>,
    /// How long the accounts may go without a reading before they count as unknown.
    stale: Duration,
    shutdown: Duration,
    complete: bool,
    last_reading: Instant,
    /// The state of the market whose oracle accounts are watched, `Index::market_revision`.
    followed: u64,
    /// The last round left something to plan: the next one begins at once.
    hurried: bool,
    /// The last round found nothing to liquidate that it could, and nothing is under way.
    quiet: bool,
    /// In a dry run: the vaults whose plans have been told, with what they would bring.
    told: HashMap<Pubkey, i64>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything that was under way is decided, or was nothing.
    Orderly,
    /// Something is still under way. The journal knows of it.
    Late,
    /// A single pass could not do everything.
    Incomplete,
}

impl Keeper {
    /// Goes round until `stop` is done.
    pub async fn run(mut self, config: &Config, stop: impl Future<Output = ()>) -> End {
        let (mut events, mut beside) = self.begin(config);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = beside.ended() => (events, beside) = self.begin(config),
                () = self.arrivals(&mut events) => {}
            }
            self.round().await;
        }
        drop(beside);
        self.end().await
    }

    /// Goes round until there is nothing left to do, or `stop` is done.
    pub async fn run_once(mut self, config: &Config, stop: impl Future<Output = ()>) -> End {
        let (mut events, mut beside) = self.begin(config);
        let clock = self.endpoints.clock().clone();
        let begun = clock.now();
        tokio::pin!(stop);
        let done = loop {
            tokio::select! {
                biased;
                () = &mut stop => break false,
                () = beside.ended() => (events, beside) = self.begin(config),
                () = self.arrivals(&mut events) => {}
            }
            self.round().await;
            if self.has_nothing_to_do() {
                break true;
            }
            if clock.since(begun) >= ONCE_PATIENCE {
                warn!("the pass is not over after {ONCE_PATIENCE:?}");
                break false;
            }
        };
        let end = self.end().await;
        if end == End::Orderly && (!done || self.failures() > 0) { End::Incomplete } else { end }
    }

    /// How much was to be done and is not.
    fn failures(&self) -> usize {
        let posted = self.publishers.as_ref().map_or(0, Publishers::failures);
        let parts = [self.liquidator.failures(), self.refresher.failures(), self.changes.failures(), posted];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    /// One turn of the main loop: waits for what arrives, not for long, and goes round.
    pub async fn turn(&mut self, events: &mut mpsc::Receiver<Event>) {
        self.arrivals(events).await;
        self.round().await;
    }

    /// What liquidates, for whoever looks on.
    pub fn liquidator(&self) -> &Liquidator {
        &self.liquidator
    }

    /// Looks after nodes, former life and wallet until the returned set is dropped.
    pub fn watch(&self) -> tokio::task::JoinSet<()> {
        watch::start(
            Arc::clone(&self.endpoints),
            Arc::clone(self.refresher.hand().desk()),
            self.metrics.clone(),
            self.status.clone(),
        )
    }

    /// The accounts to be watched beside the vaults, for a source of events.
    pub fn watched(&self) -> Watched {
        self.watched.subscribe()
    }

    /// Takes in what has arrived, or waits for it for a moment. Nothing is lost when this is dropped on the way.
    async fn arrivals(&mut self, events: &mut mpsc::Receiver<Event>) {
        let clock = self.endpoints.clock().clone();
        tokio::select! {
            biased;
            // Without sources nothing comes, until they are begun anew.
            Some(event) = events.recv() => self.take_all(event, events),
            () = clock.sleep(if self.hurried { Duration::ZERO } else { PAUSE }) => {}
        }
    }

    /// Starts what runs beside the main loop. The sources begin with a complete reading.
    fn begin(&mut self, config: &Config) -> (mpsc::Receiver<Event>, Beside) {
        let nodes = Arc::clone(&self.endpoints);
        let (events, sources) = stream::start(config, nodes, self.watched(), &self.metrics);
        (events, Beside::new(sources, self.watch(), self.metrics.clone()))
    }

    /// Takes in an event and those that wait behind it.
    fn take_all(&mut self, first: Event, events: &mut mpsc::Receiver<Event>) {
        let mut next = Some(first);
        for _ in 0..AT_ONCE {
            let Some(event) = next.take() else { return };
            self.take(event);
            next = events.try_recv().ok();
        }
        if let Some(event) = next {
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Update(update) => {
                self.last_reading = self.endpoints.clock().now();
                if self.refresher.wants(&update.address) {
                    if self.endpoints.is_credible(&update) {
                        self.refresher.take(&update);
                    }
                    return;
                }
                if self.refresher.wanted(&update.address) && update.owner != ballast_client::ID {
                    return;
                }
                self.liquidator.receive(&update);
                self.follow_market();
            }
            Event::Complete => {
                let vaults = self.liquidator.index().len();
                match self.complete {
                    true => debug!(vaults, "all accounts have been read again"),
                    false => info!(vaults, "all accounts have been read"),
                }
                self.complete = true;
            }
            Event::Failed(reason) => {
                self.metrics.pass_failed("stream");
                warn!(reason, "a reading failed");
            }
        }
    }

    /// Watches the oracle accounts that the market names now, whoever brought the market.
    fn follow_market(&mut self) {
        let index = self.liquidator.index();
        let Some(market) = index.market().filter(|_| index.market_revision() != self.followed) else { return };
        self.followed = index.market_revision();
        let addresses = self.refresher.follow(market);
        self.watched.send_if_modified(|watched| {
            let mut wanted = vec![self.market];
            wanted.extend(&addresses);
            let changed = *watched != wanted;
            if changed {
                *watched = wanted;
            }
            changed
        });
    }

    async fn round(&mut self) {
        self.follow_market();
        let index = self.liquidator.index();
        if let Some(market) = index.market() {
            self.refresher.round(market, index.market_slot());
        }
        let tick = self.liquidator.tick().await;
        self.hurried = tick.unfinished;
        self.quiet = tick.unready.is_none() && tick.in_flight == 0 && tick.unread == 0 && !tick.unfinished;
        if let Some(unready) = &tick.unready {
            self.metrics.pass_failed("nodes");
            self.status.set(Condition::Rpc, Err(unready.to_string()));
        }
        if self.refresher.hand().is_dry() {
            self.rehearse(&tick.plans).await;
        }
        if let (Some(market), Some(now)) = (self.liquidator.index().market(), self.refresher.now()) {
            self.metrics.cluster_time(now.unix);
            self.changes.round(market, now);
            if let Some(publishers) = &mut self.publishers {
                let accounts = self.refresher.accounts();
                let second = |asset: u8| accounts.get(usize::from(asset)).and_then(|accounts| accounts.sources[1]);
                publishers.round(market, now, self.refresher.shelf(), second);
            }
        }
        self.status.set(Condition::Index, self.knows_accounts());
        self.status.set(Condition::Journal, self.refresher.hand().desk().require_journal());
        self.status.tick();
        self.metrics.passed(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    }

    /// In a dry run: simulates the plans, and says so of each once.
    async fn rehearse(&mut self, plans: &[(Plan, bool)]) {
        for (plan, _) in plans {
            if self.told.insert(plan.vault, plan.profit) != Some(plan.profit)
                && let Some(task) = self.liquidator.task(plan)
            {
                self.refresher.hand().carry_out(task).await;
            }
        }
    }

    fn knows_accounts(&self) -> Result<(), String> {
        let silence = self.endpoints.clock().since(self.last_reading);
        if !self.complete {
            Err("the accounts have not been read completely yet".to_owned())
        } else if silence > self.stale {
            Err(format!("nothing has been read for {} s", silence.as_secs()))
        } else {
            Ok(())
        }
    }

    fn has_nothing_to_do(&self) -> bool {
        let posted = self.publishers.as_ref().is_none_or(Publishers::is_idle);
        self.complete && posted && self.refresher.is_idle() && self.changes.is_idle() && self.quiet
    }

    /// Waits for what is under way, but not for ever.
    pub async fn end(&mut self) -> End {
        self.status.end();
        info!("ending: waiting for what is under way, {:?} at most", self.shutdown);
        // What waits for its turn is left to the next life.
        self.refresher.hand().desk().close();
        let patience = self.shutdown;
        let posting = async {
            match &mut self.publishers {
                Some(publishers) => publishers.finish(patience).await,
                None => true,
            }
        };
        let (liquidated, refreshed, changed, posted) = tokio::join!(
            self.liquidator.finish(patience),
            self.refresher.finish(patience),
            self.changes.finish(patience),
            posting
        );
        let ledger = self.liquidator.ledger();
        info!(liquidations = ledger.liquidations, profit = ledger.profit, fees = ledger.fees, "the books of this life");
        if liquidated && refreshed && changed && posted {
            End::Orderly
        } else {
            warn!("something is still under way; the journal knows of it, and the next start goes on from there");
            End::Late
        }
    }
}
