//! What the sources tell the main loop: what changed, once; what is gone, only when it is; and that nothing is missed when a
//! subscription falls silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, bail};
use ballast_client::{ID, Pubkey, Vault};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::stream::{Arrivals, Event, Feed, Link, Poller, Reader, Subscriber, Trust, supervise};
use ballast_keeper::updates::Update;
use tokio::sync::{mpsc, watch};

fn key(name: u8) -> Pubkey {
    Pubkey::new_from_array([name; 32])
}

fn update(name: u8, data: &[u8], slot: u64) -> Update {
    Update { address: key(name), owner: ID, data: Some(data.to_vec()), slot }
}

#[derive(Default)]
struct State {
    slot: u64,
    accounts: BTreeMap<Pubkey, Vec<u8>>,
    /// Vaults that the list lacks although they are there.
    hidden: Vec<Pubkey>,
    down: bool,
    /// The list of vaults is not answered before this.
    lists: Option<Arc<tokio::sync::Notify>>,
}

/// A node as it answers over the wire.
#[derive(Default)]
struct Node(Mutex<State>);

impl Node {
    fn holds(&self, name: u8, data: &[u8]) {
        let mut state = self.0.lock().unwrap();
        state.slot += 1;
        state.accounts.insert(key(name), data.to_vec());
    }

    fn closes(&self, name: u8) {
        let mut state = self.0.lock().unwrap();
        state.slot += 1;
        state.accounts.remove(&key(name));
    }
}

impl Reader for Node {
    async fn accounts(&self, addresses: Vec<Pubkey>) -> Result<Vec<Update>> {
        let state = self.0.lock().unwrap();
        if state.down {
            bail!("no node");
        }
        let read = |address: Pubkey| {
            let data = state.accounts.get(&address).cloned();
            let owner = if data.is_some() { ID } else { Pubkey::default() };
            Update { address, owner, data, slot: state.slot }
        };
        Ok(addresses.into_iter().map(read).collect())
    }

    async fn vaults(&self, market: Pubkey) -> Result<Vec<Update>> {
        let lists = self.0.lock().unwrap().lists.clone();
        if let Some(lists) = lists {
            lists.notified().await;
        }
        let state = self.0.lock().unwrap();
        if state.down {
            bail!("no node");
        }
        let vaults = state.accounts.iter().filter(|(at, _)| **at != market && !state.hidden.contains(at));
        let read = |(at, data): (&Pubkey, &Vec<u8>)| Update {
            address: *at,
            owner: ID,
            data: Some(data.clone()),
            slot: state.slot,
        };
        Ok(vaults.map(read).collect())
    }
}

/// A poller of a node with the market 9, which is watched.
struct Bench {
    node: Arc<Node>,
    poller: Poller<Node>,
    feed: Feed,
    events: mpsc::Receiver<Event>,
    link: Option<Link>,
    live: watch::Receiver<bool>,
    metrics: Metrics,
    _watched: watch::Sender<Vec<Pubkey>>,
}

impl Bench {
    fn new() -> Self {
        Self::resyncing(Duration::from_secs(3_600))
    }

    fn resyncing(resync: Duration) -> Self {
        let node = Arc::new(Node::default());
        let metrics = Metrics::new();
        let (watched, seen) = watch::channel(vec![key(9)]);
        let (link, liveness) = Link::new(metrics.clone());
        let live = liveness.live.clone();
        let poller = Poller::new(key(9), Duration::from_secs(3_600), resync, Arc::clone(&node), seen, liveness);
        let (feed, events) = Feed::new("polling", metrics.clone());
        Self { node, poller, feed, events, link: Some(link), live, metrics, _watched: watched }
    }

    fn says_that_it_is(&self, live: bool) {
        self.link.as_ref().unwrap().set(live);
    }

