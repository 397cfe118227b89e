//! The prices at which a vault becomes liquidatable.
//!
//! Equity is linear in a price and every requirement is convex in it, so the prices at which a vault meets `Maint` are one
//! interval, and each of its ends is found by bisection on the program's own check. The same holds where a token that a stake
//! pool values moves with its base by the same part, as it does with the next refresh.

use ballast::state::{Asset, SourceKind};
use ballast_risk::health::Side;

use super::prices::{pico_dollars, reprice};
use super::{Stage, shocked_pico_dollars};
use crate::impact::copied;

/// The prices of one asset between which the vault cannot be liquidated: 10^-12 dollars for a whole token. What stake pools
/// value in this asset moves with it, all others are unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    pub asset: u8,
    /// The price now.
    pub price: u64,
    /// At this price and below it the vault can be liquidated; `None` if a fall never leads there.
    pub below: Option<u64>,
    /// At this price and above it the vault can be liquidated; `None` if a rise never leads there.
    pub above: Option<u64>,
}

/// All of a vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// Of the assets that the vault has or owes, in their order. Empty without debts, for a vault that can be liquidated
    /// already, and where a price is missing.
    pub assets: Vec<Threshold>,
    /// The least fall of everything deposited, by the same part in basis points, with debts at their prices, that makes it
    /// liquidatable; `None` likewise.
    pub fall_bps: Option<u16>,
}

/// What the check at `Maint` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passes,
    Fails,
    /// Beyond what prices and values can be.
    Unknown,
}

impl Stage {
    /// The prices at which the vault becomes liquidatable.
    pub fn thresholds(&self) -> Thresholds {
        let mut trial = self.clone();
        if !self.vault.has_debt() || trial.verdict() != Verdict::Passes {
            return Thresholds::default();
        }
        let assets = self.used().filter_map(|asset| trial.threshold(asset)).collect();
        Thresholds { assets, fall_bps: trial.fall() }
    }

    fn used(&self) -> impl Iterator<Item = u8> + use<> {
        let used: Vec<u8> = self.vault.used().iter().map(|position| position.asset).collect();
        used.into_iter()
    }

    fn verdict(&self) -> Verdict {
        match self.market.spot_health(&self.vault, self.now, &mut None) {
            Ok(spot) if spot.maint.passes() => Verdict::Passes,
            Ok(_) => Verdict::Fails,
            Err(_) => Verdict::Unknown,
        }
    }

    fn threshold(&mut self, index: u8) -> Option<Threshold> {
        let asset = self.market.assets.get(usize::from(index))?;
        let price = pico_dollars(asset.spot()?, asset.decimals)?;
        let moving = self.moving_with(index)?;
        let mut at = |number: u64| {
            let priced = moving.iter().all(|Moving { index, own, .. }| {
                let number = scaled_floor(*own, number, price);
                number.is_some_and(|number| reprice(&mut self.market, *index, number, self.now).is_ok())
            });
            let verdict = if priced { self.verdict() } else { Verdict::Unknown };
            for Moving { index, record, .. } in &moving {
                if let Some(asset) = self.market.assets.get_mut(usize::from(*index)) {
                    *asset = *record;
                }
            }
            verdict
        };
        let halved = |number: u64| Some(number >> 1).filter(|number| *number > 0);
        let below = first_failure(price, halved, &mut at).map(|(passes, fails)| boundary(passes, fails, &mut at));
        let doubled = |number: u64| number.checked_mul(2);
        let above = first_failure(price, doubled, &mut at).map(|(passes, fails)| boundary(passes, fails, &mut at));
        Some(Threshold { asset: index, price, below, above })
    }

    /// An asset, and what the vault has or owes of tokens whose price a stake pool derives from it. `None` where one of them
    /// has no price, or one beyond 64 bits.
    fn moving_with(&self, base: u8) -> Option<Vec<Moving>> {
        let asset = |index: &u8| self.market.assets.get(usize::from(*index)).copied();
        let derived = |index: &u8| {
            let source = asset(index).map(|asset| asset.sources[0]);
            *index != base && source.is_some_and(|source| source.kind() == SourceKind::StakePool && source.base == base)
        };
        let moving = std::iter::once(base).chain(self.used().filter(derived));
        let moving = moving.map(|index| {
            let record = asset(&index)?;
            Some(Moving { index, own: pico_dollars(record.spot()?, record.decimals)?, record })
        });
        moving.collect()
    }

    fn fall(&self) -> Option<u16> {
        let deposits: Vec<u8> = self
            .vault
            .used()
            .iter()
            .filter(|position| position.side() == Side::Deposit)
            .map(|position| position.asset)
            .collect();
        let mut trial = self.clone();
        let mut at = |bps: u64| {
            trial.market = copied(&self.market);
            let fall = i32::try_from(bps).unwrap_or(i32::MAX).saturating_neg();
            let priced = deposits.iter().all(|index| {
                let number = self.market.assets.get(usize::from(*index));
                let number = number.and_then(|asset| shocked_pico_dollars(asset, fall));
                number.is_some_and(|number| reprice(&mut trial.market, *index, number, self.now).is_ok())
            });
            if priced { trial.verdict() } else { Verdict::Unknown }
        };
        const MOST: u64 = 9_999;
        match at(MOST) {
            Verdict::Fails => u16::try_from(boundary(0, MOST, &mut at)).ok(),
            Verdict::Passes | Verdict::Unknown => None,
        }
    }
}

/// An asset that moves with another, as it is before.
struct Moving {
    index: u8,
    record: Asset,
    /// Its price, 10^-12 dollars for a whole token.
    own: u64,
}

/// `own` by the part by which a price has moved to `number`; `None` beyond 64 bits.
fn scaled_floor(own: u64, number: u64, price: u64) -> Option<u64> {
    u64::try_from((u128::from(own) * u128::from(number)).checked_div(u128::from(price))?).ok()
}

/// Goes away from a price step by step until the vault fails: the last number at which it passes and the first at which it
/// does not.
fn first_failure(
    from: u64,
    next: impl Fn(u64) -> Option<u64>,
    at: &mut impl FnMut(u64) -> Verdict,
) -> Option<(u64, u64)> {
    let mut passes = from;
    loop {
        let tried = next(passes)?;
        match at(tried) {
            Verdict::Passes => passes = tried,
            Verdict::Fails => return Some((passes, tried)),
            Verdict::Unknown => return None,
        }
    }
}

/// The number next to `passes` at which the vault fails.
fn boundary(mut passes: u64, mut fails: u64, at: &mut impl FnMut(u64) -> Verdict) -> u64 {
    while passes.abs_diff(fails) > 1 {
        let middle = passes.midpoint(fails);
        if at(middle) == Verdict::Fails { fails = middle } else { passes = middle }
    }
    fails
}
