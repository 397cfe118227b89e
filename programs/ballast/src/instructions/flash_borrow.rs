//! `flash_borrow`: tokens of a pool for the length of one transaction, which has to contain the `flash_repay` that brings them
//! back. Needs no vault and no price.

use anchor_lang::Discriminator;
use anchor_lang::InstructionData;
use anchor_lang::prelude::*;
use ballast_risk::interest::flash_fee_ceil;
use ballast_risk::{Amount, Fraction};

use crate::custody::{self, Transfer};
use crate::ensure;
use crate::error::OrRefuse;
use crate::guard::in_time;
use crate::introspection::Closing;
use crate::state::{InFlight, Kind, Market};

#[derive(Accounts)]
pub struct FlashBorrow<'info> {
    /// Repays as well.
    pub borrower: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: compared with the record of the asset.
    #[account(mut)]
    pub custody: UncheckedAccount<'info>,
    /// CHECK: any token account that the borrower names; the token program checks its mint.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: compared with the address stored in the market.
    pub authority: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset.
    pub mint: UncheckedAccount<'info>,
    /// CHECK: compared with the record of the asset.
    pub token_program: UncheckedAccount<'info>,
    /// CHECK: the instructions sysvar, by its address.
    #[account(address = solana_instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

impl FlashBorrow<'_> {
    /// The same borrower pays the same amount of the same asset of the same market back.
    fn require_repayment(&self, asset: u8, amount: u64) -> Result<()> {
        let closing = Closing {
            opening: crate::instruction::FlashBorrow::DISCRIMINATOR,
            data: &crate::instruction::FlashRepay { asset, amount }.data(),
            accounts: &[self.borrower.key(), self.market.key()],
        };
        closing.require(&self.instructions, |_| Ok(()))
    }

    /// Books the loan. Returns what custody must hold after the transfer, the decimals and the bump of the authority.
    fn lend(&self, index: u8, amount: u64, now: u64) -> Result<(u64, u8, u8)> {
        let mut market = self.market.load_mut()?;
        market.require_nothing_in_flight()?;
        ensure!(market.authority == *self.authority.key, WrongAuthority);
        let paused = market.borrow_pause.active(now);
        let bump = market.authority_bump;
        let asset = market.asset_mut(index)?;
        custody::check(asset, &self.custody, &self.mint, &self.token_program)?;
        ensure!(!paused && !asset.pause.active(now), Paused);
        let rate = Fraction::new(asset.flash_fee);
        ensure!(rate != Fraction::MAX, FlashLoansOff);
        let mut pool = asset.pool();
        pool.lend_flash(Amount::new(amount)).or_refuse()?;
        // Skips the accrual: no share, index or rate depends on it.
        (asset.cash, asset.flash) = (pool.cash.get(), pool.flash.get());
        let lent = (asset.cash, asset.decimals, bump);
        let fee = flash_fee_ceil(Amount::new(amount), rate).get();
        market.in_flight = InFlight { kind: Kind::FlashLoan as u8, asset: index, fee, ..InFlight::NOTHING };
        Ok(lent)
    }
}

pub fn flash_borrow(context: Context<FlashBorrow>, asset: u8, amount: u64, deadline_slot: Option<u64>) -> Result<()> {
    ensure!(amount > 0, AmountIsZero);
    let accounts = &context.accounts;
    let now = in_time(deadline_slot)?;
    accounts.require_repayment(asset, amount)?;
    let (cash, decimals, bump) = accounts.lend(asset, amount, now)?;
    let transfer = Transfer {
        from: &accounts.custody,
        to: &accounts.destination,
        authority: &accounts.authority,
        mint: &accounts.mint,
        token_program: &accounts.token_program,
    };
    transfer.by_market(accounts.market.to_account_info().key, bump, amount, decimals)?;
    // Skips the event: `flash_repay` tells both.
    custody::assert_covers(&accounts.custody, cash)
}
