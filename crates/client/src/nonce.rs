//! Durable nonces: a transaction that begins by advancing one has its value in place of a blockhash, and can be sent until
//! somebody else advances it.

use anchor_lang::prelude::Pubkey;
use anchor_lang::solana_program::instruction::Instruction;
use solana_message::Hash;

/// Instructions of this program that a market with `refuse_nonces` refuses in such a transaction.
pub const REFUSED: [&str; 6] =
    ["apply_change", "propose_change", "accept_role", "list_asset", "open_market", "confirm_risk_model"];
/// Bytes of a nonce's account.
pub const SPACE: usize = 80;
/// Owner of nonces.
const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);

/// A nonce as its account has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce {
    /// Who may advance it.
    pub authority: Pubkey,
    /// Stands in place of the blockhash.
    pub value: Hash,
}

impl Nonce {
    /// `None` for an account that is no initialised nonce of the present version.
    pub fn decode(owner: &Pubkey, data: &[u8]) -> Option<Self> {
        if *owner != SYSTEM || data.len() != SPACE {
            return None;
        }
        // Version and state, then authority, value, and the fee of a signature at the time.
        let data = data.strip_prefix(&[1, 0, 0, 0, 1, 0, 0, 0])?;
        let (authority, rest) = data.split_first_chunk()?;
        let (value, _) = rest.split_first_chunk()?;
        Some(Self { authority: Pubkey::new_from_array(*authority), value: Hash::new_from_array(*value) })
    }
}

/// Has to be the first instruction of the transaction; the authority signs.
pub fn advance(nonce: &Pubkey, authority: &Pubkey) -> Instruction {
    solana_system_interface::instruction::advance_nonce_account(nonce, authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_initialised_nonce_of_the_present_version_is_one() {
        let mut data = vec![1, 0, 0, 0, 1, 0, 0, 0];
        data.extend([3; 32]);
        data.extend([4; 32]);
        data.extend(5_000u64.to_le_bytes());
        let nonce = Nonce { authority: Pubkey::new_from_array([3; 32]), value: Hash::new_from_array([4; 32]) };
        assert_eq!(Nonce::decode(&SYSTEM, &data), Some(nonce));
        assert_eq!(Nonce::decode(&Pubkey::new_from_array([1; 32]), &data), None);
        assert_eq!(Nonce::decode(&SYSTEM, &data[..79]), None);
        for at in [0, 4] {
            let mut other = data.clone();
            other[at] = 0;
            assert_eq!(Nonce::decode(&SYSTEM, &other), None);
        }
    }
}
