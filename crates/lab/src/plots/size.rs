//! Margin against the size of a single deposit.

use std::error::Error;

use ballast_risk::health::{Level, Prices, Side};
use ballast_risk::model::Model;

use super::chart::{Axis, BLUE, Chart, Line, ORANGE, Stroke};
use crate::inputs::{ASSETS, BONK, BTC};
use crate::market::{Asset, Holding, check_at, haircuts_alone, netting};

/// Points for each power of ten.
const STEPS: u32 = 40;
/// The `STEPS`th root of ten. Multiplying gives the same bits everywhere; a power function may not.
const STEP: f64 = 1.059_253_725_177_288_9;
/// From ten thousand dollars, in micro-dollars, over four powers of ten.
const FIRST: f64 = 1e10;
const DECADES: u32 = 4;

pub fn by_size() -> Result<String, Box<dyn Error>> {
    let line = |asset, model: Model, label, color, stroke| -> Result<Line, Box<dyn Error>> {
        Ok(Line { label, color, stroke, points: margins(asset, &model)? })
    };
    Chart {
        title: "Initial margin of a single deposit by its size",
        x: Axis {
            title: "value of the deposit, dollars (logarithmic)",
            from: 0.0,
            to: f64::from(DECADES),
            ticks: 5,
            label: power_label,
        },
        y: Axis {
            title: "required margin, % of the value",
            from: 0.0,
            to: 100.0,
            ticks: 11,
            label: |value| format!("{value:.0}"),
        },
        lines: vec![
            line(BONK, haircuts_alone(), "BONK, depth $6M: haircuts", ORANGE, Stroke::Solid)?,
            line(BONK, netting(), "BONK, depth $6M: netting", ORANGE, Stroke::Dashed)?,
            line(BTC, haircuts_alone(), "BTC, depth $150M: haircuts", BLUE, Stroke::Solid)?,
            line(BTC, netting(), "BTC, depth $150M: netting", BLUE, Stroke::Dashed)?,
        ],
    }
    .draw()
}

/// Labels of the powers of ten from [`FIRST`] on.
fn power_label(power: f64) -> String {
    match format!("{power:.0}").as_str() {
        "0" => "10k",
        "1" => "100k",
        "2" => "1M",
        "3" => "10M",
        "4" => "100M",
        _ => "",
    }
    .to_owned()
}

/// The requirement of a deposit at `Init` as a percentage of it, by the power of ten of its size.
fn margins(asset: usize, model: &Model) -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
    let asset = Asset::by_the_dollar(&ASSETS[asset]).map_err(|error| format!("{error:?}"))?;
    let mut size = FIRST;
    let mut points = Vec::new();
    for step in 0..=DECADES * STEPS {
        // Sizes have 14 digits before the point, so the whole part is exact.
        let vault = [Holding { asset: &asset, side: Side::Deposit, amount: size as u64 }];
        let (health, _) = check_at(model, &vault, Level::Init, Prices::Spot).map_err(|error| format!("{error:?}"))?;
        let margin = health.requirement().get() as f64 / health.assets.get() as f64;
        points.push((f64::from(step) / f64::from(STEPS), margin * 100.0));
        size *= STEP;
    }
    Ok(points)
}
