//! `refresh_prices` of an asset with two sources: which of them is the price, what both mean together, and what happens
//! when they disagree.

use ballast_client::event::{BreakerTripped, PriceRefreshed, PriceWithheld};
use ballast_client::local::{Published, Verification, price_update};
use ballast_client::risk::Amount;
use ballast_client::risk::breaker::State;
use ballast_client::risk::price::Price;
use ballast_client::table::Parameter;
use ballast_client::{Asset, Source, SourceKind, change, instruction};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::oracle::published;
use ballast_tests::*;
use solana_instruction::AccountMeta;

/// The second source of SOL.
fn checker() -> Feed {
    Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150")
}

/// SOL with two sources that may differ by 2 %, and USDC with one.
fn market_with(values: &[(Parameter, u64)]) -> Fixture {
    let values = [&[(Parameter::Agreement, bps(200))], values].concat();
    Fixture::of(vec![token("SOL").with(&values).checked_by(checker()), token("USDC")])
}

fn market() -> Fixture {
    market_with(&[])
}

/// Micro-dollars for one SOL, rounded down.
fn micro(price: Option<Price>) -> u64 {
    price.unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get()
}

/// `dollars` with a confidence interval in basis points of it.
fn seen(dollars: &str, confidence_bps: u64, at: i64) -> Published {
    let seen = published(dollars, at);
    Published { confidence: seen.price.unsigned_abs() / 10_000 * confidence_bps, ..seen }
}

#[track_caller]
fn close(found: u64, expected: u64) {
    assert!(found.abs_diff(expected) <= 1, "{found} instead of {expected}");
}

#[test]
fn the_first_source_is_the_price_and_the_second_a_check() {
    let market = market();
    let receipt = market.sources_say("SOL", "150", "152").unwrap();
    let asset = market.asset("SOL");
    close(micro(asset.spot()), 150_000_000);
    // The average of 150 and 150, and 2.12 x 0.05 % on both sides of 150: nothing is from the second.
    close(micro(asset.average()), 150_000_000);
    close(micro(asset.low()), 149_841_000);
    close(micro(asset.high()), 150_159_000);
    let now = market.now() as u64;
    assert_eq!((asset.publish_time, asset.second_publish_time), (now, now));
    assert_eq!((asset.usable_until, asset.init_until), (now + 60, now + 60));
    assert_eq!(receipt.event::<PriceRefreshed>().publish_time, now);
    assert!(receipt.events::<PriceWithheld>().is_empty() && receipt.events::<BreakerTripped>().is_empty());
}

/// With the conservative policy a deposit counts at the lower of `first x (1 - c)` and `second x (1 - c')`, a debt at the
/// higher of `first x (1 + c)` and `second x (1 + c')`; `c` is 2.12 intervals.
#[test]
fn both_count_at_init_where_the_policy_says_so() {
    let market = market_with(&[(Parameter::Conservative, 1)]);
    // First, its interval, second, its interval; low and high in micro-dollars.
    let cases: [(&str, u64, &str, u64, u64, u64); 6] = [
        // 150 x (1 - 0.00106); 151 x (1 + 0.00106)
        ("150", 5, "151", 5, 149_841_000, 151_160_060),
        // 149 x (1 - 0.00106); 150 x (1 + 0.00106)
        ("150", 5, "149", 5, 148_842_060, 150_159_000),
        // 150 x (1 - 0.0212); 151 x (1 + 0.00106) is less than 150 x 1.0212
        ("150", 100, "151", 5, 146_820_000, 153_180_000),
        // 152 x (1 - 0.0424) is less than 150 x (1 - 0.00106); 152 x 1.0424
        ("150", 5, "152", 200, 145_555_200, 158_444_800),
        // Without intervals, the two themselves.
        ("150", 0, "147.5", 0, 147_500_000, 150_000_000),
        ("150", 0, "150", 0, 150_000_000, 150_000_000),
    ];
    for (first, first_bps, second, second_bps, low, high) in cases {
        market.advances(1);
        market.publishes("SOL", &seen(first, first_bps, market.now()));
        market.second_publishes("SOL", &seen(second, second_bps, market.now()));
        market.refreshes(&["SOL"]).unwrap();
        let asset = market.asset("SOL");
        close(micro(asset.spot()), 150_000_000);
        close(micro(asset.low()), low);
        close(micro(asset.high()), high);
    }
}

