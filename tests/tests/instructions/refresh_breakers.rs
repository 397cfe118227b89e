//! `refresh_prices`: what trips the breaker, into which state, up to which second, and what follows at `Init` alone.

use ballast_client::event::BreakerTripped;
use ballast_client::local::Published;
use ballast_client::risk::breaker::State;
use ballast_client::risk::health::{Level, Side};
use ballast_client::table::Parameter;
use ballast_client::{Asset, StateView};
use ballast_tests::assets::{WHOLE, bps, token};
use ballast_tests::oracle::published;
use ballast_tests::*;

const NORMAL: u8 = 0;
const CAUTIOUS: u8 = 1;
const REDUCE_ONLY: u8 = 2;

/// SOL at 150 dollars with some breakers, which last ten minutes; USDC without.
fn market(values: &[(Parameter, u64)]) -> Fixture {
    Fixture::of(vec![token("SOL").with(values), token("USDC")])
}

/// The breaker after one step to a price, `seconds` after the last.
fn after(market: &Fixture, seconds: i64, dollars: &'static str) -> Asset {
    market.advances(seconds);
    market.sets_price("SOL", dollars);
    market.refreshes(&["SOL"]).unwrap();
    market.asset("SOL")
}

/// A step within a second, in a market of its own.
fn state_at(values: &[(Parameter, u64)], dollars: &'static str) -> u8 {
    after(&market(values), 1, dollars).breaker
}

const JUMP: [(Parameter, u64); 1] = [(Parameter::BreakerJump, bps(1_000))];

#[test]
fn a_jump_of_more_than_the_limit_asks_for_caution_and_of_double_stops_new_risk() {
    // 10 and 20 % of an average of 150, up and down.
    for (dollars, expected) in [
        ("164.999", NORMAL),
        ("165.001", CAUTIOUS),
        ("179.999", CAUTIOUS),
        ("180.001", REDUCE_ONLY),
        ("135.001", NORMAL),
        ("134.999", CAUTIOUS),
        ("120.001", CAUTIOUS),
        ("119.999", REDUCE_ONLY),
        ("0.001", REDUCE_ONLY),
        ("90000000", REDUCE_ONLY),
    ] {
        assert_eq!(state_at(&JUMP, dollars), expected, "{dollars}");
    }
    // The widest limit is none.
    for dollars in ["0.001", "90000000"] {
        assert_eq!(state_at(&[], dollars), NORMAL, "{dollars}");
    }
}

#[test]
fn a_jump_is_measured_from_the_average_before_it() {
    let market = market(&JUMP);
    // A third of the averaging period: the average goes from 150 to 154, a third of the way to 162.
    assert_eq!(after(&market, 1_200, "162").breaker, NORMAL);
    // 10 % of 154.
    assert_eq!(after(&market, 1, "169.399").breaker, NORMAL);
    let average = market.asset("SOL").average().unwrap();
    // A second later it has moved on by a 3,600th of the distance of 15.4.
    let micro = average.value_floor(client::risk::Amount::new(1_000_000_000)).unwrap().get();
    assert!((154_004_270..154_004_280).contains(&micro), "{micro}");
    assert_eq!(after(&market, 1, "169.406").breaker, CAUTIOUS);
}

#[test]
fn a_wide_interval_stops_new_risk() {
    for (confidence_bps, expected) in [(0, NORMAL), (99, NORMAL), (101, REDUCE_ONLY), (199, REDUCE_ONLY)] {
        let market = market(&[(Parameter::BreakerConfidence, bps(100))]);
        market.advances(1);
        let seen = published("150", market.now());
        market.publishes("SOL", &Published { confidence: seen.price as u64 / 10_000 * confidence_bps, ..seen });
        market.refreshes(&["SOL"]).unwrap();
        assert_eq!(market.asset("SOL").breaker, expected, "{confidence_bps}");
    }
}

const FALL: [(Parameter, u64); 1] = [(Parameter::BreakerDrawdown, bps(2_000))];

#[test]
fn a_fall_from_the_peak_asks_for_caution_and_for_no_more() {
    for (dollars, expected) in
        [("120.001", NORMAL), ("119.999", CAUTIOUS), ("75", CAUTIOUS), ("0.001", CAUTIOUS), ("90000000", NORMAL)]
    {
        assert_eq!(state_at(&FALL, dollars), expected, "{dollars}");
    }
}

#[test]
fn the_peak_rises_at_once_and_falls_over_the_period() {
    let market = market(&FALL);
    let peak =
        |asset: &Asset| asset.peak().unwrap().value_floor(client::risk::Amount::new(1_000_000_000)).unwrap().get();
    assert!(peak(&market.asset("SOL")).abs_diff(150_000_000) <= 1);
    assert!(peak(&after(&market, 1, "200")).abs_diff(200_000_000) <= 1);
    // A quarter of the day of the variance period: a quarter of the way from 200 to 168, which is 16 % below the peak.
    let asset = after(&market, 21_600, "168");
    assert_eq!(asset.breaker, NORMAL);
    assert!(peak(&asset).abs_diff(192_000_000) <= 1, "{}", peak(&asset));
    // 20 % below 192 are 153.6.
    assert_eq!(after(&market, 1, "153.61").breaker, NORMAL);
    assert_eq!(after(&market, 1, "153.59").breaker, CAUTIOUS);
}

