//! Decoding accounts. Nothing is believed of the node that sent them: the owner, the first bytes, the size and the version
//! are checked before a single field is read, and there is no way to decode without the owner.

use anchor_lang::Discriminator;
use anchor_lang::prelude::Pubkey;
use ballast::ID;
use ballast::state::{Change, Draft, Market, Vault};
use bytemuck::{AnyBitPattern, NoUninit};

use crate::token::{SPL_TOKEN, TOKEN_2022};

/// Owner of the accounts that the cluster itself keeps.
pub const SYSVAR: Pubkey = Pubkey::from_str_const("Sysvar1111111111111111111111111111111111111");
/// The account that holds the cluster's clock.
pub const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
/// Owners of what is decoded here, for comparison and for messages.
const PROGRAM: [Pubkey; 1] = [ID];
const CLUSTER: [Pubkey; 1] = [SYSVAR];
const TOKEN_PROGRAMS: [Pubkey; 2] = [SPL_TOKEN, TOKEN_2022];
/// The version of every layout of the program.
const VERSION: u8 = 1;
/// Types of the program's accounts, to name one that stands in the place of another.
const TYPES: [(&str, &[u8]); 4] = [
    ("market", Market::DISCRIMINATOR),
    ("vault", Vault::DISCRIMINATOR),
    ("draft", Draft::DISCRIMINATOR),
    ("change", Change::DISCRIMINATOR),
];

