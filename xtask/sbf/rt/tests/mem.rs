//! The inline memory routines against those of slices, for every length they accept.

use sbf_rt::mem::{SHORT, SHORT_COMPARE, compare_short, copy_short, fill_short};

/// Bytes without repetitions nearby, so that a wrong offset shows.
fn pattern() -> [u8; 96] {
    std::array::from_fn(|i| (i as u8).wrapping_mul(37) ^ 0x5a)
}

#[test]
fn copies_also_when_overlapping() {
    for n in 0..=SHORT {
        for from in 0..32 {
            for to in 0..32 {
                let (mut ours, mut theirs) = (pattern(), pattern());
                theirs.copy_within(from..from + n, to);
                let p = ours.as_mut_ptr();
                // SAFETY: both ranges end before 32 + SHORT, within the array.
                unsafe { copy_short(p.add(to), p.add(from), n) };
                assert_eq!(ours, theirs, "{n} bytes {from} -> {to}");
            }
        }
    }
}

#[test]
fn fills() {
    for n in 0..=SHORT {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let (mut ours, mut theirs) = (pattern(), pattern());
            theirs[5..5 + n].fill(byte);
            // SAFETY: 5 + SHORT is within the array.
            unsafe { fill_short(ours.as_mut_ptr().add(5), byte, n) };
            assert_eq!(ours, theirs, "{n} bytes of {byte:#x}");
        }
    }
}

#[test]
fn compares() {
    let base = pattern();
    // SAFETY: both arrays are longer than SHORT_COMPARE.
    let compare = |other: &[u8; 96], n| unsafe { compare_short(base.as_ptr(), other.as_ptr(), n) };
    for n in 0..=SHORT_COMPARE {
        assert_eq!(compare(&base, n), 0, "{n} equal bytes");
        for at in 0..n {
            for delta in [1u8, 0x80, 0xff] {
                let mut other = base;
                other[at] = other[at].wrapping_add(delta);
                // A later byte that says the opposite must not matter.
                if at + 1 < n {
                    other[at + 1] = if other[at] < base[at] { 0xff } else { 0 };
                }
                let expected = base[..n].cmp(&other[..n]) as i32;
                assert_eq!(compare(&other, n).signum(), expected, "{n} bytes, differ at {at}");
            }
        }
    }
}
