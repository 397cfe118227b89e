//! `refresh_prices`: up to which second a price counts, at `Init` and at `Maint`, and what withholds it meanwhile: age,
//! pauses, outages.

use ballast_client::table::Parameter;
use ballast_client::{Asset, Pausable, Role, SourceKind, StateView};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::*;

/// SOL counts for 30 seconds at `Init` and for 60 at `Maint`; after half an hour without a price it does not liquidate for
/// ten minutes.
const AGES: [(Parameter, u64); 3] =
    [(Parameter::MaxAgeInit, 30), (Parameter::RecoveryGap, 1_800), (Parameter::RecoveryGrace, 600)];

fn market() -> Fixture {
    Fixture::of(vec![token("SOL").with(&AGES), token("USDC"), token("ETH")])
}

/// SOL has a price after some seconds.
fn after(market: &Fixture, seconds: i64, dollars: &'static str) -> Asset {
    market.advances(seconds);
    market.sets_price("SOL", dollars);
    market.refreshes(&["SOL"]).unwrap();
    market.asset("SOL")
}

fn windows(asset: &Asset) -> [u64; 2] {
    [asset.init_until, asset.usable_until]
}

fn now(market: &Fixture) -> u64 {
    market.now() as u64
}

/// Alice has 100 SOL and owes 10,000 USDC; bob can liquidate.
fn indebted(market: Fixture) -> (Fixture, Actor, Actor) {
    let market = market.stocked();
    let alice = market.actor("alice", &[sol("150"), usdc("10000")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[usdc("20000")]);
    (market, alice, bob)
}

/// The price of USDC stays fresh.
fn keeps_usdc(market: &Fixture) {
    market.sets_price("USDC", "1");
    market.refreshes(&["USDC"]).unwrap();
}

#[test]
fn a_price_counts_less_long_for_new_risk_than_for_a_liquidation() {
    let (market, alice, bob) = indebted(market());
    let asset = after(&market, 1, "150");
    let start = now(&market);
    assert_eq!(windows(&asset), [start + 30, start + 60]);
    market.advances(30);
    keeps_usdc(&market);
    alice.borrows(usdc("1")).unwrap();
    alice.withdraws(sol("0.1")).unwrap();
    market.advances(1);
    keeps_usdc(&market);
    // The deposit counts nothing for new risk, and all of it at `Maint`.
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    expect_refusal(alice.withdraws(sol("0.1")), BallastError::BelowInitMargin);
    let view = alice.health();
    assert_eq!((view.state, view.init.assets), (StateView::Restricted, 0));
    assert!(view.maint.passes);
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
    alice.repays(usdc("1")).unwrap();
    alice.deposits(sol("0.1")).unwrap();
    market.advances(29);
    keeps_usdc(&market);
    assert_eq!(alice.state(), StateView::Restricted);
    market.advances(1);
    keeps_usdc(&market);
    assert_eq!(alice.state(), StateView::Unpriced);
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::PriceUnusable);
}

#[test]
fn a_liquidation_may_use_a_price_that_is_too_old_for_a_loan() {
    let (market, alice, bob) = indebted(market());
    after(&market, 1, "115");
    market.advances(60);
    keeps_usdc(&market);
    bob.liquidates(&alice, usdc("100"), "SOL").unwrap();
}

#[test]
fn age_counts_from_the_publish_time_and_never_from_the_future() {
    let market = market();
    market.advances(40);
    let publishes = |ago: i64| {
        market.publishes("SOL", &oracle::published("150", market.now() - ago));
        market.refreshes(&["SOL"]).unwrap();
        windows(&market.asset("SOL"))
    };
    let start = now(&market);
    assert_eq!(publishes(39), [start - 9, start + 21]);
    assert_eq!(publishes(10), [start + 20, start + 50]);
    assert_eq!(publishes(-15), [start + 30, start + 60]);
}

#[test]
fn the_first_price_of_an_asset_is_no_recovery() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    market.lists(token("SOL").with(&AGES)).unwrap();
    let asset = after(&market, 100_000, "150");
    assert_eq!((windows(&asset), asset.grace_until), ([now(&market) + 30, now(&market) + 60], 0));
}

