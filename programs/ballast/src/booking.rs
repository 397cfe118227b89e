//! Booking one move of one asset in the market and in a vault: the part that deposit, withdraw, borrow, repay share.

use anchor_lang::prelude::*;
use ballast_risk::fixed::scale_floor;
use ballast_risk::holding::{Holding, Move};
use ballast_risk::interest::Pool;
use ballast_risk::outflow::{Limit, Outflow};
use ballast_risk::{Amount, Fraction};

use crate::ensure;
use crate::error::OrRefuse;
use crate::event::{Action, PositionChanged};
use crate::state::{Asset, Market, Vault};

/// What was booked, for the transfer and the event that follow.
pub struct Booked {
    pub before: Holding,
    pub after: Holding,
    /// Native units that custody gets or gives, before or after any transfer fee of the other side.
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
    check_caps(asset, &accrued, &pool, after)?;
    vault.set_holding(index, after)?;
    asset.count_flow(&accrued, pool.cash < accrued.cash, tokens, now)?;
    asset.set_pool(pool)?;
    Ok(Booked { before, after, tokens: tokens.get(), cash: asset.cash, decimals: asset.decimals })
}

impl Market {
    /// Brings the pool of an asset up to now, lets `compute` change it together with the vault's holding, and commits both: for
    /// liquidations, which no cap and no outflow limit stops.
    pub fn move_one(
        &mut self,
        vault: &mut Vault,
        index: u8,
        now: u64,
        compute: impl FnOnce(&mut Pool, Holding) -> ballast_risk::Result<Move>,
    ) -> Result<Booked> {
        let asset = self.asset_mut(index)?;
        let before = vault.holding(index);
        let mut pool = asset.accrued_pool(now);
        let Move { holding: after, tokens } = compute(&mut pool, before).or_refuse()?;
        vault.set_holding(index, after)?;
        asset.set_pool(pool)?;
        Ok(Booked { before, after, tokens: tokens.get(), cash: asset.cash, decimals: asset.decimals })
    }

    /// Moves something of one asset from a vault to another: brings its pool up to now, lets `compute` change it together
    /// with both holdings, and commits all. No cap is asked, because what is deposited and owed in all stays the same.
    pub fn trade(
        &mut self,
        index: u8,
        [from, to]: [&mut Vault; 2],
        now: u64,
        compute: impl FnOnce(&mut Pool, [Holding; 2]) -> ballast_risk::Result<([Holding; 2], Amount)>,
    ) -> Result<u64> {
        let asset = self.asset_mut(index)?;
        let mut pool = asset.accrued_pool(now);
        let ([left, taken], tokens) = compute(&mut pool, [from.holding(index), to.holding(index)]).or_refuse()?;
        from.set_holding(index, left)?;
        to.set_holding(index, taken)?;
        asset.set_pool(pool)?;
        Ok(tokens.get())
    }
}

/// A cap refuses growth only: interest may carry a total above it, and leaving is always possible.
fn check_caps(asset: &Asset, before: &Pool, after: &Pool, holding: Holding) -> Result<()> {
    if after.deposit_shares > before.deposit_shares {
        let deposits = after.deposits_ceil().or_refuse()?;
        ensure!(deposits.get() <= asset.deposit_cap, DepositCapExceeded);
        check_share(asset.deposit_cap, asset.vault_deposit_share, holding, after)?;
    }
    if after.debt_shares > before.debt_shares {
        let debts = after.debts_floor().or_refuse()?;
        ensure!(debts.get() <= asset.debt_cap, DebtCapExceeded);
        check_share(asset.debt_cap, asset.vault_debt_share, holding, after)?;
        if asset.utilisation_cap != u32::MAX {
            let lent = scale_floor(after.deposits_ceil().or_refuse()?.get(), Fraction::new(asset.utilisation_cap));
            ensure!(debts.get() <= lent, UtilisationCapExceeded);
        }
    }
    Ok(())
}

/// One vault uses no more than its share of a cap.
fn check_share(cap: u64, share: u32, holding: Holding, pool: &Pool) -> Result<()> {
    if share != u32::MAX {
        let amount = holding.amount(pool).or_refuse()?;
        ensure!(amount.get() <= scale_floor(cap, Fraction::new(share)), VaultShareExceeded);
    }
    Ok(())
}

impl Asset {
    /// Counts tokens that leave at the wish of a user, or that come in.
    ///
    /// # Errors
    /// `OutflowLimitExceeded`.
    #[inline(always)]
    fn count_flow(&mut self, before: &Pool, leaves: bool, tokens: Amount, now: u64) -> Result<()> {
        if self.outflow_limit == u32::MAX {
            return Ok(());
        }
        let (limit, flow) = self.outflow(before.in_pool().or_refuse()?);
        let flow = if leaves { flow.take(tokens, &limit, now).or_refuse()? } else { flow.give(tokens, &limit, now) };
        (self.outflow_level, self.outflow_at) = (flow.level, flow.at);
        Ok(())
    }

    /// Brings the bucket up to now, before its limit changes.
    pub fn settle_outflow(&mut self, now: u64) {
        if self.outflow_limit == u32::MAX {
            return;
        }
        let (limit, flow) = self.outflow(Amount::new(self.cash.saturating_add(self.flash)));
        let flow = flow.give(Amount::ZERO, &limit, now);
        (self.outflow_level, self.outflow_at) = (flow.level, flow.at);
    }

    #[inline(always)]
    fn outflow(&self, cash: Amount) -> (Limit, Outflow) {
        let limit = Limit { share: Fraction::new(self.outflow_limit), period: self.outflow_period, cash };
        (limit, Outflow { level: self.outflow_level, at: self.outflow_at })
    }
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
