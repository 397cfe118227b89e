//! What is wrong with a definition on this cluster, told before anything is sent.

use std::rc::Rc;

use ballast_client::diff::ways;
use ballast_client::error::Class;
use ballast_client::refusal::Refusal;
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{Market, Pubkey, account};
use ballast_cluster::connection::Raw;
use ballast_cluster::definition::steps::{Step, steps};
use ballast_cluster::definition::{Definition, Listed};
use solana_signer::Signer;

use crate::context::{Context, OnChain};
use crate::failure::Failure;

/// A market, if there is one at an address.
///
/// # Errors
/// [`Failure::Usage`] for another account.
pub async fn find(context: &Context, address: Pubkey) -> Result<Option<OnChain>, Failure> {
    match context.connection.account(&address).await? {
        Some(_) => context.market_at(address).await.map(Some),
        None => Ok(None),
    }
}

/// The next steps of a definition.
///
/// # Errors
/// [`Failure::Usage`] where market and definition cannot be brought together.
pub fn next(definition: &Definition, market: Option<&OnChain>) -> Result<Vec<Step>, Failure> {
    steps(definition, market.map(|market| &*market.market)).map_err(|wrong| Failure::Usage(wrong.to_string()))
}

/// Whether a definition can be applied: who creates the market and where, the mints, the first changes.
///
/// # Errors
/// [`Failure`] names the first thing that is wrong.
pub async fn checked(
    context: &Context,
    definition: &Definition,
    address: Option<Pubkey>,
    key: Option<&Rc<dyn Signer>>,
) -> Result<(), Failure> {
    let market = match address {
        Some(address) => find(context, address).await?,
        None => None,
    };
    let steps = next(definition, market.as_ref())?;
    let Some(market) = market else {
        creator(context, definition, key)?;
        return mints(context, definition.assets.iter()).await;
    };
    let unlisted = steps.iter().filter_map(|step| match step {
        Step::List(at) => definition.assets.get(*at),
        _ => None,
    });
    mints(context, unlisted).await?;
    if market.market.in_setup() { changes(definition, &market, &steps) } else { Ok(()) }
}

/// The key of a market that is to be created, and that the one who creates it is to govern it.
///
/// # Errors
/// [`Failure::Usage`].
pub fn creator<'a>(
    context: &Context,
    definition: &Definition,
    key: Option<&'a Rc<dyn Signer>>,
) -> Result<&'a Rc<dyn Signer>, Failure> {
    let Some(key) = key else {
        let message = "the market does not exist: say where with --market, or create it with --market-keypair FILE";
        return Err(Failure::usage(message));
    };
    if let Some(address) = definition.address.filter(|address| *address != key.pubkey()) {
        let message = format!(
            "the definition is of the market at {address}, --market-keypair is the key of {}: take its address out of \
             the file to create another market like it",
            key.pubkey()
        );
        return Err(Failure::Usage(message));
    }
    let signer = context.signer()?.pubkey();
    if let Some(governance) = definition.roles[0].filter(|governance| *governance != signer) {
        let message = format!("the definition gives governance to {governance}: create the market with that key");
        return Err(Failure::Usage(message));
    }
    Ok(key)
}

/// Looks at the mints of assets.
async fn mints<'a>(context: &Context, listed: impl Iterator<Item = &'a Listed>) -> Result<(), Failure> {
    let listed: Vec<&Listed> = listed.collect();
    let addresses: Vec<Pubkey> = listed.iter().map(|listed| listed.mint).collect();
    let found = context.connection.accounts(&addresses).await?.accounts;
    listed.into_iter().zip(found).try_for_each(|(listed, raw)| mint(listed, raw.as_ref()))
}

/// Whether a mint is as the definition says.
fn mint(listed: &Listed, raw: Option<&Raw>) -> Result<(), Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: mint {} {why}", listed.name, listed.mint));
    let raw = raw.ok_or_else(|| wrong("does not exist".to_owned()))?;
    let mint = account::mint(&raw.owner, &raw.data).map_err(|error| wrong(format!("is {error}")))?;
    if mint.decimals != listed.decimals {
        return Err(wrong(format!("has {} decimals, not {}", mint.decimals, listed.decimals)));
    }
    if mint.program != program(listed) {
        return Err(wrong(format!("belongs to token program {}", mint.program)));
    }
    Ok(())
}

/// The token program that a definition says.
pub const fn program(listed: &Listed) -> Pubkey {
    if listed.token_2022 { TOKEN_2022 } else { SPL_TOKEN }
}

/// The changes of a market that is being set up.
///
/// # Errors
/// [`Failure::Refused`].
pub fn changes(definition: &Definition, market: &OnChain, steps: &[Step]) -> Result<(), Failure> {
    let chain: &Market = &market.market;
    for step in steps {
        let Step::Change(proposal) = step else { continue };
        let refused = ways(chain, proposal, market.now).set_up.and_then(Result::err);
        // A later step may need an earlier one; only what is wrong by itself is told here.
        if let Some(refusal) = refused.filter(|refusal| refusal.class() == Class::Input && !not_yet(refusal)) {
            return Err(Failure::from(refusal).about(&step.describe(definition, Some(chain))));
        }
    }
    Ok(())
}

/// Whether what is refused only waits for another step.
pub fn not_yet(refusal: &Refusal) -> bool {
    refusal.name == "AssetNotReady"
}
