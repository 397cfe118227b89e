//! The accounts. All are zero-copy, `#[repr(C)]`, with explicit padding and a size that the compiler checks.

pub mod asset;
pub mod change;
pub mod draft;
pub mod in_flight;
pub mod market;
pub mod parameters;
pub mod pause;
pub mod source;
pub mod vault;

pub use asset::{Asset, RatePoint};
pub use change::Change;
pub use draft::Draft;
pub use in_flight::{InFlight, Kind};
pub use market::{MAX_ASSETS, Market, Role, SpotHealth};
pub use pause::Pause;
pub use source::{Source, SourceKind};
pub use vault::{MAX_POSITIONS, Position, Scope, Vault};
