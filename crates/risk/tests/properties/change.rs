//! A change of the model: it phases in beside the one that it replaces, and no requirement jumps up (risk model 3.2).
use std::cell::Cell;

use crate::health::{agrees, levels};
use crate::reference::generate::changing;
use crate::reference::model::{Change, Governed};
use crate::reference::pair::modelling;
use crate::reference::source::Source;
use crate::reference::vault::*;
use crate::reference::*;
use ballast_risk::health::{Binding, Health, Level, Prices, Side, assess};
use ballast_risk::liquidation::{Bonus, Leg, Request};
use ballast_risk::model::{Measure, Model, ONE, Rules, Sensitivities, TIMES_ONE, Terms, Version};
use ballast_risk::ramp::Ramp;
use ballast_risk::sizing::Sizing;
use ballast_risk::{Amount, Error, Fraction, Usd};
use num_bigint::BigInt;
use proptest::prelude::*;

const SPOT: [Level; 2] = [Level::Target, Level::Maint];

/// `Target` and `Maint` by a model at a time. Prices, interest and margins are those of the vault's own time.
fn spot(vault: &Vault, model: &Model, now: u64) -> [Health; 2] {
    let rules = SPOT.map(|level| model.rules(level, now));
    let positions = vault.held.iter().map(|held| Ok(held.position(SPOT, Prices::Spot, vault.now)));
    assess::<2, Error>(&rules, Prices::Spot, positions, &mut None).unwrap()
}

fn window(vault: &Vault) -> (u64, u64) {
    let (start, end, _) = vault.model.change.parts();
    (start, end)
}

/// Bit for bit what it was a moment before, whatever the new model says, if the old floor is the one that was in force.
#[test]
fn nothing_moves_when_a_change_begins() {
    holds_for(PROMISED, (changing(32), any::<u64>()), |(vault, seed)| {
        let vault = vault.fitting();
        let s = &mut Source::new(seed, 0);
        let (start, end) = window(&vault);
        if start == end {
            return Ok(());
        }
        // The old model by itself: valid, or on its way to a floor of one, or there.
        let seconds = s.between(0, 1 << 24);
        let fallback = Ramp::new(start - s.between(0, 1 << 25), seconds).unwrap();
        let old = Model { current: vault.model.previous, fallback, ..Model::default() };
        let mut then = vault.clone();
        for held in &mut then.held {
            held.columns.swap(0, 1);
        }
        let before = spot(&then, &old, start);
        let floor = old.rules(Level::Maint, start).floor;
        let model = Model { previous: Terms { floor, ..vault.model.previous }, ..vault.model };
        for now in [start, start - s.between(0, 1 << 20)] {
            prop_assert_eq!(spot(&vault, &model, now), before);
        }
        Ok(())
    });
}

/// From the end on, the new model alone.
#[test]
fn nothing_is_left_when_a_change_ends() {
    holds((changing(8), levels(), word()), |(vault, level, later)| {
        let now = window(&vault).1.saturating_add(later);
        let alone = Model { previous: Terms::OFF, change: Ramp::default(), ..vault.model };
        prop_assert_eq!(vault.model.rules(level, now), alone.rules(level, now));
        Ok(())
    });
}

/// Never more than the larger of what the old model required when the change began and what the new one requires in full;
/// and never less than a moment before. `P^2` and `S` are exactly so, and rounded up alike. What counts of the haircuts is,
/// where some of the floor is left, up to a micro-dollar for each position above the whole, by which the cost of size may be
/// above the haircut that it is a part of.
#[test]
fn a_change_goes_from_one_model_to_both() {
    holds_for(PROMISED, (changing(16), any::<u64>()), |(vault, seed)| {
        let vault = vault.fitting();
        let s = &mut Source::new(seed, 0);
        let (start, end) = window(&vault);
        if start == end {
            return Ok(());
        }
        let mut times = [s.between(start, end - 1), s.between(start, end - 1)];
        times.sort_unstable();
        let at = |now| spot(&vault, &vault.model, now);
        let alone = |now| spot(&vault, &Model { change: Ramp::default(), ..vault.model }, now);
        let rounding = u128::try_from(vault.held.len()).unwrap();
        let [old, early, late, new] = [at(start), at(times[0]), at(times[1]), alone(times[1])];
        for k in 0..SPOT.len() {
            let [old, early, late, new] = [old, early, late, new].map(|healths| healths[k]);
            let [before, then, now, full] = [old, early, late, new].map(|h| u128::from(h.requirement().get()));
            prop_assert!(now <= before.max(full) + rounding, "{now} of {before} and {full}");
            prop_assert!(then <= now + rounding && before <= then + rounding, "{before}, {then}, {now}");
            prop_assert!(late.modelled.squared <= old.modelled.squared.max(new.modelled.squared));
            prop_assert!(early.modelled.squared <= late.modelled.squared && early.stress() <= late.stress());
        }
        Ok(())
    });
}

