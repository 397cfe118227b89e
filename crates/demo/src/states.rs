//! Vaults counted by margin state, and debts that no collateral covers.

use ballast_client::{Pubkey, StateView};

use ballast_cluster::books::Books;

/// Number of borrowing vaults in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub healthy: usize,
    pub restricted: usize,
    pub liquidatable: usize,
    pub insolvent: usize,
    pub unpriced: usize,
    /// Vaults without a debt: lenders, and borrowers who owe nothing (any more).
    pub free: usize,
}

/// Debts beyond what their vaults hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadDebt {
    /// Vaults that owe more than they hold at the spot prices.
    pub under_water: Vec<Pubkey>,
    /// By how much, micro-dollars.
    pub shortfall: u64,
    /// Vaults that owe something and hold nothing at all.
    pub empty: usize,
    /// What those owe, micro-dollars.
    pub uncovered: u64,
}

impl Tally {
    pub fn of(books: &Books) -> Self {
        let mut tally = Self::default();
        for (_, vault) in &books.vaults {
            *match books.health(vault).state {
                _ if !vault.has_debt() => &mut tally.free,
                StateView::Healthy => &mut tally.healthy,
                StateView::Restricted => &mut tally.restricted,
                StateView::Liquidatable => &mut tally.liquidatable,
                StateView::Insolvent => &mut tally.insolvent,
                StateView::Unpriced => &mut tally.unpriced,
            } += 1;
        }
        tally
    }

    /// Vaults that a keeper has to look at.
    pub fn below(&self) -> usize {
        self.liquidatable + self.insolvent
    }
}

impl BadDebt {
    pub fn of(books: &Books) -> Self {
        let mut bad = Self::default();
        for (address, vault) in books.vaults.iter().filter(|(_, vault)| vault.has_debt()) {
            let maint = books.health(vault).maint;
            if maint.equity < 0 {
                bad.under_water.push(*address);
                bad.shortfall = bad.shortfall.saturating_add(maint.equity.unsigned_abs());
            }
            if maint.assets == 0 {
                bad.empty += 1;
                bad.uncovered = bad.uncovered.saturating_add(maint.debts);
            }
        }
        bad
    }
}
