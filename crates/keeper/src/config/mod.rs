//! The configuration: a TOML file whose secrets are kept elsewhere. `keeper.example.toml` documents every field.

pub mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ballast_client::Pubkey;
use ballast_client::transaction::Version;
use ballast_cluster::sending::FeePolicy;
use solana_keypair::Keypair;

use crate::secret::{Environment, Redaction, Secret, key_in_url, keypair, keys_of_url};
use file::{Accounts, File, StreamKind, Url};

/// Nodes that have to agree, for a market on which money depends.
const LEAST_ENDPOINTS: usize = 2;

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
    pub hermes: Option<Hermes>,
}

/// The web service of the publishers.
#[derive(Clone, Debug)]
pub struct Hermes {
    pub url: Secret,
    /// `None`: asked without a key, which not every server answers.
    pub key: Option<Secret>,
    /// Post its updates on chain when no account there is fresh.
    pub post: bool,
    pub interval: Duration,
    /// A difference to the stored price that is worth an alarm, basis points.
    pub alarm_bps: u32,
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
        let mut file: File = toml::from_str(text).map_err(|error| anyhow!("{error}"))?;
        if file.rpc.one_node {
            file.rpc.least_healthy = 1;
        }
        check(&file)?;
        let endpoints = endpoints(&file.endpoints, environment)?;
        ensure!(
            !file.rpc.one_node || endpoints.iter().all(|endpoint| on_this_machine(endpoint.url.reveal())),
            "rpc.one_node is for a local network: its endpoint has to be on this machine"
        );
        let stream = stream(&file.stream, environment)?;
        let prices = prices(&file.prices, environment)?;
        let secret = file.keypair.as_ref().map(|place| place.read(environment)).transpose().context("keypair")?;
        let keypair = secret.as_ref().map(keypair).transpose().context("keypair")?;
        let redaction = Redaction::new(secrets(secret, &endpoints, &stream, &prices));
        Ok(Self {
            market: address("market", &file.market)?,
            keypair,
            journal: file.journal,
            endpoints,
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
            redaction,
        })
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
    text.parse().map_err(|_| anyhow!("{field}: {text:?} is not an address (base58 of 32 bytes)"))
}

fn url(field: &str, url: &Url, schemes: [&str; 2], environment: Environment<'_>) -> Result<Secret> {
    let secret = match url {
        Url::Plain(text) => {
            if let Some(why) = key_in_url(text) {
                bail!("{field}: {why}; keep it in {{ env = \"NAME\" }} or {{ file = \"PATH\" }}");
            }
            Secret::new(text)
        }
        Url::Kept(place) => place.read(environment).with_context(|| field.to_owned())?,
    };
    let scheme = secret.reveal().split_once("://").map(|(scheme, _)| scheme);
    ensure!(
        scheme.is_some_and(|found| schemes.contains(&found)),
        "{field}: the URL has to begin with {}:// or {}://",
        schemes[0],
        schemes[1]
    );
    Ok(secret)
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

fn endpoints(found: &[file::Endpoint], environment: Environment<'_>) -> Result<Vec<Endpoint>> {
    let resolve = |endpoint: &file::Endpoint| {
        let field = |part: &str| format!("endpoint {:?}: {part}", endpoint.name);
        let secret = url(&field("url"), &endpoint.url, HTTP, environment)?;
        let websocket = match &endpoint.websocket {
            Some(websocket) => url(&field("websocket"), websocket, ["wss", "ws"], environment)?,
            None => Secret::new(websocket_of(secret.reveal())),
        };
        Ok(Endpoint { name: endpoint.name.clone(), url: secret, websocket })
    };
    let endpoints = found.iter().map(resolve).collect::<Result<Vec<_>>>()?;
    let urls: BTreeSet<&str> = endpoints.iter().map(|endpoint| endpoint.url.reveal()).collect();
    ensure!(urls.len() == endpoints.len(), "two endpoints have the same URL, which is one node asked twice");
    Ok(endpoints)
}

fn stream(found: &file::Stream, environment: Environment<'_>) -> Result<Stream> {
    let resolve = |server: &file::Yellowstone| {
        let token = server.token.as_ref().map(|place| place.read(environment)).transpose();
        let token = token.context("stream.yellowstone.token")?;
        Ok::<_, anyhow::Error>((url("stream.yellowstone.url", &server.url, HTTP, environment)?, token))
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

fn prices(found: &file::Prices, environment: Environment<'_>) -> Result<Prices> {
    let accounts = |(name, accounts): (&String, &Accounts)| {
        let field = format!("prices.accounts.{name}");
        let read = |text: &String| address(&field, text);
        let both = match accounts {
            Accounts::First(first) => [Some(read(first)?), None],
            Accounts::Both([first, second]) => [Some(read(first)?), Some(read(second)?)],
        };
        Ok((name.clone(), both))
    };
    let hermes = found.hermes.as_ref().map(|hermes| hermes_of(hermes, environment)).transpose()?;
    Ok(Prices {
        enabled: found.enabled,
        refresh_seconds: found.refresh_seconds,
        refresh_bps: found.refresh_bps,
        batch: found.batch,
        most_lamports_per_hour: found.most_lamports_per_hour,
        check: Duration::from_millis(found.check_milliseconds),
        accounts: found.accounts.iter().map(accounts).collect::<Result<_>>()?,
        hermes,
    })
}

/// A key that is named and missing is no error: the keeper goes on with the accounts on chain and says so.
fn hermes_of(found: &file::Hermes, environment: Environment<'_>) -> Result<Hermes> {
    ensure!(found.interval_milliseconds >= 200, "prices.hermes.interval_milliseconds is below 200");
    let key = match &found.key {
        Some(place @ crate::secret::Place::File(_)) => Some(place.read(environment).context("prices.hermes.key")?),
        Some(place) => place.read(environment).ok(),
        None => None,
    };
    Ok(Hermes {
        url: url("prices.hermes.url", &found.url, HTTP, environment)?,
        key,
        post: found.post,
        interval: Duration::from_millis(found.interval_milliseconds),
        alarm_bps: found.alarm_bps,
    })
}

/// What must not appear in logs. A plain URL may.
fn secrets(keypair: Option<Secret>, endpoints: &[Endpoint], stream: &Stream, prices: &Prices) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = keypair.into_iter().collect();
    let urls = endpoints.iter().flat_map(|endpoint| [&endpoint.url, &endpoint.websocket]);
    let urls =
        urls.chain(stream.yellowstone.iter().map(|(url, _)| url)).chain(prices.hermes.iter().map(|hermes| &hermes.url));
    secrets.extend(urls.flat_map(keys_of_url));
    secrets.extend(stream.yellowstone.iter().filter_map(|(_, token)| token.clone()));
    secrets.extend(prices.hermes.iter().filter_map(|hermes| hermes.key.clone()));
    secrets
}
