//! The market: everything a health check needs, in one account.

use anchor_lang::prelude::*;
use ballast_risk::exposure::Exposures;
use ballast_risk::health::{self, Health, Level, Position as Exposure, Prices};
use ballast_risk::model::{MAX_FACTORS, MAX_SCENARIOS, Model, Rules, Terms};
use ballast_risk::ramp::Ramp;
use ballast_risk::{Error as RiskError, Fraction, Shares};

use crate::error::{BallastError, refuse};
use crate::state::asset::Asset;
use crate::state::in_flight::InFlight;
use crate::state::pause::{Pausable, Pause};
use crate::state::vault::{Position, Vault};

/// Assets of a market.
pub const MAX_ASSETS: usize = 64;

/// Who may change what, see `crate::changes`. The default key is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub enum Role {
    /// Proposes changes; tightens.
    Governance,
    /// Tightens, pauses, cancels proposals.
    Guardian,
    /// Takes small steps on listed parameters.
    Steward,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Governance, Self::Guardian, Self::Steward];

    /// The one of three keys that belongs to the role.
    pub const fn of(self, [governance, guardian, steward]: &[Pubkey; 3]) -> &Pubkey {
        match self {
            Self::Governance => governance,
            Self::Guardian => guardian,
            Self::Steward => steward,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(self, [governance, guardian, steward]: &mut [Pubkey; 3]) -> &mut Pubkey {
        match self {
            Self::Governance => governance,
            Self::Guardian => guardian,
            Self::Steward => steward,
        }
    }
}

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
    /// 1 when governance instructions with a durable nonce are refused.
    pub refuse_nonces: u8,
    /// Aligns what follows.
    pub padding: [u8; 4],
    /// Holders of the roles, by [`Role`].
    pub roles: [Pubkey; 3],
    /// Named for the roles; they have to accept.
    pub named: [Pubkey; 3],
    /// Owner of all custody accounts, PDA `["authority", market]`.
    pub authority: Pubkey,
    /// Since when people can use the market, unix seconds; 0 while it is being set up.
    pub opened_at: u64,
    /// A debt left smaller than this by a liquidation is closed whole, micro-dollars.
    pub dust: u64,
    /// A cap of zero grows to at most this, micro-dollars.
    pub first_cap: u64,
    /// A proposal waits this long, seconds.
    pub delay: u32,
    /// A rise of a requirement at `Target` and `Maint` begins after this time and takes as long again, seconds.
    pub notice: u32,
    /// A change can be executed for this long once it is due, seconds.
    pub window: u32,
    /// How often the model has changed: what a proposal for another one is written against.
    pub model_version: u32,
    /// Nobody borrows.
    pub borrow_pause: Pause,
    /// Nobody withdraws from a vault with debts.
    pub withdraw_pause: Pause,
    /// The model in force and the one before, see `ballast_risk::model::Model`.
    pub terms: [ModelTerms; 2],
    /// The window in which the model in force phases in beside the one before, see `ballast_risk::ramp::Ramp`; unix seconds.
    pub change_start: u64,
    pub change_end: u64,
    pub change_reciprocal: u64,
    /// The model is valid up to this second; unix seconds.
    pub valid_until: u64,
    /// Then the floor of the haircut requirement moves to one until this second, at `Target` and `Maint`.
    pub fallback_until: u64,
    /// See `ballast_risk::ramp::Ramp`.
    pub fallback_reciprocal: u64,
    /// How long a confirmation of the model is good for, seconds.
    pub validity: u32,
    /// Aligns what follows.
    pub more_padding: u32,
    /// For people, zero-padded UTF-8.
    pub factor_names: [[u8; 16]; MAX_FACTORS],
    pub scenario_names: [[u8; 16]; MAX_SCENARIOS],
    /// What the transaction has begun and must end.
    pub in_flight: InFlight,
    /// For later versions; zero.
    pub reserved: [u64; 48],
    pub assets: [Asset; MAX_ASSETS],
}

/// What a model says, without its coefficients. Levels are Init, Target, Maint.
#[zero_copy]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ModelTerms {
    /// Tail quantile in 2^-16 standard deviations.
    pub lambdas: [u32; 3],
    /// What scales the stress requirement, in 2^-16.
    pub multipliers: [u32; 3],
    /// Part of the haircut requirement, beside the cost of size, that netting cannot save, in 2^-32.
    pub floor: u32,
    /// 1 when the portfolio requirement replaces a part of the haircuts.
    pub netting: u8,
    pub factors: u8,
    pub scenarios: u8,
    /// The stress requirement is the mean of this many worst scenarios.
    pub tail: u8,
}

const _: () = assert!(size_of::<Market>() == 1176 + MAX_ASSETS * size_of::<Asset>());

impl ModelTerms {
    pub const fn of(terms: &Terms) -> Self {
        Self {
            lambdas: terms.lambdas,
            multipliers: terms.multipliers,
            floor: terms.floor.get(),
            netting: if terms.netting { 1 } else { 0 },
            factors: terms.factors,
            scenarios: terms.scenarios,
            tail: terms.tail,
        }
    }

    pub fn terms(&self) -> Terms {
        Terms {
            netting: self.netting != 0,
            factors: self.factors,
            scenarios: self.scenarios,
            tail: self.tail,
            lambdas: self.lambdas,
            multipliers: self.multipliers,
            floor: Fraction::new(self.floor),
        }
    }
}

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
        let [current, previous] = &self.terms;
        Model {
            current: current.terms(),
            previous: previous.terms(),
            change: Ramp::from_parts(self.change_start, self.change_end, self.change_reciprocal),
            fallback: Ramp::from_parts(self.valid_until, self.fallback_until, self.fallback_reciprocal),
        }
    }

    /// Whether the market is still being set up: nobody can have a vault, so nobody can be harmed.
    pub const fn in_setup(&self) -> bool {
        self.opened_at == 0
    }

    /// # Errors
    /// `AssetUnknown`.
    pub fn pause_mut(&mut self, paused: Pausable) -> Result<&mut Pause> {
        Ok(match paused {
            Pausable::Borrow => &mut self.borrow_pause,
            Pausable::Withdraw => &mut self.withdraw_pause,
            Pausable::Asset(index) => &mut self.asset_mut(index)?.pause,
        })
    }

    /// Whether somebody holds a role. Nobody holds a vacant one.
    pub fn is(&self, role: Role, signer: &Pubkey) -> bool {
        *role.of(&self.roles) == *signer && *signer != Pubkey::default()
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
        Ok(SpotHealth { target, maint, rules })
    }
}

/// What [`Market::spot_health`] found.
#[derive(Clone, Copy, Debug)]
pub struct SpotHealth {
    pub target: Health,
    pub maint: Health,
    /// Of both, in the same order.
    pub rules: [Rules; 2],
}
