//! One event per state change: what moved, what it left, and the price that decided. All are far below the log limit.

use anchor_lang::prelude::*;

#[event]
pub struct MarketCreated {
    pub market: Pubkey,
    pub governance: Pubkey,
}

#[event]
pub struct AssetListed {
    pub market: Pubkey,
    pub asset: u8,
    pub mint: Pubkey,
    pub oracle: Pubkey,
}

/// Haircuts and add-ons of an asset move to these values between two times.
#[event]
pub struct HaircutsSet {
    pub market: Pubkey,
    pub asset: u8,
    pub haircuts: [u32; 3],
    pub addons: [u32; 3],
    pub start: u64,
    pub end: u64,
}

/// The portfolio requirement changed. `digest` is that of the loadings.
#[event]
pub struct RiskModelSet {
    pub market: Pubkey,
    pub netting: bool,
    pub factors: u8,
    pub lambdas: [u32; 3],
    pub floor: u32,
    pub valid_until: u64,
    pub digest: [u8; 32],
}

/// The portfolio requirement counts as current for longer.
#[event]
pub struct RiskModelConfirmed {
    pub market: Pubkey,
    pub valid_until: u64,
}

/// The stress requirement changed. `digest` is that of the shocks.
#[event]
pub struct ScenariosSet {
    pub market: Pubkey,
    pub count: u8,
    pub tail: u8,
    pub multipliers: [u32; 3],
    pub time: u64,
    pub digest: [u8; 32],
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

/// A liquidation. Values in micro-dollars at the spot prices of the moment; bonus in 2^-32.
#[event]
pub struct Liquidated {
    pub market: Pubkey,
    pub vault: Pubkey,
    pub liquidator: Pubkey,
    pub debt_asset: u8,
    pub collateral_asset: u8,
    pub repaid: u64,
    pub seized: u64,
    pub repaid_value: u64,
    pub seized_value: u64,
    pub bonus: u32,
    pub equity_before: i64,
    pub requirement_before: u64,
}
