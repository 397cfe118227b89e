//! `view_health`. The fixture compares every view with the client's own.

use ballast_client::parameters::{Row, times};
use ballast_client::{BindingView, LevelView, RiskModel, StateView};
use ballast_tests::governance::{joined, moves, one_factor, shocked, stressed, worst_of};
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

/// A vault of 15,000 dollars of SOL and 6,000 dollars of BTC that owes 10,000 USDC, under a model.
fn modelled(model: &RiskModel, row: impl Fn(&str) -> Row) -> (Fixture, Actor) {
    let market = Fixture::setting_up(8);
    market.models(model, row);
    let market = market.stocked();
    let alice = market.actor("alice", &[sol("100"), btc("0.1")]);
    alice.deposits(sol("100")).unwrap();
    alice.deposits(btc("0.1")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    (market, alice)
}

/// SOL moves by 10 % with the market and 4 % alone, BTC by 8 % and 3 %, USDC by 0.2 % alone.
fn volatilities(symbol: &str) -> Row {
    match symbol {
        "SOL" => moves(1_000, 400),
        "BTC" => moves(800, 300),
        "USDC" => moves(0, 20),
        _ => Row::default(),
    }
}

/// A crash, a rally, a depeg.
fn falls(symbol: &str) -> Row {
    match symbol {
        "SOL" => shocked(&[-2_000, 3_000, 0]),
        "BTC" => shocked(&[-1_500, 2_000, 0]),
        "USDC" => shocked(&[0, 0, 1_000]),
        _ => Row::default(),
    }
}

/// What moves, and what happens to it.
fn both(symbol: &str) -> Row {
    joined(volatilities(symbol), falls(symbol))
}

fn standard() -> RiskModel {
    stressed(one_factor([300, 250, 200], 3_000), worst_of(3, [120, 110, 90]))
}

/// A part in a million of the gross exposure of 31,000 dollars.
#[track_caller]
fn close(found: u64, dollars: f64) {
    assert!((found as f64 - dollars * 1e6).abs() < 31_000.0, "{found} instead of {dollars} dollars");
}

/// What a level is worth at: the price margin of 2.12 x 0.05 % at `Init`.
const MARGIN: f64 = 0.00106;

#[test]
fn portfolio_and_stress_are_those_of_a_calculation_by_hand() {
    let (_, alice) = modelled(&standard(), both);
    let view = alice.health();
    let levels = [
        (view.init, 1.0 - MARGIN, 1.0 + MARGIN, 3.0, 120, [0.25, 0.25, 0.03]),
        (view.target, 1.0, 1.0, 2.5, 110, [0.20, 0.20, 0.025]),
        (view.maint, 1.0, 1.0, 2.0, 90, [0.15, 0.15, 0.02]),
    ];
    for (level, low, high, lambda, multiplier, parts) in levels {
        let [sol, btc, usdc] = [15_000.0 * low, 6_000.0 * low, 10_000.0 * high];
        close(level.assets, sol + btc);
        close(level.debts, usdc);
        assert_eq!(level.equity, level.assets as i64 - level.debts as i64);
        // Each with the cost of its size, its square over the depth, of which netting saves nothing.
        let size = sol * sol / 2e9 + btc * btc / 2e9 + usdc * usdc / 5e9;
        let haircuts = sol * parts[0] + btc * parts[1] + usdc * parts[2];
        close(level.haircuts, haircuts + size);
        close(level.floor, haircuts * 0.3 + size);
        let factor: f64 = sol * 0.10 + btc * 0.08;
        let alone = (sol * 0.04).powi(2) + (btc * 0.03).powi(2) + (usdc * 0.002).powi(2);
        let squared = lambda * lambda * (factor * factor + alone);
        close((level.portfolio_squared as f64).sqrt() as u64, squared.sqrt());
        // The crash: 20 % of SOL, 15 % of BTC.
        let stress = f64::from(times(multiplier)) / 65_536.0 * (sol * 0.20 + btc * 0.15);
        close(level.stress, stress);
        assert_eq!(level.worst_scenario, 0);
        let requirement = (haircuts * 0.3 + size).max(squared.sqrt()).max(stress);
        close(level.requirement, requirement);
        assert_eq!(level.passes, sol + btc - usdc >= requirement);
        assert!(level.decided);
        assert_eq!(level.binding, BindingView::Portfolio);
    }
    assert_eq!(view.state, StateView::Healthy);
}

#[test]
fn the_worst_scenario_is_named() {
    let worst = |row: &dyn Fn(&str) -> Row| modelled(&worst_of(3, [100; 3]), row).1.health().maint;
    assert_eq!(worst(&falls).worst_scenario, 0);
    close(worst(&falls).stress, 15_000.0 * 0.20 + 6_000.0 * 0.15);
    // A milder crash than the depeg: 1,000 dollars on 10,000 owed.
    let mild = |symbol: &str| match symbol {
        "SOL" => shocked(&[-400, 3_000, 0]),
        "USDC" => shocked(&[0, 0, 1_000]),
        _ => Row::default(),
    };
    assert_eq!(worst(&mild).worst_scenario, 2);
    close(worst(&mild).stress, 1_000.0);
    // The same the other way round.
    let swapped = |symbol: &str| {
        let mut row = mild(symbol);
        row.shocks_bps.swap(1, 2);
        row
    };
    assert_eq!(worst(&swapped).worst_scenario, 1);
}

#[test]
fn a_tail_is_the_mean_of_the_worst() {
    let stress = |tail| {
        let (_, alice) = modelled(&RiskModel { tail, ..worst_of(3, [100; 3]) }, falls);
        alice.health().maint.stress
    };
    // 3,900 in the crash, 1,000 in the depeg, a gain of 5,700 in the rally.
    close(stress(1), 3_900.0);
    close(stress(2), 2_450.0);
    close(stress(3), 0.0);
}

#[test]
fn a_gain_in_every_scenario_requires_nothing() {
    let gains = |symbol: &str| if symbol == "SOL" { shocked(&[100, 200]) } else { shocked(&[]) };
    let (_, alice) = modelled(&worst_of(2, [100; 3]), gains);
    let view = alice.health();
    assert_eq!((view.maint.stress, view.init.stress), (0, 0));
    assert_eq!(view.maint.binding, BindingView::Haircuts);
}

#[test]
fn each_requirement_binds_where_it_is_the_largest() {
    let binding = |floor, lambdas, multipliers| {
        let (_, alice) = modelled(&stressed(one_factor(lambdas, floor), worst_of(3, multipliers)), both);
        let view = alice.health();
        [view.init, view.target, view.maint].map(|level| level.binding)
    };
    let (haircuts, portfolio, stress) = (BindingView::Haircuts, BindingView::Portfolio, BindingView::Stress);
    assert_eq!(binding(10_000, [100; 3], [10; 3]), [haircuts; 3]);
    assert_eq!(binding(1_000, [400; 3], [10; 3]), [portfolio; 3]);
    assert_eq!(binding(1_000, [100; 3], [200; 3]), [stress; 3]);
    // Level by level.
    assert_eq!(binding(10_000, [400, 100, 100], [180, 180, 10]), [portfolio, stress, haircuts]);
}

#[test]
fn with_netting_off_the_whole_haircut_counts() {
    let (_, alice) = modelled(&RiskModel::default(), |_| Row::default());
    let without = alice.health();
    assert_eq!((without.maint.floor, without.maint.portfolio_squared), (without.maint.haircuts, 0));
    let (market, alice) = modelled(&one_factor([100; 3], 0), |_| moves(0, 0));
    // No asset moves: all that is required is what selling 15,000 and 6,000 dollars and buying 10,000 back costs.
    close(alice.health().maint.requirement, 0.1125 + 0.018 + 0.02);
    market.models(&RiskModel::default(), |_| Row::default());
    let after = alice.health();
    assert_eq!((after.maint.floor, after.maint.portfolio_squared), (after.maint.haircuts, 0));
    // But for three days of interest on 10,000 dollars.
    assert!(after.maint.haircuts.abs_diff(without.maint.haircuts) < 100_000);
    assert_eq!(after.maint.assets, without.maint.assets);
}

#[test]
fn a_model_on_its_way_asks_for_a_growing_part_and_at_init_for_all() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    let model = one_factor([400, 350, 300], 10_000);
    let only_sol = |symbol: &str| if symbol == "SOL" { moves(1_000, 0) } else { Row::default() };
    market.opens_draft("quant").unwrap();
    let rows = market.loadings(only_sol);
    market.writes_loadings("quant", &rows);
    market.sets_model("quant", &model, &rows, &[]).unwrap();
    let (start, end) = (market.market().change_start, market.market().change_end);
    assert_eq!((start, end), (market.now() as u64 + 86_400, market.now() as u64 + 2 * 86_400));
    for (at, part) in [(start - 86_400, 0.0), (start, 0.0), (start + 21_600, 0.25), (end - 1, 1.0), (end, 1.0)] {
        market.sets_clock(at as i64, 7_000_000 + at + 86_400 - start);
        market.refreshes_all();
        let view = alice.health();
        let portfolio = |level: &LevelView| (level.portfolio_squared as f64).sqrt();
        assert!((portfolio(&view.maint) - 4_500e6 * part).abs() < 100_000.0, "{part}: {view:?}");
        assert!((portfolio(&view.target) - 5_250e6 * part).abs() < 100_000.0, "{part}: {view:?}");
        let init = 6_000e6 * (1.0 - MARGIN);
        assert!((portfolio(&view.init) - init).abs() < 100_000.0, "{part}: {view:?}");
    }
}

