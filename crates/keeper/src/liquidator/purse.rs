//! What the liquidator has to pay with, as the cluster says.

use ballast_client::account;
use ballast_client::{Asset, Fee, Market, Pubkey, token};

use crate::endpoints::{Endpoints, Unready};
use crate::strategy::{Kind, Plan, Purse, Token};

/// Reads the token accounts and, where transfers can cost something, the mints.
///
/// # Errors
/// [`Unready`].
pub async fn read(endpoints: &Endpoints, market: &Market, owner: &Pubkey, epoch: u64) -> Result<Purse, Unready> {
    let address = |asset: &Asset| token::address(owner, &asset.mint, &asset.token_program());
    let accounts: Vec<Pubkey> = market.listed().iter().map(address).collect();
    let mints: Vec<Pubkey> = market.listed().iter().map(|asset| asset.mint).collect();
    let found = endpoints.accounts(&[accounts, mints].concat()).await?.accounts;
    let mut purse = Purse::default();
    let (accounts, mints) = found.split_at(market.listed().len().min(found.len()));
    for ((index, record), (held, mint)) in (0u8..).zip(market.listed()).zip(accounts.iter().zip(mints)) {
        let program = record.token_program();
        let fee = mint.as_ref().filter(|mint| mint.owner == program);
        let fee = fee.and_then(|mint| Fee::of(&mint.data, epoch).ok());
        let held = held.as_ref().and_then(|held| account::token(&held.owner, &held.data).ok());
        // An account that is not ours, or that nothing can leave, is as good as none.
        let ours = held.filter(|held| held.owner == *owner && held.mint == record.mint && held.program == program);
        let amount = ours.filter(|held| !held.frozen).map_or(0, |held| held.amount);
        purse.set(index, Token { amount, exists: ours.is_some(), fee });
    }
    Ok(purse)
}

/// What a plan may take of an asset: as an offer has it, a little more than what is needed now.
const fn most(paid: u64) -> u64 {
    paid.saturating_add(paid / 1_000).saturating_add(1)
}

/// What a plan may take out of the purse is not there for the next one.
pub fn reserve(purse: &mut Purse, market: &Market, plan: &Plan) {
    // A vault that takes over pays with no tokens.
    for flow in plan.flows.iter().filter(|flow| flow.paid > 0 && plan.kind != Kind::Into) {
        let Some(record) = market.listed().get(usize::from(flow.asset)) else { continue };
        let held = purse.token(flow.asset, record);
        purse.set(flow.asset, Token { amount: held.amount.saturating_sub(most(flow.paid)), ..held });
    }
}
