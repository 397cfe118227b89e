//! What the liquidator does when vaults, transactions and nodes do not do what they should.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ballast_client::{ID, Pubkey, StateView, account, snapshot};
use ballast_keeper::clock::Clock;
use ballast_keeper::index::Applied;
use ballast_keeper::liquidator::{Liquidator, Terms};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::strategy::{self, Costs, LamportPrice, Plan, Situation};
use ballast_keeper::updates::Update;
use ballast_tests::client::table::Parameter::MaxAge;
use ballast_tests::{Fixture, Signer, assets, key};

use crate::node::{self, Chain, SLOT, Shared, lock};

pub const SYMBOLS: [&str; 3] = ["SOL", "BTC", "USDC"];

/// A market with four vaults that can be liquidated, and a keeper with tokens.
pub fn crash() -> (Fixture, Vec<Pubkey>) {
    let market = Fixture::of(SYMBOLS.iter().map(|symbol| assets::token(symbol).with(&[(MaxAge, 600)])).collect());
    let market = market.stocked();
    let borrower = |(at, loan): (usize, &str)| {
        let borrower = market.actor(&format!("borrower {at}"), &[ballast_tests::sol("100")]);
        borrower.deposits(ballast_tests::sol("100")).expect("a deposit");
        borrower.borrows(ballast_tests::usdc(loan)).expect("a loan");
        borrower.vault_address()
    };
    let vaults = ["10400", "10200", "10000", "9800"].into_iter().enumerate().map(borrower).collect();
    let keeper = market.newcomer("keeper");
    for symbol in SYMBOLS {
        keeper.wallet(symbol);
    }
    keeper.is_given(ballast_tests::usdc("200000"));
    assert_eq!(key("keeper").pubkey(), keeper.address());
    market.price_moves("SOL", "112");
    (market, vaults)
}

/// Such a market, and who liquidates.
struct Stage {
    chain: Shared,
    market: Pubkey,
    vaults: Vec<Pubkey>,
    liquidator: Liquidator,
    metrics: Metrics,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new(clock: Clock, terms: Terms) -> Self {
        let (market, vaults) = crash();
        let chain = Chain::new(&market.world().svm);
        let endpoints = node::endpoints(&chain, &clock);
        let (folder, metrics) = (tempfile::tempdir().expect("a folder"), Metrics::new());
        let desk = node::desk(&endpoints, key("keeper"), folder.path(), &metrics);
        let market = market.market_address();
        let liquidator = Liquidator::new(market, endpoints, desk, terms, metrics.clone());
        Self { chain, market, vaults, liquidator, metrics, clock, _folder: folder }
    }

    /// Ticks at every slot.
    async fn lives(&mut self, time: Duration) {
        let begun = self.clock.now();
        while self.clock.since(begun) < time {
            let tick = self.liquidator.tick().await;
            assert_eq!(tick.unready, None);
            lock(&self.chain).step();
            self.clock.sleep(SLOT).await;
        }
    }

    /// The vaults that can be liquidated on the chain.
    fn left(&self) -> Vec<Pubkey> {
        let chain = lock(&self.chain);
        let found = chain.svm.get_account(&self.market).expect("a market");
        let market = account::market(&found.owner, &found.data).expect("a market");
        let clock: solana_clock::Clock = chain.svm.get_sysvar();
        let now = u64::try_from(clock.unix_timestamp).expect("after 1970");
        let left = self.vaults.iter().filter(|vault| {
            let found = chain.svm.get_account(vault).expect("a vault");
            let vault = account::vault(&found.owner, &found.data).expect("a vault");
            snapshot::health(&market, &vault, now).state == StateView::Liquidatable
        });
        left.copied().collect()
    }

    /// A stream brings all vaults.
    fn hears_of_all_vaults(&mut self) {
        let (slot, vaults) = (lock(&self.chain).slot, self.vaults.clone());
        for address in vaults {
            let found = lock(&self.chain).svm.get_account(&address).expect("a vault");
            self.liquidator.receive(&Update { address, owner: ID, data: Some(found.data), slot });
        }
    }
}

