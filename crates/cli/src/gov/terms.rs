//! A model of correlation and stress as people and programs read it: every term old and new, every row that changes.

use ballast_client::measure::duration;
use ballast_client::risk::model::Sensitivities;
use ballast_client::{Draft, LoadingRow, Market, RiskModel, ShockRow};
use ballast_cluster::definition::model::{coefficient, in_force, part_text, times};
use serde::Serialize;

use crate::context::name;
use crate::output::Table;

/// A model without its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelTerms {
    pub netting: bool,
    pub factors: Vec<String>,
    /// Init, Target, Maint, in 2^-16.
    pub lambdas: [u32; 3],
    /// In 2^-32.
    pub floor: u32,
    pub validity_seconds: u32,
    pub grace_seconds: u32,
    pub scenarios: Vec<String>,
    pub tail: u8,
    /// Init, Target, Maint, in 2^-16.
    pub multipliers: [u32; 3],
}

/// One number of an asset that is another one in the new model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowLine {
    pub asset: String,
    /// `loading market`, `specific`, or `shock crash`.
    pub what: String,
    /// Absent where the old model has no such number.
    pub from: Option<String>,
    /// Absent where the new one has none.
    pub to: Option<String>,
}

/// What a proposal does to the model of a market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelChange {
    /// The one in force.
    pub from: ModelTerms,
    pub model: ModelTerms,
    /// The rows that change. Absent where no draft with the digest was found.
    pub rows: Option<Vec<RowLine>>,
}

impl ModelTerms {
    fn of(model: &RiskModel) -> Self {
        Self {
            netting: model.netting,
            factors: names(&model.factor_names, model.factors),
            lambdas: model.lambdas,
            floor: model.floor,
            validity_seconds: model.validity,
            grace_seconds: model.grace,
            scenarios: names(&model.scenario_names, model.scenarios),
            tail: model.tail,
            multipliers: model.multipliers,
        }
    }

    /// Every term by its name, in words.
    fn lines(&self) -> Vec<(String, String)> {
        let levels = |what: &str, values: [u32; 3]| {
            let line = |(level, value): (&str, u32)| (format!("{what} at {level}"), times(value));
            ["Init", "Target", "Maint"].into_iter().zip(values).map(line).collect::<Vec<_>>()
        };
        let mut lines = vec![
            ("netting".to_owned(), if self.netting { "on" } else { "off" }.to_owned()),
            ("factors".to_owned(), listed(&self.factors)),
        ];
        lines.extend(levels("lambda", self.lambdas));
        lines.push(("floor".to_owned(), if self.floor == 0 { "0%".to_owned() } else { part_text(self.floor) }));
        lines.push(("validity".to_owned(), duration(self.validity_seconds.into())));
        lines.push(("grace".to_owned(), duration(self.grace_seconds.into())));
        lines.push(("scenarios".to_owned(), listed(&self.scenarios)));
        lines.push(("tail".to_owned(), self.tail.to_string()));
        lines.extend(levels("multiplier", self.multipliers));
        lines
    }
}

fn names(names: &[[u8; 16]], count: u8) -> Vec<String> {
    let slot = |at: usize| names.get(at).map_or_else(|| format!("no slot {at}"), |padded| name(padded));
    (0..usize::from(count)).map(slot).collect()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl ModelChange {
    /// What a model with this digest does; `draft` is where its rows may stand.
    pub fn of(market: &Market, model: &RiskModel, digest: &[u8; 32], draft: Option<&Draft>) -> Self {
        let present = in_force(market);
        let none = !model.netting && model.scenarios == 0;
        let count = market.listed().len();
        let written = draft.and_then(|draft| draft.checked_rows(count, model, digest).ok());
        let written = written.map(|rows| (rows.loadings, rows.shocks)).or_else(|| none.then_some((&[], &[])));
        let rows = written.map(|(loadings, shocks)| rows(market, [&present, model], loadings, shocks));
        Self { from: ModelTerms::of(&present), model: ModelTerms::of(model), rows }
    }

    /// For people; `digest` is that of the rows.
    pub fn text(&self, digest: &str) -> String {
        let mut terms = Table::new(&["Term", ">From", ">To", ""]);
        for ((term, from), (_, to)) in self.from.lines().into_iter().zip(self.model.lines()) {
            let mark = if from == to { "" } else { "changes" };
            terms.row([term, from, to, mark.to_owned()]);
        }
        let Some(rows) = &self.rows else {
            return format!(
                "{terms}The rows are in no draft that was found. Compare their digest with that of your own file \
                 (ballast gov model digest):\n  {digest}\n"
            );
        };
        if rows.is_empty() {
            return format!("{terms}No number of an asset changes. Digest of the rows:\n  {digest}\n");
        }
        let mut table = Table::new(&["Asset", "Number", ">From", ">To"]);
        for RowLine { asset, what, from, to } in rows {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            table.row([asset.clone(), what.clone(), text(from), text(to)]);
        }
        format!("{terms}Numbers of assets that change; digest of all rows:\n  {digest}\n{table}")
    }
}

/// The numbers that differ, slot by slot. A slot that changes its name shows both.
fn rows(market: &Market, [old, new]: [&RiskModel; 2], loadings: &[LoadingRow], shocks: &[ShockRow]) -> Vec<RowLine> {
    let factors = labels("loading", names(&old.factor_names, old.factors), names(&new.factor_names, new.factors));
    let scenarios =
        labels("shock", names(&old.scenario_names, old.scenarios), names(&new.scenario_names, new.scenarios));
    let mut lines = vec![];
    for (at, asset) in market.listed().iter().enumerate() {
        let mut add = |what: &str, from: Option<i32>, to: Option<i32>| {
            if from != to {
                let [from, to] = [from, to].map(|number| number.map(coefficient));
                lines.push(RowLine { asset: name(&asset.name), what: what.to_owned(), from, to });
            }
        };
        let [columns, _] = &asset.columns;
        let held = Sensitivities::from_columns(columns);
        let (loading, shock) = (loadings.get(at), shocks.get(at));
        for (slot, what) in factors.iter().enumerate() {
            let from = held.loadings.get(slot).copied().filter(|_| slot < usize::from(old.factors));
            let to = loading.and_then(|row| row.get(slot)).copied().filter(|_| slot < usize::from(new.factors));
            add(what, from, to);
        }
        let from = old.netting.then(|| i32::try_from(held.specific).unwrap_or(i32::MAX));
        add("specific", from, loading.and_then(|row| row.last()).copied());
        for (slot, what) in scenarios.iter().enumerate() {
            let from = held.shocks.get(slot).copied().filter(|_| slot < usize::from(old.scenarios));
            let to = shock.and_then(|row| row.get(slot)).copied().filter(|_| slot < usize::from(new.scenarios));
            add(what, from, to);
        }
    }
    lines
}

fn labels(what: &str, old: Vec<String>, new: Vec<String>) -> Vec<String> {
    let label = |at: usize| match (old.get(at), new.get(at)) {
        (Some(old), Some(new)) if old != new => format!("{what} {new} (was {old})"),
        (_, Some(name)) | (Some(name), None) => format!("{what} {name}"),
        (None, None) => what.to_owned(),
    };
    (0..old.len().max(new.len())).map(label).collect()
}
