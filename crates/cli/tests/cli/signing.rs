//! Where signatures come from: together, in two steps, without a network; and what is shown without sending.

use ballast_client::Pubkey;
use ballast_client::nonce::{Nonce, SPACE};
use ballast_client::risk::health::Side;
use ballast_cluster::connection::Job;
use ballast_localnet::catalogue::{SOL, USDC};
use ballast_localnet::market::key;
use ballast_localnet::random::Random;
use base64::Engine;
use serde_json::json;
use solana_instruction::{AccountMeta, Instruction};
use solana_signer::Signer;

use crate::stage::{Stage, ballast, stage};

#[test]
fn a_vault_is_opened_filled_and_listed() {
    let stage = stage();
    let alice = stage.wallet("alice", &[(SOL, 5_000_000_000)]);
    let dry = stage.run(&alice, &["vault", "open", "--dry-run"]).json();
    assert_eq!(dry["status"], "dry-run");
    assert_eq!(dry["fee"], 5_000);
    assert!(stage.vault(&alice.address(), 0).is_none(), "a dry run changes nothing");

    let opened = stage.run(&alice, &["vault", "open"]).json();
    assert_eq!(opened["status"], "confirmed");
    assert_eq!(opened["owner"], alice.address().to_string());
    let deposited = stage.run(&alice, &["vault", "deposit", "SOL=1.5"]).json();
    assert_eq!(deposited["amounts"][0]["amount"], "1500000000");
    let vault = stage.vault(&alice.address(), 0).expect("a vault");
    assert_eq!((vault.holding(0).side, vault.holding(0).shares.get()), (Side::Deposit, 1_500_000_000));
    let listed = stage.run(&alice, &["vault", "list"]).json();
    assert_eq!(listed[0]["state"], "healthy");
    assert_eq!(listed[0]["equity"], stage.books().health(&vault).maint.equity.to_string());

    assert_eq!(listed[0]["owner"], alice.address().to_string());
    assert_eq!(stage.run(&alice, &["vault", "list", "--all"]).json(), listed, "nobody else is here");
    assert_eq!(stage.run(&alice, &["vault", "list", "--all", "--state", "liquidatable"]).json(), json!([]));

    stage.run(&alice, &["vault", "deposit", "DOGE=1"]).fails(2, "has no asset DOGE");
    let nobody =
        stage.bare("", &["-u", "http://127.0.0.1:1", "--market", &stage.site.market.to_string(), "vault", "list"]);
    nobody.fails(2, "make one with solana-keygen");
    let nowhere = stage.bare(
        "",
        &["-u", "http://127.0.0.1:1", "-k", alice.file(), "vault", "open", "--market", &stage.site.market.to_string()],
    );
    nowhere.fails(3, "cannot be simulated");
}

#[test]
fn two_people_sign_the_same_message_one_after_the_other() {
    let stage = stage();
    let (owner, payer) = (stage.wallet("owner", &[]), stage.wallet("payer", &[]));
    let (owner_key, payer_key) = (owner.address().to_string(), payer.address().to_string());
    let blockhash = stage.wait(stage.network.connection.client().get_latest_blockhash()).expect("a blockhash");
    let blockhash = blockhash.to_string();
    let market = stage.site.market.to_string();
    let open = ["vault", "open", "--id", "7", "--market", &market, "--blockhash", &blockhash, "--output", "json"];

    // The owner has no network at all.
    let offline = ["-u", "http://127.0.0.1:1", "-k", owner.file(), "--fee-payer", &payer_key, "--sign-only"];
    let signed = stage.bare("", &[&open[..], &offline[..]].concat()).json();
    assert_eq!(signed["status"], "signed");
    assert_eq!(signed["absent"], serde_json::json!([payer_key]));
    let signature = signed["signers"][0].as_str().expect("a signature").to_owned();
    assert!(signature.starts_with(&owner_key));

    let url = stage.url();
    let online = ["-u", &url, "-k", &owner_key, "--fee-payer", payer.file()];
    stage.bare("", &[&open[..], &online[..]].concat()).fails(2, "not signed by");
    let other = ["vault", "open", "--id", "8", "--market", &market, "--blockhash", &blockhash, "--signer", &signature];
    stage.bare("", &[&other[..], &online[..]].concat()).fails(2, "cannot be signed");
    let sent = stage.bare("", &[&open[..], &online[..], &["--signer", &signature]].concat()).json();
    assert_eq!(sent["status"], "confirmed");
    assert!(stage.vault(&owner.address(), 7).is_some());
}

