//! Numbers that no feed should publish: exponents, signs, sizes.

use ballast_client::event::Action;
use ballast_client::local::{self, Published};
use ballast_client::risk::Amount;
use ballast_client::table::Parameter;
use ballast_client::{SourceKind, StateView};
use ballast_tests::assets::{Feed, token};
use ballast_tests::oracle::{self, published};
use ballast_tests::*;

use crate::probe::{lends_nothing, most};

/// SOL by a pull feed, GOLD by one of the other receiver, BONK by a push feed, ETH with a second pull feed, and a candidate
/// for SOL: every place where an exponent is read.
fn market() -> Fixture {
    let tokens = vec![token("SOL"), token("GOLD"), token("BONK"), token("ETH").checked_by(second()), token("USDC")];
    let market = Fixture::of(tokens);
    market.opens_market().unwrap();
    market.changes(market.source_of("SOL", 0, &rival())).unwrap();
    market.advances(1);
    market
}

fn second() -> Feed {
    Feed::new("second of ETH", SourceKind::PythPull, "3000")
}

fn rival() -> Feed {
    Feed::new("candidate of SOL", SourceKind::PythPull, "150")
}

/// Every reader sees the same number instead of a good one.
fn everywhere(market: &Fixture, change: impl Fn(&mut Published)) -> Vec<Outcome> {
    let seen = |dollars: &str| {
        let mut seen = published(dollars, market.now());
        change(&mut seen);
        seen
    };
    let firsts = ["SOL", "GOLD", "BONK"].map(|symbol| {
        market.publishes(symbol, &seen(market.token(symbol).price));
        market.refreshes(&[symbol])
    });
    market.sets_price("ETH", "3000");
    market.second_publishes("ETH", &seen("3000"));
    let second = market.refreshes(&["ETH"]);
    market.feed_publishes(&rival(), &market.token("SOL").mint, &seen("150"));
    firsts.into_iter().chain([second, market.observes("SOL", &rival().oracle)]).collect()
}

#[test]
fn atk_d07_an_exponent_outside_of_its_range_is_refused_wherever_it_is_read() {
    let market = market();
    for exponent in [1, 2, 8, 18, 19, 255, 256, i32::MAX, -19, -20, -256, i32::MIN + 1, i32::MIN] {
        for outcome in everywhere(&market, |seen| seen.exponent = exponent) {
            expect_refusal(outcome, BallastError::ExponentOutOfRange);
        }
    }
}

#[test]
fn atk_d07_a_change_of_the_exponent_is_no_change_of_the_price() {
    let (market, whole) = (market(), Amount::new(1_000_000_000));
    let micro = |market: &Fixture| market.asset("SOL").spot().unwrap().value_floor(whole).unwrap().get();
    let before = market.asset("SOL");
    for (price, exponent) in [
        (150, 0),
        (1_500, -1),
        (15_000_000_000, -8),
        (150_000_000_000, -9),
        (150_000_000_000_000, -12),
        (1_500_000_000_000_000_000, -16),
        (15_000_000_000, -8),
    ] {
        market.advances(1);
        let seen = Published { price, confidence: 0, exponent, publish_time: market.now() };
        market.publishes("SOL", &seen);
        market.refreshes(&["SOL"]).unwrap();
        let asset = market.asset("SOL");
        // The last of 64 bits depends on the number that was divided; no guard sees a move.
        assert!(asset.spot.abs_diff(before.spot) <= 1 && asset.price_shifts[0] == before.price_shifts[0], "{exponent}");
        assert!((149_999_999..=150_000_000).contains(&micro(&market)), "{exponent}");
        assert!(asset.variance <= 10, "{}", asset.variance);
    }
    // The number alone, without its exponent, is another price: nothing is remembered of the last one.
    market.advances(1);
    market.publishes(
        "SOL",
        &Published { price: 15_000_000_000, confidence: 0, exponent: -9, publish_time: market.now() },
    );
    market.refreshes(&["SOL"]).unwrap();
    assert!((14_999_999..=15_000_000).contains(&micro(&market)));
}

#[test]
fn atk_d08_a_price_that_is_not_positive_is_refused_wherever_it_is_read() {
    let market = market();
    for price in [0, -1, -15_000_000_000, i64::MIN + 1, i64::MIN] {
        for outcome in everywhere(&market, |seen| seen.price = price) {
            expect_refusal(outcome, BallastError::PriceNotPositive);
        }
    }
}

