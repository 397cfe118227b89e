//! `refresh_prices`: what an oracle account must fulfil, and what its price becomes.

use ballast_client::event::PriceRefreshed;
use ballast_client::local::{PUSH_PROGRAM, Published, RECEIVER, RECEIVER_CORE, Verification, price_update};
use ballast_client::{ID, SourceKind, instruction};
use ballast_risk::price::Price;
use ballast_tests::assets::{self, Token};
use ballast_tests::oracle::{published, push, push_bytes};
use ballast_tests::*;
use pyth_sdk_solana::state::PriceStatus;
use solana_instruction::{AccountMeta, Instruction};

/// A second after the first prices: newer ones are possible.
fn market() -> Fixture {
    let market = Fixture::new();
    market.advances(1);
    market
}

/// SOL at 150 dollars, now, with one thing changed.
fn sol_with(market: &Fixture, change: impl FnOnce(&mut Published)) -> Outcome {
    let mut seen = published("150", market.now());
    change(&mut seen);
    market.publishes("SOL", &seen);
    market.refreshes(&["SOL"])
}

/// Writes the price account of an asset byte by byte.
fn refreshes_with(market: &Fixture, symbol: &str, owner: &Pubkey, data: Vec<u8>) -> Outcome {
    market.writes_data(&market.token(symbol).oracle, owner, data);
    market.refreshes(&[symbol])
}

fn sends(market: &Fixture, instruction: Instruction) -> Outcome {
    market.sends(&[instruction], &[&market.payer()])
}

#[test]
fn the_price_of_a_native_unit_is_stored_with_its_margins() {
    let market = market();
    let seen = Published { price: 15_123_456_789, confidence: 15_123_457, exponent: -8, publish_time: market.now() };
    market.publishes("SOL", &seen);

    let receipt = market.refreshes(&["SOL"]).unwrap();

    let asset = market.asset("SOL");
    let spot = Price::from_decimal_floor(15_123_456_789, -8, 9).unwrap();
    assert_eq!(asset.spot(), Some(spot));
    // 151.23456789 dollars for 10^9 units are 0.15123456789 micro-dollars for one.
    let ten_to_the_18 = ballast_risk::Amount::new(1_000_000_000_000_000_000);
    assert_eq!(spot.value_floor(ballast_risk::Amount::new(1_000_000_000)).unwrap().get(), 151_234_567);
    assert!(spot.value_floor(ten_to_the_18).is_err() || spot.value_floor(ten_to_the_18).unwrap().get() > 0);
    assert_eq!((asset.publish_time, asset.usable_until), (market.now() as u64, market.now() as u64 + 60));
    assert_eq!((asset.init_until, asset.second_publish_time), (market.now() as u64 + 60, 0));
    assert_eq!(asset.price_slot, market.clock().slot);

    // The average has moved from 150 by a second of an hour; low and high lie 2.12 confidence intervals apart from
    // the lower and from the higher of the two.
    let dollars = |price: Option<Price>| price.unwrap().value_floor(ballast_risk::Amount::new(1_000_000_000)).unwrap();
    let average = dollars(asset.average()).get();
    assert!((150_000_300..150_000_400).contains(&average), "{average}");
    let margin = 0.00212_f64;
    let close = |value: u64, expected: f64| (value as f64 - expected).abs() < 50.0;
    assert!(close(dollars(asset.low()).get(), average as f64 * (1.0 - margin)), "{:?}", dollars(asset.low()));
    assert!(close(dollars(asset.high()).get(), 151_234_567.0 * (1.0 + margin)), "{:?}", dollars(asset.high()));

    let event: PriceRefreshed = receipt.event();
    assert_eq!((event.market, event.asset), (market.market_address(), market.index("SOL")));
    assert_eq!((event.mantissa, event.shift), (spot.mantissa(), spot.shift()));
    assert_eq!(event.publish_time, market.now() as u64);
}

#[test]
fn several_are_refreshed_at_once_and_each_once_more_changes_nothing() {
    let market = market();
    let symbols = assets::STANDARD;
    for symbol in symbols {
        market.sets_price(symbol, market.token(symbol).price);
    }
    let receipt = market.refreshes(&symbols).unwrap();
    assert_eq!(receipt.events::<PriceRefreshed>().len(), symbols.len());

    let before = market.account(&market.market_address());
    market.refreshes(&["SOL", "BTC", "SOL"]).unwrap();
    assert_eq!(market.account(&market.market_address()), before);
}

