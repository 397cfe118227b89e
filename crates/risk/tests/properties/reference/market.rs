//! Models of whole markets, and how their assets move: everything that the validator accepts, its bounds most of all.

use ballast_risk::Fraction;
use ballast_risk::model::{Model, Sensitivities, Terms};
use ballast_risk::ramp::Ramp;

use super::model::{Change, Governed};
use super::source::{Draw, Features, Source};

/// Streams of a [`Draw`].
const MODEL: u64 = 1;
const BEFORE: u64 = 3;
const SCENARIO: u64 = 100;

const ONE: i32 = 1 << 30;
const TIMES_ONE: u32 = 1 << 16;
/// Longest ramp, and shortest grace period, in seconds.
pub const LONGEST: u64 = 1 << 24;
const SHORTEST: u64 = 86_400;

impl Governed {
    /// No netting and no scenarios.
    pub fn plain() -> Self {
        Self {
            netting: false,
            factors: 0,
            scenarios: 0,
            tail: 0,
            lambdas: [0; 3],
            multipliers: [0; 3],
            floor: Fraction::MAX,
            valid_until: 0,
            grace: 0,
            change: None,
        }
    }

    /// What the model says, as the crate keeps it.
    pub fn terms(&self) -> Terms {
        Terms {
            netting: self.netting,
            factors: u8::try_from(self.factors).unwrap(),
            scenarios: u8::try_from(self.scenarios).unwrap(),
            tail: self.tail,
            lambdas: self.lambdas,
            multipliers: self.multipliers,
            floor: self.floor,
        }
    }

    /// With other terms.
    pub fn with(self, terms: Terms) -> Self {
        let Terms { netting, factors, scenarios, tail, lambdas, multipliers, floor } = terms;
        let (factors, scenarios) = (usize::from(factors), usize::from(scenarios));
        Self { netting, factors, scenarios, tail, lambdas, multipliers, floor, ..self }
    }

    /// As the crate keeps it.
    pub fn model(&self) -> Model {
        let (previous, (start, seconds)) = self.change.map_or((Terms::OFF, (0, 0)), |c| (c.before, c.window));
        Model {
            current: self.terms(),
            previous,
            change: Ramp::new(start, seconds).unwrap(),
            fallback: Ramp::new(self.valid_until, u64::from(self.grace)).unwrap(),
        }
    }
}

fn descending(mut all: [u32; 3]) -> [u32; 3] {
    all.sort_unstable_by(|a, b| b.cmp(a));
    all
}

/// A model, and the time of the check; often in the course of a change.
pub fn governed(draw: &Draw) -> (Governed, u64) {
    let s = &mut draw.of(MODEL);
    let mut rules = stated(s, draw.features);
    rules.valid_until = 1_700_000_000 + s.below(1 << 20);
    rules.grace = u32::try_from(s.between(SHORTEST, LONGEST)).unwrap();
    let expires = draw.features.has(Features::EXPIRY);
    let now = if expires { around(s, rules.valid_until, u64::from(rules.grace)) } else { 1_700_000_000 };
    if draw.features.has(Features::CHANGING) || draw.features.has(Features::CHANGE) && s.one_in(2) {
        rules = changed(&mut draw.of(BEFORE), rules, now);
    }
    (rules, now)
}

/// In a window around the time, with another model before or after.
fn changed(s: &mut Source, rules: Governed, now: u64) -> Governed {
    let features = Features::any(s);
    let (own, mut other) = (rules.terms(), stated(s, features).terms());
    if s.one_in(4) {
        // A model that is set anew with another floor, or with other coefficients alone.
        other = Terms { floor: if s.one_in(2) { own.floor } else { s.fraction() }, ..own };
    }
    let (before, after) = if s.one_in(2) { (own, other) } else { (other, own) };
    let change = Change { before, window: window(s, now) };
    Governed { change: Some(change), ..rules.with(after) }
}

/// What a model says, without the time that it is valid for.
fn stated(s: &mut Source, on: Features) -> Governed {
    let mut rules = Governed::plain();
    rules.netting = on.has(Features::NETTING);
    if rules.netting && on.has(Features::FACTORS) {
        rules.factors = usize::try_from(s.below(7)).unwrap();
    }
    if on.has(Features::SCENARIOS) {
        rules.scenarios = usize::try_from(s.below(9)).unwrap();
        if rules.scenarios > 0 {
            let all = u64::try_from(rules.scenarios).unwrap();
            rules.tail = u8::try_from(if s.one_in(3) { 1 + s.below(all) } else { 1 }).unwrap();
        }
    }
    // Usual lambdas are between two and four.
    rules.lambdas = match s.below(8) {
        _ if !rules.netting => [0; 3],
        0 => [TIMES_ONE; 3],
        1 => [16 << 16; 3],
        2..=5 => descending([0; 3].map(|_| s.between_u32(2 << 16, 4 << 16))),
        _ => descending([0; 3].map(|_| s.between_u32(1 << 16, 16 << 16))),
    };
    rules.multipliers = match s.below(8) {
        0 => [4 << 16; 3],
        1..=3 => [TIMES_ONE; 3],
        4 | 5 => descending([0; 3].map(|_| s.between_u32(1 << 15, 2 << 16))),
        _ => descending([0; 3].map(|_| s.between_u32(0, 4 << 16))),
    };
    rules.floor = match s.below(8) {
        0..=3 => Fraction::ZERO,
        4 => Fraction::MAX,
        _ => Fraction::new(s.between_u32(0, u32::MAX)),
    };
    rules
}

