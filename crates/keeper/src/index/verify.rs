//! Whether bytes that a node sent are what they are said to be. Nothing is used before it has passed here.

use std::fmt;

use ballast_client::account::{self, DecodeError};
use ballast_client::{MAX_ASSETS, MAX_POSITIONS, Market, Position, Pubkey, Vault};

use crate::updates::Update;

/// What is wrong with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not belong to the program.
    Owner,
    /// Not as many bytes as its type has.
    Size,
    /// The bytes are those of another type of account.
    Discriminator,
    /// A layout that this keeper does not know.
    Version,
    /// A vault of another market.
    Market,
    /// More positions or assets than fit.
    Count,
    /// Positions that the program never writes: not sorted by asset, without shares, or of no side.
    Positions,
    /// A position in an asset that the market does not list.
    Unlisted,
}

impl Fault {
    /// A short name, for labels and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Size => "size",
            Self::Discriminator => "discriminator",
            Self::Version => "version",
            Self::Market => "market",
            Self::Count => "count",
            Self::Positions => "positions",
            Self::Unlisted => "unlisted",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "it belongs to another program",
            Self::Size => "it has not the size of its type",
            Self::Discriminator => "it is of another type",
            Self::Version => "its layout is of a version that this keeper does not know",
            Self::Market => "it belongs to another market",
            Self::Count => "it counts more entries than there are",
            Self::Positions => "its positions are not sorted, have no shares or no side",
            Self::Unlisted => "it has a position in an asset that the market does not list",
        })
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Owner { .. } => Self::Owner,
            DecodeError::Size { .. } => Self::Size,
            DecodeError::Version { .. } => Self::Version,
            DecodeError::Discriminator { .. } | DecodeError::Content { .. } => Self::Discriminator,
        }
    }
}

/// Whether the update says that there is nothing at the address any more: what a closed account becomes.
pub fn gone(update: &Update) -> bool {
    let closed = |data: &Vec<u8>| data.is_empty() && update.owner == Pubkey::default();
    update.data.as_ref().is_none_or(closed)
}

/// # Errors
/// Every [`Fault`] that a market can have.
pub fn market(update: &Update) -> Result<Box<Market>, Fault> {
    let market = account::market(&update.owner, bytes(update))?;
    if usize::from(market.asset_count) > MAX_ASSETS {
        return Err(Fault::Count);
    }
    Ok(market)
}

/// A vault of this market. Whether the market lists its assets is asked when it is scanned: the market may be older.
///
/// # Errors
/// Every [`Fault`] but `Unlisted`.
pub fn vault(update: &Update, market: &Pubkey) -> Result<Vault, Fault> {
    let vault = account::vault(&update.owner, bytes(update))?;
    if vault.market != *market {
        return Err(Fault::Market);
    }
    if usize::from(vault.position_count) > MAX_POSITIONS {
        return Err(Fault::Count);
    }
    let sorted = vault.used().is_sorted_by(|one, next| one.asset < next.asset);
    if sorted && vault.used().iter().all(written) { Ok(vault) } else { Err(Fault::Positions) }
}

/// Whether the program could have written this position.
fn written(position: &Position) -> bool {
    position.shares != 0 && position.side <= 1 && usize::from(position.asset) < MAX_ASSETS
}

fn bytes(update: &Update) -> &[u8] {
    update.data.as_deref().unwrap_or_default()
}
