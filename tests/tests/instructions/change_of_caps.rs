//! Caps of a new asset: from nothing to a first value in dollars, then doubling, each step with its own delay.

use ballast_client::parameters::Row;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Role, change};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::*;

const DAY: i64 = 86_400;
/// What the first cap of 100,000 dollars buys of a token of 6 decimals at 10 dollars, where its band ends.
const FIRST: u64 = 10_000_000_000;

/// An open market with a ninth asset that has a source and a price, and no caps.
fn market() -> Fixture {
    let market = Fixture::new();
    market.lists_bare(assets::token("P08")).unwrap();
    let source = assets::token("P08").listing.source();
    market.changes(change::source(&market.market(), 8, 0, source)).unwrap();
    ends_at(&market, "P08", TEN);
    market
}

/// Ten dollars, as the end of a band.
const TEN: u64 = 10_000_000_000_000;

/// The band of an asset ends at a price.
fn ends_at(market: &Fixture, symbol: &str, dollars: u64) {
    market.changes(market.values_of(symbol, &[(BandHigh, dollars)])).unwrap();
}

fn proposes(market: &Fixture, name: &str, values: &[(Parameter, u64)]) -> Outcome {
    market.proposes(name, market.values_of("P08", values))
}

fn caps(market: &Fixture) -> (u64, u64) {
    let asset = market.asset("P08");
    (asset.deposit_cap, asset.debt_cap)
}

#[test]
fn from_the_listing_to_the_first_deposit_two_delays_pass() {
    let market = Fixture::new();
    let start = market.now();
    let token = assets::token("P08");
    market.lists_bare(token.clone()).unwrap();
    // Source and values wait at the same time; what is not a cap has no largest step where nobody could be harmed.
    let mut values = token.listing.values().unwrap();
    values.retain(|(parameter, _)| ![DepositCap, DebtCap].contains(parameter));
    values.push((BandHigh, TEN));
    proposes(&market, "values", &values).unwrap();
    let source = change::source(&market.market(), 8, 0, token.listing.source());
    market.proposes("source", source).unwrap();
    expect_refusal(proposes(&market, "caps", &[(DepositCap, 1)]), BallastError::StepTooLarge);
    market.advances(2 * DAY);
    market.executes("source").unwrap();
    expect_refusal(market.executes("values"), BallastError::ChangeNotDue);
    market.advances(5 * DAY);
    market.executes("values").unwrap();
    market.refreshes_all();
    assert_eq!(market.asset("P08").ramp_end, 0, "no ramp");
    proposes(&market, "caps", &[(DepositCap, FIRST), (DebtCap, FIRST)]).unwrap();
    let alice = market.actor("alice", &[]);
    alice.is_given(native("P08", FIRST + 1));
    expect_refusal(alice.deposits(native("P08", 1)), BallastError::DepositCapExceeded);
    market.advances(DAY);
    market.executes("caps").unwrap();
    assert_eq!(market.now() - start, 8 * DAY);

    alice.deposits(native("P08", FIRST)).unwrap();
    expect_refusal(alice.deposits(native("P08", 1)), BallastError::DepositCapExceeded);
}

#[test]
fn a_cap_of_nothing_grows_to_what_the_first_cap_buys() {
    for parameter in [DepositCap, DebtCap] {
        let market = market();
        for to in [FIRST + 1, 2 * FIRST, u64::MAX] {
            expect_refusal(proposes(&market, "more", &[(parameter, to)]), BallastError::StepTooLarge);
        }
        proposes(&market, "first", &[(parameter, FIRST)]).unwrap();
        market.advances(DAY);
        market.executes("first").unwrap();
        assert_eq!(change::value(&market.asset("P08"), parameter), Some(FIRST));
    }
}

#[test]
fn without_an_end_of_the_band_there_is_no_first_cap() {
    let market = Fixture::new();
    market.lists_bare(assets::token("P08")).unwrap();
    let source = assets::token("P08").listing.source();
    market.proposes("source", change::source(&market.market(), 8, 0, source)).unwrap();
    market.advances(2 * DAY);
    market.executes("source").unwrap();
    market.refreshes_all();
    expect_refusal(proposes(&market, "cap", &[(DepositCap, 1)]), BallastError::StepTooLarge);
    ends_at(&market, "P08", TEN);
    proposes(&market, "cap", &[(DepositCap, 1)]).unwrap();
}

