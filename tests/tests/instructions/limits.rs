//! Limits beside the caps: what one vault may use of a cap, and how much of an asset may be lent.

use ballast_client::Role;
use ballast_client::table::Parameter::{self, *};
use ballast_tests::*;

/// A part in 2^-32.
const QUARTER: u64 = 1 << 30;
const HALF: u64 = 1 << 31;
const WHOLE: u64 = u32::MAX as u64;

/// An open market in which assets have values, without interest.
fn market(values: &[(&str, &[(Parameter, u64)])]) -> Fixture {
    let market = Fixture::setting_up(8);
    for (symbol, values) in values {
        let flat = [Rate0, Rate1, Rate2, Rate3, Rate4, Rate5, Rate6, Rate7].map(|parameter| (parameter, 0));
        market.applies(Role::Governance, market.values_of(symbol, &[&flat, *values].concat())).unwrap();
    }
    market.opens_market().unwrap();
    market
}

#[test]
fn atk_e10_one_vault_deposits_its_share_of_the_cap_and_no_more() {
    let market = market(&[("SOL", &[(DepositCap, 4_000_000), (VaultDepositShare, QUARTER)])]);
    let alice = market.actor("alice", &[native("SOL", 10_000_000)]);
    expect_refusal(alice.deposits(native("SOL", 1_000_001)), BallastError::VaultShareExceeded);
    alice.deposits(native("SOL", 1_000_000)).unwrap();
    expect_refusal(alice.deposits(native("SOL", 1)), BallastError::VaultShareExceeded);
    // Others have theirs, and what is taken out can come back.
    let bob = market.actor("bob", &[native("SOL", 1_000_000)]);
    bob.deposits(native("SOL", 1_000_000)).unwrap();
    alice.withdraws(native("SOL", 400_000)).unwrap();
    expect_refusal(alice.deposits(native("SOL", 400_001)), BallastError::VaultShareExceeded);
    alice.deposits(native("SOL", 400_000)).unwrap();
    // The share is of the cap, not of what is there.
    assert_eq!(market.asset("SOL").cash, 2_000_000);
}

#[test]
fn atk_e10_one_vault_borrows_its_share_of_the_cap_and_no_more() {
    let market = market(&[("USDC", &[(DebtCap, 4_000_000), (VaultDebtShare, QUARTER)])]).stocked();
    let alice = market.actor("alice", &[sol("10"), usdc("10")]);
    alice.deposits(sol("10")).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1_000_001)), BallastError::VaultShareExceeded);
    alice.borrows(native("USDC", 1_000_000)).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::VaultShareExceeded);
    alice.repays(native("USDC", 300_000)).unwrap();
    alice.borrows(native("USDC", 300_000)).unwrap();
    // Taking out what one has deposited is no debt.
    let bob = market.actor("bob", &[usdc("10"), sol("10")]);
    bob.deposits(usdc("10")).unwrap();
    bob.deposits(sol("10")).unwrap();
    bob.borrows(usdc("10")).unwrap();
    expect_refusal(bob.borrows(native("USDC", 1_000_001)), BallastError::VaultShareExceeded);
    bob.borrows(native("USDC", 1_000_000)).unwrap();
}

#[test]
fn a_share_that_was_lowered_forces_nobody_out() {
    let market = market(&[("SOL", &[(DepositCap, 4_000_000)]), ("USDC", &[(DebtCap, 400_000_000)])]);
    let saver = market.actor("saver", &[usdc("1000")]);
    saver.deposits(usdc("1000")).unwrap();
    let alice = market.actor("alice", &[native("SOL", 4_000_000)]);
    alice.deposits(native("SOL", 3_000_000)).unwrap();
    alice.borrows(native("USDC", 200_000)).unwrap();
    market.applies(Role::Guardian, market.values_of("SOL", &[(VaultDepositShare, QUARTER)])).unwrap();
    market.applies(Role::Guardian, market.values_of("USDC", &[(VaultDebtShare, 1)])).unwrap();
    expect_refusal(alice.deposits(native("SOL", 1)), BallastError::VaultShareExceeded);
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::VaultShareExceeded);
    alice.repays(native("USDC", 150_000)).unwrap();
    alice.withdraws(native("SOL", 500_000)).unwrap();
    expect_refusal(alice.deposits(native("SOL", 1)), BallastError::VaultShareExceeded);
    alice.withdraws(native("SOL", 1_600_000)).unwrap();
    alice.deposits(native("SOL", 100_000)).unwrap();
}

