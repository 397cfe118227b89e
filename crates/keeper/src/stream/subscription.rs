//! Keeping a subscription alive, whichever it is: connect, listen, give up when it is silent, try again later.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use super::Feed;
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
    metrics: Metrics,
}

impl Link {
    /// Not alive yet.
    pub fn new(metrics: Metrics) -> (Self, watch::Receiver<bool>) {
        let (live, seen) = watch::channel(false);
        (Self { live, metrics }, seen)
    }

    fn set(&self, live: bool) {
        self.metrics.streaming(live);
        self.live.send_replace(live);
    }
}

/// Listens for as long as the main loop does.
pub async fn supervise(mut subscriber: impl Subscriber, feed: Feed, link: Link, silence: Duration) {
    let mut pause = FIRST_PAUSE;
    loop {
        let (to, mut arrivals) = mpsc::channel(1_024);
        let end = {
            let listening = subscriber.listen(Arrivals { to });
            tokio::pin!(listening);
            tokio::select! {
                biased;
                end = pass_on(&mut arrivals, &feed, &link, silence) => end,
                ended = &mut listening => {
                    let reason = ended.err().map_or_else(|| "it ended".to_owned(), |error| format!("{error:#}"));
                    End::Closed(reason)
                }
            }
        };
        // What arrived before the end is not lost with it.
        while let Ok(arrival) = arrivals.try_recv() {
            if !pass_on_one(arrival, &feed, &link).await {
                return;
            }
        }
        let was_live = *link.live.borrow();
        link.set(false);
        match end {
            End::Deaf => return,
            End::Closed(reason) => warn!(stream = feed.name, reason, "the subscription is lost; polling"),
            End::Silent => warn!(stream = feed.name, ?silence, "the subscription is silent; polling"),
        }
        pause = if was_live { FIRST_PAUSE } else { pause.saturating_mul(2).min(LONGEST_PAUSE) };
        tokio::time::sleep(pause).await;
    }
}

enum End {
    /// Nothing arrived for too long.
    Silent,
    Closed(String),
    /// The main loop is gone.
    Deaf,
}

async fn pass_on(arrivals: &mut mpsc::Receiver<Arrival>, feed: &Feed, link: &Link, silence: Duration) -> End {
    loop {
        match tokio::time::timeout(silence, arrivals.recv()).await {
            Err(_) => return End::Silent,
            Ok(None) => return std::future::pending().await,
            Ok(Some(arrival)) => {
                if !pass_on_one(arrival, feed, link).await {
                    return End::Deaf;
                }
            }
        }
    }
}

/// `false`: the main loop is gone.
async fn pass_on_one(arrival: Arrival, feed: &Feed, link: &Link) -> bool {
    match arrival {
        Arrival::Ready => {
            info!(stream = feed.name, "subscribed");
            link.set(true);
            true
        }
        Arrival::Update(update) => feed.update(update).await,
    }
}
