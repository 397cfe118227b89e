//! Where a price comes from.

use anchor_lang::prelude::*;

/// The kind of a price source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub enum SourceKind {
    #[default]
    None,
    /// `PriceUpdateV2` of the first receiver program (`rec5...`); the key is the feed id.
    PythPull,
    /// `PriceUpdateV2` of the second receiver program (`rec2...`); the key is the feed id.
    PythPullCore,
    /// Legacy price account; the key is its address.
    PythPush,
    /// Switchboard On-Demand pull feed; the key is its address.
    SwitchboardPull,
    /// SPL stake pool; the key is its address. Its rate times the price of the base asset.
    StakePool,
}

impl SourceKind {
    pub const ALL: [Self; 6] =
        [Self::None, Self::PythPull, Self::PythPullCore, Self::PythPush, Self::SwitchboardPull, Self::StakePool];

    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::PythPull => 1,
            Self::PythPullCore => 2,
            Self::PythPush => 3,
            Self::SwitchboardPull => 4,
            Self::StakePool => 5,
        }
    }

    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::PythPull,
            2 => Self::PythPullCore,
            3 => Self::PythPush,
            4 => Self::SwitchboardPull,
            5 => Self::StakePool,
            _ => Self::None,
        }
    }
}

/// A price source of an asset.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, AnchorSerialize, AnchorDeserialize, bytemuck::Pod, bytemuck::Zeroable,
)]
#[repr(C)]
pub struct Source {
    /// Feed id or address, see [`SourceKind`].
    pub key: Pubkey,
    /// See [`SourceKind`].
    pub kind: u8,
    /// Index of the base asset of a stake pool; zero otherwise.
    pub base: u8,
    /// Aligns what follows.
    pub padding: [u8; 6],
}

impl Source {
    pub const NONE: Self = Self { key: Pubkey::new_from_array([0; 32]), kind: 0, base: 0, padding: [0; 6] };

    pub const fn new(kind: SourceKind, key: Pubkey, base: u8) -> Self {
        Self { key, kind: kind.code(), base, padding: [0; 6] }
    }

    pub const fn kind(&self) -> SourceKind {
        SourceKind::from_code(self.kind)
    }

    pub fn is_none(&self) -> bool {
        self.kind() == SourceKind::None
    }
}
