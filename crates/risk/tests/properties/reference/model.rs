//! The requirement of a whole vault, exactly as risk model 3 states it: haircuts, portfolio and stress together.
//!
//! Only quotients are bracketed (`V^2 / L`, a value inside of a ramp), and the caller says which end of the requirement
//! it needs. No root is taken: `E >= P` is decided as `E >= 0` and `E^2 >= P^2`, the mean of `m` losses as their sum
//! against `m E`.

use std::fmt;

use ballast_risk::haircut::Depth;
use ballast_risk::health::{Level, Side};
use num_bigint::BigInt;
use num_traits::Zero;

use super::*;

/// Binary places of a value inside of a ramp.
const RAMP_PLACES: u32 = 96;

/// `from + (to - from) x (now - start) / (end - start)`; `to` from the end on.
pub fn ramp(from: &Exact, to: &Exact, (start, end): (u64, u64), now: u64, side: End) -> Exact {
    if now >= end {
        return to.clone();
    }
    if now <= start {
        return from.clone();
    }
    // Both parts are positive, so both are rounded the same way.
    let (done, left, whole) = (now - start, end - now, end - start);
    let mixed = from * &Exact::int(left) + to * &Exact::int(done);
    mixed.over_at(whole, RAMP_PLACES, side)
}

/// What governance sets for a market, numbers as they are stored: lambdas and multipliers in 2^-16.
#[derive(Clone)]
pub struct Governed {
    pub netting: bool,
    pub factors: usize,
    pub scenarios: usize,
    /// The mean of so many of the worst losses counts.
    pub tail: u8,
    /// `Init`, `Target`, `Maint`.
    pub lambdas: [u32; 3],
    pub multipliers: [u32; 3],
    pub floor: Fraction,
    pub valid_until: u64,
    pub grace: u32,
}

pub fn of_level<T: Copy>(all: &[T; 3], level: Level) -> T {
    match level {
        Level::Init => all[0],
        Level::Target => all[1],
        Level::Maint => all[2],
    }
}

impl fmt::Debug for Governed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { netting, factors, scenarios, tail, lambdas, multipliers, floor, valid_until, grace } = self;
        write!(f, "netting {netting}, {factors} factors, {scenarios} scenarios, tail {tail}, lambdas {lambdas:?}, ")?;
        write!(f, "multipliers {multipliers:?}, floor {}, until {valid_until} and {grace} s", floor.get())
    }
}

impl Governed {
    /// The floor at a time, one where the market does not net. A model that nobody has confirmed in time nets no longer:
    /// at once for `Init`, over the grace period for the others.
    fn floor(&self, level: Level, now: u64, end: End) -> Exact {
        if !self.netting {
            return Exact::one();
        }
        let floor = super::haircut(self.floor);
        match level {
            _ if now <= self.valid_until => floor,
            Level::Init => Exact::one(),
            _ => {
                let over = self.valid_until.saturating_add(u64::from(self.grace));
                ramp(&floor, &Exact::one(), (self.valid_until, over), now, end)
            }
        }
    }
}

/// One position: its value, and what its asset does in the model, in 2^-30 for each unit of exposure.
pub struct Part<'a> {
    pub side: Side,
    pub value: Exact,
    pub depth: Depth,
    pub loadings: &'a [i32; 6],
    pub specific: u32,
    pub shocks: &'a [i32; 8],
}

/// Binary places of a coefficient, and of a lambda or a multiplier.
const COEFFICIENT: u32 = 30;
const SCALE: u32 = 16;

/// The sums over a vault that all levels share, as integers of one scale.
pub struct Sums<'a> {
    rules: &'a Governed,
    parts: Vec<Part<'a>>,
    places: u32,
    assets: BigInt,
    debts: BigInt,
    /// `Q`.
    square: BigInt,
    /// The worst losses added up.
    loss: BigInt,
}

