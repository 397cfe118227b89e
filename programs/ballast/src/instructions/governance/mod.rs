//! Instructions that set up and change a market.

pub mod create_market;
pub mod list_asset;

pub use create_market::*;
pub use list_asset::*;
