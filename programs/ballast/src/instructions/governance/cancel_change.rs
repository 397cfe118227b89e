//! `cancel_change`: governance or the guardian stops a change that waits.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::ChangeCancelled;
use crate::instructions::governance::execute_change::check_change;
use crate::state::change::Proposal;
use crate::state::{Change, Market, Role};

#[derive(Accounts)]
pub struct CancelChange<'info> {
    pub signer: Signer<'info>,
    pub market: AccountLoader<'info, Market>,
    #[account(mut, close = proposer)]
    pub change: AccountLoader<'info, Change>,
    /// CHECK: gets the rent back; compared with the change.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
}

impl CancelChange<'_> {
    fn validate(&self, market: &Market, change: &Change) -> Result<()> {
        check_change(change, self.market.to_account_info().key, self.proposer.key)?;
        if market.is(Role::Governance, self.signer.key) {
            return Ok(());
        }
        ensure!(market.is(Role::Guardian, self.signer.key), NotGuardian);
        // Or nobody could ever get rid of him.
        let own = matches!(change.read()?.proposal, Proposal::Role { role: Role::Guardian, .. });
        ensure!(!own, GuardianReplaced);
        Ok(())
    }
}

pub fn cancel_change(context: Context<CancelChange>) -> Result<()> {
    let accounts = &context.accounts;
    accounts.validate(&*accounts.market.load()?, &*accounts.change.load()?)?;
    let (market, change, by) = (accounts.market.key(), accounts.change.key(), accounts.signer.key());
    emit!(ChangeCancelled { market, change, by });
    Ok(())
}
