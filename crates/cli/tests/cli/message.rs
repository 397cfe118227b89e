//! `ballast gov verify-message`: what is signed is what is shown, to the last byte.

use ballast_client::instruction::{MarketRef, observe_candidate, refresh_prices, set_delegate};
use ballast_client::model::Drafting;
use ballast_client::transaction::{Budget, Version, compile};
use ballast_client::{Pausable, Pubkey, Role, Scopes, change, instruction};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_instruction::{AccountMeta, Instruction};
use solana_message::VersionedMessage;
use solana_transaction::Hash;

use crate::stage::{Ran, Stage, stage};

const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);

fn encoded(instructions: &[Instruction], payer: &Pubkey, version: Version) -> String {
    let message = compile(version, payer, instructions, None, &[], Hash::default()).expect("a message");
    BASE64_STANDARD.encode(message.serialize())
}

fn verify(stage: &Stage, arguments: &[&str]) -> Ran {
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let globals = ["-u", &url, "--market", &market, "--output", "json", "gov", "verify-message"];
    stage.bare("", &[&globals[..], arguments].concat())
}

fn wired(transaction: &solana_transaction::versioned::VersionedTransaction) -> String {
    BASE64_STANDARD.encode(wincode::serialize(transaction).expect("bytes"))
}

/// Shown, and refused.
fn refused(ran: &Ran) -> Value {
    assert_eq!(ran.code, 4, "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("what was understood")
}

fn transfer(from: &Pubkey, lamports: u64) -> Instruction {
    let accounts = vec![AccountMeta::new(*from, true), AccountMeta::new(Pubkey::new_from_array([5; 32]), false)];
    Instruction { program_id: SYSTEM, accounts, data: [&[2, 0, 0, 0], &lamports.to_le_bytes()[..]].concat() }
}

fn advance_nonce(authority: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::new(Pubkey::new_from_array([8; 32]), false),
        AccountMeta::new_readonly(Pubkey::from_str_const("SysvarRecentB1ockHashes11111111111111111111"), false),
        AccountMeta::new_readonly(*authority, true),
    ];
    Instruction { program_id: SYSTEM, accounts, data: vec![4, 0, 0, 0] }
}

#[test]
fn what_sign_only_prints_is_verified_for_a_multi_signature() {
    let stage = stage();
    // The vault of a multi-signature: nobody has its key, and nothing but the message leaves this machine.
    let vault = stage.governance().address().to_string();
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let propose = ["gov", "propose", "--set", "SOL.haircut_init=35%", "--sign-only", "--output", "json"];
    for (flag, version) in [("legacy", "legacy"), ("v0", "0"), ("v1", "1")] {
        let globals = ["-u", &url, "--market", &market, "-k", &vault, "--transaction-version", flag];
        let signed = stage.bare("", &[&propose[..], &globals[..]].concat()).json();
        assert_eq!((&signed[0]["status"], &signed[0]["absent"]), (&"signed".into(), &json!([vault])));
        let message = signed[0]["message"].as_str().expect("a message");
        let shown = verify(stage, &[message]).json();
        assert_eq!(
            (&shown["version"], &shown["form"], &shown["understood"]),
            (&version.into(), &"message".into(), &true.into())
        );
        assert_eq!((&shown["feePayer"], &shown["durableNonce"]), (&vault.as_str().into(), &Value::Null));
        assert_eq!(shown["signers"], json!([{"key": vault, "signed": null}]));
        let [create, propose] = shown["instructions"].as_array().expect("a list").as_slice() else { panic!("{shown}") };
        assert_eq!((&create["name"], &create["kind"]), (&"create_account_with_seed".into(), &"needed".into()));
        assert_eq!((&propose["name"], &propose["kind"]), (&"propose_change".into(), &"own".into()));
        assert_eq!(propose["change"]["lines"], signed[0]["lines"]);
        assert_eq!(propose["change"]["lines"][0]["to"]["text"], "35%");
        assert_eq!(
            (&propose["accounts"][2]["name"], &propose["accounts"][2]["address"]),
            (&"change".into(), &signed[0]["change"])
        );

        // Without a node everything is still read, but not compared.
        let offline =
            ["-u", "http://127.0.0.1:1", "--market", &market, "--output", "json", "gov", "verify-message", message];
        let offline = stage.bare("", &offline).json();
        let propose = &offline["instructions"][1];
        assert_eq!((&propose["change"], &offline["understood"]), (&Value::Null, &true.into()));
        assert_eq!(propose["arguments"]["proposal"]["Parameters"]["edits"][0]["parameter"], 7);
        assert!(propose["warnings"][0].as_str().expect("a warning").contains("cannot be read"), "{propose}");
    }
}

