//! A price whose refresh is lost keeps no other price from being refreshed, and its age is told.

use std::time::Duration;

use ballast_client::transaction::Version;
use ballast_client::{Market, Pubkey, account};
use ballast_keeper::clock::Clock;
use ballast_keeper::metrics::Metrics;
use ballast_keeper::prices::Policy;
use ballast_keeper::rounds::Hand;
use ballast_keeper::rounds::refresher::{Habits, Refresher};
use ballast_keeper::updates::Update;
use ballast_tests::client::table::Parameter::MaxAge;
use ballast_tests::{Fixture, assets, key};

use crate::node::{self, Chain, SLOT, Shared, lock};

const SYMBOLS: [&str; 4] = ["SOL", "BTC", "USDC", "USDT"];

fn read(chain: &Shared, address: Pubkey) -> Update {
    let chain = lock(chain);
    let found = chain.svm.get_account(&address).expect("an account");
    Update { address, owner: found.owner, data: Some(found.data), slot: chain.slot }
}

fn market(chain: &Shared, address: Pubkey) -> (Box<Market>, u64) {
    let Update { owner, data, slot, .. } = read(chain, address);
    (account::market(&owner, &data.expect("data")).expect("a market"), slot)
}

fn age(metrics: &Metrics, symbol: &str) -> u64 {
    let name = format!("ballast_keeper_oracle_age_seconds{{asset=\"{symbol}\"}} ");
    let text = metrics.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&name)).expect("an age");
    line.parse::<f64>().expect("a number") as u64
}

/// A market whose prices have all moved on chain, and who refreshes them.
struct Scene {
    chain: Shared,
    address: Pubkey,
    tokens: Vec<assets::Token>,
    refresher: Refresher,
    /// Oracle accounts and the clock.
    watched: Vec<Pubkey>,
    metrics: Metrics,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(clock: &Clock, batch: usize) -> Self {
        let fixture = Fixture::of(SYMBOLS.iter().map(|symbol| assets::token(symbol).with(&[(MaxAge, 600)])).collect());
        let fixture = fixture.stocked();
        fixture.newcomer("keeper");
        fixture.advances(60);
        let tokens = fixture.tokens();
        tokens.iter().for_each(|token| fixture.sets_price(token.symbol, token.price));
        let (chain, address) = (Chain::new(&fixture.world().svm), fixture.market_address());
        let (endpoints, metrics) = (node::endpoints(&chain, clock), Metrics::new());
        let folder = tempfile::tempdir().expect("a folder");
        let desk = node::desk(&endpoints, key("keeper"), folder.path(), &metrics);
        desk.recover().await.expect("nodes");
        let hand = Hand::new(desk, endpoints, Version::V0, false);
        let named = tokens.iter().map(|token| (token.symbol.to_owned(), [Some(token.oracle), None])).collect();
        let policy = Policy { seconds: 30, bps: 20, batch };
        let habits = Habits { policy, check: Duration::from_secs(2), enabled: true, observes: true, named };
        let mut refresher = Refresher::new(address, hand, habits, metrics.clone());
        let watched = refresher.follow(&market(&chain, address).0);
        Self { chain, address, tokens, refresher, watched, metrics, clock: clock.clone(), _folder: folder }
    }

    /// A round at every slot. What `hears` says is heard of is read before.
    async fn lives(&mut self, slots: u32, hears: impl Fn(&Pubkey) -> bool) {
        for _ in 0..slots {
            let heard = self.watched.iter().filter(|address| hears(address));
            let heard: Vec<Update> = heard.map(|address| read(&self.chain, *address)).collect();
            heard.iter().for_each(|update| self.refresher.take(update));
            let (market, slot) = market(&self.chain, self.address);
            self.refresher.round(&market, slot);
            lock(&self.chain).step();
            self.clock.sleep(SLOT).await;
        }
    }

    /// When the stored prices were published.
    fn published(&self) -> Vec<u64> {
        market(&self.chain, self.address).0.listed().iter().map(|asset| asset.publish_time).collect()
    }

    /// Which stored prices are newer than these.
    fn newer(&self, than: &[u64]) -> Vec<bool> {
        self.published().iter().zip(than).map(|(now, before)| now > before).collect()
    }

    fn sent(&self) -> usize {
        lock(&self.chain).sent.len()
    }
}

/// How many refreshes ended like this.
fn count(metrics: &Metrics, result: &str) -> u64 {
    let name = format!("ballast_keeper_price_refreshes_total{{result=\"{result}\"}} ");
    let text = metrics.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |number| number.parse().expect("a number"))
}

#[test]
fn a_refresh_that_is_lost_holds_up_its_own_asset_alone_and_ages_grow_in_silence() {
    node::in_stopped_time(|clock| async move {
        let mut scene = Scene::new(&clock, 1).await;
        lock(&scene.chain).loses = Some(scene.tokens[0].oracle);
        let published = scene.published();
        scene.lives(25, |_| true).await;
        assert_eq!(scene.newer(&published), [false, true, true, true]);
        assert_eq!(scene.sent(), 4, "each once");

        // Nothing arrives any more: the ages grow by the clock.
        let before: Vec<u64> = SYMBOLS.iter().map(|symbol| age(&scene.metrics, symbol)).collect();
        scene.lives(50, |_| false).await;
        let after: Vec<u64> = SYMBOLS.iter().map(|symbol| age(&scene.metrics, symbol)).collect();
        assert_eq!(after, before.iter().map(|age| age + 20).collect::<Vec<_>>());
        assert!(after[0] >= after[1] + 60, "{after:?}");

        // It is sent again and again, and never signed again while it can land.
        lock(&scene.chain).loses = None;
        scene.lives(15, |_| true).await;
        assert_eq!(scene.newer(&published), [true; 4]);
        assert_eq!(scene.sent(), 4);
    });
}

#[test]
fn a_price_that_the_program_refuses_leaves_its_batch_and_waits_longer_each_time() {
    node::in_stopped_time(|clock| async move {
        let mut scene = Scene::new(&clock, 4).await;
        let (published, bad) = (scene.published(), scene.tokens[1].oracle);
        scene.refresher.take(&read(&scene.chain, bad));
        // The account has another owner since it was read, and nobody has noticed.
        let account = lock(&scene.chain).svm.get_account(&bad).expect("an account");
        let stolen = solana_account::Account { owner: Pubkey::new_from_array([7; 32]), ..account.clone() };
        lock(&scene.chain).svm.set_account(bad, stolen).expect("room");
        scene.lives(10, |address| *address != bad).await;
        assert_eq!(scene.newer(&published), [true, false, true, true]);
        assert_eq!(scene.sent(), 3, "each of the others alone, and the refused one is not even signed");
        // Of 24 seconds it was tried in the first one, and 2, 4 and 8 seconds after that.
        scene.lives(50, |address| *address != bad).await;
        assert_eq!(count(&scene.metrics, "refused"), 4);
        assert_eq!((count(&scene.metrics, "landed"), scene.sent()), (3, 3));
        // As soon as it is what it was it is refreshed, 16 seconds after the last time.
        lock(&scene.chain).svm.set_account(bad, account).expect("room");
        scene.lives(50, |address| *address != bad).await;
        assert_eq!(scene.newer(&published), [true; 4]);
    });
}
