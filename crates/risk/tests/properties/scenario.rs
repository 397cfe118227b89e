//! Joint scenarios: the worst, and the mean of several (risk model 3.3).
use crate::reference::model::Governed;
use crate::reference::source::Source;
use crate::reference::vault::*;
use crate::reference::*;
use ballast_risk::exposure::Exposures;
use ballast_risk::health::{Binding, Level, Side};
use ballast_risk::model::{Coefficients, Measure, Sensitivities, Version};
use ballast_risk::scenario::{Losses, losses_ceil, worst};
use proptest::prelude::*;

fn measure(scenarios: u8, tail: u8) -> Measure {
    Measure { scenarios, tail, ..Measure::OFF }
}

/// Losses are `-sum of shock x exposure`, each rounded up; the worst are what sorting says.
#[test]
fn losses_are_of_the_scaled_exposures() {
    holds((any::<u64>(), 0usize..=32, 1u64..=56, 1u8..=8, any::<u8>()), |(seed, n, bits, scenarios, tail)| {
        let s = &mut Source::new(seed, 0);
        let tail = 1 + tail % scenarios;
        let moves: Vec<Sensitivities> = (0..n).map(|_| shocks(s, scenarios)).collect();
        let version = s.one_of(&[Version::Current, Version::Previous]);
        let columns: Vec<Coefficients> = moves.iter().map(|moves| only(version, moves)).collect();
        let mut exposures = Exposures::default();
        let mut gross = 0;
        for columns in &columns {
            let size = s.word() >> (64 - bits);
            gross += size;
            let value = if s.one_in(3) { -size.cast_signed() } else { size.cast_signed() };
            exposures.push(value, columns).unwrap();
        }
        exposures.scale(gross);
        let mut expected: Vec<(i128, usize)> = (0..usize::from(scenarios))
            .map(|k| {
                let terms = exposures.used().iter().zip(&moves);
                let sum: i128 = terms.map(|(e, m)| i128::from(e.value) * i128::from(m.shocks[k])).sum();
                // Rounding up is to the next multiple of 2^30.
                (-sum.div_euclid(1 << 30), k)
            })
            .collect();
        let measure = Measure { version, ..measure(scenarios, tail) };
        let got = losses_ceil(&exposures, &measure);
        for (loss, k) in &expected {
            prop_assert_eq!(i128::from(got[*k]), *loss);
        }
        // Of equal ones the first.
        expected.sort_by_key(|(loss, k)| (-loss, *k));
        let counted = &expected[..usize::from(tail)];
        let result = worst(got, &measure);
        let sum = counted.iter().map(|(loss, _)| loss).sum::<i128>().max(0);
        prop_assert_eq!(i128::from(result.sum), sum);
        prop_assert_eq!(usize::from(result.worst), expected[0].1);
        prop_assert_eq!(usize::from(result.counted), counted.iter().map(|(_, k)| 1 << k).sum::<usize>());
        prop_assert_eq!(result.tail, tail);
        Ok(())
    });
}

/// In one model so, in the other anything but that.
fn only(version: Version, moves: &Sensitivities) -> Coefficients {
    let other = Sensitivities { shocks: moves.shocks.map(|shock| shock / 2 + 1), ..*moves };
    match version {
        Version::Current => [moves.columns(), other.columns()],
        Version::Previous => [other.columns(), moves.columns()],
    }
}

fn shocks(s: &mut Source, scenarios: u8) -> Sensitivities {
    let mut moves = Sensitivities::NONE;
    for shock in moves.shocks.iter_mut().take(usize::from(scenarios)) {
        let up = i32::try_from(s.between(0, (1 << 31) - 1)).unwrap();
        *shock = if s.one_in(2) { up } else { -(up >> 1) };
    }
    moves
}

#[test]
fn the_worst_by_hand() {
    let losses = [3, -8, 12, 12, 5, 40, 99, 99];
    let of = |sum, tail, worst, counted| Losses { sum, tail, worst, counted };
    assert_eq!(worst(losses, &measure(1, 1)), of(3, 1, 0, 0b1));
    assert_eq!(worst(losses, &measure(4, 1)), of(12, 1, 2, 0b100));
    assert_eq!(worst(losses, &measure(4, 2)), of(24, 2, 2, 0b1100));
    assert_eq!(worst(losses, &measure(4, 4)), of(19, 4, 2, 0b1111));
    assert_eq!(worst(losses, &measure(6, 3)), of(64, 3, 5, 0b10_1100));
    assert_eq!(worst(losses, &measure(8, 2)), of(198, 2, 6, 0b1100_0000));
    // Gains are no loss.
    assert_eq!(worst([-1; 8], &measure(3, 2)), of(0, 2, 0, 0b11));
    assert_eq!(worst(losses, &measure(0, 0)), of(0, 0, 0, 0));
    assert_eq!(of(7, 1, 0, 0).multiplied(3 << 15), 7 * (3 << 15));
}

/// 1,000 dollars of a deposit that falls by a half or rises, against 300 dollars of a debt that rises by a half.
#[test]
fn a_vault_under_stress_by_hand() {
    let half = 1 << 29;
    let moves = |shocks: [i32; 3]| {
        let mut moves = Sensitivities::NONE;
        moves.shocks[..3].copy_from_slice(&shocks);
        moves
    };
    let held = |side, dollars: u64, moves: Sensitivities| Held {
        // Half a micro-dollar a share.
        shares: dollars * 2_000_000,
        side,
        moves,
        columns: coefficients(&moves),
        ..Held::plain()
    };
    let vault = |tail: u8, multipliers| {
        let mut rules = Governed::plain();
        (rules.scenarios, rules.tail, rules.multipliers) = (3, tail, multipliers);
        let long = held(Side::Deposit, 1_000, moves([-half, half, 0]));
        let short = held(Side::Debt, 300, moves([0, 0, half]));
        Vault { model: rules.model(), rules, now: 0, held: vec![long, short] }
    };
    const DOLLAR: u64 = 1_000_000;
    // The debt is a micro-dollar more, each time rounded up.
    let check = |tail, multipliers, level: Level| vault(tail, multipliers).check(level).unwrap();
    let one = 1 << 16;
    let worst = check(1, [one; 3], Level::Maint);
    assert_eq!((worst.stress().get(), worst.requirement().get()), (500 * DOLLAR, 500 * DOLLAR));
    assert_eq!((worst.modelled.worst, worst.modelled.tail, worst.binding()), (0, 1, Binding::Stress));
    assert!(worst.passes());
    // The mean of 500 and 150 dollars.
    let mean = check(2, [one; 3], Level::Maint);
    assert_eq!(mean.stress().get(), 325 * DOLLAR + 1);
    // The gain of 500 counts against them.
    assert_eq!(check(3, [one; 3], Level::Maint).stress().get(), 50 * DOLLAR + 1);
    // 750 dollars are more than the equity of 700.
    let levels = [3 << 15, 5 << 14, one];
    for (level, stress, passes) in [(Level::Init, 750, false), (Level::Target, 625, true), (Level::Maint, 500, true)] {
        let health = check(1, levels, level);
        assert_eq!((health.stress().get(), health.passes()), (stress * DOLLAR, passes));
    }
}
