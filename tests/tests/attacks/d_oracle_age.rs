//! Prices that stand still, stop, or come back after hours: what can be done meanwhile, and to whom.

use ballast_client::table::Parameter;
use ballast_client::{LevelView, Pausable, Role, SourceKind, StateView};
use ballast_tests::assets::{Feed, WHOLE, bps, token};
use ballast_tests::oracle::published;
use ballast_tests::*;

use crate::probe::lends_nothing;

/// Alice owes 10,000 USDC against 100 SOL. Bob can liquidate.
fn people(market: &Fixture) -> [Actor; 2] {
    let alice = market.actor("alice", &[sol("150"), usdc("20000")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    [alice, market.actor("bob", &[usdc("20000")])]
}

/// The standard market, stocked.
fn market() -> (Fixture, [Actor; 2]) {
    let market = Fixture::new().stocked();
    let people = people(&market);
    (market, people)
}

/// Prices other than that of SOL stay fresh.
fn keeps(market: &Fixture, symbols: &[&str]) {
    for symbol in symbols {
        market.sets_price(symbol, market.token(symbol).price);
    }
    market.refreshes(symbols).unwrap();
}

#[test]
fn atk_d02_a_feed_frozen_in_a_crash_lends_nothing_after_its_maximum_age() {
    let ages = [(Parameter::MaxAge, 120), (Parameter::MaxAgeInit, 30)];
    let market = Fixture::of(vec![token("SOL").with(&ages), token("USDC")]).stocked();
    let [alice, bob] = people(&market);
    // The last that the feed says is 150; the market outside is at 50 soon.
    market.price_of_one_moves("SOL", "150");
    let frozen = market.now();
    let says = published("150", frozen);
    for (seconds, lends) in [(0, true), (30, true), (31, false), (120, false), (121, false), (100_000, false)] {
        market.advances(frozen + seconds - market.now());
        keeps(&market, &["USDC"]);
        market.publishes("SOL", &says);
        // Whoever shows the same update again changes nothing, and too old it is refused.
        match market.refreshes(&["SOL"]) {
            Ok(_) => assert!(seconds <= 120),
            refused => drop(expect_refusal(refused, BallastError::PriceTooOld)),
        }
        if lends {
            alice.borrows(usdc("1")).unwrap();
            alice.withdraws(sol("0.01")).unwrap();
        } else {
            lends_nothing(alice.borrows(usdc("1")));
            lends_nothing(alice.withdraws(sol("0.01")));
        }
        alice.repays(usdc("1")).unwrap();
        alice.deposits(sol("0.01")).unwrap();
        let expected = if seconds <= 120 { BallastError::VaultHealthy } else { BallastError::PriceUnusable };
        expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), expected);
    }
}

#[test]
fn atk_d02_a_floor_that_is_published_afresh_is_stopped_by_the_second_source() {
    let second = Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150");
    let market = Fixture::of(vec![token("SOL").checked_by(second), token("USDC")]).stocked();
    let [alice, _] = people(&market);
    let mallory = market.actor("mallory", &[sol("1000000")]);
    // The first source never goes below 145, the market does: 3.4 % are more than the 2 % that were agreed.
    market.sources_say("SOL", "145", "140").unwrap();
    keeps(&market, &["USDC"]);
    mallory.deposits(sol("1000000")).unwrap();
    lends_nothing(mallory.borrows(usdc("1")));
    lends_nothing(alice.borrows(usdc("1")));
    for _ in 0..20 {
        market.advances(60);
        market.sources_say("SOL", "145", "1").unwrap();
        keeps(&market, &["USDC"]);
        lends_nothing(mallory.borrows(usdc("1")));
    }
    alice.repays(usdc("1")).unwrap();
}

