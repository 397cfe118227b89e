//! Whole vaults: generated, as the crate sees them, and as exact arithmetic does.

use ballast_risk::haircut::Depth;
use ballast_risk::health::{Health, Level, Position, Quote, Side, assess};
use ballast_risk::params::Levels;
use ballast_risk::price::{MAX_FORWARD_SECONDS, Price, Unit};
use ballast_risk::{Error, Fraction, Index, Rate, Shares};
use proptest::prelude::*;

use super::*;

/// One position with everything that its value is made of.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub side: Side,
    pub shares: u64,
    pub index: Index,
    pub price: Price,
    pub rate: Rate,
    pub elapsed: u64,
    pub usable: bool,
    /// Haircuts of a deposit, add-ons of a debt.
    pub margins: Levels,
    pub depth: Depth,
}

pub fn margin(levels: &Levels, level: Level) -> Fraction {
    match level {
        Level::Init => levels.init,
        Level::Target => levels.target,
        Level::Maint => levels.maint,
    }
}

impl Held {
    pub fn unit(&self) -> Unit {
        match self.side {
            Side::Deposit => self.price.unit_floor(self.index),
            Side::Debt => self.price.unit_ceil(self.index),
        }
    }

    pub fn position(&self, level: Level) -> Position {
        let quote = Quote {
            unit: self.unit(),
            rate: self.rate,
            elapsed: self.elapsed,
            usable: self.usable,
            haircut: margin(&self.margins, level),
            depth: self.depth,
        };
        Position { side: self.side, shares: Shares::new(self.shares), quote }
    }

    pub fn value(&self) -> Exact {
        Exact::int(self.shares) * index(self.index) * price(self.price) * growth(self.rate, self.elapsed)
    }

    /// What the position adds to `E - R` with its exact value, one end of the bracket around the number.
    pub fn counts(&self, value: &Exact, level: Level, end: End) -> Exact {
        let part = margin(&self.margins, level);
        let other = if end == End::Low { End::High } else { End::Low };
        match self.side {
            Side::Deposit => value - hair(value, part, self.depth, other),
            Side::Debt => -(value + addon(value, part, self.depth, other)),
        }
    }
}

pub fn check(level: Level, vault: &[Held]) -> Result<Health, Error> {
    assess(level, vault.iter().map(|held| Ok(held.position(level))))
}

/// `E - R` as the crate has it; `None` when the requirement is saturated.
pub fn net(health: &Health) -> Option<i128> {
    let requirement = health.requirement.get();
    if requirement == u64::MAX {
        return None;
    }
    Some(i128::from(health.assets.get()) - i128::from(health.debts.get()) - i128::from(requirement))
}

/// `E - R` exactly, one end.
pub fn exact_net(level: Level, vault: &[Held], end: End) -> Exact {
    vault.iter().fold(Exact::zero(), |sum, held| sum + held.counts(&held.value(), level, end))
}

/// Sum of the values of all positions.
pub fn gross(vault: &[Held]) -> Exact {
    vault.iter().fold(Exact::zero(), |sum, held| sum + held.value())
}

pub fn levels() -> impl Strategy<Value = Levels> {
    prop::array::uniform3(fractions()).prop_map(|mut part| {
        part.sort();
        Levels { maint: part[0], target: part[1], init: part[2] }
    })
}

/// From this shift of a price on, there is a unit at every index.
const LISTED: u64 = 46;

/// A position whose value has about `bits` bits.
fn held(bits: u64, word: (u64, u16), side: bool, i: Index, m: u64, time: (Rate, u64), risk: (Levels, Depth)) -> Held {
    let shares = edgy(word.0, word.1);
    let length = u64::from(64 - shares.leading_zeros()) + u64::from(12 - i.get().leading_zeros());
    Held {
        side: if side { Side::Debt } else { Side::Deposit },
        shares,
        index: i,
        price: priced(m, (length + 64).saturating_sub(bits).max(LISTED)),
        rate: time.0,
        elapsed: time.1,
        usable: true,
        margins: risk.0,
        depth: risk.1,
    }
}

/// 1 to `most` positions. In one vault of two the values have a similar size, otherwise any.
pub fn vaults(most: usize) -> impl Strategy<Value = Vec<Held>> {
    let time = (rates(), between(0, MAX_FORWARD_SECONDS - 1));
    let risk = (levels(), depths());
    let one = (any::<(u64, u16)>(), any::<bool>(), indexes(), any::<u64>(), time, risk, any::<u8>());
    (0u64..=57, any::<bool>(), prop::collection::vec(one, 1..=most)).prop_map(|(size, alike, ones)| {
        let bits = |b: u8| if alike { size.saturating_sub(u64::from(b % 5)) } else { u64::from(b) % 58 };
        ones.into_iter().map(|(w, side, i, m, time, risk, b)| held(bits(b), w, side, i, m, time, risk)).collect()
    })
}
