//! Pyth push: the legacy price account at a fixed address, as forks and private clusters carry it.

use anchor_lang::prelude::*;
use pyth_sdk_solana::state::{PriceStatus, SolanaPriceAccount, load_price_account};

use super::Observation;
use crate::error::BallastError;
use crate::state::Asset;

/// The legacy oracle program.
pub const PUSH_PROGRAM: Pubkey = pubkey!("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");

pub fn observe(asset: &Asset, account: &AccountInfo) -> Result<Observation> {
    require_keys_eq!(*account.key, asset.oracle, BallastError::OracleWrongAccount);
    require_keys_eq!(*account.owner, PUSH_PROGRAM, BallastError::OracleWrongOwner);
    let data = account.try_borrow_data()?;
    let feed: &SolanaPriceAccount = load_price_account(&data).map_err(|_| BallastError::OracleWrongAccount)?;
    require!(feed.agg.status == PriceStatus::Trading, BallastError::PriceNotTrading);
    Ok(Observation {
        price: feed.agg.price,
        confidence: feed.agg.conf,
        exponent: feed.expo,
        publish_time: feed.timestamp,
    })
}
