//! What becomes of a transaction: handed to the node again and again until it has landed or never can.

use std::time::{Duration, Instant};

use anyhow::Context;
use solana_transaction::{Signature, TransactionError};

use crate::connection::{Connection, Receipt};
use crate::sending::{Failure, Signed};

/// Pause between two looks at a transaction's status.
const POLL: Duration = Duration::from_millis(400);
/// A transaction is handed to the node again after so many looks.
const REPEAT_AFTER: u32 = 5;
/// Blocks that are waited for after the last in which a transaction can land, before it is given up: behind one address
/// there may be nodes of which one knows the height and another, a little behind, is asked for the status.
const MARGIN: u64 = 32;
/// How often the logs of a transaction that has landed are asked for: a node may know its status first.
const LOG_ATTEMPTS: u32 = 3;

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum Fate {
    Landed(Receipt),
    Failed(Failure),
    /// It never landed and never will. Why the node did not take it when it was last handed over, if it did not.
    Expired(Option<String>),
}

/// Nobody could say what became of a transaction: it may have landed, and may still do so.
#[derive(Debug)]
pub struct Undecided {
    pub signature: Signature,
    /// It can land up to this block.
    pub last_valid_block_height: u64,
    /// What the node said last.
    pub error: anyhow::Error,
}

impl std::fmt::Display for Undecided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { signature, last_valid_block_height, error } = self;
        write!(
            f,
            "nobody can say what became of transaction {signature}, which can land up to block height \
             {last_valid_block_height}; look for it before you send anything again: {error:#}"
        )
    }
}

impl std::error::Error for Undecided {}

impl Connection {
    /// What became of a transaction, if that is decided.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn fate(&self, signed: &Signed) -> anyhow::Result<Option<Fate>> {
        // Before the status: what is unknown after its last block stays unknown.
        let commitment = self.landing();
        let height = self.client().get_block_height_with_commitment(commitment).await.context("no block height")?;
        let signature = signed.signature();
        let statuses = self.client().get_signature_statuses(&[signature]).await.context("no status")?.value;
        let mut status = statuses.into_iter().next().flatten();
        let over = height > signed.last_valid_block_height.saturating_add(MARGIN);
        if status.is_none() && over {
            let old = self.client().get_signature_statuses_with_history(&[signature]).await;
            status = old.context("no status in the history")?.value.into_iter().next().flatten();
        }
        match status {
            Some(status) if status.satisfies_commitment(commitment) => {
                Ok(Some(self.landed(&signature, status.err).await))
            }
            Some(_) => Ok(None),
            None => Ok(over.then_some(Fate::Expired(None))),
        }
    }

    /// The fate of what is in a block. A node need not keep logs.
    async fn landed(&self, signature: &Signature, error: Option<TransactionError>) -> Fate {
        let mut logs = Vec::new();
        for attempt in 1..=LOG_ATTEMPTS {
            if let Ok((found, _)) = self.outcome(signature).await {
                logs = found;
                break;
            }
            if attempt < LOG_ATTEMPTS {
                tokio::time::sleep(POLL).await;
            }
        }
        match error {
            None => Fate::Landed(Receipt { logs }),
            Some(error) => Fate::Failed(Failure { error, logs }),
        }
    }

    /// Sends a transaction, again and again, until its fate is decided. It is never signed anew. A node that fails is asked
    /// again, until it has failed for as long as `patience` without a break.
    ///
    /// # Errors
    /// [`Undecided`] when the node fails for so long.
    pub async fn carry_through(&self, signed: &Signed, patience: Duration) -> Result<Fate, Undecided> {
        let mut answered = Instant::now();
        let mut looks = 0u32;
        let mut refused = Some(String::new());
        loop {
            if refused.is_some() || looks.is_multiple_of(REPEAT_AFTER) {
                refused = self.submit(signed).await.err().map(|error| format!("{error:#}"));
            }
            match self.fate(signed).await {
                Ok(Some(Fate::Expired(_))) => return Ok(Fate::Expired(refused)),
                Ok(Some(fate)) => return Ok(fate),
                Ok(None) => answered = Instant::now(),
                Err(error) if answered.elapsed() >= patience => {
                    let Signed { last_valid_block_height, .. } = *signed;
                    return Err(Undecided { signature: signed.signature(), last_valid_block_height, error });
                }
                Err(_) => {}
            }
            looks = looks.wrapping_add(1);
            tokio::time::sleep(POLL).await;
        }
    }
}
