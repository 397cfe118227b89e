//! Which way a change of an open market goes: at once, or as a proposal, or not again because it waits already.

use ballast_client::diff::ways;
use ballast_client::table::Parameter;
use ballast_client::{Edit, Proposal, Role};
use solana_signer::Signer;

use crate::context::{Context, OnChain};
use crate::failure::Failure;

/// The parts of a change with whether the signer may make each of them at once.
///
/// # Errors
/// A key that cannot be loaded.
pub fn split(context: &Context, market: &OnChain, proposal: &Proposal) -> Result<Vec<(Proposal, bool)>, Failure> {
    let signer = context.signer()?.pubkey();
    let tightens = market.market.is(Role::Governance, &signer) || market.market.is(Role::Guardian, &signer);
    let steward = market.market.is(Role::Steward, &signer);
    let may = |proposal: &Proposal| {
        let ways = ways(&market.market, proposal, market.now);
        (tightens && ways.at_once.is_ok()) || (steward && ways.steward.is_ok())
    };
    if may(proposal) {
        return Ok(vec![(proposal.clone(), true)]);
    }
    let Proposal::Parameters { asset, edits, ramp } = proposal else { return Ok(vec![(proposal.clone(), false)]) };
    let harmless = |edit: &Edit| {
        Parameter::from_code(edit.parameter).is_some_and(|parameter| parameter.row().tightened(edit.from, edit.to))
    };
    let (now, later): (Vec<Edit>, Vec<Edit>) = edits.iter().copied().partition(harmless);
    let part = |edits: Vec<Edit>| Proposal::Parameters { asset: *asset, edits, ramp: *ramp };
    let (now, later) = (part(now), part(later));
    let empty = |proposal: &Proposal| matches!(proposal, Proposal::Parameters { edits, .. } if edits.is_empty());
    if empty(&now) || empty(&later) || !may(&now) {
        return Ok(vec![(proposal.clone(), false)]);
    }
    Ok(vec![(now, true), (later, false)])
}
