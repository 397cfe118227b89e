//! Exact values: whole numbers of 256 bits, for a share, its index and a price multiplied.

use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

/// Two's complement. Ordered as numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide {
    high: i128,
    low: u128,
}

impl Wide {
    pub fn product(a: u128, b: u128) -> Self {
        let halves = |n: u128| (n >> 64, n & u128::from(u64::MAX));
        let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
        let (low, carry) = (a0 * b0).overflowing_add((a1 * b0) << 64);
        let (low, another) = low.overflowing_add((a0 * b1) << 64);
        let high = a1 * b1 + ((a1 * b0) >> 64) + ((a0 * b1) >> 64) + u128::from(carry) + u128::from(another);
        Self { high: i128::try_from(high).expect("below 2^255"), low }
    }

    /// Divided by a power of two, rounded up.
    pub fn shifted_ceil(self, places: u32) -> i128 {
        let Self { high, low } = -self;
        assert!(high.unsigned_abs().leading_zeros() >= 129 - places, "fits 128 bits");
        -((high << (128 - places)) | (low >> places).cast_signed())
    }
}

impl Add for Wide {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self { high: self.high + other.high + i128::from(carry), low }
    }
}

impl Neg for Wide {
    type Output = Self;

    fn neg(self) -> Self {
        let (low, carry) = (!self.low).overflowing_add(1);
        Self { high: !self.high + i128::from(carry), low }
    }
}

impl Sub for Wide {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Sum for Wide {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

#[test]
fn wide_numbers_are_numbers() {
    let small = |n: i64| {
        let size = Wide::product(u128::from(n.unsigned_abs()), 1 << 100);
        if n < 0 { -size } else { size }
    };
    for a in -9..9 {
        for b in -9..9 {
            assert_eq!(small(a) + small(b), small(a + b));
            assert_eq!(small(a) - small(b), small(a - b));
            assert_eq!(small(a) < small(b), a < b);
        }
        assert_eq!(small(a).shifted_ceil(100), i128::from(a));
        assert_eq!((small(a) + Wide::product(1, 1)).shifted_ceil(100), i128::from(a) + 1);
    }
    let most = Wide::product(u128::MAX >> 1, u128::MAX);
    assert_eq!(most - Wide::product((u128::MAX >> 1) - 1, u128::MAX), Wide::product(1, u128::MAX));
}
