//! A ratio taken for a price, a wrong exponent, a feed of something else: sources that were put together wrongly.

use ballast_client::event::{Action, CandidateObserved, PriceWithheld};
use ballast_client::table::Parameter;
use ballast_client::{Role, Source, SourceKind, StateView};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::oracle::published;
use ballast_tests::*;

use crate::probe::{lends_nothing, most};

const DAY: i64 = 86_400;

/// A market of SOL, ETH and USDC that is open.
fn market() -> Fixture {
    let market = Fixture::of(["SOL", "ETH", "USDC"].map(token).to_vec()).stocked();
    market.advances(1);
    market.refreshes_all();
    market
}

/// Governance names another source, which is in force as a candidate two days later. There is no faster way.
fn names(market: &Fixture, symbol: &str, feed: &Feed) {
    for role in Role::ALL {
        let outcome = market.applies(role, market.source_of(symbol, 0, feed));
        expect_refusal(outcome, BallastError::MustWait);
    }
    market.proposes("source", market.source_of(symbol, 0, feed)).unwrap();
    market.advances(2 * DAY - 1);
    expect_refusal(market.executes("source"), BallastError::ChangeNotDue);
    market.advances(1);
    let before = market.asset(symbol).sources;
    market.executes("source").unwrap();
    let asset = market.asset(symbol);
    assert_eq!((asset.sources, asset.candidate), (before, feed.source()), "nothing but the candidate has changed");
    market.refreshes_all();
}

/// Half a minute later the candidate says this, beside a fresh price.
fn observes(market: &Fixture, symbol: &str, feed: &Feed, dollars: &str) -> CandidateObserved {
    market.advances(30);
    market.refreshes_all();
    market.feed_publishes(feed, &market.token(symbol).mint, &published(dollars, market.now()));
    market.observes(symbol, &feed.oracle).unwrap().event()
}

#[test]
fn atk_d09_a_ratio_as_a_price_never_takes_over() {
    // ETH at 3,000 dollars, and what a composition gone wrong makes of it: the ratio of a staked token, a hundredth, a
    // thousandth, a thousandfold, the other asset of the pair, and a deviation just beyond what is agreed.
    for wrong in ["1.12", "30", "3", "300000", "3000000", "150", "2939.9", "3060.1"] {
        let market = market();
        let feed = Feed::new("composition", SourceKind::SwitchboardPull, wrong);
        names(&market, "ETH", &feed);
        let before = market.asset("ETH");
        for _ in 0..30 {
            let event = observes(&market, "ETH", &feed, wrong);
            assert_eq!((event.checks, event.took_over), (0, false), "{wrong}");
        }
        let asset = market.asset("ETH");
        assert_eq!((asset.sources, asset.candidate_checks), (before.sources, 0));
        assert_eq!(asset.spot(), before.spot());
        // One look that happens to agree is not enough.
        assert_eq!(observes(&market, "ETH", &feed, "3000").checks, 1);
        assert_eq!(observes(&market, "ETH", &feed, wrong).checks, 0);
    }
}

#[test]
fn atk_d09_a_ratio_as_a_price_does_not_take_over_from_a_dead_source_either() {
    let market = market();
    let feed = Feed::new("composition", SourceKind::SwitchboardPull, "1.12");
    names(&market, "ETH", &feed);
    market.advances(DAY + 1);
    for wrong in ["1.12", "30", "1499.9", "6000.1", "3000000", "1.12", "30", "1499.9", "6000.1", "3000000"] {
        market.advances(30);
        market.feed_publishes(&feed, &market.token("ETH").mint, &published(wrong, market.now()));
        let event: CandidateObserved = market.observes("ETH", &feed.oracle).unwrap().event();
        assert_eq!((event.checks, event.took_over), (0, false), "{wrong}");
    }
}

#[test]
fn atk_d09_a_candidate_that_takes_over_moves_the_price_by_no_more_than_was_agreed() {
    let market = market();
    let feed = Feed::new("composition", SourceKind::SwitchboardPull, "3059");
    names(&market, "ETH", &feed);
    let debtor = market.actor("debtor", &[eth("10")]);
    debtor.deposits(eth("10")).unwrap();
    let before = most(&debtor, Action::Borrow, "USDC");
    // 2 % of 3,000 are 60: three checks, and it is in.
    assert_eq!([1, 2, 3].map(|_| observes(&market, "ETH", &feed, "3059").took_over), [false, false, true]);
    market.knows("ETH", |token| *token = token.clone().priced_by(feed.clone()));
    market.advances(1);
    market.refreshes_all();
    let after = most(&debtor, Action::Borrow, "USDC");
    assert!(after <= before + before / 50, "{after} after {before}");
    // Taken over, it can be a hundred times off at once like any source: what stands against that is the second source,
    // the breaker and the band, not the candidacy.
    let guarded = token("ETH").with(&[(Parameter::BandLow, 1_000_000_000_000_000)]);
    let market = Fixture::of(vec![guarded]);
    market.advances(1);
    market.sets_price("ETH", "30");
    expect_withheld(market.refreshes(&["ETH"]), Doubt::Band);
}

