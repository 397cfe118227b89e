//! `ballast keeper ..`: what a keeper says about itself.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, Table, facts};

/// How long a keeper may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Commands on keepers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print whether a keeper is alive and ready, and what it has counted
    Status {
        /// Where it serves /metrics, such as http://127.0.0.1:9184
        // A name of its own: `url` is the option of every command.
        #[arg(id = "keeper", value_name = "URL")]
        url: String,
    },
}

/// What `/readyz` says.
#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    #[serde(default)]
    reasons: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Keeper {
    url: String,
    /// Its main loop turns.
    healthy: bool,
    /// It could act.
    ready: bool,
    /// What is missing for that, and why.
    reasons: BTreeMap<String, String>,
    /// Name with labels, and number, as it is written.
    metrics: BTreeMap<String, String>,
}

impl Report for Keeper {
    fn text(&self) -> String {
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let mut text =
            facts([("Keeper", self.url.clone()), ("Healthy", yes(self.healthy)), ("Ready", yes(self.ready))]);
        for (what, why) in &self.reasons {
            text += &format!("  {what}: {why}\n");
        }
        let mut table = Table::new(&["Counted", ">Number"]);
        for (name, number) in &self.metrics {
            table.row([name.clone(), number.clone()]);
        }
        format!("{text}\n{table}")
    }
}

impl Command {
    /// # Errors
    /// [`Failure::Rpc`] for a keeper that does not answer, [`Failure::NotInOrder`] for one that is not ready.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::Status { url } = self;
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::usage(format!("{url} is no URL: write http://HOST:PORT")));
        }
        let client = reqwest::Client::builder().timeout(PATIENCE).build().context("no client")?;
        let get = |path: &str| {
            let request = client.get(format!("{url}{path}"));
            let failed = format!("{url}{path} does not answer");
            async move {
                let answer = request.send().await.with_context(|| failed.clone())?;
                let good = answer.status().is_success();
                anyhow::Ok((good, answer.text().await.with_context(|| failed)?))
            }
        };
        let (_, readiness) = get("/readyz").await?;
        let readiness: Readiness = serde_json::from_str(&readiness).context("/readyz is not a keeper's")?;
        let (healthy, _) = get("/healthz").await?;
        let (_, metrics) = get("/metrics").await?;
        let Readiness { ready, reasons } = readiness;
        let keeper = Keeper { url, healthy, ready, reasons, metrics: numbers(&metrics) };
        context.show(&keeper)?;
        match (keeper.healthy, keeper.ready) {
            (true, true) => Ok(()),
            (false, _) => Err(Failure::NotInOrder("the keeper's main loop has stopped turning: restart it".to_owned())),
            (true, false) => Err(Failure::NotInOrder("the keeper is not ready".to_owned())),
        }
    }
}

/// The samples of an exposition, without comments and buckets.
fn numbers(text: &str) -> BTreeMap<String, String> {
    let samples = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket{"));
    samples
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, number)| (name.to_owned(), number.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_without_comments_and_buckets() {
        let text = "# HELP a b\n# TYPE a counter\na_total{reason=\"too old\"} 3\nb_bucket{le=\"1\"} 2\nc 0.5\n# EOF\n";
        let found: Vec<_> = numbers(text).into_iter().collect();
        let expected = [("a_total{reason=\"too old\"}", "3"), ("c", "0.5")];
        assert_eq!(found, expected.map(|(name, number)| (name.to_owned(), number.to_owned())));
    }
}
