//! A small cluster: the compiled program in a virtual machine behind two nodes, with what a test wants to go wrong.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ballast_client::{ID, Pubkey, Vault};
use ballast_cluster::connection::Connection;
use ballast_keeper::clock::{Clock, Stopped};
use ballast_keeper::desk::{self, Desk};
use ballast_keeper::endpoints::{self, Endpoints, Policy};
use ballast_keeper::journal::{Identity, Journal};
use ballast_keeper::metrics::Metrics;
use ballast_tests::{Keypair, Signer};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use litesvm::LiteSVM;
use serde_json::{Value, json};
use solana_account::Account;
use solana_client::client_error::{ClientErrorKind, Result};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::CommitmentConfig;
use solana_client::rpc_request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature};

/// Between two slots.
pub const SLOT: Duration = Duration::from_millis(400);

/// A transaction in a block.
struct Included {
    slot: u64,
    error: Value,
    fee: u64,
    logs: Vec<String>,
    bytes: Vec<u8>,
}

/// The chain, and what goes wrong.
pub struct Chain {
    pub svm: LiteSVM,
    pub slot: u64,
    milliseconds: i64,
    included: HashMap<Signature, Included>,
    /// What was sent for the first time when, with the accounts that it names.
    pub sent: Vec<(Instant, Signature, Vec<Pubkey>)>,
    /// Whatever lands fails.
    pub fails: bool,
    /// No node lists the accounts of a program: it refuses at once (`true`), or does not answer.
    pub lists_nothing: Option<bool>,
    /// What names this account is lost.
    pub loses: Option<Pubkey>,
    /// Micro-lamports that others pay for a compute unit.
    pub place: u64,
}

pub type Shared = Arc<Mutex<Chain>>;

pub fn lock(chain: &Shared) -> MutexGuard<'_, Chain> {
    chain.lock().expect("nobody panics holding it")
}

impl Chain {
    pub fn new(svm: &LiteSVM) -> Shared {
        let svm = svm.clone().with_blockhash_check(false).with_sigverify(false);
        let clock: solana_clock::Clock = svm.get_sysvar();
        Arc::new(Mutex::new(Self {
            svm,
            slot: clock.slot,
            milliseconds: clock.unix_timestamp * 1_000,
            included: HashMap::new(),
            sent: Vec::new(),
            fails: false,
            lists_nothing: None,
            loses: None,
            place: 0,
        }))
    }

    /// A slot passes.
    pub fn step(&mut self) {
        self.slot += 1;
        self.milliseconds += 400;
        let clock: solana_clock::Clock = self.svm.get_sysvar();
        let unix_timestamp = self.milliseconds / 1_000;
        self.svm.set_sysvar(&solana_clock::Clock { slot: self.slot, unix_timestamp, ..clock });
    }

    fn take(&mut self, transaction: VersionedTransaction, bytes: Vec<u8>, now: Instant) {
        let signature = transaction.signatures[0];
        let keys = transaction.message.static_account_keys().to_vec();
        if self.sent.iter().all(|(_, known, _)| *known != signature) {
            self.sent.push((now, signature, keys.clone()));
        }
        if self.included.contains_key(&signature) || self.loses.is_some_and(|lost| keys.contains(&lost)) {
            return;
        }
        let slot = self.slot;
        let included = if self.fails {
            let error = json!({"InstructionError": [0, {"Custom": 6_000}]});
            Included { slot, error, fee: 5_000, logs: vec![], bytes }
        } else {
            let (error, meta) = match self.svm.send_transaction(transaction) {
                Ok(meta) => (Value::Null, meta),
                Err(failed) => (json!(failed.err), failed.meta),
            };
            Included { slot, error, fee: meta.fee, logs: meta.logs, bytes }
        };
        self.included.insert(signature, included);
    }
}

/// One of the nodes.
struct Node {
    chain: Shared,
    clock: Clock,
}

impl RpcSender for Node {
    fn send<'a, 'b>(
        &'a self,
        request: RpcRequest,
        params: Value,
    ) -> Pin<Box<dyn Future<Output = Result<Value>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let refuses = lock(&self.chain).lists_nothing.filter(|_| request == RpcRequest::GetProgramAccounts);
            match refuses {
                Some(true) => return Err(refused(429, "too many requests")),
                Some(false) => self.clock.sleep(Duration::from_secs(3_600)).await,
                None => {}
            }
            self.answer(request, &params)
        })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "a node of the test".to_owned()
    }
}

fn refused(code: i64, message: &str) -> solana_client::client_error::ClientError {
    let data = RpcResponseErrorData::Empty;
    ClientErrorKind::RpcError(RpcError::RpcResponseError { code, message: message.to_owned(), data }).into()
}

fn encoded(account: &Account) -> Value {
    json!({"lamports": account.lamports, "data": [BASE64_STANDARD.encode(&account.data), "base64"],
        "owner": account.owner.to_string(), "executable": false, "rentEpoch": 0, "space": account.data.len()})
}

fn decoded(text: &Value) -> (VersionedTransaction, Vec<u8>) {
    let bytes = BASE64_STANDARD.decode(text.as_str().expect("text")).expect("base64");
    (wincode::deserialize(&bytes).expect("a transaction"), bytes)
}

fn outcome(error: &Value) -> Value {
    if error.is_null() { json!({"Ok": null}) } else { json!({"Err": error}) }
}

