//! The markets of the golden vectors.

use ballast_client::risk::haircut::Depth;
use ballast_client::risk::health::Level;
use ballast_client::risk::liquidation::Bonus;
use ballast_client::risk::model::{MAX_FACTORS, MAX_SCENARIOS, ONE, Sensitivities, TIMES_ONE, Terms};
use ballast_client::risk::params::{self, Levels, RiskParameters};
use ballast_client::risk::price::Price;
use ballast_client::risk::ramp::Ramp;
use ballast_client::risk::{Fraction, Usd};
use ballast_client::{Asset, Market, ModelTerms};

use super::MarketCase;
use super::codec::AssetCase;
use crate::random::Random;

/// Around this second everything happens.
pub const START: u64 = 1_750_000_000;
const WEEK: u64 = 604_800;

/// What kind of market it is.
struct Plan {
    assets: usize,
    /// `None` turns netting off.
    factors: Option<u8>,
    scenarios: u8,
    tail: u8,
    /// Part of the haircuts that netting cannot save, in basis points.
    floor_bps: u64,
    /// Lambdas and multipliers at `Init`, in hundredths: how much portfolio and stress ask for.
    lambda: u64,
    multiplier: u64,
    /// Seconds from [`START`] until the model expires.
    expires: i64,
    /// The model that it replaces: factors, scenarios, tail. The change is halfway at [`START`].
    replaces: Option<(Option<u8>, u8, u8)>,
    /// How long the change takes, seconds.
    change: u64,
}

const fn plan(assets: usize, factors: Option<u8>, scenarios: u8, tail: u8) -> Plan {
    Plan {
        assets,
        factors,
        scenarios,
        tail,
        floor_bps: 2_500,
        lambda: 300,
        multiplier: 120,
        expires: 1_000_000,
        replaces: None,
        change: WEEK,
    }
}

fn plans() -> Vec<Plan> {
    let week = WEEK as i64;
    vec![
        plan(8, None, 0, 0),
        plan(19, None, 0, 0),
        plan(12, None, 1, 1),
        Plan { multiplier: 250, ..plan(10, None, 4, 2) },
        Plan { multiplier: 400, ..plan(16, None, 8, 8) },
        Plan { floor_bps: 10_000, lambda: 100, ..plan(12, Some(0), 0, 0) },
        Plan { lambda: 350, ..plan(14, Some(1), 0, 0) },
        Plan { lambda: 450, floor_bps: 0, ..plan(12, Some(2), 2, 1) },
        Plan { expires: -week / 2, ..plan(14, Some(3), 3, 3) },
        Plan { expires: -2 * week, multiplier: 200, ..plan(10, Some(4), 5, 2) },
        Plan { expires: 300, floor_bps: 1_000, ..plan(14, Some(5), 6, 1) },
        Plan { expires: -week / 5, lambda: 600, ..plan(12, Some(6), 7, 4) },
        Plan { lambda: 250, multiplier: 300, ..plan(40, Some(6), 8, 1) },
        Plan { lambda: 1_600, ..plan(10, Some(6), 0, 0) },
        Plan { replaces: Some((None, 0, 0)), ..plan(12, Some(4), 5, 1) },
        Plan { replaces: Some((Some(6), 8, 2)), lambda: 500, change: 900, ..plan(14, Some(5), 3, 1) },
        Plan { replaces: Some((Some(3), 0, 0)), expires: -week / 4, ..plan(12, Some(2), 6, 3) },
        Plan { replaces: Some((Some(4), 4, 1)), ..plan(16, None, 0, 0) },
    ]
}

/// All of them.
pub fn all() -> Vec<MarketCase> {
    let mut random = Random::new(0xba11a57);
    plans().iter().enumerate().map(|(at, plan)| market(&mut random, at, plan)).collect()
}

fn market(random: &mut Random, at: usize, plan: &Plan) -> MarketCase {
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    market.dust = random.pick(&[0, 1_000_000, 100_000_000]);
    market.terms[0] = terms(random, plan, plan.factors, plan.scenarios, plan.tail);
    if let Some((factors, scenarios, tail)) = plan.replaces {
        market.terms[1] = terms(random, plan, factors, scenarios, tail);
        let change = Ramp::new(START - plan.change / 2, plan.change).expect("a change");
        (market.change_start, market.change_end, market.change_reciprocal) = change.parts();
    }
    let valid_until = START.saturating_add_signed(plan.expires);
    let fallback = Ramp::new(valid_until, WEEK).expect("a week");
    (market.valid_until, market.fallback_until, market.fallback_reciprocal) = fallback.parts();
    let assets = (0..plan.assets).map(|index| asset(random, &market, at, index)).collect();
    MarketCase { market, assets }
}