#[test]
fn both_receiver_programs_and_the_push_oracle_deliver() {
    let market = market();
    for (symbol, kind) in
        [("SOL", SourceKind::PythPull), ("GOLD", SourceKind::PythPullCore), ("BONK", SourceKind::PythPush)]
    {
        assert_eq!(market.token(symbol).listing.source_kind, kind);
        let before = market.asset(symbol).publish_time;
        market.sets_price(symbol, market.token(symbol).price);
        market.refreshes(&[symbol]).unwrap();
        assert_eq!(market.asset(symbol).publish_time, before + 1);
    }
}

#[test]
fn one_oracle_account_belongs_to_each_asset_named() {
    let market = market();
    let (address, sol, btc) = (market.market_address(), market.token("SOL").oracle, market.token("BTC").oracle);
    let none = instruction::refresh_prices(&address, &[]);
    expect_refusal(sends(&market, none), BallastError::OracleListMismatch);

    let mut fewer = instruction::refresh_prices(&address, &[(0, sol, None), (1, btc, None)]);
    fewer.accounts.pop();
    expect_refusal(sends(&market, fewer), BallastError::OracleListMismatch);

    let mut more = instruction::refresh_prices(&address, &[(0, sol, None)]);
    more.accounts.push(AccountMeta::new_readonly(btc, false));
    expect_refusal(sends(&market, more), BallastError::OracleListMismatch);

    let swapped = instruction::refresh_prices(&address, &[(0, btc, None), (1, sol, None)]);
    expect_refusal(sends(&market, swapped), BallastError::FeedMismatch);
}

#[test]
fn an_asset_that_is_not_listed_has_no_price() {
    let market = market();
    let oracle = market.token("SOL").oracle;
    for index in [8, 63, 64, 255] {
        let instruction = instruction::refresh_prices(&market.market_address(), &[(index, oracle, None)]);
        expect_refusal(sends(&market, instruction), BallastError::AssetUnknown);
    }
}

#[test]
fn one_bad_price_among_good_ones_refuses_all() {
    let market = market();
    market.sets_price("SOL", "151");
    market.publishes("BTC", &Published { price: 0, ..published("60000", market.now()) });
    expect_refusal(market.refreshes(&["SOL", "BTC"]), BallastError::PriceNotPositive);
}

#[test]
fn atk_a03_the_owner_is_the_oracle_program_of_the_asset() {
    let market = market();
    let programs = [RECEIVER, RECEIVER_CORE, PUSH_PROGRAM, ID, client::token::SPL_TOKEN, Pubkey::default()];
    for symbol in ["SOL", "GOLD", "BONK"] {
        market.sets_price(symbol, market.token(symbol).price);
        let data = market.account(&market.token(symbol).oracle).unwrap().data;
        for owner in programs.iter().filter(|owner| **owner != market.token(symbol).oracle_program()) {
            let outcome = refreshes_with(&market, symbol, owner, data.clone());
            expect_refusal(outcome, BallastError::OracleWrongOwner);
        }
    }
}

#[test]
fn a_pull_account_is_of_the_right_type_and_whole() {
    let market = market();
    let good = price_update(&market.token("SOL").feed(), &published("150", market.now()), Verification::Full, 1);
    let mut other_type = good.clone();
    other_type[0] ^= 1;
    for data in [other_type, good[..80].to_vec(), good[..8].to_vec(), vec![]] {
        let outcome = refreshes_with(&market, "SOL", &RECEIVER, data);
        expect_refusal(outcome, BallastError::OracleWrongAccount);
    }
    refreshes_with(&market, "SOL", &RECEIVER, good).unwrap();
}

#[test]
fn a_pull_account_may_lie_at_any_address() {
    let market = market();
    let token = Token { oracle: address("some other account"), ..market.token("SOL") };
    let data = price_update(&token.feed(), &published("151", market.now()), Verification::Full, 1);
    market.writes_data(&token.oracle, &RECEIVER, data);
    sends(&market, instruction::refresh_prices(&market.market_address(), &[(0, token.oracle, None)])).unwrap();
    assert_eq!(market.asset("SOL").publish_time, market.now() as u64);
}

#[test]
fn atk_d06_the_update_of_no_other_feed_is_taken() {
    let market = market();
    let pull: Vec<_> = market.tokens().into_iter().filter(|t| t.listing.source_kind == SourceKind::PythPull).collect();
    for token in &pull {
        market.sets_price(token.symbol, token.price);
    }
    for asset in &pull {
        for feed in pull.iter().filter(|feed| feed.symbol != asset.symbol) {
            let prices = [(market.index(asset.symbol), feed.oracle, None)];
            let outcome = sends(&market, instruction::refresh_prices(&market.market_address(), &prices));
            expect_refusal(outcome, BallastError::FeedMismatch);
        }
    }
}

