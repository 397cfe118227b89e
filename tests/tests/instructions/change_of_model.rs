//! Changes of the model of correlation and stress: rows, digest, version, and how it phases in.

use ballast_client::event::ChangeMade;
use ballast_client::risk::model::Sensitivities;
use ballast_client::{LoadingRow, MAX_ASSETS, Proposal, RiskModel, Role, ShockRow, change};
use ballast_tests::governance::{joined, moves, one_factor, shocked, stressed, worst_of};
use ballast_tests::model::{GRACE, VALIDITY, risk_model};
use ballast_tests::*;

const DAY: i64 = 86_400;

fn model() -> RiskModel {
    one_factor([300, 250, 200], 3_000)
}

/// Quant has drafted the standard rows of one factor and three scenarios.
fn drafted(market: Fixture) -> (Fixture, Vec<LoadingRow>, Vec<ShockRow>) {
    market.opens_draft("quant").unwrap();
    let rows = market.rows(1, 3);
    let (loadings, shocks): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row.loadings(), row.shocks())).unzip();
    market.writes_loadings("quant", &loadings);
    market.writes_shocks("quant", &shocks);
    (market, loadings, shocks)
}

fn market() -> (Fixture, Vec<LoadingRow>, Vec<ShockRow>) {
    drafted(Fixture::setting_up(8))
}

fn loadings_of(market: &Fixture, asset: usize) -> LoadingRow {
    let Sensitivities { loadings: [a, b, c, d, e, f], specific, .. } =
        Sensitivities::from_columns(&market.market().assets[asset].columns[0]);
    [a, b, c, d, e, f, specific as i32]
}

fn shocks_of(market: &Fixture, asset: usize) -> ShockRow {
    Sensitivities::from_columns(&market.market().assets[asset].columns[0]).shocks
}

#[test]
fn the_market_has_what_governance_signed_for() {
    let (market, loadings, shocks) = market();
    let standard = risk_model(1, 3);

    let receipt = market.sets_model("quant", &standard, &loadings, &shocks).unwrap();

    let adopted = market.market();
    let terms = adopted.terms[0];
    assert_eq!((terms.netting, terms.factors, terms.scenarios, terms.tail), (1, 1, 3, 2));
    assert_eq!((terms.lambdas, terms.multipliers), (standard.lambdas, standard.multipliers));
    assert_eq!((terms.floor, adopted.validity), (standard.floor, VALIDITY));
    assert_eq!((adopted.factor_names, adopted.scenario_names), (standard.factor_names, standard.scenario_names));
    assert_eq!(adopted.valid_until, market.now() as u64 + u64::from(VALIDITY));
    assert_eq!(adopted.fallback_until, adopted.valid_until + u64::from(GRACE));
    assert_eq!(adopted.model_version, 1);
    for (asset, (row, shocks)) in loadings.iter().zip(&shocks).enumerate() {
        assert_eq!((loadings_of(&market, asset), shocks_of(&market, asset)), (*row, *shocks));
    }
    // What is not listed has no row.
    assert_eq!(adopted.assets[loadings.len()].columns, [[0; 16]; 2]);
    let event: ChangeMade = receipt.event();
    let Proposal::Model { model, version, .. } = event.proposal.proposal else { panic!("another change") };
    assert_eq!((model, version), (standard, 0));
}

#[test]
fn a_model_is_off_again_and_nothing_of_it_stays_but_its_past() {
    let (market, loadings, shocks) = market();
    let fresh = market.market();
    market.sets_model("quant", &risk_model(1, 3), &loadings, &shocks).unwrap();
    let adopted = market.market();
    // It takes no draft.
    market.sets_model("nobody", &RiskModel::default(), &[], &[]).unwrap();
    let mut after = market.market();
    assert_eq!((after.valid_until, after.model_version), (market.now() as u64, 2));
    assert_eq!(after.terms[1], adopted.terms[0], "the one before");
    // But for version, time and past it is as if there had never been one.
    (after.valid_until, after.fallback_until, after.model_version) = (0, 0, 0);
    (after.terms[0], after.terms[1]) = (fresh.terms[0], fresh.terms[1]);
    for (asset, fresh) in after.assets.iter_mut().zip(&fresh.assets) {
        assert_eq!(asset.columns[0], fresh.columns[0]);
        asset.columns[1] = fresh.columns[1];
    }
    let ramp = (fresh.fallback_reciprocal, fresh.change_reciprocal);
    assert_eq!((after.fallback_reciprocal, after.change_reciprocal), ramp);
    assert_eq!(bytemuck::bytes_of(&*after), bytemuck::bytes_of(&*fresh));
}

