//! The liquidator of the demo: the keeper's index and strategy, one step at a time. The unattended loop around them, with
//! journal and several nodes, is `ballast-keeper`; `cargo xtask localnet` runs that.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ballast_client::event::Liquidated;
use ballast_client::instruction::MarketRef;
use ballast_client::logs::events;
use ballast_client::{Asset, Fee, ID, Market, Pubkey, Vault, account, token};
use ballast_keeper::index::{Applied, Index};
use ballast_keeper::strategy::{self, Costs, LamportPrice, Plan, Purse, Situation, Terms, Token};
use ballast_keeper::updates::Update;
use solana_keypair::Keypair;
use solana_signer::Signer;

use ballast_cluster::books::MARKET_OFFSET;
use ballast_cluster::connection::{Connection, Job, Raw, Receipt};
use ballast_localnet::catalogue::SOL;

/// What a liquidation must gain after its costs, micro-dollars: a cent.
const LEAST_PROFIT: i64 = 10_000;
/// Rounds of one sweep at most; each round liquidates every vault once.
const ROUNDS: usize = 24;

/// A liquidator with an inventory in its associated token accounts.
pub struct Keeper {
    connection: Connection,
    key: Arc<Keypair>,
    index: Index,
    terms: Terms,
}

/// What one sweep did.
#[derive(Default)]
pub struct Sweep {
    pub liquidations: Vec<Liquidated>,
    pub receipts: Vec<Receipt>,
    /// Liquidations that looked possible and were refused in simulation, with the reason.
    pub refused: Vec<(Pubkey, String)>,
}

/// What there is to do.
struct Work {
    /// The best plan of every vault that has one, the largest profit first.
    plans: Vec<Plan>,
    /// Vaults below maintenance in which nothing pays for the costs or can be bought.
    left: usize,
}

impl Keeper {
    pub fn new(connection: Connection, key: Arc<Keypair>, market: Pubkey) -> Self {
        let costs = Costs { lamport_price: LamportPrice::Asset(SOL as u8), ..Costs::default() };
        // Pairs alone: the report says which deposit paid for which debt, and into a vault no tokens move.
        let terms = Terms { receivership: false, into: false, least_profit: LEAST_PROFIT, costs, ..Terms::default() };
        Self { connection, key, index: Index::new(market), terms }
    }

    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    pub fn key(&self) -> &Arc<Keypair> {
        &self.key
    }

    /// Liquidates until nothing is left that can be liquidated with a profit.
    pub async fn sweep(&mut self) -> Result<Sweep> {
        let mut sweep = Sweep::default();
        let mut hopeless = HashSet::new();
        for _ in 0..ROUNDS {
            let work = self.work(&hopeless).await?;
            if work.plans.is_empty() {
                break;
            }
            for plan in work.plans {
                match self.carry_out(&plan).await? {
                    Ok(receipt) => {
                        sweep.liquidations.extend(events::<Liquidated>(&receipt.logs));
                        sweep.receipts.push(receipt);
                    }
                    Err(reason) => {
                        hopeless.insert(plan.vault);
                        sweep.refused.push((plan.vault, reason));
                    }
                }
            }
        }
        Ok(sweep)
    }

    /// Looks without acting: how many vaults could be liquidated with a profit, and how many are below maintenance without
    /// that.
    pub async fn look(&mut self) -> Result<(usize, usize)> {
        let work = self.work(&HashSet::new()).await?;
        Ok((work.plans.len(), work.left))
    }