#[test]
fn atk_d08_the_largest_price_stops_at_the_band_and_without_one_lends_by_its_average() {
    let banded = token("SOL").with(&[(Parameter::BandHigh, 10_000_000_000_000_000)]);
    let market = Fixture::of(vec![banded, token("USDC")]);
    market.advances(1);
    market.publishes("SOL", &Published { price: i64::MAX, ..published("150", market.now()) });
    expect_withheld(market.refreshes(&["SOL"]), Doubt::Band);

    let market = Fixture::of(vec![token("SOL"), token("USDC")]).stocked();
    let mallory = market.actor("mallory", &[sol("1")]);
    mallory.deposits(sol("1")).unwrap();
    let before = most(&mallory, Action::Borrow, "USDC");
    // 92,233,720,368 dollars: the average of an hour takes a second of it, which is all the more reason for a band.
    market.advances(1);
    market.publishes("SOL", &Published { price: i64::MAX, ..published("150", market.now()) });
    market.refreshes(&["SOL"]).unwrap();
    assert!(most(&mallory, Action::Borrow, "USDC") > before);
    // With a breaker there is nothing to be had.
    let market = Fixture::of(vec![token("SOL").with(&[(Parameter::BreakerJump, assets::bps(1_000))]), token("USDC")]);
    let market = market.stocked();
    let mallory = market.actor("mallory", &[sol("1")]);
    mallory.deposits(sol("1")).unwrap();
    market.advances(1);
    market.publishes("SOL", &Published { price: i64::MAX, ..published("150", market.now()) });
    market.refreshes(&["SOL"]).unwrap();
    assert_eq!(most(&mallory, Action::Borrow, "USDC"), 0);
}

/// While one feed publishes nonsense, vaults with other assets go on, and who has the asset can still repay.
#[test]
fn atk_d08_nonsense_of_one_feed_leaves_other_assets_alone() {
    for price in [0, -1, i64::MIN] {
        let market = Fixture::of(vec![token("SOL"), token("BTC"), token("ETH"), token("USDC")]).stocked();
        let both = market.actor("both", &[sol("100"), btc("2"), usdc("20000")]);
        both.deposits(sol("100")).unwrap();
        both.deposits(btc("1")).unwrap();
        both.borrows(usdc("20000")).unwrap();
        let other = market.actor("other", &[eth("10")]);
        other.deposits(eth("10")).unwrap();
        market.advances(61);
        market.publishes("SOL", &Published { price, ..published("150", market.now()) });
        expect_refusal(market.refreshes(&["SOL", "BTC"]), BallastError::PriceNotPositive);
        for symbol in ["BTC", "ETH", "USDC"] {
            market.sets_price(symbol, market.token(symbol).price);
            market.refreshes(&[symbol]).unwrap();
        }
        // 100 SOL count nothing, the BTC of 60,000 dollars counts.
        both.borrows(usdc("1000")).unwrap();
        both.repays(usdc("2000")).unwrap();
        both.deposits(btc("0.5")).unwrap();
        both.withdraws(btc("0.1")).unwrap();
        assert_eq!(both.state(), StateView::Unpriced);
        other.borrows(usdc("5000")).unwrap();
        other.borrows(btc("0.01")).unwrap();
        lends_nothing(other.borrows(sol("1")));
        // A liquidation that needs no SOL.
        market.price_of_one_moves("ETH", "400");
        let bob = market.actor("bob", &[usdc("20000")]);
        bob.liquidates(&other, usdc("500"), "ETH").unwrap();
        both.repays(native("USDC", u64::MAX)).unwrap();
        both.withdraws_all("SOL").unwrap();
    }
}

#[test]
fn atk_d08_no_number_of_switchboard_or_of_a_stake_pool_breaks_anything() {
    let tokens = vec![
        token("SOL").priced_by(Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150")),
        token("LST").priced_by(Feed::new("pool of LST", SourceKind::StakePool, "1.1")),
    ];
    let market = Fixture::of(tokens);
    market.advances(1);
    let good = oracle::switchboard(&published("150", market.now()), market.clock().slot);
    let extremes = [i128::MIN, i128::MIN + 1, i128::from(i64::MIN), -1, 0, i128::from(u64::MAX) << 64, i128::MAX];
    for value in extremes {
        for deviation in extremes {
            let feed = local::switchboard_feed(&local::FeedResult { value, deviation, ..good });
            market.writes_data(&market.token("SOL").oracle, &local::SWITCHBOARD, feed);
            let refusal = market.refreshes(&["SOL"]).unwrap_err();
            assert!(matches!(refusal.fault, Fault::Ballast(6_200..6_300)), "{value} {deviation}: {refusal:#?}");
        }
    }
    for lamports in [0, 1, u64::MAX] {
        for supply in [0, 1, u64::MAX] {
            let pool = local::Pool { mint: market.token("LST").mint, lamports, supply, epoch: 0 };
            market.writes_data(&market.token("LST").oracle, &local::STAKE_POOL, local::stake_pool(&pool));
            match market.refreshes(&["LST"]) {
                // One for one is a rate like another.
                Ok(_) => assert!(lamports == supply && supply > 0, "{lamports} {supply}"),
                Err(refusal) => {
                    assert!(matches!(refusal.fault, Fault::Ballast(6_200..6_300)), "{lamports} {supply}: {refusal:#?}");
                }
            }
        }
    }
}
