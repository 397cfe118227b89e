//! `ballast price`: what is wrong with a price is named, and told before it is sent.

use ballast_client::local::{PRICE_UPDATE_SPACE, Published, RECEIVER, RECEIVER_CORE, Verification, price_update};
use ballast_cluster::books::read_clock;
use ballast_localnet::catalogue::{SOL, USDC};
use ballast_localnet::network::Placed;
use ballast_localnet::oracle::Feeds;
use serde_json::Value;

use crate::stage::{Stage, stage};

impl Stage {
    fn time(&self) -> i64 {
        self.wait(read_clock(&self.network.connection)).expect("a clock") as i64
    }

    /// Somebody writes an account.
    fn places(&self, account: Placed) {
        self.wait(self.network.place(vec![account])).expect("an account");
    }

    /// SOL's account says something.
    fn sol_says(&self, dollars: i64, confidence: u64, age: i64) {
        let seen = Published {
            price: dollars * 100_000_000,
            confidence: confidence * 100_000_000,
            exponent: -8,
            publish_time: self.time() - age,
        };
        let data = price_update(&Feeds::id(SOL), &seen, Verification::Full, 1);
        self.places(Placed { address: self.site.feeds.accounts[SOL], owner: RECEIVER, data });
    }

    fn passes(&self, seconds: i64) {
        self.wait(self.network.travel(self.time() + seconds)).expect("another time");
    }
}

/// The table is printed, and the exit code says that something is wrong with it.
fn unusable(ran: &crate::stage::Ran) -> Value {
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("PriceUnusable"), "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("the table")
}

