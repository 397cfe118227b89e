//! How deep a liquidation goes: the value to repay so that the vault comes up to its target (risk-model 5).
//!
//! Let `x` be the value repaid. It lowers the debt by `x`, the collateral by `(1 + b) x`, and the distance to the target,
//! `R_target - E`, by what it relieves each requirement of. Every requirement is convex in `x` and so is their maximum, so
//! Newton's steps from 0 approach the root from below: a liquidation never goes past the target. Where the pair cannot
//! reach the target the distance has a minimum; a step beyond it is seen, because the distance did not fall, and shortened.

use crate::exposure::Exposures;
use crate::fixed::{mul_shift_ceil, ratio_floor, scale_floor, shift_div_ceil, shift_div_floor};
use crate::haircut::{collateral_floor, debt_addon_ceil, marginal_addon_ceil, marginal_haircut_ceil, size_cost_ceil};
use crate::health::{Binding, Health, Side, floored_ceil};
use crate::line::{Line, Point, Weights, part_floor};
use crate::liquidation::{Leg, Modelling, Request, Shortfall};
use crate::model::{Measure, Rules};
use crate::units::{Fraction, Usd};

const ONE: u64 = 1 << 32;
/// Steps of Newton's method. Each leaves a quarter of the distance at most (the distance is a parabola below the cap of
/// the haircut, and a double root its worst case), usually it squares the relative error.
const STEPS: u32 = 3;
/// Steps with netting or stress, some of them spent on shortening.
const MODELLED_STEPS: u32 = 6;

/// A liquidation of one pair, once [`Sizing::at`] has told its bonus.
pub struct Sizing<'r> {
    request: &'r Request<'r>,
    debt: &'r Leg<'r>,
    collateral: &'r Leg<'r>,
    bonus: Fraction,
    /// Part of the haircut requirement that counts, see [`floored_ceil`].
    floor: Fraction,
    /// What counts of it before anything is repaid.
    required: u64,
    equity: i64,
    /// None where nothing but haircuts is required, and for an insolvent vault: it cannot be brought to any target, so that
    /// the haircuts alone decide.
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

/// `floor(a / b)` of what is not negative: nothing for `a <= 0`, no limit for `b <= 0`.
fn unsigned_ratio_floor(a: i64, b: i64) -> Fraction {
    ratio_floor(u64::try_from(a).unwrap_or(0), u64::try_from(b).unwrap_or(0))
}

/// The weights of the pair in `E` less what counts of `H`, by an add-on and a haircut.
fn haircut_weights(
    (debt, addon): (&Leg, Fraction),
    (collateral, haircut): (&Leg, Fraction),
    floor: Fraction,
) -> Weights {
    let one = ONE.cast_signed();
    // An add-on far beyond its depth only makes a limit larger.
    let part = |rate: u64| rate.min(u64::MAX >> 16).cast_signed();
    Weights {
        debt: one.wrapping_add(part(addon_rate_ceil(debt, debt.value.get(), addon, floor))),
        collateral: one.wrapping_sub(part(haircut_rate_ceil(collateral, collateral.value.get(), haircut, floor))),
    }
}

/// What counts of the marginal haircut of a collateral of this value, in 2^-32.
fn haircut_rate_ceil(leg: &Leg, value: u64, haircut: Fraction, floor: Fraction) -> u64 {
    let rate = |haircut| marginal_haircut_ceil(value, haircut, leg.depth);
    floored_ceil(rate(haircut), if floor == Fraction::MAX { 0 } else { rate(Fraction::ZERO) }, floor)
}

/// The same for the add-on of a debt.
fn addon_rate_ceil(leg: &Leg, value: u64, addon: Fraction, floor: Fraction) -> u64 {
    let rate = |addon| marginal_addon_ceil(value, addon, leg.depth);
    floored_ceil(rate(addon), if floor == Fraction::MAX { 0 } else { rate(Fraction::ZERO) }, floor)
}

impl<'r> Sizing<'r> {
    pub fn new(request: &'r Request<'r>) -> Self {
        let (debt, collateral) = (&request.debt, &request.collateral);
        let model = request.model.filter(|_| request.target.equity() > 0);
        let line = |measure: &Measure, exposures: &Exposures| {
            let (owed, held) = (debt.value.get(), collateral.value.get());
            Line::new(exposures, measure, (owed, debt.columns), (held, collateral.columns))
        };
        Self {
            request,
            debt,
            collateral,
            bonus: Fraction::ZERO,
            floor: model.map_or(Fraction::MAX, |model| model.target.floor),
            required: if model.is_some() { request.target.floor } else { request.target.haircuts }.get(),
            equity: request.target.equity(),
            line: model.map(|model| line(&model.target.first, model.exposures)),
            second: model.and_then(|model| Some(line(model.target.second.as_ref()?, model.exposures))),
        }
    }

