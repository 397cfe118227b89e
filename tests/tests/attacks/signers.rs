//! Signatures: none can be left out, and nobody signs for somebody else.

use ballast_tests::slots::{replaced, unsigned};
use ballast_tests::*;

use crate::catalogue::Scene;

#[test]
fn atk_a10_every_signature_is_needed() {
    let scene = Scene::new();
    let mut dropped = 0;
    for example in scene.examples() {
        for (slot, meta) in example.slots.iter().zip(&example.instruction.accounts) {
            if !meta.is_signer {
                continue;
            }
            let silent = unsigned(&example.instruction, example.slots, slot);
            let expected = match (example.name, *slot) {
                ("create_market", "market") | ("open_draft", "draft") => ErrorCode::ConstraintSigner,
                _ => ErrorCode::AccountNotSigner,
            };
            let refusal = scene.tries_alone(&example, &silent).unwrap_err();
            assert_eq!(refusal.fault, expected.into(), "{} without {slot}", example.name);
            dropped += 1;
        }
    }
    assert_eq!(dropped, 35);
}

#[test]
fn atk_a10_nobody_signs_for_somebody_else() {
    let scene = Scene::new();
    let mallory = scene.market.actor("mallory", &[sol("10"), usdc("10")]);
    let mut accepted = vec![];
    for example in scene.examples() {
        for (slot, meta) in example.slots.iter().zip(&example.instruction.accounts) {
            if meta.is_signer {
                let forged = replaced(&example.instruction, example.slots, slot, &mallory.address());
                if scene.tries(&example, &forged, &[&mallory.key]).is_ok() {
                    accepted.push((example.name, *slot));
                }
            }
        }
    }
    // Whoever signs a new market as its governance is that; anybody may pay for somebody else's account, and write a
    // draft of his own.
    assert_eq!(
        accepted,
        [("open_vault", "payer"), ("open_draft", "author"), ("create_market", "governance"), ("list_asset", "payer")]
    );
}
