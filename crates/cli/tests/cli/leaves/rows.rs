//! The rows, in the order in which they are carried out.

use ballast_client::address;
use ballast_localnet::catalogue::{SOL, USDT};
use ballast_localnet::oracle::Feeds;

use super::Leaf;
use super::scene::Scene;
use crate::stage::Stage;

/// All of them.
pub fn rows() -> Vec<Leaf> {
    [about_nothing(), markets(), vaults(), prices(), governance(), roles()].into_iter().flatten().collect()
}

/// What needs no market.
fn about_nothing() -> Vec<Leaf> {
    vec![
        Leaf::new("completions", ("bash", ""), ("tcsh", "invalid value")).text("_ballast").without_node("bash", 0),
        Leaf::new("doctor", ("", "/0/check /0/status"), ("--commitment soon", "invalid value")),
        Leaf::new("keeper status", ("$KEEPER", "/url /healthy /ready /reasons /metrics"), ("somewhere", "is no URL"))
            .without_node("http://127.0.0.1:1", 3),
    ]
}

/// A market from nothing to open, then what is shown of one.
fn markets() -> Vec<Leaf> {
    vec![
        Leaf::new(
            "market create",
            ("--market-keypair $FRESH_KEY", "/market /status /steps"),
            ("/nonexistent.toml --market-keypair $FRESH_KEY", "/nonexistent.toml"),
        ),
        Leaf::new(
            "market list-asset",
            ("$ASSET --market $FRESH", "/market /status /steps/0/what /steps/0/outcome"),
            ("$BAD_ASSET --market $FRESH", "colour"),
        ),
        Leaf::new("gov model digest", ("$MODEL", "/digest /rows"), ("$BAD_MODEL", "factors")),
        Leaf::new(
            "gov model upload",
            ("$FRESH_MODEL --market $FRESH", "/draft /complete /transactions/0/signature"),
            ("$BAD_MODEL --market $FRESH", "factors"),
        )
        .keeps("$DRAFT", "/draft"),
        Leaf::new(
            "gov model apply",
            ("$FRESH_MODEL --market $FRESH", "/0/action /0/signature"),
            ("$BAD_MODEL", "factors"),
        )
        .refused("governance", "$MODEL", 4, "MustWait"),
        Leaf::new(
            "gov model confirm",
            ("--market $FRESH", "/action /validUntilBefore /validUntil /signature"),
            ("--market $USER", "not a market"),
        )
        .refused("governance", "--market $FRESH", 4, "NotGovernance"),
        Leaf::new(
            "gov model close-draft",
            ("$DRAFT --market $FRESH", "/draft /signature"),
            ("$MARKET --market $FRESH", "not a draft"),
        )
        .refused("governance", "$DRAFT --market $FRESH", 4, "NotDraftAuthor"),
        Leaf::new("market open", ("--market $FRESH", "/status /signature"), ("--market somewhere", "invalid value"))
            .refused("governance", "--market $FRESH", 4, "NotGovernance"),
        Leaf::new(
            "migrate",
            ("$DEFINITIONS --market $FRESH", "/0/market /0/status /0/steps/0/outcome"),
            ("/nonexistent --market $FRESH", "/nonexistent"),
        ),
        Leaf::new("market export", ("--name ours", "/market /assets/0/parameters"), ("--market $USER", "not a market")),
        Leaf::new(
            "market fund-reserve",
            ("USDC=5", "/market /amounts/0/asset /amounts/0/amount /signature"),
            ("USDC=all", "say how much"),
        )
        .refused("user", "USDC=5 --deadline-slot 1", 4, "DeadlinePassed"),
        Leaf::new("market show", ("", "/market /state /roles /assets/0/price"), ("--market $USER", "not a market")),
    ]
}

