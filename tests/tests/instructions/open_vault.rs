//! `open_vault`.

use ballast_client::event::VaultOpened;
use ballast_client::{ID, Vault, address, instruction};
use ballast_tests::slots::{OPEN_VAULT, replaced, unsigned};
use ballast_tests::*;
use solana_account::Account;

#[test]
fn an_empty_vault_appears_at_its_address() {
    let market = Fixture::new();
    let alice = market.newcomer("alice");

    let receipt = alice.opens_vault().unwrap();

    let vault = alice.vault();
    assert_eq!((vault.version, vault.id, vault.position_count), (1, 0, 0));
    assert_eq!((vault.market, vault.owner), (market.market_address(), alice.address()));
    let account = market.account(&alice.vault_address()).unwrap();
    assert!(account.data.len() == Vault::SPACE && Vault::SPACE <= 1_100);
    let event: VaultOpened = receipt.event();
    assert_eq!((event.market, event.vault, event.owner), (vault.market, alice.vault_address(), vault.owner));
}

#[test]
fn one_owner_has_many_vaults_and_somebody_else_may_pay_for_them() {
    let market = Fixture::new();
    let (alice, bob) = (market.newcomer("alice"), market.newcomer("bob"));
    for id in [0, 1, 7, u16::MAX] {
        let instruction = instruction::open_vault(&alice.address(), &bob.address(), &market.market_address(), id);
        market.sends(&[instruction], &[&bob.key, &alice.key]).unwrap();
        let vault = alice.with_vault(id).vault();
        assert_eq!((vault.id, vault.owner), (id, alice.address()));
    }
}

#[test]
fn a_vault_is_opened_once() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    alice.deposits(sol("1")).unwrap();
    // The system program finds the address in use.
    expect_refusal(alice.opens_vault(), Fault::System(0));
}

#[test]
fn a_market_that_is_being_set_up_has_no_vaults() {
    let market = Fixture::setting_up(2);
    let alice = market.newcomer("alice");
    expect_refusal(alice.opens_vault(), BallastError::MarketNotOpen);
    market.opens_market().unwrap();
    alice.opens_vault().unwrap();
}

#[test]
fn owner_and_payer_sign() {
    let market = Fixture::new();
    let (alice, bob) = (market.newcomer("alice"), market.newcomer("bob"));
    let instruction = instruction::open_vault(&alice.address(), &bob.address(), &market.market_address(), 0);
    let without_owner = unsigned(&instruction, OPEN_VAULT, "owner");
    expect_refusal(market.sends(&[without_owner], &[&bob.key]), ErrorCode::AccountNotSigner);
    let without_payer = unsigned(&instruction, OPEN_VAULT, "payer");
    expect_refusal(market.sends(&[without_payer], &[&alice.key]), ErrorCode::AccountNotSigner);
}

#[test]
fn atk_a14_no_other_address_is_taken() {
    let market = Fixture::new();
    let alice = market.newcomer("alice");
    let others = [
        address::vault(&market.market_address(), &alice.address(), 1),
        address::vault(&market.market_address(), &address("bob"), 0),
        address::vault(&address("foreign"), &alice.address(), 0),
        address("anywhere"),
    ];
    for other in others {
        let misplaced = replaced(&alice.open_vault(), OPEN_VAULT, "vault", &other);
        expect_refusal(alice.sends(&[misplaced]), ErrorCode::ConstraintSeeds);
    }
    // Neither is an address of the same seeds with a bump that is not the canonical one.
    let canonical = alice.vault_address();
    let (market_key, owner, id) = (market.market_address(), alice.address(), 0u16.to_le_bytes());
    let seeds: [&[u8]; 4] = [b"vault", market_key.as_ref(), owner.as_ref(), &id];
    let mut tried = 0;
    for bump in 0..=255u8 {
        let seeds: Vec<&[u8]> = seeds.iter().copied().chain([&[bump][..]]).map(|seed| &*seed.to_vec().leak()).collect();
        let Ok(other) = Pubkey::create_program_address(&seeds, &ID) else { continue };
        if other != canonical {
            tried += 1;
            let misplaced = replaced(&alice.open_vault(), OPEN_VAULT, "vault", &other);
            expect_refusal(alice.sends(&[misplaced]), ErrorCode::ConstraintSeeds);
        }
    }
    assert!(tried > 50);
}

#[test]
fn a_vault_belongs_to_a_market() {
    let market = Fixture::new();
    let alice = market.newcomer("alice");
    let bob = market.actor("bob", &[]);
    let of = |market: &Pubkey| {
        let instruction = instruction::open_vault(&alice.address(), &alice.address(), market, 0);
        alice.sends(&[instruction])
    };
    expect_refusal(of(&bob.vault_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(of(&market.token("SOL").mint), ErrorCode::AccountOwnedByWrongProgram);
    expect_refusal(of(&address("nothing")), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn atk_a18_lamports_sent_to_the_address_before_do_not_matter() {
    for lamports in [1, 890_880, 10_000_000] {
        let market = Fixture::new();
        let alice = market.newcomer("alice");
        market.writes(&alice.vault_address(), Account { lamports, ..Account::default() });
        alice.opens_vault().unwrap();
        assert_eq!(alice.vault().owner, alice.address());
    }
}
