//! Nodes that answer as real ones do, and say what a test has them say.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ballast_client::account::{CLOCK, SYSVAR};
use ballast_cluster::connection::Connection;
use ballast_keeper::clock::{Clock, Stopped};
use ballast_keeper::endpoints::{Endpoints, Node, Policy};
use base64::Engine;
use serde_json::{Value, json};
use solana_client::client_error::{ClientErrorKind, Result};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::CommitmentConfig;
use solana_client::rpc_request::RpcRequest;
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_transaction::Hash;

/// The first block of the cluster that nodes are of unless a test has them say something else.
pub const GENESIS: Hash = Hash::new_from_array([9; 32]);

/// What a node says.
#[derive(Clone, Debug)]
pub struct Says {
    pub slot: u64,
    /// The first block of its cluster.
    pub genesis: Hash,
    /// The slot and the time in its clock; the slot of the answer and now, unless it lies.
    pub clock_slot: Option<u64>,
    pub unix: Option<u64>,
    /// It does not answer.
    pub silent: bool,
}

/// One node.
#[derive(Clone)]
pub struct Voice(Arc<Mutex<Says>>);

impl Voice {
    pub fn at(slot: u64) -> Self {
        Self(Arc::new(Mutex::new(Says { slot, genesis: GENESIS, clock_slot: None, unix: None, silent: false })))
    }

    pub fn says(&self) -> MutexGuard<'_, Says> {
        self.0.lock().unwrap()
    }

    fn answer(&self, request: RpcRequest, params: &Value) -> Value {
        let says = self.says().clone();
        match request {
            RpcRequest::GetGenesisHash => json!(says.genesis.to_string()),
            RpcRequest::GetEpochInfo => json!({
                "epoch": 0, "slotIndex": says.slot, "slotsInEpoch": 432_000, "absoluteSlot": says.slot,
                "blockHeight": says.slot - 10, "transactionCount": null,
            }),
            RpcRequest::GetMultipleAccounts => {
                let account = |address: &Value| (address == &json!(CLOCK.to_string())).then(|| encoded(&clock(&says)));
                let found: Vec<_> = params[0].as_array().unwrap().iter().map(account).collect();
                json!({"context": {"slot": says.slot}, "value": found})
            }
            other => panic!("nobody asks for {other}"),
        }
    }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The bytes of the cluster's clock: slot, epoch start, epoch, epoch of the next leaders, time.
pub fn clock_bytes(slot: u64, unix: u64) -> Vec<u8> {
    [slot, 0, 0, 1, unix].iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn clock(says: &Says) -> Vec<u8> {
    clock_bytes(says.clock_slot.unwrap_or(says.slot), says.unix.unwrap_or_else(now))
}

fn encoded(data: &[u8]) -> Value {
    json!({
        "lamports": 1, "data": [base64::prelude::BASE64_STANDARD.encode(data), "base64"], "owner": SYSVAR.to_string(),
        "executable": false, "rentEpoch": 0, "space": data.len(),
    })
}

impl RpcSender for Voice {
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
            if self.says().silent {
                return Err(ClientErrorKind::Custom("nobody is there".to_owned()).into());
            }
            Ok(self.answer(request, &params))
        })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "a node of the test".to_owned()
    }
}

/// Nodes "a", "b", and so on, of which two have to agree, and a clock that stands still.
pub struct Several {
    pub voices: Vec<Voice>,
    pub endpoints: Endpoints,
    stopped: Arc<Stopped>,
    clock: Clock,
}

impl Several {
    pub fn at(slots: &[u64]) -> Self {
        let voices: Vec<Voice> = slots.iter().map(|slot| Voice::at(*slot)).collect();
        let node = |(name, voice): (char, &Voice)| {
            let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
            let client = RpcClient::new_sender(voice.clone(), config);
            Node { name: name.to_string(), connection: Connection::through(client) }
        };
        let stopped = Stopped::new();
        let clock = Clock::stopped(Arc::clone(&stopped));
        let nodes = ('a'..).zip(&voices).map(node).collect();
        let endpoints = Endpoints::new(nodes, Policy::default()).unwrap().with_clock(clock.clone());
        let endpoints = endpoints.with_most_drift(Duration::from_secs(300));
        Self { voices, endpoints, stopped, clock }
    }

    /// So much time goes by.
    pub async fn waits(&self, seconds: u64) {
        tokio::join!(self.clock.sleep(Duration::from_secs(seconds)), async { assert!(self.stopped.advance()) });
    }
}
