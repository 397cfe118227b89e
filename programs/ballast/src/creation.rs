//! The only file that creates accounts at addresses of the program. An account that somebody sent lamports to before is taken
//! over all the same.
//!
//! In place of the framework's `init`, which puts all of this into every instruction that uses it.

use anchor_lang::prelude::*;
use anchor_lang::system_program::{Allocate, Assign, Transfer, allocate, assign, transfer};

/// An account to be created.
pub struct Creation<'a, 'info> {
    pub payer: &'a AccountInfo<'info>,
    pub account: &'a AccountInfo<'info>,
    pub system_program: &'a Pubkey,
    pub space: usize,
    pub owner: &'a Pubkey,
    /// Seeds of its address, with the bump.
    pub seeds: &'a [&'a [u8]],
}

impl Creation<'_, '_> {
    #[inline(never)]
    pub fn run(&self) -> Result<()> {
        let system = *self.system_program;
        let signer = &[self.seeds];
        let account = || self.account.clone();
        let missing = Rent::get()?.minimum_balance(self.space).saturating_sub(self.account.lamports());
        if missing > 0 {
            transfer(CpiContext::new(system, Transfer { from: self.payer.clone(), to: account() }), missing)?;
        }
        let space = u64::try_from(self.space).unwrap_or(u64::MAX);
        allocate(CpiContext::new_with_signer(system, Allocate { account_to_allocate: account() }, signer), space)?;
        assign(CpiContext::new_with_signer(system, Assign { account_to_assign: account() }, signer), self.owner)
    }
}
