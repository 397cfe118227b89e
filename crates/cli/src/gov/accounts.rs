//! Accounts that governance works with: pending changes, drafts, all vaults.

use ballast_client::{Change, Draft, ID, Market, Proposal, Pubkey, Role, account};
use ballast_cluster::connection::Raw;

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
    fn decode(address: Pubkey, raw: &Raw) -> Result<Self, String> {
        let change = account::change(&raw.owner, &raw.data).map_err(|error| error.to_string())?;
        let proposal = change.read().map_err(|_| "the proposal in it cannot be read".to_owned())?.proposal;
        Ok(Self { address, change, proposal })
    }

    /// Why it can never be executed any more, by the program's error and in words; `None` for one that can be, now or later.
    pub fn dead(&self, market: &OnChain) -> Option<(&'static str, &'static str)> {
        if !market.market.is(Role::Governance, &self.change.proposer) {
            return Some(("NotGovernance", "who proposed it is not governance any more"));
        }
        (market.now > self.change.expiry).then_some(("ChangeExpired", "it has expired"))
    }
}

/// A pending change by its address.
///
/// # Errors
/// [`Failure::Usage`] for what is no change of this market.
pub async fn pending(context: &Context, chain: &OnChain, address: Pubkey) -> Result<Pending, Failure> {
    let found = context.connection.account(&address).await?;
    let found = found.ok_or_else(|| Failure::usage(format!("no change is pending at {address}")))?;
    let pending = Pending::decode(address, &found).map_err(|why| Failure::usage(format!("{address}: {why}")))?;
    if pending.change.market != chain.address {
        return Err(Failure::usage(format!("{address} is a change of another market: {}", pending.change.market)));
    }
    Ok(pending)
}

/// All pending changes of a market, the first due first. What nobody can read is named, and left out.
pub async fn all_pending(context: &Context, chain: &OnChain) -> Result<(Vec<Pending>, Vec<String>), Failure> {
    let (mut pending, mut unreadable) = (vec![], vec![]);
    let wanted = (MARKET_OFFSET, chain.address.as_ref());
    for (address, raw) in context.connection.program_accounts(&ID, Change::SPACE, wanted).await?.accounts {
        match Pending::decode(address, &raw) {
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
    // Without a node there is none to look for.
    if context.options.market_account.is_some() {
        return Ok(None);
    }
    draft_of(context, &chain.address, &chain.market, proposal).await
}

/// The same for a market that was read otherwise.
pub async fn draft_of(
    context: &Context,
    address: &Pubkey,
    market: &Market,
    proposal: &Proposal,
) -> Result<Option<(Pubkey, Box<Draft>)>, Failure> {
    let Proposal::Model { model, digest, .. } = proposal else { return Ok(None) };
    if !model.netting && model.scenarios == 0 {
        return Ok(None);
    }
    let wanted = (MARKET_OFFSET, address.as_ref());
    let count = market.listed().len();
    for (at, raw) in context.connection.program_accounts(&ID, Draft::SPACE, wanted).await?.accounts {
        let Ok(draft) = account::draft(&raw.owner, &raw.data) else { continue };
        if draft.market == *address && draft.checked_rows(count, model, digest).is_ok() {
            return Ok(Some((at, draft)));
        }
    }
    Ok(None)
}
