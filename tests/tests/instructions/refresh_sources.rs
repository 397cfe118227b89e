//! `refresh_prices`: what an account of Switchboard or of a stake pool must be, and what it says. Those of Pyth are in
//! `refresh_prices`.

use ballast_client::local::{self, FeedResult, Pool, Published, SWITCHBOARD};
use ballast_client::risk::Amount;
use ballast_client::risk::price::Price;
use ballast_client::table::Parameter;
use ballast_client::{Pausable, Role, SourceKind};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::oracle::{self, published};
use ballast_tests::*;
use solana_clock::Clock;

/// Micro-dollars for 10^9 native units, rounded down.
fn micro(price: Option<Price>) -> u64 {
    price.unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get()
}

// Switchboard.

fn feed() -> Feed {
    Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150")
}

/// SOL priced by Switchboard, a second after its first price.
fn cranked() -> Fixture {
    let market = Fixture::of(vec![token("SOL").priced_by(feed())]);
    market.advances(1);
    market
}

/// A feed at 150 dollars, now, with one thing changed.
fn cranks(market: &Fixture, change: impl FnOnce(&mut FeedResult)) -> Outcome {
    let mut result = oracle::switchboard(&published("150", market.now()), market.clock().slot);
    change(&mut result);
    writes(market, &SWITCHBOARD, local::switchboard_feed(&result))
}

fn writes(market: &Fixture, owner: &Pubkey, data: Vec<u8>) -> Outcome {
    market.writes_data(&market.tokens()[0].oracle, owner, data);
    market.refreshes(&["SOL"])
}

const DOLLAR: i128 = 1_000_000_000_000_000_000;

#[test]
fn the_median_of_a_switchboard_feed_is_the_price_and_its_deviation_the_interval() {
    let market = cranked();
    cranks(&market, |seen| (seen.value, seen.deviation) = (151 * DOLLAR + 5, DOLLAR)).unwrap();
    let asset = market.asset("SOL");
    assert!((150_999_999..=151_000_000).contains(&micro(asset.spot())), "{}", micro(asset.spot()));
    assert_eq!(asset.publish_time, market.now() as u64);
    // 2.12 of one in 151, rounded up from parts of 2^32.
    let widened = 2.12 / 151.0 * 2f64.powi(32);
    assert!((f64::from(asset.confidence) - widened).abs() < 5.0, "{} {widened}", asset.confidence);
}

#[test]
fn a_value_that_leaves_64_bits_loses_nine_of_its_18_places() {
    let market = cranked();
    let spot = |value: i128| {
        market.advances(1);
        cranks(&market, |seen| (seen.value, seen.deviation) = (value, 0)).unwrap();
        market.asset("SOL").spot().unwrap()
    };
    let exact = |number: i64, exponent| Price::from_decimal_floor(number.unsigned_abs(), exponent, 9).unwrap();
    assert_eq!(spot(i128::from(i64::MAX)), exact(i64::MAX, -18));
    assert_eq!(spot(i128::from(i64::MAX) + 1), exact(9_223_372_036, -9));
    assert_eq!(spot(150 * DOLLAR + 123_456_789_999_999_999), exact(150_123_456_789, -9));
    assert_eq!(spot(DOLLAR / 7), exact(142_857_142_857_142_857, -18));
    assert_eq!(spot(i128::from(i64::MAX) * 1_000_000_000 + 999_999_999), exact(i64::MAX, -9));
    // The interval is rounded up where the value is cut.
    market.advances(1);
    cranks(&market, |seen| (seen.value, seen.deviation) = (1 << 70, 1)).unwrap();
    assert!(market.asset("SOL").confidence > 0);
}

#[test]
fn a_value_that_is_no_price_is_refused() {
    let market = cranked();
    for value in [0, -1, -150 * DOLLAR, i128::MIN] {
        expect_refusal(cranks(&market, |seen| seen.value = value), BallastError::PriceNotPositive);
    }
    for deviation in [-1, i128::MIN] {
        expect_refusal(cranks(&market, |seen| seen.deviation = deviation), BallastError::PriceNotPositive);
    }
    for value in [i128::from(i64::MAX) * 1_000_000_000 + 1_000_000_000, i128::MAX] {
        expect_refusal(cranks(&market, |seen| seen.value = value), BallastError::PriceOutOfRange);
    }
    for deviation in [3 * DOLLAR + DOLLAR / 1_000, 150 * DOLLAR, i128::MAX] {
        market.advances(1);
        expect_withheld(cranks(&market, |seen| seen.deviation = deviation), Doubt::Confidence);
    }
    cranks(&market, |seen| seen.deviation = 3 * DOLLAR - DOLLAR / 1_000).unwrap();
}

