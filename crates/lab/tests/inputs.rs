//! The example obeys the rules that the program applies to parameters.

use ballast_lab::market::{self, Asset, Holding, check, check_at, haircuts_alone, holdings, netting};
use ballast_lab::{inputs, text};
use ballast_risk::health::{Binding, Level, MarginState, Prices, Side};
use ballast_risk::liquidation::Bonus;
use ballast_risk::params::{RiskParameters, check_model, check_risk, check_sensitivities, check_validity};

#[test]
fn a_market_would_accept_these_parameters() {
    let model = netting();
    assert_eq!(check_model(&model.current), Ok(()));
    assert_eq!(check_model(&haircuts_alone().current), Ok(()));
    let seconds = |time: u64| u32::try_from(time).expect("days");
    assert_eq!(check_validity(seconds(inputs::VALIDITY), seconds(inputs::GRACE)), Ok(()));
    for asset in market::assets().expect("prices in range") {
        let market::Asset { haircuts, addons, depth, .. } = asset;
        assert_eq!(check_risk(&RiskParameters { haircuts, addons, depth, bonus: Bonus::default() }), Ok(()));
        assert_eq!(check_sensitivities(&model.current, &asset.sensitivities), Ok(()));
    }
}

/// The text of the worked example says so.
#[test]
fn the_vaults_show_what_the_page_claims() {
    let assets = market::assets().expect("prices in range");
    let outcome = |vault, model| check(&model, &holdings(&assets, vault), 0).expect("decided");
    let states = inputs::VAULTS.map(|vault| (outcome(vault, haircuts_alone()).state, outcome(vault, netting()).state));
    let (liquidatable, restricted, healthy) =
        (MarginState::Liquidatable, MarginState::Restricted, MarginState::Healthy);
    assert_eq!(states, [(liquidatable, healthy), (liquidatable, healthy), (restricted, healthy)]);
    let bindings = inputs::VAULTS.map(|vault| outcome(vault, netting()).levels.map(|health| health.binding()));
    let (floor, portfolio, stress) = (Binding::Haircuts, Binding::Portfolio, Binding::Stress);
    assert_eq!(bindings, [[floor, floor, stress], [portfolio; 3], [stress; 3]]);
    let required = |vault, model| outcome(vault, model).levels[0].requirement().get();
    let kept = inputs::VAULTS.map(|vault| required(vault, netting()) * 100 / required(vault, haircuts_alone()));
    assert_eq!(kept, [21, 22, 77]);
}

/// What the text says of the pile: what its size costs counts for more than its volatility, and without the scenario
/// `collapse` the scenario `crash` would decide, at little more than half.
#[test]
fn the_pile_is_held_up_by_a_scenario() {
    let assets = market::assets().expect("prices in range");
    let with = check(&netting(), &holdings(&assets, &inputs::PILE), 0).expect("decided").levels;
    for health in with {
        assert!(health.floor > health.portfolio() && health.portfolio().get() < health.haircuts.get() / 2);
    }
    let mut milder = assets.clone();
    let bonk = &mut milder[inputs::BONK];
    let mut moves = bonk.sensitivities;
    moves.shocks[inputs::SCENARIOS.len() - 1] = 0;
    *bonk = bonk.clone().with(moves, bonk.depth);
    let without = check(&netting(), &holdings(&milder, &inputs::PILE), 0).expect("decided").levels;
    for (with, without) in with.iter().zip(without) {
        assert_eq!((without.binding(), without.modelled.worst), (Binding::Stress, 0));
        let part = without.requirement().get() * 100 / with.requirement().get();
        assert_eq!(part, 58);
    }
}

/// From these sizes on the cost of size is felt under netting.
#[test]
fn size_is_felt_where_the_page_says() {
    for (asset, dollars) in [(inputs::BONK, 3_100_000), (inputs::BTC, 15_900_000)] {
        let asset = Asset::by_the_dollar(&inputs::ASSETS[asset]).expect("in range");
        let binding = |dollars: u64| {
            let vault = [Holding { asset: &asset, side: Side::Deposit, amount: dollars * 1_000_000 }];
            check_at(&netting(), &vault, Level::Init, Prices::Spot).expect("decided").0.binding()
        };
        assert_eq!(binding(dollars - 50_000), Binding::Stress);
        assert_eq!(binding(dollars + 50_000), Binding::Haircuts);
    }
}

#[test]
fn numbers_read_well() {
    assert_eq!(text::grouped(1_234_567), "1,234,567");
    assert_eq!(text::grouped(12), "12");
    assert_eq!(text::dollars(-1_499_999), "-1");
    assert_eq!(text::dollars(-400_000), "0");
    assert_eq!(text::percent(-2_250), "-22.5 %");
    assert_eq!(text::percent(5), "0.05 %");
    assert_eq!(text::ratio(-1, 8), "-12.5 %");
}
