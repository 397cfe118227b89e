//! The market: everything a health check needs, in one account.

use anchor_lang::prelude::*;
use ballast_risk::exposure::Exposures;
use ballast_risk::health::{self, Health, Level, Position as Exposure, Prices};
use ballast_risk::model::{MAX_FACTORS, MAX_SCENARIOS, Model, Rules};
use ballast_risk::ramp::Ramp;
use ballast_risk::{Error as RiskError, Fraction, Shares};

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
    /// 1 when the portfolio requirement replaces a part of the haircuts.
    pub netting: u8,
    /// Factors of the model.
    pub factors: u8,
    /// Stress scenarios.
    pub scenarios: u8,
    /// The stress requirement is the mean of this many worst scenarios.
    pub tail: u8,
    /// Aligns what follows.
    pub padding: u8,
    /// May list assets and set parameters.
    pub governance: Pubkey,
    /// Owner of all custody accounts, PDA `["authority", market]`.
    pub authority: Pubkey,
    /// A debt left smaller than this by a liquidation is closed whole, micro-dollars.
    pub dust: u64,
    /// The model is valid up to this second; unix seconds.
    pub valid_until: u64,
    /// Then the floor of the haircut requirement moves to one until this second, at `Target` and `Maint`.
    pub fallback_until: u64,
    /// See `ballast_risk::ramp::Ramp`.
    pub fallback_reciprocal: u64,
    /// How long a confirmation of the model is good for, seconds.
    pub validity: u32,
    /// Part of the haircut requirement, beside the cost of size, that netting cannot save, in 2^-32.
    pub floor: u32,
    /// Tail quantile at Init, Target, Maint, in 2^-16 standard deviations.
    pub lambdas: [u32; 3],
    /// What scales the stress requirement at Init, Target, Maint, in 2^-16.
    pub multipliers: [u32; 3],
    /// For people, zero-padded UTF-8.
    pub factor_names: [[u8; 16]; MAX_FACTORS],
    pub scenario_names: [[u8; 16]; MAX_SCENARIOS],
    /// Room for roles and pauses; zero.
    pub reserved: [u8; 512],
    pub assets: [Asset; MAX_ASSETS],
}

const _: () = assert!(size_of::<Market>() == 872 + MAX_ASSETS * size_of::<Asset>());

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

    /// The model of correlation and stress.
    #[inline(always)]
    pub fn model(&self) -> Model {
        Model {
            netting: self.netting != 0,
            factors: self.factors,
            scenarios: self.scenarios,
            tail: self.tail,
            lambdas: self.lambdas,
            multipliers: self.multipliers,
            floor: Fraction::new(self.floor),
            fallback: Ramp::from_parts(self.valid_until, self.fallback_until, self.fallback_reciprocal),
        }
    }

    /// One position as a health check at some levels, which all use these prices, sees it.
    #[inline(always)]
    pub fn exposure<const N: usize>(
        &self,
        position: &Position,
        levels: [Level; N],
        prices: Prices,
        now: u64,
    ) -> core::result::Result<Exposure<'_, N>, RiskError> {
        // A vault of this market names listed assets only; anything else counts as unpriced.
        let asset = self.assets.get(usize::from(position.asset)).ok_or(RiskError::PriceUnusable)?;
        let side = position.side();
        Ok(Exposure { side, shares: Shares::new(position.shares), quote: asset.quote(levels, prices, side, now) })
    }

    /// The check at `Init`.
    ///
    /// # Errors
    /// `PriceUnusable`, `ValueOutOfRange`.
    #[inline(never)]
    pub fn init_health(&self, vault: &Vault, now: u64) -> ballast_risk::Result<Health> {
        const LEVELS: [Level; 1] = [Level::Init];
        let rules = LEVELS.map(|level| self.model().rules(level, now));
        let positions = vault.used().iter().map(|at| self.exposure(at, LEVELS, Prices::Conservative, now));
        health::assess(&rules, Prices::Conservative, positions, &mut None).map(|[init]| init)
    }

    /// The checks at `Target` and `Maint`, in one pass because both use spot prices. In a market with netting or scenarios
    /// it leaves the exposures, and returns the rules of `Target`, for whoever sizes a liquidation.
    ///
    /// # Errors
    /// `PriceUnusable`, `ValueOutOfRange`.
    #[inline(never)]
    pub fn spot_health<'a>(
        &'a self,
        vault: &Vault,
        now: u64,
        exposures: &mut Option<Exposures<'a>>,
    ) -> ballast_risk::Result<SpotHealth> {
        const LEVELS: [Level; 2] = [Level::Target, Level::Maint];
        let rules = LEVELS.map(|level| self.model().rules(level, now));
        let positions = vault.used().iter().map(|at| self.exposure(at, LEVELS, Prices::Spot, now));
        let [target, maint] = health::assess(&rules, Prices::Spot, positions, exposures)?;
        let [rules, _] = rules;
        Ok(SpotHealth { target, maint, rules })
    }

    /// Refuses a vault that has debts and misses its initial requirement. Without debts no price is needed.
    ///
    /// # Errors
    /// `BelowInitMargin`, `PriceUnusable`, `ValueOutOfRange`.
    pub fn require_init_margin(&self, vault: &Vault, now: u64) -> Result<()> {
        if vault.has_debt() {
            let health = self.init_health(vault, now).or_refuse()?;
            ensure!(health.passes(), BelowInitMargin);
        }
        Ok(())
    }
}

/// What [`Market::spot_health`] found.
#[derive(Clone, Copy, Debug)]
pub struct SpotHealth {
    pub target: Health,
    pub maint: Health,
    /// Of `Target`.
    pub rules: Rules,
}
