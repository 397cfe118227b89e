//! `refresh_prices`: the realised variance that it keeps, and the volatility multiplier that follows from it.

use ballast_client::risk::health::{Level, Side};
use ballast_tests::assets::Token;
use ballast_tests::oracle::published;
use ballast_tests::*;

/// One, as a multiplier.
const ONE: f64 = 65_536.0;
/// Averaging period of the variance in these tests, seconds.
const PERIOD: u32 = 3_600;

/// SOL is calibrated for 4 % a day, its multiplier is three at most.
fn calibrated_sol() -> Token {
    let mut token = assets::token("SOL");
    (token.listing.daily_volatility_bps, token.listing.volatility_limit) = (400, 300);
    token.listing.variance_period = PERIOD;
    token
}

fn market() -> Fixture {
    Fixture::of(vec![calibrated_sol(), assets::token("USDC")]).stocked()
}

/// The variance per second that SOL is calibrated for.
fn calibrated() -> f64 {
    0.04 * 0.04 / 86_400.0
}

fn variance(market: &Fixture) -> f64 {
    market.asset("SOL").variance as f64 / 2f64.powi(64)
}

fn multiplier(market: &Fixture) -> f64 {
    f64::from(market.asset("SOL").volatility) / ONE
}

fn moves_after(market: &Fixture, seconds: i64, dollars: &'static str) {
    market.advances(seconds);
    market.sets_price("SOL", dollars);
    market.refreshes(&["SOL"]).unwrap();
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn a_new_asset_is_as_calm_as_it_is_calibrated() {
    let market = market();
    close(variance(&market), calibrated());
    assert_eq!(multiplier(&market), 1.0);
}

#[test]
fn every_move_goes_into_the_variance() {
    let market = market();
    let mut expected = variance(&market);
    for (seconds, from, to) in [(60, 150.0, "151.5"), (1, 151.5, "151"), (600, 151.0, "149"), (59, 149.0, "149")] {
        moves_after(&market, seconds, to);
        let moved: f64 = to.parse::<f64>().unwrap() / from - 1.0;
        let period = f64::from(PERIOD);
        expected = expected * (1.0 - seconds as f64 / period) + moved * moved / period;
        close(variance(&market), expected);
        let ratio = (expected / calibrated()).clamp(1.0, 3.0);
        assert!((multiplier(&market) - ratio).abs() < 1e-4, "{} {ratio}", multiplier(&market));
    }
    assert!(multiplier(&market) > 1.5);
}

#[test]
fn from_a_whole_period_on_only_the_last_move_counts() {
    let market = market();
    moves_after(&market, 7_200, "165");
    close(variance(&market), 0.01 / 7_200.0);
}

#[test]
fn the_multiplier_is_capped() {
    let market = market();
    moves_after(&market, 60, "300");
    assert_eq!(multiplier(&market), 3.0);
    moves_after(&market, 60, "1");
    assert_eq!(multiplier(&market), 3.0);
}

#[test]
fn it_decays_when_the_price_stands_still() {
    let market = market();
    moves_after(&market, 60, "153");
    let mut last = variance(&market);
    let mut calm = 0;
    for _ in 0..125 {
        moves_after(&market, 60, "153");
        let now = variance(&market);
        close(now, last * (1.0 - 60.0 / f64::from(PERIOD)));
        last = now;
        calm += u32::from(multiplier(&market) == 1.0);
    }
    // 4e-4 / 3,600 on top of 1.9e-8 falls below that within two hours, and stays there.
    assert!((1..20).contains(&calm), "{calm}");
}

#[test]
fn only_haircuts_at_init_follow_it() {
    let market = market();
    let before = market.asset("SOL");
    moves_after(&market, 60, "151.95");
    let (asset, now) = (market.asset("SOL"), market.now() as u64);
    let factor = multiplier(&market);
    assert!((2.0..=3.0).contains(&factor), "{factor}");
    for side in [Side::Deposit, Side::Debt] {
        let of = |asset: &client::Asset, level| f64::from(asset.haircut(level, side, now).get()) / 2f64.powi(32);
        close(of(&asset, Level::Init), of(&before, Level::Init) * factor);
        for level in [Level::Target, Level::Maint] {
            assert_eq!(asset.haircut(level, side, now), before.haircut(level, side, now));
        }
    }
}

#[test]
fn a_restless_price_lends_less_and_liquidates_nobody() {
    let market = market();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("9000")).unwrap();
    let calm = alice.health();
    // Up and back to where it was.
    moves_after(&market, 10, "154.5");
    moves_after(&market, 10, "150");
    assert!(multiplier(&market) > 2.0);
    let restless = alice.health();
    assert_eq!(restless.state, client::StateView::Restricted);
    // But for 20 seconds of interest.
    assert!(restless.maint.haircuts - calm.maint.haircuts < 10);
    assert!(restless.init.haircuts > 2 * calm.init.haircuts, "{restless:?}");
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    expect_refusal(alice.withdraws(sol("1")), BallastError::BelowInitMargin);
    alice.repays(usdc("1")).unwrap();
}

#[test]
fn a_haircut_never_exceeds_the_whole() {
    // Half, three times.
    let mut token = calibrated_sol();
    (token.listing.haircut_bps, token.listing.addon_bps) = ([5_000, 4_000, 3_000], [5_000, 4_000, 3_000]);
    let market = Fixture::of(vec![token, assets::token("USDC")]).stocked();
    moves_after(&market, 60, "300");
    let (asset, now) = (market.asset("SOL"), market.now() as u64);
    assert_eq!(asset.haircut(Level::Init, Side::Deposit, now).get(), u32::MAX);
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
}

#[test]
fn an_update_that_is_known_changes_no_variance() {
    let market = market();
    moves_after(&market, 60, "160");
    let before = market.asset("SOL");
    market.advances(30);
    // The same second with another price.
    market.publishes("SOL", &published("150", market.now() - 30));
    market.refreshes(&["SOL", "SOL"]).unwrap();
    assert_eq!((market.asset("SOL").variance, market.asset("SOL").volatility), (before.variance, before.volatility));
}

#[test]
fn without_a_calibration_nothing_is_multiplied() {
    let market = market();
    for dollars in ["2", "0.5", "1"] {
        market.advances(1);
        market.sets_price("USDC", dollars);
        market.refreshes(&["USDC"]).unwrap();
        assert_eq!(market.asset("USDC").volatility, 65_536);
        assert!(market.asset("USDC").variance > 0, "it is kept all the same");
    }
}

#[test]
fn no_price_is_wild_enough_to_break_it() {
    let market = market();
    for dollars in ["0.00000001", "90000000", "0.00000001", "90000000"] {
        moves_after(&market, 1, dollars);
        assert_eq!(multiplier(&market), 3.0);
    }
    moves_after(&market, 100_000, "150");
    moves_after(&market, 100_000, "150");
    assert_eq!((variance(&market), multiplier(&market)), (0.0, 1.0));
}
