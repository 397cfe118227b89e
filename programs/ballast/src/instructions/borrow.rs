//! `borrow`: tokens out of the pool against the vault. A deposit of the same asset is withdrawn first.

use anchor_lang::prelude::*;
use ballast_risk::{Amount, holding};

use crate::booking::{Booked, book};
use crate::custody::PayOut;
use crate::ensure;
use crate::event::Action;
use crate::guard::{Guard, in_time};
use crate::state::Scope;

fn apply(accounts: &PayOut, index: u8, amount: u64, guard: &Guard) -> Result<(Booked, u8)> {
    ensure!(amount > 0, AmountIsZero);
    let now = in_time(guard.deadline_slot)?;
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    accounts.validate(&market, &vault, index)?;
    accounts.authorize(&market, &vault, Scope::Borrow, now)?;
    ensure!(!market.borrow_pause.active(now), Paused);
    let amount = Amount::new(amount);
    let booked = book(&mut market, &mut vault, index, now, |pool, holding| holding::borrow(pool, holding, amount))?;
    market.require_margin(&vault, guard, now)?;
    Ok((booked, market.authority_bump))
}

pub fn borrow(context: Context<PayOut>, asset: u8, amount: u64, guard: Guard) -> Result<()> {
    let accounts = &context.accounts;
    let (booked, bump) = apply(accounts, asset, amount, &guard)?;
    accounts.pay(&booked, bump)?;
    booked.announce(accounts.market.key(), accounts.vault.key(), Action::Borrow, asset);
    Ok(())
}