#[test]
fn atk_d05_partial_verification_is_not_enough() {
    let market = market();
    for signatures in [0, 5, 12, 18, 255] {
        let seen = published("150", market.now());
        let data = price_update(&market.token("SOL").feed(), &seen, Verification::Partial { signatures }, 1);
        expect_refusal(refreshes_with(&market, "SOL", &RECEIVER, data), BallastError::NotFullyVerified);
    }
}

#[test]
fn atk_d08_a_price_is_positive() {
    let market = market();
    for price in [0, -1, i64::MIN, -15_000_000_000] {
        let outcome = sol_with(&market, |seen| seen.price = price);
        expect_refusal(outcome, BallastError::PriceNotPositive);
    }
    // The largest one leaves the format: 9 x 10^10 dollars for 10^-9 token is fine, for a whole one it is not.
    sol_with(&market, |seen| seen.price = i64::MAX).unwrap();
}

#[test]
fn atk_d07_an_exponent_is_between_minus_18_and_zero() {
    let market = market();
    for exponent in [1, 8, 18, -19, i32::MIN, i32::MAX] {
        let outcome = sol_with(&market, |seen| seen.exponent = exponent);
        expect_refusal(outcome, BallastError::ExponentOutOfRange);
    }
}

#[test]
fn a_change_of_exponent_does_not_change_the_value() {
    let market = market();
    sol_with(&market, |_| ()).unwrap();
    let before = market.asset("SOL");
    for (price, exponent) in [(150, 0), (1_500, -1), (150_000_000_000, -9), (1_500_000_000_000_000_000, -16)] {
        market.advances(1);
        sol_with(&market, |seen| (seen.price, seen.confidence, seen.exponent) = (price, 0, exponent)).unwrap();
        let after = market.asset("SOL");
        // The last of 64 bits depends on the number that was divided.
        assert!(after.spot.abs_diff(before.spot) <= 1 && after.price_shifts[0] == before.price_shifts[0]);
    }
}

#[test]
fn atk_d03_a_price_with_a_wide_confidence_interval_is_withheld() {
    let market = market();
    // At most 2 % of the price.
    let bps = |bps: u64| move |seen: &mut Published| seen.confidence = seen.price as u64 / 10_000 * bps;
    sol_with(&market, bps(200)).unwrap();
    market.advances(1);
    expect_withheld(sol_with(&market, bps(201)), Doubt::Confidence);
    expect_withheld(sol_with(&market, bps(10_000)), Doubt::Confidence);
    expect_withheld(sol_with(&market, |seen| seen.confidence = u64::MAX), Doubt::Confidence);
}

#[test]
fn a_price_is_not_older_than_the_asset_allows() {
    let market = market();
    market.advances(100);
    let now = market.now();
    expect_refusal(sol_with(&market, |seen| seen.publish_time = now - 61), BallastError::PriceTooOld);
    expect_refusal(sol_with(&market, |seen| seen.publish_time = -1), BallastError::PriceTooOld);
    expect_refusal(sol_with(&market, |seen| seen.publish_time = i64::MIN), BallastError::PriceTooOld);
    sol_with(&market, |seen| seen.publish_time = now - 60).unwrap();
}

#[test]
fn a_price_is_not_from_the_future() {
    let market = market();
    let now = market.now();
    expect_refusal(sol_with(&market, |seen| seen.publish_time = now + 3_600), BallastError::PriceFromFuture);
    expect_refusal(sol_with(&market, |seen| seen.publish_time = i64::MAX), BallastError::PriceFromFuture);
    expect_refusal(sol_with(&market, |seen| seen.publish_time = now + 16), BallastError::PriceFromFuture);
    // The cluster's clock may be behind; the price is not usable longer for that.
    sol_with(&market, |seen| seen.publish_time = now + 15).unwrap();
    assert_eq!(market.asset("SOL").usable_until, now as u64 + 60);
}

#[test]
fn atk_d04_nobody_chooses_an_older_update_or_another_of_the_same_second() {
    let market = market();
    let now = market.now();
    market.advances(10);
    sol_with(&market, |seen| seen.publish_time = now + 5).unwrap();
    let accepted = market.account(&market.market_address()).unwrap().data;

    expect_refusal(sol_with(&market, |seen| seen.publish_time = now + 4), BallastError::PriceOlderThanStored);

    // Another price of the second that was accepted: no error, because keepers race, and no change.
    sol_with(&market, |seen| (seen.publish_time, seen.price) = (now + 5, seen.price * 2)).unwrap();
    assert_eq!(market.account(&market.market_address()).unwrap().data, accepted);
}

