//! The market: everything a health check needs, in one account.

use anchor_lang::prelude::*;
use ballast_risk::health::{self, Health, Level, Position as Exposure};
use ballast_risk::{Error as RiskError, Shares};

use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::asset::Asset;
use crate::state::vault::{Position, Vault};

/// Assets of a market.
pub const MAX_ASSETS: usize = 64;

/// A market with its assets. Created by the client at any address, of fixed size.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Market {
    /// Layout version, 1.
    pub version: u8,
    /// Bump of `authority`.
    pub authority_bump: u8,
    /// Assets listed; they are the first ones and never leave.
    pub asset_count: u8,
    /// Aligns what follows.
    pub padding: [u8; 5],
    /// May list assets and set parameters.
    pub governance: Pubkey,
    /// Owner of all custody accounts, PDA `["authority", market]`.
    pub authority: Pubkey,
    /// A debt left smaller than this by a liquidation is closed whole, micro-dollars.
    pub dust: u64,
    /// Room for roles, pauses, the factor model and the stress scenarios; zero.
    pub reserved: [u8; 1024],
    pub assets: [Asset; MAX_ASSETS],
}

const _: () = assert!(size_of::<Market>() == 1104 + MAX_ASSETS * size_of::<Asset>());

impl Market {
    /// Bytes of the account with its discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// The assets listed.
    #[inline(always)]
    pub fn listed(&self) -> &[Asset] {
        self.assets.get(..usize::from(self.asset_count)).unwrap_or(&self.assets)
    }

    /// # Errors
    /// `AssetUnknown`.
    #[inline(always)]
    pub fn asset(&self, index: u8) -> Result<&Asset> {
        self.listed().get(usize::from(index)).ok_or_else(|| refuse(BallastError::AssetUnknown))
    }

    /// # Errors
    /// `AssetUnknown`.
    #[inline(always)]
    pub fn asset_mut(&mut self, index: u8) -> Result<&mut Asset> {
        let count = usize::from(self.asset_count);
        let listed = self.assets.get_mut(..count);
        listed.and_then(|assets| assets.get_mut(usize::from(index))).ok_or_else(|| refuse(BallastError::AssetUnknown))
    }

    /// One position as the health check sees it.
    #[inline(always)]
    pub fn exposure(&self, position: &Position, level: Level, now: u64) -> core::result::Result<Exposure, RiskError> {
        // A vault of this market names listed assets only; anything else counts as unpriced.
        let asset = self.assets.get(usize::from(position.asset)).ok_or(RiskError::PriceUnusable)?;
        let side = position.side();
        Ok(Exposure { side, shares: Shares::new(position.shares), quote: asset.quote(level, side, now) })
    }

    /// The health check of a vault: the only place where the program decides on margin.
    pub fn health(&self, vault: &Vault, level: Level, now: u64) -> ballast_risk::Result<Health> {
        health::assess(level, vault.used().iter().map(|position| self.exposure(position, level, now)))
    }

    /// Refuses a vault that has debts and misses its initial requirement. Without debts no price is needed.
    ///
    /// # Errors
    /// `BelowInitMargin`, `PriceUnusable`, `ValueOutOfRange`.
    pub fn require_init_margin(&self, vault: &Vault, now: u64) -> Result<()> {
        if vault.has_debt() {
            let health = self.health(vault, Level::Init, now).or_refuse()?;
            ensure!(health.passes(), BelowInitMargin);
        }
        Ok(())
    }
}
