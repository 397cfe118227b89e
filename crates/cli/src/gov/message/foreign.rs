//! Instructions of other programs: the few that a message of ours may need are decoded, the others named.

use ballast_client::{Change, Draft, ID, Market, Pubkey};
use serde_json::{Value, json};

use super::fees::sol;
use super::wire::Step;

/// Programs that people meet, by address. What can replace a program or move money without a further question is loud.
const KNOWN: [(&str, &str); 12] = [
    ("11111111111111111111111111111111", "System"),
    ("ComputeBudget111111111111111111111111111111", "Compute Budget"),
    ("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "SPL Token"),
    ("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb", "Token-2022"),
    ("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL", "Associated Token Account"),
    ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo"),
    ("BPFLoaderUpgradeab1e11111111111111111111111", "Upgradeable Loader (can REPLACE programs)"),
    ("LoaderV411111111111111111111111111111111111", "Loader v4 (can REPLACE programs)"),
    ("AddressLookupTab1e1111111111111111111111111", "Address Lookup Table"),
    ("Stake11111111111111111111111111111111111111", "Stake"),
    ("SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf", "Squads v4"),
    ("GovER5Lthms3bLBqWub97yVrMmEogzX7xNjdXpPPCVZw", "SPL Governance (Realms)"),
];
/// See [`KNOWN`].
const SYSTEM: usize = 0;
const COMPUTE_BUDGET: usize = 1;

/// Accounts of ours that are created by their clients.
const SPACES: [(usize, &str); 3] = [(Market::SPACE, "market"), (Change::SPACE, "change"), (Draft::SPACE, "draft")];
/// Lamports for a byte of an account: the most that it has ever cost.
const RENT: u64 = 6_960;

/// The name of a program.
pub fn program_name(program: &Pubkey) -> Option<&'static str> {
    if *program == ID {
        return Some("Ballast");
    }
    let address = program.to_string();
    KNOWN.iter().find(|(known, _)| *known == address).map(|(_, name)| *name)
}

/// What is understood of an instruction of another program.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    pub name: &'static str,
    pub arguments: Value,
    /// The durable nonce's account and its authority.
    pub nonce: Option<(Pubkey, Pubkey)>,
    /// Why it is more than is needed.
    pub objection: Option<String>,
}

fn is(program: &Pubkey, at: usize) -> bool {
    KNOWN.get(at).is_some_and(|(known, _)| program.to_string() == *known)
}

/// Decodes what a message of ours may need: budgets, accounts created for this program, a durable nonce. `None` for the
/// rest.
pub fn decode(step: &Step) -> Option<Foreign> {
    if is(&step.program, COMPUTE_BUDGET) {
        return budget(&step.data);
    }
    if is(&step.program, SYSTEM) {
        return system(step);
    }
    None
}

fn plain(name: &'static str, arguments: Value) -> Option<Foreign> {
    Some(Foreign { name, arguments, nonce: None, objection: None })
}

fn budget(data: &[u8]) -> Option<Foreign> {
    let (kind, rest) = data.split_first()?;
    match (kind, rest.len()) {
        (1, 4) => plain("request_heap_frame", json!({ "bytes": number(rest)? })),
        (2, 4) => plain("set_compute_unit_limit", json!({ "units": number(rest)? })),
        (3, 8) => plain("set_compute_unit_price", json!({ "microLamports": number(rest)?.to_string() })),
        (4, 4) => plain("set_loaded_accounts_data_size_limit", json!({ "bytes": number(rest)? })),
        _ => None,
    }
}

fn system(step: &Step) -> Option<Foreign> {
    let (kind, rest) = step.data.split_first_chunk()?;
    let account = |at: usize| step.accounts.get(at).map(|named| named.address);
    match u32::from_le_bytes(*kind) {
        // Create an account.
        0 if rest.len() == 48 && step.accounts.len() == 2 => {
            let (lamports, space) = (number(rest.get(..8)?)?, number(rest.get(8..16)?)?);
            created("create_account", (account(0)?, account(1)?), lamports, space, &key(rest.get(16..48)?)?)
        }
        // Create an account at an address derived from another.
        3 => {
            let length = usize::try_from(number(rest.get(32..40)?)?).ok()?;
            let seed = rest.get(40..)?.get(..length)?;
            let tail = rest.get(40..)?.get(length..)?;
            let (lamports, space) = (number(tail.get(..8)?)?, number(tail.get(8..16)?)?);
            let (base, owner) = (key(rest.get(..32)?)?, key(tail.get(16..)?)?);
            let derived = Pubkey::create_with_seed(&base, std::str::from_utf8(seed).ok()?, &owner).ok()?;
            let to = account(1).filter(|to| *to == derived)?;
            created("create_account_with_seed", (account(0)?, to), lamports, space, &owner)
        }
        // Advance a durable nonce.
        4 if rest.is_empty() && step.accounts.len() == 3 => {
            let (nonce, authority) = (account(0)?, account(2)?);
            let arguments = json!({ "nonce": nonce.to_string(), "authority": authority.to_string() });
            Some(Foreign { name: "advance_nonce_account", arguments, nonce: Some((nonce, authority)), objection: None })
        }
        _ => None,
    }
}

/// Only an account for this program is one that a message of ours needs.
fn created(
    name: &'static str,
    (from, to): (Pubkey, Pubkey),
    lamports: u64,
    space: u64,
    owner: &Pubkey,
) -> Option<Foreign> {
    if *owner != ID {
        return None;
    }
    let kind = SPACES.iter().find(|(known, _)| u64::try_from(*known) == Ok(space)).map(|(_, kind)| *kind);
    let rent = space.saturating_add(128).saturating_mul(RENT);
    let arguments = json!({
        "from": from.to_string(), "to": to.to_string(), "lamports": lamports.to_string(),
        "space": space, "owner": "Ballast", "for": kind,
    });
    let objection = match kind {
        None => Some(format!("no account of Ballast that a client creates has {space} bytes")),
        Some(kind) => (lamports > rent)
            .then(|| format!("the account of the {kind} gets {}, and its rent is {}", sol(lamports), sol(rent))),
    };
    Some(Foreign { name, arguments, nonce: None, objection })
}

/// Little-endian, of at most eight bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}

fn key(bytes: &[u8]) -> Option<Pubkey> {
    Pubkey::try_from(bytes).ok()
}
