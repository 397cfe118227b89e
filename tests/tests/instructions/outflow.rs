//! The outflow limiter in `deposit`, `repay`, `withdraw`, `borrow` and `liquidate`: exact at its edges.

use ballast_client::event::Action;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Role, StateView};
use ballast_tests::*;

const DAY: i64 = 86_400;
/// A quarter, as a part in 2^-32: what may leave in a day. Half of it may leave at once.
const QUARTER: u64 = 1 << 30;
/// Deposits, and an eighth of them, native units.
const DEPOSITS: u64 = 8_000_000;
const CAPACITY: u64 = 1_000_000;

fn units(units: u64) -> Money {
    native("USDC", units)
}

/// A market without interest.
fn limited(values: &[(Parameter, u64)]) -> Fixture {
    let market = Fixture::setting_up(8);
    let flat = [Rate0, Rate1, Rate2, Rate3, Rate4, Rate5, Rate6, Rate7].map(|parameter| (parameter, 0));
    market.applies(Role::Governance, market.values_of("USDC", &[&flat, values].concat())).unwrap();
    market
}

/// The saver has deposited 8 USDC a day ago; alice can borrow some.
fn market() -> (Fixture, Actor, Actor) {
    let market = limited(&[(OutflowLimit, QUARTER), (OutflowPeriod, DAY as u64)]);
    let saver = market.actor("saver", &[units(10 * DEPOSITS)]);
    saver.deposits(units(DEPOSITS)).unwrap();
    let alice = market.actor("alice", &[sol("10"), units(DEPOSITS)]);
    alice.deposits(sol("10")).unwrap();
    market.advances(DAY);
    market.refreshes_all();
    (market, saver, alice)
}

fn passes(market: &Fixture, seconds: i64) {
    market.advances(seconds);
    market.refreshes_all();
}

fn level(market: &Fixture) -> i64 {
    market.asset("USDC").outflow_level
}

#[track_caller]
fn at_most(limit: u64, take: impl Fn(Money) -> Outcome) {
    expect_refusal(take(units(limit + 1)), BallastError::OutflowLimitExceeded);
    take(units(limit)).unwrap();
}

#[test]
fn an_eighth_of_the_deposits_is_borrowed_and_no_more() {
    let (market, _, alice) = market();
    at_most(CAPACITY, |money| alice.borrows(money));
    assert_eq!((level(&market), market.asset("USDC").outflow_at), (CAPACITY as i64, market.now() as u64));
    expect_refusal(alice.borrows(units(1)), BallastError::OutflowLimitExceeded);
    alice.withdraws(sol("1")).unwrap();
}

#[test]
fn who_has_no_debt_is_limited_as_well() {
    let (market, saver, alice) = market();
    expect_refusal(saver.withdraws_all("USDC"), BallastError::OutflowLimitExceeded);
    at_most(CAPACITY, |money| saver.withdraws(money));
    expect_refusal(alice.borrows(units(1)), BallastError::OutflowLimitExceeded);
    assert_eq!(level(&market), CAPACITY as i64);
}

#[test]
fn all_that_leaves_counts_together_in_any_pieces() {
    let (_, saver, alice) = market();
    saver.withdraws(units(800_000)).unwrap();
    at_most(200_000, |money| alice.borrows(money));
    expect_refusal(saver.withdraws(units(1)), BallastError::OutflowLimitExceeded);
}

#[test]
fn a_full_bucket_leaks_evenly_and_is_empty_after_the_period() {
    for (seconds, free) in [(0, 0), (1, 9), (21_600, 218_750), (43_200, 437_500), (86_399, 874_989), (DAY, 875_000)] {
        let (market, _, alice) = market();
        alice.borrows(units(CAPACITY)).unwrap();
        passes(&market, seconds);
        // What has leaked is gone for good: an eighth less of it may leave again. Rounded down: a part of 2^-32 and a unit.
        let exact = CAPACITY * 7 / 8 * seconds as u64 / DAY as u64;
        assert!(exact - free <= 1, "{exact} {free}");
        if free > 0 {
            at_most(free, |money| alice.borrows(money));
        }
        expect_refusal(alice.borrows(units(1)), BallastError::OutflowLimitExceeded);
    }
}

#[test]
fn the_level_is_that_of_the_last_flow_and_leaks_from_there() {
    let (market, _, alice) = market();
    alice.borrows(units(600_000)).unwrap();
    passes(&market, DAY / 4);
    // 250,000 have leaked.
    alice.borrows(units(100_000)).unwrap();
    assert_eq!(level(&market), 450_000);
    passes(&market, DAY / 4);
    // An eighth of 7,750,000 leaks in a day, and an eighth of 7,507,813 may have left.
    at_most(938_476 - 207_813, |money| alice.borrows(money));
    passes(&market, DAY / 2);
    assert_eq!(level(&market), 938_476, "nobody has written since");
    alice.repays(units(1)).unwrap();
    assert_eq!(level(&market), 469_237);
}

