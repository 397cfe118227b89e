//! Asks the price source what the prices are: to compare, and to post them where no account on chain is fresh.
//!
//! Without the source, or without a key that it accepts, the keeper goes on with the accounts on chain and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ballast_client::account::Clock;
use ballast_client::{Asset, Market, Pubkey};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::hand::Hand;
use super::posting::{self, Posted, Wanted, pulled, rehearse, wanted};
use crate::endpoints::Endpoints;
use crate::metrics::Metrics;
use crate::prices::due::name_of;
use crate::prices::hermes::update::{Accumulated, Price};
use crate::prices::{PriceSource, Quotes, Shelf};

/// Pause after a posting, whatever became of it.
const AFTER_POSTING: Duration = Duration::from_secs(10);
/// Pause of an asset whose price was refused; twice as long each time, up to 64 times.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);
const MOST_DOUBLINGS: u32 = 6;

/// How prices are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub interval: Duration,
    /// A difference to the stored price that is worth an alarm, basis points.
    pub alarm_bps: u32,
    /// Post updates on chain when no account there is fresh.
    pub post: bool,
    /// A stored price older than this is one that nobody refreshes, seconds.
    pub oldest: u64,
}

/// The publishers of one market's prices.
pub struct Publishers {
    market: Pubkey,
    source: Arc<dyn PriceSource>,
    habits: Habits,
    hand: Hand,
    endpoints: Arc<Endpoints>,
    metrics: Metrics,
    asked: Option<Instant>,
    asking: JoinSet<Result<Quotes>>,
    posted: Option<Instant>,
    posting: JoinSet<Result<Vec<Posted>>>,
    /// Whether the last request succeeded.
    up: Option<bool>,
    alarmed: BTreeSet<u8>,
    /// Assets whose prices were refused: until when they wait, and how often.
    refused: BTreeMap<u8, (Instant, u32)>,
    /// What was said already of a price that would be refused.
    told: BTreeMap<u8, String>,
    failures: usize,
}

impl Publishers {
    pub fn new(
        market: Pubkey,
        source: Arc<dyn PriceSource>,
        habits: Habits,
        hand: Hand,
        endpoints: Arc<Endpoints>,
        metrics: Metrics,
    ) -> Self {
        Self {
            market,
            source,
            habits,
            hand,
            endpoints,
            metrics,
            asked: None,
            asking: JoinSet::new(),
            posted: None,
            posting: JoinSet::new(),
            up: None,
            alarmed: BTreeSet::new(),
            refused: BTreeMap::new(),
            told: BTreeMap::new(),
            failures: 0,
        }
    }

    /// How many postings did not end well.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// Collects what has arrived, and asks again when it is time. `second`: the account of an asset's second source.
    pub fn round(&mut self, market: &Market, now: &Clock, shelf: &Shelf, second: impl Fn(u8) -> Option<Pubkey>) {
        while let Some(done) = self.asking.try_join_next() {
            match done.context("a request was stopped").and_then(|answer| answer) {
                Ok(quotes) => self.take(market, now, &quotes, shelf, &second),
                Err(error) => self.lose(&format!("{error:#}")),
            }
        }
        while let Some(done) = self.posting.try_join_next() {
            self.conclude(done.context("a posting was stopped").and_then(|ended| ended));
        }
        let due = self.asked.is_none_or(|at| self.endpoints.clock().since(at) >= self.habits.interval);
        let feeds: Vec<[u8; 32]> = pulled(market).map(|(_, _, feed)| feed).collect();
        if due && self.asking.is_empty() && !feeds.is_empty() {
            self.asked = Some(self.endpoints.clock().now());
            let source = Arc::clone(&self.source);
            self.asking.spawn(async move { source.latest(&feeds).await });
        }
    }

    fn lose(&mut self, reason: &str) {
        let source = self.source.name();
        self.metrics.price_source(source, false);
        if self.up != Some(false) {
            warn!(source, reason, "the price source is of no use; going on with the accounts on chain alone");
        }
        self.up = Some(false);
    }

