//! What a market keeps of its model: storage, validation, and the rules of a level at a time (risk model 3.2 and 3.3).
use crate::reference::anything::any_model;
use crate::reference::generate::*;
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::health::Level;
use ballast_risk::model::{Measure, Model, Rules, Sensitivities, Terms, Version};
use ballast_risk::params::{check_model, check_sensitivities};
use ballast_risk::ramp::Ramp;
use ballast_risk::{Error, Fraction};
use proptest::prelude::*;

const ONE: i32 = 1 << 30;

fn any_sensitivities(s: &mut Source) -> Sensitivities {
    let mut any = |low: i64, high: i64| {
        let span = u64::try_from(high - low).unwrap();
        i32::try_from(low + i64::try_from(s.between(0, span)).unwrap()).unwrap()
    };
    let (one, most) = (i64::from(ONE), (1i64 << 31) - 1);
    Sensitivities {
        loadings: [0; 6].map(|_| any(-one, one)),
        specific: any(0, one).unsigned_abs(),
        shocks: [0; 8].map(|_| any(-one, most)),
    }
}

#[test]
fn columns_hold_what_was_put_in() {
    holds(any::<u64>(), |seed| {
        let moves = any_sensitivities(&mut Source::new(seed, 0));
        prop_assert_eq!(Sensitivities::from_columns(&moves.columns()), moves);
        Ok(())
    });
    let moves =
        Sensitivities { loadings: [1, -2, 3, -4, 5, -ONE], specific: 6, shocks: [-1, 2, -3, 4, -5, 6, -ONE, i32::MAX] };
    let one = 1u32 << 30;
    let columns = [
        [one + 1, one - 2, one + 3, one - 4, one + 5, 0],
        [6, 0, one - 1, one + 2, one - 3, one + 4],
        [one - 5, one + 6, 0, (3 << 30) - 1, 0, 0],
    ];
    assert_eq!(moves.columns()[..], columns.concat()[..16]);
    assert_eq!(Sensitivities::NONE.columns()[..8], [one, one, one, one, one, one, 0, 0]);
}

fn good() -> Terms {
    Terms {
        netting: true,
        factors: 2,
        scenarios: 3,
        tail: 2,
        lambdas: [4 << 16, 3 << 16, 2 << 16],
        multipliers: [2 << 16, 3 << 15, 1 << 16],
        floor: Fraction::new(1 << 30),
    }
}

/// What [`good`] asks for at a level.
fn measure(version: Version, lambda: u32, multiplier: u32) -> Measure {
    Measure { version, netting: true, factors: 2, scenarios: 3, tail: 2, lambda, multiplier, progress: Fraction::MAX }
}

/// Valid until its last second; then the floor is one for `Init`, and on its way there for the others.
#[test]
fn rules_by_hand() {
    let fallback = Ramp::new(1_000_000, 1 << 20).unwrap();
    let model = Model { current: good(), fallback, ..Model::default() };
    let rules = |level, now| model.rules(level, now);
    let alone =
        |lambda, multiplier, floor| Rules { floor, first: measure(Version::Current, lambda, multiplier), second: None };
    let floor = Fraction::new(1 << 30);
    assert_eq!(rules(Level::Init, 1_000_000), alone(4 << 16, 2 << 16, floor));
    assert_eq!(rules(Level::Init, 1_000_001), alone(4 << 16, 2 << 16, Fraction::MAX));
    assert_eq!(rules(Level::Target, 0), alone(3 << 16, 3 << 15, floor));
    let maint = alone(2 << 16, 1 << 16, floor);
    assert_eq!(rules(Level::Maint, 1_000_000), maint);
    // A quarter, and half of the way to one.
    let middle = Fraction::new((1 << 30) + 3 * (1 << 29) + 1);
    assert_eq!(rules(Level::Maint, 1_000_000 + (1 << 19)), Rules { floor: middle, ..maint });
    assert_eq!(rules(Level::Target, 1_000_000 + (1 << 19)).floor, middle);
    assert_eq!(rules(Level::Maint, 1_000_000 + (1 << 20)).floor, Fraction::MAX);
    // Without netting nothing falls back.
    let plain = Terms { netting: false, factors: 0, lambdas: [0; 3], ..good() };
    let plain = Model { current: plain, ..model };
    for now in [0, 1_000_001, 1_000_000 + (1 << 20)] {
        assert_eq!(plain.rules(Level::Maint, now).floor, Fraction::MAX);
    }
    for (netting, scenarios, modelled) in [(false, 0, false), (true, 0, true), (false, 1, true), (true, 1, true)] {
        let first = Measure { netting, scenarios, ..Measure::OFF };
        assert_eq!(Rules { first, ..Rules::HAIRCUTS }.modelled(), modelled);
        assert!(Rules { second: Some(Measure::OFF), first, ..Rules::HAIRCUTS }.modelled());
    }
    assert_eq!(Rules::HAIRCUTS, Model::default().rules(Level::Init, 0));
    assert_eq!((Terms::default(), Terms::OFF.floor), (Terms::OFF, Fraction::MAX));
}

