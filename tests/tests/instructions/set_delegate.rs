//! `set_delegate`: what a delegate may do, for how long, and where the tokens go.

use ballast_client::event::DelegateSet;
use ballast_client::{Scopes, token};
use ballast_tests::slots::{SET_DELEGATE, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

const NOTHING: Scopes = Scopes { deposit: false, borrow: false, withdraw: false };
const ALL: Scopes = Scopes { deposit: true, borrow: true, withdraw: true };

/// Alice has 100 SOL in her vault; dan is to act for her.
fn market() -> (Fixture, Actor, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.wallet("USDC");
    let dan = market.actor("dan", &[sol("10")]);
    (market, alice, dan)
}

/// What dan does with alice's vault, by scope.
fn acts(market: &Fixture, alice: &Actor, dan: &Actor) -> [Instruction; 3] {
    let (owner, vault) = (alice.address(), alice.vault_address());
    let (sol_at, usdc_at) = (market.index("SOL"), market.index("USDC"));
    market.builds(|at| {
        [
            at.deposit(&dan.address(), &vault, sol_at, sol("1").units),
            at.borrow_for(&dan.address(), &owner, &vault, usdc_at, usdc("1").units),
            at.withdraw_for(&dan.address(), &owner, &vault, sol_at, Some(sol("1").units)),
        ]
    })
}

#[test]
fn each_scope_allows_one_thing() {
    let (market, alice, dan) = market();
    for allowed in 0..3 {
        let scopes = Scopes { deposit: allowed == 0, borrow: allowed == 1, withdraw: allowed == 2 };
        let told: DelegateSet = alice.delegates(&dan.address(), scopes, market.now() + 100).unwrap().event();
        assert_eq!((told.delegate, told.vault, told.scopes), (dan.address(), alice.vault_address(), 1 << allowed));
        for (kind, act) in acts(&market, &alice, &dan).into_iter().enumerate() {
            if kind == allowed {
                dan.sends(&[act]).unwrap();
            } else {
                expect_refusal(dan.sends(&[act]), BallastError::NotVaultOwner);
            }
        }
    }
}

#[test]
fn tokens_go_to_the_owner_only() {
    let (market, alice, dan) = market();
    alice.delegates(&dan.address(), ALL, market.now() + 100).unwrap();
    dan.wallet("USDC");
    let (vault, me) = (alice.vault_address(), dan.address());
    let [borrow, withdraw] = market.builds(|at| {
        [
            at.borrow(&me, &vault, market.index("USDC"), usdc("1").units),
            at.withdraw(&me, &vault, market.index("SOL"), Some(sol("1").units)),
        ]
    });
    for instruction in [borrow, withdraw] {
        expect_refusal(dan.sends(&[instruction]), BallastError::DestinationNotOwners);
    }
    let [_, borrow, withdraw] = acts(&market, &alice, &dan);
    dan.sends(&[borrow, withdraw]).unwrap();
    assert_eq!([alice.balance("USDC"), alice.balance("SOL")], [usdc("1").units, sol("1").units]);
    // An account of hers that is too short to have an owner is none.
    let short = ballast_tests::address("short");
    market.writes_data(&short, &token::SPL_TOKEN, vec![0; 40]);
    let [_, mut borrow, _] = acts(&market, &alice, &dan);
    borrow.accounts[4].pubkey = short;
    expect_refusal(dan.sends(&[borrow]), BallastError::DestinationNotOwners);
}

#[test]
fn it_ends_at_its_second() {
    let (market, alice, dan) = market();
    alice.delegates(&dan.address(), ALL, market.now() + 10).unwrap();
    let [deposit, ..] = acts(&market, &alice, &dan);
    market.advances(9);
    dan.sends(std::slice::from_ref(&deposit)).unwrap();
    market.advances(1);
    expect_refusal(dan.sends(&[deposit]), BallastError::NotVaultOwner);
}

#[test]
fn the_owner_takes_it_back_at_once() {
    let (market, alice, dan) = market();
    alice.delegates(&dan.address(), ALL, i64::MAX).unwrap();
    alice.delegates(&Pubkey::default(), NOTHING, 0).unwrap();
    for act in acts(&market, &alice, &dan) {
        expect_refusal(dan.sends(&[act]), BallastError::NotVaultOwner);
    }
}

#[test]
fn a_delegate_is_no_owner() {
    let (market, alice, dan) = market();
    alice.delegates(&dan.address(), ALL, i64::MAX).unwrap();
    let (vault, me) = (alice.vault_address(), dan.address());
    let delegate = client::instruction::set_delegate(&me, &vault, me, ALL, u64::MAX);
    let close = client::instruction::close_vault(&me, &vault, &me);
    let offer = market.builds(|at| at.transfer_vault(&me, &vault, me));
    for instruction in [delegate, close, offer] {
        expect_refusal(dan.sends(&[instruction]), BallastError::NotVaultOwner);
    }
    // Nor does he take debts over into it.
    let victim = market.actor("victim", &[lst("100")]);
    victim.deposits(lst("100")).unwrap();
    victim.borrows(usdc("10000")).unwrap();
    market.price_moves("LST", "115");
    let take = market.builds(|at| {
        at.liquidate_into(&me, &victim.vault_address(), &vault, market.index("USDC"), market.index("LST"), 1_000_000)
    });
    expect_refusal(dan.sends(&[take]), BallastError::NotVaultOwner);
}

#[test]
fn margin_holds_for_a_delegate_as_for_the_owner() {
    let (market, alice, dan) = market();
    alice.delegates(&dan.address(), ALL, i64::MAX).unwrap();
    let (owner, vault) = (alice.address(), alice.vault_address());
    let much = market.builds(|at| at.borrow_for(&dan.address(), &owner, &vault, market.index("USDC"), 20_000_000_000));
    expect_refusal(dan.sends(&[much]), BallastError::BelowInitMargin);
}

#[test]
fn only_the_owner_sets_one() {
    let (market, alice, dan) = market();
    let by = |signer: &Actor| {
        client::instruction::set_delegate(&signer.address(), &alice.vault_address(), dan.address(), ALL, u64::MAX)
    };
    expect_refusal(dan.sends(&[by(&dan)]), BallastError::NotVaultOwner);
    let silent = unsigned(&by(&alice), SET_DELEGATE, "owner");
    expect_refusal(market.sends(&[silent], &[&dan.key]), ErrorCode::AccountNotSigner);
}
