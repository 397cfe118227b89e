//! Margin of two positions against the correlation of their assets.

use std::error::Error;

use ballast_risk::Usd;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Health, Level, Prices, Side};
use ballast_risk::model::{Model, ONE, Sensitivities, Terms};

use super::chart::{Axis, BLUE, Chart, Line, ORANGE, Stroke};
use crate::inputs::{ASSETS, ETH};
use crate::market::{Asset, Holding, check_at, haircuts_alone, netting};

/// Points from -1 to 1: 40 on each side of zero.
const SIDE: i32 = 40;
/// Volatility of both assets.
const VOLATILITY: f64 = 0.04;
/// Micro-dollars of a thousand dollars.
const THOUSAND: u64 = 1_000_000_000;
/// A deposit and a debt, of the same gross value as the two deposits.
const HEDGED: [(Side, u64); 2] = [(Side::Deposit, 100 * THOUSAND), (Side::Debt, 80 * THOUSAND)];
const DEPOSITS: [(Side, u64); 2] = [(Side::Deposit, 90 * THOUSAND), (Side::Deposit, 90 * THOUSAND)];

/// What is read off a check.
type Part = fn(&Health) -> Usd;

pub fn by_correlation() -> Result<String, Box<dyn Error>> {
    let line = |vault, model: Model, part, label, color, stroke| -> Result<Line, Box<dyn Error>> {
        Ok(Line { label, color, stroke, points: margins(vault, &model, part)? })
    };
    let required: Part = Health::requirement;
    let floor: Part = |health| health.floor;
    // Correlation is all that moves here.
    let terms = Terms { scenarios: 0, tail: 0, multipliers: [0; 3], ..netting().current };
    let netting = Model { current: terms, ..netting() };
    Chart {
        title: "Initial margin of two positions by correlation",
        x: Axis {
            title: "correlation of the two assets",
            from: -1.0,
            to: 1.0,
            ticks: 9,
            label: |value| format!("{value:.2}"),
        },
        y: Axis {
            title: "required margin, thousand dollars",
            from: 0.0,
            to: 50.0,
            ticks: 11,
            label: |value| format!("{value:.0}"),
        },
        lines: vec![
            line(DEPOSITS, haircuts_alone(), required, "two deposits: haircuts", ORANGE, Stroke::Solid)?,
            line(DEPOSITS, netting, required, "two deposits: netting", ORANGE, Stroke::Dashed)?,
            line(DEPOSITS, netting, floor, "two deposits: floor", ORANGE, Stroke::Dotted)?,
            line(HEDGED, haircuts_alone(), required, "hedged pair: haircuts", BLUE, Stroke::Solid)?,
            line(HEDGED, netting, required, "hedged pair: netting", BLUE, Stroke::Dashed)?,
            line(HEDGED, netting, floor, "hedged pair: floor", BLUE, Stroke::Dotted)?,
        ],
    }
    .draw()
}

/// A part of the check at `Init`, in thousand dollars, by correlation.
fn margins(vault: [(Side, u64); 2], model: &Model, part: Part) -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
    // The haircuts of ETH, and no depth: size has a plot of its own.
    let plain = Asset::by_the_dollar(&ASSETS[ETH]).map_err(|error| format!("{error:?}"))?;
    let mut points = Vec::new();
    for step in -SIDE..=SIDE {
        let correlation = f64::from(step) / f64::from(SIDE);
        let assets = pair(correlation).map(|moves| plain.clone().with(moves, Depth::OFF));
        let [first, second] = &assets;
        let [(side, amount), (other_side, other_amount)] = vault;
        let vault =
            [Holding { asset: first, side, amount }, Holding { asset: second, side: other_side, amount: other_amount }];
        let (health, _) = check_at(model, &vault, Level::Init, Prices::Spot).map_err(|error| format!("{error:?}"))?;
        points.push((correlation, part(&health).get() as f64 / THOUSAND as f64));
    }
    Ok(points)
}

/// Two assets of one volatility: the first moves with the first factor alone, the second with both.
fn pair(correlation: f64) -> [Sensitivities; 2] {
    let coefficient = |part: f64| (part * VOLATILITY * f64::from(ONE)) as i32;
    let moves = |first, second| {
        let loadings = [coefficient(first), coefficient(second), 0, 0, 0, 0];
        Sensitivities { loadings, ..Sensitivities::NONE }
    };
    [moves(1.0, 0.0), moves(correlation, (1.0 - correlation * correlation).sqrt())]
}