#[test]
fn atk_d02_the_guardian_makes_an_asset_worth_nothing_in_the_same_slot() {
    let (market, [alice, bob]) = market();
    let mallory = market.actor("mallory", &[sol("1000000"), eth("100")]);
    mallory.deposits(eth("100")).unwrap();
    let before = alice.health();
    mallory.borrows(sol("1")).unwrap();
    let clock = market.clock();
    let nothing = [
        (Parameter::HaircutInit, WHOLE),
        (Parameter::DebtCap, 0),
        (Parameter::DepositCap, 0),
        (Parameter::UtilisationCap, 0),
    ];
    market.applies(Role::Guardian, market.values_of("SOL", &nothing)).unwrap();
    // Nobody brings more of it, borrows it, or borrows against it.
    expect_refusal(mallory.deposits(sol("1000")), BallastError::DepositCapExceeded);
    expect_refusal(mallory.borrows(sol("1")), BallastError::DebtCapExceeded);
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    expect_refusal(alice.withdraws(sol("1")), BallastError::BelowInitMargin);
    mallory.borrows(usdc("1")).unwrap();
    // Who is there is not harmed, and leaves when he wants.
    let after = alice.health();
    assert_eq!((after.maint.haircuts, after.maint.passes), (before.maint.haircuts, true));
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
    mallory.repays(sol("1")).unwrap();
    alice.repays(native("USDC", u64::MAX)).unwrap();
    alice.withdraws_all("SOL").unwrap();
    assert_eq!((market.clock().slot, market.now()), (clock.slot, clock.unix_timestamp), "all of it in one slot");
    // It cannot be undone in that slot.
    let back = market.values_of("SOL", &[(Parameter::HaircutInit, bps(2_500))]);
    for role in Role::ALL {
        expect_refusal(market.applies(role, back.clone()), BallastError::MustWait);
    }
}

#[test]
fn atk_d02_the_guardian_stops_all_that_depends_on_one_price_in_the_same_slot() {
    let (market, [alice, bob]) = market();
    market.price_moves("SOL", "115");
    assert_eq!(alice.state(), StateView::Liquidatable);
    market.pauses(Role::Guardian, Pausable::Asset(market.index("SOL")), 3_600).unwrap();
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
    lends_nothing(alice.borrows(usdc("1")));
    lends_nothing(alice.withdraws(sol("1")));
    alice.repays(usdc("1")).unwrap();
    alice.deposits(sol("1")).unwrap();
    // Vaults without it go on as before.
    let carol = market.actor("carol", &[eth("10")]);
    carol.deposits(eth("10")).unwrap();
    carol.borrows(usdc("1000")).unwrap();
    market.price_moves("ETH", "100");
    bob.liquidates(&carol, usdc("100"), "ETH").unwrap();
}