impl Node {
    fn answer(&self, request: RpcRequest, params: &Value) -> Result<Value> {
        let mut chain = lock(&self.chain);
        let slot = chain.slot;
        let with_context = |value: Value| Ok(json!({"context": {"slot": slot}, "value": value}));
        let asked = || params[0].as_array().cloned().unwrap_or_default();
        match request {
            RpcRequest::GetGenesisHash => Ok(json!(Hash::new_from_array([9; 32]).to_string())),
            RpcRequest::GetEpochInfo => Ok(json!({"epoch": 0, "slotIndex": slot, "slotsInEpoch": 432_000,
                "absoluteSlot": slot, "blockHeight": slot, "transactionCount": null})),
            RpcRequest::GetBlockHeight => Ok(json!(slot)),
            RpcRequest::GetLatestBlockhash => {
                let mut bytes = [0xb1; 32];
                bytes[..8].copy_from_slice(&slot.to_le_bytes());
                let hash = Hash::new_from_array(bytes).to_string();
                with_context(json!({"blockhash": hash, "lastValidBlockHeight": slot + 150}))
            }
            RpcRequest::IsBlockhashValid => with_context(json!(true)),
            RpcRequest::GetMultipleAccounts => {
                let found = |address: &Value| {
                    let account = chain.svm.get_account(&address.as_str()?.parse().ok()?)?;
                    Some(encoded(&account))
                };
                with_context(asked().iter().map(|address| found(address).unwrap_or(Value::Null)).collect())
            }
            RpcRequest::GetProgramAccounts => {
                let found = chain.svm.get_program_accounts(&ID).into_iter();
                let vaults = found.filter(|(_, account)| account.data.len() == Vault::SPACE);
                let keyed = |(address, account): (Pubkey, Account)| json!({"pubkey": address.to_string(), "account": encoded(&account)});
                with_context(vaults.map(keyed).collect())
            }
            RpcRequest::GetRecentPrioritizationFees => Ok(json!([{"slot": slot, "prioritizationFee": chain.place}])),
            RpcRequest::SimulateTransaction => {
                let (error, meta) = match chain.svm.simulate_transaction(decoded(&params[0]).0) {
                    Ok(done) => (Value::Null, done.meta),
                    Err(failed) => (json!(failed.err), failed.meta),
                };
                with_context(json!({"err": error, "logs": meta.logs, "accounts": null,
                    "unitsConsumed": meta.compute_units_consumed, "returnData": null}))
            }
            RpcRequest::SendTransaction => {
                let (transaction, bytes) = decoded(&params[0]);
                let signature = transaction.signatures[0];
                chain.take(transaction, bytes, self.clock.now());
                Ok(json!(signature.to_string()))
            }
            RpcRequest::GetSignatureStatuses => {
                let status = |text: &Value| {
                    let found = chain.included.get(&text.as_str()?.parse().ok()?)?;
                    // Two slots later it is confirmed.
                    let confirmed = if found.slot + 2 <= slot { "confirmed" } else { "processed" };
                    Some(json!({"slot": found.slot, "confirmations": 1, "status": outcome(&found.error),
                        "err": found.error, "confirmationStatus": confirmed}))
                };
                with_context(asked().iter().map(|text| status(text).unwrap_or(Value::Null)).collect())
            }
            RpcRequest::GetTransaction => {
                let signature = params[0].as_str().and_then(|text| text.parse().ok()).expect("a signature");
                Ok(chain.included.get(&signature).map_or(Value::Null, described))
            }
            other => Err(refused(-32_601, &format!("{other} is not found"))),
        }
    }
}

fn described(found: &Included) -> Value {
    json!({
        "slot": found.slot, "blockTime": null, "version": 0,
        "transaction": [BASE64_STANDARD.encode(&found.bytes), "base64"],
        "meta": {"err": found.error, "status": outcome(&found.error), "fee": found.fee, "preBalances": [],
            "postBalances": [], "innerInstructions": [], "logMessages": found.logs, "preTokenBalances": [],
            "postTokenBalances": [], "rewards": []},
    })
}

/// Two nodes of the chain.
pub fn endpoints(chain: &Shared, clock: &Clock) -> Arc<Endpoints> {
    let node = |name: &str| {
        let node = Node { chain: Arc::clone(chain), clock: clock.clone() };
        let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
        let connection = Connection::through(RpcClient::new_sender(node, config));
        endpoints::Node { name: name.to_owned(), connection }
    };
    let nodes = vec![node("one"), node("two")];
    Arc::new(Endpoints::new(nodes, Policy::default()).expect("enough nodes").with_clock(clock.clone()))
}

/// A desk that has never signed anything, with its journal in this folder.
pub fn desk(endpoints: &Arc<Endpoints>, signer: Keypair, folder: &std::path::Path, metrics: &Metrics) -> Arc<Desk> {
    let identity = Identity { signer: signer.pubkey().to_string(), genesis: "of the test".to_owned() };
    let (journal, _) = Journal::open(&folder.join("journal"), identity).expect("a journal");
    desk_with(endpoints, signer, journal, metrics)
}

/// The same with a journal of its own.
pub fn desk_with(endpoints: &Arc<Endpoints>, signer: Keypair, journal: Journal, metrics: &Metrics) -> Arc<Desk> {
    let terms = desk::Terms { first_life: true, ..desk::Terms::default() };
    Arc::new(Desk::new(Arc::clone(endpoints), Arc::new(signer), journal, terms, metrics.clone()))
}

/// Time passes whenever nobody has anything else to do.
pub fn in_stopped_time<F: Future>(test: impl FnOnce(Clock) -> F) -> F::Output {
    let stopped = Stopped::new();
    let advance = Arc::clone(&stopped);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let park = builder.enable_all().on_thread_park(move || {
        advance.advance();
    });
    park.build().expect("a runtime").block_on(test(Clock::stopped(stopped)))
}
