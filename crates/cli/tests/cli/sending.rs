//! What becomes of a transaction while nodes fail, what it may cost, and how a failure is told.

use ballast_localnet::catalogue::SOL;
use serde_json::{Value, json};

use crate::stage::{Stage, Trouble, Wallet, ballast, stage, troubled};

/// Somebody with a vault and five SOL in the wallet.
fn owner(stage: &Stage) -> Wallet {
    let alice = stage.wallet("alice", &[(SOL, 5_000_000_000)]);
    stage.run(&alice, &["vault", "open"]).json();
    alice
}

fn through(stage: &Stage, url: &str, wallet: &Wallet, arguments: &[&str]) -> crate::stage::Ran {
    let market = stage.site.market.to_string();
    let globals = ["-u", url, "-k", wallet.file(), "--market", &market, "--output", "json"];
    stage.bare("", &[&globals[..], arguments].concat())
}

#[test]
fn a_deposit_whose_answer_is_lost_is_made_once_and_found() {
    let stage = stage();
    let alice = owner(stage);
    let node = troubled(&stage.url(), |method, before| match (method, before) {
        ("sendTransaction", 0) => Trouble::NoAnswer,
        ("getSignatureStatuses" | "getBlockHeight", 0..2) => Trouble::NoRequest,
        _ => Trouble::None,
    });
    let ran = through(stage, &node, &alice, &["vault", "deposit", "SOL=1"]);
    let deposited = ran.json();
    let signature = deposited["signature"].as_str().expect("a signature");
    assert!(ran.stderr.contains(&format!("Sending transaction {signature}")), "{ran:?}");
    let vault = stage.vault(&alice.address(), 0).expect("a vault");
    assert_eq!(vault.holding(0).shares.get(), 1_000_000_000, "one deposit");
}

#[test]
fn a_transaction_that_can_never_land_is_told_with_its_signature() {
    let stage = stage();
    let alice = owner(stage);
    let nothing = json!({ "context": { "slot": 1 }, "value": [null] });
    let node = troubled(&stage.url(), move |method, _| match method {
        "sendTransaction" => Trouble::NoRequest,
        "getSignatureStatuses" => Trouble::Result(nothing.clone()),
        "getBlockHeight" => Trouble::Result(u64::MAX.into()),
        _ => Trouble::None,
    });
    let ran = through(stage, &node, &alice, &["vault", "deposit", "SOL=1"]);
    ran.fails(3, "nothing has changed: the transaction was not taken");
    let told = ran.failure();
    assert_eq!((&told["name"], &told["class"], &told["code"]), (&"Expired".into(), &"rpc".into(), &Value::Null));
    let (signature, last) = (told["signature"].as_str().expect("text"), &told["lastValidBlockHeight"]);
    assert!(ran.stderr.contains(&format!("Sending transaction {signature}")), "{ran:?}");
    let message = told["message"].as_str().expect("text");
    assert!(message.contains(signature) && message.contains(&format!("block height {last} ")), "{message}");
    assert!(!stage.vault(&alice.address(), 0).expect("a vault").has_debt());
}

#[test]
fn a_transaction_that_failed_on_chain_is_told_with_its_signature() {
    let stage = stage();
    let alice = owner(stage);
    // Between the simulation and the block somebody else was faster, so to say.
    let good = json!({ "context": { "slot": 1 }, "value": {
        "err": null, "logs": [], "accounts": null, "unitsConsumed": 200_000, "returnData": null } });
    let node = troubled(&stage.url(), move |method, _| match method {
        "simulateTransaction" => Trouble::Result(good.clone()),
        _ => Trouble::None,
    });
    let ran = through(stage, &node, &alice, &["vault", "close"]);
    assert_eq!(ran.code, 0, "an empty vault closes: {ran:?}");
    let ran = through(stage, &node, &alice, &["vault", "open", "--id", "1"]);
    ran.json();
    // The same vault again.
    let ran = through(stage, &node, &alice, &["vault", "open", "--id", "1"]);
    let told = ran.failure();
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran:?}");
    let signature = told["signature"].as_str().expect("a signature");
    let message = told["message"].as_str().expect("text");
    assert!(message.starts_with(&format!("transaction {signature} failed: ")), "{message}");
}

