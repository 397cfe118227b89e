//! The size-dependent requirement of one position against the integral it stands for.
use crate::reference::*;
use ballast_risk::haircut::{
    Depth, MIN_DEPTH, collateral_floor, debt_addon_ceil, marginal_addon_ceil, marginal_haircut_ceil, size_cost_at_ceil,
    size_cost_ceil,
};
use ballast_risk::health::Side;
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Fraction, Usd};
use proptest::prelude::*;

/// A value anywhere, or within a few units or ticks (2^-32) of where the marginal haircut reaches one.
fn positions() -> impl Strategy<Value = (u64, Fraction, Depth)> {
    let near = (depths(), fractions(), -70i64..=70, any::<bool>()).prop_map(|(depth, h, off, ticks)| {
        let l = depth.parts().0;
        let cap = (u128::from(l) * (u128::from(u32::MAX) + 1 - u128::from(h.get()))) >> 33;
        let off = if ticks { i128::from(off) * i128::from(l >> 32) / 8 } else { i128::from(off) };
        let value = u64::try_from((i128::try_from(cap).unwrap() + off).max(0)).unwrap();
        (value.min(MAX_VALUE - 1), h, depth)
    });
    prop_oneof![near, (values(), fractions(), depths())]
}

/// The stored reciprocal, as its documentation states it; refused exactly outside of the documented range.
#[test]
fn a_depth_and_its_reciprocal() {
    holds(between(0, MAX_VALUE + 100), |x| {
        let Some(depth) = Depth::new(Usd::new(x)) else {
            prop_assert!(x != 0 && (x < MIN_DEPTH.get() || x >= MAX_VALUE));
            return Ok(());
        };
        let (value, reciprocal, shift) = depth.parts();
        prop_assert_eq!(value, x);
        prop_assert_eq!(Depth::from_parts(value, reciprocal, shift), depth);
        if x == 0 {
            prop_assert_eq!(depth, Depth::OFF);
            return Ok(());
        }
        let bits = 64 - x.leading_zeros();
        prop_assert_eq!(u32::from(shift), bits - 33);
        prop_assert!(reciprocal >= 1 << 31);
        // r < 2^(31 + bits) / x <= r + 1.
        let whole = 1u128 << (31 + bits);
        prop_assert!(u128::from(reciprocal) * u128::from(x) < whole);
        prop_assert!((u128::from(reciprocal) + 1) * u128::from(x) >= whole);
        Ok(())
    });
}

/// What a haircut may be too large by. Below the cap: `1 - h` is 2^-32 short, the ratio `V / L` (at most a half there) at
/// most 3 of 2^-32 too high, and the product is rounded down by less than a unit: `V x 4 x 2^-32 + 1`.
/// From the cap on: `(1 - h)^2 L / 4` with both factors 2^-32 short loses `(1 - h) L / 2 x 2^-32`, which is `V x 2^-32`
/// and a 30th of a unit (the rounded ratio reaches the cap at most 5.5 of 2^-32 early), and the roundings less than 2.5;
/// the other bound there, `V x ratio`, loses no more than the branch below the cap does.
fn haircut_slack(value: u64) -> Exact {
    Exact::int(value) * Exact::new(4, 32) + Exact::int(3)
}

#[test]
fn a_haircut_is_never_too_small() {
    holds(positions(), |(value, h, depth)| {
        let counted = collateral_floor(value, h, depth);
        prop_assert!(counted <= value);
        let taken = Exact::int(value - counted);
        let v = Exact::int(value);
        prop_assert!(taken >= hair(&v, h, depth, End::High), "too small");
        prop_assert!(taken - hair(&v, h, depth, End::Low) <= haircut_slack(value), "too large");
        Ok(())
    });
}

/// `V g + V^2 / L` is never too small. The ratio `q` is too high by at most 3 of 2^-32 and `q x 2^-31`, and the product
/// by at most a unit.
#[test]
fn an_addon_is_never_too_small() {
    holds(positions(), |(value, g, depth)| {
        let got = debt_addon_ceil(value, g, depth);
        let v = Exact::int(value);
        let (low, high) = (addon(&v, g, depth, End::Low), addon(&v, g, depth, End::High));
        if got == u64::MAX {
            prop_assert!(high > Exact::int(u64::MAX >> 1));
            return Ok(());
        }
        prop_assert!(Exact::int(got) >= high, "too small");
        let size = &low - &(&v * &fraction(g));
        let slack = &v * &Exact::new(3, 32) + size.halved(31) + Exact::one();
        prop_assert!(Exact::int(got) - low <= slack, "too large");
        Ok(())
    });
}

