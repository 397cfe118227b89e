//! What becomes of a transaction while nodes fail: a node that answers as its script says.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ballast_client::transaction::Version;
use ballast_cluster::connection::Connection;
use ballast_cluster::fate::Fate;
use ballast_cluster::sending::{self, Draft, Signed};
use serde_json::{Value, json};
use solana_client::client_error::{ClientErrorKind, Result};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_request::RpcRequest;
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_transaction::{Hash, TransactionError};

use ballast_client::Pubkey;

/// The last block in which the transaction of these tests can land.
const LAST: u64 = 1_000;
/// Longer than any of these tests waits.
const LONG: Duration = Duration::from_secs(600);

/// What was asked, with its parameters.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// Answers by the method and how often it was asked before; `None` is a node that fails.
struct Node<F> {
    script: F,
    asked: Asked,
}

impl<F: Fn(RpcRequest, &Value, usize) -> Option<Value> + Send + Sync> RpcSender for Node<F> {
    fn send<'a, 'b>(
        &'a self,
        request: RpcRequest,
        params: Value,
    ) -> Pin<Box<dyn Future<Output = Result<Value>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let mut asked = self.asked.lock().unwrap();
        let name = request.to_string();
        let before = asked.iter().filter(|(other, _)| *other == name).count();
        let answer = (self.script)(request, &params, before);
        asked.push((name, params));
        let refused = || ClientErrorKind::Io(io::Error::from(io::ErrorKind::TimedOut)).into();
        Box::pin(async move { answer.ok_or_else(refused) })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "a node of the test".to_owned()
    }
}

fn connection(
    script: impl Fn(RpcRequest, &Value, usize) -> Option<Value> + Send + Sync + 'static,
) -> (Connection, Asked) {
    let asked = Asked::default();
    let node = Node { script, asked: Arc::clone(&asked) };
    (Connection::through(RpcClient::new_sender(node, Default::default())), asked)
}

fn signed() -> Signed {
    let payer = Keypair::new_from_array([7; 32]);
    let accounts = vec![AccountMeta::new(payer.pubkey(), true)];
    let nothing = Instruction { program_id: Pubkey::new_from_array([3; 32]), accounts, data: vec![1] };
    let draft =
        Draft { instructions: vec![nothing], payer: &payer, signers: vec![], version: Version::V0, tables: vec![] };
    let transaction = sending::sign(&draft, None, Hash::new_from_array([1; 32])).unwrap();
    Signed { transaction, last_valid_block_height: LAST }
}

fn statuses(status: Value) -> Option<Value> {
    Some(json!({ "context": { "slot": 5 }, "value": [status] }))
}

fn confirmed(error: Value) -> Option<Value> {
    let status = if error.is_null() { json!({ "Ok": null }) } else { json!({ "Err": error }) };
    statuses(
        json!({ "slot": 4, "confirmations": 1, "status": status, "err": error, "confirmationStatus": "confirmed" }),
    )
}

fn asked(asked: &Asked, method: &str) -> Vec<Value> {
    asked.lock().unwrap().iter().filter(|(name, _)| name == method).map(|(_, params)| params.clone()).collect()
}

#[tokio::test]
async fn a_node_that_fails_is_asked_again_and_the_same_transaction_is_sent_again() {
    // The first two hand-overs time out, then the status twice, then the height.
    let (connection, seen) = connection(|request, _, before| match request {
        RpcRequest::SendTransaction => (before >= 2).then(|| json!(signed().signature().to_string())),
        RpcRequest::GetBlockHeight => (before != 3).then_some(json!(LAST - 10)),
        RpcRequest::GetSignatureStatuses => match before {
            0 | 1 => None,
            2 => statuses(Value::Null),
            _ => confirmed(Value::Null),
        },
        // It keeps no logs.
        _ => None,
    });
    let fate = connection.carry_through(&signed(), LONG).await.unwrap();
    assert!(matches!(fate, Fate::Landed(_)), "{fate:?}");
    let sent = asked(&seen, "sendTransaction");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|params| *params == sent[0]), "it is never signed anew");
}

#[tokio::test]
async fn a_failed_transaction_is_told_without_its_logs_too() {
    let (connection, seen) = connection(|request, _, _| match request {
        RpcRequest::GetBlockHeight => Some(json!(LAST)),
        RpcRequest::GetSignatureStatuses => confirmed(json!({ "InstructionError": [0, { "Custom": 6300 }] })),
        _ => None,
    });
    let Fate::Failed(failure) = connection.carry_through(&signed(), LONG).await.unwrap() else { panic!("it failed") };
    assert!(matches!(failure.error, TransactionError::InstructionError(0, _)));
    assert_eq!((failure.logs.len(), asked(&seen, "getTransaction").len()), (0, 3));
}

#[tokio::test]
async fn when_the_node_is_gone_the_error_names_the_signature_and_the_last_block() {
    let (connection, _) = connection(|_, _, _| None);
    let undecided = connection.carry_through(&signed(), Duration::ZERO).await.unwrap_err();
    assert_eq!((undecided.signature, undecided.last_valid_block_height), (signed().signature(), LAST));
    let told = undecided.to_string();
    assert!(told.contains(&signed().signature().to_string()) && told.contains("block height 1000"), "{told}");
}

#[tokio::test]
async fn a_transaction_is_given_up_some_blocks_later_and_after_a_look_at_the_history() {
    let with_history = |params: &Value| params[1]["searchTransactionHistory"] == true;
    let at = |height: u64, landed: bool| {
        connection(move |request, params, _| match request {
            RpcRequest::GetBlockHeight => Some(json!(height)),
            RpcRequest::GetSignatureStatuses if landed && with_history(params) => confirmed(Value::Null),
            RpcRequest::GetSignatureStatuses => statuses(Value::Null),
            _ => None,
        })
        .0
    };
    // Another node behind the same address may know it still.
    assert!(at(LAST + 32, false).fate(&signed()).await.unwrap().is_none());
    assert!(matches!(at(LAST + 33, false).fate(&signed()).await.unwrap(), Some(Fate::Expired(None))));
    assert!(matches!(at(LAST + 33, true).fate(&signed()).await.unwrap(), Some(Fate::Landed(_))));
    let fate = at(LAST + 33, false).carry_through(&signed(), LONG).await.unwrap();
    let Fate::Expired(Some(why)) = fate else { panic!("{fate:?}") };
    assert!(why.contains("was not taken"), "{why}");
}