#[test]
fn a_missing_price_with_netting_on_is_told_as_without() {
    let (market, alice) = modelled(&standard(), both);
    market.advances(61);
    assert_eq!(alice.state(), StateView::Unpriced);
    market.sets_price("USDC", "1");
    market.sets_price("SOL", "150");
    market.refreshes(&["USDC", "SOL"]).unwrap();
    // BTC counts nothing at Init, neither as an asset nor as an exposure.
    let view = alice.health();
    assert_eq!(view.state, StateView::Unpriced);
    close(view.init.assets, 15_000.0 * (1.0 - MARGIN));
    close(view.init.stress, f64::from(times(120)) / 65_536.0 * 15_000.0 * (1.0 - MARGIN) * 0.20);
    assert_eq!((view.target, view.maint), (LevelView::default(), LevelView::default()));
    // The debt alone is missing: it counts nothing at Maint and leaves Init undecided.
    market.advances(61);
    market.sets_price("BTC", "60000");
    market.sets_price("SOL", "150");
    market.refreshes(&["BTC", "SOL"]).unwrap();
    let view = alice.health();
    assert_eq!((view.state, view.init, view.maint.debts), (StateView::Restricted, LevelView::default(), 0));
    close(view.maint.stress, f64::from(times(90)) / 65_536.0 * (15_000.0 * 0.20 + 6_000.0 * 0.15));
}
