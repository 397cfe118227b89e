//! `transfer_vault` and `accept_vault`: a vault changes hands in two steps.

use ballast_client::Scopes;
use ballast_client::event::{VaultOffered, VaultTransferred};
use ballast_tests::*;

const ALL: Scopes = Scopes { deposit: true, borrow: true, withdraw: true };

/// Alice has a vault with a deposit and a debt; bob is to have it.
fn market() -> (Fixture, Actor, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("1000")).unwrap();
    let bob = market.newcomer("bob");
    (market, alice, bob)
}

#[test]
fn the_vault_goes_over_with_all_that_it_has_and_owes() {
    let (market, alice, bob) = market();
    let vault = alice.vault_address();
    alice.delegates(&alice.address(), ALL, i64::MAX).unwrap();
    let before = market.vault(&vault);
    let offered: VaultOffered = alice.offers_vault(&bob.address()).unwrap().event();
    assert_eq!((offered.vault, offered.owner, offered.named), (vault, alice.address(), bob.address()));
    assert_eq!(market.vault(&vault).owner, alice.address());
    let gone: VaultTransferred = bob.accepts_vault(&vault).unwrap().event();
    assert_eq!((gone.vault, gone.from, gone.to), (vault, alice.address(), bob.address()));
    let after = market.vault(&vault);
    assert_eq!((after.owner, after.named), (bob.address(), Pubkey::default()));
    assert_eq!((after.delegate, after.delegate_scopes, after.delegate_until), (Pubkey::default(), 0, 0));
    let held = |vault: &client::Vault| vault.used().iter().map(|at| (at.asset, at.side, at.shares)).collect::<Vec<_>>();
    assert_eq!(held(&after), held(&before));
    // Bob uses it, alice does not any more, and she can have another of the same number nowhere.
    bob.wallet("SOL");
    let withdraw = |who: &Actor| market.builds(|at| at.withdraw(&who.address(), &vault, market.index("SOL"), Some(1)));
    bob.sends(&[withdraw(&bob)]).unwrap();
    expect_refusal(alice.sends(&[withdraw(&alice)]), BallastError::NotVaultOwner);
    assert!(alice.opens_vault().is_err());
}

#[test]
fn only_the_owner_offers_and_only_who_was_named_accepts() {
    let (market, alice, bob) = market();
    let vault = alice.vault_address();
    expect_refusal(bob.accepts_vault(&vault), BallastError::NotNamedForVault);
    let offer = market.builds(|at| at.transfer_vault(&bob.address(), &vault, bob.address()));
    expect_refusal(bob.sends(&[offer]), BallastError::NotVaultOwner);
    alice.offers_vault(&bob.address()).unwrap();
    let carol = market.newcomer("carol");
    expect_refusal(carol.accepts_vault(&vault), BallastError::NotNamedForVault);
    // An offer is taken back, and accepted once.
    alice.offers_vault(&Pubkey::default()).unwrap();
    expect_refusal(bob.accepts_vault(&vault), BallastError::NotNamedForVault);
    alice.offers_vault(&bob.address()).unwrap();
    bob.accepts_vault(&vault).unwrap();
    expect_refusal(bob.accepts_vault(&vault), BallastError::NotNamedForVault);
}

#[test]
fn the_market_is_that_of_the_vault() {
    let (market, alice, bob) = market();
    let foreign = market.foreign_market();
    let vault = alice.vault_address();
    let [offer, accept] = foreign.builds(|at| {
        [at.transfer_vault(&alice.address(), &vault, bob.address()), at.accept_vault(&bob.address(), &vault)]
    });
    expect_refusal(alice.sends(&[offer]), BallastError::WrongMarket);
    alice.offers_vault(&bob.address()).unwrap();
    expect_refusal(bob.sends(&[accept]), BallastError::WrongMarket);
}

/// B01: a vault that changes hands in the middle would be settled with somebody else.
#[test]
fn atk_b01_not_while_something_is_open() {
    let (market, alice, bob) = market();
    alice.is_given(usdc("10"));
    alice.offers_vault(&bob.address()).unwrap();
    let vault = alice.vault_address();
    let [offer, accept] = market.builds(|at| {
        [at.transfer_vault(&alice.address(), &vault, bob.address()), at.accept_vault(&bob.address(), &vault)]
    });
    let [borrow, repay] = alice.flash_loan(usdc("100"));
    for step in [offer.clone(), accept.clone()] {
        let steps = [borrow.clone(), step, repay.clone()];
        let signers = [&alice.key, &bob.key];
        let needed = if steps[1] == accept { &signers[..] } else { &signers[..1] };
        expect_refusal(market.sends(&steps, needed), BallastError::FlashLoanOpen);
    }
    market.price_moves("SOL", "10");
    let [begin, end] = bob.receivership(&alice);
    expect_refusal(bob.sends(&[begin.clone(), accept, end.clone()]), BallastError::ReceivershipOpen);
    expect_refusal(market.sends(&[begin, offer, end], &[&bob.key, &alice.key]), BallastError::ReceivershipOpen);
}