fn terms() -> Terms {
    let costs = Costs { lamport_price: LamportPrice::Asset(0), ..Costs::default() };
    Terms {
        strategy: strategy::Terms { costs, ..strategy::Terms::default() },
        resync: Duration::from_secs(5),
        ..Terms::default()
    }
}

#[test]
fn all_vaults_are_liquidated_once() {
    node::in_stopped_time(|clock| async {
        let mut stage = Stage::new(clock, terms());
        assert_eq!(stage.left().len(), 4);
        stage.lives(Duration::from_secs(20)).await;
        assert_eq!((stage.left(), stage.liquidator.ledger().liquidations), (vec![], 4));
        assert_eq!(lock(&stage.chain).sent.len(), 4);
    });
}

#[test]
fn the_time_from_a_price_to_the_first_sending_is_measured_for_what_follows_from_it() {
    node::in_stopped_time(|clock| async {
        let mut stage = Stage::new(clock, terms());
        lock(&stage.chain).lists_nothing = Some(true);
        stage.lives(SLOT).await;
        stage.hears_of_all_vaults();
        let mut books = {
            let found = lock(&stage.chain).svm.get_account(&stage.market).expect("a market");
            account::market(&found.owner, &found.data).expect("a market")
        };
        books.assets[1].publish_time += 1;
        let (address, slot) = (stage.market, lock(&stage.chain).slot);
        let news = Update { address, owner: ID, data: Some(account::encode(&*books)), slot };
        assert_eq!(stage.liquidator.receive(&news), Some(Applied::Market));
        assert!(stage.metrics.text().contains("ballast_keeper_price_to_send_seconds_count 0\n"));
        stage.lives(Duration::from_secs(10)).await;
        assert_eq!(stage.left(), vec![]);
        assert!(stage.metrics.text().contains("ballast_keeper_price_to_send_seconds_count 4\n"));
    });
}

#[test]
fn a_vault_whose_transactions_fail_on_chain_is_not_tried_again_before_its_pause_is_over() {
    node::in_stopped_time(|clock| async {
        let mut stage = Stage::new(clock, terms());
        lock(&stage.chain).fails = true;
        stage.lives(Duration::from_secs(120)).await;
        let chain = lock(&stage.chain);
        for vault in &stage.vaults {
            let times: Vec<_> =
                chain.sent.iter().filter(|(.., keys)| keys.contains(vault)).map(|(at, ..)| *at).collect();
            for (pause, pair) in [1, 2, 4, 8, 16, 32, 60].into_iter().zip(times.windows(2)) {
                let gap = pair[1].duration_since(pair[0]);
                assert!(gap >= Duration::from_secs(pause), "{vault}: {gap:?} where {pause} s have to pass");
            }
            // 1 + 2 + 4 + 8 + 16 + 32 seconds and what the transactions take.
            assert_eq!(times.len(), 7, "{vault}");
        }
        assert_eq!(stage.liquidator.ledger().fees, 4 * 7 * 5_000);
    });
}

#[test]
fn who_cannot_list_all_vaults_is_no_worse_a_node_and_what_a_stream_brings_is_liquidated() {
    for refuses in [true, false] {
        node::in_stopped_time(|clock| async {
            let mut stage = Stage::new(clock, terms());
            lock(&stage.chain).lists_nothing = Some(refuses);
            stage.lives(Duration::from_secs(2)).await;
            assert_eq!(stage.left().len(), 4);
            stage.hears_of_all_vaults();
            stage.lives(Duration::from_secs(30)).await;
            assert_eq!((stage.left(), stage.liquidator.ledger().liquidations), (vec![], 4));
            // As soon as a node can, they are read.
            lock(&stage.chain).lists_nothing = None;
            let known = stage.liquidator.index().len();
            stage.lives(Duration::from_secs(180)).await;
            assert!(stage.liquidator.index().len() > known, "the lender's vault is known by a reading alone");
        });
    }
}

