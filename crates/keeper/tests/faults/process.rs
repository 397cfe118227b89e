//! The keeper as a process of its own that is really killed, at each step of its journal, and started again. It talks HTTP to
//! nodes in this process, and nothing of it survives but the file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use ballast_cluster::connection::Connection;
use ballast_keeper::clock::Clock;
use ballast_keeper::desk::Desk;
use ballast_keeper::endpoints::{self, Endpoints, Policy};
use ballast_keeper::journal::{COMPACT_ABOVE, Identity, Journal, Medium, Mount, records};
use ballast_keeper::liquidator::{Ledger, Liquidator};
use ballast_keeper::metrics::Metrics;
use ballast_tests::Signer;
use serde_json::{Value, json};
use solana_client::rpc_request::RpcRequest;

use crate::case::{Outcome, missed};
use crate::chain::{Base, Chain, liquidator as key};
use crate::judge;
use crate::life::{desk_terms, terms};
use crate::node::{Doom, Mood, Node};

/// What the child is told: journal, market, fatal step, nodes.
const JOURNAL: &str = "BALLAST_FAULT_JOURNAL";
const MARKET: &str = "BALLAST_FAULT_MARKET";
const STEP: &str = "BALLAST_FAULT_STEP";
const NODES: &str = "BALLAST_FAULT_NODES";
/// A block, which is as fast as two processes can follow.
const BLOCK: Duration = Duration::from_millis(30);

/// The file that says that the fatal step was reached.
fn marker(journal: &Path) -> PathBuf {
    journal.with_extension("reached")
}

/// A file in front of which, or behind which, the process waits for its end.
struct Fatal {
    file: File,
    journal: PathBuf,
    /// Write, and whether it is still made.
    step: Option<(u64, bool)>,
    writes: u64,
}

impl Fatal {
    fn wait(&self) -> ! {
        File::create(marker(&self.journal)).expect("a marker");
        loop {
            std::thread::park();
        }
    }
}

impl Medium for Fatal {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.step == Some((self.writes, false)) {
            self.wait();
        }
        Medium::write(&mut self.file, at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Medium::sync(&mut self.file)?;
        if self.step == Some((self.writes, true)) {
            self.wait();
        }
        self.writes += 1;
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        Medium::cut(&mut self.file, length)
    }
}

