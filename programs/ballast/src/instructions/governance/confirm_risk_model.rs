//! `confirm_risk_model`: governance has looked at the model and stands by it for another period of validity.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::RiskModelConfirmed;
use crate::oracle::unix_seconds;
use crate::state::Market;

#[derive(Accounts)]
pub struct ConfirmRiskModel<'info> {
    pub governance: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

impl ConfirmRiskModel<'_> {
    fn validate(&self, market: &Market) -> Result<()> {
        ensure!(market.governance == self.governance.key(), NotGovernance);
        ensure!(market.netting != 0, NettingIsOff);
        Ok(())
    }
}

pub fn confirm_risk_model(context: Context<ConfirmRiskModel>) -> Result<()> {
    let mut market = context.accounts.market.load_mut()?;
    context.accounts.validate(&market)?;
    let grace = market.fallback_until.saturating_sub(market.valid_until);
    market.confirm_model(unix_seconds(&Clock::get()?), grace)?;
    emit!(RiskModelConfirmed { market: context.accounts.market.key(), valid_until: market.valid_until });
    Ok(())
}
