//! `confirm_risk_model`: governance or the steward has looked at the model and stands by it for another period of validity.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::RiskModelConfirmed;
use crate::instructions::governance::accept_role::Governing;
use crate::instructions::governance::propose_change::refuse_nonce;
use crate::oracle::unix_seconds;
use crate::state::Role;

pub fn confirm_risk_model(context: Context<Governing>) -> Result<()> {
    let mut market = context.accounts.market.load_mut()?;
    market.require_no_receivership()?;
    let signer = context.accounts.signer.key;
    ensure!(market.is(Role::Governance, signer) || market.is(Role::Steward, signer), NotGovernance);
    refuse_nonce(&market, &context.accounts.instructions)?;
    ensure!(market.model().current.netting, NettingIsOff);
    let grace = market.fallback_until.saturating_sub(market.valid_until);
    market.confirm_model(unix_seconds(&Clock::get()?), grace)?;
    emit!(RiskModelConfirmed { market: context.accounts.market.key(), valid_until: market.valid_until });
    Ok(())
}
