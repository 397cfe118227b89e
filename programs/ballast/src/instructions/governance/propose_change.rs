//! `propose_change`: governance writes a change into an account, where it waits.

use anchor_lang::prelude::*;
use anchor_lang::system_program;
use solana_instructions_sysvar::{ID as INSTRUCTIONS, load_instruction_at_checked};

use crate::ensure;
use crate::event::ChangeProposed;
use crate::oracle::unix_seconds;
use crate::state::change::Written;
use crate::state::{Change, Market, Role};

#[derive(Accounts)]
pub struct ProposeChange<'info> {
    pub governance: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// Created by the client with `Change::SPACE` bytes, owned by this program. It need not sign: governance does, so nobody
    /// can slip in, and a multisig has no other keys.
    // The runtime itself asks for the rent, so the framework need not.
    #[account(zero, rent_exempt = skip)]
    pub change: AccountLoader<'info, Change>,
    /// CHECK: the instructions sysvar, by its address.
    #[account(address = INSTRUCTIONS)]
    pub instructions: UncheckedAccount<'info>,
}

/// First bytes of the system program's `AdvanceNonceAccount`.
const ADVANCE_NONCE: [u8; 4] = [4, 0, 0, 0];

/// Refuses a transaction that was signed for any time, in a market that asks for it. Pausing and cancelling stay possible:
/// a guardian may well keep a signed pause in the drawer.
///
/// # Errors
/// `DurableNonce`.
pub fn refuse_nonce(market: &Market, instructions: &AccountInfo) -> Result<()> {
    if market.refuse_nonces == 0 {
        return Ok(());
    }
    // The runtime treats the nonce as used only when this comes first.
    let first = load_instruction_at_checked(0, instructions)?;
    ensure!(first.program_id != system_program::ID || !first.data.starts_with(&ADVANCE_NONCE), DurableNonce);
    Ok(())
}

pub fn propose_change(context: Context<ProposeChange>, proposal: Written) -> Result<()> {
    let accounts = &context.accounts;
    let mut market = accounts.market.load_mut()?;
    ensure!(market.is(Role::Governance, accounts.governance.key), NotGovernance);
    // What was proposed in the set-up would be due in the first second of the open market.
    ensure!(!market.in_setup(), MarketNotOpen);
    // An empty account of another kind is somebody else's.
    ensure!(accounts.change.to_account_info().data_len() == Change::SPACE, WrongChangeAccount);
    refuse_nonce(&market, &accounts.instructions)?;
    let now = unix_seconds(&Clock::get()?);
    market.check_proposal(&proposal.proposal, now)?;
    let mut change = accounts.change.load_init()?;
    change.version = 1;
    change.market = accounts.market.key();
    change.proposer = accounts.governance.key();
    change.eta = now.saturating_add(proposal.proposal.delay(market.delay));
    change.expiry = change.eta.saturating_add(u64::from(market.window));
    change.write(&proposal)?;
    let (eta, expiry, proposer) = (change.eta, change.expiry, change.proposer);
    emit!(ChangeProposed { market: change.market, change: accounts.change.key(), proposer, eta, expiry, proposal });
    Ok(())
}
