//! What the desk is asked to do, and what it answers.

use std::fmt;
use std::sync::Arc;

use ballast_client::transaction::Version;
use ballast_cluster::sending::{Failure, Included};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_transaction::Signature;

use crate::endpoints::Unready;
use crate::journal::{JournalError, Key};

/// What a transaction would do, and what it would cost.
pub struct Prospect<'a> {
    pub logs: &'a [String],
    /// Lamports, for the signature and for the place in the block.
    pub fee: u64,
}

/// Whether a transaction is still wanted, now that it is known what it would do. Asked about the simulation of every node.
///
/// # Errors
/// Why not.
pub type Judge = Arc<dyn Fn(&Prospect<'_>) -> Result<(), String> + Send + Sync>;

/// Something to be done once.
#[derive(Clone)]
pub struct Task {
    pub key: Key,
    /// For people.
    pub what: String,
    /// Signed and paid for by the desk's key.
    pub instructions: Vec<Instruction>,
    pub judge: Option<Judge>,
}

/// What a transaction needs beside its task.
#[derive(Clone, Debug, Default)]
pub struct Also {
    /// Sign after the desk's key: accounts that are created.
    pub signers: Vec<Arc<Keypair>>,
    /// `None`: the desk's.
    pub version: Option<Version>,
}

/// What became of a task.
#[derive(Debug)]
pub enum Outcome {
    Landed {
        signature: Signature,
        included: Included,
    },
    /// It is in a block, and the program refused it.
    Failed {
        signature: Signature,
        included: Included,
    },
    /// Nothing was signed.
    Refused(Refusal),
    /// It never landed and never will.
    Expired(Signature),
    /// An earlier transaction of the key may still land, or somebody is at it. Nothing was signed.
    Busy,
    /// Nobody can say at the moment. The key stays taken until somebody can, see [`super::Desk::settle`].
    Unknown(Signature),
}

impl Outcome {
    /// A short name, for labels and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Landed { .. } => "landed",
            Self::Failed { .. } => "failed",
            Self::Refused(_) => "refused",
            Self::Expired(_) => "expired",
            Self::Busy => "busy",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether it was wanted and is not done. What is not wanted at its price, or is being done already, has not failed.
    pub const fn is_failure(&self) -> bool {
        !matches!(self, Self::Landed { .. } | Self::Busy | Self::Refused(Refusal::Unwanted(_)))
    }
}

/// Why nothing was signed.
#[derive(Debug)]
pub enum Refusal {
    /// A former life may have transactions under way of which nothing is known. Nothing is signed before this block height.
    Sealed { until: Option<u64> },
    /// Fewer nodes can be relied on than are needed.
    Unready(Unready),
    /// It would fail.
    Simulation(Box<Failure>),
    /// The nodes do not agree whether it would fail.
    Disputed(String),
    /// Refreshes have cost so many lamports within the hour that this one would be above the most that they may.
    Means { spent: u64, most: u64 },
    /// The keeper is ending.
    Closed,
    /// It is not wanted any more.
    Unwanted(String),
    /// It cannot be written down.
    Journal(JournalError),
    /// It does not fit a transaction.
    Invalid(String),
}

impl Refusal {
    /// A short name, for labels and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sealed { .. } => "sealed",
            Self::Unready(_) => "unready",
            Self::Simulation(_) => "simulation",
            Self::Disputed(_) => "disputed",
            Self::Means { .. } => "means",
            Self::Closed => "closed",
            Self::Unwanted(_) => "unwanted",
            Self::Journal(_) => "journal",
            Self::Invalid(_) => "invalid",
        }
    }

    /// Whether the task itself is at fault, and not the moment: another try would end in the same way until the accounts change.
    pub const fn is_of_the_task(&self) -> bool {
        matches!(self, Self::Simulation(_) | Self::Invalid(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed { until: Some(height) } => {
                write!(
                    f,
                    "a former life may have transactions under way: nothing is signed until block height {height}"
                )
            }
            Self::Sealed { until: None } => {
                f.write_str("a former life may have transactions under way, and no node says where the cluster is")
            }
            Self::Unready(unready) => write!(f, "{unready}"),
            Self::Simulation(failure) => write!(f, "the transaction would fail: {failure}"),
            Self::Disputed(why) => write!(f, "the nodes do not agree: {why}"),
            Self::Means { spent, most } => write!(
                f,
                "refreshes have cost {spent} lamports within the hour, and prices.most_lamports_per_hour is {most}"
            ),
            Self::Closed => f.write_str("the keeper is ending"),
            Self::Unwanted(why) | Self::Invalid(why) => f.write_str(why),
            Self::Journal(error) => write!(f, "{error}"),
        }
    }
}
