//! `view_health`. The fixture compares every view with the client's own.

use ballast_client::{LevelView, StateView};
use ballast_tests::slots::{VIEW_HEALTH, replaced};
use ballast_tests::*;

/// Alice owes 10,000 USDC against 100 SOL (15,000 dollars).
fn market() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    (market, alice)
}

#[test]
fn the_levels_count_the_same_money_with_other_prices_and_haircuts() {
    let (_, alice) = market();
    let view = alice.health();
    for level in [view.target, view.maint] {
        // At spot, less and more the rounding of a unit value.
        assert!((14_999_999_900..=15_000_000_000).contains(&level.assets), "{level:?}");
        assert!((10_000_000_000..=10_000_000_100).contains(&level.debts), "{level:?}");
    }
    // Prices have a margin of 2.12 x 0.05 %.
    let close = |value: u64, expected: f64| (value as f64 - expected).abs() < 1_000.0;
    assert!(close(view.init.assets, 15_000_000_000.0 * (1.0 - 0.00106)), "{view:?}");
    assert!(close(view.init.debts, 10_000_000_000.0 * (1.0 + 0.00106)), "{view:?}");
    for level in [view.init, view.target, view.maint] {
        assert_eq!(level.equity, level.assets as i64 - level.debts as i64);
        assert!(level.decided);
    }
    // Haircut and add-on, each with V^2 / L: the depths are 2 and 5 billion dollars.
    let requirement = |level: &LevelView, haircut: f64, addon: f64| {
        let (a, d) = (level.assets as f64, level.debts as f64);
        let expected = a * haircut + a * a / 2e15 + d * addon + d * d / 5e15;
        assert!((level.requirement as f64 - expected).abs() < 1_000.0, "{level:?} {expected}");
    };
    requirement(&view.init, 0.25, 0.03);
    requirement(&view.target, 0.20, 0.025);
    requirement(&view.maint, 0.15, 0.02);
}

#[test]
fn the_state_falls_with_the_price() {
    let (market, alice) = market();
    assert_eq!(alice.state(), StateView::Healthy);
    for (price, state) in [
        ("130", StateView::Restricted),
        ("121", StateView::Restricted),
        ("119", StateView::Liquidatable),
        ("101", StateView::Liquidatable),
        ("99", StateView::Insolvent),
        ("121", StateView::Restricted),
    ] {
        market.price_moves("SOL", price);
        assert_eq!(alice.state(), state, "at {price}");
    }
}

#[test]
fn a_vault_without_debts_is_healthy_whatever_is_known() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    assert_eq!(alice.state(), StateView::Healthy);
    alice.deposits(sol("1")).unwrap();
    assert_eq!(alice.state(), StateView::Healthy);
    market.advances(61);
    let view = alice.health();
    assert_eq!(view.state, StateView::Healthy);
    // A missing deposit counts nothing at Init and leaves the other levels open.
    assert!(view.init.decided && view.init.assets == 0);
    assert_eq!((view.target, view.maint), (LevelView::default(), LevelView::default()));
}

#[test]
fn missing_prices_are_told() {
    let (market, alice) = market();
    market.advances(61);
    let view = alice.health();
    assert_eq!(view.state, StateView::Unpriced);
    assert_eq!([view.init, view.target, view.maint], [LevelView::default(); 3]);

    // Only the deposit is priced: the debt counts nothing for Maint and forbids Init.
    market.sets_price("SOL", "150");
    market.refreshes(&["SOL"]).unwrap();
    let view = alice.health();
    assert_eq!(view.state, StateView::Restricted);
    assert!(!view.init.decided && view.maint.decided && view.maint.debts == 0);
}

#[test]
fn a_position_beyond_the_number_format_is_undecided() {
    let (_, alice) = market();
    alice.is_given(sol("500000000"));
    alice.deposits(sol("500000000")).unwrap();
    let view = alice.health();
    assert_eq!(view.state, StateView::Unpriced);
    assert_eq!([view.init, view.target, view.maint], [LevelView::default(); 3]);
}

#[test]
fn interest_counts_before_anybody_writes_it_down() {
    let (market, alice) = market();
    let before = alice.health().maint.debts;
    market.advances(60);
    let rate = u128::from(market.asset("USDC").borrow_rate);
    let grown = before as f64 * (1.0 + rate as f64 * 60.0 / 2f64.powi(52));
    let after = alice.health().maint.debts;
    assert!(after > before && (after as f64 - grown).abs() < 20.0, "{before} {after} {grown}");
}

#[test]
fn the_vault_is_of_this_market() {
    let (market, alice) = market();
    let abroad = market.foreign_market().actor("alice", &[]);
    let crossed = market.builds(|market| market.view_health(&abroad.vault_address()));
    expect_refusal(alice.sends(&[crossed]), BallastError::WrongMarket);
}

#[test]
fn market_and_vault_are_what_they_should_be() {
    let (market, alice) = market();
    let good = market.builds(|market| market.view_health(&alice.vault_address()));
    let with = |slot, key: &Pubkey| alice.sends(&[replaced(&good, VIEW_HEALTH, slot, key)]);
    expect_refusal(with("market", &alice.vault_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(with("vault", &market.market_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(with("vault", &alice.wallet("SOL")), ErrorCode::AccountOwnedByWrongProgram);
    expect_refusal(with("market", &address("nothing")), ErrorCode::AccountOwnedByWrongProgram);
}