/// Larger haircuts count less, in every order of the branches; larger add-ons require more.
#[test]
fn levels_are_ordered() {
    let close =
        (positions(), 0u32..=9).prop_map(|((v, h, d), up)| (v, h, Fraction::new(h.get().saturating_add(up)), d));
    let any_ = (positions(), fractions()).prop_map(|((v, a, d), b)| (v, a.min(b), a.max(b), d));
    holds(prop_oneof![close, any_], |(value, low, high, depth)| {
        prop_assert!(collateral_floor(value, low, depth) >= collateral_floor(value, high, depth), "haircut");
        prop_assert!(debt_addon_ceil(value, low, depth) <= debt_addon_ceil(value, high, depth), "add-on");
        Ok(())
    });
}

/// A larger deposit does not count less, except for one tick (2^-32) of it: where the rounded ratio `V / L` goes up by a
/// tick, the whole value is multiplied with it. A larger debt never requires less.
#[test]
fn more_counts_more_up_to_a_tick() {
    let step = prop_oneof![between(0, MAX_VALUE), 1u64..=4];
    holds((positions(), step), |((value, h, depth), step)| {
        let more = value.saturating_add(step).min(MAX_VALUE - 1);
        let (before, after) = (collateral_floor(value, h, depth), collateral_floor(more, h, depth));
        let tick = if depth == Depth::OFF { 0 } else { (more >> 32) + 1 };
        prop_assert!(after + tick >= before, "falls by {}, tick {}", before - after, tick);
        let (before, after) = (debt_addon_ceil(value, h, depth), debt_addon_ceil(more, h, depth));
        prop_assert!(after >= before);
        Ok(())
    });
}

/// The margins that a liquidation steps by: never below the exact slopes `min(1, h + 2 V / L)` and `g + 2 V / L`, above
/// by at most 6 of 2^-32 and a 2^-31st part of twice the ratio, and one unit more for the haircut.
#[test]
fn margins_are_never_too_small() {
    holds(positions(), |(value, h, depth)| {
        let ratio = match depth.parts().0 {
            0 => Exact::zero(),
            l => (Exact::int(value) * Exact::int(2)).over(l, End::High),
        };
        let slack = Exact::new(7, 32) + ratio.clone().halved(31) + Exact::tick(600);
        let exact = &ratio + fraction(h);
        let got = Exact::new(marginal_addon_ceil(value, h, depth), 32);
        prop_assert!(got >= exact && &got - &exact <= slack);
        let exact = (&ratio + haircut(h)).min_one();
        let got = Exact::new(marginal_haircut_ceil(value, h, depth), 32);
        prop_assert!(got >= exact && got <= Exact::one() && &got - &exact <= slack);
        Ok(())
    });
}

/// Parts that no constructor makes, and values beyond the bound: decided, never a panic.
#[test]
fn any_depth_is_decided() {
    holds((word(), fractions(), word(), any::<u32>(), any::<u8>()), |(value, h, l, reciprocal, shift)| {
        let depth = Depth::from_parts(l, reciprocal, shift);
        let _ = (collateral_floor(value, h, depth), debt_addon_ceil(value, h, depth));
        let _ = (marginal_haircut_ceil(value, h, depth), marginal_addon_ceil(value, h, depth));
        Ok(())
    });
}

/// The cost of size by itself: never below the exact one, above by less than a debt's is (see the add-on); up to half of
/// the depth the same for both sides, and nothing without a depth.
#[test]
fn size_costs_both_sides_the_same_up_to_half_of_the_depth() {
    holds((values(), depths(), any::<u8>()), |(value, depth, near)| {
        let l = depth.parts().0;
        // Half of the cases within a few depths.
        let value = if near < 128 && l != 0 { value % (2 * l) } else { value } % MAX_VALUE;
        let [deposit, debt] = [Side::Deposit, Side::Debt].map(|side| size_cost_ceil(value, side, depth));
        if l == 0 {
            prop_assert_eq!((deposit, debt), (0, 0));
            return Ok(());
        }
        let exact = Exact::int(value);
        let (sold, bought) =
            (hair(&exact, Fraction::ZERO, depth, End::Low), addon(&exact, Fraction::ZERO, depth, End::Low));
        prop_assert!(Exact::int(deposit) >= sold && Exact::int(debt) >= bought || debt == u64::MAX);
        prop_assert!(Exact::int(deposit) - sold <= &exact * &Exact::tick(30) + Exact::int(4));
        if value < l / 2 - l / 1_000 {
            prop_assert_eq!(deposit, debt);
        }
        prop_assert!(deposit <= debt && deposit <= value);
        prop_assert_eq!(deposit, size_cost_at_ceil(value, Side::Deposit, depth, depth.ratio_ceil(value)));
        Ok(())
    });
}