#[test]
fn the_whole_is_no_limit_for_one_vault() {
    let market = market(&[("SOL", &[(DepositCap, 4_000_000), (VaultDepositShare, WHOLE)])]);
    let alice = market.actor("alice", &[native("SOL", 4_000_001)]);
    alice.deposits(native("SOL", 4_000_000)).unwrap();
    expect_refusal(alice.deposits(native("SOL", 1)), BallastError::DepositCapExceeded);
}

#[test]
fn no_more_is_lent_than_the_utilisation_cap_allows() {
    let market = market(&[("USDC", &[(UtilisationCap, HALF)])]);
    let saver = market.actor("saver", &[native("USDC", 3_000_000)]);
    saver.deposits(native("USDC", 2_000_000)).unwrap();
    let alice = market.actor("alice", &[sol("10")]);
    alice.deposits(sol("10")).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1_000_001)), BallastError::UtilisationCapExceeded);
    alice.borrows(native("USDC", 1_000_000)).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::UtilisationCapExceeded);
    // More deposits, more loans.
    saver.deposits(native("USDC", 10)).unwrap();
    expect_refusal(alice.borrows(native("USDC", 6)), BallastError::UtilisationCapExceeded);
    alice.borrows(native("USDC", 5)).unwrap();
    // Depositors leave whenever there is cash; only new loans have to wait.
    saver.withdraws(native("USDC", 1_000_005)).unwrap();
    assert_eq!(market.asset("USDC").cash, 0);
    alice.repays(native("USDC", 500_000)).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::UtilisationCapExceeded);
}

#[test]
fn a_utilisation_cap_of_nothing_lends_nothing_and_of_the_whole_all() {
    for (cap, lends) in [(0, false), (WHOLE, true)] {
        let market = market(&[("USDC", &[(UtilisationCap, cap)])]);
        let saver = market.actor("saver", &[usdc("100")]);
        saver.deposits(usdc("100")).unwrap();
        let alice = market.actor("alice", &[sol("10"), usdc("1")]);
        alice.deposits(sol("10")).unwrap();
        if lends {
            alice.borrows(usdc("100")).unwrap();
        } else {
            expect_refusal(alice.borrows(native("USDC", 1)), BallastError::UtilisationCapExceeded);
            // What is one's own can be borrowed: that only withdraws it.
            alice.deposits(usdc("1")).unwrap();
            alice.borrows(usdc("1")).unwrap();
        }
    }
}

/// Interest may carry a total above its cap; that refuses new loans and nothing else.
#[test]
fn interest_above_a_limit_forces_nobody_out() {
    let market = Fixture::setting_up(8);
    let half = [(UtilisationCap, HALF), (DebtCap, 1_000_000), (VaultDebtShare, WHOLE)];
    market.applies(Role::Governance, market.values_of("USDC", &half)).unwrap();
    let saver = market.actor("saver", &[usdc("2")]);
    saver.deposits(usdc("2")).unwrap();
    let alice = market.actor("alice", &[sol("10")]);
    alice.deposits(sol("10")).unwrap();
    alice.borrows(usdc("1")).unwrap();
    market.advances(30 * 86_400);
    market.refreshes_all();
    assert!(alice.owes("USDC") > usdc("1").units);
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::DebtCapExceeded);
    alice.repays(usdc("0.5")).unwrap();
    saver.withdraws(usdc("1")).unwrap();
    alice.withdraws(sol("1")).unwrap();
}
