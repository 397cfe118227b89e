//! Asking every node where the cluster is, and judging them by the answers.

use std::time::Duration;

use anyhow::Context;
use ballast_cluster::connection::Connection;
use futures_util::future::join_all;
use solana_client::rpc_config::CommitmentConfig;
use solana_transaction::Hash;

use super::standing::{Position, Reference, Standing, judge};
use super::{Endpoints, Policy, Unready};

/// What a node said.
struct Answer {
    position: Position,
    /// Asked for when it is not known to be the right one.
    genesis: Option<Hash>,
}

async fn examine(connection: &Connection, with_genesis: bool) -> anyhow::Result<Answer> {
    let client = connection.client();
    let genesis = match with_genesis {
        true => Some(client.get_genesis_hash().await.context("no genesis hash")?),
        false => None,
    };
    let epoch = client.get_epoch_info_with_commitment(CommitmentConfig::confirmed()).await.context("no epoch")?;
    Ok(Answer { position: Position { slot: epoch.absolute_slot, height: epoch.block_height }, genesis })
}

/// How old a survey may be.
const FRESH: Duration = Duration::from_millis(900);

impl Endpoints {
    /// A survey, unless somebody has just made one.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub async fn keep_surveyed(&self) -> Result<(), Unready> {
        let now = self.clock.now();
        let due = {
            let mut view = self.view();
            let due = view.surveyed.is_none_or(|at| now.saturating_duration_since(at) >= FRESH);
            // Whoever asks meanwhile makes do with the last one.
            view.surveyed = if due { Some(now) } else { view.surveyed };
            due
        };
        if due { self.survey().await } else { self.ready() }
    }

    /// Asks every node where the cluster is. To be called every second or two; without it all grow old.
    ///
    /// # Errors
    /// [`Unready`] when fewer count than are needed.
    pub async fn survey(&self) -> Result<(), Unready> {
        self.locate().await.map(drop)
    }

    /// A survey, and what this very one found: every position in it was asked for after this was called.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub(super) async fn locate(&self) -> Result<Reference, Unready> {
        let now = self.clock.now();
        let asked: Vec<(usize, bool)> = {
            let mut view = self.view();
            view.surveyed = Some(now);
            let askable = view.records.iter().enumerate().filter(|(_, record)| !record.is_suspended(now));
            askable.map(|(at, record)| (at, !record.verified)).collect()
        };
        let requests = asked.into_iter().map(|(at, with_genesis)| async move {
            let connection = &self.nodes[at].connection;
            (at, self.request(at, examine(connection, with_genesis)).await)
        });
        let answers = join_all(requests).await;
        self.pin_genesis(&answers);
        let reference = self.weigh(answers);
        self.ready()?;
        reference.ok_or_else(|| self.unready(&self.view()))
    }

    /// The cluster is what enough nodes say it is, the first time they agree.
    fn pin_genesis(&self, answers: &[(usize, Result<Answer, String>)]) {
        let mut view = self.view();
        if view.genesis.is_some() {
            return;
        }
        let named = || answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()?.genesis);
        let agreed = named().find(|hash| named().filter(|other| other == hash).count() >= self.policy.least_healthy);
        // Where two different clusters have enough nodes each, none is right.
        let disputed = named().any(|hash| {
            Some(hash) != agreed && named().filter(|other| *other == hash).count() >= self.policy.least_healthy
        });
        view.genesis = agreed.filter(|_| !disputed);
    }

    /// Judges the nodes by their answers. Returns where the cluster is by them, if enough agree.
    fn weigh(&self, answers: Vec<(usize, Result<Answer, String>)>) -> Option<Reference> {
        let now = self.clock.now();
        let mut view = self.view();
        let Policy { least_healthy, most_slots_behind, .. } = self.policy;
        let mut positions = vec![None; self.nodes.len()];
        // What is to be said of each that answered, where the others have nothing to say.
        let mut alone = vec![None; self.nodes.len()];
        for (at, answer) in answers {
            // A node that did not answer was given its standing where it was asked.
            let Ok(Answer { position, genesis }) = answer else { continue };
            let (right, record) = (view.genesis, &mut view.records[at]);
            record.verified |= genesis.is_some() && genesis == right;
            record.position = Some(position);
            alone[at] = Some(match (record.moves(position.slot, most_slots_behind, now), genesis) {
                (Err(stuck), _) if record.verified => stuck,
                (_, Some(genesis)) if right.is_some() && !record.verified => Standing::Foreign(genesis.to_string()),
                _ => Standing::Alone,
            });
            if record.verified && alone[at] == Some(Standing::Alone) {
                positions[at] = Some(position);
            }
        }
        let (standings, reference) = judge(&positions, least_healthy, most_slots_behind, now);
        for (record, standing) in view.records.iter_mut().zip(standings.into_iter().zip(alone)) {
            match standing.0.or(standing.1) {
                Some(standing) => record.standing = standing,
                // Nobody asked it this time.
                None if record.is_healthy() => record.standing = Standing::Unknown,
                None => {}
            }
        }
        // What was known stays known: a bound on where the cluster can be does not need the nodes of this moment.
        if let Some(reference) = reference {
            view.reference = Some(reference.after(view.reference, most_slots_behind));
        }
        reference
    }
}
