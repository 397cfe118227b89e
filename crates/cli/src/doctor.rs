//! `ballast doctor`: everything that a command needs, one line each, with what to do about what is missing.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use ballast_client::explain::explain;
use ballast_client::{ID, Pubkey};
use ballast_cluster::books::read_clock;
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::market::migrate::cluster_of;
use crate::origin::redacted;
use crate::output::{Report, Table};

/// Owner of programs that can be upgraded.
const LOADER: Pubkey = Pubkey::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
/// Where the address of its code stands in a program's account, behind what kind of account it is.
const CODE_ADDRESS: std::ops::Range<usize> = 4..36;
/// Where its upgrade authority stands in the account of its code: behind the kind and the slot of the deployment.
const HAS_AUTHORITY: usize = 12;
/// Seconds that the cluster's clock may be away from this machine's.
const CLOCK_DRIFT: u64 = 60;
/// Lamports that are good for a thousand transactions.
const FEW_LAMPORTS: u64 = 10_000_000;

/// Check everything that a command needs.
#[derive(Args, Debug)]
pub struct Doctor {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Line {
    check: &'static str,
    status: Status,
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Findings(Vec<Line>);

impl Report for Findings {
    fn text(&self) -> String {
        let mut table = Table::new(&["", "Check", "Found"]);
        for Line { check, status, detail, advice } in &self.0 {
            let status = match status {
                Status::Ok => "ok",
                Status::Warn => "warn",
                Status::Fail => "FAIL",
            };
            table.row([status, check, detail]);
            if let Some(advice) = advice {
                table.row(["", "", &format!("-> {advice}")]);
            }
        }
        table.to_string()
    }
}

fn ok(check: &'static str, detail: impl Into<String>) -> Line {
    Line { check, status: Status::Ok, detail: redacted(&detail.into()), advice: None }
}

fn warn(check: &'static str, detail: impl Into<String>, advice: &str) -> Line {
    Line { check, status: Status::Warn, detail: redacted(&detail.into()), advice: Some(advice.to_owned()) }
}

fn fail(check: &'static str, detail: impl Into<String>, advice: &str) -> Line {
    Line { check, status: Status::Fail, detail: redacted(&detail.into()), advice: Some(advice.to_owned()) }
}

impl Doctor {
    /// # Errors
    /// [`Failure::Rpc`] for a node that does not answer, [`Failure::NotInOrder`] for any other line that failed.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut lines = vec![configuration(context), key(context)];
        let reached = node(context).await;
        let reachable = reached.is_ok();
        match reached {
            Ok(found) => {
                lines.extend(found);
                lines.push(clock(context).await);
                lines.push(program(context).await.unwrap_or_else(|error| {
                    fail("program", format!("{error:#}"), "choose another node or cluster with -u")
                }));
                lines.extend(market(context).await);
                lines.push(balance(context).await);
            }
            Err(error) => lines.push(fail("node", format!("{error:#}"), "choose another with -u URL")),
        }
        let failed = lines.iter().filter(|line| line.status == Status::Fail).count();
        context.show(&Findings(lines))?;
        match (reachable, failed) {
            (false, _) => Err(Failure::Rpc(anyhow!("{} does not answer", context.url))),
            (true, 0) => Ok(()),
            (true, count) => Err(Failure::NotInOrder(format!("{count} of the checks failed"))),
        }
    }
}

fn configuration(context: &Context) -> Line {
    let (path, there) = &context.config;
    if *there {
        return ok("configuration", path.display().to_string());
    }
    let detail = format!("{} does not exist; Solana's defaults hold", path.display());
    warn("configuration", detail, "make it with: solana config set -u URL, or name another with -C")
}

fn key(context: &Context) -> Line {
    match context.signer() {
        Ok(signer) => ok("key", signer.pubkey().to_string()),
        Err(error) => warn("key", error.to_string(), "name one with -k; looking at things needs none"),
    }
}

async fn node(context: &Context) -> anyhow::Result<Vec<Line>> {
    let client = context.connection.client();
    let version = client.get_version().await.context("no version")?;
    let slot = client.get_slot().await.context("no slot")?;
    let cluster = cluster_of(context).await.map_err(|error| anyhow!("{error}"))?;
    let detail = format!("{} is a {cluster:?} node, version {version}, at slot {slot}", context.url);
    let health = match client.get_health().await {
        Ok(()) => ok("slots", "the node has caught up"),
        Err(error) => warn("slots", error.to_string(), "what it says may be old; choose another with -u URL"),
    };
    Ok(vec![ok("node", detail), health])
}

async fn clock(context: &Context) -> Line {
    let here = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match read_clock(&context.connection).await {
        Ok(there) if there.abs_diff(here) <= CLOCK_DRIFT => {
            ok("clock", format!("{} seconds from this machine's", there.abs_diff(here)))
        }
        Ok(there) => {
            let detail = format!("the cluster's is {} seconds from this machine's", there.abs_diff(here));
            warn("clock", detail, "usual on a local network; elsewhere the node or this machine is wrong")
        }
        Err(error) => fail("clock", format!("{error:#}"), "choose another node with -u URL"),
    }
}

async fn program(context: &Context) -> anyhow::Result<Line> {
    let Some(found) = context.connection.account(&ID).await? else {
        return Ok(fail("program", format!("{ID} is not deployed here"), "choose another cluster with -u"));
    };
    if found.owner != LOADER {
        return Ok(warn("program", format!("{ID} belongs to {}", found.owner), "nobody can tell who may upgrade it"));
    }
    let address = found.data.get(CODE_ADDRESS).and_then(|bytes| Pubkey::try_from(bytes).ok());
    let address = address.context("the program's account does not name its code")?;
    let code = context.connection.account(&address).await?.context("the program has no code")?;
    let authority = code.data.get(HAS_AUTHORITY + 1..HAS_AUTHORITY + 33).and_then(|bytes| Pubkey::try_from(bytes).ok());
    Ok(match (code.data.get(HAS_AUTHORITY), authority) {
        (Some(0), _) => ok("program", format!("{ID} is deployed and can never be upgraded")),
        // The address of the system program, which signs nothing.
        (Some(1), Some(nobody)) if nobody == Pubkey::default() => {
            ok("program", format!("{ID} is deployed, and nobody holds a key that may upgrade it"))
        }
        (Some(1), Some(authority)) => ok("program", format!("{ID} is deployed; {authority} may upgrade it")),
        _ => fail("program", format!("{ID} has an account of code that is none"), "choose another node with -u URL"),
    })
}

async fn market(context: &Context) -> Vec<Line> {
    let market = match context.market().await {
        Ok(market) => market,
        Err(Failure::Usage(why)) if context.market_address().is_err() => {
            return vec![warn("market", "none is named", &why)];
        }
        Err(error) => return vec![fail("market", error.to_string(), "check --market and -u: they belong together")],
    };
    let state = if market.market.in_setup() { "is being set up" } else { "is open" };
    let detail = format!("{} {state} and has {} assets", market.address, market.market.listed().len());
    vec![ok("market", detail), prices(&market)]
}

fn prices(market: &OnChain) -> Line {
    let listed = market.market.listed();
    let withheld = listed.iter().filter(|asset| !explain(asset, market.now).usable());
    let withheld: Vec<String> = withheld.map(|asset| name(&asset.name)).collect();
    if withheld.is_empty() {
        return ok("prices", format!("all {} count", listed.len()));
    }
    let detail = format!("{} of {} do not count: {}", withheld.len(), listed.len(), withheld.join(", "));
    warn(
        "prices",
        detail,
        "ballast price refresh brings them up to date; ballast price check says why they do not count",
    )
}

async fn balance(context: &Context) -> Line {
    let Ok(payer) = context.fee_payer() else {
        return warn("balance", "there is no key to look at", "name one with -k");
    };
    match context.connection.client().get_balance(&payer.pubkey()).await {
        Ok(lamports) if lamports >= FEW_LAMPORTS => ok("balance", format!("{lamports} lamports")),
        Ok(lamports) => {
            warn("balance", format!("{lamports} lamports"), "send some to your key; every transaction costs")
        }
        Err(error) => fail("balance", error.to_string(), "choose another node with -u URL"),
    }
}
