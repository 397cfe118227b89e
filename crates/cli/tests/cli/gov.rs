//! `ballast gov`: what is told before a change is what happens with it.

use ballast_client::snapshot;
use ballast_client::table::Parameter;
use ballast_client::{Pubkey, change};
use ballast_cluster::books::read_clock;
use ballast_localnet::catalogue::{SOL, USDC};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::stage::{Stage, Wallet, stage};

impl Stage {
    fn now(&self) -> u64 {
        self.wait(read_clock(&self.network.connection)).expect("a clock")
    }

    pub fn until(&self, seconds: u64) {
        self.wait(self.network.travel(i64::try_from(seconds).expect("a time"))).expect("another time");
    }

    pub fn governance(&self) -> Wallet {
        let wallet = self.saved("governance", self.site.governance.clone());
        self.wait(self.network.fund([wallet.address()])).expect("lamports");
        wallet
    }

    /// Governance hands a role over, and whoever gets it accepts.
    pub fn appoints(&self, role: &str, to: &Wallet) {
        let set = format!("role.{role}={}", to.address());
        let proposed = self.run(&self.governance(), &["gov", "propose", "--set", &set]).json();
        self.until(self.now() + 3 * 86_400);
        self.run(to, &["gov", "execute", text(&proposed[0]["change"])]).json();
        let status = self.run(to, &["gov", "status"]).json();
        let named = format!("{} is named for {role} and has to accept", to.address());
        assert_eq!(status["underWay"][0]["what"], named);
        self.run(to, &["gov", "accept-role", role]).json();
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn a_change_is_shown_proposed_watched_and_executed_by_anybody() {
    let stage = stage();
    let (governance, anybody) = (stage.governance(), stage.wallet("passer-by", &[]));
    let set = ["--set", "SOL.haircut_init=35%", "--set", "SOL.bonus_most=10%"];
    let told = stage.run(&anybody, &[&["gov", "diff"], &set[..]].concat()).json();
    let lines = &told[0]["lines"];
    assert_eq!((text(&told[0]["asset"]), text(&lines[0]["parameter"])), ("SOL", "haircut_init"));
    assert_eq!((text(&lines[0]["from"]["text"]), text(&lines[0]["to"]["text"])), ("28%", "35%"));
    assert_eq!((text(&lines[0]["direction"]), text(&lines[1]["direction"])), ("tightens", "neither"));
    assert_eq!(told[0]["atOnce"]["error"], "MustWait", "a bonus waits");
    assert_eq!((&told[0]["propose"]["allowed"], &told[0]["dates"]["delaySeconds"]), (&true.into(), &172_800.into()));
    assert_eq!(told[0]["cancelledBy"], json!(["governance", "guardian"]));

    // Only governance may; a dry run changes nothing.
    stage.run(&anybody, &[&["gov", "propose"], &set[..]].concat()).fails(4, "NotGovernance");
    let dry = stage.run(&governance, &[&["gov", "propose", "--dry-run"], &set[..]].concat()).json();
    assert_eq!(dry[0]["status"], "dry-run");
    assert_eq!(stage.run(&anybody, &["gov", "status"]).json()["changes"], json!([]));
    let proposed = stage.run(&governance, &[&["gov", "propose"], &set[..]].concat()).json();
    let address = text(&proposed[0]["change"]).to_owned();
    assert_eq!((&proposed[0]["status"], &proposed[0]["lines"]), (&"confirmed".into(), lines));

    let status = stage.run(&anybody, &["gov", "status"]).json();
    let waiting = &status["changes"][0];
    assert_eq!((text(&waiting["change"]), text(&waiting["state"])), (&*address, "waiting"));
    assert_eq!((&waiting["lines"], text(&waiting["proposer"])), (lines, &*governance.address().to_string()));
    assert_eq!((&waiting["holds"]["allowed"], &waiting["execution"]["allowed"]), (&true.into(), &true.into()));
    let eta = waiting["eta"].as_u64().expect("a time");

    stage.run(&anybody, &["gov", "execute", &address]).fails(4, "ChangeNotDue");
    stage.until(eta);
    assert_eq!(stage.run(&anybody, &["gov", "status"]).json()["changes"][0]["state"], "due");
    let executed = stage.run(&anybody, &["gov", "execute", &address]).json();
    assert_eq!((&executed["status"], &executed["action"]), (&"confirmed".into(), &"execute".into()));
    stage.run(&anybody, &[&["gov", "diff"], &set[..]].concat()).fails(2, "nothing would change");
    assert_eq!(stage.run(&anybody, &["gov", "status"]).json()["changes"], json!([]));
    stage.run(&anybody, &["gov", "execute", &address]).fails(2, "no change is pending");
    stage.run(&anybody, &["gov", "execute", &stage.site.market.to_string()]).fails(2, "not a change");
}

#[test]
fn the_guardian_cancels_and_what_was_written_against_old_values_is_void() {
    let stage = stage();
    let (governance, guardian, anybody) =
        (stage.governance(), stage.wallet("guardian", &[]), stage.wallet("passer-by", &[]));
    stage.appoints("guardian", &guardian);
    let roles = stage.run(&anybody, &["gov", "roles"]).json();
    assert_eq!(roles[1], json!({"role": "guardian", "holder": guardian.address().to_string(), "named": null}));

    let raise = ["gov", "propose", "--set", "BTC.haircut_init=30%"];
    let proposed = stage.run(&governance, &raise).json();
    let address = text(&proposed[0]["change"]).to_owned();
    // The same again has the same address; with a seed it has another.
    stage.run(&governance, &raise).fails(4, "already in use");
    let again = stage.run(&governance, &[&raise[..], &["--seed", "second"]].concat()).json();
    stage.run(&anybody, &["gov", "cancel", &address]).fails(4, "NotGuardian");
    stage.run(&guardian, &["gov", "cancel", &address]).json();
    let left = stage.run(&anybody, &["gov", "status"]).json();
    assert_eq!(
        (left["changes"].as_array().map(Vec::len), &left["changes"][0]["change"]),
        (Some(1), &again[0]["change"])
    );

    // The guardian tightens less, at once; the proposal was written against what is no more.
    stage.run(&guardian, &["gov", "apply", "--set", "BTC.haircut_init=20%"]).fails(4, "MustWait");
    // Who signs for somebody else to send it, hears of that too.
    let signed = |wallet, haircut| {
        let set = format!("BTC.haircut_init={haircut}");
        let signed = stage.run(wallet, &["gov", "apply", "--sign-only", "--set", &set]);
        assert_eq!(signed.code, 0, "{signed:?}");
        signed.stderr.lines().find_map(|line| line.split_once("REFUSES THIS: ").map(|(_, why)| why.to_owned()))
    };
    assert!(signed(&guardian, "20%").is_some_and(|why| why.ends_with("(MustWait)")));
    assert!(signed(&anybody, "25%").is_some_and(|why| why.ends_with("(NotGuardian)")));
    assert_eq!(signed(&guardian, "25%"), None);
    let applied = stage.run(&guardian, &["gov", "apply", "--set", "BTC.haircut_init=25%"]).json();
    assert_eq!((&applied[0]["action"], &applied[0]["change"]), (&"apply".into(), &Value::Null));
    let stale = &stage.run(&anybody, &["gov", "status"]).json()["changes"][0];
    assert_eq!((&stale["state"], &stale["holds"]["error"]), (&"void".into(), &"ValueChanged".into()));
    stage.until(stale["eta"].as_u64().expect("a time"));
    stage.run(&anybody, &["gov", "execute", text(&again[0]["change"])]).fails(4, "ValueChanged");
    stage.run(&governance, &["gov", "cancel", text(&again[0]["change"])]).json();

    let paused = stage.run(&guardian, &["gov", "pause", "borrow", "--for", "1h"]).json();
    assert_eq!((&paused["action"], &paused["status"]), (&"pause".into(), &"confirmed".into()));
    let under_way = &stage.run(&anybody, &["gov", "status"]).json()["underWay"];
    assert!(
        under_way.as_array().expect("a list").iter().any(|line| line["what"] == "borrowing is paused"),
        "{under_way}"
    );
    stage.run(&anybody, &["gov", "resume", "borrow"]).fails(4, "NotGuardian");
    stage.run(&guardian, &["gov", "resume", "borrow"]).json();
    stage.run(&guardian, &["gov", "pause", "borrow", "--for", "2d"]).fails(2, "from 1s to 1d");
    stage.run(&anybody, &["gov", "accept-role", "steward"]).fails(4, "NotNamedForRole");
    stage.run(&anybody, &["gov", "accept-role", "king"]).fails(2, "the roles are");
}

#[test]
fn a_file_holds_several_changes_and_bad_input_says_what_to_write() {
    let stage = stage();
    let anybody = stage.wallet("passer-by", &[]);
    let file = stage.file(
        "wanted.toml",
        "ramp = \"7d\"\n[assets.SOL]\nhaircut = [\"35%\", \"28%\", \"18%\"]\nsource = \"pyth-push:11111111111111111111111111111112\"\n\
         [assets.USDC]\nconservative = true\nsource_checks = 20\n[market]\ndelay = \"3d\"\n[roles]\nsteward = \"nobody\"\n",
    );
    let told = stage.run(&anybody, &["gov", "diff", &file]).json();
    let kinds: Vec<_> = told.as_array().expect("a list").iter().map(|one| text(&one["kind"])).collect();
    assert_eq!(kinds, ["source", "parameters", "parameters", "parameters"], "the steward is nobody already");
    assert_eq!(text(&told[0]["to"]), "pyth-push:11111111111111111111111111111112");
    assert!(text(&told[0]["from"]).starts_with("pyth-pull:"));
    assert_eq!(
        (&told[1]["rampSeconds"], &told[1]["lines"][1]["ramps"]),
        (&604_800.into(), &false.into()),
        "nobody has SOL"
    );
    assert_eq!((&told[3]["asset"], &told[3]["dates"]["delaySeconds"]), (&Value::Null, &604_800.into()));

    let diff = |set: &str| stage.run(&anybody, &["gov", "diff", "--set", set]);
    diff("SOL.haircut_init=0.35").fails(2, "a part from 0% to 100%");
    diff("SOL.haircut=35%").fails(2, "do you mean haircut_init?");
    diff("DOGE.haircut_init=35%").fails(2, "has no asset DOGE");
    diff("SOL.source=chainlink:abc").fails(2, "with a kind of none, pyth-pull");
    diff("role.king=nobody").fails(2, "the roles are");
    diff("haircut_init=35%").fails(2, "is not understood");
    let twice = ["gov", "diff", "--set", "SOL.haircut_init=35%", "--set", "SOL.haircut_init=36%"];
    stage.run(&anybody, &twice).fails(2, "is set twice");
    stage.run(&anybody, &["gov", "diff"]).fails(2, "name a file");
    stage.run(&anybody, &["gov", "diff", "/nonexistent.toml"]).fails(2, "/nonexistent.toml");
    let bad = stage.file("bad.toml", "[assets.SOL]\nhaircut_init = 0.35\n");
    stage.run(&anybody, &["gov", "diff", &bad]).fails(2, "SOL.haircut_init");
    // A whole definition, as it is exported, with one value changed.
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let exported = stage.bare("", &["-u", &url, "--market", &market, "market", "export"]);
    let text = exported.stdout.replacen("\"28%\"", "\"29%\"", 1);
    assert_ne!(text, exported.stdout, "{exported:?}");
    let whole = stage.run(&anybody, &["gov", "diff", &stage.file("whole.toml", &text)]).json();
    assert_eq!((whole.as_array().map(Vec::len), &whole[0]["lines"][0]["to"]["text"]), (Some(1), &"29%".into()));
    // Its rises take the ramp, what is set beside it goes into the same change, and nothing is set twice.
    let file = stage.file("whole.toml", &text);
    let slowly =
        stage.run(&anybody, &["gov", "diff", &file, "--ramp", "14d", "--set", "SOL.haircut_target=30%"]).json();
    assert_eq!((slowly.as_array().map(Vec::len), &slowly[0]["rampSeconds"]), (Some(1), &1_209_600.into()));
    assert_eq!(slowly[0]["lines"].as_array().map(Vec::len), Some(2));
    let twice = ["gov", "diff", &file, "--set", "SOL.haircut_init=30%"];
    stage.run(&anybody, &twice).fails(2, "SOL.haircut_init: is set twice");
    // What was proposed before one of several fails is shown all the same.
    let governance = stage.governance();
    let several = ["gov", "propose", "--set", "SOL.haircut_init=36%", "--set", "market.delay=30d"];
    let half = stage.run(&governance, &several);
    assert!(half.code == 4 && half.stderr.contains("ParameterOutOfRange"), "{half:?}");
    let shown: Value = serde_json::from_str(&half.stdout).expect("the first one");
    assert_eq!((shown.as_array().map(Vec::len), &shown[0]["status"]), (Some(1), &"confirmed".into()));
    // What the table does not allow is told, not hidden.
    let steep = stage.run(&anybody, &["gov", "diff", "--set", "SOL.bonus_most=30%"]).json();
    assert_eq!(steep[0]["propose"]["error"], "ParameterOutOfRange");
}

#[test]
fn the_impact_is_what_is_counted_when_the_change_was_really_made() {
    let stage = stage();
    let (governance, anybody) = (stage.governance(), stage.wallet("passer-by", &[]));
    let lender = stage.wallet("lender", &[(USDC, 1_000_000_000_000)]);
    stage.run(&lender, &["vault", "open"]).json();
    stage.run(&lender, &["vault", "deposit", "USDC=1000000"]).json();
    for (at, debt) in ["2000", "6400", "6800", "7000"].into_iter().enumerate() {
        let borrower = stage.wallet(&format!("borrower {at}"), &[(SOL, 100_000_000_000)]);
        stage.run(&borrower, &["vault", "open"]).json();
        stage.run(&borrower, &["vault", "deposit", "SOL=100"]).json();
        stage.run(&borrower, &["vault", "borrow", &format!("USDC={debt}")]).json();
    }
    let set = ["--set", "SOL.haircut_init=33%"];
    let told = stage
        .run(&anybody, &[&["gov", "impact", "--shock", "SOL=-20%", "--shock", "all=-5%"], &set[..]].concat())
        .json();
    assert_eq!(
        (&told["before"]["restricted"]["vaults"], &told["after"]["restricted"]["vaults"]),
        (&0.into(), &2.into())
    );
    assert_eq!((&told["affected"], &told["after"]["liquidatable"]["vaults"]), (&2.into(), &0.into()));
    assert_eq!(told["worst"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&told["worst"][0]["before"]["state"], &told["worst"][0]["after"]["state"]),
        (&"healthy".into(), &"restricted".into())
    );
    assert_eq!(
        (&told["shocks"][0]["shock"], &told["shocks"][0]["before"]["liquidatable"]["vaults"]),
        (&"SOL=-20%".into(), &2.into())
    );

    // The very books that the impact was counted on, with the change really made.
    let books = stage.books();
    stage.run(&governance, &[&["gov", "apply"], &set[..]].concat()).json();
    let after = stage.books();
    let index = u8::try_from(SOL).expect("an index");
    assert_eq!(change::value(&after.market.assets[SOL], Parameter::HaircutInit), Some((33u64 << 32).div_ceil(100)));
    let fallen = |market, vault: &Pubkey| {
        let (_, vault) = books.vaults.iter().find(|(address, _)| address == vault).expect("a vault");
        let health = snapshot::health(market, vault, after.now);
        vault.has_debt() && !health.init.passes && vault.holding(index).shares.get() > 0
    };
    let named: Vec<Pubkey> =
        books.vaults.iter().map(|(address, _)| *address).filter(|vault| fallen(&after.market, vault)).collect();
    let worst: Vec<Pubkey> = told["worst"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| text(&one["vault"]).parse().expect("an address"))
        .collect();
    assert_eq!(named.len(), 2);
    assert!(worst.iter().all(|vault| named.contains(vault)));

    // A pending change by its address.
    let proposed = stage.run(&governance, &["gov", "propose", "--set", "SOL.haircut_init=40%"]).json();
    let pending = stage.run(&anybody, &["gov", "impact", text(&proposed[0]["change"])]).json();
    assert_eq!(
        (&pending["before"]["restricted"]["vaults"], &pending["after"]["restricted"]["vaults"]),
        (&2.into(), &3.into())
    );
    stage.run(&anybody, &["gov", "impact", "--set", "SOL.haircut_maint=30%"]).fails(4, "StepTooLarge");
    stage
        .run(&anybody, &["gov", "impact", "--set", "SOL.haircut_init=41%", "--shock", "SOL=-120%"])
        .fails(4, "PriceOutOfRange");
    stage.run(&anybody, &["gov", "impact", "--set", "SOL.haircut_init=41%", "--shock", "SOL"]).fails(2, "is no shock");
    stage.run(&anybody, &["gov", "impact"]).fails(2, "name a file");
}

#[test]
fn a_name_that_a_terminal_would_obey_is_written_out() {
    let stage = stage();
    let raw = stage.wait(stage.network.connection.account(&stage.site.market)).expect("an answer").expect("a market");
    let mut data = raw.data.clone();
    let name = [&b"SOL"[..], &[0; 13]].concat();
    let at = data.windows(16).position(|bytes| bytes == name).expect("SOL");
    // Hides everything after it, and writes the rest backwards.
    let wicked = "A\u{1b}[8m\u{202e}B";
    data[at..at + wicked.len()].copy_from_slice(wicked.as_bytes());
    let account = json!({ "lamports": raw.lamports, "data": [BASE64_STANDARD.encode(&data), "base64"],
        "owner": raw.owner.to_string(), "executable": false, "rentEpoch": 0, "space": data.len() });
    let printed = json!({ "pubkey": stage.site.market.to_string(), "account": account });
    let file = stage.file("wicked.json", &printed.to_string());
    let seen = r"A\u{1b}[8m\u{202e}B";
    for command in [&["gov", "diff", "--set"][..], &["gov", "impact", "--set"]] {
        let set = format!("{seen}.haircut_init=35%");
        let globals = ["-u", &stage.url(), "--market-account", &file];
        let shown = stage.bare("", &[&globals[..], command, &[&set]].concat());
        assert!(!format!("{}{}", shown.stdout, shown.stderr).contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        assert!(command[1] != "diff" || shown.stdout.contains(&format!("Parameters of {seen}\n")), "{shown:?}");
    }
    let wrong = ["-u", &stage.url(), "--market-account", &file, "gov", "diff", "--set", "\u{1b}[8m.haircut_init=35%"];
    let shown = stage.bare("", &wrong);
    assert!(!shown.stderr.contains('\u{1b}') && shown.stderr.contains(r"\u{1b}[8m"), "{shown:?}");
}