    /// One pass, and what it told.
    async fn pass(&mut self) -> Vec<Event> {
        assert!(self.poller.pass(&self.feed).await.unwrap());
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

#[tokio::test]
async fn the_first_reading_is_complete_and_the_next_tells_what_changed() {
    let mut bench = Bench::new();
    bench.node.holds(9, b"market");
    bench.node.holds(1, b"one");
    bench.node.holds(2, b"two");
    let first = bench.pass().await;
    let expected = [update(9, b"market", 3), update(1, b"one", 3), update(2, b"two", 3)].map(Event::Update);
    assert_eq!(first, [&expected[..], &[Event::Complete]].concat());
    bench.node.holds(2, b"other");
    assert_eq!(bench.pass().await, [update(9, b"market", 4), update(2, b"other", 4)].map(Event::Update));
}

#[tokio::test]
async fn a_closed_vault_is_told_once_and_one_that_the_list_only_lacks_is_not() {
    let mut bench = Bench::new();
    bench.node.holds(9, b"market");
    bench.node.holds(1, b"one");
    bench.node.holds(2, b"two");
    bench.pass().await;
    bench.node.0.lock().unwrap().hidden.push(key(2));
    bench.node.closes(1);
    let gone = Update { address: key(1), owner: Pubkey::default(), data: None, slot: 4 };
    let told = bench.pass().await;
    assert!(told.contains(&Event::Update(gone.clone())), "{told:?}");
    assert!(told.contains(&Event::Update(update(2, b"two", 4))), "{told:?}");
    assert!(!bench.pass().await.contains(&Event::Update(gone)));
}

#[tokio::test]
async fn a_subscription_takes_the_vaults_off_the_poller_and_each_change_reads_everything() {
    let mut bench = Bench::new();
    bench.node.holds(9, b"market");
    bench.node.holds(1, b"one");
    bench.pass().await;
    bench.says_that_it_is(true);
    assert_eq!(bench.pass().await.last(), Some(&Event::Complete));
    bench.node.holds(1, b"other");
    assert_eq!(bench.pass().await, [Event::Update(update(9, b"market", 3))]);
    bench.says_that_it_is(false);
    let back = bench.pass().await;
    assert!(back.contains(&Event::Update(update(1, b"other", 3))), "{back:?}");
    assert_eq!(back.last(), Some(&Event::Complete));
    assert_eq!(bench.pass().await.len(), 1);
}

#[tokio::test]
async fn a_vault_that_only_the_subscription_told_of_is_told_gone_when_it_is() {
    let mut bench = Bench::resyncing(Duration::ZERO);
    bench.node.holds(9, b"market");
    bench.pass().await;
    bench.says_that_it_is(true);
    bench.pass().await;
    // Opened, told of and closed between two readings.
    let told = update(5, &vec![0; Vault::SPACE], 2);
    bench.link.as_ref().unwrap().count(&told);
    // A node that is behind does not know of it yet, which is no proof.
    let gone = |slot| Event::Update(Update { address: key(5), owner: Pubkey::default(), data: None, slot });
    assert!(bench.pass().await.contains(&gone(1)));
    bench.node.holds(9, b"another market");
    assert!(bench.pass().await.contains(&gone(2)));
    assert!(!bench.pass().await.contains(&gone(2)));
}

#[tokio::test]
async fn a_list_of_vaults_that_takes_long_holds_no_price_up() {
    let mut bench = Bench::new();
    let lists = Arc::new(tokio::sync::Notify::new());
    bench.node.0.lock().unwrap().lists = Some(Arc::clone(&lists));
    bench.node.holds(1, b"one");
    let link = bench.link.take().unwrap();
    let (_watched, seen) = watch::channel(vec![key(9)]);
    let (metrics, pause, hour) = (bench.metrics.clone(), Duration::from_millis(1), Duration::from_secs(3_600));
    let poller = Poller::new(key(9), pause, hour, Arc::clone(&bench.node), seen, Link::new(metrics).1);
    let running = tokio::spawn(poller.run(bench.feed.clone()));
    // Prices move, and each is told, although nobody has listed the vaults yet.
    for price in [b"a", b"b", b"c"] {
        bench.node.holds(9, price);
        while !matches!(bench.events.recv().await, Some(Event::Update(update)) if update.data.as_deref() == Some(price))
        {
        }
    }
    lists.notify_one();
    while !matches!(bench.events.recv().await, Some(Event::Update(update)) if update.address == key(1)) {}
    while bench.events.recv().await != Some(Event::Complete) {}
    running.abort();
    drop(link);
}

#[tokio::test]
async fn a_node_that_fails_costs_a_pass_and_nothing_else() {
    let mut bench = Bench::new();
    bench.node.holds(1, b"one");
    bench.node.0.lock().unwrap().down = true;
    assert!(bench.poller.pass(&bench.feed).await.is_err());
    bench.node.0.lock().unwrap().down = false;
    assert_eq!(bench.pass().await.last(), Some(&Event::Complete));
}

/// Believes what is of a slot below a thousand, and relies on the node "good".
struct Judge;

impl Trust for Judge {
    fn counts(&self, node: &str) -> bool {
        node == "good"
    }

    fn can_be(&self, update: &Update) -> bool {
        update.slot < 1_000
    }
}

/// A subscription that delivers one account each time it is opened, and then says nothing or ends.
struct Lone {
    opened: u64,
    ends: bool,
}

impl Subscriber for Lone {
    async fn listen(&mut self, arrivals: Arrivals) -> Result<()> {
        self.opened += 1;
        arrivals.ready().await?;
        arrivals.update(update(1, b"pushed", self.opened)).await?;
        if self.ends {
            bail!("the connection is lost");
        }
        std::future::pending().await
    }
}

async fn comes_back(ends: bool) {
    let metrics = Metrics::new();
    let (feed, mut events) = Feed::new("websocket", metrics.clone());
    let (link, liveness) = Link::new(metrics.clone());
    let mut live = liveness.live.clone();
    let supervisor =
        tokio::spawn(supervise(Lone { opened: 0, ends }, feed, link, Duration::from_millis(30), Arc::new(Judge)));
    for opened in 1..=3 {
        assert_eq!(events.recv().await, Some(Event::Update(update(1, b"pushed", opened))));
        live.wait_for(|live| !live).await.unwrap();
    }
    // Nobody listens any more: it ends by itself.
    drop(events);
    supervisor.await.unwrap();
}

#[tokio::test]
async fn a_silent_subscription_is_given_up_and_opened_again() {
    comes_back(false).await;
}

#[tokio::test]
async fn a_lost_subscription_is_opened_again() {
    comes_back(true).await;
}

/// A subscription that passes on what a test hands it.
struct Relay(Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Update>>>);

impl Subscriber for Relay {
    async fn listen(&mut self, arrivals: Arrivals) -> Result<()> {
        arrivals.ready().await?;
        let mut updates = self.0.lock().await;
        while let Some(update) = updates.recv().await {
            arrivals.update(update).await?;
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_node_that_sends_only_what_cannot_be_is_given_up_and_never_counts_as_alive() {
    let metrics = Metrics::new();
    let (feed, mut events) = Feed::new("websocket", metrics.clone());
    let (link, liveness) = Link::new(metrics.clone());
    let (updates, received) = mpsc::unbounded_channel();
    let relay = Relay(Arc::new(tokio::sync::Mutex::new(received)));
    let supervisor = tokio::spawn(supervise(relay, feed, link, Duration::from_millis(40), Arc::new(Judge)));
    // A clock that ticks, of another cluster.
    while !metrics.text().contains("stream_losses_total{reason=\"silent\"} 1") {
        updates.send(update(1, b"tick", 1_000)).unwrap();
        assert!(!*liveness.live.borrow());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(events.try_recv().is_err());
    supervisor.abort();
}

/// A subscription that tells of the market, and of a vault or not, while a vault changes; and how many there were.
async fn with_changing_vault(tells: bool) -> (Bench, bool) {
    let mut bench = Bench::resyncing(Duration::ZERO);
    let vault = |byte| vec![byte; Vault::SPACE];
    bench.node.holds(1, &vault(0));
    let (updates, received) = mpsc::unbounded_channel();
    let relay = Relay(Arc::new(tokio::sync::Mutex::new(received)));
    let (feed, link, hour) = (bench.feed.named("websocket"), bench.link.take().unwrap(), Duration::from_secs(3_600));
    tokio::spawn(supervise(relay, feed, link, hour, Arc::new(Judge)));
    updates.send(update(9, b"market", 1)).unwrap();
    bench.live.wait_for(|live| *live).await.unwrap();
    bench.events.recv().await.unwrap();
    // Start, and the subscription is there. Then a change that is found by reading, and the time until the next reading.
    bench.pass().await;
    bench.pass().await;
    bench.node.holds(1, &vault(1));
    bench.pass().await;
    if tells {
        updates.send(update(1, &vault(1), 2)).unwrap();
        assert!(matches!(bench.events.recv().await, Some(Event::Update(_))));
    }
    bench.pass().await;
    let given_up = tokio::time::timeout(Duration::from_millis(200), bench.live.wait_for(|live| !live)).await.is_ok();
    (bench, given_up)
}

#[tokio::test]
async fn a_subscription_that_is_mute_about_vaults_is_given_up_although_the_clock_ticks() {
    let (bench, given_up) = with_changing_vault(false).await;
    assert!(given_up);
    assert!(bench.metrics.text().contains("stream_losses_total{reason=\"mute\"} 1"));
}

#[tokio::test]
async fn a_subscription_that_tells_of_a_vault_a_little_late_is_kept() {
    let (bench, given_up) = with_changing_vault(true).await;
    assert!(!given_up);
    assert!(bench.metrics.text().contains("stream_losses_total{reason=\"mute\"} 0"));
}
