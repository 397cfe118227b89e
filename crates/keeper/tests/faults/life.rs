//! One life of the keeper: the real endpoints, journal, desk and liquidator, on nodes of the test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ballast_client::Pubkey;
use ballast_cluster::connection::Connection;
use ballast_cluster::sending::FeePolicy;
use ballast_keeper::clock::Clock;
use ballast_keeper::desk::{self, Desk};
use ballast_keeper::endpoints::{self, Endpoints, Policy};
use ballast_keeper::journal::{COMPACT_ABOVE, Identity, Journal};
use ballast_keeper::liquidator::{self, Ledger, Liquidator};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::strategy::{self, Costs, LamportPrice};
use ballast_keeper::updates::Update;
use ballast_tests::Signer;
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::CommitmentConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::chain::{Chain, liquidator as key};
use crate::disk::{Disk, Plan};
use crate::node::{Doom, Mood, Node};
use crate::script::Step;

/// Least profit that the keeper acts for, micro-dollars.
pub const LEAST: i64 = 10_000;

/// What can be seen of a life from outside.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub ledger: Ledger,
    pub ticks: u64,
    pub in_flight: usize,
    /// Vaults that could be liquidated, as far as the keeper knows.
    pub found: usize,
    /// Ticks in which nothing was done because too few nodes could be relied on.
    pub unready: u64,
}

pub struct Life {
    pub handle: JoinHandle<()>,
    pub doom: Arc<Doom>,
    pub seen: Arc<Mutex<Seen>>,
    pub stream: mpsc::UnboundedSender<Update>,
}

/// Where a life happens.
#[derive(Clone)]
pub struct Place {
    pub chain: Arc<Mutex<Chain>>,
    pub moods: Vec<Arc<Mutex<Mood>>>,
    pub market: Pubkey,
    pub journal: PathBuf,
    pub full: Arc<AtomicBool>,
    pub clock: Clock,
}

impl Place {
    /// The keeper starts. It ends at this step, if it comes to it.
    pub fn start(&self, step: Option<Step>, first_life: bool) -> Life {
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
        let endpoints =
            Arc::new(Endpoints::new(nodes.collect(), policy()).expect("enough nodes").with_clock(self.clock.clone()));
        let plan = Plan { full: Arc::clone(&self.full), doom: Arc::clone(&doom), step, writes: AtomicI64::new(0) };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stream, updates) = mpsc::unbounded_channel();
        let living = live(endpoints, Arc::new(plan), self.clone(), first_life, updates, Arc::clone(&seen));
        Life { handle: tokio::spawn(living), doom, seen, stream }
    }
}

fn policy() -> Policy {
    Policy { least_healthy: 2, most_slots_behind: 50, timeout: Duration::from_secs(1) }
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

pub fn terms() -> liquidator::Terms {
    let costs = Costs { lamport_price: LamportPrice::Asset(0), ..Costs::default() };
    liquidator::Terms {
        strategy: strategy::Terms { least_profit: LEAST, costs, ..strategy::Terms::default() },
        most_in_flight: 4,
        poll: Duration::from_secs(6),
        resync: Duration::from_secs(20),
        ..liquidator::Terms::default()
    }
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

async fn live(
    endpoints: Arc<Endpoints>,
    plan: Arc<Plan>,
    place: Place,
    first_life: bool,
    mut updates: mpsc::UnboundedReceiver<Update>,
    seen: Arc<Mutex<Seen>>,
) {
    let clock = endpoints.clock().clone();
    let genesis = loop {
        match (endpoints.keep_surveyed().await, endpoints.genesis()) {
            (Ok(()), Some(genesis)) => break genesis,
            _ => clock.sleep(Duration::from_secs(1)).await,
        }
    };
    let journal = journal(&place.journal, genesis.to_string(), &plan, &clock).await;
    let metrics = Metrics::default();
    let desk = Desk::new(Arc::clone(&endpoints), Arc::new(key()), journal, desk_terms(first_life), metrics.clone());
    let desk = Arc::new(desk);
    let mut liquidator = Liquidator::new(place.market, endpoints, Arc::clone(&desk), terms(), metrics);
    loop {
        while let Ok(update) = updates.try_recv() {
            liquidator.receive(&update);
        }
        let tick = liquidator.tick().await;
        // The dead count nothing.
        if !plan.doom.is_dead() {
            let mut seen = seen.lock().expect("nobody panics holding it");
            seen.ticks += 1;
            seen.ledger = liquidator.ledger().clone();
            seen.in_flight = tick.in_flight + desk.in_flight();
            seen.found = tick.liquidatable;
            seen.unready += u64::from(tick.unready.is_some());
        }
        clock.sleep(Duration::from_millis(2_000)).await;
    }
}
