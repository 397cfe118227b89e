//! Prices that are pushed where they do not belong, and what can be taken meanwhile: the figures are the point.

use ballast_client::event::{Action, Liquidated};
use ballast_client::table::Parameter;
use ballast_client::{SourceKind, StateView};
use ballast_tests::assets::{Feed, Token, WHOLE, bps, token};
use ballast_tests::*;

use crate::probe::{borrows_most, lends_nothing, most};

/// 100,000 THIN, a million dollars at ten each: all that the market takes.
const CAP: u64 = 100_000_000_000;

/// A thin asset of which half counts, at most [`CAP`] of it.
fn thin(values: &[(Parameter, u64)]) -> Token {
    let mut thin = token("THIN").with(values);
    thin.listing.haircut_bps = [5_000, 4_000, 3_000];
    // No cost of size, so that the bound is as simple as it can be.
    (thin.listing.deposit_cap, thin.listing.depth_dollars) = (CAP, 0);
    thin
}

/// A market with 10,000,000 USDC to be lent, and mallory, who has put in all the THIN that he may.
fn pumped(values: &[(Parameter, u64)]) -> (Fixture, Actor) {
    let mut dollars = token("USDC");
    dollars.listing.depth_dollars = 0;
    let market = Fixture::of(vec![thin(values), dollars]);
    let lender = market.actor("lender", &[usdc("10000000")]);
    lender.deposits(usdc("10000000")).unwrap();
    let mallory = market.actor("mallory", &[native("THIN", 5 * CAP)]);
    expect_refusal(mallory.deposits(native("THIN", CAP + 1)), BallastError::DepositCapExceeded);
    mallory.deposits(native("THIN", CAP)).unwrap();
    (market, mallory)
}

/// What 100,000 THIN at a price carry of USDC: half of them, less the confidence interval, against the debt and its add-on
/// of 3 %, with another interval. In micro-dollars, rounded down.
fn bound(micro_dollars: f64) -> u64 {
    (100_000.0 * micro_dollars * (1.0 - 0.00106) * 0.5 / (1.0 + 0.03) / 1.00106) as u64
}

#[test]
fn atk_d01_a_thin_asset_pumped_tenfold_in_a_slot_lends_by_its_average() {
    // Without any breaker: what is lent follows the average, which moves by a second of an hour.
    let (market, mallory) = pumped(&[]);
    let before = most(&mallory, Action::Borrow, "USDC");
    market.price_moves("THIN", "100");
    let taken = borrows_most(&mallory, "USDC");
    // 10 + 90 / 3,600 = 10.025 dollars: 485,620 of 10,000,000 dollars, 1,211 more than before.
    let limit = bound(10_025_000.0);
    assert!(taken <= limit && limit - taken < 100_000, "{taken} of {limit}");
    assert!((485_000_000_000..486_000_000_000).contains(&taken), "{taken}");
    assert!(taken - before < 1_300_000_000, "{taken} after {before}");
    // Cap times price times weight is what was agreed to be at stake, and the collateral is worth twice of it still.
    assert!(taken < 1_000_000_000_000 / 2);
    lends_nothing(mallory.borrows(usdc("1")));
}

#[test]
fn atk_d01_a_thin_asset_pumped_tenfold_in_a_slot_trips_its_breaker() {
    let (market, mallory) = pumped(&[(Parameter::BreakerJump, bps(1_000))]);
    market.price_moves("THIN", "100");
    assert_eq!(most(&mallory, Action::Borrow, "USDC"), 0);
    // The other direction is no way either: what was lent of it cannot be had cheaply.
    let (market, _) = pumped(&[(Parameter::BreakerJump, bps(1_000))]);
    let buyer = market.actor("buyer", &[usdc("1000000")]);
    buyer.deposits(usdc("1000000")).unwrap();
    market.price_moves("THIN", "1");
    assert_eq!(most(&buyer, Action::Borrow, "THIN"), 0);
}

