//! A draft: rows of coefficients on their way into a market, written over several transactions.
//!
//! A market has up to 64 assets, a transaction room for about 30 rows. So rows are collected here, by anybody, and taken
//! over all at once with a change of the model. That names the digest of the rows, so governance signs for exactly the
//! numbers that it has seen, whoever wrote them and whatever is written meanwhile.

use anchor_lang::prelude::*;
use ballast_risk::model::{MAX_FACTORS, MAX_SCENARIOS};
use solana_sha256_hasher::hashv;

use crate::ensure;
use crate::state::MAX_ASSETS;
use crate::state::change::RiskModel;

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

    /// The rows of the first `count` assets that a model needs, complete and with this digest.
    ///
    /// # Errors
    /// `DraftIncomplete`, `DraftChanged`.
    pub fn checked_rows(&self, count: usize, model: &RiskModel, digest: &[u8; 32]) -> Result<Rows<'_>> {
        let rows = Rows {
            loadings: written(&self.loadings, self.loadings_written, if model.netting { count } else { 0 })?,
            shocks: written(&self.shocks, self.shocks_written, if model.scenarios > 0 { count } else { 0 })?,
        };
        ensure!(rows.digest() == *digest, DraftChanged);
        Ok(rows)
    }
}

/// The rows of a model, by asset. None at all where the model has no use for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows<'a> {
    pub loadings: &'a [LoadingRow],
    pub shocks: &'a [ShockRow],
}

impl Rows<'_> {
    /// What governance signs for: SHA-256 of the rows of all listed assets, loadings first, each number in four bytes,
    /// little-endian.
    pub fn digest(&self) -> [u8; 32] {
        let (loadings, shocks) = (bytemuck::cast_slice(self.loadings), bytemuck::cast_slice(self.shocks));
        hashv(&[b"loadings", loadings, b"shocks", shocks]).to_bytes()
    }
}

fn written<T>(rows: &[T; MAX_ASSETS], written: u64, count: usize) -> Result<&[T]> {
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
