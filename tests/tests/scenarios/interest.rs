//! Interest, to the unit.

use ballast_client::StateView;
use ballast_tests::*;

const YEAR: i64 = 365 * 86_400;

/// `a x b / 2^shift` with `a x b` below 2^128, rounded up.
fn product_ceil(a: u64, b: u64, shift: u32) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b) + (1 << shift) - 1) >> shift).unwrap()
}

/// The same rounded down.
fn product_floor(a: u64, b: u64, shift: u32) -> u64 {
    u64::try_from((u128::from(a) * u128::from(b)) >> shift).unwrap()
}

/// A lender with a million USDC, and alice who has borrowed a part of it against bitcoin.
fn lent(borrowed: &str) -> (Fixture, Actor, Actor) {
    let market = Fixture::new();
    let lender = market.actor("saver", &[usdc("1000000")]);
    lender.deposits(usdc("1000000")).unwrap();
    let alice = market.actor("alice", &[btc("50"), usdc("1000000")]);
    alice.deposits(btc("50")).unwrap();
    alice.borrows(usdc(borrowed)).unwrap();
    (market, lender, alice)
}

/// Yearly percent of a rate per second.
fn percent(rate: u32) -> f64 {
    f64::from(rate) / 2f64.powi(52) * YEAR as f64 * 100.0
}

#[test]
fn a_year_of_interest_is_exact() {
    let (market, lender, alice) = lent("450000");
    let asset = market.asset("USDC");
    // Half way to the kink at 90 %: from 1 % towards 6 %.
    assert!((percent(asset.borrow_rate) - 3.5).abs() < 1e-6, "{}", percent(asset.borrow_rate));
    // 45 % of the deposits earn it, and a tenth goes to the reserve.
    assert!((percent(asset.supply_rate) - 3.5 * 0.45 * 0.9).abs() < 1e-4, "{}", percent(asset.supply_rate));

    market.advances(YEAR);
    market.refreshes_all();

    let after = market.asset("USDC");
    let growth = |rate: u32| u64::from(rate) * YEAR as u64;
    let borrow_index = asset.borrow_index + product_ceil(asset.borrow_index, growth(asset.borrow_rate), 52);
    let supply_index = asset.supply_index + product_floor(asset.supply_index, growth(asset.supply_rate), 52);
    assert_eq!((after.borrow_index, after.supply_index), (borrow_index, supply_index));
    assert_eq!(alice.owes("USDC"), product_ceil(usdc("450000").units, borrow_index, 52));
    assert_eq!(lender.deposited("USDC"), product_floor(usdc("1000000").units, supply_index, 52));
    // In dollars: 15,750 paid, 14,175 earned, 1,575 kept.
    let close = |units: u64, dollars: f64| (units as f64 / 1e6 - dollars).abs() < 1.0;
    assert!(close(alice.owes("USDC"), 465_750.0), "{}", alice.owes("USDC"));
    assert!(close(lender.deposited("USDC"), 1_014_175.0), "{}", lender.deposited("USDC"));
    assert!(close(after.pool().reserve_floor().unwrap().get(), 1_575.0));
}

#[test]
fn interest_compounds_when_it_is_written_down() {
    let (market, _, alice) = lent("450000");
    for _ in 0..12 {
        let before = market.asset("USDC");
        market.advances(YEAR / 12);
        market.refreshes_all();
        let grown = product_ceil(before.borrow_index, u64::from(before.borrow_rate) * (YEAR as u64 / 12), 52);
        assert_eq!(market.asset("USDC").borrow_index, before.borrow_index + grown);
    }
    let once = usdc("465750").units;
    assert!(alice.owes("USDC") > once + usdc("200").units, "interest on interest");
}

#[test]
fn the_rate_follows_the_utilisation() {
    for (borrowed, expected) in
        [("1", 1.0), ("180000", 2.0), ("450000", 3.5), ("900000", 6.0), ("950000", 53.0), ("1000000", 100.0)]
    {
        let (market, ..) = lent(borrowed);
        let rate = percent(market.asset("USDC").borrow_rate);
        assert!((rate - expected).abs() < 1e-4, "{rate} instead of {expected} at {borrowed}");
    }
}

#[test]
fn what_is_paid_is_what_is_earned_and_what_is_kept() {
    let (market, lender, alice) = lent("900000");
    for days in [1, 30, 100, 234] {
        market.advances(days * 86_400);
        market.refreshes_all();
        let asset = market.asset("USDC");
        let reserve = asset.pool().reserve_floor().unwrap().get();
        let owed = i128::from(alice.owes("USDC"));
        let parts = i128::from(lender.deposited("USDC")) + i128::from(reserve) - i128::from(asset.cash);
        assert!((0..=2).contains(&(owed - parts)), "{owed} {parts}");
    }
}

