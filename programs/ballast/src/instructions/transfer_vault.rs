//! `transfer_vault` and `accept_vault`: a vault with all that it has and owes goes to another owner, who has to accept it.

use anchor_lang::prelude::*;

use crate::booking::require_same_market;
use crate::ensure;
use crate::event::{VaultOffered, VaultTransferred};
use crate::state::{Market, Vault};

#[derive(Accounts)]
pub struct TransferVault<'info> {
    /// The owner for `transfer_vault`, the key that he named for `accept_vault`.
    pub signer: Signer<'info>,
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
}

impl TransferVault<'_> {
    /// A vault whose owner changed in the middle would be settled with somebody else.
    fn validate(&self, vault: &Vault) -> Result<()> {
        require_same_market(vault, self.market.to_account_info().key)?;
        self.market.load()?.require_nothing_in_flight()
    }
}

/// Names the next owner; the default key takes the offer back.
pub fn transfer_vault(context: Context<TransferVault>, to: Pubkey) -> Result<()> {
    let accounts = &context.accounts;
    let mut vault = accounts.vault.load_mut()?;
    accounts.validate(&vault)?;
    ensure!(vault.owner == *accounts.signer.key, NotVaultOwner);
    vault.named = to;
    emit!(VaultOffered { market: vault.market, vault: accounts.vault.key(), owner: vault.owner, named: to });
    Ok(())
}

/// The vault keeps its address; the delegate of the owner before is gone.
pub fn accept_vault(context: Context<TransferVault>) -> Result<()> {
    let accounts = &context.accounts;
    let mut vault = accounts.vault.load_mut()?;
    accounts.validate(&vault)?;
    let (from, to) = (vault.owner, *accounts.signer.key);
    ensure!(vault.named == to && to != Pubkey::default(), NotNamedForVault);
    (vault.owner, vault.named) = (to, Pubkey::default());
    (vault.delegate, vault.delegate_scopes, vault.delegate_until) = (Pubkey::default(), 0, 0);
    emit!(VaultTransferred { market: vault.market, vault: accounts.vault.key(), from, to });
    Ok(())
}
