//! Money in and out of vaults from the command line: what moves, native SOL, prices that have to be refreshed first, gifts to
//! the reserve and bad debt.

use ballast_client::local::{Published, RECEIVER, Verification, mint, price_update};
use ballast_client::oracle::sponsored;
use ballast_client::preview::pico_dollars;
use ballast_client::risk::health::Side;
use ballast_client::risk::holding::Holding;
use ballast_client::token::{NATIVE_MINT, SPL_TOKEN};
use ballast_client::{ID, Pubkey, account, address, token};
use ballast_cluster::books::read_clock;
use ballast_localnet::catalogue::{SOL, USDC};
use ballast_localnet::market::key;
use ballast_localnet::network::Placed;
use ballast_localnet::oracle::Feeds;
use ballast_localnet::random::Random;
use serde_json::json;

use crate::migrations::LOCAL;
use crate::stage::{Stage, Wallet, altered, stage};
use crate::vaults::{balance, lender};

/// An index as the program has it.
fn index(asset: usize) -> u8 {
    u8::try_from(asset).expect("an index")
}

impl Stage {
    fn lamports(&self, address: &Pubkey) -> u64 {
        self.wait(self.network.connection.account(address)).expect("an answer").map_or(0, |raw| raw.lamports)
    }

    /// A vault of somebody's loses what it has of an asset, past the program.
    pub fn takes_collateral(&self, owner: &Pubkey, id: u16, asset: usize) {
        let mut vault = self.vault(owner, id).expect("a vault");
        vault.set_holding(index(asset), Holding::EMPTY).expect("room");
        let place =
            Placed { address: address::vault(&self.site.market, owner, id), owner: ID, data: account::encode(&vault) };
        self.wait(self.network.place(vec![place])).expect("an account");
    }

    /// All prices are this much older.
    fn ages(&self, seconds: i64) {
        self.wait(async {
            let now = i64::try_from(read_clock(&self.network.connection).await.expect("a clock")).expect("a time");
            self.network.travel(now + seconds).await.expect("time passes");
        });
    }
}

/// Somebody with 10 SOL in vault 0 who can borrow dollars.
fn borrower(stage: &Stage) -> Wallet {
    lender(stage);
    let alice = stage.wallet("alice", &[(SOL, 10_000_000_000), (USDC, 1_000_000_000)]);
    stage.run(&alice, &["vault", "open"]).json();
    stage.run(&alice, &["vault", "deposit", "SOL=10"]).json();
    alice
}

#[test]
fn a_repayment_says_what_was_asked_for_and_what_moves() {
    let stage = stage();
    let alice = borrower(stage);
    let borrowed = stage.run(&alice, &["vault", "borrow", "USDC=100"]).json();
    assert_eq!(borrowed["amounts"][0]["asked"]["amount"], "100000000");
    assert_eq!(borrowed["amounts"][0]["amount"], "100000000");

    let dry = stage.run(&alice, &["vault", "repay", "USDC=1000", "--dry-run"]).json();
    let moves = &dry["amounts"][0];
    assert_eq!((&moves["asset"], &moves["asked"]["uiAmountString"]), (&"USDC".into(), &"1000".into()));
    let owed: u64 = moves["amount"].as_str().expect("an amount").parse().expect("a number");
    // The debt and a few seconds of interest, of which a day is less than two cents.
    assert!((100_000_000..100_020_000).contains(&owed), "{moves}");

    let before = balance(stage, &alice, USDC);
    let repaid = stage.run(&alice, &["vault", "repay", "USDC=all"]);
    assert!(repaid.stderr.contains("repay 100"), "{repaid:?}");
    let moves = &repaid.json()["amounts"][0];
    assert_eq!(moves["asked"], json!(null));
    let foreseen: u64 = moves["amount"].as_str().expect("an amount").parse().expect("a number");
    let paid = before - balance(stage, &alice, USDC);
    assert!(foreseen <= paid && paid < 100_020_000, "{foreseen} was foreseen, {paid} was paid");
    assert_eq!(stage.vault(&alice.address(), 0).expect("a vault").holding(index(USDC)).side, Side::Deposit);
}

