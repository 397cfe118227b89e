//! Candidates beside the prices that they are compared with: when they agree, how often they must, and what takes over. The
//! accounts of `observe_candidate` are in its own file.

use ballast_client::event::{CandidateObserved, PriceRefreshed};
use ballast_client::local::{Published, Verification, price_update};
use ballast_client::risk::Amount;
use ballast_client::table::Parameter;
use ballast_client::{Pausable, Role, Source, SourceKind};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::fixture::DELAY;
use ballast_tests::oracle::published;
use ballast_tests::*;

/// Who is to replace the first source of SOL.
fn rival() -> Feed {
    Feed::new("SOL elsewhere", SourceKind::SwitchboardPull, "150")
}

/// Governance opens the market and names a candidate, which takes two days; prices are fresh then.
fn named(market: &Fixture, symbol: &str, slot: u8, feed: &Feed) {
    if market.market().in_setup() {
        market.opens_market().unwrap();
    }
    market.changes(market.source_of(symbol, slot, feed)).unwrap();
}

/// SOL with a candidate that has to agree `checks` times within 2 %; SOL has a fresh price.
fn market_with(checks: u64, slot: u8, feed: &Feed) -> Fixture {
    let values = [(Parameter::SourceChecks, checks), (Parameter::Agreement, bps(200))];
    let market = Fixture::of(vec![token("USDC"), token("SOL").with(&values)]);
    named(&market, "SOL", slot, feed);
    market
}

fn market() -> Fixture {
    market_with(3, 0, &rival())
}

/// A rival's update of this moment is observed.
fn observes(market: &Fixture, feed: &Feed, dollars: &str) -> Outcome {
    market.feed_publishes(feed, &market.token("SOL").mint, &published(dollars, market.now()));
    market.observes("SOL", &feed.oracle)
}

/// The same half a minute later, beside a fresh price of 150.
fn later(market: &Fixture, feed: &Feed, dollars: &str) -> Outcome {
    market.advances(30);
    market.refreshes_all();
    observes(market, feed, dollars)
}

/// Checks passed in a row, and whether it took over.
#[track_caller]
fn counts(outcome: Outcome) -> (u8, bool) {
    let event: CandidateObserved = outcome.unwrap().event();
    assert_eq!(event.asset, 1);
    (event.checks, event.took_over)
}

#[test]
fn after_as_many_checks_as_the_asset_asks_for_it_takes_over() {
    for checks in [3, 4, 10] {
        let market = market_with(checks, 0, &rival());
        let before = market.asset("SOL");
        assert_eq!((before.candidate, before.candidate_slot), (rival().source(), 0));
        for check in 1..checks {
            assert_eq!(counts(later(&market, &rival(), "151")), (check as u8, false));
            let asset = market.asset("SOL");
            assert_eq!((asset.sources, asset.candidate), (before.sources, before.candidate));
            assert_eq!((u64::from(asset.candidate_checks), asset.candidate_time), (check, market.now() as u64));
        }
        market.advances(30);
        market.refreshes_all();
        let present = market.asset("SOL");
        assert_eq!(counts(observes(&market, &rival(), "151")), (checks as u8, true));
        let asset = market.asset("SOL");
        assert_eq!(asset.sources, [rival().source(), Source::NONE]);
        assert_eq!((asset.candidate, asset.candidate_slot), (Source::NONE, 0));
        assert_eq!((asset.candidate_checks, asset.candidate_time), (0, 0));
        // No price was accepted: the next refresh brings the first one of the new source.
        assert_eq!((asset.spot(), asset.publish_time), (present.spot(), present.publish_time));
        assert_eq!(asset.usable_until, present.usable_until);
        expect_refusal(market.observes("SOL", &rival().oracle), BallastError::NoCandidate);
    }
}

#[test]
fn the_new_source_goes_on_where_the_old_one_was() {
    let market = market();
    for _ in 0..3 {
        later(&market, &rival(), "151").unwrap();
    }
    // The old one is none any more.
    market.advances(1);
    market.sets_price("SOL", "150");
    expect_refusal(market.refreshes(&["SOL"]), BallastError::OracleWrongAccount);
    market.knows("SOL", |token| *token = token.clone().priced_by(rival()));
    // A price that was passed already does not come back.
    let old = published("151", market.now() - 2);
    market.publishes("SOL", &old);
    expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceOlderThanStored);
    market.sets_price("SOL", "151");
    market.refreshes(&["SOL"]).unwrap().event::<PriceRefreshed>();
    let micro = market.asset("SOL").spot().unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get();
    assert!((150_999_999..=151_000_000).contains(&micro), "{micro}");
    assert_eq!(market.asset("SOL").publish_time, market.now() as u64);
}

