//! Accounts as they lie on the main network. The files are not part of the project: where they are missing, these
//! tests say so and pass. `BALLAST_DATA` names another folder.

use std::fs;
use std::path::PathBuf;

use ballast_client::local::{self, FeedResult, PUSH_PROGRAM, RECEIVER, SWITCHBOARD};
use ballast_client::risk::Amount;
use ballast_client::{SourceKind, instruction};
use ballast_tests::assets::Token;
use ballast_tests::fixture::DUST;
use ballast_tests::*;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

fn folder() -> Option<PathBuf> {
    let usual = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/accounts"));
    let folder = std::env::var_os("BALLAST_DATA").map_or_else(usual, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no real accounts in {}", folder.display());
    None
}

/// An account from the main network.
struct Real {
    address: Pubkey,
    owner: Pubkey,
    data: Vec<u8>,
}

/// A file with the bytes alone; these are accounts of the first receiver program.
fn bytes(file: &str) -> Option<Real> {
    let data = fs::read(folder()?.join(file)).unwrap();
    Some(Real { address: address(file), owner: RECEIVER, data })
}

/// A file as `solana account --output json` writes it.
fn json(file: &str) -> Option<Real> {
    let text = fs::read_to_string(folder()?.join(file)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let account = &value["account"];
    let key = |value: &serde_json::Value| value.as_str().unwrap().parse().unwrap();
    let data = BASE64_STANDARD.decode(account["data"][0].as_str().unwrap()).unwrap();
    Some(Real { address: key(&value["pubkey"]), owner: key(&account["owner"]), data })
}

fn number<const N: usize>(data: &[u8], at: usize) -> [u8; N] {
    data[at..at + N].try_into().unwrap()
}

/// A market with one asset, priced by this account, when the account was published.
fn market_of(real: &Real, token: Token, published: i64) -> Fixture {
    market_in(real, token, published, 1_000)
}

/// The same in a slot.
fn market_in(real: &Real, token: Token, published: i64, slot: u64) -> Fixture {
    let market = Fixture::without_market();
    market.sets_clock(published + 2, slot);
    market.creates_market(DUST).unwrap();
    market.mints(&token);
    market.writes_data(&real.address, &real.owner, real.data.clone());
    let token = Token { oracle: real.address, ..token };
    market.lists(token).unwrap();
    market
}

/// Reads a pull account by its offsets and compares with what the market stores.
fn pull_account_decodes(real: &Real, symbol: &'static str, feed: &str, dollars: std::ops::Range<f64>) {
    let data = &real.data;
    let hex: String = data[41..73].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((data.len(), data[40], hex.as_str()), (134, 1, feed), "134 bytes, fully verified, the well-known feed");
    let price = i64::from_le_bytes(number(data, 73));
    let exponent = i32::from_le_bytes(number(data, 89));
    let published = i64::from_le_bytes(number(data, 93));
    let mut token = assets::token(symbol);
    token.listing.oracle = Pubkey::new_from_array(number(data, 41));
    assert_eq!(token.listing.source_kind, SourceKind::PythPull);
    let market = market_of(real, token, published);

    let receipt = market.refreshes(&[symbol]).unwrap();

    let asset = market.asset(symbol);
    assert_eq!(asset.publish_time, published as u64);
    let whole = 10u64.pow(u32::from(asset.decimals));
    let micro = asset.spot().unwrap().value_floor(Amount::new(whole)).unwrap().get();
    assert_eq!(exponent, -8);
    assert!(u64::try_from(price).unwrap() / 100 - micro <= 1, "{micro} micro-dollars from {price}");
    assert!(dollars.contains(&(micro as f64 / 1e6)), "{micro}");
    assert!(receipt.compute_units < 10_000);

    // An hour later the same bytes are too old, and to another feed they say nothing.
    market.advances(3_600);
    expect_refusal(market.refreshes(&[symbol]), BallastError::PriceTooOld);
    market.lists(assets::token("BTC")).unwrap();
    let prices = [(market.index("BTC"), real.address, None)];
    let other = instruction::refresh_prices(&market.market_address(), &prices);
    expect_refusal(market.sends(&[other], &[&market.payer()]), BallastError::FeedMismatch);
}

const SOL_FEED: &str = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d";
const USDC_FEED: &str = "eaa020c61cc479712813461ce153894a96a6c00b21ed0cfc2798d1f9a9e9c94a";

#[test]
fn a_real_sol_price_update() {
    let Some(real) = bytes("pyth_push_sol_price.bin") else { return };
    pull_account_decodes(&real, "SOL", SOL_FEED, 156.0..157.0);
}

#[test]
fn a_real_usdc_price_update() {
    let Some(real) = bytes("pyth_push_usdc_price.bin") else { return };
    pull_account_decodes(&real, "USDC", USDC_FEED, 0.99..1.01);
}

#[test]
fn a_real_sol_price_feed_account() {
    let Some(real) = json("sol_pyth_price_feed.json") else { return };
    assert_eq!(real.owner, RECEIVER);
    pull_account_decodes(&real, "SOL", SOL_FEED, 215.0..216.0);
}

#[test]
fn a_real_push_account() {
    let Some(mut real) = json("sol_pyth_oracle.json") else { return };
    let published = i64::from_le_bytes(number(&real.data, 96));
    let mut token = assets::token("SOL");
    (token.listing.source_kind, token.listing.oracle) = (SourceKind::PythPush, real.address);

    // It was saved from a network on which another program owned it.
    let market = market_of(&real, token.clone(), published);
    expect_refusal(market.refreshes(&["SOL"]), BallastError::OracleWrongOwner);

    // The feed had stopped by then: it decodes, and says that it is not trading.
    real.owner = PUSH_PROGRAM;
    let market = market_of(&real, token.clone(), published);
    expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceNotTrading);

    // A year before, with the same bytes but for the status, it was: 119.23378 dollars.
    real.data[224] = 1;
    let market = market_of(&real, token, published);
    market.refreshes(&["SOL"]).unwrap();
    let micro = market.asset("SOL").spot().unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get();
    assert!((119_233_779..=119_233_780).contains(&micro), "{micro}");
}

#[test]
fn a_real_account_of_another_oracle_is_none_of_ours() {
    let Some(real) = bytes("swb_pull_sol_price.bin") else { return };
    let market = market_of(&real, assets::token("SOL"), fixture::START);
    expect_refusal(market.refreshes(&["SOL"]), BallastError::OracleWrongAccount);
    market.writes_data(&real.address, &address("another oracle program"), real.data);
    expect_refusal(market.refreshes(&["SOL"]), BallastError::OracleWrongOwner);
}

/// Where the fields lie that count, as the program of Switchboard On-Demand writes them: first byte and length.
const DISCRIMINATOR: (usize, usize) = (0, 8);
const LEAST_SAMPLES: (usize, usize) = (2_215, 1);
const LAST_UPDATE: (usize, usize) = (2_216, 8);
const VALUE: (usize, usize) = (2_264, 16);
const DEVIATION: (usize, usize) = (2_280, 16);
const SAMPLES: (usize, usize) = (2_360, 1);
const SLOT: (usize, usize) = (2_368, 8);
const LEAST_SLOT: (usize, usize) = (2_376, 8);
const LARGEST_SLOT: (usize, usize) = (2_384, 8);
const MAX_STALENESS: (usize, usize) = (2_392, 4);

fn field(data: &[u8], (from, length): (usize, usize)) -> &[u8] {
    &data[from..from + length]
}

/// The discriminator of `PullFeedAccountData`, and its size.
const PULL_FEED: [u8; 8] = [196, 27, 108, 196, 10, 215, 219, 40];
const PULL_FEED_BYTES: usize = 3_208;

#[test]
fn a_switchboard_account_that_we_write_has_its_fields_where_the_real_one_has_them() {
    let data = local::switchboard_feed(&FeedResult {
        value: 155_594_045_270_000_000_000,
        deviation: 240_161_790_000_000_000,
        samples: 2,
        least_samples: 1,
        slot: 282_612_970,
        max_staleness: 250,
        updated: 1_723_244_190,
    });
    assert_eq!((data.len(), field(&data, DISCRIMINATOR)), (PULL_FEED_BYTES, &PULL_FEED[..]));
    assert_eq!(field(&data, LEAST_SAMPLES), [1]);
    assert_eq!(field(&data, LAST_UPDATE), 1_723_244_190i64.to_le_bytes());
    assert_eq!(field(&data, VALUE), 155_594_045_270_000_000_000i128.to_le_bytes());
    assert_eq!(field(&data, DEVIATION), 240_161_790_000_000_000i128.to_le_bytes());
    assert_eq!(field(&data, SAMPLES), [2]);
    for slot in [SLOT, LEAST_SLOT, LARGEST_SLOT] {
        assert_eq!(field(&data, slot), 282_612_970u64.to_le_bytes());
    }
    assert_eq!(field(&data, MAX_STALENESS), 250u32.to_le_bytes());
}

#[test]
fn a_real_switchboard_feed() {
    let Some(mut real) = bytes("swb_pull_sol_price.bin") else { return };
    real.owner = SWITCHBOARD;
    let data = &real.data;
    assert_eq!((data.len(), field(data, DISCRIMINATOR)), (PULL_FEED_BYTES, &PULL_FEED[..]));
    let value = i128::from_le_bytes(number(data, VALUE.0));
    let deviation = i128::from_le_bytes(number(data, DEVIATION.0));
    let updated = i64::from_le_bytes(number(data, LAST_UPDATE.0));
    let slot = u64::from_le_bytes(number(data, SLOT.0));
    let max_staleness = u32::from_le_bytes(number(data, MAX_STALENESS.0));
    let (samples, least_samples) = (data[SAMPLES.0], data[LEAST_SAMPLES.0]);
    // SOL in August 2024: 155.59 dollars, give or take 24 cents, of two samples.
    assert_eq!((value / 1_000_000_000_000_000, deviation / 1_000_000_000_000_000), (155_594, 240));
    assert_eq!((samples, least_samples, updated, slot, max_staleness), (2, 1, 1_723_244_190, 282_612_970, 250));

    // What we write with the same facts cannot be told from it by what is read.
    let ours =
        local::switchboard_feed(&FeedResult { value, deviation, samples, least_samples, slot, max_staleness, updated });
    let read =
        [DISCRIMINATOR, LEAST_SAMPLES, LAST_UPDATE, VALUE, DEVIATION, SAMPLES, SLOT, LARGEST_SLOT, MAX_STALENESS];
    assert_eq!(ours.len(), data.len());
    for place in read {
        assert_eq!(field(&ours, place), field(data, place), "{place:?}");
    }

    let mut token = assets::token("SOL");
    (token.listing.source_kind, token.listing.oracle) = (SourceKind::SwitchboardPull, real.address);
    // As many slots later as the feed allows, and one more.
    for (later, fresh) in [(0, true), (250, true), (251, false)] {
        let market = market_in(&real, token.clone(), updated, slot + later);
        if fresh {
            let receipt = market.refreshes(&["SOL"]).unwrap();
            assert!(receipt.compute_units < 10_000);
            let asset = market.asset("SOL");
            let micro = asset.spot().unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get();
            assert_eq!(asset.publish_time, updated as u64);
            assert!((155_594_044..=155_594_045).contains(&micro), "{micro}");
            // 2.12 times 0.24016179 of 155.59404527, in 2^-32.
            let widened = 2.12 * 0.240_161_79 / 155.594_045_27 * 2f64.powi(32);
            assert!((f64::from(asset.confidence) - widened).abs() < 5.0, "{} {widened}", asset.confidence);
        } else {
            expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceTooOld);
        }
    }
    // A minute and a second later it is too old for the asset, and at another address it is none of its feeds.
    let market = market_in(&real, token, updated + 59, slot);
    expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceTooOld);
    let elsewhere = address("another feed");
    market.writes_data(&elsewhere, &SWITCHBOARD, real.data.clone());
    let refresh = instruction::refresh_prices(&market.market_address(), &[(0, elsewhere, None)]);
    expect_refusal(market.sends(&[refresh], &[&market.payer()]), BallastError::OracleWrongAccount);
}
