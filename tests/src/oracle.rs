//! Price accounts in the byte formats of their programs.

use ballast_client::OracleKind;
use ballast_client::local::{Published, Verification, price_update};
use pyth_sdk_solana::state::{AccountType, MAGIC, PriceStatus, SolanaPriceAccount, VERSION_2};

/// `text` dollars with a confidence interval of 0.05 %, at the exponent that feeds usually have.
pub fn published(text: &str, publish_time: i64) -> Published {
    // Small prices keep their digits at a smaller exponent, as real feeds do.
    let exponent: i32 = if text.starts_with("0.0") { -12 } else { -8 };
    let price = crate::money::units(text, exponent.unsigned_abs() as u8) as i64;
    Published { price, confidence: price.unsigned_abs() / 2_000, exponent, publish_time }
}

/// The account of a kind of oracle. `feed` matters for the pull kinds.
pub fn account(kind: OracleKind, feed: &[u8; 32], seen: &Published, slot: u64) -> Vec<u8> {
    match kind {
        OracleKind::PythPull | OracleKind::PythPullCore => price_update(feed, seen, Verification::Full, slot),
        OracleKind::PythPush => push_bytes(&push(seen, slot)),
    }
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
