//! Prices that are too old for what is asked are refreshed in the same transaction, or ahead of it where they do not fit, if
//! their accounts can be read.

use ballast_client::explain::availability;
use ballast_client::impact::copied;
use ballast_client::oracle::Verdict;
use ballast_client::risk::health::Prices;
use ballast_client::transaction::{Budget, CompileError, compile};
use ballast_client::{Asset, Market, Pubkey, SourceKind, Vault, instruction};
use clap::ValueEnum;
use solana_instruction::Instruction;
use solana_signer::Signer;
use solana_transaction::Hash;

use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::note;
use crate::price::accounts::{clock, find, verdict};
use crate::price::refresh::AT_ONCE;
use crate::send::{Request, Sent, send};

/// Seconds that a price has to count for, so that it still does when the transaction lands.
const MARGIN: u64 = 30;

/// Whether prices are refreshed first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Refresh {
    /// Those that are too old; none where several people sign
    #[default]
    Auto,
    /// All that the vault's check needs
    Always,
    Never,
}

/// The market as it will be, with the prices that make it so.
pub struct Fresh {
    pub market: Box<Market>,
    /// As `refresh_prices` takes them, what others stand on first.
    prices: Vec<(u8, Pubkey, Option<Pubkey>)>,
}

/// Refreshes what a check of the vault needs together with `more` assets.
///
/// # Errors
/// [`Failure::Rpc`].
pub async fn refreshed(
    context: &Context,
    chain: &OnChain,
    vault: &Vault,
    more: &[u8],
    refresh: Refresh,
) -> Result<Fresh, Failure> {
    let mut fresh = Fresh { market: copied(&chain.market), prices: vec![] };
    if refresh == Refresh::Never || (refresh == Refresh::Auto && context.is_shared()) {
        return Ok(fresh);
    }
    let assets = due(chain, vault, more, refresh);
    if assets.is_empty() {
        return Ok(fresh);
    }
    let clock = clock(&context.connection).await?;
    let mut found = vec![];
    for asset in assets {
        match find(&context.connection, &chain.market, &[asset], &[], &clock).await {
            Ok(accounts) => found.extend(accounts),
            // The price may do as it is; what needs it newer is refused, and says why.
            Err(error) if refresh == Refresh::Auto => {
                note(&format!("The price of {} is not refreshed: {error}", name_of(chain, asset)));
            }
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|sourced| record(chain, sourced.asset).is_some_and(is_derived));
    for sourced in found {
        let (verdict, after) = verdict(&fresh.market, &sourced, &clock)?;
        let accounts = sourced.accounts(&chain.market);
        // What changes nothing is left out, and so is what the program refuses, which would fail everything.
        if let (Verdict::Accepted | Verdict::Withheld(_), Some(accounts)) = (&verdict, accounts) {
            fresh.prices.push(accounts);
            fresh.market = after;
        } else {
            note(&format!("The price of {} is not refreshed: nothing newer is there.", name_of(chain, sourced.asset)));
        }
    }
    Ok(fresh)
}

/// The assets whose prices are to be refreshed.
fn due(chain: &OnChain, vault: &Vault, more: &[u8], refresh: Refresh) -> Vec<u8> {
    let mut assets: Vec<u8> = vault.used().iter().map(|position| position.asset).chain(more.iter().copied()).collect();
    // A price that stands on another needs that one first.
    let records = assets.iter().filter_map(|index| record(chain, *index));
    let derived = records.flat_map(|asset| &asset.sources).filter(|source| source.kind() == SourceKind::StakePool);
    let bases: Vec<u8> = derived.map(|source| source.base).collect();
    assets.extend(bases);
    assets.sort_unstable();
    assets.dedup();
    let then = chain.now.saturating_add(MARGIN);
    let old = |asset: &Asset| !availability(asset, Prices::Conservative, then).counts();
    assets.retain(|index| refresh == Refresh::Always || record(chain, *index).is_some_and(old));
    assets
}

fn record(chain: &OnChain, index: u8) -> Option<&Asset> {
    chain.market.listed().get(usize::from(index))
}

fn name_of(chain: &OnChain, index: u8) -> String {
    record(chain, index).map_or_else(String::new, |asset| name(&asset.name))
}

fn is_derived(asset: &Asset) -> bool {
    asset.sources.iter().any(|source| source.kind() == SourceKind::StakePool)
}

impl Fresh {
    /// Puts the refresh in front of other instructions. Where both do not fit one transaction, the prices are refreshed now, in
    /// transactions of their own.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::Usage`] where nothing is to be sent, and so nothing can go ahead.
    pub async fn before(
        &self,
        context: &Context,
        chain: &OnChain,
        rest: Vec<Instruction>,
    ) -> Result<(Vec<Instruction>, Vec<Sent>), Failure> {
        if self.prices.is_empty() {
            return Ok((rest, vec![]));
        }
        let refresh = instruction::refresh_prices(&chain.address, &self.prices);
        let whole: Vec<Instruction> = std::iter::once(refresh).chain(rest.iter().cloned()).collect();
        // A nonce is good for one transaction: what does not fit is refused with its size.
        if context.options.nonce.is_some() || fits(context, &whole)? {
            return Ok((whole, vec![]));
        }
        let count = self.prices.len();
        if context.options.sign_only || context.options.dry_run {
            return Err(Failure::usage(format!(
                "{count} prices have to be refreshed, which does not fit into the same transaction: run ballast price \
                 refresh --stale first, or name fewer assets"
            )));
        }
        note(&format!("{count} prices are refreshed first, in transactions of their own."));
        let mut sent = vec![];
        for prices in self.prices.chunks(AT_ONCE) {
            let names: Vec<String> = prices.iter().map(|(asset, ..)| name_of(chain, *asset)).collect();
            let preview = vec![format!("Refresh the prices of {}", names.join(", "))];
            let instructions = vec![instruction::refresh_prices(&chain.address, prices)];
            sent.push(send(context, Request { preview, instructions, signers: vec![] }).await?);
        }
        Ok((rest, sent))
    }
}

/// Whether instructions are small enough for one transaction with a budget.
fn fits(context: &Context, instructions: &[Instruction]) -> Result<bool, Failure> {
    let payer = context.fee_payer()?.pubkey();
    let budget = Some(Budget { units: 1, price: 1 });
    let version = context.options.transaction_version.into();
    match compile(version, &payer, instructions, budget, &[], Hash::default()) {
        Ok(_) => Ok(true),
        Err(CompileError::TooLarge { .. } | CompileError::TooManyAccounts(_)) => Ok(false),
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}
