//! Changes of haircuts and add-ons: what jumps, what gives notice, and along which line it moves.

use ballast_client::event::ChangeMade;
use ballast_client::parameters::levels;
use ballast_client::risk::health::{Level, Side};
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Role, change};
use ballast_tests::*;

const DAY: i64 = 86_400;
const LONGEST: u32 = 1 << 24;

/// A market in which somebody has deposited SOL, so that its haircuts matter to somebody.
fn market() -> Fixture {
    let market = Fixture::new();
    let saver = market.actor("saver", &[sol("1")]);
    saver.deposits(sol("1")).unwrap();
    market
}

/// Haircut and add-on of SOL at `Maint` in force now, in 2^-32.
fn in_force(market: &Fixture) -> [u32; 2] {
    let (asset, now) = (market.asset("SOL"), market.now() as u64);
    [Side::Deposit, Side::Debt].map(|side| asset.haircut(Level::Maint, side, now).get())
}

/// Basis points, to a part in a million.
fn about(value: u32, bps: f64) -> bool {
    (f64::from(value) / 2f64.powi(32) * 10_000.0 - bps).abs() < 0.01
}

fn part(bps: [u16; 3]) -> [u32; 3] {
    levels(bps, "haircut").unwrap()
}

fn one(bps: u16) -> u64 {
    u64::from(part([bps; 3])[0])
}

/// Proposes values of SOL, to be executed in a day.
fn proposes(market: &Fixture, name: &str, values: &[(Parameter, u64)]) -> Outcome {
    market.proposes(name, market.values_of("SOL", values))
}

#[test]
fn a_rise_gives_notice_and_then_moves_along_a_line_and_a_fall_jumps() {
    let market = market();
    let start = market.now();
    let receipt = market.sets_haircuts("SOL", [3_000, 2_600, 2_500], [1_000, 750, 100], 0).unwrap();
    let executed = market.now();
    assert_eq!(executed, start + DAY, "the delay");
    // From 15 % to 25 %; the add-on falls from 5 % to 1 %.
    for (seconds, haircut) in [
        (0, 1_500.0),
        (DAY - 1, 1_500.0),
        (DAY, 1_500.0),
        (DAY + 864, 1_510.0),
        (DAY + DAY / 4, 1_750.0),
        (DAY + DAY / 2, 2_000.0),
        (2 * DAY - 864, 2_490.0),
        (2 * DAY, 2_500.0),
        (2 * DAY + 1, 2_500.0),
        (1_000_000_000, 2_500.0),
    ] {
        market.sets_clock(executed + seconds, 2_000_000);
        let [deposit, debt] = in_force(&market);
        assert!(about(deposit, haircut), "{seconds}: {deposit}");
        assert_eq!(debt, part([100; 3])[0], "{seconds}");
        // Init counts from the beginning.
        let init = market.asset("SOL").haircut(Level::Init, Side::Deposit, market.now() as u64);
        assert_eq!(init.get(), part([3_000; 3])[0]);
    }
    let asset = market.asset("SOL");
    assert_eq!((asset.ramp_start, asset.ramp_end), ((executed + DAY) as u64, (executed + 2 * DAY) as u64));
    let event: ChangeMade = receipt.event();
    assert_eq!((event.market, event.waited), (market.market_address(), true));
    assert_eq!(event.by, market.governance().pubkey());
    // Other assets keep theirs.
    assert_eq!(market.asset("BTC").haircuts, part([2_500, 2_000, 1_500]));
}

#[test]
fn what_falls_counts_as_soon_as_it_is_executed() {
    let market = market();
    market.sets_haircuts("SOL", [2_400, 1_900, 1_100], [900, 700, 400], 100_000).unwrap();
    assert_eq!(in_force(&market), [part([1_100; 3])[0], part([400; 3])[0]]);
    let asset = market.asset("SOL");
    assert_eq!((asset.ramp_start, asset.ramp_end), (0, 0), "nothing is under way");
    assert_eq!((asset.haircuts_before, asset.addons_before), (asset.haircuts, asset.addons));
}

#[test]
fn a_new_ramp_begins_where_the_old_one_is_with_another_notice() {
    let market = market();
    market.sets_haircuts("SOL", [4_000, 3_000, 2_500], [1_000, 750, 500], 0).unwrap();
    market.advances(DAY / 2);
    proposes(&market, "less", &[(HaircutMaint, one(2_200))]).unwrap();
    market.advances(DAY);
    let halfway = in_force(&market);
    assert!(about(halfway[0], 2_000.0), "{halfway:?}");
    market.executes("less").unwrap();
    for (seconds, haircut) in [(0, 2_000.0), (DAY, 2_000.0), (DAY / 2, 2_100.0), (DAY / 2, 2_200.0), (DAY, 2_200.0)] {
        market.advances(seconds);
        assert!(about(in_force(&market)[0], haircut), "{:?} instead of {haircut}", in_force(&market));
    }
}