#[test]
fn a_switchboard_feed_has_the_samples_that_it_asks_for_and_one_at_least() {
    let market = cranked();
    for (samples, least, enough) in [(0, 0, false), (0, 1, false), (2, 3, false), (254, 255, false), (1, 0, true)] {
        let outcome = cranks(&market, |seen| (seen.samples, seen.least_samples) = (samples, least));
        if enough {
            outcome.unwrap();
        } else {
            expect_refusal(outcome, BallastError::TooFewSamples);
        }
    }
}

#[test]
fn a_switchboard_result_is_no_older_than_the_feed_allows_and_than_the_asset_does() {
    let market = cranked();
    let slot = market.clock().slot;
    for (signed, staleness, fresh) in
        [(slot - 251, 250, false), (slot - 1, 0, false), (0, u32::MAX, true), (slot - 250, 250, true), (slot, 0, true)]
    {
        market.advances(1);
        let passed = market.clock().slot - slot;
        let outcome = cranks(&market, |seen| (seen.slot, seen.max_staleness) = (signed + passed, staleness));
        if fresh {
            outcome.unwrap();
        } else {
            expect_refusal(outcome, BallastError::PriceTooOld);
        }
    }
    market.advances(61);
    let now = market.now();
    expect_refusal(cranks(&market, |seen| seen.updated = now - 61), BallastError::PriceTooOld);
    expect_refusal(cranks(&market, |seen| seen.updated = -1), BallastError::PriceTooOld);
    expect_refusal(cranks(&market, |seen| seen.updated = now + 16), BallastError::PriceFromFuture);
    expect_refusal(cranks(&market, |seen| seen.updated = i64::MAX), BallastError::PriceFromFuture);
    cranks(&market, |seen| seen.updated = now - 60).unwrap();
}

#[test]
fn a_switchboard_account_is_a_pull_feed_at_the_recorded_address() {
    let market = cranked();
    let good = local::switchboard_feed(&oracle::switchboard(&published("150", market.now()), market.clock().slot));
    let mut other_type = good.clone();
    other_type[7] ^= 1;
    let longer = [good.as_slice(), &[0]].concat();
    for data in [other_type, good[..3_207].to_vec(), longer, good[..8].to_vec(), vec![]] {
        expect_refusal(writes(&market, &SWITCHBOARD, data), BallastError::OracleWrongAccount);
    }
    for owner in [local::RECEIVER, local::STAKE_POOL, Pubkey::default(), client::ID] {
        expect_refusal(writes(&market, &owner, good.clone()), BallastError::OracleWrongOwner);
    }
    let elsewhere = address("another feed");
    market.writes_data(&elsewhere, &SWITCHBOARD, good.clone());
    let prices = [(0, elsewhere, None)];
    let refresh = client::instruction::refresh_prices(&market.market_address(), &prices);
    expect_refusal(market.sends(&[refresh], &[&market.payer()]), BallastError::OracleWrongAccount);
    writes(&market, &SWITCHBOARD, good).unwrap();
}

// Stake pools.

/// SOL, and LST which is 1.1 SOL.
fn staked(values: &[(Parameter, u64)]) -> Fixture {
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    let market = Fixture::of(vec![token("SOL"), token("LST").priced_by(pool).with(values), token("USDC")]);
    market.advances(1);
    market
}

/// The pool of LST as it is, with one thing changed; and SOL has a new price.
fn pools(market: &Fixture, change: impl FnOnce(&mut Pool)) -> Outcome {
    let mint = market.token("LST").mint;
    let mut pool = oracle::pool(&mint.to_bytes(), &published("1.1", 0));
    change(&mut pool);
    pool_writes(market, &local::STAKE_POOL, local::stake_pool(&pool))
}

fn pool_writes(market: &Fixture, owner: &Pubkey, data: Vec<u8>) -> Outcome {
    market.writes_data(&market.token("LST").oracle, owner, data);
    market.sets_price("SOL", market.token("SOL").price);
    market.refreshes(&["SOL", "LST"])
}

