//! A connection to a cluster over JSON-RPC: sign, send, confirm, read the receipt. Knows nothing of local networks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use ballast_client::Pubkey;
use base64::Engine;
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_config::{
    CommitmentConfig, RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig,
    RpcSimulateTransactionConfig, UiAccountEncoding,
};
use solana_client::rpc_filter::{Memcmp, RpcFilterType};
use solana_client::rpc_request::RpcRequest;
use solana_client::rpc_response::{Response, RpcKeyedAccount, UiAccount};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_transaction::{Hash, Signature, Transaction, TransactionError};
use tokio::task::JoinSet;

use crate::sending::Included;

/// Transactions on their way at the same time.
const IN_FLIGHT: usize = 4;
/// Transactions that share a blockhash. It is good for 150 blocks, and here every transaction makes two or three.
const BATCH: usize = 24;
/// How often a transaction is sent that gets lost.
const ATTEMPTS: usize = 3;
/// How long a transaction may take to be confirmed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks at the statuses.
const POLL: Duration = Duration::from_millis(4);

/// Instructions to be sent as one transaction. The first signer pays the fee.
#[derive(Clone)]
pub struct Job {
    /// For messages.
    pub name: String,
    pub instructions: Vec<Instruction>,
    pub signers: Vec<Arc<Keypair>>,
}

impl Job {
    pub fn new(name: impl Into<String>, instructions: Vec<Instruction>, signers: &[&Arc<Keypair>]) -> Self {
        Self { name: name.into(), instructions, signers: signers.iter().map(|signer| Arc::clone(signer)).collect() }
    }
}

/// What the cluster says about a confirmed transaction.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub logs: Vec<String>,
}

/// What a simulation says.
#[derive(Debug)]
pub struct Simulated {
    /// `None` when the transaction would succeed.
    pub error: Option<String>,
    pub logs: Vec<String>,
    pub returned: Option<Vec<u8>>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    client: Arc<RpcClient>,
    /// How settled what is read has to be.
    reading: CommitmentConfig,
    /// How settled a transaction has to be to count as landed.
    landing: CommitmentConfig,
}

impl Connection {
    /// Reads the newest state that the node has processed; transactions count once they are confirmed.
    pub fn new(url: &str) -> Self {
        Self::through(RpcClient::new_with_commitment(url.to_owned(), CommitmentConfig::confirmed()))
    }

    /// A connection through another transport, for tests that stand in for a node.
    pub fn through(client: RpcClient) -> Self {
        let (reading, landing) = (CommitmentConfig::processed(), CommitmentConfig::confirmed());
        Self { client: Arc::new(client), reading, landing }
    }

    /// The same at another commitment. A transaction is confirmed at least before it counts, or it might be gone again.
    pub fn at(self, commitment: CommitmentConfig) -> Self {
        let processed = commitment == CommitmentConfig::processed();
        let landing = if processed { CommitmentConfig::confirmed() } else { commitment };
        Self { reading: commitment, landing, ..self }
    }

    /// What transactions wait for, see [`Self::at`].
    pub(crate) fn landing(&self) -> CommitmentConfig {
        self.landing
    }

    /// For what has no name here.
    pub fn client(&self) -> &RpcClient {
        &self.client
    }

    /// A method that the client library has no name for.
    pub async fn call(&self, method: &'static str, parameters: serde_json::Value) -> Result<serde_json::Value> {
        self.client.send(RpcRequest::Custom { method }, parameters).await.with_context(|| format!("{method} failed"))
    }

    /// Sends one transaction and waits until it is confirmed.
    pub async fn send(&self, job: Job) -> Result<Receipt> {
        let receipts = self.send_all(vec![job], |_| ()).await?;
        receipts.into_iter().next().context("a confirmed transaction has no receipt")
    }

    /// Sends many transactions, several at a time and in no particular order, and waits until all are confirmed.
    /// `confirmed` is told how many more there are.
    ///
    /// # Errors
    /// The first transaction that fails, by name, with its logs.
    pub async fn send_all(&self, jobs: Vec<Job>, confirmed: impl Fn(usize)) -> Result<Vec<Receipt>> {
        let mut receipts = Vec::with_capacity(jobs.len());
        for batch in jobs.chunks(BATCH) {
            receipts.extend(self.send_batch(batch).await?);
            confirmed(batch.len());
        }
        Ok(receipts)
    }

