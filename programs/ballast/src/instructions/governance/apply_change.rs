//! `apply_change`: a change at once. Anything while a market is set up; then what is proven to reduce risk, by governance or
//! the guardian, and small steps of the steward.

use anchor_lang::prelude::*;

use crate::changes::Path;
use crate::event::ChangeMade;
use crate::instructions::governance::propose_change::refuse_nonce;
use crate::oracle::unix_seconds;
use crate::state::change::Written;
use crate::state::{Draft, Market};

#[derive(Accounts)]
pub struct ApplyChange<'info> {
    pub signer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The rows of a model, by whomever; they must have the digest that is signed for.
    pub draft: Option<AccountLoader<'info, Draft>>,
    /// CHECK: the instructions sysvar, by its address.
    #[account(address = solana_instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

/// The rows for a market, if there are any.
///
/// # Errors
/// `WrongMarket` for a draft of another market.
pub fn draft_of<'a>(
    draft: Option<&'a AccountLoader<'_, Draft>>,
    market: &Pubkey,
) -> Result<Option<std::cell::Ref<'a, Draft>>> {
    let Some(loader) = draft else { return Ok(None) };
    let draft = loader.load()?;
    crate::ensure!(draft.market == *market, WrongMarket);
    Ok(Some(draft))
}

pub fn apply_change(context: Context<ApplyChange>, proposal: Written) -> Result<()> {
    let accounts = &context.accounts;
    let address = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    market.require_no_receivership()?;
    let path = market.path_of(accounts.signer.key)?;
    refuse_nonce(&market, &accounts.instructions)?;
    let now = unix_seconds(&Clock::get()?);
    let draft = draft_of(accounts.draft.as_ref(), &address)?;
    market.carry_out(&proposal.proposal, path, draft.as_deref(), now)?;
    let waited = matches!(path, Path::Waited);
    emit!(ChangeMade { market: address, by: accounts.signer.key(), waited, proposal });
    Ok(())
}
