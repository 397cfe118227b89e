//! A user's vault: up to 32 positions, each one side of one asset, sorted by asset and packed without holes.

use anchor_lang::prelude::*;
use ballast_risk::Shares;
use ballast_risk::health::Side;
use ballast_risk::holding::Holding;

use crate::ensure;

/// Positions of a vault.
pub const MAX_POSITIONS: usize = 32;

/// One account of one owner in one market. Address: PDA `["vault", market, owner, id]`.
#[account(zero_copy)]
#[derive(Debug)]
pub struct Vault {
    /// Layout version, 1.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Number of positions in use; they are the first ones.
    pub position_count: u8,
    /// Aligns `market`.
    pub padding: [u8; 3],
    /// Which of the owner's vaults this is.
    pub id: u16,
    pub market: Pubkey,
    pub owner: Pubkey,
    pub positions: [Position; MAX_POSITIONS],
    /// May act for the owner in what `delegate_scopes` says; the default key is nobody.
    pub delegate: Pubkey,
    /// Up to this second, unix seconds.
    pub delegate_until: u64,
    /// See [`Scope`].
    pub delegate_scopes: u8,
    /// Fills up to a multiple of 8.
    pub more_padding: [u8; 7],
    /// May take the vault over; the default key is nobody.
    pub named: Pubkey,
    /// For later versions; zero.
    pub reserved: [u64; 6],
}

/// What a delegate may do. Bits of `Vault::delegate_scopes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// Deposit. Anybody may repay.
    Deposit = 1,
    /// Borrow, to token accounts of the owner.
    Borrow = 2,
    /// Withdraw, to token accounts of the owner.
    Withdraw = 4,
}

/// Shares of one asset on one side.
#[zero_copy]
#[derive(Debug)]
pub struct Position {
    /// Never zero in a position that is in use.
    pub shares: u64,
    /// Index of the asset in the market.
    pub asset: u8,
    /// 0 for a deposit, 1 for a debt.
    pub side: u8,
    /// Fills up to a multiple of 8.
    pub padding: [u8; 6],
}

// 8 bytes of discriminator on top: 720 in all, below the 1,100 that we promise.
const _: () = assert!(size_of::<Vault>() == 8 + 64 + 16 * MAX_POSITIONS + 128);

const EMPTY: Position = Position { shares: 0, asset: 0, side: 0, padding: [0; 6] };

impl Position {
    /// The side, for a byte that only this program writes.
    #[inline(always)]
    pub fn side(&self) -> Side {
        if self.side == 0 { Side::Deposit } else { Side::Debt }
    }
}

impl Vault {
    /// Bytes of the account with its discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// Whether somebody acts for the vault: its owner, or its delegate within a scope and in time.
    #[inline(always)]
    pub fn permits(&self, signer: &Pubkey, scope: Scope, now: u64) -> bool {
        self.owner == *signer || self.delegates(signer, scope, now)
    }

    #[cold]
    #[inline(never)]
    fn delegates(&self, signer: &Pubkey, scope: Scope, now: u64) -> bool {
        self.delegate == *signer && self.delegate_scopes & scope as u8 != 0 && now < self.delegate_until
    }

    /// The positions in use.
    #[inline(always)]
    pub fn used(&self) -> &[Position] {
        self.positions.get(..usize::from(self.position_count)).unwrap_or(&self.positions)
    }

    /// Whether anything is owed.
    pub fn has_debt(&self) -> bool {
        self.used().iter().any(|position| position.side() == Side::Debt)
    }

    /// Where the asset is, or where it belongs.
    fn place(&self, asset: u8) -> core::result::Result<usize, usize> {
        self.used().binary_search_by_key(&asset, |position| position.asset)
    }

    /// What the vault has of an asset.
    pub fn holding(&self, asset: u8) -> Holding {
        match self.place(asset).ok().and_then(|at| self.used().get(at)) {
            Some(position) => Holding { side: position.side(), shares: Shares::new(position.shares) },
            None => Holding::EMPTY,
        }
    }

    /// Records what the vault now has of an asset; zero shares free the position.
    ///
    /// # Errors
    /// `VaultFull` for a 33rd asset.
    pub fn set_holding(&mut self, asset: u8, holding: Holding) -> Result<()> {
        let position = Position {
            shares: holding.shares.get(),
            asset,
            side: u8::from(holding.side == Side::Debt),
            padding: [0; 6],
        };
        let used = usize::from(self.position_count);
        match (self.place(asset), holding.shares.is_zero()) {
            (Ok(at), false) => self.write(at, position),
            (Ok(at), true) => {
                self.positions.copy_within(at.saturating_add(1)..used, at);
                self.write(used.saturating_sub(1), EMPTY);
                self.position_count = self.position_count.saturating_sub(1);
            }
            (Err(at), false) => {
                ensure!(used < MAX_POSITIONS, VaultFull);
                self.positions.copy_within(at..used, at.saturating_add(1));
                self.write(at, position);
                self.position_count = self.position_count.saturating_add(1);
            }
            (Err(_), true) => {}
        }
        Ok(())
    }

    fn write(&mut self, at: usize, position: Position) {
        if let Some(slot) = self.positions.get_mut(at) {
            *slot = position;
        }
    }
}
