//! Addresses of the program's accounts.

use anchor_lang::prelude::Pubkey;
use ballast::{ID, seeds};

/// Owner of all custody accounts of a market.
pub fn authority(market: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[seeds::AUTHORITY, market.as_ref()], &ID).0
}

/// Token account that holds an asset of a market.
pub fn custody(market: &Pubkey, mint: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[seeds::CUSTODY, market.as_ref(), mint.as_ref()], &ID).0
}

/// One of the owner's vaults in a market.
pub fn vault(market: &Pubkey, owner: &Pubkey, id: u16) -> Pubkey {
    vault_and_bump(market, owner, id).0
}

/// The same with its bump.
pub(crate) fn vault_and_bump(market: &Pubkey, owner: &Pubkey, id: u16) -> (Pubkey, u8) {
    Pubkey::find_program_address(&[seeds::VAULT, market.as_ref(), owner.as_ref(), &id.to_le_bytes()], &ID)
}
