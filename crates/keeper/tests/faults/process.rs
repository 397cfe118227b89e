//! The keeper as a process of its own that is really killed (SIGKILL) at each step of its journal, by kind of record, and
//! started again. It talks HTTP to nodes in this process, and nothing of it survives but the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use ballast_cluster::connection::Connection;
use ballast_keeper::clock::Clock;
use ballast_keeper::config::Config;
use ballast_keeper::desk::Desk;
use ballast_keeper::endpoints::{self, Endpoints, Policy};
use ballast_keeper::journal::{COMPACT_ABOVE, Identity, Journal, Medium, Mount, records};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::rounds::{Keeper, Mode};
use ballast_keeper::server::Status;
use ballast_keeper::stream::{Feed, Link, Poller};
use ballast_tests::Signer;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use solana_client::rpc_request::RpcRequest;

use crate::base::Base;
use crate::case::{Outcome, counts, missed};
use crate::chain::{Chain, liquidator as key};
use crate::judge;
use crate::life::{configuration, desk_terms};
use crate::node::{Doom, Mood, Node};

/// What the child is told: its configuration, journal, fatal step, nodes, and whether somebody vouches that it is the first life.
const CONFIG: &str = "BALLAST_FAULT_CONFIG";
const JOURNAL: &str = "BALLAST_FAULT_JOURNAL";
const STEP: &str = "BALLAST_FAULT_STEP";
const NODES: &str = "BALLAST_FAULT_NODES";
const FIRST: &str = "BALLAST_FAULT_FIRST";
/// A block, which is as fast as a few processes can follow.
const BLOCK: Duration = Duration::from_millis(40);
/// Kills that are tried at the same time.
const AT_ONCE: usize = 4;
/// The size at which a journal is compacted where that is the step, bytes: a few transactions.
const SMALL: u64 = 6_000;

/// The steps: a kind of record, and where its writing stands.
const STEPS: [&str; 22] = [
    "opening written",
    "opening synced",
    "opening renamed",
    "complete written",
    "complete synced",
    "sealed complete written",
    "sealed complete synced",
    "refresh intent written",
    "refresh intent synced",
    "refresh signed written",
    "refresh signed synced",
    "refresh ended written",
    "refresh ended synced",
    "liquidate intent written",
    "liquidate intent synced",
    "liquidate signed written",
    "liquidate signed synced",
    "liquidate ended written",
    "liquidate ended synced",
    "compaction written",
    "compaction synced",
    "compaction renamed",
];

/// The file that says that the fatal step was reached.
fn marker(journal: &Path) -> PathBuf {
    journal.with_extension("reached")
}

/// The journal as it was before it was compacted.
fn former(journal: &Path) -> PathBuf {
    journal.with_extension("former")
}

/// What all files of a journal share: where the process waits for its end, and what has been written so far.
struct Course {
    journal: PathBuf,
    step: String,
    /// Files that were written from their beginning.
    begun: AtomicU64,
    /// One of them waits to take the place of another.
    replaces: AtomicBool,
    /// What each intent is about.
    verbs: Mutex<BTreeMap<u64, String>>,
}

impl Course {
    /// Waits for ever if this is the fatal step.
    fn pass(&self, what: &str, how: &str) {
        // The same record after a seal is a step of its own.
        if self.step.strip_prefix("sealed ").unwrap_or(&self.step) != format!("{what} {how}") {
            return;
        }
        File::create(marker(&self.journal)).expect("a marker");
        loop {
            std::thread::park();
        }
    }

    /// Which kind of record is written.
    fn kind(&self, at: u64, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        if at == 0 {
            let first = self.begun.fetch_add(1, Ordering::SeqCst) == 0;
            return if first { "opening" } else { "compaction" }.to_owned();
        }
        let field = |name: &str| text.split_once(&format!("\"{name}\":")).map(|(_, rest)| rest);
        let word = |name: &str| field(name).and_then(|rest| rest.split('"').nth(1)).unwrap_or_default().to_owned();
        let record = word("record");
        if record == "complete" {
            return record;
        }
        let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
        let id = field("id").and_then(|rest| digits(rest).parse().ok()).unwrap_or_default();
        let mut verbs = self.verbs.lock().expect("nobody panics holding it");
        if let Some((verb, _)) = word("key").split_once(':') {
            verbs.insert(id, verb.to_owned());
        }
        format!("{} {record}", verbs.get(&id).map_or("", String::as_str))
    }
}

/// A file of the journal.
struct Fatal {
    file: File,
    course: Arc<Course>,
    writing: String,
}

impl Medium for Fatal {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.writing = self.course.kind(at, bytes);
        Medium::write(&mut self.file, at, bytes)?;
        self.course.pass(&self.writing, "written");
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Medium::sync(&mut self.file)?;
        if self.writing == "compaction" {
            // What has ended is about to be forgotten, and the judge wants to hear of it.
            std::fs::copy(&self.course.journal, former(&self.course.journal))?;
        }
        self.course.pass(&self.writing, "synced");
        self.course.replaces.store(["opening", "compaction"].contains(&self.writing.as_str()), Ordering::SeqCst);
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        Medium::cut(&mut self.file, length)
    }
}

