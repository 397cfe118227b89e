//! What must hold whatever happened, beside the conservation of tokens: indexes never fall, client and program agree.

use std::collections::BTreeSet;
use std::sync::Arc;

use anchor_lang::AnchorDeserialize;
use anyhow::{Context, Result, anyhow, ensure};
use ballast_client::event::BadDebtAbsorbed;
use ballast_client::{HealthView, Market, Pubkey};
use solana_keypair::Keypair;
use tokio::task::JoinSet;

use ballast_cluster::books::Books;
use ballast_cluster::connection::{Connection, Job};
use ballast_localnet::audit::Check;
use ballast_localnet::catalogue::{ASSETS, COUNT};

/// Remembers the indexes of all assets and notices one that falls.
#[derive(Default)]
pub struct IndexWatch {
    last: Vec<(u64, u64)>,
    looks: usize,
    falls: Vec<String>,
    /// Assets whose depositors have lost something.
    lost: BTreeSet<usize>,
}

impl IndexWatch {
    pub fn look(&mut self, market: &Market) {
        let now: Vec<_> = market.listed().iter().map(|asset| (asset.supply_index, asset.borrow_index)).collect();
        for (asset, (now, last)) in now.iter().zip(&self.last).enumerate() {
            if now.1 < last.1 {
                self.falls.push(format!("{} from {last:?} to {now:?}", ASSETS[asset].name));
            }
            if now.0 < last.0 {
                self.lost.insert(asset);
            }
        }
        self.last = now;
        self.looks += 1;
    }

    /// A supply index falls only where depositors pay for a debt that is written off.
    pub fn check(mut self, losses: &[BadDebtAbsorbed]) -> Check {
        let told =
            |asset: &usize| losses.iter().any(|loss| usize::from(loss.asset) == *asset && loss.by_depositors > 0);
        let untold = self.lost.iter().filter(|asset| !told(asset));
        self.falls.extend(untold.map(|asset| format!("deposits of {}, without a loss", ASSETS[*asset].name)));
        Check::new("indexes never fell", format!("{} looks at {COUNT} assets", self.looks), self.falls)
    }
}

/// `view_health` of every vault, simulated over RPC, against the client's own computation on the same accounts.
///
/// # Errors
/// What the node answers; a difference is not an error but a text in the list.
pub async fn compare_health(connection: &Connection, books: &Books, caller: &Arc<Keypair>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut asking = JoinSet::new();
    for (address, vault) in &books.vaults {
        let (address, expected) = (*address, books.health(vault));
        let instruction = books.reference().view_health(&address);
        let job = Job::new(format!("view_health of {address}"), vec![instruction], &[caller]);
        let connection = connection.clone();
        asking.spawn(async move { (address, expected, connection.simulate(&job).await) });
    }
    while let Some(answer) = asking.join_next().await {
        let (address, expected, simulated) = answer.context("a request was stopped")?;
        let simulated = simulated?;
        if let Some(error) = simulated.error {
            wrong.push(format!("view_health of {address} fails: {error}"));
            continue;
        }
        let bytes = simulated.returned.ok_or_else(|| anyhow!("view_health of {address} returns nothing"))?;
        let found = HealthView::deserialize(&mut &bytes[..]).with_context(|| format!("return data of {address}"))?;
        if found != expected {
            wrong.push(format!("{address}: program {found:?}, client {expected:?}"));
        }
    }
    Ok(wrong)
}

/// The same with fresh books. When it differs the clock may have moved on between the two, so up to three attempts.
pub async fn compare_health_now(
    connection: &Connection,
    market: Pubkey,
    caller: &Arc<Keypair>,
) -> Result<(usize, Vec<String>)> {
    let mut attempt = 1;
    loop {
        let books = Books::read(connection, market).await?;
        ensure!(books.unreadable.is_empty(), "vaults that cannot be read: {:?}", books.unreadable);
        let wrong = compare_health(connection, &books, caller).await?;
        if wrong.is_empty() || attempt == 3 {
            return Ok((books.vaults.len(), wrong));
        }
        attempt += 1;
    }
}
