//! The fixed-point primitives against unbounded integers, over all arguments that their documentation allows: the
//! shortcuts they take are felt only at arguments that no other module passes.
use crate::reference::*;
use ballast_risk::Fraction;
use ballast_risk::fixed::*;
use num_bigint::BigInt;
use proptest::prelude::*;

/// `numerator / 2^shift` or any other quotient, rounded down; `None` beyond 64 bits.
fn floor(numerator: &BigInt, divisor: &BigInt) -> Option<u64> {
    u64::try_from(numerator / divisor).ok()
}

fn ceil(numerator: &BigInt, divisor: &BigInt) -> Option<u64> {
    floor(&(numerator + divisor - 1), divisor)
}

fn power(shift: u32) -> BigInt {
    BigInt::from(1) << shift
}

#[test]
fn products() {
    holds((word(), word(), 0u32..128), |(a, b, shift)| {
        let product = BigInt::from(a) * b;
        prop_assert_eq!(mul_shift_floor(a, b, shift), floor(&product, &power(shift)));
        let shift = shift % 64;
        prop_assert_eq!(mul_shift_ceil(a, b, shift), ceil(&product, &power(shift)));
        let (high, low) = half_product(a, b.min(1 << 32));
        prop_assert_eq!((BigInt::from(high) << 32) + low, BigInt::from(a) * b.min(1 << 32));
        prop_assert!(low < 1 << 32);
        Ok(())
    });
}

#[test]
fn quotients() {
    // Half of the divisors are near the dividend, so that the quotient is near one.
    let divisors = prop_oneof![word().prop_map(|d| (d, false)), (0u64..=4).prop_map(|d| (d, true))];
    holds((word(), 0u32..128, divisors), |(a, shift, (divisor, near))| {
        let divisor = if near { a.saturating_add(2).saturating_sub(divisor) } else { divisor };
        let whole = BigInt::from(divisor);
        // The dividend has to fit 128 bits.
        let down = shift.min(64 + a.leading_zeros());
        let expected = if divisor == 0 { None } else { floor(&(BigInt::from(a) << down), &whole) };
        prop_assert_eq!(shift_div_floor(a, down, divisor), expected);
        let up = shift % 64;
        let expected = if divisor == 0 { None } else { ceil(&(BigInt::from(a) << up), &whole) };
        prop_assert_eq!(shift_div_ceil(a, up, divisor), expected);
        let expected = if divisor == 0 { None } else { floor(&(BigInt::from(a) << 32u32), &whole) };
        let expected = expected.and_then(|q| u32::try_from(q).ok()).map_or(Fraction::MAX, Fraction::new);
        prop_assert_eq!(ratio_floor(a, divisor), expected);
        Ok(())
    });
}

/// Rounded up means: not too small, at most one too large, and nothing of nothing.
#[test]
fn parts() {
    holds((word(), word(), fractions()), |(a, b, part)| {
        let exact = BigInt::from(a) * part.get();
        prop_assert_eq!(Some(scale_floor(a, part)), floor(&exact, &power(32)));
        if a != u64::MAX {
            let up = scale_ceil(a, part);
            let least = ceil(&exact, &power(32)).unwrap();
            prop_assert!(up == least || up == least + 1 && exact != BigInt::ZERO);
        }
        let rest = (1u64 << 32) - u64::from(part.get());
        let mixed = BigInt::from(a) * rest + BigInt::from(b) * part.get();
        prop_assert_eq!(Some(mix_floor(a, b, part)), floor(&mixed, &power(32)));
        Ok(())
    });
}

#[test]
fn lengths_and_roots() {
    let squares =
        (word(), 0u64..3).prop_map(|(root, off)| ((root >> 32) * (root >> 32)).saturating_add(off).max(1) - 1);
    holds(prop_oneof![word(), squares], |x| {
        let length = bit_length(x);
        prop_assert!(BigInt::from(x) < power(length) && (length == 0 || BigInt::from(x) >= power(length - 1)));
        let root = u128::from(ceil_root(x));
        prop_assert!(root * root >= u128::from(x) && (root == 0 || (root - 1) * (root - 1) < u128::from(x)));
        Ok(())
    });
}