#[test]
fn a_key_comes_from_standard_input_or_not_at_all() {
    let stage = stage();
    let bob = stage.wallet("bob", &[]);
    let key = std::fs::read_to_string(&bob.path).expect("the file");
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let open = ["-u", &url, "--market", &market, "--output", "json", "vault", "open", "-k"];
    let opened = stage.bare(&key, &[&open[..], &["-"]].concat()).json();
    assert_eq!(opened["owner"], bob.address().to_string());
    stage.bare("", &[&open[..], &["stdin:"]].concat()).fails(2, "your key (-k)");
    stage.bare("", &[&open[..], &["usb://ledger"]].concat()).fails(2, "--features usb");
    stage.bare("", &[&open[..], &["prompt:?x=1"]].concat()).fails(2, "say ?key=ACCOUNT");
    ballast(&["vault", "open", "-u", "nowhere", "-k", bob.file()]).fails(2, "nowhere is no URL");
    ballast(&["vault", "open", "-u", "l", "-k", bob.file()]).fails(2, "which market?");
    ballast(&["vault"]).fails(2, "Usage");
}

#[test]
fn a_loan_is_signed_without_a_network_and_sent_later() {
    let stage = stage();
    let lender = stage.wallet("lender", &[(USDC, 1_000_000_000)]);
    stage.run(&lender, &["vault", "open"]).json();
    stage.run(&lender, &["vault", "deposit", "USDC=1000"]).json();
    let alice = stage.wallet("alice", &[(SOL, 5_000_000_000)]);
    stage.run(&alice, &["vault", "open"]).json();
    stage.run(&alice, &["vault", "deposit", "SOL=5"]).json();

    // What `solana account MARKET --output json` prints.
    let raw = stage.wait(stage.network.connection.account(&stage.site.market)).expect("an answer").expect("a market");
    let data = base64::prelude::BASE64_STANDARD.encode(&raw.data);
    let account = serde_json::json!({ "lamports": raw.lamports, "data": [data, "base64"],
        "owner": raw.owner.to_string(), "executable": false, "rentEpoch": 0, "space": raw.data.len() });
    let printed = serde_json::json!({ "pubkey": stage.site.market.to_string(), "account": account });
    let file = stage.file("market-account.json", &printed.to_string());

    let hash = stage.wait(stage.network.connection.client().get_latest_blockhash()).expect("a blockhash").to_string();
    let borrow = ["vault", "borrow", "USDC=100", "--market-account", &file, "--blockhash", &hash, "--output", "json"];
    let offline = ["-u", "http://127.0.0.1:1", "-k", alice.file(), "--sign-only"];
    let signed = stage.bare("", &[&borrow[..], &offline].concat()).json();
    assert_eq!(signed["absent"], serde_json::json!([]));
    let signature = signed["signers"][0].as_str().expect("a signature");
    let (url, key) = (stage.url(), alice.address().to_string());
    let online = ["-u", &url, "-k", &key, "--signer", signature];
    assert_eq!(stage.bare("", &[&borrow[..], &online].concat()).json()["status"], "confirmed");
    let vault = stage.vault(&alice.address(), 0).expect("a vault");
    assert_eq!(vault.holding(u8::try_from(USDC).expect("an index")).side, Side::Debt);

    let other = stage.file("other.json", &printed.to_string().replace(&raw.owner.to_string(), &key));
    let wrong = ["vault", "borrow", "USDC=100", "--market-account", &other, "-k", alice.file()];
    stage.bare("", &wrong).fails(2, "owned by");
    stage.bare("", &["vault", "borrow", "USDC=1", "--market-account", "/none", "-k", alice.file()]).fails(2, "/none");
}

const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);
const BLOCKHASHES: Pubkey = Pubkey::from_str_const("SysvarRecentB1ockHashes11111111111111111111");
const RENT: Pubkey = Pubkey::from_str_const("SysvarRent111111111111111111111111111111111");

impl Stage {
    /// A durable nonce of somebody's.
    fn nonce(&self, name: &str, authority: &Pubkey) -> Pubkey {
        let (payer, nonce) = (&self.site.payer, key(&mut Random::new(1, name)));
        let space = u64::try_from(SPACE).expect("a size");
        let create = [&[0; 4], &2_000_000u64.to_le_bytes()[..], &space.to_le_bytes(), SYSTEM.as_ref()].concat();
        let create = Instruction {
            program_id: SYSTEM,
            accounts: vec![AccountMeta::new(payer.pubkey(), true), AccountMeta::new(nonce.pubkey(), true)],
            data: create,
        };
        let accounts = vec![
            AccountMeta::new(nonce.pubkey(), false),
            AccountMeta::new_readonly(BLOCKHASHES, false),
            AccountMeta::new_readonly(RENT, false),
        ];
        let data = [&[6, 0, 0, 0], authority.as_ref()].concat();
        let initialise = Instruction { program_id: SYSTEM, accounts, data };
        let job = Job::new("a nonce", vec![create, initialise], &[payer, &nonce]);
        self.wait(self.network.connection.send(job)).expect("a nonce");
        nonce.pubkey()
    }
}

