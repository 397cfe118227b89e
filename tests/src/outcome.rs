//! What became of a transaction: its receipt, or the named reason why it was refused.

use std::fmt;

use anchor_lang::error::ErrorCode;
use anchor_lang::{AnchorDeserialize, Discriminator};
use ballast_client::event::{PriceRefreshed, PriceWithheld};
use ballast_client::{BallastError, Doubt, ID, Pubkey, token};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use litesvm::types::TransactionMetadata;
use solana_instruction::error::InstructionError;
use solana_transaction::TransactionError;

use crate::errors;

/// A transaction that succeeded.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub compute_units: u64,
    pub logs: Vec<String>,
    pub return_data: Vec<u8>,
    /// Size on the wire of the legacy transaction.
    pub bytes: usize,
    /// Accounts that the transaction names.
    pub accounts: usize,
}

/// A transaction that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub fault: Fault,
    pub compute_units: u64,
    pub logs: Vec<String>,
    /// Accounts that differ from before, apart from the fee. Always empty on this network; tests check it.
    pub changed: Vec<Pubkey>,
}

pub type Outcome = Result<Receipt, Refusal>;

impl Receipt {
    pub(crate) fn new(meta: TransactionMetadata, bytes: usize, accounts: usize) -> Self {
        let TransactionMetadata { logs, compute_units_consumed: compute_units, return_data, .. } = meta;
        Self { compute_units, logs, return_data: return_data.data, bytes, accounts }
    }

    /// All events of a type, in order.
    pub fn events<E: AnchorDeserialize + Discriminator>(&self) -> Vec<E> {
        let data = self.logs.iter().filter_map(|line| line.strip_prefix("Program data: "));
        data.filter_map(|text| {
            let bytes = BASE64_STANDARD.decode(text).expect("base64 in the log");
            let body = bytes.strip_prefix(E::DISCRIMINATOR)?;
            Some(E::try_from_slice(body).expect("the event's own layout"))
        })
        .collect()
    }

    /// The only event of a type.
    pub fn event<E: AnchorDeserialize + Discriminator>(&self) -> E {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "exactly one event of this type in {:#?}", self.logs);
        events.remove(0)
    }
}

/// Why a transaction was refused, and by whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// By the program.
    Ballast(u32),
    /// By the framework inside the program.
    Framework(u32),
    /// By a token program.
    Token(u32),
    /// By the system program.
    System(u32),
    /// By the runtime, for a reason of an instruction.
    Runtime(&'static str),
    /// Before any instruction ran.
    Transaction(&'static str),
}

/// Codes of the token programs that the tests meet.
pub mod token_fault {
    use super::Fault;

    pub const INSUFFICIENT_FUNDS: Fault = Fault::Token(1);
    pub const MINT_MISMATCH: Fault = Fault::Token(3);
    pub const OWNER_MISMATCH: Fault = Fault::Token(4);
    pub const ACCOUNT_FROZEN: Fault = Fault::Token(17);
}

impl Fault {
    pub(crate) fn of(error: &TransactionError, logs: &[String]) -> Self {
        let TransactionError::InstructionError(_, error) = error else {
            return Self::Transaction(leaked(error));
        };
        let InstructionError::Custom(code) = *error else { return Self::Runtime(leaked(error)) };
        // The innermost program fails first.
        let failed = logs.iter().find_map(|line| line.strip_prefix("Program ")?.split_once(" failed:"));
        let program = failed.and_then(|(program, _)| program.parse::<Pubkey>().ok()).expect("a program that failed");
        if program == ID {
            if code >= 6_000 { Self::Ballast(code) } else { Self::Framework(code) }
        } else if program == token::SPL_TOKEN || program == token::TOKEN_2022 {
            Self::Token(code)
        } else {
            Self::System(code)
        }
    }
}

/// Names are compared as text; a test process ends soon after it leaked one.
fn leaked(error: &impl fmt::Debug) -> &'static str {
    Box::leak(format!("{error:?}").into_boxed_str())
}

impl From<BallastError> for Fault {
    fn from(error: BallastError) -> Self {
        Self::Ballast(error.into())
    }
}

impl From<ErrorCode> for Fault {
    fn from(error: ErrorCode) -> Self {
        Self::Framework(error.into())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ballast(code) => match errors::by_code(*code) {
                Some(error) => f.write_str(&error.name()),
                None => write!(f, "Ballast({code})"),
            },
            Self::Framework(code) => write!(f, "Framework({code})"),
            Self::Token(code) => write!(f, "Token({code})"),
            Self::System(code) => write!(f, "System({code})"),
            Self::Runtime(name) => write!(f, "Runtime({name})"),
            Self::Transaction(name) => write!(f, "Transaction({name})"),
        }
    }
}

/// Checks that a refresh of one asset did not believe the new price, and withholds the one before.
#[track_caller]
pub fn expect_withheld(outcome: Outcome, expected: Doubt) -> Receipt {
    let receipt = outcome.expect("a doubt is no error");
    assert_eq!(receipt.event::<PriceWithheld>().doubt, expected);
    assert!(receipt.events::<PriceRefreshed>().is_empty());
    receipt
}

/// Checks that something was refused for the expected reason and changed nothing.
#[track_caller]
pub fn expect_refusal(outcome: Outcome, expected: impl Into<Fault>) -> Refusal {
    let expected = expected.into();
    match outcome {
        Ok(receipt) => panic!("accepted instead of {expected:?}: {:#?}", receipt.logs),
        Err(refusal) => {
            assert_eq!(refusal.fault, expected, "{:#?}", refusal.logs);
            assert_eq!(refusal.changed, [], "a refused transaction changed accounts");
            refusal
        }
    }
}
