//! Why a command did not do what it was asked for, and the exit code that says so.
//!
//! With JSON as the output a failure is JSON as well, in one line, the last on stderr: see [`Told`].

use std::fmt::{Display, Formatter, Result};

use ballast_client::error::{Class, Failed};
use ballast_client::{ID, Pubkey, refusal};
use ballast_cluster::fate::Undecided;
use ballast_cluster::sending::{self, NotSent};
use ballast_cluster::text::{printable, printable_lines};
use serde::Serialize;
use solana_transaction::Signature;

/// How many lines of a failed transaction's log are shown.
const SHOWN_LOGS: usize = 12;

/// A command's failure.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for makes no sense, or the user declined: exit code 2.
    Usage(String),
    /// The node did not answer, or answered nonsense: exit code 3.
    Rpc(anyhow::Error),
    /// A transaction was sent, and nobody can say what became of it: exit code 3.
    Undecided(Box<Undecided>),
    /// A transaction was sent and can never land any more: exit code 3.
    Expired {
        signature: Signature,
        /// The last block in which it could.
        last_valid_block_height: u64,
        /// Why the node did not take it, if it said so.
        why: Option<String>,
    },
    /// A transaction with a durable nonce was sent and is not there yet; it can land until the nonce is advanced: exit code 3.
    Lasting {
        signature: Signature,
        nonce: Pubkey,
        /// What the node said last, if it failed.
        why: Option<String>,
    },
    /// The transaction fails, or something that was checked is not in order: exit code 4; 5 where it is refused by risk.
    Refused(Box<Refusal>),
    /// Something that was looked at is not in order; the result says what: exit code 4.
    NotInOrder(String),
    /// Whoever read the output has gone: no failure, exit code 0.
    ClosedPipe,
}

/// What the cluster, or the program's own functions off-chain, say about a transaction that fails.
#[derive(Debug)]
pub struct Refusal {
    pub failed: Failed,
    pub logs: Vec<String>,
    /// The transaction, where one was sent: its fee is paid.
    pub signature: Option<Signature>,
}

/// A failure as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Of the program that refuses.
    pub code: Option<u32>,
    /// What that program calls it; `Usage`, `Node`, `Undecided`, `Expired` and `NotInOrder` are ours.
    pub name: String,
    /// Group of the error in a word.
    pub class: &'static str,
    /// The one that failed, where the logs say it.
    pub instruction: Option<String>,
    pub message: String,
    /// Of the transaction that was sent, in base 58.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The last block height at which it can land, or could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_valid_block_height: Option<u64>,
    /// Exit code.
    pub exit: u8,
}

impl Told {
    fn ours(name: &str, class: &'static str, failure: &Failure) -> Self {
        Self {
            code: None,
            name: name.to_owned(),
            class,
            instruction: None,
            message: failure.to_string(),
            signature: None,
            last_valid_block_height: None,
            exit: failure.code(),
        }
    }