#[test]
fn a_fall_below_what_is_in_force_ends_a_rise_at_once() {
    let market = market();
    market.sets_haircuts("SOL", [4_000, 3_000, 2_500], [1_000, 750, 500], 0).unwrap();
    market.advances(DAY / 2);
    proposes(&market, "far less", &[(HaircutMaint, one(1_800))]).unwrap();
    market.advances(DAY);
    assert!(about(in_force(&market)[0], 2_000.0));
    market.executes("far less").unwrap();
    assert!(about(in_force(&market)[0], 1_800.0));
    // Target, which rose in the same window, goes on from where it is after another notice.
    let target = |market: &Fixture| market.asset("SOL").haircut(Level::Target, Side::Deposit, market.now() as u64);
    assert!(about(target(&market).get(), 2_500.0));
    market.advances(DAY + DAY / 2);
    assert!(about(target(&market).get(), 2_750.0) && about(in_force(&market)[0], 1_800.0));
}

/// Or a proposal in the middle of a ramp would jump to its end, and steps could be stacked in one window.
#[test]
fn steps_count_from_what_is_in_force() {
    let market = market();
    market.sets_haircuts("SOL", [5_000, 3_000, 2_500], [1_000, 750, 500], 0).unwrap();
    // 7 points from where it goes, 17 from where it is.
    let more = [(HaircutTarget, one(3_200)), (HaircutMaint, one(3_200))];
    expect_refusal(proposes(&market, "more", &more), BallastError::StepTooLarge);
    market.advances(DAY + DAY / 2);
    expect_refusal(proposes(&market, "more", &more), BallastError::StepTooLarge);
    market.advances(DAY / 2 - 10_000);
    // Within ten points by now.
    proposes(&market, "more", &more).unwrap();
    market.advances(DAY);
    market.executes("more").unwrap();
    market.advances(2 * DAY);
    assert!(about(in_force(&market)[0], 3_200.0));
}

#[test]
fn ten_points_are_the_most_in_either_direction() {
    let market = market();
    let maint = |to| proposes(&market, &format!("to {to}"), &[(HaircutTarget, one(3_000)), (HaircutMaint, to)]);
    let from = u64::from(market.asset("SOL").haircuts[2]);
    let (up, down) = (from + one(1_000), from - one(1_000));
    expect_refusal(
        proposes(&market, "init", &[(HaircutInit, one(3_600)), (HaircutTarget, one(3_101))]),
        BallastError::StepTooLarge,
    );
    proposes(&market, "init alone", &[(HaircutInit, one(9_000))]).unwrap();
    market.advances(DAY);
    market.executes("init alone").unwrap();
    // At Init nothing limits a step but the target, in either direction.
    proposes(&market, "init down", &[(HaircutInit, one(2_000))]).unwrap();
    expect_refusal(proposes(&market, "below", &[(HaircutInit, one(1_999))]), BallastError::BadRiskParameters);
    maint(up).unwrap();
    expect_refusal(maint(up + 1), BallastError::StepTooLarge);
    // The bonus of 10 % does not leave room for a haircut of 5 %.
    expect_refusal(proposes(&market, "down", &[(HaircutMaint, down)]), BallastError::BadRiskParameters);
    expect_refusal(proposes(&market, "down", &[(HaircutMaint, down - 1)]), BallastError::StepTooLarge);
}

#[test]
fn ten_points_are_ten_points_wherever_they_start() {
    let market = market();
    for from in [1_500, 1_501, 1_502, 1_503] {
        market.sets_haircuts("SOL", [9_000, 3_000, from], [1_000, 750, 500], 0).unwrap();
        market.advances(2 * DAY);
        proposes(&market, &format!("from {from}"), &[(HaircutMaint, one(from + 1_000))]).unwrap();
    }
}

