//! `liquidate_into`: a vault of the liquidator takes over debt and collateral.

use ballast_client::StateView;
use ballast_client::event::{BadDebtAbsorbed, Liquidated};
use ballast_tests::slots::{LIQUIDATE_INTO, replaced, unsigned};
use ballast_tests::*;

/// Alice owes 10,000 USDC against 100 SOL, at 115 dollars; bob has 20 ETH in a vault.
fn market() -> (Fixture, Actor, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[eth("20")]);
    bob.deposits(eth("20")).unwrap();
    market.price_moves("SOL", "115");
    (market, alice, bob)
}

#[test]
fn it_moves_what_a_liquidation_with_tokens_moves() {
    let (market, alice, bob) = market();
    let carol = market.actor("carol", &[usdc("1000")]);
    let with_tokens = carol.liquidate(&alice, usdc("1000"), "SOL");
    let paid: Liquidated = market.simulates(&[with_tokens], &[&carol.key]).unwrap().event();
    let custody = ["SOL", "USDC"].map(|symbol| market.balance(&market.custody(symbol)));
    let (owed, had) = (alice.owes("USDC"), alice.deposited("SOL"));

    let event: Liquidated = bob.takes_over(&alice, usdc("1000"), "SOL").unwrap().event();

    assert_eq!((event.liquidator, event.vault), (bob.address(), alice.vault_address()));
    assert_eq!((event.repaid, event.seized, event.bonus), (paid.repaid, paid.seized, paid.bonus));
    assert!((owed - alice.owes("USDC")).abs_diff(event.repaid) <= 1 && had - alice.deposited("SOL") == event.seized);
    // A loan is rounded up, a deposit down.
    assert!((event.repaid..=event.repaid + 1).contains(&bob.owes("USDC")));
    assert!((event.seized - 1..=event.seized).contains(&bob.deposited("SOL")));
    assert_eq!(["SOL", "USDC"].map(|symbol| market.balance(&market.custody(symbol))), custody);
}

#[test]
fn atk_e05_it_takes_collateral_of_a_pool_that_is_lent_out() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[lst("100")]);
    alice.deposits(lst("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[eth("100"), usdc("20000")]);
    bob.deposits(eth("100")).unwrap();
    let lender = market.newcomer("lender");
    lender.withdraws_all("LST").unwrap();
    bob.borrows(native("LST", market.asset("LST").cash)).unwrap();
    assert_eq!(market.asset("LST").cash, 0);
    market.price_moves("LST", "115");
    expect_refusal(bob.liquidates(&alice, usdc("1000"), "LST"), BallastError::NotEnoughCash);
    // His own debt in it becomes smaller.
    let owed = bob.owes("LST");
    let event: Liquidated = bob.takes_over(&alice, usdc("1000"), "LST").unwrap().event();
    assert!((owed - bob.owes("LST")).abs_diff(event.seized) <= 1);
    assert_eq!(market.asset("LST").cash, 0);
    // Nor do caps or limits stand in the way.
    let nothing = [(client::table::Parameter::DepositCap, 0), (client::table::Parameter::DebtCap, 0)];
    for symbol in ["LST", "USDC"] {
        market.applies(client::Role::Guardian, market.values_of(symbol, &nothing)).unwrap();
    }
    bob.takes_over(&alice, usdc("1000"), "LST").unwrap();
}

#[test]
fn whoever_takes_over_can_carry_it() {
    let (market, alice, bob) = market();
    let poor = market.actor("poor", &[eth("0.01")]);
    poor.deposits(eth("0.01")).unwrap();
    expect_refusal(poor.takes_over(&alice, usdc("5000"), "SOL"), BallastError::BelowInitMargin);
    bob.takes_over(&alice, usdc("5000"), "SOL").unwrap();
    assert_eq!((bob.state(), alice.state()), (StateView::Healthy, StateView::Restricted));
    expect_refusal(bob.takes_over(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
}

#[test]
fn what_he_has_of_the_debt_asset_is_used_first() {
    let (market, alice, bob) = market();
    bob.is_given(usdc("400"));
    bob.deposits(usdc("400")).unwrap();
    let event: Liquidated = bob.takes_over(&alice, usdc("1000"), "SOL").unwrap().event();
    assert_eq!((event.repaid, bob.deposited("USDC")), (usdc("1000").units, 0));
    assert!(bob.owes("USDC").abs_diff(usdc("600").units) <= 2, "{}", bob.owes("USDC"));
    drop(market);
}

#[test]
fn the_last_collateral_leaves_a_loss_behind_as_with_tokens() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "60");
    let receipt = bob.takes_over(&alice, usdc("1000000"), "SOL").unwrap();
    receipt.event::<BadDebtAbsorbed>();
    assert!(alice.vault().used().is_empty());
    assert_eq!(bob.state(), StateView::Healthy);
}

#[test]
fn atk_e02_nobody_takes_over_from_himself_or_with_another_ones_vault() {
    let (market, alice, bob) = market();
    expect_refusal(alice.takes_over(&alice, usdc("1000"), "SOL"), BallastError::SameVault);
    let good = bob.take_over(&alice, usdc("1000"), "SOL");
    let stolen = replaced(&good, LIQUIDATE_INTO, "into", &market.newcomer("lender").vault_address());
    expect_refusal(bob.sends(&[stolen]), BallastError::NotVaultOwner);
    let silent = unsigned(&good, LIQUIDATE_INTO, "owner");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
    let foreign = market.foreign_market();
    let abroad = foreign.actor("bob", &[eth("1")]);
    abroad.deposits(eth("1")).unwrap();
    let abroad = replaced(&good, LIQUIDATE_INTO, "into", &abroad.vault_address());
    expect_refusal(bob.sends(&[abroad]), BallastError::WrongMarket);
    expect_refusal(bob.takes_over(&alice, usdc("1000"), "USDC"), BallastError::SameAsset);
    expect_refusal(bob.takes_over(&alice, usdc("0"), "SOL"), BallastError::AmountIsZero);
    // With a second vault of her own: what she takes from herself she gives to herself.
    let second = alice.with_vault(1);
    second.opens_vault().unwrap();
    second.is_given(eth("20"));
    second.deposits(eth("20")).unwrap();
    let equity = |actor: &Actor| actor.health().maint.equity;
    let before = equity(&alice) + equity(&second);
    second.takes_over(&alice, usdc("1000"), "SOL").unwrap();
    // Rounding alone: 2^-30 of what is held and owed.
    let after = equity(&alice) + equity(&second);
    assert!(after <= before && before - after <= 200, "{before} {after}");
}
