//! Factors: what netting may save, and the sums it is computed from (risk model 3.2, property 3 of 3.4).
use crate::reference::anything::any_coefficients;
use crate::reference::generate::*;
use crate::reference::model::{Change, Governed, Needs, Part, Sums, TAILS};
use crate::reference::source::Source;
use crate::reference::vault::*;
use crate::reference::*;
use ballast_risk::exposure::{Exposures, MAX_EXPOSURES, size_ceil, specific_square_ceil, units_ceil};
use ballast_risk::health::{Level, Prices, Side, assess};
use ballast_risk::model::{Coefficients, Measure, Sensitivities, Terms, Version};
use ballast_risk::portfolio::{factor_sums, squared_ceil, variance_ceil};
use ballast_risk::{Error, Fraction, Shares};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Of every asset of a vault another position, on either side, or none.
fn second(vault: &Vault, seed: u64) -> Vault {
    let s = &mut Source::new(seed, 0);
    let mut other = vault.clone();
    for held in &mut other.held {
        held.shares = match s.below(4) {
            0 => 0,
            // Close to what is held, so that it may cancel almost all of it.
            1 => held.shares.saturating_sub(s.between(0, held.shares)),
            2 => held.shares,
            _ => s.word(),
        };
        held.side = s.one_of(&[Side::Deposit, Side::Debt]);
    }
    other
}

/// Both in one vault; a deposit and a debt of one asset cancel.
fn merged(u: &Vault, v: &Vault) -> Option<Vault> {
    let mut both = u.clone();
    for (held, other) in both.held.iter_mut().zip(&v.held) {
        if held.side == other.side {
            held.shares = held.shares.checked_add(other.shares)?;
        } else if held.shares < other.shares {
            (held.side, held.shares) = (other.side, other.shares - held.shares);
        } else {
            held.shares -= other.shares;
        }
    }
    Some(both)
}

/// Property 3. `P(u + v) <= P(u) + P(v)`: exactly, and as computed up to the slack of each.
#[test]
fn together_is_never_more_than_apart() {
    holds_for(PROMISED, (modelled(12), any::<u64>()), |(u, seed)| {
        let level = Level::Maint;
        let v = second(&u, seed);
        let Some(both) = merged(&u, &v) else { return Ok(()) };
        let vaults = [&u, &v, &both];
        let needs: [Needs; 3] = vaults.map(|vault| vault.needs(level, End::Low));
        // Roots avoided: (P(u+v)^2 - P(u)^2 - P(v)^2)^2 <= 4 P(u)^2 P(v)^2 unless the first is negative.
        let cross = &needs[2].square - &needs[0].square - &needs[1].square;
        let most = &needs[0].square * &needs[1].square * Exact::int(4);
        prop_assert!(cross.negative() || &cross * &cross <= most, "the model itself");
        let [Ok(a), Ok(b), Ok(c)] = vaults.map(|vault| vault.check(level)) else { return Ok(()) };
        let slack = (0..3).fold(Exact::int(3), |sum, k| sum + vaults[k].slack(level, &needs[k]));
        prop_assert!(usd(c.portfolio()) <= usd(a.portfolio()) + usd(b.portfolio()) + slack);
        Ok(())
    });
}

/// A long and a short position that move alike need nothing together, apart from what is specific to each.
#[test]
fn a_hedge_needs_no_margin() {
    let moves = Sensitivities { loadings: [1 << 29, -(1 << 28), 3, 0, 0, 0], ..Sensitivities::NONE };
    // Half a micro-dollar a share; the debt counts a micro-dollar more.
    let long = Held { moves, columns: coefficients(&moves), shares: 1 << 20, ..Held::plain() };
    let vault = market(4, [long, Held { side: Side::Debt, shares: (1 << 20) - 8, ..long }]);
    let health = vault.check(Level::Maint).unwrap();
    // Exposures 2^19 and -(2^19 - 3): the sums 1.5, -.75 and a little are 2, 1 and 1 in whole micro-dollars.
    assert_eq!((health.modelled.equity, health.portfolio_squared()), (3, 6));
    assert_eq!(health.portfolio().get(), 3);
    assert!(health.passes());
}

