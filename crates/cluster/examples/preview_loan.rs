//! What a loan would do to a vault, before anybody signs it: health before and after, what the program would refuse, and the
//! prices at which the vault would become liquidatable.
//!
//! ```text
//! cargo run --example preview_loan -- http://127.0.0.1:8899 VAULT ASSET AMOUNT
//! ```
//!
//! `ASSET` is the index of an asset in the market, `AMOUNT` a number of native units.

use anyhow::{Context, Result, anyhow, bail};
use ballast_client::preview::{Action, Stage, margin_bps, preview};
use ballast_client::{HealthView, account};
use ballast_cluster::books::read_market;
use ballast_cluster::connection::Connection;

fn line(name: &str, health: &HealthView) -> String {
    let margin = margin_bps(&health.init).map_or("none".to_owned(), |bps| format!("{bps} bps"));
    format!("{name:<7} {:?}, equity {} micro-dollars, margin at Init {margin}", health.state, health.maint.equity)
}

/// What borrowing an amount would do to a vault.
///
/// # Errors
/// An address that is none, a node that does not answer, an account that is no vault, an asset that is not listed.
pub async fn preview_loan(url: &str, vault: &str, asset: u8, amount: u64) -> Result<String> {
    let address = vault.parse().map_err(|_| anyhow!("{vault} is not an address"))?;
    let connection = Connection::new(url);
    let raw = connection.account(&address).await?.context("there is no such account")?;
    let vault = account::vault(&raw.owner, &raw.data)?;
    let (market, now) = read_market(&connection, &vault.market).await?;

    let seen = preview(Stage::new(&market, &vault, now), &[], &[Action::Borrow { asset, amount }])?;
    let refusal = seen.refusal().map_or("accepted".to_owned(), |refusal| format!("refused: {refusal}"));
    let mut lines = vec![line("before", &seen.before), line("after", &seen.after), refusal];
    for found in seen.thresholds.assets {
        let text = |price: Option<u64>| price.map_or("never".to_owned(), |price| format!("{price} pico-dollars"));
        lines.push(format!(
            "asset {}: now {}, liquidatable from {} down, from {} up",
            found.asset,
            found.price,
            text(found.below),
            text(found.above)
        ));
    }
    Ok(lines.join("\n"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, vault, asset, amount] = arguments.as_slice() else { bail!("usage: preview_loan URL VAULT ASSET AMOUNT") };
    let (asset, amount) = (asset.parse().context("asset")?, amount.parse().context("amount")?);
    println!("{}", preview_loan(url, vault, asset, amount).await?);
    Ok(())
}
