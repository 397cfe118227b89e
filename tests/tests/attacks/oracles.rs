//! Prices chosen, withheld or forged.

use ballast_client::event::Action;
use ballast_client::local::Published;
use ballast_client::{LevelView, StateView};
use ballast_tests::oracle::published;
use ballast_tests::*;

/// A stocked market; alice owes 10,000 USDC against 100 SOL.
fn market() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("150"), usdc("20000")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    (market, alice)
}

#[test]
fn atk_d15_with_all_feeds_dead_risk_can_only_fall() {
    let (market, alice) = market();
    let saver = market.actor("saver", &[eth("5")]);
    saver.deposits(eth("5")).unwrap();
    let bob = market.actor("bob", &[usdc("20000")]);
    market.advances(6 * 3_600);

    alice.deposits(sol("10")).unwrap();
    alice.repays(usdc("1000")).unwrap();
    alice.deposits(usdc("1000")).unwrap();
    saver.withdraws(eth("2")).unwrap();
    saver.withdraws_all("ETH").unwrap();
    expect_refusal(alice.borrows(usdc("1")), BallastError::PriceUnusable);
    expect_refusal(alice.withdraws(sol("1")), BallastError::PriceUnusable);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
    assert_eq!(alice.state(), StateView::Unpriced);

    // Who pays everything back leaves, still without a price.
    alice.repays(native("USDC", u64::MAX)).unwrap();
    alice.withdraws_all("SOL").unwrap();
    alice.closes_vault().unwrap();
}

#[test]
fn atk_d15_after_the_outage_a_healthy_vault_is_healthy() {
    let (market, alice) = market();
    let before = alice.health();
    assert_eq!(before.state, StateView::Healthy);
    market.advances(12 * 3_600);
    market.refreshes_all();
    assert_eq!(alice.state(), StateView::Healthy);
    let bob = market.actor("bob", &[usdc("20000")]);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::VaultHealthy);
}

#[test]
fn a_missing_deposit_counts_nothing_for_more_risk() {
    let (market, alice) = market();
    alice.is_given(btc("1"));
    alice.deposits(btc("1")).unwrap();
    market.advances(61);
    for symbol in ["BTC", "USDC"] {
        market.sets_price(symbol, market.token(symbol).price);
        market.refreshes(&[symbol]).unwrap();
    }
    let view = alice.health();
    assert!(view.init.decided && view.init.assets < 60_000_000_000, "the SOL are not counted: {view:?}");
    assert_eq!(view.maint, LevelView::default());
    // What is priced carries the loan.
    alice.borrows(usdc("1000")).unwrap();
    expect_refusal(alice.withdraws(btc("0.9")), BallastError::BelowInitMargin);
}

#[test]
fn a_missing_debt_refuses_more_risk_and_never_liquidates() {
    let (market, alice) = market();
    alice.borrows(eth("0.1")).unwrap();
    market.advances(61);
    for (symbol, price) in [("SOL", "110"), ("USDC", "1")] {
        market.sets_price(symbol, price);
        market.refreshes(&[symbol]).unwrap();
    }
    // 11,000 dollars against 10,000: liquidatable already by the debt that has a price. That one may be repaid.
    expect_refusal(alice.borrows(usdc("1")), BallastError::PriceUnusable);
    let bob = market.actor("bob", &[usdc("20000"), eth("1")]);
    expect_refusal(bob.liquidates(&alice, eth("0.1"), "SOL"), BallastError::PriceUnusable);

    // At 125 only the missing debt could make it liquidatable, and it must not.
    market.price_of_one_moves("SOL", "125");
    assert_eq!(alice.state(), StateView::Restricted);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::VaultHealthy);
}

#[test]
fn atk_d04_an_update_cannot_be_played_against_its_successor() {
    let (market, alice) = market();
    let now = market.now();
    market.advances(10);
    let (high, low) = (published("170", now + 5), published("120", now + 9));
    market.publishes("SOL", &low);
    market.refreshes(&["SOL"]).unwrap();
    // The higher price is still young enough, but a newer one is known.
    market.publishes("SOL", &high);
    let attack = [market.refresh_instruction(&["SOL"]), alice.instruction(Action::Borrow, usdc("1500"))];
    expect_refusal(alice.sends(&attack), BallastError::PriceOlderThanStored);
    expect_refusal(alice.borrows(usdc("1500")), BallastError::BelowInitMargin);
}

#[test]
fn atk_d01_a_price_that_jumps_does_not_lend_more_at_once() {
    let (market, alice) = market();
    // Tenfold within a second: a loan is measured by the average, which has hardly moved.
    market.price_moves("SOL", "1500");
    expect_refusal(alice.borrows(usdc("2000")), BallastError::BelowInitMargin);
    let init = alice.health().init;
    assert!(init.assets < 15_100_000_000, "{init:?}");
    // The same for a debt whose price falls.
    market.price_moves("USDC", "0.1");
    expect_refusal(alice.borrows(usdc("2000")), BallastError::BelowInitMargin);
}

#[test]
fn atk_d02_a_feed_that_stands_still_lends_nothing() {
    let (market, alice) = market();
    let stuck = published("150", market.now());
    for _ in 0..3 {
        market.advances(30);
        market.publishes("SOL", &stuck);
        market.sets_price("USDC", "1");
        let _ = market.refreshes(&["SOL"]);
        market.refreshes(&["USDC"]).unwrap();
    }
    expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceTooOld);
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    alice.repays(usdc("1")).unwrap();
}

#[test]
fn atk_d03_a_wider_interval_never_lends_more() {
    let mut last = i64::MAX;
    for bps in [0u64, 1, 5, 20, 50, 100, 150, 200] {
        let (market, alice) = market();
        market.advances(1);
        let seen = published("150", market.now());
        market.publishes("SOL", &Published { confidence: seen.price as u64 / 10_000 * bps, ..seen });
        market.refreshes(&["SOL"]).unwrap();
        let view = alice.health();
        let slack = view.init.equity - view.init.requirement as i64;
        assert!(slack <= last, "at {bps}");
        last = slack;
        // Whether it can be liquidated does not depend on it.
        assert!(view.maint.assets >= 14_999_999_900);
    }
}

#[test]
fn atk_d10_a_guard_that_refuses_a_price_liquidates_nobody() {
    let (market, alice) = market();
    let bob = market.actor("bob", &[usdc("20000")]);
    for change in [
        |seen: &mut Published| seen.confidence = seen.price as u64 / 20,
        |seen: &mut Published| seen.price = 0,
        |seen: &mut Published| seen.price = -1,
        |seen: &mut Published| seen.exponent = -20,
        |seen: &mut Published| seen.publish_time -= 1_000,
        |seen: &mut Published| seen.publish_time += 1_000,
    ] {
        market.advances(1);
        // A price at which alice could be liquidated, in an update that the guards refuse.
        let mut seen = published("105", market.now());
        change(&mut seen);
        market.publishes("SOL", &seen);
        let attack = [market.refresh_instruction(&["SOL"]), bob.liquidate(&alice, usdc("100"), "SOL")];
        let refusal = bob.sends(&attack).unwrap_err();
        assert!(matches!(refusal.fault, Fault::Ballast(6200..6300)), "{refusal:#?}");
        assert_eq!(refusal.changed, []);
        expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::VaultHealthy);
    }
}
