//! `flash_repay`: brings a flash loan back, with its fee, which is the reserve's.

use anchor_lang::prelude::*;
use ballast_risk::Amount;

use crate::custody::{self, PayPool};
use crate::ensure;
use crate::error::OrRefuse;
use crate::event::FlashLoaned;
use crate::introspection::require_top_level;
use crate::state::{InFlight, Kind};

/// `amount` is what was borrowed; the fee comes on top, and a transfer fee of the token on top of both.
pub fn flash_repay(context: Context<PayPool>, asset: u8, amount: u64) -> Result<()> {
    require_top_level()?;
    let accounts = &context.accounts;
    let (cash, decimals, payment, fee) = {
        let mut market = accounts.market.load_mut()?;
        let open = market.in_flight;
        ensure!(open.is(Kind::FlashLoan) && open.asset == asset, NoFlashLoan);
        let record = market.asset_mut(asset)?;
        ensure!(record.flash == amount, NoFlashLoan);
        let withheld = custody::check(record, &accounts.custody, &accounts.mint, &accounts.token_program)?;
        let payment = withheld.payment(amount.saturating_add(open.fee))?;
        let mut pool = record.pool();
        pool.settle_flash(Amount::new(open.fee)).or_refuse()?;
        (record.cash, record.flash) = (pool.cash.get(), pool.flash.get());
        let settled = (record.cash, record.decimals, payment, open.fee);
        market.in_flight = InFlight::NOTHING;
        settled
    };
    accounts.transfer().by_user(&payment, decimals)?;
    custody::assert_covers(&accounts.custody, cash)?;
    emit!(FlashLoaned { market: accounts.market.key(), asset, borrower: accounts.payer.key(), amount, fee });
    Ok(())
}
