//! `ballast vault list`.

use ballast_client::preview::margin_bps;
use ballast_client::{Pubkey, StateView, Vault, snapshot};
use ballast_cluster::books::Books;
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use super::view::margin_text;
use super::{of_owner, tell_unreadable};
use crate::amounts::signed_dollars;
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::output::{Report, Table};

/// List the vaults of an owner, or all of the market.
#[derive(Args, Debug)]
pub struct List {
    /// Whose; by default yours
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Pubkey>,
    /// Everybody's, the smallest margin first
    #[arg(long, conflicts_with = "owner")]
    all: bool,
    /// Only vaults in this state
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    state: Option<String>,
}

/// As `state_name` writes them.
const STATES: [&str; 5] = ["healthy", "restricted", "liquidatable", "insolvent", "unpriced"];

#[derive(Serialize)]
#[serde(transparent)]
struct Vaults(Vec<Line>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: u16,
    vault: String,
    owner: String,
    positions: usize,
    state: &'static str,
    /// Equity over the requirement at `Maint` in basis points, rounded down: below 10,000 it can be liquidated.
    margin_bps: Option<i64>,
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
        let mut table = Table::new(&[">Id", "Vault", "Owner", ">Positions", "State", ">Equity", ">Margin"]);
        for line in &self.0 {
            let vault = [line.id.to_string(), line.vault.clone(), line.owner.clone(), line.positions.to_string()];
            let health = [line.state.to_owned(), line.equity_text.clone(), margin_text(line.margin_bps)];
            table.row(vault.into_iter().chain(health));
        }
        table.to_string()
    }
}

impl List {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        // A missing key is told before a node is asked.
        let owner = match self.owner {
            None if self.all => None,
            None => Some(context.signer()?.pubkey()),
            some => some,
        };
        let (market, vaults) = match owner {
            Some(owner) => {
                let market = context.market().await?;
                let vaults = of_owner(context, &market.address, &owner).await?;
                (market, vaults)
            }
            None => {
                let address = context.market().await?.address;
                let books = Books::read(&context.connection, address).await?;
                let Books { market, vaults, unreadable, now, .. } = books;
                tell_unreadable(&unreadable);
                (OnChain { address, market, now }, vaults)
            }
        };
        let mut lines: Vec<Line> = vaults.iter().map(|(at, vault)| line(&market, *at, vault)).collect();
        lines.retain(|line| self.state.as_ref().is_none_or(|state| line.state == state));
        if self.all {
            lines.sort_by_key(|line| line.margin_bps.unwrap_or(i64::MAX));
        }
        context.show(&Vaults(lines))
    }
}

fn line(market: &OnChain, at: Pubkey, vault: &Vault) -> Line {
    let health = snapshot::health(&market.market, vault, market.now);
    let equity = health.maint.decided.then_some(health.maint.equity);
    Line {
        id: vault.id,
        vault: at.to_string(),
        owner: vault.owner.to_string(),
        positions: vault.used().len(),
        state: state_name(health.state),
        margin_bps: margin_bps(&health.maint),
        equity: equity.map(|equity| equity.to_string()),
        equity_text: equity.map_or("?".to_owned(), signed_dollars),
    }
}