#[test]
fn another_model_replaces_all_of_the_one_before() {
    let market = Fixture::setting_up(8);
    market.adopts(6, 8);
    market.models(&model(), |symbol| if symbol == "SOL" { moves(700, 0) } else { moves(0, 0) });
    let terms = market.market().terms[0];
    assert_eq!((terms.factors, terms.scenarios, terms.tail, terms.multipliers), (1, 0, 0, [0; 3]));
    assert_eq!(market.market().scenario_names, [[0; 16]; 8]);
    assert_eq!((loadings_of(&market, 0), shocks_of(&market, 0)), (moves(700, 0).loadings(), [0; 8]));
    for asset in 1..8 {
        assert_eq!((loadings_of(&market, asset), shocks_of(&market, asset)), ([0; 7], [0; 8]));
    }
}

#[test]
fn rows_of_another_digest_are_refused() {
    let (market, loadings, shocks) = market();
    let sets = |loadings: &[_], shocks: &[_]| market.sets_model("quant", &risk_model(1, 3), loadings, shocks);
    for at in [0, 7] {
        let (mut other, mut worse) = (loadings.clone(), shocks.clone());
        other[at][6] += 1;
        worse[at][2] += 1;
        expect_refusal(sets(&other, &shocks), BallastError::DraftChanged);
        expect_refusal(sets(&loadings, &worse), BallastError::DraftChanged);
    }
    // Fewer rows, more rows, none.
    expect_refusal(sets(&loadings[1..], &shocks), BallastError::DraftChanged);
    expect_refusal(sets(&loadings, &shocks[..7]), BallastError::DraftChanged);
    expect_refusal(sets(&[loadings.clone(), vec![[0; 7]]].concat(), &shocks), BallastError::DraftChanged);
    expect_refusal(sets(&[], &[]), BallastError::DraftChanged);
    sets(&loadings, &shocks).unwrap();
}

#[test]
fn rows_that_the_model_has_no_use_for_do_not_count() {
    let (market, loadings, shocks) = market();
    market.writes_shocks("quant", &[[i32::MIN; 8]; 8]);
    market.sets_model("quant", &model(), &loadings, &shocks).unwrap();
    market.writes_shocks("quant", &shocks);
    market.writes_loadings("quant", &[[i32::MIN; 7]; 8]);
    market.sets_model("quant", &risk_model(0, 3), &loadings, &shocks).unwrap();
    assert_eq!((loadings_of(&market, 0), shocks_of(&market, 0)), ([0; 7], shocks[0]));
}

#[test]
fn a_draft_that_changed_after_governance_looked_is_refused() {
    let (market, loadings, _) = drafted(Fixture::new());
    let proposal = market.drafting("quant").proposal(&market.market(), model(), &loadings, &[]);
    market.proposes("model", proposal).unwrap();
    market.advances(DAY);
    let mut changed = loadings.clone();
    changed[3][0] = 0;
    market.writes_loadings("quant", &changed);
    expect_refusal(market.executes_from("model", Some("quant")), BallastError::DraftChanged);
    // Changed back it is the same again.
    market.writes_loadings("quant", &loadings);
    market.executes_from("model", Some("quant")).unwrap();
}

#[test]
fn the_digest_of_shocks_is_not_one_of_loadings() {
    let market = Fixture::setting_up(8);
    market.opens_draft("quant").unwrap();
    market.writes_loadings("quant", &[[0; 7]; 8]);
    market.writes_shocks("quant", &[[0; 8]; 7]);
    // 8 rows of 7 and 7 rows of 8 are the same bytes.
    let off = RiskModel { scenarios: 1, tail: 1, ..RiskModel::default() };
    let stress = market.drafting("quant").proposal(&market.market(), off, &[], &[[0; 8]; 7]);
    let Proposal::Model { digest, version, .. } = stress else { panic!("another change") };
    let crossed = Proposal::Model { model: model(), digest, version };
    expect_refusal(market.applies_from(Role::Governance, Some("quant"), crossed), BallastError::DraftChanged);
}

#[test]
fn the_draft_of_anybody_with_the_right_rows_will_do() {
    let (market, loadings, shocks) = market();
    market.opens_draft("mallory").unwrap();
    market.writes_loadings("mallory", &loadings);
    market.writes_shocks("mallory", &shocks);
    market.sets_model("mallory", &risk_model(1, 3), &loadings, &shocks).unwrap();
    assert_eq!(loadings_of(&market, 0), loadings[0]);
}

