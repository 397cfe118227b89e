//! `accept_role`: who was named for a role takes it over.

use anchor_lang::prelude::*;

use crate::event::RoleAccepted;
use crate::state::{Market, Role};

/// Also of `open_market`, `pause`, `resume` and `confirm_risk_model`.
#[derive(Accounts)]
pub struct ByRole<'info> {
    pub signer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

pub fn accept_role(context: Context<ByRole>, role: Role) -> Result<()> {
    let holder = context.accounts.signer.key();
    context.accounts.market.load_mut()?.accept(role, &holder)?;
    emit!(RoleAccepted { market: context.accounts.market.key(), role, holder });
    Ok(())
}