    /// Brings the index up to the chain and asks it what can be liquidated, and the strategy how.
    async fn work(&mut self, hopeless: &HashSet<Pubkey>) -> Result<Work> {
        let clock = self.take_in().await?;
        let found: Vec<Pubkey> = self.index.scan(clock.unix).liquidatable.iter().map(|found| found.address).collect();
        let market = self.index.market().context("the market is missing")?;
        let purse = self.purse(market, clock.epoch).await?;
        let mut work = Work { plans: Vec::new(), left: 0 };
        for address in found {
            let vault = self.index.vault(&address).context("a vault that was found is gone")?;
            let situation = Situation {
                market: MarketRef::new(*self.index.address(), market),
                vault: (address, &vault),
                liquidator: self.address(),
                purse: &purse,
                own: None,
                terms: &self.terms,
                now: clock.unix,
            };
            match strategy::plans(&situation).into_iter().next() {
                Some(best) if !hopeless.contains(&address) => work.plans.push(best),
                _ => work.left += 1,
            }
        }
        work.plans.sort_by_key(|plan| std::cmp::Reverse(plan.profit));
        Ok(work)
    }

    /// Reads the market, its vaults and the clock.
    async fn take_in(&mut self) -> Result<account::Clock> {
        let market = *self.index.address();
        let of_market = (MARKET_OFFSET, market.as_ref());
        let vaults = self.connection.program_accounts(&ID, Vault::SPACE, of_market).await?;
        let found = self.connection.accounts(&[market, account::CLOCK]).await?;
        let [Some(record), Some(clock)] = found.accounts.as_slice() else { anyhow::bail!("the market is missing") };
        let slot = vaults.slot;
        let vaults = vaults.accounts.into_iter().map(|(address, raw)| update(address, raw, slot));
        for update in vaults.chain([update(market, record.clone(), found.slot)]) {
            let applied = self.index.apply(&update);
            ensure!(!matches!(applied, Applied::Quarantined(_)), "account {} is {applied:?}", update.address);
        }
        Ok(account::clock(&clock.owner, &clock.data)?)
    }

    /// Simulates, then sends. The inner error is a refusal in simulation: the state has moved on, which is no fault.
    async fn carry_out(&self, plan: &Plan) -> Result<std::result::Result<Receipt, String>> {
        let market = self.index.market().context("the market is missing")?;
        let instructions = plan.instructions(&MarketRef::new(*self.index.address(), market), &self.address());
        let job = Job::new(format!("liquidation of {}", plan.vault), instructions, &[&self.key]);
        let simulated = self.connection.simulate(&job).await?;
        if let Some(error) = simulated.error {
            let reason = simulated.logs.iter().find(|line| line.contains("AnchorError"));
            return Ok(Err(reason.cloned().unwrap_or(error)));
        }
        Ok(Ok(self.connection.send(job).await?))
    }

    /// What the keeper can spend of each asset.
    async fn purse(&self, market: &Market, epoch: u64) -> Result<Purse> {
        let address = |asset: &Asset| token::address(&self.address(), &asset.mint, &asset.token_program());
        let addresses: Vec<Pubkey> = market.listed().iter().flat_map(|asset| [address(asset), asset.mint]).collect();
        let found = self.connection.accounts(&addresses).await.context("the keeper's inventory")?.accounts;
        let mut purse = Purse::default();
        for (asset, pair) in (0u8..).zip(found.chunks(2)) {
            let [account, Some(mint)] = pair else { anyhow::bail!("a mint is missing") };
            let held = account.as_ref().map(|raw| account::token(&raw.owner, &raw.data)).transpose()?;
            let amount = held.as_ref().map_or(0, |held| held.amount);
            let fee = Fee::of(&mint.data, epoch).ok();
            purse.set(asset, Token { amount, exists: held.is_some(), fee });
        }
        Ok(purse)
    }
}

fn update(address: Pubkey, raw: Raw, slot: u64) -> Update {
    Update { address, owner: raw.owner, data: Some(raw.data), slot }
}

/// What a liquidation left to the liquidator, micro-dollars: the bonus less the reserve's part of it.
pub fn gain(event: &Liquidated) -> i64 {
    let worth = |units: u64| u128::from(event.repaid_value) * u128::from(units) / u128::from(event.repaid.max(1));
    let to_reserve = i64::try_from(worth(event.to_reserve)).unwrap_or(i64::MAX);
    event.seized_value.cast_signed() - event.repaid_value.cast_signed() - to_reserve
}
