//! `close_draft`: gives the rent of a draft back to its author.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::state::Draft;

#[derive(Accounts)]
pub struct CloseDraft<'info> {
    #[account(mut)]
    pub author: Signer<'info>,
    #[account(mut, close = author)]
    pub draft: AccountLoader<'info, Draft>,
}

pub fn close_draft(context: Context<CloseDraft>) -> Result<()> {
    let draft = context.accounts.draft.load()?;
    ensure!(draft.author == context.accounts.author.key(), NotDraftAuthor);
    Ok(())
}
