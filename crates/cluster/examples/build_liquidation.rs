//! Finds the best liquidation of a market and prints the message of its transaction in base64, unsigned.
//!
//! ```text
//! cargo run --example build_liquidation -- http://127.0.0.1:8899 MARKET LIQUIDATOR
//! ```
//!
//! The liquidator is taken to have enough of every token. What to do with the message is a wallet's business.

use anyhow::{Context, Result, anyhow, bail};
use ballast_client::snapshot::best_liquidation;
use ballast_client::transaction::{Budget, Version, compile};
use ballast_client::{Pubkey, StateView, token};
use ballast_cluster::books::Books;
use ballast_cluster::connection::Connection;
use base64::Engine;

/// More than a liquidation of two full vaults needs.
const UNITS: u32 = 400_000;

fn key(text: &str) -> Result<Pubkey> {
    text.parse().map_err(|_| anyhow!("{text} is not an address"))
}

/// What the best liquidation is.
pub struct Found {
    /// The vault, what is gained, what is repaid and taken.
    pub lines: [String; 2],
    /// The message in base64.
    pub message: String,
}

/// The best liquidation of a market, if there is one.
///
/// # Errors
/// An address that is none, a node that does not answer, an account that is no market.
pub async fn build_liquidation(url: &str, market: &str, liquidator: &str) -> Result<Option<Found>> {
    let (market, liquidator) = (key(market)?, key(liquidator)?);
    let connection = Connection::new(url);
    let books = Books::read(&connection, market).await?;

    let below = books.vaults.iter().filter(|(_, vault)| books.health(vault).state != StateView::Healthy);
    let found =
        below.filter_map(|(address, vault)| best_liquidation(&books.market, *address, vault, books.now, |_| u64::MAX));
    let Some(best) = found.max_by_key(|best| best.gain) else { return Ok(None) };
    let (debt, collateral) = (best.debt_asset, best.collateral_asset);
    let (repay, seize) = (best.liquidation.repay.get(), best.liquidation.seize.get());
    let lines = [
        format!("vault {}: gain {} micro-dollars before costs", best.vault, best.gain),
        format!("repay {repay} of asset {debt}, take {seize} of asset {collateral}"),
    ];

    let asset = &books.market.assets[usize::from(collateral)];
    let most = repay.saturating_add(best.liquidation.to_reserve.get());
    let instructions = [
        token::create(&liquidator, &liquidator, &asset.mint, &asset.token_program()),
        books.reference().liquidate(&liquidator, &best.vault, debt, collateral, most),
    ];
    let blockhash = connection.client().get_latest_blockhash().await.context("no blockhash")?;
    let budget = Some(Budget { units: UNITS, price: 0 });
    let message = compile(Version::V0, &liquidator, &instructions, budget, &[], blockhash)?;
    Ok(Some(Found { lines, message: base64::prelude::BASE64_STANDARD.encode(message.serialize()) }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, market, liquidator] = arguments.as_slice() else {
        bail!("usage: build_liquidation URL MARKET LIQUIDATOR")
    };
    match build_liquidation(url, market, liquidator).await? {
        Some(Found { lines, message }) => println!("{}\n{message}", lines.join("\n")),
        None => println!("no vault of this market can be liquidated"),
    }
    Ok(())
}