/// `Init` takes both models in full. The others keep the old one, and take of the new one what the window has passed.
#[test]
fn rules_during_a_change_by_hand() {
    let before = Terms {
        lambdas: [3 << 16, 2 << 16, 1 << 16],
        multipliers: [1 << 16, 1 << 16, 0],
        floor: Fraction::new(1 << 29),
        ..good()
    };
    let change = Ramp::new(1_000_000, 1 << 20).unwrap();
    let fallback = Ramp::new(1 << 40, 1 << 20).unwrap();
    let model = Model { current: good(), previous: before, change, fallback };
    let old = |lambda, multiplier| measure(Version::Previous, lambda, multiplier);
    let new = |lambda, multiplier| measure(Version::Current, lambda, multiplier);
    let (low, high) = (Fraction::new(1 << 29), Fraction::new(1 << 30));
    for now in [0, 1_000_000, 1_000_001, 1_000_000 + (1 << 20) - 1] {
        let both = Rules { floor: high, first: old(3 << 16, 1 << 16), second: Some(new(4 << 16, 2 << 16)) };
        assert_eq!(model.rules(Level::Init, now), both);
    }
    for now in [0, 999_999, 1_000_000] {
        for (level, lambda, multiplier) in [(Level::Target, 2 << 16, 1 << 16), (Level::Maint, 1 << 16, 0)] {
            let alone = Rules { floor: low, first: old(lambda, multiplier), second: None };
            assert_eq!(model.rules(level, now), alone);
        }
    }
    // Half of the way, a tick of 2^-32 more than half of the new model.
    let now = 1_000_000 + (1 << 19);
    let half = Rules {
        floor: Fraction::new((1 << 29) + (1 << 28) + 1),
        first: old(1 << 16, 0),
        second: Some(Measure { progress: Fraction::new((1 << 31) + 1), ..new(2 << 16, 1 << 16) }),
    };
    assert_eq!(model.rules(Level::Maint, now), half);
    for level in Level::ALL {
        let over = Model { previous: Terms::OFF, change: Ramp::default(), ..model };
        assert_eq!(model.rules(level, 1_000_000 + (1 << 20)), over.rules(level, 0));
    }
    // A lower floor changes nothing until the end; a model that nets where the old one did not keeps all of the haircuts.
    let lower = Model { current: Terms { floor: Fraction::ZERO, ..good() }, ..model };
    let first = Model { previous: Terms { floor: Fraction::ZERO, ..Terms::OFF }, ..model };
    for level in Level::ALL {
        assert_eq!((lower.rules(level, now).floor, first.rules(level, now).floor), (low, Fraction::MAX));
        assert_eq!(first.rules(level, now).first, Measure { version: Version::Previous, ..Measure::OFF });
    }
    // One that no longer nets counts all of them along the window, and nothing else.
    let last = Model { current: Terms { floor: Fraction::ZERO, ..Terms::OFF }, ..model };
    assert_eq!(
        last.rules(Level::Init, now),
        Rules { floor: Fraction::MAX, first: old(3 << 16, 1 << 16), second: None }
    );
    // From an eighth: 7 / 16 more.
    let floor = Fraction::new((1 << 29) + 7 * (1 << 28) + 1);
    assert_eq!(last.rules(Level::Maint, now), Rules { floor, first: old(1 << 16, 0), second: None });
    // A model that is not confirmed while it phases in: half of the way to where its own floor is.
    let unconfirmed = Model { fallback: Ramp::new(1_000_000, 1 << 20).unwrap(), ..model };
    let own = (1 << 30) + 3 * (1 << 29) + 1;
    let halfway = (1u32 << 29) + (own - (1u32 << 29)).div_ceil(2) + 1;
    assert_eq!(unconfirmed.rules(Level::Target, now).floor, Fraction::new(halfway));
    assert_eq!(unconfirmed.rules(Level::Init, now).floor, Fraction::MAX);
}

