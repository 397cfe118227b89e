//! What refreshes of prices cost within an hour, and the most that they may.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3_600);

/// What was signed for within the last hour, landed or not. Nothing is known of a former life.
pub struct Spending {
    /// Lamports.
    most: u64,
    signed: VecDeque<(Instant, u64)>,
}

impl Spending {
    /// At most so many lamports in an hour.
    pub fn new(most: u64) -> Self {
        Self { most, signed: VecDeque::new() }
    }

    /// Enters a fee.
    ///
    /// # Errors
    /// It does not fit into the hour, with what was signed for in it.
    pub fn enter(&mut self, fee: u64, now: Instant) -> Result<(), u64> {
        while self.signed.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= HOUR) {
            self.signed.pop_front();
        }
        let spent = self.signed.iter().fold(0u64, |sum, (_, fee)| sum.saturating_add(*fee));
        if spent.saturating_add(fee) > self.most {
            return Err(spent);
        }
        self.signed.push_back((now, fee));
        Ok(())
    }
}
