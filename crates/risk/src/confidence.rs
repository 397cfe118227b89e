//! Confidence intervals as parts of a price.

use crate::error::{Error, Result};
use crate::fixed::shift_div_ceil;
use crate::units::Fraction;

/// The confidence interval as a part of the price, rounded up.
///
/// # Errors
/// [`Error::ConfidenceTooWide`] when that is one or more.
pub fn part_ceil(number: u64, confidence: u64) -> Result<Fraction> {
    let part = shift_div_ceil(confidence, 32, number).and_then(|part| u32::try_from(part).ok());
    part.map(Fraction::new).ok_or(Error::ConfidenceTooWide)
}

/// A confidence interval times `multiple` (in hundredths), rounded up.
///
/// # Errors
/// [`Error::ConfidenceTooWide`] when it reaches the price.
pub fn widened_ceil(confidence: Fraction, multiple: u16) -> Result<Fraction> {
    // 32 and 16 bits.
    let widened = u64::from(confidence.get()).wrapping_mul(u64::from(multiple)).div_ceil(100);
    u32::try_from(widened).map(Fraction::new).map_err(|_| Error::ConfidenceTooWide)
}

/// What [`widened_ceil`] was given, or a little more.
pub fn narrowed_ceil(widened: Fraction, multiple: u16) -> Fraction {
    let hundredfold = u64::from(widened.get()).wrapping_mul(100);
    let plain = if multiple == 0 { hundredfold } else { hundredfold.div_ceil(u64::from(multiple)) };
    Fraction::new(u32::try_from(plain).unwrap_or(u32::MAX))
}
