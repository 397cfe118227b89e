//! Definitions of markets: applied, applied again, changed, exported and created anew.

use ballast_client::change::value;
use ballast_client::table::{Parameter, Scope};
use ballast_client::{Market, Pubkey, account};
use ballast_localnet::catalogue::{COUNT, SOL, USDC};
use ballast_localnet::market::{definition, key};
use ballast_localnet::random::Random;
use serde_json::Value;

use crate::stage::{Stage, stage};

/// The market of the local network.
pub const LOCAL: &str = include_str!("../../../../migrations/0001-local.toml");

fn market(stage: &Stage, address: &Pubkey) -> Box<Market> {
    let raw = stage.wait(stage.network.connection.account(address)).expect("an answer").expect("a market");
    account::market(&raw.owner, &raw.data).expect("a market")
}

fn lamports(stage: &Stage, address: &Pubkey) -> u64 {
    stage.wait(stage.network.connection.account(address)).expect("an answer").expect("a wallet").lamports
}

fn outcomes(applied: &Value) -> Vec<(&str, &str)> {
    let steps = applied["steps"].as_array().expect("steps");
    steps.iter().map(|step| (step["what"].as_str().expect("text"), step["outcome"].as_str().expect("text"))).collect()
}

#[test]
fn a_directory_of_definitions_is_applied_once_however_often_it_is_run() {
    let stage = stage();
    let governance = stage.wallet("governance", &[]);
    let new = stage.saved("new-market", key(&mut Random::new(2, "market")));
    stage.file("definitions/0001-local.toml", LOCAL);
    let directory = stage.path("definitions");
    let run = |more: &[&str]| stage.without_market(&governance, &[&["migrate", &directory][..], more].concat());

    run(&[]).fails(2, "which market?");
    let planned = run(&["--market-keypair", new.file(), "--dry-run"]).json();
    assert_eq!(planned[0]["status"], "planned");
    assert_eq!(planned[0]["steps"].as_array().map(Vec::len), Some(1 + 2 * COUNT + 1));
    assert_eq!(stage.wait(stage.network.connection.account(&new.address())).expect("an answer"), None);

    let applied = run(&["--market-keypair", new.file()]).json();
    assert_eq!(applied[0]["status"], "applied");
    // Created, then each asset listed, given its source and its parameters, then opened.
    let done = outcomes(&applied[0]);
    assert!(done.iter().all(|(_, outcome)| *outcome == "done"), "{done:?}");
    assert_eq!(done.len(), 1 + 3 * COUNT + 1);
    let created = market(stage, &new.address());
    assert!(!created.in_setup());
    let definition = definition().expect("the definition");
    for (listed, asset) in definition.assets.iter().zip(created.listed()) {
        assert_eq!((listed.mint, listed.decimals), (asset.mint, asset.decimals));
        for (parameter, number) in &listed.parameters {
            assert_eq!(value(asset, *parameter), Some(*number), "{} {}", listed.name, parameter.name());
        }
    }

    let before = lamports(stage, &governance.address());
    let again = run(&["--market-keypair", new.file()]).json();
    assert_eq!((&again[0]["status"], &again[0]["steps"]), (&"nothing-to-do".into(), &serde_json::json!([])));
    assert_eq!(lamports(stage, &governance.address()), before, "nothing was sent");

    // A later file: what tightens goes at once, the rest is proposed, once.
    let later = "market = \"local\"\n[[assets]]\nname = \"SOL\"\n\
                 parameters = { haircut_init = \"30%\", deposit_cap = \"1,500,000\" }\n";
    stage.file("definitions/0002-more-sol.toml", later);
    let changed = run(&["--market-keypair", new.file()]).json();
    let steps = outcomes(&changed[0]);
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert_eq!(steps[0], ("SOL: haircut_init 28% -> 30%", "done"));
    assert_eq!(steps[1], ("SOL: deposit_cap 1,200,000 -> 1,500,000", "proposed"));
    assert_eq!(value(&market(stage, &new.address()).assets[SOL], Parameter::HaircutInit), Some((3 << 32u64) / 10 + 1));
    let waiting = run(&["--market-keypair", new.file()]).json();
    assert_eq!(waiting[0]["status"], "nothing-to-do");
    assert_eq!(outcomes(&waiting[0]), [("SOL: deposit_cap 1,200,000 -> 1,500,000", "pending")]);
    assert_eq!(waiting[0]["steps"][0]["change"], changed[0]["steps"][1]["change"]);

    stage.file("definitions/0003-wrong.toml", "market = \"local\"\n[[assets]]\nname = \"SOL\"\ncolour = \"red\"\n");
    run(&[]).fails(2, "colour");
    stage.file("definitions/0003-wrong.toml", "market = \"local\"\n[parameters]\ndelay = \"1h\"\n");
    run(&[]).fails(2, "1h is out of its range, 1d to 14d");
}

