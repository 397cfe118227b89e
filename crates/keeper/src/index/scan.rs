//! Judging the vaults that something has happened to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ballast_client::Pubkey;
use ballast_client::risk::sheet::{Judgement, Sheet, Standing, Strains};

use super::Index;
use super::spans::Spans;
use super::state::{self, Judged};
use super::table::{Row, Table};

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
    /// Vaults that are left out until they change, because the check of them panicked.
    pub suspect: usize,
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

/// Vaults that may panic in one scan before it is given up. If it is more than these, it is not the vaults.
const MOST_PANICS: usize = 64;

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
    /// Renews the decisions that may be old. A vault that makes the check panic is marked and left out, and the
    /// walk begins anew: to judge a vault twice by the same prices does no harm.
    fn judge(&self, table: &mut Table, counts: &mut Counts) {
        let (rows, spans) = table.rows_mut();
        for _ in 0..MOST_PANICS {
            if catch_unwind(AssertUnwindSafe(|| self.walk(rows, spans, counts))).is_ok() {
                return;
            }
            rows.iter_mut().filter(|row| row.suspect).for_each(|row| row.standing = None);
        }
    }

    fn walk(&self, rows: &mut [Row], spans: &Spans, counts: &mut Counts) {
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
            if row.suspect {
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
            row.suspect = true;
            let Judgement { standing, tolerance } = self.sheet.judge(spans.of(row.span));
            row.suspect = false;
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
        counts.suspect = counts.suspect.saturating_add(usize::from(row.suspect));
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

#[cfg(test)]
mod tests {
    use ballast_client::{ID, Market, Position, Vault, account};

    use super::*;

    /// An account of the program with nothing in it but its type and the version of its layout.
    fn bytes(kind: &str, space: usize) -> Vec<u8> {
        let name = solana_sha256_hasher::hash(format!("account:{kind}").as_bytes()).to_bytes();
        let mut bytes = [&name[..8], &[1]].concat();
        bytes.resize(space, 0);
        bytes
    }

    fn vault(market: Pubkey, shares: u64) -> Vault {
        let mut vault = account::vault(&ID, &bytes("Vault", Vault::SPACE)).unwrap();
        (vault.market, vault.position_count) = (market, 1);
        vault.positions[0] = Position { shares, asset: 0, side: 1, padding: [0; 6] };
        vault
    }

    #[test]
    fn a_vault_whose_check_panicked_is_left_out_until_it_changes() {
        let market = Pubkey::new_from_array([1; 32]);
        let mut index = Index::new(market);
        let mut listed = account::market(&ID, &bytes("Market", Market::SPACE)).unwrap();
        listed.asset_count = 1;
        index.market = Some(listed);
        let addresses = [2, 3].map(|byte| Pubkey::new_from_array([byte; 32]));
        for address in addresses {
            index.table.put(address, vault(market, 7), 1);
        }
        // As the walk leaves it when the check of it does not come back.
        index.table.rows_mut().0[0].suspect = true;
        let counts = index.scan(5).counts;
        assert_eq!((counts.vaults, counts.suspect, counts.evaluated), (2, 1, 1));
        assert!(!index.table.put(addresses[0], vault(market, 7), 2));
        assert_eq!(index.scan(5).counts.suspect, 1);
        assert!(index.table.put(addresses[0], vault(market, 8), 3));
        let counts = index.scan(5).counts;
        assert_eq!((counts.suspect, counts.evaluated), (0, 1));
    }
}
