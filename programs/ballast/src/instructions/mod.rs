//! One file per instruction: arguments, accounts, `validate`, handler. The rhythm of a handler:
//! validate, bring indexes up to now, compute (a pure function of `ballast-risk`), check, commit, transfer, assert
//! custody, event.

pub mod absorb_bad_debt;
pub mod begin_liquidation;
pub mod borrow;
pub mod close_draft;
pub mod close_vault;
pub mod deposit;
pub mod end_liquidation;
pub mod flash_borrow;
pub mod flash_repay;
pub mod fund_reserve;
pub mod governance;
pub mod liquidate;
pub mod liquidate_into;
pub mod observe_candidate;
pub mod open_draft;
pub mod open_vault;
pub mod refresh_prices;
pub mod repay;
pub mod seize;
pub mod set_delegate;
pub mod transfer_vault;
pub mod view_health;
pub mod withdraw;
pub mod write_draft;

pub use absorb_bad_debt::*;
pub use begin_liquidation::*;
pub use close_draft::*;
pub use close_vault::*;
pub use end_liquidation::*;
pub use flash_borrow::*;
pub use governance::*;
pub use liquidate::*;
pub use liquidate_into::*;
pub use observe_candidate::*;
pub use open_draft::*;
pub use open_vault::*;
pub use refresh_prices::*;
pub use set_delegate::*;
pub use transfer_vault::*;
pub use view_health::*;
pub use write_draft::*;