/// A market of lambda one with some factors, and two positions.
fn market(factors: usize, held: [Held; 2]) -> Vault {
    let mut rules = Governed::plain();
    rules.lambdas = [1 << 16; 3];
    (rules.netting, rules.factors, rules.floor) = (true, factors, Fraction::ZERO);
    (rules.valid_until, rules.grace) = (1_000, 86_400);
    Vault { model: rules.model(), rules, now: 0, held: held.to_vec() }
}

/// Exposures as drawn, and the sum of their sizes.
fn draw<'a>(s: &mut Source, columns: &'a [Coefficients], bits: u64) -> (Exposures<'a>, Vec<i128>, u64) {
    let mut exposures = Exposures::default();
    let (mut values, mut gross) = (Vec::new(), 0u64);
    for columns in columns {
        let size = s.word() >> (64 - bits);
        gross += size;
        let value = if s.one_in(2) { size.cast_signed() } else { -size.cast_signed() };
        exposures.push(value, columns).unwrap();
        values.push(i128::from(value));
    }
    exposures.scale(gross);
    (exposures, values, gross)
}

/// Scaled so that sizes add up to less than 2^31 + 32, the shift as small as that allows, each exposure rounded down; and
/// each factor sum, square and total is what integers of unlimited size give. Coefficients as the validator accepts them.
#[test]
fn sums_are_of_the_scaled_exposures() {
    holds((any::<u64>(), 0usize..=MAX_EXPOSURES, 1u64..=56), |(seed, n, bits)| {
        let s = &mut Source::new(seed, 0);
        let moves: Vec<[Sensitivities; 2]> = (0..n).map(|_| [any_moves(s), any_moves(s)]).collect();
        let columns: Vec<Coefficients> = moves.iter().map(|both| both.map(|moves| moves.columns())).collect();
        let (mut exposures, values, gross) = draw(s, &columns, bits);
        let shift = exposures.shift();
        prop_assert!(gross >> shift < 1 << 31);
        prop_assert!(shift == 0 || gross >> (shift - 1) >= 1 << 31);
        let scaled: Vec<i128> = values.iter().map(|value| value.div_euclid(1 << shift)).collect();
        prop_assert_eq!(i128::from(exposures.equity()), scaled.iter().sum::<i128>());
        let used: Vec<i128> = exposures.used().iter().map(|exposure| i128::from(exposure.value)).collect();
        prop_assert_eq!(&used, &scaled);
        // Nobody has asked for the other model yet.
        prop_assert_eq!(exposures.specific(Version::Previous), 0);
        exposures.add_previous();
        for version in [Version::Current, Version::Previous] {
            let moves: Vec<Sensitivities> = moves.iter().map(|both| *version.of(both)).collect();
            sums_are(&exposures, &scaled, &moves, version)?;
        }
        Ok(())
    });
}

fn sums_are(e: &Exposures, scaled: &[i128], moves: &[Sensitivities], version: Version) -> Result<(), TestCaseError> {
    let all = Measure { version, factors: 6, ..Measure::OFF };
    for factors in [4, 5, 6] {
        let sums = factor_sums(e, &Measure { factors, ..all });
        for (f, sum) in sums.iter().enumerate() {
            let exact: i128 = scaled.iter().zip(moves).map(|(e, m)| e * i128::from(m.loadings[f])).sum();
            let expected = if factors == 4 && f >= 4 { 0 } else { exact };
            prop_assert_eq!(i128::from(*sum), expected);
        }
    }
    let sums = factor_sums(e, &all);
    let up = |x: i128| (x.abs() + (1 << 30) - 1) >> 30;
    let squares = sums.iter().map(|sum| up(i128::from(*sum)).pow(2)).sum::<i128>()
        + scaled.iter().zip(moves).map(|(e, m)| up(e * i128::from(m.specific)).pow(2)).sum::<i128>();
    prop_assert_eq!(i128::from(variance_ceil(e.specific(version), &sums)), squares);
    Ok(())
}

