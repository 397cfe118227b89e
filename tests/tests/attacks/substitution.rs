//! Accounts in slots where they do not belong.

use std::collections::BTreeSet;

use ballast_client::event::Action;
use ballast_client::local::RECEIVER;
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{ID, Role, address};
use ballast_tests::slots::*;
use ballast_tests::*;
use solana_instruction::Instruction;

use crate::catalogue::{OFFERED, Scene, blank, checker, rival, young_market};

/// Every kind of account on the network, by name.
fn cast(scene: &Scene) -> Vec<(&'static str, Pubkey)> {
    let Scene { market, foreign, alice, bob, victim, .. } = scene;
    let abroad = foreign.newcomer("alice");
    // The bytes of our accounts, owned by somebody else's program.
    for (name, original) in [("copied market", market.market_address()), ("copied vault", alice.vault_address())] {
        let data = market.account(&original).unwrap().data;
        market.writes_data(&ballast_tests::address(name), &RECEIVER, data);
    }
    vec![
        ("market", market.market_address()),
        ("foreign market", foreign.market_address()),
        ("copied market", ballast_tests::address("copied market")),
        ("vault of alice", alice.vault_address()),
        ("empty vault of alice", alice.with_vault(2).vault_address()),
        ("offered vault of alice", alice.with_vault(OFFERED).vault_address()),
        ("vault of bob", bob.vault_address()),
        ("vault of victim", victim.vault_address()),
        ("foreign vault", abroad.vault_address()),
        ("copied vault", ballast_tests::address("copied vault")),
        ("young market", young_market()),
        ("blank market", blank("market")),
        ("blank draft", blank("draft")),
        ("blank change", blank("change")),
        ("change that is due", market.change("due")),
        ("change that waits", market.change("waiting")),
        ("change abroad", market.change("abroad")),
        ("draft of quant", market.drafting("quant").draft),
        ("draft of bob", market.drafting("bob").draft),
        ("draft abroad", ballast_tests::address("draft abroad")),
        ("SOL mint", market.token("SOL").mint),
        ("USDC mint", market.token("USDC").mint),
        ("LST mint", market.token("LST").mint),
        ("GOLD mint", market.token("GOLD").mint),
        ("unlisted mint", assets::token("P08").mint),
        ("SOL custody", market.custody("SOL")),
        ("USDC custody", market.custody("USDC")),
        ("LST custody", market.custody("LST")),
        ("foreign SOL custody", foreign.custody("SOL")),
        ("foreign USDC custody", foreign.custody("USDC")),
        ("foreign LST custody", foreign.custody("LST")),
        ("SOL of alice", alice.wallet("SOL")),
        ("USDC of alice", alice.wallet("USDC")),
        ("SOL of bob", bob.wallet("SOL")),
        ("USDC of bob", bob.wallet("USDC")),
        ("LST of bob", bob.wallet("LST")),
        ("LST of victim", victim.wallet("LST")),
        ("SOL oracle", market.token("SOL").oracle),
        ("ETH oracle", market.token("ETH").oracle),
        ("GOLD oracle", market.token("GOLD").oracle),
        ("BONK oracle", market.token("BONK").oracle),
        ("BTC oracle", market.token("BTC").oracle),
        ("second BTC oracle", checker().oracle),
        ("ETH candidate", rival().oracle),
        ("authority", market.market().authority),
        ("foreign authority", foreign.market().authority),
        ("wallet of alice", alice.address()),
        ("wallet of bob", bob.address()),
        ("governance", market.governance().pubkey()),
        ("guardian", market.holder(Role::Guardian).pubkey()),
        ("foreign governance", foreign.governance().pubkey()),
        ("nobody", ballast_tests::address("nobody")),
        ("token program", SPL_TOKEN),
        ("Token-2022 program", TOKEN_2022),
        ("system program", Pubkey::default()),
        ("our program", ID),
        ("clock", Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111")),
        ("instructions", Pubkey::from_str_const("Sysvar1nstructions1111111111111111111111111")),
    ]
}

#[test]
fn atk_a09_every_other_account_in_every_slot() {
    let scene = Scene::new();
    let cast = cast(&scene);
    let mut accepted = BTreeSet::new();
    let mut tried = 0;
    for example in scene.examples() {
        for (slot, meta) in example.slots.iter().zip(&example.instruction.accounts) {
            for (name, stand_in) in cast.iter().filter(|(_, key)| *key != meta.pubkey) {
                let changed = replaced(&example.instruction, example.slots, slot, stand_in);
                tried += 1;
                if scene.tries(&example, &changed, &[]).is_ok() {
                    accepted.insert((example.name, *slot, *name));
                }
            }
        }
    }
    assert!(tried > 2_000, "{tried}");
    let mut expected = BTreeSet::new();
    // A token account of the mint that is paid out, whoever's it is: the payee is the signer's choice. Custody itself
    // is such an account, and what is sent there is a donation.
    for holder in ["SOL of bob", "SOL custody", "foreign SOL custody"] {
        expected.insert(("withdraw", "destination", holder));
    }
    for holder in ["USDC of bob", "USDC custody", "foreign USDC custody"] {
        expected.insert(("borrow", "destination", holder));
    }
    for holder in ["USDC of alice", "USDC custody", "foreign USDC custody"] {
        expected.insert(("flash_borrow", "destination", holder));
    }
    for holder in ["LST of victim", "LST custody", "foreign LST custody"] {
        expected.insert(("liquidate", "destination", holder));
        expected.insert(("seize", "destination", holder));
    }
    // Anybody may pay anybody's debt, liquidate whom he likes of those that can be, and look at any vault of the market.
    for vault in ["vault of victim", "offered vault of alice"] {
        expected.insert(("repay", "vault", vault));
    }
    for name in ["liquidate", "liquidate_into"] {
        expected.insert((name, "vault", "offered vault of alice"));
    }
    for vault in ["empty vault of alice", "offered vault of alice", "vault of bob", "vault of victim"] {
        expected.insert(("view_health", "vault", vault));
    }
    // One key can be market and governance; an owner may use another vault of his, and to name a delegate one of his in
    // another market: that names none.
    expected.insert(("create_market", "governance", "blank market"));
    for vault in ["empty vault of alice", "offered vault of alice"] {
        for name in ["deposit", "set_delegate", "transfer_vault"] {
            expected.insert((name, "vault", vault));
        }
    }
    expected.insert(("set_delegate", "vault", "foreign vault"));
    expected.insert(("open_vault", "payer", "wallet of alice"));
    // A draft may be for any market and by any key that signs; an author has several. Rows of anybody will do when they
    // are those that governance signs for.
    expected.insert(("open_draft", "market", "foreign market"));
    expected.insert(("open_draft", "market", "young market"));
    expected.insert(("open_draft", "author", "blank draft"));
    for name in ["write_loadings", "write_shocks", "close_draft"] {
        expected.insert((name, "draft", "draft abroad"));
    }
    expected.insert(("execute_change", "draft", "draft of bob"));
    // A change that needs no rows does not look at them, as long as they are of this market.
    expected.insert(("apply_change", "draft", "draft of bob"));
    expected.insert(("apply_change", "draft", "draft of quant"));
    expected.insert(("list_asset", "payer", "governance"));
    // Two changes may be due, and the guardian may cancel either.
    expected.insert(("execute_change", "change", "change that waits"));
    expected.insert(("cancel_change", "change", "change that is due"));
    // Anything that can be written to may be given lamports.
    let cannot = ["empty vault of alice", "wallet of bob", "clock", "instructions", "system program", "our program"];
    for (name, _) in cast.iter().filter(|(name, _)| !cannot.contains(name)) {
        expected.insert(("close_vault", "receiver", *name));
    }
    let surprising: Vec<_> = accepted.symmetric_difference(&expected).collect();
    assert!(surprising.is_empty(), "{surprising:#?}");
}

/// All ways to take some slots, but not all, from another instruction.
fn mixtures<'a>(
    mine: &'a Instruction,
    theirs: &'a Instruction,
) -> impl Iterator<Item = (Vec<usize>, Instruction)> + 'a {
    let keys = mine.accounts.iter().zip(&theirs.accounts).enumerate();
    let differing: Vec<_> = keys.filter(|(_, (a, b))| a.pubkey != b.pubkey).map(|(at, _)| at).collect();
    let all = (1u32 << differing.len()) - 1;
    (1..all).map(move |subset| {
        let mut mixed = mine.clone();
        let taken: Vec<_> =
            differing.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1).map(|(_, at)| *at).collect();
        for at in &taken {
            mixed.accounts[*at].pubkey = theirs.accounts[*at].pubkey;
        }
        (taken, mixed)
    })
}

