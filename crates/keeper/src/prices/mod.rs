//! Keeping the prices of the market fresh.
//!
//! The oracle accounts move by themselves: sponsored Pyth feeds, Switchboard feeds, stake pools, the simulated feed of a local
//! network. What is left to do is to show them to the market when the stored price is too old or too far off ([`due`]). What
//! an account would do to the market is asked of the program's own functions, so nothing is sent that would be refused.

pub mod accounts;
pub mod due;
pub mod hermes;
mod shelf;
pub mod source;
pub mod written;

pub use accounts::{Accounts, sponsored};
pub use due::{Due, Policy, Reason, Schedule, Trouble, candidates, schedule};
pub use shelf::Shelf;
pub use source::{PriceSource, Quotes};
pub use written::Written;

/// The name of an asset for people.
pub fn name(padded: &[u8]) -> String {
    let end = padded.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    String::from_utf8_lossy(padded.get(..end).unwrap_or(padded)).into_owned()
}
