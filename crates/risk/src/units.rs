//! The units of money. Each is its own type, so that adding shares to dollars does not compile.

use crate::error::{Error, Result};

/// Values stay below this: 2^56 micro-dollars, about 72 billion dollars for one position. 64 of them add up to
/// less than 2^62, so sums over a vault need no overflow test.
pub const MAX_VALUE: u64 = 1 << 56;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(transparent)]
        pub struct $name($inner);

        impl $name {
            pub const ZERO: Self = Self(0);
            pub const MAX: Self = Self(<$inner>::MAX);

            #[inline(always)]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            #[inline(always)]
            pub const fn get(self) -> $inner {
                self.0
            }

            #[inline(always)]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }
    };
}

macro_rules! quantity {
    ($name:ident) => {
        impl $name {
            /// `self + other`, or [`Error::AmountOutOfRange`].
            #[inline(always)]
            pub const fn plus(self, other: Self) -> Result<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Ok(Self(sum)),
                    None => Err(Error::AmountOutOfRange),
                }
            }

            /// `self - other`, or [`Error::Insufficient`].
            #[inline(always)]
            pub const fn minus(self, other: Self) -> Result<Self> {
                match self.0.checked_sub(other.0) {
                    Some(rest) => Ok(Self(rest)),
                    None => Err(Error::Insufficient),
                }
            }

            /// `self - other`, not below zero.
            #[inline(always)]
            pub const fn minus_or_zero(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }
    };
}

unit!(
    /// Native units of a token, as its mint counts them.
    Amount(u64)
);
unit!(
    /// Claims on a pool. One share is worth its index in native units: one when the pool is new, more with interest.
    Shares(u64)
);
unit!(
    /// Micro-dollars.
    Usd(u64)
);
unit!(
    /// Native units per share, in 2^-52: from 1 to just below 4096.
    Index(u64)
);
unit!(
    /// Interest per second, in 2^-52. Never above [`Rate::LIMIT`].
    Rate(u32)
);
unit!(
    /// A part of one, in 2^-32. As a haircut, `MAX` stands for the whole.
    Fraction(u32)
);
quantity!(Amount);
quantity!(Shares);
quantity!(Usd);

impl Index {
    /// The index of a new pool: one native unit per share.
    pub const ONE: Self = Self(1 << Self::BITS);
    /// Binary places of an index.
    pub const BITS: u32 = 52;
}

impl Rate {
    /// About 1,500 % a year. Keeps a unit value that is brought forward below 2^32, see [`crate::price::Unit`].
    pub const LIMIT: Self = Self(1 << 31);
    /// Seconds in a year of 365 days.
    pub const YEAR: u64 = 31_536_000;

    /// A yearly rate in basis points to one per second, rounded down; `None` above [`Rate::LIMIT`].
    pub const fn from_yearly_bps(bps: u32) -> Option<Self> {
        // 2^32 * 2^52 < 2^84.
        #[expect(clippy::arithmetic_side_effects, reason = "fits 128 bits, constant divisor")]
        let per_second = ((bps as u128) << 52) / (10_000 * Self::YEAR as u128);
        if per_second > Self::LIMIT.0 as u128 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^31")]
        Some(Self(per_second as u32))
    }
}

impl Fraction {
    /// Basis points (1/10,000) to a fraction, rounded up; 10,000 becomes `MAX`.
    pub const fn from_bps(bps: u16) -> Option<Self> {
        if bps > 10_000 {
            return None;
        }
        // At most 10,000 * 2^32 / 10,000 = 2^32, and only that one value does not fit.
        let scaled = ((bps as u64) << 32).div_ceil(10_000);
        #[expect(clippy::cast_possible_truncation, reason = "checked on the line itself")]
        Some(if scaled > u32::MAX as u64 { Self::MAX } else { Self(scaled as u32) })
    }

    /// What is left of one, rounded down: `1 - self - 2^-32`. The missing 2^-32 makes a haircut of one reachable
    /// and always counts against the vault.
    #[inline(always)]
    pub const fn complement_floor(self) -> Self {
        Self(!self.0)
    }
}
