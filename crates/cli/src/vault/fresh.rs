//! Prices that are too old for what is asked are refreshed in the same transaction, where their accounts can be read.

use ballast_client::explain::availability;
use ballast_client::impact::copied;
use ballast_client::oracle::Verdict;
use ballast_client::risk::health::Prices;
use ballast_client::{Market, SourceKind, Vault, instruction};
use clap::ValueEnum;
use solana_instruction::Instruction;

use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::note;
use crate::price::accounts::{clock, find, verdict};

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

/// The market as it will be, with the instruction that makes it so.
pub struct Fresh {
    pub market: Box<Market>,
    pub instruction: Option<Instruction>,
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
    let mut market = copied(&chain.market);
    let fixed = context.options.blockhash.is_some() || context.options.market_account.is_some();
    if refresh == Refresh::Never || (refresh == Refresh::Auto && fixed) {
        return Ok(Fresh { market, instruction: None });
    }
    let mut assets: Vec<u8> = vault.used().iter().map(|position| position.asset).chain(more.iter().copied()).collect();
    // A price that stands on another needs that one first.
    let record = |index: &u8| chain.market.listed().get(usize::from(*index));
    let bases: Vec<u8> = assets
        .iter()
        .filter_map(record)
        .flat_map(|asset| &asset.sources)
        .filter(|source| source.kind() == SourceKind::StakePool)
        .map(|source| source.base)
        .collect();
    assets.extend(bases);
    assets.sort_unstable();
    assets.dedup();
    let due = chain.now.saturating_add(MARGIN);
    let old = |index: &u8| record(index).is_some_and(|asset| !availability(asset, Prices::Conservative, due).counts());
    assets.retain(|index| refresh == Refresh::Always || old(index));
    if assets.is_empty() {
        return Ok(Fresh { market, instruction: None });
    }
    let clock = clock(&context.connection).await?;
    let mut found = find(&context.connection, &chain.market, &assets, &[]).await?;
    let derived = |index: &u8| {
        record(index).is_some_and(|asset| asset.sources.iter().any(|source| source.kind() == SourceKind::StakePool))
    };
    found.sort_by_key(|sourced| derived(&sourced.asset));
    let mut prices = Vec::new();
    for sourced in found {
        let (verdict, after) = verdict(&market, &sourced, &clock)?;
        let accounts = sourced.accounts(&chain.market);
        // What changes nothing is left out, and so is what the program refuses, which would fail everything.
        if let (Verdict::Accepted | Verdict::Withheld(_), Some(accounts)) = (&verdict, accounts) {
            prices.push(accounts);
            market = after;
        } else if let Some(asset) = record(&sourced.asset) {
            note(&format!("The price of {} is not refreshed: nothing newer is there.", name(&asset.name)));
        }
    }
    let instruction = (!prices.is_empty()).then(|| instruction::refresh_prices(&chain.address, &prices));
    Ok(Fresh { market, instruction })
}