#[test]
fn a_loan_that_the_program_refuses_says_so_before_it_is_signed_elsewhere() {
    let stage = stage();
    let alice = borrower(stage);
    let signed = stage.run(&alice, &["vault", "borrow", "USDC=5000", "--sign-only"]);
    assert_eq!(signed.code, 0, "{signed:?}");
    assert!(signed.stderr.contains("THE PROGRAM REFUSES THIS: BelowInitMargin"), "{signed:?}");
    let fine = stage.run(&alice, &["vault", "borrow", "USDC=5", "--sign-only"]);
    assert!(!fine.stderr.contains("REFUSES"), "{fine:?}");
}

#[test]
fn an_owner_asks_for_more_margin_than_the_market_and_for_an_end() {
    let stage = stage();
    let alice = borrower(stage);
    let borrow = |more: &[&str]| stage.run(&alice, &[&["vault", "borrow", "USDC=300"], more].concat());
    borrow(&["--least-margin", "300%"]).fails(5, "MarginBelowGuard");
    borrow(&["--deadline-slot", "1"]).fails(4, "DeadlinePassed");
    borrow(&["--least-margin", "2"]).fails(2, "write 120%");
    borrow(&["--least-margin", "200%", "--deadline-slot", "1000000000000"]).json();
    stage.run(&alice, &["vault", "repay", "USDC=1", "--deadline-slot", "1"]).fails(4, "DeadlinePassed");
    stage.run(&alice, &["vault", "repay", "USDC=1", "--least-margin", "105%"]).fails(2, "unexpected argument");
}

/// Five loans at once fit one transaction, and five loans with six prices do not.
#[test]
fn prices_that_do_not_fit_beside_the_loans_are_refreshed_ahead() {
    let stage = stage();
    let lent = ["BTC", "ETH", "USDT", "JUP"];
    let assets = [1, 2, 5, 6];
    let other = stage.wallet("other", &assets.map(|asset| (asset, 1_000_000_000)));
    stage.run(&other, &["vault", "open"]).json();
    for asset in lent {
        stage.run(&other, &["vault", "deposit", asset, "all"]).json();
    }
    let alice = borrower(stage);
    stage.ages(400);
    stage.publish();
    let loans = ["vault", "borrow", "USDC=1", "BTC=0.0001", "ETH=0.001", "USDT=1", "JUP=1"];
    stage.run(&alice, &[&loans[..], &["--dry-run"]].concat()).fails(2, "price refresh --stale");
    let borrowed = stage.run(&alice, &loans).json();
    assert_eq!(borrowed["refreshes"].as_array().map(Vec::len), Some(1), "{borrowed}");
    assert_eq!(borrowed["refreshes"][0]["status"], "confirmed");
    assert_eq!((balance(stage, &alice, 6), borrowed["amounts"].as_array().map(Vec::len)), (1_000_000, Some(5)));
}

/// A market whose first asset is native SOL, and whose second is the dollar of the network.
fn native(stage: &Stage) -> Pubkey {
    let governance = stage.wallet("native governance", &[]);
    let nobody = Pubkey::default();
    let data = mint(&nobody, 9, 0);
    stage.wait(stage.network.place(vec![Placed { address: NATIVE_MINT, owner: SPL_TOKEN, data }])).expect("a mint");
    let mut blocks = LOCAL.split("[[assets]]");
    let head = blocks.next().expect("what stands in front of the assets");
    let kept =
        blocks.filter(|block| ["\nname = \"SOL\"", "\nname = \"USDC\""].iter().any(|name| block.starts_with(name)));
    let text = kept.fold(head.to_owned(), |text, block| format!("{text}[[assets]]{block}"));
    let text = text.replace(&stage.site.mints[SOL].to_string(), &NATIVE_MINT.to_string());
    let new = stage.saved("native", key(&mut Random::new(77, "market")));
    let file = stage.file("native.toml", &text);
    stage.without_market(&governance, &["market", "create", &file, "--market-keypair", new.file()]).json();
    new.address()
}

