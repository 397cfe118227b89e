//! `deposit`.

use ballast_client::event::{Action, PositionChanged};
use ballast_tests::*;

#[test]
fn tokens_go_into_custody_and_shares_into_the_vault() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10")]);

    let receipt = alice.deposits(sol("1.5")).unwrap();

    assert_eq!(alice.balance("SOL"), sol("8.5").units);
    assert_eq!(market.balance(&market.custody("SOL")), sol("1.5").units);
    assert_eq!(alice.deposited("SOL"), sol("1.5").units);
    let event: PositionChanged = receipt.event();
    assert_eq!(event.action, Action::Deposit);
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    println!("{} {} {}", receipt.compute_units, receipt.bytes, receipt.accounts);
}

#[test]
fn smoke() {
    let t = std::time::Instant::now();
    let market = Fixture::with_assets(34).stocked();
    println!("{:?}", t.elapsed());
    let alice = market.actor("alice", &[]);
    alice.fills_vault(32);
    println!("{:?} {:?}", t.elapsed(), alice.health());
    expect_refusal(alice.borrows(market.worth("P33", 1000)), BallastError::VaultFull);
}
