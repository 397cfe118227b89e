//! The crowd: which assets each borrower deposits and owes, and how close to the limit he goes. Pure, and the same for
//! the same seed.

use crate::catalogue::{BTC, COUNT, ETH, JITOSOL, SOL, USDC, USDT};
use crate::random::Random;

/// Fewest and most positions of a vault.
pub const POSITIONS: std::ops::RangeInclusive<usize> = 2..=12;

/// What one borrower is going to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Asset and micro-dollars.
    pub deposits: Vec<(usize, u64)>,
    /// Asset and weight.
    pub debts: Vec<(usize, u64)>,
    /// How much of what the Init level allows is borrowed, basis points.
    pub use_bps: u64,
}

/// What a borrower believes in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Volatile tokens in, stablecoins out.
    Long,
    /// A liquid-staking token in, SOL out.
    Staker,
    /// Stablecoins in, volatile tokens out.
    Short,
}

/// The plans of a crowd. The numbers of positions go round from 2 to 12.
pub fn crowd(seed: u64, vaults: usize) -> Vec<Plan> {
    let mut random = Random::new(seed, "crowd");
    let span = POSITIONS.end() - POSITIONS.start() + 1;
    (0..vaults).map(|vault| borrower(&mut random, POSITIONS.start() + vault % span)).collect()
}

fn borrower(random: &mut Random, positions: usize) -> Plan {
    let style = match random.within(0..=9) {
        0..=4 => Style::Long,
        5..=7 => Style::Staker,
        _ => Style::Short,
    };
    let mut assets: Vec<usize> = (0..COUNT).collect();
    random.shuffle(&mut assets);
    // Stable: what a style wants stays in the shuffled order among equals.
    let (first_debts, first_deposits): (&[usize], &[usize]) = match style {
        Style::Long => (&[USDC, USDT], &[SOL, BTC, ETH, JITOSOL]),
        Style::Staker => (&[SOL, USDC], &[JITOSOL]),
        Style::Short => (&[SOL, BTC, ETH], &[USDC, USDT]),
    };
    let most_debts = (positions / 2).max(1) as u64;
    let count = random.within(1..=most_debts.min(5)) as usize;
    let debts = take(&mut assets, first_debts, count);
    let deposits = take(&mut assets, first_deposits, positions - count);

    // From 15,000 to 900,000 dollars, small ones more often.
    let size = 15_000.0 * 60f64.powf(random.unit());
    let parts: Vec<f64> = deposits.iter().enumerate().map(|(at, _)| share(random, at)).collect();
    let total: f64 = parts.iter().sum();
    let worth = |part: f64| (size * part / total * 1e6) as u64;
    Plan {
        deposits: deposits.iter().zip(&parts).map(|(asset, part)| (*asset, worth(*part))).collect(),
        debts: debts.iter().enumerate().map(|(at, asset)| (*asset, (share(random, at) * 1e6) as u64 + 1)).collect(),
        use_bps: random.within(4_000..=9_850),
    }
}

/// Of a list: the first is the largest, the tail is small.
fn share(random: &mut Random, at: usize) -> f64 {
    (0.4 + random.unit()) / (at as f64).mul_add(0.6, 1.0)
}

/// Takes out `count` assets, preferred ones first.
fn take(assets: &mut Vec<usize>, preferred: &[usize], count: usize) -> Vec<usize> {
    assets.sort_by_key(|asset| !preferred.contains(asset));
    assets.drain(..count.min(assets.len())).collect()
}
