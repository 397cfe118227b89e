//! Blockhashes to sign with: known to more than the node that named them, with a bound of our own on how long they last.

use std::time::{Duration, Instant};

use ballast_cluster::connection::Connection;
use futures_util::future::{join, join_all};
use solana_client::rpc_config::CommitmentConfig;
use solana_transaction::Hash;

use super::{Endpoints, Unready};

/// Blocks for which a transaction can land after the block whose hash it names.
pub const LIFETIME: u64 = 150;
/// About a block: whoever asks within it is given the same hash, as a node would.
const SHARED: Duration = Duration::from_millis(400);

/// A blockhash to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blockhash {
    pub hash: Hash,
    /// The cluster is beyond this height when nothing that names it can land any more.
    pub last_valid_block_height: u64,
}

/// The last one, and when it was asked for.
pub type Last = tokio::sync::Mutex<Option<(Instant, Blockhash)>>;

impl Endpoints {
    /// A fresh blockhash that as many nodes know as have to agree: signed with an invented one, a transaction would hold its
    /// key until it has expired.
    ///
    /// # Errors
    /// [`Unready`].
    pub async fn blockhash(&self) -> Result<Blockhash, Unready> {
        // Who comes while one is fetched waits for it.
        let mut last = self.last_blockhash.lock().await;
        if let Some((at, blockhash)) = *last
            && self.clock.since(at) < SHARED
        {
            return Ok(blockhash);
        }
        let begun = self.clock.now();
        let blockhash = self.fetch_blockhash().await?;
        *last = Some((begun, blockhash));
        Ok(blockhash)
    }

    async fn fetch_blockhash(&self) -> Result<Blockhash, Unready> {
        for at in self.healthy()? {
            let latest = latest(self.nodes[at].connection.clone());
            let Ok((hash, said)) = self.request(at, latest).await else { continue };
            // After the hash: wherever the cluster is now, it is beyond its block. No clock has a part in that, because one
            // that stood still since an earlier survey would make us believe that what can still land has expired.
            let (reference, known) = join(self.locate(), self.known_to_others(&hash, at)).await;
            let furthest = reference?.furthest.height;
            if known.saturating_add(1) < self.policy.least_healthy {
                // It may be a block ahead of the others, or lie. Their hashes are older, so that it knows them.
                tracing::debug!(node = self.nodes[at].name, %hash, "a blockhash that too few nodes know");
                continue;
            }
            let ours = furthest.saturating_add(self.policy.most_slots_behind).saturating_add(LIFETIME);
            // The node's own word, where it is the longer one; but it does not hold a key for ever.
            let last_valid_block_height = said.clamp(ours, ours.saturating_add(LIFETIME));
            return Ok(Blockhash { hash, last_valid_block_height });
        }
        let view = self.view();
        let unready = self.unready(&view);
        Err(if unready.why.is_empty() { unready.because("no blockhash that enough nodes know") } else { unready })
    }

    /// How many other nodes that count know a blockhash. Not asked where none is needed.
    async fn known_to_others(&self, hash: &Hash, of: usize) -> usize {
        if self.policy.least_healthy <= 1 {
            return 0;
        }
        let others = self.counted().into_iter().filter(|at| *at != of).map(|at| async move {
            let client = self.nodes[at].connection.client();
            // Processed: who is a little behind has seen a block before it counts as confirmed there.
            let valid = client.is_blockhash_valid(hash, CommitmentConfig::processed());
            matches!(self.in_time(valid).await, Ok(Ok(true)))
        });
        join_all(others).await.into_iter().filter(|known| *known).count()
    }
}

/// The hash of the last confirmed block, and how long it can be used by the node's word.
async fn latest(connection: Connection) -> anyhow::Result<(Hash, u64)> {
    let commitment = CommitmentConfig::confirmed();
    Ok(connection.client().get_latest_blockhash_with_commitment(commitment).await?)
}
