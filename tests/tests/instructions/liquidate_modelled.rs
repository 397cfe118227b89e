//! `liquidate` in a market with netting, scenarios and ramps.

use ballast_client::event::Liquidated;
use ballast_client::parameters::Row;
use ballast_client::{BindingView, HealthView, RiskModel, StateView};
use ballast_tests::governance::{joined, moves, one_factor, shocked, stressed, worst_of};
use ballast_tests::model::{GRACE, VALIDITY};
use ballast_tests::*;

/// Alice owes 10,000 USDC against 100 SOL (15,000 dollars); bob has a million USDC and 1,000 SOL.
fn market() -> (Fixture, Actor, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[usdc("1000000"), sol("1000")]);
    (market, alice, bob)
}

fn only_sol(row: Row) -> impl Fn(&str) -> Row {
    move |symbol| if symbol == "SOL" { row } else { Row::default() }
}

/// LST and SOL move alike, but for 0.5 % each.
fn hedged(symbol: &str) -> Row {
    if ["SOL", "LST"].contains(&symbol) { moves(2_000, 50) } else { Row::default() }
}

/// What is missing to the target, micro-dollars.
fn missing(view: &HealthView) -> i64 {
    view.target.requirement as i64 - view.target.equity
}

/// Not past the target, but for what a unit value of 31 bits lacks of a price of 64.
fn at_most_at_target(view: &HealthView) -> bool {
    // Of what was there before, and that was less than 60,000 dollars.
    missing(view) >= -(60_000_000_000 >> 30)
}

