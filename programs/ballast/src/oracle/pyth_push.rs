//! Pyth push: the legacy price account at a fixed address, as forks and private clusters carry it.

use anchor_lang::prelude::*;
use pyth_sdk_solana::state::{PriceStatus, SolanaPriceAccount, load_price_account};

use super::Quotation;
use crate::ensure;
use crate::error::{BallastError, refuse};

/// The legacy oracle program.
pub const PUSH_PROGRAM: Pubkey = pubkey!("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");

pub fn read(address: &Pubkey, account: &AccountInfo) -> Result<Quotation> {
    ensure!(account.key == address, OracleWrongAccount);
    ensure!(*account.owner == PUSH_PROGRAM, OracleWrongOwner);
    let data = account.try_borrow_data()?;
    let feed: &SolanaPriceAccount = load_price_account(&data).map_err(|_| refuse(BallastError::OracleWrongAccount))?;
    ensure!(feed.agg.status == PriceStatus::Trading, PriceNotTrading);
    Ok(Quotation {
        price: feed.agg.price,
        confidence: feed.agg.conf,
        exponent: feed.expo,
        publish_time: feed.timestamp,
    })
}
