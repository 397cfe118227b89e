//! What is to be shown of a vault, in the program's own numbers.

use ballast_client::preview::{Preview, Threshold, Thresholds, margin_bps};
use ballast_client::risk::health::Side;
use ballast_client::{Asset, BindingView, HealthView, LevelView, Market, SourceKind, Vault};
use serde::Serialize;

use super::list::state_name;
use crate::amounts::{Tokens, signed_dollars};
use crate::context::name;
use crate::output::{Table, facts};
use crate::price::{Rounding, dollars};

/// One side of one asset.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    pub asset: String,
    /// `deposit` or `debt`.
    pub side: &'static str,
    pub shares: String,
    /// Deposits rounded down, debts up.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Micro-dollars at spot, rounded down; absent without a price.
    pub value: Option<String>,
}

/// The check at one level, micro-dollars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// False where a price is missing; the numbers are zero then.
    pub decided: bool,
    pub passes: bool,
    /// Which requirement is the largest.
    pub binding: &'static str,
    pub assets: String,
    pub debts: String,
    pub equity: String,
    pub requirement: String,
    /// Equity over requirement in basis points, rounded down: 10,000 just passes. Absent without a requirement.
    pub margin_bps: Option<i64>,
}

/// The whole check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    pub state: &'static str,
    pub init: Level,
    pub target: Level,
    pub maint: Level,
}

/// Prices at which a vault becomes liquidatable, 10^-12 dollars for a whole token. What a stake pool values in this asset moves
/// with it; all others are unchanged.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Liquidation {
    pub asset: String,
    pub price: String,
    /// What stake pools value in it among the vault's assets; their prices move along.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moves_along: Vec<String>,
    /// At this price and below it; absent where a fall never leads there.
    pub below: Option<String>,
    /// At this price and above it; absent where a rise never leads there.
    pub above: Option<String>,
}

impl Holding {
    pub fn all(market: &Market, vault: &Vault, now: u64) -> Vec<Self> {
        let used = vault.used().iter().filter_map(|position| {
            let asset = market.listed().get(usize::from(position.asset))?;
            let holding = vault.holding(position.asset);
            let amount = holding.amount(&asset.accrued_pool(now)).ok()?;
            let price = asset.spot().filter(|_| asset.publish_time != 0);
            Some(Self {
                asset: name(&asset.name),
                side: if position.side() == Side::Deposit { "deposit" } else { "debt" },
                shares: position.shares.to_string(),
                tokens: Tokens::of(asset, amount.get()),
                value: price.and_then(|price| Some(price.value_floor(amount).ok()?.get().to_string())),
            })
        });
        used.collect()
    }
}

impl From<&LevelView> for Level {
    fn from(level: &LevelView) -> Self {
        Self {
            decided: level.decided,
            passes: level.passes,
            binding: match level.binding {
                BindingView::Haircuts => "haircuts",
                BindingView::Portfolio => "portfolio",
                BindingView::Stress => "stress",
            },
            assets: level.assets.to_string(),
            debts: level.debts.to_string(),
            equity: level.equity.to_string(),
            requirement: level.requirement.to_string(),
            margin_bps: margin_bps(level),
        }
    }
}

impl From<&HealthView> for Health {
    fn from(health: &HealthView) -> Self {
        Self {
            state: state_name(health.state),
            init: (&health.init).into(),
            target: (&health.target).into(),
            maint: (&health.maint).into(),
        }
    }
}

impl Liquidation {
    pub fn all(market: &Market, thresholds: &Thresholds) -> Vec<Self> {
        let of = |threshold: &Threshold| {
            let asset = market.listed().get(usize::from(threshold.asset))?;
            let Threshold { price, below, above, .. } = threshold;
            let text = |number: &u64| number.to_string();
            let (below, above) = (below.as_ref().map(text), above.as_ref().map(text));
            let along = |other: &&Asset| {
                other.sources[0].kind() == SourceKind::StakePool && other.sources[0].base == threshold.asset
            };
            let all = thresholds.assets.iter().filter_map(|other| market.listed().get(usize::from(other.asset)));
            let moves_along = all.filter(along).map(|other| name(&other.name)).collect();
            Some(Self { asset: name(&asset.name), price: price.to_string(), moves_along, below, above })
        };
        thresholds.assets.iter().filter_map(of).collect()
    }
}

