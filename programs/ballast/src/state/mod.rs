//! The accounts. All are zero-copy, `#[repr(C)]`, with explicit padding and a size that the compiler checks.

pub mod asset;
pub mod draft;
pub mod market;
pub mod vault;

pub use asset::{Asset, OracleKind, RatePoint};
pub use draft::Draft;
pub use market::{MAX_ASSETS, Market, SpotHealth};
pub use vault::{MAX_POSITIONS, Position, Vault};
