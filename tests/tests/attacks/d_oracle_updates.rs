//! Updates that an attacker chooses, forges or mixes up, of every kind of source and in every place where one is read.

use std::fs;
use std::path::Path;

use ballast_client::event::{Action, PriceRefreshed, PriceWithheld};
use ballast_client::local::{Published, RECEIVER, RECEIVER_CORE, Verification, price_update};
use ballast_client::risk::Amount;
use ballast_client::table::Parameter;
use ballast_client::{SourceKind, instruction};
use ballast_tests::assets::{Feed, Token, WHOLE, bps, oracle_program, token};
use ballast_tests::oracle::{self, published};
use ballast_tests::*;

use crate::probe::most;

/// Alice owes 10,000 USDC against 100 SOL.
fn indebted(market: Fixture) -> (Fixture, Actor) {
    let market = market.stocked();
    let alice = market.actor("alice", &[sol("150"), usdc("20000")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    (market, alice)
}

/// SOL with a second source.
fn checked_sol() -> Token {
    token("SOL").checked_by(Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150"))
}

fn with_confidence(dollars: &str, bps: u64, at: i64) -> Published {
    let seen = published(dollars, at);
    Published { confidence: seen.price.unsigned_abs() / 10_000 * bps, ..seen }
}

#[test]
fn atk_d03_a_wider_interval_never_lends_more_and_never_liquidates() {
    // The widest that the table allows, so that the whole sweep is seen.
    let wide = [(Parameter::MaxConfidence, WHOLE)];
    let market = Fixture::of(vec![token("SOL").with(&wide), token("USDC"), token("ETH")]).stocked();
    let long = market.actor("long", &[sol("100")]);
    long.deposits(sol("100")).unwrap();
    long.borrows(usdc("5000")).unwrap();
    let short = market.actor("short", &[eth("100")]);
    short.deposits(eth("100")).unwrap();
    short.borrows(sol("100")).unwrap();
    let slack = |actor: &Actor| {
        let init = actor.health().init;
        init.equity - i64::try_from(init.requirement).unwrap()
    };
    let (mut last, mut refused) = ((i64::MAX, i64::MAX), 0);
    for bps in (0..=10_000).step_by(100) {
        market.advances(1);
        market.publishes("SOL", &with_confidence("150", bps, market.now()));
        let receipt = market.refreshes(&["SOL"]).unwrap();
        match receipt.events::<PriceWithheld>().first() {
            None => {
                let now = (slack(&long), slack(&short));
                assert!(now.0 <= last.0 && now.1 <= last.1, "at {bps}: {now:?} after {last:?}");
                last = now;
                // 2.12 intervals less on the one side, more on the other.
                let asset = market.asset("SOL");
                let whole = Amount::new(1_000_000_000);
                let [low, high] =
                    [asset.low(), asset.high()].map(|price| price.unwrap().value_floor(whole).unwrap().get());
                assert!(low.abs_diff(150_000_000 - 150 * 212 * bps) <= 2, "{low} at {bps}");
                assert!(high.abs_diff(150_000_000 + 150 * 212 * bps) <= 2, "{high} at {bps}");
            }
            Some(event) => {
                refused += 1;
                // From 47.17 % on nothing is left of the price.
                assert!(bps >= 4_800 && event.doubt == Doubt::Confidence, "{bps}");
            }
        }
        if market.asset("SOL").is_doubted() {
            assert!(![long.state(), short.state()].contains(&client::StateView::Liquidatable));
            continue;
        }
        // `Maint` knows no interval.
        let (long, short) = (long.health().maint, short.health().maint);
        assert!(long.assets.abs_diff(15_000_000_000) < 100 && short.debts.abs_diff(15_000_000_000) < 10_000);
        assert!(long.passes && short.passes);
        market.sets_price("USDC", "1");
        market.sets_price("ETH", "3000");
        market.refreshes(&["USDC", "ETH"]).unwrap();
    }
    assert_eq!(refused, 53);
}

#[test]
fn atk_d03_beyond_the_limit_a_price_is_refused_and_beyond_the_breaker_it_lends_nothing() {
    // At most 2 %, and no new risk from 1 % on.
    let guards = [(Parameter::BreakerConfidence, bps(100))];
    let (market, alice) = indebted(Fixture::of(vec![token("SOL").with(&guards), token("USDC")]));
    for (bps, accepted, lends) in [(99, true, true), (101, true, false), (200, true, false), (201, false, false)] {
        // After the breaker of the last one.
        market.advances(601);
        market.refreshes_all();
        market.advances(1);
        market.publishes("SOL", &with_confidence("150", bps, market.now()));
        market.refreshes(&["SOL"]).unwrap();
        // The price of before is young enough still, and withheld.
        assert_eq!(market.asset("SOL").is_doubted(), !accepted, "{bps}");
        assert_eq!(most(&alice, Action::Borrow, "USDC") > 0, lends, "{bps}");
    }
}

#[test]
fn atk_d04_an_update_cannot_be_played_against_its_successor() {
    let (market, alice) = indebted(Fixture::new());
    let now = market.now();
    market.advances(10);
    let (high, low) = (published("170", now + 5), published("120", now + 9));
    market.publishes("SOL", &low);
    market.refreshes(&["SOL"]).unwrap();
    // The higher price is still young enough, but a newer one is known.
    market.publishes("SOL", &high);
    let attack = [market.refresh_instruction(&["SOL"]), alice.instruction(Action::Borrow, usdc("1500"))];
    expect_refusal(alice.sends(&attack), BallastError::PriceOlderThanStored);
    expect_refusal(alice.borrows(usdc("1500")), BallastError::BelowInitMargin);
}

#[test]
fn atk_d04_of_two_updates_of_one_second_the_first_one_counts() {
    let (market, alice) = indebted(Fixture::new());
    market.advances(10);
    market.sets_price("SOL", "120");
    market.refreshes(&["SOL"]).unwrap();
    let stored = market.asset("SOL");
    market.publishes("SOL", &published("170", market.now()));
    let attack = [market.refresh_instruction(&["SOL"]), alice.instruction(Action::Borrow, usdc("1500"))];
    expect_refusal(alice.sends(&attack), BallastError::BelowInitMargin);
    market.refreshes(&["SOL"]).unwrap();
    assert_eq!(market.asset("SOL").spot(), stored.spot());
}

#[test]
fn atk_d04_an_update_from_the_future_is_none() {
    let (market, _) = indebted(Fixture::new());
    market.advances(1);
    for ahead in [16, 60, 3_600, i64::MAX - market.now()] {
        market.publishes("SOL", &published("170", market.now() + ahead));
        expect_refusal(market.refreshes(&["SOL"]), BallastError::PriceFromFuture);
    }
    // Clocks differ by 15 seconds at most. Who uses them cannot keep the next update out for longer.
    market.publishes("SOL", &published("151", market.now() + 15));
    market.refreshes(&["SOL"]).unwrap();
    market.advances(16);
    market.price_of_one_moves("SOL", "149");
}

#[test]
fn atk_d04_who_borrows_at_the_high_cannot_be_liquidated_at_the_low_of_one_transaction() {
    let (market, _) = indebted(Fixture::new());
    let mallory = market.actor("mallory", &[sol("100"), usdc("20000")]);
    mallory.deposits(sol("100")).unwrap();
    market.advances(20);
    let now = market.now();
    let (high, low) = (published("180", now - 5), published("100", now - 10));
    // Each account is good for itself.
    let other = address("another update of SOL");
    market.publishes("SOL", &high);
    let data = price_update(&market.token("SOL").feed(), &low, Verification::Full, 1);
    market.writes_data(&other, &RECEIVER, data);
    let down = instruction::refresh_prices(&market.market_address(), &[(market.index("SOL"), other, None)]);
    market.simulates(std::slice::from_ref(&down), &[&market.payer()]).unwrap();
    let attack = [
        market.refresh_instruction(&["SOL"]),
        mallory.instruction(Action::Borrow, usdc("9000")),
        down.clone(),
        mallory.liquidate(&mallory, usdc("5000"), "SOL"),
    ];
    expect_refusal(mallory.sends(&attack), BallastError::PriceOlderThanStored);
    // In the order of time the loan is measured by the lower price and its average.
    let attack = [down, market.refresh_instruction(&["SOL"]), mallory.instruction(Action::Borrow, usdc("12000"))];
    expect_refusal(mallory.sends(&attack), BallastError::BelowInitMargin);
}

#[test]
fn atk_d04_the_second_source_is_not_chosen_either() {
    let market = Fixture::of(vec![checked_sol().with(&[(Parameter::Conservative, 1)]), token("USDC")]);
    let (market, alice) = indebted(market);
    market.advances(30);
    let now = market.now();
    market.publishes("SOL", &published("120", now - 5));
    market.second_publishes("SOL", &published("120", now - 5));
    market.refreshes(&["SOL"]).unwrap();
    // A new first one beside an old second one that says more: older than the stored one.
    market.publishes("SOL", &published("121", now));
    market.second_publishes("SOL", &published("123", now - 6));
    let attack = [market.refresh_instruction(&["SOL"]), alice.instruction(Action::Borrow, usdc("1000"))];
    expect_refusal(alice.sends(&attack), BallastError::PriceOlderThanStored);
    // The first of the same second beside another second one, newer or not: changes nothing.
    let stored = market.asset("SOL");
    market.publishes("SOL", &published("120", now - 5));
    for (dollars, at) in [("122", now), ("150", now), ("122", now - 5), ("122", now - 20)] {
        market.second_publishes("SOL", &published(dollars, at));
        let receipt = market.refreshes(&["SOL"]).unwrap();
        assert!(receipt.events::<PriceWithheld>().is_empty());
        let asset = market.asset("SOL");
        assert_eq!((asset.low(), asset.high(), asset.breaker), (stored.low(), stored.high(), stored.breaker));
    }
    // Forward in time the policy takes the lower one of both for a deposit.
    market.publishes("SOL", &published("121", now));
    market.second_publishes("SOL", &published("123", now));
    market.refreshes(&["SOL"]).unwrap().event::<PriceRefreshed>();
    let low = market.asset("SOL").low().unwrap().value_floor(Amount::new(1_000_000_000)).unwrap().get();
    assert!(low < 121_000_000, "{low}");
    expect_refusal(alice.borrows(usdc("1000")), BallastError::BelowInitMargin);
}

#[test]
fn atk_d05_partial_verification_is_not_enough_wherever_an_update_is_read() {
    let second = Feed::new("second of ETH", SourceKind::PythPull, "3000");
    let rival = Feed::new("candidate of SOL", SourceKind::PythPullCore, "150");
    let market = Fixture::of(vec![token("SOL"), token("GOLD"), token("ETH").checked_by(second.clone())]);
    market.opens_market().unwrap();
    market.changes(market.source_of("SOL", 0, &rival)).unwrap();
    market.advances(1);
    for symbol in ["SOL", "GOLD", "ETH"] {
        market.sets_price(symbol, market.token(symbol).price);
    }
    let (sol, gold) = (market.token("SOL").first(), market.token("GOLD").first());
    let places = [(&sol, RECEIVER, "SOL"), (&gold, RECEIVER_CORE, "GOLD"), (&second, RECEIVER, "ETH")];
    for signatures in [0, 5, 12, 18, 255] {
        let partial = Verification::Partial { signatures };
        let writes = |feed: &Feed, owner: &Pubkey, dollars: &str| {
            let data = price_update(&feed.key.to_bytes(), &published(dollars, market.now()), partial, 1);
            market.writes_data(&feed.oracle, owner, data);
        };
        for (feed, owner, symbol) in places {
            writes(feed, &owner, feed.price);
            expect_refusal(market.refreshes(&[symbol]), BallastError::NotFullyVerified);
        }
        writes(&rival, &RECEIVER_CORE, "150");
        expect_refusal(market.observes("SOL", &rival.oracle), BallastError::NotFullyVerified);
    }
}

#[test]
fn atk_d05_no_getter_is_used_that_skips_a_check() {
    fn texts(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { texts(&path) } else { vec![fs::read_to_string(path).unwrap()] })
            .collect()
    }
    let program = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/ballast/src"));
    assert!(program.len() > 30);
    // `get_price_unchecked`, `get_twap_unchecked` and whatever else there may be.
    assert!(program.iter().all(|text| !text.contains("_unchecked")));
}

#[test]
fn atk_d06_no_account_of_another_feed_is_taken() {
    // Two of every kind that reads a fixed address or a feed.
    let feed = |name, kind, price| Feed::new(name, kind, price);
    let tokens = vec![
        token("SOL"),
        token("BTC"),
        token("ETH"),
        token("GOLD"),
        token("P10").priced_by(feed("P10", SourceKind::PythPullCore, "10")),
        token("BONK"),
        token("P11").priced_by(feed("P11", SourceKind::PythPush, "10")),
        token("P12").priced_by(feed("P12", SourceKind::SwitchboardPull, "10")),
        token("P13").priced_by(feed("P13", SourceKind::SwitchboardPull, "10")),
        token("LST").priced_by(feed("pool of LST", SourceKind::StakePool, "1.1")),
        token("P14").priced_by(feed("pool of P14", SourceKind::StakePool, "1.2")),
    ];
    let market = Fixture::of(tokens);
    market.advances(1);
    let tokens = market.tokens();
    for token in &tokens {
        market.sets_price(token.symbol, token.price);
    }
    let mut tried = 0;
    for (index, asset) in (0u8..).zip(&tokens) {
        for other in tokens.iter().filter(|other| other.symbol != asset.symbol) {
            let mixed = instruction::refresh_prices(&market.market_address(), &[(index, other.oracle, None)]);
            let refusal = market.sends(&[mixed], &[&market.payer()]).expect_err(asset.symbol);
            let same = asset.oracle_program() == other.oracle_program();
            let expected = match asset.listing.source_kind {
                SourceKind::PythPull | SourceKind::PythPullCore if same => BallastError::FeedMismatch,
                SourceKind::PythPull | SourceKind::PythPullCore => BallastError::OracleWrongOwner,
                _ => BallastError::OracleWrongAccount,
            };
            assert_eq!(
                (refusal.fault, refusal.changed),
                (expected.into(), vec![]),
                "{} {}",
                asset.symbol,
                other.symbol
            );
            tried += 1;
        }
    }
    assert_eq!(tried, 110);
    // The bytes of another feed at the right address, and the right bytes owned by another program.
    for asset in &tokens {
        let (data, owner) = (market.account(&asset.oracle).unwrap().data, asset.oracle_program());
        for other in tokens.iter().filter(|other| other.oracle_program() != owner) {
            market.writes_data(&asset.oracle, &other.oracle_program(), data.clone());
            expect_refusal(market.refreshes(&[asset.symbol]), BallastError::OracleWrongOwner);
            market.writes_data(&asset.oracle, &owner, market.account(&other.oracle).unwrap().data);
            let refusal = market.refreshes(&[asset.symbol]).unwrap_err();
            let known = [BallastError::FeedMismatch, BallastError::OracleWrongAccount].map(Fault::from);
            assert!(known.contains(&refusal.fault), "{} {}: {refusal:#?}", asset.symbol, other.symbol);
        }
        market.writes_data(&asset.oracle, &owner, data);
    }
    market.refreshes(&tokens.iter().map(|token| token.symbol).collect::<Vec<_>>()).unwrap();
}

#[test]
fn atk_d13_a_twap_update_is_no_price() {
    // Not applicable: no source reads one, and the program keeps an average of its own. What remains is to refuse it.
    let market = Fixture::new();
    market.advances(1);
    let (token, now) = (market.token("SOL"), market.now());
    let twap = [104, 192, 188, 72, 246, 166, 12, 81];
    let seen = published("150", now);
    let fields: [&[u8]; 8] = [
        &[7; 32],
        &token.feed(),
        &(now - 3_600).to_le_bytes(),
        &now.to_le_bytes(),
        &seen.price.to_le_bytes(),
        &seen.confidence.to_le_bytes(),
        &seen.exponent.to_le_bytes(),
        &0u32.to_le_bytes(),
    ];
    let update = [twap.as_slice(), &fields.concat()].concat();
    assert_eq!(update.len(), 112);
    // As it is, as long as a price update, and with the first bytes of one.
    let longer = [update.as_slice(), &[0; 22]].concat();
    let disguised = [&[34, 241, 35, 99, 157, 126, 244, 205], &longer[8..]].concat();
    for (data, expected) in [
        (update, BallastError::OracleWrongAccount),
        (longer, BallastError::OracleWrongAccount),
        (disguised, BallastError::OracleWrongAccount),
    ] {
        market.writes_data(&token.oracle, &oracle_program(SourceKind::PythPull), data);
        expect_refusal(market.refreshes(&["SOL"]), expected);
    }
    market.writes_data(&token.oracle, &RECEIVER, oracle::account(SourceKind::PythPull, &token.feed(), &seen, 1));
    market.refreshes(&["SOL"]).unwrap();
}
