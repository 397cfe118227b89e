//! Pyth pull: `PriceUpdateV2` accounts of a receiver program. Anybody may post one; what makes it good is the owner,
//! the feed id and the full verification, not the address.

use anchor_lang::prelude::*;
use pyth_solana_receiver_sdk::price_update::{PriceUpdateV2, VerificationLevel};

use super::Quotation;
use crate::ensure;
use crate::error::{BallastError, refuse};

/// The receiver program that most feeds are posted with.
pub const RECEIVER: Pubkey = pubkey!("rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ");
/// The receiver program of the "Core compatible" deployment.
pub const RECEIVER_CORE: Pubkey = pubkey!("rec2HHDDnjLfj4kE7VyEtFA1HPGQLK33259532cRyHp");

pub fn read(feed: &Pubkey, account: &AccountInfo, receiver: &Pubkey) -> Result<Quotation> {
    ensure!(*account.owner == *receiver, OracleWrongOwner);
    let data = account.try_borrow_data()?;
    // The SDK's type checks its owner against one receiver chosen at compile time; the owner was checked above, so
    // only its decoder (with the discriminator) is used.
    let update =
        PriceUpdateV2::try_deserialize(&mut &data[..]).map_err(|_| refuse(BallastError::OracleWrongAccount))?;
    ensure!(update.verification_level == VerificationLevel::Full, NotFullyVerified);
    let message = &update.price_message;
    ensure!(message.feed_id == *feed.as_array(), FeedMismatch);
    Ok(Quotation {
        price: message.price,
        confidence: message.conf,
        exponent: message.exponent,
        publish_time: message.publish_time,
    })
}
