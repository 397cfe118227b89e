//! Debts that nobody repays: written off where a vault has nothing left, each exactly once.

use anchor_lang::prelude::*;
use ballast_risk::Shares;
use ballast_risk::health::Side;
use ballast_risk::holding::Holding;
use ballast_risk::interest::Loss;

use crate::error::OrRefuse;
use crate::event::BadDebtAbsorbed;
use crate::state::{Market, Vault};

/// When all collateral of a vault is gone, writes its debts off and says so. Returns whether that was so.
#[inline(never)]
pub fn absorb(market: &mut Market, vault: &mut Vault, addresses: [Pubkey; 2], now: u64) -> Result<bool> {
    let [market_address, vault_address] = addresses;
    write_off(market, vault, now, |asset, loss| {
        emit!(BadDebtAbsorbed {
            market: market_address,
            vault: vault_address,
            asset,
            debt: loss.debt.get(),
            by_reserve: loss.reserve.get(),
            by_depositors: loss.deposits.get(),
        });
    })
}

/// When all collateral of a vault is gone, its debts are paid by the reserve of each asset, and by the depositors of that asset
/// for what the reserve lacks. No price matters any more. Returns whether that was so.
///
/// # Errors
/// `ValueOutOfRange`.
pub fn write_off(market: &mut Market, vault: &mut Vault, now: u64, mut each: impl FnMut(u8, Loss)) -> Result<bool> {
    if vault.used().iter().any(|position| position.side() == Side::Deposit) {
        return Ok(false);
    }
    while let Some(position) = vault.used().last().copied() {
        let asset = market.asset_mut(position.asset)?;
        let mut pool = asset.accrued_pool(now);
        let loss = pool.write_off(Shares::new(position.shares)).or_refuse()?;
        asset.set_pool(pool)?;
        vault.set_holding(position.asset, Holding::EMPTY)?;
        each(position.asset, loss);
    }
    Ok(true)
}

/// Takes deposits out of a vault that are not worth a native unit any more. They stay in the pool.
#[inline(never)]
pub fn sweep(market: &mut Market, vault: &mut Vault, now: u64) -> Result<()> {
    let mut at = 0;
    while let Some(position) = vault.used().get(at).copied() {
        let asset = market.asset_mut(position.asset)?;
        let mut pool = asset.accrued_pool(now);
        let worthless =
            position.side() == Side::Deposit && vault.holding(position.asset).amount(&pool).or_refuse()?.is_zero();
        if worthless {
            pool.withdraw_shares(Shares::new(position.shares)).or_refuse()?;
            asset.set_pool(pool)?;
            vault.set_holding(position.asset, Holding::EMPTY)?;
        } else {
            at = at.saturating_add(1);
        }
    }
    Ok(())
}
