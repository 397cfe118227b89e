//! Ballast: a multi-asset collateral engine.
//!
//! This file is the table of contents. Instructions are in [`instructions`], one file each; accounts in [`state`]; prices from
//! outside in [`oracle`]; what governance may do in [`changes`]; bad debt in [`losses`]; tokens in [`custody`] and [`mints`];
//! what a user asks for beyond the rules in [`guard`]; the rest of a transaction in [`introspection`]. Arithmetic on money is in
//! the crate `ballast-risk` and nowhere else: the program compares money, it never multiplies it.

#![allow(unexpected_cfgs, reason = "the entry point macros of the framework test for them")]
// Handlers carry the name of their instruction, and the framework wants the account structs at the crate root.
#![allow(ambiguous_glob_reexports)]
// The size of Anchor's error is the framework's choice.
#![allow(clippy::result_large_err)]

use anchor_lang::prelude::*;
#[cfg(target_arch = "bpf")]
use sbf_rt as _;

pub mod booking;
pub mod changes;
pub mod creation;
pub mod custody;
pub mod error;
pub mod event;
pub mod guard;
pub mod instructions;
pub mod introspection;
pub mod losses;
pub mod mints;
pub mod oracle;
pub mod seeds;
pub mod state;

pub use custody::*;
pub use guard::Guard;
pub use instructions::*;
pub use state::Role;
pub use state::change::Written;
pub use state::pause::Pausable;

declare_id!("Ba11ast111111111111111111111111111111111111");

#[program]
pub mod ballast {
    use super::*;

    // The most frequent ones come first: dispatch costs a few compute units for each one declared before.

    pub fn borrow(context: Context<PayOut>, asset: u8, amount: u64, guard: Guard) -> Result<()> {
        instructions::borrow::borrow(context, asset, amount, guard)
    }

    pub fn withdraw(context: Context<PayOut>, asset: u8, amount: Option<u64>, guard: Guard) -> Result<()> {
        instructions::withdraw::withdraw(context, asset, amount, guard)
    }

    pub fn deposit(context: Context<PayIn>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
        instructions::deposit::deposit(context, asset, amount, deadline_slot)
    }

    pub fn repay(context: Context<PayIn>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
        instructions::repay::repay(context, asset, amount, deadline_slot)
    }

    pub fn refresh_prices(context: Context<RefreshPrices>, assets: Vec<u8>) -> Result<()> {
        instructions::refresh_prices::refresh_prices(context, assets)
    }

    pub fn liquidate(
        context: Context<Liquidate>,
        debt_asset: u8,
        collateral_asset: u8,
        most_repaid: u64,
        deadline_slot: Option<u64>,
    ) -> Result<()> {
        instructions::liquidate::liquidate(context, debt_asset, collateral_asset, most_repaid, deadline_slot)
    }

    pub fn liquidate_into(
        context: Context<LiquidateInto>,
        debt_asset: u8,
        collateral_asset: u8,
        most_repaid: u64,
        deadline_slot: Option<u64>,
    ) -> Result<()> {
        instructions::liquidate_into::liquidate_into(context, debt_asset, collateral_asset, most_repaid, deadline_slot)
    }

    pub fn begin_liquidation(context: Context<BeginLiquidation>, deadline_slot: Option<u64>) -> Result<()> {
        instructions::begin_liquidation::begin_liquidation(context, deadline_slot)
    }

    pub fn seize(context: Context<PayOut>, asset: u8, amount: u64) -> Result<()> {
        instructions::seize::seize(context, asset, amount)
    }

    pub fn end_liquidation(context: Context<EndLiquidation>) -> Result<()> {
        instructions::end_liquidation::end_liquidation(context)
    }

    pub fn flash_borrow(
        context: Context<FlashBorrow>,
        asset: u8,
        amount: u64,
        deadline_slot: Option<u64>,
    ) -> Result<()> {
        instructions::flash_borrow::flash_borrow(context, asset, amount, deadline_slot)
    }

