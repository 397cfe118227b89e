//! One life of the keeper: its main loop with everything that it goes round, its poller and its watches, on nodes of the test.
//! Only the subscription is played: what it would bring comes from the case.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ballast_cluster::connection::Connection;
use ballast_cluster::sending::FeePolicy;
use ballast_keeper::clock::Clock;
use ballast_keeper::config::Config;
use ballast_keeper::desk::{self, Desk};
use ballast_keeper::endpoints::{self, Endpoints, Policy};
use ballast_keeper::journal::{COMPACT_ABOVE, Identity, Journal};
use ballast_keeper::liquidator::Ledger;
use ballast_keeper::metrics::Metrics;
use ballast_keeper::rounds::{End, Keeper, Mode};
use ballast_keeper::server::Status;
use ballast_keeper::stream::{Event, Feed, Link, Liveness, Poller};
use ballast_keeper::updates::Update;
use ballast_tests::Signer;
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::CommitmentConfig;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::base::Base;
use crate::chain::{Chain, SYMBOLS, liquidator as key};
use crate::disk::{Disk, Plan};
use crate::node::{Doom, Mood, Node, genesis};
use crate::script::{LEAST_HEALTHY, Step};

/// Least profit that the keeper acts for, micro-dollars.
pub const LEAST: i64 = 10_000;

/// What can be seen of a life from outside.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub ledger: Ledger,
    pub turns: u64,
    /// What the journal leaves open.
    pub in_flight: usize,
    /// How it ended, when it was asked to.
    pub end: Option<End>,
}

pub struct Life {
    pub handle: JoinHandle<()>,
    pub doom: Arc<Doom>,
    pub seen: Arc<Mutex<Seen>>,
    pub stream: mpsc::UnboundedSender<Update>,
    /// The subscription's end of the link to the poller.
    pub link: Link,
    /// Asks it to end in order.
    pub stop: Arc<AtomicBool>,
}

/// Where a life happens.
#[derive(Clone)]
pub struct Place {
    pub chain: Arc<Mutex<Chain>>,
    pub moods: Vec<Arc<Mutex<Mood>>>,
    pub config: Arc<Config>,
    pub journal: PathBuf,
    pub full: Arc<AtomicBool>,
    pub clock: Clock,
}

impl Place {
    /// The keeper starts. It ends at this step, if it comes to it.
    pub fn start(&self, step: Option<Step>, first_life: bool, live: bool) -> Life {
        let doom = Doom::never();
        let (mut sends, mut simulations) = (-1, -1);
        match step {
            Some(Step::AfterSending(at)) => sends = at,
            Some(Step::AfterSimulation(at)) => simulations = at,
            _ => {}
        }
        let doom = Arc::new(Doom { sends: AtomicI64::new(sends), simulations: AtomicI64::new(simulations), ..doom });
        let nodes = self.moods.iter().enumerate().map(|(at, mood)| {
            let node = Node {
                chain: Arc::clone(&self.chain),
                mood: Arc::clone(mood),
                doom: Arc::clone(&doom),
                clock: self.clock.clone(),
            };
            let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
            let connection = Connection::through(RpcClient::new_sender(node, config));
            endpoints::Node { name: format!("node {at}"), connection }
        });
        let endpoints = Endpoints::new(nodes.collect(), policy()).expect("enough nodes").with_clock(self.clock.clone());
        let endpoints = Arc::new(match self.config.genesis {
            Some(genesis) => endpoints.of_cluster(genesis),
            None => endpoints,
        });
        let (full, chain) = (Arc::clone(&self.full), Arc::clone(&self.chain));
        let plan = Plan { full, doom: Arc::clone(&doom), step, writes: AtomicI64::new(0), chain };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stream, updates) = mpsc::unbounded_channel();
        let (link, alive) = Link::new(Metrics::default());
        link.set(live);
        let stop = Arc::new(AtomicBool::new(false));
        let world = World {
            endpoints,
            plan: Arc::new(plan),
            place: self.clone(),
            seen: Arc::clone(&seen),
            stop: Arc::clone(&stop),
        };
        Life { handle: tokio::spawn(world.live(first_life, updates, alive)), doom, seen, stream, link, stop }
    }
}

fn policy() -> Policy {
    Policy { least_healthy: LEAST_HEALTHY, most_slots_behind: 50, timeout: Duration::from_secs(1) }
}

pub fn desk_terms(first_life: bool) -> desk::Terms {
    desk::Terms {
        fees: FeePolicy { percentile: 50, least: 0, most: 1_000_000 },
        most_in_flight: 4,
        poll: Duration::from_millis(2_000),
        repeat_after: 2,
        first_life,
        ..desk::Terms::default()
    }
}

