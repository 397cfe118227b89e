//! Multi-signatures of Squads v4: what a member's key really signs is an instruction of that program, with the message to
//! be run on behalf of a vault inside it, or in an account that it names.
//!
//! Read as the program's published source has it: `vault_transaction_create`, `proposal_create`, the votes, and
//! `vault_transaction_execute`. Everything else stays foreign, and so does every byte that is not accounted for.

use ballast_client::Pubkey;
use serde_json::{Value, json};
use solana_message::compiled_instruction::CompiledInstruction;
use solana_message::v0::{Message, MessageAddressTableLookup};
use solana_message::{Hash, MessageHeader, VersionedMessage};

use super::wire::{Named, Parsed, Step};

/// The program.
pub const ID: Pubkey = Pubkey::from_str_const("SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf");
/// First bytes of its instructions.
const TRANSACTION_CREATE: [u8; 8] = [48, 250, 78, 168, 208, 226, 218, 211];
const PROPOSAL_CREATE: [u8; 8] = [220, 60, 73, 224, 30, 108, 79, 159];
const EXECUTE: [u8; 8] = [194, 8, 161, 87, 153, 164, 25, 171];
const VOTES: [([u8; 8], &str); 3] = [
    ([144, 37, 164, 136, 188, 216, 42, 248], "proposal_approve"),
    ([243, 62, 134, 156, 230, 106, 246, 135], "proposal_reject"),
    ([27, 42, 127, 237, 38, 163, 84, 203], "proposal_cancel"),
];
/// First bytes of its accounts.
const PROPOSAL: [u8; 8] = [26, 94, 189, 187, 116, 136, 53, 33];
const TRANSACTION: [u8; 8] = [168, 250, 162, 100, 81, 14, 162, 207];

/// An instruction of a multi-signature.
pub enum Act {
    /// Puts a message into an account, to be voted on.
    Create { transaction: Pubkey, memo: Option<String>, inside: Box<Inside> },
    /// Opens the vote on the message of this number.
    Propose { multisig: Pubkey, proposal: Pubkey, index: u64, draft: bool },
    /// A member votes.
    Vote { name: &'static str, multisig: Pubkey, proposal: Pubkey, memo: Option<String> },
    /// Runs what was approved.
    Execute { multisig: Pubkey, proposal: Pubkey, transaction: Pubkey },
}

/// A message, and the vault that signs it.
pub struct Inside {
    pub multisig: Pubkey,
    pub vault: Pubkey,
    pub vault_index: u8,
    /// Further addresses that the program signs for.
    pub ephemeral_signers: usize,
    pub message: Parsed,
}

impl Act {
    /// `None` for an instruction that is not read here, or not to its last byte and account.
    pub fn of(step: &Step) -> Option<Self> {
        let (head, body) = step.data.split_first_chunk()?;
        let mut rest = Reader { rest: body };
        let named = Named { address: Pubkey::default(), signer: false, writable: false };
        let account = |at: usize| step.accounts.get(at).copied().unwrap_or(named);
        let multisig = account(0).address;
        let act = match *head {
            TRANSACTION_CREATE if step.accounts.len() == 5 && account(2).signer => {
                let (vault_index, ephemeral) = (rest.byte()?, rest.byte()?);
                let bytes = rest.bytes4()?;
                let mut inner = Reader { rest: bytes };
                let message = inner.message(Reader::byte_count, Reader::short_count)?;
                // The program reads the beginning, and does not look at what comes after it.
                inner.end()?;
                let inside = Inside::new(multisig, vault_index, ephemeral.into(), message);
                Self::Create { transaction: account(1).address, memo: rest.memo()?, inside: Box::new(inside) }
            }
            PROPOSAL_CREATE if step.accounts.len() == 5 && account(2).signer => {
                Self::Propose { multisig, proposal: account(1).address, index: rest.long()?, draft: rest.flag()? }
            }
            EXECUTE if step.accounts.len() >= 4 && account(3).signer => {
                Self::Execute { multisig, proposal: account(1).address, transaction: account(2).address }
            }
            head if step.accounts.len() == 3 && account(1).signer => {
                let (_, name) = VOTES.iter().find(|(known, _)| *known == head)?;
                Self::Vote { name, multisig, proposal: account(2).address, memo: rest.memo()? }
            }
            _ => return None,
        };
        rest.end()?;
        Some(act)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "vault_transaction_create",
            Self::Propose { .. } => "proposal_create",
            Self::Vote { name, .. } => name,
            Self::Execute { .. } => "vault_transaction_execute",
        }
    }

    pub fn arguments(&self) -> Value {
        match self {
            Self::Create { memo, inside, .. } => {
                let mut arguments = inside.arguments();
                arguments["memo"] = json!(memo);
                arguments
            }
            Self::Propose { multisig, index, draft, .. } => {
                json!({ "multisig": multisig.to_string(), "transactionIndex": index.to_string(), "draft": draft })
            }
            Self::Vote { multisig, proposal, memo, .. } => {
                json!({ "multisig": multisig.to_string(), "proposal": proposal.to_string(), "memo": memo })
            }
            Self::Execute { multisig, transaction, .. } => {
                json!({ "multisig": multisig.to_string(), "transaction": transaction.to_string() })
            }
        }
    }

    /// Names of the accounts that come first.
    pub const fn roles(&self) -> &'static [&'static str] {
        match self {
            Self::Create { .. } => &["multisig", "transaction", "creator", "rent_payer", "system_program"],
            Self::Propose { .. } => &["multisig", "proposal", "creator", "rent_payer", "system_program"],
            Self::Vote { .. } => &["multisig", "member", "proposal"],
            Self::Execute { .. } => &["multisig", "proposal", "transaction", "member"],
        }
    }
}

