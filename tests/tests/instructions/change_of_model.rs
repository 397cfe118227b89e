//! `set_risk_model`.

use ballast_client::event::RiskModelSet;
use ballast_client::risk::model::Sensitivities;
use ballast_client::{LoadingRow, MAX_ASSETS, RiskModel};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::model::{GRACE, VALIDITY, risk_model};
use ballast_tests::slots::{TAKE_OVER, replaced, unsigned};
use ballast_tests::*;

/// One, as a loading or a volatility.
const ONE: i32 = 1 << 30;
/// One, as a lambda.
const TIMES: u32 = 1 << 16;

fn model() -> RiskModel {
    one_factor([300, 250, 200], 3_000)
}

/// Quant has drafted the standard loadings of two factors.
fn market() -> (Fixture, Vec<LoadingRow>) {
    let market = Fixture::new();
    market.opens_draft("quant").unwrap();
    let rows: Vec<_> = market.rows(1, 0).iter().map(|row| row.loadings()).collect();
    market.writes_loadings("quant", &rows);
    (market, rows)
}

/// A market of one asset adopts a model and the row of that asset.
fn adopts(model: &RiskModel, row: LoadingRow) -> Outcome {
    let market = Fixture::with_assets(1);
    market.opens_draft("quant").unwrap();
    market.writes_loadings("quant", &[row]);
    market.sets_risk_model("quant", model, &[row])
}

fn loadings_of(market: &Fixture, asset: usize) -> LoadingRow {
    let Sensitivities { loadings: [a, b, c, d, e, f], specific, .. } =
        Sensitivities::from_columns(&market.market().assets[asset].columns);
    [a, b, c, d, e, f, specific as i32]
}

#[test]
fn the_market_has_what_governance_signed_for() {
    let (market, rows) = market();
    let asked = RiskModel { factor_names: risk_model(1).factor_names, ..model() };

    let receipt = market.sets_risk_model("quant", &asked, &rows).unwrap();

    let adopted = market.market();
    assert_eq!((adopted.netting, adopted.factors), (1, 1));
    assert_eq!((adopted.lambdas, adopted.floor), (asked.lambdas, asked.floor));
    assert_eq!((adopted.factor_names, adopted.validity), (asked.factor_names, VALIDITY));
    assert_eq!(adopted.valid_until, market.now() as u64 + u64::from(VALIDITY));
    assert_eq!(adopted.fallback_until, adopted.valid_until + u64::from(GRACE));
    for (asset, row) in rows.iter().enumerate() {
        assert_eq!(loadings_of(&market, asset), *row);
    }
    // What is not listed has no row yet.
    assert_eq!(adopted.assets[rows.len()].columns, [0; 16]);
    let event: RiskModelSet = receipt.event();
    assert_eq!((event.market, event.netting, event.factors), (market.market_address(), true, 1));
    assert_eq!((event.lambdas, event.floor), (asked.lambdas, asked.floor));
    assert_eq!(event.valid_until, adopted.valid_until);
}

#[test]
fn scenarios_stay_as_they_are() {
    let market = Fixture::new();
    market.adopts(0, 8);
    let before = market.market();
    market.nets(&model(), |_| moves(500, 100));
    let after = market.market();
    assert_eq!((after.scenarios, after.tail, after.multipliers), (before.scenarios, before.tail, before.multipliers));
    assert_eq!(after.scenario_names, before.scenario_names);
    for (before, after) in before.listed().iter().zip(after.listed()) {
        assert_eq!(before.columns[8..], after.columns[8..]);
        assert_ne!(before.columns[..8], after.columns[..8]);
    }
}

#[test]
fn netting_can_be_turned_off_again_and_nothing_of_it_stays() {
    let (market, rows) = market();
    let fresh = market.market();
    market.sets_risk_model("quant", &model(), &rows).unwrap();
    // It takes neither a draft nor a digest.
    market.sets_risk_model("nobody", &RiskModel::default(), &[]).unwrap();
    let mut after = market.market();
    // But the time of the change.
    assert_eq!(after.valid_until, market.now() as u64);
    (after.valid_until, after.fallback_until) = (0, 0);
    assert_eq!(bytemuck::bytes_of(&*after), bytemuck::bytes_of(&*fresh));
}

