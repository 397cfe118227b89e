//! `absorb_bad_debt`: writes off what a vault without any collateral owes. Anybody may call it; `liquidate` does it by itself
//! when it takes the last collateral.

use anchor_lang::prelude::*;

use crate::booking::require_same_market;
use crate::ensure;
use crate::losses;
use crate::oracle::unix_seconds;
use crate::state::{Market, Vault};

#[derive(Accounts)]
pub struct AbsorbBadDebt<'info> {
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
}

pub fn absorb_bad_debt(context: Context<AbsorbBadDebt>) -> Result<()> {
    let accounts = &context.accounts;
    let (market_address, vault_address) = (accounts.market.key(), accounts.vault.key());
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    market.require_no_receivership()?;
    require_same_market(&vault, &market_address)?;
    ensure!(vault.has_debt(), NoDebt);
    let now = unix_seconds(&Clock::get()?);
    losses::sweep(&mut market, &mut vault, now)?;
    ensure!(losses::absorb(&mut market, &mut vault, [market_address, vault_address], now)?, CollateralLeft);
    Ok(())
}
