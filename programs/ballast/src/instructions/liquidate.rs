//! `liquidate`: anybody repays part of one debt of an unhealthy vault and takes one collateral at a discount.
//!
//! How much moves is decided by `ballast_risk::liquidation::preview`: up to the target, never to the vault's harm.

use anchor_lang::prelude::*;
use ballast_risk::health::{Health, Level, Prices, Side};
use ballast_risk::holding::{self, Move};
use ballast_risk::liquidation::{Leg, Liquidation, Modelling, Request, preview};
use ballast_risk::{Amount, Fraction, Usd};

use crate::booking::{Booked, require_same_market};
use crate::custody::{self, Transfer};
use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::event::Liquidated;
use crate::guard::in_time;
use crate::losses;
use crate::mints::{Fee, Payment};
use crate::state::{Market, SpotHealth, Vault};

#[derive(Accounts)]
pub struct Liquidate<'info> {
    pub liquidator: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
    /// CHECK: the liquidator's; the token program checks its mint and authority.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the debt asset.
    #[account(mut)]
    pub debt_custody: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the debt asset.
    pub debt_mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the debt asset.
    pub debt_token_program: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the collateral asset.
    #[account(mut)]
    pub collateral_custody: UncheckedAccount<'info>,
    /// CHECK: any account that the liquidator names; the token program checks its mint.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: compared with the address stored in the market.
    pub authority: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the collateral asset.
    pub collateral_mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the collateral asset.
    pub collateral_token_program: UncheckedAccount<'info>,
}

impl<'info> Liquidate<'info> {
    /// The fee is that of the repayment.
    fn validate(&self, market: &Market, vault: &Vault, debt: u8, collateral: u8) -> Result<Fee> {
        ensure!(debt != collateral, SameAsset);
        require_same_market(vault, self.market.to_account_info().key)?;
        ensure!(market.authority == *self.authority.key, WrongAuthority);
        let fee = custody::check(market.asset(debt)?, &self.debt_custody, &self.debt_mint, &self.debt_token_program)?;
        custody::check(
            market.asset(collateral)?,
            &self.collateral_custody,
            &self.collateral_mint,
            &self.collateral_token_program,
        )?;
        Ok(fee)
    }

    /// Takes the repayment from the liquidator and pays the collateral out.
    fn settle(&self, bump: u8, payment: &Payment, debt: &Booked, collateral: &Booked) -> Result<()> {
        let taken = Transfer {
            from: &self.source,
            to: &self.debt_custody,
            authority: &self.liquidator,
            mint: &self.debt_mint,
            token_program: &self.debt_token_program,
        };
        taken.by_user(payment, debt.decimals)?;
        let paid = Transfer {
            from: &self.collateral_custody,
            to: &self.destination,
            authority: &self.authority,
            mint: &self.collateral_mint,
            token_program: &self.collateral_token_program,
        };
        paid.by_market(self.market.to_account_info().key, bump, collateral.tokens, collateral.decimals)?;
        custody::assert_covers(&self.debt_custody, debt.cash)?;
        custody::assert_covers(&self.collateral_custody, collateral.cash)
    }
}

/// The pair, how much the liquidator pays at most, and when.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub debt_asset: u8,
    pub collateral_asset: u8,
    /// Native units of the debt that arrive: less the transfer fee of the token.
    pub most_repaid: u64,
    pub now: u64,
}

/// What the program moves for an offer, and the vault's health before. Clients call it on decoded accounts to see the same
/// figures.
///
/// # Errors
/// `VaultHealthy`, `NoDebt`, `NoDeposit`, `LiquidationTooSmall`, `PriceUnusable`, `ValueOutOfRange`.
#[inline(never)]
pub fn plan(market: &Market, vault: &Vault, offer: &Offer) -> Result<(Liquidation, Health)> {
    let Offer { debt_asset, collateral_asset, most_repaid, now } = *offer;
    let mut exposures = None;
    let SpotHealth { target, maint, rules: [of_target, of_maint] } =
        market.spot_health(vault, now, &mut exposures).or_refuse()?;
    let request = Request {
        maint,
        target,
        model: exposures.as_ref().map(|exposures| Modelling { target: &of_target, maint: &of_maint, exposures }),
        debt: leg(market, vault, debt_asset, Side::Debt, now)?.ok_or_else(|| refuse(BallastError::NoDebt))?,
        collateral: leg(market, vault, collateral_asset, Side::Deposit, now)?
            .ok_or_else(|| refuse(BallastError::NoDeposit))?,
        bonus: market.asset(collateral_asset)?.bonus(),
        reserve_share: Fraction::new(market.asset(debt_asset)?.bonus_reserve),
        dust: Usd::new(market.dust),
        most: Amount::new(most_repaid),
    };
    Ok((preview(&request).or_refuse()?, maint))
}

