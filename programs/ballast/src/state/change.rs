//! A pending change: a proposal that waits in an account of its own until it is due.

use anchor_lang::prelude::*;
use ballast_risk::model::{MAX_FACTORS, MAX_SCENARIOS};

use crate::ensure;
use crate::error::{BallastError, refuse};
use crate::state::market::Role;
use crate::state::source::Source;

/// A new value of one parameter.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its code in the parameter table.
    pub parameter: u8,
    /// The value that the change was written against.
    pub from: u64,
    pub to: u64,
}

/// The model of correlation and stress of a market, without its rows.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskModel {
    /// Off: haircuts and stress alone decide, and everything about factors is zero.
    pub netting: bool,
    pub factors: u8,
    /// Tail quantile at Init, Target, Maint, in 2^-16 standard deviations.
    pub lambdas: [u32; 3],
    /// Part of the haircut requirement, beside the cost of size, that netting cannot save, in 2^-32; the largest number is one.
    pub floor: u32,
    /// The model counts as current for this long after it is set or confirmed, seconds.
    pub validity: u32,
    /// Then the floor moves to one over this time at Target and Maint, seconds; at Init it is one at once.
    pub grace: u32,
    /// Stress scenarios.
    pub scenarios: u8,
    /// The stress requirement is the mean of this many worst scenarios.
    pub tail: u8,
    /// What scales it at Init, Target, Maint, in 2^-16.
    pub multipliers: [u32; 3],
    /// For people, zero-padded UTF-8.
    pub factor_names: [[u8; 16]; MAX_FACTORS],
    pub scenario_names: [[u8; 16]; MAX_SCENARIOS],
}

/// What governance can change. It names what it was written against, and fails if that has changed.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack of one instruction")]
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// New values of parameters of an asset, or of the market.
    Parameters {
        asset: Option<u8>,
        /// In the order of their codes.
        edits: Vec<Edit>,
        /// How long a rise of a requirement at Target and Maint takes, seconds; at least the notice of the market.
        ramp: u32,
    },
    /// Another price source.
    Source { asset: u8, slot: u8, from: Source, to: Source },
    /// Another holder of a role, who has to accept it.
    Role { role: Role, from: Pubkey, to: Pubkey },
    /// Another model. `digest` is that of the rows in a draft, `version` that of the model it replaces.
    Model { model: RiskModel, digest: [u8; 32], version: u32 },
}

/// A proposal with the bytes that it came in. They are stored and announced as they came: what was signed is what is kept,
/// and the program needs no code that writes a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub proposal: Proposal,
    bytes: Vec<u8>,
}

impl Written {
    /// For clients.
    ///
    /// # Errors
    /// None: memory takes all bytes.
    pub fn new(proposal: Proposal) -> std::io::Result<Self> {
        let mut bytes = vec![];
        proposal.serialize(&mut bytes)?;
        Ok(Self { proposal, bytes })
    }
}

/// It is the last one of what it is a part of.
impl AnchorDeserialize for Written {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let mut bytes = vec![];
        reader.read_to_end(&mut bytes)?;
        Ok(Self { proposal: Proposal::try_from_slice(&bytes)?, bytes })
    }
}

impl AnchorSerialize for Written {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.bytes)
    }
}

/// To the reader of the program's description it is the proposal.
#[cfg(feature = "idl-build")]
impl anchor_lang::IdlBuild for Written {
    fn create_type() -> Option<anchor_lang::idl::types::IdlTypeDef> {
        Proposal::create_type()
    }

    fn insert_types(types: &mut std::collections::BTreeMap<String, anchor_lang::idl::types::IdlTypeDef>) {
        Proposal::insert_types(types);
    }

    fn get_full_path() -> String {
        Proposal::get_full_path()
    }
}

/// Bytes of a proposal at most: what fits a transaction.
pub const MAX_PROPOSAL: usize = 1024;

/// Created by the client at any address.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Change {
    /// Layout version, 1.
    pub version: u8,
    /// Aligns what follows.
    pub padding: [u8; 3],
    /// Bytes of the proposal.
    pub length: u32,
    pub market: Pubkey,
    /// Held governance when the change was proposed, and gets the rent back.
    pub proposer: Pubkey,
    /// Can be executed from this second on, unix seconds,
    pub eta: u64,
    /// and up to this one.
    pub expiry: u64,
    /// A [`Proposal`] as it stands in the instruction.
    pub proposal: [u8; MAX_PROPOSAL],
    /// For later versions; zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Change>() == 88 + MAX_PROPOSAL + 64);

impl Change {
    /// Bytes of the account with its discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// # Errors
    /// `ChangeTooLarge`.
    pub fn write(&mut self, written: &Written) -> Result<()> {
        let target = self.proposal.get_mut(..written.bytes.len());
        ensure!(target.is_some(), ChangeTooLarge);
        if let Some(target) = target {
            target.copy_from_slice(&written.bytes);
        }
        self.length = u32::try_from(written.bytes.len()).unwrap_or(0);
        Ok(())
    }

    /// # Errors
    /// `ChangeTooLarge` for bytes that no proposal wrote.
    pub fn read(&self) -> Result<Written> {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let mut bytes = self.proposal.get(..length).unwrap_or_default();
        Written::deserialize_reader(&mut bytes).map_err(|_| refuse(BallastError::ChangeTooLarge))
    }
}
