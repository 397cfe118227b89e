//! What a user asks for beyond the rules of the market, so that a transaction that lands late or in another state than it was
//! signed for does nothing.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::error::OrRefuse;
use crate::oracle::unix_seconds;
use crate::state::{Market, Vault};

/// For what leaves a vault.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Least `E / R_init` afterwards, in basis points: 10,000 is what the market asks for.
    pub least_margin_bps: Option<u32>,
    /// Last slot in which it may happen.
    pub deadline_slot: Option<u64>,
}

/// Now in unix seconds, unless it is too late.
///
/// # Errors
/// `DeadlinePassed`.
#[inline(always)]
pub fn in_time(deadline_slot: Option<u64>) -> Result<u64> {
    let clock = Clock::get()?;
    ensure!(deadline_slot.is_none_or(|last| clock.slot <= last), DeadlinePassed);
    Ok(unix_seconds(&clock))
}

impl Market {
    /// Refuses a vault that has debts and misses its initial requirement, or what its owner asks for. Without debts no price is
    /// needed.
    ///
    /// # Errors
    /// `BelowInitMargin`, `MarginBelowGuard`, `PriceUnusable`, `ValueOutOfRange`.
    pub fn require_margin(&self, vault: &Vault, guard: &Guard, now: u64) -> Result<()> {
        if vault.has_debt() {
            let health = self.init_health(vault, now).or_refuse()?;
            ensure!(health.passes(), BelowInitMargin);
            ensure!(guard.least_margin_bps.is_none_or(|least| health.margin_at_least(least)), MarginBelowGuard);
        }
        Ok(())
    }
}
