//! `set_scenarios`.

use ballast_client::event::ScenariosSet;
use ballast_client::risk::model::Sensitivities;
use ballast_client::{MAX_ASSETS, Scenarios, ShockRow};
use ballast_tests::governance::{moves, one_factor, shocked, worst_of};
use ballast_tests::model::scenarios;
use ballast_tests::slots::{TAKE_OVER, replaced, unsigned};
use ballast_tests::*;

/// One, as a shock.
const ONE: i32 = 1 << 30;
/// One, as a multiplier.
const TIMES: u32 = 1 << 16;

/// Quant has drafted the standard shocks of three scenarios.
fn market() -> (Fixture, Vec<ShockRow>) {
    let market = Fixture::new();
    market.opens_draft("quant").unwrap();
    let rows: Vec<_> = market.rows(0, 3).iter().map(|row| row.shocks()).collect();
    market.writes_shocks("quant", &rows);
    (market, rows)
}

/// A market of one asset adopts scenarios and the row of that asset.
fn adopts(scenarios: &Scenarios, row: ShockRow) -> Outcome {
    let market = Fixture::with_assets(1);
    market.opens_draft("quant").unwrap();
    market.writes_shocks("quant", &[row]);
    market.sets_scenarios("quant", scenarios, &[row])
}

fn shocks_of(market: &Fixture, asset: usize) -> ShockRow {
    Sensitivities::from_columns(&market.market().assets[asset].columns).shocks
}

#[test]
fn the_market_has_what_governance_signed_for() {
    let (market, rows) = market();
    let asked = scenarios(3);

    let receipt = market.sets_scenarios("quant", &asked, &rows).unwrap();

    let adopted = market.market();
    assert_eq!((adopted.scenarios, adopted.tail, adopted.multipliers), (3, 2, asked.multipliers));
    assert_eq!((adopted.scenario_names, adopted.netting), (asked.names, 0));
    for (asset, row) in rows.iter().enumerate() {
        assert_eq!(shocks_of(&market, asset), *row);
    }
    let event: ScenariosSet = receipt.event();
    assert_eq!((event.market, event.count, event.tail), (market.market_address(), 3, 2));
    assert_eq!((event.multipliers, event.time), (asked.multipliers, market.now() as u64));
}

#[test]
fn the_model_of_correlation_stays_as_it_is() {
    let market = Fixture::new();
    market.adopts(4, 0);
    let before = market.market();
    market.stresses(&scenarios(8), |_| shocked(&[-1_000, 100]));
    let after = market.market();
    assert_eq!((after.netting, after.factors, after.lambdas), (1, 4, before.lambdas));
    assert_eq!((after.valid_until, after.floor), (before.valid_until, before.floor));
    for (before, after) in before.listed().iter().zip(after.listed()) {
        assert_eq!(before.columns[..8], after.columns[..8]);
        assert_ne!(before.columns[8..], after.columns[8..]);
    }
}

#[test]
fn scenarios_can_be_taken_away_again_and_nothing_of_them_stays() {
    let (market, rows) = market();
    let fresh = market.market();
    market.sets_scenarios("quant", &scenarios(3), &rows).unwrap();
    market.sets_scenarios("nobody", &Scenarios::default(), &[]).unwrap();
    assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*fresh));
}

#[test]
fn rows_of_another_digest_and_a_draft_that_changed_are_refused() {
    let (market, rows) = market();
    let mut other = rows.clone();
    other[7][2] += 1;
    expect_refusal(market.sets_scenarios("quant", &scenarios(3), &other), BallastError::DraftChanged);
    market.writes_shocks("quant", &other);
    expect_refusal(market.sets_scenarios("quant", &scenarios(3), &rows), BallastError::DraftChanged);
    market.sets_scenarios("quant", &scenarios(3), &other).unwrap();
}

#[test]
fn the_draft_of_anybody_with_the_right_rows_will_do() {
    let (market, rows) = market();
    market.opens_draft("mallory").unwrap();
    market.writes_shocks("mallory", &rows);
    market.sets_scenarios("mallory", &scenarios(3), &rows).unwrap();
}

#[test]
fn an_interrupted_draft_leaves_the_active_scenarios_as_they_were() {
    let market = Fixture::with_assets(MAX_ASSETS);
    market.adopts(0, 3);
    let before = market.account(&market.market_address());
    market.opens_draft("another").unwrap();
    let rows: Vec<_> = market.rows(0, 8).iter().map(|row| row.shocks()).collect();
    let writes = market.drafting("another").write_shocks(&rows);
    // The last rows without the first ones, and a hole in the middle.
    for write in [&writes[2], &writes[0]] {
        market.sends(std::slice::from_ref(write), &[&key("another")]).unwrap();
        expect_refusal(market.sets_scenarios("another", &scenarios(8), &rows), BallastError::DraftIncomplete);
    }
    assert_eq!(market.account(&market.market_address()), before);
    market.sends(&writes[1..2], &[&key("another")]).unwrap();
    market.sets_scenarios("another", &scenarios(8), &rows).unwrap();
    assert_eq!(shocks_of(&market, 63), rows[63]);
}