/// No jump: of what there is to come, each second brings its share. A part that counts is up to 3 x 2^-32 off its line
/// (tests/ramp.rs). P^2 is rounded up by less than two twice over and its root by one, so P by less than three units; S by
/// two. As soon as anything of P or S counts, what rounding takes from the exposures is required as well: a unit for each
/// position. The haircuts are rounded as above, and by one.
#[test]
fn every_second_brings_its_share() {
    holds_for(PROMISED, (changing(16), any::<u64>()), |(vault, seed)| {
        let vault = vault.fitting();
        let s = &mut Source::new(seed, 0);
        let (start, end) = window(&vault);
        if start == end {
            return Ok(());
        }
        let early = s.between(start, end - 1);
        let late = early + s.between(0, end - 1 - early).min(s.between(0, end - 1 - early));
        // A validity that ends has a ramp of its own.
        let model = Model { fallback: Ramp::new(1 << 40, 86_400).unwrap(), ..vault.model };
        let [before, after] = [early, late].map(|now| spot(&vault, &model, now));
        let full = spot(&vault, &Model { change: Ramp::default(), ..model }, late);
        let n = u64::try_from(vault.held.len()).unwrap();
        let share = rational(late - early, end - start) + rational(3, 1u64 << 32);
        for k in 0..SPOT.len() {
            let (before, after, full) = (before[k], after[k], full[k]);
            let all = full.portfolio().max(full.stress()).max(full.haircuts);
            let units = BigInt::from((3 + n) << after.modelled.shift) + n + 2;
            let most = &share * rational(all.get(), 1) + rational(units, 1);
            let raised = BigInt::from(after.requirement().get()) - before.requirement().get();
            prop_assert!(rational(raised, 1) <= most, "{before:?} to {after:?}");
        }
        Ok(())
    });
}

/// Property 5 of 3.4 in the middle of a change, at the threshold: exact arithmetic agrees, whichever model decides.
#[test]
fn at_the_threshold_of_a_change_exact_arithmetic_agrees() {
    let decided = [(); 3].map(|()| Cell::new(0u32));
    let tried = Cell::new(0u32);
    holds_for(PROMISED, (levels(), changing(16), any::<u64>()), |(level, vault, which)| {
        let rules = vault.model.rules(level, vault.now);
        if rules.second.is_none() {
            return Ok(());
        }
        tried.set(tried.get() + 1);
        let Some(threshold) = vault.threshold(level, which) else { return Ok(()) };
        let vault = vault.with_shares(threshold.at, threshold.passes);
        agrees(&vault, level, true)?;
        let vault = vault.with_shares(threshold.at, threshold.fails);
        if vault.check(level).is_err() {
            return Ok(());
        }
        agrees(&vault, level, false)?;
        // What fails passes without the model that decides, the new one or the old one.
        let passes = |rules: Rules| {
            let positions = vault.held.iter().map(|held| Ok(held.position([level], level.prices(), vault.now)));
            assess::<1, Error>(&[rules], level.prices(), positions, &mut None).unwrap()[0].passes()
        };
        let new = passes(Rules { second: None, ..rules });
        let old = passes(Rules { first: Measure { version: Version::Previous, ..Measure::OFF }, ..rules });
        let by = if new { 0 } else { 2 - usize::from(old) };
        decided[by].set(decided[by].get() + 1);
        Ok(())
    });
    for by in &decided {
        assert!(by.get() > tried.get() / 20, "new, old, haircuts: {decided:?} of {tried:?}");
    }
}

const DOLLAR: u64 = 1_000_000;

/// A deposit of 1,000 dollars against a debt of 700. The old model has one scenario, a fall by a quarter; the new one takes
/// the mean of two, a quarter and a half, from second 1,000 on within 64 seconds.
fn stressed(now: u64) -> Vault {
    let falls = |shocks: [i32; 2]| {
        let mut moves = Sensitivities::NONE;
        moves.shocks[..2].copy_from_slice(&shocks);
        moves
    };
    // Half a micro-dollar a share.
    let held = |side, dollars: u64, moves: Sensitivities, before: Sensitivities| Held {
        shares: 2 * dollars * DOLLAR,
        side,
        moves,
        before,
        columns: [moves, before].map(|moves| moves.columns()),
        ..Held::plain()
    };
    let multipliers = [TIMES_ONE; 3];
    let before = Terms { scenarios: 1, tail: 1, multipliers, ..Terms::OFF };
    let after = Terms { scenarios: 2, tail: 2, multipliers, ..Terms::OFF };
    let change = Some(Change { before, window: (1_000, 64) });
    let rules = Governed { change, ..Governed::plain().with(after) };
    let long = held(Side::Deposit, 1_000, falls([-ONE / 4, -ONE / 2]), falls([-ONE / 4, 0]));
    let short = held(Side::Debt, 700, Sensitivities::NONE, Sensitivities::NONE);
    Vault { model: rules.model(), rules, now, held: vec![long, short] }
}