#[test]
fn an_outage_begins_when_the_price_is_too_old_and_is_longer_than_the_gap() {
    // 60 seconds of age and half an hour.
    for (seconds, outage) in [(1_860, false), (1_861, true)] {
        let market = market();
        let asset = after(&market, seconds, "150");
        let now = now(&market);
        assert_eq!(asset.grace_until, if outage { now + 600 } else { 0 }, "{seconds}");
        // New risk is measured by this price; nobody is liquidated by it.
        assert_eq!(windows(&asset), [now + 30, if outage { 0 } else { now + 60 }], "{seconds}");
    }
}

#[test]
fn after_an_outage_nobody_is_liquidated_within_the_grace() {
    let (market, alice, bob) = indebted(market());
    market.advances(7_200);
    // A third lower than before, and seen for the first time.
    after(&market, 0, "100");
    keeps_usdc(&market);
    let back = now(&market);
    let mut refused = 0;
    while now(&market) < back + 600 {
        expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
        assert_eq!(alice.state(), StateView::Unpriced);
        refused += 1;
        keeps_usdc(&market);
        after(&market, 20, "100");
    }
    assert_eq!((refused, now(&market)), (30, back + 600));
    assert_eq!(market.asset("SOL").grace_until, back + 600, "prices that came in meanwhile began no other one");
    assert_eq!(alice.state(), StateView::Insolvent);
    bob.liquidates(&alice, usdc("100"), "SOL").unwrap();
}

#[test]
fn sources_that_disagreed_for_too_long_were_an_outage() {
    let second = Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150");
    for (seconds, outage) in [(1_800, false), (1_801, true)] {
        let market = Fixture::of(vec![token("SOL").with(&AGES).checked_by(second.clone())]);
        // Both speak all the time; the last price was 60 seconds old when it ended.
        market.advances(60);
        for _ in 0..9 {
            market.advances(seconds / 10);
            market.sources_say("SOL", "150", "100").unwrap();
            market.sets_clock(market.now() - 1, market.clock().slot);
        }
        market.advances(seconds / 10 + seconds % 10 - 1);
        market.sources_say("SOL", "150", "150").unwrap();
        let (asset, now) = (market.asset("SOL"), now(&market));
        assert_eq!(now as i64, fixture::START + 60 + seconds);
        assert_eq!(asset.usable_until, if outage { 0 } else { now + 60 }, "{seconds}");
        assert_eq!(asset.init_until, 0, "the breaker is on");
    }
}

#[test]
fn within_the_grace_a_debtor_can_save_himself() {
    let (market, alice, bob) = indebted(market());
    market.advances(7_200);
    after(&market, 0, "100");
    keeps_usdc(&market);
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    alice.deposits(sol("50")).unwrap();
    alice.repays(usdc("2000")).unwrap();
    // 15,000 dollars against 8,000: what `Init` allows goes on.
    alice.borrows(usdc("100")).unwrap();
    market.advances(599);
    keeps_usdc(&market);
    after(&market, 1, "100");
    assert_eq!(alice.state(), StateView::Healthy);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::VaultHealthy);
}

#[test]
fn a_new_outage_begins_a_new_grace() {
    let market = market();
    let first = after(&market, 7_200, "150").grace_until;
    let asset = after(&market, 1_861, "150");
    assert!(first < now(&market));
    assert_eq!(asset.grace_until, now(&market) + 600);
}

#[test]
fn a_pause_withholds_the_price_everywhere_and_ends_with_the_next_one() {
    let (market, alice, bob) = indebted(market());
    after(&market, 1, "115");
    keeps_usdc(&market);
    assert_eq!(alice.state(), StateView::Liquidatable);
    let start = now(&market);
    market.pauses(Role::Guardian, Pausable::Asset(0), 100).unwrap();
    assert_eq!(windows(&market.asset("SOL")), [0, 0], "at once");
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    // Prices come in, and count for nothing.
    for seconds in [50, 49] {
        let asset = after(&market, seconds, "115");
        assert_eq!((windows(&asset), asset.publish_time), ([0, 0], now(&market)));
    }
    keeps_usdc(&market);
    // Its time is over, and the price of before has not come back by itself.
    market.advances(2);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
    let asset = after(&market, 0, "115");
    assert_eq!((windows(&asset), asset.grace_until), ([start + 131, start + 161], 0));
    bob.liquidates(&alice, usdc("100"), "SOL").unwrap();
}

