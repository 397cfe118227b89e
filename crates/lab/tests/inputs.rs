//! The example obeys the rules that the program applies to parameters.

use ballast_lab::market::{self, check, haircuts_alone, holdings, netting};
use ballast_lab::{inputs, text};
use ballast_risk::health::{Binding, MarginState};
use ballast_risk::liquidation::Bonus;
use ballast_risk::params::{RiskParameters, check_model, check_risk, check_sensitivities, check_validity};

#[test]
fn a_market_would_accept_these_parameters() {
    let model = netting();
    assert_eq!(check_model(&model), Ok(()));
    assert_eq!(check_model(&haircuts_alone()), Ok(()));
    let seconds = |time: u64| u32::try_from(time).expect("days");
    assert_eq!(check_validity(seconds(inputs::VALIDITY), seconds(inputs::GRACE)), Ok(()));
    for asset in market::assets().expect("prices in range") {
        let market::Asset { haircuts, addons, depth, .. } = asset;
        assert_eq!(check_risk(&RiskParameters { haircuts, addons, depth, bonus: Bonus::default() }), Ok(()));
        assert_eq!(check_sensitivities(&model, &asset.sensitivities), Ok(()));
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
    assert_eq!(bindings, [[floor, stress, stress], [portfolio; 3], [stress; 3]]);
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