/// 250 dollars by the old model and 375 by the new one, of which a half and three quarters count. Scenarios of the new one
/// are counted from eight on while it phases in.
#[test]
fn a_change_by_hand() {
    let near = |got: Usd, micro: u64| got.get() >= micro && got.get() <= micro + 4;
    for (level, now, stress, (tail, worst)) in [
        (Level::Maint, 0, 250 * DOLLAR, (1, 0)),
        (Level::Maint, 1_000, 250 * DOLLAR, (1, 0)),
        (Level::Maint, 1_032, 250 * DOLLAR, (1, 0)),
        (Level::Target, 1_048, 1_125 * DOLLAR / 4, (2, 9)),
        (Level::Maint, 1_048, 1_125 * DOLLAR / 4, (2, 9)),
        (Level::Maint, 1_064, 375 * DOLLAR, (2, 1)),
        (Level::Init, 0, 375 * DOLLAR, (2, 9)),
        (Level::Init, 1_063, 375 * DOLLAR, (2, 9)),
        (Level::Init, 1_064, 375 * DOLLAR, (2, 1)),
    ] {
        let health = stressed(now).check(level).unwrap();
        let shown = health.modelled;
        assert!(near(health.stress(), stress), "{level:?} {now}: {:?}", health.stress());
        assert_eq!((shown.tail, shown.worst), (tail, worst), "{level:?} {now}");
        // The equity is 300 dollars.
        assert_eq!((health.binding(), health.passes()), (Binding::Stress, stress < 300 * DOLLAR));
    }
}

/// What the weights leave by the dollar that a bonus costs and the one that it has to bring, by the model that decides:
/// `1 - S'` is 3/4, 3/4, 23/32 and 5/8 for a dollar of the deposit. At `Maint`, where half of it counts, 7/8 and so on.
#[test]
fn the_model_that_decides_limits_the_bonus() {
    for (now, (more, whole)) in [(1_000, (8u64, 24)), (1_032, (8, 24)), (1_048, (9, 23)), (1_064, (12, 20))] {
        let vault = stressed(now);
        let mut rules = SPOT.map(|level| vault.model.rules(level, now));
        let mut exposures = None;
        let positions = vault.held.iter().map(|held| Ok(held.position(SPOT, Prices::Spot, now)));
        let [target, maint] = assess::<2, Error>(&rules, Prices::Spot, positions, &mut exposures).unwrap();
        let leg = |held: &'_ Held| (held.position([], Prices::Spot, now).value().unwrap(), held.price, held.depth);
        let [collateral, debt] = [&vault.held[0], &vault.held[1]].map(|held| {
            let (value, price, depth) = leg(held);
            let [haircut, maint_haircut] = SPOT.map(|level| held.haircut(level, now));
            let amount = Amount::new(held.shares);
            Leg { amount, value: Usd::new(value), price, haircut, maint_haircut, depth, columns: &held.columns }
        });
        let halved = |measure: Measure| Measure { multiplier: measure.multiplier / 2, ..measure };
        rules[1] = Rules { first: halved(rules[1].first), second: rules[1].second.map(halved), ..rules[1] };
        let model = modelling(&rules, &exposures);
        let (bonus, reserve_share, dust, most) = (Bonus::default(), Fraction::ZERO, Usd::ZERO, Amount::MAX);
        let request = Request { maint, target, model, debt, collateral, bonus, reserve_share, dust, most };
        let sizing = Sizing::new(&request);
        let near = |limit: Fraction, expected: u64| u64::from(limit.get()).abs_diff(expected) < 1 << 10;
        let (limit, of_margin) = (sizing.bonus_limit(), sizing.margin_limit(Fraction::new(1 << 31)));
        assert!(near(limit, (more << 32) / (32 + whole)), "{now}: {limit:?}");
        // Half of `E / R`: 1/2 of what the weights leave, by what is not relieved of.
        assert!(near(of_margin, (more << 32) / (128 - more)), "{now}: {of_margin:?}");
    }
}
