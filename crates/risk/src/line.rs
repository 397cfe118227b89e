//! A vault along one liquidation: portfolio and stress requirement as functions of the value repaid.
//!
//! Repaying `x` of a debt and seizing `(1 + b) x` of a collateral moves every factor sum and every loss along a straight
//! line. So `P` is a convex function of `x` and `S` a piecewise linear one, both known from the sums at `x = 0`.
//! Figures are in the units of [`Exposures`]; everything is rounded so that a liquidation stops early rather than late.

use crate::exposure::{Exposures, PLACES, specific_square_ceil};
use crate::fixed::scale_floor;
use crate::model::{Coefficients, MAX_FACTORS, MAX_SCENARIOS, Measure, Sensitivities, Version};
use crate::scenario::{Losses, worst};
use crate::units::Fraction;

/// Slopes are kept in 2^-26: fine enough for a step, small enough for 64 bits.
const SLOPE_PLACES: u32 = 26;
/// What the slope of `P` may lack through that: one for each of seven products and for the quotient, for both sides, the
/// second times at most 1 + b.
const SLOPE_SLACK: i64 = 20;

/// One side of the pair: its exposure in units (negative for the debt) and how its asset moves.
#[derive(Clone, Copy, Debug)]
struct Mover {
    value: i64,
    sensitivities: Sensitivities,
    /// Change of the exposure per unit repaid, in 2^-32: one for the debt, `-(1 + b)` for the collateral.
    speed: i64,
}

impl Mover {
    fn new(value: i64, coefficients: &Coefficients, version: Version, speed: i64) -> Self {
        Self { value, sensitivities: Sensitivities::from_columns(version.of(coefficients)), speed }
    }

    /// A coefficient times the speed, in 2^-30.
    fn slope(&self, coefficient: i32) -> i64 {
        // 32 bits times less than 2^33, halved first: at most 63 bits.
        i64::from(coefficient).wrapping_mul(self.speed >> 3) >> 29
    }

    fn at(&self, x: i64) -> i64 {
        // x below 2^32, speed below 2^33 in size: x (speed / 4) below 2^63.
        self.value.wrapping_add(x.wrapping_mul(self.speed >> 2) >> 30)
    }

    /// `s^2 x exposure` in 2^-26.
    fn specific_pull(&self, x: i64) -> i64 {
        let specific = i64::from(self.sensitivities.specific);
        // 30 and 33 bits, then 33 and 26.
        let moved = specific.wrapping_mul(self.at(x)) >> PLACES;
        moved.wrapping_mul(specific >> (PLACES - SLOPE_PLACES))
    }
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    measure: Measure,
    shift: u32,
    factors: [i64; MAX_FACTORS],
    losses: [i64; MAX_SCENARIOS],
    /// Squares of the specific parts that the liquidation leaves alone.
    rest: u64,
    debt: Mover,
    collateral: Mover,
}

/// A requirement on the line, and how much of it goes away per unit repaid, in 2^-32.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Micro-dollars, rounded down.
    pub requirement: u64,
    /// Rounded up; negative when it grows.
    pub relief: i64,
}

/// `1 - dR/de` of both sides, in 2^-32: what one more dollar of each adds to the distance from the requirement.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    pub debt: i64,
    pub collateral: i64,
}

/// The weights in a requirement, and the requirement: of two models the larger one decides.
#[derive(Clone, Copy, Debug)]
pub struct Weighed {
    /// In 2^-16 of a unit, rounded down.
    pub requirement: u64,
    pub weights: Weights,
}

impl Line {
    /// The line of a pair in one model, given by its values in micro-dollars and its coefficients, without a bonus.
    pub fn new(
        exposures: &Exposures,
        measure: &Measure,
        (owed, debt): (u64, &Coefficients),
        (held, collateral): (u64, &Coefficients),
    ) -> Self {
        let shift = exposures.shift();
        let scaled = |value: i64| value.wrapping_shr(shift);
        let version = measure.version;
        let debt = Mover::new(scaled(owed.cast_signed().wrapping_neg()), debt, version, 1 << 32);
        let collateral = Mover::new(scaled(held.cast_signed()), collateral, version, (1i64 << 32).wrapping_neg());
        let (factors, sums) = exposures.project_all(measure);
        let losses = sums.map(i64::wrapping_neg);
        let mut line = Self { measure: *measure, shift, factors, losses, rest: 0, debt, collateral };
        if measure.netting {
            line.rest = exposures.specific(version).saturating_sub(line.own_squares(0));
        }
        line
    }

