//! The model of correlation and stress in a file: its terms, and what it says about each asset.

use ballast_client::measure::{duration, read_coefficient, read_measure, seconds};
use ballast_client::parameters::padded;
use ballast_client::risk::model::Sensitivities;
use ballast_client::table::Measure;
use ballast_client::{Asset, LoadingRow, Market, Proposal, RiskModel, Rows, ShockRow};
use serde::{Deserialize, Serialize};

use super::Wrong;
use super::export::text_of;

/// One in the format of a coefficient.
const ONE: i64 = 1 << 30;
/// Digits after the point that are tried.
const PLACES: u32 = 9;

/// The terms of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Names; with none of them netting is off.
    #[serde(default)]
    pub factors: Vec<String>,
    /// Init, Target, Maint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambdas: Option<[String; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<String>,
    #[serde(default)]
    pub scenarios: Vec<String>,
    #[serde(default)]
    pub tail: u8,
    /// Init, Target, Maint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multipliers: Option<[String; 3]>,
}

/// One asset: a number for each factor, its own volatility, a number for each scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    #[serde(default)]
    pub loadings: Vec<String>,
    pub specific: Option<String>,
    #[serde(default)]
    pub shocks: Vec<String>,
}

/// A model with what it says about assets, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub terms: RiskModel,
    pub rows: Vec<(String, LoadingRow, ShockRow)>,
}

impl Terms {
    /// In the units of the program.
    ///
    /// # Errors
    /// What is no value, or too much.
    pub fn read(&self) -> Result<RiskModel, String> {
        let count = |names: &[String]| u8::try_from(names.len()).map_err(|_| "too many names".to_owned());
        let mut model = RiskModel {
            netting: !self.factors.is_empty(),
            factors: count(&self.factors)?,
            scenarios: count(&self.scenarios)?,
            tail: self.tail,
            ..RiskModel::default()
        };
        for (slots, names) in
            [(&mut model.factor_names[..], &self.factors), (&mut model.scenario_names[..], &self.scenarios)]
        {
            if names.len() > slots.len() {
                return Err(format!("{} names, and there is room for {}", names.len(), slots.len()));
            }
            for (slot, name) in slots.iter_mut().zip(names) {
                *slot = padded(name).map_err(|_| format!("{name} has more than 16 bytes"))?;
            }
        }
        model.lambdas = levels(self.lambdas.as_ref(), "lambdas")?;
        model.multipliers = levels(self.multipliers.as_ref(), "multipliers")?;
        let floor = self.floor.as_ref().map(|text| read_measure(Measure::Fraction, 0, text));
        let floor = floor.unwrap_or(Some(0)).and_then(|floor| u32::try_from(floor).ok());
        model.floor = floor.ok_or("floor is a part such as 30%")?;
        model.validity = time(self.validity.as_ref(), "validity")?;
        model.grace = time(self.grace.as_ref(), "grace")?;
        Ok(model)
    }

    /// Those of a market; `None` where haircuts alone decide.
    pub fn of(market: &Market) -> Option<Self> {
        let model = in_force(market);
        if !model.netting && model.scenarios == 0 {
            return None;
        }
        let named = |names: &[[u8; 16]], count: u8| names.iter().take(count.into()).map(|name| text_of(name)).collect();
        let netting = |text: String| model.netting.then_some(text);
        Some(Self {
            factors: named(&model.factor_names, model.factors),
            lambdas: model.netting.then(|| model.lambdas.map(times)),
            floor: netting(part_text(model.floor)),
            validity: netting(duration(model.validity.into())),
            grace: netting(duration(model.grace.into())),
            scenarios: named(&model.scenario_names, model.scenarios),
            tail: model.tail,
            multipliers: (model.scenarios > 0).then(|| model.multipliers.map(times)),
        })
    }
}

impl Row {
    /// In the units of the program, as long as the terms say.
    ///
    /// # Errors
    /// What is no value, too few or too many.
    pub fn read(&self, model: &RiskModel) -> Result<(LoadingRow, ShockRow), String> {
        let fill = |into: &mut [i32], texts: &[String], count: u8, what: &str| {
            if texts.len() != usize::from(count) {
                return Err(format!("{} {what} instead of {count}", texts.len()));
            }
            for (slot, text) in into.iter_mut().zip(texts) {
                *slot = read_coefficient(text).ok_or_else(|| format!("{what}: `{text}` is no part such as -25%"))?;
            }
            Ok(())
        };
        let (mut loadings, mut shocks) = (LoadingRow::default(), ShockRow::default());
        let [factors @ .., specific] = &mut loadings;
        fill(factors, &self.loadings, model.factors, "loadings")?;
        if let Some(text) = &self.specific {
            *specific = read_coefficient(text).ok_or_else(|| format!("specific: `{text}` is no part such as 2.5%"))?;
        }
        fill(&mut shocks, &self.shocks, model.scenarios, "shocks")?;
        Ok((loadings, shocks))
    }

    /// That of an asset under the model in force.
    pub fn of(market: &Market, asset: &Asset) -> Self {
        let model = in_force(market);
        let Sensitivities { loadings, specific, shocks } = sensitivities(asset);
        let texts = |numbers: &[i32], count: u8| numbers.iter().take(count.into()).map(|c| coefficient(*c)).collect();
        let specific = i32::try_from(specific).unwrap_or(i32::MAX);
        Self {
            loadings: texts(&loadings, model.factors),
            specific: model.netting.then(|| coefficient(specific)),
            shocks: texts(&shocks, model.scenarios),
        }
    }
}

