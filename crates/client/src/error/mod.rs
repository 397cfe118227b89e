//! What happened, in words: from a failed transaction, or a line of its logs, to the instruction, the program, the error and
//! what to do about it.
//!
//! A code alone says little: a token program that is called by an instruction of ours numbers its errors as well. Which
//! program failed stands in the logs, so they are read first; without them the ranges of the codes have to do.

mod codes;
mod logged;

use std::fmt;

use anchor_lang::solana_program::instruction::error::InstructionError;
use ballast::ID;
use solana_transaction::TransactionError;

use crate::token::{ASSOCIATED_TOKEN, SPL_TOKEN, TOKEN_2022};
use crate::{BallastError, Doubt, Pubkey};

pub use codes::ALL;
pub use logged::{Logged, logged};

/// The group of an error, by the range of its code: 6000, 6100 and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// What was asked for makes no sense, or the accounts are not the right ones.
    Input,
    /// The signer may not do it.
    Authority,
    /// A price update is not acceptable.
    Oracle,
    /// The vault's margin, or a price that its check needs.
    Risk,
    /// What the pool holds and the limits of the market.
    Liquidity,
    /// What governance may do, and when.
    Governance,
    /// Not in this state of the vault, or of the transaction.
    State,
    /// A bug of ours. Nothing was changed.
    Bug,
    /// Not the program's: the runtime, a token program, the network.
    Foreign,
}

impl Class {
    /// The group of a code of the program or of its framework.
    pub const fn of(code: u32) -> Self {
        match code {
            100..6_100 => Self::Input,
            6_100..6_200 => Self::Authority,
            6_200..6_300 => Self::Oracle,
            6_300..6_400 => Self::Risk,
            6_400..6_500 => Self::Liquidity,
            6_500..6_600 => Self::Governance,
            6_600..6_700 => Self::State,
            6_900..7_000 => Self::Bug,
            _ => Self::Foreign,
        }
    }

    /// One lower-case word, as it stands in JSON and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Authority => "authority",
            Self::Oracle => "oracle",
            Self::Risk => "risk",
            Self::Liquidity => "liquidity",
            Self::Governance => "governance",
            Self::State => "state",
            Self::Bug => "bug",
            Self::Foreign => "foreign",
        }
    }

    /// Whether the market's rules about risk refuse: margin, prices that it needs, caps and liquidity.
    pub const fn is_risk(self) -> bool {
        matches!(self, Self::Risk | Self::Liquidity)
    }
}

/// What would have to change before the same instructions could succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// The request itself.
    Change,
    /// Prices: refresh them, in the same transaction or before it.
    Refresh,
    /// What is on chain: somebody was faster, or a value moved. Read it again and decide anew.
    Read,
    /// Time has to pass, or somebody else to act.
    Wait,
    /// The transaction never ran: sign it with a new blockhash, or with another budget.
    Resign,
}

/// A failed transaction in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Index of the instruction in the transaction; `None` when none ran.
    pub index: Option<u8>,
    /// Its name, if the logs say it: `borrow`.
    pub instruction: Option<String>,
    /// The program that failed, which the instruction may have called.
    pub program: Option<Pubkey>,
    /// What that program calls it: `BelowInitMargin`.
    pub name: String,
    pub code: Option<u32>,
    /// What happened and what to do about it, without a full stop.
    pub message: String,
    /// The account that an error of the framework is about: `vault`.
    pub account: Option<String>,
    pub class: Class,
}

impl Failed {
    /// Reads the error of a transaction with its logs, which may be empty or cut off.
    pub fn of(error: &TransactionError, logs: &[String]) -> Self {
        let TransactionError::InstructionError(index, error) = error else { return Self::before(error) };
        let found = logged::failing(logs);
        let instruction = found.as_ref().and_then(|found| found.instruction.clone());
        let found = found.map(|found| found.program);
        let base = Self {
            index: Some(*index),
            instruction,
            program: found,
            name: String::new(),
            code: None,
            message: String::new(),
            account: None,
            class: Class::Foreign,
        };
        match error {
            InstructionError::Custom(code) => base.custom(*code, logs),
            other => base.by_runtime(other),
        }
    }

    /// An error with a code: the program's own, the framework's, or that of a program that was called.
    fn custom(self, code: u32, logs: &[String]) -> Self {
        // Without logs: nothing of ours is numbered below 100, and nobody who is called is numbered as we are.
        let program = self.program.or((code >= 6_000).then_some(ID));
        let said = logs.iter().filter_map(|line| logged(line)).find(|said| said.code == code);
        let (name, message) = codes::words(program, code, said.as_ref());
        let class = if program == Some(ID) { Class::of(code) } else { Class::Foreign };
        let account = said.and_then(|said| said.account).filter(|_| program == Some(ID));
        Self { program, name, code: Some(code), message, account, class, ..self }
    }

    fn by_runtime(self, error: &InstructionError) -> Self {
        let class = match error {
            InstructionError::MissingRequiredSignature => Class::Authority,
            _ => Class::Foreign,
        };
        let message = match error {
            InstructionError::MissingRequiredSignature => "a signature is missing".to_owned(),
            InstructionError::ComputationalBudgetExceeded => {
                "the compute budget is spent; ask for more units, or put less into the transaction".to_owned()
            }
            other => other.to_string(),
        };
        Self { name: variant(error), message, class, ..self }
    }

