//! Decoding accounts. The caller checks that the account is owned by the program; discriminator and size are checked
//! here, so that bytes of an untrusted node are never taken for something else.

use anchor_lang::Discriminator;
use anchor_lang::prelude::Pubkey;
use ballast::state::{Change, Draft, Market, Vault};
use bytemuck::{AnyBitPattern, NoUninit};

/// Why account bytes were not decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not of the size of this account type.
    Size { expected: usize, found: usize },
    /// The first eight bytes are those of another account type.
    Discriminator,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size { expected, found } => write!(f, "the account has {found} bytes instead of {expected}"),
            Self::Discriminator => f.write_str("the account is of another type"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Decodes a market. It is large, hence on the heap.
pub fn market(data: &[u8]) -> Result<Box<Market>, DecodeError> {
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    read(data, Market::DISCRIMINATOR, bytemuck::bytes_of_mut(&mut *market))?;
    Ok(market)
}

/// Decodes a vault.
pub fn vault(data: &[u8]) -> Result<Vault, DecodeError> {
    let mut vault: Vault = bytemuck::Zeroable::zeroed();
    read(data, Vault::DISCRIMINATOR, bytemuck::bytes_of_mut(&mut vault))?;
    Ok(vault)
}

/// Decodes a draft.
pub fn draft(data: &[u8]) -> Result<Box<Draft>, DecodeError> {
    let mut draft: Box<Draft> = bytemuck::allocation::zeroed_box();
    read(data, Draft::DISCRIMINATOR, bytemuck::bytes_of_mut(&mut *draft))?;
    Ok(draft)
}

/// Decodes a pending change.
pub fn change(data: &[u8]) -> Result<Box<Change>, DecodeError> {
    let mut change: Box<Change> = bytemuck::allocation::zeroed_box();
    read(data, Change::DISCRIMINATOR, bytemuck::bytes_of_mut(&mut *change))?;
    Ok(change)
}

/// The bytes of an account, for tests and local networks that write state directly.
pub fn encode<T: Discriminator + NoUninit + AnyBitPattern>(account: &T) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(account)].concat()
}

fn read(data: &[u8], discriminator: &[u8], into: &mut [u8]) -> Result<(), DecodeError> {
    let expected = discriminator.len() + into.len();
    if data.len() != expected {
        return Err(DecodeError::Size { expected, found: data.len() });
    }
    let (head, body) = data.split_at(discriminator.len());
    if head != discriminator {
        return Err(DecodeError::Discriminator);
    }
    into.copy_from_slice(body);
    Ok(())
}

/// Owner, mint and amount of a token account of either token program.
pub fn token(data: &[u8]) -> Option<(Pubkey, Pubkey, u64)> {
    let key = |range| data.get(range).and_then(|bytes: &[u8]| Pubkey::try_from(bytes).ok());
    let amount = data.get(64..72)?.try_into().ok().map(u64::from_le_bytes)?;
    Some((key(32..64)?, key(0..32)?, amount))
}