/// Not a test by itself: what the process below runs.
#[test]
fn the_keeper_of_the_test_below() {
    let Ok(journal) = std::env::var(JOURNAL) else { return };
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let step = told(STEP).split_once(':').map(|(write, after)| (write.parse().expect("a number"), after == "after"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(keep(PathBuf::from(journal), step, &told(MARKET), &told(NODES)));
}

async fn keep(path: PathBuf, step: Option<(u64, bool)>, market: &str, nodes: &str) {
    let node = |url: &str| endpoints::Node { name: url.to_owned(), connection: Connection::new(url) };
    // Blocks come faster here than anywhere, so that a survey is more of them behind.
    let policy = Policy { least_healthy: 2, most_slots_behind: 200, timeout: Duration::from_secs(2) };
    let endpoints = Arc::new(Endpoints::new(nodes.split(' ').map(node).collect(), policy).expect("two nodes"));
    let genesis = loop {
        match (endpoints.survey().await, endpoints.genesis()) {
            (Ok(()), Some(genesis)) => break genesis,
            _ => endpoints.clock().sleep(Duration::from_millis(100)).await,
        }
    };
    let identity = Identity { signer: key().pubkey().to_string(), genesis: genesis.to_string() };
    let at = path.clone();
    let mount: Mount = Box::new(move |file| Box::new(Fatal { file, journal: at.clone(), step, writes: 0 }));
    let (journal, _) = Journal::open_with(&path, identity, COMPACT_ABOVE, mount).expect("a journal");
    let metrics = Metrics::default();
    let terms_of_desk = ballast_keeper::desk::Terms { poll: Duration::from_millis(60), ..desk_terms(true) };
    let desk = Desk::new(Arc::clone(&endpoints), Arc::new(key()), journal, terms_of_desk, metrics.clone());
    let terms = ballast_keeper::liquidator::Terms { poll: Duration::from_millis(500), ..terms() };
    let market = market.parse().expect("an address");
    let mut liquidator = Liquidator::new(market, Arc::clone(&endpoints), Arc::new(desk), terms, metrics);
    loop {
        liquidator.tick().await;
        endpoints.clock().sleep(Duration::from_millis(100)).await;
    }
}

async fn answer(State(node): State<Arc<Node>>, body: String) -> String {
    let asked: Value = serde_json::from_str(&body).unwrap_or_default();
    let request = match asked["method"].as_str().unwrap_or_default() {
        "getGenesisHash" => RpcRequest::GetGenesisHash,
        "getEpochInfo" => RpcRequest::GetEpochInfo,
        "getBlockHeight" => RpcRequest::GetBlockHeight,
        "getLatestBlockhash" => RpcRequest::GetLatestBlockhash,
        "isBlockhashValid" => RpcRequest::IsBlockhashValid,
        "getMultipleAccounts" => RpcRequest::GetMultipleAccounts,
        "getProgramAccounts" => RpcRequest::GetProgramAccounts,
        "getRecentPrioritizationFees" => RpcRequest::GetRecentPrioritizationFees,
        "simulateTransaction" => RpcRequest::SimulateTransaction,
        "sendTransaction" => RpcRequest::SendTransaction,
        "getSignatureStatuses" => RpcRequest::GetSignatureStatuses,
        "getTransaction" => RpcRequest::GetTransaction,
        other => panic!("{other} is nothing that the keeper asks"),
    };
    match node.answer(request, &asked["params"]) {
        Ok(result) => json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string(),
        Err(error) => {
            let error = json!({"code": -32_000, "message": error.to_string()});
            json!({"jsonrpc": "2.0", "id": asked["id"], "error": error}).to_string()
        }
    }
}

/// A node of the chain over HTTP. Returns its URL.
async fn serve(chain: &Arc<Mutex<Chain>>) -> String {
    let (mood, doom) = (Arc::new(Mutex::new(Mood::default())), Arc::new(Doom::never()));
    let node = Node { chain: Arc::clone(chain), mood, doom, clock: Clock::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/", post(answer)).with_state(Arc::new(node));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn start(journal: &Path, market: &str, nodes: &str, step: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", "process::the_keeper_of_the_test_below", "--nocapture"]);
    command.env(JOURNAL, journal).env(MARKET, market).env(NODES, nodes).env(STEP, step);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process")
}

/// SIGKILL.
fn kill(mut child: Child) {
    child.kill().expect("a process that runs");
    child.wait().expect("a process that has ended");
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if reached() {
            return;
        }
        tokio::time::sleep(BLOCK).await;
    }
    panic!("not within two minutes: {what}");
}

/// The writes of a first life: the journal's beginning (0), its completion (1), then the steps of the liquidations.
async fn killed_at(base: &Base, step: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let chain = Arc::new(Mutex::new(Chain::new(base)));
    let before = chain.lock().expect("a chain").balances();
    let nodes = [serve(&chain).await, serve(&chain).await].join(" ");
    let moving = Arc::clone(&chain);
    let blocks = tokio::spawn(async move {
        loop {
            moving.lock().expect("a chain").step();
            tokio::time::sleep(BLOCK).await;
        }
    });
    tokio::time::sleep(BLOCK * 3).await;
    chain.lock().expect("a chain").price("106");
    let market = base.market.to_string();
    let first = start(&journal, &market, &nodes, step);
    until(step, || marker(&journal).exists()).await;
    kill(first);
    let mut journals = vec![records(&journal).unwrap_or_default()];
    let second = start(&journal, &market, &nodes, "");
    until("everything handled after the restart", || {
        let chain = chain.lock().expect("a chain");
        let landing = chain.sent.iter().any(|sent| chain.could_land(&sent.signature));
        !landing && missed(&chain).is_empty() && is_ended(&journal)
    })
    .await;
    kill(second);
    blocks.abort();
    journals.push(records(&journal).expect("a journal"));
    let landed = chain.lock().expect("a chain").included.len();
    let outcome = Outcome {
        chain,
        before,
        ledger: Ledger::default(),
        journals,
        kills: 2,
        lost: false,
        disk_was_full: false,
        settled: true,
        stopped: false,
        landed,
    };
    assert_eq!(judge::violations(&outcome), Vec::<String>::new(), "killed at {step}");
    assert!(landed >= 3, "{landed} liquidations after {step}");
}

/// Whether the journal leaves nothing open.
fn is_ended(journal: &Path) -> bool {
    judge::open_intents(&records(journal).unwrap_or_default()).is_empty()
}

#[test]
fn a_keeper_that_is_killed_at_any_step_of_its_journal_goes_on_where_it_was() {
    let base = Base::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for write in 0..6 {
            for side in ["before", "after"] {
                killed_at(&base, &format!("{write}:{side}")).await;
            }
        }
    });
}
