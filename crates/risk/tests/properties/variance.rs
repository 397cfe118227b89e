//! Realised variance and the volatility multiplier (risk model 3.1).
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::Fraction;
use ballast_risk::price::Price;
use ballast_risk::variance::{moved_ceil, multiplied_ceil, multiplier_ceil, renewed_ceil};
use proptest::prelude::*;

/// Two prices, half of the time within a few per cent or a few units of the last place.
fn pairs() -> impl Strategy<Value = (Price, Price)> {
    any::<u64>().prop_map(|seed| {
        let s = &mut Source::new(seed, 0);
        let old = priced(s.word(), s.between(40, 170));
        let shift = u64::from(old.shift());
        let near = |by: u64| priced(old.mantissa().wrapping_add(by), shift);
        let new = match s.below(8) {
            0 => near(s.between(0, 1 << 40)),
            1 => near(s.between(0, 1 << 40).wrapping_neg()),
            2 | 3 => near(s.bits() >> 6),
            4 => priced(s.word(), shift + 1),
            5 => priced(s.word(), shift - 1),
            6 => priced(s.word(), shift),
            _ => priced(s.word(), s.between(40, 170)),
        };
        (old, new)
    })
}

/// Never below `|new - old| / old`. Above it by what the upper words lack: the difference is less than 2 units too large, the
/// divisor less than one too small, of at least 2^31 units of the larger price. With r the ratio of the larger to the old
/// price that is less than `(2 + move) r` units of 2^-31, and a tick.
#[test]
fn a_move_is_never_too_small() {
    holds(pairs(), |(old, new)| {
        let got = moved_ceil(old, new);
        if old == new {
            prop_assert_eq!(got, Fraction::ZERO);
            return Ok(());
        }
        let (p, q) = (price(old), price(new));
        let gap = if p < q { &q - &p } else { &p - &q };
        let over = |limit: Exact| gap >= limit * &p;
        if got == Fraction::MAX {
            prop_assert!(over(Exact::one() - Exact::new(1, 26)));
            return Ok(());
        }
        prop_assert!(fraction(got) * &p >= gap, "too small");
        let larger = if p < q { q } else { p.clone() };
        let slack = (larger * Exact::new(3, 31)).halved(0) + (&p * &Exact::tick(32));
        prop_assert!(fraction(got) * &p <= &gap + slack, "too large");
        Ok(())
    });
}

/// `variance x (1 - elapsed / period) + moved^2 / period`, or `moved^2 / elapsed` from a period on: never below, and above by
/// two units and what the weight lacks, 2^-32 of the variance, until it saturates.
#[test]
fn a_variance_is_never_too_small() {
    let input = (word(), fractions(), between(0, 1 << 33), between(1, 2_592_000), any::<bool>());
    holds(input, |(variance, moved, elapsed, period, within)| {
        let elapsed = if within { elapsed % period } else { elapsed };
        let got = renewed_ceil(variance, moved, elapsed, u32::try_from(period).unwrap());
        let square = Exact::int(moved.get()) * Exact::int(moved.get());
        // Multiplied with the divisor.
        let (exact, by) = if elapsed >= period {
            (square, elapsed)
        } else {
            (Exact::int(variance) * Exact::int(period - elapsed) + square, period)
        };
        let by = Exact::int(by);
        prop_assert!(Exact::int(got) * &by >= exact || got == u64::MAX, "too small");
        let slack = Exact::int(2) + Exact::new(variance, 32);
        prop_assert!((Exact::int(got) - slack) * &by <= exact, "too large");
        Ok(())
    });
}

/// `clamp(realised / calibrated, 1, most)`, rounded up to 2^-16.
#[test]
fn a_multiplier_is_rounded_up() {
    holds((word(), word(), between(1 << 16, 16 << 16)), |(realised, calibrated, most)| {
        let got = multiplier_ceil(realised, calibrated, u32::try_from(most).unwrap());
        prop_assert!(got >= 1 << 16 && u64::from(got) <= most);
        if calibrated == 0 {
            prop_assert_eq!(got, 1 << 16);
            return Ok(());
        }
        let ratio = (u128::from(realised) << 16).div_ceil(u128::from(calibrated));
        prop_assert_eq!(u128::from(got), ratio.clamp(1 << 16, u128::from(most)));
        Ok(())
    });
}

