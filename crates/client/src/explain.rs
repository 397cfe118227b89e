//! Why the price of an asset counts or not, and what that stops.

use ballast::oracle::OBSERVATION_SPACING;
use ballast::state::{Asset, Source};
use ballast_risk::breaker::State;
use ballast_risk::health::Prices;

/// Why a stored price does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The asset has no price source.
    NoSource,
    /// It has never had a price.
    NoPrice,
    /// It is older than the level allows; since this second.
    TooOld { since: u64 },
    /// A newer one, published at this second, was not believed.
    Doubted { published: u64 },
    /// The asset is paused up to this second.
    Paused { until: u64 },
    /// A breaker stops new risk up to this second.
    Breaker { until: u64 },
    /// After an outage it does not liquidate before this second.
    Grace { until: u64 },
    /// What has withheld it is over; the next price that is accepted counts.
    AwaitsNext,
}

/// Whether a stored price counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Up to this second.
    Until(u64),
    Withheld(Why),
}

impl Availability {
    pub const fn counts(&self) -> bool {
        matches!(self, Self::Until(_))
    }
}

/// What is refused, or counts otherwise, while a price is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nobody borrows the asset, and no vault that owes it borrows or withdraws anything.
    DebtsRefuse,
    /// For borrowing and withdrawing, deposits of it count nothing.
    DepositsCountNothing,
    /// Vaults with deposits of it are not liquidated.
    DepositsShield,
    /// For liquidations, debts in it count nothing.
    DebtsCountNothing,
    /// Flash loans of it are refused.
    NoFlashLoans,
}

impl Effect {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::DebtsRefuse => "borrowing it; borrowing or withdrawing by whoever owes it",
            Self::DepositsCountNothing => "borrowing or withdrawing against deposits of it, which count nothing",
            Self::DepositsShield => "liquidating vaults that have it deposited",
            Self::DebtsCountNothing => "liquidating for debts in it, which count nothing",
            Self::NoFlashLoans => "flash loans of it",
        }
    }
}

/// A source on its way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub source: Source,
    /// Which source it replaces.
    pub slot: u8,
    /// How often in a row it has agreed, and how often it must.
    pub checks: u8,
    pub needed: u8,
    /// The next observation counts if it was published at this second or later.
    pub next: u64,
}

/// The guards of an asset, as far as they say something now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// At `Init`.
    pub init: Availability,
    /// At `Target` and `Maint`.
    pub spot: Availability,
    /// Seconds since it was published; `None` without a price, zero for one from the future.
    pub age: Option<u64>,
    pub breaker: State,
    /// Up to this second, if it is tripped now.
    pub breaker_until: Option<u64>,
    pub paused_until: Option<u64>,
    pub grace_until: Option<u64>,
    pub candidate: Option<Candidate>,
}

/// Whether a price counts at some prices, now.
pub fn availability(asset: &Asset, prices: Prices, now: u64) -> Availability {
    let until = asset.usable_until(prices);
    if asset.publish_time != 0 && now <= until {
        return Availability::Until(until);
    }
    let [first, _] = &asset.sources;
    let withheld = until == 0;
    let breaker = asset.breaker();
    Availability::Withheld(match prices {
        _ if first.is_none() => Why::NoSource,
        _ if asset.publish_time == 0 => Why::NoPrice,
        _ if asset.is_doubted() => Why::Doubted { published: asset.doubted_at },
        _ if withheld && asset.pause.active(now) => Why::Paused { until: asset.pause.until },
        Prices::Conservative if withheld && breaker.state_at(now) == State::ReduceOnly => {
            Why::Breaker { until: breaker.until }
        }
        Prices::Spot if withheld && now < asset.grace_until => Why::Grace { until: asset.grace_until },
        _ if withheld && !too_old(asset, prices, now) => Why::AwaitsNext,
        _ => Why::TooOld { since: oldest(asset, prices) },
    })
}

fn oldest(asset: &Asset, prices: Prices) -> u64 {
    let age = match prices {
        Prices::Conservative => asset.max_age_init,
        Prices::Spot => asset.max_age,
    };
    asset.publish_time.saturating_add(u64::from(age))
}

fn too_old(asset: &Asset, prices: Prices, now: u64) -> bool {
    now > oldest(asset, prices)
}

/// All that is to be said about the price of an asset now.
pub fn explain(asset: &Asset, now: u64) -> Explanation {
    let breaker = asset.breaker();
    let state = breaker.state_at(now);
    let ahead = |until: u64| (now < until).then_some(until);
    let candidate = (!asset.candidate.is_none()).then(|| Candidate {
        source: asset.candidate,
        slot: asset.candidate_slot,
        checks: asset.candidate_checks,
        needed: asset.source_checks,
        next: asset.candidate_time.saturating_add(OBSERVATION_SPACING),
    });
    Explanation {
        init: availability(asset, Prices::Conservative, now),
        spot: availability(asset, Prices::Spot, now),
        age: (asset.publish_time != 0).then(|| now.saturating_sub(asset.publish_time)),
        breaker: state,
        breaker_until: (state != State::Normal).then_some(breaker.until),
        paused_until: ahead(asset.pause.until),
        grace_until: ahead(asset.grace_until),
        candidate,
    }
}

impl Explanation {
    /// Whether it counts everywhere.
    pub const fn usable(&self) -> bool {
        self.init.counts() && self.spot.counts()
    }

    /// What is refused meanwhile.
    pub fn effects(&self) -> Vec<Effect> {
        let mut effects = vec![];
        if !self.init.counts() {
            effects.extend([Effect::DebtsRefuse, Effect::DepositsCountNothing]);
        }
        if !self.spot.counts() {
            effects.extend([Effect::DepositsShield, Effect::DebtsCountNothing]);
        }
        if self.paused_until.is_some() {
            effects.push(Effect::NoFlashLoans);
        }
        effects
    }
}
