//! SPL stake pools: a liquid-staking token is worth its part of the stake. The price is that of the base asset in the same
//! market, times the rate of the pool; so is the time at which it was published, and its confidence interval.

use anchor_lang::prelude::*;
use ballast_risk::confidence::narrowed_ceil;
use ballast_risk::{Fraction, staking};

use super::{Doubt, Observation, bytes, unix_seconds};
use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::{Asset, Market, Source};

/// The stake pool program of SPL,
pub const STAKE_POOL: Pubkey = pubkey!("SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy");
/// and all that own stake pools of its layout: it, and the two deployments of Sanctum.
pub const STAKE_POOL_PROGRAMS: [Pubkey; 3] = [
    STAKE_POOL,
    pubkey!("SP12tWFxD9oJsVWNavTTBZvMbA6gkAmxtVgxdqvyvhY"),
    pubkey!("SPMBzsVUuoHA4Jm6KunbsotaahvVikZs1JyTW6iJvbn"),
];

/// First byte of a `StakePool`.
const STAKE_POOL_TYPE: [u8; 1] = [1];
/// Offsets of what is read.
const MINT: usize = 162;
const LAMPORTS: usize = 258;
const SUPPLY: usize = 266;
const LAST_UPDATE_EPOCH: usize = 274;

pub fn observe(
    market: &Market,
    asset: &Asset,
    source: &Source,
    account: &AccountInfo,
    clock: &Clock,
) -> Result<Observation> {
    ensure!(*account.key == source.key, OracleWrongAccount);
    ensure!(STAKE_POOL_PROGRAMS.contains(account.owner), OracleWrongOwner);
    let data = account.try_borrow_data()?;
    ensure!(bytes(&data, 0)? == STAKE_POOL_TYPE && bytes(&data, MINT)? == asset.mint.to_bytes(), OracleWrongAccount);
    // A pool that nobody has brought up to date lacks the rewards, or the losses, of more than an epoch.
    let epoch = u64::from_le_bytes(bytes(&data, LAST_UPDATE_EPOCH)?);
    ensure!(epoch.saturating_add(1) >= clock.epoch, StakePoolNotUpdated);
    let lamports = u64::from_le_bytes(bytes(&data, LAMPORTS)?);
    let rate = staking::rate_floor(lamports, u64::from_le_bytes(bytes(&data, SUPPLY)?)).or_refuse()?;

    let now = unix_seconds(clock);
    let base = market.asset(source.base)?;
    let spot = base.spot().filter(|_| base.is_fresh(now));
    let spot = spot.ok_or_else(|| refuse(BallastError::BasePriceUnusable))?;
    let price = spot.times_floor(rate).or_refuse()?;
    let outside = asset.outside_band(|| price.pico_dollars_floor(asset.decimals));
    let limit = asset.staking_rate_limit(now);
    Ok(Observation {
        price,
        low: spot.times_floor(rate.min(limit)).or_refuse()?,
        confidence: narrowed_ceil(Fraction::new(base.confidence), base.confidence_multiple),
        published: base.publish_time.max(base.doubted_at),
        doubt: if base.is_doubted() { Some(Doubt::Base) } else { outside },
        // While the limit holds, it goes on from where it began: stepping it forward would lose a fraction each time.
        rate: if rate <= limit { rate } else { 0 },
    })
}

impl Asset {
    /// The largest staking rate that counts for a deposit at `Init`.
    fn staking_rate_limit(&self, now: u64) -> u64 {
        let limit = Fraction::new(self.growth_limit);
        if self.staking_rate == 0 || limit == Fraction::MAX {
            return u64::MAX;
        }
        staking::grown_floor(self.staking_rate, limit, now.saturating_sub(self.staking_rate_at))
    }
}
