//! Following a transaction until its fate is decided.

use std::time::Instant;

use ballast_cluster::sending::Included;
use solana_transaction::Signature;

use super::{Claim, Desk, Outcome};
use crate::endpoints::{Landing, Verdict};
use crate::journal::{Ended, Signed};

impl Desk {
    /// Sends what has been signed and written down, again and again, until it is known what became of it. It is never signed
    /// anew. How long after `arrival` it was first sent is measured.
    pub(super) async fn follow(
        &self,
        claim: &Claim<'_>,
        id: u64,
        signed: &Signed,
        mut arrival: Option<Instant>,
    ) -> Outcome {
        let Signed { signature, last_valid_block_height, transaction, .. } = signed;
        let begun = self.endpoints.clock().now();
        let mut landed = None;
        for round in 0u32.. {
            // What nobody takes now is offered again in a moment.
            if round.is_multiple_of(self.terms.repeat_after.max(1)) && self.can_land(*last_valid_block_height) {
                let sent = self.endpoints.clock().now();
                let taken = self.endpoints.broadcast(transaction).await;
                if let Some(arrival) = arrival.take_if(|_| taken > 0) {
                    self.metrics.price_to_send(sent.saturating_duration_since(arrival));
                }
                tracing::debug!(key = %claim.key, %signature, taken, "sent");
            }
            // Fewer nodes than are needed decide nothing: the verdict says so.
            let _ = self.endpoints.keep_surveyed().await;
            match self.endpoints.verdict(signature, *last_valid_block_height).await {
                Some(Verdict::Included(included)) => return self.conclude(id, *signature, Some(included)),
                Some(Verdict::Expired) => return self.conclude(id, *signature, None),
                Some(Verdict::Unreceipted { landing, receipt }) => {
                    let since = *landed.get_or_insert(self.endpoints.clock().now());
                    if self.endpoints.clock().since(since) >= self.terms.receipts {
                        tracing::warn!(key = %claim.key, %signature, "it landed, and too few nodes have its receipt");
                        let included = receipt.unwrap_or_else(|| without_receipt(landing, signed));
                        return self.conclude(id, *signature, Some(included));
                    }
                }
                None => {}
            }
            if self.endpoints.clock().since(begun) > self.terms.patience {
                break;
            }
            self.endpoints.clock().sleep(self.terms.poll).await;
        }
        Outcome::Unknown(*signature)
    }

    /// Whether the cluster can still be below the last height. When in doubt, it can.
    fn can_land(&self, last_valid_block_height: u64) -> bool {
        self.endpoints.position().is_none_or(|position| position.height <= last_valid_block_height)
    }

    /// `None`: it is in no block and never will be.
    fn conclude(&self, id: u64, signature: Signature, included: Option<Included>) -> Outcome {
        let (how, outcome) = match included {
            None => (Ended::Expired, Outcome::Expired(signature)),
            Some(included) if included.error.is_some() => (Ended::Failed, Outcome::Failed { signature, included }),
            Some(included) => (Ended::Landed, Outcome::Landed { signature, included }),
        };
        // The fate is known here, written or not: after a restart the cluster says the same again.
        let _ = self.write(|journal| journal.end(id, how));
        outcome
    }
}

/// What is known of a transaction whose receipt nobody has: what it did stays unknown.
fn without_receipt(landing: Landing, signed: &Signed) -> Included {
    Included { slot: landing.slot, fee: signed.fee, logs: Vec::new(), error: landing.error }
}
