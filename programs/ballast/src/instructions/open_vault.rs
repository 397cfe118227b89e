//! `open_vault`: an empty vault for the signer.

use anchor_lang::prelude::*;

use crate::event::VaultOpened;
use crate::seeds;
use crate::state::{Market, Vault};

#[derive(Accounts)]
#[instruction(id: u16)]
pub struct OpenVault<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    pub market: AccountLoader<'info, Market>,
    #[account(
        init,
        payer = payer,
        space = Vault::SPACE,
        seeds = [seeds::VAULT, market.key().as_ref(), owner.key().as_ref(), &id.to_le_bytes()],
        bump
    )]
    pub vault: AccountLoader<'info, Vault>,
    pub system_program: Program<'info, System>,
}

pub fn open_vault(context: Context<OpenVault>, id: u16) -> Result<()> {
    let (market, owner) = (context.accounts.market.key(), context.accounts.owner.key());
    let mut vault = context.accounts.vault.load_init()?;
    vault.version = 1;
    vault.bump = context.bumps.vault;
    vault.id = id;
    vault.market = market;
    vault.owner = owner;
    emit!(VaultOpened { market, vault: context.accounts.vault.key(), owner });
    Ok(())
}