/// With `sum of b^2 + s^2 <= 1`.
fn any_moves(s: &mut Source) -> Sensitivities {
    let mut moves = Sensitivities::NONE;
    let part = |s: &mut Source| i32::try_from(s.between(0, 405_000_000)).unwrap();
    for loading in &mut moves.loadings {
        *loading = if s.one_in(2) { part(s) } else { -part(s) };
    }
    moves.specific = part(s).unsigned_abs();
    match s.below(8) {
        0 => moves = Sensitivities { loadings: [0, 0, 0, 0, 0, -(1 << 30)], ..Sensitivities::NONE },
        1 => moves = Sensitivities { specific: 1 << 30, ..Sensitivities::NONE },
        _ => {}
    }
    moves
}

#[test]
fn the_33rd_exposure_is_refused() {
    let columns = coefficients(&Sensitivities::NONE);
    let mut exposures = Exposures::default();
    assert_eq!((exposures.used().len(), exposures.shift(), exposures.equity()), (0, 0, 0));
    for k in 0..32 {
        assert_eq!(exposures.push(k, &columns), Ok(()));
    }
    assert_eq!(exposures.push(0, &columns), Err(Error::TooManyPositions));
    assert_eq!(exposures.used().len(), 32);
    // And by the check, where factors or scenarios look at them.
    let held = Held { shares: 2, ..Held::plain() };
    let many = |n: usize, netting: bool| {
        let mut vault = market(0, [held, held]);
        vault.model.current.netting = netting;
        vault.held = vec![held; n];
        vault.check(Level::Init).map(|health| health.assets.get())
    };
    assert_eq!(many(32, true), Ok(32));
    assert_eq!(many(33, true), Err(Error::TooManyPositions));
    assert_eq!(many(33, false), Ok(33));
}

#[test]
fn parts_round_up() {
    const ONE: i64 = 1 << 30;
    for (sum, units, size) in [
        (0, 0, 0),
        (1, 1, 1),
        (-1, 0, 1),
        (ONE, 1, 1),
        (-ONE, -1, 1),
        (ONE + 1, 2, 2),
        (-ONE - 1, -1, 2),
        (5 * ONE, 5, 5),
    ] {
        assert_eq!((units_ceil(sum), size_ceil(sum)), (units, size), "{sum}");
    }
    // (exposure, volatility in 2^-30, square)
    for (value, specific, square) in [
        (0, 1 << 30, 0),
        (3, 1 << 30, 9),
        (-3, 1 << 30, 9),
        (3, 1 << 29, 4),
        (4, 1 << 29, 4),
        (-5, 1 << 29, 9),
        (1, 1, 1),
        (7, 0, 0),
        (1 << 31, 1 << 30, 1 << 62),
    ] {
        assert_eq!(specific_square_ceil(value, specific), square, "{value} {specific}");
    }
    // (Q, lambda, lambda^2 Q)
    for (variance, lambda, squared) in [
        (9, 1 << 16, 9),
        (9, 3 << 15, 21),
        (1, 1, 1),
        (0, 1 << 20, 0),
        (1 << 40, 1, 1 << 8),
        ((1 << 40) + 1, 1, (1 << 8) + 1),
        (5, 16 << 16, 1280),
        (1 << 60, 16 << 16, u64::MAX),
    ] {
        assert_eq!(squared_ceil(variance, lambda), squared, "{variance} {lambda}");
    }
}

/// An asset of any columns at all changes nothing where it is not held.
#[test]
fn what_is_not_held_does_not_matter() {
    holds((modelled(8), any::<u64>()), |(vault, seed)| {
        let vault = vault.fitting();
        let columns = any_coefficients(&mut Source::new(seed, 0));
        let level = Level::Target;
        let rules = [vault.model.rules(level, vault.now)];
        let mut positions: Vec<_> =
            vault.held.iter().map(|held| held.position([level], Prices::Spot, vault.now)).collect();
        let whole =
            |positions: &[_]| assess::<1, Error>(&rules, Prices::Spot, positions.iter().copied().map(Ok), &mut None);
        let before = whole(&positions);
        let mut none = Held::plain();
        none.columns = columns;
        positions.push(none.position([level], Prices::Spot, vault.now));
        positions.last_mut().unwrap().shares = Shares::ZERO;
        prop_assert_eq!(whole(&positions), before);
        Ok(())
    });
}