    fn take(
        &mut self,
        market: &Market,
        now: &Clock,
        quotes: &Quotes,
        shelf: &Shelf,
        second: &impl Fn(u8) -> Option<Pubkey>,
    ) {
        let source = self.source.name();
        self.metrics.price_source(source, true);
        if self.up == Some(false) {
            info!(source, "the price source answers again");
        }
        self.up = Some(true);
        self.compare(market, quotes);
        let rested = self.posted.is_none_or(|at| self.endpoints.clock().since(at) >= AFTER_POSTING);
        if !self.habits.post || !rested || !self.posting.is_empty() || self.hand.is_tied() {
            return;
        }
        for update in &quotes.updates {
            let mut wanted = wanted(market, update, now.unix, self.habits.oldest, second);
            wanted.retain(|wanted| self.is_promising(market, wanted, shelf, now));
            if !wanted.is_empty() {
                self.post(update.clone(), wanted);
                return;
            }
        }
    }

    /// Reports prices that are far from the stored ones.
    fn compare(&mut self, market: &Market, quotes: &Quotes) {
        for (asset, _, feed) in pulled(market) {
            let said = quotes.prices.iter().find(|price| price.feed == feed);
            let record = market.listed().get(usize::from(asset));
            let Some(ratio) = said.zip(record).and_then(|(said, record)| difference(said, record)) else {
                continue;
            };
            self.metrics.source_difference(&name_of(market, asset), ratio);
            let far = ratio.abs() * 10_000.0 > f64::from(self.habits.alarm_bps);
            if far && self.alarmed.insert(asset) {
                let source = self.source.name();
                warn!(source, asset = name_of(market, asset), ratio, "the price source and the stored price differ");
            } else if !far {
                self.alarmed.remove(&asset);
            }
        }
    }

    /// Whether the program would take it, as far as that is known. Of what it would not, is said why, once.
    fn is_promising(&mut self, market: &Market, wanted: &Wanted, shelf: &Shelf, now: &Clock) -> bool {
        if self.refused.get(&wanted.asset).is_some_and(|(until, _)| self.endpoints.clock().now() < *until) {
            return false;
        }
        let Err(reason) = rehearse(market, wanted, shelf, now) else {
            self.told.remove(&wanted.asset);
            return true;
        };
        if self.told.get(&wanted.asset) != Some(&reason) {
            warn!(asset = name_of(market, wanted.asset), reason, "the price of the source is not posted");
            self.told.insert(wanted.asset, reason);
        }
        false
    }

    fn post(&mut self, update: Accumulated, wanted: Vec<Wanted>) {
        self.posted = Some(self.endpoints.clock().now());
        let (hand, endpoints, market) = (self.hand.clone(), Arc::clone(&self.endpoints), self.market);
        self.posting.spawn(async move { posting::post(&hand, &endpoints, &market, &update, &wanted).await });
    }

    fn conclude(&mut self, posted: Result<Vec<Posted>>) {
        let posted = match posted {
            Ok(posted) => posted,
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.metrics.price_posted("invalid");
                warn!(reason = format!("{error:#}"), "an update cannot be posted");
                return;
            }
        };
        let now = self.endpoints.clock().now();
        for Posted { assets, ended } in posted {
            self.metrics.price_posted(ended.name);
            let failed = ended.landed.is_none() && !ended.busy && !self.hand.is_dry();
            self.failures = self.failures.saturating_add(usize::from(failed));
            for asset in assets {
                if ended.hopeless {
                    let times = self.refused.get(&asset).map_or(0, |(_, times)| times.saturating_add(1));
                    let pause = AFTER_REFUSAL.saturating_mul(1 << times.min(MOST_DOUBLINGS));
                    self.refused.insert(asset, (now + pause, times));
                } else if ended.landed.is_some() {
                    self.refused.remove(&asset);
                }
            }
        }
    }

    /// Nothing is being asked for or posted.
    pub fn is_idle(&self) -> bool {
        self.posting.is_empty() && self.asking.is_empty()
    }

    /// Waits until nothing is being posted, or for so long.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let all = async { while self.posting.join_next().await.is_some() {} };
        self.endpoints.clock().timeout(patience, all).await.is_ok()
    }
}

/// What the service says less the stored price, as a part of the stored one.
pub fn difference(said: &Price, asset: &Asset) -> Option<f64> {
    let stored = asset.spot()?.pico_dollars_floor(asset.decimals) as f64;
    let said = said.price as f64 * 10f64.powi(said.exponent.saturating_add(12));
    (stored > 0.0).then(|| said / stored - 1.0)
}
