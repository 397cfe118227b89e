//! Looks for changes that are due, and carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use ballast_client::account::Clock;
use ballast_client::{Change, Draft, Market, Pubkey};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::hand::{Ended, Hand};
use crate::desk::Task;
use crate::endpoints::Endpoints;
use crate::executor::{Pending, State, changes, draft_for, summary};
use crate::journal::Key;
use crate::metrics::Metrics;

/// Pause for a change that could not be carried out.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What one look came to.
struct Look {
    pending: Vec<Pending>,
    ended: Vec<(Pubkey, Ended)>,
}

/// The executor of one market's changes.
pub struct Changes {
    market: Pubkey,
    hand: Hand,
    endpoints: Arc<Endpoints>,
    metrics: Metrics,
    check: Duration,
    warn_before: u64,
    enabled: bool,
    looked: Option<Instant>,
    complete: bool,
    /// Changes that wait after a failure.
    paused: BTreeMap<Pubkey, Instant>,
    /// What was last said of each change.
    told: BTreeMap<Pubkey, String>,
    running: JoinSet<Result<Look>>,
    failures: usize,
}

/// How an executor works.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub check: Duration,
    /// A due change that expires within so many seconds is reported.
    pub warn_before: u64,
    pub enabled: bool,
}

impl Changes {
    pub fn new(market: Pubkey, hand: Hand, endpoints: Arc<Endpoints>, habits: Habits, metrics: Metrics) -> Self {
        let Habits { check, warn_before, enabled } = habits;
        Self {
            market,
            hand,
            endpoints,
            metrics,
            check,
            warn_before,
            enabled,
            looked: None,
            complete: false,
            paused: BTreeMap::new(),
            told: BTreeMap::new(),
            running: JoinSet::new(),
            failures: 0,
        }
    }

    /// How many changes could not be carried out.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// Collects what is done, and starts the next look when it is time.
    pub fn round(&mut self, market: &Market, now: &Clock) {
        while let Some(done) = self.running.try_join_next() {
            match done {
                Ok(Ok(look)) => self.conclude(look, now.unix),
                Ok(Err(error)) => {
                    self.metrics.pass_failed("changes");
                    warn!(reason = format!("{error:#}"), "the changes cannot be read");
                }
                Err(error) => warn!("a look at the changes ended early: {error}"),
            }
        }
        let due = self.looked.is_none_or(|at| self.hand.clock().since(at) >= self.check);
        if !self.enabled || !due || self.hand.is_tied() || !self.running.is_empty() {
            return;
        }
        let present = self.hand.clock().now();
        self.looked = Some(present);
        self.paused.retain(|_, until| *until > present);
        let paused: Vec<Pubkey> = self.paused.keys().copied().collect();
        let (hand, endpoints) = (self.hand.clone(), Arc::clone(&self.endpoints));
        let (address, market, now) = (self.market, Box::new(*market), now.unix);
        self.running.spawn(async move { look(&hand, &endpoints, &address, &market, now, &paused).await });
    }

    fn conclude(&mut self, look: Look, now: u64) {
        self.complete = true;
        let (open, overdue, expiry) = summary(&look.pending, now);
        self.metrics.changes(open, overdue, expiry);
        for (change, ended) in look.ended {
            self.metrics.change_executed(ended.name);
            if ended.landed.is_some() {
                info!(%change, "the change is carried out");
            } else if !self.hand.is_dry() {
                self.failures = self.failures.saturating_add(usize::from(!ended.busy));
                self.paused.insert(change, self.hand.clock().now() + AFTER_FAILURE);
            }
        }
        let mut told = BTreeMap::new();
        for pending in &look.pending {
            let late =
                matches!(pending.state, State::Due { until, .. } if until.saturating_sub(now) < self.warn_before);
            let text = if late { format!("{}, and expires soon", pending.state) } else { pending.state.to_string() };
            if self.told.get(&pending.address) != Some(&text) {
                match late {
                    true => warn!(change = %pending.address, reason = text, "a change is about to expire"),
                    false => info!(change = %pending.address, state = text, "a change of the market"),
                }
            }
            told.insert(pending.address, text);
        }
        self.told = told;
    }

    /// Nothing is under way, and everything has been looked at once.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && (self.complete || !self.enabled)
    }

    /// Waits until nothing is under way, or for so long.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let clock = self.hand.clock().clone();
        let all = async { while self.running.join_next().await.is_some() {} };
        clock.timeout(patience, all).await.is_ok()
    }
}

/// Reads all changes and carries out those that are due.
async fn look(
    hand: &Hand,
    endpoints: &Endpoints,
    address: &Pubkey,
    market: &Market,
    now: u64,
    paused: &[Pubkey],
) -> Result<Look> {
    let (found, _) = endpoints.of_market(address, Change::SPACE).await?;
    let pending = changes(&found, address, market, now);
    let due = |pending: &&Pending| matches!(pending.state, State::Due { .. }) && !paused.contains(&pending.address);
    let mut ended = Vec::new();
    for change in pending.iter().filter(due) {
        let draft = match change.needs_draft() {
            true => {
                let (drafts, _) = endpoints.of_market(address, Draft::SPACE).await?;
                let draft = draft_for(change, &drafts, address, market);
                if draft.is_none() {
                    warn!(change = %change.address, "no draft has the rows that this change was signed for; write them again");
                }
                draft
            }
            false => None,
        };
        let task = Task {
            key: Key::Execute(change.address),
            what: format!("change {}", change.address),
            instructions: vec![change.instruction(address, draft)],
            judge: None,
        };
        ended.push((change.address, hand.carry_out(task).await));
    }
    Ok(Look { pending, ended })
}
