//! How the requirements of the staked pair come about, step by step, at spot prices.

use ballast_risk::exposure::specific_square_ceil;
use ballast_risk::exposure::{Exposures, size_ceil};
use ballast_risk::haircut::size_cost_ceil;
use ballast_risk::health::{Level, Prices};
use ballast_risk::model::{Measure, specific};
use ballast_risk::portfolio::factor_sums;
use ballast_risk::scenario::losses_ceil;
use ballast_risk::{Result, Usd};

use crate::inputs::{ASSETS, FACTORS, SCENARIOS, STAKED_PAIR};
use crate::market::{Asset, check_at, holdings, netting};
use crate::text::{Table, dollars, usd};

/// The steps of `Maint`.
pub fn staked_pair(assets: &[Asset]) -> Result<String> {
    let model = netting();
    let vault = holdings(assets, &STAKED_PAIR);
    let (health, exposures) = check_at(&model, &vault, Level::Maint, Prices::Spot)?;
    let exposures = exposures.expect("netting looks at exposures");
    let measure = model.rules(Level::Maint, 0).first;
    let micro = |units: i64| units << exposures.shift();

    let mut table = Table::new(&["step", "$"]);
    for (position, exposure) in STAKED_PAIR.positions.iter().zip(exposures.used()) {
        let name = ASSETS[position.asset].name;
        table.row(&[format!("exposure to {name}"), dollars(micro(exposure.value))]);
    }
    for (name, size) in FACTORS.iter().zip(factor_sizes(&exposures, &measure)) {
        table.row(&[format!("moved by one deviation of the factor {name}"), dollars(micro(size))]);
    }
    for (position, exposure) in STAKED_PAIR.positions.iter().zip(exposures.used()) {
        let moved =
            specific_square_ceil(exposure.value, specific(measure.version.of(exposure.columns))).isqrt().cast_signed();
        let name = ASSETS[position.asset].name;
        table.row(&[format!("moved by one specific deviation of {name}"), dollars(micro(moved))]);
    }
    table.row(&["P: lambda times the root of the sum of these squares".to_owned(), usd(health.portfolio())]);
    let losses = losses_ceil(&exposures, &measure);
    for (name, loss) in SCENARIOS.iter().zip(losses) {
        table.row(&[format!("loss in the scenario {name}"), dollars(micro(loss))]);
    }
    table.row(&["S: the largest of these times the multiplier".to_owned(), usd(health.stress())]);
    table.row(&["H: haircut and add-on".to_owned(), usd(health.haircuts)]);
    for (position, holding) in STAKED_PAIR.positions.iter().zip(&vault) {
        let value = holding.position([], Prices::Spot).value()?;
        let cost = size_cost_ceil(value, holding.side, holding.asset.depth);
        table.row(&[format!("C: cost of the size of {}", ASSETS[position.asset].name), usd(Usd::new(cost))]);
    }
    table.row(&["counts of H: C and the floor of the rest".to_owned(), usd(health.floor)]);
    Ok(table.finish())
}

/// Sizes of the factor sums in units.
fn factor_sizes(exposures: &Exposures, measure: &Measure) -> Vec<i64> {
    let sums = factor_sums(exposures, measure);
    sums.iter().take(FACTORS.len()).map(|sum| size_ceil(*sum).cast_signed()).collect()
}
