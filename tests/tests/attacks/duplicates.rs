//! The same account twice.

use std::collections::BTreeSet;

use ballast_client::event::{Action, Liquidated};
use ballast_tests::slots::{FLASH_BORROW, LIQUIDATE, PAY_OUT, replaced};
use ballast_tests::*;

use crate::catalogue::Scene;

#[test]
fn atk_a12_the_same_account_in_every_pair_of_slots() {
    let scene = Scene::new();
    let mut accepted = BTreeSet::new();
    for example in scene.examples() {
        for (first, meta) in example.slots.iter().zip(&example.instruction.accounts) {
            for (second, other) in example.slots.iter().zip(&example.instruction.accounts) {
                if meta.pubkey != other.pubkey {
                    let doubled = replaced(&example.instruction, example.slots, second, &meta.pubkey);
                    if scene.tries(&example, &doubled, &[]).is_ok() {
                        accepted.insert((example.name, *first, *second));
                    }
                }
            }
        }
    }
    let expected = BTreeSet::from([
        // Governance may pay for what it lists, an owner for his vault, and he may take its rent himself.
        ("list_asset", "governance", "payer"),
        ("open_vault", "owner", "payer"),
        ("close_vault", "owner", "receiver"),
        // Who has himself paid out into custody has made a donation, see below.
        ("withdraw", "custody", "destination"),
        ("borrow", "custody", "destination"),
        ("liquidate", "collateral_custody", "destination"),
        ("seize", "custody", "destination"),
        ("flash_borrow", "custody", "destination"),
        // One key can be market and governance, or draft and author.
        ("create_market", "market", "governance"),
        ("open_draft", "draft", "author"),
    ]);
    assert_eq!(accepted, expected);
}

#[test]
fn paid_out_into_custody_is_given_away() {
    let Scene { market, alice, bob, victim, .. } = Scene::new();
    let (deposited, owed) = (alice.deposited("SOL"), alice.owes("USDC"));

    let withdrawal = alice.instruction(Action::Withdraw, sol("10"));
    alice.sends(&[replaced(&withdrawal, PAY_OUT, "destination", &market.custody("SOL"))]).unwrap();
    market.counts_as_donated(sol("10"));
    assert_eq!(alice.deposited("SOL"), deposited - sol("10").units);

    let loan = alice.instruction(Action::Borrow, usdc("10"));
    alice.sends(&[replaced(&loan, PAY_OUT, "destination", &market.custody("USDC"))]).unwrap();
    market.counts_as_donated(usdc("10"));
    // A debt rounds up.
    assert!((alice.owes("USDC") - owed - usdc("10").units) <= 1);

    let seizure = bob.liquidate(&victim, usdc("100"), "LST");
    let receipt = bob.sends(&[replaced(&seizure, LIQUIDATE, "destination", &market.custody("LST"))]).unwrap();
    market.counts_as_donated(native("LST", receipt.event::<Liquidated>().seized));

    // Who takes a flash loan this way has it to pay back all the same.
    let [borrow, bring_back] = bob.flash_loan(usdc("100"));
    bob.sends(&[replaced(&borrow, FLASH_BORROW, "destination", &market.custody("USDC")), bring_back]).unwrap();
    market.counts_as_donated(usdc("100"));

    let [begin, end] = bob.receivership(&victim);
    let seize = replaced(&bob.seize(&victim, lst("1")), PAY_OUT, "destination", &market.custody("LST"));
    bob.sends(&[begin, seize, bob.repay_for(&victim, usdc("200")), end]).unwrap();
    market.counts_as_donated(lst("1"));
    market.conservation();
}

#[test]
fn a_price_refreshed_twice_in_one_instruction_counts_once() {
    let market = Fixture::new();
    market.advances(1_800);
    market.sets_price("SOL", "300");
    let twin = market.foreign_market();
    market.refreshes(&["SOL", "SOL", "SOL"]).unwrap();
    twin.refreshes(&["SOL"]).unwrap();
    let (often, once) = (market.asset("SOL"), twin.asset("SOL"));
    assert_eq!(often.spot(), once.spot());
    // The foreign market saw 300 at its creation as well; here it is the average of half an hour that counts.
    assert!(often.average().unwrap() != often.spot().unwrap());
}
