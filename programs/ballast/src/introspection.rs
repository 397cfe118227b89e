//! Reading the other instructions of a transaction. Nothing is believed about them but this: that the one which ends what an
//! instruction begins will run, and is meant for exactly this.

use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{TRANSACTION_LEVEL_STACK_HEIGHT, get_stack_height};
use solana_instructions_sysvar::{load_current_index_checked, load_instruction_at_checked};

use crate::ensure;

/// Refuses a call by another program: what it does between the two legs cannot be seen in the transaction.
///
/// # Errors
/// `CalledByProgram`.
pub fn require_top_level() -> Result<()> {
    ensure!(get_stack_height() == TRANSACTION_LEVEL_STACK_HEIGHT, CalledByProgram);
    Ok(())
}

/// The instruction that ends what the present one begins.
pub struct Closing<'a> {
    /// First bytes of the present instruction.
    pub opening: &'a [u8],
    /// All data of the one that ends it.
    pub data: &'a [u8],
    /// The accounts that it begins with.
    pub accounts: &'a [Pubkey],
}

/// Bytes by which the framework tells instructions apart.
const DISCRIMINATOR: usize = 8;

impl Closing<'_> {
    /// Looks through the whole transaction: the present instruction is the only one of its kind, exactly one of the other kind is
    /// there, it comes later, and data and accounts are those expected. `before` judges the first bytes of what of this program
    /// comes before.
    ///
    /// # Errors
    /// `CalledByProgram`, `UnmatchedPair`, and what `before` refuses.
    #[inline(never)]
    pub fn require(&self, sysvar: &AccountInfo, before: fn(&[u8]) -> Result<()>) -> Result<()> {
        require_top_level()?;
        let here = load_current_index_checked(sysvar)?;
        let mut found = false;
        for index in 0..length(sysvar)? {
            let instruction = load_instruction_at_checked(usize::from(index), sysvar)?;
            // Instructions of others may be of any length.
            if index == here || instruction.program_id != crate::ID {
                continue;
            }
            let kind = instruction.data.get(..DISCRIMINATOR).unwrap_or_default();
            if index < here {
                before(kind)?;
            }
            ensure!(kind != self.opening, UnmatchedPair);
            if Some(kind) == self.data.get(..DISCRIMINATOR) {
                let accounts = instruction.accounts.iter().map(|meta| &meta.pubkey).take(self.accounts.len());
                let expected = index > here && !found && instruction.data == self.data && accounts.eq(self.accounts);
                ensure!(expected, UnmatchedPair);
                found = true;
            }
        }
        ensure!(found, UnmatchedPair);
        Ok(())
    }
}

/// How many instructions the transaction has: the first two bytes of the sysvar.
fn length(sysvar: &AccountInfo) -> Result<u16> {
    let data = sysvar.try_borrow_data()?;
    let count = data.get(..2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes);
    count.ok_or_else(|| ProgramError::InvalidAccountData.into())
}
