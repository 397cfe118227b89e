//! The rules by which something that is open will be settled.

use ballast_client::change;
use ballast_client::event::Action;
use ballast_client::table::Parameter;
use ballast_client::{Role, StateView, snapshot};
use ballast_tests::assets::bps;
use ballast_tests::fixture::DELAY;
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::*;
use solana_instruction::Instruction;

/// A vault of two collaterals in a market that nets, steps that leave it worse, and a change that is due and loosens the rules.
fn market() -> (Fixture, Actor, [Instruction; 4], Instruction) {
    let market = Fixture::new().stocked();
    market.models(&one_factor([100; 3], 1_000), |_| moves(1, 0));
    let victim = market.actor("victim", &[lst("50"), usdt("8000")]);
    victim.deposits(lst("50")).unwrap();
    victim.deposits(usdt("8000")).unwrap();
    victim.borrows(usdc("15800")).unwrap();
    let bob = market.actor("bob", &[usdc("50000")]);
    market.proposes("due", market.values_of("LST", &[(Parameter::HaircutTarget, bps(1_800))])).unwrap();
    market.advances(2 * DELAY as i64);
    market.refreshes_all();
    for price in ["164", "163", "162", "161.5", "161", "160.5", "160", "159.5"] {
        let health = snapshot::health(&market.market(), &victim.vault(), market.now().unsigned_abs());
        if health.state == StateView::Liquidatable {
            break;
        }
        market.price_moves("LST", price);
    }
    let [begin, end] = bob.receivership(&victim);
    // At a bonus of one percent, more than a tenth of the haircut of the safe collateral.
    let steps = [begin, bob.seize(&victim, usdt("3000")), bob.repay_for(&victim, usdc("2971")), end];
    let (governance, due) = (market.governance().pubkey(), market.change("due"));
    let execute = change::execute(&market.market_address(), &due, &governance, None);
    (market, bob, steps, execute)
}

#[test]
fn a_receivership_leaves_no_vault_worse() {
    let (market, bob, steps, _) = market();
    expect_refusal(bob.sends(&steps), BallastError::VaultWorse);
    market.executes("due").unwrap();
    expect_refusal(bob.sends(&steps), BallastError::VaultWorse);
}

/// Or the distance to the target would be measured twice, by two measures.
#[test]
fn atk_b01_no_change_is_executed_between_the_ends_of_a_receivership() {
    let (_market, bob, [begin, seize, repay, end], execute) = market();
    expect_refusal(bob.sends(&[begin, execute, seize, repay, end]), BallastError::ReceivershipOpen);
}

/// What a flash loan takes out for a moment still counts as what may leave.
#[test]
fn atk_b06_a_flash_loan_does_not_keep_the_outflow_limiter_full() {
    let market = Fixture::setting_up(8);
    let limit = [(Parameter::OutflowLimit, 1 << 30), (Parameter::OutflowPeriod, 86_400)];
    market.applies(Role::Governance, market.values_of("USDC", &limit)).unwrap();
    let saver = market.actor("saver", &[usdc("1000000")]);
    saver.deposits(usdc("1000000")).unwrap();
    let bob = market.actor("bob", &[usdc("100000")]);
    market.advances(86_400);
    saver.withdraws(usdc("1000")).unwrap();
    market.advances(8_640);
    market.refreshes_all();
    let level = |outcome: Outcome| {
        outcome.unwrap();
        market.asset("USDC").outflow_level
    };
    // A tenth of what a full limiter holds has leaked, which is more than was in it.
    let cash = native("USDC", market.asset("USDC").cash);
    let deposit = bob.instruction(Action::Deposit, native("USDC", 1));
    assert_eq!(level(bob.borrows_flash(cash, &[deposit])), -1);
}
