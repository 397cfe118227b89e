//! `ballast gov model`: from a file into a draft, into a change, into force.

use ballast_client::parameters::Row;
use ballast_client::{Rows, Vault};
use ballast_localnet::catalogue::{ASSETS, SOL, USDC};
use serde_json::{Value, json};

use crate::stage::stage;

pub const MODEL: &str = r#"
[model]
factors = ["market", "solana"]
lambdas = ["3.3x", "2.9x", "2.5x"]
floor = "30%"
validity = "30d"
grace = "7d"
scenarios = ["crash"]
tail = 1
multipliers = ["1.1x", "1x", "0.9x"]
"#;

/// Rows of all assets: stablecoins hardly move.
pub fn rows() -> Vec<Row> {
    let row = |name: &str| match name.starts_with("USD") {
        true => Row { loadings_bps: [5, -10, 0, 0, 0, 0], specific_bps: 15, shocks_bps: [0; 8] },
        false => {
            Row { loadings_bps: [900, 600, 0, 0, 0, 0], specific_bps: 250, shocks_bps: [-2_500, 0, 0, 0, 0, 0, 0, 0] }
        }
    };
    ASSETS.iter().map(|entry| row(entry.name)).collect()
}

pub fn file(rows: &[Row]) -> String {
    let mut text = MODEL.to_owned();
    let percent = |bps: i16| {
        let sign = if bps < 0 { "-" } else { "" };
        format!("\"{sign}{}.{:02}%\"", bps.abs() / 100, bps.abs() % 100)
    };
    for (entry, row) in ASSETS.iter().zip(rows) {
        let [first, second, ..] = row.loadings_bps.map(percent);
        let specific = percent(row.specific_bps as i16);
        let [shock, ..] = row.shocks_bps.map(percent);
        text += &format!(
            "[assets.{}]\nloadings = [{first}, {second}]\nspecific = {specific}\nshocks = [{shock}]\n",
            entry.name
        );
    }
    text
}

