//! A node of the chain that answers as real ones do, in JSON, unless its script says otherwise.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ballast_client::account::CLOCK;
use ballast_client::{ID, Pubkey};
use ballast_keeper::clock::Clock;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use litesvm::LiteSVM;
use serde_json::{Value, json};
use solana_account::Account;
use solana_client::client_error::{ClientError, ClientErrorKind, Result};
use solana_client::rpc_request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature};

use crate::chain::{Chain, LIFETIME, hash_of};
use crate::lie::Lie;
use crate::script::Fault;

/// What is wrong with a node at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// It takes no connections: which fault that is.
    pub refuses: Option<Fault>,
    pub slow: bool,
    pub lie: Option<Lie>,
    /// Statuses are unknown, unless somebody asks for what is long past.
    pub forgets: bool,
    /// Micro-lamports that others are said to pay for a compute unit.
    pub fee: u64,
}

/// A state that a node is stuck at.
struct Frozen {
    svm: LiteSVM,
    slot: u64,
    height: u64,
}

/// One node: its trouble, and where it is stuck.
#[derive(Default)]
pub struct Mood {
    pub trouble: Trouble,
    frozen: Option<Frozen>,
    /// Which fault that is.
    stuck: Option<Fault>,
}

impl Mood {
    pub fn freeze(&mut self, chain: &Chain, fault: Fault) {
        self.stuck = Some(fault);
        self.frozen = Some(Frozen { svm: chain.svm.clone(), slot: chain.slot, height: chain.height });
    }

    pub fn thaw(&mut self) {
        self.frozen = None;
    }
}

/// When a life of the keeper ends: after so many more sends or simulations.
#[derive(Default)]
pub struct Doom {
    pub dead: AtomicBool,
    /// Requests of the kind left; below zero: never.
    pub sends: AtomicI64,
    pub simulations: AtomicI64,
}

impl Doom {
    pub fn never() -> Self {
        Self { dead: AtomicBool::new(false), sends: AtomicI64::new(-1), simulations: AtomicI64::new(-1) }
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn count(&self, counter: &AtomicI64) {
        if counter.load(Ordering::SeqCst) >= 0 && counter.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.dead.store(true, Ordering::SeqCst);
        }
    }
}

/// What one life of the keeper talks to.
pub struct Node {
    pub chain: Arc<Mutex<Chain>>,
    pub mood: Arc<Mutex<Mood>>,
    pub doom: Arc<Doom>,
    pub clock: Clock,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics holding it")
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl RpcSender for Node {
    fn send<'a, 'b>(&'a self, request: RpcRequest, params: Value) -> Answer<'b, Result<Value>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let trouble = lock(&self.mood).trouble;
            if let Some(fault) = trouble.refuses {
                lock(&self.chain).feel(fault);
                let error = io::Error::from(io::ErrorKind::ConnectionRefused);
                return Err(ClientError::from(ClientErrorKind::Io(error)));
            }
            // A network takes its time, so that what happens at the same time is in no fixed order.
            self.clock.sleep(Duration::from_millis(20)).await;
            if trouble.slow {
                lock(&self.chain).feel(Fault::Slow(0));
                self.clock.sleep(Duration::from_secs(20)).await;
            }
            match request {
                RpcRequest::SendTransaction => self.doom.count(&self.doom.sends),
                RpcRequest::SimulateTransaction => self.doom.count(&self.doom.simulations),
                _ => {}
            }
            // Whoever is dead hears nothing any more. What it had sent, it had sent.
            if self.doom.is_dead() && request != RpcRequest::SendTransaction {
                std::future::pending::<()>().await;
            }
            let answer = self.answer(request, &params);
            if self.doom.is_dead() {
                std::future::pending::<()>().await;
            }
            answer
        })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "a node of the test".to_owned()
    }
}

fn refused(code: i64, message: &str) -> ClientError {
    let data = RpcResponseErrorData::Empty;
    ClientErrorKind::RpcError(RpcError::RpcResponseError { code, message: message.to_owned(), data }).into()
}

/// The genesis of this chain, and that of another.
pub fn genesis() -> Hash {
    Hash::new_from_array([9; 32])
}