#[test]
fn with_netting_off_the_rest_is_nothing() {
    let market = Fixture::new();
    for change in [
        |off: &mut RiskModel| off.factors = 1,
        |off: &mut RiskModel| off.lambdas = [0, 0, 1],
        |off: &mut RiskModel| off.lambdas = [TIMES; 3],
        |off: &mut RiskModel| off.floor = 1,
        |off: &mut RiskModel| off.validity = 1,
        |off: &mut RiskModel| off.grace = 1,
        |off: &mut RiskModel| off.factor_names[5][15] = 1,
    ] {
        let mut off = RiskModel::default();
        change(&mut off);
        expect_refusal(market.sets_risk_model("nobody", &off, &[]), BallastError::BadModel);
    }
}

#[test]
fn another_model_replaces_all_of_the_one_before() {
    let market = Fixture::new();
    market.adopts(6, 0);
    market.nets(&model(), |symbol| if symbol == "SOL" { moves(700, 0) } else { moves(0, 0) });
    assert_eq!(market.market().factors, 1);
    assert_eq!(loadings_of(&market, 0), moves(700, 0).loadings());
    for asset in 1..8 {
        assert_eq!(loadings_of(&market, asset), [0; 7]);
    }
}

#[test]
fn rows_of_another_digest_are_refused() {
    let (market, rows) = market();
    for at in [0, rows.len() - 1] {
        let mut other = rows.clone();
        other[at][6] += 1;
        expect_refusal(market.sets_risk_model("quant", &model(), &other), BallastError::DraftChanged);
    }
    // Fewer rows, more rows, none.
    expect_refusal(market.sets_risk_model("quant", &model(), &rows[1..]), BallastError::DraftChanged);
    let more = [rows.clone(), vec![[0; 7]]].concat();
    expect_refusal(market.sets_risk_model("quant", &model(), &more), BallastError::DraftChanged);
    expect_refusal(market.sets_risk_model("quant", &model(), &[]), BallastError::DraftChanged);
}

#[test]
fn a_draft_that_changed_after_governance_looked_is_refused() {
    let (market, rows) = market();
    let mut changed = rows.clone();
    changed[3][0] = 0;
    market.writes_loadings("quant", &changed);
    expect_refusal(market.sets_risk_model("quant", &model(), &rows), BallastError::DraftChanged);
    // Changed back it is the same again.
    market.writes_loadings("quant", &rows);
    market.sets_risk_model("quant", &model(), &rows).unwrap();
}

#[test]
fn the_digest_of_shocks_is_not_one_of_loadings() {
    let market = Fixture::with_assets(8);
    market.opens_draft("quant").unwrap();
    market.writes_loadings("quant", &[[0; 7]; 8]);
    market.writes_shocks("quant", &[[0; 8]; 7]);
    let mut crossed = market.drafting("quant").set_risk_model(model(), &[[0; 7]; 8]);
    // 8 rows of 7 and 7 rows of 8 are the same bytes.
    let stress = market.drafting("quant").set_scenarios(Default::default(), &[[0; 8]; 7]);
    let (from, into) = (stress.data.len() - 32, crossed.data.len() - 32);
    crossed.data[into..].copy_from_slice(&stress.data[from..]);
    expect_refusal(market.governs(crossed), BallastError::DraftChanged);
}

#[test]
fn the_draft_of_anybody_with_the_right_rows_will_do() {
    let (market, rows) = market();
    market.opens_draft("mallory").unwrap();
    market.writes_loadings("mallory", &rows);
    market.sets_risk_model("mallory", &model(), &rows).unwrap();
    assert_eq!(loadings_of(&market, 0), rows[0]);
}

