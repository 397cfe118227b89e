//! The demo's publishers: from a frame of prices to the oracle accounts that the program reads.

use ballast_client::Pubkey;
use ballast_client::local::Published;

use crate::catalogue::{ASSETS, COUNT};
use crate::prices::Frame;
use ballast_cluster::decimal::Decimal;

/// Confidence interval in a quiet market, basis points of the price.
const QUIET_BPS: f64 = 4.0;
/// The widest one published.
const WIDEST_BPS: f64 = 120.0;

/// The oracle accounts, in the order of the catalogue.
pub struct Feeds {
    pub accounts: [Pubkey; COUNT],
}

impl Feeds {
    /// The feed id of an asset: its name, readable in a dump. Real ids would promise prices of real publishers.
    pub fn id(asset: usize) -> [u8; 32] {
        let mut id = [0; 32];
        let text = format!("ballast demo {}/USD", ASSETS[asset].name);
        for (slot, byte) in id.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        id
    }

    /// What is published of a frame at a time on the local clock. The confidence interval widens with the move since
    /// the frame before.
    pub fn updates(&self, before: &Frame, frame: &Frame, time: i64) -> Vec<(Pubkey, [u8; 32], Published)> {
        let update = |(asset, account): (usize, &Pubkey)| {
            let (last, price) = (before.prices[asset], frame.prices[asset]);
            let confidence = confidence(last, price);
            let seen = Published { price: price.number, confidence, exponent: price.exponent, publish_time: time };
            (*account, Self::id(asset), seen)
        };
        self.accounts.iter().enumerate().map(update).collect()
    }

    /// Asset index and oracle account, as `refresh_prices` wants them.
    pub fn pairs(&self) -> Vec<(u8, Pubkey, Option<Pubkey>)> {
        (0u8..).zip(self.accounts).map(|(asset, account)| (asset, account, None)).collect()
    }
}

/// In the units of the price.
fn confidence(last: Decimal, price: Decimal) -> u64 {
    let moved = (price.as_f64() / last.as_f64() - 1.0).abs();
    // A tenth of the move, in whole hundredths of a basis point.
    let e6 = ((QUIET_BPS + moved * 1_000.0).min(WIDEST_BPS) * 100.0) as u64;
    let scaled = u128::from(price.number.unsigned_abs()) * u128::from(e6) / 1_000_000;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}
