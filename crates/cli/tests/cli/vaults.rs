//! Vaults from the command line: what is shown and foreseen is what the client computes from the chain, to the unit.

use ballast_client::impact::Shock;
use ballast_client::preview::{Action, Stage as Preview, margin_bps, preview};
use ballast_client::token;
use ballast_client::{Pubkey, Vault, address};
use ballast_cluster::books::read_clock;
use ballast_localnet::catalogue::{SOL, USDC};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::stage::{Stage, Wallet, altered, answered, stage};

/// Somebody who supplies dollars.
pub fn lender(stage: &Stage) -> Wallet {
    let lender = stage.wallet("lender", &[(USDC, 10_000_000_000)]);
    stage.run(&lender, &["vault", "open"]).json();
    stage.run(&lender, &["vault", "deposit", "USDC", "all"]).json();
    lender
}

pub fn balance(stage: &Stage, wallet: &Wallet, asset: usize) -> u64 {
    let books = stage.books();
    let record = &books.market.listed()[asset];
    let address = token::address(&wallet.address(), &record.mint, &record.token_program());
    let raw = stage.wait(stage.network.connection.account(&address)).expect("an answer");
    raw.map_or(0, |raw| ballast_client::account::token(&raw.owner, &raw.data).expect("an account").amount)
}

#[test]
fn a_loan_is_taken_shown_and_paid_back() {
    let stage = stage();
    lender(stage);
    let alice = stage.wallet("alice", &[(SOL, 10_000_000_000)]);
    let run = |arguments: &[&str]| stage.run(&alice, arguments);
    run(&["vault", "open", "--id", "3"]).json();
    run(&["vault", "deposit", "SOL=10", "--vault", "3"]).json();
    let key = address::vault(&stage.site.market, &alice.address(), 3).to_string();

    let dry = run(&["vault", "borrow", "USDC=400.5", "--vault", "3", "--dry-run"]).json();
    assert_eq!((&dry["status"], balance(stage, &alice, USDC)), (&"dry-run".into(), 0));
    let borrowed = run(&["vault", "borrow", "USDC=400.5", "--vault", &key]).json();
    assert_eq!((&borrowed["before"]["state"], &borrowed["after"]["state"]), (&"healthy".into(), &"healthy".into()));
    assert_eq!(balance(stage, &alice, USDC), 400_500_000);

    let shown = run(&["vault", "show", "--vault", "3"]).json();
    let (books, vault) = (stage.books(), stage.vault(&alice.address(), 3).expect("a vault"));
    let health = books.health(&vault);
    assert_eq!(shown["health"]["init"]["requirement"], health.init.requirement.to_string());
    assert_eq!(shown["health"]["maint"]["marginBps"], json!(margin_bps(&health.maint)));
    assert_eq!(
        (&shown["positions"][0]["side"], &shown["positions"][0]["amount"]),
        (&"deposit".into(), &"10000000000".into())
    );
    assert_eq!(shown["positions"][1]["asset"], "USDC");
    let thresholds = Preview::new(&books.market, &vault, books.now).thresholds();
    let below = thresholds.assets[0].below.expect("a fall liquidates");
    assert_eq!(shown["liquidationPrices"][0]["below"], below.to_string());
    assert_eq!(shown["fallBps"], json!(thresholds.fall_bps));

    // Refused by risk, by usage, and by what the wallet has.
    run(&["vault", "borrow", "USDC=400", "--vault", "3"]).fails(5, "BelowInitMargin");
    run(&["vault", "withdraw", "SOL=9", "--vault", "3"]).fails(5, "BelowInitMargin");
    run(&["vault", "withdraw", "BTC=1", "--vault", "3"]).fails(5, "NoDeposit");
    run(&["vault", "borrow", "USDC=all", "--vault", "3"]).fails(2, "say how much");
    run(&["vault", "borrow", "USDC=0.0000001", "--vault", "3"]).fails(2, "more than 6 decimal places");
    run(&["vault", "deposit", "BTC=all", "--vault", "3"]).fails(2, "has no BTC");
    run(&["vault", "deposit", "SOL=1", "SOL=2", "--vault", "3"]).fails(2, "named twice");
    run(&["vault", "deposit", "SOL", "--vault", "3"]).fails(2, "how much SOL?");
    run(&["vault", "show", "--vault", "9"]).fails(2, "ballast vault open --id 9");
    run(&["vault", "show", "--vault", "x"]).fails(2, "neither the number nor the address");
    run(&["vault", "close", "--vault", "3"]).fails(4, "VaultNotEmpty");
    let bob = stage.wallet("bob", &[]);
    stage.run(&bob, &["vault", "borrow", "USDC=1", "--vault", &key]).fails(4, "NotVaultOwner");

    // A little interest has come on top: a cent more than was lent pays for it.
    run(&["vault", "repay", "USDC=all", "--vault", "3"]).json();
    let vault = stage.vault(&alice.address(), 3).expect("a vault");
    if vault.has_debt() {
        let fund = stage.site.fund(&alice.address(), USDC, 1_000_000);
        let job = ballast_cluster::connection::Job::new("fund", fund, &[&stage.site.payer]);
        stage.wait(stage.network.connection.send(job)).expect("tokens");
        run(&["vault", "repay", "USDC=all", "--vault", "3"]).json();
    }
    run(&["vault", "withdraw", "SOL=all", "--vault", "3"]).json();
    assert_eq!(balance(stage, &alice, SOL), 10_000_000_000);
    let closed = run(&["vault", "close", "--vault", "3"]).json();
    assert_eq!(closed["receiver"], alice.address().to_string());
    assert_eq!(run(&["vault", "list"]).json(), json!([]));
}