#[test]
fn the_average_counts_beside_both() {
    let market = market_with(&[(Parameter::Conservative, 1)]);
    // Half of the averaging period: the average goes half of the way, and is the lowest and then the highest of the three.
    market.advances(1_799);
    market.sources_say("SOL", "170", "171").unwrap();
    let asset = market.asset("SOL");
    close(micro(asset.average()), 160_000_000);
    // 160 x (1 - 0.00106), 171 x (1 + 0.00106)
    close(micro(asset.low()), 159_830_400);
    close(micro(asset.high()), 171_181_260);
    market.advances(1_799);
    market.sources_say("SOL", "140", "139").unwrap();
    let asset = market.asset("SOL");
    close(micro(asset.average()), 150_000_000);
    close(micro(asset.low()), 138_852_660);
    close(micro(asset.high()), 150_159_000);
}

#[test]
fn they_may_differ_by_as_much_as_was_agreed() {
    // 2 % of 150 are 3 dollars, on both sides; the difference is a part of the first.
    for (second, agree) in [("152.99", true), ("153.01", false), ("147.01", true), ("146.99", false)] {
        let market = market();
        let receipt = market.sources_say("SOL", "150", second).unwrap();
        assert_eq!(receipt.events::<PriceRefreshed>().len(), usize::from(agree), "{second}");
        assert_eq!(receipt.events::<PriceWithheld>().len(), usize::from(!agree), "{second}");
    }
    // 150 is less than 2 % below 153, whose 2 % are 3.06.
    let market = market();
    market.sources_say("SOL", "153", "150").unwrap().event::<PriceRefreshed>();
}

#[test]
fn when_they_disagree_the_price_stays_and_lends_nothing() {
    let market = market();
    let before = market.asset("SOL");
    let receipt = market.sources_say("SOL", "120", "150").unwrap();
    let (after, now) = (market.asset("SOL"), market.now() as u64);

    let prices = |asset: &Asset| (asset.spot(), asset.average(), asset.low(), asset.high(), asset.peak());
    assert_eq!(prices(&after), prices(&before));
    let times = |asset: &Asset| (asset.publish_time, asset.second_publish_time, asset.price_slot);
    assert_eq!(times(&after), times(&before));
    // Where it counts for liquidation it is withheld.
    assert_eq!((after.doubted_at, after.usable_until), (now, 0));
    assert_eq!((after.variance, after.confidence), (before.variance, before.confidence));
    // New risk stops at once, and haircuts are those of caution: one and a half.
    assert_eq!((after.breaker, after.breaker_until, after.init_until), (2, now + 600, 0));
    assert_eq!(after.volatility, 98_304);

    let event: PriceWithheld = receipt.event();
    assert_eq!((event.market, event.asset, event.doubt), (market.market_address(), 0, Doubt::Disagreement));
    assert_eq!(event.publish_time, now);
    let tripped: BreakerTripped = receipt.event();
    assert_eq!((tripped.asset, tripped.state, tripped.until), (0, State::ReduceOnly.code(), now + 600));
    assert!(receipt.events::<PriceRefreshed>().is_empty());

    // A difference that lasts is told every time, the breaker that it keeps tripped is not.
    let receipt = market.sources_say("SOL", "120", "150").unwrap();
    receipt.event::<PriceWithheld>();
    assert!(receipt.events::<BreakerTripped>().is_empty());
    assert_eq!(market.asset("SOL").breaker_until, now + 601);
}

