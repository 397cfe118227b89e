//! What holds all along a ramp: the order of the levels, the depth, and a clock that goes back.

use ballast_client::Role;
use ballast_client::parameters::levels;
use ballast_client::risk::health::{Level, Side};
use ballast_client::table::Parameter::{self, *};
use ballast_tests::*;

const DAY: i64 = 86_400;

/// A market in which somebody has deposited SOL.
fn market() -> Fixture {
    let market = Fixture::new();
    let saver = market.actor("saver", &[sol("1")]);
    saver.deposits(sol("1")).unwrap();
    market
}

fn part(bps: u16) -> u64 {
    u64::from(levels([bps; 3], "part").unwrap()[0])
}

fn haircut(market: &Fixture) -> f64 {
    let haircut = market.asset("SOL").haircut(Level::Maint, Side::Deposit, market.now() as u64);
    f64::from(haircut.get()) / 2f64.powi(32) * 10_000.0
}

fn depth(market: &Fixture) -> u64 {
    market.asset("SOL").depth(market.now() as u64).parts().0
}

fn waited(market: &Fixture, values: &[(Parameter, u64)]) -> Outcome {
    market.changes(market.values_of("SOL", values))
}

#[test]
fn levels_stay_in_order_at_every_hour_of_a_ramp() {
    let market = market();
    market.sets_haircuts("SOL", [2_400, 2_400, 2_400], [9_000, 500, 400], 0).unwrap();
    for _ in 0..50 {
        let (asset, now) = (market.asset("SOL"), market.now() as u64);
        for side in [Side::Deposit, Side::Debt] {
            let [init, target, maint] = Level::ALL.map(|level| asset.haircut(level, side, now));
            assert!(maint <= target && target <= init, "{maint:?} {target:?} {init:?}");
        }
        market.advances(3_600);
    }
}

/// `Init` jumps, so it must not jump below where another level still is.
#[test]
fn init_does_not_fall_below_what_is_in_force() {
    let market = market();
    waited(&market, &[(HaircutInit, part(3_000)), (HaircutTarget, part(2_900)), (HaircutMaint, part(2_400))]).unwrap();
    market.advances(2 * DAY);
    // Target goes to 20 % at once, Maint with it.
    waited(&market, &[(HaircutInit, part(2_100)), (HaircutTarget, part(2_000)), (HaircutMaint, part(1_900))]).unwrap();
    assert!((haircut(&market) - 1_900.0).abs() < 0.01);
    let low = [(HaircutInit, part(1_999))];
    expect_refusal(market.proposes("low", market.values_of("SOL", &low)), BallastError::BadRiskParameters);
    // Target rises to 26 % and is at 20 % now: Init has to be there already.
    let rise = [(HaircutInit, part(2_500)), (HaircutTarget, part(2_600))];
    expect_refusal(market.proposes("rise", market.values_of("SOL", &rise)), BallastError::BadRiskParameters);
}

#[test]
fn a_depth_that_shrinks_gives_notice_and_moves_by_its_reciprocal() {
    let market = market();
    let before = depth(&market);
    assert_eq!(before, 2_000_000_000_000_000);
    waited(&market, &[(Depth, before / 2)]).unwrap();
    let executed = market.now();
    // Half way of the reciprocal from 1 to 2 is 1.5: two thirds of the depth.
    for (seconds, share) in [(0, 1.0), (DAY, 1.0), (DAY + DAY / 2, 2.0 / 3.0), (2 * DAY, 0.5), (9 * DAY, 0.5)] {
        market.sets_clock(executed + seconds, 2_000_000);
        let found = depth(&market) as f64 / before as f64;
        assert!((found - share).abs() < 1e-6, "{seconds}: {found}");
    }
}

