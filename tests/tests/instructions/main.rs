//! One file per instruction: what it does, to the unit, and every way it refuses.

mod borrow;
mod close_draft;
mod close_vault;
mod confirm_risk_model;
mod create_market;
mod deposit;
mod error_codes;
mod liquidate;
mod liquidate_modelled;
mod list_asset;
mod open_draft;
mod open_vault;
mod refresh_prices;
mod refresh_volatility;
mod repay;
mod set_haircuts;
mod set_risk_model;
mod set_scenarios;
mod view_health;
mod withdraw;
mod write_draft;
