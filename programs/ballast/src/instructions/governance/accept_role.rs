//! `accept_role`: who was named for a role takes it over.

use anchor_lang::prelude::*;

use crate::event::RoleAccepted;
use crate::instructions::governance::propose_change::refuse_nonce;
use crate::state::{Market, Role};

/// Also of `open_market` and `confirm_risk_model`.
#[derive(Accounts)]
pub struct Governing<'info> {
    pub signer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the instructions sysvar, by its address.
    #[account(address = solana_instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

pub fn accept_role(context: Context<Governing>, role: Role) -> Result<()> {
    let holder = context.accounts.signer.key();
    let mut market = context.accounts.market.load_mut()?;
    refuse_nonce(&market, &context.accounts.instructions)?;
    market.accept(role, &holder)?;
    emit!(RoleAccepted { market: context.accounts.market.key(), role, holder });
    Ok(())
}
