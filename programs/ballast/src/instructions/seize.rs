//! `seize`: the receiver takes collateral out of a vault. What it costs is settled by `end_liquidation`.

use anchor_lang::prelude::*;
use ballast_risk::health::Side;
use ballast_risk::receivership::{cost_ceil, liquidators_part_floor};
use ballast_risk::{Amount, Fraction, Usd, holding};

use crate::booking::Booked;
use crate::custody::PayOut;
use crate::ensure;
use crate::error::OrRefuse;
use crate::event::Action;
use crate::oracle::unix_seconds;
use crate::state::{Asset, InFlight, Kind, Market};

fn apply(accounts: &PayOut, index: u8, amount: u64) -> Result<(Booked, u8)> {
    ensure!(amount > 0, AmountIsZero);
    let now = unix_seconds(&Clock::get()?);
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    accounts.validate(&market, &vault, index)?;
    market.require_under_receivership(accounts.vault.to_account_info().key, accounts.signer.key)?;
    let held = vault.holding(index);
    ensure!(held.side == Side::Deposit && !held.shares.is_zero(), NoDeposit);
    let [cost, cost_at_least] = market.asset(index)?.seizure_costs(&market.in_flight, Amount::new(amount), now)?;
    let booked = market.move_one(&mut vault, index, now, |pool, holding| {
        holding::withdraw(pool, holding, Some(Amount::new(amount)))
    })?;
    let open = &mut market.in_flight;
    open.owed = open.owed.saturating_add(cost.get());
    open.owed_at_least = open.owed_at_least.saturating_add(cost_at_least.get());
    // Skips the health check: `end_liquidation` makes it.
    Ok((booked, market.authority_bump))
}

/// `amount` in native units.
pub fn seize(context: Context<PayOut>, asset: u8, amount: u64) -> Result<()> {
    let accounts = &context.accounts;
    let (booked, bump) = apply(accounts, asset, amount)?;
    accounts.pay(&booked, bump)?;
    booked.announce(accounts.market.key(), accounts.vault.key(), Action::Seize, asset);
    Ok(())
}

impl Asset {
    /// The value that has to be repaid for a seizure, less the reserve's part of the bonus: at the bonus of this asset, and at
    /// its least.
    fn seizure_costs(&self, open: &InFlight, amount: Amount, now: u64) -> Result<[Usd; 2]> {
        let (price, bonus) = (self.usable_spot(now)?, self.bonus());
        let cost = |bonus| {
            let bonus = liquidators_part_floor(bonus, Fraction::new(open.reserve_share));
            cost_ceil(price, amount, bonus).or_refuse()
        };
        Ok([cost(bonus.at(&open.shortfall()))?, cost(bonus.least)?])
    }
}

impl Market {
    /// # Errors
    /// `NoReceivership`, `NotReceiver`.
    pub fn require_under_receivership(&self, vault: &Pubkey, receiver: &Pubkey) -> Result<()> {
        let open = &self.in_flight;
        ensure!(open.is(Kind::Receivership) && open.vault == *vault, NoReceivership);
        ensure!(open.receiver == *receiver, NotReceiver);
        Ok(())
    }

    /// Counts what was repaid of a debt, if its vault is under receivership; no other may be repaid meanwhile.
    ///
    /// # Errors
    /// `ReceivershipOpen`, `PriceUnusable`, `ValueOutOfRange`.
    #[inline(always)]
    pub fn count_repayment(&mut self, vault: &Pubkey, index: u8, tokens: u64, now: u64) -> Result<()> {
        if self.in_flight.is(Kind::Receivership) { self.add_repayment(vault, index, tokens, now) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn add_repayment(&mut self, vault: &Pubkey, index: u8, tokens: u64, now: u64) -> Result<()> {
        ensure!(self.in_flight.vault == *vault, ReceivershipOpen);
        let value = self.asset(index)?.usable_spot(now)?.value_floor(Amount::new(tokens)).or_refuse()?;
        self.in_flight.repaid = self.in_flight.repaid.saturating_add(value.get());
        Ok(())
    }
}
