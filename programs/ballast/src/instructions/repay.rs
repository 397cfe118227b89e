//! `repay`: pays back a debt of a vault, at most all of it. Anybody may pay. Needs no price.

use anchor_lang::prelude::*;
use ballast_risk::health::Side;
use ballast_risk::{Amount, holding};

use crate::booking::{Booked, book, require_same_market};
use crate::custody::{self, PayIn};
use crate::ensure;
use crate::event::Action;
use crate::guard::in_time;
use crate::mints::Payment;

fn apply(accounts: &PayIn, index: u8, most: u64, deadline_slot: Option<u64>) -> Result<(Booked, Payment)> {
    ensure!(most > 0, AmountIsZero);
    let now = in_time(deadline_slot)?;
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    require_same_market(&vault, accounts.market.to_account_info().key)?;
    let fee = custody::check(market.asset(index)?, &accounts.custody, &accounts.mint, &accounts.token_program)?;
    ensure!(vault.holding(index).side == Side::Debt, NoDebt);
    let amount = Amount::new(fee.arrives_floor(most)?);
    let booked = book(&mut market, &mut vault, index, now, |pool, holding| holding::repay(pool, holding, amount))?;
    market.count_repayment(accounts.vault.to_account_info().key, index, booked.tokens, now)?;
    let payment = fee.payment(booked.tokens)?;
    Ok((booked, payment))
}

/// `amount` is what the payer sends at most; what arrives of it is booked.
pub fn repay(context: Context<PayIn>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
    let accounts = &context.accounts;
    let (booked, payment) = apply(accounts, asset, amount, deadline_slot)?;
    accounts.transfer().by_user(&payment, booked.decimals)?;
    custody::assert_covers(&accounts.custody, booked.cash)?;
    booked.announce(accounts.market.key(), accounts.vault.key(), Action::Repay, asset);
    Ok(())
}
