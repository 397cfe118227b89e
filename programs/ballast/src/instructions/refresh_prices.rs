//! `refresh_prices`: brings prices of some assets, and the interest of those assets, up to now. Anybody may call it.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::PriceRefreshed;
use crate::oracle::{accept, observe, unix_seconds};
use crate::state::Market;

#[derive(Accounts)]
pub struct RefreshPrices<'info> {
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    // Remaining accounts: the oracle account of each asset named, in the same order, no other.
}

/// `assets`: indexes of the assets, one per oracle account.
pub fn refresh_prices(context: Context<RefreshPrices>, assets: Vec<u8>) -> Result<()> {
    let oracles = context.remaining_accounts;
    ensure!(!assets.is_empty() && assets.len() == oracles.len(), OracleListMismatch);
    let clock = Clock::get()?;
    let now = unix_seconds(&clock);
    let address = context.accounts.market.key();
    let mut market = context.accounts.market.load_mut()?;
    for (index, oracle) in assets.iter().copied().zip(oracles) {
        let asset = market.asset_mut(index)?;
        let observation = observe(asset, oracle)?;
        accept(asset, &observation, now, clock.slot)?;
        asset.accrue(now);
        emit!(PriceRefreshed {
            market: address,
            asset: index,
            mantissa: asset.spot,
            shift: asset.price_shifts[0],
            publish_time: asset.publish_time,
        });
    }
    Ok(())
}
