//! `liquidate_into`: the same as `liquidate`, without tokens. A vault of the liquidator takes over debt and collateral, and has
//! to be able to carry both. So it needs no cash in the pool: where everything is lent, this is how collateral is taken.

use anchor_lang::prelude::*;
use ballast_risk::holding;
use ballast_risk::liquidation::Liquidation;

use crate::booking::require_same_market;
use crate::ensure;
use crate::event::Liquidated;
use crate::guard::{Guard, in_time};
use crate::instructions::liquidate::{Offer, plan};
use crate::losses;
use crate::state::{Market, Vault};

#[derive(Accounts)]
pub struct LiquidateInto<'info> {
    /// Owner of the vault that takes over.
    pub owner: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
    #[account(mut)]
    pub into: AccountLoader<'info, Vault>,
}

/// Books a plan from vault to vault: native units of the debt repaid, without the reserve's part, and of the collateral taken.
///
/// # Errors
/// `ValueOutOfRange`.
pub fn book_takeover(
    market: &mut Market,
    [vault, into]: [&mut Vault; 2],
    offer: &Offer,
    moved: &Liquidation,
) -> Result<[u64; 2]> {
    // What is repaid is borrowed, what is taken is deposited. In this order neither needs any cash.
    let repaid = market.trade(offer.debt_asset, [&mut *vault, &mut *into], offer.now, |pool, [from, to]| {
        let paid = holding::repay(pool, from, moved.repay)?;
        pool.keep(moved.to_reserve)?;
        let lent = holding::borrow(pool, to, paid.tokens.plus(moved.to_reserve)?)?;
        Ok(([paid.holding, lent.holding], paid.tokens))
    })?;
    let seized = market.trade(offer.collateral_asset, [vault, into], offer.now, |pool, [from, to]| {
        let brought = holding::deposit(pool, to, moved.seize)?;
        let taken = holding::withdraw(pool, from, Some(brought.tokens))?;
        Ok(([taken.holding, brought.holding], brought.tokens))
    })?;
    Ok([repaid, seized])
}

pub fn liquidate_into(
    context: Context<LiquidateInto>,
    debt_asset: u8,
    collateral_asset: u8,
    most_repaid: u64,
    deadline_slot: Option<u64>,
) -> Result<()> {
    ensure!(most_repaid > 0, AmountIsZero);
    let now = in_time(deadline_slot)?;
    let accounts = &context.accounts;
    let (market_address, vault_address) = (accounts.market.key(), accounts.vault.key());
    ensure!(debt_asset != collateral_asset, SameAsset);
    ensure!(vault_address != accounts.into.key(), SameVault);
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    let mut into = accounts.into.load_mut()?;
    market.require_no_receivership()?;
    require_same_market(&vault, &market_address)?;
    require_same_market(&into, &market_address)?;
    ensure!(into.owner == *accounts.owner.key, NotVaultOwner);

    let offer = Offer { debt_asset, collateral_asset, most_repaid, now };
    let (moved, maint) = plan(&market, &vault, &offer)?;
    let [repaid, seized] = book_takeover(&mut market, [&mut vault, &mut into], &offer, &moved)?;
    losses::absorb(&mut market, &mut vault, [market_address, vault_address], now)?;
    market.require_margin(&into, &Guard::default(), now)?;
    emit!(Liquidated {
        market: market_address,
        vault: vault_address,
        liquidator: accounts.owner.key(),
        debt_asset,
        collateral_asset,
        repaid,
        to_reserve: moved.to_reserve.get(),
        seized,
        repaid_value: moved.repaid_value.get(),
        seized_value: moved.seized_value.get(),
        bonus: moved.bonus.get(),
        equity_before: maint.equity(),
        requirement_before: maint.requirement().get(),
    });
    Ok(())
}
