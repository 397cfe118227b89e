//! Numbers that look random and are the same in every run.

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        let width = u128::from(most - least) + 1;
        least + (u128::from(self.word()) % width) as u64
    }

    pub fn below(&mut self, count: usize) -> usize {
        self.between(0, count as u64 - 1) as usize
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.between(0, 99) < chance
    }

    /// A number of a random bit length: small ones as often as large ones.
    pub fn scale(&mut self, least_bits: u64, most_bits: u64) -> u64 {
        let top = 1 << (self.between(least_bits, most_bits) - 1);
        top | (self.word() & (top - 1))
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Ten times as many cases, or whatever, when somebody asks for more.
pub fn more(cases: usize, deep: usize) -> usize {
    if std::env::var("BALLAST_DEEP").is_ok_and(|value| value == "1") { deep } else { cases }
}