impl<'a> Sums<'a> {
    pub fn of(rules: &'a Governed, parts: Vec<Part<'a>>) -> Self {
        let places = parts.iter().map(|part| part.value.places).max().unwrap_or(0);
        let (mut assets, mut debts, mut square) = (BigInt::zero(), BigInt::zero(), BigInt::zero());
        let mut factors: [BigInt; 6] = Default::default();
        let mut losses: [BigInt; 8] = Default::default();
        for part in &parts {
            let mut exposure = part.value.aligned(places);
            match part.side {
                Side::Deposit => assets += &exposure,
                Side::Debt => {
                    debts += &exposure;
                    exposure = -exposure;
                }
            }
            let moved = |coefficient: &i32| (*coefficient != 0).then(|| &exposure * *coefficient);
            if rules.netting {
                for (sum, loading) in factors.iter_mut().zip(part.loadings).take(rules.factors) {
                    moved(loading).into_iter().for_each(|moved| *sum += moved);
                }
                if part.specific != 0 {
                    let alone = &exposure * part.specific;
                    square += &alone * &alone;
                }
            }
            for (sum, shock) in losses.iter_mut().zip(part.shocks).take(rules.scenarios) {
                moved(shock).into_iter().for_each(|moved| *sum -= moved);
            }
        }
        for factor in &factors {
            square += factor * factor;
        }
        losses[..rules.scenarios].sort_unstable_by(|a, b| b.cmp(a));
        let loss = losses.iter().take(usize::from(rules.tail)).sum();
        Self { rules, parts, places, assets, debts, square, loss }
    }

    /// The requirement of a level at a time, one end of it. `margin` is the haircut or add-on of a position at the level, ramp
    /// and volatility multiplier included.
    pub fn needs(&self, level: Level, now: u64, end: End, margin: impl Fn(usize) -> Exact) -> Needs {
        let (mut haircuts, mut sizes) = (Exact::zero(), Exact::zero());
        let floor = self.rules.floor(level, now, end);
        for (at, part) in self.parts.iter().enumerate() {
            let required = |margin: &Exact| match part.side {
                Side::Deposit => hair_at(&part.value, margin, part.depth, end),
                Side::Debt => addon_at(&part.value, margin, part.depth, end),
            };
            haircuts = haircuts + required(&margin(at));
            if self.rules.netting && part.depth != Depth::OFF {
                sizes = sizes + required(&Exact::zero());
            }
        }
        let (rules, places) = (self.rules, self.places);
        let (lambda, multiplier) = (of_level(&rules.lambdas, level), of_level(&rules.multipliers, level));
        Needs {
            equity: Exact::new(&self.assets - &self.debts, places),
            gross: Exact::new(&self.assets + &self.debts, places),
            floored: &sizes + (&haircuts - &sizes) * &floor,
            haircuts,
            square: Exact::new(&self.square * lambda * lambda, 2 * (places + COEFFICIENT + SCALE)),
            stress: Exact::new(&self.loss * multiplier, places + COEFFICIENT + SCALE).at_least(Exact::zero()),
            tail: rules.tail,
        }
    }
}

/// What a vault has and what it needs, one end of the bracket.
#[derive(Clone, Debug)]
pub struct Needs {
    pub equity: Exact,
    pub gross: Exact,
    /// `H`.
    pub haircuts: Exact,
    /// The cost of size and the floor of the rest of `H`; `H` where nothing nets.
    pub floored: Exact,
    /// `P^2`; zero where nothing nets.
    pub square: Exact,
    /// `m x S`.
    pub stress: Exact,
    pub tail: u8,
}

impl Needs {
    /// `E - spare >= R`.
    pub fn met_with(&self, spare: &Exact) -> bool {
        self.requires_at_most(&(&self.equity - spare))
    }

    /// `E >= R`.
    pub fn met(&self) -> bool {
        self.met_with(&Exact::zero())
    }

    /// `R <= most`.
    pub fn requires_at_most(&self, most: &Exact) -> bool {
        !most.negative() && *most >= self.floored && most * most >= self.square && self.covers_stress(most)
    }

    fn covers_stress(&self, left: &Exact) -> bool {
        left * &Exact::int(self.tail) >= self.stress
    }
}