#[test]
fn a_depth_that_grows_counts_at_once() {
    let market = market();
    let before = depth(&market);
    waited(&market, &[(Depth, 2 * before)]).unwrap();
    assert_eq!((depth(&market), market.asset("SOL").ramp_end), (2 * before, 0));
    // Twice is the most; off is infinitely deep.
    for more in [4 * before + 1, 0] {
        let outcome = market.proposes("more", market.values_of("SOL", &[(Depth, more)]));
        expect_refusal(outcome, BallastError::StepTooLarge);
    }
}

#[test]
fn a_depth_that_was_off_comes_in_along_the_ramp() {
    let market = Fixture::setting_up(1);
    market.applies(Role::Governance, market.values_of("SOL", &[(Depth, 0)])).unwrap();
    let saver = market.actor("saver", &[sol("1")]);
    saver.deposits(sol("1")).unwrap();
    assert_eq!(depth(&market), 0);
    // At once any depth would be a step without a measure.
    let on = market.values_of("SOL", &[(Depth, 1 << 40)]);
    expect_refusal(market.applies(Role::Guardian, on.clone()), BallastError::StepTooLarge);
    market.changes(on).unwrap();
    market.advances(DAY);
    assert_eq!(depth(&market), 0, "the notice");
    market.advances(DAY / 2);
    let half = depth(&market) as f64 / 2f64.powi(41);
    assert!((half - 1.0).abs() < 1e-6, "{half}");
    market.advances(DAY / 2);
    assert_eq!(depth(&market), 1 << 40);
}

#[test]
fn a_depth_shares_its_window_with_the_haircuts() {
    let market = market();
    let before = depth(&market);
    waited(&market, &[(HaircutMaint, part(1_900)), (Depth, before / 2)]).unwrap();
    market.advances(DAY + DAY / 2);
    let found = depth(&market) as f64 / before as f64;
    assert!((found - 2.0 / 3.0).abs() < 1e-6 && (haircut(&market) - 1_700.0).abs() < 0.01);
    assert_eq!(market.market().assets[0].ramp_end, (market.now() + DAY / 2) as u64);
}

#[test]
fn a_depth_that_grows_back_leaves_the_haircuts_their_way_with_another_notice() {
    let market = market();
    let before = depth(&market);
    waited(&market, &[(HaircutMaint, part(1_900)), (Depth, before / 2)]).unwrap();
    market.advances(DAY / 2);
    market.proposes("deeper", market.values_of("SOL", &[(Depth, before)])).unwrap();
    market.advances(DAY);
    market.executes("deeper").unwrap();
    for (seconds, expected) in [(0, 1_700.0), (DAY, 1_700.0), (DAY / 2, 1_800.0), (DAY / 2, 1_900.0)] {
        market.advances(seconds);
        assert_eq!(depth(&market), before);
        assert!((haircut(&market) - expected).abs() < 0.01, "{} instead of {expected}", haircut(&market));
    }
}

#[test]
fn atk_g09_a_clock_that_goes_back_leaves_the_ramp_at_its_ends() {
    let market = market();
    waited(&market, &[(HaircutInit, part(3_000)), (HaircutTarget, part(2_600)), (HaircutMaint, part(2_500))]).unwrap();
    let start = market.now() + DAY;
    let line = [(-1, 1_500.0), (-start, 1_500.0), (DAY / 2, 2_000.0), (DAY / 4, 1_750.0), (DAY + 1, 2_500.0)];
    for (seconds, expected) in line {
        market.sets_clock(start + seconds, 2_000_000);
        assert!((haircut(&market) - expected).abs() < 0.01, "{seconds}");
    }
    // A ramp that starts while the clock is back is no jump either.
    market.sets_clock(start - 2 * DAY, 2_000_000);
    let slower = market.values_of("SOL", &[(HaircutMaint, part(1_600))]);
    market.proposes("slower", slower).unwrap();
    market.advances(DAY);
    market.executes("slower").unwrap();
    assert!((haircut(&market) - 1_500.0).abs() < 0.01);
}
