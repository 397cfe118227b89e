//! The Rust client: addresses, account decoding, instructions, and the program's own decisions made off-chain.
//!
//! This is the only off-chain crate that names the program crate, and it uses its public interface alone: the account
//! layouts, the argument types and `HealthView`. Everything else (command line, keeper, demo, tests) depends on this
//! crate, so that all of them see the integers that the program sees.
//!
//! | room | what is in it |
//! |---|---|
//! | [`account`], [`address`], [`token`] | accounts from the bytes of a node that nobody trusts; where they are |
//! | [`instruction`], [`change`], [`model`], [`parameters`] | builders for every instruction; parameters as people write them |
//! | [`transaction`] | instructions to a message: legacy, version 0, version 1 |
//! | [`snapshot`], [`explain`], [`oracle`] | health and liquidations; why a price counts or not; what a refresh would do |
//! | [`preview`], [`rehearsal`] | what an action or a liquidation would do, to the unit; prices at which a vault can be liquidated |
//! | [`diff`], [`impact`], [`measure`] | what a proposal changes, for whom, and in which units |
//! | [`error`], [`refusal`], [`logs`], [`decode`] | what happened, and what an instruction says, in words |
//! | [`nonce`] | durable nonces: their accounts, and what refuses them |
//! | [`local`] | accounts of other programs in their own formats, for local networks and tests |

pub mod account;
pub mod address;
pub mod change;
pub mod decode;
pub mod diff;
pub mod error;
pub mod explain;
pub mod impact;
pub mod instruction;
pub mod local;
pub mod logs;
pub mod measure;
pub mod model;
pub mod nonce;
pub mod oracle;
pub mod parameters;
pub mod preview;
pub mod refusal;
pub mod rehearsal;
pub mod snapshot;
pub mod token;
pub mod transaction;

pub use anchor_lang::prelude::Pubkey;
pub use ballast::error::BallastError;
pub use ballast::event;
pub use ballast::mints::{Fee, Payment};
pub use ballast::oracle::Doubt;
pub use ballast::state::change::{Edit, Proposal, RiskModel};
pub use ballast::state::draft::{LoadingRow, Rows, ShockRow};
pub use ballast::state::market::ModelTerms;
pub use ballast::state::pause::{LONGEST_PAUSE, PAUSE_BUDGET, Pausable};
pub use ballast::state::{
    Asset, Change, Draft, InFlight, Kind, MAX_ASSETS, MAX_POSITIONS, Market, Position, RatePoint, Role, Scope, Source,
    SourceKind, Vault,
};
pub use ballast::{BindingView, Guard, HealthView, ID, LevelView, Scopes, StateView};
pub use ballast_risk as risk;
pub use ballast_risk::table;
