//! How deep a liquidation goes: the value to repay so that the vault comes up to its target (risk-model 5).
//!
//! Let `x` be the value repaid. It lowers the debt by `x`, the collateral by `(1 + b) x`, and the distance to the target,
//! `R_target - E`, by what it relieves each requirement of. Every requirement is convex in `x` and so is their maximum, so
//! Newton's steps from 0 approach the root from below: a liquidation never goes past the target. Where the pair cannot
//! reach the target the distance has a minimum; a step beyond it is seen, because the distance did not fall, and shortened.

use crate::exposure::Exposures;
use crate::fixed::{mul_shift_ceil, ratio_floor, scale_floor, shift_div_ceil, shift_div_floor};
use crate::haircut::{collateral_floor, debt_addon_ceil, marginal_addon_ceil, marginal_haircut_ceil, size_cost_ceil};
use crate::health::{Binding, Side, floored_ceil};
use crate::line::{Line, Point, Weights};
use crate::liquidation::{Leg, Request};
use crate::model::Measure;
use crate::units::{Fraction, Usd};

const ONE: u64 = 1 << 32;
/// Steps of Newton's method. Each leaves a quarter of the distance at most (the distance is a parabola below the cap of
/// the haircut, and a double root its worst case), usually it squares the relative error.
const STEPS: u32 = 3;
/// Steps with netting or stress, some of them spent on shortening.
const MODELLED_STEPS: u32 = 6;

/// A liquidation of one pair at one bonus.
pub struct Sizing<'r> {
    debt: &'r Leg<'r>,
    collateral: &'r Leg<'r>,
    bonus: Fraction,
    /// Part of the haircut requirement that counts, see [`floored_ceil`].
    floor: Fraction,
    /// What counts of it before anything is repaid.
    required: u64,
    equity: i64,
    /// None where nothing but haircuts is required.
    line: Option<Line>,
    /// Of the model that phases in.
    second: Option<Line>,
}

/// How far the vault is from its target.
#[derive(Clone, Copy, Debug)]
struct Distance {
    /// Micro-dollars, rounded down.
    missing: u64,
    /// How fast it falls per dollar repaid, in 2^-32, rounded up; 0 when it does not.
    relief: u64,
}

/// The most bonus that does not make a liquidation of the pair harmful.
///
/// Where haircuts alone count: `b <= (h + g) / (1 - h)` with the linear parts alone, so that every step of a liquidation
/// heals. With netting or stress the requirement that decides gives weights `w = 1 - dR/de` to both sides; the distance to it
/// falls as long as `1 + b < w_debt / w_collateral`. Half of that, so that a liquidation always gets somewhere.
///
/// An insolvent vault cannot be brought to any target; there the haircuts alone limit the bonus.
pub fn bonus_limit(request: &Request) -> Fraction {
    let (debt, collateral) = (&request.debt, &request.collateral);
    let Some((rules, exposures)) = request.model.filter(|_| request.target.equity() > 0) else {
        let (haircut, addon) = (u64::from(collateral.haircut.get()), u64::from(debt.haircut.get()));
        return ratio_floor(haircut.wrapping_add(addon), ONE.saturating_sub(haircut));
    };
    let binding = request.target.binding();
    if binding == Binding::Haircuts {
        return half_gain(&haircut_weights(debt, collateral, rules.floor));
    }
    let weights = |measure| {
        let line = line(request, measure, exposures, Fraction::ZERO);
        if binding == Binding::Portfolio { line.portfolio_weights() } else { line.stress_weights() }
    };
    let first = weights(&rules.first);
    match rules.second.as_ref().map(weights) {
        Some(second) if second.requirement > first.requirement => half_gain(&second.weights),
        _ => half_gain(&first.weights),
    }
}

fn line(request: &Request, measure: &Measure, exposures: &Exposures, bonus: Fraction) -> Line {
    let (debt, collateral) = (&request.debt, &request.collateral);
    let (owed, held) = (debt.value.get(), collateral.value.get());
    Line::new(exposures, measure, (owed, debt.columns), (held, collateral.columns), bonus)
}

/// The weights of the pair in `E` less what counts of `H`.
fn haircut_weights(debt: &Leg, collateral: &Leg, floor: Fraction) -> Weights {
    let one = ONE.cast_signed();
    let part = |rate: u64| rate.min(u64::MAX >> 16).cast_signed();
    Weights {
        debt: one.wrapping_add(part(addon_rate_ceil(debt, debt.value.get(), floor))),
        collateral: one.wrapping_sub(part(haircut_rate_ceil(collateral, collateral.value.get(), floor))),
    }
}

/// What counts of the marginal haircut of a collateral of this value, in 2^-32.
fn haircut_rate_ceil(leg: &Leg, value: u64, floor: Fraction) -> u64 {
    let rate = |haircut| marginal_haircut_ceil(value, haircut, leg.depth);
    floored_ceil(rate(leg.haircut), if floor == Fraction::MAX { 0 } else { rate(Fraction::ZERO) }, floor)
}

/// The same for the add-on of a debt.
fn addon_rate_ceil(leg: &Leg, value: u64, floor: Fraction) -> u64 {
    let rate = |addon| marginal_addon_ceil(value, addon, leg.depth);
    floored_ceil(rate(leg.haircut), if floor == Fraction::MAX { 0 } else { rate(Fraction::ZERO) }, floor)
}

/// `(w_debt / w_collateral - 1) / 2`, at least zero.
fn half_gain(weights: &Weights) -> Fraction {
    let gain = u64::try_from(weights.debt.saturating_sub(weights.collateral)).unwrap_or(0);
    let own = u64::try_from(weights.collateral).unwrap_or(0);
    // Weights are below 2^34, see `line`; an add-on far beyond its depth only makes the gain larger.
    ratio_floor(gain, own.wrapping_mul(2))
}