#[test]
fn an_interrupted_draft_leaves_the_active_model_as_it_was() {
    let market = Fixture::with_assets(MAX_ASSETS);
    market.adopts(2, 0);
    let before = market.account(&market.market_address());
    market.opens_draft("another").unwrap();
    let rows: Vec<_> = market.rows(6, 0).iter().map(|row| row.loadings()).collect();
    let writes = market.drafting("another").write_loadings(&rows);
    market.sends(&writes[..1], &[&key("another")]).unwrap();
    expect_refusal(market.sets_risk_model("another", &risk_model(6), &rows), BallastError::DraftIncomplete);
    // Nor the rows that are there.
    expect_refusal(market.sets_risk_model("another", &risk_model(6), &rows[..32]), BallastError::DraftIncomplete);
    assert_eq!(market.account(&market.market_address()), before);
    for write in &writes[1..] {
        market.sends(std::slice::from_ref(write), &[&key("another")]).unwrap();
    }
    market.sets_risk_model("another", &risk_model(6), &rows).unwrap();
    assert_eq!(loadings_of(&market, 63), rows[63]);
}

#[test]
fn every_listed_asset_needs_its_row() {
    let (market, rows) = market();
    market.lists(assets::token("P08")).unwrap();
    expect_refusal(market.sets_risk_model("quant", &model(), &rows), BallastError::DraftIncomplete);
    let more = [rows, vec![moves(100, 100).loadings()]].concat();
    market.writes_loadings("quant", &more);
    market.sets_risk_model("quant", &model(), &more).unwrap();
}

#[test]
fn netting_needs_a_draft() {
    let (market, rows) = market();
    let mut none = market.drafting("quant").set_risk_model(model(), &rows);
    none.accounts[2].pubkey = client::ID;
    expect_refusal(market.governs(none), BallastError::DraftIncomplete);
    let set = market.drafting("quant").set_risk_model(model(), &rows);
    for other in [market.market_address(), address("nothing"), market.token("SOL").mint] {
        let astray = replaced(&set, TAKE_OVER, "draft", &other);
        assert!(market.governs(astray).is_err());
    }
}

#[test]
fn atk_a02_a_draft_for_another_market_is_refused() {
    let (market, rows) = market();
    let twin = market.parallel_market();
    let drafting = twin.drafting("quant");
    expect_refusal(twin.governs(drafting.set_risk_model(model(), &rows)), BallastError::WrongMarket);
}

#[test]
fn atk_a04_only_the_governance_of_this_market_sets_it() {
    let (market, rows) = market();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let good = market.drafting("quant").set_risk_model(model(), &rows);
    for other in [&mallory.key, &foreign.governance(), &key("quant")] {
        let forged = replaced(&good, TAKE_OVER, "governance", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGovernance);
    }
    let silent = unsigned(&good, TAKE_OVER, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn atk_g02_every_number_of_the_model_has_its_range() {
    let row = [0; 7];
    let with = |change: &dyn Fn(&mut RiskModel)| {
        let mut changed = model();
        change(&mut changed);
        adopts(&changed, row)
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
fn lambda_times_volatility_is_at_most_one() {
    let of_lambda = |lambda: u32, row: LoadingRow| {
        let model = RiskModel { factors: 6, lambdas: [lambda, TIMES, TIMES], ..model() };
        adopts(&model, row)
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
            expect_refusal(adopts(&wide, row), BallastError::BadSensitivities);
        }
    }
    expect_refusal(adopts(&wide, [0, 0, 0, 0, 0, 0, -1]), BallastError::BadSensitivities);
    // A loading on a factor that there is not.
    for at in 1..6 {
        let mut row = [0; 7];
        row[at] = 1;
        expect_refusal(adopts(&model(), row), BallastError::BadSensitivities);
    }
}

#[test]
fn one_bad_row_refuses_all() {
    let (market, mut rows) = market();
    let last = rows.len() - 1;
    rows[last] = [ONE, 0, 0, 0, 0, 0, 0];
    market.writes_loadings("quant", &rows);
    expect_refusal(market.sets_risk_model("quant", &model(), &rows), BallastError::BadSensitivities);
    assert_eq!(market.market().netting, 0);
}
