//! `ballast price ..`: whether prices count, and bringing them up to date.

use clap::Subcommand;

use crate::context::{Context, OnChain};
use crate::failure::Failure;

pub mod accounts;
mod check;
mod refresh;

/// Commands on prices.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring prices up to date; anybody may
    Refresh(refresh::Refresh),
    /// Show source, age, confidence and guards of prices, and what is refused meanwhile
    Check(check::Check),
}

impl Command {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Refresh(refresh) => refresh.run(context).await,
            Self::Check(check) => check.run(context).await,
        }
    }
}

/// The assets that were named, or all.
fn chosen(chain: &OnChain, names: &[String]) -> Result<Vec<u8>, Failure> {
    if names.is_empty() {
        return Ok((0..chain.market.asset_count).collect());
    }
    names.iter().map(|name| chain.asset(name)).collect()
}
