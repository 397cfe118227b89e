//! What the liquidator reads itself: the market, what something was tried on, and all vaults where nobody else brings them.
//! A reading that fails costs nothing but its news.

use std::time::{Duration, Instant};

use ballast_client::Pubkey;

use super::{Liquidator, Time};
use crate::endpoints::Unready;
use crate::index::Applied;
use crate::updates::Update;

/// Pause after a reading of all vaults that failed. It is the heaviest request that there is.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

impl Liquidator {
    /// Reads what is due.
    pub(super) async fn read(&mut self) -> Result<(), Unready> {
        self.read_vaults();
        let market = self.read_market().await;
        let touched = self.read_touched().await;
        market.and(touched)
    }

    /// Takes in what is known of an account.
    pub(super) fn apply(&mut self, update: &Update) -> Applied {
        let applied = self.index.apply(update);
        if applied == Applied::Market {
            self.arrival = self.arrival.or_else(|| Some(self.endpoints.clock().now()));
        }
        applied
    }

    async fn read_market(&mut self) -> Result<(), Unready> {
        let clock = self.endpoints.clock().clone();
        if self.market_read.is_some_and(|at| clock.since(at) < self.terms.poll) {
            return Ok(());
        }
        let seen = self.endpoints.market(self.index.address()).await?;
        self.apply(&seen.update);
        self.time = Some(Time { unix: seen.clock.unix, epoch: seen.clock.epoch, at: clock.now() });
        self.market_read = Some(clock.now());
        Ok(())
    }

    /// Collects a reading of all vaults, and begins the next one when it is time. Nobody waits for it.
    fn read_vaults(&mut self) {
        let now = self.endpoints.clock().now();
        while let Some(done) = self.reading.try_join_next() {
            let why = match done {
                Ok(Ok(updates)) => {
                    for update in &updates {
                        self.apply(update);
                    }
                    continue;
                }
                Ok(Err(unready)) => unready.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::warn!("the vaults cannot be read: {why}");
            self.vaults_due = Some(now + AFTER_FAILURE.min(self.terms.resync));
        }
        let due = self.vaults_due.is_none_or(|at: Instant| at <= now);
        if self.terms.reads_vaults && due && self.reading.is_empty() {
            self.vaults_due = Some(now + self.terms.resync);
            let (endpoints, market) = (std::sync::Arc::clone(&self.endpoints), *self.index.address());
            self.reading.spawn(async move { endpoints.vaults(&market).await.map(|(updates, _)| updates) });
        }
    }

    /// Reads what something was tried on. Until a node that knows the result has answered, such a vault is no candidate.
    async fn read_touched(&mut self) -> Result<(), Unready> {
        let addresses: Vec<Pubkey> = self.touched.keys().copied().collect();
        if addresses.is_empty() {
            return Ok(());
        }
        let answer = self.endpoints.accounts(&addresses).await?;
        for (address, raw) in addresses.iter().zip(answer.accounts) {
            let owner = raw.as_ref().map_or_else(Pubkey::default, |raw| raw.owner);
            let data = raw.map(|raw| raw.data);
            self.apply(&Update { address: *address, owner, data, slot: answer.slot });
        }
        self.touched.retain(|_, slot| *slot > answer.slot);
        Ok(())
    }
}
