//! The model of correlation and stress: taken over whole, and phased in beside the one that it replaces.

use anchor_lang::prelude::*;
use ballast_risk::Fraction;
use ballast_risk::health::Level;
use ballast_risk::model::{Sensitivities, Terms};
use ballast_risk::params::{check_model, check_sensitivities, check_validity};
use ballast_risk::ramp::Ramp;

use super::{Path, require_waited};
use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::change::RiskModel;
use crate::state::draft::Rows;
use crate::state::market::ModelTerms;
use crate::state::{Draft, Market};

impl RiskModel {
    /// Its terms, checked by themselves.
    ///
    /// # Errors
    /// `BadModel`.
    pub fn checked_terms(&self) -> Result<Terms> {
        let terms = Terms {
            netting: self.netting,
            factors: self.factors,
            scenarios: self.scenarios,
            tail: self.tail,
            lambdas: self.lambdas,
            multipliers: self.multipliers,
            floor: Fraction::new(self.floor),
        };
        check_model(&terms).or_refuse()?;
        if self.netting {
            check_validity(self.validity, self.grace).or_refuse()?;
        } else {
            ensure!((self.floor, self.validity, self.grace) == (0, 0, 0), BadModel);
        }
        // Without scenarios there is nothing to scale.
        ensure!(self.scenarios > 0 || self.multipliers == [0; 3], BadModel);
        Ok(terms)
    }
}

impl Market {
    /// Puts a model in force with a row for every listed asset, each checked. At `Target` and `Maint` it phases in, after
    /// the notice, beside the model that it replaces.
    ///
    /// # Errors
    /// `MustWait`, `ModelChanging`, `BadModel`, `BadSensitivities`, and those of the draft.
    pub fn set_model(
        &mut self,
        model: &RiskModel,
        draft: Option<&Draft>,
        digest: &[u8; 32],
        path: Path,
        now: u64,
    ) -> Result<()> {
        require_waited(path)?;
        let terms = model.checked_terms()?;
        ensure!(self.model().change.over(now), ModelChanging);
        let rows = match draft {
            Some(draft) => draft.checked_rows(self.listed().len(), model, digest)?,
            None => Rows::default(),
        };
        ensure!(draft.is_some() || (!model.netting && model.scenarios == 0), DraftIncomplete);
        self.take_over(&terms, &rows)?;
        // Also what nobody confirmed in time goes on to count as it does.
        let floor = self.model().rules(Level::Maint, now).floor.get();
        let [current, previous] = &mut self.terms;
        *previous = ModelTerms { floor, ..*current };
        *current = ModelTerms::of(&terms);
        let change = match path {
            Path::SetUp => Ramp::default(),
            _ => Ramp::new(now.saturating_add(u64::from(self.notice)), u64::from(self.notice)).or_refuse()?,
        };
        (self.change_start, self.change_end, self.change_reciprocal) = change.parts();
        (self.factor_names, self.scenario_names) = (model.factor_names, model.scenario_names);
        self.validity = model.validity;
        self.model_version = self.model_version.wrapping_add(1);
        self.confirm_model(now, u64::from(model.grace))
    }

    fn take_over(&mut self, terms: &Terms, rows: &Rows) -> Result<()> {
        let count = usize::from(self.asset_count);
        for (index, asset) in self.assets.iter_mut().take(count).enumerate() {
            let [loadings @ .., specific] = rows.loadings.get(index).copied().unwrap_or_default();
            let specific = u32::try_from(specific).map_err(|_| refuse(BallastError::BadSensitivities))?;
            let shocks = rows.shocks.get(index).copied().unwrap_or_default();
            let sensitivities = Sensitivities { loadings, specific, shocks };
            check_sensitivities(terms, &sensitivities).or_refuse()?;
            let [current, previous] = &mut asset.columns;
            *previous = *current;
            *current = sensitivities.columns();
        }
        Ok(())
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
}
