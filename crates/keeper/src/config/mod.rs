//! The configuration: a TOML file whose secrets are kept elsewhere. `keeper.example.toml` documents every field.

pub mod file;
mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ballast_client::Pubkey;
use ballast_client::transaction::Version;
use ballast_cluster::definition::Cluster;
use ballast_cluster::sending::FeePolicy;
use solana_keypair::Keypair;
use solana_transaction::Hash;

use crate::secret::{Environment, Redaction, Secret, keypair};
use file::{Accounts, File, StreamKind};
use kept::Kept;

/// Nodes that have to agree, for a market on which money depends.
const LEAST_ENDPOINTS: usize = 2;
/// Letters of an address at most. What is longer may be a key pair, and is not repeated.
const LONGEST_ADDRESS: usize = 44;

/// One node. The name is what logs and metrics say.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub name: String,
    pub url: Secret,
    pub websocket: Secret,
}

/// Where accounts come from, and how patiently.
#[derive(Clone, Debug)]
pub struct Stream {
    pub kind: StreamKind,
    pub poll: Duration,
    pub resync: Duration,
    pub silence: Duration,
    /// Of a Yellowstone server: its URL and a token, if it asks for one.
    pub yellowstone: Option<(Secret, Option<Secret>)>,
}

/// When prices are refreshed, and from which accounts.
#[derive(Clone, Debug)]
pub struct Prices {
    pub enabled: bool,
    /// A stored price is refreshed at this age at the latest, seconds.
    pub refresh_seconds: u64,
    /// Or when the oracle says something that differs by so much, basis points.
    pub refresh_bps: u32,
    /// Assets in one transaction at most.
    pub batch: usize,
    /// Lamports that refreshes may cost within an hour.
    pub most_lamports_per_hour: u64,
    pub check: Duration,
    /// By name of the asset: the accounts of its sources that are no addresses themselves.
    pub accounts: BTreeMap<String, [Option<Pubkey>; 2]>,
    pub source: Option<Source>,
}

/// A source of prices beside the accounts on chain.
#[derive(Clone, Debug)]
pub struct Source {
    pub from: Origin,
    /// Post its updates on chain when no account there is fresh.
    pub post: bool,
    pub interval: Duration,
    /// A difference to the stored price that is worth an alarm, basis points.
    pub alarm_bps: u32,
}

/// Which source.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The web service of the publishers. Without a key not every server answers.
    Hermes { url: Secret, key: Option<Secret> },
    /// A file, unless it has not been written for too long.
    File { path: PathBuf, most_age: Duration },
}

/// Everything, checked, with its secrets.
#[derive(Debug)]
pub struct Config {
    pub market: Pubkey,
    /// `None`: the keeper can only look.
    pub keypair: Option<Keypair>,
    pub journal: PathBuf,
    pub endpoints: Vec<Endpoint>,
    pub rpc: file::Rpc,
    /// The first block of the cluster; `None`: of the one that enough nodes agree on.
    pub genesis: Option<Hash>,
    pub stream: Stream,
    pub liquidator: file::Liquidator,
    /// A vault of the keeper that takes positions over.
    pub vault: Option<Pubkey>,
    pub fees: FeePolicy,
    pub version: Version,
    pub prices: Prices,
    pub changes: file::Changes,
    pub address: SocketAddr,
    /// A main loop that takes longer for a turn is not healthy.
    pub patience: Duration,
    /// How long a shutdown waits for what is in flight.
    pub shutdown: Duration,
    pub log: file::Log,
    pub redaction: Redaction,
}

impl Config {
    /// Reads the file and the secrets that it names.
    ///
    /// # Errors
    /// What is wrong, with the field and what to write instead; never with a secret.
    pub fn read(path: &Path, environment: Environment<'_>) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text, environment).with_context(|| format!("{} is not valid", path.display()))
    }

    /// The same of a text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, environment: Environment<'_>) -> Result<Self> {
        let mut file: File = toml::from_str(text).map_err(|error| fault(text, &error))?;
        if file.rpc.one_node {
            file.rpc.least_healthy = 1;
        }
        check(&file)?;
        let kept = Kept::new(environment);
        let endpoints = endpoints(&file.endpoints, &kept)?;
        ensure!(
            !file.rpc.one_node || endpoints.iter().all(|endpoint| on_this_machine(endpoint.url.reveal())),
            "rpc.one_node is for a local network: its endpoint has to be on this machine"
        );
        let stream = stream(&file.stream, &kept)?;
        let prices = prices(&file.prices, &kept)?;
        let secret = file.keypair.as_ref().map(|place| kept.read(place)).transpose().context("keypair")?;
        let keypair = secret.as_ref().map(keypair).transpose().context("keypair")?;
        Ok(Self {
            market: address("market", &file.market)?,
            keypair,
            journal: file.journal,
            endpoints,
            genesis: file.cluster.as_deref().map(genesis).transpose()?,
            rpc: file.rpc,
            stream,
            vault: file.liquidator.vault.as_deref().map(|vault| address("liquidator.vault", vault)).transpose()?,
            liquidator: file.liquidator,
            fees: FeePolicy {
                percentile: file.fees.percentile,
                least: file.fees.least_micro_lamports,
                most: file.fees.most_micro_lamports,
            },
            version: file.fees.transaction_version,
            prices,
            changes: file.changes,
            address: file.server.address,
            patience: Duration::from_secs(file.server.patience_seconds),
            shutdown: Duration::from_secs(file.server.shutdown_seconds),
            log: file.log,
            redaction: Redaction::new(kept.into_secrets()),
        })
    }
}

