//! A pause: it ends by itself, and a budget sees to it that pauses after pauses are no freeze.

use anchor_lang::prelude::*;

use crate::ensure;

/// What the guardian can pause. Deposits, repayments, and withdrawals from vaults without debts are not among it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub enum Pausable {
    Borrow,
    /// Withdrawals from vaults with debts.
    Withdraw,
    /// Whatever depends on the price of an asset: new risk and liquidation alike.
    Asset(u8),
}

/// One pause and its budget.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, AnchorSerialize, AnchorDeserialize, bytemuck::Pod, bytemuck::Zeroable,
)]
#[repr(C)]
pub struct Pause {
    /// Paused before this second.
    pub until: u64,
    /// When `spent` was counted.
    pub counted_at: u64,
    /// Seconds of pause spent of the budget.
    pub spent: u64,
}

/// Longest pause: a day.
pub const LONGEST_PAUSE: u64 = 86_400;
/// Seconds of pause at a stretch, and then one for every ten that pass: three days.
pub const PAUSE_BUDGET: u64 = 3 * 86_400;
const RECOVERY: u64 = 10;

impl Pause {
    #[inline(always)]
    pub const fn active(&self, now: u64) -> bool {
        now < self.until
    }

    /// Pauses from now on for some seconds. A pause that is under way is replaced; what it did not use is given back.
    ///
    /// # Errors
    /// `PauseTooLong`, `PauseBudgetSpent`.
    pub fn start(&mut self, now: u64, seconds: u64) -> Result<()> {
        ensure!((1..=LONGEST_PAUSE).contains(&seconds), PauseTooLong);
        self.end(now);
        let spent = self.spent.saturating_add(seconds);
        ensure!(spent <= PAUSE_BUDGET, PauseBudgetSpent);
        self.spent = spent;
        self.until = now.saturating_add(seconds);
        Ok(())
    }

    /// Ends the pause, brings the budget up to now.
    pub fn end(&mut self, now: u64) {
        // A clock that went back gives nothing back.
        let now = now.max(self.counted_at);
        let unused = if self.active(now) { self.until.saturating_sub(now) } else { 0 };
        let recovered = now.saturating_sub(self.counted_at).checked_div(RECOVERY).unwrap_or(0);
        self.spent = self.spent.saturating_sub(recovered).saturating_sub(unused);
        self.counted_at = now;
        self.until = now.min(self.until);
    }
}
