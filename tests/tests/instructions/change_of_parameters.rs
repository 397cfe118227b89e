//! Changes of parameters: ranges, what values must fulfil together, and how a change names them. In a market that is being
//! set up they count at once, so the rules stand alone here; the ways have files of their own.

use ballast_client::event::ChangeMade;
use ballast_client::parameters::{Listing, levels};
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Edit, Proposal, Role, change};
use ballast_tests::assets::{self, Token};
use ballast_tests::fixture::{DELAY, NOTICE};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::*;

/// SOL gets values in a market that is being set up.
fn sets(values: &[(Parameter, u64)]) -> Outcome {
    let market = Fixture::setting_up(1);
    market.applies(Role::Governance, market.values_of("SOL", values))
}

/// Lists SOL with a change to its parameters in people's units.
fn lists_with(change: impl FnOnce(&mut Listing)) -> Outcome {
    let market = Fixture::setting_up(0);
    let mut token = assets::token("SOL");
    change(&mut token.listing);
    market.lists(token)
}

fn part(bps: u16) -> u64 {
    u64::from(levels([bps; 3], "part").unwrap()[0])
}

/// Edits as they stand in a proposal, right or wrong.
fn raw(asset: Option<u8>, edits: &[(u8, u64, u64)]) -> Proposal {
    let edits = edits.iter().map(|(parameter, from, to)| Edit { parameter: *parameter, from: *from, to: *to });
    Proposal::Parameters { asset, edits: edits.collect(), ramp: 0 }
}

#[test]
fn a_change_sets_what_it_names_and_nothing_else() {
    let market = Fixture::setting_up(2);
    let before = market.market();
    let proposal = market.values_of("BTC", &[(DepositCap, 7), (HaircutInit, part(4_000)), (BandHigh, 1 << 60)]);

    let receipt = market.applies(Role::Governance, proposal.clone()).unwrap();

    let mut expected = before;
    let asset = &mut expected.assets[1];
    (asset.deposit_cap, asset.band_high) = (7, 1 << 60);
    (asset.haircuts[0], asset.haircuts_before[0]) = (part(4_000) as u32, part(4_000) as u32);
    assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*expected));
    let event: ChangeMade = receipt.event();
    assert_eq!((event.market, event.by), (market.market_address(), market.governance().pubkey()));
    assert_eq!((event.waited, event.proposal.proposal), (false, proposal));
}

#[test]
fn a_change_of_the_market_sets_what_it_names_and_nothing_else() {
    let market = Fixture::setting_up(1);
    let before = market.market();
    market.applies(Role::Governance, market.values(&[(Dust, 3), (FirstCap, 5), (Delay, 2 * DELAY)])).unwrap();
    let mut expected = before;
    (expected.dust, expected.first_cap, expected.delay) = (3, 5, 2 * DELAY as u32);
    assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*expected));
}

#[test]
fn every_parameter_of_a_listing_reaches_its_field() {
    let market = Fixture::setting_up(1);
    let token = assets::token("SOL");
    let asset = market.asset("SOL");
    for (parameter, value) in token.listing.values().unwrap() {
        assert_eq!(change::value(&asset, parameter), Some(value), "{}", parameter.name());
        assert_eq!(change::market_value(&market.market(), parameter), None);
    }
    assert_eq!(asset.sources[0], token.listing.source());
    let [haircuts, addons] = [[2_500, 2_000, 1_500], [1_000, 750, 500]].map(|bps| levels(bps, "part").unwrap());
    assert_eq!((asset.haircuts, asset.addons), (haircuts, addons));
    assert_eq!((asset.haircuts_before, asset.addons_before), (haircuts, addons), "no ramp is under way");
}

