//! Carrying tasks out, or only trying them.

use std::sync::Arc;

use ballast_client::transaction::{Version, compile};
use ballast_cluster::sending::SIMULATED;

use crate::clock::Clock;
use crate::desk::{Also, Desk, Outcome, Task};
use crate::endpoints::Endpoints;

/// The desk, or in a dry run only a look at what it would do.
#[derive(Clone)]
pub struct Hand {
    desk: Arc<Desk>,
    endpoints: Arc<Endpoints>,
    version: Version,
    dry: bool,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// For labels.
    pub name: &'static str,
    /// In which slot it landed.
    pub landed: Option<u64>,
    /// It would fail again until the accounts change.
    pub hopeless: bool,
    /// It may be tried again at once.
    pub busy: bool,
}

impl Hand {
    pub fn new(desk: Arc<Desk>, endpoints: Arc<Endpoints>, version: Version, dry: bool) -> Self {
        Self { desk, endpoints, version, dry }
    }

    /// The time that everything here goes by.
    pub fn clock(&self) -> &Clock {
        self.endpoints.clock()
    }

    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Signs nothing.
    pub fn is_dry(&self) -> bool {
        self.dry
    }

    /// Nothing can be done yet, because a former life may have something under way.
    pub fn is_tied(&self) -> bool {
        !self.dry && self.desk.is_sealed()
    }

    /// From the first look to the fate.
    pub async fn carry_out(&self, task: Task) -> Ended {
        self.carry_out_with(task, &Also::default()).await
    }

    /// The same for a transaction that others sign as well, or of another version.
    pub async fn carry_out_with(&self, task: Task, also: &Also) -> Ended {
        if self.dry {
            return self.try_out(&task, also.version.unwrap_or(self.version)).await;
        }
        let outcome = self.desk.carry_out_with(task, also).await;
        Ended {
            name: outcome.name(),
            landed: if let Outcome::Landed { included, .. } = &outcome { Some(included.slot) } else { None },
            hopeless: matches!(&outcome, Outcome::Refused(refusal) if refusal.is_of_the_task()),
            busy: matches!(outcome, Outcome::Busy),
        }
    }

    async fn try_out(&self, task: &Task, version: Version) -> Ended {
        let message = compile(version, &self.desk.address(), &task.instructions, SIMULATED, &[], Default::default());
        let tried = match message {
            Ok(message) => self.endpoints.try_out(&message).await.map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match &tried {
            Ok(()) => tracing::info!(key = %task.key, what = task.what, "dry run: it would land"),
            Err(reason) => tracing::info!(key = %task.key, what = task.what, reason, "dry run: it would not land"),
        }
        let name = if tried.is_ok() { "tried" } else { "refused" };
        Ended { name, landed: None, hopeless: tried.is_err(), busy: false }
    }
}
