//! `set_delegate`: the owner lets somebody act for the vault, in some things and for some time; or nobody any more.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::DelegateSet;
use crate::state::{Scope, Vault};

#[derive(Accounts)]
pub struct SetDelegate<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
}

/// What the delegate may do. Loans and withdrawals go to token accounts of the owner.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    pub deposit: bool,
    pub borrow: bool,
    pub withdraw: bool,
}

impl Scopes {
    const fn bits(self) -> u8 {
        (if self.deposit { Scope::Deposit as u8 } else { 0 })
            | (if self.borrow { Scope::Borrow as u8 } else { 0 })
            | (if self.withdraw { Scope::Withdraw as u8 } else { 0 })
    }
}

/// `until`: the first second in which the delegate may do nothing any more, unix seconds.
pub fn set_delegate(context: Context<SetDelegate>, delegate: Pubkey, scopes: Scopes, until: u64) -> Result<()> {
    let accounts = &context.accounts;
    let mut vault = accounts.vault.load_mut()?;
    ensure!(vault.owner == *accounts.owner.key, NotVaultOwner);
    let scopes = scopes.bits();
    (vault.delegate, vault.delegate_scopes, vault.delegate_until) = (delegate, scopes, until);
    emit!(DelegateSet { market: vault.market, vault: accounts.vault.key(), delegate, scopes, until });
    Ok(())
}
