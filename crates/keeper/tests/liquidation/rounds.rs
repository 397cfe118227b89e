//! The main loop on a chain: how a single pass ends, when the keeper is ready, and which accounts it watches.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ballast_client::{Pubkey, Source, SourceKind, account};
use ballast_keeper::clock::Clock;
use ballast_keeper::config::Config;
use ballast_keeper::endpoints::Endpoints;
use ballast_keeper::journal::{COMPACT_ABOVE, Identity, Journal, Medium, Mount};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::rounds::{End, Keeper, Mode};
use ballast_keeper::server::Status;
use ballast_keeper::stream::{Event, Feed};
use ballast_keeper::updates::Update;
use ballast_tests::{Signer, address, key};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::node::{self, Chain, SLOT, Shared, lock};
use crate::ticks::{SYMBOLS, crash};

/// A disk that takes nothing while it is full.
struct Disk {
    file: File,
    full: Arc<AtomicBool>,
}

impl Medium for Disk {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Medium::write(&mut self.file, at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync_folder(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A keeper in a market with four vaults that can be liquidated.
struct Scene {
    chain: Shared,
    market: Pubkey,
    vaults: Vec<Pubkey>,
    config: Config,
    endpoints: Arc<Endpoints>,
    keeper: Keeper,
    metrics: Metrics,
    status: Status,
    full: Arc<AtomicBool>,
    /// What a stream would bring.
    feed: Feed,
    events: mpsc::Receiver<Event>,
    clock: Clock,
    _folder: TempDir,
}

impl Scene {
    async fn new(clock: Clock) -> Self {
        let (fixture, vaults) = crash();
        let (chain, market) = (Chain::new(&fixture.world().svm), fixture.market_address());
        let mut text = format!(
            "market = \"{market}\"\njournal = \"unused\"\n\
             [[endpoint]]\nname = \"one\"\nurl = \"https://one.example\"\n\
             [[endpoint]]\nname = \"two\"\nurl = \"https://two.example\"\n\
             [stream]\nkind = \"polling\"\n[changes]\nenabled = false\ncandidates = false\n\
             [prices]\nenabled = false\n[prices.accounts]\n"
        );
        for symbol in SYMBOLS {
            text.push_str(&format!("{symbol} = \"{}\"\n", fixture.token(symbol).oracle));
        }
        let config = Config::parse(&text, &|_| None).expect("a configuration");
        let (endpoints, metrics) = (node::endpoints(&chain, &clock), Metrics::new());
        let (folder, full) = (tempfile::tempdir().expect("a folder"), Arc::new(AtomicBool::new(false)));
        let identity = Identity { signer: key("keeper").pubkey().to_string(), genesis: "of the test".to_owned() };
        let disk = Arc::clone(&full);
        let mount: Mount = Box::new(move |file| Box::new(Disk { file, full: Arc::clone(&disk) }));
        let journal = Journal::open_with(&folder.path().join("journal"), identity, COMPACT_ABOVE, mount);
        let desk = node::desk_with(&endpoints, key("keeper"), journal.expect("a journal").0, &metrics);
        let status = Status::new(Duration::from_secs(60));
        endpoints.survey().await.expect("nodes");
        let seen = endpoints.market(&market).await.expect("a market").market;
        let mode = Mode { once: false, dry: false };
        let keeper = Keeper::assemble(&config, mode, &desk, &endpoints, &seen, (&metrics, &status)).expect("a keeper");
        let (feed, events) = Feed::new("stream", metrics.clone());
        let (blocks, time) = (Arc::clone(&chain), clock.clone());
        tokio::spawn(async move {
            loop {
                time.sleep(SLOT).await;
                lock(&blocks).step();
            }
        });
        let _folder = folder;
        Self { chain, market, vaults, config, endpoints, keeper, metrics, status, full, feed, events, clock, _folder }
    }

    fn read(&self, address: Pubkey) -> Update {
        let chain = lock(&self.chain);
        let found = chain.svm.get_account(&address).expect("an account");
        Update { address, owner: found.owner, data: Some(found.data), slot: chain.slot }
    }

    async fn hears_of(&self, address: Pubkey) {
        assert!(self.feed.update(self.read(address)).await);
    }

    async fn lives(&mut self, time: Duration) {
        let begun = self.clock.now();
        while self.clock.since(begun) < time {
            self.keeper.turn(&mut self.events).await;
        }
    }
}

#[test]
fn a_single_pass_in_which_liquidations_fail_has_not_done_everything() {
    for (fails, end) in [(false, End::Orderly), (true, End::Incomplete)] {
        node::in_stopped_time(|clock| async move {
            let scene = Scene::new(clock).await;
            lock(&scene.chain).fails = fails;
            let ended = scene.keeper.run_once(&scene.config, std::future::pending()).await;
            assert_eq!((ended, lock(&scene.chain).sent.len()), (end, 4));
        });
    }
}

#[test]
fn a_journal_that_refuses_a_liquidation_is_a_reason_not_to_be_ready_until_it_takes_one() {
    node::in_stopped_time(|clock| async move {
        let mut scene = Scene::new(clock).await;
        scene.lives(Duration::from_secs(2)).await;
        assert_eq!(scene.status.missing().get("journal"), None);
        scene.full.store(true, Ordering::SeqCst);
        for vault in scene.vaults.clone() {
            scene.hears_of(vault).await;
        }
        scene.lives(Duration::from_secs(20)).await;
        let why = scene.status.missing().remove("journal").expect("a reason");
        assert!(why.starts_with("cannot write the journal "), "{why}");
        assert_eq!(lock(&scene.chain).sent.len(), 0);
        scene.full.store(false, Ordering::SeqCst);
        scene.lives(Duration::from_secs(20)).await;
        assert_eq!((scene.status.missing().get("journal"), lock(&scene.chain).sent.len()), (None, 4));
    });
}

#[test]
fn who_is_ending_is_not_ready_while_it_waits_for_what_is_under_way() {
    node::in_stopped_time(|clock| async move {
        let mut scene = Scene::new(clock.clone()).await;
        let (lost, status) = (scene.vaults[0], scene.status.clone());
        lock(&scene.chain).loses = Some(lost);
        scene.lives(Duration::from_secs(1)).await;
        scene.hears_of(lost).await;
        scene.lives(Duration::from_secs(4)).await;
        assert_eq!((lock(&scene.chain).sent.len(), status.missing().get("service")), (1, None));
        let looks_on = async {
            clock.sleep(Duration::from_secs(5)).await;
            status.missing().remove("service")
        };
        // The lost one can land for another minute.
        let (end, why) = tokio::join!(scene.keeper.end(), looks_on);
        assert_eq!(why.as_deref(), Some("ending: nothing more is begun, and what is under way is waited for"));
        assert_eq!(end, End::Orderly);
    });
}

#[test]
fn oracle_accounts_of_a_market_that_a_reading_of_its_own_brought_are_watched_and_former_ones_are_no_suspects() {
    node::in_stopped_time(|clock| async move {
        let mut scene = Scene::new(clock).await;
        scene.lives(Duration::from_secs(2)).await;
        let (watched, market) = (scene.keeper.watched(), scene.market);
        let mut books = scene.endpoints.market(&market).await.expect("a market").market;
        let [new, old] = [address("a new oracle"), address(&format!("oracle {}", SYMBOLS[1]))];
        assert!(watched.borrow().contains(&old) && !watched.borrow().contains(&new));
        let kind = (0u8..).find(|kind| Source { kind: *kind, ..Source::NONE }.kind() == SourceKind::PythPush);
        books.assets[1].sources[0] = Source { key: new, kind: kind.expect("a kind"), ..Source::NONE };
        {
            let mut chain = lock(&scene.chain);
            let known = chain.svm.get_account(&market).expect("a market");
            chain
                .svm
                .set_account(market, solana_account::Account { data: account::encode(&*books), ..known })
                .expect("room");
        }
        // No stream says so: the liquidator reads the market itself.
        scene.lives(Duration::from_secs(2)).await;
        assert!(watched.borrow().contains(&new) && !watched.borrow().contains(&old));
        // A stream that brings the same, late, changes nothing, and what it still brings of the old one is no vault.
        scene.hears_of(market).await;
        scene.hears_of(old).await;
        scene.lives(Duration::from_secs(2)).await;
        assert!(watched.borrow().contains(&new));
        assert!(scene.metrics.text().contains("ballast_keeper_quarantined_accounts 0\n"));
    });
}
