//! The parameters of correlation and stress (risk-model 3.2 and 3.3): what a market keeps, and what one check uses of it.

use crate::health::Level;
use crate::ramp::Ramp;
use crate::units::Fraction;

/// Factors of the portfolio requirement.
pub const MAX_FACTORS: usize = 6;
/// Joint scenarios of the stress requirement.
pub const MAX_SCENARIOS: usize = 8;
/// One, as a loading, a volatility or a shock: coefficients are in 2^-30 and mean dollars per dollar of exposure.
pub const ONE: i32 = 1 << 30;
/// One, as a lambda or a multiplier: 2^-16.
pub const TIMES_ONE: u32 = 1 << 16;
/// Largest lambda: 16.
pub const MAX_LAMBDA: u32 = 16 << 16;
/// Largest multiplier of the stress requirement: 4.
pub const MAX_STRESS_MULTIPLIER: u32 = 4 << 16;

/// The coefficients of one asset as they are stored: six loadings, the specific volatility, an unused word, eight shocks.
///
/// Loadings and shocks are stored with [`ONE`] added, so that a check reads them without extending a sign; the sum of
/// the exposures times one is taken off once per column, see [`crate::exposure::Exposures::project`].
pub type Columns = [u32; 16];

/// The columns of an asset under the model in force, and under the one that it replaced.
pub type Coefficients = [Columns; 2];

/// One of the two models of a market.
///
/// A word, because a `Result` of what contains it keeps its own tag in here, and is then copied by words, not by bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Version {
    #[default]
    Current,
    Previous,
}

impl Version {
    /// What belongs to this model, of two things in the order of [`Coefficients`].
    #[inline(always)]
    pub const fn of<T>(self, [current, previous]: &[T; 2]) -> &T {
        match self {
            Self::Current => current,
            Self::Previous => previous,
        }
    }
}

/// How one asset moves. All in 2^-30 of the exposure, over the horizon of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sensitivities {
    /// `b`, by factor: from -1 to 1.
    pub loadings: [i32; MAX_FACTORS],
    /// `s`: the volatility that no factor explains.
    pub specific: u32,
    /// Relative change of the price, by scenario: from -1 to just below 2.
    pub shocks: [i32; MAX_SCENARIOS],
}

impl Sensitivities {
    /// Nothing moves it.
    pub const NONE: Self = Self { loadings: [0; MAX_FACTORS], specific: 0, shocks: [0; MAX_SCENARIOS] };

    /// As stored. The coefficients are within the ranges given at the fields.
    pub fn columns(&self) -> Columns {
        let [b0, b1, b2, b3, b4, b5] = self.loadings.map(biased);
        let [k0, k1, k2, k3, k4, k5, k6, k7] = self.shocks.map(biased);
        [b0, b1, b2, b3, b4, b5, self.specific, 0, k0, k1, k2, k3, k4, k5, k6, k7]
    }

    /// From what [`Sensitivities::columns`] made.
    pub fn from_columns(columns: &Columns) -> Self {
        let [b0, b1, b2, b3, b4, b5, specific, _, k0, k1, k2, k3, k4, k5, k6, k7] = *columns;
        Self {
            loadings: [b0, b1, b2, b3, b4, b5].map(unbiased),
            specific,
            shocks: [k0, k1, k2, k3, k4, k5, k6, k7].map(unbiased),
        }
    }
}

/// The specific volatility among the columns of an asset.
#[inline(always)]
pub const fn specific(columns: &Columns) -> u32 {
    columns[MAX_FACTORS]
}

/// From -1 on: the sum is not negative.
const fn biased(coefficient: i32) -> u32 {
    coefficient.wrapping_add(ONE).cast_unsigned()
}

const fn unbiased(column: u32) -> i32 {
    column.cast_signed().wrapping_sub(ONE)
}

/// What a model says, beside the coefficients of the assets. Levels are in the order Init, Target, Maint; lambdas and
/// multipliers in 2^-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether the portfolio requirement replaces a part of the haircuts.
    pub netting: bool,
    /// Factors in use; they are the first ones.
    pub factors: u8,
    /// Scenarios in use; they are the first ones.
    pub scenarios: u8,
    /// The stress requirement is the mean of this many worst scenarios.
    pub tail: u8,
    /// Tail quantile, in standard deviations.
    pub lambdas: [u32; 3],
    /// What scales the stress requirement.
    pub multipliers: [u32; 3],
    /// Part of the haircut requirement, beside the cost of size, that netting cannot save. `MAX` is one. Without netting
    /// it means nothing: all of it counts.
    pub floor: Fraction,
}

impl Default for Terms {
    fn default() -> Self {
        Self::OFF
    }
}