#[test]
fn a_pause_that_is_ended_gives_the_last_price_back() {
    let market = market();
    market.pauses(Role::Guardian, Pausable::Asset(0), 3_600).unwrap();
    let asset = after(&market, 10, "150");
    assert_eq!(windows(&asset), [0, 0]);
    market.advances(5);
    market.resumes(Role::Guardian, Pausable::Asset(0)).unwrap();
    assert_eq!(windows(&market.asset("SOL")), [asset.publish_time + 30, asset.publish_time + 60]);
    // But not what the breaker or a grace withholds.
    let market = Fixture::of(vec![token("SOL").with(&AGES).with(&[(Parameter::BreakerJump, bps(1_000))])]);
    market.pauses(Role::Guardian, Pausable::Asset(0), 3_600).unwrap();
    let asset = after(&market, 10, "190");
    assert_eq!((asset.breaker, windows(&asset)), (2, [0, 0]));
    market.resumes(Role::Guardian, Pausable::Asset(0)).unwrap();
    assert_eq!(windows(&market.asset("SOL")), [0, asset.publish_time + 60]);
    after(&market, 3_600, "190");
    market.pauses(Role::Guardian, Pausable::Asset(0), 60).unwrap();
    market.resumes(Role::Guardian, Pausable::Asset(0)).unwrap();
    assert_eq!(windows(&market.asset("SOL"))[1], 0);
}

#[test]
fn a_pause_in_which_nobody_refreshes_is_an_outage_as_well() {
    let market = market();
    market.pauses(Role::Guardian, Pausable::Asset(0), 86_400).unwrap();
    let asset = after(&market, 86_401, "150");
    let now = now(&market);
    assert_eq!((windows(&asset), asset.grace_until), ([now + 30, 0], now + 600));
}

/// Whoever may pause must not be able to take the grace away from those who could not see a price for hours.
#[test]
fn a_pause_within_an_outage_does_not_end_it() {
    let (market, alice, bob) = indebted(market());
    market.advances(7_200);
    market.pauses(Role::Guardian, Pausable::Asset(0), 60).unwrap();
    market.resumes(Role::Guardian, Pausable::Asset(0)).unwrap();
    after(&market, 0, "115");
    keeps_usdc(&market);
    assert_eq!(alice.state(), StateView::Unpriced);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
}

#[test]
fn pauses_of_actions_leave_prices_alone() {
    let (market, alice, bob) = indebted(market());
    after(&market, 1, "115");
    keeps_usdc(&market);
    let before = market.asset("SOL");
    for paused in [Pausable::Borrow, Pausable::Withdraw] {
        market.pauses(Role::Guardian, paused, 600).unwrap();
    }
    assert_eq!(windows(&market.asset("SOL")), windows(&before));
    expect_refusal(alice.borrows(usdc("1")), BallastError::Paused);
    expect_refusal(alice.withdraws(sol("1")), BallastError::Paused);
    bob.liquidates(&alice, usdc("100"), "SOL").unwrap();
}

#[test]
fn a_tighter_age_counts_at_once() {
    let market = market();
    market.opens_market().unwrap();
    let published = market.asset("SOL").publish_time;
    let tighter = market.values_of("SOL", &[(Parameter::MaxAgeInit, 5)]);
    market.applies(Role::Guardian, tighter).unwrap();
    assert_eq!(windows(&market.asset("SOL")), [published + 5, published + 60]);
    expect_refusal(
        market.applies(Role::Guardian, market.values_of("SOL", &[(Parameter::MaxAgeInit, 6)])),
        BallastError::MustWait,
    );
}