    /// The same at a bonus.
    pub fn at(mut self, bonus: Fraction) -> Self {
        let grown = (1i64 << 32).wrapping_add(i64::from(bonus.get()));
        self.collateral.speed = grown.wrapping_neg();
        self
    }

    fn own_squares(&self, x: i64) -> u64 {
        let square = |side: &Mover| specific_square_ceil(side.at(x), side.sensitivities.specific);
        square(&self.debt).wrapping_add(square(&self.collateral))
    }

    /// Units for micro-dollars, never beyond what one of the two exposures has.
    fn units(&self, value: u64) -> i64 {
        let most = self.debt.value.wrapping_neg().min(self.collateral.value).max(0);
        value.wrapping_shr(self.shift).cast_signed().min(most)
    }

    /// Factor sums in whole units after `x` units.
    fn factors_at(&self, x: i64) -> [i64; MAX_FACTORS] {
        let mut sums = self.factors;
        let parts = self.debt.sensitivities.loadings.iter().zip(&self.collateral.sensitivities.loadings);
        for (sum, (debt, collateral)) in sums.iter_mut().zip(parts) {
            let slope = self.debt.slope(*debt).wrapping_add(self.collateral.slope(*collateral));
            *sum = sum.wrapping_add(slope.wrapping_mul(x)) >> PLACES;
        }
        sums
    }

    /// Root of `Q` after `x` units, and the factor sums there.
    #[inline(always)]
    fn deviation(&self, x: i64) -> (i64, [i64; MAX_FACTORS]) {
        let factors = self.factors_at(x);
        let mut variance = self.rest.wrapping_add(self.own_squares(x));
        for sum in factors {
            variance = variance.wrapping_add(sum.unsigned_abs().wrapping_mul(sum.unsigned_abs()));
        }
        (variance.isqrt().cast_signed(), factors)
    }

    /// `lambda x d sqrt(Q) / de` of one side after `x` units, in 2^-42.
    fn pull(&self, side: &Mover, x: i64, root: i64, factors: &[i64; MAX_FACTORS], lambda: u32) -> i64 {
        let mut pull = side.specific_pull(x);
        for (sum, loading) in factors.iter().zip(side.sensitivities.loadings) {
            // 33 bits and 27.
            pull = pull.wrapping_add(sum.wrapping_mul(i64::from(loading) >> (PLACES - SLOPE_PLACES)));
        }
        // A quotient of at most about one in 2^-26, times lambda of at most 2^20.
        pull.checked_div(root).unwrap_or(0).wrapping_mul(i64::from(lambda))
    }

    /// `P` after a repayment.
    pub fn portfolio(&self, value: u64) -> Point {
        let x = self.units(value);
        let (root, factors) = self.deviation(x);
        let lambda = self.measure.lambda;
        let units = root.unsigned_abs().wrapping_mul(u64::from(lambda)) >> 16;
        let debt = self.pull(&self.debt, x, root, &factors, lambda);
        let collateral = self.pull(&self.collateral, x, root, &factors, lambda);
        // The pulls in 2^-42 are below 2^48, speeds below 2^33 in 2^-32.
        let growth = debt.wrapping_add((collateral >> 10).wrapping_mul(self.collateral.speed >> 8) >> 14);
        let slack = SLOPE_SLACK.wrapping_mul(i64::from(lambda));
        self.counted(Point {
            requirement: units.wrapping_shl(self.shift),
            relief: growth.wrapping_neg().wrapping_add(slack).wrapping_add(0x3ff) >> 10,
        })
    }

    /// `S` after a repayment.
    pub fn stress(&self, value: u64) -> Point {
        let x = self.units(value);
        let (losses, slopes) = self.losses_at(x);
        let Losses { sum, tail, counted, .. } = worst(losses, &self.measure);
        let divisor = i64::from(tail.max(1));
        let multiplier = i64::from(self.measure.multiplier);
        let slope = counted_sum(&slopes, counted);
        // 33 bits for each of 8 slopes in 2^-30, a multiplier below 2^19.
        let growth = slope.wrapping_mul(multiplier).checked_div(divisor).unwrap_or(0) >> 14;
        let units = sum.wrapping_mul(u64::from(self.measure.multiplier)).checked_div(divisor.unsigned_abs());
        self.counted(Point {
            requirement: (units.unwrap_or(0) >> 16).wrapping_shl(self.shift),
            relief: growth.wrapping_neg().wrapping_add(2),
        })
    }