#[test]
fn the_band_when_it_is_executed_counts_as_well() {
    let market = market();
    proposes(&market, "cap", &[(DepositCap, FIRST)]).unwrap();
    ends_at(&market, "P08", TEN + 1_000_000);
    expect_refusal(market.executes("cap"), BallastError::StepTooLarge);
    ends_at(&market, "P08", TEN);
    market.executes("cap").unwrap();
}

#[test]
fn then_it_doubles_at_most_with_each_proposal() {
    let market = market();
    let mut cap = FIRST;
    market.changes(market.values_of("P08", &[(DepositCap, cap), (DebtCap, cap)])).unwrap();
    for _ in 0..4 {
        expect_refusal(proposes(&market, "too much", &[(DepositCap, 2 * cap + 1)]), BallastError::StepTooLarge);
        let both = [(DepositCap, 2 * cap), (DebtCap, 2 * cap + 1)];
        expect_refusal(proposes(&market, "too much", &both), BallastError::StepTooLarge);
        market.changes(market.values_of("P08", &[(DepositCap, 2 * cap), (DebtCap, 2 * cap)])).unwrap();
        cap *= 2;
        assert_eq!(caps(&market), (cap, cap));
    }
}

/// Each proposal is written against the cap before, so they wait one after the other.
#[test]
fn doublings_cannot_be_stacked() {
    let market = market();
    market.changes(market.values_of("P08", &[(DepositCap, FIRST)])).unwrap();
    proposes(&market, "one", &[(DepositCap, 2 * FIRST)]).unwrap();
    market.advances(1);
    proposes(&market, "another", &[(DepositCap, 2 * FIRST)]).unwrap();
    let next = client::Edit { parameter: DepositCap.code(), from: 2 * FIRST, to: 4 * FIRST };
    let next = client::Proposal::Parameters { asset: Some(8), edits: vec![next], ramp: 0 };
    expect_refusal(market.proposes("next", next), BallastError::ValueChanged);
    market.advances(DAY);
    market.executes("one").unwrap();
    expect_refusal(market.executes("another"), BallastError::ValueChanged);
    assert_eq!(caps(&market).0, 2 * FIRST);
}

#[test]
fn a_cap_that_is_small_grows_to_the_first_cap_again() {
    let market = market();
    market.changes(market.values_of("P08", &[(DepositCap, FIRST)])).unwrap();
    market.changes(market.values_of("P08", &[(DepositCap, 2 * FIRST)])).unwrap();
    for low in [5, 0] {
        market.applies(Role::Guardian, market.values_of("P08", &[(DepositCap, low)])).unwrap();
        expect_refusal(proposes(&market, "all", &[(DepositCap, FIRST + 1)]), BallastError::StepTooLarge);
        market.changes(market.values_of("P08", &[(DepositCap, FIRST)])).unwrap();
    }
    // And down as far as one likes.
    market.changes(market.values_of("P08", &[(DepositCap, 1)])).unwrap();
}

/// Or what the guardian closed in a crisis would take weeks to come back.
#[test]
fn a_cap_grows_in_one_step_to_what_is_there_already() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("1000")]);
    alice.deposits(sol("1000")).unwrap();
    alice.borrows(usdc("50000")).unwrap();
    market.applies(Role::Guardian, market.values_of("USDC", &[(DepositCap, 0), (DebtCap, 0)])).unwrap();
    ends_at(&market, "USDC", TEN / 10);
    let asset = market.asset("USDC");
    let at = |seconds: u64| asset.accrued_pool(market.now() as u64 + seconds);
    let (deposits, debts) = (at(0).deposits_ceil().unwrap().get(), at(0).debts_floor().unwrap().get());
    assert!(deposits > 100_000_000_000 && debts < 100_000_000_000, "more than the first cap, and less");
    let proposes = |name: &str, values: &[_]| market.proposes(name, market.values_of("USDC", values));
    expect_refusal(proposes("more", &[(DepositCap, deposits + 1)]), BallastError::StepTooLarge);
    expect_refusal(proposes("more", &[(DebtCap, deposits)]), BallastError::StepTooLarge);
    proposes("back", &[(DepositCap, deposits), (DebtCap, 100_000_000_000)]).unwrap();
    market.advances(DAY);
    market.executes("back").unwrap();
    assert_eq!((market.asset("USDC").deposit_cap, market.asset("USDC").debt_cap), (deposits, 100_000_000_000));
}