#[test]
fn atk_g02_haircuts_and_addons_fall_from_init_to_maint() {
    for change in [
        |listing: &mut Listing| listing.haircut_bps = [1_999, 2_000, 1_500],
        |listing: &mut Listing| listing.haircut_bps = [2_500, 1_499, 1_500],
        |listing: &mut Listing| listing.haircut_bps = [1_500, 2_000, 2_500],
        |listing: &mut Listing| listing.addon_bps = [700, 750, 500],
        |listing: &mut Listing| listing.addon_bps = [1_000, 400, 500],
    ] {
        expect_refusal(lists_with(change), BallastError::BadRiskParameters);
    }
    lists_with(|listing| listing.haircut_bps = [2_000; 3]).unwrap();
    lists_with(|listing| (listing.haircut_bps, listing.addon_bps) = ([10_000; 3], [10_000; 3])).unwrap();
}

#[test]
fn atk_e03_the_bonus_is_ordered_small_and_covered_by_the_haircut() {
    expect_refusal(sets(&[(BonusLeast, part(1_001))]), BallastError::BadRiskParameters);
    // A quarter is the most, even if the haircut covers more.
    let generous = |bonus: u64| {
        let haircuts = [(HaircutInit, part(5_000)), (HaircutTarget, part(5_000)), (HaircutMaint, part(5_000))];
        sets(&[&haircuts[..], &[(BonusMost, bonus)]].concat())
    };
    generous(1 << 30).unwrap();
    expect_refusal(generous((1 << 30) + 1), BallastError::ParameterOutOfRange);
    // 15 % taken off leaves 85 %, on which 17.6 % more are the whole again.
    sets(&[(BonusMost, part(1_764))]).unwrap();
    expect_refusal(sets(&[(BonusMost, part(1_765))]), BallastError::BadRiskParameters);
    // The largest bonus is 10 %: 9.1 % taken off leave 90.9 %, on which 10 % more are the whole again.
    sets(&[(HaircutMaint, part(910))]).unwrap();
    expect_refusal(sets(&[(HaircutMaint, part(909))]), BallastError::BadRiskParameters);
}

#[test]
fn atk_g02_numbers_stay_in_the_ranges_of_the_table() {
    const ONE: u64 = 1 << 16;
    let market = Fixture::setting_up(1);
    let sets = |parameter, value| market.applies(Role::Governance, market.values_of("SOL", &[(parameter, value)]));
    for (parameter, good, bad) in [
        (Depth, &[0, 1 << 33, (1 << 56) - 1][..], &[1, (1 << 33) - 1, 1 << 56, u64::MAX][..]),
        (AveragePeriod, &[1, 86_400], &[0, 86_401, 1 << 32]),
        (ConfidenceMultiple, &[100, 1_000], &[0, 99, 1_001, 1 << 16]),
        (VariancePeriod, &[1, 2_592_000], &[0, 2_592_001, u32::MAX as u64]),
        (VolatilityLimit, &[ONE, 16 * ONE], &[0, ONE - 1, 16 * ONE + 1, u32::MAX as u64]),
        (CalibratedVariance, &[1, u64::MAX], &[]),
        (Rate7, &[1 << 31], &[(1 << 31) + 1, u32::MAX as u64, 1 << 32]),
        (OutflowLimit, &[1 << 31], &[0, 1 << 20, 1 << 32]),
        (OutflowPeriod, &[3_600, 86_399], &[3_599, 86_401]),
        (VaultDepositShare, &[1], &[0, 1 << 32]),
        (Conservative, &[1], &[2, 256, 257]),
        (SourceChecks, &[100], &[2, 101, 256 + 3]),
    ] {
        for value in good {
            sets(parameter, *value).unwrap();
        }
        for value in bad {
            expect_refusal(sets(parameter, *value), BallastError::ParameterOutOfRange);
        }
    }
}

#[test]
fn atk_g02_ages_at_init_are_the_younger_ones_and_a_band_is_not_empty() {
    for (age, init) in [(600, 600), (600, 1), (1, 1)] {
        sets(&[(MaxAge, age), (MaxAgeInit, init)]).unwrap();
    }
    for (age, init) in [(60, 61), (1, 2), (59, 60)] {
        let values = [(MaxAge, age), (MaxAgeInit, init)];
        expect_refusal(sets(&values), BallastError::BadPriceParameters);
    }
    for (age, init) in [(601, 60), (0, 1), (60, 0), (600, 601)] {
        expect_refusal(sets(&[(MaxAge, age), (MaxAgeInit, init)]), BallastError::ParameterOutOfRange);
    }
    sets(&[(BandLow, 5), (BandHigh, 5)]).unwrap();
    expect_refusal(sets(&[(BandLow, 6), (BandHigh, 5)]), BallastError::BadPriceParameters);
}