/// A time before, inside or after a window, or at its ends.
fn around(s: &mut Source, start: u64, seconds: u64) -> u64 {
    match s.below(8) {
        0 => start - s.between(0, 1 << 20),
        1 => start + s.below(2),
        2 => start + seconds - s.below(2).min(seconds),
        3 => start + seconds + s.between(0, 1 << 20),
        _ => start + s.between(0, seconds),
    }
}

/// A window that begins after, around or before a time: start and length.
pub fn window(s: &mut Source, now: u64) -> (u64, u64) {
    let seconds = s.between(0, LONGEST);
    let start = match s.below(8) {
        0 => now + s.between(0, 1 << 20),
        1 => now - seconds,
        2 => now - seconds.saturating_sub(1),
        3 => now - seconds - s.between(0, 1 << 20),
        _ => now - s.between(0, seconds),
    };
    (start, seconds)
}

/// Loadings, specific volatility and shocks, drawn from `of`; two assets of one stream move alike.
pub fn sensitivities(draw: &Draw, of: u64, rules: &Terms) -> Sensitivities {
    let s = &mut draw.of(of);
    let mut all = Sensitivities::NONE;
    let factors = usize::from(rules.factors);
    if rules.netting {
        let direction = match s.below(8) {
            0 => 0,
            1 if factors > 0 => 1 << s.below(6),
            _ => s.bits(),
        };
        let lambda = u64::from(rules.lambdas[0]);
        (all.loadings, all.specific) = volatilities(s, lambda, factors, direction);
        if !draw.features.has(Features::SPECIFIC) {
            all.specific = 0;
        }
    }
    let multiplier = u64::from(rules.multipliers[0]);
    // multiplier x fall <= 1.
    let deepest = (1u64 << 46).checked_div(multiplier).unwrap_or(u64::MAX).min(1 << 30);
    let deepest = i32::try_from(deepest).unwrap();
    for (k, shock) in (0..).zip(all.shocks.iter_mut()).take(usize::from(rules.scenarios)) {
        *shock = shocked(s, draw.of(SCENARIO + k).below(4), deepest);
    }
    all
}

/// Volatilities with `lambda^2 (sum of b^2 + s^2) <= 1`. The bits of `direction` say which factors have a loading.
fn volatilities(s: &mut Source, lambda: u64, factors: usize, direction: u64) -> ([i32; 6], u32) {
    // In square units of 2^-30: at most 2^60.
    let room = u64::try_from((1u128 << 92) / (u128::from(lambda) * u128::from(lambda))).unwrap();
    let mut loadings = [0i32; 6];
    for (f, loading) in loadings.iter_mut().enumerate().take(factors) {
        if direction >> f & 1 == 1 {
            let size = s.between_u32(0, ONE.unsigned_abs()).cast_signed();
            *loading = if s.one_in(3) { -size } else { size };
        }
    }
    // A part of the room for the factors, the rest for the asset alone: all, some or nothing of it.
    let part = match s.below(4) {
        0 => room,
        1 => s.between(0, room),
        _ => room / 2 + s.below(room / 2),
    };
    let square = |b: &i32| i64::from(*b).unsigned_abs().pow(2);
    let length = loadings.iter().map(square).sum::<u64>().isqrt() + 1;
    let length = i64::try_from(length).unwrap();
    let most = i64::try_from(part.isqrt()).unwrap();
    let loadings = loadings.map(|b| i32::try_from(i64::from(b) * most / length).unwrap());
    let left = (room - loadings.iter().map(square).sum::<u64>()).isqrt();
    let specific = match s.below(4) {
        0 => 0,
        1 => left,
        _ => s.between(0, left),
    };
    (loadings, u32::try_from(specific).unwrap())
}

/// One shock: as deep as allowed for all assets, a mild fall, a rise, or any.
fn shocked(s: &mut Source, kind: u64, deepest: i32) -> i32 {
    let part = |s: &mut Source, most: i32| s.between_u32(0, most.unsigned_abs()).cast_signed();
    match kind {
        0 => -deepest,
        1 => -part(s, deepest / 2),
        2 => part(s, i32::MAX),
        _ => match s.below(4) {
            0 => 0,
            1 => -deepest,
            2 => i32::MAX,
            _ => part(s, i32::MAX) - part(s, deepest),
        },
    }
}