#[test]
fn atk_d01_a_thin_asset_pumped_in_small_steps_is_bounded_by_its_cap() {
    // 9 % every hour, below every breaker and with an average that follows, until it is tenfold.
    let steps = [
        "10.9", "11.88", "12.95", "14.11", "15.38", "16.77", "18.28", "19.92", "21.71", "23.67", "25.80", "28.12",
        "30.65", "33.41", "36.42", "39.70", "43.27", "47.17", "51.41", "56.04", "61.08", "66.58", "72.57", "79.11",
        "86.23", "93.99", "100",
    ];
    let (market, mallory) = pumped(&[(Parameter::BreakerJump, bps(1_000))]);
    for price in steps {
        market.advances(3_600);
        market.sets_price("THIN", price);
        market.refreshes_all();
    }
    expect_refusal(mallory.deposits(native("THIN", 1)), BallastError::DepositCapExceeded);
    let taken = borrows_most(&mallory, "USDC");
    // Half of the lender's money, and not a dollar more than cap x price x weight.
    let limit = bound(100_000_000.0);
    assert!(taken <= limit && limit - taken < 1_000_000, "{taken} of {limit}");
    assert!((4_844_000_000_000..4_845_000_000_000).contains(&taken), "{taken}");
}

#[test]
fn atk_d01_several_vaults_take_no_more_than_one() {
    let (market, mallory) = pumped(&[]);
    mallory.withdraws_all("THIN").unwrap();
    let vaults: Vec<_> = (1..=4).map(|id| mallory.with_vault(id)).collect();
    for vault in &vaults {
        vault.opens_vault().unwrap();
        vault.deposits(native("THIN", CAP / 4)).unwrap();
    }
    market.price_moves("THIN", "100");
    let taken: u64 = vaults.iter().map(|vault| borrows_most(vault, "USDC")).sum();
    assert!(taken <= bound(10_025_000.0), "{taken}");
}

/// A stable coin falls by a fifth. USDT trips at 5 %, and lends nothing from 10 % on.
fn depegged() -> (Fixture, [Actor; 3]) {
    let coin = token("USDT").with(&[(Parameter::BreakerJump, bps(500))]);
    let market = Fixture::of(vec![token("SOL"), coin, token("USDC")]).stocked();
    let people = [("believer", usdt("10000")), ("short", sol("100")), ("saver", usdt("1000"))];
    let people = people.map(|(name, money)| {
        let actor = market.actor(name, &[money, usdc("10000")]);
        actor.deposits(money).unwrap();
        actor
    });
    let [believer, short, _] = &people;
    // 85 % of 10,000 dollars in USDT, and 5,000 USDT owed.
    believer.borrows(usdc("8500")).unwrap();
    short.borrows(usdt("5000")).unwrap();
    (market, people)
}

#[test]
fn atk_d11_a_depeg_stops_new_borrowing_and_liquidates_at_the_market() {
    let (market, [believer, short, saver]) = depegged();
    assert_eq!(believer.state(), StateView::Healthy);
    let owed = short.health().maint.debts;
    market.price_moves("USDT", "0.80");
    // Neither against it nor of it, and no collateral of it leaves a vault with debts.
    assert_eq!(most(&believer, Action::Borrow, "USDC"), 0);
    assert_eq!(most(&short, Action::Borrow, "USDT"), 0);
    lends_nothing(believer.withdraws(usdt("1")));
    // Cheap coins bought outside buy nothing here.
    saver.is_given(usdt("100000"));
    saver.deposits(usdt("100000")).unwrap();
    assert_eq!(most(&saver, Action::Borrow, "SOL"), 0);
    saver.withdraws_all("USDT").unwrap();

    // 8,000 dollars for 8,500 owed: insolvent at the market, and what is seized is counted by it.
    assert_eq!(believer.state(), StateView::Insolvent);
    let bob = market.actor("bob", &[usdc("10000")]);
    let event: Liquidated = bob.liquidates(&believer, usdc("1000"), "USDT").unwrap().event();
    let (repaid, seized) = (u128::from(event.repaid), u128::from(event.seized));
    let most = repaid + ((repaid * u128::from(event.bonus)) >> 32);
    assert!(seized * 80 / 100 <= most && most - seized * 80 / 100 < 10, "{seized} for {repaid}");
    assert!(seized > repaid * 124 / 100, "1,250 USDT and not 1,000 for 1,000 dollars");
    // A debt is worth what it costs to buy back.
    let now = short.health().maint.debts;
    assert!(now.abs_diff(owed * 80 / 100) < 100_000, "{now} of {owed}");
    short.is_given(usdt("5100"));
    short.repays(native("USDT", u64::MAX)).unwrap();
}