#[test]
fn what_comes_in_gives_back() {
    let (market, saver, alice) = market();
    alice.borrows(units(CAPACITY)).unwrap();
    alice.repays(units(400_000)).unwrap();
    assert_eq!(level(&market), 600_000);
    at_most(400_000, |money| alice.borrows(money));
    // A deposit gives back, and no more than that.
    saver.deposits(units(800_000)).unwrap();
    assert_eq!(level(&market), 200_000);
    at_most(800_000, |money| alice.borrows(money));
    // A deposit into a debt is a repayment.
    alice.deposits(units(300_000)).unwrap();
    at_most(300_000, |money| alice.borrows(money));
}

#[test]
fn what_came_in_on_top_can_leave_on_top_until_it_is_forgotten() {
    let (market, saver, _) = market();
    saver.deposits(units(4_000_000)).unwrap();
    assert_eq!(level(&market), -4_000_000);
    // Half of the credit is forgotten after half of the period, and counts as what is there.
    passes(&market, DAY / 2);
    at_most(2_000_000 + 1_250_000, |money| saver.withdraws(money));
    let (market, saver, _) = self::market();
    saver.deposits(units(4_000_000)).unwrap();
    passes(&market, DAY);
    at_most(1_500_000, |money| saver.withdraws(money));
}

#[test]
fn money_that_passes_through_leaves_the_level_as_it_was() {
    let (market, _, alice) = market();
    alice.borrows(units(CAPACITY)).unwrap();
    let bob = market.actor("bob", &[units(50_000_000)]);
    for amount in [1, 1_000, 50_000_000] {
        let (pay, take) =
            (bob.instruction(Action::Deposit, units(amount)), bob.instruction(Action::Withdraw, units(amount)));
        bob.sends(&[pay, take]).unwrap();
        assert_eq!(level(&market), CAPACITY as i64);
    }
    // The other way round it is full before it is given back.
    let (take, pay) = (alice.instruction(Action::Borrow, units(1)), alice.instruction(Action::Repay, units(1)));
    expect_refusal(alice.sends(&[take.clone(), pay.clone()]), BallastError::OutflowLimitExceeded);
    alice.sends(&[pay, take]).unwrap();
    assert_eq!(level(&market), CAPACITY as i64);
    // Nor does it fill a bucket that is not full.
    passes(&market, DAY);
    let (pay, take) = (bob.instruction(Action::Deposit, units(500)), bob.instruction(Action::Withdraw, units(500)));
    bob.sends(&[pay, take]).unwrap();
    assert_eq!(level(&market), 0);
}

#[test]
fn atk_e05_liquidation_is_never_limited_and_never_counts() {
    let market = Fixture::setting_up(8);
    for symbol in ["SOL", "USDC"] {
        let least = [(OutflowLimit, (1 << 32) / 20 + 1)];
        market.applies(Role::Governance, market.values_of(symbol, &least)).unwrap();
    }
    let saver = market.actor("saver", &[usdc("1000000")]);
    saver.deposits(usdc("1000000")).unwrap();
    let alice = market.actor("alice", &[sol("80"), usdc("10000")]);
    alice.deposits(sol("80")).unwrap();
    alice.borrows(usdc("8000")).unwrap();
    passes(&market, 2 * DAY);
    let carol = market.actor("carol", &[sol("20")]);
    carol.deposits(sol("20")).unwrap();
    passes(&market, 2 * DAY);
    carol.withdraws(sol("2.5")).unwrap();
    expect_refusal(carol.withdraws(sol("1")), BallastError::OutflowLimitExceeded);
    market.price_moves("SOL", "110");
    assert_eq!(alice.state(), StateView::Liquidatable);
    let levels = |market: &Fixture| ["SOL", "USDC"].map(|symbol| market.asset(symbol).outflow_level);
    let before = levels(&market);
    let bob = market.actor("bob", &[usdc("5000")]);
    // Far more SOL than may leave within a day.
    bob.liquidates(&alice, usdc("5000"), "SOL").unwrap();
    assert!(bob.balance("SOL") > sol("20").units);
    assert_eq!(levels(&market), before);
    alice.repays(usdc("100")).unwrap();
}

#[test]
fn the_whole_turns_it_off() {
    let market = limited(&[(OutflowPeriod, DAY as u64)]);
    let saver = market.actor("saver", &[units(DEPOSITS)]);
    saver.deposits(units(DEPOSITS)).unwrap();
    market.advances(DAY);
    saver.withdraws_all("USDC").unwrap();
    assert_eq!(level(&market), 0, "nobody counts");
}