/// The same action of the same person in a parallel market made by an attacker, mixed into the real one.
#[test]
fn atk_a02_no_part_of_a_parallel_market_is_taken_for_the_real_one() {
    let market = Fixture::new().stocked();
    // Equal indexes, so that nothing but the accounts differs.
    let foreign = market.parallel_market().stocked();
    let people = |market: &Fixture| {
        let alice = market.actor("alice", &[sol("200"), usdc("100")]);
        alice.deposits(sol("100")).unwrap();
        alice.borrows(usdc("1000")).unwrap();
        let victim = market.actor("victim", &[lst("100")]);
        victim.deposits(lst("100")).unwrap();
        victim.borrows(usdc("10000")).unwrap();
        (alice, victim)
    };
    let (alice, victim) = people(&market);
    let (alice_abroad, victim_abroad) = people(&foreign);
    let bob = market.actor("bob", &[usdc("50000")]);
    let bob_abroad = foreign.actor("bob", &[]);
    market.price_moves("LST", "115");
    foreign.price_moves("LST", "115");
    market.refreshes_all();

    let actions = [
        (Action::Deposit, sol("1")),
        (Action::Repay, usdc("1")),
        (Action::Withdraw, sol("1")),
        (Action::Borrow, usdc("1")),
    ];
    let mut pairs: Vec<_> = actions
        .into_iter()
        .map(|(action, money)| (alice.instruction(action, money), alice_abroad.instruction(action, money), &alice.key))
        .collect();
    let liquidations =
        [bob.liquidate(&victim, usdc("100"), "LST"), bob_abroad.liquidate(&victim_abroad, usdc("100"), "LST")];
    let [here, there] = liquidations;
    pairs.push((here, there, &bob.key));
    let view = |market: &Fixture, actor: &Actor| market.builds(|market| market.view_health(&actor.vault_address()));
    pairs.push((view(&market, &alice), view(&foreign, &alice_abroad), &alice.key));

    let mut tried = 0;
    for (mine, theirs, signer) in &pairs {
        for whole in [mine, theirs] {
            market.simulates(std::slice::from_ref(whole), &[signer]).unwrap();
        }
        for (slots, mixed) in mixtures(mine, theirs) {
            let outcome = market.sends(&[mixed], &[signer]);
            let refusal = outcome.expect_err(&format!("slots {slots:?} of a parallel market were accepted"));
            assert_eq!(refusal.changed, []);
            assert!(matches!(refusal.fault, Fault::Ballast(_) | Fault::Framework(_)), "{refusal:#?}");
            tried += 1;
        }
    }
    assert!(tried >= 60, "{tried}");
}