/// Any model, at any time: decided, never a panic.
#[test]
fn any_model_has_rules() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (model, now) = (any_model(s), s.word());
        let _ = Level::ALL.map(|level| model.rules(level, now));
        Ok(())
    });
}

/// Each bound by itself.
#[test]
fn models_are_checked() {
    let accepted = |change: &dyn Fn(&mut Terms)| {
        let mut model = good();
        change(&mut model);
        check_model(&model).is_ok()
    };
    assert!(accepted(&|_| ()));
    assert_eq!(check_model(&Terms { factors: 7, ..good() }), Err(Error::BadModel));
    for (factors, good) in [(0, true), (6, true), (7, false)] {
        assert_eq!(accepted(&|m| m.factors = factors), good);
    }
    // Without netting no factors and no lambdas.
    for (factors, lambdas, good) in
        [(0, [0; 3], true), (1, [0; 3], false), (0, [1, 0, 0], false), (0, [1 << 16; 3], false), (0, [0, 0, 1], false)]
    {
        assert_eq!(accepted(&|m| (m.netting, m.factors, m.lambdas) = (false, factors, lambdas)), good);
    }
    assert!(!accepted(&|m| m.lambdas = [0; 3]));
    for (scenarios, tail, good) in [
        (0, 0, true),
        (0, 1, false),
        (1, 0, false),
        (1, 1, true),
        (1, 2, false),
        (3, 3, true),
        (3, 4, false),
        (8, 1, true),
        (8, 8, true),
        (9, 1, false),
    ] {
        assert_eq!(accepted(&|m| (m.scenarios, m.tail) = (scenarios, tail)), good, "{scenarios} {tail}");
    }
    const UNIT: u32 = 1 << 16;
    for (lambdas, good) in [
        ([UNIT; 3], true),
        ([16 * UNIT; 3], true),
        ([16 * UNIT + 1, UNIT, UNIT], false),
        ([UNIT, UNIT, UNIT - 1], false),
        ([3 * UNIT, 2 * UNIT, 2 * UNIT + 1], false),
        ([2 * UNIT, 2 * UNIT + 1, UNIT], false),
    ] {
        assert_eq!(accepted(&|m| m.lambdas = lambdas), good, "{lambdas:?}");
    }
    for (multipliers, good) in [
        ([0; 3], true),
        ([4 * UNIT; 3], true),
        ([4 * UNIT + 1, 0, 0], false),
        ([2, 1, 0], true),
        ([2, 1, 2], false),
        ([1, 2, 0], false),
    ] {
        assert_eq!(accepted(&|m| m.multipliers = multipliers), good, "{multipliers:?}");
    }
}