impl Node {
    pub fn answer(&self, request: RpcRequest, params: &Value) -> Result<Value> {
        let (mut chain, mood) = (lock(&self.chain), lock(&self.mood));
        let lie = mood.trouble.lie;
        if let Some(lie) = lie.filter(|lie| lie.concerns(request)) {
            chain.feel(Fault::Lying(0, lie));
        }
        if let Some(fault) = mood.stuck.filter(|_| mood.frozen.as_ref().is_some_and(|frozen| frozen.slot < chain.slot))
        {
            chain.feel(fault);
        }
        if lie == Some(Lie::Garbage) && request != RpcRequest::SendTransaction {
            return Ok(json!({"context": {"slot": "none"}, "value": [1, null]}));
        }
        let frozen = mood.frozen.as_ref();
        let (slot, height) = frozen.map_or((chain.slot, chain.height), |frozen| (frozen.slot, frozen.height));
        let said = match lie {
            Some(Lie::StaleSlot) => slot.saturating_sub(800),
            Some(Lie::FutureSlot) => slot + 1_000_000,
            _ => slot,
        };
        let with_context = |value: Value| Ok(json!({"context": {"slot": said}, "value": value}));
        let svm = frozen.map_or(&chain.svm, |frozen| &frozen.svm);
        match request {
            RpcRequest::GetGenesisHash => {
                let other = Hash::new_from_array([8; 32]);
                Ok(json!(if lie == Some(Lie::Genesis) { other } else { genesis() }.to_string()))
            }
            RpcRequest::GetEpochInfo => Ok(json!({
                "epoch": 0, "slotIndex": slot, "slotsInEpoch": 432_000, "absoluteSlot": slot, "blockHeight": height,
                "transactionCount": null,
            })),
            RpcRequest::GetBlockHeight => Ok(json!(height)),
            RpcRequest::GetLatestBlockhash => {
                let (hash, last) = match lie {
                    Some(Lie::Blockhash) => (Hash::new_from_array([3; 32]), height + 1),
                    _ => (hash_of(height), height + 150),
                };
                with_context(json!({"blockhash": hash.to_string(), "lastValidBlockHeight": last}))
            }
            RpcRequest::IsBlockhashValid => {
                let hash: Option<Hash> = params[0].as_str().and_then(|hash| hash.parse().ok());
                let named = hash.and_then(|hash| chain.height_of(&hash));
                with_context(json!(named.is_some_and(|named| named <= height && height <= named + LIFETIME)))
            }
            RpcRequest::GetMultipleAccounts => with_context(self.accounts(&chain, svm, lie, params)),
            RpcRequest::GetProgramAccounts => {
                let poisoned = svm.get_account(&chain.base.poison[0].0).is_some();
                let found = found_by(&chain.base.market, svm, lie, params);
                if poisoned {
                    chain.feel(Fault::Poison);
                }
                with_context(found)
            }
            RpcRequest::GetRecentPrioritizationFees => {
                if mood.trouble.fee > 0 {
                    chain.feel(Fault::FeeSpike);
                }
                Ok(json!([{"slot": slot, "prioritizationFee": mood.trouble.fee}]))
            }
            RpcRequest::SimulateTransaction => with_context(simulated(svm, lie, &params[0])),
            RpcRequest::SendTransaction => {
                let (transaction, bytes) = decoded(&params[0]).ok_or_else(|| refused(-32_602, "no transaction"))?;
                let signature = transaction.signatures[0];
                chain.take(transaction, bytes);
                Ok(json!(signature.to_string()))
            }
            RpcRequest::GetSignatureStatuses => {
                let asked = params[0].as_array().cloned().unwrap_or_default();
                let past = params[1]["searchTransactionHistory"] == json!(true);
                let statuses = asked.iter().map(|text| self.status(&mut chain, &mood, (slot, past), text)).collect();
                with_context(Value::Array(statuses))
            }
            RpcRequest::GetTransaction => Ok(self.transaction(&chain, slot, &params[0])),
            other => Err(refused(-32_601, &format!("{other} is not found"))),
        }
    }

    fn accounts(&self, chain: &Chain, svm: &LiteSVM, lie: Option<Lie>, params: &Value) -> Value {
        let asked = params[0].as_array().cloned().unwrap_or_default();
        let found = asked.iter().map(|address| {
            let address: Pubkey = address.as_str()?.parse().ok()?;
            if lie == Some(Lie::NoMarket) && address == chain.base.market {
                return Some(encoded(&svm.get_account(&chain.base.vaults[0])?, None));
            }
            let found = svm.get_account(&address)?;
            if lie == Some(Lie::Clock) && address == CLOCK {
                return Some(encoded(&tomorrow(found), None));
            }
            Some(encoded(&found, lie))
        });
        Value::Array(found.map(|account| account.unwrap_or(Value::Null)).collect())
    }

