//! Asks the publishers' service what the prices are: to compare, and to post them where no account on chain is fresh.
//!
//! Without the service, or without a key that it accepts, the keeper goes on with the accounts on chain and says so.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ballast_client::account::Clock;
use ballast_client::local::{RECEIVER, RECEIVER_CORE};
use ballast_client::transaction::{CompileError, Version, compile};
use ballast_client::{Asset, Market, Pubkey, SourceKind, instruction};
use ballast_cluster::sending::SIMULATED;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::hand::{Ended, Hand};
use crate::config;
use crate::desk::{Also, Task};
use crate::endpoints::Endpoints;
use crate::journal::Key;
use crate::metrics::Metrics;
use crate::prices::due::name_of;
use crate::prices::hermes::Hermes;
use crate::prices::hermes::post::{Posting, Programs};
use crate::prices::hermes::update::{Accumulated, Price, Proven};

/// Pause after a posting, whatever became of it.
const AFTER_POSTING: Duration = Duration::from_secs(10);

/// A price to be posted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub asset: u8,
    pub receiver: Pubkey,
    pub proven: Proven,
    /// The account of the asset's second source.
    pub second: Option<Pubkey>,
}

/// The publishers of one market's prices.
pub struct Publishers {
    market: Pubkey,
    hermes: Hermes,
    hand: Hand,
    endpoints: Arc<Endpoints>,
    metrics: Metrics,
    interval: Duration,
    alarm_bps: u32,
    post: bool,
    /// A stored price older than this is one that nobody refreshes, seconds.
    oldest: u64,
    asked: Option<Instant>,
    asking: JoinSet<Result<Vec<Accumulated>>>,
    posted: Option<Instant>,
    posting: JoinSet<Result<Ended>>,
    /// Whether the last request succeeded.
    up: Option<bool>,
    alarmed: BTreeSet<u8>,
}

impl Publishers {
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new(
        market: Pubkey,
        config: &config::Hermes,
        oldest: u64,
        hand: Hand,
        endpoints: Arc<Endpoints>,
        metrics: Metrics,
    ) -> Result<Self> {
        if config.key.is_none() {
            warn!("Hermes is asked without a key; where it refuses that, prices come from the accounts on chain alone");
        }
        Ok(Self {
            market,
            hermes: Hermes::new(config.url.clone(), config.key.clone())?,
            hand,
            endpoints,
            metrics,
            interval: config.interval,
            alarm_bps: config.alarm_bps,
            post: config.post,
            oldest,
            asked: None,
            asking: JoinSet::new(),
            posted: None,
            posting: JoinSet::new(),
            up: None,
            alarmed: BTreeSet::new(),
        })
    }

    /// Collects what has arrived, and asks again when it is time. `second`: the account of an asset's second source.
    pub fn round(&mut self, market: &Market, now: &Clock, second: impl Fn(u8) -> Option<Pubkey>) {
        while let Some(done) = self.asking.try_join_next() {
            match done.context("a request was stopped").and_then(|answer| answer) {
                Ok(answer) => self.take(market, now, &answer, &second),
                Err(error) => self.lose(&format!("{error:#}")),
            }
        }
        while let Some(done) = self.posting.try_join_next() {
            match done.context("a posting was stopped").and_then(|ended| ended) {
                Ok(ended) => self.metrics.price_posted(ended.name),
                Err(error) => {
                    self.metrics.price_posted("invalid");
                    warn!(reason = format!("{error:#}"), "an update cannot be posted");
                }
            }
        }
        let due = self.asked.is_none_or(|at| at.elapsed() >= self.interval);
        let feeds: Vec<[u8; 32]> = pulled(market).map(|(_, _, feed)| feed).collect();
        if due && self.asking.is_empty() && !feeds.is_empty() {
            self.asked = Some(Instant::now());
            let hermes = self.hermes.clone();
            self.asking.spawn(async move { hermes.latest(&feeds).await });
        }
    }

    fn lose(&mut self, reason: &str) {
        self.metrics.hermes(false);
        if self.up != Some(false) {
            warn!(reason, "Hermes is of no use; going on with the accounts on chain alone");
        }
        self.up = Some(false);
    }

    fn take(&mut self, market: &Market, now: &Clock, answer: &[Accumulated], second: &impl Fn(u8) -> Option<Pubkey>) {
        self.metrics.hermes(true);
        if self.up == Some(false) {
            info!("Hermes answers again");
        }
        self.up = Some(true);
        for (asset, _, feed) in pulled(market) {
            let said = answer.iter().flat_map(|update| &update.prices).find(|proven| proven.price.feed == feed);
            let record = market.listed().get(usize::from(asset));
            let Some(ratio) = said.zip(record).and_then(|(said, record)| difference(&said.price, record)) else {
                continue;
            };
            self.metrics.source_difference(&name_of(market, asset), ratio);
            let far = ratio.abs() * 10_000.0 > f64::from(self.alarm_bps);
            if far && self.alarmed.insert(asset) {
                warn!(asset = name_of(market, asset), ratio, "Hermes and the stored price differ");
            } else if !far {
                self.alarmed.remove(&asset);
            }
        }
        let rested = self.posted.is_none_or(|at| at.elapsed() >= AFTER_POSTING);
        if !self.post || !rested || !self.posting.is_empty() || self.hand.is_tied() {
            return;
        }
        for update in answer {
            let wanted = wanted(market, update, now.unix, self.oldest, second);
            if !wanted.is_empty() {
                self.posted = Some(Instant::now());
                let (hand, endpoints, market) = (self.hand.clone(), Arc::clone(&self.endpoints), self.market);
                let update = update.clone();
                self.posting.spawn(async move { post(&hand, &endpoints, &market, &update, wanted).await });
                return;
            }
        }
    }

    /// Nothing is being posted.
    pub fn is_idle(&self) -> bool {
        self.posting.is_empty()
    }

    /// Waits until nothing is being posted, or for so long.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let all = async { while self.posting.join_next().await.is_some() {} };
        tokio::time::timeout(patience, all).await.is_ok()
    }
}

/// The assets whose first source is a feed: index, receiver program, feed.
fn pulled(market: &Market) -> impl Iterator<Item = (u8, Pubkey, [u8; 32])> {
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

/// What the service says less the stored price, as a part of the stored one.
pub fn difference(said: &Price, asset: &Asset) -> Option<f64> {
    let stored = asset.spot()?.pico_dollars_floor(asset.decimals) as f64;
    let said = said.price as f64 * 10f64.powi(said.exponent.saturating_add(12));
    (stored > 0.0).then(|| said / stored - 1.0)
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

/// Posts as many of the prices as fit one transaction.
async fn post(
    hand: &Hand,
    endpoints: &Endpoints,
    market: &Pubkey,
    update: &Accumulated,
    wanted: Vec<Wanted>,
) -> Result<Ended> {
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
    let Some((instructions, count)) = fitting(&posting, market, &wanted, &addresses)? else {
        bail!("not even one price fits a transaction");
    };
    let task =
        Task { key: Key::Refresh(*market), what: format!("{count} prices from Hermes"), instructions, judge: None };
    let signers = keys.iter().take(count.saturating_add(1)).map(Arc::clone).collect();
    Ok(hand.carry_out_with(task, &Also { signers, version: Some(Version::V1) }).await)
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
