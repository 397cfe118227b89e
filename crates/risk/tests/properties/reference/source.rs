//! Where whole vaults are drawn from.
//!
//! A vault has hundreds of numbers. Drawing each with its own strategy costs more than checking the vault, so that a
//! case is a seed, and what shrinks are two sets of bits: the positions to keep, and the features that are on.

use ballast_risk::Fraction;
use proptest::bits;
use proptest::prelude::*;

use super::{edgy, pick};

/// A sequence of random words (SplitMix64).
#[derive(Clone, Debug)]
pub struct Source(u64);

impl Source {
    /// The stream `of` a seed. Streams are independent, so that leaving one out changes no other.
    pub fn new(seed: u64, of: u64) -> Self {
        let mut start = Self(seed ^ of.wrapping_mul(0xd134_2543_de82_ef95));
        start.bits();
        start
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn kind(&mut self) -> u16 {
        u16::try_from(self.bits() >> 48).unwrap()
    }

    /// As `reference::word`.
    pub fn word(&mut self) -> u64 {
        edgy(self.bits(), self.kind())
    }

    /// As `reference::between`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        pick(low, high, self.bits(), self.kind())
    }

    pub fn between_u32(&mut self, low: u32, high: u32) -> u32 {
        u32::try_from(self.between(u64::from(low), u64::from(high))).unwrap()
    }

    /// Listed haircuts (2 to 60 %) half of the time, else any, both ends included.
    pub fn fraction(&mut self) -> Fraction {
        match self.below(8) {
            0..=3 => Fraction::from_bps(u16::try_from(200 + self.below(5_800)).unwrap()).unwrap(),
            4 => Fraction::MAX,
            5 => Fraction::ZERO,
            _ => Fraction::new(self.between_u32(0, u32::MAX)),
        }
    }

    /// One of a few values.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let n = self.below(u64::try_from(all.len()).unwrap());
        all[usize::try_from(n).unwrap()]
    }
}

/// What a vault may have; a feature that is off is off for all of its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features(u16);

impl Features {
    pub const DEPTH: u16 = 1;
    /// Haircuts that change, mid-way, or about to, or done.
    pub const RAMP: u16 = 1 << 1;
    pub const VOLATILITY: u16 = 1 << 2;
    pub const INTEREST: u16 = 1 << 3;
    pub const NETTING: u16 = 1 << 4;
    pub const FACTORS: u16 = 1 << 5;
    pub const SPECIFIC: u16 = 1 << 6;
    pub const SCENARIOS: u16 = 1 << 7;
    pub const EXPIRY: u16 = 1 << 8;
    pub const MARGINS: u16 = 1 << 9;
    /// Values of any size; all alike without.
    pub const SIZES: u16 = 1 << 10;
    /// In half of the cases a change of the model, under way, about to begin, or over.
    pub const CHANGE: u16 = 1 << 11;
    /// A change in every case; never drawn.
    pub const CHANGING: u16 = 1 << 12;

    /// Each in three cases of four.
    pub fn any(s: &mut Source) -> Self {
        let bits = s.bits() | s.bits();
        Self(u16::try_from(bits & 0xfff).unwrap())
    }

    pub fn has(self, feature: u16) -> bool {
        self.0 & feature != 0
    }

    pub fn with(self, feature: u16) -> Self {
        Self(self.0 | feature)
    }
}

/// A case: everything else follows from it.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub seed: u64,
    /// Positions to keep.
    pub keep: u32,
    pub features: Features,
}

impl Draw {
    pub fn of(&self, stream: u64) -> Source {
        Source::new(self.seed, stream)
    }
}

/// 0 to `most` positions, in three cases of four up to six.
pub fn draws(most: u32) -> impl Strategy<Value = Draw> {
    let some = |most: u32| {
        let most = usize::try_from(most).unwrap();
        bits::u32::sampled(0..=most, 0..most)
    };
    let keep = prop_oneof![9 => some(most.min(6)), 2 => some(most.min(16)), 1 => some(most)];
    // Each feature is on in three cases of four.
    let features = (bits::u16::masked(0xfff), bits::u16::masked(0xfff));
    (any::<u64>().no_shrink(), keep, features).prop_map(|(seed, keep, (a, b))| Draw {
        seed,
        keep,
        features: Features(a | b),
    })
}
