//! The desk: the one place that signs.
//!
//! A task goes through the same steps each time: tried out on as many nodes as have to agree, priced, judged, written down,
//! signed, written down, sent, and sent again until its fate is decided, which is written down. Of a key there is never a
//! second signature while the first may land: not while somebody is at it, not after a crash, and not after the journal is lost.

mod follow;
mod recover;
mod rooms;
mod spending;
mod task;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ballast_client::Pubkey;
use ballast_client::transaction::{Budget, Version, compile};
use ballast_cluster::sending::{FeePolicy, SIMULATED, enough_units, wire, written};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::VersionedMessage;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use tokio::join;

use crate::endpoints::{Blockhash, Endpoints, NotTried};
use crate::journal::{Ended, Intent, Journal, JournalError, Key, Signed};
use crate::metrics::Metrics;
use rooms::{Rooms, is_of_prices};
use spending::Spending;
pub use task::{Also, Judge, Outcome, Prospect, Refusal, Task};

/// Lamports for a signature.
const SIGNATURE_FEE: u64 = 5_000;

/// How the desk works.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub fees: FeePolicy,
    pub version: Version,
    /// Transactions on their way at the same time, of each kind: liquidations, prices, all others.
    pub most_in_flight: usize,
    /// Lamports that refreshes of prices may cost within an hour.
    pub most_for_prices: u64,
    /// Pause between two looks at what became of a transaction.
    pub poll: Duration,
    /// It is handed to the nodes again after so many looks.
    pub repeat_after: u32,
    /// How long to look before the fate counts as unknown for now.
    pub patience: Duration,
    /// How long to wait for the receipt of what is in a block, before it ends without one.
    pub receipts: Duration,
    /// Whoever says so, vouches that this key has signed nothing lately: a journal that is new is complete from the beginning.
    /// For a local network that has just been started; on a public cluster it is not believed.
    pub first_life: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            fees: FeePolicy::default(),
            version: Version::V0,
            most_in_flight: 8,
            most_for_prices: 100_000_000,
            poll: Duration::from_millis(400),
            repeat_after: 5,
            patience: Duration::from_secs(300),
            receipts: Duration::from_secs(30),
            first_life: false,
        }
    }
}

struct State {
    journal: Journal,
    /// Why it did not take the last record, if it did not.
    refused: Option<String>,
    /// Keys that somebody is at.
    taken: HashSet<Key>,
    /// Nothing is signed up to this block height, see `recover`.
    sealed_until: Option<u64>,
    spending: Spending,
}

/// The one place that signs.
pub struct Desk {
    endpoints: Arc<Endpoints>,
    signer: Arc<Keypair>,
    terms: Terms,
    metrics: Metrics,
    state: Mutex<State>,
    rooms: Rooms,
}

/// A key that is taken as long as this lives. What the journal knows of the key outlives it.
struct Claim<'a> {
    desk: &'a Desk,
    key: Key,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.desk.state().taken.remove(&self.key);
    }
}

/// What a task asks for, and what it costs.
#[derive(Clone, Copy)]
struct Priced {
    budget: Budget,
    /// Lamports.
    fee: u64,
}

/// A transaction that is written down.
struct Ready {
    id: u64,
    signed: Signed,
}

impl Desk {
    /// A desk that goes on where the journal ends. Nothing is signed before [`Self::recover`].
    pub fn new(
        endpoints: Arc<Endpoints>,
        signer: Arc<Keypair>,
        journal: Journal,
        terms: Terms,
        metrics: Metrics,
    ) -> Self {
        let spending = Spending::new(terms.most_for_prices);
        metrics.in_flight(journal.unfinished().count());
        let state = State { journal, refused: None, taken: HashSet::new(), sealed_until: None, spending };
        let rooms = Rooms::new(terms.most_in_flight);
        Self { endpoints, signer, terms, metrics, state: Mutex::new(state), rooms }
    }

    /// Who signs.
    pub fn address(&self) -> Pubkey {
        self.signer.pubkey()
    }

    /// Whether a transaction of this key may still land, or somebody is at it.
    pub fn is_busy(&self, key: &Key) -> bool {
        let state = self.state();
        state.taken.contains(key) || state.journal.unfinished_of(key).is_some()
    }

    /// Transactions of which it is not decided what became of them.
    pub fn in_flight(&self) -> usize {
        self.state().journal.unfinished().count()
    }

    /// Whether the journal took what was last written to it, whoever wrote it.
    ///
    /// # Errors
    /// Why not.
    pub fn require_journal(&self) -> Result<(), String> {
        self.state().refused.clone().map_or(Ok(()), Err)
    }

