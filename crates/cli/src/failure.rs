//! Why a command did not do what it was asked for, and the exit code that says so.

use std::fmt::{Display, Formatter, Result};

use ballast_client::error::{Class, Failed};
use ballast_client::{ID, refusal};
use ballast_cluster::sending::{self, NotSent};
use ballast_cluster::text::{printable, printable_lines};

/// How many lines of a failed transaction's log are shown.
const SHOWN_LOGS: usize = 12;

/// A command's failure.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for makes no sense, or the user declined: exit code 2.
    Usage(String),
    /// The node did not answer, or answered nonsense: exit code 3.
    Rpc(anyhow::Error),
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
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Rpc(_) => 3,
            Self::Refused(refusal) if refusal.failed.class.is_risk() => 5,
            Self::Refused(_) | Self::NotInOrder(_) => 4,
            Self::ClosedPipe => 0,
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
        Self::Refused(Box::new(Refusal { failed, logs: failure.logs }))
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
        Self::Refused(Box::new(Refusal { failed, logs: Vec::new() }))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Usage(message) | Self::NotInOrder(message) => f.write_str(&printable_lines(message)),
            // What nodes and other programs say may hold anything.
            Self::Rpc(error) => f.write_str(&printable_lines(&format!("{error:#}"))),
            Self::Refused(refusal) => f.write_str(&printable_lines(&refusal.to_string())),
            Self::ClosedPipe => f.write_str("the output was closed"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.failed.fmt(f)?;
        if self.failed.ballast().is_some() {
            return Ok(());
        }
        // What another program says is often only in its logs.
        let hidden = self.logs.len().saturating_sub(SHOWN_LOGS);
        self.logs.iter().skip(hidden).try_for_each(|line| write!(f, "\n  {}", printable(line)))
    }
}