#[test]
fn a_fresh_local_network_has_nothing_to_migrate() {
    let stage = stage();
    let governance = stage.saved("site-governance", stage.site.governance.clone());
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let applied = stage.run(&governance, &["migrate", migrations]).json();
    assert_eq!((&applied[0]["status"], &applied[0]["steps"]), (&"nothing-to-do".into(), &serde_json::json!([])));
}

#[test]
fn a_definition_brings_its_model_and_is_exported_with_it() {
    let stage = stage();
    let governance = stage.wallet("governance", &[]);
    let new = stage.saved("modelled", key(&mut Random::new(5, "market")));
    let asset = |name: &str, asset: usize, rows: &str| {
        format!(
            "[[assets]]\nname = \"{name}\"\nmint = \"{}\"\ndecimals = {}\n{rows}\n\
             source = {{ kind = \"pyth-pull\", feed = \"{}\" }}\nparameters = {{ deposit_cap = 1000 }}\n",
            stage.site.mints[asset],
            if asset == SOL { 9 } else { 6 },
            "05".repeat(32)
        )
    };
    let text = format!(
        "market = \"modelled\"\nopen = true\n[model]\nfactors = [\"market\", \"dollar\"]\n\
         lambdas = [\"3.3x\", \"2.5x\", \"2x\"]\nfloor = \"30%\"\nvalidity = \"30d\"\ngrace = \"7d\"\n\
         scenarios = [\"crash\"]\ntail = 1\nmultipliers = [\"1.2x\", \"1x\", \"1x\"]\n{}{}",
        asset("SOL", SOL, "loadings = [\"4%\", \"0%\"]\nspecific = \"2.123456%\"\nshocks = [\"-40%\"]"),
        asset("USDC", USDC, "loadings = [\"0%\", \"-0.5%\"]\nspecific = \"0.1%\"\nshocks = [\"-1%\"]")
    );
    let file = stage.file("modelled.toml", &text);
    let create = ["market", "create", &file, "--market-keypair", new.file()];
    let created = stage.without_market(&governance, &create).json();
    assert!(outcomes(&created).contains(&("model of correlation and stress", "done")), "{created}");
    let chain = market(stage, &new.address());
    assert_eq!((chain.terms[0].netting, chain.terms[0].factors, chain.terms[0].scenarios), (1, 2, 1));
    assert!(!chain.in_setup());

    let address = new.address().to_string();
    let exported = stage.run(&governance, &["market", "export", "--market", &address]).json();
    assert_eq!(exported["model"]["lambdas"], serde_json::json!(["3.3x", "2.5x", "2x"]));
    assert_eq!(exported["assets"][0]["specific"], "2.123456%");
    assert_eq!(exported["assets"][1]["loadings"], serde_json::json!(["0%", "-0.5%"]));
    stage.file("modelled/0001-modelled.toml", &text);
    let directory = stage.path("modelled");
    let migrate = ["migrate", &directory, "--market", &address];
    assert_eq!(stage.run(&governance, &migrate).json()[0]["status"], "nothing-to-do");
    // In the open market another model is proposed, once.
    stage.file("modelled/0001-modelled.toml", &text.replace("-40%", "-45%"));
    let changed = stage.run(&governance, &migrate).json();
    let written = [("draft of the model", "done"), ("draft of the model", "done"), ("draft of the model", "done")];
    assert_eq!(outcomes(&changed[0]), [&written[..], &[("model of correlation and stress", "proposed")]].concat());
    let again = stage.run(&governance, &migrate).json();
    assert_eq!(
        (outcomes(&again[0]), &again[0]["status"]),
        (vec![("model of correlation and stress", "pending")], &"nothing-to-do".into())
    );
}