#[test]
fn atk_d11_no_source_has_a_fixed_price() {
    // Every kind reads an account that somebody keeps up to date; there is none to write a dollar into.
    let kinds = SourceKind::ALL.map(|kind| (kind, assets::oracle_program(kind)));
    assert_eq!(kinds.iter().filter(|(_, program)| *program == Pubkey::default()).count(), 1);
    assert_eq!(SourceKind::ALL[0], SourceKind::None);
    assert!((6..=255).all(|code| SourceKind::from_code(code) == SourceKind::None));
}

/// Collateral whose issuance is broken: 20 % of the supply of a staked token appears in one wallet.
#[test]
fn atk_d12_inflated_collateral_takes_the_outflow_limit_at_once_and_the_ceiling_ever() {
    let mut lst = token("LST");
    // 20,000 LST, 3,300,000 dollars, of which three quarters count; no cost of size.
    (lst.listing.deposit_cap, lst.listing.depth_dollars) = (20_000_000_000_000, 0);
    // A fifth within a day, half of it at once.
    let limits = [(Parameter::OutflowLimit, WHOLE / 5), (Parameter::OutflowPeriod, 86_400)];
    let (mut sol_token, usdc_token) = (token("SOL").with(&limits), token("USDC").with(&limits));
    sol_token.listing.debt_cap = sol("2000").units;
    let market = Fixture::of(vec![lst, sol_token, usdc_token]);
    let lender = market.actor("lender", &[sol("66000"), usdc("10000000")]);
    lender.deposits(sol("66000")).unwrap();
    lender.deposits(usdc("10000000")).unwrap();

    // What has just come in may go again; a day later it counts as what is there.
    market.advances(86_400);
    market.refreshes_all();

    let mallory = market.actor("mallory", &[native("LST", 116_500_000_000_000)]);
    expect_refusal(mallory.deposits(native("LST", 116_500_000_000_000)), BallastError::DepositCapExceeded);
    mallory.deposits(native("LST", 20_000_000_000_000)).unwrap();
    expect_refusal(mallory.deposits(native("LST", 1)), BallastError::DepositCapExceeded);

    // At once: a tenth of the dollars, and of SOL what its ceiling allows, 2,000 at 150 dollars.
    let taken = [borrows_most(&mallory, "USDC"), borrows_most(&mallory, "SOL")];
    assert!(taken[0] <= usdc("1000000").units && taken[0] > usdc("999999").units, "{taken:?}");
    assert_eq!(taken[1], sol("2000").units);
    expect_refusal(mallory.borrows(native("USDC", 1_000_000)), BallastError::OutflowLimitExceeded);
    expect_refusal(mallory.borrows(native("SOL", 1_000)), BallastError::DebtCapExceeded);
    // 1,300,000 of the 19,900,000 dollars that were there.

    // Who waits gets more, and never more than cap x price x weight: 2,475,000 dollars less intervals and add-ons.
    for _ in 0..10 {
        market.advances(86_400);
        market.refreshes_all();
        borrows_most(&mallory, "USDC");
        borrows_most(&mallory, "SOL");
    }
    let dollars = mallory.balance("USDC") + mallory.balance("SOL") * 150 / 1_000;
    assert!((2_200_000_000_000..2_475_000_000_000).contains(&dollars), "{dollars}");
    // The token turns out to be worth nothing. That is the whole loss; the rest of the lender's money is there.
    market.price_settles("LST", "0.01");
    lends_nothing(mallory.borrows(usdc("1")));
    assert!(market.asset("USDC").cash > usdc("7500000").units);
    assert!(market.asset("SOL").cash >= sol("64000").units);
}