#[test]
fn native_sol_is_wrapped_for_a_payment_and_arrives_as_lamports() {
    let stage = stage();
    let market = native(stage).to_string();
    let payer = stage.wallet("fee payer", &[]);
    let [alice, bob] = ["alice", "bob"].map(|name| stage.wallet(name, &[(USDC, 1_000_000_000)]));
    let run = |wallet: &Wallet, arguments: &[&str]| {
        stage.run(wallet, &[arguments, &["--market", &market, "--fee-payer", payer.file()]].concat())
    };
    let wrapped = |wallet: &Wallet| token::address(&wallet.address(), &NATIVE_MINT, &SPL_TOKEN);
    let start = stage.lamports(&alice.address());
    for wallet in [&alice, &bob] {
        run(wallet, &["vault", "open"]).json();
    }

    // A deposit takes its lamports and nothing else; nothing is left of the account that it went through.
    run(&alice, &["vault", "deposit", "SOL=all"]).fails(2, "say how much of its lamports");
    let deposit = run(&alice, &["vault", "deposit", "SOL=2"]);
    assert!(deposit.stderr.contains("wraps 2 SOL first"), "{deposit:?}");
    deposit.json();
    assert_eq!((stage.lamports(&alice.address()), stage.lamports(&wrapped(&alice))), (start - 2_000_000_000, 0));
    run(&alice, &["vault", "withdraw", "SOL=0.5"]).json();
    assert_eq!((stage.lamports(&alice.address()), stage.lamports(&wrapped(&alice))), (start - 1_500_000_000, 0));

    // A loan arrives as lamports, and all of it is paid back from lamports.
    run(&bob, &["vault", "deposit", "USDC=1000"]).json();
    stage.publish();
    run(&bob, &["price", "refresh"]).json();
    let before = stage.lamports(&bob.address());
    run(&bob, &["vault", "borrow", "SOL=1"]).json();
    assert_eq!(stage.lamports(&bob.address()), before + 1_000_000_000);
    let repaid = run(&bob, &["vault", "repay", "SOL=all"]).json();
    assert_eq!(repaid["amounts"][0]["asked"], json!(null));
    let interest = before - stage.lamports(&bob.address());
    assert!(interest < 1_000_000, "{interest} lamports for a loan of seconds");
    assert_eq!(stage.lamports(&wrapped(&bob)), 0);

    // Who wants tokens gets them. They are used before any lamports, and what was wrapped stays so.
    run(&alice, &["vault", "withdraw", "SOL=0.5", "--keep-wrapped"]).json();
    let held = |wallet: &Wallet| {
        let raw =
            stage.wait(stage.network.connection.account(&wrapped(wallet))).expect("an answer").expect("an account");
        account::token(&raw.owner, &raw.data).expect("a token account").amount
    };
    assert_eq!(held(&alice), 500_000_000);
    let withdrawn = run(&alice, &["vault", "withdraw", "SOL=0.1"]);
    assert!(withdrawn.stderr.contains("arrives as wrapped SOL"), "{withdrawn:?}");
    assert_eq!(held(&alice), 600_000_000);
    let before = stage.lamports(&alice.address());
    run(&alice, &["vault", "deposit", "SOL=0.7"]).json();
    assert_eq!((held(&alice), stage.lamports(&alice.address())), (0, before - 100_000_000));
}

#[test]
fn anybody_gives_to_a_reserve_and_writes_bad_debt_off() {
    let stage = stage();
    let alice = borrower(stage);
    let cash = || stage.books().market.assets[USDC].cash;
    let (had, pool) = (balance(stage, &alice, USDC), cash());
    let gift = stage.run(&alice, &["market", "fund-reserve", "USDC=5.5"]).json();
    assert_eq!((&gift["amounts"][0]["asset"], &gift["amounts"][0]["amount"]), (&"USDC".into(), &"5500000".into()));
    assert_eq!((had - balance(stage, &alice, USDC), cash() - pool), (5_500_000, 5_500_000));
    stage.run(&alice, &["market", "fund-reserve", "USDC=all"]).fails(2, "say how much USDC");
    stage.run(&alice, &["market", "fund-reserve", "USDC=0"]).fails(4, "AmountIsZero");
    stage.run(&alice, &["market", "fund-reserve", "USDC=1", "--deadline-slot", "1"]).fails(4, "DeadlinePassed");

    let bob = stage.wallet("bob", &[]);
    let vault = address::vault(&stage.site.market, &alice.address(), 0).to_string();
    let absorb = |more: &[&str]| stage.run(&bob, &[&["vault", "absorb", "--vault", &vault], more].concat());
    absorb(&[]).fails(5, "NoDebt");
    stage.run(&alice, &["vault", "borrow", "USDC=100"]).json();
    absorb(&[]).fails(5, "CollateralLeft");
    stage.takes_collateral(&alice.address(), 0, SOL);
    let dry = absorb(&["--dry-run"]).json();
    assert_eq!((&dry["status"], &dry["debts"][0]["asset"]), (&"dry-run".into(), &"USDC".into()));
    let written_off = absorb(&[]).json();
    assert_eq!(written_off["owner"], alice.address().to_string());
    let owed: u64 = written_off["debts"][0]["amount"].as_str().expect("an amount").parse().expect("a number");
    assert!((100_000_000..100_020_000).contains(&owed), "{written_off}");
    assert!(!stage.vault(&alice.address(), 0).expect("a vault").has_debt());
}