#[test]
fn a_simulation_says_what_the_client_says_and_changes_nothing() {
    let stage = stage();
    lender(stage);
    let alice = stage.wallet("alice", &[(SOL, 10_000_000_000)]);
    let run = |arguments: &[&str]| stage.run(&alice, arguments);
    run(&["vault", "open"]).json();
    run(&["vault", "deposit", "SOL=10"]).json();
    run(&["vault", "borrow", "USDC=300"]).json();

    let (books, vault) = (stage.books(), stage.vault(&alice.address(), 0).expect("a vault"));
    let simulated =
        run(&["vault", "simulate", "--price", "SOL=-20%", "--repay", "USDC=50", "--deposit", "SOL=1"]).json();
    let shocks = [Shock { asset: Some(0), bps: -2_000 }];
    let [sol, usdc] = [SOL, USDC].map(|asset| u8::try_from(asset).expect("an index"));
    let actions = [
        Action::Deposit { asset: sol, amount: 1_000_000_000 },
        Action::Repay { asset: usdc, amount: Some(50_000_000) },
    ];
    // Interest goes by the second, and the command has read the clock at one between these two.
    let expected = (books.now..=stage.books().now).map(|now| {
        let expected = preview(Preview::new(&books.market, &vault, now), &shocks, &actions).expect("a preview");
        let (after, below) = (&expected.after.maint, expected.thresholds.assets[0].below);
        json!([after.assets.to_string(), after.requirement.to_string(), below.map(|price| price.to_string())])
    });
    let after = &simulated["after"]["maint"];
    let said = json!([after["assets"], after["requirement"], simulated["liquidationPrices"][0]["below"]]);
    let expected: Vec<Value> = expected.collect();
    assert!(expected.contains(&said), "{said}, expected one of {expected:?}");
    let acted: Vec<&Value> =
        simulated["actions"].as_array().expect("actions").iter().map(|act| &act["amount"]).collect();
    assert_eq!(acted, ["1000000000", "50000000"]);

    let crash = run(&["vault", "simulate", "--price", "SOL=-75%"]).json();
    assert!(["liquidatable", "insolvent"].contains(&crash["after"]["state"].as_str().expect("a state")), "{crash}");
    let most = run(&["vault", "simulate", "--borrow", "USDC=all"]).json();
    assert_eq!(most["after"]["init"]["passes"], true);
    let much = stage.run(&alice, &["vault", "simulate", "--borrow", "USDC=5000"]);
    assert_eq!(much.code, 5, "{much:?}");
    assert!(much.stderr.contains("BelowInitMargin"));
    let refused: Value = serde_json::from_str(&much.stdout).expect("a result beside the refusal");
    assert_eq!(refused["actions"][0]["refused"][0], "BelowInitMargin");
    run(&["vault", "simulate", "--price", "SOL=-100%"]).fails(2, "falls by less than 100%");
    run(&["vault", "simulate", "--price", "SOL=20"]).fails(2, "write SOL=-20%");
    let now = stage.vault(&alice.address(), 0).expect("a vault");
    assert_eq!(now.holding(usdc), vault.holding(usdc), "nothing was sent");
    let table = run(&["vault", "simulate", "--price", "SOL=-20%", "--output", "table"]);
    assert!(table.stdout.contains("margin at Maint"), "{table:?}");
}

