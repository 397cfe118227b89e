//! Accounts of other programs in their real byte format, for local networks and tests that write them directly.

use borsh::BorshSerialize;

use crate::Pubkey;

pub use ballast::oracle::{PUSH_PROGRAM, RECEIVER, RECEIVER_CORE};

/// A price as an oracle publishes it: `price +/- confidence` times `10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    pub publish_time: i64,
}

/// How far a price update was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize)]
pub enum Verification {
    Partial { signatures: u8 },
    Full,
}

/// The fields of a `PriceUpdateV2` account in their order.
#[derive(BorshSerialize)]
struct PriceUpdate {
    write_authority: [u8; 32],
    verification: Verification,
    feed_id: [u8; 32],
    price: i64,
    confidence: u64,
    exponent: i32,
    publish_time: i64,
    previous_publish_time: i64,
    average_price: i64,
    average_confidence: u64,
    posted_slot: u64,
}

/// First eight bytes of a `PriceUpdateV2` account.
const PRICE_UPDATE: [u8; 8] = [34, 241, 35, 99, 157, 126, 244, 205];
/// Bytes of a `PriceUpdateV2` account.
pub const PRICE_UPDATE_SPACE: usize = 134;

/// A `PriceUpdateV2` account of the receiver programs.
pub fn price_update(feed_id: &[u8; 32], seen: &Published, verification: Verification, slot: u64) -> Vec<u8> {
    let update = PriceUpdate {
        write_authority: [7; 32],
        verification,
        feed_id: *feed_id,
        price: seen.price,
        confidence: seen.confidence,
        exponent: seen.exponent,
        publish_time: seen.publish_time,
        previous_publish_time: seen.publish_time.saturating_sub(1),
        average_price: seen.price,
        average_confidence: seen.confidence,
        posted_slot: slot,
    };
    let mut data = PRICE_UPDATE.to_vec();
    borsh::to_writer(&mut data, &update).expect("writing to memory does not fail");
    // Room for the longer form of the verification level, as the receiver allocates it.
    data.resize(PRICE_UPDATE_SPACE, 0);
    data
}

/// A mint of either token program without extensions. The two share the layout.
pub fn mint(authority: &Pubkey, decimals: u8, supply: u64) -> Vec<u8> {
    let mut data = Vec::with_capacity(82);
    data.extend(1u32.to_le_bytes());
    data.extend(authority.to_bytes());
    data.extend(supply.to_le_bytes());
    data.extend([decimals, 1]);
    // No freeze authority.
    data.resize(82, 0);
    data
}

/// A token account of either token program without extensions.
pub fn token_account(mint: &Pubkey, owner: &Pubkey, amount: u64) -> Vec<u8> {
    let mut data = Vec::with_capacity(165);
    data.extend(mint.to_bytes());
    data.extend(owner.to_bytes());
    data.extend(amount.to_le_bytes());
    // No delegate.
    data.resize(108, 0);
    // Initialised.
    data.push(1);
    data.resize(165, 0);
    data
}
