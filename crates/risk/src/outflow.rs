//! The outflow limiter of an asset: how much more may leave than comes in within a period.
//!
//! A leaky bucket of the net flow. It holds half of what may leave in a period and leaks as much in one, so that no period
//! anywhere sees more than the whole. What comes in is taken off again, also below zero, so that money which only passes
//! through fills nothing: otherwise anybody could keep a bucket full with a flash loan. Any level, on either side, is
//! gone after a period.

use crate::error::{Error, Result};
use crate::fixed::scale_floor;
use crate::price::average_weight;
use crate::units::{Amount, Fraction};

/// The net flow of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outflow {
    /// Native units that left, less those that came; negative when more came.
    pub level: i64,
    /// When that was, unix seconds.
    pub at: u64,
}

/// What may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Part of the tokens in the pool that may leave in any period; `MAX` is everything, and turns the limiter off.
    pub share: Fraction,
    /// Seconds.
    pub period: u32,
    /// Tokens in the pool.
    pub cash: Amount,
}

impl Limit {
    /// What a bucket holds, rounded down: half of what may leave in a period, because as much leaks meanwhile. It is a part
    /// of what was there before the flow of `level`. No deposit, loan, repayment or withdrawal changes that sum, so nobody
    /// makes it larger for a moment.
    #[inline(always)]
    pub fn capacity_floor(&self, level: i64) -> u64 {
        let before = self.cash.get().saturating_add_signed(level);
        scale_floor(before, self.share).wrapping_shr(1)
    }
}

impl Outflow {
    /// The level now. Full buckets leak their capacity in a period; what is beyond, and credit, goes as fast in proportion.
    fn leaked(self, capacity: u64, period: u32, now: u64) -> i64 {
        let elapsed = now.saturating_sub(self.at);
        let size = self.level.unsigned_abs();
        let leak = scale_floor(size.max(capacity), average_weight(elapsed, period));
        if elapsed >= u64::from(period) || leak >= size {
            return 0;
        }
        // Below 2^63, like the level itself.
        let left = i64::try_from(size.wrapping_sub(leak)).unwrap_or(i64::MAX);
        if self.level < 0 { left.wrapping_neg() } else { left }
    }

    /// An amount leaves.
    ///
    /// # Errors
    /// [`Error::OutflowExceeded`].
    pub fn take(self, amount: Amount, limit: &Limit, now: u64) -> Result<Self> {
        let level = self.leaked(limit.capacity_floor(self.level), limit.period, now);
        let capacity = limit.capacity_floor(level);
        let level = i64::try_from(amount.get()).ok().and_then(|amount| level.checked_add(amount));
        match level {
            Some(level) if u64::try_from(level).unwrap_or(0) <= capacity => Ok(Self { level, at: now.max(self.at) }),
            _ => Err(Error::OutflowExceeded),
        }
    }

    /// An amount comes in.
    pub fn give(self, amount: Amount, limit: &Limit, now: u64) -> Self {
        let level = self.leaked(limit.capacity_floor(self.level), limit.period, now);
        let amount = i64::try_from(amount.get()).unwrap_or(i64::MAX);
        // Not the smallest number, so that its size fits as well.
        Self { level: level.saturating_sub(amount).max(i64::MIN.saturating_add(1)), at: now.max(self.at) }
    }
}
