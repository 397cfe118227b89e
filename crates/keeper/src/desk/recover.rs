//! Going on after a restart: from the journal, or from the chain alone when there is none.

use ballast_cluster::definition::Cluster;
use futures_util::future::join_all;

use super::{Claim, Desk, Outcome, Refusal};
use crate::endpoints::{LIFETIME, Unready};
use crate::journal::{Ended, Key, Signed};

impl Desk {
    /// Finds out what a former life left behind. To be called before the first task, and again until it succeeds.
    ///
    /// # Errors
    /// [`Unready`]: the nodes do not say where the cluster is.
    pub async fn recover(&self) -> Result<(), Unready> {
        self.endpoints.keep_surveyed().await?;
        self.drop_unsigned();
        if self.state().journal.is_complete() {
            return Ok(());
        }
        if self.is_first_life() {
            let _ = self.write(|journal| journal.completes());
            return Ok(());
        }
        self.seal();
        Ok(())
    }

    /// Whether no life of this key came before. What is missing from a journal was signed by somebody, whoever vouches for what.
    fn is_first_life(&self) -> bool {
        let genesis = self.endpoints.genesis().map(|genesis| genesis.to_string());
        let local = genesis.is_some_and(|genesis| Cluster::of_genesis(&genesis) == Cluster::Local);
        self.terms.first_life && local && self.state().journal.is_new()
    }

    /// An intent without a signature is over: what was signed for it is on the disk before anybody can see it.
    fn drop_unsigned(&self) {
        let unsigned: Vec<u64> = {
            let state = self.state();
            let unsigned = state.journal.unfinished().filter(|(_, open)| open.signed.is_none());
            unsigned.filter(|(_, open)| !state.taken.contains(&open.intent.key)).map(|(id, _)| id).collect()
        };
        for id in unsigned {
            let _ = self.write(|journal| journal.end(id, Ended::Abandoned));
        }
    }

    /// Without a complete journal nobody knows what a former life has signed: it may be under way for any vault. But all of it
    /// names a block that existed when that life ended, and a transaction can land in the 150 blocks after the one it names.
    /// So when the cluster has made 150 blocks more than it can have had at our start, all of it has landed, and is in the
    /// accounts that we read, or never will. The height at our start is an upper bound, because a node may lag, and the height
    /// now is what as many nodes as have to agree have confirmed.
    fn seal(&self) {
        let ceiling = self.endpoints.ceiling();
        let mut state = self.state();
        if state.sealed_until.is_none() {
            state.sealed_until = ceiling.map(|ceiling| ceiling.height.saturating_add(LIFETIME));
            tracing::warn!(
                until = state.sealed_until,
                "nothing is signed until what a former life may have signed has expired"
            );
        }
    }

    /// # Errors
    /// [`Refusal::Sealed`] until what a former life may have signed has expired, [`Refusal::Journal`] when that cannot be written
    /// down.
    pub fn require_no_seal(&self) -> Result<(), Refusal> {
        if self.state().journal.is_complete() {
            return Ok(());
        }
        let until = self.state().sealed_until;
        let passed = |until: u64| self.endpoints.position().is_some_and(|position| position.height > until);
        if !until.is_some_and(passed) {
            return Err(Refusal::Sealed { until });
        }
        self.write(|journal| journal.completes()).map_err(Refusal::Journal)
    }

    /// Whether anything can be signed at all, as far as a former life is concerned.
    pub fn is_sealed(&self) -> bool {
        !self.state().journal.is_complete()
    }

    /// Follows up what is unfinished and nobody is at: after a restart, and after a fate was unknown. Returns what became of it.
    pub async fn settle(&self) -> Vec<(Key, Outcome)> {
        // Of a task that ended between the two, by a panic.
        self.drop_unsigned();
        let followed = self.left_behind().into_iter().map(|(claim, id, signed)| async move {
            let outcome = self.follow(&claim, id, &signed, None).await;
            self.count(&outcome);
            tracing::info!(key = %claim.key, signature = %signed.signature, outcome = outcome.name(), "settled");
            (claim.key, outcome)
        });
        join_all(followed).await
    }

    /// Claims what is signed, unfinished and not claimed.
    fn left_behind(&self) -> Vec<(Claim<'_>, u64, Signed)> {
        let mut state = self.state();
        let open: Vec<(u64, Key, Signed)> = {
            let unfinished = state.journal.unfinished();
            unfinished.filter_map(|(id, open)| Some((id, open.intent.key, open.signed.clone()?))).collect()
        };
        let free = open.into_iter().filter(|(_, key, _)| state.taken.insert(*key));
        free.map(|(id, key, signed)| (Claim { desk: self, key }, id, signed)).collect()
    }
}