#[test]
fn a_restless_price_asks_for_caution() {
    // Calibrated for 4 % a day: a move of m within the hour of the averaging period makes m^2 / 3,600 of
    // 0.04^2 / 86,400, which is 15,000 m^2, and four is exceeded from m = 1.63299 % on.
    for (dollars, expected) in [("152.44", NORMAL), ("152.46", CAUTIOUS), ("147.56", NORMAL), ("147.54", CAUTIOUS)] {
        let mut sol = token("SOL").with(&[(Parameter::BreakerVariance, 4 << 16)]);
        (sol.listing.daily_volatility_bps, sol.listing.variance_period) = (400, 3_600);
        let market = Fixture::of(vec![sol]);
        assert_eq!(after(&market, 3_600, dollars).breaker, expected, "{dollars}");
    }
    // Without a calibration there is nothing to compare with.
    assert_eq!(state_at(&[(Parameter::BreakerVariance, 2 << 16)], "90000000"), NORMAL);
}

#[test]
fn the_first_price_trips_nothing() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    market.lists(token("SOL").with(&[(Parameter::BreakerConfidence, bps(10)), JUMP[0], FALL[0]])).unwrap();
    let seen = published("150", market.now());
    market.publishes("SOL", &Published { confidence: seen.price as u64 / 51, ..seen });
    market.refreshes(&["SOL"]).unwrap();
    assert_eq!((market.asset("SOL").breaker, market.asset("SOL").breaker_until), (NORMAL, 0));
}

#[test]
fn it_ends_by_itself_with_the_first_price_after_its_time() {
    for (dollars, state) in [("181", REDUCE_ONLY), ("170", CAUTIOUS)] {
        let market = market(&JUMP);
        let asset = after(&market, 1, dollars);
        let tripped = market.now() as u64;
        assert_eq!((asset.breaker, asset.breaker_until), (state, tripped + 600));
        // Back to normal at once; the breaker counts from the last price that tripped it.
        let asset = after(&market, 1, "150");
        assert_eq!((asset.breaker, asset.breaker_until), (state, tripped + 600));
        let asset = after(&market, 599, "150");
        assert_eq!((market.now() as u64, asset.breaker), (tripped + 600, state), "the last second");
        assert_eq!(asset.init_until == 0, state == REDUCE_ONLY);
        assert_eq!(asset.volatility, 98_304);
        let asset = after(&market, 1, "150");
        assert_eq!((asset.breaker, asset.breaker_until), (NORMAL, 0));
        assert_eq!((asset.init_until, asset.volatility), (market.now() as u64 + 60, 65_536));
    }
}

#[test]
fn what_trips_it_again_counts_from_then() {
    let market = market(&JUMP);
    after(&market, 1, "181");
    let first = market.now() as u64;
    assert_eq!(after(&market, 100, "190").breaker_until, first + 700);
    assert_eq!(after(&market, 100, "150").breaker_until, first + 700);
}

#[test]
fn a_weaker_trip_neither_shortens_nor_weakens_a_stronger_one() {
    let market = market(&JUMP);
    after(&market, 1, "185");
    let tripped = market.now() as u64;
    // Cautious by itself, half of the time later.
    let asset = after(&market, 300, "175");
    assert_eq!((asset.breaker, asset.breaker_until), (REDUCE_ONLY, tripped + 600));
    let asset = after(&market, 300, "180");
    assert_eq!((asset.breaker, asset.breaker_until, asset.init_until), (REDUCE_ONLY, tripped + 600, 0));
    // After the end of the stronger one the weaker one is all there is.
    let asset = after(&market, 1, "180");
    assert_eq!((asset.breaker, asset.breaker_until), (CAUTIOUS, tripped + 1_201));
    assert_eq!(asset.init_until, market.now() as u64 + 60);
}

#[test]
fn a_stronger_trip_replaces_a_weaker_one() {
    let market = market(&JUMP);
    after(&market, 1, "170");
    let tripped = market.now() as u64;
    let asset = after(&market, 100, "190");
    assert_eq!((asset.breaker, asset.breaker_until, asset.init_until), (REDUCE_ONLY, tripped + 700, 0));
}

#[test]
fn a_change_of_the_state_is_told_once() {
    let market = market(&JUMP);
    let mut told = vec![];
    for (seconds, dollars) in [(1, "151"), (1, "170"), (1, "171"), (1, "190"), (1, "150"), (601, "150"), (1, "150")] {
        market.advances(seconds);
        market.sets_price("SOL", dollars);
        let events: Vec<BreakerTripped> = market.refreshes(&["SOL"]).unwrap().events();
        told.push(events.iter().map(|event| (event.state, event.until)).collect::<Vec<_>>());
    }
    let start = fixture::START as u64;
    let expected = [
        vec![],
        vec![(CAUTIOUS, start + 602)],
        vec![],
        vec![(REDUCE_ONLY, start + 604)],
        vec![],
        vec![(NORMAL, 0)],
        vec![],
    ];
    assert_eq!(told, expected);
    assert_eq!([State::Normal, State::Cautious, State::ReduceOnly].map(State::code), [0, 1, 2]);
}

