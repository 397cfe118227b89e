//! Bytes of messages and transactions of every version. What is read has to be written again to the very same bytes, so
//! that nothing is overlooked between the fields, or behind them.

use ballast_client::Pubkey;
pub use ballast_client::decode::Named;
use base64::Engine;
use solana_message::VersionedMessage;
use solana_transaction::Signature;
use solana_transaction::versioned::VersionedTransaction;

/// What the bytes are.
pub struct Parsed {
    pub message: VersionedMessage,
    /// In the order of the signers; none for a message.
    pub signatures: Vec<Signature>,
    /// `message` or `transaction`.
    pub form: &'static str,
}

/// An instruction with its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub program: Pubkey,
    pub accounts: Vec<Named>,
    pub data: Vec<u8>,
}

/// Reads a message, or a transaction signed or not.
///
/// # Errors
/// What is wrong with the text, for people.
pub fn parse(text: &str) -> Result<Parsed, String> {
    let compact: String = text.split_whitespace().collect();
    let bytes =
        base64::prelude::BASE64_STANDARD.decode(compact).map_err(|error| format!("this is not base64: {error}"))?;
    let message = wincode::deserialize::<VersionedMessage>(&bytes).ok();
    let message = message.filter(|message| message.serialize() == bytes && message.sanitize().is_ok());
    let transaction = wincode::deserialize::<VersionedTransaction>(&bytes).ok().filter(|transaction| {
        wincode::serialize(transaction).is_ok_and(|written| written == bytes) && transaction.sanitize().is_ok()
    });
    match (message, transaction) {
        (Some(message), None) => Ok(Parsed { message, signatures: vec![], form: "message" }),
        (None, Some(VersionedTransaction { signatures, message })) => {
            Ok(Parsed { message, signatures, form: "transaction" })
        }
        (Some(_), Some(_)) => Err("the bytes can be read as a message and as a transaction; trust neither".to_owned()),
        (None, None) => Err(format!("these {} bytes are neither a message nor a transaction", bytes.len())),
    }
}

impl Parsed {
    /// `legacy`, `0` or `1`.
    pub const fn version(&self) -> &'static str {
        match self.message {
            VersionedMessage::Legacy(_) => "legacy",
            VersionedMessage::V0(_) => "0",
            VersionedMessage::V1(_) => "1",
        }
    }

    /// Who signs, the fee payer first.
    pub fn signers(&self) -> &[Pubkey] {
        let count = usize::from(self.message.header().num_required_signatures);
        self.message.static_account_keys().get(..count).unwrap_or_default()
    }

    /// Addresses of the tables that the message takes accounts from.
    pub fn tables(&self) -> Vec<Pubkey> {
        let lookups = self.message.address_table_lookups().unwrap_or_default();
        lookups.iter().map(|lookup| lookup.account_key).collect()
    }

    /// All accounts: those in the message, then the writable ones of tables, then the others. `tables` has the addresses
    /// of each table, in order; `None` for one that is unknown.
    fn accounts(&self, tables: &[Option<Vec<Pubkey>>]) -> Vec<Option<Named>> {
        let header = self.message.header();
        let keys = self.message.static_account_keys();
        let signed = usize::from(header.num_required_signatures);
        let writable_signed = signed.saturating_sub(header.num_readonly_signed_accounts.into());
        let writable = keys.len().saturating_sub(header.num_readonly_unsigned_accounts.into());
        let own = keys.iter().enumerate().map(|(at, address)| {
            let signer = at < signed;
            let writable = if signer { at < writable_signed } else { at < writable };
            Some(Named { address: *address, signer, writable })
        });
        let lookups = self.message.address_table_lookups().unwrap_or_default();
        let looked_up = |writable: bool| {
            lookups.iter().zip(tables).flat_map(move |(lookup, table)| {
                let indexes = if writable { &lookup.writable_indexes } else { &lookup.readonly_indexes };
                indexes.iter().map(move |at| {
                    let address = *table.as_ref()?.get(usize::from(*at))?;
                    Some(Named { address, signer: false, writable })
                })
            })
        };
        own.chain(looked_up(true)).chain(looked_up(false)).collect()
    }

    /// The instructions; `None` for one with an account that is unknown.
    pub fn steps(&self, tables: &[Option<Vec<Pubkey>>]) -> Vec<Option<Step>> {
        let all = self.accounts(tables);
        let named = |at: &u8| all.get(usize::from(*at)).copied().flatten();
        let step = |instruction: &solana_message::compiled_instruction::CompiledInstruction| {
            let program = named(&instruction.program_id_index)?.address;
            let accounts = instruction.accounts.iter().map(named).collect::<Option<_>>()?;
            Some(Step { program, accounts, data: instruction.data.clone() })
        };
        self.message.instructions().iter().map(step).collect()
    }
}

/// The program that owns lookup tables.
const TABLES: Pubkey = Pubkey::from_str_const("AddressLookupTab1e1111111111111111111111111");

/// The addresses in the bytes of a lookup table; `None` for an account that is none.
pub fn table(owner: &Pubkey, data: &[u8]) -> Option<Vec<Pubkey>> {
    if *owner != TABLES {
        return None;
    }
    // A head of 56 bytes: the kind, when it was closed and extended, its authority.
    let (head, addresses) = data.split_at_checked(56)?;
    let kind = head.first_chunk().copied().map(u32::from_le_bytes)?;
    if kind != 1 || !addresses.len().is_multiple_of(32) {
        return None;
    }
    Some(addresses.chunks_exact(32).filter_map(|bytes| Pubkey::try_from(bytes).ok()).collect())
}
