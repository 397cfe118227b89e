//! Prices from outside. Each source is one file that reads its account into an [`Observation`]; what an observation must
//! fulfil, and what becomes of it, is decided once for all sources, in `accept` and `candidate`.

mod accept;
mod candidate;
mod pyth_pull;
mod pyth_push;
mod stake_pool;
mod switchboard;

use anchor_lang::prelude::*;
use ballast_risk::Fraction;
use ballast_risk::confidence::part_ceil;
use ballast_risk::price::{Price, pico_dollars_floor};

use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::{Asset, Market, Source, SourceKind};

pub use accept::{Doubt, MAX_CLOCK_LAG};
pub use candidate::{Comparison, OBSERVATION_SPACING};
pub use pyth_pull::{RECEIVER, RECEIVER_CORE};
pub use pyth_push::PUSH_PROGRAM;
pub use stake_pool::{STAKE_POOL, STAKE_POOL_PROGRAMS};
pub use switchboard::SWITCHBOARD;

/// Exponents accepted: 10^-18 to 1.
const MIN_EXPONENT: i32 = -18;

/// What a source says of an asset.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// Micro-dollars for one native unit.
    pub price: Price,
    /// What a deposit counts at `Init` before the confidence interval is taken off: the same, unless a staking rate has grown
    /// faster than is allowed.
    pub low: Price,
    /// The confidence interval as a part of the price; `MAX` when it is as wide as that.
    pub confidence: Fraction,
    /// Unix seconds.
    pub published: u64,
    /// A staking rate that the next ones are measured against, or 0.
    pub rate: u64,
    /// What speaks against it already.
    pub doubt: Option<Doubt>,
}

/// A price as feeds publish it: `price +/- confidence` times `10^exponent` dollars for one whole token.
#[derive(Clone, Copy, Debug)]
struct Quotation {
    price: i64,
    confidence: u64,
    exponent: i32,
    /// Unix seconds.
    publish_time: i64,
}

impl Quotation {
    fn observation(&self, asset: &Asset) -> Result<Observation> {
        let number = u64::try_from(self.price).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| refuse(BallastError::PriceNotPositive))?;
        ensure!((MIN_EXPONENT..=0).contains(&self.exponent), ExponentOutOfRange);
        let published = u64::try_from(self.publish_time).map_err(|_| refuse(BallastError::PriceTooOld))?;
        let confidence = part_ceil(number, self.confidence).unwrap_or(Fraction::MAX);
        let doubt = asset.outside_band(|| pico_dollars_floor(number, self.exponent));
        let price = Price::from_decimal_floor(number, self.exponent, asset.decimals).or_refuse()?;
        Ok(Observation { price, low: price, confidence, published, rate: 0, doubt })
    }
}

/// Reads the oracle account of a source of an asset.
///
/// # Errors
/// The 6200 group: wrong owner, account or feed, not fully verified, not trading, too few samples, not updated, not
/// positive, exponent; `PriceOutOfRange`.
pub fn observe(
    market: &Market,
    asset: &Asset,
    source: &Source,
    account: &AccountInfo,
    clock: &Clock,
) -> Result<Observation> {
    let key = &source.key;
    let quotation = match source.kind() {
        SourceKind::PythPull => pyth_pull::read(key, account, &RECEIVER)?,
        SourceKind::PythPullCore => pyth_pull::read(key, account, &RECEIVER_CORE)?,
        SourceKind::PythPush => pyth_push::read(key, account)?,
        SourceKind::SwitchboardPull => switchboard::read(key, account, clock.slot)?,
        SourceKind::StakePool => return stake_pool::observe(market, asset, source, account, clock),
        SourceKind::None => return Err(refuse(BallastError::OracleWrongAccount)),
    };
    quotation.observation(asset)
}

/// `N` bytes of an account from an offset on.
///
/// # Errors
/// `OracleWrongAccount` when it is shorter.
fn bytes<const N: usize>(data: &[u8], offset: usize) -> Result<[u8; N]> {
    let found = data.get(offset..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or_else(|| refuse(BallastError::OracleWrongAccount))
}

impl Asset {
    /// `dollars` counts 10^-12 dollars for a whole token.
    #[inline(always)]
    fn outside_band(&self, dollars: impl FnOnce() -> u64) -> Option<Doubt> {
        let open = self.band_low == 0 && self.band_high == u64::MAX;
        let outside = !open && !(self.band_low..=self.band_high).contains(&dollars());
        outside.then_some(Doubt::Band)
    }
}

/// The clock in the unit of the books. A clock before 1970 counts as 1970.
#[inline(always)]
pub fn unix_seconds(clock: &Clock) -> u64 {
    u64::try_from(clock.unix_timestamp).unwrap_or(0)
}
