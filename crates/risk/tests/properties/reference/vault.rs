//! Whole vaults: generated, as the crate sees them, and as exact arithmetic does.

use std::fmt;

use ballast_risk::haircut::Depth;
use ballast_risk::health::{Health, Level, Position, Prices, Quote, Side, assess};
use ballast_risk::model::{Coefficients, Model, Sensitivities, Terms};
use ballast_risk::params::Levels;
use ballast_risk::price::{Price, Unit};
use ballast_risk::ramp::Ramp;
use ballast_risk::variance::multiplied_ceil;
use ballast_risk::{Error, Fraction, Index, Rate, Shares};

use super::model::{Governed, Needs, Part, Sums, of_level, ramp};
use super::*;

/// A multiplier of one, in 2^-16.
pub const ONE: u32 = 1 << 16;

/// One position with everything that its value and its requirement are made of.
#[derive(Clone, Copy)]
pub struct Held {
    pub side: Side,
    pub shares: u64,
    pub index: Index,
    pub price: Price,
    /// The price at `Init`: lower for a deposit, higher for a debt.
    pub careful: Price,
    pub rate: Rate,
    pub elapsed: u64,
    pub usable: bool,
    /// Haircuts of a deposit, add-ons of a debt: before and after the window of a change (start, seconds).
    pub from: Levels,
    pub to: Levels,
    pub window: (u64, u64),
    /// Volatility multiplier, in 2^-16.
    pub volatility: u32,
    pub depth: Depth,
    pub moves: Sensitivities,
    /// In the model that is being replaced.
    pub before: Sensitivities,
    pub columns: Coefficients,
}

/// Of an asset that no other model has known.
pub fn coefficients(moves: &Sensitivities) -> Coefficients {
    [*moves, Sensitivities::NONE].map(|moves| moves.columns())
}

pub fn margin(levels: &Levels, level: Level) -> Fraction {
    match level {
        Level::Init => levels.init,
        Level::Target => levels.target,
        Level::Maint => levels.maint,
    }
}

impl Held {
    /// Nothing of an asset at the price one half micro-dollar, without margins.
    pub fn plain() -> Self {
        let price = Price::from_parts(1 << 63, 64).unwrap();
        Self {
            side: Side::Deposit,
            shares: 0,
            index: Index::ONE,
            price,
            careful: price,
            rate: Rate::ZERO,
            elapsed: 0,
            usable: true,
            from: Levels::default(),
            to: Levels::default(),
            window: (0, 0),
            volatility: ONE,
            depth: Depth::OFF,
            moves: Sensitivities::NONE,
            before: Sensitivities::NONE,
            columns: coefficients(&Sensitivities::NONE),
        }
    }

    pub fn price_at(&self, prices: Prices) -> Price {
        if prices == Prices::Spot { self.price } else { self.careful }
    }

    pub fn unit(&self, prices: Prices) -> Unit {
        match self.side {
            Side::Deposit => self.price_at(prices).unit_floor(self.index),
            Side::Debt => self.price_at(prices).unit_ceil(self.index),
        }
    }

    /// As the program makes it from what it stores.
    pub fn haircut(&self, level: Level, now: u64) -> Fraction {
        let ramp = Ramp::new(self.window.0, self.window.1).unwrap();
        let part = ramp.value_ceil(margin(&self.from, level), margin(&self.to, level), now);
        if level == Level::Init { multiplied_ceil(part, self.volatility) } else { part }
    }

    pub fn position<const N: usize>(&self, levels: [Level; N], prices: Prices, now: u64) -> Position<'_, N> {
        let quote = Quote {
            unit: self.unit(prices),
            rate: self.rate,
            elapsed: self.elapsed,
            usable: self.usable,
            haircuts: levels.map(|level| self.haircut(level, now)),
            depth: self.depth,
            columns: &self.columns,
        };
        Position { side: self.side, shares: Shares::new(self.shares), quote }
    }

    pub fn fits(&self, prices: Prices) -> bool {
        self.position([], prices, 0).value().is_ok()
    }

    pub fn value(&self, prices: Prices) -> Exact {
        let price = self.price_at(prices);
        let mut n = BigInt::from(u128::from(self.shares) * u128::from(self.index.get()));
        n *= price.mantissa();
        let mut places = 52 + u32::from(price.shift());
        if self.elapsed != 0 && !self.rate.is_zero() {
            // 1 + rate x elapsed.
            n *= (1u64 << 52) + u64::from(self.rate.get()) * self.elapsed;
            places += 52;
        }
        Exact::new(n, places)
    }

    /// What the position adds to `E - R` where only haircuts are required, one end of the bracket around the number.
    pub fn counts(&self, level: Level, prices: Prices, now: u64, end: End) -> Exact {
        let other = if end == End::Low { End::High } else { End::Low };
        let (value, part) = (self.value(prices), self.margin(level, now, other));
        match self.side {
            Side::Deposit => &value - hair_at(&value, &part, self.depth, other),
            Side::Debt => -(&value + addon_at(&value, &part, self.depth, other)),
        }
    }

    /// The haircut or add-on: the ramp, times the volatility multiplier for `Init`, at most one. As a haircut, `MAX` is
    /// one; an add-on ends at `MAX` itself.
    pub fn margin(&self, level: Level, now: u64, end: End) -> Exact {
        let whole = |part| if self.side == Side::Deposit { super::haircut(part) } else { fraction(part) };
        let (from, to) = (margin(&self.from, level), margin(&self.to, level));
        let (start, seconds) = self.window;
        let part = ramp(&whole(from), &whole(to), (start, start + seconds), now, end);
        if level == Level::Init && self.volatility != ONE {
            (part * Exact::new(self.volatility, 16)).at_most(whole(Fraction::MAX))
        } else {
            part
        }
    }

    /// What the haircut may be too high by, in 2^-32: three for a ramp, and one more for an add-on, whose `MAX` a ramp
    /// takes for one; times the multiplier, and one for that.
    fn ticks(&self, level: Level, now: u64) -> u64 {
        let ramp = if now < self.window.0 + self.window.1 { 4 } else { 0 };
        if level != Level::Init || self.volatility == ONE {
            return ramp;
        }
        ramp * u64::from(self.volatility.div_ceil(ONE)) + 1
    }
}

