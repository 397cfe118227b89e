//! Transactions: tried out on as many nodes as have to agree, sent to all, and what became of them asked of all.

use std::fmt;

use anyhow::Context;
use ballast_client::Pubkey;
use ballast_cluster::connection::Connection;
use ballast_cluster::sending::{Failure, Included, NotSent, Trial};
use futures_util::future::join_all;
use solana_client::rpc_config::CommitmentConfig;
use solana_message::VersionedMessage;
use solana_transaction::{Hash, Signature};

use super::{Endpoints, Unready};

/// Blocks for which a transaction can land after the block whose hash it names.
pub const LIFETIME: u64 = 150;

/// A blockhash to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blockhash {
    pub hash: Hash,
    /// The cluster is beyond this height when nothing that names it can land any more.
    pub last_valid_block_height: u64,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In a block, successful or not.
    Included(Included),
    /// It never landed and never will.
    Expired,
}

/// Why something was not tried out.
#[derive(Debug)]
pub enum NotTried {
    Unready(Unready),
    /// As many nodes as have to agree say that it would fail.
    Refused(Box<Failure>),
    /// Some nodes say so, some do not.
    Disputed(String),
}

impl fmt::Display for NotTried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unready(unready) => write!(f, "{unready}"),
            Self::Refused(failure) => write!(f, "the transaction would fail: {failure}"),
            Self::Disputed(why) => write!(f, "the nodes do not agree: {why}"),
        }
    }
}

/// What one node knows of a transaction.
struct Testimony {
    at: usize,
    /// Confirmed blocks, as of before it was asked for the status.
    height: u64,
    known: bool,
    confirmed: bool,
}

async fn testify(connection: &Connection, at: usize, signature: &Signature, last: u64) -> anyhow::Result<Testimony> {
    let client = connection.client();
    let commitment = CommitmentConfig::confirmed();
    // Before the status: what is unknown after its last block stays unknown.
    let height = client.get_block_height_with_commitment(commitment).await.context("no block height")?;
    // Nodes remember statuses for a while; who asks whether it is all over, wants to hear of what landed before that too.
    let asked = [*signature];
    let statuses = match height > last {
        true => client.get_signature_statuses_with_history(&asked).await,
        false => client.get_signature_statuses(&asked).await,
    };
    let status = statuses.context("no status")?.value.into_iter().next().flatten();
    let confirmed = status.as_ref().is_some_and(|status| status.satisfies_commitment(commitment));
    Ok(Testimony { at, height, known: status.is_some(), confirmed })
}

impl Endpoints {
    /// Tries a message out on every node that counts.
    ///
    /// # Errors
    /// [`NotTried`]: fewer than have to agree say that it would succeed.
    pub async fn try_out(&self, message: &VersionedMessage) -> Result<Vec<Trial>, NotTried> {
        let healthy = self.healthy().map_err(NotTried::Unready)?;
        let requests = healthy.into_iter().map(|at| async move {
            let trial = self.in_time(self.nodes[at].connection.try_message(message.clone()));
            (at, trial.await)
        });
        let (mut passed, mut refused, mut other) = (Vec::new(), Vec::new(), Vec::new());
        for (at, trial) in join_all(requests).await {
            match trial {
                Ok(Ok(trial)) => match self.credible(trial.slot) {
                    Ok(()) => passed.push(trial),
                    Err(why) => self.suspect(at, why),
                },
                Ok(Err(NotSent::Refused(failure))) => refused.push(failure),
                Ok(Err(NotSent::Invalid(error))) => other.push(format!("{error:#}")),
                Ok(Err(NotSent::Node(error))) => self.missed(at, format!("{error:#}")),
                Err(_) => self.missed(at, format!("no simulation within {:?}", self.policy.timeout)),
            }
        }
        let needed = self.policy.least_healthy;
        if passed.len() >= needed {
            return Ok(passed);
        }
        let count = refused.len();
        match refused.pop() {
            Some(failure) if count >= needed => Err(NotTried::Refused(failure)),
            Some(failure) => Err(NotTried::Disputed(format!("{} would take it, {count} say {failure}", passed.len()))),
            None => match other.pop() {
                Some(why) => Err(NotTried::Disputed(why)),
                None => Err(NotTried::Unready(self.unready(&self.view()))),
            },
        }
    }