fn terms(random: &mut Random, plan: &Plan, factors: Option<u8>, scenarios: u8, tail: u8) -> ModelTerms {
    let mut terms = ModelTerms { scenarios, tail, ..ModelTerms::default() };
    if scenarios > 0 {
        terms.multipliers = falling(random, plan.multiplier, 0);
    }
    if let Some(factors) = factors {
        (terms.netting, terms.factors) = (1, factors);
        terms.lambdas = falling(random, plan.lambda, u64::from(TIMES_ONE));
        terms.floor = random.part(plan.floor_bps, plan.floor_bps);
    }
    params::check_model(&terms.terms()).expect("a good model");
    terms
}

/// Three levels in 2^-16 from so many hundredths down, not below `least`.
fn falling(random: &mut Random, hundredths: u64, least: u64) -> [u32; 3] {
    let init = (hundredths * u64::from(TIMES_ONE) / 100).max(least);
    let target = random.between((init * 3 / 4).max(least), init);
    let maint = random.between((init / 2).max(least), target);
    [init, target, maint].map(|level| level as u32)
}

fn asset(random: &mut Random, market: &Market, at: usize, index: usize) -> AssetCase {
    let mut asset: Asset = bytemuck::Zeroable::zeroed();
    let (number, exponent) = price(random, &mut asset, at, index);
    asset.usable_until = if random.percent(6) { START - 1 } else { START + random.between(300, 900) };
    asset.init_until = asset.usable_until - random.between(0, 2) * random.between(0, 200);
    pool(random, &mut asset);
    risk(random, &mut asset);
    asset.columns = [0, 1].map(|model: usize| columns(random, &market.terms[model].terms()).columns());
    // Unit values, from prices and indexes.
    asset.accrue(asset.accrued_at);
    AssetCase { asset, number, exponent }
}

/// Prices of 1e-15 to 1e9 dollars, the ends of that and of the decimals among them.
fn price(random: &mut Random, asset: &mut Asset, at: usize, index: usize) -> (u64, i32) {
    // Number, exponent, decimals.
    let edges = [(1_000, -18, 0), (1, -15, 18), (1_000_000_000, 0, 6), (1_000_000_000, 0, 18), (1_900, 0, 0)];
    let edge = if index == 0 { edges.get(at.wrapping_sub(1)) } else { None };
    if edge.is_none() && random.percent(3) {
        asset.decimals = random.between(0, 18) as u8;
        return (0, 0);
    }
    loop {
        let (number, exponent, mut decimals) = edge.copied().unwrap_or_else(|| drawn(random));
        if index == 1 {
            // All of them occur.
            decimals = (at % 19) as u8;
        }
        asset.decimals = decimals;
        let moved = number * random.between(90, 110) / 100;
        let price = |number| Price::from_decimal_floor(number, exponent, decimals);
        let (Ok(spot), Ok(average)) = (price(number), price(moved)) else { continue };
        let confidence = Fraction::new(random.part(0, 200));
        let prices = (spot.min(average).lowered_floor(confidence), spot.max(average).raised_ceil(confidence));
        if let (Ok(low), Ok(high)) = prices {
            asset.set_prices(spot, average, low, high, spot.max(average));
            return (number, exponent);
        }
    }
}

fn drawn(random: &mut Random) -> (u64, i32, u8) {
    // Mostly what is traded, sometimes anything.
    let (decade, decimals) = if random.percent(60) {
        (random.between(0, 7) as i32 - 3, random.pick(&[5, 6, 6, 8, 9, 9]))
    } else {
        (random.between(0, 23) as i32 - 15, random.between(0, 18) as u8)
    };
    let digits = random.between(1_000_000, 9_999_999);
    let exponent = decade - 6;
    match exponent {
        1.. => (digits * 10u64.pow(exponent.unsigned_abs()), 0, decimals),
        ..-18 => (digits / 10u64.pow((-18 - exponent).unsigned_abs()), -18, decimals),
        _ => (digits, exponent, decimals),
    }
}

fn pool(random: &mut Random, asset: &mut Asset) {
    const ONE: u64 = 1 << 52;
    asset.accrued_at = START - random.between(0, 60);
    asset.supply_index = match random.below(10) {
        0 => ONE,
        1 => ONE * random.between(100, 4_000),
        _ => ONE + random.scale(40, 52),
    };
    asset.borrow_index = asset.supply_index + random.scale(30, 51);
    asset.borrow_rate = match random.below(10) {
        0 => 0,
        1 => 1 << 31,
        _ => random.scale(10, 28) as u32,
    };
    asset.supply_rate = (u64::from(asset.borrow_rate) * random.between(0, 95) / 100) as u32;
    asset.deposit_shares = random.scale(20, 54);
    asset.debt_shares = asset.deposit_shares / random.between(1, 20);
}