#[test]
fn a_message_that_was_tampered_with_shows_it_or_is_refused() {
    let stage = stage();
    let governance = stage.governance();
    let by = governance.address();
    let proposal = change::role(&stage.books().market, Role::Guardian, by);
    let apply = change::apply(&by, &stage.site.market, None, proposal);
    let honest = encoded(std::slice::from_ref(&apply), &by, Version::V0);
    let shown = verify(stage, &[&honest]).json();
    assert_eq!(shown["instructions"][0]["change"]["to"], by.to_string());
    assert_eq!(shown["instructions"][0]["change"]["atOnce"]["error"], "MustWait");
    let bytes = BASE64_STANDARD.decode(&honest).expect("base64");

    // Another guardian: it is shown.
    let mut other = apply.clone();
    let end = other.data.len() - 1;
    other.data[end] ^= 1;
    let shown = verify(stage, &[&encoded(&[other], &by, Version::V0)]).json();
    assert_ne!(shown["instructions"][0]["change"]["to"], by.to_string());
    // Another market: it is said.
    let foreign = change::apply(
        &by,
        &Pubkey::new_from_array([3; 32]),
        None,
        change::role(&stage.books().market, Role::Guardian, by),
    );
    let shown = verify(stage, &[&encoded(std::slice::from_ref(&foreign), &by, Version::V0)]);
    assert!(shown.stderr.contains("not in order"), "{shown:?}");
    let shown = refused(&shown);
    let [of_others, ours] = [Pubkey::new_from_array([3; 32]), stage.site.market].map(|market| market.to_string());
    assert_eq!(shown["instructions"][0]["objections"], json!([format!("the market is {of_others}, and not {ours}")]));
    assert_eq!((&shown["market"], &shown["understood"]), (&of_others.as_str().into(), &true.into()));
    // Two markets at once, and nobody has said which.
    let both = encoded(&[foreign.clone(), apply.clone()], &by, Version::V0);
    let nobody_said = ["-u", &stage.url(), "--output", "json", "gov", "verify-message", &both];
    let shown = refused(&stage.bare("", &nobody_said));
    assert_eq!(shown["objections"], json!(["its instructions are about different markets"]));
    assert!(shown["warnings"][0].as_str().expect("a warning").contains("--market"), "{shown}");

    // Bytes too many or too few, in the instruction or behind everything; an account too many; no signature.
    let changed = |change: &dyn Fn(&mut Instruction)| {
        let mut instruction = apply.clone();
        change(&mut instruction);
        refused(&verify(stage, &[&encoded(&[instruction], &by, Version::V0)]))
    };
    for (shown, why) in [
        (changed(&|one| one.data.push(0)), "1 bytes are left over"),
        (changed(&|one| one.data.truncate(20)), "the bytes end too early"),
        (changed(&|one| one.data[0] ^= 1), "no instruction of this program"),
        (changed(&|one| one.accounts.push(AccountMeta::new(by, false))), "accounts are named instead of"),
        (changed(&|one| one.accounts[3].pubkey = by), "and must be Sysvar1nstructions"),
    ] {
        let step = &shown["instructions"][0];
        assert_eq!((&step["kind"], &shown["understood"]), (&"unreadable".into(), &false.into()));
        assert!(step["warnings"][0].as_str().expect("a warning").contains(why), "{why}: {step}");
    }
    verify(stage, &[&BASE64_STANDARD.encode([&bytes[..], &[0]].concat())])
        .fails(2, "neither a message nor a transaction");
    verify(stage, &[&BASE64_STANDARD.encode(&bytes[..bytes.len() - 1])])
        .fails(2, "neither a message nor a transaction");
    verify(stage, &["what?"]).fails(2, "this is not base64");

    // A transaction with a good signature, and with one of something else.
    let message = compile(Version::V0, &by, &[apply], None, &[], Hash::default()).expect("a message");
    let sign = |message: VersionedMessage| {
        let transaction = solana_transaction::versioned::VersionedTransaction::try_new(message, &[&*governance.key]);
        transaction.expect("a signature")
    };
    let mut signed = sign(message);
    let shown = verify(stage, &[&wired(&signed)]).json();
    assert_eq!((&shown["form"], &shown["signers"][0]["signed"]), (&"transaction".into(), &true.into()));
    signed.message.set_recent_blockhash(Hash::new_from_array([1; 32]));
    let shown = verify(stage, &[&wired(&signed)]);
    assert!(shown.stderr.contains("not in order"), "{shown:?}");
    let shown = refused(&shown);
    assert_eq!(shown["signers"][0]["signed"], false);
    assert_eq!(shown["objections"], json!([format!("a signature is wrong: that of {by}")]));
}

