//! A price whose refresh is lost keeps no other price from being refreshed, and its age is told.

use std::collections::BTreeMap;
use std::time::Duration;

use ballast_client::transaction::Version;
use ballast_client::{Market, Pubkey, account};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::prices::Policy;
use ballast_keeper::rounds::Hand;
use ballast_keeper::rounds::refresher::{Habits, Refresher};
use ballast_keeper::server::Status;
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

#[test]
fn a_refresh_that_is_lost_holds_up_its_own_asset_alone_and_ages_grow_in_silence() {
    node::in_stopped_time(|clock| async move {
        let fixture = Fixture::of(SYMBOLS.iter().map(|symbol| assets::token(symbol).with(&[(MaxAge, 600)])).collect());
        let fixture = fixture.stocked();
        fixture.newcomer("keeper");
        fixture.advances(60);
        let tokens = fixture.tokens();
        tokens.iter().for_each(|token| fixture.sets_price(token.symbol, token.price));
        let address = fixture.market_address();
        let chain = Chain::new(&fixture.world().svm);
        let (endpoints, metrics) = (node::endpoints(&chain, &clock), Metrics::new());
        let folder = tempfile::tempdir().expect("a folder");
        let desk = node::desk(&endpoints, key("keeper"), folder.path(), &metrics);
        desk.recover().await.expect("nodes");
        let status = Status::new(Duration::from_secs(60));
        let hand = Hand::new(desk, endpoints, status, Version::V0, false);
        let named: BTreeMap<_, _> =
            tokens.iter().map(|token| (token.symbol.to_owned(), [Some(token.oracle), None])).collect();
        let habits = Habits {
            policy: Policy { seconds: 30, bps: 20, batch: 1 },
            check: Duration::from_secs(2),
            enabled: true,
            observes: true,
            named,
        };
        let mut refresher = Refresher::new(address, hand, habits, metrics.clone());
        let watched = refresher.follow(&market(&chain, address).0);
        lock(&chain).loses = Some(tokens[0].oracle);

        let published: Vec<u64> = market(&chain, address).0.listed().iter().map(|asset| asset.publish_time).collect();
        let mut lives = async |slots: u32, hears: bool| {
            for _ in 0..slots {
                if hears {
                    watched.iter().for_each(|address| refresher.take(&read(&chain, *address)));
                }
                let (market, slot) = market(&chain, address);
                refresher.round(&market, slot);
                lock(&chain).step();
                clock.sleep(SLOT).await;
            }
        };
        lives(25, true).await;
        let fresh = || -> Vec<bool> {
            let (market, _) = market(&chain, address);
            market.listed().iter().zip(&published).map(|(asset, before)| asset.publish_time > *before).collect()
        };
        assert_eq!(fresh(), [false, true, true, true]);
        assert_eq!(lock(&chain).sent.len(), 4, "each once");

        // Nothing arrives any more: the ages grow by the clock.
        let before: Vec<u64> = SYMBOLS.iter().map(|symbol| age(&metrics, symbol)).collect();
        lives(50, false).await;
        let after: Vec<u64> = SYMBOLS.iter().map(|symbol| age(&metrics, symbol)).collect();
        assert_eq!(after, before.iter().map(|age| age + 20).collect::<Vec<_>>());
        assert!(after[0] >= after[1] + 60, "{after:?}");

        // It is sent again and again, and never signed again while it can land.
        lock(&chain).loses = None;
        lives(15, true).await;
        assert_eq!(fresh(), [true; 4]);
        assert_eq!(lock(&chain).sent.len(), 4);
    });
}
