//! Transactions of every version, from instructions to bytes.
//!
//! Version 0 is what to use by default. Legacy is for wallets that know nothing else; version 1 (up to 4,096 bytes, no lookup
//! tables, its budget in the message) is opt-in, because readers have to ask for it.

use anchor_lang::solana_program::instruction::Instruction;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_message::v1::{self, TransactionConfig};
use solana_message::{AddressLookupTableAccount, Hash, VersionedMessage, legacy, v0};

use crate::Pubkey;

/// Most accounts of a transaction of any version.
pub const MAX_ACCOUNTS: usize = 64;
/// Bytes of accounts that a transaction may load: what the other versions may without asking. Version 1 has to ask.
const LOADED_BYTES: u32 = 64 << 20;
/// Bytes of a signature.
const SIGNATURE: usize = 64;

/// Version of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    Legacy,
    #[default]
    V0,
    V1,
}

impl Version {
    /// Most bytes of a transaction, signatures included.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Legacy | Self::V0 => 1_232,
            Self::V1 => v1::MAX_TRANSACTION_SIZE,
        }
    }
}

/// What a transaction may use and pays for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Compute units.
    pub units: u32,
    /// Micro-lamports for a unit.
    pub price: u64,
}

impl Budget {
    /// The priority fee in lamports, rounded up as the cluster does.
    pub const fn priority_fee_ceil(self) -> u64 {
        let micro = self.units as u128 * self.price as u128;
        let fee = micro.div_ceil(1_000_000);
        if fee > u64::MAX as u128 { u64::MAX } else { fee as u64 }
    }
}

/// Why instructions do not fit a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// More bytes than the version allows.
    TooLarge { bytes: usize, most: usize },
    /// More accounts than a transaction may lock.
    TooManyAccounts(usize),
    /// What the message library says.
    Invalid(String),
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { bytes, most } => write!(f, "the transaction has {bytes} bytes, {most} are allowed"),
            Self::TooManyAccounts(count) => {
                write!(f, "the transaction names {count} accounts, {MAX_ACCOUNTS} are allowed")
            }
            Self::Invalid(why) => write!(f, "the transaction cannot be made: {why}"),
        }
    }
}

impl std::error::Error for CompileError {}

/// The message of a transaction. `payer` pays for it and signs first; `tables` shorten version 0 and are left out elsewhere;
/// without a `budget` the cluster's defaults hold (version 1 has none: it runs nothing then).
///
/// # Errors
/// [`CompileError`].
pub fn compile(
    version: Version,
    payer: &Pubkey,
    instructions: &[Instruction],
    budget: Option<Budget>,
    tables: &[AddressLookupTableAccount],
    blockhash: Hash,
) -> Result<VersionedMessage, CompileError> {
    let invalid = |error: &dyn std::fmt::Display| CompileError::Invalid(error.to_string());
    let message = match version {
        Version::Legacy => {
            let all = with_budget(instructions, budget);
            VersionedMessage::Legacy(legacy::Message::new_with_blockhash(&all, Some(payer), &blockhash))
        }
        Version::V0 => {
            let all = with_budget(instructions, budget);
            let message = v0::Message::try_compile(payer, &all, tables, blockhash).map_err(|error| invalid(&error))?;
            VersionedMessage::V0(message)
        }
        Version::V1 => {
            let config = budget.map_or(TransactionConfig::empty(), |budget| {
                let config = TransactionConfig::empty().with_compute_unit_limit(budget.units);
                let config = config.with_priority_fee(budget.priority_fee_ceil());
                config.with_loaded_accounts_data_size_limit(LOADED_BYTES)
            });
            let message = v1::Message::try_compile_with_config(payer, instructions, blockhash, config);
            VersionedMessage::V1(message.map_err(|error| invalid(&error))?)
        }
    };
    check(version, &message)?;
    Ok(message)
}

/// Bytes of the signed transaction.
pub fn transaction_bytes(message: &VersionedMessage) -> usize {
    let signatures = usize::from(message.header().num_required_signatures);
    // In front of the signatures stands their number in one byte; version 1 has it in the message.
    let length = usize::from(!matches!(message, VersionedMessage::V1(_)));
    length + signatures * SIGNATURE + message.serialize().len()
}

fn check(version: Version, message: &VersionedMessage) -> Result<(), CompileError> {
    let looked_up = message.address_table_lookups().unwrap_or_default().iter();
    let looked_up: usize = looked_up.map(|table| table.writable_indexes.len() + table.readonly_indexes.len()).sum();
    let accounts = message.static_account_keys().len() + looked_up;
    if accounts > MAX_ACCOUNTS {
        return Err(CompileError::TooManyAccounts(accounts));
    }
    let (bytes, most) = (transaction_bytes(message), version.max_bytes());
    if bytes > most { Err(CompileError::TooLarge { bytes, most }) } else { Ok(()) }
}

fn with_budget(instructions: &[Instruction], budget: Option<Budget>) -> Vec<Instruction> {
    let budget = budget.into_iter().flat_map(|Budget { units, price }| {
        [
            ComputeBudgetInstruction::set_compute_unit_limit(units),
            ComputeBudgetInstruction::set_compute_unit_price(price),
        ]
    });
    budget.chain(instructions.iter().cloned()).collect()
}
