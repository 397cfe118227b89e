//! The market and all of its vaults in memory, and which of them can be liquidated. No input or output: somebody else
//! brings accounts ([`Index::apply`]) and asks ([`Index::scan`]).
//!
//! What is answered is what the program would decide about the accounts as they were last seen:
//! `ballast_client::snapshot::health` says the same of each vault by itself (property test).

mod graves;
mod quarantine;
mod scan;
mod spans;
mod state;
mod table;
mod verify;

use ballast_client::{Market, Pubkey, Vault};

pub use quarantine::Suspect;
pub use scan::{Counts, Found, Scan};
use state::Judged;
pub use verify::Fault;

use crate::updates::Update;
use graves::{Graves, HORIZON};
use quarantine::Quarantine;
use table::Table;

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The market is now as the update says.
    Market,
    /// A vault is now as the update says.
    Vault,
    /// Nothing new.
    Unchanged,
    /// Older than what is known.
    Stale,
    /// The vault is no more.
    Removed,
    /// It cannot be what it is said to be. A vault is out of every scan until good bytes come; the last good market
    /// stays.
    Quarantined(Fault),
}

/// One market and its vaults.
pub struct Index {
    address: Pubkey,
    market: Option<Box<Market>>,
    market_slot: u64,
    market_revision: u64,
    table: Table,
    quarantine: Quarantine,
    graves: Graves,
    /// The newest slot of any good update.
    newest: u64,
    judged: Option<Judged>,
    screened: bool,
    lists: scan::Lists,
}

impl Index {
    /// An index of the market at this address, of which nothing is known.
    pub fn new(market: Pubkey) -> Self {
        Self {
            address: market,
            market: None,
            market_slot: 0,
            market_revision: 0,
            table: Table::default(),
            quarantine: Quarantine::default(),
            graves: Graves::default(),
            newest: 0,
            judged: None,
            screened: true,
            lists: scan::Lists::default(),
        }
    }

    /// Whether tolerances spare checks. They do unless somebody measures, or tests, what it is like without.
    pub fn screens(&mut self, screened: bool) {
        self.screened = screened;
    }

    /// The address of the market.
    pub const fn address(&self) -> &Pubkey {
        &self.address
    }

    /// Takes in what a node says about an account, after verifying it. Any order and any repetition will do: what is
    /// older than what is known is left out; of two updates of one slot the later one counts. Slots are believed, so
    /// the source must not pass on one that no other node has seen yet.
    pub fn apply(&mut self, update: &Update) -> Applied {
        if update.address == self.address { self.apply_market(update) } else { self.apply_vault(update) }
    }

    fn apply_market(&mut self, update: &Update) -> Applied {
        if self.market.is_some() && update.slot < self.market_slot {
            return Applied::Stale;
        }
        match verify::market(update) {
            Err(fault) => {
                let good = self.market.is_some().then_some(self.market_slot);
                self.quarantine.put(update.address, fault, update.slot, good);
                Applied::Quarantined(fault)
            }
            Ok(market) => {
                self.quarantine.release(&update.address);
                self.market_slot = update.slot;
                self.newest = self.newest.max(update.slot);
                let known = self.market.replace(market);
                let bytes = |market: &Option<Box<Market>>| market.as_deref().map(bytes_of);
                if bytes(&known).is_some() && bytes(&known) == bytes(&self.market) {
                    Applied::Unchanged
                } else {
                    self.market_revision = self.market_revision.saturating_add(1);
                    Applied::Market
                }
            }
        }
    }

    fn apply_vault(&mut self, update: &Update) -> Applied {
        let address = update.address;
        let good = self.table.slot(&address).or_else(|| self.quarantine.good(&address));
        let known = good.or_else(|| self.graves.slot(&address));
        // Who is neither known nor remembered could be a vault that was closed long ago.
        let oldest = known.unwrap_or_else(|| self.newest.saturating_sub(HORIZON));
        if update.slot < oldest {
            return Applied::Stale;
        }
        if verify::gone(update) {
            self.newest = self.newest.max(update.slot);
            self.quarantine.release(&address);
            self.graves.put(address, update.slot, self.newest);
            return if self.table.remove(&address) { Applied::Removed } else { Applied::Unchanged };
        }
        match verify::vault(update, &self.address) {
            Err(fault) => {
                self.quarantine.put(address, fault, update.slot, good);
                self.table.remove(&address);
                Applied::Quarantined(fault)
            }
            Ok(vault) => {
                self.newest = self.newest.max(update.slot);
                self.quarantine.release(&address);
                self.graves.remove(&address);
                if self.table.put(address, vault, update.slot) { Applied::Vault } else { Applied::Unchanged }
            }
        }
    }

    /// The market as it was last seen.
    pub fn market(&self) -> Option<&Market> {
        self.market.as_deref()
    }

    /// The slot in which the market was last seen; 0 before.
    pub const fn market_slot(&self) -> u64 {
        self.market_slot
    }

    /// How often the market has changed since the beginning; 0 while none is known.
    pub const fn market_revision(&self) -> u64 {
        self.market_revision
    }

    /// A vault as it was last seen.
    pub fn vault(&self, address: &Pubkey) -> Option<Vault> {
        self.table.vault(address).copied()
    }

    /// Which state of a vault is known: another number whenever its positions or its owner have changed, the same when it
    /// was only seen again.
    pub fn vault_revision(&self, address: &Pubkey) -> Option<u64> {
        self.table.revision(address)
    }

    /// Vaults that are known, those without debts among them.
    pub const fn len(&self) -> usize {
        self.table.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The accounts in quarantine, with what is wrong with them. A few thousand are remembered by name.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Pubkey, &Suspect)> {
        self.quarantine.suspects()
    }

    /// How many accounts are in quarantine now.
    pub fn quarantined_now(&self) -> usize {
        self.quarantine.len()
    }

    /// How many updates were faulty since the beginning.
    pub const fn faults(&self) -> u64 {
        self.quarantine.total()
    }

    /// Bytes of memory that the vaults take, by the capacity of what holds them.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// The account as bytes, to compare it as a whole.
fn bytes_of(market: &Market) -> Vec<u8> {
    ballast_client::account::encode(market)
}
