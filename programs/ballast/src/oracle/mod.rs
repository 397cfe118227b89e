//! Prices from outside: each source is one file that turns account bytes into an [`Observation`]; what an observation
//! must fulfil is checked here, once, for all sources.

mod pyth_pull;
mod pyth_push;

use anchor_lang::prelude::*;
use ballast_risk::Fraction;
use ballast_risk::price::{Price, average_weight, confidence_ceil};
use ballast_risk::variance::moved_ceil;

use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::{Asset, OracleKind};

pub use pyth_pull::{RECEIVER, RECEIVER_CORE};
pub use pyth_push::PUSH_PROGRAM;

/// The cluster's clock may lag behind that of the publishers by this many seconds.
pub const MAX_CLOCK_LAG: u64 = 15;
/// Exponents accepted: 10^-18 to 1.
const MIN_EXPONENT: i32 = -18;

/// What an oracle account says: `price +/- confidence` times `10^exponent` dollars for one whole token.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    /// Unix seconds.
    pub publish_time: i64,
}

/// Reads the oracle account of an asset.
///
/// # Errors
/// The 6200 group: wrong owner, account or feed, not fully verified, not trading.
pub fn observe(asset: &Asset, account: &AccountInfo) -> Result<Observation> {
    match OracleKind::from_code(asset.oracle_kind) {
        Some(OracleKind::PythPull) => pyth_pull::observe(asset, account, &RECEIVER),
        Some(OracleKind::PythPullCore) => pyth_pull::observe(asset, account, &RECEIVER_CORE),
        Some(OracleKind::PythPush) => pyth_push::observe(asset, account),
        None => Err(refuse(BallastError::OracleWrongAccount)),
    }
}

/// Accepts an observation as the asset's price, or refuses it and changes nothing.
///
/// A publish time that was accepted before is no error (keepers race) and no change either: nobody chooses among
/// updates of one second.
///
/// # Errors
/// The 6200 group: not positive, exponent, confidence, too old, from the future, older than the stored one.
pub fn accept(asset: &mut Asset, seen: &Observation, now: u64, slot: u64) -> Result<()> {
    let number = u64::try_from(seen.price).ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| refuse(BallastError::PriceNotPositive))?;
    ensure!((MIN_EXPONENT..=0).contains(&seen.exponent), ExponentOutOfRange);
    let published = u64::try_from(seen.publish_time).map_err(|_| refuse(BallastError::PriceTooOld))?;
    ensure!(published <= now.saturating_add(MAX_CLOCK_LAG), PriceFromFuture);
    ensure!(published.saturating_add(u64::from(asset.max_age)) >= now, PriceTooOld);
    ensure!(published >= asset.publish_time, PriceOlderThanStored);
    if published == asset.publish_time {
        return Ok(());
    }

    let limit = Fraction::new(asset.max_confidence);
    let confidence = confidence_ceil(number, seen.confidence, asset.confidence_multiple, limit).or_refuse()?;
    let spot = Price::from_decimal_floor(number, seen.exponent, asset.decimals).or_refuse()?;
    // Before the first price there is nothing that it could have moved from.
    if let Some(before) = asset.spot() {
        let elapsed = published.saturating_sub(asset.publish_time);
        asset.watch_volatility(moved_ceil(before, spot), elapsed);
    }
    let weight = average_weight(published.saturating_sub(asset.publish_time), asset.average_period);
    let average = asset.average().map_or(spot, |average| average.averaged(spot, weight));
    let low = spot.min(average).lowered_floor(confidence).or_refuse()?;
    let high = spot.max(average).raised_ceil(confidence).or_refuse()?;

    asset.set_prices(spot, average, low, high);
    asset.confidence = confidence.get();
    asset.publish_time = published;
    asset.usable_until = published.min(now).saturating_add(u64::from(asset.max_age));
    asset.price_slot = slot;
    Ok(())
}

/// The clock in the unit of the books. A clock before 1970 counts as 1970.
#[inline(always)]
pub fn unix_seconds(clock: &Clock) -> u64 {
    u64::try_from(clock.unix_timestamp).unwrap_or(0)
}