/// A vault from its opening to its end.
fn vaults() -> Vec<Leaf> {
    vec![
        Leaf::new("vault open", ("--id 1", "/vault /id /owner /status /signature"), ("--id 70000", "invalid value")),
        Leaf::new(
            "vault deposit",
            ("SOL=50 --vault 1", "/vault /amounts/0/asset /amounts/0/amount /signature"),
            ("SOL=1 SOL=2 --vault 1", "named twice"),
        ),
        Leaf::new(
            "vault borrow",
            ("USDC=100 --vault 1", "/vault /amounts/0/amount /before /after /signature"),
            ("USDC=all --vault 1", "say how much"),
        )
        .refused("user", "USDC=9000 --vault 1", 5, "BelowInitMargin"),
        Leaf::new("vault repay", ("USDC=50 --vault 1", "/vault /amounts/0/amount /after"), ("--vault 1", "required"))
            .refused("lender", "USDC=1", 5, "NoDebt"),
        Leaf::new(
            "vault withdraw",
            ("SOL=1 --vault 1", "/vault /amounts/0/amount /after"),
            ("SOL=0.0000000001 --vault 1", "decimal places"),
        )
        .refused("user", "SOL=49.9 --vault 1", 5, "BelowInitMargin"),
        Leaf::new(
            "vault simulate",
            ("--withdraw SOL=10 --vault 1", "/before/state /after/state /actions/0/amount /liquidationPrices/0/below"),
            ("--price SOL=20 --vault 1", "write SOL=-20%"),
        )
        .refused("user", "--borrow USDC=9000 --vault 1", 5, "BelowInitMargin"),
        Leaf::new(
            "vault show",
            ("--vault 1", "/vault /owner /health/init/requirement /positions/0/amount /liquidationPrices/0/below"),
            ("--vault 9", "ballast vault open --id 9"),
        ),
        Leaf::new(
            "vault list",
            ("--owner $USER", "/0/vault /0/state /0/marginBps"),
            ("--owner $USER --all", "cannot be used"),
        ),
        Leaf::new(
            "vault absorb",
            ("--vault $RUINED", "/vault /owner /debts/0/amount /signature"),
            ("--vault x", "neither"),
        )
        .first(|stage, scene| {
            let url = stage.url();
            for command in ["open --id 3", "deposit SOL=5 --vault 3", "borrow USDC=50 --vault 3"] {
                scene.run(&url, "user", &format!("vault {command}")).json();
            }
            let owner = scene.get("$USER").parse().expect("an address");
            stage.takes_collateral(&owner, 3, SOL);
            scene.set("$RUINED", address::vault(&stage.site.market, &owner, 3).to_string());
        })
        .refused("user", "--vault 1", 5, "CollateralLeft"),
        Leaf::new(
            "vault close",
            ("--vault 2 --receiver $NOBODY", "/vault /receiver /signature"),
            ("--vault x", "neither"),
        )
        .first(|stage, scene| drop(scene.run(&stage.url(), "user", "vault open --id 2").json()))
        .refused("user", "--vault 1", 4, "VaultNotEmpty"),
    ]
}

fn prices() -> Vec<Leaf> {
    vec![
        Leaf::new(
            "price check",
            ("SOL USDC", "/0/price /0/ageSeconds /0/sources/0/account /0/init/counts"),
            ("DOGE", "DOGE"),
        ),
        Leaf::new(
            "price refresh",
            ("SOL", "/transactions/0/signature /assets/0/asset /assets/0/verdict"),
            ("--stale soon", "is no time"),
        )
        .first(|stage, _| stage.publish()),
        Leaf::new(
            "price observe",
            ("USDC", "/0/asset /0/source /0/account /0/checks /0/needed /0/tookOver /0/signature"),
            ("DOGE", "DOGE"),
        )
        .first(|stage, scene| {
            // Another dollar watches over the first one, once governance has said so and its price has agreed.
            let feed: String = Feeds::id(USDT).iter().map(|byte| format!("{byte:02x}")).collect();
            let wish = format!("gov propose --set USDC.second_source=pyth-pull:{feed}");
            let proposed = scene.run(&stage.url(), "governance", &wish).json();
            scene.set("$SOURCE", proposed[0]["change"].as_str().expect("an address").to_owned());
            until_due(stage, scene);
            scene.run(&stage.url(), "user", "gov execute $SOURCE").json();
            stage.refresh();
        })
        .refused("user", "USDC", 2, "a change of a source comes first"),
    ]
}