/// What is wrong with the text of the file, and where. Without the line itself: a secret may stand there by mistake.
fn fault(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before.map(|before| before.matches('\n').count().saturating_add(1)) {
        Some(line) => anyhow!("line {line}: {}", error.message()),
        None => anyhow!("{}", error.message()),
    }
}

/// What does not need the secrets.
fn check(file: &File) -> Result<()> {
    let count = file.endpoints.len();
    let least = if file.rpc.one_node { 1 } else { LEAST_ENDPOINTS };
    ensure!(count >= least, "{count} endpoints are too few: give at least {least} [[endpoint]]");
    let names: BTreeSet<&str> = file.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    ensure!(names.len() == count, "two endpoints have the same name");
    ensure!(!names.contains(""), "an endpoint has an empty name");
    let needed = file.rpc.least_healthy;
    ensure!(
        (least..=count).contains(&needed),
        "rpc.least_healthy is {needed}: give {least} to {count}, the number of endpoints"
    );
    ensure!(file.rpc.timeout_milliseconds >= 100, "rpc.timeout_milliseconds is below 100");
    ensure!(file.rpc.most_clock_drift_seconds >= 1, "rpc.most_clock_drift_seconds is 0");
    ensure!(file.stream.poll_milliseconds >= 50, "stream.poll_milliseconds is below 50");
    ensure!(file.stream.resync_seconds >= 1 && file.stream.silence_seconds >= 1, "stream: a time of zero seconds");
    ensure!(file.fees.percentile <= 100, "fees.percentile is above 100");
    ensure!(
        file.fees.least_micro_lamports <= file.fees.most_micro_lamports,
        "fees.least_micro_lamports is above fees.most_micro_lamports"
    );
    ensure!((1..=10).contains(&file.prices.batch), "prices.batch is {}: give 1 to 10", file.prices.batch);
    ensure!(file.prices.check_milliseconds >= 100, "prices.check_milliseconds is below 100");
    ensure!(file.liquidator.most_in_flight >= 1, "liquidator.most_in_flight is 0");
    ensure!(file.changes.check_seconds >= 1, "changes.check_seconds is 0");
    let ip = file.server.address.ip();
    ensure!(
        ip.is_loopback(),
        "server.address {ip} is not a loopback address: use 127.0.0.1 and a proxy in front of it"
    );
    ensure!(!file.journal.as_os_str().is_empty(), "journal is empty: give the path of a file");
    Ok(())
}

fn address(field: &str, text: &str) -> Result<Pubkey> {
    let shown = if text.len() <= LONGEST_ADDRESS { format!("{text:?}") } else { "this".to_owned() };
    text.parse().map_err(|_| anyhow!("{field}: {shown} is not an address (base58 of 32 bytes)"))
}

/// The first block of a public cluster, by its name, or of any other, by its hash.
fn genesis(cluster: &str) -> Result<Hash> {
    let public = [Cluster::MainnetBeta, Cluster::Devnet, Cluster::Testnet];
    let named = public.into_iter().find(|known| known.to_string() == cluster).and_then(Cluster::genesis);
    let wrong =
        "cluster: give \"mainnet-beta\", \"devnet\", \"testnet\", or the hash of the first block (solana genesis-hash)";
    named.unwrap_or(cluster).parse().map_err(|_| anyhow!(wrong))
}

const HTTP: [&str; 2] = ["https", "http"];

/// Whether a URL names this machine. What stands before an `@` is a password, not a host.
fn on_this_machine(url: &str) -> bool {
    let authority =
        url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    ["127.0.0.1", "localhost", "[::1]"].contains(&host)
}

/// `ws` for `http`, and on a local network the next port, as validators have it.
fn websocket_of(url: &str) -> String {
    let url =
        if let Some(rest) = url.strip_prefix("https") { format!("wss{rest}") } else { url.replacen("http", "ws", 1) };
    let Some((head, port)) = url.trim_end_matches('/').rsplit_once(':') else { return url };
    match port.parse::<u16>() {
        Ok(port) => format!("{head}:{}", port.saturating_add(1)),
        Err(_) => url,
    }
}