/// The attacker's own vault, wallet and signature against the accounts of somebody else's.
#[test]
fn atk_a06_no_part_of_my_own_accounts_opens_another_vault() {
    let market = Fixture::new().stocked();
    let people = ["alice", "mallory"].map(|name| {
        let actor = market.actor(name, &[sol("200"), usdc("100")]);
        actor.deposits(sol("100")).unwrap();
        actor.borrows(usdc("1000")).unwrap();
        actor
    });
    let [alice, mallory] = &people;
    for (action, money) in [(Action::Withdraw, sol("1")), (Action::Borrow, usdc("1")), (Action::Deposit, sol("1"))] {
        let (hers, his) = (alice.instruction(action, money), mallory.instruction(action, money));
        // Only mallory signs, so the owner's slot is always his.
        for (slots, mixed) in mixtures(&his, &hers).filter(|(slots, _)| !slots.contains(&0)) {
            let pays_alice = slots.iter().all(|slot| PAY_OUT[*slot] == "destination");
            match (action, market.simulates(&[mixed], &[&mallory.key])) {
                (Action::Withdraw | Action::Borrow, Ok(_)) => assert!(pays_alice, "{slots:?}"),
                (_, Ok(_)) => panic!("{slots:?}"),
                (_, Err(_)) => {}
            }
        }
    }
}

#[test]
fn atk_a17_a_token_program_of_the_attackers_is_never_called() {
    let scene = Scene::new();
    for example in scene.examples() {
        for slot in example.slots.iter().filter(|slot| slot.ends_with("token_program")) {
            for program in [TOKEN_2022, ID, Pubkey::default(), ballast_tests::address("evil program")] {
                let changed = replaced(&example.instruction, example.slots, slot, &program);
                let refusal = scene.tries(&example, &changed, &[]).unwrap_err();
                assert!(matches!(refusal.fault, Fault::Ballast(6005) | Fault::Framework(_)), "{refusal:#?}");
                // The loan of a flash loan is paid out before its repayment is refused.
                let called = format!("Program {program} invoke [2]");
                assert!(!refusal.logs.contains(&called), "{refusal:#?}");
            }
        }
    }
}

#[test]
fn atk_a14_custody_and_authority_have_canonical_bumps() {
    let scene = Scene::new();
    let (market, mint) = (scene.market.market_address(), assets::token("P08").mint);
    let blank = blank("market");
    let list: [&[u8]; 3] = [b"custody", market.as_ref(), mint.as_ref()];
    let create: [&[u8]; 2] = [b"authority", blank.as_ref()];
    for (name, slot, seeds, canonical) in [
        ("list_asset", "custody", &list[..], address::custody(&market, &mint)),
        ("create_market", "authority", &create[..], address::authority(&blank)),
    ] {
        let example = scene.examples().into_iter().find(|example| example.name == name).unwrap();
        for bump in 0..=255u8 {
            let bump = [bump];
            let seeds: Vec<&[u8]> = seeds.iter().copied().chain([&bump[..]]).collect();
            let Ok(other) = Pubkey::create_program_address(&seeds, &ID) else { continue };
            if other != canonical {
                let changed = replaced(&example.instruction, example.slots, slot, &other);
                let refusal = scene.tries(&example, &changed, &[]).unwrap_err();
                assert_eq!(refusal.fault, ErrorCode::ConstraintSeeds.into());
            }
        }
    }
}

#[test]
fn slots_that_are_written_cannot_be_passed_for_reading() {
    let scene = Scene::new();
    for example in scene.examples() {
        for (slot, meta) in example.slots.iter().zip(&example.instruction.accounts) {
            if meta.is_writable {
                let frozen = read_only(&example.instruction, example.slots, slot);
                let refusal = scene.tries_alone(&example, &frozen).unwrap_err();
                assert_eq!(refusal.fault, ErrorCode::ConstraintMut.into(), "{} {slot}", example.name);
            }
        }
    }
}
