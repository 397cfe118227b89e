//! The only file that moves tokens: from a user into custody and from custody to a user.
//!
//! The token accounts are not decoded on the way in. The market records mint, token program and custody of every
//! asset, so an equal address says all; the token program itself checks the user's account against the mint.

use anchor_lang::prelude::*;
use anchor_spl::token_interface::{TransferChecked, transfer_checked};

use crate::ensure;
use crate::error::{BallastError, refuse};
use crate::mints::{self, Fee, Payment};
use crate::seeds;
use crate::state::{Asset, Market, Vault};

/// The token accounts of one transfer.
pub struct Transfer<'a, 'info> {
    pub from: &'a AccountInfo<'info>,
    pub to: &'a AccountInfo<'info>,
    pub authority: &'a AccountInfo<'info>,
    pub mint: &'a AccountInfo<'info>,
    pub token_program: &'a AccountInfo<'info>,
}

/// Compares the accounts of a transfer with the record of the asset, and asks the mint whether it may move and for which
/// fee. Who pays in owes the fee on top; from what is paid out it is withheld.
///
/// # Errors
/// `WrongMint`, `WrongCustody`, `WrongTokenProgram`, `MintExtensionNotAllowed`, `TokenHalted`.
#[inline(always)]
pub fn check(asset: &Asset, custody: &AccountInfo, mint: &AccountInfo, token_program: &AccountInfo) -> Result<Fee> {
    ensure!(mint.key == &asset.mint, WrongMint);
    ensure!(custody.key == &asset.custody, WrongCustody);
    ensure!(token_program.key == &asset.token_program(), WrongTokenProgram);
    mints::check(mint)
}

impl Transfer<'_, '_> {
    /// Moves tokens of a user, who signed the transaction, into custody.
    ///
    /// # Errors
    /// `CustodyShort`.
    #[inline(always)]
    pub fn by_user(&self, payment: &Payment, decimals: u8) -> Result<()> {
        if payment.sent == payment.arrives {
            self.send(&[], payment.sent, decimals)
        } else {
            self.by_user_with_fee(payment, decimals)
        }
    }

    #[inline(never)]
    fn by_user_with_fee(&self, payment: &Payment, decimals: u8) -> Result<()> {
        let before = amount(self.to)?;
        self.send(&[], payment.sent, decimals)?;
        // The fee is the token program's to compute. What was booked is in custody, or nothing happened.
        let arrived = amount(self.to)?.zip(before).and_then(|(after, before)| after.checked_sub(before));
        ensure!(arrived.is_some_and(|arrived| arrived >= payment.arrives), CustodyShort);
        Ok(())
    }

    /// Moves tokens out of custody, signed by the authority of the market.
    pub fn by_market(&self, market: &Pubkey, bump: u8, amount: u64, decimals: u8) -> Result<()> {
        self.send(&[&[seeds::AUTHORITY, market.as_ref(), &[bump]]], amount, decimals)
    }

    fn send(&self, signer: &[&[&[u8]]], amount: u64, decimals: u8) -> Result<()> {
        if amount == 0 {
            return Ok(());
        }
        let accounts = TransferChecked {
            from: self.from.clone(),
            mint: self.mint.clone(),
            to: self.to.clone(),
            authority: self.authority.clone(),
        };
        transfer_checked(CpiContext::new_with_signer(*self.token_program.key, accounts, signer), amount, decimals)
    }
}

/// Custody must hold at least what the books say (INV-02). Read last, after the transfer.
///
/// # Errors
/// `CustodyShort`.
pub fn assert_covers(custody: &AccountInfo, cash: u64) -> Result<()> {
    ensure!(amount(custody)?.is_some_and(|amount| amount >= cash), CustodyShort);
    Ok(())
}

/// What a token account holds. Fees withheld in it are not its own, and not in this.
#[inline(always)]
fn amount(account: &AccountInfo) -> Result<Option<u64>> {
    let data = account.try_borrow_data()?;
    // Both token programs keep the amount in bytes 64 to 72.
    Ok(data.get(64..72).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes))
}

/// Owner of a token account: bytes 32 to 64 in both token programs. Whether it is one the token program checks.
///
/// # Errors
/// `DestinationNotOwners`.
pub fn owner(account: &AccountInfo) -> Result<Pubkey> {
    let data = account.try_borrow_data()?;
    let owner = data.get(32..64).and_then(|bytes| bytes.try_into().ok());
    owner.map(Pubkey::new_from_array).ok_or_else(|| refuse(BallastError::DestinationNotOwners))
}

/// Accounts of an instruction by which a user pays in: deposit and repay.
#[derive(Accounts)]
pub struct PayIn<'info> {
    /// Owner of the tokens.
    pub payer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
    /// CHECK: the token program checks its mint and the payer's authority over it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    #[account(mut)]
    pub custody: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    pub mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    pub token_program: UncheckedAccount<'info>,
}

/// Accounts of an instruction by which somebody pays into a pool, for no vault: fund_reserve and flash_repay.
#[derive(Accounts)]
pub struct PayPool<'info> {
    /// Owner of the tokens.
    pub payer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the token program checks its mint and the payer's authority over it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    #[account(mut)]
    pub custody: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    pub mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    pub token_program: UncheckedAccount<'info>,
}

/// Accounts of an instruction by which a vault pays out: withdraw, borrow and seize.
#[derive(Accounts)]
pub struct PayOut<'info> {
    /// Owner of the vault, or his delegate; for seize the receiver.
    pub signer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mut)]
    pub vault: AccountLoader<'info, Vault>,
    /// CHECK: compared with the record of the asset, see [`check`].
    #[account(mut)]
    pub custody: UncheckedAccount<'info>,
    /// CHECK: any token account of the mint that the signer names, for a delegate one of the owner; the token program checks the
    /// mint.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: compared with the address stored in the market.
    pub authority: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    pub mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset, see [`check`].
    pub token_program: UncheckedAccount<'info>,
}

impl<'info> PayIn<'info> {
    pub fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            from: &self.source,
            to: &self.custody,
            authority: &self.payer,
            mint: &self.mint,
            token_program: &self.token_program,
        }
    }
}

impl<'info> PayPool<'info> {
    pub fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            from: &self.source,
            to: &self.custody,
            authority: &self.payer,
            mint: &self.mint,
            token_program: &self.token_program,
        }
    }
}

impl<'info> PayOut<'info> {
    pub fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            from: &self.custody,
            to: &self.destination,
            authority: &self.authority,
            mint: &self.mint,
            token_program: &self.token_program,
        }
    }
}