impl Terms {
    /// Haircuts alone.
    pub const OFF: Self = Self {
        netting: false,
        factors: 0,
        scenarios: 0,
        tail: 0,
        lambdas: [0; 3],
        multipliers: [0; 3],
        floor: Fraction::MAX,
    };

    /// All that these terms ask of factors and scenarios at a level.
    #[inline(always)]
    fn measure(&self, version: Version, level: Level) -> Measure {
        Measure {
            version,
            netting: self.netting,
            factors: self.factors,
            scenarios: self.scenarios,
            tail: self.tail,
            lambda: level.of(self.lambdas),
            multiplier: level.of(self.multipliers),
            progress: Fraction::MAX,
        }
    }

    /// The floor as it counts.
    #[inline(always)]
    const fn effective_floor(&self) -> Fraction {
        if self.netting { self.floor } else { Fraction::MAX }
    }
}

/// The model of a market, and while it phases in the one that it replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub current: Terms,
    /// Means nothing once the change is over. Its floor is the one that was in force when the change began.
    pub previous: Terms,
    /// From nothing to all that `current` asks for.
    pub change: Ramp,
    /// From the end of the model's validity, for the length of its grace period: the way of the floor to one.
    pub fallback: Ramp,
}

/// What one check asks of factors and scenarios by one model, at one level and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Whose columns it reads.
    pub version: Version,
    pub netting: bool,
    pub factors: u8,
    pub scenarios: u8,
    pub tail: u8,
    pub lambda: u32,
    pub multiplier: u32,
    /// The part of both requirements that counts; `MAX` is one.
    pub progress: Fraction,
}

impl Measure {
    /// Nothing.
    pub const OFF: Self = Self {
        version: Version::Current,
        netting: false,
        factors: 0,
        scenarios: 0,
        tail: 0,
        lambda: 0,
        multiplier: 0,
        progress: Fraction::MAX,
    };

    /// Whether exposures matter, not only their haircuts.
    #[inline(always)]
    const fn modelled(&self) -> bool {
        self.netting || self.scenarios != 0
    }
}

/// What one check at one level and time uses of a [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `MAX` is one.
    pub floor: Fraction,
    /// In full, whatever its progress says.
    pub first: Measure,
    /// The model that phases in, as soon as there is something of it that counts. Only beside a `first` of the previous
    /// version.
    pub second: Option<Measure>,
}

impl Rules {
    /// The haircut requirement alone.
    pub const HAIRCUTS: Self = Self { floor: Fraction::MAX, first: Measure::OFF, second: None };

    /// Whether exposures matter, not only their haircuts.
    #[inline(always)]
    pub const fn modelled(&self) -> bool {
        self.first.modelled() || self.second.is_some()
    }
}

impl Model {
    /// The rules of a level at a time.
    ///
    /// A new model tightens nothing by a jump. At `Target` and `Maint` the one that it replaces stays in force as it was,
    /// and the new one counts beside it, the larger requirement of both, with a part that grows from nothing to one. Then
    /// the old one goes, which can only loosen. `Init` asks for both in full at once: that stops nobody but who takes on
    /// more risk, and keeps the levels in order.
    ///
    /// A model that nobody confirmed within its validity no longer saves anything against the haircuts: the floor is one,
    /// for `Init` at once, for the other levels along a ramp, so that nobody is liquidated by a jump. The portfolio
    /// requirement itself stays: dropping it would loosen the check of a vault that it binds, and put `Init` below `Maint`.
    #[inline(always)]
    pub fn rules(&self, level: Level, now: u64) -> Rules {
        let (floor, current) = (self.floor_at(level, now), self.current.measure(Version::Current, level));
        if self.change.over(now) {
            return Rules { floor, first: current, second: None };
        }
        let before = self.previous.effective_floor();
        let after = before.max(floor);
        let (floor, progress) = match level {
            Level::Init => (after, Fraction::MAX),
            Level::Target | Level::Maint => {
                (self.change.value_ceil(before, after, now), self.change.value_ceil(Fraction::ZERO, Fraction::MAX, now))
            }
        };
        // What counts for nothing is left out, so that nothing at all changes when the change begins.
        let counts = current.modelled() && !progress.is_zero();
        Rules {
            floor,
            first: self.previous.measure(Version::Previous, level),
            second: counts.then_some(Measure { progress, ..current }),
        }
    }

    fn floor_at(&self, level: Level, now: u64) -> Fraction {
        let (valid_until, _, _) = self.fallback.parts();
        if now <= valid_until || !self.current.netting {
            return self.current.effective_floor();
        }
        match level {
            Level::Init => Fraction::MAX,
            Level::Target | Level::Maint => self.fallback.value_ceil(self.current.floor, Fraction::MAX, now),
        }
    }
}
