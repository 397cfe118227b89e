//! A market as data: the definition files in `migrations/`, read, laid over each other, checked and compared with the chain.
//!
//! `file` is what is written, `values` and `model` its numbers, `steps` what has to happen so that the chain is as it says, `export`
//! the way back. Numbers are written as [`ballast_client::measure`] reads them, so nothing is lost on the way.

use ballast_client::table::Parameter;
use ballast_client::{Pubkey, SourceKind};

pub mod export;
pub mod file;
pub mod model;
pub mod steps;
pub mod values;

pub use file::File;

/// A definition that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// What people call it.
    pub market: String,
    pub cluster: Cluster,
    /// Where it is, if the file knows.
    pub address: Option<Pubkey>,
    /// Whether people are to use it.
    pub open: bool,
    /// Governance, guardian, steward; what is not named stays as it is. The default key is nobody.
    pub roles: [Option<Pubkey>; 3],
    /// By code.
    pub parameters: Vec<(Parameter, u64)>,
    pub assets: Vec<Listed>,
    /// Of correlation and stress; without one, that stays as it is.
    pub model: Option<model::Model>,
}

/// An asset of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub mint: Pubkey,
    pub decimals: u8,
    /// Under Token-2022 instead of SPL Token.
    pub token_2022: bool,
    /// The first source and the second; what is not named stays as it is.
    pub sources: [Option<Origin>; 2],
    /// By code.
    pub parameters: Vec<(Parameter, u64)>,
}

/// A price source as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub kind: SourceKind,
    /// Feed id or address.
    pub key: Pubkey,
    /// Name of the base asset of a stake pool.
    pub base: Option<String>,
}

/// Where a definition applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cluster {
    /// Any network that is none of the public ones.
    #[default]
    Local,
    Devnet,
    Testnet,
    MainnetBeta,
}

impl Cluster {
    /// The cluster that begins with this block.
    pub fn of_genesis(hash: &str) -> Self {
        let public = [Self::MainnetBeta, Self::Devnet, Self::Testnet];
        public.into_iter().find(|cluster| cluster.genesis() == Some(hash)).unwrap_or(Self::Local)
    }

    /// The hash of the first block of a public cluster.
    pub const fn genesis(self) -> Option<&'static str> {
        match self {
            Self::MainnetBeta => Some("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"),
            Self::Devnet => Some("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"),
            Self::Testnet => Some("4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY"),
            Self::Local => None,
        }
    }
}

/// As it is written in a file.
impl std::fmt::Display for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Devnet => "devnet",
            Self::Testnet => "testnet",
            Self::MainnetBeta => "mainnet-beta",
        })
    }
}

/// What is wrong with a definition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl Wrong {
    fn new(place: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self(format!("{place}: {why}"))
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}
