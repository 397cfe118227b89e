//! Booking one move of one asset in the market and in a vault: the part that deposit, withdraw, borrow, repay share.

use anchor_lang::prelude::*;
use ballast_risk::holding::{Holding, Move};
use ballast_risk::interest::Pool;

use crate::ensure;
use crate::error::OrRefuse;
use crate::event::{Action, PositionChanged};
use crate::state::{Asset, Market, Vault};

/// What was booked, for the transfer and the event that follow.
pub struct Booked {
    pub before: Holding,
    pub after: Holding,
    /// Native units to move.
    pub tokens: u64,
    /// What custody must hold after the transfer.
    pub cash: u64,
    pub decimals: u8,
}

/// Brings the pool of the asset up to now, lets `compute` change it together with the vault's holding, checks the caps
/// and commits both.
#[inline(always)]
pub fn book(
    market: &mut Market,
    vault: &mut Vault,
    index: u8,
    now: u64,
    compute: impl FnOnce(&mut Pool, Holding) -> ballast_risk::Result<Move>,
) -> Result<Booked> {
    let asset = market.asset_mut(index)?;
    let before = vault.holding(index);
    let accrued = asset.accrued_pool(now);
    let mut pool = accrued;
    let Move { holding: after, tokens } = compute(&mut pool, before).or_refuse()?;
    check_caps(asset, &accrued, &pool)?;
    vault.set_holding(index, after)?;
    asset.set_pool(pool)?;
    Ok(Booked { before, after, tokens: tokens.get(), cash: asset.cash, decimals: asset.decimals })
}

/// A cap refuses growth only: interest may carry a total above it, and leaving is always possible.
fn check_caps(asset: &Asset, before: &Pool, after: &Pool) -> Result<()> {
    if after.deposit_shares > before.deposit_shares {
        let deposits = after.deposits_ceil().or_refuse()?;
        ensure!(deposits.get() <= asset.deposit_cap, DepositCapExceeded);
    }
    if after.debt_shares > before.debt_shares {
        let debts = after.debts_floor().or_refuse()?;
        ensure!(debts.get() <= asset.debt_cap, DebtCapExceeded);
    }
    Ok(())
}

/// Refuses a vault of another market.
///
/// # Errors
/// `WrongMarket`.
#[inline(always)]
pub fn require_same_market(vault: &Vault, market: &Pubkey) -> Result<()> {
    ensure!(vault.market == *market, WrongMarket);
    Ok(())
}

impl Booked {
    pub fn announce(&self, market: Pubkey, vault: Pubkey, action: Action, asset: u8) {
        let (shares_before, shares_after) = (signed(self.before), signed(self.after));
        emit!(PositionChanged { market, vault, action, asset, amount: self.tokens, shares_before, shares_after });
    }
}

/// Shares as one number, negative for a debt.
fn signed(holding: Holding) -> i128 {
    let shares = i128::from(holding.shares.get());
    match holding.side {
        ballast_risk::health::Side::Deposit => shares,
        ballast_risk::health::Side::Debt => shares.wrapping_neg(),
    }
}
