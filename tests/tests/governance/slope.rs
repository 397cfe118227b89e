//! How fast a requirement may rise while ramps run: by the share of each ramp that falls into a span of time. Derived from
//! the formulas of the book (risk model 3.1 and 3.2), in floating point with a margin for rounding.

use ballast_tests::client::risk::health::{Level, Prices, Side};
use ballast_tests::client::{Asset, Market, Vault, snapshot};

use crate::crowd::level;

/// The part of a ramp that lies between two times; nothing for one that is none.
fn share((start, end): (u64, u64), from: u64, to: u64) -> f64 {
    let overlap = to.min(end).saturating_sub(from.max(start));
    if end > start { overlap as f64 / (end - start) as f64 } else { 0.0 }
}

/// `1 / L`, nothing when off.
fn reciprocal(depth: u64) -> f64 {
    if depth == 0 { 0.0 } else { 1.0 / depth as f64 }
}

const TICK: f64 = 1.0 / 4_294_967_296.0;

/// What the haircut requirement of one position can rise by. The cost of size `V^2 / L` is linear in `1 / L` up to half of
/// the depth; from there on what a deposit counts is `(1 - h)^2 L / 4`, which never moves faster.
fn of_position(asset: &Asset, side: Side, value: f64, at: Level, from: u64, to: u64) -> f64 {
    let ramp = (asset.ramp_start, asset.ramp_end);
    let part = share(ramp, from, to);
    let (before, after) = match side {
        Side::Deposit => (asset.haircuts_before, asset.haircuts),
        Side::Debt => (asset.addons_before, asset.addons),
    };
    let haircut = f64::from(at.of(after).saturating_sub(at.of(before))) * TICK * part;
    let (shallow, deep) = (reciprocal(asset.depth), reciprocal(asset.depth_before));
    let begun = if asset.ramp_end > asset.ramp_start { share(ramp, 0, from) } else { 1.0 };
    let present = deep + (shallow - deep) * begun;
    let gone = (shallow - deep).max(0.0) * part;
    let steepest = match side {
        Side::Deposit if present > 0.0 => (value * value).min(0.25 / (present * present)),
        _ => value * value,
    };
    // Ramps and ratios are a few ticks off, depths are whole numbers and below 2^56 even next to "off".
    let ratio = value * shallow.max(deep);
    let whole = match side {
        Side::Deposit => 1.0,
        Side::Debt => ratio * ratio,
    };
    let rounding =
        value * 12.0 * TICK * (1.0 + ratio.min(if side == Side::Deposit { 1.0 } else { f64::MAX })) + whole + 8.0;
    let next_to_off = if deep == 0.0 && part > 0.0 { value * value / (1u64 << 56) as f64 } else { 0.0 };
    value * haircut + gone * steepest + rounding + next_to_off
}

/// What the requirement of a vault can rise by from one time to another, without interest and at the same prices.
pub fn most_risen(market: &Market, vault: &Vault, at: Level, from: u64, to: u64) -> f64 {
    let mut haircuts = 0.0;
    for position in vault.used() {
        let exposure = market.exposure(position, [at], Prices::Spot, to).expect("a listed asset");
        let value = exposure.value().expect("a price") as f64;
        haircuts += of_position(&market.assets[usize::from(position.asset)], exposure.side, value, at, from, to);
    }
    let model = market.model();
    let modelled = [model.current, model.previous].iter().any(|terms| terms.netting || terms.scenarios > 0);
    if !modelled {
        return haircuts;
    }
    // All of the new model, and all of the haircuts.
    let mut settled = *market;
    (settled.change_start, settled.change_end) = (0, 0);
    let full = snapshot::health(&settled, vault, to);
    let full = level(&full, at);
    let size = (full.assets + full.debts) as f64;
    let change = share((market.change_start, market.change_end), from, to);
    let fallback = share((market.valid_until, market.fallback_until), from, to);
    let all = full.requirement.max(full.haircuts) as f64;
    // A unit of scaled exposures for every position, and the ticks of a progress.
    let rounding = size / f64::from(1 << 28) * (4.0 + vault.used().len() as f64) + 64.0;
    2.0 * haircuts + (change + fallback) * all + all * 8.0 * TICK + rounding
}
