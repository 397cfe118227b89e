//! `create_market`: turns an empty account of the right size into a market that can be set up.

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

const DAY: u32 = 86_400;
/// A dollar, in micro-dollars.
const DUST: u64 = 1_000_000;
/// A hundred thousand dollars, in micro-dollars.
const FIRST_CAP: u64 = 100_000_000_000;

impl Market {
    /// The strictest of the market's parameters that anybody would want; governance sets others before it opens the market.
    fn set_defaults(&mut self) {
        (self.delay, self.notice, self.window) = (2 * DAY, DAY, 3 * DAY);
        (self.dust, self.first_cap) = (DUST, FIRST_CAP);
    }
}

/// `guardian` and `steward` may be the default key: nobody.
pub fn create_market(context: Context<CreateMarket>, guardian: Pubkey, steward: Pubkey) -> Result<()> {
    let governance = context.accounts.governance.key();
    let mut market = context.accounts.market.load_init()?;
    market.version = 1;
    market.authority_bump = context.bumps.authority;
    market.authority = context.accounts.authority.key();
    market.roles = [governance, guardian, steward];
    market.set_defaults();
    emit!(MarketCreated { market: context.accounts.market.key(), governance, guardian, steward });
    Ok(())
}