fn levels(random: &mut Random, least: u64, most: u64) -> [u32; 3] {
    let mut levels = [0; 3].map(|_| random.part(least, most));
    levels.sort_unstable_by(|a, b| b.cmp(a));
    levels
}

/// Haircuts, add-ons, bonus, depth, and ramps: over, on their way, still to come.
fn risk(random: &mut Random, asset: &mut Asset) {
    let most = random.pick(&[600, 2_000, 2_000, 4_000, 9_000]);
    asset.haircuts = levels(random, 300, most);
    asset.addons = levels(random, 0, most / 2);
    (asset.haircuts_before, asset.addons_before) = (asset.haircuts, asset.addons);
    if random.percent(50) {
        asset.haircuts_before = levels(random, 300, most);
        asset.addons_before = levels(random, 0, most / 2);
        let length = random.scale(1, 24);
        let start = START - length / 2 + random.between(0, 300);
        (asset.ramp_start, asset.ramp_end, asset.ramp_reciprocal) = Ramp::new(start, length).expect("a ramp").parts();
    }
    asset.volatility = if random.percent(40) { random.between(1 << 16, 4 << 16) as u32 } else { 1 << 16 };
    let depth = if random.percent(30) { 0 } else { random.scale(34, 56) };
    let depth = Depth::new(Usd::new(depth)).expect("a depth");
    (asset.depth, asset.depth_reciprocal, asset.depth_shift) = depth.parts();
    let before = if random.percent(60) { depth } else { Depth::new(Usd::new(random.scale(34, 56))).expect("a depth") };
    (asset.depth_before, asset.depth_before_reciprocal, asset.depth_before_shift) = before.parts();
    let least = asset.haircuts[2].min(asset.haircuts_before[2]);
    asset.bonus_most = (least - least / 8).min(1 << 30);
    asset.bonus_least = asset.bonus_most / random.between(1, 5) as u32;
    asset.bonus_slope = random.part(0, 5_000);
    asset.bonus_reserve = random.part(0, 5_000);
    for (haircuts, addons) in [(asset.haircuts, asset.addons), (asset.haircuts_before, asset.addons_before)] {
        let bonus = asset.bonus();
        check(haircuts, addons, depth, bonus);
    }
}

fn check(haircuts: [u32; 3], addons: [u32; 3], depth: Depth, bonus: Bonus) {
    let of = |levels: [u32; 3]| {
        let [init, target, maint] = Level::ALL.map(|level| Fraction::new(level.of(levels)));
        Levels { init, target, maint }
    };
    params::check_risk(&RiskParameters { haircuts: of(haircuts), addons: of(addons), depth, bonus }).expect("in range");
}

/// Coefficients that the model allows; some assets at the very limit.
fn columns(random: &mut Random, model: &Terms) -> Sensitivities {
    let mut moves = Sensitivities::NONE;
    if model.netting {
        // The whole volatility: up to one, over the largest lambda.
        let most = u64::from(ONE.unsigned_abs()) * u64::from(TIMES_ONE) / u64::from(model.lambdas[0]);
        let whole = if random.percent(5) { most } else { random.between(most / 200, most * 9 / 10) };
        let factors = usize::from(model.factors);
        // Squares of the parts add up to less than that of the whole.
        let mut left = u128::from(whole) * u128::from(whole);
        for (at, loading) in moves.loadings.iter_mut().take(factors.min(MAX_FACTORS)).enumerate() {
            let share = if at == 0 { random.between(40, 95) } else { random.between(0, 60) };
            let part = (left * u128::from(share) / 100).isqrt();
            left -= part * part;
            let sign = if random.percent(if at == 0 { 5 } else { 50 }) { -1 } else { 1 };
            *loading = part as i32 * sign;
        }
        moves.specific = left.isqrt() as u32;
        if random.percent(15) {
            moves.specific /= 50;
        }
    }
    for shock in moves.shocks.iter_mut().take(usize::from(model.scenarios).min(MAX_SCENARIOS)) {
        let one = u64::from(ONE.unsigned_abs());
        let most = one * u64::from(TIMES_ONE) / u64::from(model.multipliers[0]).max(u64::from(TIMES_ONE));
        *shock = match random.below(12) {
            0 => -(most as i32),
            1 => 0,
            2 => i32::MAX,
            3..6 => random.between(0, one / 2) as i32,
            _ => -(random.between(0, most * 6 / 10) as i32),
        };
    }
    params::check_sensitivities(model, &moves).expect("allowed coefficients");
    moves
}