/// LST is priced by its stake pool, whose rate may grow by 15 % in a year.
fn staked(values: &[(Parameter, u64)]) -> (Fixture, Actor) {
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    let growth = [&[(Parameter::GrowthLimit, bps(1_500))], values].concat();
    let mut lst = token("LST").with(&growth).priced_by(pool);
    (lst.listing.deposit_cap, lst.listing.depth_dollars) = (u64::MAX / 4, 0);
    let market = Fixture::of(vec![token("SOL"), lst, token("USDC")]);
    let lender = market.actor("lender", &[usdc("10000000"), sol("10000")]);
    lender.deposits(usdc("10000000")).unwrap();
    lender.deposits(sol("10000")).unwrap();
    let alice = market.actor("alice", &[native("LST", 1_000_000_000_000)]);
    alice.deposits(native("LST", 1_000_000_000_000)).unwrap();
    (market, alice)
}

#[test]
fn atk_d14_a_manipulated_rate_lends_no_more_than_its_growth_allows() {
    let (market, alice) = staked(&[]);
    let (before, spot) = (alice.health(), most(&alice, Action::Borrow, "USDC"));
    // Somebody gives the pool as much again as it has. A day later the average has followed.
    market.sets_price("LST", "2.2");
    market.advances(86_400);
    market.refreshes_all();
    let after = alice.health();
    // 1,000 LST: 165,000 dollars before, 330,000 now at `Maint`, 165,068 for new risk: 15 % x 1 / 365.
    assert!(before.maint.assets.abs_diff(165_000_000_000) < 100, "{before:?}");
    assert!(after.maint.assets.abs_diff(330_000_000_000) < 200, "{after:?}");
    let grown = |part: u64| part + part * 15 / 36_500;
    assert!(after.init.assets <= grown(before.init.assets) + 1_000, "{} {}", after.init.assets, before.init.assets);
    assert!(after.init.assets >= before.init.assets);
    let taken = borrows_most(&alice, "USDC");
    assert!(taken <= grown(spot) + 1_000, "{taken} after {spot}");
    // 165,000 x 0.75 and the intervals: 119,933 dollars.
    assert!((119_800_000_000..120_100_000_000).contains(&taken), "{taken}");
    // Even after a year: 15 % and no more.
    market.advances(365 * 86_400);
    market.refreshes_all();
    let init = alice.health().init.assets;
    assert!(init <= before.init.assets / 100 * 116, "{init}");
}

#[test]
fn atk_d14_a_market_feed_beside_the_pool_refuses_what_only_one_of_them_says() {
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    for conservative in [0, 1] {
        let lst = token("LST").with(&[(Parameter::Conservative, conservative)]).checked_by(pool.clone());
        let market = Fixture::of(vec![token("SOL"), lst, token("USDC")]).stocked();
        let alice = market.actor("alice", &[native("LST", 1_000_000_000_000)]);
        alice.deposits(native("LST", 1_000_000_000_000)).unwrap();
        market.advances(1);
        market.knows("LST", |token| token.second.as_mut().unwrap().price = "2.2");
        market.refreshes_all();
        assert_eq!(most(&alice, Action::Borrow, "USDC"), 0);
        // And the other way round: a pumped feed beside an honest pool.
        market.advances(601);
        market.knows("LST", |token| token.second.as_mut().unwrap().price = "1.1");
        market.sets_price("LST", "330");
        market.refreshes_all();
        assert_eq!(most(&alice, Action::Borrow, "USDC"), 0);
    }
}
