//! Instructions that set up and change a market. What they may do is decided in [`crate::changes`].

pub mod accept_role;
pub mod apply_change;
pub mod cancel_change;
pub mod confirm_risk_model;
pub mod create_market;
pub mod execute_change;
pub mod list_asset;
pub mod open_market;
pub mod pause;
pub mod propose_change;

pub use accept_role::*;
pub use apply_change::*;
pub use cancel_change::*;
pub use confirm_risk_model::*;
pub use create_market::*;
pub use execute_change::*;
pub use list_asset::*;
pub use open_market::*;
pub use pause::*;
pub use propose_change::*;