#[test]
fn a_staked_token_is_worth_its_part_of_the_stake() {
    let market = staked(&[]);
    let now = market.now() as u64;
    pools(&market, |pool| (pool.lamports, pool.supply) = (7_000_000_000_007, 6_000_000_000_000)).unwrap();
    let (sol, lst) = (market.asset("SOL"), market.asset("LST"));
    // 150 x 7.000000000007 / 6, the rate rounded down to 2^-32.
    let rate = (7_000_000_000_007u128 << 32) / 6_000_000_000_000;
    let expected = (150_000_000 * rate) >> 32;
    assert!(u128::from(micro(lst.spot())).abs_diff(expected) <= 1, "{}", micro(lst.spot()));
    assert!((174_999_999..=175_000_000).contains(&micro(lst.spot())));
    assert_eq!((u128::from(lst.staking_rate), lst.staking_rate_at), (rate, now));
    // Time and interval are those of SOL.
    assert_eq!((lst.publish_time, lst.usable_until), (now, now + 60));
    assert!(lst.confidence.abs_diff(sol.confidence) <= 5, "{} {}", lst.confidence, sol.confidence);
}

#[test]
fn without_a_new_price_of_the_base_there_is_none_of_the_staked_token() {
    let market = staked(&[]);
    let before = market.asset("LST");
    market.sets_price("LST", "1.2");
    market.refreshes(&["LST"]).unwrap();
    assert_eq!(market.asset("LST").spot(), before.spot());
    // In the order of the list: the base comes first.
    market.sets_price("SOL", "160");
    market.refreshes(&["LST", "SOL"]).unwrap();
    assert_eq!(market.asset("LST").spot(), before.spot());
    market.refreshes(&["LST"]).unwrap();
    assert!((191_999_999..=192_000_000).contains(&micro(market.asset("LST").spot())));
}

#[test]
fn the_pool_is_of_this_mint_and_up_to_date() {
    let market = staked(&[]);
    let other = market.token("SOL").mint;
    expect_refusal(pools(&market, |pool| pool.mint = other), BallastError::OracleWrongAccount);
    for (lamports, supply) in [(0, 1), (1, 0), (0, 0), (u64::MAX, 1)] {
        let outcome = pools(&market, |pool| (pool.lamports, pool.supply) = (lamports, supply));
        expect_refusal(outcome, BallastError::PriceOutOfRange);
    }
    let clock = Clock { epoch: 800, ..market.clock() };
    market.world_mut().svm.set_sysvar(&clock);
    for epoch in [0, 798] {
        expect_refusal(pools(&market, |pool| pool.epoch = epoch), BallastError::StakePoolNotUpdated);
    }
    pools(&market, |pool| pool.epoch = 799).unwrap();
    for epoch in [800, 801, u64::MAX] {
        market.advances(1);
        pools(&market, |pool| pool.epoch = epoch).unwrap();
    }
}

#[test]
fn a_stake_pool_account_is_of_one_of_three_programs_and_at_the_recorded_address() {
    let market = staked(&[]);
    let mint = market.token("LST").mint;
    let good = local::stake_pool(&oracle::pool(&mint.to_bytes(), &published("1.1", 0)));
    let mut other_type = good.clone();
    other_type[0] = 2;
    for data in [other_type, good[..281].to_vec(), good[..1].to_vec(), vec![]] {
        expect_refusal(pool_writes(&market, &local::STAKE_POOL, data), BallastError::OracleWrongAccount);
    }
    for owner in [local::RECEIVER, SWITCHBOARD, Pubkey::default(), client::ID] {
        expect_refusal(pool_writes(&market, &owner, good.clone()), BallastError::OracleWrongOwner);
    }
    let elsewhere = address("another pool");
    market.writes_data(&elsewhere, &local::STAKE_POOL, good.clone());
    let refresh = client::instruction::refresh_prices(&market.market_address(), &[(1, elsewhere, None)]);
    expect_refusal(market.sends(&[refresh], &[&market.payer()]), BallastError::OracleWrongAccount);
    for owner in local::STAKE_POOL_PROGRAMS {
        market.advances(1);
        pool_writes(&market, &owner, good.clone()).unwrap();
        assert_eq!(market.asset("LST").publish_time, market.now() as u64);
    }
}

#[test]
fn a_base_without_a_fresh_price_values_nothing() {
    let market = staked(&[]);
    market.advances(60);
    expect_refusal(market.refreshes(&["LST"]), BallastError::BasePriceUnusable);
    market.refreshes_all();
    market.pauses(Role::Guardian, Pausable::Asset(0), 1).unwrap();
    expect_refusal(market.refreshes(&["LST"]), BallastError::BasePriceUnusable);
    market.advances(2);
    market.sets_price("SOL", "150");
    market.refreshes(&["SOL", "LST"]).unwrap();
}

