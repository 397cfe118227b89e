//! `close_vault`.

use ballast_client::event::VaultClosed;
use ballast_client::instruction;
use ballast_tests::slots::{CLOSE_VAULT, replaced, unsigned};
use ballast_tests::*;

#[test]
fn the_rent_goes_to_whom_the_owner_names() {
    let market = Fixture::new();
    let (alice, bob) = (market.actor("alice", &[]), market.newcomer("bob"));
    let rent = market.account(&alice.vault_address()).unwrap().lamports;
    let before = market.account(&bob.address()).unwrap().lamports;

    let instruction = instruction::close_vault(&alice.address(), &alice.vault_address(), &bob.address());
    let receipt = alice.sends(&[instruction]).unwrap();

    assert_eq!(market.account(&alice.vault_address()), None);
    assert_eq!(market.account(&bob.address()).unwrap().lamports, before + rent);
    let event: VaultClosed = receipt.event();
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    assert_eq!(event.owner, alice.address());
}

#[test]
fn only_the_owner_closes() {
    let market = Fixture::new();
    let (alice, mallory) = (market.actor("alice", &[]), market.newcomer("mallory"));
    let forged = replaced(&mallory.close_vault(), CLOSE_VAULT, "vault", &alice.vault_address());
    expect_refusal(mallory.sends(&[forged]), BallastError::NotVaultOwner);

    let silent = unsigned(&alice.close_vault(), CLOSE_VAULT, "owner");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn a_vault_that_holds_anything_stays() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("1")]);
    alice.deposits(sol("0.000000001")).unwrap();
    expect_refusal(alice.closes_vault(), BallastError::VaultNotEmpty);
    alice.deposits(sol("0.5")).unwrap();
    alice.borrows(usdc("1")).unwrap();
    expect_refusal(alice.closes_vault(), BallastError::VaultNotEmpty);
    alice.repays(usdc("1")).unwrap();
    expect_refusal(alice.closes_vault(), BallastError::VaultNotEmpty);
    alice.withdraws_all("SOL").unwrap();
    alice.closes_vault().unwrap();
}

#[test]
fn a_vault_that_only_owes_stays() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("1")]);
    // No sequence of instructions leaves a debt alone today; a liquidation of the last collateral may.
    alice.deposits(sol("1")).unwrap();
    alice.borrows(usdc("10")).unwrap();
    let sol = market.index("SOL");
    market.tampers_with_vault(&alice.vault_address(), |vault| {
        vault.set_holding(sol, client::risk::holding::Holding::EMPTY).unwrap();
    });
    expect_refusal(alice.closes_vault(), BallastError::VaultNotEmpty);
}

#[test]
fn a_vault_is_closed_once() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[]);
    alice.closes_vault().unwrap();
    expect_refusal(alice.closes_vault(), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn atk_a16_the_lamports_cannot_go_to_the_vault_itself() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[]);
    let vault = alice.vault_address();
    let refusal = alice.sends(&[replaced(&alice.close_vault(), CLOSE_VAULT, "receiver", &vault)]).unwrap_err();
    assert_eq!(refusal.changed, []);
    assert_eq!(refusal.fault, ErrorCode::ConstraintClose.into());
}

#[test]
fn what_is_not_a_vault_is_not_closed() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[]);
    let other = |key: &Pubkey| alice.sends(&[replaced(&alice.close_vault(), CLOSE_VAULT, "vault", key)]);
    expect_refusal(other(&market.market_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(other(&alice.wallet("SOL")), ErrorCode::AccountOwnedByWrongProgram);
}
