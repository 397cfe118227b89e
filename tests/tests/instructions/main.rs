//! One file per instruction: what it does, to the unit, and every way it refuses.

mod borrow;
mod close_vault;
mod create_market;
mod deposit;
mod error_codes;
mod liquidate;
mod list_asset;
mod open_vault;
mod refresh_prices;
mod repay;
mod view_health;
mod withdraw;