impl Model {
    /// The rows of all assets of a market in its order; those that the model has no use for are left out.
    ///
    /// # Errors
    /// [`Wrong`] for an asset of the market that has no row.
    pub fn rows_of(&self, market: &Market) -> Result<(Vec<LoadingRow>, Vec<ShockRow>), Wrong> {
        let (mut loadings, mut shocks) = (Vec::new(), Vec::new());
        for asset in market.listed() {
            let name = text_of(&asset.name);
            let row = self.rows.iter().find(|(other, ..)| *other == name);
            let (_, loading, shock) =
                row.ok_or_else(|| Wrong::new("model", format!("it says nothing about {name}")))?;
            loadings.push(*loading);
            shocks.push(*shock);
        }
        if !self.terms.netting {
            loadings.clear();
        }
        if self.terms.scenarios == 0 {
            shocks.clear();
        }
        Ok((loadings, shocks))
    }

    /// The change that brings it into a market; the rows come in a draft.
    ///
    /// # Errors
    /// See [`Self::rows_of`].
    pub fn proposal(&self, market: &Market) -> Result<Proposal, Wrong> {
        let (loadings, shocks) = self.rows_of(market)?;
        let digest = Rows { loadings: &loadings, shocks: &shocks }.digest();
        Ok(Proposal::Model { model: self.terms.clone(), digest, version: market.model_version })
    }

    /// Whether it is the one in force.
    pub fn holds(&self, market: &Market) -> bool {
        let same = |asset: &Asset| {
            let Sensitivities { loadings, specific, shocks } = sensitivities(asset);
            let name = text_of(&asset.name);
            self.rows.iter().any(|(other, [factors @ .., own], row)| {
                *other == name && *factors == loadings && u32::try_from(*own) == Ok(specific) && *row == shocks
            })
        };
        self.terms == in_force(market) && market.listed().iter().all(same)
    }
}

fn sensitivities(asset: &Asset) -> Sensitivities {
    let [columns, _] = &asset.columns;
    Sensitivities::from_columns(columns)
}

/// The model of a market as a proposal would have it.
pub fn in_force(market: &Market) -> RiskModel {
    let [terms, _] = &market.terms;
    let netting = terms.netting != 0;
    let grace = market.fallback_until.saturating_sub(market.valid_until);
    RiskModel {
        netting,
        factors: terms.factors,
        lambdas: terms.lambdas,
        floor: terms.floor,
        validity: if netting { market.validity } else { 0 },
        grace: if netting { u32::try_from(grace).unwrap_or(u32::MAX) } else { 0 },
        scenarios: terms.scenarios,
        tail: terms.tail,
        multipliers: terms.multipliers,
        factor_names: market.factor_names,
        scenario_names: market.scenario_names,
    }
}

fn levels(texts: Option<&[String; 3]>, what: &str) -> Result<[u32; 3], String> {
    let Some(texts) = texts else { return Ok([0; 3]) };
    let mut levels = [0; 3];
    for (level, text) in levels.iter_mut().zip(texts) {
        let read = read_measure(Measure::Times, 0, text).and_then(|times| u32::try_from(times).ok());
        *level = read.ok_or_else(|| format!("{what}: `{text}` is no multiple such as 3.3x"))?;
    }
    Ok(levels)
}

fn time(text: Option<&String>, what: &str) -> Result<u32, String> {
    let Some(text) = text else { return Ok(0) };
    let read = seconds(text).and_then(|seconds| u32::try_from(seconds).ok());
    read.ok_or_else(|| format!("{what}: `{text}` is no time such as 30d"))
}

/// The shortest decimal number, shifted by `shift` places, that is read back to `value / one` by rounding towards zero.
fn exact(value: i64, one: i64, shift: u32) -> String {
    let size = i128::from(value.unsigned_abs());
    let one = i128::from(one);
    let sign = if value < 0 { "-" } else { "" };
    for places in 0..=PLACES {
        let scale = 10i128.pow(places);
        let digits = (size * 10i128.pow(shift) * scale + one - 1) / one;
        if digits * one / scale / 10i128.pow(shift) == size {
            let places = places as usize;
            let text = format!("{digits:0>width$}", width = places + 1);
            let (whole, rest) = text.split_at(text.len() - places);
            let point = if rest.is_empty() { "" } else { "." };
            return format!("{sign}{whole}{point}{rest}");
        }
    }
    format!("{sign}{size}/{one}")
}

/// A loading, volatility or shock as [`Row`] has it.
pub fn coefficient(value: i32) -> String {
    format!("{}%", exact(i64::from(value), ONE, 2))
}

/// A multiple in 2^-16 as [`Terms`] have it.
pub fn times(value: u32) -> String {
    format!("{}x", exact(i64::from(value), 1 << 16, 0))
}

/// A part in 2^-32, whose text is rounded up when it is read.
pub fn part_text(value: u32) -> String {
    use ballast_client::table::Parameter;
    ballast_client::measure::write(Parameter::HaircutInit, 0, u64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coefficient_is_written_so_that_it_is_read_back() {
        for value in [0, 1, -1, 3, 1 << 30, -(1 << 30), 123_456_789, -987_654_321, 107_374_182] {
            let text = coefficient(value);
            assert_eq!(read_coefficient(&text), Some(value), "{text}");
        }
        assert_eq!(coefficient(107_374_182), "10%");
    }
}
