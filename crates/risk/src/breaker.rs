//! Circuit breakers: what a price has to do before new risk with its asset costs more or is refused.
//!
//! They answer at `Init` alone. Nothing in here lowers a price or a limit at which anybody is liquidated, because a guard
//! that trips wrongly must cost opportunities and not vaults.

use crate::price::Price;
use crate::units::Fraction;

/// What is refused, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    #[default]
    Normal,
    /// Haircuts and add-ons at `Init` are multiplied.
    Cautious,
    /// The same, and no new risk with this asset.
    ReduceOnly,
}

impl State {
    pub const fn code(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::Cautious => 1,
            Self::ReduceOnly => 2,
        }
    }

    /// What is no code counts as the most careful state.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Normal,
            1 => Self::Cautious,
            _ => Self::ReduceOnly,
        }
    }
}

/// A new price beside what was known before it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub price: Price,
    /// The time-weighted average without it.
    pub average: Price,
    /// The recent peak without it.
    pub peak: Price,
    /// Its confidence interval as a part of it.
    pub confidence: Fraction,
    /// Realised over calibrated variance with it, in 2^-16.
    pub variance: u32,
}

/// From where on a breaker trips. The largest number turns one off.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Distance from the average: more asks for caution, more than double stops new risk.
    pub jump: Fraction,
    /// Confidence interval: more stops new risk.
    pub confidence: Fraction,
    /// Fall from the peak: more asks for caution.
    pub drawdown: Fraction,
    /// Variance: more asks for caution.
    pub variance: u32,
}

/// What a price trips by itself.
pub fn trips(seen: &Sight, limits: &Limits) -> State {
    let jump = distance(seen.average, seen.price, limits.jump);
    let confidence = if seen.confidence > limits.confidence { State::ReduceOnly } else { State::Normal };
    let variance = if seen.variance > limits.variance { State::Cautious } else { State::Normal };
    let fell = limits.drawdown != Fraction::MAX && seen.price.below(seen.peak);
    let fall = if fell { distance(seen.peak, seen.price, limits.drawdown).min(State::Cautious) } else { State::Normal };
    jump.max(confidence).max(variance).max(fall)
}

/// `|to - from| / from` beyond a limit, or beyond twice of it. Exact but for 2^-29 of the larger price.
fn distance(from: Price, to: Price, limit: Fraction) -> State {
    if limit == Fraction::MAX {
        return State::Normal;
    }
    let (from, to) = from.words(to);
    // Words of 32 bits: neither product reaches 2^64.
    let (gap, limit) = (from.abs_diff(to).wrapping_shl(31), from.wrapping_mul(u64::from(limit.get())));
    match gap {
        _ if gap > limit => State::ReduceOnly,
        _ if gap > limit >> 1 => State::Cautious,
        _ => State::Normal,
    }
}

/// A breaker that is tripped up to a second, or is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    pub state: State,
    pub until: u64,
}

impl Breaker {
    /// What it is now.
    pub const fn state_at(self, now: u64) -> State {
        if now <= self.until { self.state } else { State::Normal }
    }

    /// After a price that trips it, or does not. It stays tripped for some seconds from the last time; what trips it less
    /// than it is tripped already neither shortens nor weakens that.
    pub fn tripped(self, by: State, now: u64, seconds: u32) -> Self {
        let state = self.state_at(now);
        match by {
            State::Normal if state == State::Normal => Self::default(),
            State::Normal => self,
            _ if by < state => self,
            _ => Self { state: by, until: now.saturating_add(u64::from(seconds)).max(self.until) },
        }
    }
}

/// The recent peak after a price: it moves towards lower prices by a weight, and is never below the last one.
pub fn peak_floor(peak: Price, price: Price, weight: Fraction) -> Price {
    // Nothing to average for a price that is the new peak.
    if price.below(peak) { peak.averaged(price, weight).max(price) } else { price }
}
