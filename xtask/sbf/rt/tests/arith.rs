//! The routines against the host's own 128-bit arithmetic.

use sbf_rt::arith::{Wide, sbf_rt_mul, sbf_rt_sdiv, sbf_rt_srem, sbf_rt_udiv, sbf_rt_urem};

type Entry = unsafe extern "C" fn(*mut Wide, u64, u64, u64, u64);

fn call(entry: Entry, a: u128, b: u128) -> u128 {
    let mut out = Wide { lo: !0, hi: !0 };
    // SAFETY: `out` is writable, and `check` passes no zero divisor.
    unsafe { entry(&mut out, a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64) };
    u128::from(out.lo) | u128::from(out.hi) << 64
}

fn check(a: u128, b: u128) {
    assert_eq!(call(sbf_rt_mul, a, b), a.wrapping_mul(b), "{a:#x} * {b:#x}");
    if b == 0 {
        return;
    }
    assert_eq!(call(sbf_rt_udiv, a, b), a / b, "{a:#x} / {b:#x}");
    assert_eq!(call(sbf_rt_urem, a, b), a % b, "{a:#x} % {b:#x}");
    let (x, y) = (a as i128, b as i128);
    let (quotient, remainder) = (x.wrapping_div(y), x.wrapping_rem(y));
    assert_eq!(call(sbf_rt_sdiv, a, b) as i128, quotient, "{x} / {y}");
    assert_eq!(call(sbf_rt_srem, a, b) as i128, remainder, "{x} % {y}");
}

/// A generator (splitmix64) with a fixed seed: a failure must be repeatable.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Of any length, and every third with long runs of equal bits: numbers drawn evenly hardly
    /// ever need the corrections in a division.
    fn number(&mut self) -> u128 {
        let even = u128::from(self.word()) << 64 | u128::from(self.word());
        let runs =
            (u128::MAX >> (self.word() % 128)) ^ (u128::MAX << (self.word() % 128)) ^ u128::from(self.word() % 4);
        let full = if self.word().is_multiple_of(3) { runs } else { even };
        let x = full >> (self.word() % 128);
        if self.word().is_multiple_of(4) { x.wrapping_neg() } else { x }
    }
}

#[test]
fn random_operands() {
    let mut random = Random(20_261_121);
    for _ in 0..1_000_000 {
        let (a, b) = (random.number(), random.number());
        check(a, b);
    }
}

#[test]
fn around_exact_multiples() {
    let mut random = Random(7);
    for _ in 0..200_000 {
        let b = random.number();
        let a = random.number().wrapping_mul(b);
        for a in [a.wrapping_sub(1), a, a.wrapping_add(1)] {
            check(a, b);
        }
    }
}

#[test]
fn powers_of_two_and_their_neighbours() {
    let mut cases = vec![u128::MAX, i128::MIN as u128 + 1];
    for bit in 0..128 {
        let power = 1u128 << bit;
        cases.extend([power, power - 1, power + 1]);
    }
    for &a in &cases {
        for &b in &cases {
            check(a, b);
            check(a.wrapping_neg(), b);
            check(a, b.wrapping_neg());
            check(a.wrapping_neg(), b.wrapping_neg());
        }
    }
}
