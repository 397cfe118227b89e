//! The requirement of a whole vault, exactly as risk model 3 states it: haircuts, portfolio and stress together.
//!
//! Only quotients are bracketed (`V^2 / L`, a value inside of a ramp), and the caller says which end of the requirement
//! it needs. No root is taken: `E >= P` is decided as `E >= 0` and `E^2 >= P^2`, the mean of `m` losses as their sum
//! against `m E`.

use std::fmt;

use ballast_risk::haircut::Depth;
use ballast_risk::health::{Level, Side};
use ballast_risk::model::{Sensitivities, Terms};
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
    /// What this model replaces, as long as it does.
    pub change: Option<Change>,
}

/// What the model said that is being replaced, and the window (start, seconds) in which the new one phases in.
#[derive(Clone, Copy)]
pub struct Change {
    pub before: Terms,
    pub window: (u64, u64),
}

impl Change {
    fn ends(&self) -> (u64, u64) {
        (self.window.0, self.window.0 + self.window.1)
    }

    pub fn over(&self, now: u64) -> bool {
        now >= self.ends().1
    }

    /// The part of the new model that counts: nothing before the window, one from its end on.
    fn progress(&self, now: u64, end: End) -> Exact {
        ramp(&Exact::zero(), &Exact::one(), self.ends(), now, end)
    }
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
        let Self { netting, factors, scenarios, tail, lambdas, multipliers, floor, valid_until, grace, change } = self;
        write!(f, "netting {netting}, {factors} factors, {scenarios} scenarios, tail {tail}, lambdas {lambdas:?}, ")?;
        write!(f, "multipliers {multipliers:?}, floor {}, until {valid_until} and {grace} s", floor.get())?;
        let Some(Change { before, window: (start, seconds) }) = change else { return Ok(()) };
        write!(f, "\n  from {start} in {seconds} s, before {before:?}")
    }
}

impl Governed {
    /// The change that is not over.
    pub fn changing(&self, now: u64) -> Option<&Change> {
        self.change.as_ref().filter(|change| !change.over(now))
    }

    /// The floor at a time: of two models the larger one, for `Init` at once, for the others along the window.
    fn floor(&self, level: Level, now: u64, end: End) -> Exact {
        let own = self.own_floor(level, now, end);
        let Some(change) = self.changing(now) else { return own };
        let before = if change.before.netting { super::haircut(change.before.floor) } else { Exact::one() };
        let after = before.clone().at_least(own);
        if level == Level::Init { after } else { ramp(&before, &after, change.ends(), now, end) }
    }

    /// One where the market does not net. A model that nobody has confirmed in time nets no longer: at once for `Init`,
    /// over the grace period for the others.
    fn own_floor(&self, level: Level, now: u64, end: End) -> Exact {
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
    /// In the model in force, and in the one that it replaced.
    pub moves: [&'a Sensitivities; 2],
}

/// Binary places of a coefficient, and of a lambda or a multiplier.
const COEFFICIENT: u32 = 30;
const SCALE: u32 = 16;

/// A multiple of every number of losses that a mean is taken of.
pub const TAILS: u32 = 840;

/// What one model makes of the exposures.
struct Moved {
    terms: Terms,
    /// `Q`.
    square: BigInt,
    /// The mean of the worst losses times [`TAILS`].
    loss: BigInt,
}

impl Moved {
    /// `moves` of a part are those of this model.
    fn of<'a>(terms: Terms, exposures: &[BigInt], moves: impl Iterator<Item = &'a Sensitivities>) -> Self {
        let mut square = BigInt::zero();
        let mut factors: [BigInt; 6] = Default::default();
        let mut losses: [BigInt; 8] = Default::default();
        let scenarios = usize::from(terms.scenarios);
        for (exposure, moves) in exposures.iter().zip(moves) {
            let moved = |coefficient: &i32| (*coefficient != 0).then(|| exposure * *coefficient);
            if terms.netting {
                for (sum, loading) in factors.iter_mut().zip(&moves.loadings).take(usize::from(terms.factors)) {
                    moved(loading).into_iter().for_each(|moved| *sum += moved);
                }
                if moves.specific != 0 {
                    let alone = exposure * moves.specific;
                    square += &alone * &alone;
                }
            }
            for (sum, shock) in losses.iter_mut().zip(&moves.shocks).take(scenarios) {
                moved(shock).into_iter().for_each(|moved| *sum -= moved);
            }
        }
        for factor in &factors {
            square += factor * factor;
        }
        losses[..scenarios].sort_unstable_by(|a, b| b.cmp(a));
        let sum: BigInt = losses.iter().take(usize::from(terms.tail)).sum();
        Self { terms, square, loss: sum * (TAILS / u32::from(terms.tail.max(1))) }
    }
}

/// The sums over a vault that all levels share, as integers of one scale.
pub struct Sums<'a> {
    rules: &'a Governed,
    parts: Vec<Part<'a>>,
    places: u32,
    assets: BigInt,
    debts: BigInt,
    /// Of the model in force, and of the one that it replaced.
    models: Vec<Moved>,
}

