//! Bytes and account lists that no client would build.

use ballast_tests::*;
use solana_instruction::Instruction;

use crate::catalogue::Scene;

#[test]
fn atk_h05_data_cut_anywhere_is_refused_without_a_panic() {
    let scene = Scene::new();
    for example in scene.examples() {
        for length in 0..example.instruction.data.len() {
            let mut short = example.instruction.clone();
            short.data.truncate(length);
            let refusal = scene.tries_alone(&example, &short).unwrap_err();
            let expected = if length < 8 {
                ErrorCode::InstructionFallbackNotFound
            } else {
                ErrorCode::InstructionDidNotDeserialize
            };
            assert_eq!(refusal.fault, expected.into(), "{} cut to {length}", example.name);
        }
    }
}

#[test]
fn an_instruction_that_does_not_exist_is_refused() {
    let scene = Scene::new();
    for example in scene.examples() {
        for bit in 0..64 {
            let mut unknown = example.instruction.clone();
            unknown.data[bit / 8] ^= 1 << (bit % 8);
            let refusal = scene.tries_alone(&example, &unknown).unwrap_err();
            assert_eq!(refusal.fault, ErrorCode::InstructionFallbackNotFound.into(), "{}", example.name);
        }
    }
}

#[test]
fn every_account_is_needed() {
    let scene = Scene::new();
    for example in scene.examples() {
        for count in 0..example.instruction.accounts.len() {
            let mut fewer = example.instruction.clone();
            fewer.accounts.truncate(count);
            let refusal = scene.tries_alone(&example, &fewer).unwrap_err();
            let expected: Fault = match (example.name, count) {
                // Its list has no fixed length.
                ("refresh_prices", 1 | 2) => BallastError::OracleListMismatch.into(),
                _ => ErrorCode::AccountNotEnoughKeys.into(),
            };
            // Slots are looked at in order, so that another account may be missed for being of the wrong kind.
            let early = matches!(refusal.fault, Fault::Framework(_));
            assert!(refusal.fault == expected || early, "{} with {count}: {refusal:#?}", example.name);
        }
    }
}

#[test]
fn accounts_shifted_by_one_are_refused() {
    let scene = Scene::new();
    for example in scene.examples() {
        let count = example.instruction.accounts.len();
        for by in 1..count {
            let mut shifted: Instruction = example.instruction.clone();
            let keys: Vec<_> = example.instruction.accounts.iter().map(|meta| meta.pubkey).collect();
            for (at, meta) in shifted.accounts.iter_mut().enumerate() {
                meta.pubkey = keys[(at + by) % count];
            }
            scene.tries(&example, &shifted, &[]).unwrap_err();
        }
    }
}

/// Instructions with a list among their arguments.
const LISTS: [&str; 5] = ["refresh_prices", "write_loadings", "write_shocks", "apply_change", "propose_change"];

#[test]
fn random_arguments_never_panic() {
    let scene = Scene::new();
    let mut state = 5u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for example in scene.examples() {
        for _ in 0..150 {
            let mut random = example.instruction.clone();
            for byte in &mut random.data[8..] {
                // Many zeros and ones, so that some make sense.
                *byte = match next() % 4 {
                    0 => 0,
                    1 => 255,
                    2 => next() % 9,
                    _ => next(),
                };
            }
            if let Err(refusal) = scene.tries(&example, &random, &[]) {
                let known = match refusal.fault {
                    Fault::Ballast(_) | Fault::Framework(_) | Fault::Token(_) => true,
                    // The decoder of the framework makes room for as many entries as the list claims to have, and
                    // for a list of thousands there is none. Nothing of ours has run by then.
                    Fault::Runtime(name) => LISTS.contains(&example.name) && name == "ProgramFailedToComplete",
                    Fault::System(_) | Fault::Transaction(_) => false,
                };
                assert!(known, "{} with {:?}: {refusal:#?}", example.name, random.data);
            }
        }
    }
}