    /// `past`: what is long past is asked for as well.
    fn status(&self, chain: &mut Chain, mood: &Mood, (slot, past): (u64, bool), text: &Value) -> Value {
        let Some(signature) = text.as_str().and_then(|text| text.parse::<Signature>().ok()) else { return Value::Null };
        if mood.trouble.lie == Some(Lie::Landed) {
            return json!({"slot": slot, "confirmations": null, "status": {"Ok": null}, "err": null,
                "confirmationStatus": "finalized"});
        }
        let found = chain.statuses.get(&signature).map(|at| chain.included[*at].clone());
        let Some(found) = found.filter(|found| found.slot <= slot) else { return Value::Null };
        if mood.trouble.forgets {
            chain.feel(if past { Fault::Remembered } else { Fault::Forgetful });
            if !past {
                return Value::Null;
            }
        }
        let status = match &found.error {
            None => json!({"Ok": null}),
            Some(error) => json!({"Err": error}),
        };
        // Two slots later it is confirmed.
        let confirmed = found.slot + 2 <= slot;
        json!({"slot": found.slot, "confirmations": 1, "status": status, "err": found.error,
            "confirmationStatus": if confirmed { "confirmed" } else { "processed" }})
    }

    fn transaction(&self, chain: &Chain, slot: u64, text: &Value) -> Value {
        let Some(signature) = text.as_str().and_then(|text| text.parse::<Signature>().ok()) else { return Value::Null };
        let found = chain.statuses.get(&signature).map(|at| &chain.included[*at]);
        let Some(found) = found.filter(|found| found.slot + 2 <= slot) else { return Value::Null };
        let status = match &found.error {
            None => json!({"Ok": null}),
            Some(error) => json!({"Err": error}),
        };
        json!({
            "slot": found.slot,
            "blockTime": null,
            "transaction": [BASE64_STANDARD.encode(&found.bytes), "base64"],
            "version": 0,
            "meta": {
                "err": found.error, "status": status, "fee": found.fee, "preBalances": [], "postBalances": [],
                "innerInstructions": [], "logMessages": found.logs, "preTokenBalances": [], "postTokenBalances": [],
                "rewards": [],
            },
        })
    }
}

/// The clock's account as a node tells it that knows a time that is yet to come.
fn tomorrow(mut account: Account) -> Account {
    // Slot and unix second: the first and the last eight bytes.
    account.data[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    account.data[32..40].copy_from_slice(&4_102_444_800i64.to_le_bytes());
    account
}

/// Accounts of the program of the size that is asked for that name the market, as the keeper's filters have it.
fn found_by(market: &Pubkey, svm: &LiteSVM, lie: Option<Lie>, params: &Value) -> Value {
    if lie == Some(Lie::NoVaults) {
        return json!([]);
    }
    let size = params[1]["filters"][0]["dataSize"].as_u64().unwrap_or_default();
    let asked =
        |account: &Account| account.data.len() as u64 == size && account.data.get(16..48) == Some(market.as_ref());
    let found = svm.get_program_accounts(&ID).into_iter().filter(|(_, account)| asked(account));
    let keyed = |(address, account): (Pubkey, Account)| json!({"pubkey": address.to_string(), "account": encoded(&account, lie)});
    Value::Array(found.map(keyed).collect())
}

fn encoded(account: &Account, lie: Option<Lie>) -> Value {
    let owner = if lie == Some(Lie::Owner) { Pubkey::new_from_array([5; 32]) } else { account.owner };
    let kept = if lie == Some(Lie::Truncated) { account.data.len() / 2 } else { account.data.len() };
    json!({
        "lamports": account.lamports, "data": [BASE64_STANDARD.encode(&account.data[..kept]), "base64"],
        "owner": owner.to_string(), "executable": false, "rentEpoch": 0, "space": kept,
    })
}

fn decoded(text: &Value) -> Option<(VersionedTransaction, Vec<u8>)> {
    let bytes = BASE64_STANDARD.decode(text.as_str()?).ok()?;
    Some((wincode::deserialize(&bytes).ok()?, bytes))
}

fn simulated(svm: &LiteSVM, lie: Option<Lie>, text: &Value) -> Value {
    let Some((transaction, _)) = decoded(text) else { return Value::Null };
    let refusal = json!({"InstructionError": [0, {"Custom": 6_000}]});
    // Without signatures, as the keeper simulates.
    let (error, meta) = match svm.simulate_transaction(transaction) {
        Ok(done) => (Value::Null, done.meta),
        Err(failed) => (json!(failed.err), failed.meta),
    };
    let error = if lie == Some(Lie::Refusals) { refusal } else { error };
    json!({"err": error, "logs": meta.logs, "accounts": null, "unitsConsumed": meta.compute_units_consumed,
        "returnData": null})
}
