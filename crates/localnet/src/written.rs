//! The prices as a file, beside the oracle accounts: what a price service of one's own would write for the keeper's source
//! `prices.file`. Without proofs, so the keeper compares them with the stored prices and posts nothing.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ballast_client::Pubkey;
use ballast_client::local::Published;
use serde_json::json;

/// The name of the file in the network's folder.
pub const NAME: &str = "prices.json";

/// Writes what has just been published, in the form of Hermes' answers. Nobody reads a half of it.
///
/// # Errors
/// A file that cannot be written.
pub fn write(path: &Path, updates: &[(Pubkey, [u8; 32], Published)]) -> Result<()> {
    let said = |(_, feed, seen): &(Pubkey, [u8; 32], Published)| {
        let Published { price, confidence, exponent, publish_time } = seen;
        json!({
            "id": hex(feed),
            "price": {
                "price": price.to_string(),
                "conf": confidence.to_string(),
                "expo": exponent,
                "publish_time": publish_time,
            },
        })
    };
    let text = json!({ "parsed": updates.iter().map(said).collect::<Vec<_>>() }).to_string();
    let beside = path.with_extension("json.new");
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

fn hex(feed: &[u8; 32]) -> String {
    feed.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to memory does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