#[test]
fn atk_d09_a_second_source_a_thousand_times_off_never_becomes_one() {
    let market = market();
    let feed = Feed::new("composition", SourceKind::SwitchboardPull, "3");
    market.proposes("second", market.source_of("ETH", 1, &feed)).unwrap();
    market.advances(2 * DAY);
    market.executes("second").unwrap();
    for _ in 0..20 {
        assert_eq!(observes(&market, "ETH", &feed, "3").checks, 0);
    }
    assert_eq!(market.asset("ETH").sources[1], Source::NONE);
    // One that goes wrong later stops new risk and liquidates nobody.
    let checked = token("ETH").checked_by(Feed { price: "3000", ..feed });
    let market = Fixture::of(vec![checked, token("USDC")]);
    let both = market.sources_say("ETH", "3000", "3").unwrap();
    assert_eq!(both.event::<PriceWithheld>().doubt, Doubt::Disagreement);
    assert_eq!(market.asset("ETH").init_until, 0);
}

/// What agrees by its nature cannot be told apart: the feed of one dollar for another one. Governance names it, the delay
/// shows it, and the outflow limit bounds it; the comparison does not help.
#[test]
fn atk_d09_a_feed_of_a_twin_takes_over() {
    let market = Fixture::of(["SOL", "USDC", "USDT"].map(token).to_vec()).stocked();
    let twin = market.token("USDT").first();
    names(&market, "USDC", &twin);
    let took_over = [1, 2, 3].map(|_| {
        market.advances(30);
        market.refreshes_all();
        market.observes("USDC", &twin.oracle).unwrap().event::<CandidateObserved>().took_over
    });
    assert_eq!(took_over, [false, false, true]);
}

/// A band around ETH, and alice, who owes 20,000 USDC against 10 of it; carol has BTC and owes ETH.
fn banded() -> (Fixture, [Actor; 2]) {
    let band = [(Parameter::BandLow, 1_000_000_000_000_000), (Parameter::BandHigh, 9_000_000_000_000_000)];
    let market = Fixture::of(vec![token("ETH").with(&band), token("BTC"), token("USDC")]).stocked();
    let alice = market.actor("alice", &[eth("15"), usdc("20000")]);
    alice.deposits(eth("10")).unwrap();
    alice.borrows(usdc("20000")).unwrap();
    let carol = market.actor("carol", &[btc("1"), eth("1")]);
    carol.deposits(btc("1")).unwrap();
    carol.borrows(eth("1")).unwrap();
    (market, [alice, carol])
}

#[test]
fn atk_d09_a_breach_of_the_band_stops_loans_and_liquidations_of_that_asset() {
    for wrong in ["1.12", "999.99", "9000.01", "3000000"] {
        let (market, [alice, carol]) = banded();
        let bob = market.actor("bob", &[usdc("20000"), eth("5")]);
        market.advances(1);
        market.sets_price("ETH", wrong);
        // In one transaction with whatever should profit from it.
        let refresh = market.refresh_instruction(&["ETH"]);
        for profit in [bob.liquidate(&alice, usdc("1000"), "ETH"), bob.liquidate(&carol, eth("0.5"), "BTC")] {
            expect_refusal(bob.sends(&[refresh.clone(), profit]), BallastError::PriceUnusable);
        }
        // Nobody has told the market yet: the last good price counts, by which everybody is healthy.
        assert_eq!([alice.state(), carol.state()], [StateView::Healthy; 2]);
        expect_refusal(bob.liquidates(&alice, usdc("1000"), "ETH"), BallastError::VaultHealthy);
        // Then nothing does.
        for minutes in [0, 1, 2, 600] {
            market.advances(60 * minutes);
            for symbol in ["BTC", "USDC"] {
                market.sets_price(symbol, market.token(symbol).price);
            }
            market.refreshes(&["BTC", "USDC"]).unwrap();
            market.sets_price("ETH", wrong);
            expect_withheld(market.refreshes(&["ETH"]), Doubt::Band);
            lends_nothing(alice.borrows(usdc("1")));
            lends_nothing(alice.withdraws(eth("1")));
            lends_nothing(carol.borrows(eth("0.1")));
            expect_refusal(bob.liquidates(&alice, usdc("1000"), "ETH"), BallastError::PriceUnusable);
            expect_refusal(bob.liquidates(&carol, eth("0.5"), "BTC"), BallastError::PriceUnusable);
            alice.deposits(eth("0.1")).unwrap();
            alice.repays(usdc("1")).unwrap();
            carol.repays(eth("0.01")).unwrap();
        }
    }
}

#[test]
fn atk_d09_the_ends_of_the_band_belong_to_it() {
    let (market, _) = banded();
    for (dollars, inside) in [("1000", true), ("999.999999", false), ("9000", true), ("9000.000001", false)] {
        market.advances(1);
        market.sets_price("ETH", dollars);
        market.refreshes(&["ETH"]).unwrap();
        assert_eq!(market.asset("ETH").is_doubted(), !inside, "{dollars}");
    }
}