#[test]
fn prices_that_are_too_old_are_refreshed_in_the_same_transaction() {
    let stage = stage();
    lender(stage);
    let alice = stage.wallet("alice", &[(SOL, 10_000_000_000)]);
    stage.run(&alice, &["vault", "open"]).json();
    stage.run(&alice, &["vault", "deposit", "SOL=10"]).json();
    stage.wait(async {
        let now = i64::try_from(read_clock(&stage.network.connection).await.expect("a clock")).expect("a time");
        stage.network.travel(now + 400).await.expect("time passes");
    });
    stage.run(&alice, &["vault", "borrow", "USDC=100"]).fails(5, "PriceUnusable");
    stage.publish();
    stage.run(&alice, &["vault", "borrow", "USDC=100", "--refresh", "never"]).fails(5, "PriceUnusable");
    stage.run(&alice, &["vault", "borrow", "USDC=100"]).json();
    let books = stage.books();
    assert!(books.market.assets[SOL].publish_time + 60 > books.now, "its price is new");
    assert_eq!(balance(stage, &alice, USDC), 100_000_000);
}

#[test]
fn a_vault_that_cannot_be_read_is_named_and_the_others_are_shown() {
    let stage = stage();
    let lender = lender(stage);
    let whole = stage.run(&lender, &["vault", "list", "--all"]).json();
    // The node lists one account more: of the size and with the market of a vault, and with nothing else in it.
    let (url, bad) = (stage.url(), Pubkey::new_from_array([7; 32]).to_string());
    let (behind, named) = (url.clone(), bad.clone());
    let node = altered(&url, "getProgramAccounts", move |request| {
        let mut answer = answered(&behind, request);
        let found = if answer["result"].is_array() { &mut answer["result"] } else { &mut answer["result"]["value"] };
        let listed = found.as_array_mut().expect("a list");
        if let Some(mut entry) = listed.iter().find(|entry| entry["account"]["space"] == Vault::SPACE).cloned() {
            entry["pubkey"] = named.clone().into();
            entry["account"]["data"] = json!([BASE64_STANDARD.encode([0; Vault::SPACE]), "base64"]);
            listed.push(entry);
        }
        answer
    });
    let market = stage.site.market.to_string();
    let globals = ["-u", &node, "-k", lender.file(), "--market", &market, "--output", "json"];
    let run = |arguments: &[&str]| stage.bare("", &[&globals[..], arguments].concat());
    for list in [&["vault", "list", "--all"][..], &["vault", "list"]] {
        let listed = run(list);
        assert_eq!(listed.json(), whole);
        assert!(listed.stderr.contains("1 accounts of vaults cannot be read and are left out:"), "{listed:?}");
        assert!(listed.stderr.contains(&bad), "{listed:?}");
    }
    let impact = run(&["gov", "impact", "--set", "SOL.haircut_init=35%"]).json();
    let unreadable = impact["unreadable"].as_array().expect("a list");
    assert_eq!(unreadable.len(), 1);
    assert!(unreadable[0].as_str().expect("text").starts_with(&bad), "{unreadable:?}");
}