#[test]
fn once_they_agree_again_new_risk_waits_for_the_breaker_alone() {
    let market = market();
    market.sources_say("SOL", "120", "150").unwrap();
    let tripped = market.now() as u64;
    market.sources_say("SOL", "149", "150").unwrap();
    let asset = market.asset("SOL");
    close(micro(asset.spot()), 149_000_000);
    assert_eq!((asset.usable_until, asset.init_until), (tripped + 61, 0));
    // The last second of the breaker, and the one after it.
    market.advances(598);
    market.sources_say("SOL", "149", "150").unwrap();
    assert_eq!((market.now() as u64, market.asset("SOL").init_until), (tripped + 600, 0));
    let receipt = market.sources_say("SOL", "149", "150").unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.init_until, asset.breaker, asset.breaker_until), (tripped + 661, 0, 0));
    assert_eq!(asset.volatility, 65_536);
    assert_eq!(receipt.event::<BreakerTripped>().state, 0);
}

#[test]
fn the_second_fulfils_what_every_observation_must() {
    let market = market();
    let refused = |change: fn(&mut Published, i64), expected| {
        market.advances(1);
        market.sets_price("SOL", "150");
        let mut seen = published("150", market.now());
        change(&mut seen, market.now());
        market.second_publishes("SOL", &seen);
        expect_refusal(market.refreshes(&["SOL"]), expected);
    };
    refused(|seen, now| seen.publish_time = now - 61, BallastError::PriceTooOld);
    refused(|seen, now| seen.publish_time = now + 16, BallastError::PriceFromFuture);
    refused(|seen, _| seen.price = 0, BallastError::PriceNotPositive);
    refused(|seen, _| seen.price = -1, BallastError::PriceNotPositive);
    market.advances(1);
    market.sets_price("SOL", "150");
    let seen = published("150", market.now());
    market.second_publishes("SOL", &Published { confidence: seen.price as u64 / 50 + 1, ..seen });
    expect_withheld(market.refreshes(&["SOL"]), Doubt::Confidence);

    let market = market_with(&[(Parameter::BandLow, 140_000_000_000_000), (Parameter::BandHigh, 150_000_000_000_000)]);
    market.advances(1);
    market.sets_price("SOL", "149");
    market.sets_second_price("SOL", "150.000001");
    expect_withheld(market.refreshes(&["SOL"]), Doubt::Band);
    // One of the same second that is believed counts.
    market.sets_second_price("SOL", "150");
    market.refreshes(&["SOL"]).unwrap();
}

#[test]
fn the_publish_time_of_the_second_never_falls_either() {
    let market = market();
    market.advances(30);
    let now = market.now();
    market.publishes("SOL", &published("150", now - 10));
    market.second_publishes("SOL", &published("150", now - 5));
    market.refreshes(&["SOL"]).unwrap();
    assert_eq!(market.asset("SOL").second_publish_time, now as u64 - 5);

    market.publishes("SOL", &published("151", now));
    market.second_publishes("SOL", &published("151", now - 6));
    expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceOlderThanStored);
    // It may stand still while the first goes on.
    market.second_publishes("SOL", &published("151", now - 5));
    market.refreshes(&["SOL"]).unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.publish_time, asset.second_publish_time), (now as u64, now as u64 - 5));

    // A first source that stands still makes the second one count for nothing, newer or not.
    let before = market.account(&market.market_address());
    market.second_publishes("SOL", &published("100", now));
    market.refreshes(&["SOL"]).unwrap();
    assert_eq!(market.account(&market.market_address()), before);
}

#[test]
fn a_second_source_that_stands_still_stops_the_asset() {
    let market = market();
    for _ in 0..60 {
        market.advances(1);
        market.sets_price("SOL", "150");
        market.refreshes(&["SOL"]).unwrap();
    }
    market.advances(1);
    market.sets_price("SOL", "150");
    expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceTooOld);
}

