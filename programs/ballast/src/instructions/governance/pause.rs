//! `pause`, `resume`: the guardian or governance stops an action, or everything that depends on the price of an asset, for a
//! time. It ends by itself.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::PauseSet;
use crate::oracle::unix_seconds;
use crate::state::pause::{Pausable, Pause};
use crate::state::{Market, Role};

/// Starts a pause, or ends it, and does what follows from it.
#[inline(never)]
fn change(accounts: &ByRole, paused: Pausable, seconds: Option<u32>) -> Result<()> {
    let mut market = accounts.market.load_mut()?;
    let signer = accounts.signer.key;
    ensure!(market.is(Role::Guardian, signer) || market.is(Role::Governance, signer), NotGuardian);
    let now = unix_seconds(&Clock::get()?);
    let pause = market.pause_mut(paused)?;
    match seconds {
        Some(seconds) => pause.start(now, u64::from(seconds))?,
        None => pause.end(now),
    }
    let Pause { until, spent, .. } = *pause;
    if let Pausable::Asset(index) = paused {
        market.asset_mut(index)?.renew_windows(now);
    }
    emit!(PauseSet { market: accounts.market.key(), paused, until, spent, by: *signer });
    Ok(())
}

/// Also of `resume`.
#[derive(Accounts)]
pub struct ByRole<'info> {
    pub signer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

/// For `seconds` from now, at most a day.
pub fn pause(context: Context<ByRole>, paused: Pausable, seconds: u32) -> Result<()> {
    change(context.accounts, paused, Some(seconds))
}

pub fn resume(context: Context<ByRole>, paused: Pausable) -> Result<()> {
    change(context.accounts, paused, None)
}