#[test]
fn a_tightening_at_once_gives_notice_as_well() {
    for role in [Role::Governance, Role::Guardian] {
        let market = market();
        let start = market.now();
        market
            .applies(role, market.values_of("SOL", &[(HaircutTarget, one(2_500)), (HaircutMaint, one(2_500))]))
            .unwrap();
        for (seconds, haircut) in [(0, 1_500.0), (DAY, 1_500.0), (DAY + DAY / 2, 2_000.0), (2 * DAY, 2_500.0)] {
            market.sets_clock(start + seconds, 2_000_000);
            assert!(about(in_force(&market)[0], haircut), "{role:?} {seconds}");
        }
    }
}

#[test]
fn a_tightening_at_once_is_refused_while_a_rise_is_under_way() {
    let market = market();
    let at_once = |role, values: &[(Parameter, u64)]| market.applies(role, market.values_of("SOL", values));
    at_once(Role::Guardian, &[(HaircutMaint, one(1_600))]).unwrap();
    let others = [
        [(HaircutMaint, one(1_700))],
        [(HaircutTarget, one(2_100))],
        [(AddonMaint, one(501))],
        [(AddonTarget, one(751))],
        [(Depth, 1_000_000_000_000_000)],
    ];
    for seconds in [0, DAY, DAY - 1] {
        market.advances(seconds);
        for (values, role) in others.iter().zip([Role::Guardian, Role::Governance].into_iter().cycle()) {
            expect_refusal(at_once(role, values), BallastError::RampRunning);
        }
        // What does not move along the ramp is free.
        let init = u64::from(market.asset("SOL").haircuts[0]);
        at_once(Role::Guardian, &[(HaircutInit, init + 1)]).unwrap();
        assert!(about(market.asset("SOL").haircuts[2], 1_600.0));
    }
    // Another asset has a ramp of its own.
    market.applies(Role::Guardian, market.values_of("BTC", &[(HaircutMaint, one(1_600))])).unwrap();
    market.advances(1);
    for values in &others {
        at_once(Role::Guardian, values).unwrap();
        market.advances(2 * DAY);
    }
}

#[test]
fn at_once_nobody_chooses_how_long_a_rise_takes() {
    let market = market();
    let values = [(HaircutMaint, one(1_600))];
    for ramp in [1, 86_400, LONGEST] {
        let slow = change::parameters_of_asset(&market.market(), 0, &values, ramp);
        expect_refusal(market.applies(Role::Governance, slow), BallastError::RampRunning);
    }
}

#[test]
fn a_proposal_may_ask_for_more_time_than_the_notice_and_not_for_less() {
    for (ramp, length) in [(0, DAY), (1, DAY), (86_400, DAY), (86_401, DAY + 1), (LONGEST, i64::from(LONGEST))] {
        let market = market();
        market.sets_haircuts("SOL", [4_000, 3_000, 2_500], [1_000, 750, 500], ramp).unwrap();
        let (asset, executed) = (market.asset("SOL"), market.now());
        assert_eq!(asset.ramp_start, (executed + DAY) as u64);
        assert_eq!(asset.ramp_end, (executed + DAY + length) as u64);
        market.sets_clock(executed + DAY + length / 2, 2_000_000);
        assert!(about(in_force(&market)[0], 2_000.0));
    }
}

#[test]
fn atk_g02_a_ramp_has_a_longest_length() {
    let market = market();
    for ramp in [LONGEST + 1, u32::MAX] {
        let slow = change::parameters_of_asset(&market.market(), 0, &[(HaircutMaint, one(1_600))], ramp);
        expect_refusal(market.proposes("slow", slow), BallastError::BadRamp);
    }
}

#[test]
fn an_asset_that_nobody_uses_has_neither_steps_nor_ramps() {
    let market = market();
    let index = market.index("ETH");
    let values = [(HaircutInit, one(9_000)), (HaircutTarget, one(8_000)), (HaircutMaint, one(7_000)), (Depth, 1 << 40)];
    market.changes(change::parameters_of_asset(&market.market(), index, &values, 5_000)).unwrap();
    let (asset, now) = (market.asset("ETH"), market.now() as u64);
    assert_eq!(asset.haircut(Level::Maint, Side::Deposit, now).get(), part([7_000; 3])[0]);
    assert_eq!((asset.ramp_end, asset.depth(now).parts().0), (0, 1 << 40));
    // As soon as somebody has something in it, there are.
    market.proposes("back", market.values_of("ETH", &[(HaircutMaint, one(5_000))])).unwrap();
    let saver = market.actor("another saver", &[eth("1")]);
    saver.deposits(eth("1")).unwrap();
    market.advances(DAY);
    expect_refusal(market.executes("back"), BallastError::StepTooLarge);
    saver.withdraws_all("ETH").unwrap();
    market.executes("back").unwrap();
}
