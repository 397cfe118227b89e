//! What a transaction has begun and must end before it is over: a flash loan, or a receivership. At most one at a time in a
//! market. It never outlives a transaction, because whatever begins it has seen the instruction that ends it, see
//! `crate::introspection`.

use anchor_lang::prelude::*;
use ballast_risk::Fraction;
use ballast_risk::liquidation::Shortfall;

use crate::ensure;
use crate::state::Market;

/// All zero while nothing is open.
#[zero_copy]
#[derive(Debug)]
pub struct InFlight {
    /// See [`Kind`].
    pub kind: u8,
    /// Asset of the flash loan.
    pub asset: u8,
    /// 1 when the vault was solvent as it was found.
    pub solvent: u8,
    pub padding: [u8; 5],
    /// Fee of the flash loan, native units.
    pub fee: u64,
    /// The vault under receivership,
    pub vault: Pubkey,
    /// and who may seize.
    pub receiver: Pubkey,
    /// Value of what was repaid so far, micro-dollars,
    pub repaid: u64,
    /// and of what has to be repaid for what was seized.
    pub owed: u64,
    /// `R_target - E` of the vault as it was found, micro-dollars.
    pub missing: i64,
    /// See `ballast_risk::liquidation::Shortfall`; of the vault as it was found.
    pub margin: u32,
    pub cover: u32,
    /// The largest part of a bonus that any of its debts keeps for the reserve.
    pub reserve_share: u32,
    pub more_padding: u32,
    /// As `owed`, at the least bonus of each asset.
    pub owed_at_least: u64,
}

const _: () = assert!(size_of::<InFlight>() == 128);

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Nothing,
    FlashLoan,
    Receivership,
}

impl InFlight {
    pub const NOTHING: Self = Self {
        kind: Kind::Nothing as u8,
        asset: 0,
        solvent: 0,
        padding: [0; 5],
        fee: 0,
        vault: Pubkey::new_from_array([0; 32]),
        receiver: Pubkey::new_from_array([0; 32]),
        repaid: 0,
        owed: 0,
        missing: 0,
        margin: 0,
        cover: 0,
        reserve_share: 0,
        more_padding: 0,
        owed_at_least: 0,
    };

    #[inline(always)]
    pub const fn is(&self, kind: Kind) -> bool {
        self.kind == kind as u8
    }

    pub fn shortfall(&self) -> Shortfall {
        Shortfall { margin: Fraction::new(self.margin), cover: Fraction::new(self.cover) }
    }
}

impl Market {
    /// Refuses what would move a vault or a pool in the middle of a receivership.
    ///
    /// # Errors
    /// `ReceivershipOpen`.
    #[inline(always)]
    pub fn require_no_receivership(&self) -> Result<()> {
        ensure!(!self.in_flight.is(Kind::Receivership), ReceivershipOpen);
        Ok(())
    }

    /// Refuses what may happen only where nothing has been begun.
    ///
    /// # Errors
    /// `FlashLoanOpen`, `ReceivershipOpen`.
    pub fn require_nothing_in_flight(&self) -> Result<()> {
        ensure!(!self.in_flight.is(Kind::FlashLoan), FlashLoanOpen);
        self.require_no_receivership()
    }
}
