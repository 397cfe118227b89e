//! A small cluster: blocks, transactions that wait, what became of them, and nodes that say of it what a test wants.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ballast_client::Pubkey;
use ballast_client::error::COMPUTE_BUDGET;
use ballast_cluster::connection::Connection;
use ballast_keeper::clock::{Clock, Stopped};
use ballast_keeper::endpoints::{Endpoints, Node, Policy};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_client::client_error::{ClientError, ClientErrorKind, Result};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::CommitmentConfig;
use solana_client::rpc_request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature};

/// Blocks for which a transaction can land after the one that it names.
const LIFETIME: u64 = 150;
/// The fee of a signature, lamports.
const FEE: u64 = 5_000;

/// A transaction as it was sent for the first time.
#[derive(Clone, Debug)]
pub struct Sent {
    pub signature: Signature,
    pub hash: Hash,
    /// The height then.
    pub at: u64,
    /// The last height at which it can land; 0 when it names no block.
    pub last: u64,
    /// Micro-lamports for a compute unit that it offers.
    pub price: u64,
    programs: Vec<Pubkey>,
}

/// What all nodes share.
pub struct Chain {
    pub slot: u64,
    pub height: u64,
    pub genesis: Hash,
    /// What calls these programs never lands.
    pub dropped: Vec<Pubkey>,
    pub sent: Vec<Sent>,
    /// Slots of what has landed.
    pub landed: BTreeMap<Signature, u64>,
    /// So many blocks are made before the next blockhash is given away, while nobody's clock moves.
    pub leap: u64,
}

impl Chain {
    fn step(&mut self) {
        (self.slot, self.height) = (self.slot + 1, self.height + 1);
        for sent in &self.sent {
            let dropped = sent.programs.iter().any(|program| self.dropped.contains(program));
            if !dropped && self.height <= sent.last {
                self.landed.entry(sent.signature).or_insert(self.slot);
            }
        }
    }

    pub fn height_of(&self, hash: &Hash) -> Option<u64> {
        (0..=self.height).rev().take(1_000).find(|height| hash_of(*height) == *hash)
    }

    /// Pairs of transactions of which the first could still land when the second was sent.
    pub fn overlaps(&self) -> usize {
        let pairs =
            self.sent.iter().enumerate().flat_map(|(at, one)| self.sent[at + 1..].iter().map(move |two| (one, two)));
        pairs.filter(|(one, two)| two.at <= one.last && !self.landed.contains_key(&one.signature)).count()
    }
}

/// What one node says that the others do not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Micro-lamports that others are said to pay for a compute unit.
    pub fee: u64,
    /// The blockhash is that of no block.
    pub invents: bool,
    /// Receipts end after their first line.
    pub cuts_logs: bool,
    /// It keeps no receipts.
    pub has_no_receipts: bool,
    /// It keeps no history: it refuses to search it, and knows no receipt. Statuses it remembers for 300 slots.
    pub has_no_history: bool,
}

/// The hash of the block of a height.
fn hash_of(height: u64) -> Hash {
    let mut bytes = [0xb1; 32];
    bytes[..8].copy_from_slice(&height.to_le_bytes());
    Hash::new_from_array(bytes)
}

/// The cluster, and what its nodes are like.
#[derive(Clone)]
pub struct Cluster {
    chain: Arc<Mutex<Chain>>,
    manners: Vec<Arc<Mutex<Manner>>>,
    pub clock: Clock,
}

