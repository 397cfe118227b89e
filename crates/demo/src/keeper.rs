//! The liquidator of the demo: that of `ballast-keeper` with its journal and its desk, one step of the prices at a time. The
//! program around them, which runs unattended, is what `cargo xtask localnet` starts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ballast_client::Pubkey;
use ballast_client::event::Liquidated;
use ballast_client::logs::events;
use ballast_keeper::desk::{self, Desk};
use ballast_keeper::endpoints::{Endpoints, Node, Policy};
use ballast_keeper::journal::{Identity, Journal};
use ballast_keeper::liquidator::{Liquidator, Terms, Tick};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::strategy::{self, Costs, LamportPrice};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use ballast_cluster::connection::Receipt;
use ballast_localnet::catalogue::SOL;
use ballast_localnet::network::{Network, Processed};

/// What a liquidation must gain after its costs, micro-dollars: a cent.
const LEAST_PROFIT: i64 = 10_000;
/// Ticks of one sweep at most; each liquidates every vault once.
const TICKS: usize = 48;
/// How long the transactions of one tick may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at what became of a transaction: the network answers at once.
const POLL: Duration = Duration::from_millis(4);

/// A liquidator with an inventory in its associated token accounts.
pub struct Keeper {
    key: Arc<Keypair>,
    endpoints: Arc<Endpoints>,
    liquidator: Liquidator,
    seen: UnboundedReceiver<Processed>,
    _folder: TempDir,
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
    /// A liquidator of the market, with a journal of its own in a temporary folder.
    ///
    /// # Errors
    /// A node that does not answer; a folder that cannot be written.
    pub async fn new(network: &Network, key: Arc<Keypair>, market: Pubkey) -> Result<Self> {
        let node = Node { name: "local".to_owned(), connection: network.connection.clone() };
        let endpoints = Arc::new(Endpoints::new(vec![node], Policy { least_healthy: 1, ..Policy::default() })?);
        endpoints.keep_surveyed().await?;
        let genesis = endpoints.genesis().context("the node does not say which cluster it is of")?;
        let folder = tempfile::tempdir().context("a temporary folder for the journal")?;
        let identity = Identity { signer: key.pubkey().to_string(), genesis: genesis.to_string() };
        let (journal, _) = Journal::open(&folder.path().join("journal"), identity)?;
        let metrics = Metrics::new();
        // The network has just been started, so nothing of this key can be under way.
        let terms = desk::Terms { first_life: true, poll: POLL, ..desk::Terms::default() };
        let signer = Arc::new(key.insecure_clone());
        let desk = Arc::new(Desk::new(Arc::clone(&endpoints), signer, journal, terms, metrics.clone()));
        let costs = Costs { lamport_price: LamportPrice::Asset(SOL as u8), ..Costs::default() };
        // Pairs alone: the report says which deposit paid for which debt, and into a vault no tokens move.
        let strategy = strategy::Terms {
            receivership: false,
            into: false,
            least_profit: LEAST_PROFIT,
            costs,
            ..strategy::Terms::default()
        };
        // Everything is read anew at each tick, because between two of them an hour may pass on the chain.
        let terms = Terms { strategy, poll: Duration::ZERO, resync: Duration::ZERO, ..Terms::default() };
        let liquidator = Liquidator::new(market, Arc::clone(&endpoints), desk, terms, metrics);
        Ok(Self { key, endpoints, liquidator, seen: network.watch(), _folder: folder })
    }

    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    pub fn key(&self) -> &Arc<Keypair> {
        &self.key
    }

    /// Liquidates until nothing is left that can be liquidated with a profit.
    ///
    /// # Errors
    /// A node that cannot be relied on; a transaction of which nobody knows what became.
    pub async fn sweep(&mut self) -> Result<Sweep> {
        let before = self.liquidator.ledger().liquidations;
        for _ in 0..TICKS {
            let tick = self.tick().await?;
            if tick.in_flight == 0 {
                break;
            }
            ensure!(self.liquidator.finish(PATIENCE).await, "transactions without a fate after {PATIENCE:?}");
        }
        let refused = self.liquidator.backoff().pauses().map(|(vault, pause)| (*vault, pause.cause.clone())).collect();
        let landed = self.liquidator.ledger().liquidations - before;
        self.collect(landed, refused).await
    }

    /// What a sweep has left: how many vaults could still be liquidated with a profit, and how many are below maintenance
    /// without that.
    ///
    /// # Errors
    /// A node that cannot be relied on.
    pub async fn left(&mut self) -> Result<(usize, usize)> {
        let tick = self.tick().await?;
        self.liquidator.finish(PATIENCE).await;
        Ok((tick.plans.len(), tick.liquidatable - tick.plans.len()))
    }

    async fn tick(&mut self) -> Result<Tick> {
        // The demo travels through time, and a node that is hours ahead of where it was a moment ago is not believed otherwise.
        self.endpoints.survey().await?;
        let tick = self.liquidator.tick().await;
        match tick.unready {
            None => Ok(tick),
            Some(unready) => bail!("the liquidator does nothing: {unready}"),
        }
    }

    /// The receipts of so many liquidations, as the node has them.
    async fn collect(&mut self, landed: u64, refused: Vec<(Pubkey, String)>) -> Result<Sweep> {
        let mut sweep = Sweep { refused, ..Sweep::default() };
        while (sweep.liquidations.len() as u64) < landed {
            let seen = timeout(PATIENCE, self.seen.recv()).await.context("the node has seen fewer liquidations")?;
            let seen = seen.context("the network has ended")?;
            let found = events::<Liquidated>(&seen.logs);
            if !seen.failed && found.iter().any(|event| event.liquidator == self.address()) {
                sweep.liquidations.extend(found);
                sweep.receipts.push(Receipt { logs: seen.logs });
            }
        }
        Ok(sweep)
    }
}

/// What a liquidation left to the liquidator, micro-dollars: the bonus less the reserve's part of it.
pub fn gain(event: &Liquidated) -> i64 {
    let worth = |units: u64| u128::from(event.repaid_value) * u128::from(units) / u128::from(event.repaid.max(1));
    let to_reserve = i64::try_from(worth(event.to_reserve)).unwrap_or(i64::MAX);
    event.seized_value.cast_signed() - event.repaid_value.cast_signed() - to_reserve
}