    /// What others paid lately to write these accounts, micro-lamports for a compute unit.
    ///
    /// # Errors
    /// [`Unready`].
    pub async fn recent_price(&self, written: &[Pubkey], percentile: u8) -> Result<u64, Unready> {
        let request = |connection: Connection| {
            let written = written.to_vec();
            async move { connection.recent_price(&written, percentile).await }
        };
        self.ask(request, |_| Ok(())).await
    }

    /// A fresh blockhash. Until when it can be used is our own bound, not the node's word: too low a height would make us
    /// believe that a transaction has expired that can still land.
    ///
    /// # Errors
    /// [`Unready`].
    pub async fn blockhash(&self) -> Result<Blockhash, Unready> {
        let request = |connection: Connection| async move {
            let commitment = CommitmentConfig::confirmed();
            Ok(connection.client().get_latest_blockhash_with_commitment(commitment).await?)
        };
        let (hash, _) = self.ask(request, |_| Ok(())).await?;
        match self.ceiling() {
            Some(ceiling) => Ok(Blockhash { hash, last_valid_block_height: ceiling.height.saturating_add(LIFETIME) }),
            None => Err(self.unready(&self.view())),
        }
    }

    /// Hands a transaction, as `ballast_cluster::sending::wire` writes it, to every node that is not known to be of another
    /// cluster. Returns how many took it.
    pub async fn broadcast(&self, wire: &str) -> usize {
        let requests = self.native().into_iter().map(|at| async move {
            let connection = &self.nodes[at].connection;
            matches!(self.in_time(connection.submit_wire(wire)).await, Ok(Ok(())))
        });
        join_all(requests).await.into_iter().filter(|taken| *taken).count()
    }

    /// What became of a transaction, if that is decided: it is in a block when enough nodes say the same about it. It has
    /// expired when enough nodes are beyond its last height and none, healthy or not, knows it.
    pub async fn verdict(&self, signature: &Signature, last_valid_block_height: u64) -> Option<Verdict> {
        let requests = self.native().into_iter().map(|at| async move {
            let connection = &self.nodes[at].connection;
            let testimony = testify(connection, at, signature, last_valid_block_height);
            self.in_time(testimony).await.ok()?.ok()
        });
        let testimonies: Vec<Testimony> = join_all(requests).await.into_iter().flatten().collect();
        let needed = self.policy.least_healthy;
        let counts = |testimony: &&Testimony| self.view().records[testimony.at].is_healthy();
        if testimonies.iter().filter(counts).filter(|testimony| testimony.confirmed).count() >= needed {
            return self.included(signature).await.map(Verdict::Included);
        }
        let unknown_beyond = |height: u64| {
            let without = testimonies.iter().filter(counts).filter(|testimony| !testimony.known);
            without.filter(|testimony| testimony.height > height).count() >= needed
        };
        let unanimous = testimonies.iter().all(|testimony| !testimony.known);
        // A single node that claims to know it cannot hold a key for ever: after as long again it is outvoted. By then it is
        // certain that the transaction will not land, and the next one is decided on what the others say of the vault.
        let outvoted = unknown_beyond(last_valid_block_height.saturating_add(LIFETIME));
        (outvoted || unanimous && unknown_beyond(last_valid_block_height)).then_some(Verdict::Expired)
    }

    /// A confirmed transaction, as enough nodes describe it alike.
    async fn included(&self, signature: &Signature) -> Option<Included> {
        let healthy = self.healthy().ok()?;
        let requests = healthy.into_iter().map(|at| async move {
            let connection = &self.nodes[at].connection;
            self.in_time(connection.included(signature)).await.ok()?.ok()
        });
        let found: Vec<Included> = join_all(requests).await.into_iter().flatten().collect();
        let alike = |one: &&Included| found.iter().filter(|other| other == one).count() >= self.policy.least_healthy;
        found.iter().find(alike).cloned()
    }

    /// The nodes that are not known to be of another cluster.
    fn native(&self) -> Vec<usize> {
        let view = self.view();
        (0..self.nodes.len()).filter(|at| !view.records[*at].is_foreign()).collect()
    }

    pub(super) fn missed(&self, at: usize, why: String) {
        self.view().records[at].miss(why, self.clock.now());
    }
}
