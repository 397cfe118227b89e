//! Transactions: tried out on as many nodes as have to agree, priced by them, and sent to all.

use std::fmt;

use ballast_client::Pubkey;
use ballast_cluster::sending::{Failure, NotSent, Trial};
use futures_util::future::join_all;
use solana_message::VersionedMessage;

use super::standing::middle;
use super::{Endpoints, Unready};

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

    /// What others paid lately to write these accounts, micro-lamports for a compute unit: as much as enough nodes say at
    /// least, so that no node alone makes it dear.
    ///
    /// # Errors
    /// [`Unready`]: none of them says.
    pub async fn recent_price(&self, written: &[Pubkey], percentile: u8) -> Result<u64, Unready> {
        let requests = self.healthy()?.into_iter().map(|at| async move {
            let price = self.nodes[at].connection.recent_price(written, percentile);
            self.request(at, price).await.ok()
        });
        let prices: Vec<u64> = join_all(requests).await.into_iter().flatten().collect();
        let needed = self.policy.least_healthy.min(prices.len());
        middle(prices.into_iter(), needed).ok_or_else(|| self.unready(&self.view()))
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

    /// The nodes that are not known to be of another cluster.
    pub(super) fn native(&self) -> Vec<usize> {
        let view = self.view();
        (0..self.nodes.len()).filter(|at| !view.records[*at].is_foreign()).collect()
    }

    pub(super) fn missed(&self, at: usize, why: String) {
        self.view().records[at].miss(why, self.clock.now());
    }
}