/// `E - R` as the crate has it; `None` when the requirement is saturated.
pub fn net(health: &Health) -> Option<i128> {
    let requirement = health.requirement().get();
    if requirement == u64::MAX {
        return None;
    }
    Some(i128::from(health.assets.get()) - i128::from(health.debts.get()) - i128::from(requirement))
}

pub fn levels() -> impl Strategy<Value = Levels> {
    prop::array::uniform3(fractions()).prop_map(|mut part| {
        part.sort();
        Levels { maint: part[0], target: part[1], init: part[2] }
    })
}

/// One line, without what is as in [`Held::plain`]; the derived one fills pages.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:?} {} x {:?} at 2^-{}", self.side, self.shares, self.price.mantissa(), self.price.shift())?;
        if self.careful != self.price {
            write!(f, ", careful {} at 2^-{}", self.careful.mantissa(), self.careful.shift())?;
        }
        if self.index != Index::ONE || self.elapsed != 0 {
            write!(f, ", index {}, rate {} for {} s", self.index.get(), self.rate.get(), self.elapsed)?;
        }
        let parts = |l: &Levels| [l.init, l.target, l.maint].map(Fraction::get);
        write!(f, ", margins {:?}", parts(&self.from))?;
        if self.window != (0, 0) {
            write!(f, " to {:?} from {} in {} s", parts(&self.to), self.window.0, self.window.1)?;
        }
        if self.volatility != ONE {
            write!(f, ", volatility {}", self.volatility)?;
        }
        if self.depth != Depth::OFF {
            write!(f, ", depth {}", self.depth.parts().0)?;
        }
        for (word, moves) in [("moves", self.moves), ("before", self.before)] {
            if moves != Sensitivities::NONE {
                let Sensitivities { loadings, specific, shocks } = moves;
                write!(f, ", {word} {loadings:?} {specific} {shocks:?}")?;
            }
        }
        Ok(())
    }
}

/// A vault in its market, at a time.
#[derive(Clone)]
pub struct Vault {
    pub rules: Governed,
    pub model: Model,
    pub now: u64,
    pub held: Vec<Held>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "at {}: {:?}", self.now, self.rules)?;
        self.held.iter().try_for_each(|held| write!(f, "\n  {held:?}"))
    }
}

impl Vault {
    pub fn at<const N: usize>(&self, levels: [Level; N], prices: Prices) -> Result<[Health; N], Error> {
        let rules = levels.map(|level| self.model.rules(level, self.now));
        let positions = self.held.iter().map(|held| Ok(held.position(levels, prices, self.now)));
        assess(&rules, prices, positions, &mut None)
    }

    /// At the prices of the level.
    pub fn check(&self, level: Level) -> Result<Health, Error> {
        self.at([level], level.prices()).map(|[health]| health)
    }

    pub fn passes(&self, level: Level) -> bool {
        self.check(level).is_ok_and(|health| health.passes())
    }

