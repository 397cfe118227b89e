//! A draft: rows of coefficients on their way into a market, written over several transactions.
//!
//! A market has up to 64 assets, a transaction room for about 30 rows. So rows are collected here, by anybody, and taken
//! over all at once by `set_risk_model` and `set_scenarios`. Those name the digest of the rows, so governance signs for
//! exactly the numbers that it has seen, whoever wrote them and whatever is written meanwhile.

use anchor_lang::prelude::*;
use ballast_risk::model::{MAX_FACTORS, MAX_SCENARIOS};
use solana_sha256_hasher::hashv;

use crate::ensure;
use crate::state::MAX_ASSETS;

// The framework's description of the program does not look through names of types: arguments and fields spell them out.

/// Loadings of one asset, then its specific volatility, in 2^-30.
pub type LoadingRow = [i32; MAX_FACTORS + 1];
/// Shocks of one asset, in 2^-30.
pub type ShockRow = [i32; MAX_SCENARIOS];

/// Created by the client at any address.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Draft {
    /// Layout version, 1.
    pub version: u8,
    /// Aligns what follows.
    pub padding: [u8; 7],
    pub market: Pubkey,
    /// May write and close it.
    pub author: Pubkey,
    /// One bit for each asset whose row of loadings is written.
    pub loadings_written: u64,
    /// One bit for each asset whose row of shocks is written.
    pub shocks_written: u64,
    pub loadings: [[i32; 7]; MAX_ASSETS],
    pub shocks: [[i32; 8]; MAX_ASSETS],
    /// For later versions; zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Draft>() == 88 + MAX_ASSETS * (28 + 32) + 64);

impl Draft {
    /// Bytes of the account with its discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// The rows of the first `count` assets, complete and with this digest.
    ///
    /// # Errors
    /// `DraftIncomplete`, `DraftChanged`.
    pub fn checked_loadings(&self, count: usize, digest: &[u8; 32]) -> Result<&[LoadingRow]> {
        let rows = checked(&self.loadings, self.loadings_written, count)?;
        ensure!(loadings_digest(rows) == *digest, DraftChanged);
        Ok(rows)
    }

    /// The same for shocks.
    ///
    /// # Errors
    /// `DraftIncomplete`, `DraftChanged`.
    pub fn checked_shocks(&self, count: usize, digest: &[u8; 32]) -> Result<&[ShockRow]> {
        let rows = checked(&self.shocks, self.shocks_written, count)?;
        ensure!(shocks_digest(rows) == *digest, DraftChanged);
        Ok(rows)
    }
}

fn checked<T>(rows: &[T; MAX_ASSETS], written: u64, count: usize) -> Result<&[T]> {
    let first = rows.get(..count).unwrap_or(rows);
    ensure!(usize::try_from(written.trailing_ones()).is_ok_and(|complete| complete >= first.len()), DraftIncomplete);
    Ok(first)
}

/// Writes rows of consecutive assets and marks them.
///
/// # Errors
/// `RowsOutOfRange`.
pub fn write_rows<T: Copy>(all: &mut [T; MAX_ASSETS], written: &mut u64, first: u8, rows: &[T]) -> Result<()> {
    let start = usize::from(first);
    let target = all.get_mut(start..).and_then(|rest| rest.get_mut(..rows.len()));
    ensure!(target.is_some() && !rows.is_empty(), RowsOutOfRange);
    if let Some(target) = target {
        target.copy_from_slice(rows);
    }
    for (bit, _) in (u32::from(first)..).zip(rows) {
        *written |= 1u64.wrapping_shl(bit);
    }
    Ok(())
}

/// What governance signs for: SHA-256 of the rows of all listed assets, each number in four bytes, little-endian.
pub fn loadings_digest(rows: &[LoadingRow]) -> [u8; 32] {
    hashv(&[b"loadings", bytemuck::cast_slice(rows)]).to_bytes()
}

/// The same for shocks.
pub fn shocks_digest(rows: &[ShockRow]) -> [u8; 32] {
    hashv(&[b"shocks", bytemuck::cast_slice(rows)]).to_bytes()
}