fn endpoints(found: &[file::Endpoint], kept: &Kept<'_>) -> Result<Vec<Endpoint>> {
    let resolve = |endpoint: &file::Endpoint| {
        let field = |part: &str| format!("endpoint {:?}: {part}", endpoint.name);
        let secret = kept.url(&field("url"), &endpoint.url, HTTP)?;
        let websocket = match &endpoint.websocket {
            Some(websocket) => kept.url(&field("websocket"), websocket, ["wss", "ws"])?,
            None => kept.derived(&endpoint.url, websocket_of(secret.reveal())),
        };
        Ok(Endpoint { name: endpoint.name.clone(), url: secret, websocket })
    };
    let endpoints = found.iter().map(resolve).collect::<Result<Vec<_>>>()?;
    let urls: BTreeSet<&str> = endpoints.iter().map(|endpoint| endpoint.url.reveal()).collect();
    ensure!(urls.len() == endpoints.len(), "two endpoints have the same URL, which is one node asked twice");
    Ok(endpoints)
}

fn stream(found: &file::Stream, kept: &Kept<'_>) -> Result<Stream> {
    let resolve = |server: &file::Yellowstone| {
        let token = server.token.as_ref().map(|place| kept.read(place)).transpose();
        let token = token.context("stream.yellowstone.token")?;
        Ok::<_, anyhow::Error>((kept.url("stream.yellowstone.url", &server.url, HTTP)?, token))
    };
    let yellowstone = found.yellowstone.as_ref().map(resolve).transpose()?;
    if found.kind == StreamKind::Yellowstone {
        ensure!(yellowstone.is_some(), "stream.kind is \"yellowstone\": give [stream.yellowstone] with its url");
        ensure!(cfg!(feature = "yellowstone"), "this keeper was built without --features yellowstone");
    }
    Ok(Stream {
        kind: found.kind,
        poll: Duration::from_millis(found.poll_milliseconds),
        resync: Duration::from_secs(found.resync_seconds),
        silence: Duration::from_secs(found.silence_seconds),
        yellowstone,
    })
}

fn prices(found: &file::Prices, kept: &Kept<'_>) -> Result<Prices> {
    let accounts = |(name, accounts): (&String, &Accounts)| {
        let field = format!("prices.accounts.{name}");
        let read = |text: &String| address(&field, text);
        let both = match accounts {
            Accounts::First(first) => [Some(read(first)?), None],
            Accounts::Both([first, second]) => [Some(read(first)?), Some(read(second)?)],
        };
        Ok((name.clone(), both))
    };
    let source = match (&found.hermes, &found.file) {
        (Some(_), Some(_)) => bail!("prices: give [prices.hermes] or [prices.file], not both"),
        (Some(hermes), None) => Some(hermes_of(hermes, kept)?),
        (None, Some(file)) => Some(written_of(file)?),
        (None, None) => None,
    };
    Ok(Prices {
        enabled: found.enabled,
        refresh_seconds: found.refresh_seconds,
        refresh_bps: found.refresh_bps,
        batch: found.batch,
        most_lamports_per_hour: found.most_lamports_per_hour,
        check: Duration::from_millis(found.check_milliseconds),
        accounts: found.accounts.iter().map(accounts).collect::<Result<_>>()?,
        source,
    })
}

/// A key that is named and missing is no error: the keeper goes on with the accounts on chain and says so.
fn hermes_of(found: &file::Hermes, kept: &Kept<'_>) -> Result<Source> {
    let key = match &found.key {
        Some(place @ crate::secret::Place::File(_)) => Some(kept.read(place).context("prices.hermes.key")?),
        Some(place) => kept.read(place).ok(),
        None => None,
    };
    Ok(Source {
        from: Origin::Hermes { url: kept.url("prices.hermes.url", &found.url, HTTP)?, key },
        post: found.post,
        interval: interval("prices.hermes", found.interval_milliseconds)?,
        alarm_bps: found.alarm_bps,
    })
}

fn written_of(found: &file::Written) -> Result<Source> {
    ensure!(!found.path.as_os_str().is_empty(), "prices.file.path is empty");
    ensure!(found.most_age_seconds >= 1, "prices.file.most_age_seconds is 0");
    Ok(Source {
        from: Origin::File { path: found.path.clone(), most_age: Duration::from_secs(found.most_age_seconds) },
        post: found.post,
        interval: interval("prices.file", found.interval_milliseconds)?,
        alarm_bps: found.alarm_bps,
    })
}

fn interval(field: &str, milliseconds: u64) -> Result<Duration> {
    ensure!(milliseconds >= 200, "{field}.interval_milliseconds is below 200");
    Ok(Duration::from_millis(milliseconds))
}