/// A listing with the ratio of a staked token for a price: 1.1 dollars instead of 3,300, and one a thousand times too dear.
#[test]
fn atk_d09_a_listing_with_a_wrong_composition_is_inert_until_a_cap_has_waited() {
    for wrong in ["1.1", "3300000"] {
        let market = market();
        let feed = Feed::new("composition", SourceKind::PythPull, wrong);
        let new = token("WSTETH").priced_by(feed.clone());
        market.lists_bare(new.clone()).unwrap();
        let mallory = market.actor("mallory", &[native("WSTETH", 1_000_000_000), usdc("20000")]);
        mallory.deposits(usdc("20000")).unwrap();
        let tries = |market: &Fixture| {
            let caps = [BallastError::DepositCapExceeded, BallastError::DebtCapExceeded].map(Fault::from);
            for outcome in [mallory.deposits(native("WSTETH", 1)), mallory.borrows(native("WSTETH", 1))] {
                let refusal = outcome.unwrap_err();
                let short = Fault::from(BallastError::NotEnoughCash);
                assert!(caps.contains(&refusal.fault) || refusal.fault == short, "{refusal:#?}");
            }
            assert_eq!(market.asset("WSTETH").deposit_shares, 0);
        };
        tries(&market);
        // Without a source there is no price, and no cap.
        expect_refusal(market.refreshes(&["WSTETH"]), BallastError::OracleWrongAccount);
        let caps = [(Parameter::DepositCap, 1), (Parameter::DebtCap, 1)];
        expect_refusal(market.proposes("early", market.values_of("WSTETH", &caps)), BallastError::StepTooLarge);

        // Two days for the source; it counts at once then, because there is no price that it could disagree with. The band
        // ends where the wrong price is.
        market.proposes("source", market.source_of("WSTETH", 0, &feed)).unwrap();
        let band = [(Parameter::BandHigh, units(wrong, 12))];
        market.proposes("band", market.values_of("WSTETH", &band)).unwrap();
        market.advances(2 * DAY);
        market.executes("source").unwrap();
        market.executes("band").unwrap();
        assert_eq!(market.asset("WSTETH").sources[0], feed.source());
        market.refreshes_all();
        tries(&market);

        // The first caps are what 100,000 dollars buy at the price that all can see for another day.
        let first = market.market().first_cap;
        assert_eq!(first, 100_000_000_000);
        let fits = (first as f64 / wrong.parse::<f64>().unwrap()) as u64;
        let too_much = [(Parameter::DepositCap, fits + fits / 100 + 2)];
        expect_refusal(market.proposes("more", market.values_of("WSTETH", &too_much)), BallastError::StepTooLarge);
        let caps = [(Parameter::DepositCap, fits - fits / 100), (Parameter::DebtCap, fits - fits / 100)];
        let proposal = market.values_of("WSTETH", &caps);
        for role in Role::ALL {
            expect_refusal(market.applies(role, proposal.clone()), BallastError::MustWait);
        }
        market.proposes("caps", proposal).unwrap();
        market.advances(DAY - 1);
        expect_refusal(market.executes("caps"), BallastError::ChangeNotDue);
        tries(&market);
        // Whoever looks stops it.
        market.cancels(Role::Guardian, "caps").unwrap();
        market.advances(DAY);
        assert!(market.executes("caps").is_err());
        tries(&market);
        // And even with a cap, haircuts and add-ons are of the whole until others have waited as well.
        assert_eq!(market.asset("WSTETH").haircuts, [u32::MAX; 3]);
    }
}

/// Nobody has any SOL in this market, and nobody can. But LST is valued by its price, so it is not without use.
#[test]
fn atk_d09_the_source_of_a_base_that_others_are_valued_by_is_compared_as_well() {
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    let mut base = token("SOL");
    (base.listing.deposit_cap, base.listing.debt_cap) = (0, 0);
    let market = Fixture::of(vec![base, token("LST").priced_by(pool), token("USDC")]);
    let [lender, alice] = ["lender", "alice"].map(|name| market.actor(name, &[usdc("100000"), lst("100")]));
    lender.deposits(usdc("100000")).unwrap();
    alice.deposits(lst("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();

    let wrong = Feed::new("composition", SourceKind::PythPull, "0.15");
    let before = market.asset("SOL").sources;
    market.proposes("source", market.source_of("SOL", 0, &wrong)).unwrap();
    market.advances(2 * DAY);
    market.executes("source").unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.sources, asset.candidate), (before, wrong.source()), "a candidate, and no more");
    market.refreshes_all();
    assert_eq!(alice.state(), StateView::Healthy);
}

#[test]
fn atk_d09_the_default_agreement_is_two_per_cent() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    market.lists_bare(token("ETH")).unwrap();
    assert!(u64::from(market.asset("ETH").agreement).abs_diff(bps(200)) < 100);
    assert_eq!(market.asset("ETH").source_checks, 10);
}