#[test]
fn a_model_goes_from_a_file_into_a_draft_into_a_change_into_force() {
    let stage = stage();
    let (governance, quant) = (stage.governance(), stage.wallet("quant", &[]));
    let rows = rows();
    let path = stage.file("model.toml", &file(&rows));
    let (loadings, shocks): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row.loadings(), row.shocks())).unzip();
    let digest = Rows { loadings: &loadings, shocks: &shocks }.digest();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let told = stage.run(&quant, &["gov", "model", "digest", &path]).json();
    assert_eq!(told, json!({"digest": hex, "rows": [12, 12]}));

    // Anybody writes it; a dry run shows the first transaction; a second run finds nothing to do.
    let dry = stage.run(&quant, &["gov", "model", "upload", &path, "--dry-run"]).json();
    assert_eq!((&dry["complete"], dry["transactions"].as_array().map(Vec::len)), (&false.into(), Some(1)));
    let written = stage.run(&quant, &["gov", "model", "upload", &path]).json();
    assert_eq!((&written["complete"], written["transactions"].as_array().map(Vec::len)), (&true.into(), Some(3)));
    let draft = written["draft"].as_str().expect("an address");
    let over = stage.run(&quant, &["gov", "model", "upload", &path, "--draft", draft]).json();
    assert_eq!((&over["complete"], over["transactions"].as_array().map(Vec::len)), (&true.into(), Some(2)));
    let again = stage.run(&quant, &["gov", "model", "upload", &path]).json();
    assert_eq!((&again["complete"], &again["transactions"]), (&true.into(), &json!([])));
    assert_eq!(again["draft"], draft);

    stage.run(&quant, &["gov", "model", "propose", &path]).fails(4, "NotGovernance");
    stage.run(&governance, &["gov", "model", "apply", &path]).fails(4, "MustWait");
    let proposed = stage.run(&governance, &["gov", "model", "propose", &path]).json();
    let change = proposed[0]["change"].as_str().expect("an address");
    assert_eq!((&proposed[0]["kind"], &proposed[0]["digest"]), (&"model".into(), &hex.as_str().into()));
    assert_eq!(proposed[0]["model"]["factors"], json!(["market", "solana"]));
    let waiting = &stage.run(&quant, &["gov", "status"]).json()["changes"][0];
    assert_eq!(
        (&waiting["state"], &waiting["execution"]["allowed"]),
        (&"waiting".into(), &true.into()),
        "the draft was found"
    );

    // Whoever is to sign sees every term and every number of the rows, old and new.
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let globals = ["-u", &url, "--market", &market, "-k"];
    let unsigned = ["gov", "model", "propose", &path, "--sign-only", "--output", "json"];
    let authority = governance.address().to_string();
    let signed = stage.bare("", &[&globals[..], &[&authority], &unsigned].concat()).json();
    let message = signed[0]["message"].as_str().expect("a message");
    let verified = stage.bare("", &["-u", &url, "--market", &market, "gov", "verify-message", message]);
    let status = stage.bare("", &[&globals[..4], &["gov", "status"]].concat());
    for shown in [&verified, &status] {
        assert_eq!(shown.code, 0, "{shown:?}");
        let squeezed: Vec<String> =
            shown.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in [
            "netting off on changes",
            "factors none market, solana changes",
            "lambda at Init 0x 3.3x changes",
            "lambda at Maint 0x 2.5x changes",
            "floor 0% 30% changes",
            "validity 0s 30d changes",
            "grace 0s 7d changes",
            "scenarios none crash changes",
            "tail 0 1 changes",
            "multiplier at Maint 0x 0.9x changes",
            "SOL loading market - 9%",
            "SOL loading solana - 6%",
            "SOL specific - 2.5%",
            "SOL shock crash - -25%",
            "USDC loading solana - -0.1%",
        ] {
            assert!(squeezed.iter().any(|shown| shown == line), "{line} is not in {squeezed:#?}");
        }
    }
    let rows = waiting["rows"].as_array().expect("the rows of the draft");
    assert_eq!(rows.len(), 12 * 4, "two loadings, one volatility, one shock of each asset");
    assert_eq!((&waiting["from"]["netting"], &waiting["model"]["tail"]), (&false.into(), &1.into()));

    // Its impact is counted with the rows of the draft.
    let lender = stage.wallet("lender", &[(USDC, 1_000_000_000_000)]);
    let borrower = stage.wallet("borrower", &[(SOL, 100_000_000_000)]);
    for (who, name, amount) in [(&lender, "USDC", "1000000"), (&borrower, "SOL", "100")] {
        stage.run(who, &["vault", "open"]).json();
        stage.run(who, &["vault", "deposit", &format!("{name}={amount}")]).json();
    }
    stage.refresh();
    stage.run(&borrower, &["vault", "borrow", "USDC=6900"]).json();
    let impact = stage.run(&quant, &["gov", "impact", change]).json();
    assert_eq!(
        (&impact["before"]["indebted"]["vaults"], &impact["before"]["restricted"]["vaults"]),
        (&1.into(), &0.into())
    );
    assert_eq!(impact["after"]["restricted"]["vaults"], 1, "3.3 x the volatility is more than the haircut");
    let vault: Vault = stage.vault(&borrower.address(), 0).expect("a vault");
    assert!(vault.has_debt());

    stage.until(waiting["eta"].as_u64().expect("a time"));
    stage.run(&quant, &["gov", "execute", change]).json();
    let status = stage.run(&quant, &["gov", "status"]).json();
    let under_way: Vec<&Value> =
        status["underWay"].as_array().expect("a list").iter().map(|line| &line["what"]).collect();
    assert!(under_way[0].as_str().expect("text").starts_with("the model phases in from "), "{under_way:?}");
    let market = stage.books().market;
    assert_eq!((market.model_version, market.terms[0].netting, market.terms[0].scenarios), (1, 1, 1));
    stage.refresh();
    let really = stage.books().health(&stage.vault(&borrower.address(), 0).expect("a vault"));
    assert!(!really.init.passes && really.maint.passes);
}

#[test]
fn a_file_that_is_no_model_says_what_is_wrong() {
    let stage = stage();
    let quant = stage.wallet("quant", &[]);
    let good = file(&rows());
    let digest = |text: &str| stage.run(&quant, &["gov", "model", "digest", &stage.file("bad.toml", text)]);
    digest(&good).json();
    for (from, to, why) in [
        ("[assets.SOL]", "[assets.DOGE]", "the market has no asset DOGE"),
        ("\"9.00%\", ", "", "1 loadings instead of 2"),
        ("\"-25.00%\"", "\"-25\"", "is no part such as -25%"),
        ("\"3.3x\"", "\"high\"", "is no multiple such as 3.3x"),
        ("\"30d\"", "\"a month\"", "is no time such as 30d"),
        ("\"30%\"", "\"130%\"", "floor is a part such as 30%"),
        ("\"solana\"", "\"a name of more than 16\"", "has more than 16 bytes"),
        ("tail = 1", "tails = 1", "unknown field `tails`"),
    ] {
        digest(&good.replacen(from, to, 1)).fails(2, why);
    }
    let (head, _) = good.split_once("[assets.WBTC]").expect("the last asset");
    digest(head).fails(2, "[assets.WBTC] is missing");
}
