//! Judging the vaults that something has happened to.

use ballast_client::Pubkey;
use ballast_client::risk::sheet::{Sheet, Standing};

use super::state::{self, Judged};
use super::{Index, Touched};

/// A vault that can be liquidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub address: Pubkey,
    /// Whether it owes more than it has.
    pub insolvent: bool,
}

/// How much a scan looked at, and where the vaults stand after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Vaults in the index.
    pub vaults: usize,
    /// Vaults whose decision was renewed.
    pub evaluated: usize,
    /// Vaults with debts that nothing can be said about, because a price is missing.
    pub unpriced: usize,
    /// Vaults that are not judged, because they name an asset that the market does not list.
    pub unlisted: usize,
}

/// The market at one time.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// Those that can be liquidated now, in no particular order.
    pub liquidatable: &'a [Found],
    /// Those that owe something and have no deposit at all: bad debt, whatever the prices.
    pub ruined: &'a [Pubkey],
    pub counts: Counts,
}

/// The lists of the last scan.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) liquidatable: Vec<Found>,
    pub(super) ruined: Vec<Pubkey>,
}

impl Index {
    /// Where all vaults stand at a time, unix seconds. Only vaults are judged again that are new, that changed, or that depend on
    /// a price, a parameter or an index that differs from the last scan, be it by time alone. Empty while no market is known.
    pub fn scan(&mut self, now: u64) -> Scan<'_> {
        let mut counts = Counts { vaults: self.table.len(), ..Counts::default() };
        self.lists.liquidatable.clear();
        self.lists.ruined.clear();
        if let Some(market) = &self.market {
            let (quotes, rules) = (state::quotes(market, now), state::rules(market, now));
            let judged = Judged::new(rules, &quotes);
            let touched = judged.since(self.judged.as_ref());
            let sheet = Sheet::new(rules, &quotes);
            let listed = 1u64.checked_shl(u32::from(market.asset_count)).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
            judge(&mut self.table, &sheet, touched, listed, &mut counts);
            self.judged = Some(judged);
            list(&self.table, listed, &mut self.lists, &mut counts);
        }
        Scan { liquidatable: &self.lists.liquidatable, ruined: &self.lists.ruined, counts }
    }
}

/// Renews the decisions that may be old.
fn judge(table: &mut super::table::Table, sheet: &Sheet<'_>, touched: Touched, listed: u64, counts: &mut Counts) {
    let (rows, spans) = table.rows_mut();
    for row in rows {
        // Without debts nothing can be asked of a vault.
        if row.debts == 0 {
            row.standing = Some(Standing::Sound);
            continue;
        }
        if (row.deposits | row.debts) & !listed != 0 {
            row.standing = None;
            continue;
        }
        let moved = row.deposits & touched.deposits | row.debts & touched.debts;
        if row.standing.is_none() || moved != 0 {
            row.standing = Some(sheet.standing(spans.of(row.span)));
            counts.evaluated = counts.evaluated.saturating_add(1);
        }
    }
}

fn list(table: &super::table::Table, listed: u64, lists: &mut Lists, counts: &mut Counts) {
    for (row, address) in table.rows() {
        if (row.deposits | row.debts) & !listed != 0 {
            counts.unlisted = counts.unlisted.saturating_add(1);
            continue;
        }
        if row.debts != 0 && row.deposits == 0 {
            lists.ruined.push(*address);
        }
        match row.standing {
            Some(Standing::Unpriced) => counts.unpriced = counts.unpriced.saturating_add(1),
            Some(Standing::Liquidatable) => lists.liquidatable.push(Found { address: *address, insolvent: false }),
            Some(Standing::Insolvent) => lists.liquidatable.push(Found { address: *address, insolvent: true }),
            Some(Standing::Sound) | None => {}
        }
    }
}
