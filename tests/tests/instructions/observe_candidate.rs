//! `observe_candidate`: who may call it, with which accounts, and what it writes. What agreement means is told with the
//! prices.

use ballast_client::event::CandidateObserved;
use ballast_client::instruction::observe_candidate;
use ballast_client::local::{RECEIVER, Verification, price_update};
use ballast_client::table::Parameter;
use ballast_client::{Role, Source, SourceKind, change};
use ballast_tests::slots::{read_only, replaced};
use ballast_tests::*;
use solana_instruction::Instruction;

const OBSERVE: &[&str] = &["market", "oracle"];

/// Another feed of SOL.
fn candidate() -> Source {
    Source::new(SourceKind::PythPull, address("another feed"), 0)
}

/// An open market in which another source of SOL is a candidate.
fn market() -> Fixture {
    let market = Fixture::with_assets(2);
    market.changes(change::source(&market.market(), 0, 0, candidate())).unwrap();
    publishes(&market, "150");
    market
}

/// The candidate says a price, now.
fn publishes(market: &Fixture, dollars: &str) {
    let seen = oracle::published(dollars, market.now());
    let data = price_update(&candidate().key.to_bytes(), &seen, Verification::Full, market.clock().slot);
    market.writes_data(&address("another oracle"), &RECEIVER, data);
}

fn observe(market: &Fixture) -> Instruction {
    observe_candidate(&market.market_address(), 0, &address("another oracle"))
}

fn observes(market: &Fixture) -> Outcome {
    market.sends(&[observe(market)], &[&market.payer()])
}

#[test]
fn anybody_observes_and_the_last_of_some_observations_takes_over() {
    let market = market();
    let mallory = market.newcomer("mallory");
    let before = market.asset("SOL");
    for checks in 1..=3 {
        let event: CandidateObserved = mallory.sends(&[observe(&market)]).unwrap().event();
        assert_eq!((event.market, event.asset, event.checks), (market.market_address(), 0, checks));
        assert_eq!(event.took_over, checks == 3);
        let asset = market.asset("SOL");
        assert_eq!((asset.spot, asset.average, asset.usable_until), (before.spot, before.average, before.usable_until));
        if checks < 3 {
            assert_eq!((asset.candidate_checks, asset.candidate_time), (checks, market.now() as u64));
            assert_eq!((asset.sources[0], asset.candidate), (before.sources[0], candidate()));
            market.advances(30);
            publishes(&market, "150");
        } else {
            assert_eq!((asset.sources[0], asset.candidate), (candidate(), Source::NONE));
            assert_eq!((asset.candidate_checks, asset.candidate_time, asset.candidate_slot), (0, 0, 0));
        }
    }
    expect_refusal(observes(&market), BallastError::NoCandidate);
    // Nothing of another asset has changed.
    assert_eq!(market.asset("BTC").candidate, Source::NONE);
}

#[test]
fn the_same_update_counts_once_and_the_next_one_after_a_while() {
    let market = market();
    observes(&market).unwrap();
    expect_refusal(observes(&market), BallastError::ObservedAlready);
    market.advances(29);
    publishes(&market, "150");
    expect_refusal(observes(&market), BallastError::ObservedAlready);
    market.advances(1);
    publishes(&market, "150");
    observes(&market).unwrap();
}

#[test]
fn an_observation_that_disagrees_begins_anew_and_changes_no_price() {
    let market = market();
    observes(&market).unwrap();
    let before = market.asset("SOL");
    market.advances(30);
    publishes(&market, "1500");
    let event: CandidateObserved = observes(&market).unwrap().event();
    assert_eq!((event.checks, event.took_over), (0, false));
    let after = market.asset("SOL");
    assert_eq!((after.candidate, after.candidate_checks), (candidate(), 0));
    assert_eq!((after.spot, after.publish_time, after.breaker), (before.spot, before.publish_time, before.breaker));
}

#[test]
fn without_a_candidate_there_is_nothing_to_observe() {
    let market = market();
    let of = |asset| {
        let instruction = observe_candidate(&market.market_address(), asset, &address("another oracle"));
        market.sends(&[instruction], &[&market.payer()])
    };
    expect_refusal(of(1), BallastError::NoCandidate);
    for asset in [2, 63, 64, 255] {
        expect_refusal(of(asset), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a03_the_account_is_that_of_the_candidate() {
    let market = market();
    let with = |key: &Pubkey| market.sends(&[replaced(&observe(&market), OBSERVE, "oracle", key)], &[&market.payer()]);
    // The present source, another asset's, a copy in another program.
    expect_refusal(with(&market.token("SOL").oracle), BallastError::FeedMismatch);
    expect_refusal(with(&market.token("BTC").oracle), BallastError::FeedMismatch);
    expect_refusal(with(&address("nothing")), BallastError::OracleWrongOwner);
    let data = market.account(&address("another oracle")).unwrap().data;
    market.writes_data(&address("copy"), &client::ID, data);
    expect_refusal(with(&address("copy")), BallastError::OracleWrongOwner);
}

#[test]
fn the_market_is_one_and_is_written() {
    let market = market();
    let frozen = read_only(&observe(&market), OBSERVE, "market");
    expect_refusal(market.sends(&[frozen], &[&market.payer()]), ErrorCode::ConstraintMut);
    let astray = replaced(&observe(&market), OBSERVE, "market", &address("nothing"));
    expect_refusal(market.sends(&[astray], &[&market.payer()]), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn in_a_pause_nothing_is_compared() {
    let market = market();
    market.pauses(Role::Guardian, client::Pausable::Asset(0), 100).unwrap();
    expect_refusal(observes(&market), BallastError::PriceUnusable);
}

#[test]
fn a_guardian_may_ask_for_more_observations_while_they_go_on() {
    let market = market();
    observes(&market).unwrap();
    market.applies(Role::Guardian, market.values_of("SOL", &[(Parameter::SourceChecks, 4)])).unwrap();
    for checks in 2..=4 {
        market.advances(30);
        market.refreshes_all();
        publishes(&market, "150");
        let event: CandidateObserved = observes(&market).unwrap().event();
        assert_eq!((event.checks, event.took_over), (checks, checks == 4));
    }
}
