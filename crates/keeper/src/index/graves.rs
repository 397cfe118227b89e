//! Closed vaults, so that an update that is late does not bring one back.

use std::collections::HashMap;

use ballast_client::Pubkey;

/// An update that is more slots behind the newest one than this is not taken for a vault that nobody knows. So a closed
/// vault has to be remembered for this long: about an hour.
pub const HORIZON: u64 = 10_000;
/// Most that are remembered before the old ones are looked for.
const MOST: usize = 1_024;

#[derive(Default)]
pub struct Graves {
    closed: HashMap<Pubkey, u64>,
    /// How many there may be before the next cleaning.
    room: usize,
}

impl Graves {
    /// Remembers that an account was gone in a slot; `newest` is the newest slot that anything was seen in.
    pub fn put(&mut self, address: Pubkey, slot: u64, newest: u64) {
        let known = self.closed.entry(address).or_insert(slot);
        *known = slot.max(*known);
        if self.closed.len() > self.room.max(MOST) {
            self.closed.retain(|_, slot| slot.saturating_add(HORIZON) >= newest);
            self.room = self.closed.len().saturating_mul(2);
        }
    }

    pub fn slot(&self, address: &Pubkey) -> Option<u64> {
        self.closed.get(address).copied()
    }

    pub fn remove(&mut self, address: &Pubkey) {
        self.closed.remove(address);
    }
}
