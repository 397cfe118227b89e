//! Accounts that governance works with: pending changes, drafts, all vaults.

use ballast_client::{Change, Draft, ID, Proposal, Pubkey, account};

use crate::context::{Context, OnChain};
use crate::failure::Failure;

/// Where the market stands in the bytes of changes and drafts.
const MARKET_OFFSET: usize = 16;

/// A pending change with what it says.
pub struct Pending {
    pub address: Pubkey,
    pub change: Box<Change>,
    pub proposal: Proposal,
}

impl Pending {
    fn decode(address: Pubkey, data: &[u8]) -> Result<Self, String> {
        let change = account::change(data).map_err(|error| error.to_string())?;
        let proposal = change.read().map_err(|_| "the proposal in it cannot be read".to_owned())?.proposal;
        Ok(Self { address, change, proposal })
    }
}

/// A pending change by its address.
///
/// # Errors
/// [`Failure::Usage`] for what is no change of this market.
pub async fn pending(context: &Context, chain: &OnChain, address: Pubkey) -> Result<Pending, Failure> {
    let found = context.connection.client().get_multiple_accounts(&[address]).await;
    let found = found.map_err(|error| Failure::Rpc(error.into()))?.pop().flatten();
    let found = found.ok_or_else(|| Failure::usage(format!("no change is pending at {address}")))?;
    if found.owner != ID {
        return Err(Failure::usage(format!("{address} does not belong to the program")));
    }
    let pending = Pending::decode(address, &found.data)
        .map_err(|why| Failure::usage(format!("{address} is no pending change: {why}")))?;
    if pending.change.market != chain.address {
        return Err(Failure::usage(format!("{address} is a change of another market: {}", pending.change.market)));
    }
    Ok(pending)
}

/// All pending changes of a market, the first due first. What nobody can read is named, and left out.
pub async fn all_pending(context: &Context, chain: &OnChain) -> Result<(Vec<Pending>, Vec<String>), Failure> {
    let (mut pending, mut unreadable) = (vec![], vec![]);
    let wanted = (MARKET_OFFSET, chain.address.as_ref());
    for (address, data) in context.connection.program_accounts(&ID, Change::SPACE, wanted).await? {
        match Pending::decode(address, &data) {
            Ok(found) if found.change.market == chain.address => pending.push(found),
            Ok(_) => {}
            Err(why) => unreadable.push(format!("{address}: {why}")),
        }
    }
    pending.sort_by_key(|found| (found.change.eta, found.address.to_bytes()));
    Ok((pending, unreadable))
}

/// The draft that has the rows of a model, if one is needed and found.
pub async fn draft_for(
    context: &Context,
    chain: &OnChain,
    proposal: &Proposal,
) -> Result<Option<(Pubkey, Box<Draft>)>, Failure> {
    let Proposal::Model { model, digest, .. } = proposal else { return Ok(None) };
    if !model.netting && model.scenarios == 0 {
        return Ok(None);
    }
    let wanted = (MARKET_OFFSET, chain.address.as_ref());
    let count = chain.market.listed().len();
    for (address, data) in context.connection.program_accounts(&ID, Draft::SPACE, wanted).await? {
        let Ok(draft) = account::draft(&data) else { continue };
        if draft.market == chain.address && draft.checked_rows(count, model, digest).is_ok() {
            return Ok(Some((address, draft)));
        }
    }
    Ok(None)
}
