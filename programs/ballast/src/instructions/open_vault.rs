//! `open_vault`: an empty vault for the signer, in a market that is open.

use anchor_lang::Discriminator;
use anchor_lang::prelude::*;

use crate::creation::Creation;
use crate::ensure;
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
    /// CHECK: created here, at the one address it can have.
    #[account(mut, seeds = [seeds::VAULT, market.key().as_ref(), owner.key().as_ref(), &id.to_le_bytes()], bump)]
    pub vault: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

pub fn open_vault(context: Context<OpenVault>, id: u16) -> Result<()> {
    let accounts = &context.accounts;
    ensure!(!accounts.market.load()?.in_setup(), MarketNotOpen);
    let (market, owner) = (accounts.market.key(), accounts.owner.key());
    Creation {
        payer: &accounts.payer,
        account: &accounts.vault,
        system_program: accounts.system_program.key,
        space: Vault::SPACE,
        owner: &crate::ID,
        seeds: &[seeds::VAULT, market.as_ref(), owner.as_ref(), &id.to_le_bytes(), &[context.bumps.vault]],
    }
    .run()?;
    let mut data = accounts.vault.try_borrow_mut_data()?;
    let (head, body) = data.split_at_mut(Vault::DISCRIMINATOR.len());
    head.copy_from_slice(Vault::DISCRIMINATOR);
    let vault: &mut Vault = bytemuck::from_bytes_mut(body);
    (vault.version, vault.bump, vault.id) = (1, context.bumps.vault, id);
    (vault.market, vault.owner) = (market, owner);
    emit!(VaultOpened { market, vault: accounts.vault.key(), owner });
    Ok(())
}