#[test]
fn nobody_pays_more_than_the_most_that_was_allowed() {
    let stage = stage();
    let alice = owner(stage);
    let deposit = |more: &[&str]| stage.run(&alice, &[&["vault", "deposit", "SOL=1"], more].concat());
    // 1,000,000 units for 10,000,001 micro-lamports each.
    let limit = ["--with-compute-unit-limit", "1000000", "--with-compute-unit-price"];
    let dear = deposit(&[&limit[..], &["9995001"]].concat());
    dear.fails(2, "the fee would be 10000001 lamports (5000 for signatures, 9995001 for priority)");
    deposit(&[&limit[..], &["9995001", "--sign-only"]].concat()).fails(2, "more than --max-fee 10000000");
    let dry = deposit(&[&limit[..], &["9995000", "--dry-run"]].concat()).json();
    assert_eq!(dry["fee"], 10_000_000);
    deposit(&["--max-fee", "4999"]).fails(2, "more than --max-fee 4999");
    assert_eq!(deposit(&["--max-fee", "5000"]).json()["status"], "confirmed");
}

#[test]
fn a_failure_is_json_where_the_result_would_be() {
    let stage = stage();
    let alice = owner(stage);
    stage.run(&alice, &["vault", "deposit", "SOL=1"]).json();
    let refused = stage.run(&alice, &["vault", "borrow", "USDC=1"]).failure();
    assert_eq!((&refused["name"], &refused["class"]), (&"NotEnoughCash".into(), &"liquidity".into()));
    assert_eq!((&refused["code"], &refused["exit"]), (&6_400.into(), &5.into()));
    assert!(refused["message"].as_str().is_some_and(|message| message.contains("(NotEnoughCash, 6400)")), "{refused}");
    let usage = stage.run(&alice, &["vault", "deposit", "DOGE=1"]).failure();
    assert_eq!((&usage["name"], &usage["class"], &usage["exit"]), (&"Usage".into(), &"usage".into(), &2.into()));
    let mistyped = ballast(&["vault", "no-such-verb", "--output", "json-compact"]).failure();
    assert_eq!((&mistyped["name"], &mistyped["exit"]), (&"Usage".into(), &2.into()));
    let nowhere = through(stage, "http://127.0.0.1:1", &alice, &["market", "show"]).failure();
    assert_eq!((&nowhere["name"], &nowhere["class"], &nowhere["exit"]), (&"Node".into(), &"rpc".into(), &3.into()));
    let missing = ["doctor", "--market", &alice.address().to_string()];
    let checked = stage.run(&alice, &missing).failure();
    assert_eq!(
        (&checked["name"], &checked["class"], &checked["exit"]),
        (&"NotInOrder".into(), &"check".into(), &4.into())
    );
    // For people it is prose.
    stage.run(&alice, &["vault", "deposit", "DOGE=1", "--output", "table"]).fails(2, "Error: market ");
}

#[test]
fn the_key_of_a_paid_node_is_never_printed() {
    let stage = stage();
    let alice = owner(stage);
    for url in [format!("{}/?api-key=hush", stage.url()), "http://me:hush@127.0.0.1:1/hush?api-key=hush".to_owned()] {
        for command in
            [&["doctor"][..], &["vault", "list"], &["market", "show", "--market", &alice.address().to_string()]]
        {
            for output in ["json", "table"] {
                let globals = ["-u", &url, "-k", alice.file(), "--output", output];
                let ran = stage.bare("", &[&globals[..], command].concat());
                assert!(!ran.stdout.contains("hush") && !ran.stderr.contains("hush"), "{command:?}: {ran:?}");
            }
        }
    }
    let config = stage.file(
        "keyed/config.yml",
        "json_rpc_url: http://127.0.0.1:1/?api-key=hush\nwebsocket_url: ''\n\
        keypair_path: /nonexistent\naddress_labels: {}\ncommitment: confirmed\n",
    );
    stage.bare("", &["market", "show", "-C", &config]).fails(2, "\"http://127.0.0.1:1\" = \"ADDRESS\"");
    // As it is told to be written.
    stage.file("keyed/ballast.toml", &format!("[markets]\n\"http://127.0.0.1:1\" = \"{}\"\n", stage.site.market));
    stage.bare("", &["market", "show", "-C", &config]).fails(3, "getMultipleAccounts failed");
}
