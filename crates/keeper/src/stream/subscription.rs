//! Keeping a subscription alive, whichever it is: connect, listen, give up when it is silent, try again later.
//!
//! It is alive while it brings what can be true. What a node of another cluster sends, or one that is far behind, is neither
//! passed on nor a sign of life.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use ballast_client::Pubkey;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use super::reading::is_vault;
use super::{Feed, Trust};
use crate::metrics::Metrics;
use crate::updates::Update;

/// Pause before the first further attempt; doubled after each that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Something that accounts can be subscribed to.
pub trait Subscriber: Send + 'static {
    /// Connects, calls `ready` once everything is subscribed to, and passes on what arrives until the connection ends.
    ///
    /// # Errors
    /// Why it ended. It always does.
    fn listen(&mut self, arrivals: Arrivals) -> impl Future<Output = Result<()>> + Send;
}

/// Where a subscriber puts what arrives.
#[derive(Clone)]
pub struct Arrivals {
    to: mpsc::Sender<Arrival>,
}

enum Arrival {
    Ready,
    Update(Update),
}

impl Arrivals {
    /// Everything is subscribed to.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub async fn ready(&self) -> Result<()> {
        self.put(Arrival::Ready).await
    }

    /// # Errors
    /// Nobody listens any more.
    pub async fn update(&self, update: Update) -> Result<()> {
        self.put(Arrival::Update(update)).await
    }

    async fn put(&self, arrival: Arrival) -> Result<()> {
        if self.to.send(arrival).await.is_err() {
            bail!("nobody listens");
        }
        Ok(())
    }
}

/// Tells the poller whether a subscription is alive.
pub struct Link {
    live: watch::Sender<bool>,
    delivered: Arc<Delivered>,
    complaints: watch::Receiver<()>,
    metrics: Metrics,
}

/// The poller's end of the link.
pub struct Liveness {
    pub live: watch::Receiver<bool>,
    delivered: Arc<Delivered>,
    complaints: watch::Sender<()>,
}

/// The vaults that have arrived by subscription.
#[derive(Default)]
struct Delivered {
    /// How many times.
    count: AtomicU64,
    /// The newest slot of each, until somebody asks.
    slots: Mutex<HashMap<Pubkey, u64>>,
}

impl Liveness {
    /// How many times a vault has arrived by subscription.
    pub fn vaults(&self) -> u64 {
        self.delivered.count.load(Ordering::Relaxed)
    }

    /// The vaults that have arrived since this was last asked, with the newest slot of each.
    pub fn take_vaults(&self) -> HashMap<Pubkey, u64> {
        std::mem::take(&mut *self.delivered.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The subscription does not tell of vaults that have changed: it is to be given up.
    pub fn complain(&self) {
        self.complaints.send_replace(());
    }
}

impl Link {
    /// Not alive yet.
    pub fn new(metrics: Metrics) -> (Self, Liveness) {
        let (live, seen) = watch::channel(false);
        let (complaints, heard) = watch::channel(());
        let delivered = Arc::new(Delivered::default());
        let liveness = Liveness { live: seen, delivered: Arc::clone(&delivered), complaints };
        (Self { live, delivered, complaints: heard, metrics }, liveness)
    }

    /// Whether the subscription delivers from now on.
    pub fn set(&self, live: bool) {
        if live != *self.live.borrow() {
            self.metrics.streaming(live);
            self.live.send_replace(live);
        }
    }

    /// A vault, or something of its form, has arrived.
    pub fn count(&self, update: &Update) {
        if is_vault(update) {
            self.delivered.count.fetch_add(1, Ordering::Relaxed);
            let mut slots = self.delivered.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = slots.entry(update.address).or_default();
            *newest = update.slot.max(*newest);
        }
    }
}

/// Listens for as long as the main loop does.
pub async fn supervise(
    mut subscriber: impl Subscriber,
    feed: Feed,
    mut link: Link,
    silence: Duration,
    nodes: Arc<impl Trust>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let (to, mut arrivals) = mpsc::channel(1_024);
        let end = {
            let listening = subscriber.listen(Arrivals { to });
            tokio::pin!(listening);
            tokio::select! {
                biased;
                end = pass_on(&mut arrivals, &feed, &mut link, silence, &*nodes) => end,
                ended = &mut listening => {
                    let reason = ended.err().map_or_else(|| "it ended".to_owned(), |error| format!("{error:#}"));
                    End::Closed(reason)
                }
            }
        };
        // What arrived before the end is not lost with it.
        while let Ok(arrival) = arrivals.try_recv() {
            if matches!(pass_on_one(arrival, &feed, &link, &*nodes).await, Passed::Nowhere) {
                return;
            }
        }
        let was_live = *link.live.borrow();
        link.set(false);
        if matches!(end, End::Deaf) {
            return;
        }
        feed.metrics.stream_lost(end.name());
        match end {
            End::Deaf => {}
            End::Closed(reason) => warn!(stream = feed.name, reason, "the subscription is lost; polling"),
            End::Silent => warn!(stream = feed.name, ?silence, "the subscription is silent; polling"),
            End::Mute => warn!(stream = feed.name, "the subscription does not tell of vaults that changed; polling"),
        }
        pause = if was_live { FIRST_PAUSE } else { pause.saturating_mul(2).min(LONGEST_PAUSE) };
        tokio::time::sleep(pause).await;
    }
}

enum End {
    /// Nothing that can be true arrived for too long.
    Silent,
    /// It is said to lack vaults.
    Mute,
    Closed(String),
    /// The main loop is gone.
    Deaf,
}

impl End {
    const fn name(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Mute => "mute",
            Self::Closed(_) | Self::Deaf => "closed",
        }
    }
}

async fn pass_on(
    arrivals: &mut mpsc::Receiver<Arrival>,
    feed: &Feed,
    link: &mut Link,
    silence: Duration,
    nodes: &impl Trust,
) -> End {
    // What was complained of before was about another subscription.
    link.complaints.mark_unchanged();
    let (mut ready, mut heard) = (false, Instant::now());
    loop {
        let arrival = tokio::select! {
            arrival = tokio::time::timeout_at(heard + silence, arrivals.recv()) => arrival,
            Ok(()) = link.complaints.changed() => return End::Mute,
        };
        let arrival = match arrival {
            Err(_) => return End::Silent,
            Ok(None) => return std::future::pending().await,
            Ok(Some(arrival)) => arrival,
        };
        match pass_on_one(arrival, feed, link, nodes).await {
            Passed::Nowhere => return End::Deaf,
            Passed::Dropped if heard.elapsed() >= silence => return End::Silent,
            Passed::Dropped => {}
            Passed::Ready => ready = true,
            Passed::On => {
                heard = Instant::now();
                link.set(ready);
            }
        }
    }
}

/// What has become of an arrival.
enum Passed {
    Ready,
    On,
    /// It cannot be true.
    Dropped,
    /// The main loop is gone.
    Nowhere,
}

async fn pass_on_one(arrival: Arrival, feed: &Feed, link: &Link, nodes: &impl Trust) -> Passed {
    match arrival {
        Arrival::Ready => {
            info!(stream = feed.name, "subscribed");
            Passed::Ready
        }
        Arrival::Update(update) if !nodes.can_be(&update) => Passed::Dropped,
        Arrival::Update(update) => {
            link.count(&update);
            if feed.update(update).await { Passed::On } else { Passed::Nowhere }
        }
    }
}
