//! The liquidator. It talks to the cluster over JSON-RPC alone and decides with the program's own arithmetic on decoded
//! accounts, so it works against any cluster: nothing in here knows that this one is local.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use ballast_client::event::Liquidated;
use ballast_client::logs::events;
use ballast_client::snapshot::{Opportunity, best_liquidation};
use ballast_client::{Pubkey, account, token};
use solana_keypair::Keypair;
use solana_signer::Signer;

use ballast_cluster::books::Books;
use ballast_cluster::connection::{Connection, Job, Raw, Receipt};

/// What a liquidation must gain to be worth its fee, micro-dollars: a cent.
const LEAST_GAIN: i64 = 10_000;
/// Rounds of one sweep at most; each round liquidates every vault once.
const ROUNDS: usize = 24;

/// A liquidator with an inventory in its associated token accounts.
pub struct Keeper {
    connection: Connection,
    key: Arc<Keypair>,
    market: Pubkey,
}

/// What one sweep did.
#[derive(Default)]
pub struct Sweep {
    pub liquidations: Vec<Liquidated>,
    pub receipts: Vec<Receipt>,
    /// Liquidations that looked possible and were refused in simulation, with the reason.
    pub refused: Vec<(Pubkey, String)>,
}

impl Keeper {
    pub fn new(connection: Connection, key: Arc<Keypair>, market: Pubkey) -> Self {
        Self { connection, key, market }
    }

    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    pub fn key(&self) -> &Arc<Keypair> {
        &self.key
    }

    /// Liquidates until nothing is left that can be liquidated with a gain.
    pub async fn sweep(&self) -> Result<Sweep> {
        let mut sweep = Sweep::default();
        let mut hopeless = HashSet::new();
        for _ in 0..ROUNDS {
            let books = Books::read(&self.connection, self.market).await?;
            let mut purse = self.purse(&books).await?;
            let found = opportunities(&books, &purse, &hopeless);
            if found.worthwhile.is_empty() {
                break;
            }
            for opportunity in found.worthwhile {
                let most = purse.get(usize::from(opportunity.debt_asset)).copied().unwrap_or(0);
                match self.liquidate(&books, &opportunity, most).await? {
                    Ok((receipt, events)) => {
                        for event in &events {
                            spend(&mut purse, event);
                        }
                        sweep.liquidations.extend(events);
                        sweep.receipts.push(receipt);
                    }
                    Err(reason) => {
                        hopeless.insert(opportunity.vault);
                        sweep.refused.push((opportunity.vault, reason));
                    }
                }
            }
        }
        Ok(sweep)
    }

    /// Looks without acting: how many vaults could be liquidated with a gain, and how many are below maintenance
    /// without that.
    pub async fn look(&self) -> Result<(usize, usize)> {
        let books = Books::read(&self.connection, self.market).await?;
        let purse = self.purse(&books).await?;
        let found = opportunities(&books, &purse, &HashSet::new());
        Ok((found.worthwhile.len(), found.left))
    }

    /// Simulates, then sends. The inner error is a refusal in simulation: the state has moved on, which is no fault.
    async fn liquidate(
        &self,
        books: &Books,
        opportunity: &Opportunity,
        most: u64,
    ) -> Result<std::result::Result<(Receipt, Vec<Liquidated>), String>> {
        let Opportunity { vault, debt_asset, collateral_asset, .. } = *opportunity;
        let instruction = books.reference().liquidate(&self.address(), &vault, debt_asset, collateral_asset, most);
        let job = Job::new(format!("liquidation of {vault}"), vec![instruction], &[&self.key]);
        let simulated = self.connection.simulate(&job).await?;
        if let Some(error) = simulated.error {
            let reason = simulated.logs.iter().find(|line| line.contains("AnchorError"));
            return Ok(Err(reason.cloned().unwrap_or(error)));
        }
        let expected: Vec<Liquidated> = events(&simulated.logs);
        if expected.iter().all(|event| gain(event) < LEAST_GAIN) {
            return Ok(Err("not worth its fee any more".to_owned()));
        }
        let receipt = self.connection.send(job).await?;
        let events = events(&receipt.logs);
        Ok(Ok((receipt, events)))
    }

    /// What the keeper can spend of each asset, native units.
    async fn purse(&self, books: &Books) -> Result<Vec<u64>> {
        let address =
            |asset: &ballast_client::Asset| token::address(&self.address(), &asset.mint, &asset.token_program());
        let addresses: Vec<Pubkey> = books.market.listed().iter().map(address).collect();
        let accounts = self.connection.accounts(&addresses).await.context("the keeper's inventory")?;
        let amount = |found: Option<Raw>| {
            found.map_or(Ok(0), |raw| account::token(&raw.owner, &raw.data).map(|held| held.amount))
        };
        Ok(accounts.accounts.into_iter().map(amount).collect::<Result<_, _>>()?)
    }
}

struct Found {
    worthwhile: Vec<Opportunity>,
    /// Vaults below maintenance in which nothing pays for the fee or can be bought.
    left: usize,
}

/// The best liquidation of every vault that has one, largest gain first.
fn opportunities(books: &Books, purse: &[u64], hopeless: &HashSet<Pubkey>) -> Found {
    let most = |asset: u8| purse.get(usize::from(asset)).copied().unwrap_or(0);
    let mut found = Found { worthwhile: Vec::new(), left: 0 };
    for (address, vault) in &books.vaults {
        if !crate::states::liquidatable(&books.health(vault)) {
            continue;
        }
        match best_liquidation(&books.market, *address, vault, books.now, most) {
            Some(best) if best.gain >= LEAST_GAIN && !hopeless.contains(address) => found.worthwhile.push(best),
            _ => found.left += 1,
        }
    }
    found.worthwhile.sort_by_key(|best| std::cmp::Reverse(best.gain));
    found
}

/// What a liquidation left to the liquidator, micro-dollars: the bonus less the reserve's part of it.
pub fn gain(event: &Liquidated) -> i64 {
    let worth = |units: u64| u128::from(event.repaid_value) * u128::from(units) / u128::from(event.repaid.max(1));
    let to_reserve = i64::try_from(worth(event.to_reserve)).unwrap_or(i64::MAX);
    event.seized_value.cast_signed() - event.repaid_value.cast_signed() - to_reserve
}

/// Keeps the purse current between two looks at the chain.
fn spend(purse: &mut [u64], event: &Liquidated) {
    if let Some(held) = purse.get_mut(usize::from(event.debt_asset)) {
        *held = held.saturating_sub(event.repaid + event.to_reserve);
    }
    if let Some(held) = purse.get_mut(usize::from(event.collateral_asset)) {
        *held = held.saturating_add(event.seized);
    }
}
