//! Why a command did not do what it was asked for, and the exit code that says so.

use std::fmt::{Display, Formatter, Result};

use ballast_cluster::sending::{self, NotSent};

/// Errors of the program from here on and below [`RISK_END`] are refusals by risk: prices and margin (6300), liquidity and
/// caps (6400).
const RISK_BEGIN: u32 = 6_300;
/// See [`RISK_BEGIN`].
const RISK_END: u32 = 6_500;
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
    Refused(Refusal),
    /// Whoever read the output has gone: no failure, exit code 0.
    ClosedPipe,
}

/// What the cluster says about a transaction that fails.
#[derive(Debug)]
pub struct Refusal {
    /// Code, name and message of the program's error.
    pub error: Option<(u32, String, String)>,
    /// What the runtime calls it.
    pub runtime: String,
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
            Self::Refused(refusal) if refusal.by_risk() => 5,
            Self::Refused(_) => 4,
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
        let error = failure.logs.iter().rev().find_map(|line| program_error(line));
        Self::Refused(Refusal { error, runtime: failure.error.to_string(), logs: failure.logs })
    }
}

/// What the program's own functions refuse off-chain.
impl From<ballast_client::refusal::Refusal> for Failure {
    fn from(refusal: ballast_client::refusal::Refusal) -> Self {
        let ballast_client::refusal::Refusal { code, name, message } = refusal;
        let runtime = message.clone();
        Self::Refused(Refusal { error: Some((code, name, message)), runtime, logs: vec![] })
    }
}

impl Refusal {
    const fn by_risk(&self) -> bool {
        matches!(self.error, Some((code, ..)) if code >= RISK_BEGIN && code < RISK_END)
    }
}

/// Reads `.. Error Code: NAME. Error Number: 6301. Error Message: TEXT.`, which the program prints when it refuses.
fn program_error(line: &str) -> Option<(u32, String, String)> {
    let (_, rest) = line.split_once("Error Code: ")?;
    let (name, rest) = rest.split_once(". Error Number: ")?;
    let (number, message) = rest.split_once(". Error Message: ")?;
    Some((number.parse().ok()?, name.to_owned(), message.trim_end_matches('.').to_owned()))
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Rpc(error) => write!(f, "{error:#}"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::ClosedPipe => f.write_str("the output was closed"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some((code, name, message)) = &self.error {
            return write!(f, "{message} ({name}, {code})");
        }
        f.write_str(&self.runtime)?;
        let hidden = self.logs.len().saturating_sub(SHOWN_LOGS);
        self.logs.iter().skip(hidden).try_for_each(|line| write!(f, "\n  {line}"))
    }
}
