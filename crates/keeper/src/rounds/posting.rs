//! Posting: which prices of an update are worth it, and the transactions that bring them on chain.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use ballast_client::account::Clock;
use ballast_client::local::{Published, RECEIVER, RECEIVER_CORE, Verification, price_update};
use ballast_client::oracle::{Oracle, Verdict, refreshed};
use ballast_client::transaction::{CompileError, Version, compile};
use ballast_client::{Market, Pubkey, SourceKind, instruction};
use ballast_cluster::sending::SIMULATED;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::hand::{Ended, Hand};
use crate::desk::{Also, Task};
use crate::endpoints::Endpoints;
use crate::journal::Key;
use crate::prices::Shelf;
use crate::prices::hermes::post::{Posting, Programs};
use crate::prices::hermes::update::{Accumulated, Proven};

/// A price to be posted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub asset: u8,
    pub receiver: Pubkey,
    pub proven: Proven,
    /// The account of the asset's second source.
    pub second: Option<Pubkey>,
}

/// What became of a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub assets: Vec<u8>,
    pub ended: Ended,
}

/// The assets whose first source is a feed: index, receiver program, feed.
pub fn pulled(market: &Market) -> impl Iterator<Item = (u8, Pubkey, [u8; 32])> {
    (0u8..).zip(market.listed()).filter_map(|(index, asset)| {
        let [source, _] = asset.sources;
        let receiver = match source.kind() {
            SourceKind::PythPull => RECEIVER,
            SourceKind::PythPullCore => RECEIVER_CORE,
            _ => return None,
        };
        Some((index, receiver, source.key.to_bytes()))
    })
}

/// The prices of an update that are worth posting: newer than a stored one that nobody has refreshed. All of one receiver.
pub fn wanted(
    market: &Market,
    update: &Accumulated,
    now: u64,
    oldest: u64,
    second: impl Fn(u8) -> Option<Pubkey>,
) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for (asset, receiver, feed) in pulled(market) {
        let Some(record) = market.listed().get(usize::from(asset)) else { continue };
        let Some(proven) = update.prices.iter().find(|proven| proven.price.feed == feed) else { continue };
        let newer = u64::try_from(proven.price.publish_time).is_ok_and(|published| published > record.publish_time);
        let old = now.saturating_sub(record.publish_time) > oldest.min(u64::from(record.max_age / 2));
        let same = wanted.first().is_none_or(|first| first.receiver == receiver);
        if newer && old && same {
            wanted.push(Wanted { asset, receiver, proven: proven.clone(), second: second(asset) });
        }
    }
    wanted
}

/// Whether the program would take a price once it is posted, asked of its own function.
///
/// # Errors
/// Why not.
pub fn rehearse(market: &Market, wanted: &Wanted, shelf: &Shelf, now: &Clock) -> Result<(), String> {
    let price = &wanted.proven.price;
    let published = Published {
        price: price.price,
        confidence: price.confidence,
        exponent: price.exponent,
        publish_time: price.publish_time,
    };
    let data = price_update(&price.feed, &published, Verification::Full, now.slot);
    let posted = Oracle { address: Pubkey::default(), owner: wanted.receiver, data };
    let oracles = [Some(&posted), shelf.oracle(wanted.second)];
    match refreshed(market, wanted.asset, oracles, now) {
        // Nobody has read the second account yet: the nodes will say.
        Ok((Verdict::Accepted | Verdict::Missing { .. }, _)) => Ok(()),
        Ok((Verdict::Withheld(doubt), _)) => Err(format!("it would not count: {doubt:?}")),
        Ok((Verdict::Unchanged, _)) => Err("it is the stored one".to_owned()),
        Ok((Verdict::Refused(refusal), _)) | Err(refusal) => Err(refusal.to_string()),
    }
}

/// Posts what fits one transaction. When that is refused although each price was rehearsed, each is tried alone: one of them
/// must not keep the others back. Returns what became of which assets.
pub async fn post(
    hand: &Hand,
    endpoints: &Endpoints,
    market: &Pubkey,
    update: &Accumulated,
    wanted: &[Wanted],
) -> Result<Vec<Posted>> {
    let together = post_together(hand, endpoints, market, update, wanted).await?;
    let count = together.assets.len();
    if !together.ended.hopeless || count < 2 {
        return Ok(vec![together]);
    }
    let mut all = Vec::with_capacity(count);
    for one in wanted.iter().take(count) {
        all.push(post_together(hand, endpoints, market, update, std::slice::from_ref(one)).await?);
    }
    Ok(all)
}

/// Posts as many of the prices as fit one transaction.
async fn post_together(
    hand: &Hand,
    endpoints: &Endpoints,
    market: &Pubkey,
    update: &Accumulated,
    wanted: &[Wanted],
) -> Result<Posted> {
    let receiver = wanted.first().context("nothing to post")?.receiver;
    let config = endpoints.accounts(&[Programs::config(&receiver)]).await?.accounts.into_iter().next().flatten();
    let config = config.with_context(|| format!("the receiver program {receiver} has no configuration here"))?;
    let programs = Programs::of(&receiver, &config.owner, &config.data);
    let programs = programs.context("the configuration of the receiver program cannot be read")?;
    let keys: Vec<Arc<Keypair>> = (0..=wanted.len()).map(|_| Arc::new(Keypair::new())).collect();
    let (root, accounts) = keys.split_first().context("no key")?;
    let addresses: Vec<Pubkey> = accounts.iter().map(|key| key.pubkey()).collect();
    let payer = hand.desk().address();
    // The first byte of a random key is random.
    let treasury = root.pubkey().to_bytes().first().copied().unwrap_or_default();
    let posting = Posting { programs, payer, update, root: root.pubkey(), treasury };
    let Some((instructions, count)) = fitting(&posting, market, wanted, &addresses)? else {
        bail!("not even one price fits a transaction");
    };
    let task = Task { key: Key::Refresh(*market), what: format!("{count} posted prices"), instructions, judge: None };
    let signers = keys.iter().take(count.saturating_add(1)).map(Arc::clone).collect();
    let ended = hand.carry_out_with(task, &Also { signers, version: Some(Version::V1) }).await;
    Ok(Posted { assets: wanted.iter().take(count).map(|wanted| wanted.asset).collect(), ended })
}

/// The instructions for as many prices as fit, and how many that are.
///
/// # Errors
/// An update that does not say who signed it.
pub fn fitting(
    posting: &Posting<'_>,
    market: &Pubkey,
    wanted: &[Wanted],
    accounts: &[Pubkey],
) -> Result<Option<(Vec<Instruction>, usize)>> {
    for count in (1..=wanted.len().min(accounts.len())).rev() {
        let chosen: Vec<(&Wanted, &Pubkey)> = wanted.iter().zip(accounts).take(count).collect();
        let mut all = posting.begin().context("the update does not say who signed it")?;
        all.extend(chosen.iter().map(|(wanted, account)| posting.post(&wanted.proven, account)));
        let prices: Vec<_> = chosen.iter().map(|(wanted, account)| (wanted.asset, **account, wanted.second)).collect();
        all.push(instruction::refresh_prices(market, &prices));
        let posted: Vec<Pubkey> = chosen.iter().map(|(_, account)| **account).collect();
        all.extend(posting.end(&posted));
        match compile(Version::V1, &posting.payer, &all, SIMULATED, &[], Default::default()) {
            Ok(_) => return Ok(Some((all, count))),
            Err(CompileError::TooLarge { .. } | CompileError::TooManyAccounts(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
