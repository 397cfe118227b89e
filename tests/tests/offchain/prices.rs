//! What a refresh would do, told beforehand; why a price does not count, and what that stops.

use ballast_client::account::Clock;
use ballast_client::explain::{Availability, Effect, Why, explain};
use ballast_client::local::{self, RECEIVER_CORE, Verification};
use ballast_client::oracle::{Oracle, Verdict, compared, refreshed, seen};
use ballast_client::risk::breaker::State;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{ID, Market, Pausable, Role, SourceKind, account, event};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::oracle::published;
use ballast_tests::*;

const DAY: i64 = 86_400;

/// SOL with these values beside its own.
fn market(values: &[(Parameter, u64)]) -> Fixture {
    Fixture::of(vec![token("SOL").with(values), token("USDC")])
}

fn now(market: &Fixture) -> Clock {
    let clock = market.clock();
    Clock { slot: clock.slot, epoch: clock.epoch, unix: clock.unix_timestamp as u64 }
}

fn oracle(market: &Fixture, address: &Pubkey) -> Option<Oracle> {
    let found = market.account(address)?;
    Some(Oracle { address: *address, owner: found.owner, data: found.data })
}

/// Told and done: the verdict is what `refresh_prices` does, and the market after it is the same, byte for byte.
fn tells(market: &Fixture, symbol: &str) -> Verdict {
    let token = market.token(symbol);
    let first = oracle(market, &token.oracle);
    let second = token.second.as_ref().and_then(|feed| oracle(market, &feed.oracle));
    let asset = market.index(symbol);
    let before = market.market();
    let (verdict, after) = refreshed(&before, asset, [first.as_ref(), second.as_ref()], &now(market)).unwrap();
    let outcome = market.refreshes(&[symbol]);
    let bytes = |market: &Market| account::encode(market);
    match &verdict {
        Verdict::Refused(refusal) => {
            let Err(real) = outcome else { panic!("it was accepted: {refusal}") };
            assert!(real.logs.iter().any(|line| line.contains(&format!("Error Code: {}.", refusal.name))), "{refusal}");
        }
        Verdict::Withheld(doubt) => {
            let told: event::PriceWithheld = outcome.unwrap().event();
            assert_eq!(told.doubt, *doubt);
        }
        _ => drop(outcome.unwrap()),
    }
    assert!(bytes(&after) == bytes(&market.market()), "{verdict:?}");
    verdict
}

fn refused(verdict: Verdict) -> String {
    let Verdict::Refused(refusal) = verdict else { panic!("{verdict:?}") };
    refusal.name
}

#[test]
fn every_verdict_is_what_the_program_then_does() {
    let market = market(&[(BandLow, 100_000_000_000_000), (BandHigh, 200_000_000_000_000)]);
    assert_eq!(tells(&market, "SOL"), Verdict::Unchanged);
    market.advances(30);
    let price = |text| published(text, market.now());
    market.publishes("SOL", &price("151"));
    assert_eq!(tells(&market, "SOL"), Verdict::Accepted);

    market.advances(5);
    market.publishes("SOL", &published("152", market.now() - 61));
    assert_eq!(refused(tells(&market, "SOL")), "PriceTooOld");
    market.publishes("SOL", &published("152", market.now() + 16));
    assert_eq!(refused(tells(&market, "SOL")), "PriceFromFuture");
    market.publishes("SOL", &published("152", market.now() - 20));
    assert_eq!(refused(tells(&market, "SOL")), "PriceOlderThanStored");
    let wide = local::Published { confidence: 400_000_000, ..published("152", market.now()) };
    market.publishes("SOL", &wide);
    assert_eq!(tells(&market, "SOL"), Verdict::Withheld(Doubt::Confidence));
    market.advances(1);
    market.publishes("SOL", &published("201", market.now()));
    assert_eq!(tells(&market, "SOL"), Verdict::Withheld(Doubt::Band));
    market.advances(1);
    market.publishes("SOL", &published("0", market.now()));
    assert_eq!(refused(tells(&market, "SOL")), "PriceNotPositive");
}

