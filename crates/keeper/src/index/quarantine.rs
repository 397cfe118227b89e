//! Accounts that cannot be what they are said to be. They are named and counted, and stop nothing.

use std::collections::HashMap;

use ballast_client::Pubkey;

use super::verify::Fault;

/// Most accounts that are remembered by name. A node that invents addresses must not fill the memory.
const MOST_NAMED: usize = 4_096;

/// An account in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect {
    pub fault: Fault,
    /// The slot in which the node saw it so.
    pub slot: u64,
    /// The slot of the last good bytes: nothing older lets it out.
    pub good: Option<u64>,
}

#[derive(Default)]
pub struct Quarantine {
    suspects: HashMap<Pubkey, Suspect>,
    /// How many faulty updates there were in all.
    total: u64,
}

impl Quarantine {
    /// `good` is the slot of the good bytes that the account had until now.
    pub fn put(&mut self, address: Pubkey, fault: Fault, slot: u64, good: Option<u64>) {
        self.total = self.total.saturating_add(1);
        if let Some(known) = self.suspects.get_mut(&address) {
            (known.fault, known.slot, known.good) = (fault, slot.max(known.slot), good.max(known.good));
        } else if self.suspects.len() < MOST_NAMED {
            self.suspects.insert(address, Suspect { fault, slot, good });
        }
    }

    /// Lets an account out.
    pub fn release(&mut self, address: &Pubkey) {
        self.suspects.remove(address);
    }

    /// The slot of the last good bytes of an account in quarantine.
    pub fn good(&self, address: &Pubkey) -> Option<u64> {
        self.suspects.get(address).and_then(|suspect| suspect.good)
    }

    pub fn suspects(&self) -> impl Iterator<Item = (&Pubkey, &Suspect)> {
        self.suspects.iter()
    }

    pub fn len(&self) -> usize {
        self.suspects.len()
    }

    pub const fn total(&self) -> u64 {
        self.total
    }
}
