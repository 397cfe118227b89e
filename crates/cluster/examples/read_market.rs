//! Reads a market with all its vaults and prints what is in it.
//!
//! ```text
//! cargo run --example read_market -- http://127.0.0.1:8899 MARKET
//! ```

use anyhow::{Context, Result, anyhow, bail};
use ballast_client::StateView;
use ballast_client::preview::pico_dollars;
use ballast_cluster::books::Books;
use ballast_cluster::connection::Connection;
use ballast_cluster::text;

/// What is in a market, a line for each asset and each state of vaults.
///
/// # Errors
/// An address that is none, a node that does not answer, an account that is no market.
pub async fn read_market(url: &str, market: &str) -> Result<String> {
    let market = market.parse().map_err(|_| anyhow!("{market} is not an address"))?;
    // Every account is verified: owner, type, size, version, market.
    let books = Books::read(&Connection::new(url), market).await.context("the market cannot be read")?;

    let (assets, vaults) = (books.market.asset_count, books.vaults.len());
    let mut lines = vec![format!("slot {}, {assets} assets, {vaults} vaults", books.slot)];
    for (index, asset) in books.market.listed().iter().enumerate() {
        let name = String::from_utf8_lossy(&asset.name);
        // Pico-dollars: 10^-12 dollars for a whole token.
        let price = asset.spot().and_then(|price| pico_dollars(price, asset.decimals));
        let price = price.map_or("no price".to_owned(), |price| {
            format!("${}.{:06}", price / 1_000_000_000_000, price / 1_000_000 % 1_000_000)
        });
        let pool = asset.accrued_pool(books.now);
        let [deposits, debts] =
            [pool.deposits_ceil(), pool.debts_floor()].map(|total| total.map_or(0, |total| total.get()));
        lines.push(format!(
            "{index:>2} {:<8} {price:>16}  deposits {:>9}  debts {:>9}",
            name.trim_end_matches('\0'),
            text::tokens(deposits, asset.decimals),
            text::tokens(debts, asset.decimals)
        ));
    }
    for state in
        [StateView::Healthy, StateView::Restricted, StateView::Liquidatable, StateView::Insolvent, StateView::Unpriced]
    {
        let count = books.vaults.iter().filter(|(_, vault)| books.health(vault).state == state).count();
        lines.push(format!("{state:?}: {count}"));
    }
    Ok(lines.join("\n"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, market] = arguments.as_slice() else { bail!("usage: read_market URL MARKET") };
    println!("{}", read_market(url, market).await?);
    Ok(())
}
