//! Judging the vaults that something has happened to.

use ballast_client::Pubkey;
use ballast_client::risk::sheet::{Judgement, Sheet, Standing, Strains};

use super::Index;
use super::state::{self, Judged};
use super::table::Table;

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
    /// Vaults that depend on something that is different since the last scan: their decision was renewed,
    pub touched: usize,
    /// for so many of them by the whole check; for the others their tolerance said that it stays.
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
    /// Where all vaults stand at a time, unix seconds. Only vaults are judged again that are new, that changed, or that
    /// depend on a price, a parameter or an index that differs from the last scan, be it by time alone. Empty while no
    /// market is known.
    pub fn scan(&mut self, now: u64) -> Scan<'_> {
        let mut counts = Counts { vaults: self.table.len(), ..Counts::default() };
        self.lists.liquidatable.clear();
        self.lists.ruined.clear();
        if let Some(market) = &self.market {
            let (quotes, rules) = (state::quotes(market, now), state::rules(market, now));
            let judged = Judged::new(rules, &quotes);
            let strains = judged.since(self.judged.as_ref());
            let sheet = Sheet::new(rules, &quotes);
            let listed = 1u64.checked_shl(u32::from(market.asset_count)).map_or(u64::MAX, |bit| bit.wrapping_sub(1));
            let pass = Pass { sheet, strains, listed, screened: self.screened };
            pass.judge(&mut self.table, &mut counts);
            self.judged = Some(judged);
            list(&self.table, listed, &mut self.lists, &mut counts);
        }
        Scan { liquidatable: &self.lists.liquidatable, ruined: &self.lists.ruined, counts }
    }
}

/// One walk over all vaults.
struct Pass<'a> {
    sheet: Sheet<'a>,
    strains: Strains,
    /// Bits of the assets that the market lists.
    listed: u64,
    screened: bool,
}

impl Pass<'_> {
    /// Renews the decisions that may be old.
    fn judge(&self, table: &mut Table, counts: &mut Counts) {
        let (rows, spans) = table.rows_mut();
        for row in rows {
            // Without debts nothing can be asked of a vault.
            if row.debts == 0 {
                row.standing = Some(Standing::Sound);
                continue;
            }
            if (row.deposits | row.debts) & !self.listed != 0 {
                row.standing = None;
                continue;
            }
            if row.standing.is_some() && !self.strains.concern(row.deposits, row.debts) {
                continue;
            }
            counts.touched = counts.touched.saturating_add(1);
            if self.screened && row.standing.is_some() {
                let strain = self.strains.of(row.deposits, row.debts);
                // Only a sound vault has any.
                if strain < row.tolerance {
                    row.tolerance = row.tolerance.saturating_sub(strain);
                    continue;
                }
            }
            let Judgement { standing, tolerance } = self.sheet.judge(spans.of(row.span));
            (row.standing, row.tolerance) = (Some(standing), tolerance);
            counts.evaluated = counts.evaluated.saturating_add(1);
        }
    }
}

fn list(table: &Table, listed: u64, lists: &mut Lists, counts: &mut Counts) {
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