    /// What counts of a requirement while the model phases in.
    fn counted(&self, whole: Point) -> Point {
        let progress = self.measure.progress;
        if progress == Fraction::MAX {
            return whole;
        }
        Point {
            requirement: scale_floor(whole.requirement, progress),
            relief: part_floor(whole.relief, progress).wrapping_add(1),
        }
    }

    /// Losses in whole units after `x` units, rounded down, and their slopes in 2^-30.
    #[inline(always)]
    fn losses_at(&self, x: i64) -> ([i64; MAX_SCENARIOS], [i64; MAX_SCENARIOS]) {
        let (mut losses, mut slopes) = (self.losses, [0; MAX_SCENARIOS]);
        let shocks = self.debt.sensitivities.shocks.iter().zip(&self.collateral.sensitivities.shocks);
        for ((loss, slope), (debt, collateral)) in losses.iter_mut().zip(&mut slopes).zip(shocks) {
            *slope = self.debt.slope(*debt).wrapping_add(self.collateral.slope(*collateral)).wrapping_neg();
            *loss = loss.wrapping_add(slope.wrapping_mul(x)) >> PLACES;
        }
        (losses, slopes)
    }

    /// The weights of the pair in `E - P` before anything is repaid, by a measure that differs from the own one in its level
    /// alone.
    pub fn portfolio_weights(&self, measure: &Measure) -> Weighed {
        let (root, factors) = self.deviation(0);
        let slope = |side| self.pull(side, 0, root, &factors, measure.lambda) >> 10;
        // 32 and 21 bits.
        let requirement = root.unsigned_abs().wrapping_mul(u64::from(measure.lambda));
        weighed(measure.progress, requirement, slope(&self.debt), slope(&self.collateral))
    }

    /// The weights of the pair in `E - S`, as [`Line::portfolio_weights`].
    pub fn stress_weights(&self, measure: &Measure) -> Weighed {
        let (losses, _) = self.losses_at(0);
        let losses = worst(losses, measure);
        let tail = losses.tail.max(1);
        let slope = |side: &Mover| {
            let shocks = counted_sum(&side.sensitivities.shocks.map(i64::from), losses.counted);
            let mean = shocks.wrapping_mul(i64::from(measure.multiplier)).checked_div(i64::from(tail));
            (mean.unwrap_or(0) >> 14).wrapping_neg()
        };
        let requirement = losses.multiplied(measure.multiplier).checked_div(u64::from(tail));
        weighed(measure.progress, requirement.unwrap_or(0), slope(&self.debt), slope(&self.collateral))
    }
}

/// What counts of a requirement and of its slopes while the model phases in.
fn weighed(progress: Fraction, requirement: u64, debt: i64, collateral: i64) -> Weighed {
    let one = 1i64 << 32;
    if progress == Fraction::MAX {
        let weights = Weights { debt: one.wrapping_sub(debt), collateral: one.wrapping_sub(collateral) };
        return Weighed { requirement, weights };
    }
    let weight = |slope| one.wrapping_sub(part_floor(slope, progress));
    let weights = Weights { debt: weight(debt), collateral: weight(collateral) };
    Weighed { requirement: scale_floor(requirement, progress), weights }
}

/// `floor(x * part)` of a number with a sign: its upper half has one, its lower half is added.
pub fn part_floor(x: i64, part: Fraction) -> i64 {
    // At most 2^31 in size times less than 2^32, and less than 2^32.
    let low = scale_floor((x & 0xffff_ffff).cast_unsigned(), part);
    (x >> 32).wrapping_mul(i64::from(part.get())).wrapping_add(low.cast_signed())
}

fn counted_sum(values: &[i64; MAX_SCENARIOS], counted: u8) -> i64 {
    let chosen = values.iter().enumerate().filter(|(at, _)| usize::from(counted) >> at & 1 == 1);
    chosen.fold(0, |sum, (_, value)| sum.wrapping_add(*value))
}
