//! Ramps (risk model 3.1).
use crate::reference::model::ramp;
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::ramp::{MAX_RAMP_SECONDS, Ramp};
use ballast_risk::{Error, Fraction};
use proptest::prelude::*;

/// A window, and a time before, inside or after it.
pub fn windows() -> impl Strategy<Value = (u64, u64, u64)> {
    any::<u64>().prop_map(|seed| {
        let s = &mut Source::new(seed, 0);
        let seconds = s.between(0, MAX_RAMP_SECONDS);
        let start = s.between(0, u64::MAX - MAX_RAMP_SECONDS);
        let now = match s.below(8) {
            0 => s.word(),
            1 => start + seconds - s.below(3).min(seconds),
            2 => start + s.below(3),
            _ => start + s.between(0, seconds),
        };
        (start, seconds, now)
    })
}

/// Never below the line, where `MAX` is one, and less than three ticks above it; between the two values; exactly the
/// first before and the second after.
#[test]
fn a_ramp_is_never_below_its_line() {
    let near = (fractions(), 0u32..9).prop_map(|(a, off)| (a, Fraction::new(a.get().saturating_sub(off))));
    let values = prop_oneof![2 => (fractions(), fractions()), 1 => near];
    holds((windows(), values, any::<bool>()), |((start, seconds, now), (a, b), swap)| {
        let (from, to) = if swap { (b, a) } else { (a, b) };
        let window = Ramp::new(start, seconds).unwrap();
        let got = window.value_ceil(from, to, now);
        prop_assert!(got >= from.min(to) && got <= from.max(to));
        prop_assert_eq!(window.over(now), now >= start + seconds);
        if now >= start + seconds {
            prop_assert_eq!(got, to);
        } else if now <= start && from >= to {
            prop_assert_eq!(got, from);
        }
        let line = |end| ramp(&haircut(from), &haircut(to), (start, start + seconds), now, end);
        prop_assert!(haircut(got) >= line(End::High), "below the line");
        prop_assert!(haircut(got) - line(End::Low) < Exact::new(3, 32), "far above the line");
        Ok(())
    });
}

/// Values in order at both ends are in order in between; a ramp never turns back by more than its rounding.
#[test]
fn ramps_keep_the_order() {
    let values = prop::array::uniform4(fractions());
    holds((windows(), values, 0u64..1_000), |((start, seconds, now), [a, b, c, d], later)| {
        let window = Ramp::new(start, seconds).unwrap();
        let low = window.value_ceil(a.min(b), c.min(d), now);
        let high = window.value_ceil(a.max(b), c.max(d), now);
        prop_assert!(low <= high);
        let next = window.value_ceil(a, c, now.saturating_add(later));
        let here = window.value_ceil(a, c, now);
        let (low, high) = if a <= c { (here, next) } else { (next, here) };
        prop_assert!(low <= high);
        Ok(())
    });
}

#[test]
fn ramps_by_hand() {
    let window = Ramp::new(1_000, 64).unwrap();
    assert_eq!(window.parts(), (1_000, 1_064, 1 << 50));
    let (start, end, reciprocal) = window.parts();
    assert_eq!(Ramp::from_parts(start, end, reciprocal), window);
    assert_eq!((window.over(1_063), window.over(1_064)), (false, true));
    let at = |from: u32, to: u32, now| window.value_ceil(Fraction::new(from), Fraction::new(to), now).get();
    // Up by 64 x 2^20: a tick of progress more, rounded up.
    let up = |now| at(1 << 28, (1 << 28) + (64 << 20), now);
    for (now, value) in [(0, 0), (999, 0), (1_000, 0), (1_001, (1 << 20) + 1), (1_063, (63 << 20) + 1)] {
        assert_eq!(up(now), (1 << 28) + value, "{now}");
    }
    assert_eq!((up(1_064), up(u64::MAX)), ((1 << 28) + (64 << 20), (1 << 28) + (64 << 20)));
    // Down: a tick of progress less.
    let down = |now| at(1 << 28, 0, now);
    for (now, value) in [(0, 0), (1_000, 0), (1_001, 1 << 22), (1_032, 32 << 22), (1_063, 63 << 22)] {
        let rounding = u32::from(now > 1_000);
        assert_eq!(down(now), (1 << 28) - value + rounding, "{now}");
    }
    assert_eq!(down(1_064), 0);
    // Up to one, which is a tick beyond the largest number.
    assert_eq!(at(0, u32::MAX, 1_032), (1 << 31) + 1);
    assert_eq!(at(u32::MAX, u32::MAX, 1_032), u32::MAX);
    assert_eq!(at(u32::MAX, 0, 1_032), (1 << 31) + 1);
    // No window: over at once.
    let none = Ramp::new(1_000, 0).unwrap();
    assert_eq!(none.parts(), (1_000, 1_000, 0));
    assert!(none.over(1_000) && !none.over(999) && Ramp::default().over(0));
    assert_eq!(none.value_ceil(Fraction::ZERO, Fraction::MAX, 1_000), Fraction::MAX);
    // 2^56 / 3, rounded up.
    assert_eq!(Ramp::new(0, 3).unwrap().parts().2, 24_019_198_012_642_646);
}

#[test]
fn windows_are_checked() {
    assert!(Ramp::new(5, 1 << 24).is_ok());
    assert_eq!(Ramp::new(5, (1 << 24) + 1), Err(Error::BadRamp));
    assert!(Ramp::new(u64::MAX - 10, 10).is_ok());
    assert_eq!(Ramp::new(u64::MAX - 10, 11), Err(Error::BadRamp));
}

/// Parts that no constructor makes: decided, never a panic.
#[test]
fn any_ramp_is_decided() {
    holds((word(), word(), word(), word(), (fractions(), fractions())), |(start, end, reciprocal, now, (a, b))| {
        let _ = Ramp::from_parts(start, end, reciprocal).value_ceil(a, b, now);
        Ok(())
    });
}
