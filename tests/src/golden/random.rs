//! Numbers that look random and are the same in every run. Integers only: floats may differ between machines.

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        match (most - least).checked_add(1) {
            Some(width) => least + self.next() % width,
            None => self.next(),
        }
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    /// A number of a random bit length within the range: small ones as often as large ones.
    pub fn scale(&mut self, least_bits: u64, most_bits: u64) -> u64 {
        let bits = self.between(least_bits, most_bits);
        let top = 1u64 << (bits - 1);
        top | (self.next() & (top - 1))
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
