//! The bundled path: a quiet day, a crash of about -45 % in SOL within a day, and a partial recovery. Made in code from
//! a seed, with moves that are correlated, a liquid-staking token that trades below its backing, and a stablecoin
//! that loses its peg for some hours.

use crate::catalogue::{ASSETS, COUNT, JITOSOL, SOL, USDC, USDT};
use crate::random::Random;
use ballast_cluster::decimal::Decimal;

use super::{Frame, Path};

/// Seconds between two frames.
const STEP: i64 = 3_600;
/// Steps of each phase.
const CALM: usize = 24;
const CRASH: usize = 24;
const RECOVERY: usize = 48;
/// How the crash is spread over its hours: in waves, not evenly.
const WAVES: [f64; CRASH] = [
    1.0, 2.0, 6.0, 1.0, -1.5, 0.5, 3.0, 9.0, 14.0, 4.0, -4.0, -2.0, 1.0, 3.0, 5.0, 12.0, 18.0, 6.0, -5.0, -2.0, 4.0,
    8.0, 10.0, 5.0,
];

/// Start price in dollars, low at the end of the crash, end of the recovery (both as parts of the start), hourly noise.
const SHAPES: [[f64; 4]; COUNT] = [
    [168.40, 0.55, 0.72, 0.006],
    [64_250.0, 0.70, 0.83, 0.003],
    [3_120.0, 0.62, 0.76, 0.004],
    [1.15, 0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0, 0.0002],
    [1.0, 1.0, 1.0, 0.0003],
    [0.94, 0.45, 0.60, 0.008],
    [2.35, 0.44, 0.62, 0.009],
    [0.0000221, 0.40, 0.58, 0.010],
    [0.41, 0.45, 0.63, 0.008],
    [2.20, 0.48, 0.66, 0.008],
    [64_180.0, 0.695, 0.829, 0.003],
];

/// Largest discount of the liquid-staking token to its backing.
const DEPEG: f64 = 0.04;
/// Largest fall of USDT below a dollar.
const DIP: f64 = 0.03;

/// Makes the path of a seed.
pub fn path(seed: u64) -> Path {
    let steps = CALM + CRASH + RECOVERY;
    let noise = noise(&mut Random::new(seed, "prices"), steps);
    let stress = stress();
    let frames = (0..=steps).map(|step| frame(step, &noise, &stress)).collect();
    Path {
        source: format!("bundled path of seed {seed}: {} steps of {} minutes", steps, STEP / 60),
        frames,
        notes: Vec::new(),
    }
}

fn frame(step: usize, noise: &[Vec<f64>], stress: &[f64]) -> Frame {
    let mut dollars: [f64; COUNT] = std::array::from_fn(|asset| {
        let [start, low, end, _] = SHAPES[asset];
        let level = match step {
            0..=CALM => 0.0,
            _ if step <= CALM + CRASH => low.ln() * fallen(step - CALM),
            _ => low.ln() + (end / low).ln() * ((step - CALM - CRASH) as f64 / RECOVERY as f64).sqrt(),
        };
        start * (level + noise[asset][step]).exp()
    });
    // 7 % a year, like the stand-in for tables.
    let backing = SHAPES[JITOSOL][0] * (1.0 + 0.07 * step as f64 * STEP as f64 / 31_536_000.0);
    dollars[JITOSOL] = dollars[SOL] * backing * (1.0 - DEPEG * stress[step]);
    dollars[USDT] *= 1.0 - DIP * stress[step];
    Frame { time: step as i64 * STEP, prices: dollars.map(to_decimal) }
}

/// The part of the crash that has happened after some of its hours.
fn fallen(hours: usize) -> f64 {
    let sum = |hours: usize| WAVES.iter().take(hours).sum::<f64>();
    sum(hours) / sum(CRASH)
}

/// How strained the market is at each step, from 0 to 1: rising through the crash, gone some hours later.
fn stress() -> Vec<f64> {
    let peak = (CALM + 17) as f64;
    let at = |step: usize| {
        let distance = step as f64 - peak;
        let width = if distance < 0.0 { 5.0 } else { 9.0 };
        (-(distance / width).powi(2)).exp()
    };
    (0..=CALM + CRASH + RECOVERY).map(at).collect()
}

/// Correlated noise around the shape, zero wherever a phase begins or ends, so that the levels named above are met.
fn noise(random: &mut Random, steps: usize) -> Vec<Vec<f64>> {
    let mut walks = vec![vec![0.0; steps + 1]; COUNT];
    for step in 1..=steps {
        let common = random.normal();
        for (asset, walk) in walks.iter_mut().enumerate() {
            let own = random.normal();
            let part = if asset == USDC || asset == USDT { 0.0 } else { 0.75 };
            let shock = part * common + (1.0 - part * part).sqrt() * own;
            walk[step] = walk[step - 1] + SHAPES[asset][3] * shock;
        }
    }
    let marks = [0, CALM, CALM + CRASH, steps];
    walks.iter().map(|walk| pinned(walk, &marks)).collect()
}

/// A walk less the straight line between marks: a bridge from each mark to the next.
fn pinned(walk: &[f64], marks: &[usize]) -> Vec<f64> {
    let mut bridge = vec![0.0; walk.len()];
    for pair in marks.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        for at in from..=to {
            let along = (at - from) as f64 / (to - from) as f64;
            bridge[at] = walk[at] - walk[from] - along * (walk[to] - walk[from]);
        }
    }
    bridge
}

/// Nine significant digits are enough for an invented price.
fn to_decimal(dollars: f64) -> Decimal {
    let exponent = if dollars < 0.01 { -12 } else { -8 };
    Decimal { number: (dollars * 10f64.powi(-exponent)).round().max(1.0) as i64, exponent }
}

/// Names of the assets that the shapes belong to, so that a change of the catalogue does not go unnoticed.
const _: () = assert!(ASSETS.len() == SHAPES.len());
