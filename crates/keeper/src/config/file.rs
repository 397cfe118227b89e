//! The configuration as it stands in the file. Unknown names are errors; what is left out has the value in
//! `keeper.example.toml`, which says what each is for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ballast_client::transaction::Version;
use serde::{Deserialize, Deserializer};

use crate::logging::Format;
use crate::secret::Place;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub market: String,
    /// The name of a public cluster, or the hash of the first block of another.
    pub cluster: Option<String>,
    pub keypair: Option<Place>,
    pub journal: PathBuf,
    #[serde(default, rename = "endpoint")]
    pub endpoints: Vec<Endpoint>,
    #[serde(default)]
    pub rpc: Rpc,
    #[serde(default)]
    pub stream: Stream,
    #[serde(default)]
    pub liquidator: Liquidator,
    #[serde(default)]
    pub fees: Fees,
    #[serde(default)]
    pub prices: Prices,
    #[serde(default)]
    pub changes: Changes,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub log: Log,
}

/// One node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    pub name: String,
    pub url: Url,
    pub websocket: Option<Url>,
}

/// A URL without a key in it, or where to find one that has.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "give a URL without a key, { env = \"NAME\" } or { file = \"PATH\" }")]
pub enum Url {
    Plain(String),
    Kept(Place),
}

/// When nodes are believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rpc {
    pub least_healthy: usize,
    pub most_slots_behind: u64,
    pub timeout_milliseconds: u64,
    pub most_clock_drift_seconds: u64,
    /// A local network has no second node to compare with.
    pub one_node: bool,
}

impl Default for Rpc {
    fn default() -> Self {
        Self {
            least_healthy: 2,
            most_slots_behind: 50,
            timeout_milliseconds: 5_000,
            most_clock_drift_seconds: 300,
            one_node: false,
        }
    }
}

/// Where accounts come from.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    Polling,
    #[default]
    Websocket,
    Yellowstone,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stream {
    pub kind: StreamKind,
    pub poll_milliseconds: u64,
    pub resync_seconds: u64,
    pub silence_seconds: u64,
    pub yellowstone: Option<Yellowstone>,
}

impl Default for Stream {
    fn default() -> Self {
        let kind = StreamKind::Websocket;
        Self { kind, poll_milliseconds: 1_000, resync_seconds: 60, silence_seconds: 20, yellowstone: None }
    }
}

/// A Yellowstone server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yellowstone {
    pub url: Url,
    pub token: Option<Place>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Liquidator {
    pub enabled: bool,
    pub least_profit_micro_dollars: u64,
    pub sol_asset: String,
    pub sol_micro_dollars: u64,
    pub vault: Option<String>,
    pub absorb_bad_debt: bool,
    pub most_in_flight: usize,
}

impl Default for Liquidator {
    fn default() -> Self {
        Self {
            enabled: true,
            least_profit_micro_dollars: 50_000,
            sol_asset: "SOL".to_owned(),
            sol_micro_dollars: 200_000_000,
            vault: None,
            absorb_bad_debt: false,
            most_in_flight: 8,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fees {
    pub percentile: u8,
    pub least_micro_lamports: u64,
    pub most_micro_lamports: u64,
    #[serde(deserialize_with = "version")]
    pub transaction_version: Version,
}

impl Default for Fees {
    fn default() -> Self {
        let (percentile, most_micro_lamports) = (75, 1_000_000);
        Self { percentile, least_micro_lamports: 0, most_micro_lamports, transaction_version: Version::V0 }
    }
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "legacy" => Ok(Version::Legacy),
        "v0" => Ok(Version::V0),
        "v1" => Ok(Version::V1),
        other => Err(serde::de::Error::custom(format!("{other:?} is no version; give \"legacy\", \"v0\" or \"v1\""))),
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    pub enabled: bool,
    pub refresh_seconds: u64,
    pub refresh_bps: u32,
    pub batch: usize,
    pub most_lamports_per_hour: u64,
    pub check_milliseconds: u64,
    pub accounts: BTreeMap<String, Accounts>,
    pub hermes: Option<Hermes>,
    pub file: Option<Written>,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            enabled: true,
            refresh_seconds: 30,
            refresh_bps: 20,
            batch: 8,
            most_lamports_per_hour: 100_000_000,
            check_milliseconds: 1_000,
            accounts: BTreeMap::new(),
            hermes: None,
            file: None,
        }
    }
}

/// The oracle accounts of an asset: of its first source, and of its second.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "give the address of the oracle account, or a list of two")]
pub enum Accounts {
    First(String),
    Both([String; 2]),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hermes {
    pub url: Url,
    pub key: Option<Place>,
    #[serde(default)]
    pub post: bool,
    #[serde(default = "source_interval")]
    pub interval_milliseconds: u64,
    #[serde(default = "alarm")]
    pub alarm_bps: u32,
}

/// A file with prices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub path: PathBuf,
    #[serde(default = "written_age")]
    pub most_age_seconds: u64,
    #[serde(default)]
    pub post: bool,
    #[serde(default = "source_interval")]
    pub interval_milliseconds: u64,
    #[serde(default = "alarm")]
    pub alarm_bps: u32,
}

const fn written_age() -> u64 {
    60
}

const fn source_interval() -> u64 {
    2_000
}

const fn alarm() -> u32 {
    200
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    pub enabled: bool,
    pub check_seconds: u64,
    pub warn_before_expiry_seconds: u64,
    pub candidates: bool,
}

impl Default for Changes {
    fn default() -> Self {
        Self { enabled: true, check_seconds: 30, warn_before_expiry_seconds: 21_600, candidates: true }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub address: SocketAddr,
    pub patience_seconds: u64,
    pub shutdown_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 9_184)), patience_seconds: 120, shutdown_seconds: 90 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: Format,
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::Text, filter: "info".to_owned() }
    }
}