#[test]
fn what_is_not_ours_is_named_loudly() {
    let stage = stage();
    let by = stage.governance().address();
    let open = change::confirm_risk_model(&by, &stage.site.market);
    let with_transfer = encoded(&[open.clone(), transfer(&by, 1)], &by, Version::V0);
    let shown = refused(&verify(stage, &[&with_transfer]));
    let step = &shown["instructions"][1];
    assert_eq!((&step["kind"], &step["programName"]), (&"foreign".into(), &"System".into()));
    assert!(step["warnings"][0].as_str().expect("a warning").contains("not decoded"), "{step}");
    assert_eq!(verify(stage, &[&with_transfer, "--allow-foreign"]).json()["understood"], false);

    let unknown = Instruction { program_id: Pubkey::new_from_array([9; 32]), accounts: vec![], data: vec![1, 2, 3] };
    let shown = refused(&verify(stage, &[&encoded(&[unknown], &by, Version::Legacy)]));
    assert!(shown["instructions"][0]["warnings"][0].as_str().expect("a warning").contains("UNKNOWN"), "{shown}");
    let loader = Pubkey::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
    let upgrade = Instruction { program_id: loader, accounts: vec![], data: vec![3, 0, 0, 0] };
    let shown = refused(&verify(stage, &[&encoded(&[upgrade], &by, Version::V0)]));
    assert_eq!(shown["instructions"][0]["programName"], "Upgradeable Loader (can REPLACE programs)");
    // An account that is created for somebody else is not one that we need.
    let mut create = change::propose(
        &by,
        &by,
        &stage.site.market,
        &Pubkey::new_from_array([4; 32]),
        1,
        change::role(&stage.books().market, Role::Steward, by),
    );
    create[0].data[20..52].fill(7);
    assert_eq!(refused(&verify(stage, &[&encoded(&create, &by, Version::V0)]))["instructions"][0]["kind"], "foreign");

    // A durable nonce is noticed; it is no failure by itself.
    let pause = change::pause(&by, &stage.site.market, Pausable::Borrow, 60);
    let drawer = verify(stage, &[&encoded(&[advance_nonce(&by), pause], &by, Version::V0)]).json();
    assert_eq!(drawer["durableNonce"]["authority"], by.to_string());
    assert!(drawer["warnings"][0].as_str().expect("a warning").contains("durable nonce"), "{drawer}");
    assert_eq!(drawer["instructions"][1]["arguments"], json!({"paused": "Borrow", "seconds": 60}));

    // From standard input, as a table.
    let url = stage.url();
    let typed = stage.bare(&with_transfer, &["-u", &url, "gov", "verify-message", "-"]);
    assert_eq!(typed.code, 4, "{typed:?}");
    assert!(
        typed.stdout.contains("2. System: ?") && typed.stdout.contains("NOT everything is understood"),
        "{typed:?}"
    );
}

