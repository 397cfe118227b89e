//! Numbers that look random and are the same in every run. Integers only: floats may differ between machines.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        match (most - least).checked_add(1) {
            Some(width) => least + self.number() % width,
            None => self.number(),
        }
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.number() % count as u64) as usize
    }

    /// So many times out of a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.number() % 100 < chance
    }

    /// Once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.number().is_multiple_of(times)
    }

    /// A number of a random bit length within the range: small ones as often as large ones.
    pub fn scale(&mut self, least_bits: u64, most_bits: u64) -> u64 {
        let bits = self.between(least_bits, most_bits);
        let top = 1u64 << (bits - 1);
        top | (self.number() & (top - 1))
    }

    /// Basis points of one, in 2^-32.
    pub fn part(&mut self, least_bps: u64, most_bps: u64) -> u32 {
        let tenths = self.between(least_bps * 10, most_bps * 10);
        u32::try_from((tenths << 32) / 100_000).unwrap_or(u32::MAX)
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
