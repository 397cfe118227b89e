//! What the steward may do with `apply_change`: small steps of some parameters, once a day for each asset.

use ballast_client::parameters::levels;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Role, change};
use ballast_tests::*;

const DAY: i64 = 86_400;

fn part(bps: u16) -> u64 {
    u64::from(levels([bps; 3], "part").unwrap()[0])
}

/// A point, as the table has it.
const POINT: u64 = (1u64 << 32).div_ceil(100);
/// Caps of SOL at the start.
const CAP: u64 = 1_000_000;

/// A market with caps that one can count in.
fn market() -> Fixture {
    let market = Fixture::setting_up(3);
    market.applies(Role::Governance, market.values_of("SOL", &[(DepositCap, CAP), (DebtCap, CAP)])).unwrap();
    market.opens_market().unwrap();
    market
}

fn steps(market: &Fixture, values: &[(Parameter, u64)]) -> Outcome {
    market.applies(Role::Steward, market.values_of("SOL", values))
}

fn value(market: &Fixture, parameter: Parameter) -> u64 {
    change::value(&market.asset("SOL"), parameter).unwrap()
}

/// One step a day, whatever was tried before.
fn tomorrow(market: &Fixture) {
    market.advances(DAY);
}

#[test]
fn caps_move_by_a_tenth_in_either_direction() {
    for parameter in [DepositCap, DebtCap] {
        for (to, fits) in [
            (CAP + CAP / 10, true),
            (CAP + CAP / 10 + 1, false),
            (CAP - CAP / 10, true),
            (CAP - CAP / 10 - 1, false),
            (CAP + 1, true),
            (0, false),
            (2 * CAP, false),
            (u64::MAX, false),
        ] {
            let market = market();
            let outcome = steps(&market, &[(parameter, to)]);
            if fits {
                outcome.unwrap();
                assert_eq!(value(&market, parameter), to);
            } else {
                expect_refusal(outcome, BallastError::MustWait);
            }
        }
    }
}

#[test]
fn initial_haircuts_and_addons_move_by_a_point() {
    for parameter in [HaircutInit, AddonInit] {
        let from = value(&market(), parameter);
        for (to, fits) in [
            (from + POINT, true),
            (from + POINT + 1, false),
            (from - POINT, true),
            (from - POINT - 1, false),
            (u64::from(u32::MAX), false),
        ] {
            let market = market();
            let outcome = steps(&market, &[(parameter, to)]);
            if fits {
                outcome.unwrap();
                assert_eq!(value(&market, parameter), to);
            } else {
                expect_refusal(outcome, BallastError::MustWait);
            }
        }
    }
}

#[test]
fn no_other_parameter_of_an_asset_is_his() {
    let market = market();
    for parameter in Parameter::ALL {
        let Some(value) = change::value(&market.asset("SOL"), *parameter) else { continue };
        if [DepositCap, DebtCap, HaircutInit, AddonInit].contains(parameter) {
            continue;
        }
        let near = [value.checked_sub(1), value.checked_add(1)];
        for to in near.into_iter().flatten().filter(|to| parameter.row().allows(*to)) {
            expect_refusal(steps(&market, &[(*parameter, to)]), BallastError::MustWait);
        }
    }
}

#[test]
fn nor_any_of_the_market() {
    let market = market();
    for (parameter, to) in [
        (Delay, 2 * DAY as u64),
        (Notice, DAY as u64 + 1),
        (Window, 2 * DAY as u64),
        (Dust, 999_999),
        (RefuseNonces, 1),
        (FirstCap, 1),
    ] {
        let outcome = market.applies(Role::Steward, market.values(&[(parameter, to)]));
        expect_refusal(outcome, BallastError::MustWait);
    }
}

#[test]
fn he_steps_once_a_day_for_each_asset() {
    let market = market();
    steps(&market, &[(DepositCap, CAP + 1)]).unwrap();
    assert_eq!(market.asset("SOL").steward_at, market.now() as u64);
    let again = || steps(&market, &[(DepositCap, value(&market, DepositCap) + 1)]);
    expect_refusal(again(), BallastError::StewardTooSoon);
    // Another parameter of the asset is no other day.
    expect_refusal(steps(&market, &[(AddonInit, part(1_001))]), BallastError::StewardTooSoon);
    // Another asset is.
    market.applies(Role::Steward, market.values_of("BTC", &[(AddonInit, part(1_001))])).unwrap();
    market.advances(DAY - 1);
    expect_refusal(again(), BallastError::StewardTooSoon);
    market.advances(1);
    again().unwrap();
    expect_refusal(again(), BallastError::StewardTooSoon);
}

#[test]
fn one_change_may_hold_all_of_it() {
    let market = market();
    let (haircut, addon) = (value(&market, HaircutInit), value(&market, AddonInit));
    let all = [(DepositCap, 1_100_000), (DebtCap, 900_000), (HaircutInit, haircut - POINT), (AddonInit, addon + POINT)];
    steps(&market, &all).unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.deposit_cap, asset.debt_cap), (1_100_000, 900_000));
    tomorrow(&market);
    // And one too many spoils it.
    let edges = [(DepositCap, 1_200_000), (HaircutMaint, value(&market, HaircutMaint) + 1)];
    expect_refusal(steps(&market, &edges), BallastError::MustWait);
    steps(&market, &edges[..1]).unwrap();
}