impl<'r> Sizing<'r> {
    pub fn new(request: &'r Request<'r>, bonus: Fraction) -> Self {
        let (debt, collateral) = (&request.debt, &request.collateral);
        let model = request.model.filter(|_| request.target.equity() > 0);
        Self {
            debt,
            collateral,
            bonus,
            floor: model.map_or(Fraction::MAX, |(rules, _)| rules.floor),
            required: if model.is_some() { request.target.floor } else { request.target.haircuts }.get(),
            equity: request.target.equity(),
            line: model.map(|(rules, exposures)| line(request, &rules.first, exposures, bonus)),
            second: model.and_then(|(rules, exposures)| {
                let measure = rules.second.as_ref()?;
                Some(line(request, measure, exposures, bonus))
            }),
        }
    }

    /// The value to repay so that the vault comes up to its target, not beyond.
    pub fn depth(&self) -> Usd {
        let most = self.debt.value.get();
        let (steps, limit) = match self.line {
            None => (STEPS, most),
            Some(_) => (MODELLED_STEPS, most.min(self.affordable())),
        };
        let (mut value, mut base, mut step, mut last) = (0u64, 0u64, 0u64, u64::MAX);
        for _ in 0..steps {
            let Some(here) = self.distance_floor(value) else { return Usd::new(value) };
            if self.line.is_some() && here.missing >= last {
                step >>= 2;
            } else {
                (base, last) = (value, here.missing);
                step = shift_div_floor(here.missing, 32, here.relief).unwrap_or(u64::MAX);
            }
            value = base.saturating_add(step).min(limit);
            if value >= limit && self.line.is_none() || value == base {
                break;
            }
        }
        if self.line.is_some() && self.distance_floor(value).is_some_and(|there| there.missing >= last) {
            value = base;
        }
        Usd::new(value)
    }

    /// Whether closing the whole debt leaves the vault no further from its target.
    pub fn may_close(&self) -> bool {
        if self.line.is_none() {
            return true;
        }
        let missing = |value| self.distance_floor(value).map_or(0, |distance| distance.missing);
        missing(self.debt.value.get()) <= missing(0)
    }

    /// What the collateral pays for at the bonus.
    fn affordable(&self) -> u64 {
        let grown = ONE.wrapping_add(u64::from(self.bonus.get()));
        shift_div_ceil(self.collateral.value.get(), 32, grown).unwrap_or(u64::MAX)
    }

    /// `R_target - E` after repaying `value`, rounded down, and its relief; `None` when the target is reached.
    fn distance_floor(&self, value: u64) -> Option<Distance> {
        let taken = grown_ceil(value, self.bonus);
        let mut point = self.haircut_point(value, taken);
        for line in [&self.line, &self.second].into_iter().flatten() {
            // With equal requirements any of the slopes is one of the maximum.
            for other in [line.portfolio(value), line.stress(value)] {
                if other.requirement > point.requirement {
                    point = other;
                }
            }
        }
        let lost = i128::from(taken).wrapping_sub(i128::from(value));
        let after = i128::from(point.requirement).wrapping_sub(i128::from(self.equity)).wrapping_add(lost);
        let missing = u64::try_from(after).ok().filter(|missing| *missing > 0)?;
        let relief = point.relief.saturating_sub(i64::from(self.bonus.get()));
        Some(Distance { missing, relief: u64::try_from(relief).unwrap_or(0) })
    }

    /// What counts of the haircut requirement after repaying `value` and taking `taken`: the marginal haircut goes for each
    /// dollar taken, the marginal add-on for each dollar repaid.
    fn haircut_point(&self, value: u64, taken: u64) -> Point {
        let (debt, collateral, floor) = (self.debt, self.collateral, self.floor);
        let owed = debt.value.get().saturating_sub(value);
        let held = collateral.value.get().saturating_sub(taken);
        // What is taken beyond the collateral is lost all the same.
        let hair_gone = counted(collateral, collateral.value.get(), Side::Deposit, floor).saturating_sub(counted(
            collateral,
            held,
            Side::Deposit,
            floor,
        ));
        let addon_gone =
            counted(debt, debt.value.get(), Side::Debt, floor).saturating_sub(counted(debt, owed, Side::Debt, floor));

        let haircut = haircut_rate_ceil(collateral, held, floor);
        let relief = haircut
            .saturating_add(mul_shift_ceil(haircut, u64::from(self.bonus.get()), 32).unwrap_or(u64::MAX))
            .saturating_add(addon_rate_ceil(debt, owed, floor));
        Point {
            requirement: self.required.saturating_sub(hair_gone).saturating_sub(addon_gone),
            relief: i64::try_from(relief).unwrap_or(i64::MAX),
        }
    }
}

/// What counts of the haircut or add-on of one side at this value.
fn counted(leg: &Leg, value: u64, side: Side, floor: Fraction) -> u64 {
    let full = match side {
        Side::Deposit => value.wrapping_sub(collateral_floor(value, leg.haircut, leg.depth)),
        Side::Debt => debt_addon_ceil(value, leg.haircut, leg.depth),
    };
    let size = if floor == Fraction::MAX { 0 } else { size_cost_ceil(value, side, leg.depth) };
    floored_ceil(full, size, floor)
}

/// `value x (1 + bonus)`, rounded up.
fn grown_ceil(value: u64, bonus: Fraction) -> u64 {
    value.saturating_add(scale_floor(value, bonus)).saturating_add(u64::from(value != 0))
}