#[test]
fn accounts_of_others_are_refused_as_the_program_refuses_them() {
    let market = market(&[]);
    let (token, slot) = (market.token("SOL"), market.clock().slot);
    market.advances(1);
    let seen = published("150", market.now());
    let good = local::price_update(&token.feed(), &seen, Verification::Full, slot);
    for (owner, data, name) in [
        (RECEIVER_CORE, good.clone(), "OracleWrongOwner"),
        (ID, good.clone(), "OracleWrongOwner"),
        (local::RECEIVER, good[..100].to_vec(), "OracleWrongAccount"),
        (local::RECEIVER, vec![], "OracleWrongAccount"),
        (local::RECEIVER, local::price_update(&[9; 32], &seen, Verification::Full, slot), "FeedMismatch"),
        (
            local::RECEIVER,
            local::price_update(&token.feed(), &seen, Verification::Partial { signatures: 5 }, slot),
            "NotFullyVerified",
        ),
    ] {
        market.writes_data(&token.oracle, &owner, data);
        assert_eq!(refused(tells(&market, "SOL")), name);
    }
    market.writes_data(&token.oracle, &local::RECEIVER, good);
    assert_eq!(tells(&market, "SOL"), Verdict::Accepted);
}

#[test]
fn every_kind_of_source_is_read_as_the_program_reads_it() {
    let feed = |kind, price| Feed::new("other", kind, price);
    for kind in [SourceKind::PythPullCore, SourceKind::PythPush, SourceKind::SwitchboardPull] {
        let market = Fixture::of(vec![token("SOL").priced_by(feed(kind, "150")), token("USDC")]);
        market.advances(1);
        market.sets_price("SOL", "149");
        let (record, oracle) = (market.market(), oracle(&market, &market.token("SOL").oracle).unwrap());
        let seen = seen(&record, 0, &record.assets[0].sources[0], &oracle, &now(&market)).unwrap();
        assert_eq!(seen.pico_dollars, Some(149_000_000_000_000), "{kind:?}");
        assert_eq!((seen.published, seen.doubt), (market.now() as u64, None));
        assert_eq!(tells(&market, "SOL"), Verdict::Accepted, "{kind:?}");
    }
    let pool = feed(SourceKind::StakePool, "1.1");
    let market = Fixture::of(vec![token("SOL"), token("LST").priced_by(pool)]);
    market.advances(1);
    market.sets_price("SOL", "149");
    assert_eq!(tells(&market, "SOL"), Verdict::Accepted);
    assert_eq!(tells(&market, "LST"), Verdict::Accepted);
    market.advances(61);
    assert_eq!(refused(tells(&market, "LST")), "BasePriceUnusable");
}

#[test]
fn both_sources_of_an_asset_are_needed_and_have_to_agree() {
    let second = Feed::new("second", SourceKind::SwitchboardPull, "150");
    let market = Fixture::of(vec![token("SOL").checked_by(second.clone()), token("USDC")]);
    market.advances(1);
    market.sets_price("SOL", "150");
    let first = oracle(&market, &market.token("SOL").oracle);
    let verdict = |oracles| refreshed(&market.market(), 0, oracles, &now(&market)).unwrap().0;
    assert_eq!(verdict([first.as_ref(), None]), Verdict::Missing { slot: 1 });
    assert_eq!(verdict([None, first.as_ref()]), Verdict::Missing { slot: 0 });
    market.sets_second_price("SOL", "120");
    assert_eq!(tells(&market, "SOL"), Verdict::Withheld(Doubt::Disagreement));
    let told = explain(&market.asset("SOL"), now(&market).unix);
    assert_eq!(told.spot, Availability::Withheld(Why::Doubted { published: now(&market).unix }));
    assert_eq!((told.init, told.breaker), (told.spot, State::ReduceOnly));
}

