//! Several nodes of one cluster, of which none is believed alone.
//!
//! A node counts when its genesis hash is the others', when it is not further behind or ahead than it may be, and until it
//! answers what cannot be. Reading takes turns among those that count; what decides about money is simulated on as many as
//! are needed; what became of a transaction is asked of all. When fewer count than are needed, nothing is answered at all:
//! the keeper fails closed.

mod blockhash;
mod fate;
mod reading;
mod standing;
mod survey;
#[cfg(test)]
mod tests;
mod transactions;

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use ballast_cluster::connection::Connection;
use solana_transaction::Hash;

use crate::clock::{Clock, Elapsed};
pub use blockhash::{Blockhash, LIFETIME};
pub use fate::{Landing, Verdict};
pub use reading::Seen;
pub use standing::{Position, Standing};
use standing::{Record, Reference};
pub use transactions::NotTried;

/// When nodes are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Nodes that have to agree. One is for local networks alone: it is believed whatever it says.
    pub least_healthy: usize,
    /// Slots that a node may be behind the others, or ahead of them.
    pub most_slots_behind: u64,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { least_healthy: 2, most_slots_behind: 50, timeout: Duration::from_secs(5) }
    }
}

/// How many times as long the answer may take of which nobody knows how long it is.
const MUCH: u32 = 12;

/// One node. The name is what logs and metrics say.
pub struct Node {
    pub name: String,
    pub connection: Connection,
}

/// Fewer nodes count than are needed, or none of them had an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unready {
    pub healthy: usize,
    pub needed: usize,
    /// What is wrong with each of the others.
    pub why: String,
}

impl Unready {
    fn because(self, why: &str) -> Self {
        Self { why: why.to_owned(), ..self }
    }
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} needed nodes can be relied on", self.healthy, self.needed)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, " ({})", self.why) }
    }
}

impl std::error::Error for Unready {}

/// What is thought of a node at the moment.
#[derive(Clone, Debug)]
pub struct Report {
    pub name: String,
    pub standing: Standing,
    /// As the node said itself.
    pub position: Option<Position>,
    /// Slots behind the node that is furthest, as far as the cluster can be there.
    pub behind: u64,
}

struct View {
    records: Vec<Record>,
    genesis: Option<Hash>,
    reference: Option<Reference>,
    surveyed: Option<Instant>,
}

/// The nodes. Shared by everybody who asks.
pub struct Endpoints {
    nodes: Vec<Node>,
    policy: Policy,
    view: Mutex<View>,
    turn: AtomicUsize,
    last_blockhash: blockhash::Last,
    clock: Clock,
    /// How far the cluster's clock may be from the machine's; `None`: it is not compared.
    most_drift: Option<Duration>,
}

impl Endpoints {
    /// # Errors
    /// Fewer nodes than have to agree.
    pub fn new(nodes: Vec<Node>, policy: Policy) -> anyhow::Result<Self> {
        let Policy { least_healthy, .. } = policy;
        ensure!(least_healthy >= 1, "at least one node has to be healthy");
        ensure!(nodes.len() >= least_healthy, "{} nodes, of which {least_healthy} have to agree", nodes.len());
        let records = nodes.iter().map(|_| Record::new()).collect();
        let view = Mutex::new(View { records, genesis: None, reference: None, surveyed: None });
        Ok(Self {
            nodes,
            policy,
            view,
            turn: AtomicUsize::new(0),
            last_blockhash: blockhash::Last::default(),
            clock: Clock::default(),
            most_drift: None,
        })
    }

    /// The same by another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Leaves nodes out whose clock is further from the machine's.
    pub fn with_most_drift(self, most_drift: Duration) -> Self {
        Self { most_drift: Some(most_drift), ..self }
    }

    /// Counts nodes of the cluster with this first block only. Without it, the cluster is what enough nodes say first, so
    /// that as many as are needed can lie about it together.
    pub fn of_cluster(self, genesis: Hash) -> Self {
        self.view().genesis = Some(genesis);
        self
    }

    /// The clock of everybody who works with these nodes.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The cluster, if it was named or once enough nodes have agreed on it.
    pub fn genesis(&self) -> Option<Hash> {
        self.view().genesis
    }

    /// What enough nodes have reached, as of the last survey.
    pub fn position(&self) -> Option<Position> {
        self.view().reference.map(|reference| reference.position)
    }

    /// An upper bound of where the cluster is now.
    pub fn ceiling(&self) -> Option<Position> {
        let most_behind = self.policy.most_slots_behind;
        self.view().reference.map(|reference| reference.ceiling(self.clock.now(), most_behind))
    }

    /// Whether enough nodes count.
    ///
    /// # Errors
    /// [`Unready`], with what is wrong.
    pub fn ready(&self) -> Result<(), Unready> {
        let view = self.view();
        let healthy = view.records.iter().filter(|record| record.is_healthy()).count();
        if healthy >= self.policy.least_healthy && view.reference.is_some() { Ok(()) } else { Err(self.unready(&view)) }
    }

