//! How a new source takes over. Governance names it after a delay, and then it has to agree with the present price several
//! times: a feed of another asset, a ratio taken for a price or a wrong exponent never gets so far.

use anchor_lang::prelude::*;
use ballast_risk::price::Price;
use ballast_risk::variance::moved_ceil;

use super::{Doubt, Observation};
use crate::ensure;
use crate::error::{BallastError, refuse};
use crate::state::{Asset, Source, SourceKind};

/// Observations that count are this many seconds apart.
pub const OBSERVATION_SPACING: u64 = 30;

/// What an observation of the candidate led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How often in a row it has agreed.
    pub checks: u8,
    pub took_over: bool,
}

impl Asset {
    /// Compares the candidate with the present price. After `patience` seconds without a new price the present source counts
    /// as dead, and the last one bounds the candidate widely.
    ///
    /// # Errors
    /// `ObservedAlready`, `PriceUnusable` when there is no present price to compare with; too old or from the future, and
    /// whatever raises a [`Doubt`].
    pub fn compare_candidate(&mut self, seen: &Observation, now: u64, patience: u32) -> Result<Comparison> {
        self.check_times(seen, now)?;
        self.believe_alone(seen).map_err(|doubt| {
            refuse(match doubt {
                Doubt::Confidence => BallastError::ConfidenceTooWide,
                Doubt::Band => BallastError::PriceOutsideBand,
                Doubt::Base => BallastError::BasePriceUnusable,
                Doubt::Disagreement => BallastError::PriceUnusable,
            })
        })?;
        ensure!(seen.published >= self.candidate_time.saturating_add(OBSERVATION_SPACING), ObservedAlready);
        let agrees = self.agrees_with(seen.price, now, patience)?;
        let checks = if agrees { self.candidate_checks.saturating_add(1) } else { 0 };
        let took_over = agrees && checks >= self.source_checks;
        if took_over {
            self.take_over(seen.published);
        } else {
            self.candidate_time = seen.published;
            self.candidate_checks = checks;
        }
        Ok(Comparison { checks, took_over })
    }

    fn agrees_with(&self, price: Price, now: u64, patience: u32) -> Result<bool> {
        let spot = self.spot().ok_or_else(|| refuse(BallastError::PriceUnusable))?;
        if self.publish_time.saturating_add(u64::from(patience)) < now {
            return Ok(spot.within_double(price));
        }
        ensure!(self.is_fresh(now) && !self.is_doubted(), PriceUnusable);
        Ok(moved_ceil(spot, price).get() <= self.agreement)
    }

    /// The candidate becomes the source that it was named for. The publish time stays, so that no price comes back that was
    /// passed already.
    fn take_over(&mut self, published: u64) {
        let candidate = self.candidate;
        let [first, second] = &mut self.sources;
        if self.candidate_slot == 0 {
            *first = candidate;
        } else {
            *second = candidate;
            self.second_publish_time = published;
        }
        if candidate.kind() == SourceKind::StakePool {
            // That of another pool says nothing about this one.
            self.staking_rate = 0;
        }
        self.candidate = Source::NONE;
        (self.candidate_slot, self.candidate_checks, self.candidate_time) = (0, 0, 0);
    }
}
