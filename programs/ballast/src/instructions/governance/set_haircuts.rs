//! `set_haircuts`: new haircuts and add-ons of an asset, reached along a ramp from those in force.

use anchor_lang::prelude::*;
use ballast_risk::health::{Level, Side};
use ballast_risk::params::{RiskParameters, check_risk};
use ballast_risk::ramp::Ramp;

use crate::ensure;
use crate::error::OrRefuse;
use crate::event::HaircutsSet;
use crate::instructions::governance::list_asset::levels;
use crate::oracle::unix_seconds;
use crate::state::{Asset, Market};

#[derive(Accounts)]
pub struct SetHaircuts<'info> {
    pub governance: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

impl SetHaircuts<'_> {
    fn validate(&self, market: &Market) -> Result<()> {
        ensure!(market.governance == self.governance.key(), NotGovernance);
        Ok(())
    }
}

impl Asset {
    /// Starts a ramp at the values in force, also when another one is under way.
    fn start_ramp(&mut self, haircuts: [u32; 3], addons: [u32; 3], ramp: Ramp, now: u64) {
        let in_force = |side| Level::ALL.map(|level| self.haircut_before_volatility(level, side, now).get());
        (self.haircuts_before, self.addons_before) = (in_force(Side::Deposit), in_force(Side::Debt));
        (self.haircuts, self.addons) = (haircuts, addons);
        (self.ramp_start, self.ramp_end, self.ramp_reciprocal) = ramp.parts();
    }
}

/// `haircuts`, `addons`: at Init, Target, Maint, in 2^-32; reached after `seconds`.
pub fn set_haircuts(
    context: Context<SetHaircuts>,
    asset: u8,
    haircuts: [u32; 3],
    addons: [u32; 3],
    seconds: u32,
) -> Result<()> {
    let mut market = context.accounts.market.load_mut()?;
    context.accounts.validate(&market)?;
    let now = unix_seconds(&Clock::get()?);
    let record = market.asset_mut(asset)?;
    let (depth, bonus) = (record.depth(), record.bonus());
    check_risk(&RiskParameters { haircuts: levels(haircuts), addons: levels(addons), depth, bonus }).or_refuse()?;
    let ramp = Ramp::new(now, u64::from(seconds)).or_refuse()?;
    record.start_ramp(haircuts, addons, ramp, now);
    let (start, end) = (record.ramp_start, record.ramp_end);
    emit!(HaircutsSet { market: context.accounts.market.key(), asset, haircuts, addons, start, end });
    Ok(())
}
