//! `ballast market ..`: what a market is, and how it becomes so.

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;

mod actions;
mod applied;
mod apply;
mod create;
mod export;
mod fund_reserve;
mod judge;
mod list_asset;
pub mod migrate;
mod open;
mod open_market;
mod pack;
mod preflight;
mod show;
mod view;

/// Commands on markets.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a market, empty or as a definition file says
    Create(create::Create),
    /// Show a market: assets, prices, caps, rates, pauses, roles
    Show(show::Show),
    /// List an asset with its source and parameters
    ListAsset(list_asset::ListAsset),
    /// Print a market as the definition that could create it again
    Export(export::Export),
    /// Give tokens to the reserve of an asset, which pays for bad debt first; anybody may
    FundReserve(fund_reserve::FundReserve),
    /// End the set-up, so that people can use the market
    Open(open::Open),
}

impl Command {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::ListAsset(list) => list.run(context).await,
            Self::Export(export) => export.run(context).await,
            Self::FundReserve(fund) => fund.run(context).await,
            Self::Open(open) => open.run(context).await,
        }
    }
}