    /// Sends what shares a blockhash, again with a new one what was dropped because its blockhash ran out.
    async fn send_batch(&self, jobs: &[Job]) -> Result<Vec<Receipt>> {
        let mut signatures = vec![Signature::default(); jobs.len()];
        let mut open: Vec<usize> = (0..jobs.len()).collect();
        for _ in 0..ATTEMPTS {
            let blockhash = self.client.get_latest_blockhash().await.context("no blockhash")?;
            let mut signed = VecDeque::with_capacity(open.len());
            for at in &open {
                let transaction = sign(&jobs[*at], blockhash)?;
                signatures[*at] = transaction.signatures[0];
                signed.push_back((*at, transaction));
            }
            self.hand_in(jobs, signed).await?;
            open = self.unconfirmed(&signatures, open, &blockhash).await?;
            if open.is_empty() {
                break;
            }
        }
        ensure!(open.is_empty(), "{} transactions were dropped {ATTEMPTS} times", open.len());
        let mut receipts = Vec::with_capacity(jobs.len());
        for (job, signature) in jobs.iter().zip(&signatures) {
            receipts.push(self.receipt(&job.name, signature).await?);
        }
        Ok(receipts)
    }

    /// Hands transactions to the node, several at a time.
    async fn hand_in(&self, jobs: &[Job], mut waiting: VecDeque<(usize, Transaction)>) -> Result<()> {
        let mut sending = JoinSet::new();
        while !waiting.is_empty() || !sending.is_empty() {
            while sending.len() < IN_FLIGHT
                && let Some((at, transaction)) = waiting.pop_front()
            {
                let client = Arc::clone(&self.client);
                // Skips preflight: the receipt is checked, and simulating everything twice doubles the time.
                let config = RpcSendTransactionConfig { skip_preflight: true, ..Default::default() };
                sending.spawn(async move { (at, client.send_transaction_with_config(&transaction, config).await) });
            }
            let Some(sent) = sending.join_next().await else { break };
            let (at, sent) = sent.context("a sender was stopped")?;
            sent.with_context(|| format!("{} was not accepted", jobs[at].name))?;
        }
        Ok(())
    }

