//! Asking the nodes: what changes most at every interval, all vaults when no subscription delivers them.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use ballast_client::Pubkey;
use futures_util::future::{Either, maybe_done, select};

use super::reading::is_vault;
use super::{Event, Feed, Liveness, Reader, Watched};
use crate::clock::Clock;
use crate::updates::Update;

/// Why all vaults are read while nothing is wrong.
const INTERVAL: &str = "interval";

/// Reads at intervals, and tells what has changed since the last reading.
pub struct Poller<R> {
    market: Pubkey,
    interval: Duration,
    resync: Duration,
    nodes: Arc<R>,
    watched: Watched,
    /// Whether a subscription delivers the vaults.
    link: Liveness,
    clock: Clock,
    /// What was told of each vault, as a digest.
    told: HashMap<Pubkey, u64>,
    /// Vaults that the subscription has told of and no reading yet, with the newest slot.
    heard: HashMap<Pubkey, u64>,
    /// When all vaults were told; `None` when they have to be.
    complete: Option<Instant>,
    /// Whether the subscription was alive at the last pass.
    was_live: bool,
    /// How many vaults the subscription had delivered at the last complete reading.
    delivered: u64,
    /// Vaults had changed then, and it had delivered none; it may have been late.
    doubted: bool,
}

impl<R: Reader> Poller<R> {
    pub fn new(
        market: Pubkey,
        interval: Duration,
        resync: Duration,
        nodes: Arc<R>,
        watched: Watched,
        link: Liveness,
    ) -> Self {
        let (told, heard, complete) = (HashMap::new(), HashMap::new(), None);
        let (was_live, delivered, doubted) = (false, 0, false);
        let clock = Clock::default();
        Self {
            market,
            interval,
            resync,
            nodes,
            watched,
            link,
            clock,
            told,
            heard,
            complete,
            was_live,
            delivered,
            doubted,
        }
    }

    /// The same by another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Reads until the main loop is gone.
    pub async fn run(mut self, feed: Feed) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                // A change of the subscription is no reason to wait.
                Ok(()) = self.link.live.changed() => {}
            }
            let going = match self.pass(&feed).await {
                Ok(going) => going,
                Err(error) => feed.tell(Event::Failed(format!("{error:#}"))).await,
            };
            if !going {
                return;
            }
        }
    }

    /// One reading of what is due. `false`: nobody listens any more.
    ///
    /// # Errors
    /// Of the nodes.
    pub async fn pass(&mut self, feed: &Feed) -> Result<bool> {
        let live = *self.link.live.borrow_and_update();
        let reason = self.reason(live);
        if live && reason.is_none() {
            return self.read_watched(feed).await;
        }
        for (address, slot) in self.link.take_vaults() {
            let newest = self.heard.entry(address).or_default();
            *newest = slot.max(*newest);
        }
        let Some(vaults) = self.read_vaults(feed).await? else { return Ok(false) };
        let mut changed = self.changed(vaults, reason.is_some());
        self.heard.retain(|address, _| !changed.seen.contains(address));
        let gone = self.gone(&changed.seen);
        if !gone.is_empty() {
            // An answer that lacks some is no proof: what is gone is asked for by name.
            changed.updates.extend(self.nodes.accounts(gone).await?);
        }
        for update in changed.updates {
            if update.data.is_none() {
                self.told.remove(&update.address);
            }
            // As of an earlier slot it may not have been there yet.
            if !is_vault(&update) && self.heard.get(&update.address).is_some_and(|slot| *slot <= update.slot) {
                self.heard.remove(&update.address);
            }
            if !feed.update(update).await {
                return Ok(false);
            }
        }
        let Some(reason) = reason else { return Ok(true) };
        self.complete = Some(self.clock.now());
        self.was_live = live;
        self.doubt(reason == INTERVAL && live, changed.count);
        feed.metrics.resynced(reason);
        Ok(feed.tell(Event::Complete).await)
    }

    /// Reads market, clock and oracle accounts, and tells them. `false`: nobody listens any more.
    async fn read_watched(&mut self, feed: &Feed) -> Result<bool> {
        let watched = self.watched.borrow_and_update().clone();
        for update in self.nodes.accounts(watched).await? {
            if !feed.update(update).await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads all vaults. That can take long: meanwhile what is watched is read and told at its interval, so that no price
    /// gets old over it. `None`: nobody listens any more.
    async fn read_vaults(&mut self, feed: &Feed) -> Result<Option<Vec<Update>>> {
        let (nodes, clock) = (Arc::clone(&self.nodes), self.clock.clone());
        let mut vaults = pin!(maybe_done(nodes.vaults(self.market)));
        loop {
            let read = match select(pin!(self.read_watched(feed)), vaults.as_mut()).await {
                Either::Left((read, _)) => read,
                // What is watched is told first: the vaults are judged by it.
                Either::Right(((), reading)) => reading.await,
            };
            select(pin!(clock.sleep(self.interval)), vaults.as_mut()).await;
            if let Some(vaults) = vaults.as_mut().take_output() {
                return Ok(if read? { Some(vaults?) } else { None });
            }
            let listened = match read {
                Ok(listened) => listened,
                Err(error) => feed.tell(Event::Failed(format!("{error:#}"))).await,
            };
            if !listened {
                return Ok(None);
            }
        }
    }

    /// Why all vaults have to be told, if they have to.
    fn reason(&self, live: bool) -> Option<&'static str> {
        match self.complete {
            None => Some("start"),
            Some(_) if live && !self.was_live => Some("reconnect"),
            Some(_) if !live && self.was_live => Some("silence"),
            Some(at) if self.clock.since(at) >= self.resync => Some(INTERVAL),
            Some(_) => None,
        }
    }

    /// A subscription that says nothing of vaults although some have changed: it had until the next complete reading to
    /// deliver them. `listened`: it was there the whole time since the last one.
    fn doubt(&mut self, listened: bool, changed: usize) {
        let delivered = self.link.vaults();
        let mute = listened && delivered == self.delivered;
        if mute && self.doubted {
            self.link.complain();
        }
        self.doubted = mute && !self.doubted && changed > 0;
        self.delivered = delivered;
    }

    /// What differs from what was told, or everything.
    fn changed(&mut self, vaults: Vec<Update>, everything: bool) -> Changed {
        let mut changed = Changed { updates: Vec::new(), count: 0, seen: HashSet::with_capacity(vaults.len()) };
        for update in vaults {
            let digest = digest(&update);
            changed.seen.insert(update.address);
            let differs = self.told.insert(update.address, digest) != Some(digest);
            changed.count += usize::from(differs);
            if differs || everything {
                changed.updates.push(update);
            }
        }
        changed
    }

    /// What was told, by us or by the subscription, and is not there any more.
    fn gone(&self, seen: &HashSet<Pubkey>) -> Vec<Pubkey> {
        let heard = self.heard.keys().filter(|address| !self.told.contains_key(*address));
        self.told.keys().chain(heard).filter(|address| !seen.contains(*address)).copied().collect()
    }
}

struct Changed {
    updates: Vec<Update>,
    /// How many differ.
    count: usize,
    seen: HashSet<Pubkey>,
}

fn digest(update: &Update) -> u64 {
    let mut hasher = DefaultHasher::new();
    (update.owner.to_bytes(), &update.data).hash(&mut hasher);
    hasher.finish()
}