/// The reference by hand: two assets, two factors, three scenarios.
#[test]
fn the_reference_by_hand() {
    let mut rules = Governed::plain();
    (rules.netting, rules.factors, rules.scenarios, rules.tail) = (true, 2, 3, 2);
    (rules.lambdas, rules.multipliers) = ([2 << 16; 3], [3 << 15; 3]);
    (rules.floor, rules.valid_until) = (Fraction::new(1 << 31), 1_000);
    let half = 1 << 29;
    let part = |side, value: u64, moves| Part {
        side,
        value: Exact::int(value),
        depth: ballast_risk::haircut::Depth::OFF,
        moves: [moves, &Sensitivities::NONE],
    };
    let moves = |loadings, specific, shocks| Sensitivities { loadings, specific, shocks };
    let a = moves([half, half / 2, 0, 0, 0, 0], 1 << 29, [-half, half, half, 0, 0, 0, 0, 0]);
    let b = moves([half, -half, 0, 0, 0, 0], 0, [0, half, -half, 0, 0, 0, 0, 0]);
    let parts = || vec![part(Side::Deposit, 100, &a), part(Side::Debt, 40, &b)];
    let sums = Sums::of(&rules, parts());
    let needs = sums.needs(Level::Maint, 0, End::Low, |at| Exact::new([1, 2][at], 2));
    assert_eq!((needs.equity.clone(), needs.gross.clone()), (Exact::int(60), Exact::int(140)));
    // A quarter of 100, a half of 40; half of it by the floor.
    assert_eq!((needs.haircuts.clone(), needs.floored.clone()), (Exact::int(45), Exact::new(45, 1)));
    // x = 50 - 20 = 30 and 25 + 20 = 45, s e = 50: Q = 900 + 2025 + 2500, times four.
    assert_eq!(needs.square, Exact::int(4 * 5_425));
    // Losses 50, -50 + 20 = -30, -50 - 20 = -70: the worst two add up to 20, times 1.5.
    assert_eq!(needs.stress, Exact::int(15 * TAILS));
    // P = 147.3, S = 15, half of H = 22.5.
    assert!(!needs.met() && needs.requires_at_most(&Exact::int(148)) && !needs.requires_at_most(&Exact::int(147)));
    assert_eq!(BigInt::from(60), needs.equity.to_integer());
    // In place of a model with a floor of a quarter and one scenario, in which both fall by 3 / 16: S = 60 x 3 / 16.
    let before = Terms { scenarios: 1, tail: 1, multipliers: [1 << 16; 3], ..Terms::OFF };
    let before = Terms { netting: true, floor: Fraction::new(1 << 30), ..before };
    rules.change = Some(Change { before, window: (100, 64) });
    let old = moves([0; 6], 0, [-3 * half / 8, 0, 0, 0, 0, 0, 0, 0]);
    let sums =
        Sums::of(&rules, parts().into_iter().map(|part| Part { moves: [part.moves[0], &old], ..part }).collect());
    let needs = |level, now| sums.needs(level, now, End::Low, |at| Exact::new([1, 2][at], 2));
    // In 64ths of a micro-dollar: before, at the start, after a half and after 7 / 8 of the window, and at its end.
    for (now, floored, square, stress) in
        [(99, 720, 0, 720), (100, 720, 0, 720), (132, 1_080, 16, 720), (156, 1_350, 49, 840), (164, 1_440, 64, 960)]
    {
        let maint = needs(Level::Maint, now);
        assert_eq!((maint.floored, maint.square), (Exact::new(floored, 6), Exact::new(square * 4 * 5_425, 6)), "{now}");
        assert_eq!(maint.stress, Exact::new(stress * TAILS, 6), "{now}");
        let init = needs(Level::Init, now);
        assert_eq!((init.floored, init.square), (Exact::new(45, 1), Exact::int(4 * 5_425)));
        assert_eq!(init.stress, Exact::int(15 * TAILS));
    }
}