/// Bob pays for as much as the program lets him; the vault comes up to its target and not beyond.
fn comes_up_to_target(alice: &Actor, bob: &Actor, binding: BindingView) -> Liquidated {
    let before = alice.health();
    assert_eq!((before.state, before.maint.binding), (StateView::Liquidatable, binding));
    let event: Liquidated = bob.liquidates(alice, usdc("1000000"), "SOL").unwrap().event();
    let after = alice.health();
    assert!(at_most_at_target(&after), "past the target: {after:?}");
    // A part in a thousand of what was missing.
    assert!(missing(&after) < missing(&before) / 1_000, "{} of {}", missing(&after), missing(&before));
    assert!(after.maint.passes, "{after:?}");
    expect_refusal(bob.liquidates(alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
    event
}

#[test]
fn a_vault_that_only_the_portfolio_requirement_finds_comes_up_to_its_target() {
    let (market, alice, bob) = market();
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
    // 40 % of 15,000 dollars, where 5,000 are there; of haircuts 2,450 are required.
    market.models(&one_factor([300, 250, 200], 3_000), only_sol(moves(2_000, 0)));
    let event = comes_up_to_target(&alice, &bob, BindingView::Portfolio);
    assert!(event.requirement_before.abs_diff(6_000_000_000) < 1_000, "{}", event.requirement_before);
    assert!(event.bonus > 0);
}

#[test]
fn a_vault_that_only_the_stress_requirement_finds_comes_up_to_its_target() {
    let (market, alice, bob) = market();
    market.models(&worst_of(3, [110, 100, 90]), only_sol(shocked(&[-2_000, -4_000, 500])));
    let event = comes_up_to_target(&alice, &bob, BindingView::Stress);
    // A multiplier of 0.9 is rounded down by less than 2^-16.
    assert!(event.requirement_before.abs_diff(5_400_000_000) < 100_000, "{}", event.requirement_before);
}

#[test]
fn a_vault_that_haircuts_find_comes_up_to_its_target_with_a_model_as_well() {
    let (market, alice, bob) = market();
    let model = stressed(one_factor([110, 105, 100], 10_000), worst_of(1, [100; 3]));
    market.models(&model, only_sol(joined(moves(500, 0), shocked(&[-500]))));
    market.price_moves("SOL", "115");
    comes_up_to_target(&alice, &bob, BindingView::Haircuts);
}

#[test]
fn many_small_ones_end_where_one_large_one_does() {
    let adopted = || {
        let (market, alice, bob) = market();
        let model = stressed(one_factor([300, 250, 200], 3_000), worst_of(2, [110, 100, 90]));
        market.models(&model, only_sol(joined(moves(2_000, 300), shocked(&[-3_000, 100]))));
        (alice, bob)
    };
    let (alice, bob) = adopted();
    bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap();
    let (carol, dave) = adopted();
    let mut last = missing(&carol.health());
    while carol.state() == StateView::Liquidatable {
        dave.liquidates(&carol, usdc("250"), "SOL").unwrap();
        let now = missing(&carol.health());
        assert!(now < last && at_most_at_target(&carol.health()), "{now} after {last}");
        last = now;
    }
    assert!(carol.owes("USDC") + usdc("1").units >= alice.owes("USDC"), "small steps do not go deeper");
}

#[test]
fn the_two_legs_of_a_hedge_are_no_pair_to_liquidate() {
    let (market, _, bob) = market();
    // 33,000 dollars of LST against 12,000 of SOL and 12,000 of USDC.
    let carol = market.actor("carol", &[lst("200")]);
    carol.deposits(lst("200")).unwrap();
    carol.borrows(sol("80")).unwrap();
    carol.borrows(usdc("10000")).unwrap();
    // What is not hedged, 21,000 dollars, moves by 60 % at Maint; 11,000 are there.
    market.models(&one_factor([350, 325, 300], 1_000), hedged);
    let before = carol.health();
    assert_eq!((before.state, before.maint.binding), (StateView::Liquidatable, BindingView::Portfolio));
    // Paying back SOL and taking LST leaves it as far from its target as it was.
    match bob.liquidates(&carol, sol("80"), "LST") {
        Ok(receipt) => {
            let event: Liquidated = receipt.event();
            // The least bonus of LST is 2 %; what the two move apart is worth a fraction of it.
            assert!(event.bonus < u32::MAX / 500, "{}", event.bonus);
            assert!(missing(&carol.health()) <= missing(&before));
        }
        Err(refusal) => assert_eq!(refusal.fault, BallastError::LiquidationTooSmall.into()),
    }
    // Paying back USDC sheds what the risk is in.
    let event: Liquidated = bob.liquidates(&carol, usdc("1000000"), "LST").unwrap().event();
    assert!(event.bonus >= u32::MAX / 100, "{}", event.bonus);
    assert!(at_most_at_target(&carol.health()));
}

/// Carol has 100 LST (16,500 dollars) and owes 92 SOL (13,800 dollars): 2,700 dollars, where 3,165 are required of her
/// without netting.
fn on_the_edge() -> (Fixture, Actor, Actor) {
    on_the_edge_of(&one_factor([300, 250, 200], 3_000), hedged)
}

/// The same under another model.
fn on_the_edge_of(model: &RiskModel, row: impl Fn(&str) -> Row) -> (Fixture, Actor, Actor) {
    let (market, _, bob) = market();
    let carol = market.actor("carol", &[lst("100")]);
    carol.deposits(lst("100")).unwrap();
    market.models(model, row);
    carol.borrows(sol("92")).unwrap();
    (market, carol, bob)
}

#[test]
fn an_expired_model_liquidates_nobody_by_a_jump() {
    let (market, carol, bob) = on_the_edge();
    let valid_until = market.market().valid_until as i64;
    let mut required = 0.3;
    let mut first = None;
    for percent in 0..=105i64 {
        market.sets_clock(valid_until + i64::from(GRACE) * percent / 100, 10_000_000 + percent as u64);
        market.refreshes_all();
        let maint = carol.health().maint;
        // A hundredth of the way from 30 % to the whole, and interest.
        let part = maint.floor as f64 / maint.haircuts as f64;
        let expected = 0.3 + 0.7 * (percent.min(100) as f64 / 100.0);
        // The cost of size counts whole, and is 23 cents of 3,165 dollars.
        assert!((part - expected).abs() < 1e-4 && part >= required, "{percent}: {part}");
        required = part;
        if carol.state() == StateView::Liquidatable {
            first.get_or_insert(percent);
        } else {
            assert_eq!(first, None);
            expect_refusal(bob.liquidates(&carol, sol("1"), "LST"), BallastError::VaultHealthy);
        }
    }
    // 2,700 are 85 % of 3,165: four fifths of the way.
    assert!(matches!(first, Some(75..85)), "{first:?}");
    bob.liquidates(&carol, sol("1"), "LST").unwrap();
}

#[test]
fn a_confirmation_ends_the_fall_back() {
    let (market, carol, bob) = on_the_edge();
    market.advances(i64::from(VALIDITY) + i64::from(GRACE));
    market.refreshes_all();
    assert_eq!(carol.state(), StateView::Liquidatable);
    market.confirms_risk_model().unwrap();
    assert_ne!(carol.state(), StateView::Liquidatable);
    expect_refusal(bob.liquidates(&carol, sol("1"), "LST"), BallastError::VaultHealthy);
}

#[test]
fn the_day_after_a_model_expired_is_like_the_day_before() {
    let (market, carol, _) = on_the_edge();
    let at = |market: &Fixture, seconds: i64| {
        market.sets_clock(market.market().valid_until as i64 + seconds, 20_000_000 + seconds.unsigned_abs());
        market.refreshes_all();
        carol.health()
    };
    let (before, after) = (at(&market, 0), at(&market, 1));
    let jump = after.maint.requirement.abs_diff(before.maint.requirement);
    // A second's part of 70 % of 3,165 dollars in a week, rounding and interest.
    assert!(jump < 20_000, "{jump}");
    assert!(after.init.floor > 3 * before.init.floor, "Init asks for the whole at once");
}

#[test]
fn a_ramp_of_haircuts_liquidates_when_it_has_come_that_far() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "127");
    // From 15 % to 25 %: 2,699 are 21.25 % of 12,700, less 200 for the debt, 19.7 %.
    market.sets_haircuts("SOL", [3_500, 2_700, 2_500], [1_000, 750, 500], 100_000).unwrap();
    let executed = market.now();
    // Nothing happens for the notice of a day, then it moves for 100,000 seconds.
    for (seconds, state) in [
        (0, StateView::Restricted),
        (86_400, StateView::Restricted),
        (86_400 + 46_000, StateView::Restricted),
        (86_400 + 48_000, StateView::Liquidatable),
    ] {
        market.sets_clock(executed + seconds, 5_000_000 + seconds.unsigned_abs());
        market.refreshes_all();
        assert_eq!(alice.state(), state, "{seconds}");
        if state == StateView::Restricted {
            expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
        }
    }
    let event: Liquidated = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap().event();
    assert!(event.repaid > 0 && at_most_at_target(&alice.health()));
}

