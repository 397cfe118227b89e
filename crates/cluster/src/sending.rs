//! Sending one transaction the careful way: simulate, limit, fee, sign once; `fate` repeats it until it has landed or never
//! can.
//!
//! The steps are separate, so that a keeper can write down what it is about to do between them.

use anyhow::Context;
use ballast_client::Pubkey;
use ballast_client::transaction::{Budget, Version, compile};
use base64::Engine;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::rpc_config::{
    CommitmentConfig, RpcSendTransactionConfig, RpcSimulateTransactionConfig, RpcTransactionConfig,
    UiTransactionEncoding,
};
use solana_client::rpc_request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_instruction::Instruction;
use solana_message::{AddressLookupTableAccount, VersionedMessage};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature, TransactionError};

use crate::connection::Connection;

/// What simulations may use: the most there is.
const SIMULATED_UNITS: u32 = 1_400_000;
/// What simulations are given.
pub const SIMULATED: Option<Budget> = Some(Budget { units: SIMULATED_UNITS, price: 0 });

/// A transaction before it is signed.
#[derive(Clone)]
pub struct Draft<'a> {
    pub instructions: Vec<Instruction>,
    /// Pays the fee; signs first.
    pub payer: &'a dyn Signer,
    /// Whoever else signs.
    pub signers: Vec<&'a dyn Signer>,
    pub version: Version,
    /// Shorten version 0.
    pub tables: Vec<AddressLookupTableAccount>,
}

/// What to offer for a place in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePolicy {
    /// Of the fees paid lately for the accounts that are written: 50 is the median.
    pub percentile: u8,
    /// Micro-lamports for a compute unit.
    pub least: u64,
    /// Micro-lamports for a compute unit.
    pub most: u64,
}

impl Default for FeePolicy {
    fn default() -> Self {
        Self { percentile: 75, least: 0, most: 1_000_000 }
    }
}

/// What a transaction failed with.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: TransactionError,
    pub logs: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.error)
    }
}

/// Why a transaction was not sent.
#[derive(Debug)]
pub enum NotSent {
    /// The node did not answer, or answered nonsense.
    Node(anyhow::Error),
    /// It would fail.
    Refused(Box<Failure>),
    /// It does not fit, or a signer refuses.
    Invalid(anyhow::Error),
}

impl std::fmt::Display for NotSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(error) | Self::Invalid(error) => write!(f, "{error:#}"),
            Self::Refused(failure) => write!(f, "the transaction would fail: {failure}"),
        }
    }
}

impl std::error::Error for NotSent {}

/// What a simulation found.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Of the bank that it ran on.
    pub slot: u64,
    pub units: u64,
    pub logs: Vec<String>,
    /// Of the last program that returned something.
    pub returned: Option<Vec<u8>>,
}

/// A transaction that is ready to go, and until when it can land.
#[derive(Clone, Debug)]
pub struct Signed {
    pub transaction: VersionedTransaction,
    pub last_valid_block_height: u64,
}

impl Signed {
    pub fn signature(&self) -> Signature {
        self.transaction.signatures.first().copied().unwrap_or_default()
    }
}

/// A transaction that is in a block, whether it succeeded or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    pub slot: u64,
    /// Lamports.
    pub fee: u64,
    pub logs: Vec<String>,
    pub error: Option<TransactionError>,
}

impl Connection {
    /// Runs a draft without sending it. Signatures are not needed.
    pub async fn try_out(&self, draft: &Draft<'_>) -> Result<Trial, NotSent> {
        self.try_message(message(draft, SIMULATED, Hash::default())?).await
    }

    /// Runs a message without sending it. Neither signatures nor a blockhash are needed.
    pub async fn try_message(&self, message: VersionedMessage) -> Result<Trial, NotSent> {
        let count = usize::from(message.header().num_required_signatures);
        let transaction = VersionedTransaction { signatures: vec![Signature::default(); count], message };
        let config = RpcSimulateTransactionConfig {
            sig_verify: false,
            replace_recent_blockhash: true,
            commitment: Some(CommitmentConfig::processed()),
            ..RpcSimulateTransactionConfig::default()
        };
        let answer = self.client().simulate_transaction_with_config(&transaction, config).await;
        let answer = answer.context("the transaction cannot be simulated").map_err(NotSent::Node)?;
        let (slot, result) = (answer.context.slot, answer.value);
        let logs = result.logs.unwrap_or_default();
        if let Some(error) = result.err {
            return Err(NotSent::Refused(Box::new(Failure { error: error.into(), logs })));
        }
        let units = result.units_consumed.context("a simulation without compute units").map_err(NotSent::Node)?;
        let returned = result.return_data.map(|data| crate::connection::from_base64(&data.data.0)).transpose();
        Ok(Trial { slot, units, logs, returned: returned.map_err(NotSent::Node)? })
    }

    /// What to ask for: a tenth more than a simulation used, at a price that others paid lately.
    pub async fn budget(&self, draft: &Draft<'_>, trial: &Trial, policy: FeePolicy) -> Result<Budget, NotSent> {
        let price = self.recent_price(&written(&draft.instructions), policy.percentile).await.map_err(NotSent::Node)?;
        let price = price.clamp(policy.least, policy.most.max(policy.least));
        Ok(Budget { units: enough_units(trial.units), price })
    }