#[test]
fn an_exported_market_creates_an_equal_one() {
    let stage = stage();
    let governance = stage.saved("site-governance", stage.site.governance.clone());
    stage.wait(stage.network.fund([governance.address()])).expect("lamports");
    let exported = stage.run(&governance, &["market", "export", "--output", "table"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let copy = stage.saved("copy", key(&mut Random::new(3, "market")));
    // It knows where it is: a copy of it is another market.
    let same = stage.file("exported.toml", &exported.stdout);
    let create = |file: &str| stage.run(&governance, &["market", "create", file, "--market-keypair", copy.file()]);
    create(&same).fails(2, "take its address out");
    let copied: Vec<&str> = exported.stdout.lines().filter(|line| !line.starts_with("address = ")).collect();
    let file = stage.file("copied.toml", &copied.join("\n"));
    let created = create(&file).json();
    assert_eq!(created["market"], copy.address().to_string());
    assert_eq!(created["status"], "applied");
    let (before, after) = (stage.books().market, market(stage, &copy.address()));
    assert_eq!((before.roles, before.asset_count), (after.roles, after.asset_count));
    for (before, after) in before.listed().iter().zip(after.listed()) {
        assert_eq!((before.mint, before.name, before.sources), (after.mint, after.name, after.sources));
        for parameter in Parameter::ALL.iter().filter(|parameter| parameter.scope() == Scope::Asset) {
            assert_eq!(value(before, *parameter), value(after, *parameter), "{}", parameter.name());
        }
    }
    let again = stage.run(&governance, &["market", "export", "--market", &copy.address().to_string()]).json();
    let mut first = stage.run(&governance, &["market", "export"]).json();
    first["address"] = again["address"].clone();
    assert_eq!(first, again);
    stage.run(&governance, &["market", "create", &file, "--market-keypair", copy.file()]).fails(2, "already");
}

#[test]
fn what_is_wrong_is_told_before_the_market_is_paid_for() {
    let stage = stage();
    let governance = stage.wallet("governance", &[]);
    let new = stage.saved("checked", key(&mut Random::new(6, "market")));
    let before = lamports(stage, &governance.address());
    let create = |text: &str| {
        let file = stage.file("checked.toml", text);
        stage.without_market(&governance, &["market", "create", &file, "--market-keypair", new.file()])
    };
    create(
        &LOCAL
            .replace("market = \"local\"", "market = \"local\"\ncluster = \"devnet\"")
            .replace("cluster = \"local\"", ""),
    )
    .fails(2, "the definition is for devnet, and this is local");
    let asset = |mint: &str| format!("market = \"one\"\n[[assets]]\nname = \"SOL\"\nmint = \"{mint}\"\ndecimals = 9\n");
    let nobody = governance.address().to_string();
    create(&asset(&nobody)).fails(2, "is not a mint");
    create(&asset(&Pubkey::new_from_array([8; 32]).to_string())).fails(2, "does not exist");
    create(&asset(&stage.site.mints[USDC].to_string())).fails(2, "has 6 decimals, not 9");
    // The same through migrate, where one market names another place than --market.
    stage.file("checked/0001-one.toml", &asset(&nobody));
    let directory = stage.path("checked");
    let migrate = |more: &[&str]| stage.without_market(&governance, &[&["migrate", &directory][..], more].concat());
    migrate(&["--market-keypair", new.file()]).fails(2, "market one: SOL: mint");
    stage.file("checked/0001-one.toml", &format!("address = \"{nobody}\"\n{}", asset(&nobody)));
    let other = new.address().to_string();
    migrate(&["--market", &other]).fails(2, &format!("market one is at {nobody}, and --market"));
    assert_eq!(stage.wait(stage.network.connection.account(&new.address())).expect("an answer"), None);
    assert_eq!(lamports(stage, &governance.address()), before, "nothing was sent");
}

#[test]
fn a_change_that_nobody_executed_in_time_is_proposed_anew() {
    let stage = stage();
    let governance = stage.governance();
    let market = stage.site.market.to_string();
    let cap = value(&stage.books().market.assets[SOL], Parameter::DepositCap).expect("a cap");
    let asset = format!(
        "market = \"site\"\n[[assets]]\nname = \"SOL\"\nmint = \"{}\"\ndecimals = 9\nparameters = {{ deposit_cap = \"raw:{}\" }}\n",
        stage.site.mints[SOL],
        cap / 10 * 11
    );
    stage.file("late/0001-site.toml", &asset);
    let directory = stage.path("late");
    let run = || stage.run(&governance, &["migrate", &directory, "--market", &market]).json();
    let proposed = run();
    let line = outcomes(&proposed[0])[0].0;
    assert!(line.starts_with("SOL: deposit_cap "), "{line}");
    assert_eq!(outcomes(&proposed[0]), [(line, "proposed")]);
    let change = proposed[0]["steps"][0]["change"].clone();
    assert_eq!(outcomes(&run()[0]), [(line, "pending")]);
    let status = stage.run(&governance, &["gov", "status"]).json();
    let expiry = status["changes"][0]["expiry"].as_u64().expect("a time");
    stage.until(expiry);
    assert_eq!(outcomes(&run()[0]), [(line, "pending")], "in its last second it can still be executed");
    stage.until(expiry + 1);
    stage.run(&governance, &["gov", "execute", change.as_str().expect("text")]).fails(4, "ChangeExpired");
    let expired = &stage.run(&governance, &["gov", "status"]).json()["changes"][0];
    assert_eq!((&expired["state"], &expired["execution"]["error"]), (&"expired".into(), &"ChangeExpired".into()));
    let anew = run();
    assert_eq!((outcomes(&anew[0]), &anew[0]["status"]), (vec![(line, "proposed")], &"applied".into()));
    let step = &anew[0]["steps"][0];
    assert_eq!(step["replaces"], serde_json::json!({ "change": change, "why": "it has expired" }));
    assert!(step["eta"].as_u64() > Some(expiry));
    // The same change has the same address, so its account is there once.
    assert_eq!(step["change"], change);
    let status = stage.run(&governance, &["gov", "status"]).json();
    assert_eq!(
        (status["changes"].as_array().map(Vec::len), &status["changes"][0]["state"]),
        (Some(1), &"waiting".into())
    );
    assert_eq!(outcomes(&run()[0]), [(line, "pending")]);
}

#[test]
fn a_change_of_who_governs_no_more_is_proposed_anew() {
    let stage = stage();
    let (governance, heir) = (stage.governance(), stage.wallet("heir", &[]));
    let market = stage.site.market.to_string();
    let cap = value(&stage.books().market.assets[SOL], Parameter::DepositCap).expect("a cap");
    let asset = format!(
        "market = \"site\"\n[[assets]]\nname = \"SOL\"\nmint = \"{}\"\ndecimals = 9\nparameters = {{ deposit_cap = \"raw:{}\" }}\n",
        stage.site.mints[SOL],
        cap / 10 * 11
    );
    stage.file("handed-over/0001-site.toml", &asset);
    let directory = stage.path("handed-over");
    let migrate = |wallet| stage.run(wallet, &["migrate", &directory, "--market", &market]).json();
    let proposed = migrate(&governance);
    let change = proposed[0]["steps"][0]["change"].clone();
    stage.appoints("governance", &heir);
    let status = stage.run(&heir, &["gov", "status"]).json();
    let void = &status["changes"][0];
    assert_eq!((&void["change"], &void["state"]), (&change, &"void".into()));
    for what in ["holds", "execution"] {
        assert_eq!((&void[what]["allowed"], &void[what]["error"]), (&false.into(), &"NotGovernance".into()), "{what}");
    }

    let anew = migrate(&heir);
    let line = outcomes(&proposed[0])[0].0;
    assert_eq!(outcomes(&anew[0]), [(line, "proposed")]);
    let step = &anew[0]["steps"][0];
    let why = "who proposed it is not governance any more";
    assert_eq!(step["replaces"], serde_json::json!({ "change": change, "why": why }));
    assert_ne!(step["change"], change);
    assert_eq!(outcomes(&migrate(&heir)[0]), [(line, "pending")]);
}
