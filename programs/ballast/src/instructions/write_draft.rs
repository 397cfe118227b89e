//! `write_loadings`, `write_shocks`: rows of consecutive assets into a draft. In any order, as often as needed; the last
//! one counts.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::state::Draft;
use crate::state::draft::{LoadingRow, ShockRow, write_rows};

#[derive(Accounts)]
pub struct WriteDraft<'info> {
    pub author: Signer<'info>,
    #[account(mut)]
    pub draft: AccountLoader<'info, Draft>,
}

impl WriteDraft<'_> {
    fn validate(&self, draft: &Draft) -> Result<()> {
        ensure!(draft.author == self.author.key(), NotDraftAuthor);
        Ok(())
    }
}

/// `rows`: loadings and specific volatility of the assets from `first` on, in 2^-30.
pub fn write_loadings(context: Context<WriteDraft>, first: u8, rows: Vec<LoadingRow>) -> Result<()> {
    let mut draft = context.accounts.draft.load_mut()?;
    context.accounts.validate(&draft)?;
    let Draft { loadings, loadings_written, .. } = &mut *draft;
    write_rows(loadings, loadings_written, first, &rows)
}

/// `rows`: shocks of the assets from `first` on, in 2^-30.
pub fn write_shocks(context: Context<WriteDraft>, first: u8, rows: Vec<ShockRow>) -> Result<()> {
    let mut draft = context.accounts.draft.load_mut()?;
    context.accounts.validate(&draft)?;
    let Draft { shocks, shocks_written, .. } = &mut *draft;
    write_rows(shocks, shocks_written, first, &rows)
}
