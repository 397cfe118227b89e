//! `open_market`: ends the set-up of a market. From now on people can have vaults in it, and changes wait.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::MarketOpened;
use crate::instructions::governance::accept_role::Governing;
use crate::instructions::governance::propose_change::refuse_nonce;
use crate::oracle::unix_seconds;
use crate::state::Role;

pub fn open_market(context: Context<Governing>) -> Result<()> {
    let mut market = context.accounts.market.load_mut()?;
    ensure!(market.is(Role::Governance, context.accounts.signer.key), NotGovernance);
    ensure!(market.in_setup(), MarketOpen);
    refuse_nonce(&market, &context.accounts.instructions)?;
    market.opened_at = unix_seconds(&Clock::get()?).max(1);
    emit!(MarketOpened { market: context.accounts.market.key(), opened_at: market.opened_at });
    Ok(())
}