/// Positions for people.
pub fn holdings(holdings: &[Holding]) -> String {
    if holdings.is_empty() {
        return "No positions.\n".to_owned();
    }
    let mut table = Table::new(&["Asset", "Side", ">Tokens", ">Value"]);
    for Holding { asset, side, tokens, value, .. } in holdings {
        let value = value.as_ref().and_then(|text| text.parse().ok());
        let value = value.map_or_else(|| "no price".to_owned(), signed_dollars);
        table.row([asset.clone(), (*side).to_owned(), tokens.ui_amount_string.clone(), value]);
    }
    table.to_string()
}

/// Liquidation prices for people.
pub fn liquidations(prices: &[Liquidation], fall_bps: Option<u16>) -> String {
    if prices.is_empty() {
        return String::new();
    }
    let shown = |text: &String, rounding| text.parse().map_or_else(|_| "?".to_owned(), |pico| dollars(pico, rounding));
    // Rounded so that at what is shown the program does liquidate.
    let end = |end: &Option<String>, rounding| {
        end.as_ref().map_or_else(|| "never".to_owned(), |price| shown(price, rounding))
    };
    let mut table = Table::new(&["Asset", ">Price", ">Liquidated below", ">Liquidated above"]);
    for Liquidation { asset, price, moves_along, below, above } in prices {
        let asset = match moves_along[..] {
            [] => asset.clone(),
            _ => format!("{asset} (and with it {})", moves_along.join(", ")),
        };
        let price = shown(price, Rounding::Nearest);
        table.row([asset, price, end(below, Rounding::Down), end(above, Rounding::Up)]);
    }
    let all =
        fall_bps.map(|bps| format!("Liquidated once everything deposited has fallen by {} %.\n", percent(bps.into())));
    format!("\n{table}{}", all.unwrap_or_default())
}

/// Basis points as per cent.
fn percent(bps: i64) -> String {
    format!("{}{}.{:02}", if bps < 0 { "-" } else { "" }, (bps / 100).abs(), (bps % 100).abs())
}

fn margin(level: &LevelView) -> String {
    match margin_bps(level) {
        None if level.decided => "nothing is required".to_owned(),
        None => "unknown: a price is missing".to_owned(),
        some => margin_text(some),
    }
}

/// A margin in a list.
pub fn margin_text(bps: Option<i64>) -> String {
    bps.map_or("-".to_owned(), |bps| format!("{} %", percent(bps)))
}

/// The check for people, all levels.
pub fn health(health: &HealthView) -> String {
    let mut table = Table::new(&["Level", ">Equity", ">Requirement", ">Margin", "Binding"]);
    for (name, level) in [("Init", &health.init), ("Target", &health.target), ("Maint", &health.maint)] {
        let required = signed_dollars(i64::try_from(level.requirement).unwrap_or(i64::MAX));
        let equity = signed_dollars(level.equity);
        table.row([name.to_owned(), equity, required, margin(level), Level::from(level).binding.to_owned()]);
    }
    facts([("State", state_name(health.state).to_owned())]) + &table.to_string()
}

/// What an action does to the margin, line by line.
pub fn changes(market: &Market, preview: &Preview) -> Vec<String> {
    let Preview { before, after, thresholds, .. } = preview;
    let step = |name: &str, before: String, after: String| format!("{name} {before} -> {after}");
    let mut lines = vec![
        step("  state ", state_name(before.state).to_owned(), state_name(after.state).to_owned()),
        step("  equity", signed_dollars(before.maint.equity), signed_dollars(after.maint.equity)),
        step("  margin at Init ", margin(&before.init), margin(&after.init)),
        step("  margin at Maint", margin(&before.maint), margin(&after.maint)),
    ];
    for line in liquidations(&Liquidation::all(market, thresholds), thresholds.fall_bps).trim_start().lines() {
        lines.push(format!("  {line}"));
    }
    lines
}
