//! Options that change what a command does: each has the effect that its help promises.

use ballast_client::Pubkey;
use ballast_localnet::catalogue::{SOL, USDC};
use ballast_localnet::market::key;
use ballast_localnet::random::Random;
use serde_json::{Value, json};

use crate::model;
use crate::stage::{Stage, overheard, stage};

fn lamports(stage: &Stage, address: &Pubkey) -> u64 {
    let found = stage.wait(stage.network.connection.account(address)).expect("an answer");
    found.map_or(0, |account| account.lamports)
}

#[test]
fn options_of_vaults_say_whose_to_whom_and_how_much() {
    let stage = stage();
    let (alice, bob) = (stage.wallet("alice", &[(SOL, 10_000_000_000)]), stage.wallet("bob", &[]));
    let run = |arguments: &[&str]| stage.run(&alice, arguments);
    run(&["vault", "open"]).json();
    run(&["vault", "open"]).fails(4, "");
    run(&["vault", "deposit", "SOL=10"]).json();
    let (owner, heir) = (alice.address().to_string(), bob.address().to_string());
    let hers = run(&["vault", "list"]).json();
    assert_eq!(hers.as_array().map(Vec::len), Some(1));
    assert_eq!(stage.run(&bob, &["vault", "list", "--owner", &owner]).json(), hers);
    assert_eq!(stage.run(&bob, &["vault", "list"]).json(), json!([]));

    let simulated = run(&["vault", "simulate", "--withdraw", "SOL=4"]).json();
    assert_eq!(simulated["actions"][0]["amount"], "4000000000");
    run(&["vault", "withdraw", "SOL=all"]).json();
    let vault = hers[0]["vault"].as_str().expect("an address").parse().expect("an address");
    let (rent, before) = (lamports(stage, &vault), lamports(stage, &bob.address()));
    assert_eq!(run(&["vault", "close", "--receiver", &heir]).json()["receiver"], heir);
    assert_eq!((lamports(stage, &bob.address()), lamports(stage, &vault)), (before + rent, 0));
}

#[test]
fn a_limit_of_compute_units_is_what_is_paid_for_and_what_there_is() {
    let stage = stage();
    let alice = stage.wallet("alice", &[]);
    let open = |more: &[&str]| stage.run(&alice, &[&["vault", "open"], more].concat());
    let priced = ["--with-compute-unit-price", "1000000", "--with-compute-unit-limit", "200000"];
    let dry = open(&[&priced[..], &["--dry-run"]].concat()).json();
    assert_eq!(dry["fee"], 5_000 + 200_000, "a lamport for each unit, and one signature");
    open(&["--with-compute-unit-limit", "1000"]).fails(4, "");
    assert!(stage.vault(&alice.address(), 0).is_none());
    let before = lamports(stage, &alice.address());
    open(&priced).json();
    let vault = ballast_client::address::vault(&stage.site.market, &alice.address(), 0);
    assert_eq!(before - lamports(stage, &alice.address()), lamports(stage, &vault) + 5_000 + 200_000);
}

#[test]
fn what_is_read_is_as_settled_as_was_asked_for() {
    let stage = stage();
    let alice = stage.wallet("alice", &[]);
    let market = stage.site.market.to_string();
    for level in ["processed", "confirmed", "finalized"] {
        let (url, asked) = overheard(&stage.url());
        let list = ["-u", &url, "-k", alice.file(), "--market", &market, "vault", "list", "--commitment", level];
        assert_eq!(stage.bare("", &list).code, 0);
        let asked = asked.lock().expect("nobody panicked");
        let levels = asked.iter().flat_map(|request| request["params"].as_array().cloned().unwrap_or_default());
        let levels: Vec<Value> = levels.filter_map(|part| part.get("commitment").cloned()).collect();
        assert!(!levels.is_empty() && levels.iter().all(|found| found == level), "{level}: {asked:?}");
    }
}

#[test]
fn one_of_several_definitions_is_chosen_by_its_name() {
    let stage = stage();
    let governance = stage.wallet("governance", &[]);
    let new = stage.saved("chosen", key(&mut Random::new(31, "market")));
    for (number, name) in [("0001", "first"), ("0002", "second")] {
        stage.file(&format!("several/{number}-{name}.toml"), &format!("market = \"{name}\"\n"));
    }
    let directory = stage.path("several");
    let migrate = ["migrate", &directory, "--market-keypair", new.file()];
    stage.without_market(&governance, &migrate).fails(2, "choose one with --name");
    let applied = stage.without_market(&governance, &[&migrate[..], &["--name", "second"]].concat()).json();
    assert_eq!((applied.as_array().map(Vec::len), &applied[0]["name"]), (Some(1), &"second".into()), "{applied}");
    assert_eq!(applied[0]["market"], new.address().to_string());
}

#[test]
fn options_of_gov_say_how_slowly_how_many_and_from_which_draft() {
    let stage = stage();
    let (governance, quant) = (stage.governance(), stage.wallet("quant", &[]));
    let ramped = ["gov", "diff", "--set", "SOL.haircut_maint=20%", "--ramp", "7d"];
    assert_eq!(stage.run(&quant, &ramped).json()[0]["rampSeconds"], 7 * 86_400);

    let lender = stage.wallet("lender", &[(USDC, 1_000_000_000_000)]);
    stage.run(&lender, &["vault", "open"]).json();
    stage.run(&lender, &["vault", "deposit", "USDC=1000000"]).json();
    for debt in ["6800", "7000"] {
        let borrower = stage.wallet(&format!("owes {debt}"), &[(SOL, 100_000_000_000)]);
        stage.run(&borrower, &["vault", "open"]).json();
        stage.run(&borrower, &["vault", "deposit", "SOL=100"]).json();
        stage.run(&borrower, &["vault", "borrow", &format!("USDC={debt}")]).json();
    }
    let impact = ["gov", "impact", "--set", "SOL.haircut_init=33%", "--worst", "1"];
    let told = stage.run(&quant, &impact).json();
    assert_eq!((&told["affected"], told["worst"].as_array().map(Vec::len)), (&2.into(), Some(1)));

    let path = stage.file("drafted.toml", &model::file(&model::rows()));
    let draft = stage.run(&quant, &["gov", "model", "upload", &path]).json()["draft"].clone();
    let proposed = stage.run(&governance, &["gov", "model", "propose", &path]).json();
    let change = proposed[0]["change"].as_str().expect("an address");
    let status = stage.run(&quant, &["gov", "status"]).json();
    stage.until(status["changes"][0]["eta"].as_u64().expect("a time"));
    let execute = |draft: &str| stage.run(&quant, &["gov", "execute", change, "--draft", draft]);
    execute(&quant.address().to_string()).fails(4, "");
    execute(draft.as_str().expect("an address")).json();
    assert_eq!(stage.books().market.model_version, 1);
}
