//! Reads a market with all its vaults and prints what is in it.
//!
//! ```text
//! cargo run --example read_market -- http://127.0.0.1:8899 MARKET
//! ```

use anyhow::{Context, Result, bail};
use ballast_client::StateView;
use ballast_client::preview::pico_dollars;
use ballast_cluster::books::Books;
use ballast_cluster::connection::Connection;
use ballast_cluster::text;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, market] = arguments.as_slice() else { bail!("usage: read_market URL MARKET") };
    let market = market.parse().map_err(|_| anyhow::anyhow!("{market} is not an address"))?;
    // Every account is verified: owner, type, size, version, market.
    let books = Books::read(&Connection::new(url), market).await.context("the market cannot be read")?;

    println!("slot {}, {} assets, {} vaults", books.slot, books.market.asset_count, books.vaults.len());
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
        println!(
            "{index:>2} {:<8} {price:>16}  deposits {:>9}  debts {:>9}",
            name.trim_end_matches('\0'),
            text::tokens(deposits, asset.decimals),
            text::tokens(debts, asset.decimals)
        );
    }
    for state in
        [StateView::Healthy, StateView::Restricted, StateView::Liquidatable, StateView::Insolvent, StateView::Unpriced]
    {
        let count = books.vaults.iter().filter(|(_, vault)| books.health(vault).state == state).count();
        println!("{state:?}: {count}");
    }
    Ok(())
}