#[test]
fn what_trips_anew_after_its_time_is_told_again() {
    let market = market(&JUMP);
    after(&market, 1, "190");
    market.advances(601);
    market.sets_price("SOL", "290");
    let event: BreakerTripped = market.refreshes(&["SOL"]).unwrap().event();
    assert_eq!((event.state, event.until), (REDUCE_ONLY, market.now() as u64 + 600));
}

/// A stocked market with a jump limit of 10 %; alice has 100 SOL and owes 9,000 USDC.
fn indebted(values: &[(Parameter, u64)]) -> (Fixture, Actor) {
    let market = market(&[&JUMP, values].concat()).stocked();
    let alice = market.actor("alice", &[sol("150"), usdc("10000")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("9000")).unwrap();
    market.advances(1);
    market.sets_price("USDC", "1");
    market.refreshes(&["USDC"]).unwrap();
    (market, alice)
}

#[test]
fn caution_multiplies_at_init_and_nowhere_else() {
    let (market, alice) = indebted(&[(Parameter::Caution, 2 << 16)]);
    let (before, calm) = (market.asset("SOL"), alice.health());
    let asset = after(&market, 1, "166");
    assert_eq!((asset.breaker, asset.volatility), (CAUTIOUS, 2 << 16));
    let now = market.now() as u64;
    for side in [Side::Deposit, Side::Debt] {
        let of = |asset: &Asset, level| u64::from(asset.haircut(level, side, now).get());
        assert_eq!(of(&asset, Level::Init), 2 * of(&before, Level::Init));
        for level in [Level::Target, Level::Maint] {
            assert_eq!(of(&asset, level), of(&before, level));
        }
    }
    // 15,000 dollars less half of it carry no 9,000 any more; the vault itself is better off than before.
    let careful = alice.health();
    assert_eq!((calm.state, careful.state), (StateView::Healthy, StateView::Restricted));
    assert!(careful.maint.equity > calm.maint.equity);
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    expect_refusal(alice.withdraws(sol("1")), BallastError::BelowInitMargin);
    alice.repays(usdc("3000")).unwrap();
    alice.borrows(usdc("1")).unwrap();
}

#[test]
fn reduce_only_withholds_the_price_at_init_and_nowhere_else() {
    let (market, alice) = indebted(&[]);
    let bob = market.actor("bob", &[usdc("30000"), sol("10")]);
    bob.deposits(usdc("20000")).unwrap();
    bob.borrows(sol("1")).unwrap();
    let asset = after(&market, 1, "181");
    let now = market.now() as u64;
    assert_eq!((asset.breaker, asset.init_until, asset.usable_until), (REDUCE_ONLY, 0, now + 60));
    // Not against it, not of it.
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    expect_refusal(alice.withdraws(sol("1")), BallastError::BelowInitMargin);
    expect_refusal(bob.borrows(sol("0.1")), BallastError::PriceUnusable);
    expect_refusal(bob.withdraws(usdc("1")), BallastError::PriceUnusable);
    // Less risk is always possible.
    alice.deposits(sol("1")).unwrap();
    alice.repays(usdc("1")).unwrap();
    bob.repays(native("SOL", u64::MAX)).unwrap();
    bob.withdraws(usdc("1")).unwrap();
    // And so is a liquidation, at the price that tripped it: 100 x 91 x 0.85 is less than 9,000.
    assert_eq!(alice.state(), StateView::Restricted);
    let asset = after(&market, 1, "91");
    assert_eq!((asset.breaker, asset.init_until), (REDUCE_ONLY, 0));
    assert_eq!(alice.state(), StateView::Liquidatable);
    bob.liquidates(&alice, usdc("100"), "SOL").unwrap();
}

#[test]
fn the_larger_of_caution_and_volatility_counts() {
    let mut sol = token("SOL").with(&[JUMP[0], (Parameter::Caution, 2 << 16)]);
    (sol.listing.daily_volatility_bps, sol.listing.variance_period) = (400, 3_600);
    let market =
        Fixture::of(vec![sol.with(&[(Parameter::VolatilityLimit, 3 << 16), (Parameter::BreakerVariance, WHOLE)])]);
    // A jump of 11 % is far beyond three times the variance.
    assert_eq!(after(&market, 1, "167").volatility, 3 << 16);
    // The variance is forgotten sooner than the breaker, whose caution remains.
    let mut asset = market.asset("SOL");
    for _ in 0..5 {
        asset = after(&market, 3_600, "167");
    }
    assert_eq!((asset.breaker, asset.volatility), (NORMAL, 65_536));
    let market = self::market(&[JUMP[0], (Parameter::Caution, 2 << 16)]);
    assert_eq!(after(&market, 1, "167").volatility, 2 << 16);
}