#[test]
fn every_kind_of_instruction_of_ours_is_read() {
    let stage = stage();
    let by = stage.governance().address();
    let (books, market) = (stage.books(), stage.site.market);
    let (vault, other) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
    let reference = MarketRef::new(market, &books.market);
    let drafting = Drafting { market, author: by, draft: other };
    let scopes = Scopes { deposit: true, borrow: false, withdraw: true };
    let [begin, end] = reference.receivership(&by, &vault);
    let [flash_borrow, flash_repay] = reference.flash_loan(&by, 0, 7);
    let all = [
        instruction::open_vault(&by, &by, &market, 3),
        reference.deposit(&by, &vault, 0, 5),
        reference.withdraw(&by, &vault, 0, None),
        reference.borrow(&by, &vault, 4, 9),
        reference.repay(&by, &vault, 4, 9),
        set_delegate(&by, &vault, other, scopes, 99),
        instruction::close_vault(&by, &vault, &by),
        reference.liquidate(&by, &vault, 4, 0, 8),
        reference.liquidate_into(&by, &vault, &other, 4, 0, 8),
        begin,
        reference.seize(&by, &vault, 0, 6),
        end,
        flash_borrow,
        flash_repay,
        reference.fund_reserve(&by, 4, 1),
        reference.absorb_bad_debt(&vault),
        reference.transfer_vault(&by, &vault, other),
        reference.accept_vault(&by, &vault),
        reference.view_health(&vault),
        refresh_prices(&market, &stage.site.feeds.pairs()),
        observe_candidate(&market, 0, &other),
        change::accept_role(&by, &market, Role::Steward),
        change::open_market(&by, &market),
        change::pause(&by, &market, Pausable::Asset(3), 60),
        change::resume(&by, &market, Pausable::Withdraw),
        change::confirm_risk_model(&by, &market),
        drafting.open(1)[1].clone(),
        drafting.write_loadings(&[[1; 7], [-2; 7]])[0].clone(),
        drafting.write_shocks(&[[3; 8]])[0].clone(),
        drafting.close(),
        instruction::list_asset(&by, &by, &market, &other, &vault, [65; 16]),
        instruction::create_market(&by, &market, [by; 3], 1)[1].clone(),
    ];
    let paused = verify(stage, &[&encoded(&all[23..24], &by, Version::V0)]).json();
    assert_eq!(paused["instructions"][0]["assets"], json!([{"index": 3, "name": "JitoSOL"}]));
    let mut names = vec![];
    for some in all.chunks(4) {
        let shown = verify(stage, &[&encoded(some, &by, Version::V1)]).json();
        assert_eq!(shown["understood"], true, "{shown}");
        let steps = shown["instructions"].as_array().expect("a list");
        names.extend(steps.iter().map(|step| step["name"].as_str().expect("a name").to_owned()));
    }
    assert_eq!(names.len(), all.len());
    let expected = ["open_vault", "deposit", "withdraw", "borrow", "repay", "set_delegate", "close_vault", "liquidate"];
    assert_eq!(names[..8], expected);
    // What is left is execute_change, cancel_change, apply_change and propose_change.
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 32);
}

/// A text table, whatever the exit code.
fn table(stage: &Stage, arguments: &[&str]) -> Ran {
    let (url, market) = (stage.url(), stage.site.market.to_string());
    stage.bare("", &[&["-u", &url, "--market", &market, "gov", "verify-message"], arguments].concat())
}