    /// What is thought of each node.
    pub fn reports(&self) -> Vec<Report> {
        let view = self.view();
        let furthest = self.furthest(&view);
        let report = |(node, record): (&Node, &Record)| Report {
            name: node.name.clone(),
            standing: record.standing.clone(),
            position: record.position,
            behind: record.position.map_or(0, |position| furthest.saturating_sub(position.slot)),
        };
        self.nodes.iter().zip(&view.records).map(report).collect()
    }

    /// The furthest slot that a node says it has reached and the cluster can have reached.
    fn furthest(&self, view: &View) -> u64 {
        let most_behind = self.policy.most_slots_behind;
        let ceiling = view.reference.map(|reference| reference.ceiling(self.clock.now(), most_behind).slot);
        let verified = view.records.iter().filter(|record| record.verified).filter_map(|record| record.position);
        let possible = verified.map(|position| position.slot).filter(|slot| ceiling.is_none_or(|most| *slot <= most));
        possible.chain(view.reference.map(|reference| reference.position.slot)).max().unwrap_or_default()
    }

    /// Whether a node can have been at this slot: not further behind or ahead than it may be.
    pub fn is_plausible(&self, slot: u64) -> bool {
        let most = self.policy.most_slots_behind;
        let Some(reference) = self.view().reference else { return false };
        let ceiling = reference.ceiling(self.clock.now(), most).slot;
        slot.saturating_add(most) >= reference.position.slot && slot <= ceiling
    }

    /// A poisoned lock still holds whole values: every change of a record is one assignment.
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unready(&self, view: &View) -> Unready {
        let wrong = self.nodes.iter().zip(&view.records).filter(|(_, record)| !record.is_healthy());
        let why: Vec<_> = wrong.map(|(node, record)| format!("{}: {}", node.name, record.standing)).collect();
        let healthy = self.nodes.len() - why.len();
        Unready { healthy, needed: self.policy.least_healthy, why: why.join("; ") }
    }

    /// The nodes that count, beginning with another one each time.
    fn healthy(&self) -> Result<Vec<usize>, Unready> {
        self.ready()?;
        let mut healthy = self.counted();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % healthy.len().max(1);
        healthy.rotate_left(turn);
        Ok(healthy)
    }

    /// The nodes that count, in order.
    fn counted(&self) -> Vec<usize> {
        let view = self.view();
        (0..self.nodes.len()).filter(|at| view.records[*at].is_healthy()).collect()
    }

    /// Asks one node, within the time that there is.
    async fn request<T>(&self, at: usize, request: impl Future<Output = anyhow::Result<T>>) -> Result<T, String> {
        let answer = match self.in_time(request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(Elapsed) => Err(format!("no answer within {:?}", self.policy.timeout)),
        };
        if let Err(why) = &answer {
            self.missed(at, why.clone());
        }
        answer
    }

    /// Asks the nodes that count, one after the other, until one has an answer that passes the check.
    ///
    /// # Errors
    /// [`Unready`].
    async fn ask<T, F>(
        &self,
        request: impl Fn(Connection) -> F,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<T, Unready>
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        for at in self.healthy()? {
            let Ok(answer) = self.request(at, request(self.nodes[at].connection.clone())).await else { continue };
            match check(&answer) {
                Ok(()) => {
                    self.view().records[at].praise();
                    return Ok(answer);
                }
                Err(why) => self.suspect(at, why),
            }
        }
        let view = self.view();
        Err(self.unready(&view))
    }

    /// As [`Self::ask`], for what can be more than a node has or allows: there is more time, and who does not answer this one
    /// is no worse at everything else.
    ///
    /// # Errors
    /// [`Unready`].
    async fn ask_for_much<T, F>(
        &self,
        request: impl Fn(Connection) -> F,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<T, Unready>
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        let patience = self.policy.timeout.saturating_mul(MUCH);
        let mut why = Vec::new();
        for at in self.healthy()? {
            let Node { name, connection } = &self.nodes[at];
            match self.clock.timeout(patience, request(connection.clone())).await {
                Ok(Ok(answer)) => match check(&answer) {
                    Ok(()) => return Ok(answer),
                    Err(lie) => {
                        why.push(format!("{name}: {lie}"));
                        self.suspect(at, lie);
                    }
                },
                Ok(Err(error)) => why.push(format!("{name}: {error:#}")),
                Err(Elapsed) => why.push(format!("{name}: no answer within {patience:?}")),
            }
        }
        Err(Unready { healthy: 0, needed: 1, why: why.join("; ") })
    }

    async fn in_time<T>(&self, request: impl Future<Output = T>) -> Result<T, Elapsed> {
        self.clock.timeout(self.policy.timeout, request).await
    }

    /// Leaves a node out that answered what cannot be.
    fn suspect(&self, at: usize, why: String) {
        tracing::warn!(node = self.nodes[at].name, why, "left out: it answered what cannot be");
        self.view().records[at].suspend(why, self.clock.now());
    }
}