#[test]
fn one_disagreement_and_the_count_begins_anew() {
    let market = market_with(4, 0, &rival());
    for (dollars, expected) in [
        ("150", (1, false)),
        // 2 % of 150 are 3, on both sides.
        ("152.99", (2, false)),
        ("153.01", (0, false)),
        ("147.01", (1, false)),
        ("150", (2, false)),
        ("150", (3, false)),
        ("146.99", (0, false)),
        ("15000", (0, false)),
        ("150", (1, false)),
        ("150", (2, false)),
        ("150", (3, false)),
        ("150", (4, true)),
    ] {
        assert_eq!(counts(later(&market, &rival(), dollars)), expected, "{dollars}");
    }
}

#[test]
fn updates_that_count_are_half_a_minute_apart() {
    let market = market();
    assert_eq!(counts(observes(&market, &rival(), "150")), (1, false));
    let first = market.now();
    // The same again, and all that are less than 30 seconds younger, whenever they are shown.
    for (wait, age) in [(0, 0), (1, 0), (28, 0), (0, 5)] {
        market.advances(wait);
        market.feed_publishes(&rival(), &market.token("SOL").mint, &published("150", market.now() - age));
        expect_refusal(market.observes("SOL", &rival().oracle), BallastError::ObservedAlready);
    }
    assert_eq!(market.now(), first + 29);
    market.advances(20);
    market.feed_publishes(&rival(), &market.token("SOL").mint, &published("150", first + 29));
    expect_refusal(market.observes("SOL", &rival().oracle), BallastError::ObservedAlready);
    market.feed_publishes(&rival(), &market.token("SOL").mint, &published("150", first + 30));
    assert_eq!(counts(market.observes("SOL", &rival().oracle)), (2, false));
    // A disagreement takes its time as well.
    market.advances(20);
    market.refreshes_all();
    assert_eq!(counts(observes(&market, &rival(), "100")), (0, false));
    market.advances(29);
    expect_refusal(observes(&market, &rival(), "150"), BallastError::ObservedAlready);
    market.advances(1);
    assert_eq!(counts(observes(&market, &rival(), "150")), (1, false));
}

#[test]
fn what_it_says_fulfils_what_every_observation_must() {
    let market = market();
    let refused = |change: fn(&mut Published, i64), expected| {
        let mut seen = published("150", market.now());
        change(&mut seen, market.now());
        market.feed_publishes(&rival(), &market.token("SOL").mint, &seen);
        expect_refusal(market.observes("SOL", &rival().oracle), expected);
    };
    refused(|seen, now| seen.publish_time = now - 61, BallastError::PriceTooOld);
    refused(|seen, now| seen.publish_time = now + 16, BallastError::PriceFromFuture);
    refused(|seen, _| seen.confidence = seen.price as u64 / 49, BallastError::ConfidenceTooWide);
    refused(|seen, _| seen.price = 0, BallastError::PriceNotPositive);
    refused(|seen, _| seen.price = -1, BallastError::PriceNotPositive);
    assert_eq!(counts(observes(&market, &rival(), "150")), (1, false));
}

#[test]
fn the_band_holds_for_it() {
    let values = [(Parameter::BandLow, 100_000_000_000_000), (Parameter::BandHigh, 151_000_000_000_000)];
    let market = Fixture::of(vec![token("USDC"), token("SOL").with(&values)]);
    named(&market, "SOL", 0, &rival());
    expect_refusal(observes(&market, &rival(), "151.000001"), BallastError::PriceOutsideBand);
    observes(&market, &rival(), "151").unwrap();
}

#[test]
fn a_pull_candidate_is_fully_verified_and_of_its_feed() {
    let feed = Feed::new("SOL by another feed", SourceKind::PythPull, "150");
    let market = market_with(3, 0, &feed);
    for signatures in [0, 5, 12, 18] {
        let partial = Verification::Partial { signatures };
        let data = price_update(&feed.key.to_bytes(), &published("150", market.now()), partial, 1);
        market.writes_data(&feed.oracle, &client::local::RECEIVER, data);
        expect_refusal(market.observes("SOL", &feed.oracle), BallastError::NotFullyVerified);
    }
    expect_refusal(market.observes("SOL", &market.token("SOL").oracle), BallastError::FeedMismatch);
    observes(&market, &feed, "150").unwrap();
}

#[test]
fn there_must_be_a_fresh_price_to_compare_with() {
    let market = market();
    market.advances(61);
    expect_refusal(observes(&market, &rival(), "150"), BallastError::PriceUnusable);
    market.refreshes_all();
    market.pauses(Role::Guardian, Pausable::Asset(1), 60).unwrap();
    expect_refusal(observes(&market, &rival(), "150"), BallastError::PriceUnusable);
    market.resumes(Role::Guardian, Pausable::Asset(1)).unwrap();
    assert_eq!(counts(observes(&market, &rival(), "150")), (1, false));
}

