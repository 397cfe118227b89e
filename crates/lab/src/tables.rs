//! The tables of the book, as Markdown.

mod inputs;
mod parameters;
mod phasing_in;
mod steps;
mod unconfirmed;

use ballast_risk::Result;
use ballast_risk::health::{Health, Prices, Side};
use ballast_risk::model::Model;

use crate::inputs::{ASSETS, VAULTS, Vault};
use crate::market::{Asset, Checked, check, haircuts_alone, holdings, netting};
use crate::text::{Table, binding, dollars, grouped, ratio, state, usd};

pub use inputs::{assets as asset_inputs, correlations, model as model_inputs, scenarios as scenario_inputs};
pub use parameters::parameters;
pub use phasing_in::phasing_in;
pub use steps::staked_pair as staked_pair_steps;
pub use unconfirmed::unconfirmed;

const LEVELS: [&str; 3] = ["Init", "Target", "Maint"];

/// What a vault has and owes, in tokens and in dollars at both kinds of prices.
pub fn positions(assets: &[Asset], vault: &Vault) -> Result<String> {
    let mut table = Table::new(&["position", "tokens", "value at spot, $", "value at Init, $"]);
    for (position, holding) in vault.positions.iter().zip(holdings(assets, vault)) {
        let side = match position.side {
            Side::Deposit => "deposit",
            Side::Debt => "debt",
        };
        let value = |prices| holding.position([], prices).value().map(|value| usd(ballast_risk::Usd::new(value)));
        table.row(&[
            format!("{side} of {}", ASSETS[position.asset].name),
            grouped(position.tokens),
            value(Prices::Spot)?,
            value(Prices::Conservative)?,
        ]);
    }
    Ok(table.finish())
}

/// Every quantity of the check, at every level, with netting off and on.
pub fn checks(assets: &[Asset], vault: &Vault) -> Result<String> {
    let heads = ["rules, level", "E, $", "H, $", "counts of H, $", "P, $", "S, $", "R, $", "binding", "E ≥ R"];
    let mut table = Table::new(&heads);
    for (rules, model) in [("haircuts", haircuts_alone()), ("netting", netting())] {
        let Checked { levels, .. } = check(&model, &holdings(assets, vault), 0)?;
        for (level, health) in LEVELS.iter().zip(levels) {
            table.row(&check_row(&format!("{rules}, {level}"), &model, &health));
        }
    }
    Ok(table.finish())
}

fn check_row(label: &str, model: &Model, health: &Health) -> [String; 9] {
    let modelled = |figure| if model.current.netting { usd(figure) } else { String::from("–") };
    [
        label.to_owned(),
        dollars(health.equity()),
        usd(health.haircuts),
        usd(health.floor),
        modelled(health.portfolio()),
        modelled(health.stress()),
        usd(health.requirement()),
        binding(health.binding()).to_owned(),
        if health.passes() { "yes" } else { "no" }.to_owned(),
    ]
}

/// All vaults in one table.
pub fn summary(assets: &[Asset]) -> Result<String> {
    let heads = ["vault, rules", "R at Init, $", "of the deposits", "R at Maint, $", "E / R at Maint", "margin state"];
    let mut table = Table::new(&heads);
    for vault in VAULTS {
        for (rules, model) in [("haircuts", haircuts_alone()), ("netting", netting())] {
            let Checked { levels: [init, _, maint], state: found } = check(&model, &holdings(assets, vault), 0)?;
            table.row(&[
                format!("{}, {rules}", vault.title),
                usd(init.requirement()),
                ratio(init.requirement().get().cast_signed(), init.assets.get()),
                usd(maint.requirement()),
                ratio(maint.equity(), maint.requirement().get()),
                state(found).to_owned(),
            ]);
        }
    }
    Ok(table.finish())
}
