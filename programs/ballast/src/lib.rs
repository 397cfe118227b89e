//! Ballast: a multi-asset collateral engine.
//!
//! This file is the table of contents. Instructions are in [`instructions`], one file each; accounts in [`state`];
//! prices from outside in [`oracle`]; the movement of tokens in [`custody`]. Arithmetic on money is in the crate
//! `ballast-risk` and nowhere else: the program compares money, it never multiplies it.

#![allow(unexpected_cfgs, reason = "the entry point macros of the framework test for them")]
// Handlers carry the name of their instruction, and the framework wants the account structs at the crate root.
#![allow(ambiguous_glob_reexports)]
// The size of Anchor's error is the framework's choice.
#![allow(clippy::result_large_err)]

use anchor_lang::prelude::*;
#[cfg(target_arch = "bpf")]
use sbf_rt as _;

pub mod booking;
pub mod custody;
pub mod error;
pub mod event;
pub mod instructions;
pub mod oracle;
pub mod seeds;
pub mod state;

pub use custody::*;
pub use instructions::*;

declare_id!("Ba11ast111111111111111111111111111111111111");

#[program]
pub mod ballast {
    use super::*;

    // The most frequent ones come first: dispatch costs a few compute units for each one declared before.

    pub fn borrow(context: Context<PayOut>, asset: u8, amount: u64) -> Result<()> {
        instructions::borrow::borrow(context, asset, amount)
    }

    pub fn withdraw(context: Context<PayOut>, asset: u8, amount: Option<u64>) -> Result<()> {
        instructions::withdraw::withdraw(context, asset, amount)
    }

    pub fn deposit(context: Context<PayIn>, asset: u8, amount: u64) -> Result<()> {
        instructions::deposit::deposit(context, asset, amount)
    }

    pub fn repay(context: Context<PayIn>, asset: u8, amount: u64) -> Result<()> {
        instructions::repay::repay(context, asset, amount)
    }

    pub fn refresh_prices(context: Context<RefreshPrices>, assets: Vec<u8>) -> Result<()> {
        instructions::refresh_prices::refresh_prices(context, assets)
    }

    pub fn liquidate(
        context: Context<Liquidate>,
        debt_asset: u8,
        collateral_asset: u8,
        most_repaid: u64,
    ) -> Result<()> {
        instructions::liquidate::liquidate(context, debt_asset, collateral_asset, most_repaid)
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

    pub fn create_market(context: Context<CreateMarket>, dust: u64) -> Result<()> {
        governance::create_market::create_market(context, dust)
    }

    pub fn list_asset(context: Context<ListAsset>, parameters: AssetParameters) -> Result<()> {
        governance::list_asset::list_asset(context, parameters)
    }
    pub fn set_haircuts(
        context: Context<SetHaircuts>,
        asset: u8,
        haircuts: [u32; 3],
        addons: [u32; 3],
        seconds: u32,
    ) -> Result<()> {
        governance::set_haircuts::set_haircuts(context, asset, haircuts, addons, seconds)
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

    pub fn set_risk_model(context: Context<TakeOver>, parameters: RiskModel, digest: [u8; 32]) -> Result<()> {
        governance::set_risk_model::set_risk_model(context, parameters, digest)
    }

    pub fn set_scenarios(context: Context<TakeOver>, parameters: Scenarios, digest: [u8; 32]) -> Result<()> {
        governance::set_scenarios::set_scenarios(context, parameters, digest)
    }

    pub fn confirm_risk_model(context: Context<ConfirmRiskModel>) -> Result<()> {
        governance::confirm_risk_model::confirm_risk_model(context)
    }
}
