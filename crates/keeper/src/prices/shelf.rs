//! The oracle accounts and the clock as they were last seen.

use std::collections::HashMap;

use ballast_client::Pubkey;
use ballast_client::account::{self, CLOCK, Clock};
use ballast_client::oracle::Oracle;

use crate::updates::Update;

/// What was last seen of each account, by slot.
#[derive(Default)]
pub struct Shelf {
    clock: Option<(Clock, u64)>,
    oracles: HashMap<Pubkey, (Oracle, u64)>,
}

impl Shelf {
    /// Takes in an account. An older state than the present one is left out. `true`: something is new.
    pub fn put(&mut self, update: &Update) -> bool {
        if update.address == CLOCK {
            if self.clock.is_some_and(|(_, slot)| slot > update.slot) {
                return false;
            }
            let Some(data) = update.data.as_deref() else { return false };
            let Ok(now) = account::clock(&update.owner, data) else { return false };
            return self.clock.replace((now, update.slot)).is_none_or(|(before, _)| before != now);
        }
        if self.oracles.get(&update.address).is_some_and(|(_, slot)| *slot > update.slot) {
            return false;
        }
        let Some(data) = update.data.clone() else { return self.oracles.remove(&update.address).is_some() };
        let oracle = Oracle { address: update.address, owner: update.owner, data };
        let before = self.oracles.insert(update.address, (oracle.clone(), update.slot));
        before.is_none_or(|(before, _)| before != oracle)
    }

    /// The cluster's clock.
    pub fn now(&self) -> Option<&Clock> {
        self.clock.as_ref().map(|(clock, _)| clock)
    }

    /// An account at an address.
    pub fn oracle(&self, address: Option<Pubkey>) -> Option<&Oracle> {
        self.oracles.get(&address?).map(|(oracle, _)| oracle)
    }
}
