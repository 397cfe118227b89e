//! What an observation must fulfil to become the price of an asset, what follows from it, and for how long it counts.

use anchor_lang::prelude::*;
use ballast_risk::Fraction;
use ballast_risk::breaker::{Breaker, Limits, Sight, State, peak_floor, trips};
use ballast_risk::confidence::widened_ceil;
use ballast_risk::price::{Price, average_weight};
use ballast_risk::variance::{MULTIPLIER_ONE, moved_ceil, multiplier_ceil, renewed_ceil};

use super::Observation;
use crate::ensure;
use crate::error::OrRefuse;
use crate::state::Asset;

/// The cluster's clock may lag behind that of the publishers by this many seconds.
pub const MAX_CLOCK_LAG: u64 = 15;

/// Why a new price is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub enum Doubt {
    /// Its confidence interval is too wide.
    Confidence,
    /// It is outside of the band.
    Band,
    /// The price that it is derived from is withheld for a doubt of its own.
    Base,
    /// The two sources differ by too much.
    Disagreement,
}

impl Asset {
    /// Takes what its sources say as the price. What is new but not believed is no error, because it has to stay that the
    /// stored price is known to be out of date: it is withheld from then on, and what speaks against the new one is
    /// returned.
    ///
    /// A publish time that was accepted before is no error (keepers race) and no change either: nobody chooses among
    /// updates of one second.
    ///
    /// # Errors
    /// The 6200 group: too old, from the future, older than the stored one.
    pub fn accept(
        &mut self,
        first: &Observation,
        second: Option<&Observation>,
        now: u64,
        slot: u64,
    ) -> Result<Option<Doubt>> {
        self.check_times(first, now)?;
        ensure!(first.published >= self.publish_time && first.published >= self.doubted_at, PriceOlderThanStored);
        if first.published == self.publish_time {
            return Ok(None);
        }
        if let Some(second) = second {
            self.check_times(second, now)?;
            ensure!(second.published >= self.second_publish_time, PriceOlderThanStored);
        }
        match self.believe(first, second) {
            Ok(interval) => self.take(first, interval, second, now)?,
            Err(doubt) => {
                self.withhold(first, doubt, now);
                return Ok(Some(doubt));
            }
        }
        self.price_slot = slot;
        Ok(None)
    }

    /// Whether the first observation is believed, beside the second one. Returns its widened interval.
    #[inline(always)]
    fn believe(&self, first: &Observation, second: Option<&Observation>) -> core::result::Result<Fraction, Doubt> {
        let interval = self.believe_alone(first)?;
        if let Some(second) = second {
            self.believe_alone(second)?;
            if moved_ceil(first.price, second.price).get() > self.agreement {
                return Err(Doubt::Disagreement);
            }
        }
        Ok(interval)
    }

    #[cold]
    #[inline(never)]
    fn withhold(&mut self, seen: &Observation, doubt: Doubt, now: u64) {
        self.doubted_at = seen.published;
        if doubt == Doubt::Disagreement {
            self.trip(State::ReduceOnly, now);
            self.volatility = self.volatility.max(self.caution);
        }
        self.renew_windows(now);
    }

    /// What every observation of every source must fulfil.
    ///
    /// # Errors
    /// As [`Asset::accept`].
    pub(super) fn check_times(&self, seen: &Observation, now: u64) -> Result<()> {
        ensure!(seen.published <= now.saturating_add(MAX_CLOCK_LAG), PriceFromFuture);
        ensure!(seen.published.saturating_add(u64::from(self.max_age)) >= now, PriceTooOld);
        Ok(())
    }

    /// Whether an observation is believed by itself. Returns its widened interval.
    #[inline(always)]
    pub(super) fn believe_alone(&self, seen: &Observation) -> core::result::Result<Fraction, Doubt> {
        let narrow = seen.confidence.get() <= self.max_confidence && seen.confidence != Fraction::MAX;
        let widened = widened_ceil(seen.confidence, self.confidence_multiple).ok().filter(|_| narrow);
        match widened {
            None => Err(Doubt::Confidence),
            Some(widened) => match seen.doubt {
                None => Ok(widened),
                Some(doubt) => Err(doubt),
            },
        }
    }