    pub fn flash_repay(context: Context<PayPool>, asset: u8, amount: u64) -> Result<()> {
        instructions::flash_repay::flash_repay(context, asset, amount)
    }

    pub fn view_health(context: Context<ViewHealth>) -> Result<HealthView> {
        instructions::view_health::view_health(context)
    }

    pub fn open_vault(context: Context<OpenVault>, id: u16) -> Result<()> {
        instructions::open_vault::open_vault(context, id)
    }

    pub fn close_vault(context: Context<CloseVault>) -> Result<()> {
        instructions::close_vault::close_vault(context)
    }

    pub fn set_delegate(context: Context<SetDelegate>, delegate: Pubkey, scopes: Scopes, until: u64) -> Result<()> {
        instructions::set_delegate::set_delegate(context, delegate, scopes, until)
    }

    pub fn transfer_vault(context: Context<TransferVault>, to: Pubkey) -> Result<()> {
        instructions::transfer_vault::transfer_vault(context, to)
    }

    pub fn accept_vault(context: Context<TransferVault>) -> Result<()> {
        instructions::transfer_vault::accept_vault(context)
    }

    pub fn absorb_bad_debt(context: Context<AbsorbBadDebt>) -> Result<()> {
        instructions::absorb_bad_debt::absorb_bad_debt(context)
    }

    pub fn fund_reserve(context: Context<PayPool>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
        instructions::fund_reserve::fund_reserve(context, asset, amount, deadline_slot)
    }

    pub fn observe_candidate(context: Context<ObserveCandidate>, asset: u8) -> Result<()> {
        instructions::observe_candidate::observe_candidate(context, asset)
    }

    pub fn create_market(context: Context<CreateMarket>, guardian: Pubkey, steward: Pubkey) -> Result<()> {
        governance::create_market::create_market(context, guardian, steward)
    }

    pub fn list_asset(context: Context<ListAsset>, name: [u8; 16]) -> Result<()> {
        governance::list_asset::list_asset(context, name)
    }

    pub fn open_market(context: Context<Governing>) -> Result<()> {
        governance::open_market::open_market(context)
    }

    pub fn apply_change(context: Context<ApplyChange>, proposal: Written) -> Result<()> {
        governance::apply_change::apply_change(context, proposal)
    }

    pub fn propose_change(context: Context<ProposeChange>, proposal: Written) -> Result<()> {
        governance::propose_change::propose_change(context, proposal)
    }

    pub fn execute_change(context: Context<ExecuteChange>) -> Result<()> {
        governance::execute_change::execute_change(context)
    }

    pub fn cancel_change(context: Context<CancelChange>) -> Result<()> {
        governance::cancel_change::cancel_change(context)
    }

    pub fn accept_role(context: Context<Governing>, role: Role) -> Result<()> {
        governance::accept_role::accept_role(context, role)
    }

    pub fn pause(context: Context<ByRole>, paused: Pausable, seconds: u32) -> Result<()> {
        governance::pause::pause(context, paused, seconds)
    }

    pub fn resume(context: Context<ByRole>, paused: Pausable) -> Result<()> {
        governance::pause::resume(context, paused)
    }

    pub fn confirm_risk_model(context: Context<Governing>) -> Result<()> {
        governance::confirm_risk_model::confirm_risk_model(context)
    }

    pub fn open_draft(context: Context<OpenDraft>) -> Result<()> {
        instructions::open_draft::open_draft(context)
    }

    pub fn write_loadings(context: Context<WriteDraft>, first: u8, rows: Vec<[i32; 7]>) -> Result<()> {
        instructions::write_draft::write_loadings(context, first, rows)
    }

    pub fn write_shocks(context: Context<WriteDraft>, first: u8, rows: Vec<[i32; 8]>) -> Result<()> {
        instructions::write_draft::write_shocks(context, first, rows)
    }

    pub fn close_draft(context: Context<CloseDraft>) -> Result<()> {
        instructions::close_draft::close_draft(context)
    }
}