#[test]
fn a_durable_nonce_gives_several_people_days_to_sign() {
    let stage = stage();
    let (owner, payer, guard) = (stage.wallet("owner", &[]), stage.wallet("payer", &[]), stage.wallet("guard", &[]));
    let [owner_key, payer_key, guard_key] = [&owner, &payer, &guard].map(|wallet| wallet.address().to_string());
    let nonce = stage.nonce("nonce", &guard.address());
    let (nonce_key, market, url) = (nonce.to_string(), stage.site.market.to_string(), stage.url());
    let open = ["vault", "open", "--id", "9", "--market", &market, "--nonce", &nonce_key, "--output", "json"];

    // The first signs without saying a blockhash: the account has it.
    let first = ["-u", &url, "-k", owner.file(), "--fee-payer", &payer_key, "--nonce-authority", &guard_key];
    let signed = stage.bare("", &[&open[..], &first, &["--sign-only"]].concat()).json();
    assert_eq!(signed["absent"], serde_json::json!([payer_key, guard_key]));
    let (value, message) = (&signed["blockhash"], signed["message"].as_str().expect("a message"));
    let shown =
        stage.bare("", &["-u", &url, "--market", &market, "--output", "json", "gov", "verify-message", message]);
    let shown = shown.json();
    assert_eq!(shown["durableNonce"], serde_json::json!({"account": nonce_key, "authority": guard_key}));
    assert_eq!((&shown["blockhash"], &shown["understood"]), (value, &true.into()));

    // The second has no network, and so says it. What both have made is sent by the third.
    let second = ["-u", "http://127.0.0.1:1", "-k", &owner_key, "--fee-payer", &payer_key, "--sign-only"];
    let authority = ["--nonce-authority", guard.file(), "--blockhash", value.as_str().expect("a hash")];
    let guarded = stage.bare("", &[&open[..], &second, &authority].concat()).json();
    assert_eq!(guarded["message"], signed["message"]);
    let [by_owner, by_guard] = [&signed, &guarded].map(|one| one["signers"][0].as_str().expect("a signature"));
    let third = ["-u", &url, "-k", &owner_key, "--fee-payer", payer.file(), "--nonce-authority", &guard_key];
    let sent = stage.bare("", &[&open[..], &third, &["--signer", by_owner, "--signer", by_guard]].concat()).json();
    assert_eq!(sent["status"], "confirmed");
    assert!(stage.vault(&owner.address(), 9).is_some());
    let raw = stage.wait(stage.network.connection.account(&nonce)).expect("an answer").expect("the nonce");
    let after = Nonce::decode(&raw.owner, &raw.data).expect("a nonce");
    assert_ne!(after.value.to_string(), value.as_str().expect("a hash"), "it is used up");

    let other =
        ["vault", "open", "--id", "10", "--market", &market, "--output", "json", "-u", &url, "-k", owner.file()];
    stage.bare("", &[&other[..], &["--nonce", &nonce_key]].concat()).fails(2, "name it with --nonce-authority");
    stage.bare("", &[&other[..], &["--nonce", &market]].concat()).fails(2, "is no nonce");
    stage.bare("", &[&other[..], &["--nonce-authority", &guard_key]].concat()).fails(2, "--nonce <ADDRESS>");
}

#[test]
fn a_market_that_refuses_nonces_says_so_before_anybody_signs() {
    let stage = stage();
    let governance = stage.governance();
    let nonce = stage.nonce("governance's nonce", &governance.address()).to_string();
    let propose = ["gov", "propose", "--set", "SOL.haircut_init=35%", "--nonce", &nonce];
    let sign_only = [&propose[..], &["--sign-only"]].concat();
    stage.run(&governance, &sign_only).json();
    let several = stage.run(&governance, &[&sign_only[..], &["--set", "BTC.haircut_init=30%"]].concat());
    assert!(several.code == 2 && several.stderr.contains("sign them one by one"), "{several:?}");

    let stricter = stage.run(&governance, &["gov", "apply", "--set", "market.refuse_nonces=yes"]).json();
    assert_eq!(stricter[0]["status"], "confirmed");
    stage.run(&governance, &propose).fails(2, "refuses durable nonces in propose_change");
    stage.run(&governance, &sign_only).fails(2, "refuses durable nonces in propose_change");
    // A pause may wait in a drawer.
    let pause = stage.run(&governance, &["gov", "pause", "borrow", "--nonce", &nonce, "--sign-only"]).json();
    assert_eq!(pause["status"], "signed");
    stage.run(&governance, &["gov", "pause", "borrow", "--nonce", &nonce]).json();
}