#[test]
fn a_price_is_the_same_integer_wherever_it_is_printed() {
    let stage = stage();
    let alice = borrower(stage);
    stage.run(&alice, &["vault", "borrow", "USDC=100"]).json();
    let shown = stage.run(&alice, &["market", "show"]).json();
    let vault = stage.run(&alice, &["vault", "show"]).json();
    let checked = stage.run(&alice, &["price", "check"]).json();
    let market = stage.books().market;
    for (at, asset) in market.listed().iter().enumerate() {
        let number = pico_dollars(asset.spot().expect("a price"), asset.decimals).expect("64 bits").to_string();
        assert_eq!(shown["assets"][at]["price"]["picoDollars"], number);
        let name = &shown["assets"][at]["name"];
        let of_vault =
            vault["liquidationPrices"].as_array().expect("prices").iter().find(|line| line["asset"] == *name);
        assert!(of_vault.is_none_or(|line| line["price"] == number), "{name}");
    }
    let tables = ["show", "check"].map(|verb| {
        let noun = if verb == "show" { "market" } else { "price" };
        stage.run(&alice, &[noun, verb, "--output", "table"]).stdout
    });
    for at in 0..market.listed().len() {
        let (name, price) = (&checked[at]["asset"], checked[at]["price"].as_str().expect("a price"));
        let name = name.as_str().expect("a name");
        for table in &tables {
            let line = table.lines().find(|line| line.split_whitespace().next() == Some(name)).expect("a line");
            assert_eq!(line.split_whitespace().nth(1), Some(price), "{table}");
        }
    }
}

/// Many public nodes do not search the accounts of large programs.
#[test]
fn a_node_that_refuses_a_search_is_no_hindrance() {
    let stage = stage();
    let alice = borrower(stage);
    let refusing = altered(
        &stage.url(),
        "getProgramAccounts",
        |_| json!({ "error": { "code": -32010, "message": "excluded from account secondary indexes" } }),
    );
    let market = stage.site.market.to_string();
    let run = |arguments: &[&str]| {
        let node = ["--url", &refusing, "--keypair", alice.file(), "--market", &market, "--output", "json"];
        stage.bare("", &[&node[..], arguments].concat())
    };
    // Prices that count need nothing; those that do not are missing, which is what the program says, and no failure of the node.
    run(&["vault", "borrow", "USDC=1"]).json();
    stage.ages(400);
    stage.publish();
    run(&["vault", "borrow", "USDC=1", "--refresh", "always"]).fails(3, "getProgramAccounts failed");
    let stuck = run(&["vault", "borrow", "USDC=1"]);
    assert!(stuck.code == 5 && stuck.stderr.contains("The price of SOL is not refreshed"), "{stuck:?}");
    assert!(stuck.stderr.contains("PriceUnusable"), "{stuck:?}");

    // The publishers' own accounts are found without a search.
    let time = stage.wait(read_clock(&stage.network.connection)).expect("a clock");
    let place = |(asset, dollars): (usize, i64)| {
        let feed = Feeds::id(asset);
        let price = Published {
            price: dollars * 100_000_000,
            confidence: 0,
            exponent: -8,
            publish_time: i64::try_from(time).expect("a time"),
        };
        let address = sponsored(&RECEIVER, &feed).expect("an account");
        Placed { address, owner: RECEIVER, data: price_update(&feed, &price, Verification::Full, 1) }
    };
    stage.wait(stage.network.place([(SOL, 101), (USDC, 1)].map(place).into())).expect("accounts");
    run(&["vault", "borrow", "USDC=1"]).json();
    assert_eq!(run(&["price", "check", "SOL"]).json()[0]["price"], "$101");
}
