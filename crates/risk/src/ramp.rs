//! A linear change of several numbers over one window of time (risk-model 3.1), evaluated without a division.

use crate::error::{Error, Result};
use crate::units::Fraction;

/// Longest window: 2^24 seconds, 194 days. Keeps [`Ramp::value_ceil`] within two ticks of the exact line.
pub const MAX_RAMP_SECONDS: u64 = 1 << 24;

/// The window from `start` to `end`, unix seconds. The default is over since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ramp {
    start: u64,
    end: u64,
    /// `2^56 / (end - start)`, rounded up.
    reciprocal: u64,
}

impl Ramp {
    /// A window of `seconds` from `start`; of none, it is over at once.
    ///
    /// # Errors
    /// [`Error::BadRamp`] beyond [`MAX_RAMP_SECONDS`], or when the end does not fit.
    pub fn new(start: u64, seconds: u64) -> Result<Self> {
        if seconds > MAX_RAMP_SECONDS {
            return Err(Error::BadRamp);
        }
        let end = start.checked_add(seconds).ok_or(Error::BadRamp)?;
        let reciprocal = if seconds == 0 { 0 } else { (1u64 << 56).div_ceil(seconds) };
        Ok(Self { start, end, reciprocal })
    }

    /// A window from its stored parts, as [`Ramp::new`] made them.
    #[inline(always)]
    pub const fn from_parts(start: u64, end: u64, reciprocal: u64) -> Self {
        Self { start, end, reciprocal }
    }

    /// Start, end, reciprocal.
    pub const fn parts(self) -> (u64, u64, u64) {
        (self.start, self.end, self.reciprocal)
    }

    /// Whether the new values are reached.
    #[inline(always)]
    pub const fn over(self, now: u64) -> bool {
        now >= self.end
    }

    /// `from + (to - from) x (now - start) / (end - start)`, rounded up: at most three ticks above the line, never
    /// outside the two values. `from` before the start, `to` from the end on.
    ///
    /// Two values of one window that are in order at both ends are in order in between.
    #[inline(always)]
    pub fn value_ceil(self, from: Fraction, to: Fraction, now: u64) -> Fraction {
        if self.over(now) {
            return to;
        }
        self.inside_ceil(from, to, now)
    }

    /// Out of line: most of the time no ramp is under way.
    #[inline(never)]
    fn inside_ceil(self, from: Fraction, to: Fraction, now: u64) -> Fraction {
        // elapsed < 2^24 and reciprocal <= 2^56 / seconds + 1, so the product is below 2^56 + 2^24; without its last 24
        // bits it is the progress in 2^-32, less than one tick too high and then less than one too low.
        let elapsed = now.saturating_sub(self.start);
        if elapsed == 0 {
            return from;
        }
        let progress = elapsed.wrapping_mul(self.reciprocal) >> 24;
        // `MAX` is one: a line that ended a tick below it would be too low by as much.
        let whole = |part: Fraction| u64::from(part.get()).wrapping_add(u64::from(part == Fraction::MAX));
        let (from, to) = (whole(from), whole(to));
        let value = if to >= from {
            // progress + 1 <= 2^32 - 2^32 / seconds + 1 < 2^32: the difference is not exceeded.
            let part = (to.wrapping_sub(from)).wrapping_mul(progress.wrapping_add(1));
            from.wrapping_add(part.wrapping_add(0xffff_ffff) >> 32)
        } else {
            let part = (from.wrapping_sub(to)).wrapping_mul(progress.saturating_sub(1));
            from.wrapping_sub(part >> 32)
        };
        Fraction::new(u32::try_from(value).unwrap_or(u32::MAX))
    }
}
