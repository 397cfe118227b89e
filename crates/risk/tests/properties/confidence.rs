//! Confidence intervals as parts of a price.
use crate::reference::*;
use ballast_risk::confidence::{narrowed_ceil, part_ceil, widened_ceil};
use ballast_risk::{Error, Fraction};
use proptest::prelude::*;

/// Rounded up to 2^-32. Refused exactly when that is one or more.
#[test]
fn a_part_rounds_up() {
    let tight = (word(), any::<u64>(), 0u32..40).prop_map(|(number, part, bits)| (number, part & (number >> bits)));
    holds(prop_oneof![3 => tight, 1 => (word(), word())], |(number, confidence)| {
        let part = (u128::from(confidence) << 32).checked_add(u128::from(number).saturating_sub(1));
        let exact =
            part.and_then(|part| part.checked_div(u128::from(number))).and_then(|part| u32::try_from(part).ok());
        prop_assert_eq!(part_ceil(number, confidence).ok().map(Fraction::get), exact);
        Ok(())
    });
}

/// Rounded up to 2^-32, and refused exactly from one on. Taken back, it is what it was, or less than two ticks more.
#[test]
fn widening_rounds_up() {
    holds((fractions(), any::<u16>()), |(plain, multiple)| {
        let exact = (u64::from(plain.get()) * u64::from(multiple)).div_ceil(100);
        let got = widened_ceil(plain, multiple);
        prop_assert_eq!(got.ok().map(|wide| u64::from(wide.get())), Some(exact).filter(|wide| *wide < 1 << 32));
        if let (Ok(wide), 100..) = (got, multiple) {
            let back = narrowed_ceil(wide, multiple);
            prop_assert!(back >= plain && back.get() - plain.get() <= 1);
        }
        Ok(())
    });
}

#[test]
fn confidence_by_hand() {
    assert_eq!(part_ceil(0, 0), Err(Error::ConfidenceTooWide));
    assert_eq!(part_ceil(4, 1), Ok(Fraction::new(1 << 30)));
    assert_eq!(part_ceil(4, 4), Err(Error::ConfidenceTooWide));
    assert_eq!(widened_ceil(Fraction::new(100), 212), Ok(Fraction::new(212)));
    assert_eq!(widened_ceil(Fraction::new(101), 150), Ok(Fraction::new(152)));
    assert_eq!(widened_ceil(Fraction::new(1 << 31), 200), Err(Error::ConfidenceTooWide));
    assert_eq!(narrowed_ceil(Fraction::new(152), 150), Fraction::new(102));
    assert_eq!(narrowed_ceil(Fraction::new(212), 212), Fraction::new(100));
    // No multiple is none that governance can set; nothing is divided by it.
    assert_eq!(narrowed_ceil(Fraction::new(5), 0), Fraction::new(500));
    assert_eq!(narrowed_ceil(Fraction::MAX, 1), Fraction::MAX);
}
