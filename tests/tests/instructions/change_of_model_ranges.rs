//! Ranges of a model and of its rows.

use ballast_client::{LoadingRow, RiskModel, ShockRow};
use ballast_tests::governance::{moves, one_factor, shocked, stressed, worst_of};
use ballast_tests::*;

/// One, as a loading, a volatility or a shock.
const ONE: i32 = 1 << 30;
/// One, as a lambda or a multiplier.
const TIMES: u32 = 1 << 16;

fn model() -> RiskModel {
    one_factor([300, 250, 200], 3_000)
}

/// A market of one asset that is being set up adopts a model and the rows of that asset.
fn adopts(model: &RiskModel, loadings: LoadingRow, shocks: ShockRow) -> Outcome {
    let market = Fixture::setting_up(1);
    market.opens_draft("quant").unwrap();
    market.writes_loadings("quant", &[loadings]);
    market.writes_shocks("quant", &[shocks]);
    market.sets_model("quant", model, &[loadings], &[shocks])
}

fn nets(model: &RiskModel, row: LoadingRow) -> Outcome {
    adopts(model, row, [0; 8])
}

fn stresses(model: &RiskModel, row: ShockRow) -> Outcome {
    adopts(model, [0; 7], row)
}

#[test]
fn with_netting_off_the_rest_is_nothing() {
    let market = Fixture::setting_up(8);
    for change in [
        |off: &mut RiskModel| off.factors = 1,
        |off: &mut RiskModel| off.lambdas = [0, 0, 1],
        |off: &mut RiskModel| off.lambdas = [TIMES; 3],
        |off: &mut RiskModel| off.floor = 1,
        |off: &mut RiskModel| off.validity = 1,
        |off: &mut RiskModel| off.grace = 1,
        |off: &mut RiskModel| off.tail = 1,
        |off: &mut RiskModel| off.multipliers = [TIMES, 0, 0],
        |off: &mut RiskModel| off.multipliers = [TIMES; 3],
    ] {
        let mut off = RiskModel::default();
        change(&mut off);
        expect_refusal(market.sets_model("nobody", &off, &[], &[]), BallastError::BadModel);
        // With scenarios the same is wrong about netting.
        let stress = stressed(off, worst_of(1, [100; 3]));
        if stress != worst_of(1, [100; 3]) {
            expect_refusal(stresses(&stress, [0; 8]), BallastError::BadModel);
        }
    }
    market.sets_model("nobody", &RiskModel::default(), &[], &[]).unwrap();
}

#[test]
fn atk_g02_every_number_of_the_portfolio_has_its_range() {
    let with = |change: &dyn Fn(&mut RiskModel)| {
        let mut changed = model();
        change(&mut changed);
        nets(&changed, [0; 7])
    };
    let good: [&dyn Fn(&mut RiskModel); 14] = [
        &|model| model.factors = 0,
        &|model| model.factors = 6,
        &|model| model.lambdas = [TIMES; 3],
        &|model| model.lambdas = [16 * TIMES; 3],
        &|model| model.lambdas = [16 * TIMES, TIMES, TIMES],
        &|model| model.floor = 0,
        &|model| model.floor = 1,
        &|model| model.floor = u32::MAX - 1,
        &|model| model.floor = u32::MAX,
        &|model| model.validity = 1,
        &|model| model.validity = 31_536_000,
        &|model| model.grace = 86_400,
        &|model| model.grace = 86_401,
        &|model| model.grace = 1 << 24,
    ];
    for change in good {
        with(change).unwrap();
    }
    let bad: [&dyn Fn(&mut RiskModel); 14] = [
        &|model| model.factors = 7,
        &|model| model.factors = 255,
        &|model| model.lambdas = [TIMES, TIMES, TIMES - 1],
        &|model| model.lambdas = [0; 3],
        &|model| model.lambdas = [16 * TIMES + 1, TIMES, TIMES],
        &|model| model.lambdas = [u32::MAX; 3],
        &|model| model.lambdas = [2 * TIMES, 2 * TIMES + 1, TIMES],
        &|model| model.lambdas = [3 * TIMES, 2 * TIMES, 2 * TIMES + 1],
        &|model| model.validity = 0,
        &|model| model.validity = 31_536_001,
        &|model| model.validity = u32::MAX,
        &|model| model.grace = 0,
        &|model| model.grace = 86_399,
        &|model| model.grace = (1 << 24) + 1,
    ];
    for change in bad {
        expect_refusal(with(change), BallastError::BadModel);
    }
}

