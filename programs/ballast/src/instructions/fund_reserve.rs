//! `fund_reserve`: a gift to the reserve of an asset, which pays for bad debt before the depositors do. Anybody may call it.

use anchor_lang::prelude::*;
use ballast_risk::Amount;

use crate::custody::{self, Transfer};
use crate::ensure;
use crate::error::OrRefuse;
use crate::event::ReserveFunded;
use crate::oracle::unix_seconds;
use crate::state::Market;

#[derive(Accounts)]
pub struct FundReserve<'info> {
    /// Owner of the tokens.
    pub payer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the token program checks its mint and the payer's authority over it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset.
    #[account(mut)]
    pub custody: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset.
    pub mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset.
    pub token_program: UncheckedAccount<'info>,
}

/// `amount` is what the payer sends at most; what arrives of it is the gift.
pub fn fund_reserve(context: Context<FundReserve>, asset: u8, amount: u64) -> Result<()> {
    ensure!(amount > 0, AmountIsZero);
    let accounts = &context.accounts;
    let (payment, cash, decimals) = {
        let mut market = accounts.market.load_mut()?;
        let record = market.asset_mut(asset)?;
        let fee = custody::check(record, &accounts.custody, &accounts.mint, &accounts.token_program)?;
        let payment = fee.payment(fee.arrives_floor(amount)?)?;
        ensure!(payment.arrives > 0, AmountTooSmall);
        let mut pool = record.accrued_pool(unix_seconds(&Clock::get()?));
        pool.cash = pool.cash.plus(Amount::new(payment.arrives)).or_refuse()?;
        record.set_pool(pool)?;
        (payment, record.cash, record.decimals)
    };
    let transfer = Transfer {
        from: &accounts.source,
        to: &accounts.custody,
        authority: &accounts.payer,
        mint: &accounts.mint,
        token_program: &accounts.token_program,
    };
    transfer.by_user(&payment, decimals)?;
    custody::assert_covers(&accounts.custody, cash)?;
    emit!(ReserveFunded { market: accounts.market.key(), asset, by: accounts.payer.key(), amount: payment.arrives });
    Ok(())
}