#[test]
fn atk_g02_a_rate_curve_rises_from_empty_to_full() {
    for curve in [
        // Starts late, ends early, falls, goes back.
        vec![(1, 0), (10_000, 100)],
        vec![(0, 0), (9_999, 100)],
        vec![(0, 200), (10_000, 100)],
        vec![(0, 0), (8_000, 100), (7_000, 200), (10_000, 300)],
    ] {
        expect_refusal(lists_with(|listing| listing.curve = curve), BallastError::BadRateCurve);
    }
    lists_with(|listing| listing.curve = vec![(0, 0), (0, 500), (10_000, 500)]).unwrap();
}

#[test]
fn a_parameter_is_one_of_its_record() {
    let market = Fixture::setting_up(1);
    let judge = |asset, code| market.applies(Role::Governance, raw(asset, &[(code, 0, 0)]));
    for code in [58, 63, 70, 128, 255, Delay.code(), Dust.code(), FirstCap.code()] {
        expect_refusal(judge(Some(0), code), BallastError::ParameterUnknown);
    }
    for code in [DepositCap.code(), HaircutMaint.code(), FlashFee.code(), 58, 63, 70, 255] {
        expect_refusal(judge(None, code), BallastError::ParameterUnknown);
    }
}

#[test]
fn parameters_stand_in_the_order_of_their_codes_each_once() {
    let market = Fixture::setting_up(1);
    let cap = u64::MAX / 4;
    let judge = |edits: &[(u8, u64, u64)]| market.applies(Role::Governance, raw(Some(0), edits));
    expect_refusal(judge(&[]), BallastError::ParametersOutOfOrder);
    expect_refusal(judge(&[(1, cap, 5), (0, cap, 5)]), BallastError::ParametersOutOfOrder);
    expect_refusal(judge(&[(0, cap, 5), (0, 5, 6)]), BallastError::ParametersOutOfOrder);
    expect_refusal(judge(&[(0, cap, 5), (1, cap, 5), (1, 5, 6)]), BallastError::ParametersOutOfOrder);
    expect_refusal(market.applies(Role::Governance, raw(None, &[])), BallastError::ParametersOutOfOrder);
    judge(&[(0, cap, 5), (1, cap, 5)]).unwrap();
}

#[test]
fn a_change_names_the_values_that_it_was_written_against() {
    let market = Fixture::setting_up(1);
    let cap = u64::MAX / 4;
    for (from, to) in [(0, 5), (cap - 1, 5), (cap + 1, 5), (5, 5)] {
        let outcome = market.applies(Role::Governance, raw(Some(0), &[(0, from, to)]));
        expect_refusal(outcome, BallastError::ValueChanged);
    }
    // Also where the field is narrower than the number.
    let multiple = raw(Some(0), &[(ConfidenceMultiple.code(), 212 + 65_536, 300)]);
    expect_refusal(market.applies(Role::Governance, multiple), BallastError::ValueChanged);
    expect_refusal(market.applies(Role::Governance, raw(None, &[(67, 5, 6)])), BallastError::ValueChanged);
    market.applies(Role::Governance, raw(Some(0), &[(0, cap, cap)])).unwrap();
}

#[test]
fn one_bad_value_refuses_all() {
    let market = Fixture::setting_up(1);
    let before = market.market();
    for bad in [(HaircutMaint, part(9_000)), (MaxAge, 601), (Rate0, 1 << 31)] {
        market.applies(Role::Governance, market.values_of("SOL", &[(DepositCap, 5), bad])).unwrap_err();
        assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*before));
    }
}