#[test]
fn when_the_present_source_is_dead_the_last_price_bounds_it_widely() {
    let market = market();
    let died = market.now();
    // As long as the delay of the market lasts there is nothing to compare with.
    market.advances(DELAY as i64);
    expect_refusal(observes(&market, &rival(), "150"), BallastError::PriceUnusable);
    market.advances(1);
    // From half to double.
    let mut wait = 0;
    let mut says = |dollars: &str| {
        market.advances(wait);
        wait = 30;
        counts(observes(&market, &rival(), dollars))
    };
    assert_eq!(says("299.99"), (1, false));
    assert_eq!(says("75.01"), (2, false));
    assert_eq!(says("74.99"), (0, false));
    assert_eq!(says("300.01"), (0, false));
    assert_eq!(says("0.15"), (0, false));
    assert_eq!(says("150000"), (0, false));
    assert_eq!([says("200"), says("201"), says("199")], [(1, false), (2, false), (3, true)]);
    let asset = market.asset("SOL");
    assert_eq!((asset.sources[0], asset.publish_time), (rival().source(), died as u64));
}

#[test]
fn a_second_source_is_added_in_the_same_way() {
    let market = market_with(3, 1, &rival());
    for _ in 0..2 {
        assert!(!counts(later(&market, &rival(), "151")).1);
        assert_eq!(market.asset("SOL").sources[1], Source::NONE);
    }
    assert_eq!(counts(later(&market, &rival(), "151")), (3, true));
    let asset = market.asset("SOL");
    let first = market.token("SOL").first().source();
    assert_eq!((asset.sources, asset.second_publish_time), ([first, rival().source()], market.now() as u64));
    // From now on both are needed.
    market.advances(1);
    market.sets_price("SOL", "150");
    let alone = client::instruction::refresh_prices(&market.market_address(), &[(1, market.token("SOL").oracle, None)]);
    expect_refusal(market.sends(&[alone], &[&market.payer()]), BallastError::OracleListMismatch);
    market.knows("SOL", |token| token.second = Some(rival()));
    market.sources_say("SOL", "150", "151").unwrap().event::<PriceRefreshed>();
}

#[test]
fn a_stake_pool_takes_over_with_the_price_that_it_makes() {
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    let market = Fixture::of(vec![token("SOL"), token("LST")]);
    named(&market, "LST", 0, &pool);
    let rate = |rate: &str| {
        market.advances(30);
        market.refreshes_all();
        market.feed_publishes(&pool, &market.token("LST").mint, &published(rate, 0));
        counts(market.observes("LST", &pool.oracle))
    };
    // 165 dollars are 1.1 times 150; 1.13 is 2.7 % too many.
    assert_eq!(
        [rate("1.1"), rate("1.13"), rate("1.1"), rate("1.11")],
        [(1, false), (0, false), (1, false), (2, false)]
    );
    // The time is that of the base: without a new price there is no new update.
    expect_refusal(market.observes("LST", &pool.oracle), BallastError::ObservedAlready);
    assert_eq!(rate("1.09"), (3, true));
    assert_eq!(market.asset("LST").sources[0], pool.source());
    // The next rate is the first one that others are measured against.
    assert_eq!(market.asset("LST").staking_rate, 0);
}

#[test]
fn a_newer_proposal_replaces_the_candidate_and_its_checks() {
    let market = market();
    for _ in 0..2 {
        later(&market, &rival(), "150").unwrap();
    }
    let other = Feed::new("SOL at a third place", SourceKind::PythPush, "150");
    named(&market, "SOL", 0, &other);
    let asset = market.asset("SOL");
    assert_eq!((asset.candidate, asset.candidate_checks, asset.candidate_time), (other.source(), 0, 0));
    expect_refusal(later(&market, &rival(), "150"), BallastError::OracleWrongAccount);
    assert_eq!([1, 2, 3].map(|_| counts(later(&market, &other, "150")).0), [1, 2, 3]);
    assert_eq!(market.asset("SOL").sources[0], other.source());
}

/// What nobody has anything in may get another source without a comparison, so that a listing can be mended. Then what the
/// wrong one has said must be forgotten, all of it.
#[test]
fn a_mended_source_is_not_measured_against_the_wrong_one() {
    let wrong = Feed::new("a pool a thousand times off", SourceKind::StakePool, "0.0011");
    let right = Feed::new("the pool of LST", SourceKind::StakePool, "1.1");
    let mut lst = token("LST").with(&[(Parameter::GrowthLimit, bps(1_500))]).priced_by(wrong);
    (lst.listing.deposit_cap, lst.listing.debt_cap) = (0, 0);
    let market = Fixture::of(vec![token("SOL"), lst]);
    market.opens_market().unwrap();
    market.proposes("mend", market.source_of("LST", 0, &right)).unwrap();
    market.advances(2 * DELAY as i64);
    market.executes("mend").unwrap();
    assert_eq!((market.asset("LST").publish_time, market.asset("LST").spot()), (0, None));
    market.knows("LST", |token| *token = token.clone().priced_by(right));
    market.refreshes_all();
    let micro = |price: Option<client::risk::price::Price>| {
        price.unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get()
    };
    let asset = market.asset("LST");
    assert!(micro(asset.spot()).abs_diff(165_000_000) <= 1);
    assert!(micro(asset.low()).abs_diff(164_825_100) <= 5, "a deposit at `Init`: {}", micro(asset.low()));
}
