//! `end_liquidation`: settles a receivership. What was seized is paid for, the vault is not further from its target than it was
//! and not beyond it, and what is left without any collateral is written off.

use anchor_lang::prelude::*;
use ballast_risk::health::Side;
use ballast_risk::liquidation::Shortfall;
use ballast_risk::receivership::missing;

use crate::ensure;
use crate::error::OrRefuse;
use crate::event::ReceivershipEnded;
use crate::introspection::require_top_level;
use crate::losses;
use crate::oracle::unix_seconds;
use crate::state::{InFlight, Market, SpotHealth, Vault};

#[derive(Accounts)]
pub struct EndLiquidation<'info> {
    /// The receiver.
    pub liquidator: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
}

impl InFlight {
    /// Checks the vault as it was left, and returns its distance to the target.
    fn settle(&self, market: &Market, vault: &Vault, now: u64) -> Result<i64> {
        ensure!(self.repaid >= self.owed, SeizedTooMuch);
        let SpotHealth { target, maint, .. } = market.spot_health(vault, now, &mut None).or_refuse()?;
        let after = missing(&target, self.solvent != 0);
        let ruined = vault.used().iter().all(|position| position.side() == Side::Debt);
        ensure!(after <= self.missing || ruined, VaultWorse);
        // As the limits of a pair see to it: above the least bonus, a step never makes the next one pay better.
        let margin = Shortfall::of(&maint).margin.get();
        ensure!(margin >= self.margin || self.repaid >= self.owed_at_least, VaultWorse);
        // A rest of a debt below the dust value may be closed, as in `liquidate`.
        let beyond = missing(&target, true).min(0).unsigned_abs();
        ensure!(beyond <= market.dust, LiquidatedTooFar);
        Ok(after)
    }
}

pub fn end_liquidation(context: Context<EndLiquidation>) -> Result<()> {
    require_top_level()?;
    let accounts = &context.accounts;
    let (market_address, vault_address) = (accounts.market.key(), accounts.vault.key());
    let mut market = accounts.market.load_mut()?;
    let mut vault = accounts.vault.load_mut()?;
    market.require_under_receivership(&vault_address, accounts.liquidator.key)?;
    let open = market.in_flight;
    let now = unix_seconds(&Clock::get()?);
    let missing_after = open.settle(&market, &vault, now)?;
    market.in_flight = InFlight::NOTHING;
    losses::absorb(&mut market, &mut vault, [market_address, vault_address], now)?;
    emit!(ReceivershipEnded {
        market: market_address,
        vault: vault_address,
        liquidator: accounts.liquidator.key(),
        repaid_value: open.repaid,
        owed_value: open.owed,
        missing_before: open.missing,
        missing_after,
    });
    Ok(())
}