#[test]
fn with_netting_no_missing_price_makes_a_vault_liquidatable() {
    let model = stressed(one_factor([300, 250, 200], 3_000), worst_of(2, [110, 100, 90]));
    let row = |symbol: &str| joined(hedged(symbol), only_sol(shocked(&[-1_000, 1_000]))(symbol));
    let (market, carol, bob) = on_the_edge_of(&model, row);
    assert_ne!(carol.state(), StateView::Liquidatable);
    // Any subset of the prices is there.
    for subset in 0..4u8 {
        market.advances(61);
        for (bit, symbol) in ["SOL", "LST"].into_iter().enumerate() {
            if subset >> bit & 1 == 1 {
                market.sets_price(symbol, market.token(symbol).price);
                market.refreshes(&[symbol]).unwrap();
            }
        }
        let state = carol.state();
        assert!(matches!(state, StateView::Unpriced | StateView::Restricted | StateView::Healthy), "{state:?}");
        let refusal = bob.liquidates(&carol, sol("1"), "LST").unwrap_err();
        let expected = [BallastError::PriceUnusable.into(), BallastError::VaultHealthy.into()];
        assert!(expected.contains(&refusal.fault), "{refusal:#?}");
    }
}

#[test]
fn an_insolvent_vault_is_sold_by_its_haircuts() {
    let (market, alice, bob) = market();
    market.models(&one_factor([300, 250, 200], 3_000), only_sol(moves(2_000, 0)));
    market.price_moves("SOL", "90");
    assert_eq!(alice.state(), StateView::Insolvent);
    let event: Liquidated = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap().event();
    assert_eq!((event.seized, alice.deposited("SOL")), (sol("100").units, 0));
    assert!(event.repaid < usdc("9000").units && alice.owes("USDC") == 0, "the rest is written off");
}
