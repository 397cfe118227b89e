//! What the rows name: keys, files, addresses.

use std::collections::BTreeMap;

use ballast_localnet::catalogue::{SOL, USDC};
use ballast_localnet::market::key;
use ballast_localnet::random::Random;

use crate::model;
use crate::stage::{Ran, Stage, stage};
use crate::surroundings::serve;

/// Names, and what they stand for.
pub struct Scene(BTreeMap<String, String>);

impl Scene {
    /// Wallets with tokens, somebody who lends dollars, and the files that commands read.
    pub fn build(stage: &Stage) -> Self {
        let mut scene = Self(BTreeMap::new());
        let user = stage.wallet("user", &[(SOL, 100_000_000_000), (USDC, 1_000_000_000)]);
        let lender = stage.wallet("lender", &[(USDC, 10_000_000_000)]);
        stage.run(&lender, &["vault", "open"]).json();
        stage.run(&lender, &["vault", "deposit", "USDC=10000"]).json();
        let fresh = stage.saved("fresh", key(&mut Random::new(21, "market")));
        scene.set("user", user.file().to_owned());
        scene.set("lender", lender.file().to_owned());
        scene.set("governance", stage.governance().file().to_owned());
        scene.set("$MARKET", stage.site.market.to_string());
        scene.set("$USER", user.address().to_string());
        scene.set("$NOBODY", stage.wallet("nobody", &[]).address().to_string());
        scene.set("$FRESH_KEY", fresh.file().to_owned());
        scene.set("$FRESH", fresh.address().to_string());
        scene.set("$KEEPER", keeper());
        scene.files(stage);
        scene
    }

    /// What a key's name stands for.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("the scene has no {name}"))
    }

    /// The words of a command, with what its names stand for.
    pub fn words(&self, command: &str) -> Vec<String> {
        // A name may be the beginning of a longer one.
        let mut names: Vec<_> = self.0.iter().filter(|(name, _)| name.starts_with('$')).collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let word = |word: &str| names.iter().fold(word.to_owned(), |word, (name, value)| word.replace(*name, value));
        let words: Vec<String> = command.split_whitespace().map(word).collect();
        assert!(words.iter().all(|word| !word.contains('$')), "the scene does not have everything in {words:?}");
        words
    }

    /// Somebody runs a command at a node, on the market of the network unless it names another one.
    pub fn run(&self, url: &str, by: &str, command: &str) -> Ran {
        let words = self.words(command);
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if !words.contains(&"--market") {
            words.extend(["--market", self.get("$MARKET")]);
        }
        words.extend(["--url", url, "--keypair", self.get(by), "--output", "json"]);
        stage().bare("", &words)
    }

    pub fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// The files of the fresh market, which gets one asset and a model for it, and a model for the market of the network.
    fn files(&mut self, stage: &Stage) {
        let asset = format!(
            "name = \"SOL\"\nmint = \"{}\"\ndecimals = 9\nsource = {{ kind = \"pyth-pull\", feed = \"{}\" }}\n\
             parameters = {{ deposit_cap = 1000 }}\n",
            stage.site.mints[SOL],
            "09".repeat(32)
        );
        self.set("$ASSET", stage.file("leaves/asset.toml", &asset));
        self.set("$BAD_ASSET", stage.file("leaves/bad-asset.toml", &format!("{asset}colour = \"red\"\n")));
        let definition = format!("market = \"fresh\"\n[[assets]]\n{asset}");
        stage.file("leaves/definitions/0001-fresh.toml", &definition.replace("1000", "2000"));
        self.set("$DEFINITIONS", stage.path("leaves/definitions"));
        let row = "[assets.SOL]\nloadings = [\"9%\", \"6%\"]\nspecific = \"2.5%\"\nshocks = [\"-25%\"]\n";
        self.set("$FRESH_MODEL", stage.file("leaves/fresh-model.toml", &format!("{}{row}", model::MODEL)));
        self.set("$MODEL", stage.file("leaves/model.toml", &model::file(&model::rows())));
        self.set("$BAD_MODEL", stage.file("leaves/bad-model.toml", "[model]\nfactors = 3\n"));
    }
}

/// The URL of something that answers as a keeper does. The real one is tried in the book's test.
fn keeper() -> String {
    serve(&[
        ("/readyz", 200, "{\"ready\":true,\"reasons\":{}}"),
        ("/healthz", 200, "{}"),
        ("/metrics", 200, "ballast_keeper_vaults 7\n"),
    ])
}
