//! `deposit`: tokens into a vault. A debt of the same asset is repaid first. Needs no price.

use anchor_lang::prelude::*;
use ballast_risk::{Amount, holding};

use crate::booking::{Booked, book, require_same_market};
use crate::custody::{self, PayIn};
use crate::ensure;
use crate::event::Action;
use crate::guard::in_time;
use crate::state::Scope;

fn apply(accounts: &PayIn, index: u8, amount: u64, deadline_slot: Option<u64>) -> Result<Booked> {
    ensure!(amount > 0, AmountIsZero);
    let now = in_time(deadline_slot)?;
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    market.require_no_receivership()?;
    require_same_market(&vault, accounts.market.to_account_info().key)?;
    // Not anybody: a stranger could fill all positions with dust.
    ensure!(vault.permits(accounts.payer.key, Scope::Deposit, now), NotVaultOwner);
    custody::check(market.asset(index)?, &accounts.custody, &accounts.mint, &accounts.token_program)?;
    book(&mut market, &mut vault, index, now, |pool, holding| holding::deposit(pool, holding, Amount::new(amount)))
}

pub fn deposit(context: Context<PayIn>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
    let accounts = &context.accounts;
    let booked = apply(accounts, asset, amount, deadline_slot)?;
    accounts.transfer().by_user(booked.tokens, booked.decimals)?;
    custody::assert_covers(&accounts.custody, booked.cash)?;
    booked.announce(accounts.market.key(), accounts.vault.key(), Action::Deposit, asset);
    Ok(())
}
