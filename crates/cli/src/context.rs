//! What every command works with: the cluster, the keys, the market, the output.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use ballast_client::instruction::MarketRef;
use ballast_client::{Market, Pubkey, account};
use ballast_cluster::books::read_clock;
use ballast_cluster::connection::Connection;
use ballast_cluster::definition::Cluster;
pub use ballast_cluster::definition::export::text_of as name;
use base64::Engine;
use serde::Deserialize;
use solana_cli_config::{CONFIG_FILE, Config};
use solana_client::rpc_config::CommitmentConfig;
use solana_signer::Signer;

use crate::failure::Failure;
use crate::options::{Options, moniker_of, url_of};
use crate::origin::redacted;
use crate::output::{self, Report, note};
use crate::signers;

/// Name of our own settings, beside the configuration file of the solana tools.
const SETTINGS: &str = "ballast.toml";

/// What a command works with.
pub struct Context {
    pub options: Options,
    pub connection: Connection,
    pub url: String,
    /// The solana configuration file that was looked for, and whether it is there.
    pub config: (PathBuf, bool),
    keypair: String,
    settings: Settings,
    agreed: Cell<bool>,
    /// Whether this command has signed with a durable nonce already.
    pub signed: Cell<bool>,
    /// Loaded once each: what comes from standard input or a prompt comes once.
    keys: RefCell<HashMap<String, Rc<dyn Signer>>>,
}

/// `ballast.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Address of the market on a cluster, by moniker or URL.
    #[serde(default)]
    markets: BTreeMap<String, String>,
}

/// A market as the cluster has it.
pub struct OnChain {
    pub address: Pubkey,
    pub market: Box<Market>,
    /// The cluster's clock, unix seconds.
    pub now: u64,
}

impl OnChain {
    /// For building instructions.
    pub fn reference(&self) -> MarketRef<'_> {
        MarketRef::new(self.address, &self.market)
    }

    /// Index of an asset by its name (upper and lower case are the same) or mint.
    ///
    /// # Errors
    /// [`Failure::Usage`] for one that is not listed.
    pub fn asset(&self, text: &str) -> Result<u8, Failure> {
        let mint = text.parse::<Pubkey>().ok();
        let mut found = self.market.listed().iter().enumerate().filter(|(_, asset)| {
            name(&asset.name).eq_ignore_ascii_case(text) || mint.is_some_and(|mint| mint == asset.mint)
        });
        let (first, more) = (found.next().map(|(index, _)| index), found.next());
        if more.is_some() {
            return Err(Failure::usage(format!(
                "several assets of market {} are called {text}: name the mint",
                self.address
            )));
        }
        let names = || self.market.listed().iter().map(|asset| name(&asset.name)).collect::<Vec<_>>().join(", ");
        let index = first.ok_or_else(|| {
            Failure::usage(format!("market {} has no asset {text}; it has {}", self.address, names()))
        })?;
        u8::try_from(index).map_err(|_| Failure::usage("the market has too many assets"))
    }
}

impl Context {
    /// # Errors
    /// [`Failure::Usage`] for configuration that cannot be read.
    pub fn new(options: Options) -> Result<Self, Failure> {
        let given = options.config.clone();
        let default = || CONFIG_FILE.as_ref().map(PathBuf::from);
        let path = given.clone().or_else(default).unwrap_or_default();
        let there = path.exists();
        if given.is_some() && !there {
            return Err(Failure::usage(format!("configuration file {} does not exist", path.display())));
        }
        let config = if there {
            let text = path.to_str().unwrap_or_default();
            Config::load(text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?
        } else {
            Config::default()
        };
        let url = url_of(options.url.as_deref().unwrap_or(&config.json_rpc_url));
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let message =
                format!("{url} is no URL: use http(s)://.. or one of mainnet-beta, testnet, devnet, localhost");
            return Err(Failure::usage(message));
        }
        let commitment = match options.commitment {
            Some(level) => level.into(),
            None => level_of(&config.commitment)?,
        };
        let connection = Connection::new(&url).at(commitment);
        let keypair = options.keypair.clone().unwrap_or(config.keypair_path);
        let settings = settings(&path)?;
        let (config, agreed, signed, keys) = ((path, there), Cell::new(false), Cell::new(false), RefCell::default());
        Ok(Self { options, connection, url, config, keypair, settings, agreed, signed, keys })
    }

    /// The user's key. It signs where it can; a public key stands for somebody who signs elsewhere.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a key that cannot be loaded.
    pub fn signer(&self) -> Result<Rc<dyn Signer>, Failure> {
        self.signer_at(&self.keypair, "your key (-k)")
    }

    /// A key in any of the forms of `-k`; `what` it is for appears in prompts and errors.
    ///
    /// # Errors
    /// See [`Self::signer`].
    pub fn signer_at(&self, source: &str, what: &str) -> Result<Rc<dyn Signer>, Failure> {
        if let Some(key) = self.keys.borrow().get(source) {
            return Ok(Rc::clone(key));
        }
        let key = signers::load(source, what, &self.options.signers)?;
        self.keys.borrow_mut().insert(source.to_owned(), Rc::clone(&key));
        Ok(key)
    }

    /// Who pays fees: `--fee-payer`, or the user.
    ///
    /// # Errors
    /// See [`Self::signer`].
    pub fn fee_payer(&self) -> Result<Rc<dyn Signer>, Failure> {
        match &self.options.fee_payer {
            Some(source) => self.signer_at(source, "the fee payer"),
            None => self.signer(),
        }
    }

