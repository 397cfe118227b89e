//! From a configuration to a keeper that can begin.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ballast_client::Market;
use ballast_cluster::connection::Connection;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::sync::watch as channel;
use tracing::{info, warn};

use super::{Changes, Hand, Keeper, Publishers, Refresher, changes, publishers, refresher};
use crate::config::{self, Config};
use crate::desk::{self, Desk};
use crate::endpoints::{Endpoints, Node, Policy as Trust};
use crate::journal::{Identity, Journal};
use crate::liquidator::{self, Liquidator};
use crate::metrics::Metrics;
use crate::prices::hermes::Hermes;
use crate::prices::{Policy, PriceSource, Written, name};
use crate::server::{Condition, Status};
use crate::strategy::{self, Costs, LamportPrice};

/// Between two attempts to reach the nodes.
const PAUSE: Duration = Duration::from_secs(1);

/// What the keeper is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// One pass, then the end.
    pub once: bool,
    /// Plans and simulates, signs nothing.
    pub dry: bool,
}

/// A keeper, and in which state its journal was found.
pub struct Opened {
    pub keeper: Keeper,
    pub journal: String,
    /// In a dry run: the folder of its journal, which goes with it.
    pub scratch: Option<tempfile::TempDir>,
}

/// The nodes cannot be relied on, or do not know the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached(pub String);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreached {}

/// The nodes of a configuration.
///
/// # Errors
/// Fewer than have to agree.
pub fn endpoints(config: &Config) -> Result<Arc<Endpoints>> {
    let node = |endpoint: &config::Endpoint| Node {
        name: endpoint.name.clone(),
        connection: Connection::new(endpoint.url.reveal()),
    };
    let trust = Trust {
        least_healthy: config.rpc.least_healthy,
        most_slots_behind: config.rpc.most_slots_behind,
        timeout: Duration::from_millis(config.rpc.timeout_milliseconds),
    };
    let endpoints = Endpoints::new(config.endpoints.iter().map(node).collect(), trust)?;
    // The time of a local network is its own.
    let compared = !config.rpc.one_node;
    let drift = Duration::from_secs(config.rpc.most_clock_drift_seconds);
    let endpoints = if compared { endpoints.with_most_drift(drift) } else { endpoints };
    Ok(Arc::new(match config.genesis {
        Some(genesis) => endpoints.of_cluster(genesis),
        None => endpoints,
    }))
}

/// Waits for the nodes (`patience` at most, if there is one), opens the journal, and puts everything together.
///
/// # Errors
/// [`Unreached`]: the nodes do not agree in time, or there is no such market. Others: the journal cannot be had, there is no
/// key pair.
pub async fn open(
    config: &Config,
    mode: Mode,
    endpoints: Arc<Endpoints>,
    patience: Option<Duration>,
    metrics: &Metrics,
    status: &Status,
) -> Result<Opened> {
    let signer = signer(config, mode)?;
    let market = reach(config, &endpoints, patience, status).await?;
    let genesis =
        endpoints.genesis().ok_or_else(|| Unreached("the nodes do not say which cluster they are of".into()))?;
    let identity = Identity { signer: signer.pubkey().to_string(), genesis: genesis.to_string() };
    // A dry run must not hold the journal of a keeper that works.
    let scratch = mode.dry.then(tempfile::tempdir).transpose().context("no folder for the journal of a dry run")?;
    let path = scratch.as_ref().map_or_else(|| config.journal.clone(), |folder| folder.path().join("journal"));
    let (journal, condition) = Journal::open(&path, identity)?;
    status.set(Condition::Journal, Ok(()));
    let terms = desk::Terms {
        fees: config.fees,
        version: config.version,
        most_in_flight: config.liquidator.most_in_flight,
        most_for_prices: config.prices.most_lamports_per_hour,
        first_life: config.rpc.one_node || mode.dry,
        ..desk::Terms::default()
    };
    let desk = Arc::new(Desk::new(Arc::clone(&endpoints), Arc::new(signer), journal, terms, metrics.clone()));
    let keeper = Keeper::assemble(config, mode, &desk, &endpoints, &market, (metrics, status))?;
    Ok(Opened { keeper, journal: condition.to_string(), scratch })
}

