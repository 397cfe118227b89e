//! `set_risk_model`: factors, loadings, quantiles and floor of the portfolio requirement, all at once or not at all.

use anchor_lang::prelude::*;
use ballast_risk::model::{MAX_FACTORS, Sensitivities};
use ballast_risk::params::{check_model, check_sensitivities, check_validity};
use ballast_risk::ramp::Ramp;

use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::event::RiskModelSet;
use crate::oracle::unix_seconds;
use crate::state::draft::LoadingRow;
use crate::state::{Draft, Market};

/// The portfolio requirement of a market, without its loadings.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskModel {
    /// Off: haircuts and stress alone decide, everything else here is zero, and no draft is needed.
    pub netting: bool,
    pub factors: u8,
    /// Tail quantile at Init, Target, Maint, in 2^-16 standard deviations.
    pub lambdas: [u32; 3],
    /// Part of the haircut requirement, beside the cost of size, that netting cannot save, in 2^-32; the largest number is one.
    pub floor: u32,
    /// The model counts as current for this long after it is set or confirmed, seconds.
    pub validity: u32,
    /// Then the floor moves to one over this time at Target and Maint, seconds; at Init it is one at once.
    pub grace: u32,
    /// For people, zero-padded UTF-8.
    pub factor_names: [[u8; 16]; MAX_FACTORS],
}

/// Also of `set_scenarios`.
#[derive(Accounts)]
pub struct TakeOver<'info> {
    pub governance: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The rows, by whomever; they must have the digest that governance signs for.
    pub draft: Option<AccountLoader<'info, Draft>>,
}

impl<'info> TakeOver<'info> {
    /// # Errors
    /// `NotGovernance`.
    pub fn validate(&self, market: &Market) -> Result<()> {
        ensure!(market.governance == self.governance.key(), NotGovernance);
        Ok(())
    }

    /// The draft, which must be for this market.
    ///
    /// # Errors
    /// `DraftIncomplete` without one, `WrongMarket`.
    pub fn draft(&self) -> Result<std::cell::Ref<'_, Draft>> {
        let draft = self.draft.as_ref().ok_or_else(|| refuse(BallastError::DraftIncomplete))?.load()?;
        ensure!(draft.market == self.market.key(), WrongMarket);
        Ok(draft)
    }
}

impl Market {
    fn set_portfolio(&mut self, parameters: &RiskModel, now: u64) -> Result<()> {
        if parameters.netting {
            check_validity(parameters.validity, parameters.grace).or_refuse()?;
        } else {
            ensure!(*parameters == RiskModel::default(), BadModel);
        }
        self.netting = u8::from(parameters.netting);
        self.factors = parameters.factors;
        self.lambdas = parameters.lambdas;
        self.floor = parameters.floor;
        self.factor_names = parameters.factor_names;
        self.validity = parameters.validity;
        self.confirm_model(now, u64::from(parameters.grace))?;
        check_model(&self.model()).or_refuse()
    }

    /// Starts the validity of the model anew.
    ///
    /// # Errors
    /// `BadRamp`.
    pub fn confirm_model(&mut self, now: u64, grace: u64) -> Result<()> {
        let fallback = Ramp::new(now.saturating_add(u64::from(self.validity)), grace).or_refuse()?;
        (self.valid_until, self.fallback_until, self.fallback_reciprocal) = fallback.parts();
        Ok(())
    }

    /// Takes over a row for every listed asset, each checked against the model.
    fn set_loadings(&mut self, rows: &[LoadingRow]) -> Result<()> {
        let model = self.model();
        for (index, [loadings @ .., specific]) in rows.iter().enumerate() {
            let Some(asset) = self.assets.get_mut(index) else { break };
            let specific = u32::try_from(*specific).map_err(|_| refuse(BallastError::BadSensitivities))?;
            let shocks = Sensitivities::from_columns(&asset.columns).shocks;
            let sensitivities = Sensitivities { loadings: *loadings, specific, shocks };
            check_sensitivities(&model, &sensitivities).or_refuse()?;
            asset.columns = sensitivities.columns();
        }
        Ok(())
    }
}

/// `digest`: of the rows of all listed assets, see [`crate::state::draft::loadings_digest`]; ignored with netting off.
pub fn set_risk_model(context: Context<TakeOver>, parameters: RiskModel, digest: [u8; 32]) -> Result<()> {
    let accounts = &context.accounts;
    let mut market = accounts.market.load_mut()?;
    accounts.validate(&market)?;
    let now = unix_seconds(&Clock::get()?);
    market.set_portfolio(&parameters, now)?;
    let count = market.listed().len();
    if parameters.netting {
        market.set_loadings(accounts.draft()?.checked_loadings(count, &digest)?)?;
    } else {
        let none = [LoadingRow::default(); crate::state::MAX_ASSETS];
        market.set_loadings(none.get(..count).unwrap_or(&none))?;
    }
    let RiskModel { netting, factors, lambdas, floor, .. } = parameters;
    let valid_until = market.valid_until;
    emit!(RiskModelSet { market: accounts.market.key(), netting, factors, lambdas, floor, valid_until, digest });
    Ok(())
}