    /// Whether several people may build the same transaction, each for himself: nothing may depend on when they look at the chain.
    pub const fn is_shared(&self) -> bool {
        let options = &self.options;
        options.blockhash.is_some() || options.nonce.is_some() || options.market_account.is_some()
    }

    /// The market that commands work on: `--market`, `BALLAST_MARKET`, or the one that `ballast.toml` names for the cluster.
    ///
    /// # Errors
    /// [`Failure::Usage`] without one.
    pub fn market_address(&self) -> Result<Pubkey, Failure> {
        if let Some(market) = self.options.market {
            return Ok(market);
        }
        // A URL whose key the user does not write into another file is found by its host.
        let (moniker, host) = (moniker_of(&self.url), redacted(&self.url));
        let names = moniker.into_iter().chain([self.url.as_str(), host.as_str()]);
        let Some(text) = names.into_iter().find_map(|name| self.settings.markets.get(name)) else {
            let message = format!(
                "which market? Say --market ADDRESS, set BALLAST_MARKET, or name it in {SETTINGS} beside {}:\n\
                 [markets]\n{:?} = \"ADDRESS\"",
                self.config.0.display(),
                moniker.unwrap_or(&host)
            );
            return Err(Failure::Usage(message));
        };
        text.parse().map_err(|_| Failure::usage(format!("{SETTINGS}: {text} is not an address")))
    }

    /// The market, read now; from a file with `--market-account`.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an account that is no market, [`Failure::Rpc`] for a node that does not answer.
    pub async fn market(&self) -> Result<OnChain, Failure> {
        if let Some(path) = &self.options.market_account {
            return market_in(path, self.options.market);
        }
        let address = self.market_address()?;
        self.market_at(address).await
    }

    /// A market by its address, see [`Self::market`].
    ///
    /// # Errors
    /// See [`Self::market`].
    pub async fn market_at(&self, address: Pubkey) -> Result<OnChain, Failure> {
        let found = self.connection.account(&address).await?;
        let raw = found.ok_or_else(|| Failure::usage(format!("there is no market at {address} on {}", self.url)))?;
        let market =
            account::market(&raw.owner, &raw.data).map_err(|error| Failure::usage(format!("{address}: {error}")))?;
        Ok(OnChain { address, market, now: read_clock(&self.connection).await? })
    }

    /// Prints a result.
    ///
    /// # Errors
    /// [`Failure::ClosedPipe`].
    pub fn show(&self, report: &impl Report) -> Result<(), Failure> {
        output::show(self.options.output, report)
    }

    /// Tells what is spent on mainnet, and asks, once for a command.
    ///
    /// # Errors
    /// [`Failure::Usage`] unless the user agrees.
    pub async fn agree(&self, cost: &str) -> Result<(), Failure> {
        if self.options.yes || self.agreed.get() || !self.on_mainnet().await? {
            return Ok(());
        }
        note(cost);
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage("this spends on mainnet: say -y, since there is nobody to ask"));
        }
        note("This is mainnet. Go on? [y/N]");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if read.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
            self.agreed.set(true);
            return Ok(());
        }
        Err(Failure::usage("nothing was sent"))
    }

    /// Whatever URL leads there.
    async fn on_mainnet(&self) -> Result<bool, Failure> {
        let genesis = self.connection.client().get_genesis_hash().await.context("no genesis hash")?;
        Ok(Cluster::of_genesis(&genesis.to_string()) == Cluster::MainnetBeta)
    }
}

fn level_of(text: &str) -> Result<CommitmentConfig, Failure> {
    match text {
        "processed" => Ok(CommitmentConfig::processed()),
        "" | "confirmed" => Ok(CommitmentConfig::confirmed()),
        "finalized" => Ok(CommitmentConfig::finalized()),
        other => Err(Failure::usage(format!("the configuration file names an unknown commitment: {other}"))),
    }
}

fn settings(config: &Path) -> Result<Settings, Failure> {
    let path = config.with_file_name(SETTINGS);
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(Failure::usage(format!("{}: {error}", path.display()))),
    }
}

/// An account as `solana account ADDRESS --output json` prints it.
#[derive(Deserialize)]
struct Printed {
    pubkey: String,
    account: PrintedAccount,
}

#[derive(Deserialize)]
struct PrintedAccount {
    /// The bytes and how they are encoded.
    data: (String, String),
    owner: String,
}

fn market_in(path: &Path, address: Option<Pubkey>) -> Result<OnChain, Failure> {
    let wrong = |why: &str| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let printed: Printed = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    let found: Pubkey = printed.pubkey.parse().map_err(|_| wrong("the address is not a public key"))?;
    if address.is_some_and(|address| address != found) {
        return Err(wrong("this is another market than --market says"));
    }
    let owner: Pubkey = printed.account.owner.parse().map_err(|_| wrong("the owner is not a public key"))?;
    let (data, encoding) = &printed.account.data;
    if encoding != "base64" {
        return Err(wrong("the account must be encoded in base64"));
    }
    let data = base64::prelude::BASE64_STANDARD.decode(data).map_err(|_| wrong("the account is not base64"))?;
    let market = account::market(&owner, &data).map_err(|error| wrong(&error.to_string()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(OnChain { address: found, market, now })
}