    /// What failed before any instruction ran.
    fn before(error: &TransactionError) -> Self {
        let message = match error {
            TransactionError::AccountNotFound => "the account that pays the fee does not exist; it needs lamports",
            TransactionError::InsufficientFundsForFee => "the account that pays cannot pay the fee",
            TransactionError::InsufficientFundsForRent { .. } => {
                "an account would be left with fewer lamports than its rent asks for"
            }
            TransactionError::BlockhashNotFound => "the blockhash is unknown or too old; sign again with a new one",
            TransactionError::AlreadyProcessed => "the transaction has been processed already",
            TransactionError::SignatureFailure => "a signature is missing or wrong",
            other => return Self::unsaid(variant(other), other.to_string()),
        };
        Self::unsaid(variant(error), message.to_owned())
    }

    fn unsaid(name: String, message: String) -> Self {
        Self {
            index: None,
            instruction: None,
            program: None,
            name,
            code: None,
            message,
            account: None,
            class: Class::Foreign,
        }
    }

    /// The program's own error, if it is one.
    pub fn ballast(&self) -> Option<BallastError> {
        by_code(self.code.filter(|_| self.program == Some(ID))?)
    }

    /// What would have to change.
    pub fn remedy(&self) -> Remedy {
        match (self.ballast(), self.name.as_str()) {
            (Some(error), _) => remedy(error),
            (None, "BlockhashNotFound" | "ComputationalBudgetExceeded") if self.code.is_none() => Remedy::Resign,
            (None, "AccountInUse" | "AlreadyProcessed" | "WouldExceedMaxBlockCostLimit") => Remedy::Wait,
            _ => Remedy::Change,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.instruction, self.index) {
            (Some(name), _) => write!(f, "{name}: ")?,
            (None, Some(index)) => write!(f, "instruction {}: ", u16::from(index).saturating_add(1))?,
            (None, None) => {}
        }
        f.write_str(&self.message)?;
        if let Some(account) = &self.account {
            write!(f, ", account `{account}`")?;
        }
        let by = self.program.filter(|program| *program != ID).map(|program| program_name(&program));
        match (self.code, by) {
            (Some(code), Some(by)) => write!(f, " ({}, {code} of {by})", self.name),
            (Some(code), None) => write!(f, " ({}, {code})", self.name),
            (None, _) => write!(f, " ({})", self.name),
        }
    }
}

impl std::error::Error for Failed {}

/// The error of a code of the program.
pub fn by_code(code: u32) -> Option<BallastError> {
    ALL.into_iter().find(|error| u32::from(*error) == code)
}

/// What would have to change before something that the program refused could succeed.
pub fn remedy(error: BallastError) -> Remedy {
    use BallastError as B;
    match error {
        B::PriceTooOld | B::PriceUnusable | B::BasePriceUnusable | B::StakePoolNotUpdated => Remedy::Refresh,
        B::VaultHealthy
        | B::LiquidationTooSmall
        | B::NoDebt
        | B::NoDeposit
        | B::CollateralLeft
        | B::PriceOlderThanStored
        | B::ValueChanged
        | B::DraftChanged
        | B::SeizedTooMuch
        | B::LiquidatedTooFar
        | B::VaultWorse
        | B::NoCandidate => Remedy::Read,
        B::NotEnoughCash
        | B::OutflowLimitExceeded
        | B::TokenHalted
        | B::Paused
        | B::ChangeNotDue
        | B::ModelChanging
        | B::PauseBudgetSpent
        | B::StewardTooSoon
        | B::RampRunning
        | B::PriceNotTrading
        | B::TooFewSamples
        | B::ConfidenceTooWide
        | B::PriceFromFuture
        | B::ObservedAlready
        | B::MarketNotOpen => Remedy::Wait,
        B::DeadlinePassed => Remedy::Resign,
        _ => Remedy::Change,
    }
}

/// Why a price that was published is not believed, in words.
pub const fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Confidence => "its confidence interval is too wide",
        Doubt::Band => "it lies outside of the band of the asset",
        Doubt::Base => "the price that it is derived from is itself withheld",
        Doubt::Disagreement => "the two sources differ by too much",
    }
}

/// The name of a program that people know, or its address.
pub fn program_name(program: &Pubkey) -> String {
    let known = [
        (ID, "Ballast"),
        (SPL_TOKEN, "SPL Token"),
        (TOKEN_2022, "Token-2022"),
        (ASSOCIATED_TOKEN, "Associated Token"),
        (anchor_lang::system_program::ID, "System Program"),
        (COMPUTE_BUDGET, "Compute Budget"),
    ];
    let found = known.iter().find(|(address, _)| address == program);
    found.map_or_else(|| program.to_string(), |(_, name)| (*name).to_owned())
}

/// The compute budget program.
pub const COMPUTE_BUDGET: Pubkey = Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");

/// The name of a variant without what it contains.
fn variant(error: &impl fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
