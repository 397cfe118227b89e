//! Reading accounts: from one node at a time, with what it answers held against what is known to be true.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use ballast_client::account::{self, CLOCK, Clock};
use ballast_client::{ID, Market, Pubkey, Vault};
use ballast_cluster::connection::{Answer, Connection, Raw};

use super::{Endpoints, Unready};
use crate::updates::Update;

/// Where the market stands in the bytes of a vault, a change and a draft.
const MARKET_OFFSET: usize = 16;

/// The market and the cluster's clock at one slot.
#[derive(Clone)]
pub struct Seen {
    pub market: Box<Market>,
    pub clock: Clock,
    pub slot: u64,
    /// The market as it came, for the index.
    pub update: Update,
}

impl Endpoints {
    /// The market and the clock.
    ///
    /// # Errors
    /// [`Unready`]. A node that answers with anything but a market is left out.
    pub async fn market(&self, address: &Pubkey) -> Result<Seen, Unready> {
        let wanted = *address;
        let request = move |connection: Connection| async move { connection.accounts(&[wanted, CLOCK]).await };
        let check = |answer: &Answer<Option<Raw>>| {
            self.credible(answer.slot)?;
            self.credible_clock(&seen(answer, address)?.clock, answer.slot)
        };
        let answer = self.ask(request, check).await?;
        // It has passed this very check.
        seen(&answer, address).map_err(|why| Unready { healthy: 0, needed: self.policy.least_healthy, why })
    }

    /// All vaults of a market, with the slot.
    ///
    /// # Errors
    /// [`Unready`].
    pub async fn vaults(&self, market: &Pubkey) -> Result<(Vec<Update>, u64), Unready> {
        self.of_market(market, Vault::SPACE).await
    }

    /// All accounts of the program of this size that name a market (vaults, changes, drafts), with the slot. What is not an
    /// account of the program of this size that names this market was never asked for, so a node that answers with it is left
    /// out.
    ///
    /// # Errors
    /// [`Unready`].
    pub async fn of_market(&self, market: &Pubkey, space: usize) -> Result<(Vec<Update>, u64), Unready> {
        let wanted = *market;
        let request = move |connection: Connection| async move {
            connection.program_accounts(&ID, space, (MARKET_OFFSET, wanted.as_ref())).await
        };
        let asked_for = |raw: &Raw| {
            let named = raw.data.get(MARKET_OFFSET..).and_then(|rest| rest.get(..32));
            raw.owner == ID && raw.data.len() == space && named == Some(wanted.as_ref())
        };
        let begun = self.position().map_or(0, |position| position.slot);
        let check = |answer: &Answer<(Pubkey, Raw)>| {
            // It is as old as the request, and that may have taken long.
            if answer.slot < begun {
                let most = self.policy.most_slots_behind;
                (answer.slot.saturating_add(most) >= begun).then_some(()).ok_or_else(|| impossible(answer.slot))?;
            } else if self.ceiling().is_none_or(|ceiling| answer.slot > ceiling.slot) {
                return Err(impossible(answer.slot));
            }
            match answer.accounts.iter().find(|(_, raw)| !asked_for(raw)) {
                Some((address, _)) => Err(format!("it sent {address}, which is none of the accounts asked for")),
                None => Ok(()),
            }
        };
        let Answer { slot, accounts } = self.ask_for_much(request, check).await?;
        let update = |(address, raw): (Pubkey, Raw)| Update { address, owner: raw.owner, data: Some(raw.data), slot };
        Ok((accounts.into_iter().map(update).collect(), slot))
    }

    /// Any accounts, unverified but for the slot and the cluster's clock.
    ///
    /// # Errors
    /// [`Unready`].
    pub async fn accounts(&self, addresses: &[Pubkey]) -> Result<Answer<Option<Raw>>, Unready> {
        let request = |connection: Connection| {
            let addresses = addresses.to_vec();
            async move { connection.accounts(&addresses).await }
        };
        let check = |answer: &Answer<Option<Raw>>| {
            self.credible(answer.slot)?;
            let asked = addresses.iter().zip(&answer.accounts).filter(|(address, _)| **address == CLOCK);
            for (_, found) in asked {
                let found = found.as_ref().ok_or("it does not know the clock")?;
                let clock = account::clock(&found.owner, &found.data).map_err(|error| format!("its clock: {error}"))?;
                self.credible_clock(&clock, answer.slot)?;
            }
            Ok(())
        };
        self.ask(request, check).await
    }

    /// Whether a node can have seen this: in a slot that it can have reached, and if it is the clock, with its time.
    pub fn is_credible(&self, update: &Update) -> bool {
        let shows = |data: &Vec<u8>| account::clock(&update.owner, data).ok();
        let clock = || update.data.as_ref().and_then(shows);
        self.is_plausible(update.slot)
            && (update.address != CLOCK
                || clock().is_some_and(|clock| self.credible_clock(&clock, update.slot).is_ok()))
    }

    /// The cluster writes its clock at the beginning of every slot, so it shows the slot in which it was read; an answer in
    /// parts has the slot of its first part.
    ///
    /// # Errors
    /// A clock of another slot, or too far from the machine's.
    fn credible_clock(&self, clock: &Clock, slot: u64) -> Result<(), String> {
        if clock.slot.abs_diff(slot) > self.policy.most_slots_behind {
            return Err(format!("as of slot {slot} its clock shows slot {}, which cannot be", clock.slot));
        }
        let Some(most) = self.most_drift else { return Ok(()) };
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let drift = ours.abs_diff(Duration::from_secs(clock.unix));
        if drift <= most {
            return Ok(());
        }
        let (theirs, ours) = (clock.unix, ours.as_secs());
        Err(format!(
            "its clock shows {theirs}, and this machine's {ours}: one of them is wrong (rpc.most_clock_drift_seconds)"
        ))
    }

    /// # Errors
    /// A slot that a node cannot have reached, or should have left behind.
    pub(super) fn credible(&self, slot: u64) -> Result<(), String> {
        if self.is_plausible(slot) { Ok(()) } else { Err(impossible(slot)) }
    }
}

fn impossible(slot: u64) -> String {
    format!("it answered as of slot {slot}, which cannot be")
}

fn seen(answer: &Answer<Option<Raw>>, address: &Pubkey) -> Result<Seen, String> {
    let read = || {
        let [market, clock] = answer.accounts.as_slice() else { anyhow::bail!("not two accounts") };
        let market = market.as_ref().context("it does not know the market")?;
        let clock = clock.as_ref().context("it does not know the clock")?;
        let update =
            Update { address: *address, owner: market.owner, data: Some(market.data.clone()), slot: answer.slot };
        let market = account::market(&market.owner, &market.data)?;
        Ok(Seen { market, clock: account::clock(&clock.owner, &clock.data)?, slot: answer.slot, update })
    };
    read().map_err(|error| format!("{error:#}"))
}