/// The market, as soon as enough nodes agree.
async fn reach(
    config: &Config,
    endpoints: &Endpoints,
    patience: Option<Duration>,
    status: &Status,
) -> Result<Box<Market>, Unreached> {
    let begun = Instant::now();
    let mut told = String::new();
    loop {
        let seen = match endpoints.keep_surveyed().await {
            Ok(()) => endpoints.market(&config.market).await,
            Err(unready) => Err(unready),
        };
        status.tick();
        match seen {
            Ok(seen) => {
                status.set(Condition::Rpc, Ok(()));
                return Ok(seen.market);
            }
            Err(unready) => {
                let reason = unready.to_string();
                if patience.is_some_and(|patience| begun.elapsed() >= patience) {
                    return Err(Unreached(format!("the market {} cannot be read: {reason}", config.market)));
                }
                if reason != told {
                    warn!(reason, "waiting for the nodes");
                    told.clone_from(&reason);
                }
                status.set(Condition::Rpc, Err(reason));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn signer(config: &Config, mode: Mode) -> Result<Keypair> {
    match &config.keypair {
        Some(keypair) => Ok(keypair.insecure_clone()),
        None if mode.dry => {
            info!("no keypair: prices and changes are tried out for nobody, and without a purse nothing is liquidated");
            Ok(Keypair::new())
        }
        None => bail!("the configuration names no keypair; give keypair = {{ file = \"PATH\" }} or use --dry-run"),
    }
}

impl Keeper {
    /// The keeper of a market, as it was read last, at a desk.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn assemble(
        config: &Config,
        mode: Mode,
        desk: &Arc<Desk>,
        endpoints: &Arc<Endpoints>,
        market: &Market,
        (metrics, status): (&Metrics, &Status),
    ) -> Result<Self> {
        let hand = Hand::new(Arc::clone(desk), Arc::clone(endpoints), config.version, mode.dry);
        let terms = liquidator_terms(config, mode, market);
        let liquidator =
            Liquidator::new(config.market, Arc::clone(endpoints), Arc::clone(desk), terms, metrics.clone());
        let habits = refresher::Habits {
            policy: Policy {
                seconds: config.prices.refresh_seconds,
                bps: config.prices.refresh_bps,
                batch: config.prices.batch,
            },
            check: config.prices.check,
            enabled: config.prices.enabled,
            observes: config.changes.candidates,
            named: config.prices.accounts.clone(),
        };
        let mut refresher = Refresher::new(config.market, hand.clone(), habits, metrics.clone());
        let mut watched = vec![config.market];
        watched.extend(refresher.follow(market));
        let habits = changes::Habits {
            check: Duration::from_secs(config.changes.check_seconds),
            warn_before: config.changes.warn_before_expiry_seconds,
            enabled: config.changes.enabled,
        };
        let publishers = publishers(config, &hand, endpoints, metrics)?;
        let changes = Changes::new(config.market, hand, Arc::clone(endpoints), habits, metrics.clone());
        Ok(Self {
            market: config.market,
            endpoints: Arc::clone(endpoints),
            liquidator,
            refresher,
            publishers,
            changes,
            metrics: metrics.clone(),
            status: status.clone(),
            watched: channel::channel(watched).0,
            stale: config.stream.silence.max(config.stream.poll.saturating_mul(5)),
            shutdown: config.shutdown,
            complete: false,
            last_reading: endpoints.clock().now(),
            followed: 0,
            hurried: false,
            quiet: false,
            told: HashMap::new(),
        })
    }
}

/// Whoever asks the price source that the configuration chooses, if it chooses one.
fn publishers(
    config: &Config,
    hand: &Hand,
    endpoints: &Arc<Endpoints>,
    metrics: &Metrics,
) -> Result<Option<Publishers>> {
    let Some(source) = &config.prices.source else { return Ok(None) };
    let habits = publishers::Habits {
        interval: source.interval,
        alarm_bps: source.alarm_bps,
        post: source.post,
        oldest: config.prices.refresh_seconds.saturating_mul(2),
    };
    let (from, hand, endpoints) = (price_source(&source.from)?, hand.clone(), Arc::clone(endpoints));
    Ok(Some(Publishers::new(config.market, from, habits, hand, endpoints, metrics.clone())))
}

/// The source that the configuration chooses.
fn price_source(from: &config::Origin) -> Result<Arc<dyn PriceSource>> {
    Ok(match from {
        config::Origin::File { path, most_age } => Arc::new(Written::new(path.clone(), *most_age)),
        config::Origin::Hermes { url, key } => {
            if key.is_none() {
                warn!(
                    "Hermes is asked without a key; where it refuses that, prices come from the accounts on chain alone"
                );
            }
            Arc::new(Hermes::new(url.clone(), key.clone())?)
        }
    })
}

fn liquidator_terms(config: &Config, mode: Mode, market: &Market) -> liquidator::Terms {
    let file = &config.liquidator;
    let sol =
        (0u8..).zip(market.listed()).find(|(_, asset)| asset.decimals == 9 && name(&asset.name) == file.sol_asset);
    let lamport_price =
        sol.map_or(LamportPrice::Fixed(file.sol_micro_dollars), |(index, _)| LamportPrice::Asset(index));
    let strategy = strategy::Terms {
        pair: file.enabled,
        receivership: file.enabled,
        into: file.enabled && config.vault.is_some(),
        absorb: file.enabled && file.absorb_bad_debt,
        least_profit: i64::try_from(file.least_profit_micro_dollars).unwrap_or(i64::MAX),
        costs: Costs { unit_price: config.fees.least, lamport_price, ..Costs::default() },
        version: config.version,
        ..strategy::Terms::default()
    };
    liquidator::Terms {
        strategy,
        own: config.vault,
        most_in_flight: file.most_in_flight,
        poll: config.stream.poll,
        // The poller brings them.
        reads_vaults: false,
        resync: config.stream.resync,
        fees: config.fees,
        dry_run: mode.dry,
    }
}