    /// Signs nothing any more, whoever waits for it. What is signed is followed as before.
    pub fn close(&self) {
        self.rooms.close();
    }

    /// Carries a task out, from the first look to its fate. When this is dropped on the way, the journal knows how far it came,
    /// and [`Self::settle`] goes on from there.
    pub async fn carry_out(&self, task: Task) -> Outcome {
        self.carry_out_with(task, &Also::default()).await
    }

    /// The same for a transaction that others sign as well, or of another version.
    pub async fn carry_out_with(&self, task: Task, also: &Also) -> Outcome {
        self.watch(task, also, None).await
    }

    /// As [`Self::carry_out`], for something that follows from what arrived then: how long it takes until it is first sent is
    /// measured.
    pub async fn carry_out_since(&self, task: Task, arrival: Option<Instant>) -> Outcome {
        self.watch(task, &Also::default(), arrival).await
    }

    async fn watch(&self, task: Task, also: &Also, arrival: Option<Instant>) -> Outcome {
        let (key, what) = (task.key, task.what.clone());
        let outcome = self.carry(task, also, arrival).await;
        self.count(&outcome);
        match &outcome {
            Outcome::Landed { signature, included } => {
                tracing::info!(%key, what, %signature, slot = included.slot, fee = included.fee, "landed");
            }
            Outcome::Failed { signature, included } => {
                tracing::warn!(%key, what, %signature, error = ?included.error, "failed on chain");
            }
            Outcome::Refused(refusal) => tracing::info!(%key, what, reason = refusal.name(), "not signed: {refusal}"),
            Outcome::Expired(signature) => tracing::warn!(%key, what, %signature, "expired"),
            Outcome::Busy => tracing::debug!(%key, what, "an earlier transaction may still land"),
            Outcome::Unknown(signature) => tracing::error!(%key, what, %signature, "nobody says what became of it"),
        }
        outcome
    }

    fn count(&self, outcome: &Outcome) {
        self.metrics.transaction(outcome.name());
        if let Outcome::Landed { included, .. } | Outcome::Failed { included, .. } = outcome {
            self.metrics.fee_paid(included.fee);
        }
    }