#[test]
fn the_first_cap_is_a_parameter_of_the_market() {
    let market = market();
    market.changes(market.values(&[(FirstCap, 200_000_000_000)])).unwrap();
    expect_refusal(proposes(&market, "more", &[(DepositCap, 2 * FIRST + 1)]), BallastError::StepTooLarge);
    proposes(&market, "double", &[(DepositCap, 2 * FIRST)]).unwrap();
    market.applies(Role::Guardian, market.values(&[(FirstCap, 1_000_000)])).unwrap();
    market.advances(DAY);
    expect_refusal(market.executes("double"), BallastError::StepTooLarge);
    proposes(&market, "a dollar", &[(DepositCap, 100_000)]).unwrap();
}

/// Caps are numbers of tokens. Who governs the price as well, sets them while it is low.
#[test]
fn atk_g01_a_first_cap_lets_nobody_in_with_more_than_it_was_worth() {
    let market = Fixture::new();
    let token = assets::token("P08");
    market.lists_bare(token.clone()).unwrap();
    market.sets_price("P08", "0.0001");
    let mut values = token.listing.values().unwrap();
    values.retain(|(parameter, _)| ![DepositCap, DebtCap].contains(parameter));
    market.proposes("values", market.values_of("P08", &values)).unwrap();
    market.changes(change::source(&market.market(), 8, 0, token.listing.source())).unwrap();
    let first = FIRST * 100_000;
    expect_refusal(proposes(&market, "cap", &[(DepositCap, first)]), BallastError::StepTooLarge);
    // With a band up to what the price is at the moment, that price cannot rise.
    ends_at(&market, "P08", TEN / 100_000);
    market.changes(market.values_of("P08", &[(DepositCap, first)])).unwrap();
    market.advances(4 * DAY);
    market.executes("values").unwrap();
    market.refreshes_all();
    market.advances(1);
    market.sets_price("P08", "0.00010001");
    expect_withheld(market.refreshes(&["P08"]), Doubt::Band);
    // And the band rises by doubling, although nobody has any yet.
    let end = TEN / 100_000;
    expect_refusal(proposes(&market, "band", &[(BandHigh, 2 * end + 1)]), BallastError::StepTooLarge);
    ends_at(&market, "P08", 2 * end);
}

#[test]
fn in_a_market_that_is_being_set_up_caps_are_free() {
    let market = Fixture::setting_up(1);
    market.applies(Role::Governance, market.values_of("SOL", &[(DepositCap, 0), (DebtCap, 0)])).unwrap();
    market.applies(Role::Governance, market.values_of("SOL", &[(DepositCap, u64::MAX), (DebtCap, u64::MAX)])).unwrap();
}

#[test]
fn under_a_model_a_new_asset_waits_for_its_row() {
    let market = Fixture::setting_up(8);
    let row = |symbol: &str| if symbol == "P08" { moves(0, 1) } else { moves(500, 100) };
    market.models(&one_factor([300, 250, 200], 3_000), row);
    market.opens_market().unwrap();
    market.lists_bare(assets::token("P08")).unwrap();
    let source = assets::token("P08").listing.source();
    market.changes(change::source(&market.market(), 8, 0, source)).unwrap();
    ends_at(&market, "P08", TEN);
    expect_refusal(proposes(&market, "cap", &[(DepositCap, FIRST)]), BallastError::AssetNotReady);
    market.models(&one_factor([300, 250, 200], 3_000), row);
    proposes(&market, "cap", &[(DepositCap, FIRST)]).unwrap();
    market.advances(DAY);
    market.executes("cap").unwrap();
}

/// A guardian must be able to act on every asset that people use.
#[test]
fn atk_g04_an_asset_that_the_model_does_not_move_can_still_be_tightened() {
    let market = Fixture::setting_up(8);
    market.models(
        &one_factor([300, 250, 200], 3_000),
        |symbol| {
            if symbol == "USDC" { Row::default() } else { moves(500, 100) }
        },
    );
    market.opens_market().unwrap();
    for values in [[(HaircutInit, u64::from(u32::MAX))], [(DepositCap, 5)], [(OutflowLimit, 1 << 30)]] {
        market.applies(Role::Guardian, market.values_of("USDC", &values)).unwrap();
    }
}
