//! The inputs of the example, as the book shows them.

use crate::inputs::{ASSETS, Asset, Bps, FACTORS, FLOOR, GRACE, LAMBDAS, MULTIPLIERS, PRICE_EXPONENT, SCENARIOS};
use crate::inputs::{DAY, TAIL, VALIDITY};
use crate::text::{Table, grouped, percent};

fn rate(bps: Bps) -> String {
    percent(i64::from(bps))
}

fn levels(bps: [Bps; 3]) -> String {
    bps.map(|bps| rate(bps).replace(" %", "")).join(" / ")
}

/// A decimal price without needless zeros.
fn price(number: u64) -> String {
    let places = PRICE_EXPONENT.unsigned_abs();
    let unit = 10u64.pow(places);
    let rest = format!("{:0width$}", number % unit, width = places as usize);
    match rest.trim_end_matches('0') {
        "" => grouped(number / unit),
        rest => format!("{}.{rest}", grouped(number / unit)),
    }
}

pub fn assets() -> String {
    let mut table =
        Table::new(&["asset", "spot, $", "average, $", "confidence", "haircuts, %", "add-ons, %", "depth, million $"]);
    for asset in &ASSETS {
        table.row(&[
            asset.name.to_owned(),
            price(asset.spot),
            price(asset.average),
            rate(asset.confidence),
            levels(asset.haircuts),
            levels(asset.addons),
            asset.depth.to_string(),
        ]);
    }
    table.finish()
}

pub fn model() -> String {
    let hundredths = |parts: [u32; 3]| parts.map(|part| format!("{}.{:02}", part / 100, part % 100)).join(" / ");
    let mut table = Table::new(&["parameter", "value"]);
    table.row(&["lambda at Init / Target / Maint", &hundredths(LAMBDAS)]);
    table.row(&["stress multiplier at Init / Target / Maint", &hundredths(MULTIPLIERS)]);
    table.row(&["worst scenarios in the mean", &TAIL.to_string()]);
    table.row(&["floor", &percent(i64::from(FLOOR))]);
    table.row(&["validity of a confirmation", &format!("{} days", VALIDITY / DAY)]);
    table.row(&["grace ramp", &format!("{} days", GRACE / DAY)]);
    table.finish()
}

/// Loadings, specific and total volatility.
pub fn factors() -> String {
    let mut heads = vec!["asset"];
    heads.extend(FACTORS);
    heads.extend(["specific", "volatility"]);
    let mut table = Table::new(&heads);
    for asset in &ASSETS {
        let mut row = vec![asset.name.to_owned()];
        row.extend(asset.loadings.map(rate));
        row.push(rate(asset.specific));
        row.push(format!("{:.2} %", volatility(asset) / 100.0));
        table.row(&row);
    }
    table.finish()
}

pub fn scenarios() -> String {
    let mut heads = vec!["asset"];
    heads.extend(SCENARIOS);
    let mut table = Table::new(&heads);
    for asset in &ASSETS {
        let mut row = vec![asset.name.to_owned()];
        row.extend(asset.shocks.map(rate));
        table.row(&row);
    }
    table.finish()
}

/// What the loadings imply for each pair, and the table of loadings itself before it.
pub fn correlations() -> String {
    let mut heads = vec!["correlation"];
    heads.extend(ASSETS.iter().map(|asset| asset.name));
    let mut table = Table::new(&heads);
    for (at, left) in ASSETS.iter().enumerate() {
        let mut row = vec![left.name.to_owned()];
        for (other, right) in ASSETS.iter().enumerate() {
            let same = if at == other { square(left.specific) } else { 0.0 };
            let shared: f64 = left.loadings.iter().zip(right.loadings).map(|(l, r)| f64::from(*l) * f64::from(r)).sum();
            row.push(format!("{:.2}", (shared + same) / (volatility(left) * volatility(right))));
        }
        table.row(&row);
    }
    format!("{}\n{}", factors(), table.finish())
}

/// Basis points.
fn volatility(asset: &Asset) -> f64 {
    let loadings: f64 = asset.loadings.iter().map(|loading| square(*loading)).sum();
    (loadings + square(asset.specific)).sqrt()
}

fn square(bps: Bps) -> f64 {
    f64::from(bps) * f64::from(bps)
}