    /// The exact sums at some prices.
    pub fn sums(&self, prices: Prices) -> Sums<'_> {
        let parts = self.held.iter().map(|held| Part {
            side: held.side,
            value: held.value(prices),
            depth: held.depth,
            moves: [&held.moves, &held.before],
        });
        Sums::of(&self.rules, parts.collect())
    }

    /// The exact requirement and what there is for it.
    pub fn needs_of(&self, sums: &Sums, level: Level, end: End) -> Needs {
        sums.needs(level, self.now, end, |at| self.held[at].margin(level, self.now, end))
    }

    pub fn needs(&self, level: Level, end: End) -> Needs {
        self.needs_of(&self.sums(level.prices()), level, end)
    }

    /// Without the positions that are refused for their size or have no price, as far as the crate can tell.
    pub fn fitting(mut self) -> Self {
        self.held.retain(|held| held.fits(Prices::Spot) && held.fits(Prices::Conservative));
        self
    }

    /// How far `E - R` may be computed too low for a vault that passes exactly, G its gross value and n its positions.
    ///
    /// **Values.** By tests/shares.rs a deposit A is valued up to 2.75 x 2^-30 of it and a micro-dollar too low, a debt D
    /// 2.76 x 2^-30 and a micro-dollar too high. Call the sum of these `V = 2.76 x 2^-30 G + n`.
    ///
    /// **Haircuts.** By tests/haircut.rs the haircut is 2^-30 A + 3 too high, the add-on 3 x 2^-32 D + 1 and a 2^-31st part of
    /// D^2 / L; what counts of a deposit grows with slope 1 at most, what a debt takes with 2 + 2 D / L. With the parameter
    /// itself t ticks of 2^-32 too high:
    ///     A: 3.75 x 2^-30, D: 6.3 x 2^-30, D^2 / L: 6.1 x 2^-30, t x 2^-32 of both, 5 a position,
    /// and 2 D / L micro-dollars: below 1, or below 2^-31 D^2 / L. A vault that passes has D^2 / L below its deposits:
    /// all is below `(10.5 + t / 4) x 2^-30 G + 5 n`. The cost of size alone is rounded no worse, and what counts lies between
    /// it and the whole. The floor rounds up by 1; inside of its ramp it is up to 3 x 2^-32 of the rest too high, and the rest,
    /// the linear part, is below G.
    ///
    /// **Factors and scenarios.** A unit is `u = 1` or at most `2^-30` of the values as computed. Exposures, and E, are too low
    /// by `V + n u` together. P is too high by as much again at most, as no unit of exposure moves it by more than itself; S
    /// by as much times `2 multiplier`, the most that it falls with an exposure that rises. Rounding up each of F + n terms
    /// adds less than `lambda sqrt(F + n)` units to P, rounding up its square less than one (P is a unit or more where it
    /// matters); S gets less than a unit times its multiplier.
    ///
    /// **A change of the model.** The larger of two requirements is off by no more than one of them. Of the new model a part
    /// counts, up to 3 x 2^-32 too high (tests/ramp.rs). All of P is at most G, all of S at most `2 multiplier G`. Squaring
    /// that part rounds up twice, so the square is three too high instead of one, and P less than a unit more; S, in
    /// 2^-16, by one. The floor goes along the same window, up to 3 x 2^-32 too high once more.
    pub fn slack(&self, level: Level, needs: &Needs) -> Exact {
        let n = u64::try_from(self.held.len()).unwrap();
        let ticks = self.held.iter().map(|held| held.ticks(level, self.now)).max().unwrap_or(0);
        let gross = &needs.gross;
        let mut haircuts = gross * &Exact::new(42 + ticks, 32) + Exact::int(5 * n + 1);
        let three_ticks = gross * &Exact::new(3, 32);
        let over = self.rules.valid_until + u64::from(self.rules.grace);
        if self.rules.netting && level != Level::Init && (self.rules.valid_until..over).contains(&self.now) {
            haircuts = haircuts + &three_ticks;
        }
        if !self.model.rules(level, self.now).modelled() {
            return haircuts;
        }
        let Some(change) = self.rules.changing(self.now) else {
            return haircuts.at_least(self.modelled_slack(level, gross, &self.rules.terms()));
        };
        let mut phased = self.modelled_slack(level, gross, &self.rules.terms());
        if level != Level::Init {
            let times = Exact::new(2 * u64::from(of_level(&self.rules.multipliers, level)), 16);
            phased = phased + &three_ticks * &times.at_least(Exact::one()) + unit(gross);
            haircuts = haircuts + three_ticks;
        }
        haircuts.at_least(phased).at_least(self.modelled_slack(level, gross, &change.before))
    }

    /// The part of [`Vault::slack`] that is of factors and scenarios, for a model that counts in full.
    fn modelled_slack(&self, level: Level, gross: &Exact, terms: &Terms) -> Exact {
        let n = u128::try_from(self.held.len()).unwrap();
        let rounded = if terms.netting { u128::from(terms.factors) + n } else { 0 };
        let scale = |all| u128::from(of_level(all, level));
        let (lambda, multiplier) = (scale(&terms.lambdas), scale(&terms.multipliers));
        let unit = unit(gross);
        let exposures = gross * &Exact::new(354, 37) + Exact::int(n) + Exact::int(n) * &unit;
        let roots = Exact::new((lambda * lambda * rounded).isqrt() + 1, 16) + Exact::one();
        let portfolio = &exposures * &Exact::int(2) + roots * &unit;
        let scale = Exact::new(multiplier, 16);
        let stress = exposures * (Exact::one() + &scale * &Exact::int(2)) + scale * unit;
        portfolio.at_least(stress)
    }
}

/// No smaller than a unit of the exposures of a vault of this gross value.
fn unit(gross: &Exact) -> Exact {
    gross * &Exact::new(1025, 40) + Exact::one()
}