#[test]
fn each_asset_has_as_many_accounts_as_sources() {
    let market = market();
    market.advances(1);
    market.refreshes_all();
    let address = market.market_address();
    let (sol, check, usdc) = (market.token("SOL").oracle, checker().oracle, market.token("USDC").oracle);
    let sends = |prices: &[(u8, Pubkey, Option<Pubkey>)]| {
        market.sends(&[instruction::refresh_prices(&address, prices)], &[&market.payer()])
    };
    sends(&[(0, sol, Some(check)), (1, usdc, None)]).unwrap();
    sends(&[(1, usdc, None), (0, sol, Some(check))]).unwrap();
    sends(&[(0, sol, Some(check)), (1, usdc, None), (0, sol, Some(check))]).unwrap();

    // Too few at the end, and in the middle, where the next account is taken for the second one.
    expect_refusal(sends(&[(0, sol, None)]), BallastError::OracleListMismatch);
    expect_refusal(sends(&[(1, usdc, None), (0, sol, None)]), BallastError::OracleListMismatch);
    expect_refusal(sends(&[(0, sol, None), (1, usdc, None)]), BallastError::OracleWrongAccount);
    // Too many.
    expect_refusal(sends(&[(1, usdc, Some(usdc))]), BallastError::OracleListMismatch);
    expect_refusal(sends(&[(1, usdc, Some(check)), (0, sol, Some(check))]), BallastError::OracleWrongOwner);
    let mut more = market.refresh_instruction(&["SOL", "USDC"]);
    more.accounts.push(AccountMeta::new_readonly(check, false));
    expect_refusal(market.sends(&[more], &[&market.payer()]), BallastError::OracleListMismatch);
    // The other way round, and the same twice.
    expect_refusal(sends(&[(0, check, Some(sol))]), BallastError::OracleWrongOwner);
    expect_refusal(sends(&[(0, sol, Some(sol))]), BallastError::OracleWrongAccount);
}

#[test]
fn every_kind_can_be_the_second() {
    for (kind, says) in [
        (SourceKind::PythPull, "3000"),
        (SourceKind::PythPullCore, "3000"),
        (SourceKind::PythPush, "3000"),
        (SourceKind::SwitchboardPull, "3000"),
        // Twenty SOL of 150 dollars: of native units, of which SOL has ten times as many, 200.
        (SourceKind::StakePool, "200"),
    ] {
        let feed = Feed::new("another source of ETH", kind, says);
        let market = Fixture::of(vec![token("SOL"), token("ETH").checked_by(feed)]);
        market.advances(1);
        market.refreshes_all();
        let asset = market.asset("ETH");
        assert_eq!((asset.sources[1].kind(), asset.second_publish_time), (kind, market.now() as u64));
        let differs = if kind == SourceKind::StakePool { "210" } else { "3100" };
        market.sources_say("ETH", "3000", differs).unwrap().event::<PriceWithheld>();
    }
}

#[test]
fn only_a_full_verification_counts_for_the_second_too() {
    let feed = Feed::new("another source of ETH", SourceKind::PythPullCore, "3000");
    let market = Fixture::of(vec![token("ETH").checked_by(feed.clone())]);
    market.advances(1);
    market.sets_price("ETH", "3000");
    let partial = Verification::Partial { signatures: 12 };
    let data = price_update(&feed.key.to_bytes(), &published("3000", market.now()), partial, 1);
    market.writes_data(&feed.oracle, &client::local::RECEIVER_CORE, data);
    expect_refusal(market.refreshes(&["ETH"]), BallastError::NotFullyVerified);
}

#[test]
fn without_its_second_source_an_asset_has_one() {
    let market = market();
    market.actor("somebody", &[]);
    market.changes(change::source(&market.market(), 0, 1, Source::NONE)).unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.sources[1], asset.candidate, asset.second_publish_time), (Source::NONE, Source::NONE, 0));
    market.advances(1);
    market.sets_price("SOL", "150");
    market.refreshes(&["SOL"]).unwrap();
    let both = [(0, market.token("SOL").oracle, Some(checker().oracle))];
    let refresh = instruction::refresh_prices(&market.market_address(), &both);
    expect_refusal(market.sends(&[refresh], &[&market.payer()]), BallastError::OracleListMismatch);
}