#[test]
fn atk_g02_counts_tails_and_multipliers_have_their_ranges() {
    let with = |scenarios: u8, tail: u8, multipliers: [u32; 3]| {
        stresses(&RiskModel { scenarios, tail, multipliers, ..RiskModel::default() }, [0; 8])
    };
    for (count, tail) in [(1, 1), (8, 1), (8, 8), (5, 5)] {
        with(count, tail, [TIMES; 3]).unwrap();
    }
    // Without scenarios there is nothing to say about them.
    with(0, 0, [0; 3]).unwrap();
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

/// Who proposes a model whose terms are wrong learns it at once, not after the delay.
#[test]
fn terms_are_checked_when_a_model_is_proposed_and_rows_when_it_is_executed() {
    let market = Fixture::new();
    let proposal = |model| market.drafting("quant").proposal(&market.market(), model, &[[i32::MIN; 7]; 8], &[]);
    for bad in [RiskModel { factors: 7, ..model() }, RiskModel { grace: 86_399, ..model() }] {
        expect_refusal(market.proposes("bad", proposal(bad)), BallastError::BadModel);
    }
    market.proposes("good terms", proposal(model())).unwrap();
    market.opens_draft("quant").unwrap();
    market.writes_loadings("quant", &[[i32::MIN; 7]; 8]);
    market.advances(86_400);
    expect_refusal(market.executes_from("good terms", Some("quant")), BallastError::BadSensitivities);
}

#[test]
fn lambda_times_volatility_is_at_most_one() {
    let of_lambda = |lambda: u32, row: LoadingRow| {
        let model = RiskModel { factors: 6, lambdas: [lambda, TIMES, TIMES], ..model() };
        nets(&model, row)
    };
    for (lambda, most) in [(TIMES, ONE), (2 * TIMES, ONE / 2), (16 * TIMES, ONE / 16)] {
        for row in [[most, 0, 0, 0, 0, 0, 0], [0, 0, -most, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, most]] {
            of_lambda(lambda, row).unwrap();
            let beyond = row.map(|number| number + number.signum());
            expect_refusal(of_lambda(lambda, beyond), BallastError::BadSensitivities);
        }
        // Volatilities add up as squares.
        let half = most / 2;
        of_lambda(lambda, [half, half, -half, 0, 0, 0, half]).unwrap();
        expect_refusal(of_lambda(lambda, [half, half, -half, 1, 0, 0, half]), BallastError::BadSensitivities);
    }
    let lambda = 3 * TIMES;
    of_lambda(lambda, [ONE / 3, 0, 0, 0, 0, 0, 0]).unwrap();
    expect_refusal(of_lambda(lambda, [ONE / 3 + 1, 0, 0, 0, 0, 0, 0]), BallastError::BadSensitivities);
    expect_refusal(of_lambda(lambda + 1, [ONE / 3, 0, 0, 0, 0, 0, 0]), BallastError::BadSensitivities);
}

#[test]
fn atk_g02_no_coefficient_breaks_out_of_its_range() {
    let wide = RiskModel { factors: 6, lambdas: [TIMES; 3], ..model() };
    for at in 0..7 {
        for number in [i32::MIN, i32::MIN + 1, -ONE - 1, ONE + 1, i32::MAX] {
            let mut row = [0; 7];
            row[at] = number;
            expect_refusal(nets(&wide, row), BallastError::BadSensitivities);
        }
    }
    expect_refusal(nets(&wide, [0, 0, 0, 0, 0, 0, -1]), BallastError::BadSensitivities);
    // A loading on a factor that there is not.
    for at in 1..6 {
        let mut row = [0; 7];
        row[at] = 1;
        expect_refusal(nets(&model(), row), BallastError::BadSensitivities);
    }
}

#[test]
fn multiplier_times_fall_is_at_most_one() {
    let of = |multiplier: u32, shock: i32| {
        let multipliers = [multiplier, 0, 0];
        let model = RiskModel { scenarios: 2, tail: 1, multipliers, ..RiskModel::default() };
        stresses(&model, [0, shock, 0, 0, 0, 0, 0, 0])
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
        stresses(&worst_of(2, [100; 3]), row).unwrap();
        row[at] = 1;
        expect_refusal(stresses(&worst_of(2, [100; 3]), row), BallastError::BadSensitivities);
    }
}

#[test]
fn what_was_checked_for_one_model_is_checked_again_for_the_next() {
    let market = Fixture::setting_up(8);
    market.models(&worst_of(1, [100; 3]), |_| shocked(&[-10_000]));
    let shocks = market.shocks(|_| shocked(&[-10_000]));
    // The same rows under a larger multiplier.
    let steeper = worst_of(1, [101, 100, 100]);
    expect_refusal(market.sets_model("quant", &steeper, &[], &shocks), BallastError::BadSensitivities);
    market.models(&one_factor([200; 3], 0), |_| moves(5_000, 0));
    let loadings = market.loadings(|_| moves(5_000, 0));
    let steeper = one_factor([201, 200, 200], 0);
    expect_refusal(market.sets_model("quant", &steeper, &loadings, &[]), BallastError::BadSensitivities);
}

#[test]
fn one_bad_row_refuses_all() {
    let market = Fixture::setting_up(8);
    market.opens_draft("quant").unwrap();
    let mut rows = market.loadings(|_| moves(500, 100));
    rows[7] = [ONE, 0, 0, 0, 0, 0, 0];
    market.writes_loadings("quant", &rows);
    expect_refusal(market.sets_model("quant", &model(), &rows, &[]), BallastError::BadSensitivities);
    assert_eq!(market.market().model_version, 0);
}
