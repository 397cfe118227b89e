//! `refresh_prices`: brings prices of some assets, and the interest of those assets, up to now. Anybody may call it.

use anchor_lang::prelude::*;
use ballast_risk::breaker::{Breaker, State};

use crate::ensure;
use crate::error::{BallastError, refuse};
use crate::event::{BreakerTripped, PriceRefreshed, PriceWithheld};
use crate::oracle::{Doubt, observe, unix_seconds};
use crate::state::Market;

#[derive(Accounts)]
pub struct RefreshPrices<'info> {
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    // Remaining accounts: for each asset named, in the same order, the oracle account of its first source, and of its
    // second one if it has one; no other.
}

/// `assets`: indexes of the assets.
pub fn refresh_prices(context: Context<RefreshPrices>, assets: Vec<u8>) -> Result<()> {
    ensure!(!assets.is_empty(), OracleListMismatch);
    let mut oracles = context.remaining_accounts.iter();
    let mut next = || oracles.next().ok_or_else(|| refuse(BallastError::OracleListMismatch));
    let clock = Clock::get()?;
    let now = unix_seconds(&clock);
    let address = context.accounts.market.key();
    let mut market = context.accounts.market.load_mut()?;
    // A receivership is settled at the prices that it began with.
    market.require_no_receivership()?;
    for index in assets {
        let asset = market.asset(index)?;
        let [first, second] = &asset.sources;
        let first = observe(&market, asset, first, next()?, &clock)?;
        let second = if second.is_none() { None } else { Some(observe(&market, asset, second, next()?, &clock)?) };

        let asset = market.asset_mut(index)?;
        let before = asset.breaker();
        let doubt = asset.accept(&first, second.as_ref(), now, clock.slot)?;
        asset.accrue(now);
        let after = asset.breaker();
        if (before.state, after.state) != (State::Normal, State::Normal) {
            tell_breaker(address, index, before, after, now);
        }
        match doubt {
            Some(doubt) => tell_doubt(address, index, doubt, asset.doubted_at),
            None => emit!(PriceRefreshed {
                market: address,
                asset: index,
                mantissa: asset.spot,
                shift: asset.price_shifts[0],
                publish_time: asset.publish_time,
            }),
        }
    }
    ensure!(oracles.next().is_none(), OracleListMismatch);
    Ok(())
}

// Out of line: most refreshes have nothing of these to tell.

/// A breaker that changed, or that trips again after its time was over.
#[cold]
#[inline(never)]
fn tell_breaker(market: Pubkey, asset: u8, before: Breaker, after: Breaker, now: u64) {
    let Breaker { state, until } = after;
    if state != before.state || state != before.state_at(now) {
        emit!(BreakerTripped { market, asset, state: state.code(), until });
    }
}

#[cold]
#[inline(never)]
fn tell_doubt(market: Pubkey, asset: u8, doubt: Doubt, publish_time: u64) {
    emit!(PriceWithheld { market, asset, doubt, publish_time });
}
