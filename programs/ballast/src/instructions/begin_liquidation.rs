//! `begin_liquidation`: puts an unhealthy vault under receivership for the length of one transaction, which has to contain the
//! `end_liquidation` that settles it. In between the receiver seizes and repays in as many steps as he likes, and trades in
//! other programs; so he needs no capital.

use anchor_lang::prelude::*;
use anchor_lang::{Discriminator, InstructionData};
use ballast_risk::health::Side;
use ballast_risk::liquidation::Shortfall;
use ballast_risk::receivership::missing;

use crate::booking::require_same_market;
use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::guard::in_time;
use crate::instruction;
use crate::introspection::Closing;
use crate::state::{InFlight, Kind, Market, SpotHealth, Vault};

#[derive(Accounts)]
pub struct BeginLiquidation<'info> {
    /// The receiver.
    pub liquidator: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    pub vault: AccountLoader<'info, Vault>,
    /// CHECK: the instructions sysvar, by its address.
    #[account(address = solana_instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

impl BeginLiquidation<'_> {
    /// The same liquidator ends it for the same vault of the same market; nothing of this program came before but prices.
    fn require_end(&self) -> Result<()> {
        let closing = Closing {
            opening: instruction::BeginLiquidation::DISCRIMINATOR,
            data: &instruction::EndLiquidation {}.data(),
            accounts: &[self.liquidator.key(), self.market.key(), self.vault.key()],
        };
        closing.require(&self.instructions, |kind| {
            if kind == instruction::RefreshPrices::DISCRIMINATOR {
                return Ok(());
            }
            Err(refuse(BallastError::NotFirst))
        })
    }
}

impl Market {
    /// The largest part of a bonus that a debt of the vault keeps for the reserve.
    fn reserve_share(&self, vault: &Vault) -> Result<u32> {
        let mut share = 0;
        for position in vault.used().iter().filter(|position| position.side() == Side::Debt) {
            share = self.asset(position.asset)?.bonus_reserve.max(share);
        }
        Ok(share)
    }
}

pub fn begin_liquidation(context: Context<BeginLiquidation>, deadline_slot: Option<u64>) -> Result<()> {
    let accounts = &context.accounts;
    let now = in_time(deadline_slot)?;
    accounts.require_end()?;
    let mut market = accounts.market.load_mut()?;
    let vault = accounts.vault.load()?;
    market.require_nothing_in_flight()?;
    require_same_market(&vault, accounts.market.to_account_info().key)?;
    let SpotHealth { target, maint, .. } = market.spot_health(&vault, now, &mut None).or_refuse()?;
    ensure!(!maint.passes(), VaultHealthy);
    let solvent = target.equity() > 0;
    let Shortfall { margin, cover } = Shortfall::of(&maint);
    market.in_flight = InFlight {
        kind: Kind::Receivership as u8,
        solvent: u8::from(solvent),
        vault: accounts.vault.key(),
        receiver: accounts.liquidator.key(),
        missing: missing(&target, solvent),
        margin: margin.get(),
        cover: cover.get(),
        reserve_share: market.reserve_share(&vault)?,
        ..InFlight::NOTHING
    };
    // Skips the event: `end_liquidation` tells what became of it.
    Ok(())
}