#[test]
fn an_interrupted_draft_leaves_the_active_model_as_it_was() {
    let market = Fixture::setting_up(MAX_ASSETS);
    market.adopts(2, 3);
    let before = market.account(&market.market_address());
    market.opens_draft("another").unwrap();
    let rows = market.rows(6, 8);
    let (loadings, shocks): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row.loadings(), row.shocks())).unzip();
    let sets = |model| market.sets_model("another", &model, &loadings, &shocks);
    let sends = |write| market.sends(std::slice::from_ref(write), &[&key("another")]).unwrap();
    let writes = market.drafting("another").write_loadings(&loadings);
    sends(&writes[0]);
    expect_refusal(sets(risk_model(6, 0)), BallastError::DraftIncomplete);
    // Nor the rows that are there.
    let some = market.sets_model("another", &risk_model(6, 0), &loadings[..32], &[]);
    expect_refusal(some, BallastError::DraftIncomplete);
    sends(&writes[1]);
    // The last rows of shocks without the first ones, and a hole in the middle.
    let writes = market.drafting("another").write_shocks(&shocks);
    for write in [&writes[2], &writes[0]] {
        expect_refusal(sets(risk_model(6, 8)), BallastError::DraftIncomplete);
        sends(write);
    }
    expect_refusal(sets(risk_model(6, 8)), BallastError::DraftIncomplete);
    assert_eq!(market.account(&market.market_address()), before);
    sends(&writes[1]);
    sets(risk_model(6, 8)).unwrap();
    assert_eq!((loadings_of(&market, 63), shocks_of(&market, 63)), (loadings[63], shocks[63]));
}

#[test]
fn every_listed_asset_needs_its_row_also_one_that_is_listed_meanwhile() {
    let (market, loadings, _) = drafted(Fixture::new());
    let propose = |name: &str, rows: &[_]| {
        market.proposes(name, market.drafting("quant").proposal(&market.market(), model(), rows, &[])).unwrap();
    };
    propose("model", &loadings);
    market.advances(DAY);
    market.lists_bare(assets::token("P08")).unwrap();
    expect_refusal(market.executes_from("model", Some("quant")), BallastError::DraftIncomplete);
    let more = [loadings, vec![moves(100, 100).loadings()]].concat();
    market.writes_loadings("quant", &more);
    expect_refusal(market.executes_from("model", Some("quant")), BallastError::DraftChanged);
    propose("another", &more);
    market.advances(DAY);
    market.executes_from("another", Some("quant")).unwrap();
}

#[test]
fn a_model_with_rows_needs_a_draft_and_a_draft_it_is() {
    let (market, loadings, shocks) = market();
    let proposal = |model| market.drafting("quant").proposal(&market.market(), model, &loadings, &shocks);
    for model in [model(), worst_of(3, [100; 3])] {
        expect_refusal(market.applies(Role::Governance, proposal(model)), BallastError::DraftIncomplete);
    }
    let governance = market.governance();
    let stock = market.token("SOL").mint;
    for (other, fault) in [
        (market.market_address(), ErrorCode::AccountDiscriminatorMismatch),
        (address("nothing"), ErrorCode::AccountOwnedByWrongProgram),
        (stock, ErrorCode::AccountOwnedByWrongProgram),
    ] {
        let apply = change::apply(&governance.pubkey(), &market.market_address(), Some(other), proposal(model()));
        expect_refusal(market.governs(apply), fault);
    }
}

#[test]
fn atk_a02_a_draft_for_another_market_is_refused() {
    let (market, loadings, _) = market();
    let twin = market.parallel_market();
    let draft = market.drafting("quant").draft;
    let proposal = || twin.drafting("quant").proposal(&twin.market(), model(), &loadings, &[]);
    twin.proposes("model", proposal()).unwrap();
    twin.advances(DAY);
    let execute =
        change::execute(&twin.market_address(), &twin.change("model"), &twin.governance().pubkey(), Some(draft));
    expect_refusal(twin.sends(&[execute], &[&twin.payer()]), BallastError::WrongMarket);
    // Nor in a market that is being set up.
    twin.opens_draft("mallory").unwrap();
    twin.writes_loadings("mallory", &loadings);
    let outcome = market.sets_model("mallory", &model(), &loadings, &[]);
    expect_refusal(outcome, BallastError::WrongMarket);
}

