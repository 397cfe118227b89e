//! `ballast vault list`.

use ballast_client::{Pubkey, StateView, snapshot};
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use super::of_owner;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, Table};

/// List the vaults of an owner.
#[derive(Args, Debug)]
pub struct List {
    /// Whose; by default yours
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Pubkey>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Vaults(Vec<Line>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: u16,
    vault: String,
    positions: usize,
    state: &'static str,
    /// Micro-dollars at spot; absent without prices.
    equity: Option<String>,
    #[serde(skip)]
    equity_text: String,
}

/// How a state is written everywhere.
pub const fn state_name(state: StateView) -> &'static str {
    match state {
        StateView::Healthy => "healthy",
        StateView::Restricted => "restricted",
        StateView::Liquidatable => "liquidatable",
        StateView::Insolvent => "insolvent",
        StateView::Unpriced => "unpriced",
    }
}

impl Report for Vaults {
    fn text(&self) -> String {
        if self.0.is_empty() {
            return "No vaults.".to_owned();
        }
        let mut table = Table::new(&[">Id", "Vault", ">Positions", "State", ">Equity"]);
        for line in &self.0 {
            let numbers = [line.id.to_string(), line.vault.clone(), line.positions.to_string()];
            table.row(numbers.into_iter().chain([line.state.to_owned(), line.equity_text.clone()]));
        }
        table.to_string()
    }
}

impl List {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let owner = match self.owner {
            Some(owner) => owner,
            None => context.signer()?.pubkey(),
        };
        let market = context.market().await?;
        let vaults = of_owner(context, &market.address, &owner).await?;
        let line = |(address, vault): &(Pubkey, ballast_client::Vault)| {
            let health = snapshot::health(&market.market, vault, market.now);
            let equity = health.maint.decided.then_some(health.maint.equity);
            Line {
                id: vault.id,
                vault: address.to_string(),
                positions: vault.used().len(),
                state: state_name(health.state),
                equity: equity.map(|equity| equity.to_string()),
                equity_text: equity.map_or("?".to_owned(), crate::amounts::signed_dollars),
            }
        };
        context.show(&Vaults(vaults.iter().map(line).collect()))
    }
}