    fn take(&mut self, first: &Observation, interval: Fraction, second: Option<&Observation>, now: u64) -> Result<()> {
        let (average, peak) = self.follow(first, now);
        let mut low = first.low.min(average).lowered_floor(interval).or_refuse()?;
        let mut high = first.price.max(average).raised_ceil(interval).or_refuse()?;
        if let Some(second) = second {
            self.second_publish_time = second.published;
            self.remember_rate(second.rate, now);
            if self.conservative != 0 {
                let interval = widened_ceil(second.confidence, self.confidence_multiple).or_refuse()?;
                low = low.min(second.low.lowered_floor(interval).or_refuse()?);
                high = high.max(second.price.raised_ceil(interval).or_refuse()?);
            }
        }
        self.remember_rate(first.rate, now);
        self.note_outage(now);
        self.set_prices(first.price, average, low, high, peak);
        self.confidence = interval.get();
        self.publish_time = first.published;
        self.renew_windows(now);
        Ok(())
    }

    /// Average and peak after a price. Variance, volatility multiplier and breaker follow it.
    fn follow(&mut self, seen: &Observation, now: u64) -> (Price, Price) {
        let price = seen.price;
        // Before the first price there is nothing that it could have moved from: it begins as calm as it was calibrated.
        let (Some(before), Some(average)) = (self.spot(), self.average()) else {
            self.variance = self.calibrated_variance;
            return (price, price);
        };
        let peak = self.peak().unwrap_or(price);
        let elapsed = seen.published.saturating_sub(self.publish_time);

        self.variance = renewed_ceil(self.variance, moved_ceil(before, price), elapsed, self.variance_period);
        let variance = multiplier_ceil(self.variance, self.calibrated_variance, u32::MAX);
        let limits = Limits {
            jump: Fraction::new(self.breaker_jump),
            confidence: Fraction::new(self.breaker_confidence),
            drawdown: Fraction::new(self.breaker_drawdown),
            variance: self.breaker_variance,
        };
        let state = trips(&Sight { price, average, peak, confidence: seen.confidence, variance }, &limits);
        // Mostly it is neither tripped nor trips.
        if state != State::Normal || self.breaker != State::Normal.code() {
            self.trip(state, now);
        }
        let multiplier = variance.min(self.volatility_limit).max(MULTIPLIER_ONE);
        let calm = self.breaker == State::Normal.code();
        self.volatility = if calm { multiplier } else { multiplier.max(self.caution) };

        let average = average.averaged(price, average_weight(elapsed, self.average_period));
        let watched = limits.drawdown != Fraction::MAX;
        let peak = if watched { peak_floor(peak, price, average_weight(elapsed, self.variance_period)) } else { price };
        (average, peak)
    }

    pub fn breaker(&self) -> Breaker {
        Breaker { state: State::from_code(self.breaker), until: self.breaker_until }
    }

    fn trip(&mut self, by: State, now: u64) {
        let breaker = self.breaker().tripped(by, now, self.breaker_seconds);
        self.breaker = breaker.state.code();
        self.breaker_until = breaker.until;
    }

    fn remember_rate(&mut self, rate: u64, now: u64) {
        if rate != 0 {
            self.staking_rate = rate;
            self.staking_rate_at = now;
        }
    }

    /// Before a price is taken: when none was usable for too long, it does not liquidate at once, so that people can react
    /// to what they could not see. It takes a new outage to begin a new time of grace: prices that come in meanwhile are
    /// no gap.
    fn note_outage(&mut self, now: u64) {
        let missing_since = self.publish_time.saturating_add(u64::from(self.max_age));
        if self.publish_time != 0 && now.saturating_sub(missing_since) > u64::from(self.recovery_gap) {
            self.grace_until = now.saturating_add(u64::from(self.recovery_grace));
        }
    }

    /// Whether the last accepted price is young enough and not paused. Whoever derives another price from it asks this and
    /// [`Asset::is_doubted`], and not what a time of grace or a breaker withholds.
    pub fn is_fresh(&self, now: u64) -> bool {
        self.publish_time != 0 && !self.pause.active(now) && now <= self.usable_within(self.max_age, now)
    }

    /// Whether there was a newer price that was not believed.
    #[inline(always)]
    pub const fn is_doubted(&self) -> bool {
        self.doubted_at > self.publish_time
    }

    fn usable_within(&self, seconds: u32, now: u64) -> u64 {
        self.publish_time.min(now).saturating_add(u64::from(seconds))
    }

    /// Sets up to when the price may be used. Also for whoever changes what that depends on: pauses and ages.
    pub fn renew_windows(&mut self, now: u64) {
        let held = self.publish_time == 0 || self.is_doubted() || self.pause.active(now);
        let reduce_only = self.breaker().state_at(now) == State::ReduceOnly;
        let windows = (self.usable_within(self.max_age, now), self.usable_within(self.max_age_init, now));
        self.usable_until = if held || now < self.grace_until { 0 } else { windows.0 };
        self.init_until = if held || reduce_only { 0 } else { windows.1 };
    }
}
