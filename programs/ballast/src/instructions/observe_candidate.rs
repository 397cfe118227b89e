//! `observe_candidate`: compares a source that is to take over with the present price. Anybody may call it.

use anchor_lang::prelude::*;

use crate::ensure;
use crate::event::CandidateObserved;
use crate::oracle::{Comparison, observe, unix_seconds};
use crate::state::Market;

#[derive(Accounts)]
pub struct ObserveCandidate<'info> {
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: read as the kind of the candidate demands, see `crate::oracle`.
    pub oracle: UncheckedAccount<'info>,
}

/// Succeeds also when the two differ: the candidate then begins anew.
pub fn observe_candidate(context: Context<ObserveCandidate>, asset: u8) -> Result<()> {
    let clock = Clock::get()?;
    let mut market = context.accounts.market.load_mut()?;
    market.require_no_receivership()?;
    let patience = market.delay;
    let record = market.asset(asset)?;
    ensure!(!record.candidate.is_none(), NoCandidate);
    let seen = observe(&market, record, &record.candidate, &context.accounts.oracle, &clock)?;
    let Comparison { checks, took_over } =
        market.asset_mut(asset)?.compare_candidate(&seen, unix_seconds(&clock), patience)?;
    emit!(CandidateObserved { market: context.accounts.market.key(), asset, checks, took_over });
    Ok(())
}