/// Why account bytes were not decoded. `kind` is what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Another program owns the account.
    Owner { kind: &'static str, expected: &'static [Pubkey], found: Pubkey },
    /// The first eight bytes are those of another type, here by its name if it is one of the program's.
    Discriminator { kind: &'static str, found: Option<&'static str> },
    /// Not of the size of this account type.
    Size { kind: &'static str, expected: usize, found: usize },
    /// The layout is of another version of the program.
    Version { kind: &'static str, expected: u8, found: u8 },
    /// The bytes are those of something else, or of nothing yet.
    Content { kind: &'static str, found: &'static str },
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner { kind, expected, found } => {
                let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
                write!(f, "not a {kind}: the account is owned by {found} instead of {}", expected.join(" or "))
            }
            Self::Discriminator { kind, found: Some(found) } => write!(f, "not a {kind}: the account is a {found}"),
            Self::Discriminator { kind, found: None } => {
                write!(f, "not a {kind}: the account does not begin with the bytes of one")
            }
            Self::Size { kind, expected, found } => {
                write!(f, "not a {kind}: the account has {found} bytes instead of {expected}")
            }
            Self::Version { kind, expected, found } => write!(
                f,
                "a {kind} of layout version {found}, and this client knows version {expected}; use the release that matches \
                 the program"
            ),
            Self::Content { kind, found } => write!(f, "not a {kind}: the account is {found}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Decodes a market. It is large, hence on the heap.
///
/// # Errors
/// [`DecodeError`] for an account of another owner, type, size or version.
pub fn market(owner: &Pubkey, data: &[u8]) -> Result<Box<Market>, DecodeError> {
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    read("market", owner, data, &mut *market)?;
    Ok(market)
}

/// Decodes a vault.
///
/// # Errors
/// [`DecodeError`] for an account of another owner, type, size or version.
pub fn vault(owner: &Pubkey, data: &[u8]) -> Result<Vault, DecodeError> {
    let mut vault: Vault = bytemuck::Zeroable::zeroed();
    read("vault", owner, data, &mut vault)?;
    Ok(vault)
}

/// Decodes a draft.
///
/// # Errors
/// [`DecodeError`] for an account of another owner, type, size or version.
pub fn draft(owner: &Pubkey, data: &[u8]) -> Result<Box<Draft>, DecodeError> {
    let mut draft: Box<Draft> = bytemuck::allocation::zeroed_box();
    read("draft", owner, data, &mut *draft)?;
    Ok(draft)
}

/// Decodes a pending change.
///
/// # Errors
/// [`DecodeError`] for an account of another owner, type, size or version.
pub fn change(owner: &Pubkey, data: &[u8]) -> Result<Box<Change>, DecodeError> {
    let mut change: Box<Change> = bytemuck::allocation::zeroed_box();
    read("change", owner, data, &mut *change)?;
    Ok(change)
}

/// The bytes of an account, for tests and local networks that write state directly.
pub fn encode<T: Discriminator + NoUninit + AnyBitPattern>(account: &T) -> Vec<u8> {
    [T::DISCRIMINATOR, bytemuck::bytes_of(account)].concat()
}

/// The version is the first byte of every account of the program.
fn read<T: Discriminator + NoUninit + AnyBitPattern>(
    kind: &'static str,
    owner: &Pubkey,
    data: &[u8],
    into: &mut T,
) -> Result<(), DecodeError> {
    owned(kind, owner, &PROGRAM)?;
    let into = bytemuck::bytes_of_mut(into);
    let (head, body) = data.split_at_checked(T::DISCRIMINATOR.len()).unwrap_or((data, &[]));
    if head != T::DISCRIMINATOR {
        let found = TYPES.iter().find(|(_, discriminator)| *discriminator == head).map(|(name, _)| *name);
        return Err(DecodeError::Discriminator { kind, found });
    }
    if body.len() != into.len() {
        return Err(DecodeError::Size { kind, expected: head.len() + into.len(), found: data.len() });
    }
    match body.first() {
        Some(&VERSION) => into.copy_from_slice(body),
        found => {
            let found = found.copied().unwrap_or_default();
            return Err(DecodeError::Version { kind, expected: VERSION, found });
        }
    }
    Ok(())
}

fn owned(kind: &'static str, owner: &Pubkey, expected: &'static [Pubkey]) -> Result<(), DecodeError> {
    match expected.contains(owner) {
        true => Ok(()),
        false => Err(DecodeError::Owner { kind, expected, found: *owner }),
    }
}

/// Bytes of a mint, of a token account and of a multisignature account of both token programs, without extensions.
const MINT_SPACE: usize = 82;
const TOKEN_SPACE: usize = 165;
const MULTISIG_SPACE: usize = 355;

/// A token account of either token program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenAccount {
    /// The token program.
    pub program: Pubkey,
    pub mint: Pubkey,
    /// Who may move the tokens.
    pub owner: Pubkey,
    /// Native units.
    pub amount: u64,
    /// Nobody may move the tokens at the moment.
    pub frozen: bool,
}

/// Decodes a token account.
///
/// # Errors
/// [`DecodeError`] for an account of another program, of another size, or that is a mint or nothing yet.
pub fn token(owner: &Pubkey, data: &[u8]) -> Result<TokenAccount, DecodeError> {
    const KIND: &str = "token account";
    of_token_program(KIND, owner, data, TOKEN_SPACE, 2)?;
    let (mint, holder, amount, state) = (key(data, 0), key(data, 32), number(data, 64), data.get(108).copied());
    let short = DecodeError::Size { kind: KIND, expected: TOKEN_SPACE, found: data.len() };
    let frozen = match state {
        Some(1) => false,
        Some(2) => true,
        _ => return Err(DecodeError::Content { kind: KIND, found: "not initialised" }),
    };
    let (Some(mint), Some(holder), Some(amount)) = (mint, holder, amount) else { return Err(short) };
    Ok(TokenAccount { program: *owner, mint, owner: holder, amount, frozen })
}

/// A mint of either token program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mint {
    /// The token program.
    pub program: Pubkey,
    /// Native units of a whole token are `10^decimals`.
    pub decimals: u8,
    /// Native units.
    pub supply: u64,
}

/// Decodes a mint.
///
/// # Errors
/// [`DecodeError`] for an account of another program, of another size, or that is a token account or nothing yet.
pub fn mint(owner: &Pubkey, data: &[u8]) -> Result<Mint, DecodeError> {
    const KIND: &str = "mint";
    of_token_program(KIND, owner, data, MINT_SPACE, 1)?;
    let short = DecodeError::Size { kind: KIND, expected: MINT_SPACE, found: data.len() };
    if data.get(45) != Some(&1) {
        return Err(DecodeError::Content { kind: KIND, found: "not initialised" });
    }
    let (Some(supply), Some(decimals)) = (number(data, 36), data.get(44).copied()) else { return Err(short) };
    Ok(Mint { program: *owner, decimals, supply })
}

/// Whether bytes can be those of a mint or a token account: exactly as many as it has without extensions, or, under
/// Token-2022, more than a token account with the byte behind it that says what it is.
fn of_token_program(
    kind: &'static str,
    owner: &Pubkey,
    data: &[u8],
    space: usize,
    account_type: u8,
) -> Result<(), DecodeError> {
    owned(kind, owner, &TOKEN_PROGRAMS)?;
    let extended = *owner == TOKEN_2022 && data.len() > TOKEN_SPACE && data.len() != MULTISIG_SPACE;
    match data.get(TOKEN_SPACE) {
        _ if data.len() == space => Ok(()),
        Some(found) if extended && *found == account_type => Ok(()),
        Some(1) if extended => Err(DecodeError::Content { kind, found: "a mint" }),
        Some(2) if extended => Err(DecodeError::Content { kind, found: "a token account" }),
        _ => Err(DecodeError::Size { kind, expected: space, found: data.len() }),
    }
}

/// The cluster's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Unix seconds: the program's `now`.
    pub unix: u64,
    pub slot: u64,
    pub epoch: u64,
}

/// Decodes the clock, whose address is [`CLOCK`].
///
/// # Errors
/// [`DecodeError`] for an account that is not the cluster's or of another size.
pub fn clock(owner: &Pubkey, data: &[u8]) -> Result<Clock, DecodeError> {
    const KIND: &str = "clock";
    const SPACE: usize = 40;
    owned(KIND, owner, &CLUSTER)?;
    let (Some(slot), Some(epoch), Some(unix), SPACE) =
        (number(data, 0), number(data, 16), number(data, 32), data.len())
    else {
        return Err(DecodeError::Size { kind: KIND, expected: SPACE, found: data.len() });
    };
    // A clock before 1970 counts as 1970, as in the program.
    let unix = if unix.cast_signed() < 0 { 0 } else { unix };
    Ok(Clock { unix, slot, epoch })
}

fn key(data: &[u8], at: usize) -> Option<Pubkey> {
    data.get(at..)?.first_chunk().map(|bytes: &[u8; 32]| Pubkey::new_from_array(*bytes))
}

fn number(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