#[test]
fn what_a_breaker_or_a_grace_withholds_of_the_base_is_no_reason_to_refuse() {
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    let guards = [(Parameter::BreakerJump, bps(500)), (Parameter::RecoveryGrace, 600)];
    let market = Fixture::of(vec![token("SOL").with(&guards), token("LST").priced_by(pool)]);
    market.advances(7_200);
    market.sets_price("SOL", "200");
    market.refreshes(&["SOL", "LST"]).unwrap();
    let (sol, lst) = (market.asset("SOL"), market.asset("LST"));
    assert_eq!((sol.init_until, sol.usable_until), (0, 0));
    assert_eq!((lst.init_until, lst.usable_until), (market.now() as u64 + 60, market.now() as u64 + 60));
    assert!(micro(lst.spot()).abs_diff(220_000_000) <= 1);
}

const DAY: i64 = 86_400;
/// The growth of 15 % a year in 30 days.
const MONTHLY: f64 = 0.15 * 30.0 / 365.0;

#[test]
fn a_rate_that_grows_faster_than_the_limit_counts_at_init_with_the_limit() {
    let market = staked(&[(Parameter::GrowthLimit, bps(1_500)), (Parameter::Conservative, 0)]);
    pools(&market, |_| ()).unwrap();
    let remembered = (market.asset("LST").staking_rate, market.asset("LST").staking_rate_at);
    market.advances(30 * DAY);
    // 1.1 SOL have become 1.2, and 1.1136 are credible.
    pools(&market, |pool| pool.lamports = 120_000_000).unwrap();
    let asset = market.asset("LST");
    assert!(micro(asset.spot()).abs_diff(180_000_000) <= 1, "spot is what it is");
    let low = 150e6 * 1.1 * (1.0 + MONTHLY) * (1.0 - 0.00106);
    assert!((micro(asset.low()) as f64 - low).abs() < 5.0, "{} {low}", micro(asset.low()));
    // A debt counts with the whole of it.
    assert!((micro(asset.high()) as f64 - 180e6 * 1.00106).abs() < 5.0);
    // The limit goes on from where it began, in a line.
    assert_eq!((asset.staking_rate, asset.staking_rate_at), remembered);
    market.advances(30 * DAY);
    pools(&market, |pool| pool.lamports = 120_000_000).unwrap();
    let low = 150e6 * 1.1 * (1.0 + 2.0 * MONTHLY) * (1.0 - 0.00106);
    assert!((micro(market.asset("LST").low()) as f64 - low).abs() < 5.0);
    assert_eq!((market.asset("LST").staking_rate, market.asset("LST").staking_rate_at), remembered);
}

#[test]
fn a_rate_below_the_limit_counts_whole_and_the_next_is_measured_from_it() {
    let market = staked(&[(Parameter::GrowthLimit, bps(1_500))]);
    pools(&market, |_| ()).unwrap();
    market.advances(30 * DAY);
    pools(&market, |pool| pool.lamports = 111_000_000).unwrap();
    let asset = market.asset("LST");
    assert!((micro(asset.low()) as f64 - 166.5e6 * (1.0 - 0.00106)).abs() < 5.0);
    assert_eq!(asset.staking_rate_at, market.now() as u64);
    // A penalty counts at once, and what comes back after it has to grow again.
    market.advances(DAY);
    pools(&market, |pool| pool.lamports = 90_000_000).unwrap();
    assert!((micro(market.asset("LST").low()) as f64 - 135e6 * (1.0 - 0.00106)).abs() < 5.0);
    market.advances(DAY);
    pools(&market, |pool| pool.lamports = 111_000_000).unwrap();
    let asset = market.asset("LST");
    let low = 135e6 * (1.0 + MONTHLY / 30.0) * (1.0 - 0.00106);
    assert!((micro(asset.low()) as f64 - low).abs() < 5.0, "{} {low}", micro(asset.low()));
    assert!(micro(asset.spot()).abs_diff(166_500_000) <= 1);
}

#[test]
fn an_interval_of_the_base_passes_through() {
    let market = staked(&[]);
    let seen = published("150", market.now());
    market.publishes("SOL", &Published { confidence: seen.price as u64 / 100, ..seen });
    market.refreshes(&["SOL", "LST"]).unwrap();
    let (sol, lst) = (market.asset("SOL"), market.asset("LST"));
    assert!(lst.confidence >= sol.confidence && lst.confidence - sol.confidence <= 5, "never less than it was");
    assert!((micro(lst.low()) as f64 - 165e6 * (1.0 - 0.0212)).abs() < 5.0);
}
