//! `ballast price refresh`.

use ballast_client::instruction;
use ballast_client::oracle::Verdict;
use ballast_client::risk::health::Prices;
use ballast_client::{Market, Pubkey};
use clap::Args;
use serde::Serialize;

use super::accounts::{Sourced, clock, find, verdict};
use super::check::VerdictView;
use super::chosen;
use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::{Report, Table};
use crate::send::{Request, Sent, send};

/// Assets in one transaction: two accounts each, beside a few of its own.
pub const AT_ONCE: usize = 12;

/// Bring prices up to date. Anybody may
#[derive(Args, Debug)]
pub struct Refresh {
    /// Which; by default all that have a source
    #[arg(value_name = "ASSET")]
    assets: Vec<String>,
    /// Only those whose price does not count any more, or not for this long
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "0s")]
    stale: Option<String>,
    /// Price account to use for its feed, instead of the publishers' own or the newest; any number of times
    #[arg(long = "account", value_name = "ADDRESS")]
    accounts: Vec<Pubkey>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    asset: String,
    accounts: Vec<String>,
    /// What the refresh does, told by the program's own functions before it is sent.
    #[serde(flatten)]
    verdict: VerdictView,
    /// Left out, because its refusal would fail the others.
    left_out: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    assets: Vec<Line>,
    transactions: Vec<Sent>,
}

impl Report for Refreshed {
    fn text(&self) -> String {
        let mut table = Table::new(&["Asset", "Verdict", "Account"]);
        for Line { asset, accounts, verdict, .. } in &self.assets {
            table.row([asset.clone(), verdict.text(), accounts.join(" ")]);
        }
        let sent: String = self.transactions.iter().map(Report::text).collect();
        format!("{table}{sent}")
    }
}

impl Refresh {
    /// # Errors
    /// [`Failure`]; exit code 4 when every asset asked for was left out.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let clock = clock(&context.connection).await?;
        let mut wanted = chosen(&chain, &self.assets)?;
        if let Some(time) = &self.stale {
            let ahead = ballast_client::measure::seconds(time);
            let ahead = ahead.ok_or_else(|| Failure::usage(format!("{time} is no time such as 30s")))?;
            wanted.retain(|index| stale(&chain.market, *index, clock.unix.saturating_add(ahead)));
        }
        let found = find(&context.connection, &chain.market, &wanted, &self.accounts, &clock).await?;
        // What is derived from another price comes after it: one transaction brings both up to date.
        let mut market = ballast_client::impact::copied(&chain.market);
        let (mut lines, mut chunk, mut refusal) = (vec![], vec![], None);
        for sourced in ordered(&chain.market, found) {
            let (verdict, after) = verdict(&market, &sourced, &clock)?;
            market = after;
            let accounts = sourced.accounts(&chain.market);
            let left_out = accounts.is_none() || matches!(verdict, Verdict::Refused(_));
            if let (Verdict::Refused(why), None) = (&verdict, &refusal) {
                refusal = Some(why.clone());
            }
            chunk.extend(accounts.filter(|_| !left_out));
            lines.push(Line {
                asset: name(&chain.market.assets[usize::from(sourced.asset)].name),
                accounts: sourced.oracles.iter().flatten().map(|oracle| oracle.address.to_string()).collect(),
                verdict: VerdictView::from(&verdict),
                left_out,
            });
        }
        if chunk.is_empty() && !lines.is_empty() {
            return Err(match refusal {
                Some(refusal) => refusal.into(),
                None => {
                    let missing = "no price account was found for any of these; name one with --account";
                    Failure::NotInOrder(missing.to_owned())
                }
            });
        }
        send_all(context, &chain, lines, &chunk).await
    }
}

/// Sends the accounts of assets with their indices, and shows what became of it.
async fn send_all(
    context: &Context,
    chain: &OnChain,
    assets: Vec<Line>,
    chunk: &[(u8, Pubkey, Option<Pubkey>)],
) -> Result<(), Failure> {
    let mut refreshed = Refreshed { assets, transactions: vec![] };
    for prices in chunk.chunks(AT_ONCE) {
        let names = prices.iter().map(|(index, ..)| name(&chain.market.assets[usize::from(*index)].name));
        let names: Vec<String> = names.collect();
        let request = Request {
            preview: vec![format!("Refresh the prices of {}", names.join(", "))],
            instructions: vec![instruction::refresh_prices(&chain.address, prices)],
            signers: vec![],
        };
        match send(context, request).await {
            Ok(sent) => refreshed.transactions.push(sent),
            Err(failure) => {
                // What was sent before it is shown all the same.
                if !refreshed.transactions.is_empty() {
                    context.show(&refreshed)?;
                }
                return Err(failure);
            }
        }
    }
    context.show(&refreshed)
}

/// Whether the price does not count somewhere at that time.
fn stale(market: &Market, index: u8, at: u64) -> bool {
    let record = market.assets.get(usize::from(index));
    record
        .is_none_or(|asset| [Prices::Conservative, Prices::Spot].iter().any(|prices| asset.usable_until(*prices) < at))
}

/// Stake pools last.
fn ordered(market: &Market, mut found: Vec<Sourced>) -> Vec<Sourced> {
    let derived = |sourced: &Sourced| {
        let record = market.assets.get(usize::from(sourced.asset));
        record.is_some_and(|asset| {
            asset.sources.iter().any(|source| source.kind() == ballast_client::SourceKind::StakePool)
        })
    };
    found.sort_by_key(derived);
    found
}
