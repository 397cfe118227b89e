//! One event per state change: what moved, what it left, and the price that decided. All are far below the log limit.

use anchor_lang::prelude::*;

use crate::oracle::Doubt;
use crate::state::Role;
use crate::state::change::Written;
use crate::state::pause::Pausable;

#[event]
pub struct MarketCreated {
    pub market: Pubkey,
    pub governance: Pubkey,
    pub guardian: Pubkey,
    pub steward: Pubkey,
}

#[event]
pub struct MarketOpened {
    pub market: Pubkey,
    pub opened_at: u64,
}

#[event]
pub struct AssetListed {
    pub market: Pubkey,
    pub asset: u8,
    pub mint: Pubkey,
    pub name: [u8; 16],
}

/// A change waits from now on. The proposal carries the values before and after.
#[event]
pub struct ChangeProposed {
    pub market: Pubkey,
    pub change: Pubkey,
    pub proposer: Pubkey,
    pub eta: u64,
    pub expiry: u64,
    pub proposal: Written,
}

#[event]
pub struct ChangeCancelled {
    pub market: Pubkey,
    pub change: Pubkey,
    pub by: Pubkey,
}

/// A change is in force, or begins to move along its ramp. The proposal carries the values before and after.
#[event]
pub struct ChangeMade {
    pub market: Pubkey,
    /// Who applied it at once, or had proposed it.
    pub by: Pubkey,
    pub waited: bool,
    pub proposal: Written,
}

#[event]
pub struct RoleAccepted {
    pub market: Pubkey,
    pub role: Role,
    pub holder: Pubkey,
}

/// A pause began, or ended when `until` has passed. `spent` of its budget is in seconds.
#[event]
pub struct PauseSet {
    pub market: Pubkey,
    pub paused: Pausable,
    pub until: u64,
    pub spent: u64,
    pub by: Pubkey,
}

/// The portfolio requirement counts as current for longer.
#[event]
pub struct RiskModelConfirmed {
    pub market: Pubkey,
    pub valid_until: u64,
}

/// A price was accepted. Mantissa and shift: micro-dollars per native unit, `mantissa x 2^-shift`.
#[event]
pub struct PriceRefreshed {
    pub market: Pubkey,
    pub asset: u8,
    pub mantissa: u64,
    pub shift: u8,
    pub publish_time: u64,
}

/// A guard took an asset to another state, see `Breaker`, up to a second.
#[event]
pub struct BreakerTripped {
    pub market: Pubkey,
    pub asset: u8,
    pub state: u8,
    pub until: u64,
}

/// A new price is not believed. The one before is withheld until there is one that is, published no earlier.
#[event]
pub struct PriceWithheld {
    pub market: Pubkey,
    pub asset: u8,
    pub doubt: Doubt,
    pub publish_time: u64,
}

/// A new source was compared with the present price; `checks` of these comparisons in a row agreed.
#[event]
pub struct CandidateObserved {
    pub market: Pubkey,
    pub asset: u8,
    pub checks: u8,
    pub took_over: bool,
}

#[event]
pub struct VaultOpened {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub owner: Pubkey,
}

#[event]
pub struct VaultClosed {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub owner: Pubkey,
}

/// What a vault did with one asset.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Deposit,
    Withdraw,
    Borrow,
    Repay,
    /// By a receiver.
    Seize,
}

/// A vault moved tokens in or out. Shares are those of the vault, negative for a debt.
#[event]
pub struct PositionChanged {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub action: Action,
    pub asset: u8,
    /// Native units that moved.
    pub amount: u64,
    pub shares_before: i128,
    pub shares_after: i128,
}

/// The owner let somebody act for the vault, or nobody any more. `scopes` are bits, see `Scope`.
#[event]
pub struct DelegateSet {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub delegate: Pubkey,
    pub scopes: u8,
    pub until: u64,
}

/// The owner named a new owner, who has to accept; the default key is nobody.
#[event]
pub struct VaultOffered {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub owner: Pubkey,
    pub named: Pubkey,
}

#[event]
pub struct VaultTransferred {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub from: Pubkey,
    pub to: Pubkey,
}

/// A flash loan was made and paid back, native units.
#[event]
pub struct FlashLoaned {
    pub market: Pubkey,
    pub asset: u8,
    pub borrower: Pubkey,
    pub amount: u64,
    pub fee: u64,
}

/// A liquidation in several steps is over; the steps are told as `PositionChanged`. Micro-dollars: what was repaid, what had to
/// be for what was seized, and the distances to the target before and after, negative beyond it.
#[event]
pub struct ReceivershipEnded {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub liquidator: Pubkey,
    pub repaid_value: u64,
    pub owed_value: u64,
    pub missing_before: i64,
    pub missing_after: i64,
}

/// A debt that nobody repays was written off, native units: what was owed, and who paid for it.
#[event]
pub struct BadDebtAbsorbed {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub asset: u8,
    pub debt: u64,
    pub by_reserve: u64,
    pub by_depositors: u64,
}

/// Somebody gave tokens to the reserve of an asset.
#[event]
pub struct ReserveFunded {
    pub market: Pubkey,
    pub asset: u8,
    pub by: Pubkey,
    pub amount: u64,
}

/// A liquidation. Values in micro-dollars at the spot prices of the moment; bonus in 2^-32.
#[event]
pub struct Liquidated {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub liquidator: Pubkey,
    pub debt_asset: u8,
    pub collateral_asset: u8,
    pub repaid: u64,
    /// On top of it, native units of the debt.
    pub to_reserve: u64,
    pub seized: u64,
    pub repaid_value: u64,
    pub seized_value: u64,
    pub bonus: u32,
    pub equity_before: i64,
    pub requirement_before: u64,
}
