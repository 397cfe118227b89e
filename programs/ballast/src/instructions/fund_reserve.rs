//! `fund_reserve`: a gift to the reserve of an asset, which pays for bad debt before the depositors do. Anybody may call it.

use anchor_lang::prelude::*;
use ballast_risk::Amount;

use crate::custody::{self, PayPool};
use crate::ensure;
use crate::error::OrRefuse;
use crate::event::ReserveFunded;
use crate::guard::in_time;

/// `amount` is what the payer sends at most; what arrives of it is the gift.
pub fn fund_reserve(context: Context<PayPool>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
    ensure!(amount > 0, AmountIsZero);
    let accounts = &context.accounts;
    let (payment, cash, decimals) = {
        let mut market = accounts.market.load_mut()?;
        market.require_no_receivership()?;
        let record = market.asset_mut(asset)?;
        let fee = custody::check(record, &accounts.custody, &accounts.mint, &accounts.token_program)?;
        let payment = fee.payment(fee.arrives_floor(amount)?)?;
        ensure!(payment.arrives > 0, AmountTooSmall);
        let mut pool = record.accrued_pool(in_time(deadline_slot)?);
        pool.keep(Amount::new(payment.arrives)).or_refuse()?;
        record.set_pool(pool)?;
        (payment, record.cash, record.decimals)
    };
    accounts.transfer().by_user(&payment, decimals)?;
    custody::assert_covers(&accounts.custody, cash)?;
    emit!(ReserveFunded { market: accounts.market.key(), asset, by: accounts.payer.key(), amount: payment.arrives });
    Ok(())
}
