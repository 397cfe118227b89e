//! `withdraw`: tokens out of a vault. Needs prices only while the vault owes something.

use anchor_lang::prelude::*;
use ballast_risk::health::Side;
use ballast_risk::{Amount, holding};

use crate::booking::{Booked, book, require_same_market};
use crate::custody::{self, PayOut};
use crate::ensure;
use crate::event::Action;
use crate::guard::{Guard, in_time};
use crate::state::{Market, Scope, Vault};

fn apply(accounts: &PayOut, index: u8, amount: Option<u64>, guard: &Guard) -> Result<(Booked, u8)> {
    ensure!(amount != Some(0), AmountIsZero);
    let now = in_time(guard.deadline_slot)?;
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    accounts.validate(&market, &vault, index)?;
    accounts.authorize(&market, &vault, Scope::Withdraw, now)?;
    let held = vault.holding(index);
    ensure!(held.side == Side::Deposit && !held.shares.is_zero(), NoDeposit);
    ensure!(!market.withdraw_pause.active(now) || !vault.has_debt(), Paused);
    let amount = amount.map(Amount::new);
    let booked = book(&mut market, &mut vault, index, now, |pool, holding| holding::withdraw(pool, holding, amount))?;
    market.require_margin(&vault, guard, now)?;
    Ok((booked, market.authority_bump))
}

/// `amount` in native units, or everything when it is left out. A transfer fee is withheld from it.
pub fn withdraw(context: Context<PayOut>, asset: u8, amount: Option<u64>, guard: Guard) -> Result<()> {
    let accounts = &context.accounts;
    let (booked, bump) = apply(accounts, asset, amount, &guard)?;
    accounts.pay(&booked, bump)?;
    booked.announce(accounts.market.key(), accounts.vault.key(), Action::Withdraw, asset);
    Ok(())
}

impl PayOut<'_> {
    /// Sends what was booked and checks custody.
    pub fn pay(&self, booked: &Booked, bump: u8) -> Result<()> {
        self.transfer().by_market(self.market.to_account_info().key, bump, booked.tokens, booked.decimals)?;
        custody::assert_covers(&self.custody, booked.cash)
    }

    /// The vault is of this market; the accounts are those of the asset.
    pub fn validate(&self, market: &Market, vault: &Vault, index: u8) -> Result<()> {
        require_same_market(vault, self.market.to_account_info().key)?;
        ensure!(market.authority == *self.authority.key, WrongAuthority);
        custody::check(market.asset(index)?, &self.custody, &self.mint, &self.token_program)?;
        Ok(())
    }

    /// The signer is the owner of the vault, or a delegate who pays the owner.
    pub fn authorize(&self, market: &Market, vault: &Vault, scope: Scope, now: u64) -> Result<()> {
        market.require_no_receivership()?;
        ensure!(vault.permits(self.signer.key, scope, now), NotVaultOwner);
        let owners = vault.owner == *self.signer.key || custody::owner(&self.destination)? == vault.owner;
        ensure!(owners, DestinationNotOwners);
        Ok(())
    }
}