#[test]
fn atk_d15_with_all_feeds_dead_risk_can_only_fall() {
    let (market, [alice, bob]) = market();
    let saver = market.actor("saver", &[eth("5")]);
    saver.deposits(eth("5")).unwrap();
    market.advances(6 * 3_600);

    alice.deposits(sol("10")).unwrap();
    alice.repays(usdc("1000")).unwrap();
    alice.deposits(usdc("1000")).unwrap();
    bob.repays_for(&alice, usdc("1")).unwrap();
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

/// SOL and USDC after half an hour without a price do not liquidate for ten minutes.
fn graced() -> (Fixture, [Actor; 2]) {
    let grace = [(Parameter::RecoveryGap, 1_800), (Parameter::RecoveryGrace, 600)];
    let market = Fixture::of(vec![token("SOL").with(&grace), token("USDC").with(&grace)]).stocked();
    let people = people(&market);
    (market, people)
}

/// Prices come in every minute for some time. Whether somebody could be liquidated at the end of any of these minutes?
fn liquidatable_within(market: &Fixture, [alice, bob]: &[Actor; 2], minutes: u64) -> bool {
    (0..minutes).any(|_| {
        market.advances(60);
        market.refreshes_all();
        bob.liquidates(alice, usdc("100"), "SOL").is_ok()
    })
}

#[test]
fn atk_d15_after_an_outage_nobody_is_liquidated_by_surprise() {
    for hours in [1, 6, 24, 240] {
        let (market, people) = graced();
        let [alice, bob] = &people;
        market.advances(hours * 3_600);
        market.price_moves("SOL", "115");
        expect_refusal(bob.liquidates(alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
        assert!(!liquidatable_within(&market, &people, 9), "after {hours} hours");
        // After that it goes on as ever.
        assert!(liquidatable_within(&market, &people, 1), "after {hours} hours");
    }
}

#[test]
fn atk_d15_after_an_outage_a_healthy_vault_is_healthy_and_one_that_was_saved_as_well() {
    let (market, people) = graced();
    let [alice, _] = &people;
    market.advances(12 * 3_600);
    market.refreshes_all();
    assert!(!liquidatable_within(&market, &people, 15));
    assert_eq!(alice.state(), StateView::Healthy);

    market.advances(12 * 3_600);
    market.price_moves("SOL", "115");
    alice.repays(usdc("3000")).unwrap();
    assert!(!liquidatable_within(&market, &people, 15));
    assert_eq!(alice.state(), StateView::Healthy);
}

#[test]
fn atk_d15_a_short_gap_gives_no_grace_to_hide_in() {
    let (market, people) = graced();
    // Not refreshing for half an hour, again and again, puts no liquidation off.
    for _ in 0..5 {
        market.advances(1_800);
        market.refreshes_all();
    }
    market.price_moves("SOL", "115");
    let [alice, bob] = &people;
    bob.liquidates(alice, usdc("100"), "SOL").unwrap();
}

/// Two hours without a chain. Documented: prices of before are too old; what comes first may liquidate nobody for the time
/// of grace; new risk is measured by the new price, with the breaker that the jump has tripped; the grace is four hours at
/// most, whoever governs.
#[test]
fn atk_d16_two_hours_without_the_chain_and_a_price_that_moved() {
    let jump = [(Parameter::BreakerJump, bps(1_000)), (Parameter::RecoveryGrace, 600)];
    let market = Fixture::of(vec![token("SOL").with(&jump), token("USDC")]).stocked();
    let people = people(&market);
    let [alice, bob] = &people;
    let owed = alice.owes("USDC");
    let clock = market.clock();
    // The clock goes on while hardly a slot passes.
    market.sets_clock(clock.unix_timestamp + 7_200, clock.slot + 1);
    expect_refusal(bob.liquidates(alice, usdc("100"), "SOL"), BallastError::PriceUnusable);
    lends_nothing(alice.borrows(usdc("1")));
    // Interest is that of two hours, no more.
    let grown = alice.owes("USDC") - owed;
    assert!(grown < owed / 10_000, "{grown} of {owed}");

    // 30 % down: 10,500 dollars for 10,000 owed.
    market.sets_price("SOL", "105");
    market.refreshes_all();
    let back = market.now();
    assert_eq!(market.asset("SOL").breaker, 2);
    lends_nothing(alice.borrows(usdc("1")));
    lends_nothing(alice.withdraws(sol("1")));
    assert!(!liquidatable_within(&market, &people, 9));
    alice.repays(usdc("100")).unwrap();
    alice.deposits(sol("1")).unwrap();
    assert!(liquidatable_within(&market, &people, 1));
    assert_eq!(market.now(), back + 600);
    // The breaker ends by itself as well.
    market.advances(1);
    market.refreshes_all();
    assert_eq!(market.asset("SOL").breaker, 0);

    assert_eq!(Parameter::RecoveryGrace.row().most, 4 * 3_600);
}

#[test]
fn a_missing_deposit_counts_nothing_for_more_risk() {
    let (market, [alice, _]) = market();
    alice.is_given(btc("1"));
    alice.deposits(btc("1")).unwrap();
    market.advances(61);
    keeps(&market, &["BTC", "USDC"]);
    let view = alice.health();
    assert!(view.init.decided && view.init.assets < 60_000_000_000, "the SOL are not counted: {view:?}");
    assert_eq!(view.maint, LevelView::default());
    // What is priced carries the loan.
    alice.borrows(usdc("1000")).unwrap();
    expect_refusal(alice.withdraws(btc("0.9")), BallastError::BelowInitMargin);
}

#[test]
fn a_missing_debt_refuses_more_risk_and_never_liquidates() {
    let (market, [alice, bob]) = market();
    bob.is_given(eth("1"));
    alice.borrows(eth("0.1")).unwrap();
    market.advances(61);
    market.sets_price("SOL", "110");
    keeps(&market, &["SOL", "USDC"]);
    // 11,000 dollars against 10,000: liquidatable already by the debt that has a price. That one may be repaid.
    expect_refusal(alice.borrows(usdc("1")), BallastError::PriceUnusable);
    expect_refusal(bob.liquidates(&alice, eth("0.1"), "SOL"), BallastError::PriceUnusable);

    // At 125 only the missing debt could make it liquidatable, and it must not.
    market.price_of_one_moves("SOL", "125");
    assert_eq!(alice.state(), StateView::Restricted);
    expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::VaultHealthy);
}
