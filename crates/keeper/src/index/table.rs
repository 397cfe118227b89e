//! The vaults of a market in memory: dense rows that a scan walks in order, their positions packed beside them.
//!
//! Which vaults an asset concerns is a bit in each row, not a list for each asset: 16 bytes that are read in order, and
//! nothing to be kept up to date but the row itself.

use std::collections::HashMap;

use ballast_client::risk::Shares;
use ballast_client::risk::sheet::{Held, Standing};
use ballast_client::{Pubkey, Vault};

use super::spans::{Span, Spans, grow};

/// What a scan reads and writes of a vault.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Bits of the assets that are deposited, and of those that are owed.
    pub deposits: u64,
    pub debts: u64,
    /// Its positions.
    pub span: Span,
    /// How far prices may still move before it has to be judged again, see `ballast_risk::sheet`.
    pub tolerance: u32,
    /// `None` until it is known.
    pub standing: Option<Standing>,
    /// The check of it panicked: it is left out until it changes.
    pub suspect: bool,
}

/// A vault as it was last seen.
struct Seen {
    address: Pubkey,
    vault: Vault,
    slot: u64,
    /// Another number whenever something but the slot is new.
    revision: u64,
}

/// All vaults.
#[derive(Default)]
pub struct Table {
    places: HashMap<Pubkey, u32>,
    rows: Vec<Row>,
    seen: Vec<Seen>,
    spans: Spans,
    /// The last revision that was given to a vault.
    revisions: u64,
}

impl Table {
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    fn place(&self, address: &Pubkey) -> Option<usize> {
        self.places.get(address).and_then(|place| usize::try_from(*place).ok())
    }

    pub fn vault(&self, address: &Pubkey) -> Option<&Vault> {
        self.place(address).and_then(|at| self.seen.get(at)).map(|seen| &seen.vault)
    }

    /// The slot of what is known of a vault.
    pub fn slot(&self, address: &Pubkey) -> Option<u64> {
        self.place(address).and_then(|at| self.seen.get(at)).map(|seen| seen.slot)
    }

    /// Which state of a vault is known. No two states of any vaults have the same number.
    pub fn revision(&self, address: &Pubkey) -> Option<u64> {
        self.place(address).and_then(|at| self.seen.get(at)).map(|seen| seen.revision)
    }

    /// Records a vault. Returns whether anything but its slot is new.
    pub fn put(&mut self, address: Pubkey, vault: Vault, slot: u64) -> bool {
        let Some(at) = self.place(&address) else {
            self.append(address, vault, slot);
            return true;
        };
        let (Some(seen), Some(row)) = (self.seen.get_mut(at), self.rows.get_mut(at)) else { return false };
        seen.slot = slot;
        let known = (seen.vault.used(), seen.vault.owner);
        let same_positions = known.0.len() == vault.used().len()
            && known
                .0
                .iter()
                .zip(vault.used())
                .all(|(a, b)| (a.shares, a.asset, a.side) == (b.shares, b.asset, b.side));
        let same = same_positions && known.1 == vault.owner;
        seen.vault = vault;
        if !same {
            self.revisions = self.revisions.saturating_add(1);
            seen.revision = self.revisions;
        }
        if !same_positions {
            self.spans.free(row.span);
            *row = Self::row(&mut self.spans, &vault);
        }
        !same
    }

    fn append(&mut self, address: Pubkey, vault: Vault, slot: u64) {
        // Four billion vaults do not fit the memory of any machine.
        let Ok(place) = u32::try_from(self.rows.len()) else { return };
        self.places.insert(address, place);
        let row = Self::row(&mut self.spans, &vault);
        grow(&mut self.rows, 1);
        self.rows.push(row);
        grow(&mut self.seen, 1);
        self.revisions = self.revisions.saturating_add(1);
        self.seen.push(Seen { address, vault, slot, revision: self.revisions });
    }

    fn row(spans: &mut Spans, vault: &Vault) -> Row {
        let (mut deposits, mut debts) = (0u64, 0u64);
        let held = vault.used().iter().map(|position| {
            let bits = if position.side == 0 { &mut deposits } else { &mut debts };
            *bits |= 1u64.wrapping_shl(u32::from(position.asset));
            Held { shares: Shares::new(position.shares), asset: position.asset, side: position.side() }
        });
        let span = spans.store(held);
        Row { deposits, debts, span, tolerance: 0, standing: None, suspect: false }
    }

    /// Forgets a vault; the last one takes its place. Returns whether it was known.
    pub fn remove(&mut self, address: &Pubkey) -> bool {
        let Some(at) = self.place(address) else { return false };
        self.places.remove(address);
        let row = self.rows.swap_remove(at);
        self.spans.free(row.span);
        self.seen.swap_remove(at);
        if let Some(moved) = self.seen.get(at)
            && let Some(place) = self.places.get_mut(&moved.address)
        {
            *place = u32::try_from(at).unwrap_or(u32::MAX);
        }
        true
    }

    /// The rows with their positions, to be judged.
    pub fn rows_mut(&mut self) -> (&mut [Row], &Spans) {
        (&mut self.rows, &self.spans)
    }

    /// The rows with their addresses.
    pub fn rows(&self) -> impl Iterator<Item = (&Row, &Pubkey)> {
        self.rows.iter().zip(self.seen.iter().map(|seen| &seen.address))
    }

    /// Bytes on the heap, by the capacity of what holds them.
    pub fn bytes(&self) -> usize {
        // A bucket of the map holds one entry and one byte of control; its table is a power of two, filled to 7/8.
        let buckets = (self.places.capacity().saturating_mul(8) / 7).next_power_of_two();
        buckets * (size_of::<(Pubkey, u32)>() + 1)
            + self.rows.capacity() * size_of::<Row>()
            + self.seen.capacity() * size_of::<Seen>()
            + self.spans.bytes()
    }
}
