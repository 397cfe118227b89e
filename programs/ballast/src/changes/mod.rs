//! What governance may do to a market, and how fast.
//!
//! A change is proposed, waits, and can then be executed by anybody until it expires. What is proven to reduce risk may be
//! applied at once, by governance or the guardian; so may small steps of the steward on some parameters. Before a market
//! is opened nobody can have a vault, and governance sets it up without waiting.
//!
//! One function judges and carries out each kind of change, whichever way it comes: `apply_change`, `propose_change`
//! (which undoes it again) and `execute_change` differ in the [`Path`] alone.

pub mod model;
pub mod parameters;
pub mod role;
pub mod source;

use anchor_lang::prelude::*;

use crate::ensure;
use crate::error::{BallastError, refuse};
use crate::state::change::Proposal;
use crate::state::{Draft, Market, Role};

/// How a change comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Before the market is opened: no limits but the ranges.
    SetUp,
    /// At once: only what tightens, or what the steward may do.
    AtOnce {
        /// The signer may tighten.
        tightens: bool,
        /// The signer is the steward.
        steward: bool,
    },
    /// After the delay.
    Waited,
}

/// Least delays of what is no parameter, seconds.
const SOURCE_DELAY: u32 = 2 * 86_400;
const ROLE_DELAY: u32 = 3 * 86_400;
const MODEL_DELAY: u32 = 86_400;

impl Market {
    /// What the signer may do at once.
    ///
    /// # Errors
    /// `NotGovernance` in a market that is being set up, otherwise `NotGuardian` for who holds no role.
    pub fn path_of(&self, signer: &Pubkey) -> Result<Path> {
        let governance = self.is(Role::Governance, signer);
        if self.in_setup() {
            ensure!(governance, NotGovernance);
            return Ok(Path::SetUp);
        }
        let tightens = governance || self.is(Role::Guardian, signer);
        let steward = self.is(Role::Steward, signer);
        ensure!(tightens || steward, NotGuardian);
        Ok(Path::AtOnce { tightens, steward })
    }

    /// Carries a change out, or refuses it. A refusal may leave the market half changed: the transaction must fail.
    ///
    /// # Errors
    /// Of the kind of change.
    pub fn carry_out(&mut self, proposal: &Proposal, path: Path, draft: Option<&Draft>, now: u64) -> Result<()> {
        match proposal {
            Proposal::Parameters { asset, edits, ramp } => self.set_parameters(*asset, edits, *ramp, path, now),
            Proposal::Source { asset, slot, from, to } => self.set_source(*asset, *slot, (from, to), path),
            Proposal::Role { role, from, to } => self.name_for_role(*role, from, to, path),
            Proposal::Model { model, digest, version } => {
                ensure!(*version == self.model_version, ValueChanged);
                self.set_model(model, draft, digest, path, now)
            }
        }
    }

    /// Refuses a proposal that could not be executed as things are. Changes nothing, unless it fails.
    ///
    /// # Errors
    /// As [`Market::carry_out`], but a model is not compared with its rows yet.
    pub fn check_proposal(&mut self, proposal: &Proposal, now: u64) -> Result<()> {
        match proposal {
            Proposal::Parameters { asset, edits, ramp } => self.check_parameters(*asset, edits, *ramp, now),
            Proposal::Source { asset, slot, from, to } => self.check_source(*asset, *slot, from, to),
            Proposal::Role { role, from, to } => self.check_role(*role, from, to),
            Proposal::Model { model, version, .. } => {
                ensure!(*version == self.model_version, ValueChanged);
                model.checked_terms().map(|_| ())
            }
        }
    }
}

impl Proposal {
    /// Seconds that it waits in a market of this delay.
    pub fn delay(&self, market: u32) -> u64 {
        let least = match self {
            Self::Parameters { edits, .. } => parameters::least_delay(edits),
            Self::Source { .. } => SOURCE_DELAY,
            Self::Role { .. } => ROLE_DELAY,
            Self::Model { .. } => MODEL_DELAY,
        };
        u64::from(market.max(least))
    }
}

/// Only what waited, or a market that is being set up.
///
/// # Errors
/// `MustWait`.
fn require_waited(path: Path) -> Result<()> {
    if matches!(path, Path::AtOnce { .. }) {
        return Err(refuse(BallastError::MustWait));
    }
    Ok(())
}
