//! `open_draft`: turns an empty account of the right size into a draft of coefficients for a market. Anybody may write one;
//! only governance takes it over.

use anchor_lang::prelude::*;

use crate::state::{Draft, Market};

#[derive(Accounts)]
pub struct OpenDraft<'info> {
    pub author: Signer<'info>,
    pub market: AccountLoader<'info, Market>,
    /// Created by the client with `Draft::SPACE` bytes, owned by this program. It signs, so that nobody can slip in
    /// between its creation and this instruction.
    // The runtime itself asks for the rent, so the framework need not.
    #[account(zero, signer, rent_exempt = skip)]
    pub draft: AccountLoader<'info, Draft>,
}

pub fn open_draft(context: Context<OpenDraft>) -> Result<()> {
    let mut draft = context.accounts.draft.load_init()?;
    draft.version = 1;
    draft.market = context.accounts.market.key();
    draft.author = context.accounts.author.key();
    Ok(())
}