    /// What others paid lately to write these accounts, micro-lamports for a compute unit.
    pub async fn recent_price(&self, written: &[Pubkey], at: u8) -> anyhow::Result<u64> {
        let fees = self.client().get_recent_prioritization_fees(written).await.context("no fees")?;
        Ok(percentile(fees.into_iter().map(|fee| fee.prioritization_fee).collect(), at))
    }

    /// Signs a draft with a fresh blockhash.
    pub async fn sign(&self, draft: &Draft<'_>, budget: Budget) -> Result<Signed, NotSent> {
        let latest = self.client().get_latest_blockhash_with_commitment(CommitmentConfig::confirmed()).await;
        let (blockhash, last_valid_block_height) = latest.context("no blockhash").map_err(NotSent::Node)?;
        let transaction = sign(draft, Some(budget), blockhash)?;
        Ok(Signed { transaction, last_valid_block_height })
    }

    /// Hands a transaction to the node once. A node that has it already is content.
    ///
    /// # Errors
    /// What the node says. The transaction may land nevertheless: look at [`Connection::fate`].
    pub async fn submit(&self, signed: &Signed) -> anyhow::Result<()> {
        self.submit_wire(&wire(&signed.transaction)?).await
    }

    /// The same for a transaction in base64, see [`wire`]: one that is only known from a file, for instance.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submit_wire(&self, wire: &str) -> anyhow::Result<()> {
        // Repeating is ours: the node's own retries end unseen.
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            max_retries: Some(0),
            encoding: Some(UiTransactionEncoding::Base64),
            ..Default::default()
        };
        let sent = self.client().send::<String>(RpcRequest::SendTransaction, serde_json::json!([wire, config])).await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if already_processed(&error) => Ok(()),
            Err(error) => Err(error).context("the transaction was not taken"),
        }
    }

    /// A confirmed transaction.
    ///
    /// # Errors
    /// The node does not know it, or does not know it any more.
    pub async fn included(&self, signature: &Signature) -> anyhow::Result<Included> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(1),
        };
        let found = self.client().get_transaction_with_config(signature, config).await;
        let found = found.context("no such transaction")?;
        let meta = found.transaction.meta.context("a transaction without metadata")?;
        let logs = Option::<Vec<String>>::from(meta.log_messages).unwrap_or_default();
        Ok(Included { slot: found.slot, fee: meta.fee, logs, error: meta.err.map(TransactionError::from) })
    }
}

/// The message of a draft.
///
/// # Errors
/// [`NotSent::Invalid`].
pub fn message(draft: &Draft<'_>, budget: Option<Budget>, blockhash: Hash) -> Result<VersionedMessage, NotSent> {
    let Draft { instructions, payer, version, tables, .. } = draft;
    compile(*version, &payer.pubkey(), instructions, budget, tables, blockhash)
        .map_err(|error| NotSent::Invalid(error.into()))
}

/// The signed transaction of a draft.
///
/// # Errors
/// [`NotSent::Invalid`].
pub fn sign(draft: &Draft<'_>, budget: Option<Budget>, blockhash: Hash) -> Result<VersionedTransaction, NotSent> {
    let mut signers = vec![draft.payer];
    signers.extend(draft.signers.iter().copied().filter(|signer| signer.pubkey() != draft.payer.pubkey()));
    let message = message(draft, budget, blockhash)?;
    VersionedTransaction::try_new(message, &signers)
        .context("the transaction cannot be signed")
        .map_err(NotSent::Invalid)
}

/// A transaction as it is sent, in base64.
///
/// # Errors
/// None that is known of: every transaction that can be signed has bytes.
pub fn wire(transaction: &VersionedTransaction) -> anyhow::Result<String> {
    let bytes = wincode::serialize(transaction).context("the transaction has no bytes")?;
    Ok(base64::prelude::BASE64_STANDARD.encode(bytes))
}

/// The compute limit for what used so many units in a simulation: a tenth more.
pub fn enough_units(used: u64) -> u32 {
    let units = used.saturating_add(used / 10).saturating_add(1_000);
    u32::try_from(units).unwrap_or(SIMULATED_UNITS).min(SIMULATED_UNITS)
}

/// The accounts that instructions write.
pub fn written(instructions: &[Instruction]) -> Vec<Pubkey> {
    let accounts = instructions.iter().flat_map(|instruction| &instruction.accounts);
    let mut written: Vec<Pubkey> = accounts.filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect();
    written.sort_unstable();
    written.dedup();
    // The most that a node looks at.
    written.truncate(128);
    written
}

fn percentile(mut fees: Vec<u64>, percentile: u8) -> u64 {
    fees.sort_unstable();
    let last = fees.len().saturating_sub(1);
    fees.get(last * usize::from(percentile.min(100)) / 100).copied().unwrap_or(0)
}

fn already_processed(error: &ClientError) -> bool {
    let by_node = match error.kind() {
        ClientErrorKind::RpcError(RpcError::RpcResponseError {
            data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
            ..
        }) => result.err.clone().map(TransactionError::from),
        _ => error.get_transaction_error(),
    };
    by_node == Some(TransactionError::AlreadyProcessed)
}
