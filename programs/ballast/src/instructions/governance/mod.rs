//! Instructions that set up and change a market.

pub mod confirm_risk_model;
pub mod create_market;
pub mod list_asset;
pub mod set_haircuts;
pub mod set_risk_model;
pub mod set_scenarios;

pub use confirm_risk_model::*;
pub use create_market::*;
pub use list_asset::*;
pub use set_haircuts::*;
pub use set_risk_model::*;
pub use set_scenarios::*;