#[test]
fn the_asset_is_listed() {
    let market = Fixture::setting_up(2);
    for index in [2, 63, 64, 255] {
        let astray = raw(Some(index), &[(0, 0, 5)]);
        expect_refusal(market.applies(Role::Governance, astray), BallastError::AssetUnknown);
    }
}

#[test]
fn a_cap_needs_a_source_and_with_netting_a_volatility() {
    let market = Fixture::setting_up(1);
    let token = assets::token("P01");
    market.lists_bare(token.clone()).unwrap();
    let caps = || market.values_of("P01", &[(DepositCap, 1)]);
    expect_refusal(market.applies(Role::Governance, caps()), BallastError::AssetNotReady);
    let debts = market.values_of("P01", &[(DebtCap, 1)]);
    expect_refusal(market.applies(Role::Governance, debts), BallastError::AssetNotReady);
    // Without caps everything else can be set before.
    market.applies(Role::Governance, market.values_of("P01", &[(HaircutInit, 1 << 30)])).unwrap_err();
    market.applies(Role::Governance, market.values_of("P01", &[(MaxAge, 600)])).unwrap();
    market.applies(Role::Governance, change::source(&market.market(), 1, 0, token.listing.source())).unwrap();

    market.models(&one_factor([300, 250, 200], 3_000), |symbol| moves(if symbol == "SOL" { 500 } else { 0 }, 0));
    expect_refusal(market.applies(Role::Governance, caps()), BallastError::AssetNotReady);
    market.models(&one_factor([300, 250, 200], 3_000), |symbol| moves(0, if symbol == "SOL" { 500 } else { 1 }));
    market.applies(Role::Governance, caps()).unwrap();
}

#[test]
fn the_delay_is_at_least_the_notice() {
    let market = Fixture::setting_up(1);
    let sets = |delay, notice| market.applies(Role::Governance, market.values(&[(Delay, delay), (Notice, notice)]));
    expect_refusal(sets(DELAY, NOTICE + 1), BallastError::BadPatience);
    sets(3 * DELAY, 3 * NOTICE).unwrap();
    expect_refusal(sets(3 * DELAY - 1, 3 * NOTICE), BallastError::BadPatience);
    for (delay, notice) in [(DELAY - 1, DELAY), (14 * DELAY + 1, NOTICE), (3 * DELAY, DELAY - 1)] {
        expect_refusal(sets(delay, notice), BallastError::ParameterOutOfRange);
    }
}

/// Interest up to the change is at the rates that people saw.
#[test]
fn a_new_curve_earns_from_now_on() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[btc("200")]);
    alice.deposits(btc("200")).unwrap();
    alice.borrows(usdc("5000000")).unwrap();
    let curve = [(Rate0, 100), (Rate1, 600)].map(|(parameter, bps)| (parameter, rate(2 * bps)));
    market.proposes("double", market.values_of("USDC", &curve)).unwrap();
    market.advances(86_400 + 5_000);
    let before = market.asset("USDC");
    market.executes("double").unwrap();
    let after = market.asset("USDC");
    let grown = before.accrued_pool(market.now() as u64);
    assert_eq!((after.borrow_index, after.supply_index), (grown.borrow_index.get(), grown.supply_index.get()));
    assert_eq!(after.accrued_at, market.now() as u64);
    let ratio = f64::from(after.borrow_rate) / f64::from(before.borrow_rate);
    assert!((ratio - 2.0).abs() < 1e-3, "{ratio}");
    let supplied = f64::from(after.supply_rate) / f64::from(before.supply_rate);
    assert!((supplied - 2.0).abs() < 1e-3, "{supplied}");
}

/// Basis points a year, as the program stores them.
fn rate(bps: u32) -> u64 {
    u64::from(client::risk::Rate::from_yearly_bps(bps).unwrap().get())
}

#[test]
fn decimals_change_no_rule() {
    for decimals in [0, 18] {
        let market = Fixture::setting_up(0);
        market.lists(Token { decimals, ..assets::token("SOL") }).unwrap();
    }
}
