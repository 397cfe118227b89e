//! Price accounts in the byte formats of their programs.

use ballast_client::local::{self, FeedResult, Pool, Published, Verification, price_update};
use ballast_client::{Pubkey, SourceKind};
use pyth_sdk_solana::state::{AccountType, MAGIC, PriceStatus, SolanaPriceAccount, VERSION_2};

/// `text` dollars with a confidence interval of 0.05 %, at the exponent that feeds usually have.
pub fn published(text: &str, publish_time: i64) -> Published {
    // Small prices keep their digits at a smaller exponent, as real feeds do.
    let exponent: i32 = if text.starts_with("0.0") { -12 } else { -8 };
    let price = crate::money::units(text, exponent.unsigned_abs() as u8) as i64;
    Published { price, confidence: price.unsigned_abs() / 2_000, exponent, publish_time }
}

/// The account of a kind of source. `key` is the feed of the pull kinds of Pyth, and the mint of a stake pool, for which
/// `seen` is the rate: base tokens for one token.
pub fn account(kind: SourceKind, key: &[u8; 32], seen: &Published, slot: u64) -> Vec<u8> {
    match kind {
        SourceKind::None => vec![],
        SourceKind::PythPull | SourceKind::PythPullCore => price_update(key, seen, Verification::Full, slot),
        SourceKind::PythPush => push_bytes(&push(seen, slot)),
        SourceKind::SwitchboardPull => local::switchboard_feed(&switchboard(seen, slot)),
        SourceKind::StakePool => local::stake_pool(&pool(key, seen)),
    }
}

/// A Switchboard feed with three fresh samples.
pub fn switchboard(seen: &Published, slot: u64) -> FeedResult {
    let unit = 10i128.pow(18 - seen.exponent.unsigned_abs());
    FeedResult {
        value: i128::from(seen.price) * unit,
        deviation: i128::from(seen.confidence) * unit,
        samples: 3,
        least_samples: 1,
        slot,
        max_staleness: 250,
        updated: seen.publish_time,
    }
}

/// A stake pool of this rate, brought up to date in the epoch in which tests begin.
pub fn pool(mint: &[u8; 32], rate: &Published) -> Pool {
    let supply = 10u64.pow(rate.exponent.unsigned_abs());
    Pool { mint: Pubkey::new_from_array(*mint), lamports: rate.price.unsigned_abs(), supply, epoch: 0 }
}

/// A legacy price account that is trading.
pub fn push(seen: &Published, slot: u64) -> Box<SolanaPriceAccount> {
    let mut feed: Box<SolanaPriceAccount> = Box::default();
    feed.magic = MAGIC;
    feed.ver = VERSION_2;
    feed.atype = AccountType::Price as u32;
    feed.size = size_of::<SolanaPriceAccount>() as u32;
    feed.expo = seen.exponent;
    feed.timestamp = seen.publish_time;
    feed.last_slot = slot;
    feed.valid_slot = slot;
    feed.agg.price = seen.price;
    feed.agg.conf = seen.confidence;
    feed.agg.status = PriceStatus::Trading;
    feed.agg.pub_slot = slot;
    feed
}

/// The bytes of a legacy price account.
pub fn push_bytes(feed: &SolanaPriceAccount) -> Vec<u8> {
    bytemuck::bytes_of(feed).to_vec()
}