/// The keeper's configuration in a market. Its URLs are asked by nobody: the nodes of the test are handed to it.
pub fn configuration(base: &Base, named: bool, poll_milliseconds: u64, check_milliseconds: u64) -> String {
    let cluster = if named { format!("cluster = \"{}\"\n", genesis()) } else { String::new() };
    let mut text = format!(
        "market = \"{}\"\njournal = \"unused\"\n{cluster}\
         [[endpoint]]\nname = \"one\"\nurl = \"https://one.example\"\n\
         [[endpoint]]\nname = \"two\"\nurl = \"https://two.example\"\n\
         [stream]\nkind = \"polling\"\npoll_milliseconds = {poll_milliseconds}\nresync_seconds = 20\n\
         [liquidator]\nleast_profit_micro_dollars = {LEAST}\nmost_in_flight = 4\n\
         [changes]\ncheck_seconds = 5\n\
         [prices]\nrefresh_seconds = 120\ncheck_milliseconds = {check_milliseconds}\n[prices.accounts]\n",
        base.market
    );
    for (symbol, oracle) in SYMBOLS.iter().zip(&base.oracles) {
        text.push_str(&format!("{symbol} = \"{}\"\n", oracle.address));
    }
    text
}

/// The journal as soon as the disk has room for it.
async fn journal(path: &Path, genesis: String, plan: &Arc<Plan>, clock: &Clock) -> Journal {
    let identity = Identity { signer: key().pubkey().to_string(), genesis };
    loop {
        match Journal::open_with(path, identity.clone(), COMPACT_ABOVE, Disk::mount(Arc::clone(plan))) {
            Ok((journal, _)) => return journal,
            // As the program does when it cannot start: whoever supervises it starts it again.
            Err(_) => clock.sleep(Duration::from_secs(2)).await,
        }
    }
}

/// What a life lives with.
struct World {
    endpoints: Arc<Endpoints>,
    plan: Arc<Plan>,
    place: Place,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl World {
    async fn live(self, first_life: bool, mut updates: mpsc::UnboundedReceiver<Update>, alive: Liveness) {
        let (endpoints, place) = (&self.endpoints, &self.place);
        let (clock, config) = (&place.clock, &place.config);
        let (genesis, market) = loop {
            if endpoints.keep_surveyed().await.is_ok()
                && let Some(genesis) = endpoints.genesis()
                && let Ok(seen) = endpoints.market(&config.market).await
            {
                break (genesis, seen.market);
            }
            clock.sleep(Duration::from_secs(1)).await;
        };
        let journal = journal(&place.journal, genesis.to_string(), &self.plan, clock).await;
        let (metrics, status) = (Metrics::default(), Status::new(Duration::from_secs(60)));
        let desk = Desk::new(Arc::clone(endpoints), Arc::new(key()), journal, desk_terms(first_life), metrics.clone());
        let desk = Arc::new(desk);
        let mode = Mode { once: false, dry: false };
        let keeper = Keeper::assemble(config, mode, &desk, endpoints, &market, (&metrics, &status));
        let mut keeper = keeper.expect("a keeper");
        let (feed, mut events) = Feed::new("polling", metrics);
        let mut sources = JoinSet::new();
        let (poll, resync) = (config.stream.poll, config.stream.resync);
        let poller = Poller::new(config.market, poll, resync, Arc::clone(endpoints), keeper.watched(), alive);
        sources.spawn(polls(poller.with_clock(clock.clone()), feed.clone(), clock.clone(), poll));
        let _watching = keeper.watch();
        loop {
            while let Ok(update) = updates.try_recv() {
                feed.update(update).await;
            }
            keeper.turn(&mut events).await;
            let end = if self.stop.load(Ordering::SeqCst) { Some(keeper.end().await) } else { None };
            // The dead count nothing.
            if !self.plan.doom.is_dead() {
                let mut seen = self.seen.lock().expect("nobody panics holding it");
                seen.turns += 1;
                seen.ledger = keeper.liquidator().ledger().clone();
                seen.in_flight = desk.in_flight();
                seen.end = end;
            }
            if end.is_some() {
                return;
            }
            clock.sleep(Duration::from_millis(1_800)).await;
        }
    }
}

/// As [`Poller::run`], in the time of the case.
async fn polls(mut poller: Poller<Endpoints>, feed: Feed, clock: Clock, pause: Duration) {
    loop {
        if let Err(error) = poller.pass(&feed).await {
            feed.tell(Event::Failed(error.to_string())).await;
        }
        clock.sleep(pause).await;
    }
}