impl Cluster {
    pub fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap()
    }

    pub fn manner(&self, node: usize) -> MutexGuard<'_, Manner> {
        self.manners[node].lock().unwrap()
    }

    /// Connections of a keeper that has just been started.
    pub fn endpoints(&self) -> Arc<Endpoints> {
        let node = |manner: &Arc<Mutex<Manner>>| {
            let sender =
                Sender { chain: Arc::clone(&self.chain), manner: Arc::clone(manner), clock: self.clock.clone() };
            let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
            let connection = Connection::through(RpcClient::new_sender(sender, config));
            Node { name: "node".to_owned(), connection }
        };
        let policy = Policy { least_healthy: 2, most_slots_behind: 50, timeout: Duration::from_secs(1) };
        let endpoints = Endpoints::new(self.manners.iter().map(node).collect(), policy).unwrap();
        Arc::new(endpoints.with_clock(self.clock.clone()))
    }

    pub async fn passes(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

/// Plays a scene on a cluster of two nodes that makes a block every 400 ms. Whenever nobody has anything to do, it is later.
pub fn play<F: Future<Output = ()>>(scene: impl FnOnce(Cluster) -> F) {
    let stopped = Stopped::new();
    let advance = Arc::clone(&stopped);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let park = move || {
        advance.advance();
    };
    let runtime = builder.on_thread_park(park).build().unwrap();
    let chain = Chain {
        slot: 5_000,
        height: 4_000,
        genesis: Hash::new_from_array([9; 32]),
        dropped: vec![],
        sent: vec![],
        landed: BTreeMap::new(),
        leap: 0,
    };
    let clock = Clock::stopped(stopped);
    let cluster = Cluster { chain: Arc::new(Mutex::new(chain)), manners: vec![Arc::default(), Arc::default()], clock };
    runtime.block_on(async {
        let moving = cluster.clone();
        tokio::spawn(async move {
            loop {
                moving.clock.sleep(Duration::from_millis(400)).await;
                moving.chain().step();
            }
        });
        scene(cluster).await;
    });
}

struct Sender {
    chain: Arc<Mutex<Chain>>,
    manner: Arc<Mutex<Manner>>,
    clock: Clock,
}

impl RpcSender for Sender {
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
            self.clock.sleep(Duration::from_millis(10)).await;
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

impl Sender {
    fn answer(&self, request: RpcRequest, params: &Value) -> Result<Value> {
        let (mut chain, manner) = (self.chain.lock().unwrap(), *self.manner.lock().unwrap());
        let (slot, height) = (chain.slot, chain.height);
        let with_context = |value: Value| Ok(json!({"context": {"slot": slot}, "value": value}));
        match request {
            RpcRequest::GetGenesisHash => Ok(json!(chain.genesis.to_string())),
            RpcRequest::GetEpochInfo => Ok(json!({
                "epoch": 0, "slotIndex": slot, "slotsInEpoch": 432_000, "absoluteSlot": slot, "blockHeight": height,
                "transactionCount": null,
            })),
            RpcRequest::GetBlockHeight => Ok(json!(height)),
            RpcRequest::GetLatestBlockhash => {
                let leap = std::mem::take(&mut chain.leap);
                (chain.slot, chain.height) = (slot + leap, height + leap);
                let hash = if manner.invents { Hash::new_from_array([3; 32]) } else { hash_of(chain.height) };
                let last = chain.height + LIFETIME;
                with_context(json!({"blockhash": hash.to_string(), "lastValidBlockHeight": last}))
            }
            RpcRequest::IsBlockhashValid => {
                let hash: Hash = params[0].as_str().unwrap().parse().unwrap();
                with_context(json!(chain.height_of(&hash).is_some_and(|of| height <= of + LIFETIME)))
            }
            RpcRequest::GetRecentPrioritizationFees => Ok(json!([{"slot": slot, "prioritizationFee": manner.fee}])),
            RpcRequest::SimulateTransaction => with_context(json!({
                "err": null, "logs": [], "accounts": null, "unitsConsumed": 10_000, "returnData": null,
            })),
            RpcRequest::SendTransaction => {
                let bytes = BASE64_STANDARD.decode(params[0].as_str().unwrap()).unwrap();
                Ok(json!(take(&mut chain, wincode::deserialize(&bytes).unwrap()).to_string()))
            }
            RpcRequest::GetSignatureStatuses
                if manner.has_no_history && params[1]["searchTransactionHistory"] == true =>
            {
                Err(refused("Transaction history is not available from this node"))
            }
            RpcRequest::GetSignatureStatuses if manner.has_no_history => {
                let recent = landed(&chain, &params[0][0]).is_some_and(|slot| slot + 300 >= chain.slot);
                with_context(json!([if recent { status(&chain, &params[0][0]) } else { Value::Null }]))
            }
            RpcRequest::GetSignatureStatuses => with_context(json!([status(&chain, &params[0][0])])),
            RpcRequest::GetTransaction if manner.has_no_receipts => Err(refused("no history")),
            RpcRequest::GetTransaction if manner.has_no_history => Ok(Value::Null),
            RpcRequest::GetTransaction => Ok(receipt(&chain, manner.cuts_logs, &params[0])),
            other => panic!("{other} is nothing that the desk asks"),
        }
    }
}

fn refused(message: &str) -> ClientError {
    let (message, data) = (message.to_owned(), RpcResponseErrorData::Empty);
    ClientErrorKind::RpcError(RpcError::RpcResponseError { code: -32_011, message, data }).into()
}

fn take(chain: &mut Chain, transaction: VersionedTransaction) -> Signature {
    let signature = transaction.signatures[0];
    if chain.sent.iter().any(|sent| sent.signature == signature) {
        return signature;
    }
    let keys = transaction.message.static_account_keys();
    let calls = transaction.message.instructions();
    let of =
        |call: &&solana_message::compiled_instruction::CompiledInstruction| keys[usize::from(call.program_id_index)];
    let price = calls.iter().filter(|call| of(call) == COMPUTE_BUDGET && call.data[0] == 3);
    let price = price.map(|call| u64::from_le_bytes(call.data[1..].try_into().unwrap())).next().unwrap_or(0);
    let hash = *transaction.message.recent_blockhash();
    let last = chain.height_of(&hash).map_or(0, |height| height + LIFETIME);
    let programs = calls.iter().map(|call| of(&call)).collect();
    chain.sent.push(Sent { signature, hash, at: chain.height, last, price, programs });
    signature
}

fn landed(chain: &Chain, signature: &Value) -> Option<u64> {
    let signature: Signature = signature.as_str()?.parse().ok()?;
    chain.landed.get(&signature).copied()
}

fn status(chain: &Chain, signature: &Value) -> Value {
    let Some(slot) = landed(chain, signature) else { return Value::Null };
    json!({"slot": slot, "confirmations": 1, "status": {"Ok": null}, "err": null, "confirmationStatus": "confirmed"})
}

fn receipt(chain: &Chain, cut: bool, signature: &Value) -> Value {
    let Some(slot) = landed(chain, signature) else { return Value::Null };
    let logs = ["first line", "second line"];
    json!({
        "slot": slot, "blockTime": null, "version": 0, "transaction": ["", "base64"],
        "meta": {
            "err": null, "status": {"Ok": null}, "fee": FEE, "preBalances": [], "postBalances": [],
            "innerInstructions": [], "logMessages": logs[..if cut { 1 } else { 2 }], "preTokenBalances": [],
            "postTokenBalances": [], "rewards": [],
        },
    })
}