impl Inside {
    fn new(multisig: Pubkey, vault_index: u8, ephemeral_signers: usize, message: Parsed) -> Self {
        let seeds: [&[u8]; 4] = [b"multisig", multisig.as_ref(), b"vault", &[vault_index]];
        let vault = Pubkey::find_program_address(&seeds, &ID).0;
        Self { multisig, vault, vault_index, ephemeral_signers, message }
    }

    /// In the account of a transaction; `None` for bytes of something else.
    pub fn of_account(data: &[u8]) -> Option<(Self, u64)> {
        let mut rest = Reader { rest: data.strip_prefix(&TRANSACTION)? };
        let (multisig, _creator, index) = (rest.key()?, rest.key()?, rest.long()?);
        let [_bump, vault_index, _vault_bump] = rest.take()?;
        let ephemeral = rest.bytes4()?.len();
        let message = rest.message(Reader::long_count, Reader::long_count)?;
        rest.padding()?;
        Some((Self::new(multisig, vault_index, ephemeral, message), index))
    }

    pub fn arguments(&self) -> Value {
        json!({
            "multisig": self.multisig.to_string(), "vaultIndex": self.vault_index, "vault": self.vault.to_string(),
            "ephemeralSigners": self.ephemeral_signers,
        })
    }

    /// Who has to sign besides the vault: ephemeral addresses, or whoever runs it.
    pub fn other_signers(&self) -> Vec<Pubkey> {
        self.message.signers().iter().copied().filter(|signer| *signer != self.vault).collect()
    }
}

/// Multi-signature and number of the message that a proposal is about; `None` for bytes of something else.
pub fn proposal(data: &[u8]) -> Option<(Pubkey, u64)> {
    let mut rest = Reader { rest: data.strip_prefix(&PROPOSAL)? };
    Some((rest.key()?, rest.long()?))
}

/// Where the message of a number stands.
pub fn transaction_address(multisig: &Pubkey, index: u64) -> Pubkey {
    let seeds: [&[u8]; 4] = [b"multisig", multisig.as_ref(), b"transaction", &index.to_le_bytes()];
    Pubkey::find_program_address(&seeds, &ID).0
}

/// Where the vote on it stands.
pub fn proposal_address(multisig: &Pubkey, index: u64) -> Pubkey {
    let seeds: [&[u8]; 5] = [b"multisig", multisig.as_ref(), b"transaction", &index.to_le_bytes(), b"proposal"];
    Pubkey::find_program_address(&seeds, &ID).0
}

/// Bytes that are read from their beginning.
struct Reader<'a> {
    rest: &'a [u8],
}

/// How the length of a list is written.
type Count<'a> = fn(&mut Reader<'a>) -> Option<usize>;

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*head)
    }

    fn slice(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().filter(|byte| *byte <= 1).map(|byte| byte == 1)
    }

    fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn key(&mut self) -> Option<Pubkey> {
        self.take().map(Pubkey::new_from_array)
    }

    fn byte_count(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }

    fn short_count(&mut self) -> Option<usize> {
        self.take().map(u16::from_le_bytes).map(usize::from)
    }

    fn long_count(&mut self) -> Option<usize> {
        self.take().map(u32::from_le_bytes).and_then(|count| usize::try_from(count).ok())
    }

    fn bytes4(&mut self) -> Option<&'a [u8]> {
        let count = self.long_count()?;
        self.slice(count)
    }

    fn memo(&mut self) -> Option<Option<String>> {
        if !self.flag()? {
            return Some(None);
        }
        Some(Some(String::from_utf8(self.bytes4()?.to_vec()).ok()?))
    }

    /// A list whose length is written as `count` says.
    fn list<T>(&mut self, count: Count<'a>, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..count(self)?).map(|_| item(self)).collect()
    }

    /// A message; lengths of lists are written as `count` says, those of instruction data as `data` does. It becomes an
    /// ordinary message of version 0, whose accounts have the same order.
    fn message(&mut self, count: Count<'a>, data: Count<'a>) -> Option<Parsed> {
        let [signers, writable_signers, writable] = self.take()?;
        let account_keys = self.list(count, Self::key)?;
        let instructions = self.list(count, |rest| {
            let program_id_index = rest.byte()?;
            let accounts = rest.list(count, Self::byte)?;
            let length = data(rest)?;
            Some(CompiledInstruction { program_id_index, accounts, data: rest.slice(length)?.to_vec() })
        })?;
        let address_table_lookups = self.list(count, |rest| {
            let account_key = rest.key()?;
            let (writable_indexes, readonly_indexes) = (rest.list(count, Self::byte)?, rest.list(count, Self::byte)?);
            Some(MessageAddressTableLookup { account_key, writable_indexes, readonly_indexes })
        })?;
        let others = u8::try_from(account_keys.len()).ok()?.checked_sub(signers)?;
        let header = MessageHeader {
            num_required_signatures: signers,
            num_readonly_signed_accounts: signers.checked_sub(writable_signers)?,
            num_readonly_unsigned_accounts: others.checked_sub(writable)?,
        };
        let message =
            Message { header, account_keys, recent_blockhash: Hash::default(), instructions, address_table_lookups };
        Some(Parsed { message: VersionedMessage::V0(message), signatures: vec![], form: "message" })
    }

    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// Nothing but zeros.
    fn padding(&self) -> Option<()> {
        self.rest.iter().all(|byte| *byte == 0).then_some(())
    }
}
