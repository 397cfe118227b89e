//! Price sources: what a new one must fulfil, and when it counts.

use anchor_lang::prelude::*;

use super::{Path, require_waited};
use crate::ensure;
use crate::error::{BallastError, refuse};
use crate::state::{Asset, Market, Source, SourceKind};

impl Market {
    /// Gives an asset another source in a slot. Where the asset has a price already and can be used, the new source becomes
    /// the candidate and takes over once it has agreed with that price, see `observe_candidate`.
    ///
    /// # Errors
    /// `MustWait`, and those of [`Market::check_source`].
    pub fn set_source(&mut self, asset: u8, slot: u8, (from, to): (&Source, &Source), path: Path) -> Result<()> {
        require_waited(path)?;
        self.check_source(asset, slot, from, to)?;
        let set_up = matches!(path, Path::SetUp);
        let derives = |of: &Asset| of.is_derived_from(asset);
        let inert = self.asset(asset)?.is_inert() && !self.listed().iter().any(derives);
        let record = self.asset_mut(asset)?;
        let unpriced = record.publish_time == 0;
        if set_up || to.is_none() || unpriced || inert {
            record.replace_source(slot, to);
        } else {
            (record.candidate, record.candidate_slot) = (*to, slot);
            (record.candidate_checks, record.candidate_time) = (0, 0);
        }
        Ok(())
    }

    /// # Errors
    /// `AssetUnknown`, `ValueChanged`, `BadSource`.
    pub fn check_source(&self, asset: u8, slot: u8, from: &Source, to: &Source) -> Result<()> {
        let record = self.asset(asset)?;
        let present = record.sources.get(usize::from(slot)).ok_or_else(|| refuse(BallastError::BadSource))?;
        ensure!(present == from, ValueChanged);
        let [first, second] = &record.sources;
        let other = if slot == 0 { second } else { first };
        ensure!(self.fits(asset, slot, to, other), BadSource);
        Ok(())
    }

    fn fits(&self, asset: u8, slot: u8, to: &Source, other: &Source) -> bool {
        let plain = *to == Source::new(to.kind(), to.key, to.base);
        let keyed = to.is_none() == (to.key == Pubkey::default());
        let based = match to.kind() {
            // Not on itself, not on another pool, and only one of the two sources.
            SourceKind::StakePool => {
                let base = self.asset(to.base).ok().filter(|_| to.base != asset);
                let solid = |base: &Asset| {
                    base.sources.iter().chain([&base.candidate]).all(|source| source.kind() != SourceKind::StakePool)
                };
                let derives = |of: &Asset| of.is_derived_from(asset);
                base.is_some_and(solid) && other.kind() != SourceKind::StakePool && !self.listed().iter().any(derives)
            }
            _ => to.base == 0,
        };
        // The first source can be replaced, not removed, and comes first.
        let placed = if slot == 0 { !to.is_none() } else { !other.is_none() };
        plain && keyed && based && placed
    }
}

impl Asset {
    /// Whether nobody has anything in it, and nobody can.
    fn is_inert(&self) -> bool {
        (self.deposit_shares, self.debt_shares, self.deposit_cap, self.debt_cap) == (0, 0, 0, 0)
    }

    /// Whether its price is, or may become, a multiple of that of another asset.
    fn is_derived_from(&self, base: u8) -> bool {
        let based = |source: &Source| source.kind() == SourceKind::StakePool && source.base == base;
        self.sources.iter().chain([&self.candidate]).any(based)
    }

    /// A source without comparison. What another first source has said is forgotten, or a wrong one could never be mended.
    fn replace_source(&mut self, slot: u8, to: &Source) {
        let [first, second] = &mut self.sources;
        if slot == 0 {
            *first = *to;
            (self.spot, self.average, self.low, self.high, self.peak) = (0, 0, 0, 0, 0);
            (self.publish_time, self.usable_until, self.init_until, self.doubted_at) = (0, 0, 0, 0);
            (self.breaker, self.breaker_until, self.grace_until) = (0, 0, 0);
            (self.staking_rate, self.staking_rate_at) = (0, 0);
        } else {
            *second = *to;
        }
        self.second_publish_time = 0;
        if self.candidate_slot == slot {
            (self.candidate, self.candidate_slot) = (Source::NONE, 0);
            (self.candidate_checks, self.candidate_time) = (0, 0);
        }
    }
}