#[test]
fn scenarios_need_a_draft_with_shocks() {
    let (market, rows) = market();
    let mut none = market.drafting("quant").set_scenarios(scenarios(3), &rows);
    none.accounts[2].pubkey = client::ID;
    expect_refusal(market.governs(none), BallastError::DraftIncomplete);
    // Rows of loadings are no rows of shocks.
    market.opens_draft("another").unwrap();
    market.writes_loadings("another", &[[0; 7]; 8]);
    expect_refusal(market.sets_scenarios("another", &scenarios(3), &rows), BallastError::DraftIncomplete);
}

#[test]
fn atk_a02_a_draft_for_another_market_is_refused() {
    let (market, rows) = market();
    let twin = market.parallel_market();
    let set = twin.drafting("quant").set_scenarios(scenarios(3), &rows);
    expect_refusal(twin.governs(set), BallastError::WrongMarket);
}

#[test]
fn atk_a04_only_the_governance_of_this_market_sets_them() {
    let (market, rows) = market();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let good = market.drafting("quant").set_scenarios(scenarios(3), &rows);
    for other in [&mallory.key, &foreign.governance(), &key("quant")] {
        let forged = replaced(&good, TAKE_OVER, "governance", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGovernance);
    }
    let silent = unsigned(&good, TAKE_OVER, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn atk_g02_counts_tails_and_multipliers_have_their_ranges() {
    let with = |count: u8, tail: u8, multipliers: [u32; 3]| {
        adopts(&Scenarios { count, tail, multipliers, ..Scenarios::default() }, [0; 8])
    };
    for (count, tail) in [(1, 1), (8, 1), (8, 8), (5, 5)] {
        with(count, tail, [TIMES; 3]).unwrap();
    }
    // Without scenarios there is nothing to say about them.
    with(0, 0, [0; 3]).unwrap();
    let named = Scenarios { names: [[1; 16]; 8], ..Scenarios::default() };
    expect_refusal(adopts(&named, [0; 8]), BallastError::BadModel);
    for (count, tail) in [(0, 0), (0, 1), (1, 0), (1, 2), (8, 0), (8, 9), (9, 1), (255, 255)] {
        expect_refusal(with(count, tail, [TIMES; 3]), BallastError::BadModel);
    }
    for multipliers in [[0; 3], [4 * TIMES; 3], [4 * TIMES, 1, 0], [1, 1, 1]] {
        with(2, 1, multipliers).unwrap();
    }
    for multipliers in [[4 * TIMES + 1, TIMES, TIMES], [u32::MAX; 3], [TIMES, TIMES + 1, 0], [TIMES, 0, 1]] {
        expect_refusal(with(2, 1, multipliers), BallastError::BadModel);
    }
}

#[test]
fn multiplier_times_fall_is_at_most_one() {
    let of = |multiplier: u32, shock: i32| {
        let multipliers = [multiplier, 0, 0];
        adopts(&Scenarios { count: 2, tail: 1, multipliers, ..Scenarios::default() }, [0, shock, 0, 0, 0, 0, 0, 0])
    };
    for (multiplier, most) in [(0, ONE), (TIMES, ONE), (2 * TIMES, ONE / 2), (4 * TIMES, ONE / 4)] {
        of(multiplier, -most).unwrap();
        expect_refusal(of(multiplier, -most - 1), BallastError::BadSensitivities);
        // A price may rise by as much as the format holds: nobody's debt is more than the whole of that.
        of(multiplier, i32::MAX).unwrap();
        expect_refusal(of(multiplier, i32::MIN), BallastError::BadSensitivities);
    }
    expect_refusal(of(4 * TIMES, -ONE), BallastError::BadSensitivities);
    expect_refusal(of(TIMES + 1, -ONE), BallastError::BadSensitivities);
}

#[test]
fn a_shock_belongs_to_a_scenario() {
    for at in 2..8 {
        let mut row = [-5; 8];
        row[2..].fill(0);
        adopts(&worst_of(2, [100; 3]), row).unwrap();
        row[at] = 1;
        expect_refusal(adopts(&worst_of(2, [100; 3]), row), BallastError::BadSensitivities);
    }
}

#[test]
fn what_was_checked_for_one_model_is_checked_again_for_the_next() {
    let market = Fixture::new();
    market.stresses(&worst_of(1, [100; 3]), |_| shocked(&[-10_000]));
    let rows = market.shocks(|_| shocked(&[-10_000]));
    // The same rows under a larger multiplier.
    let steeper = worst_of(1, [101, 100, 100]);
    expect_refusal(market.sets_scenarios("quant", &steeper, &rows), BallastError::BadSensitivities);
    // And loadings under a larger lambda, which need a draft anyway.
    market.nets(&one_factor([200; 3], 0), |_| moves(5_000, 0));
    let rows = market.loadings(|_| moves(5_000, 0));
    let steeper = one_factor([201, 200, 200], 0);
    expect_refusal(market.sets_risk_model("quant", &steeper, &rows), BallastError::BadSensitivities);
}