/// Each bound by itself: the largest that is accepted, and one more.
#[test]
fn sensitivities_are_checked() {
    let check = |model: &Terms, change: &dyn Fn(&mut Sensitivities)| {
        let mut moves = Sensitivities::NONE;
        change(&mut moves);
        check_sensitivities(model, &moves)
    };
    let model = good();
    let accepted = |change: &dyn Fn(&mut Sensitivities)| check(&model, change).is_ok();
    assert!(accepted(&|_| ()));
    // Lambda is 4, so a volatility of a quarter.
    for sign in [1, -1] {
        assert!(accepted(&|m| m.loadings[1] = sign * (ONE / 4)));
        assert!(!accepted(&|m| m.loadings[1] = sign * (ONE / 4 + 1)));
    }
    assert!(accepted(&|m| m.specific = 1 << 28) && !accepted(&|m| m.specific = (1 << 28) + 1));
    // 3, 4 and 12 make 13: an exact root.
    let thirteenth = ONE / 52;
    assert!(accepted(
        &|m| (m.loadings[0], m.loadings[1], m.specific) = (3 * thirteenth, -4 * thirteenth, 12 * 20_648_881)
    ));
    assert!(!accepted(&|m| (m.loadings[0], m.loadings[1], m.specific) = (ONE / 4, 0, 1 << 14)));
    // The multiplier is 2, so a fall of a half; a rise is free.
    assert!(accepted(&|m| m.shocks[2] = -(ONE / 2)) && !accepted(&|m| m.shocks[2] = -(ONE / 2) - 1));
    assert!(accepted(&|m| m.shocks[0] = i32::MAX));
    // Nothing for what the model does not have: factors from 2, scenarios from 3 on.
    assert!(!accepted(&|m| m.loadings[2] = 1) && !accepted(&|m| m.loadings[5] = -1));
    assert!(!accepted(&|m| m.shocks[3] = -1) && !accepted(&|m| m.shocks[7] = 1));
    let plain = Terms { netting: false, factors: 0, lambdas: [0; 3], ..model };
    assert_eq!(check(&plain, &|m| m.specific = 1), Err(Error::BadSensitivities));
    assert!(check(&plain, &|m| m.shocks[0] = 1).is_ok());
    // Whatever lambda and multiplier: never beyond one.
    let lax = Terms { lambdas: [1; 3], multipliers: [0; 3], ..model };
    assert!(check(&lax, &|m| m.specific = 1 << 30).is_ok() && check(&lax, &|m| m.specific = (1 << 30) + 1).is_err());
    assert!(check(&lax, &|m| m.loadings[0] = i32::MIN).is_err());
    assert!(check(&lax, &|m| m.shocks[0] = -ONE).is_ok() && check(&lax, &|m| m.shocks[0] = -ONE - 1).is_err());
    assert!(check(&lax, &|m| m.shocks[0] = i32::MIN).is_err());
}

/// Accepted exactly when `lambda^2 (sum of b^2 + s^2) <= 1` and `multiplier x fall <= 1`; and all that the properties of 3.4
/// are tested with is.
#[test]
fn what_is_generated_is_accepted() {
    holds((vaults(8), any::<u64>()), |(vault, seed)| {
        let Model { current, previous, .. } = vault.model;
        prop_assert!(check_model(&current).is_ok() && check_model(&previous).is_ok());
        for held in &vault.held {
            prop_assert!(check_sensitivities(&current, &held.moves).is_ok());
            prop_assert!(check_sensitivities(&previous, &held.before).is_ok());
        }
        let s = &mut Source::new(seed, 0);
        let Some(held) = vault.held.first() else { return Ok(()) };
        let mut moves = held.moves;
        // One coefficient a little larger.
        let more = i32::try_from(s.between(0, 1 << 12)).unwrap();
        match s.below(3) {
            0 if vault.rules.factors > 0 => moves.loadings[0] = moves.loadings[0].saturating_add(more),
            1 if vault.rules.netting => moves.specific += more.unsigned_abs(),
            2 if vault.rules.scenarios > 0 => moves.shocks[0] = moves.shocks[0].saturating_sub(more),
            _ => {}
        }
        let square = |x: Exact| &x * &x;
        let variance = moves
            .loadings
            .iter()
            .fold(square(Exact::new(moves.specific, 30)), |sum, b| sum + square(Exact::new(*b, 30)));
        let volatile = square(Exact::new(vault.rules.lambdas[0], 16)) * variance;
        let fall = moves.shocks.iter().fold(Exact::zero(), |most, shock| most.at_least(-Exact::new(*shock, 30)));
        let deep = Exact::new(vault.rules.multipliers[0], 16) * &fall;
        let good = volatile <= Exact::one() && deep <= Exact::one() && fall <= Exact::one();
        prop_assert_eq!(check_sensitivities(&current, &moves).is_ok(), good);
        Ok(())
    });
}