#[test]
fn a_price_that_the_format_cannot_hold_is_refused() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    market.lists(Token { decimals: 0, ..assets::token("WHOLE") }).unwrap();
    market.lists(Token { decimals: 18, ..assets::token("FINE") }).unwrap();
    let seen = |price, exponent| Published { price, confidence: 0, exponent, publish_time: market.now() };

    // One native unit above 2,147 dollars, and one of 10^-36 dollars.
    market.publishes("WHOLE", &seen(2_148, 0));
    expect_refusal(market.refreshes(&["WHOLE"]), BallastError::PriceOutOfRange);
    market.publishes("FINE", &seen(1, -18));
    expect_refusal(market.refreshes(&["FINE"]), BallastError::PriceOutOfRange);
    market.publishes("FINE", &seen(1, -15));
    market.refreshes(&["FINE"]).unwrap();
    market.publishes("WHOLE", &seen(i64::MAX, 0));
    expect_refusal(market.refreshes(&["WHOLE"]), BallastError::PriceOutOfRange);
    market.publishes("WHOLE", &seen(2_100, 0));
    market.refreshes(&["WHOLE"]).unwrap();
}

#[test]
fn a_push_feed_is_trading() {
    let market = market();
    let seen = published("0.00002", market.now());
    for status in [PriceStatus::Unknown, PriceStatus::Halted, PriceStatus::Auction, PriceStatus::Ignored] {
        let mut feed = push(&seen, 1);
        feed.agg.status = status;
        let outcome = refreshes_with(&market, "BONK", &PUSH_PROGRAM, push_bytes(&feed));
        expect_refusal(outcome, BallastError::PriceNotTrading);
    }
}

#[test]
fn a_push_account_is_a_price_account_at_the_recorded_address() {
    let market = market();
    let seen = published("0.00002", market.now());
    let mut magic = push(&seen, 1);
    magic.magic ^= 1;
    let mut version = push(&seen, 1);
    version.ver = 1;
    let mut kind = push(&seen, 1);
    kind.atype = 2;
    let truncated = push_bytes(&push(&seen, 1))[..3_000].to_vec();
    for data in [push_bytes(&magic), push_bytes(&version), push_bytes(&kind), truncated, vec![]] {
        let outcome = refreshes_with(&market, "BONK", &PUSH_PROGRAM, data);
        expect_refusal(outcome, BallastError::OracleWrongAccount);
    }

    let good = push_bytes(&push(&seen, 1));
    let elsewhere = address("another feed");
    market.writes_data(&elsewhere, &PUSH_PROGRAM, good.clone());
    let prices = [(market.index("BONK"), elsewhere, None)];
    let outcome = sends(&market, instruction::refresh_prices(&market.market_address(), &prices));
    expect_refusal(outcome, BallastError::OracleWrongAccount);

    refreshes_with(&market, "BONK", &PUSH_PROGRAM, good).unwrap();
}

#[test]
fn push_prices_obey_the_same_rules() {
    let market = market();
    let now = market.now();
    let bonk_with = |change: fn(&mut Published, i64)| {
        let mut seen = published("0.00002", now);
        change(&mut seen, now);
        market.publishes("BONK", &seen);
        market.refreshes(&["BONK"])
    };
    expect_refusal(bonk_with(|seen, _| seen.price = 0), BallastError::PriceNotPositive);
    expect_refusal(bonk_with(|seen, _| seen.price = -5), BallastError::PriceNotPositive);
    expect_refusal(bonk_with(|seen, _| seen.exponent = 1), BallastError::ExponentOutOfRange);
    expect_refusal(bonk_with(|seen, _| seen.exponent = i32::MIN), BallastError::ExponentOutOfRange);
    expect_refusal(bonk_with(|seen, now| seen.publish_time = now - 61), BallastError::PriceTooOld);
    expect_refusal(bonk_with(|seen, now| seen.publish_time = now + 16), BallastError::PriceFromFuture);
    expect_refusal(bonk_with(|seen, now| seen.publish_time = now - 2), BallastError::PriceOlderThanStored);
    bonk_with(|_, _| ()).unwrap();
    market.advances(1);
    expect_withheld(
        bonk_with(|seen, _| (seen.confidence, seen.publish_time) = (seen.price as u64, seen.publish_time + 1)),
        Doubt::Confidence,
    );
}