    async fn carry(&self, task: Task, also: &Also, arrival: Option<Instant>) -> Outcome {
        let Some(claim) = self.claim(task.key) else { return Outcome::Busy };
        let Ok(_place) = self.rooms.enter(&task.key).await else { return Outcome::Refused(Refusal::Closed) };
        match self.prepare(&task, also).await {
            Ok(Ready { id, signed }) => self.follow(&claim, id, &signed, arrival).await,
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    /// Takes a key, unless somebody is at it or an earlier transaction of it may still land.
    fn claim(&self, key: Key) -> Option<Claim<'_>> {
        let mut state = self.state();
        if state.journal.unfinished_of(&key).is_some() || !state.taken.insert(key) {
            return None;
        }
        Some(Claim { desk: self, key })
    }

    /// Everything up to the signature.
    async fn prepare(&self, task: &Task, also: &Also) -> Result<Ready, Refusal> {
        self.endpoints.keep_surveyed().await.map_err(Refusal::Unready)?;
        self.require_no_seal()?;
        // The hash is fetched meanwhile, so that nothing is waited for between the intent and the signature.
        let (priced, blockhash) = join!(self.price(task, also), self.endpoints.blockhash());
        let (priced, blockhash) = (priced?, blockhash.map_err(Refusal::Unready)?);
        self.require_open()?;
        self.require_means(task, &priced)?;
        let intent = Intent {
            key: task.key,
            digest: digest(&task.instructions),
            what: task.what.clone(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let id = self.write(|journal| journal.intend(intent)).map_err(Refusal::Journal)?;
        match self.sign(id, task, also, priced, blockhash) {
            Ok(signed) => Ok(Ready { id, signed }),
            Err(refusal) => {
                // Where even that cannot be written, the next start finds an intent without a signature, and drops it.
                let _ = self.write(|journal| journal.end(id, Ended::Abandoned));
                Err(refusal)
            }
        }
    }

    fn require_open(&self) -> Result<(), Refusal> {
        if self.rooms.are_closed() { Err(Refusal::Closed) } else { Ok(()) }
    }

    /// Refreshes are wanted whenever a price moves, so that something has to bound what they cost. A liquidation pays for
    /// itself.
    fn require_means(&self, task: &Task, priced: &Priced) -> Result<(), Refusal> {
        if !is_of_prices(&task.key) {
            return Ok(());
        }
        let most = self.terms.most_for_prices;
        let entered = self.state().spending.enter(priced.fee, self.endpoints.clock().now());
        entered.map_err(|spent| Refusal::Means { spent, most })
    }

    /// What to ask for, and whether the task is still wanted at that price.
    async fn price(&self, task: &Task, also: &Also) -> Result<Priced, Refusal> {
        let message = self.compile(also, &task.instructions, SIMULATED, Default::default())?;
        let trials = self.endpoints.try_out(&message).await.map_err(|error| match error {
            NotTried::Unready(unready) => Refusal::Unready(unready),
            NotTried::Refused(failure) => Refusal::Simulation(failure),
            NotTried::Disputed(why) => Refusal::Disputed(why),
        })?;
        let FeePolicy { percentile, least, most } = self.terms.fees;
        let price = self.endpoints.recent_price(&written(&task.instructions), percentile).await;
        let price = price.map_err(Refusal::Unready)?.clamp(least, most.max(least));
        let used = trials.iter().map(|trial| trial.units).max().unwrap_or_default();
        let budget = Budget { units: enough_units(used), price };
        let signatures = u64::try_from(also.signers.len()).unwrap_or(u64::MAX).saturating_add(1);
        let fee = SIGNATURE_FEE.saturating_mul(signatures).saturating_add(budget.priority_fee_ceil());
        if let Some(judge) = &task.judge {
            for trial in &trials {
                judge(&Prospect { logs: &trial.logs, fee }).map_err(Refusal::Unwanted)?;
            }
        }
        Ok(Priced { budget, fee })
    }

    /// Signs, and writes down what was signed. Until that is on the disk, the signature has not left this function.
    fn sign(
        &self,
        id: u64,
        task: &Task,
        also: &Also,
        Priced { budget, fee }: Priced,
        blockhash: Blockhash,
    ) -> Result<Signed, Refusal> {
        let message = self.compile(also, &task.instructions, Some(budget), blockhash.hash)?;
        let invalid = |error: &dyn std::fmt::Display| Refusal::Invalid(error.to_string());
        let signers: Vec<&Keypair> = [&self.signer].into_iter().chain(&also.signers).map(|signer| &**signer).collect();
        let transaction = VersionedTransaction::try_new(message, &signers).map_err(|error| invalid(&error))?;
        let signed = Signed {
            signature: transaction.signatures.first().copied().unwrap_or_default(),
            last_valid_block_height: blockhash.last_valid_block_height,
            fee,
            transaction: wire(&transaction).map_err(|error| invalid(&error))?,
        };
        self.write(|journal| journal.sign(id, signed.clone())).map_err(Refusal::Journal)?;
        Ok(signed)
    }

    fn compile(
        &self,
        also: &Also,
        instructions: &[Instruction],
        budget: Option<Budget>,
        blockhash: solana_transaction::Hash,
    ) -> Result<VersionedMessage, Refusal> {
        let payer = self.signer.pubkey();
        compile(also.version.unwrap_or(self.terms.version), &payer, instructions, budget, &[], blockhash)
            .map_err(|error| Refusal::Invalid(error.to_string()))
    }

    /// A write to the journal. It waits for the disk, which is the point of it.
    fn write<T>(&self, write: impl FnOnce(&mut Journal) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let mut state = self.state();
        let written = write(&mut state.journal);
        state.refused = written.as_ref().err().map(ToString::to_string);
        self.metrics.in_flight(state.journal.unfinished().count());
        match &written {
            Ok(_) => self.metrics.journal_written(state.journal.length()),
            Err(error) => {
                self.metrics.journal_failed();
                tracing::error!("{error}");
            }
        }
        written
    }

    /// A poisoned lock still holds a whole state: the journal changes its memory after the disk has taken a record.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What instructions are, in short: SHA-256 of programs, accounts with their rights, and data, hexadecimal.
fn digest(instructions: &[Instruction]) -> String {
    let mut bytes = Vec::new();
    for instruction in instructions {
        bytes.extend(instruction.program_id.to_bytes());
        bytes.extend((instruction.accounts.len() as u64).to_le_bytes());
        for meta in &instruction.accounts {
            bytes.extend(meta.pubkey.to_bytes());
            bytes.extend([u8::from(meta.is_signer), u8::from(meta.is_writable)]);
        }
        bytes.extend((instruction.data.len() as u64).to_le_bytes());
        bytes.extend(&instruction.data);
    }
    let digest = solana_sha256_hasher::hash(&bytes);
    digest.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