    /// Waits until all are confirmed, failed ones included. Returns those that never will be: unknown to the node, with
    /// a blockhash that is no longer valid.
    async fn unconfirmed(&self, signatures: &[Signature], open: Vec<usize>, blockhash: &Hash) -> Result<Vec<usize>> {
        let started = Instant::now();
        let asked: Vec<Signature> = open.iter().map(|at| signatures[*at]).collect();
        loop {
            // Before the statuses: what is unknown after its blockhash has run out, stays unknown.
            let valid = self.client.is_blockhash_valid(blockhash, CommitmentConfig::processed()).await;
            let valid = valid.context("no answer about a blockhash")?;
            let statuses = self.client.get_signature_statuses(&asked).await.context("no statuses")?.value;
            let commitment = CommitmentConfig::confirmed();
            let confirmed = statuses.iter().flatten().filter(|status| status.satisfies_commitment(commitment)).count();
            let known = statuses.iter().flatten().count();
            if confirmed == asked.len() || (!valid && confirmed == known) {
                let lost = open.into_iter().zip(statuses).filter(|(_, status)| status.is_none());
                return Ok(lost.map(|(at, _)| at).collect());
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "{} of {} transactions were not confirmed within {PATIENCE:?}",
                asked.len() - confirmed,
                asked.len()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    async fn receipt(&self, name: &str, signature: &Signature) -> Result<Receipt> {
        let (logs, error) = self.outcome(signature).await.with_context(|| format!("{name} has no receipt"))?;
        if let Some(error) = error {
            bail!("{name} failed: {error:?}\n  {}", logs.join("\n  "));
        }
        Ok(Receipt { logs })
    }

    /// Logs and error of a confirmed transaction.
    pub async fn outcome(&self, signature: &Signature) -> Result<(Vec<String>, Option<TransactionError>)> {
        let Included { logs, error, .. } = self.included(signature).await?;
        Ok((logs, error))
    }

    /// Runs a transaction without sending it.
    pub async fn simulate(&self, job: &Job) -> Result<Simulated> {
        let blockhash = self.client.get_latest_blockhash().await.context("no blockhash")?;
        let transaction = sign(job, blockhash)?;
        let config = RpcSimulateTransactionConfig {
            commitment: Some(CommitmentConfig::processed()),
            ..RpcSimulateTransactionConfig::default()
        };
        let answer = self.client.simulate_transaction_with_config(&transaction, config).await;
        let result = answer.with_context(|| format!("{} cannot be simulated", job.name))?.value;
        let returned = result.return_data.map(|data| from_base64(&data.data.0));
        Ok(Simulated {
            error: result.err.map(|error| format!("{error:?}")),
            logs: result.logs.unwrap_or_default(),
            returned: returned.transpose()?,
        })
    }

    /// One account; `None` if it does not exist.
    pub async fn account(&self, address: &Pubkey) -> Result<Option<Raw>> {
        Ok(self.accounts(&[*address]).await?.accounts.pop().flatten())
    }

    /// Accounts in the order of their addresses; `None` for one that does not exist.
    pub async fn accounts(&self, addresses: &[Pubkey]) -> Result<Answer<Option<Raw>>> {
        let mut found = Answer { slot: u64::MAX, accounts: Vec::with_capacity(addresses.len()) };
        // The most that a node answers at once.
        for part in addresses.chunks(100) {
            let answer = self.client.get_multiple_ui_accounts_with_config(part, self.account_config()).await;
            let answer = answer.context("getMultipleAccounts failed")?;
            let count = answer.value.len();
            ensure!(count == part.len(), "the node answered for {count} accounts instead of {}", part.len());
            found.slot = found.slot.min(answer.context.slot);
            for (address, account) in part.iter().zip(answer.value) {
                found.accounts.push(account.map(|account| Raw::decode(address, &account)).transpose()?);
            }
        }
        Ok(found)
    }

    /// All accounts of a program with these bytes at this place and this size.
    pub async fn program_accounts(
        &self,
        program: &Pubkey,
        size: usize,
        (offset, bytes): (usize, &[u8]),
    ) -> Result<Answer<(Pubkey, Raw)>> {
        let size = RpcFilterType::DataSize(size as u64);
        let part = RpcFilterType::Memcmp(Memcmp::new_base58_encoded(offset, bytes));
        let config = RpcProgramAccountsConfig {
            filters: Some(vec![size, part]),
            account_config: self.account_config(),
            with_context: Some(true),
            ..RpcProgramAccountsConfig::default()
        };
        let parameters = serde_json::json!([program.to_string(), config]);
        let answer = self.client.send(RpcRequest::GetProgramAccounts, parameters).await;
        let answer: Response<Vec<RpcKeyedAccount>> = answer.context("getProgramAccounts failed")?;
        let decode = |RpcKeyedAccount { pubkey, account }| {
            let address = pubkey.parse().map_err(|_| anyhow!("{pubkey} is not an address"))?;
            Ok((address, Raw::decode(&address, &account)?))
        };
        let accounts = answer.value.into_iter().map(decode).collect::<Result<_>>()?;
        Ok(Answer { slot: answer.context.slot, accounts })
    }

    fn account_config(&self) -> RpcAccountInfoConfig {
        RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.reading),
            ..RpcAccountInfoConfig::default()
        }
    }
}

/// An account as a node sent it: nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    pub owner: Pubkey,
    pub lamports: u64,
    pub data: Vec<u8>,
}

impl Raw {
    fn decode(address: &Pubkey, account: &UiAccount) -> Result<Self> {
        let owner = account.owner.parse().map_err(|_| anyhow!("{} is not an address", account.owner))?;
        let data = account.data.decode().ok_or_else(|| anyhow!("the bytes of account {address} are not base64"))?;
        Ok(Self { owner, lamports: account.lamports, data })
    }
}

/// What a node answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The slot of the bank that the node read from; of several answers the lowest.
    pub slot: u64,
    pub accounts: Vec<T>,
}

fn sign(job: &Job, blockhash: Hash) -> Result<Transaction> {
    let payer = job.signers.first().with_context(|| format!("{} has no signer", job.name))?;
    let mut transaction = Transaction::new_with_payer(&job.instructions, Some(&payer.pubkey()));
    let signers: Vec<&Keypair> = job.signers.iter().map(|signer| &**signer).collect();
    transaction.try_sign(&signers, blockhash).with_context(|| format!("{} cannot be signed", job.name))?;
    Ok(transaction)
}

pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>> {
    base64::prelude::BASE64_STANDARD.decode(text).context("return data is not base64")
}
