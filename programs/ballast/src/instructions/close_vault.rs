//! `close_vault`: gives the rent of an empty vault back.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::VaultClosed;
use crate::state::Vault;

#[derive(Accounts)]
pub struct CloseVault<'info> {
    pub owner: Signer<'info>,
    #[account(mut, close = receiver)]
    pub vault: AccountLoader<'info, Vault>,
    /// CHECK: gets the lamports, chosen by the owner.
    #[account(mut)]
    pub receiver: UncheckedAccount<'info>,
}

impl CloseVault<'_> {
    fn validate(&self) -> Result<Pubkey> {
        let vault = self.vault.load()?;
        ensure!(vault.owner == self.owner.key(), NotVaultOwner);
        ensure!(vault.used().is_empty(), VaultNotEmpty);
        Ok(vault.market)
    }
}

pub fn close_vault(context: Context<CloseVault>) -> Result<()> {
    let market = context.accounts.validate()?;
    let (vault, owner) = (context.accounts.vault.key(), context.accounts.owner.key());
    emit!(VaultClosed { market, vault, owner });
    Ok(())
}