#[test]
fn a_candidate_is_compared_as_the_program_compares_it() {
    let market = market(&[]);
    market.opens_market().unwrap();
    let saver = market.actor("saver", &[sol("1")]);
    saver.deposits(sol("1")).unwrap();
    let other = Feed::new("candidate", SourceKind::PythPush, "150");
    market.changes(market.source_of("SOL", 0, &other)).unwrap();
    for checks in 1..=2 {
        market.advances(31);
        market.refreshes_all();
        market.feed_publishes(&other, &market.token("SOL").mint, &published("150", market.now()));
        let candidate = explain(&market.asset("SOL"), now(&market).unix).candidate.unwrap();
        assert_eq!((candidate.checks, candidate.needed, candidate.slot), (checks - 1, 3, 0));
        let account = oracle(&market, &other.oracle).unwrap();
        let told = compared(&market.market(), 0, &account, &now(&market)).unwrap();
        assert_eq!((told.checks, told.took_over), (checks, false));
        let done: event::CandidateObserved = market.observes("SOL", &other.oracle).unwrap().event();
        assert_eq!((done.checks, done.took_over), (checks, false));
        assert_eq!(compared(&market.market(), 0, &account, &now(&market)).unwrap_err().name, "ObservedAlready");
    }
}

#[test]
fn a_fresh_price_counts_until_it_is_too_old() {
    let market = market(&[(MaxAgeInit, 30)]);
    let told = |market: &Fixture| explain(&market.asset("SOL"), now(market).unix);
    let start = now(&market).unix;
    let fresh = told(&market);
    assert_eq!((fresh.init, fresh.spot), (Availability::Until(start + 30), Availability::Until(start + 60)));
    assert_eq!((fresh.age, fresh.usable(), fresh.effects()), (Some(0), true, vec![]));
    market.advances(31);
    let older = told(&market);
    assert_eq!(older.init, Availability::Withheld(Why::TooOld { since: start + 30 }));
    assert_eq!(older.effects(), [Effect::DebtsRefuse, Effect::DepositsCountNothing]);
    assert!(older.spot.counts());
    market.advances(30);
    let old = told(&market);
    assert_eq!(old.spot, Availability::Withheld(Why::TooOld { since: start + 60 }));
    assert_eq!((old.age, old.effects().len()), (Some(61), 4));
}

#[test]
fn guards_that_withhold_a_price_are_named_and_so_is_their_end() {
    let market = market(&[(BreakerJump, bps(500)), (BreakerSeconds, 600), (RecoveryGap, 600), (RecoveryGrace, 3_600)]);
    market.opens_market().unwrap();
    let told = |market: &Fixture| explain(&market.asset("SOL"), now(market).unix);
    let start = now(&market).unix;

    market.pauses(Role::Guardian, Pausable::Asset(0), 20).unwrap();
    let paused = told(&market);
    assert_eq!(paused.spot, Availability::Withheld(Why::Paused { until: start + 20 }));
    assert_eq!((paused.init, paused.paused_until), (paused.spot, Some(start + 20)));
    assert_eq!(paused.effects().last(), Some(&Effect::NoFlashLoans));
    market.advances(21);
    let over = told(&market);
    assert_eq!((over.spot, over.paused_until), (Availability::Withheld(Why::AwaitsNext), None));
    market.refreshes_all();
    assert!(told(&market).usable());

    market.price_moves("SOL", "120");
    let tripped = told(&market);
    let until = now(&market).unix + 600;
    assert_eq!((tripped.breaker, tripped.breaker_until), (State::ReduceOnly, Some(until)));
    assert_eq!(tripped.init, Availability::Withheld(Why::Breaker { until }));
    assert!(tripped.spot.counts());

    market.advances(DAY);
    market.refreshes_all();
    let graced = told(&market);
    let until = now(&market).unix + 3_600;
    assert_eq!((graced.spot, graced.grace_until), (Availability::Withheld(Why::Grace { until }), Some(until)));
    assert_eq!(graced.effects().last(), Some(&Effect::DebtsCountNothing));
}

#[test]
fn an_asset_without_source_or_price_says_so() {
    let market = Fixture::setting_up(1);
    market.lists_bare(token("BTC")).unwrap();
    let told = |market: &Fixture| explain(&market.asset("BTC"), now(market).unix);
    assert_eq!(told(&market).spot, Availability::Withheld(Why::NoSource));
    let feed = Feed::new("new", SourceKind::PythPush, "60000");
    market.applies(Role::Governance, market.source_of("BTC", 0, &feed)).unwrap();
    assert_eq!((told(&market).init, told(&market).age), (Availability::Withheld(Why::NoPrice), None));
}
