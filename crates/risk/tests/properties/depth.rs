//! A depth that changes: the cost of size along a window (risk model 3.1).
use crate::ramp::windows;
use crate::reference::*;
use ballast_risk::haircut::{Depth, MIN_DEPTH, debt_addon_ceil, size_cost_ceil};
use ballast_risk::health::Side;
use ballast_risk::ramp::Ramp;
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Fraction, Usd};
use num_rational::BigRational;
use proptest::prelude::*;

fn depth(value: u64) -> Depth {
    Depth::new(Usd::new(value)).unwrap()
}

/// `1 / L`, nothing when off.
fn reciprocal(depth: Depth) -> BigRational {
    match depth.parts().0 {
        0 => rational(0, 1),
        value => rational(1, value),
    }
}

/// Both ends anything, or close to each other.
fn pairs() -> impl Strategy<Value = (Depth, Depth)> {
    let close = (depths(), 0u64..1_000).prop_map(|(a, off)| match a.parts().0 {
        0 => (a, a),
        value => (a, depth((value + off).min(MAX_VALUE - 1))),
    });
    (prop_oneof![2 => (depths(), depths()), 1 => close], any::<bool>())
        .prop_map(|((a, b), swap)| if swap { (b, a) } else { (a, b) })
}

/// The largest whole depth whose reciprocal is not below the line, as far as there is one below 2^56; and one that may be
/// stored and listed.
#[test]
fn a_depth_is_the_largest_that_is_not_below_its_line() {
    holds((windows(), pairs()), |((start, seconds, now), (before, after))| {
        let got = Depth::ramped(before, after, Ramp::new(start, seconds).unwrap(), now);
        prop_assert_eq!(Depth::new(Usd::new(got.parts().0)), Some(got));
        if now <= start || now >= start + seconds {
            prop_assert_eq!(got, if now >= start + seconds { after } else { before });
            return Ok(());
        }
        let (from, to) = (reciprocal(before), reciprocal(after));
        let line = &from + (&to - &from) * rational(now - start, seconds);
        prop_assert!(reciprocal(got) >= line);
        prop_assert!(reciprocal(got) <= from.max(to), "beyond both ends");
        if got != Depth::OFF && got.parts().0 < MAX_VALUE - 1 {
            prop_assert!(rational(1, got.parts().0 + 1) < line, "too shallow");
        }
        Ok(())
    });
}

/// Never back; and with the depth the cost of size. That of a debt to the unit; that of a deposit up to what one may be too
/// large by (tests/haircut.rs).
#[test]
fn size_costs_no_more_than_at_both_ends() {
    holds((windows(), pairs(), word(), values()), |((start, seconds, now), (before, after), later, value)| {
        let window = Ramp::new(start, seconds).unwrap();
        let at = |now| Depth::ramped(before, after, window, now);
        let (here, there) = (at(now), at(now.saturating_add(later % (seconds + 1))));
        let (a, b, c, d) = (reciprocal(before), reciprocal(here), reciprocal(there), reciprocal(after));
        prop_assert!(a <= b && b <= c && c <= d || a >= b && b >= c && c >= d);
        let of_debt = |depth| debt_addon_ceil(value, Fraction::ZERO, depth);
        let of_deposit = |depth| size_cost_ceil(value, Side::Deposit, depth);
        let mut all = [before, here, there, after];
        if a > d {
            all.reverse();
        }
        for pair in all.windows(2) {
            prop_assert!(of_debt(pair[0]) <= of_debt(pair[1]));
            prop_assert!(of_deposit(pair[0]) <= of_deposit(pair[1]) + (value >> 30) + 4);
        }
        Ok(())
    });
}

#[test]
fn depths_by_hand() {
    let window = Ramp::new(1_000, 64).unwrap();
    let at = |before, after, now| Depth::ramped(before, after, window, now).parts().0;
    let (large, small) = (depth(1 << 34), depth(1 << 33));
    // Half of the way from 1 to 2 is 3 / 2, a quarter 5 / 4: 2^34 / 1.5 and 2^34 / 1.25. From 2 to 1 a quarter is 7 / 4.
    for (now, down, up) in [
        (0, 1 << 34, 1 << 33),
        (1_000, 1 << 34, 1 << 33),
        (1_016, 13_743_895_347, 9_817_068_105),
        (1_032, 11_453_246_122, 11_453_246_122),
        (1_064, 1 << 33, 1 << 34),
        (u64::MAX, 1 << 33, 1 << 34),
    ] {
        assert_eq!((at(large, small, now), at(small, large, now)), (down, up), "{now}");
    }
    // Off is infinitely deep: a quarter of the cost is four times the depth, as far as depths go.
    for (now, on, off) in
        [(1_000, 0, 1 << 40), (1_001, 1 << 46, (1 << 46) / 63), (1_016, 1 << 42, (1 << 42) / 3), (1_064, 1 << 40, 0)]
    {
        assert_eq!((at(Depth::OFF, depth(1 << 40), now), at(depth(1 << 40), Depth::OFF, now)), (on, off), "{now}");
    }
    let deep = depth(1 << 52);
    assert_eq!((at(Depth::OFF, deep, 1_001), at(Depth::OFF, deep, 1_005)), (MAX_VALUE - 1, (1 << 58) / 5));
    assert_eq!((at(deep, Depth::OFF, 1_063), at(Depth::OFF, Depth::OFF, 1_001)), (MAX_VALUE - 1, 0));
    assert_eq!(at(large, large, 1_001), 1 << 34);
    // The longest window of the deepest.
    let window = Ramp::new(0, 1 << 24).unwrap();
    let deepest = depth(MAX_VALUE - 1);
    let first = Depth::ramped(deepest, depth(MIN_DEPTH.get()), window, 1);
    // 2^24 / (2^24 - 1 + 2^23) of 2^56, not quite.
    assert_eq!(first.parts().0, 48_038_397_934_159_719);
}

/// Parts that no constructor makes: decided, never a panic.
#[test]
fn any_depth_may_change() {
    let any_depth = || (word(), any::<u32>(), any::<u8>()).prop_map(|(l, r, shift)| Depth::from_parts(l, r, shift));
    holds((any_depth(), any_depth(), (word(), word(), word()), word()), |(a, b, (start, end, reciprocal), now)| {
        let _ = Depth::ramped(a, b, Ramp::from_parts(start, end, reciprocal), now);
        Ok(())
    });
}