#[test]
fn what_a_message_costs_is_shown_and_too_much_of_it_is_refused() {
    let stage = stage();
    let by = stage.governance().address();
    let pause = change::pause(&by, &stage.site.market, Pausable::Borrow, 60);
    let with = |version: Version, budget: Budget| {
        let message = compile(version, &by, std::slice::from_ref(&pause), Some(budget), &[], Hash::default());
        BASE64_STANDARD.encode(message.expect("a message").serialize())
    };
    // 200,000 units at 5 micro-lamports are one lamport.
    for version in [Version::Legacy, Version::V0, Version::V1] {
        let modest = with(version, Budget { units: 200_000, price: 5 });
        let shown = verify(stage, &[&modest]).json();
        let fees = &shown["fees"];
        assert_eq!((&fees["most"], &fees["signatures"]), (&"5001".into(), &"5000".into()));
        assert_eq!((&fees["priority"], &fees["computeUnitLimit"]), (&"1".into(), &200_000.into()));
        assert_eq!(shown["objections"], json!([]));
        verify(stage, &[&modest, "--max-fee", "5001"]).json();
        assert_eq!(verify(stage, &[&modest, "--max-fee", "5000"]).code, 4);
        let shown = table(stage, &[&modest]);
        assert!(shown.stdout.contains("fee:        at most 5001 lamports (0.000005001 SOL)"), "{shown:?}");
    }
    // A thousand SOL for a pause.
    let price = 1_000_000_000_000 * 1_000_000 / 200_000;
    for version in [Version::Legacy, Version::V0, Version::V1] {
        let costly = with(version, Budget { units: 200_000, price });
        let shown = refused(&verify(stage, &[&costly]));
        assert_eq!((&shown["fees"]["priority"], &shown["understood"]), (&"1000000000000".into(), &true.into()));
        let objection = shown["objections"][0].as_str().expect("an objection");
        assert!(objection.contains("1000000005000 lamports (1,000.000005 SOL)"), "{objection}");
        let shown = table(stage, &[&costly]);
        assert!(shown.stdout.contains("DO NOT SIGN: the fee is up to"), "{shown:?}");
        assert!(shown.stdout.ends_with("It is NOT IN ORDER: see DO NOT SIGN.\n"), "{shown:?}");
    }
    // Without a limit the cluster's default counts: 200,000 units for each of the two instructions.
    let mut priced = Instruction {
        program_id: Pubkey::from_str_const("ComputeBudget111111111111111111111111111111"),
        accounts: vec![],
        data: [&[3][..], &100_000_000u64.to_le_bytes()].concat(),
    };
    let unlimited = |priced: &Instruction| encoded(&[priced.clone(), pause.clone()], &by, Version::V0);
    assert_eq!(refused(&verify(stage, &[&unlimited(&priced)]))["fees"]["priority"], "40000000");
    priced.data = [&[3][..], &u64::MAX.to_le_bytes()].concat();
    let shown = refused(&verify(stage, &[&unlimited(&priced)]));
    assert_eq!(shown["fees"]["computeUnitPrice"], u64::MAX.to_string());
}

#[test]
fn an_account_that_gets_more_than_its_rent_is_refused() {
    let stage = stage();
    let by = stage.governance().address();
    let proposal = change::role(&stage.books().market, Role::Steward, by);
    let rent = (u64::try_from(ballast_client::Change::SPACE).expect("a size") + 128) * 6_960;
    let with_rent = |lamports: u64| {
        let both = change::propose_with_seed(&by, &by, &stage.site.market, "seed", lamports, proposal.clone());
        both.expect("a short seed")
    };
    let shown = verify(stage, &[&encoded(&with_rent(rent), &by, Version::V0)]).json();
    assert_eq!(shown["instructions"][0]["arguments"]["for"], "change");
    let shown = refused(&verify(stage, &[&encoded(&with_rent(rent + 1), &by, Version::V0)]));
    let objection = shown["instructions"][0]["objections"][0].as_str().expect("an objection");
    assert!(objection.contains(&format!("the change gets {} lamports", rent + 1)), "{objection}");

    // An account of a size that nobody needs.
    let mut both = with_rent(rent);
    let at = both[0].data.len() - 40;
    both[0].data[at..at + 8].copy_from_slice(&10_000_000u64.to_le_bytes());
    let shown = refused(&verify(stage, &[&encoded(&both, &by, Version::V0)]));
    let objection = shown["instructions"][0]["objections"][0].as_str().expect("an objection");
    assert!(objection.contains("10000000 bytes"), "{objection}");
}

#[test]
fn a_change_of_a_parameter_that_nobody_knows_is_refused() {
    let stage = stage();
    let by = stage.governance().address();
    let edits = vec![
        ballast_client::Edit { parameter: 7, from: 0, to: 1 },
        ballast_client::Edit { parameter: 255, from: 0, to: 1 },
    ];
    let proposal = ballast_client::Proposal::Parameters { asset: Some(0), edits, ramp: 0 };
    let apply = change::apply(&by, &stage.site.market, None, proposal);
    let shown = refused(&verify(stage, &[&encoded(&[apply], &by, Version::V0)]));
    let step = &shown["instructions"][0];
    assert_eq!((&step["change"]["unknown"], step["change"]["lines"].as_array().map(Vec::len)), (&1.into(), Some(1)));
    assert_eq!(step["objections"], json!(["it changes parameters that nobody knows"]));
}