#[test]
fn of_two_proposals_for_one_version_one_is_executed() {
    let (market, loadings, shocks) = drafted(Fixture::new());
    let propose = |name: &str, model| {
        market.proposes(name, market.drafting("quant").proposal(&market.market(), model, &loadings, &shocks))
    };
    propose("one", model()).unwrap();
    propose("another", worst_of(3, [100; 3])).unwrap();
    market.advances(DAY);
    market.executes_from("one", Some("quant")).unwrap();
    expect_refusal(market.executes_from("another", Some("quant")), BallastError::ValueChanged);
    // Also one that is written against a version to come.
    let Proposal::Model { model, digest, version } =
        market.drafting("quant").proposal(&market.market(), model(), &loadings, &[])
    else {
        panic!("another change")
    };
    for version in [version - 1, version + 1] {
        let early = Proposal::Model { model: model.clone(), digest, version };
        expect_refusal(market.proposes("early", early), BallastError::ValueChanged);
    }
}

#[test]
fn the_next_model_waits_until_this_one_has_phased_in() {
    let (market, loadings, shocks) = drafted(Fixture::new());
    market.sets_model("quant", &model(), &loadings, &[]).unwrap();
    let executed = market.now();
    let next = market.drafting("quant").proposal(&market.market(), risk_model(1, 3), &loadings, &shocks);
    market.proposes("next", next).unwrap();
    for seconds in [DAY, DAY + DAY / 2, 2 * DAY - 1] {
        market.sets_clock(executed + seconds, 2_000_000);
        expect_refusal(market.executes_from("next", Some("quant")), BallastError::ModelChanging);
    }
    market.sets_clock(executed + 2 * DAY, 2_000_000);
    market.executes_from("next", Some("quant")).unwrap();
    assert_eq!(market.market().model_version, 2);
}

#[test]
fn in_an_open_market_both_models_stand_side_by_side_for_a_while() {
    let market = Fixture::new();
    let row = |symbol: &str| if symbol == "SOL" { joined(moves(700, 0), shocked(&[-100])) } else { moves(0, 0) };
    market.models(&model(), row);
    let before = market.market();
    let both = stressed(one_factor([330, 290, 250], 5_000), worst_of(1, [100; 3]));
    let (loadings, shocks) = (market.loadings(row), market.shocks(row));
    market.sets_model("quant", &both, &loadings, &shocks).unwrap();
    let after = market.market();
    assert_eq!(after.terms[1], before.terms[0]);
    assert_eq!(after.assets[0].columns[1], before.assets[0].columns[0]);
    let now = market.now() as u64;
    assert_eq!(
        (after.change_start, after.change_end),
        (now + 86_400, now + 2 * 86_400),
        "the notice, and as long again"
    );
    assert_eq!(after.terms[0].floor, both.floor);
}

/// Nobody confirmed the old one, so the floor has left its value; the new one does not loosen that before it counts in full.
#[test]
fn a_floor_that_has_risen_stays_where_it_is_until_the_next_model_has_phased_in() {
    for (late, part) in [(0, 0.3), (i64::from(GRACE) / 2, 0.65), (i64::from(GRACE), 1.0)] {
        let (market, loadings, _) = market();
        market.sets_model("quant", &model(), &loadings, &[]).unwrap();
        market.opens_market().unwrap();
        let next = one_factor([300, 250, 200], 1_000);
        market.sets_clock(market.market().valid_until as i64 + late - DAY, 90_000_000);
        market.sets_model("quant", &next, &loadings, &[]).unwrap();
        let before = f64::from(market.market().terms[1].floor) / 2f64.powi(32);
        assert!((before - part).abs() < 1e-4, "{before} instead of {part}");
    }
}

#[test]
fn the_notice_of_the_market_is_that_of_its_models() {
    let (market, loadings, _) = market();
    let patient = [(client::table::Parameter::Delay, 345_600), (client::table::Parameter::Notice, 259_200)];
    market.applies(Role::Governance, market.values(&patient)).unwrap();
    market.opens_market().unwrap();
    let proposed = market.now() as u64;
    market.sets_model("quant", &model(), &loadings, &[]).unwrap();
    let after = market.market();
    assert_eq!(market.now() as u64, proposed + 345_600);
    assert_eq!((after.change_start, after.change_end), (proposed + 345_600 + 259_200, proposed + 345_600 + 518_400));
}
