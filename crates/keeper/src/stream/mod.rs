//! Where accounts come from. Whatever the kind, the nodes are polled; a subscription, while it is alive, takes the vaults
//! off the poller.
//!
//! ```text
//! poller ------- market, clock, oracles: at every interval ------------.
//!        ------- vaults: at every interval without a subscription, ----+--> Event --> main loop
//!                and all of them now and then                          |
//! subscription - vaults, market, clock, oracles as they change --------'
//! ```
//!
//! A subscription that falls silent is given up at once: vaults are polled again until it is back, and each such change
//! begins with a complete reading. So nothing is missed, and whatever comes twice or late is sorted out by its slot.

mod polling;
mod reading;
mod subscription;
mod websocket;
#[cfg(feature = "yellowstone")]
mod yellowstone;

use std::sync::Arc;

use ballast_client::Pubkey;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::config::file::StreamKind;
use crate::config::{Config, Endpoint};
use crate::metrics::Metrics;
use crate::updates::Update;

pub use polling::Poller;
pub use reading::{Reader, Trust};
pub use subscription::{Arrivals, Link, Liveness, Subscriber, supervise};
pub use websocket::Websocket;
#[cfg(feature = "yellowstone")]
pub use yellowstone::Yellowstone;

/// Events that wait for the main loop at most; then the sources wait.
const WAITING: usize = 65_536;

/// What a stream tells the main loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Update(Update),
    /// All accounts have been read, and what they were stands before this.
    Complete,
    /// A reading failed; the accounts are as old as the last event.
    Failed(String),
}

/// What is watched beside the vaults: market, clock, oracle accounts.
pub type Watched = watch::Receiver<Vec<Pubkey>>;

/// A source's end of the stream.
#[derive(Clone)]
pub struct Feed {
    events: mpsc::Sender<Event>,
    metrics: Metrics,
    name: &'static str,
}

impl Feed {
    /// A feed of this name, and what comes out of it.
    pub fn new(name: &'static str, metrics: Metrics) -> (Self, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel(WAITING);
        (Self { events, metrics, name }, received)
    }

    /// The same stream for another source.
    pub fn named(&self, name: &'static str) -> Self {
        Self { name, ..self.clone() }
    }

    /// Waits while the main loop is behind. `false`: it is gone.
    pub async fn update(&self, update: Update) -> bool {
        self.metrics.update_received(self.name);
        self.tell(Event::Update(update)).await
    }

    /// As [`Self::update`].
    pub async fn tell(&self, event: Event) -> bool {
        self.events.send(event).await.is_ok()
    }
}

/// Starts the sources of a configuration. They end when the returned set is dropped.
pub fn start(
    config: &Config,
    nodes: Arc<impl Reader + Trust>,
    watched: Watched,
    metrics: &Metrics,
) -> (mpsc::Receiver<Event>, JoinSet<()>) {
    let (feed, events) = Feed::new("polling", metrics.clone());
    let (link, live) = Link::new(metrics.clone());
    metrics.stream_wanted(config.stream.kind != StreamKind::Polling);
    let mut sources = JoinSet::new();
    match config.stream.kind {
        StreamKind::Polling => {}
        StreamKind::Websocket => {
            let urls =
                config.endpoints.iter().map(|Endpoint { name, websocket, .. }| (name.clone(), websocket.clone()));
            let subscriber = Websocket::new(config.market, urls.collect(), watched.clone(), Arc::clone(&nodes));
            let feed = feed.named("websocket");
            sources.spawn(supervise(subscriber, feed, link, config.stream.silence, Arc::clone(&nodes)));
        }
        #[cfg(feature = "yellowstone")]
        StreamKind::Yellowstone => {
            if let Some((url, token)) = config.stream.yellowstone.clone() {
                let subscriber = Yellowstone::new(config.market, url, token, watched.clone());
                let feed = feed.named("yellowstone");
                sources.spawn(supervise(subscriber, feed, link, config.stream.silence, Arc::clone(&nodes)));
            }
        }
        // Refused when the configuration is read.
        #[cfg(not(feature = "yellowstone"))]
        StreamKind::Yellowstone => {}
    }
    let poller = Poller::new(config.market, config.stream.poll, config.stream.resync, nodes, watched, live);
    sources.spawn(poller.run(feed));
    (events, sources)
}