    fn with(self, signature: &Signature, last: u64) -> Self {
        Self { signature: Some(signature.to_string()), last_valid_block_height: Some(last), ..self }
    }
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Rpc(_) | Self::Undecided(_) | Self::Expired { .. } | Self::Lasting { .. } => 3,
            Self::Refused(refusal) if refusal.failed.class.is_risk() => 5,
            Self::Refused(_) | Self::NotInOrder(_) => 4,
            Self::ClosedPipe => 0,
        }
    }

    /// For programs.
    pub fn told(&self) -> Told {
        match self {
            Self::Usage(_) => Told::ours("Usage", "usage", self),
            Self::Rpc(_) => Told::ours("Node", "rpc", self),
            Self::Undecided(undecided) => {
                let Undecided { signature, last_valid_block_height, .. } = &**undecided;
                Told::ours("Undecided", "rpc", self).with(signature, *last_valid_block_height)
            }
            Self::Expired { signature, last_valid_block_height, .. } => {
                Told::ours("Expired", "rpc", self).with(signature, *last_valid_block_height)
            }
            Self::Lasting { signature, .. } => {
                Told { signature: Some(signature.to_string()), ..Told::ours("Undecided", "rpc", self) }
            }
            Self::Refused(refusal) => {
                let Failed { code, name, class, instruction, .. } = &refusal.failed;
                let signature = refusal.signature.map(|signature| signature.to_string());
                let instruction = instruction.clone();
                Told { code: *code, instruction, signature, ..Told::ours(name, class.name(), self) }
            }
            Self::NotInOrder(_) => Told::ours("NotInOrder", "check", self),
            Self::ClosedPipe => Told::ours("ClosedPipe", "output", self),
        }
    }

    /// The same of a transaction that was sent.
    pub fn sent(self, signature: Signature) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(Box::new(Refusal { signature: Some(signature), ..*refusal })),
            other => other,
        }
    }

    /// The same with what it is about before its message.
    pub fn about(self, what: &str) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{what}: {message}")),
            Self::NotInOrder(message) => Self::NotInOrder(format!("{what}: {message}")),
            Self::Rpc(error) => Self::Rpc(error.context(what.to_owned())),
            Self::Refused(mut refusal) => {
                refusal.failed.message = format!("{what}: {}", refusal.failed.message);
                Self::Refused(refusal)
            }
            other => other,
        }
    }
}

/// What goes over the network fails there.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Rpc(error)
    }
}

impl From<NotSent> for Failure {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::Node(error) => Self::Rpc(error),
            NotSent::Refused(failure) => (*failure).into(),
            NotSent::Invalid(error) => Self::Usage(format!("{error:#}")),
        }
    }
}

impl From<sending::Failure> for Failure {
    fn from(failure: sending::Failure) -> Self {
        let failed = Failed::of(&failure.error, &failure.logs);
        Self::Refused(Box::new(Refusal { failed, logs: failure.logs, signature: None }))
    }
}

/// What the program's own functions refuse off-chain.
impl From<refusal::Refusal> for Failure {
    fn from(refusal: refusal::Refusal) -> Self {
        let refusal::Refusal { code, name, message } = refusal;
        let failed = Failed {
            index: None,
            instruction: None,
            program: Some(ID),
            name,
            code: Some(code),
            message,
            account: None,
            class: Class::of(code),
        };
        Self::Refused(Box::new(Refusal { failed, logs: Vec::new(), signature: None }))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Usage(message) | Self::NotInOrder(message) => f.write_str(&printable_lines(message)),
            // What nodes and other programs say may hold anything.
            Self::Rpc(error) => f.write_str(&printable_lines(&format!("{error:#}"))),
            Self::Undecided(undecided) => f.write_str(&printable_lines(&undecided.to_string())),
            Self::Expired { signature, last_valid_block_height, why } => {
                let what = format!("transaction {signature} did not land up to block height {last_valid_block_height}");
                write!(f, "{what} and never will; nothing has changed")?;
                why.iter().try_for_each(|why| write!(f, ": {}", printable_lines(why)))
            }
            Self::Lasting { signature, nonce, why } => {
                write!(
                    f,
                    "transaction {signature} has not landed yet, and can as long as nonce {nonce} is not advanced"
                )?;
                why.iter().try_for_each(|why| write!(f, ": {}", printable_lines(why)))
            }
            Self::Refused(refusal) => f.write_str(&printable_lines(&refusal.to_string())),
            Self::ClosedPipe => f.write_str("the output was closed"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(signature) = &self.signature {
            write!(f, "transaction {signature} failed: ")?;
        }
        self.failed.fmt(f)?;
        if self.failed.ballast().is_some() {
            return Ok(());
        }
        // What another program says is often only in its logs.
        let hidden = self.logs.len().saturating_sub(SHOWN_LOGS);
        self.logs.iter().skip(hidden).try_for_each(|line| write!(f, "\n  {}", printable(line)))
    }
}