#[test]
fn multiplied_rounds_up_to_one() {
    holds((fractions(), between(0, 16 << 16)), |(part, multiplier)| {
        let exact = (u128::from(part.get()) * u128::from(multiplier)).div_ceil(1 << 16).min(u128::from(u32::MAX));
        let got = multiplied_ceil(part, u32::try_from(multiplier).unwrap());
        prop_assert_eq!(u128::from(got.get()), exact);
        Ok(())
    });
}

#[test]
fn variances_by_hand() {
    let price = |mantissa: u64, shift| Price::from_parts(mantissa, shift).unwrap();
    let (one, half) = (price(1 << 63, 63), price(1 << 63, 64));
    let quarter_more = price(5 << 61, 63);
    let moved = |old, new| moved_ceil(old, new).get();
    assert_eq!(moved(one, one), 0);
    // In 2^-32, with two ticks for what the upper words may lack.
    assert_eq!(moved(one, quarter_more), (1 << 30) + 2);
    assert_eq!(moved(one, half), (1 << 31) + 2);
    assert_eq!(moved(half, one), u32::MAX);
    assert_eq!(moved(price(1 << 63, 170), one), u32::MAX);
    assert_eq!(moved(one, price(1 << 63, 170)), u32::MAX);

    let renewed = |variance, moved: u32, elapsed, period| renewed_ceil(variance, Fraction::new(moved), elapsed, period);
    // A quarter is forgotten, 100 / 8 comes in.
    assert_eq!(renewed(1_000, 10, 2, 8), 750 + 13);
    assert_eq!(renewed(1_000, 0, 2, 8), 750);
    assert_eq!(renewed(1_000, 0, 0, 8), 1_000);
    assert_eq!(renewed(1_000, 10, 7, 8), 125 + 13);
    assert_eq!(renewed(1_000, 10, 8, 8), 13);
    assert_eq!(renewed(1_000, 10, 50, 8), 2);
    assert_eq!(renewed(1_000, 10, 0, 0), 100);
    assert_eq!(renewed(u64::MAX, u32::MAX, 0, 1), u64::MAX);

    for (realised, calibrated, most, multiplier) in [
        (100, 100, 3 << 16, 1 << 16),
        (99, 100, 3 << 16, 1 << 16),
        (150, 100, 3 << 16, 3 << 15),
        (101, 100, 3 << 16, 66_192),
        (300, 100, 3 << 16, 3 << 16),
        (301, 100, 3 << 16, 3 << 16),
        (u64::MAX, 1, 16 << 16, 16 << 16),
        (5, 0, 3 << 16, 1 << 16),
        (5, 1, 0, 1 << 16),
        (u64::MAX, 1, 0, 1 << 16),
    ] {
        assert_eq!(multiplier_ceil(realised, calibrated, most), multiplier, "{realised} / {calibrated}");
    }
    let multiplied = |part, multiplier| multiplied_ceil(Fraction::new(part), multiplier).get();
    assert_eq!(multiplied(10, 3 << 15), 15);
    assert_eq!(multiplied(11, 3 << 15), 17);
    assert_eq!(multiplied(1 << 31, 2 << 16), u32::MAX);
    assert_eq!(multiplied((1 << 31) - 1, 2 << 16), u32::MAX - 1);
    assert_eq!(multiplied(u32::MAX, 1 << 16), u32::MAX);
}

/// Any words: decided, never a panic.
#[test]
fn any_variance_is_decided() {
    holds((word(), word(), any::<(u32, u32)>(), fractions()), |(a, b, (x, y), part)| {
        let _ = (renewed_ceil(a, part, b, x), multiplier_ceil(a, b, y), multiplied_ceil(part, x));
        Ok(())
    });
}