#[test]
fn what_a_liquidation_leaves_is_reckoned_with_what_a_place_costs_now_and_not_with_the_least() {
    const PLACE: u64 = 700_000;
    let plans = |place: u64, least: i64| {
        node::in_stopped_time(|clock| async move {
            let mut terms = Terms { dry_run: true, ..terms() };
            terms.strategy.least_profit = least;
            let mut stage = Stage::new(clock, terms);
            lock(&stage.chain).place = place;
            stage.liquidator.tick().await;
            stage.hears_of_all_vaults();
            let tick = stage.liquidator.tick().await;
            tick.plans.into_iter().map(|(plan, _)| plan).collect::<Vec<_>>()
        })
    };
    let (free, dear) = (plans(0, 0), plans(PLACE, 0));
    assert_eq!((free.len(), dear.len()), (4, 4));
    for (free, dear) in free.iter().zip(&dear) {
        assert_eq!((free.vault, free.gain, free.units), (dear.vault, dear.gain, dear.units));
        let place = (u64::from(dear.units) * PLACE).div_ceil(1_000_000);
        assert_eq!((free.lamports, dear.lamports), (5_000, 5_000 + place));
        assert!(free.profit > dear.profit);
    }
    assert!(dear.is_sorted_by_key(|plan| std::cmp::Reverse(plan.profit)));
    // What would be worth it for nothing is left alone at this price.
    let least = free[0].profit;
    let worth = |plans: Vec<Plan>| plans.into_iter().map(|plan| plan.vault).collect::<Vec<_>>();
    assert_eq!((worth(plans(0, least)), worth(plans(PLACE, least))), (vec![free[0].vault], vec![]));
}

static VICTIM: OnceLock<Pubkey> = OnceLock::new();
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn planner_that_panics(situation: &Situation<'_>) -> Vec<Plan> {
    let found = strategy::plans(situation);
    if VICTIM.get() == Some(&situation.vault.0) {
        PANICS.fetch_add(1, Ordering::SeqCst);
        return vec![found[found.len()].clone()];
    }
    found
}

#[test]
fn a_vault_that_makes_us_panic_is_left_alone_until_it_changes_and_the_others_are_liquidated() {
    node::in_stopped_time(|clock| async {
        let mut stage = Stage::new(clock, terms());
        stage.liquidator = stage.liquidator.with_planner(planner_that_panics);
        let victim = *VICTIM.get_or_init(|| stage.vaults[0]);
        stage.lives(Duration::from_secs(60)).await;
        assert_eq!((stage.left(), PANICS.load(Ordering::SeqCst)), (vec![victim], 1));
        let causes: BTreeMap<_, _> = stage.liquidator.backoff().pauses().collect();
        assert!(causes[&victim].quarantined && causes[&victim].cause.contains("index out of bounds"));
        assert!(stage.metrics.text().contains("ballast_keeper_quarantined_accounts 1\n"));
    });
}

fn slow_planner(situation: &Situation<'_>) -> Vec<Plan> {
    std::thread::sleep(Duration::from_millis(30));
    strategy::plans(situation)
}

#[tokio::test]
async fn who_promises_most_is_handed_over_before_all_are_planned() {
    let mut stage = Stage::new(Clock::default(), terms());
    stage.liquidator = stage.liquidator.with_planner(slow_planner);
    stage.liquidator.tick().await;
    stage.hears_of_all_vaults();
    let tick = stage.liquidator.tick().await;
    assert!(tick.unfinished);
    let begun: Vec<Pubkey> = tick.plans.iter().map(|(plan, _)| plan.vault).collect();
    assert!(stage.vaults[..2].contains(&begun[0]), "who owes most was planned first");
    assert!(begun.len() < 4);
    let mut all = begun;
    while all.len() < 4 {
        all.extend(stage.liquidator.tick().await.plans.iter().map(|(plan, _)| plan.vault));
    }
    all.sort_unstable();
    let mut vaults = stage.vaults.clone();
    vaults.sort_unstable();
    assert_eq!(all, vaults);
}