/// A guardian who tightens stops what would leave, not who pays in; what left before has to leak by the new measure.
#[test]
fn a_limit_that_was_lowered_counts_from_now_on() {
    let (market, _, alice) = market();
    alice.borrows(units(800_000)).unwrap();
    market.applies(Role::Guardian, market.values_of("USDC", &[(OutflowLimit, QUARTER / 2)])).unwrap();
    expect_refusal(alice.borrows(units(1)), BallastError::OutflowLimitExceeded);
    passes(&market, DAY / 2);
    // More than the new capacity leaks as fast as it needs to be gone after a day.
    at_most(75_000, |money| alice.borrows(money));
    alice.repays(units(10)).unwrap();
}

#[test]
fn a_period_that_was_lengthened_counts_from_now_on() {
    let market = limited(&[(OutflowLimit, QUARTER), (OutflowPeriod, 43_200)]);
    let saver = market.actor("saver", &[units(DEPOSITS)]);
    saver.deposits(units(DEPOSITS)).unwrap();
    passes(&market, 43_200);
    saver.withdraws(units(800_000)).unwrap();
    market.applies(Role::Guardian, market.values_of("USDC", &[(OutflowPeriod, DAY as u64)])).unwrap();
    passes(&market, 21_600);
    // A quarter of a million has leaked; an eighth of 7,750,000 may have left.
    at_most(968_750 - 550_000, |money| saver.withdraws(money));
}

#[test]
fn each_asset_has_a_bucket_of_its_own() {
    let (market, saver, alice) = market();
    alice.borrows(units(CAPACITY)).unwrap();
    saver.is_given(eth("1"));
    saver.deposits(eth("1")).unwrap();
    saver.withdraws_all("ETH").unwrap();
    alice.withdraws(sol("5")).unwrap();
    assert_eq!(market.asset("SOL").outflow_level, 0);
    expect_refusal(alice.borrows(units(1)), BallastError::OutflowLimitExceeded);
}

#[test]
fn atk_g09_a_clock_that_goes_back_leaks_nothing() {
    let (market, _, alice) = market();
    alice.borrows(units(CAPACITY)).unwrap();
    let start = market.now();
    market.sets_clock(start - 10, 2_000_000);
    expect_refusal(alice.borrows(units(1)), BallastError::OutflowLimitExceeded);
    alice.repays(units(10)).unwrap();
    assert_eq!(market.asset("USDC").outflow_at, start as u64);
    market.sets_clock(start + 60, 2_000_100);
    market.refreshes_all();
    // 694 have leaked in a minute, not in 70 seconds, and seven eighths of them may leave again.
    at_most(10 + 607, |money| alice.borrows(money));
}

#[test]
fn the_smallest_pool_lets_nothing_out_in_pieces_either() {
    let market = limited(&[(OutflowLimit, QUARTER), (OutflowPeriod, DAY as u64)]);
    let saver = market.actor("saver", &[units(7)]);
    saver.deposits(units(7)).unwrap();
    passes(&market, DAY);
    // An eighth of 7 is nothing.
    expect_refusal(saver.withdraws(units(1)), BallastError::OutflowLimitExceeded);
    // But what one has just brought one can take.
    saver.is_given(units(3));
    saver.deposits(units(3)).unwrap();
    at_most(3, |money| saver.withdraws(money));
}

/// With money for a second (or with what he borrows himself), and collateral that is worth nothing.
#[test]
fn atk_g01_a_flash_deposit_does_not_enlarge_the_bucket() {
    let (market, _, alice) = market();
    let flash = market.actor("flash", &[units(4 * DEPOSITS)]);
    alice.is_given(sol("100"));
    alice.deposits(sol("100")).unwrap();
    let cash = market.asset("USDC").cash;
    flash.deposits(units(4 * DEPOSITS)).unwrap();
    // More than an eighth of what savers have brought; all within a second.
    let _ = alice.borrows(units(4_900_000));
    let _ = flash.withdraws_all("USDC");
    let left = cash.saturating_sub(market.asset("USDC").cash);
    assert!(left <= CAPACITY, "{left} instead of {CAPACITY} have left");
}

/// The same without giving it back: what he deposited is what he borrows.
#[test]
fn atk_g01_nor_does_a_deposit_that_was_borrowed_from_the_same_pool() {
    let (market, _, alice) = market();
    let flash = market.actor("flash", &[units(4 * DEPOSITS)]);
    alice.is_given(sol("100"));
    alice.deposits(sol("100")).unwrap();
    let cash = market.asset("USDC").cash;
    flash.deposits(units(4 * DEPOSITS)).unwrap();
    let _ = alice.borrows(units(4 * DEPOSITS + 4_900_000));
    let left = cash.saturating_sub(market.asset("USDC").cash);
    assert!(left <= CAPACITY, "{left} instead of {CAPACITY} have left");
}
