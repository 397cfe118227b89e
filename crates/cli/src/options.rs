//! The flags that every command takes, named as Solana's own tools name them.

use std::path::PathBuf;
use std::str::FromStr;

use ballast_client::Pubkey;
use ballast_client::transaction::Version;
use clap::{Args, ValueEnum};
use solana_client::rpc_config::CommitmentConfig;
use solana_transaction::{Hash, Signature};

use crate::output::Format;

/// Flags of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// URL of a node, or a moniker: mainnet-beta, testnet, devnet, localhost (m, t, d, l)
    #[arg(short = 'u', long, global = true, value_name = "URL_OR_MONIKER")]
    pub url: Option<String>,
    /// Your key: a file, `prompt:`, `stdin:` or `-`, `usb://ledger`, or a public key
    #[arg(short = 'k', long, global = true, value_name = "KEYPAIR")]
    pub keypair: Option<String>,
    /// Who pays the fee, if it is not your key; the same forms
    #[arg(long, global = true, value_name = "KEYPAIR")]
    pub fee_payer: Option<String>,
    /// Configuration file of the solana tools
    #[arg(short = 'C', long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How settled what is read has to be
    #[arg(long, global = true, value_enum)]
    pub commitment: Option<Commitment>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Market to work on
    #[arg(long, global = true, env = "BALLAST_MARKET", value_name = "ADDRESS")]
    pub market: Option<Pubkey>,
    /// Read the market from a file that `solana account ADDRESS --output json` wrote, not from the node
    #[arg(long, global = true, value_name = "FILE")]
    pub market_account: Option<PathBuf>,
    /// Sign and print the transaction, send nothing
    #[arg(long, global = true)]
    pub sign_only: bool,
    /// Blockhash to sign with; the transaction then contains nothing that depends on the moment
    #[arg(long, global = true, value_name = "BLOCKHASH")]
    pub blockhash: Option<Hash>,
    /// Account of a durable nonce: what is signed with it can be sent until the nonce is advanced, not only for a minute.
    /// A market with `refuse_nonces` takes no proposals, changes, roles, listings, openings or confirmations with one
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub nonce: Option<Pubkey>,
    /// Who may advance the nonce, if it is not your key; the same forms
    #[arg(long, global = true, value_name = "KEYPAIR", requires = "nonce")]
    pub nonce_authority: Option<String>,
    /// A signature made elsewhere
    #[arg(long = "signer", global = true, value_name = "PUBKEY=SIGNATURE")]
    pub signers: Vec<Signed>,
    /// Simulate, print what would happen, send nothing
    #[arg(long, global = true, conflicts_with = "sign_only")]
    pub dry_run: bool,
    /// Do not ask before something is spent on mainnet
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,
    /// Price of a compute unit in micro-lamports; by default what others paid lately
    #[arg(long, global = true, value_name = "MICRO_LAMPORTS")]
    pub with_compute_unit_price: Option<u64>,
    /// Most compute units of the transaction; by default a tenth more than the simulation used
    #[arg(long, global = true, value_name = "UNITS")]
    pub with_compute_unit_limit: Option<u32>,
    /// Most lamports that one transaction may cost in fees; a dearer one is not sent
    #[arg(long, global = true, value_name = "LAMPORTS", default_value_t = 10_000_000)]
    pub max_fee: u64,
    /// Version of the transaction
    #[arg(long, global = true, value_enum, default_value_t, value_name = "VERSION")]
    pub transaction_version: TransactionVersion,
}

/// Commitment levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Commitment {
    Processed,
    Confirmed,
    Finalized,
}

impl From<Commitment> for CommitmentConfig {
    fn from(commitment: Commitment) -> Self {
        match commitment {
            Commitment::Processed => Self::processed(),
            Commitment::Confirmed => Self::confirmed(),
            Commitment::Finalized => Self::finalized(),
        }
    }
}

/// See [`Version`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TransactionVersion {
    Legacy,
    #[default]
    V0,
    V1,
}

impl From<TransactionVersion> for Version {
    fn from(version: TransactionVersion) -> Self {
        match version {
            TransactionVersion::Legacy => Self::Legacy,
            TransactionVersion::V0 => Self::V0,
            TransactionVersion::V1 => Self::V1,
        }
    }
}

/// A signature made elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    pub by: Pubkey,
    pub signature: Signature,
}

impl FromStr for Signed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (by, signature) = text.split_once('=').ok_or("expected PUBKEY=SIGNATURE")?;
        let by = by.parse().map_err(|_| format!("{by} is not a public key"))?;
        let signature = signature.parse().map_err(|_| format!("{signature} is not a signature"))?;
        Ok(Self { by, signature })
    }
}

/// The URL behind a moniker; anything else is a URL itself.
pub fn url_of(text: &str) -> String {
    let url = match text {
        "m" | "mainnet-beta" => "https://api.mainnet-beta.solana.com",
        "t" | "testnet" => "https://api.testnet.solana.com",
        "d" | "devnet" => "https://api.devnet.solana.com",
        "l" | "localhost" => "http://localhost:8899",
        url => url,
    };
    url.to_owned()
}

/// The long moniker of a public or local URL.
pub fn moniker_of(url: &str) -> Option<&'static str> {
    ["mainnet-beta", "testnet", "devnet", "localhost"].into_iter().find(|moniker| url_of(moniker) == url)
}
