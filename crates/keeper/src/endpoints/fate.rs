//! What became of a transaction: asked of all nodes, and decided by as many as have to agree.

use anyhow::Context;
use ballast_cluster::connection::Connection;
use ballast_cluster::sending::Included;
use futures_util::future::join_all;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::rpc_config::CommitmentConfig;
use solana_client::rpc_request::RpcError;
use solana_transaction::{Signature, TransactionError};

use super::{Endpoints, LIFETIME};

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In a block, successful or not, with a receipt that enough nodes have.
    Included(Included),
    /// In a block, but fewer nodes have its receipt. More may have it in a moment, or keep none.
    Unreceipted {
        landing: Landing,
        /// What there is.
        receipt: Option<Included>,
    },
    /// It never landed and never will.
    Expired,
}

/// Where a transaction is, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    pub slot: u64,
    pub error: Option<TransactionError>,
}

impl Landing {
    fn is_of(&self, receipt: &Included) -> bool {
        self.slot == receipt.slot && self.error == receipt.error
    }
}

/// What one node knows of a transaction.
struct Testimony {
    at: usize,
    /// Confirmed blocks, as of before it was asked for the status.
    height: u64,
    known: bool,
    /// Where it is confirmed.
    landing: Option<Landing>,
}

/// Whether a node has answered that it does not do this, and not only failed to answer.
fn is_refusal(error: &ClientError) -> bool {
    matches!(error.kind(), ClientErrorKind::RpcError(RpcError::RpcResponseError { .. }))
}

async fn testify(connection: &Connection, at: usize, signature: &Signature, last: u64) -> anyhow::Result<Testimony> {
    let client = connection.client();
    let commitment = CommitmentConfig::confirmed();
    // Before the status: what is unknown after its last block stays unknown.
    let height = client.get_block_height_with_commitment(commitment).await.context("no block height")?;
    // Nodes remember statuses for a while; who asks whether it is all over, wants to hear of what landed before that too.
    // But a node that keeps no history refuses to search it, and must not hold the key for ever: what it remembers has to do.
    // Should it have landed, and be forgotten, then it cannot land again, and the next one is decided on the accounts.
    let asked = [*signature];
    let searched = match height > last {
        true => match client.get_signature_statuses_with_history(&asked).await {
            Err(error) if is_refusal(&error) => None,
            searched => Some(searched),
        },
        false => None,
    };
    let statuses = match searched {
        Some(searched) => searched,
        None => client.get_signature_statuses(&asked).await,
    };
    let status = statuses.context("no status")?.value.into_iter().next().flatten();
    let known = status.is_some();
    let confirmed = status.filter(|status| status.satisfies_commitment(commitment));
    let landing = confirmed.map(|status| Landing { slot: status.slot, error: status.err });
    Ok(Testimony { at, height, known, landing })
}

impl Endpoints {
    /// What became of a transaction, if that is decided: it is in a block when enough nodes say of the same one that it is. It
    /// has expired when enough nodes are beyond its last height and none, healthy or not, knows it.
    pub async fn verdict(&self, signature: &Signature, last_valid_block_height: u64) -> Option<Verdict> {
        let requests = self.native().into_iter().map(|at| async move {
            let connection = &self.nodes[at].connection;
            let testimony = testify(connection, at, signature, last_valid_block_height);
            self.in_time(testimony).await.ok()?.ok()
        });
        let testimonies: Vec<Testimony> = join_all(requests).await.into_iter().flatten().collect();
        let needed = self.policy.least_healthy;
        let counts = |testimony: &&Testimony| self.view().records[testimony.at].is_healthy();
        let counted: Vec<&Testimony> = testimonies.iter().filter(counts).collect();
        let landings = || counted.iter().filter_map(|testimony| testimony.landing.as_ref());
        if let Some(landing) = landings().find(|one| landings().filter(|other| other == one).count() >= needed) {
            return Some(self.receipt(signature, landing).await);
        }
        let unknown_beyond = |height: u64| {
            let without = counted.iter().filter(|testimony| !testimony.known);
            without.filter(|testimony| testimony.height > height).count() >= needed
        };
        let unanimous = testimonies.iter().all(|testimony| !testimony.known);
        // A single node that claims to know it cannot hold a key for ever: after as long again it is outvoted. By then it is
        // certain that the transaction will not land, and the next one is decided on what the others say of the vault.
        let outvoted = unknown_beyond(last_valid_block_height.saturating_add(LIFETIME));
        (outvoted || unanimous && unknown_beyond(last_valid_block_height)).then_some(Verdict::Expired)
    }

    /// The receipt of what is in a block: as enough nodes have it alike, or, where they cut the logs at different lengths, the
    /// longest one.
    async fn receipt(&self, signature: &Signature, landing: &Landing) -> Verdict {
        let requests = self.counted().into_iter().map(|at| async move {
            let connection = &self.nodes[at].connection;
            self.in_time(connection.included(signature)).await.ok()?.ok()
        });
        let mut found: Vec<Included> = join_all(requests).await.into_iter().flatten().collect();
        found.retain(|receipt| landing.is_of(receipt));
        let needed = self.policy.least_healthy;
        let alike = |one: &&Included| found.iter().filter(|other| other == one).count() >= needed;
        if let Some(agreed) = found.iter().find(alike) {
            return Verdict::Included(agreed.clone());
        }
        let enough = found.len() >= needed;
        let longest = found.into_iter().max_by_key(|receipt| receipt.logs.len());
        match longest {
            Some(longest) if enough => Verdict::Included(longest),
            receipt => Verdict::Unreceipted { landing: landing.clone(), receipt },
        }
    }
}