/// A change from its first draft to its end, and one that is cancelled.
fn governance() -> Vec<Leaf> {
    vec![
        Leaf::new(
            "gov diff",
            ("--set SOL.haircut_init=35%", "/0/kind /0/lines/0/from/text /0/atOnce /0/propose /0/dates/delaySeconds"),
            ("--set SOL.haircut=35%", "do you mean haircut_init?"),
        ),
        Leaf::new(
            "gov impact",
            ("--set SOL.haircut_init=35% --shock SOL=-10%", "/affected /before/indebted/vaults /worst /shocks/0/after"),
            ("", "name a file"),
        ),
        Leaf::new(
            "gov propose",
            ("--set SOL.haircut_init=36%", "/0/change /0/lines /0/signature"),
            ("", "name a file"),
        )
        .by("governance")
        .keeps("$CHANGE", "/0/change")
        .refused("user", "--set SOL.haircut_init=36%", 4, "NotGovernance"),
        Leaf::new("gov model propose", ("$MODEL", "/0/change /0/digest /0/model"), ("$BAD_MODEL", "factors"))
            .by("governance")
            .keeps("$MODEL_CHANGE", "/0/change")
            .refused("user", "$MODEL", 4, "NotGovernance"),
        Leaf::new("gov status", ("", "/changes/0/state /changes/0/eta /underWay"), ("--market $USER", "not a market")),
        Leaf::new("gov cancel", ("$MODEL_CHANGE", "/action /change /signature"), ("$MARKET", "not a change"))
            .by("governance")
            .refused("user", "$MODEL_CHANGE", 4, "NotGuardian"),
        Leaf::new("gov execute", ("$CHANGE", "/action /change /signature"), ("$MARKET", "not a change"))
            .first(|stage, scene| until_due(stage, scene))
            .refused("user", "$CHANGE", 4, "ChangeNotDue"),
        Leaf::new("gov apply", ("--set BTC.haircut_init=25%", "/0/action /0/lines /0/signature"), ("", "name a file"))
            .by("governance")
            .refused("governance", "--set BTC.haircut_init=20%", 4, "MustWait"),
        Leaf::new(
            "gov verify-message",
            ("$MESSAGE", "/version /feePayer /understood /instructions/0/name"),
            ("AAAA", "message"),
        )
        .first(|stage, scene| {
            let signed = "gov propose --set SOL.haircut_init=37% --sign-only";
            let message = scene.run(&stage.url(), "governance", signed).json()[0]["message"].clone();
            scene.set("$MESSAGE", message.as_str().expect("a message").to_owned());
        })
        // It is read without a node, and not compared.
        .without_node("$MESSAGE", 0),
    ]
}

fn roles() -> Vec<Leaf> {
    vec![
        Leaf::new("gov roles", ("", "/0/role /0/holder"), ("--market $USER", "not a market")),
        Leaf::new("gov accept-role", ("guardian", "/action /signature"), ("king", "the roles are"))
            .first(|stage, scene| {
                let proposed = scene.run(&stage.url(), "governance", "gov propose --set role.guardian=$USER").json();
                scene.set("$NAMING", proposed[0]["change"].as_str().expect("an address").to_owned());
                until_due(stage, scene);
                scene.run(&stage.url(), "user", "gov execute $NAMING").json();
            })
            .refused("user", "guardian", 4, "NotNamedForRole"),
        Leaf::new("gov pause", ("borrow --for 1h", "/action /status /signature"), ("borrow --for 2d", "from 1s to 1d"))
            .refused("lender", "borrow", 4, "NotGuardian"),
        Leaf::new("gov resume", ("borrow", "/action /status /signature"), ("DOGE", "DOGE")).refused(
            "lender",
            "borrow",
            4,
            "NotGuardian",
        ),
    ]
}

/// Time passes until the last of the pending changes is due.
fn until_due(stage: &Stage, scene: &Scene) {
    let status = scene.run(&stage.url(), "user", "gov status").json();
    let due = status["changes"].as_array().expect("a list").iter().filter_map(|change| change["eta"].as_u64()).max();
    stage.until(due.expect("a pending change"));
}
