//! The nodes of a case: JSON-RPC that is always right, for what the keeper asks when it does not listen.

use std::pin::Pin;
use std::sync::Arc;

use ballast_client::{ID, Pubkey, Vault};
use ballast_cluster::connection::Connection;
use ballast_keeper::endpoints::{Endpoints, Node, Policy};
use base64::Engine;
use serde_json::{Value, json};
use solana_client::client_error::Result;
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::CommitmentConfig;
use solana_client::rpc_request::RpcRequest;
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};

use crate::chain::{Held, Shared, lock};

/// One of the nodes.
struct Voice(Shared);

impl Voice {
    fn answer(&self, request: RpcRequest, params: &Value) -> Value {
        let chain = lock(&self.0);
        let with_context = |value: Value| json!({"context": {"slot": chain.slot}, "value": value});
        match request {
            RpcRequest::GetGenesisHash => json!(Pubkey::new_from_array([9; 32]).to_string()),
            RpcRequest::GetEpochInfo => json!({"epoch": 0, "slotIndex": chain.slot, "slotsInEpoch": 432_000,
                "absoluteSlot": chain.slot, "blockHeight": chain.slot, "transactionCount": null}),
            RpcRequest::GetMultipleAccounts => {
                let found = |address: &Value| {
                    let address: Pubkey = address.as_str()?.parse().ok()?;
                    chain.accounts.get(&address).map(|held| encoded(&held.owner, &held.data))
                };
                let asked = params[0].as_array().expect("addresses");
                with_context(asked.iter().map(|address| found(address).unwrap_or(Value::Null)).collect())
            }
            RpcRequest::GetProgramAccounts => {
                let vaults =
                    chain.accounts.iter().filter(|(_, held)| held.owner == ID && held.data.len() == Vault::SPACE);
                let keyed = |(address, Held { owner, data }): (&Pubkey, &Held)| json!({"pubkey": address.to_string(), "account": encoded(owner, data)});
                with_context(vaults.map(keyed).collect())
            }
            other => panic!("nobody asks for {other}"),
        }
    }
}

/// An account as nodes write it.
pub fn encoded(owner: &Pubkey, data: &[u8]) -> Value {
    json!({"lamports": 1, "data": [base64::prelude::BASE64_STANDARD.encode(data), "base64"],
        "owner": owner.to_string(), "executable": false, "rentEpoch": 0, "space": data.len()})
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
        Box::pin(async move { Ok(self.answer(request, &params)) })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "a node of the test".to_owned()
    }
}

/// Nodes of these names, of which two have to agree.
pub fn endpoints(chain: &Shared, names: &[String]) -> Arc<Endpoints> {
    let node = |name: &String| {
        let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
        let client = RpcClient::new_sender(Voice(Arc::clone(chain)), config);
        Node { name: name.clone(), connection: Connection::through(client) }
    };
    Arc::new(Endpoints::new(names.iter().map(node).collect(), Policy::default()).expect("enough nodes"))
}