#[test]
fn at_full_utilisation_depositors_wait_and_then_all_can_leave() {
    let (market, lender, alice) = lent("1000000");
    assert_eq!(market.asset("USDC").cash, 0);
    expect_refusal(lender.withdraws(native("USDC", 1)), BallastError::NotEnoughCash);
    expect_refusal(lender.withdraws_all("USDC"), BallastError::NotEnoughCash);
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::NotEnoughCash);

    market.advances(86_400);
    market.refreshes_all();
    alice.repays(usdc("400000")).unwrap();
    lender.withdraws(usdc("400000")).unwrap();
    expect_refusal(lender.withdraws(native("USDC", 1)), BallastError::NotEnoughCash);

    alice.repays(native("USDC", u64::MAX)).unwrap();
    lender.withdraws_all("USDC").unwrap();
    alice.withdraws_all("BTC").unwrap();
    let asset = market.asset("USDC");
    assert_eq!((asset.deposit_shares, asset.debt_shares), (0, 0));
    // What stays is the reserve, and the books know it.
    assert_eq!(asset.pool().reserve_floor().unwrap().get(), asset.cash);
    assert!(asset.cash > 0 && lender.balance("USDC") > usdc("1000000").units);
}

#[test]
fn an_idle_pool_earns_nothing() {
    let market = Fixture::new();
    let lender = market.actor("saver", &[usdc("1000")]);
    lender.deposits(usdc("1000")).unwrap();
    market.advances(YEAR);
    market.refreshes_all();
    assert_eq!(lender.deposited("USDC"), usdc("1000").units);
}

#[test]
fn a_century_passes_and_nothing_breaks() {
    let (market, lender, alice) = lent("1000000");
    market.advances(100 * YEAR);
    // Far too long for a margin check without a refresh, and no reason to refuse a repayment.
    assert_eq!(alice.state(), StateView::Unpriced);
    alice.repays(usdc("1000")).unwrap();
    market.refreshes_all();
    assert_eq!(alice.state(), StateView::Insolvent);
    lender.withdraws(usdc("999")).unwrap();
    market.conservation();
    market.advances(100 * YEAR);
    market.refreshes_all();
    market.conservation();
}

#[test]
fn an_index_at_its_limit_stays_there_and_the_pool_goes_on() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    let mut token = assets::token("USDC");
    // 1,500 % a year at any utilisation.
    token.listing.curve = vec![(0, 150_000), (10_000, 150_000)];
    market.lists(token).unwrap();
    market.lists(assets::token("BTC")).unwrap();
    market.refreshes_all();
    let lender = market.actor("saver", &[usdc("1000")]);
    lender.deposits(usdc("1000")).unwrap();
    let alice = market.actor("alice", &[btc("10000"), usdc("5000000")]);
    alice.deposits(btc("10000")).unwrap();
    alice.borrows(usdc("1000")).unwrap();
    let mut years = 0;
    while market.asset("USDC").borrow_index < u64::MAX {
        market.advances(YEAR);
        market.refreshes_all();
        years += 1;
        assert!(years < 10);
    }
    let (owed, saved) = (alice.owes("USDC"), lender.deposited("USDC"));
    assert!(owed >= usdc("4095000").units && owed <= usdc("4096000").units, "{owed}");
    market.advances(YEAR);
    market.refreshes_all();
    assert_eq!((alice.owes("USDC"), lender.deposited("USDC")), (owed, saved));
    alice.repays(native("USDC", u64::MAX)).unwrap();
    lender.withdraws_all("USDC").unwrap();
    assert_eq!(lender.balance("USDC"), saved);
}

#[test]
fn interest_alone_can_make_a_vault_liquidatable() {
    let (market, _, alice) = lent("1000000");
    alice.withdraws(btc("26.9")).unwrap();
    assert_eq!(alice.state(), StateView::Healthy);
    let bob = market.actor("bob", &[usdc("1000000")]);
    let mut states = vec![];
    for _ in 0..70 {
        market.advances(86_400);
        market.refreshes_all();
        states.push(alice.state());
    }
    // From healthy over restricted to liquidatable, never back.
    let rank = |state: &StateView| match state {
        StateView::Healthy => 0,
        StateView::Restricted => 1,
        StateView::Liquidatable => 2,
        other => panic!("{other:?}"),
    };
    assert!(states.windows(2).all(|pair| rank(&pair[0]) <= rank(&pair[1])));
    assert_eq!(states.last(), Some(&StateView::Liquidatable));
    bob.liquidates(&alice, usdc("1000000"), "BTC").unwrap();
    assert_ne!(alice.state(), StateView::Liquidatable);
}

#[test]
fn claims_that_outgrow_64_bits_lock_nobody_in() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    // A token of which there are 10^19 units, lent at 1,500 % a year.
    let mut token = assets::token("BONK");
    token.listing.curve = vec![(0, 150_000), (10_000, 150_000)];
    token.listing.depth_dollars = 0;
    market.lists(token).unwrap();
    let mut collateral = assets::token("BTC");
    collateral.listing.depth_dollars = 0;
    market.lists(collateral).unwrap();
    market.refreshes_all();
    let lender = market.actor("saver", &[native("BONK", u64::MAX / 4)]);
    lender.deposits(native("BONK", u64::MAX / 4)).unwrap();
    let alice = market.actor("alice", &[btc("1000000")]);
    alice.deposits(btc("1000000")).unwrap();
    alice.borrows(native("BONK", u64::MAX / 4)).unwrap();
    market.advances(YEAR / 2);
    market.refreshes_all();
    // Eight times what was borrowed does not fit 64 bits any more; paying back must still be possible.
    alice.repays(native("BONK", u64::MAX / 8)).unwrap();
    lender.withdraws(native("BONK", u64::MAX / 16)).unwrap();
}