#[test]
fn a_price_is_checked_fresh_old_wide_outside_of_its_band_and_missing() {
    let stage = stage();
    let anybody = stage.wallet("anybody", &[]);
    let check = |arguments: &[&str]| stage.run(&anybody, &[&["price", "check"], arguments].concat());
    stage.refresh();

    // Fresh.
    let all = check(&[]).json();
    assert_eq!(all.as_array().map(Vec::len), Some(12));
    let sol = &check(&["SOL"]).json()[0];
    assert_eq!(
        (&sol["usable"], &sol["init"]["counts"], &sol["targetAndMaint"]["counts"]),
        (&true.into(), &true.into(), &true.into())
    );
    assert_eq!((sol["price"].as_str(), sol["refresh"]["verdict"].as_str()), (Some("$100"), Some("unchanged")));
    assert_eq!(sol["sources"][0]["account"], stage.site.feeds.accounts[SOL].to_string());
    assert_eq!(
        (&sol["refused"], &sol["breaker"], &sol["maxAgeSeconds"]),
        (&Value::Array(vec![]), &"normal".into(), &300.into())
    );

    // Newer, not refreshed yet; then refreshed through the command.
    stage.passes(10);
    stage.sol_says(101, 0, 0);
    assert_eq!(check(&["SOL"]).json()[0]["refresh"]["verdict"], "accepted");
    let dry = stage.run(&anybody, &["price", "refresh", "SOL", "--dry-run"]).json();
    assert_eq!(
        (&dry["transactions"][0]["status"], &dry["assets"][0]["verdict"]),
        (&"dry-run".into(), &"accepted".into())
    );
    let done = stage.run(&anybody, &["price", "refresh", "sol"]).json();
    assert_eq!(done["transactions"][0]["status"], "confirmed");
    assert_eq!(check(&["SOL"]).json()[0]["price"], "$101");

    // Wide: the refresh would withhold the stored price.
    stage.passes(10);
    stage.sol_says(102, 5, 0);
    let wide = &check(&["SOL"]).json()[0];
    assert_eq!((&wide["refresh"]["verdict"], &wide["refresh"]["reason"]), (&"withheld".into(), &"Confidence".into()));
    assert_eq!((&wide["usable"], &wide["usableAfterRefresh"]), (&true.into(), &false.into()));
    stage.run(&anybody, &["price", "refresh", "SOL"]).json();
    let withheld = &unusable(&check(&["SOL", "USDC"]))[0];
    assert_eq!(withheld["targetAndMaint"]["reason"], "a newer price was not believed");
    assert_eq!(withheld["refused"].as_array().map(Vec::len), Some(4));

    // Old: the account, and then the stored price as well.
    stage.passes(10);
    stage.sol_says(102, 0, 0);
    stage.run(&anybody, &["price", "refresh", "SOL"]).json();
    stage.passes(400);
    let old = &unusable(&check(&["SOL"]))[0];
    assert_eq!((&old["init"]["reason"], &old["refresh"]["reason"]), (&"it is too old".into(), &"PriceTooOld".into()));
    assert!(old["ageSeconds"].as_u64().is_some_and(|age| (400..500).contains(&age)), "{old}");
    stage.run(&anybody, &["price", "refresh", "SOL"]).fails(4, "PriceTooOld");

    // One bad account is left out, the others are refreshed.
    stage.publish();
    stage.sol_says(102, 0, 1_000);
    let others = stage.run(&anybody, &["price", "refresh", "--stale"]).json();
    let left_out: Vec<_> =
        others["assets"].as_array().expect("assets").iter().filter(|line| line["leftOut"] == true).collect();
    assert_eq!((left_out.len(), &left_out[0]["asset"]), (1, &"SOL".into()));
    assert_eq!(check(&["USDC"]).json()[0]["usable"], true);

    // An update of anybody for the same feed is found, and preferred while it is newer.
    let seen = Published { price: 10_300_000_000, confidence: 0, exponent: -8, publish_time: stage.time() };
    let update = |owner| Placed {
        address: anybody_else(),
        owner,
        data: price_update(&Feeds::id(SOL), &seen, Verification::Full, 1),
    };
    assert_eq!(update(RECEIVER).data.len(), PRICE_UPDATE_SPACE);
    stage.places(update(RECEIVER_CORE));
    assert_eq!(unusable(&check(&["SOL"]))[0]["sources"][0]["account"], stage.site.feeds.accounts[SOL].to_string());
    stage.places(update(RECEIVER));
    let found = &unusable(&check(&["SOL"]))[0];
    assert_eq!(
        (&found["refresh"]["verdict"], &found["sources"][0]["account"]),
        (&"accepted".into(), &anybody_else().to_string().into())
    );
    let pinned = stage.site.feeds.accounts[SOL].to_string();
    stage.run(&anybody, &["price", "refresh", "SOL", "--account", &pinned]).fails(4, "PriceTooOld");
    stage.run(&anybody, &["price", "refresh", "SOL"]).json();

    // Missing: no account of the feed at all.
    let nothing = |address| Placed { address, owner: RECEIVER_CORE, data: vec![] };
    stage.places(nothing(stage.site.feeds.accounts[USDC]));
    let missing = &check(&["USDC"]).json()[0];
    assert_eq!((&missing["refresh"]["verdict"], &missing["sources"][0]["account"]), (&"missing".into(), &Value::Null));
    stage.run(&anybody, &["price", "refresh", "USDC"]).fails(4, "no price account was found");

    // Outside of its band: governance closes it, a day later it is in force.
    let governance = stage.governance();
    let band = ["--set", "SOL.band_low=$100", "--set", "SOL.band_high=$120"];
    let proposed = stage.run(&governance, &[&["gov", "propose"], &band[..]].concat()).json();
    stage.passes(3 * 86_400);
    let change = proposed[0]["change"].as_str().expect("an address");
    stage.run(&anybody, &["gov", "execute", change]).json();
    stage.sol_says(121, 0, 0);
    let outside = &unusable(&check(&["SOL"]))[0];
    assert_eq!(outside["band"], serde_json::json!(["$100", "$120"]));
    assert_eq!((&outside["refresh"]["verdict"], &outside["refresh"]["reason"]), (&"withheld".into(), &"Band".into()));

    // A pause is told with its end.
    stage.sol_says(110, 0, 0);
    stage.run(&anybody, &["price", "refresh", "SOL"]).json();
    stage.run(&governance, &["gov", "pause", "SOL", "--for", "2h"]).json();
    let paused = &unusable(&check(&["SOL"]))[0];
    assert_eq!(paused["init"]["reason"], "the asset is paused");
    assert_eq!(paused["init"]["until"], paused["pausedUntil"]);
    stage.run(&governance, &["gov", "resume", "SOL"]).json();
    check(&["SOL"]).json();

    check(&["DOGE"]).fails(2, "has no asset DOGE");
    stage.run(&anybody, &["price", "refresh", "--stale", "soon"]).fails(2, "is no time");
    let table =
        stage.bare("", &["-u", &stage.url(), "--market", &stage.site.market.to_string(), "price", "check", "SOL"]);
    assert!(table.code == 0 && table.stdout.contains("at Target, Maint: counts until "), "{table:?}");
}

/// The address of somebody's own update.
fn anybody_else() -> ballast_client::Pubkey {
    ballast_client::Pubkey::new_from_array([77; 32])
}