/// Books a plan against tokens: what the debt's custody receives, with the reserve's part, and what the collateral's pays.
///
/// # Errors
/// `NotEnoughCash`, `ValueOutOfRange`.
pub fn book_pair(market: &mut Market, vault: &mut Vault, offer: &Offer, moved: &Liquidation) -> Result<[Booked; 2]> {
    let debt = market.move_one(vault, offer.debt_asset, offer.now, |pool, held| {
        let Move { holding, tokens } = holding::repay(pool, held, moved.repay)?;
        pool.keep(moved.to_reserve)?;
        Ok(Move { holding, tokens: tokens.plus(moved.to_reserve)? })
    })?;
    let collateral = market.move_one(vault, offer.collateral_asset, offer.now, |pool, held| {
        holding::withdraw(pool, held, Some(moved.seize))
    })?;
    Ok([debt, collateral])
}

/// The position of an asset as one side of a liquidation; `None` when the vault has none on that side.
///
/// # Errors
/// `AssetUnknown`, `PriceUnusable`, `ValueOutOfRange`.
pub fn leg<'a>(market: &'a Market, vault: &Vault, index: u8, side: Side, now: u64) -> Result<Option<Leg<'a>>> {
    let asset = market.asset(index)?;
    let Some(position) = vault.used().iter().find(|position| position.asset == index && position.side() == side) else {
        return Ok(None);
    };
    let exposure = market.exposure(position, [Level::Target], Prices::Spot, now);
    let value = exposure.and_then(|exposure| exposure.value()).or_refuse()?;
    let amount = vault.holding(index).amount(&asset.accrued_pool(now)).or_refuse()?;
    Ok(asset.leg(side, amount, Usd::new(value), now))
}

/// Sends at most `most_repaid` native units of `debt_asset`, with the reserve's part, and takes `collateral_asset` for what
/// arrives of it.
pub fn liquidate(
    context: Context<Liquidate>,
    debt_asset: u8,
    collateral_asset: u8,
    most_repaid: u64,
    deadline_slot: Option<u64>,
) -> Result<()> {
    ensure!(most_repaid > 0, AmountIsZero);
    let now = in_time(deadline_slot)?;
    let accounts = &context.accounts;
    let (moved, maint, bump, payment, debt, collateral) = {
        let mut market = accounts.market.load_mut()?;
        let mut vault = accounts.vault.load_mut()?;
        market.require_no_receivership()?;
        let fee = accounts.validate(&market, &vault, debt_asset, collateral_asset)?;
        let most_repaid = fee.arrives_floor(most_repaid)?;
        let offer = Offer { debt_asset, collateral_asset, most_repaid, now };
        let (moved, maint) = plan(&market, &vault, &offer)?;
        let [debt, collateral] = book_pair(&mut market, &mut vault, &offer, &moved)?;
        // What is left without any collateral is a loss, now and once.
        let addresses = [accounts.market.key(), accounts.vault.key()];
        losses::absorb(&mut market, &mut vault, addresses, now)?;
        // Skips the health check: `preview` never worsens the distance to the target (property test).
        (moved, maint, market.authority_bump, fee.payment(debt.tokens)?, debt, collateral)
    };
    accounts.settle(bump, &payment, &debt, &collateral)?;
    emit!(Liquidated {
        market: accounts.market.key(),
        vault: accounts.vault.key(),
        liquidator: accounts.liquidator.key(),
        debt_asset,
        collateral_asset,
        repaid: moved.repay.get(),
        to_reserve: moved.to_reserve.get(),
        seized: collateral.tokens,
        repaid_value: moved.repaid_value.get(),
        seized_value: moved.seized_value.get(),
        bonus: moved.bonus.get(),
        equity_before: maint.equity(),
        requirement_before: maint.requirement().get(),
    });
    Ok(())
}