impl<'a> Sums<'a> {
    pub fn of(rules: &'a Governed, parts: Vec<Part<'a>>) -> Self {
        let places = parts.iter().map(|part| part.value.places).max().unwrap_or(0);
        let (mut assets, mut debts, mut exposures) = (BigInt::zero(), BigInt::zero(), Vec::new());
        for part in &parts {
            let value = part.value.aligned(places);
            match part.side {
                Side::Deposit => {
                    assets += &value;
                    exposures.push(value);
                }
                Side::Debt => {
                    debts += &value;
                    exposures.push(-value);
                }
            }
        }
        let before = rules.change.map(|change| change.before);
        let models = [Some(rules.terms()), before].into_iter().flatten().enumerate();
        let models = models.map(|(at, terms)| Moved::of(terms, &exposures, parts.iter().map(|part| part.moves[at])));
        Self { rules, places, assets, debts, models: models.collect(), parts }
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
            // Where all of the rest counts, its parts do not matter.
            if floor != Exact::one() && part.depth != Depth::OFF {
                sizes = sizes + required(&Exact::zero());
            }
        }
        let (mut square, mut stress) = (Exact::zero(), Exact::zero());
        for (part, moved) in self.counted(level, now, end).iter().zip(&self.models) {
            let (portfolio, loss) = self.modelled(level, moved);
            square = square.at_least(portfolio * (part * part));
            stress = stress.at_least(loss * part);
        }
        Needs {
            equity: Exact::new(&self.assets - &self.debts, self.places),
            gross: Exact::new(&self.assets + &self.debts, self.places),
            floored: &sizes + (&haircuts - &sizes) * &floor,
            haircuts,
            square,
            stress,
        }
    }

    /// What counts of the requirements of each model: until the new one is there, the old one in full, and for `Init` both.
    fn counted(&self, level: Level, now: u64, end: End) -> [Exact; 2] {
        match self.rules.changing(now) {
            None => [Exact::one(), Exact::zero()],
            Some(_) if level == Level::Init => [Exact::one(), Exact::one()],
            Some(change) => [change.progress(now, end), Exact::one()],
        }
    }

    /// All of `P^2` and of `S` times [`TAILS`] in one model.
    fn modelled(&self, level: Level, Moved { terms, square, loss }: &Moved) -> (Exact, Exact) {
        let (lambda, multiplier) = (of_level(&terms.lambdas, level), of_level(&terms.multipliers, level));
        let places = self.places + COEFFICIENT + SCALE;
        (Exact::new(square * lambda * lambda, 2 * places), Exact::new(loss * multiplier, places))
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
    /// `S` times [`TAILS`].
    pub stress: Exact,
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
        left * &Exact::int(TAILS) >= self.stress
    }
}
