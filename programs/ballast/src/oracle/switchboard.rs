//! Switchboard On-Demand: the pull feed account at a fixed address. Anybody may crank it with what its oracles signed; the
//! program that owns it checks their signatures and keeps the median of the samples.

use anchor_lang::prelude::*;

use super::{Quotation, bytes};
use crate::ensure;
use crate::error::{BallastError, refuse};

/// The program on the main network.
pub const SWITCHBOARD: Pubkey = pubkey!("SBondMDrcV3K4kxZR1HNVT7osZxAHVHgYXL5Ze1oMUv");

/// First bytes of a `PullFeedAccountData`, and its size.
const DISCRIMINATOR: [u8; 8] = [196, 27, 108, 196, 10, 215, 219, 40];
const SPACE: usize = 3_208;

/// Offsets of what is read: of the feed,
const LEAST_SAMPLES: usize = 2_215;
const LAST_UPDATE: usize = 2_216;
const MAX_STALENESS: usize = 2_392;
/// and of its current result.
const VALUE: usize = 2_264;
const DEVIATION: usize = 2_280;
const SAMPLES: usize = 2_360;
const SLOT: usize = 2_368;

/// Values have 18 decimal places; one that leaves 64 bits is cut to nine.
const PLACES: i32 = 18;
const FEWER_PLACES: i32 = 9;
const CUT: u128 = 1_000_000_000;

pub fn read(address: &Pubkey, account: &AccountInfo, slot: u64) -> Result<Quotation> {
    ensure!(account.key == address, OracleWrongAccount);
    ensure!(*account.owner == SWITCHBOARD, OracleWrongOwner);
    let data = account.try_borrow_data()?;
    ensure!(data.len() == SPACE && bytes(&data, 0)? == DISCRIMINATOR, OracleWrongAccount);

    let ([samples], [least]) = (bytes(&data, SAMPLES)?, bytes(&data, LEAST_SAMPLES)?);
    ensure!(samples >= least.max(1), TooFewSamples);
    // The slot of the newest sample. The oldest one is near the limit in a healthy feed, which keeps every sample up to it.
    let signed = u64::from_le_bytes(bytes(&data, SLOT)?);
    let staleness = u32::from_le_bytes(bytes(&data, MAX_STALENESS)?);
    ensure!(signed.saturating_add(u64::from(staleness)) >= slot, PriceTooOld);

    let value = u128::try_from(i128::from_le_bytes(bytes(&data, VALUE)?));
    let deviation = u128::try_from(i128::from_le_bytes(bytes(&data, DEVIATION)?));
    let (Ok(mut value), Ok(mut deviation)) = (value, deviation) else {
        return Err(refuse(BallastError::PriceNotPositive));
    };
    let mut places = PLACES;
    if i64::try_from(value).is_err() {
        places = FEWER_PLACES;
        value = value.checked_div(CUT).unwrap_or(0);
        deviation = deviation.div_ceil(CUT);
    }
    Ok(Quotation {
        price: i64::try_from(value).map_err(|_| refuse(BallastError::PriceOutOfRange))?,
        confidence: u64::try_from(deviation).unwrap_or(u64::MAX),
        exponent: places.wrapping_neg(),
        publish_time: i64::from_le_bytes(bytes(&data, LAST_UPDATE)?),
    })
}
