//! Markets from the command line: created empty, filled asset by asset, shown, opened.

use ballast_client::{Pausable, change, snapshot};
use ballast_cluster::connection::Job;
use ballast_localnet::catalogue::{COUNT, SOL};
use ballast_localnet::market::key;
use ballast_localnet::random::Random;
use solana_signer::Signer;

use crate::stage::stage;

/// An asset file for SOL with a mint and more.
fn sol(mint: &str, more: &str) -> String {
    format!(
        "name = \"SOL\"\nmint = \"{mint}\"\ndecimals = 9\n\
         source = {{ kind = \"pyth-pull\", feed = \"{}\" }}\n{more}",
        "07".repeat(32)
    )
}

#[test]
fn an_empty_market_is_filled_and_opened() {
    let stage = stage();
    let governance = stage.wallet("governance", &[]);
    let new = stage.saved("bare", key(&mut Random::new(4, "market")));
    let address = new.address().to_string();
    let guardian = stage.wallet("guardian", &[]).address().to_string();
    let create = ["market", "create", "--market-keypair", new.file(), "--guardian", &guardian];
    let created = stage.run(&governance, &create).json();
    assert_eq!(created["market"], address);

    let run = |arguments: &[&str]| stage.run(&governance, &[arguments, &["--market", &address]].concat());
    let mint = stage.site.mints[SOL].to_string();
    let list = |text: &str| run(&["market", "list-asset", &stage.file("asset.toml", text)]);
    list(&sol(&mint, "parameters = { haircut_initial = \"5%\" }")).fails(2, "there is no such parameter");
    list(&sol(&mint, "parameters = { max_age = \"1h\" }")).fails(2, "out of its range");
    list(&sol(&guardian, "")).fails(2, "not a mint");
    list(&sol(&mint, "token_program = \"token-2022\"")).fails(2, "belongs to token program");
    list(&sol(&mint, "source = 1")).fails(2, "asset.toml");
    // What an asset is like is judged by the market, once it is listed: that is done, and told.
    let stopped = list(&sol(&mint, "parameters = { haircut = [\"10%\", \"20%\", \"30%\"] }"));
    let told: serde_json::Value = serde_json::from_str(&stopped.stdout).expect("what was done before");
    assert_eq!((&told["status"], &told["steps"][0]["what"]), (&"stopped".into(), &"list SOL".into()));
    assert_eq!((stopped.failure()["class"].as_str(), stopped.code), (Some("input"), 4));
    assert!(stopped.stderr.contains("out of order"), "{stopped:?}");

    let listed = list(&sol(&mint, "parameters = { haircut = [\"30%\", \"20%\", \"10%\"], deposit_cap = 1000 }")).json();
    assert_eq!(listed["status"], "applied");
    assert_eq!(list(&sol(&mint, "parameters = { deposit_cap = 1000 }")).json()["status"], "nothing-to-do");
    let shown = run(&["market", "show"]).json();
    assert_eq!((&shown["state"], &shown["roles"]["guardian"]), (&"set-up".into(), &guardian.clone().into()));
    let asset = &shown["assets"][0];
    assert_eq!(asset["parameters"]["haircut"], serde_json::json!(["30%", "20%", "10%"]));
    assert_eq!(asset["depositCapLeft"]["amount"], "1000000000000");
    assert_eq!(asset["restrictions"][0], "no borrowing or withdrawing: it has never had a price; refresh it");

    let nobody = stage.wallet("nobody", &[]);
    stage.run(&nobody, &["market", "open", "--market", &address]).fails(4, "NotGovernance");
    assert_eq!(run(&["market", "open"]).json()["status"], "confirmed");
    assert_eq!(run(&["market", "show"]).json()["state"], "open");
    run(&["market", "open"]).fails(4, "MarketOpen");
    stage.run(&governance, &["market", "show", "--market", &guardian]).fails(2, "not a market");
}

#[test]
fn a_market_is_shown_as_the_chain_has_it() {
    let stage = stage();
    let alice = stage.wallet("alice", &[(SOL, 4_000_000_000)]);
    stage.run(&alice, &["vault", "open"]).json();
    stage.run(&alice, &["vault", "deposit", "SOL=4"]).json();
    stage.run(&alice, &["vault", "borrow", "USDC=1"]).fails(5, "NotEnoughCash");
    let books = stage.books();
    let shown = stage.run(&alice, &["market", "show"]).json();
    assert_eq!(shown["assets"].as_array().map(Vec::len), Some(COUNT));
    for (view, asset) in shown["assets"].as_array().expect("assets").iter().zip(books.market.listed()) {
        let pool = asset.accrued_pool(books.now);
        assert_eq!(view["deposits"]["amount"], pool.deposits_ceil().expect("a sum").get().to_string());
        assert_eq!(view["cash"]["amount"], asset.cash.to_string());
        assert_eq!(view["debtCap"]["amount"], asset.debt_cap.to_string());
        assert_eq!(view["price"]["publishTime"], asset.publish_time);
        assert_eq!(view["borrowRate"], asset.borrow_rate);
    }
    assert_eq!(shown["assets"][SOL]["deposits"]["uiAmountString"], "4");

    let pause = change::pause(&stage.site.governance.pubkey(), &stage.site.market, Pausable::Borrow, 600);
    let pause = Job::new("pause", vec![pause], &[&stage.site.payer, &stage.site.governance]);
    stage.wait(stage.network.connection.send(pause)).expect("a pause");
    stage.run(&alice, &["vault", "borrow", "USDC=1"]).fails(4, "Paused");
    let books = stage.books();
    let shown = stage.run(&alice, &["market", "show"]).json();
    assert_eq!(shown["borrowPausedUntil"], books.market.borrow_pause.until);
    let table = stage.run(&alice, &["market", "show", "--output", "table"]);
    assert!(table.stdout.contains("borrowing until"), "{table:?}");
    let vault = stage.vault(&alice.address(), 0).expect("a vault");
    assert_eq!(snapshot::health(&books.market, &vault, books.now).maint.debts, 0);
}