/// A file is let go when another one has taken its place, and before the folder is on the disk.
impl Drop for Fatal {
    fn drop(&mut self) {
        if self.course.replaces.load(Ordering::SeqCst) {
            let first = self.course.begun.load(Ordering::SeqCst) == 1;
            self.course.pass(if first { "opening" } else { "compaction" }, "renamed");
        }
    }
}

/// Not a test by itself: what the process below runs.
#[test]
fn the_keeper_of_the_test_below() {
    let Ok(journal) = std::env::var(JOURNAL) else { return };
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let config = Config::parse(&told(CONFIG), &|_| None).expect("a configuration");
    let nodes = told(NODES);
    let keeping = keep(PathBuf::from(journal), told(STEP), &config, &nodes, told(FIRST) == "yes");
    runtime.expect("a runtime").block_on(keeping);
}

async fn keep(path: PathBuf, step: String, config: &Config, nodes: &str, first: bool) {
    let node = |url: &str| endpoints::Node { name: url.to_owned(), connection: Connection::new(url) };
    // Blocks come faster here than anywhere, so that a survey is more of them behind.
    let policy = Policy { least_healthy: 2, most_slots_behind: 200, timeout: Duration::from_secs(2) };
    let endpoints = Arc::new(Endpoints::new(nodes.split(' ').map(node).collect(), policy).expect("two nodes"));
    let (genesis, market) = loop {
        if endpoints.survey().await.is_ok()
            && let Some(genesis) = endpoints.genesis()
            && let Ok(seen) = endpoints.market(&config.market).await
        {
            break (genesis, seen.market);
        }
        endpoints.clock().sleep(Duration::from_millis(100)).await;
    };
    let identity = Identity { signer: key().pubkey().to_string(), genesis: genesis.to_string() };
    let compact_above = if step.starts_with("compaction") { SMALL } else { COMPACT_ABOVE };
    let (begun, replaces, verbs) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::default());
    let course = Arc::new(Course { journal: path.clone(), step, begun, replaces, verbs });
    let mount: Mount =
        Box::new(move |file| Box::new(Fatal { file, course: Arc::clone(&course), writing: String::new() }));
    let (journal, _) = Journal::open_with(&path, identity, compact_above, mount).expect("a journal");
    let (metrics, status) = (Metrics::default(), Status::new(Duration::from_secs(60)));
    let terms = ballast_keeper::desk::Terms { poll: Duration::from_millis(80), ..desk_terms(first) };
    let desk = Arc::new(Desk::new(Arc::clone(&endpoints), Arc::new(key()), journal, terms, metrics.clone()));
    let mode = Mode { once: false, dry: false };
    let keeper = Keeper::assemble(config, mode, &desk, &endpoints, &market, (&metrics, &status));
    let mut keeper = keeper.expect("a keeper");
    let (_link, alive) = Link::new(metrics.clone());
    let (feed, mut events) = Feed::new("polling", metrics);
    let (poll, resync) = (config.stream.poll, config.stream.resync);
    tokio::spawn(Poller::new(config.market, poll, resync, endpoints, keeper.watched(), alive).run(feed));
    let _watching = keeper.watch();
    loop {
        keeper.turn(&mut events).await;
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

fn start(config: &str, journal: &Path, nodes: &str, step: &str) -> Victim {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", "process::the_keeper_of_the_test_below", "--nocapture"]);
    let first = if step.starts_with("sealed") { "no" } else { "yes" };
    command.env(CONFIG, config).env(JOURNAL, journal).env(NODES, nodes).env(STEP, step).env(FIRST, first);
    Victim(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process"))
}

/// A keeper that ends by SIGKILL when it is let go, also by a test that fails.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        // One that has ended by itself is as dead.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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

/// A crash of the market in which the keeper is killed at a step, and another one takes over.
async fn killed_at(base: &Base, step: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let chain = Arc::new(Mutex::new(Chain::new(base)));
    let (config, mut outcome) = (configuration(base, false, 300, 200), Outcome::new(&chain));
    let nodes = [serve(&chain).await, serve(&chain).await].join(" ");
    let moving = Arc::clone(&chain);
    let blocks = tokio::spawn(async move {
        loop {
            moving.lock().expect("a chain").step();
            tokio::time::sleep(BLOCK).await;
        }
    });
    tokio::time::sleep(BLOCK * 3).await;
    chain.lock().expect("a chain").publish("106");
    let first = start(&config, &journal, &nodes, step);
    until(step, || marker(&journal).exists()).await;
    drop(first);
    outcome.journals.extend(records(&former(&journal)));
    outcome.journals.push(records(&journal).unwrap_or_default());
    let second = start(&config, &journal, &nodes, "");
    until("everything handled after the restart", || {
        let chain = chain.lock().expect("a chain");
        let landing = chain.sent.iter().any(|sent| chain.could_land(&sent.signature));
        // A refresh and the change, which may not have been due yet.
        !landing && missed(&chain).is_empty() && counts(&chain)[1] >= 2 && is_ended(&journal)
    })
    .await;
    drop(second);
    blocks.abort();
    outcome.journals.push(records(&journal).expect("a journal"));
    (outcome.kills, outcome.settled) = (2, true);
    assert_eq!(judge::violations(&outcome), Vec::<String>::new(), "killed at: {step}");
    let [liquidations, ..] = counts(&chain.lock().expect("a chain"));
    assert!(liquidations >= 3, "{liquidations} liquidations after: {step}");
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
        stream::iter(STEPS).map(|step| killed_at(&base, step)).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    });
}
