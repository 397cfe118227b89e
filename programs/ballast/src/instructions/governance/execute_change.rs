//! `execute_change`: anybody carries out a change that has waited long enough, exactly as it was proposed or not at all.

use anchor_lang::prelude::*;

use crate::changes::Path;
use crate::ensure;
use crate::event::ChangeMade;
use crate::instructions::governance::apply_change::draft_of;
use crate::oracle::unix_seconds;
use crate::state::{Change, Draft, Market, Role};

#[derive(Accounts)]
pub struct ExecuteChange<'info> {
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut, close = proposer)]
    pub change: AccountLoader<'info, Change>,
    /// CHECK: gets the rent back; compared with the change.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
    /// The rows of a model, by whomever; they must have the digest that was proposed.
    pub draft: Option<AccountLoader<'info, Draft>>,
}

/// The change is of this market, and its rent goes back to the proposer.
///
/// # Errors
/// `WrongMarket`, `WrongChangeAccount`.
pub fn check_change(change: &Change, market: &Pubkey, proposer: &Pubkey) -> Result<()> {
    ensure!(change.market == *market, WrongMarket);
    ensure!(change.proposer == *proposer, WrongChangeAccount);
    Ok(())
}

impl ExecuteChange<'_> {
    fn validate(&self, market: &Market, change: &Change, now: u64) -> Result<()> {
        check_change(change, self.market.to_account_info().key, self.proposer.key)?;
        // What a former governance proposed is void.
        ensure!(market.is(Role::Governance, &change.proposer), NotGovernance);
        ensure!(now >= change.eta, ChangeNotDue);
        ensure!(now <= change.expiry, ChangeExpired);
        Ok(())
    }
}

pub fn execute_change(context: Context<ExecuteChange>) -> Result<()> {
    let accounts = &context.accounts;
    let address = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    market.require_no_receivership()?;
    let change = accounts.change.load()?;
    let now = unix_seconds(&Clock::get()?);
    accounts.validate(&market, &change, now)?;
    let proposal = change.read()?;
    let draft = draft_of(accounts.draft.as_ref(), &address)?;
    market.carry_out(&proposal.proposal, Path::Waited, draft.as_deref(), now)?;
    emit!(ChangeMade { market: address, by: change.proposer, waited: true, proposal });
    Ok(())
}