    /// The bonus of a liquidation: by the schedule, within its limits.
    pub fn bonus(&self) -> Fraction {
        let (schedule, shortfall) = (&self.request.bonus, Shortfall::of(&self.request.maint));
        // Below `least` nobody would come.
        let limit = self.margin_limit(shortfall.margin).max(schedule.least);
        schedule.at(&shortfall).min(limit).min(self.bonus_limit())
    }

    /// A liquidation that pays this bonus.
    pub fn at(mut self, bonus: Fraction) -> Self {
        self.bonus = bonus;
        self.line = self.line.map(|line| line.at(bonus));
        self.second = self.second.map(|line| line.at(bonus));
        self
    }

    /// The most bonus that does not make a liquidation of the pair harmful.
    ///
    /// Where haircuts alone count: `b <= (h + g) / (1 - h)` with the linear parts alone, so that every step of a liquidation
    /// heals. With netting or stress the requirement that decides gives weights `w = 1 - dR/de` to both sides: a dollar repaid
    /// brings the vault closer by `w_debt - (1 + b) w_collateral`. That has to be as much as the bonus, so that a liquidation
    /// always gets somewhere.
    ///
    /// The latter is to say that `R - 2 E`, which is convex, does not rise. Where this limit decides and the liquidation goes
    /// on, it can therefore only fall: paying in parts does not pay better.
    pub fn bonus_limit(&self) -> Fraction {
        let (debt, collateral) = (self.debt.haircut, self.collateral.haircut);
        let Some(rules) = self.model().map(|model| model.target) else {
            let (haircut, addon) = (u64::from(collateral.get()), u64::from(debt.get()));
            return ratio_floor(haircut.wrapping_add(addon), ONE.saturating_sub(haircut));
        };
        let Weights { debt, collateral } = self.weights(&self.request.target, Some(rules), [debt, collateral]);
        unsigned_ratio_floor(debt.saturating_sub(collateral), ONE.cast_signed().saturating_add(collateral))
    }

    /// The most bonus with which the first dollar repaid does not lower `m = E / R_maint`: `m` times what it relieves the
    /// requirement of is as much as the bonus, `b <= m (w_debt - w_collateral) / (1 - m (1 - w_collateral))`. In a vault of
    /// one pair, with linear haircuts, that is `E / D`.
    ///
    /// `E / R` is quasi-concave along a liquidation. So if a part of one has lowered it, this limit is now below the bonus
    /// that was paid; if not, the schedule is not above it. Either way paying in parts does not pay better.
    pub fn margin_limit(&self, margin: Fraction) -> Fraction {
        if margin.is_zero() {
            return Fraction::ZERO;
        }
        let haircuts = [self.debt.maint_haircut, self.collateral.maint_haircut];
        let rules = self.model().map(|model| model.maint);
        let Weights { debt, collateral } = self.weights(&self.request.maint, rules, haircuts);
        let one = ONE.cast_signed();
        let kept = one.saturating_sub(part_floor(one.saturating_sub(collateral), margin));
        unsigned_ratio_floor(part_floor(debt.saturating_sub(collateral), margin), kept)
    }

    fn model(&self) -> Option<Modelling<'r>> {
        self.request.model.filter(|_| self.line.is_some())
    }

    /// The weights of the pair in `E` less the requirement that decides at a level: of two models the larger one.
    fn weights(&self, health: &Health, rules: Option<&Rules>, [addon, haircut]: [Fraction; 2]) -> Weights {
        // Without a model there is nothing to compare, and comparing takes roots.
        let modelled = rules.zip(self.line.as_ref()).map(|(rules, line)| (rules, line, health.binding()));
        let Some((rules, line, binding)) = modelled.filter(|(.., binding)| *binding != Binding::Haircuts) else {
            let floor = rules.map_or(Fraction::MAX, |rules| rules.floor);
            return haircut_weights((self.debt, addon), (self.collateral, haircut), floor);
        };
        let weights = |line: &Line, measure| match binding {
            Binding::Portfolio => line.portfolio_weights(measure),
            _ => line.stress_weights(measure),
        };
        let first = weights(line, &rules.first);
        match self.second.as_ref().zip(rules.second.as_ref()).map(|(line, measure)| weights(line, measure)) {
            Some(second) if second.requirement > first.requirement => second.weights,
            _ => first.weights,
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

    /// Whether repaying this value leaves the vault no further from its target.
    pub fn may_repay(&self, value: Usd) -> bool {
        if self.line.is_none() {
            return true;
        }
        let missing = |value| self.distance_floor(value).map_or(0, |distance| distance.missing);
        missing(value.get()) <= missing(0)
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

        let haircut = haircut_rate_ceil(collateral, held, collateral.haircut, floor);
        let relief = haircut
            .saturating_add(mul_shift_ceil(haircut, u64::from(self.bonus.get()), 32).unwrap_or(u64::MAX))
            .saturating_add(addon_rate_ceil(debt, owed, debt.haircut, floor));
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
