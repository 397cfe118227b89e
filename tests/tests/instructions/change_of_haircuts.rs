//! `set_haircuts`.

use ballast_client::event::HaircutsSet;
use ballast_client::model::set_haircuts;
use ballast_client::parameters::levels;
use ballast_client::risk::health::{Level, Side};
use ballast_tests::slots::{GOVERN, replaced, unsigned};
use ballast_tests::*;

const LONGEST: u32 = 1 << 24;

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

#[test]
fn haircuts_move_along_a_line_and_stay_at_its_end() {
    let market = Fixture::new();
    let start = market.now();
    let receipt = market.sets_haircuts("SOL", [3_000, 2_600, 2_500], [1_000, 750, 100], 1_000).unwrap();
    // Nothing jumps: from 15 % and 5 % to 25 % and 1 %.
    for (seconds, haircut, addon) in [
        (0, 1_500.0, 500.0),
        (1, 1_501.0, 499.6),
        (250, 1_750.0, 400.0),
        (500, 2_000.0, 300.0),
        (999, 2_499.0, 100.4),
        (1_000, 2_500.0, 100.0),
        (1_001, 2_500.0, 100.0),
        (1_000_000_000, 2_500.0, 100.0),
    ] {
        market.sets_clock(start + seconds, 2_000);
        let [deposit, debt] = in_force(&market);
        assert!(about(deposit, haircut) && about(debt, addon), "{seconds}: {deposit} {debt}");
    }
    let event: HaircutsSet = receipt.event();
    assert_eq!((event.market, event.asset), (market.market_address(), market.index("SOL")));
    assert_eq!((event.haircuts, event.addons), (part([3_000, 2_600, 2_500]), part([1_000, 750, 100])));
    assert_eq!((event.start, event.end), (start as u64, start as u64 + 1_000));
    // Other assets keep theirs.
    assert_eq!(market.asset("BTC").haircuts, part([2_500, 2_000, 1_500]));
}

#[test]
fn a_new_ramp_begins_where_the_old_one_is() {
    let market = Fixture::new();
    market.sets_haircuts("SOL", [4_000, 3_000, 2_500], [1_000, 750, 500], 1_000).unwrap();
    market.advances(500);
    let halfway = in_force(&market);
    assert!(about(halfway[0], 2_000.0));
    market.sets_haircuts("SOL", [2_500, 2_000, 1_600], [1_000, 750, 500], 2_000).unwrap();
    assert_eq!(in_force(&market), halfway, "nothing jumps");
    market.advances(1_000);
    assert!(about(in_force(&market)[0], 1_800.0), "{:?}", in_force(&market));
    market.advances(1_000);
    assert_eq!(in_force(&market)[0], part([2_500, 2_000, 1_600])[2]);
}

#[test]
fn without_a_ramp_they_count_at_once() {
    let market = Fixture::new();
    market.sets_haircuts("SOL", [3_000, 2_600, 2_500], [900, 700, 600], 0).unwrap();
    assert_eq!(in_force(&market), [part([3_000, 2_600, 2_500])[2], part([900, 700, 600])[2]]);
    let asset = market.asset("SOL");
    assert_eq!((asset.ramp_start, asset.ramp_end), (market.now() as u64, market.now() as u64));
}

#[test]
fn levels_stay_in_order_at_every_second_of_a_ramp() {
    let market = Fixture::new();
    market.sets_haircuts("SOL", [2_000, 2_000, 2_000], [9_000, 500, 400], 7).unwrap();
    for _ in 0..9 {
        let (asset, now) = (market.asset("SOL"), market.now() as u64);
        for side in [Side::Deposit, Side::Debt] {
            let [init, target, maint] = Level::ALL.map(|level| asset.haircut(level, side, now));
            assert!(maint <= target && target <= init, "{maint:?} {target:?} {init:?}");
        }
        market.advances(1);
    }
}

#[test]
fn atk_g02_levels_out_of_order_are_refused() {
    let market = Fixture::new();
    let good = [1_000, 750, 500];
    for haircuts in [[1_999, 2_000, 1_500], [2_500, 1_499, 1_500], [1_500, 2_000, 2_500]] {
        expect_refusal(market.sets_haircuts("SOL", haircuts, good, 10), BallastError::BadRiskParameters);
    }
    for addons in [[700, 750, 500], [1_000, 400, 500]] {
        expect_refusal(market.sets_haircuts("SOL", [2_500, 2_000, 1_500], addons, 10), BallastError::BadRiskParameters);
    }
    market.sets_haircuts("SOL", [10_000; 3], [10_000; 3], 10).unwrap();
    assert_eq!(market.asset("SOL").haircuts, [u32::MAX; 3]);
}

#[test]
fn the_bonus_stays_covered_by_the_haircut() {
    let market = Fixture::new();
    // The largest bonus is 10 %: 9.1 % taken off leave 90.9 %, on which 10 % more are the whole again.
    let addons = [1_000, 750, 500];
    expect_refusal(market.sets_haircuts("SOL", [2_500, 2_000, 909], addons, 10), BallastError::BadRiskParameters);
    market.sets_haircuts("SOL", [2_500, 2_000, 910], addons, 10).unwrap();
}

#[test]
fn atk_g02_a_ramp_has_a_longest_length() {
    let market = Fixture::new();
    let set = |seconds| market.sets_haircuts("SOL", [2_500, 2_000, 1_500], [1_000, 750, 500], seconds);
    set(1).unwrap();
    set(LONGEST).unwrap();
    for seconds in [LONGEST + 1, u32::MAX] {
        expect_refusal(set(seconds), BallastError::BadRamp);
    }
}

#[test]
fn the_asset_is_listed() {
    let market = Fixture::new();
    let governance = market.governance().pubkey();
    for index in [8, 63, 64, 255] {
        let astray = set_haircuts(&governance, &market.market_address(), index, [1 << 30; 3], [0; 3], 0);
        expect_refusal(market.governs(astray), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a04_only_the_governance_of_this_market_sets_them() {
    let market = Fixture::new();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let good = set_haircuts(&market.governance().pubkey(), &market.market_address(), 0, [1 << 30; 3], [0; 3], 0);
    for other in [&mallory.key, &foreign.governance()] {
        let forged = replaced(&good, GOVERN, "governance", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGovernance);
    }
    let silent = unsigned(&good, GOVERN, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
    market.governs(good).unwrap();
}

#[test]
fn atk_g09_a_clock_that_goes_back_leaves_the_ramp_at_its_ends() {
    let market = Fixture::new();
    let start = market.now();
    market.sets_haircuts("SOL", [3_000, 2_600, 2_500], [1_000, 750, 500], 1_000).unwrap();
    for (seconds, haircut) in [(-1, 1_500.0), (-start, 1_500.0), (500, 2_000.0), (499, 1_999.0), (1_001, 2_500.0)] {
        market.sets_clock(start + seconds, 2_000);
        assert!(about(in_force(&market)[0], haircut), "{seconds}");
    }
    // A ramp that starts while the clock is back is no jump either.
    market.sets_clock(start - 100, 2_000);
    market.sets_haircuts("SOL", [2_500, 2_000, 1_600], [1_000, 750, 500], 100).unwrap();
    assert!(about(in_force(&market)[0], 1_500.0));
}
