//! `create_market`: turns an empty account of the right size into a market.

use anchor_lang::prelude::*;

use crate::event::MarketCreated;
use crate::seeds;
use crate::state::Market;

#[derive(Accounts)]
pub struct CreateMarket<'info> {
    /// Created by the client with `Market::SPACE` bytes, owned by this program. It signs, so that nobody can slip in
    /// between its creation and this instruction.
    // The runtime itself asks for the rent, so the framework need not.
    #[account(zero, signer, rent_exempt = skip)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: only its address is stored; it never holds data.
    #[account(seeds = [seeds::AUTHORITY, market.key().as_ref()], bump)]
    pub authority: UncheckedAccount<'info>,
    /// Will govern the market. It signs, so that a mistyped key cannot become governance.
    pub governance: Signer<'info>,
}

/// `dust` in micro-dollars: a liquidation closes a debt whole when it would leave less, if the liquidator pays for all of
/// it and the collateral covers it.
pub fn create_market(context: Context<CreateMarket>, dust: u64) -> Result<()> {
    let governance = context.accounts.governance.key();
    let mut market = context.accounts.market.load_init()?;
    market.version = 1;
    market.authority_bump = context.bumps.authority;
    market.authority = context.accounts.authority.key();
    market.governance = governance;
    market.dust = dust;
    emit!(MarketCreated { market: context.accounts.market.key(), governance });
    Ok(())
}
