//! `set_scenarios`: the joint scenarios of the stress requirement, all at once or not at all.

use anchor_lang::prelude::*;
use ballast_risk::model::{MAX_SCENARIOS, Sensitivities};
use ballast_risk::params::{check_model, check_sensitivities};

use crate::ensure;
use crate::error::OrRefuse;
use crate::event::ScenariosSet;
use crate::instructions::governance::set_risk_model::TakeOver;
use crate::oracle::unix_seconds;
use crate::state::draft::ShockRow;
use crate::state::{MAX_ASSETS, Market};

/// The stress requirement of a market, without its shocks.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenarios {
    /// None: no stress requirement, everything else here is zero, and no draft is needed.
    pub count: u8,
    /// The requirement is the mean of this many worst scenarios.
    pub tail: u8,
    /// What scales it at Init, Target, Maint, in 2^-16.
    pub multipliers: [u32; 3],
    /// For people, zero-padded UTF-8.
    pub names: [[u8; 16]; MAX_SCENARIOS],
}

impl Market {
    fn set_stress(&mut self, parameters: &Scenarios) -> Result<()> {
        ensure!(parameters.count > 0 || *parameters == Scenarios::default(), BadModel);
        self.scenarios = parameters.count;
        self.tail = parameters.tail;
        self.multipliers = parameters.multipliers;
        self.scenario_names = parameters.names;
        check_model(&self.model()).or_refuse()
    }

    /// Takes over a row for every listed asset, each checked against the model.
    fn set_shocks(&mut self, rows: &[ShockRow]) -> Result<()> {
        let model = self.model();
        for (asset, shocks) in self.assets.iter_mut().zip(rows) {
            let sensitivities = Sensitivities { shocks: *shocks, ..Sensitivities::from_columns(&asset.columns) };
            check_sensitivities(&model, &sensitivities).or_refuse()?;
            asset.columns = sensitivities.columns();
        }
        Ok(())
    }
}

/// `digest`: of the rows of all listed assets, see [`crate::state::draft::shocks_digest`]; ignored without scenarios.
pub fn set_scenarios(context: Context<TakeOver>, parameters: Scenarios, digest: [u8; 32]) -> Result<()> {
    let accounts = &context.accounts;
    let mut market = accounts.market.load_mut()?;
    accounts.validate(&market)?;
    market.set_stress(&parameters)?;
    let count = market.listed().len();
    if parameters.count > 0 {
        market.set_shocks(accounts.draft()?.checked_shocks(count, &digest)?)?;
    } else {
        let none = [ShockRow::default(); MAX_ASSETS];
        market.set_shocks(none.get(..count).unwrap_or(&none))?;
    }
    let Scenarios { count, tail, multipliers, .. } = parameters;
    let time = unix_seconds(&Clock::get()?);
    emit!(ScenariosSet { market: accounts.market.key(), count, tail, multipliers, time, digest });
    Ok(())
}