#[test]
fn a_step_keeps_ranges_and_the_order_of_the_levels() {
    let market = market();
    let haircuts = market.asset("SOL").haircuts.map(u64::from);
    // From 25 % to 20 % in five days, and not below where Target is.
    for _ in 0..5 {
        let to = (value(&market, HaircutInit) - POINT).max(haircuts[1]);
        steps(&market, &[(HaircutInit, to)]).unwrap();
        tomorrow(&market);
    }
    let left = value(&market, HaircutInit) - haircuts[1];
    assert!(left < 10, "{left}");
    steps(&market, &[(DebtCap, CAP + 1)]).unwrap();
    tomorrow(&market);
    let below = steps(&market, &[(HaircutInit, haircuts[1] - 1)]);
    expect_refusal(below, BallastError::BadRiskParameters);
    let stale = client::Edit { parameter: DepositCap.code(), from: CAP - 1, to: CAP };
    let stale = client::Proposal::Parameters { asset: Some(0), edits: vec![stale], ramp: 0 };
    expect_refusal(market.applies(Role::Steward, stale), BallastError::ValueChanged);
}

#[test]
fn a_cap_of_zero_is_not_his_to_open() {
    let market = market();
    market.applies(Role::Guardian, market.values_of("SOL", &[(DepositCap, 0)])).unwrap();
    for to in [1, 100, CAP] {
        expect_refusal(steps(&market, &[(DepositCap, to)]), BallastError::MustWait);
    }
    // A tenth of nine is nothing.
    market.applies(Role::Guardian, market.values_of("SOL", &[(DebtCap, 9)])).unwrap();
    expect_refusal(steps(&market, &[(DebtCap, 10)]), BallastError::MustWait);
    expect_refusal(steps(&market, &[(DebtCap, 8)]), BallastError::MustWait);
}

/// Governance and guardian may tighten as often as they want; that takes nothing from the steward, nor he from them.
#[test]
fn his_day_is_not_that_of_governance_and_guardian() {
    let market = market();
    steps(&market, &[(DepositCap, CAP - 1)]).unwrap();
    for role in [Role::Governance, Role::Guardian, Role::Governance] {
        let lower = value(&market, DepositCap) - 10;
        market.applies(role, market.values_of("SOL", &[(DepositCap, lower)])).unwrap();
    }
    expect_refusal(steps(&market, &[(DepositCap, CAP - 100)]), BallastError::StewardTooSoon);
    market.changes(market.values_of("SOL", &[(DepositCap, CAP)])).unwrap();
    steps(&market, &[(DepositCap, CAP - 1)]).unwrap();
}

/// A market whose governance is its steward.
fn one_key() -> Fixture {
    let market = Fixture::setting_up(3);
    market.applies(Role::Governance, market.values_of("SOL", &[(DepositCap, CAP), (DebtCap, CAP)])).unwrap();
    let governance = market.governance().pubkey();
    market.applies(Role::Governance, change::role(&market.market(), Role::Steward, governance)).unwrap();
    market.governs(change::accept_role(&governance, &market.market_address(), Role::Steward)).unwrap();
    market.opens_market().unwrap();
    market
}

#[test]
fn governance_that_is_also_steward_uses_either_right() {
    let market = one_key();
    let sets = |values: &[(Parameter, u64)]| market.applies(Role::Governance, market.values_of("SOL", values));
    // What tightens is no step of the steward, however large and often.
    for cap in [CAP / 2, CAP / 4, 1_000] {
        sets(&[(DepositCap, cap)]).unwrap();
    }
    assert_eq!(market.asset("SOL").steward_at, 0);
    // What loosens is, also beside something that tightens.
    expect_refusal(sets(&[(DepositCap, 1_101), (DebtCap, 5)]), BallastError::MustWait);
    sets(&[(DepositCap, 1_100), (DebtCap, 5)]).unwrap();
    assert_eq!(market.asset("SOL").steward_at, market.now() as u64);
    expect_refusal(sets(&[(DepositCap, 1_101)]), BallastError::StewardTooSoon);
    // On the same day it still tightens.
    sets(&[(DepositCap, 1), (HaircutInit, part(9_000))]).unwrap();
    expect_refusal(sets(&[(HaircutInit, part(8_999))]), BallastError::StewardTooSoon);
    tomorrow(&market);
    sets(&[(HaircutInit, part(8_999))]).unwrap();
    expect_refusal(sets(&[(MaxAge, 61)]), BallastError::MustWait);
}

#[test]
fn what_waited_is_no_step_of_his() {
    let market = market();
    steps(&market, &[(DepositCap, CAP + 1)]).unwrap();
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 2 * CAP)])).unwrap();
    tomorrow(&market);
    market.executes("cap").unwrap();
    assert_eq!(market.asset("SOL").steward_at, (market.now() - DAY) as u64);
    steps(&market, &[(DepositCap, 2 * CAP + 1)]).unwrap();
}
