//! `ballast price observe`: brings a source that is to take over nearer to it.

use ballast_client::Pubkey;
use ballast_client::explain::{Candidate, explain};
use ballast_client::instruction::observe_candidate;
use clap::Args;
use serde::Serialize;

use super::accounts::{Sourced, clock, find};
use super::chosen;
use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::gov::describe::source_text;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Compare the new source of an asset with its price. Anybody may; after enough agreements it takes over
#[derive(Args, Debug)]
pub struct Observe {
    /// Which; by default all that have one
    #[arg(value_name = "ASSET")]
    assets: Vec<String>,
    /// Price account to use for its feed, instead of the newest of the receiver program; any number of times
    #[arg(long = "account", value_name = "ADDRESS")]
    accounts: Vec<Pubkey>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Observed {
    asset: String,
    source: String,
    account: String,
    /// How often in a row it has agreed: after this, where it has landed; 0 when it differed.
    checks: u8,
    /// How often it must.
    needed: u8,
    took_over: bool,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Serialize)]
#[serde(transparent)]
struct AllObserved(Vec<Observed>);

impl Report for AllObserved {
    fn text(&self) -> String {
        let text = |one: &Observed| {
            let state = match one.took_over {
                true => "it has taken over".to_owned(),
                false => format!("has agreed {} of {} times", one.checks, one.needed),
            };
            facts([(one.asset.as_str(), format!("{}: {state}", one.source))]) + &one.sent.text()
        };
        self.0.iter().map(text).collect()
    }
}

fn candidate(chain: &OnChain, asset: u8) -> Option<Candidate> {
    explain(chain.market.listed().get(usize::from(asset))?, chain.now).candidate
}

impl Observe {
    /// # Errors
    /// [`Failure`]; of several assets those before the one that fails are shown.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let mut wanted = chosen(&chain, &self.assets)?;
        wanted.retain(|asset| candidate(&chain, *asset).is_some());
        if wanted.is_empty() {
            return Err(Failure::usage("no source of these is to take over: a change of a source comes first"));
        }
        let clock = clock(&context.connection).await?;
        let mut all = AllObserved(vec![]);
        for sourced in find(&context.connection, &chain.market, &wanted, &self.accounts, &clock).await? {
            match observe(context, &chain, &sourced).await {
                Ok(observed) => all.0.push(observed),
                Err(failure) => {
                    if !all.0.is_empty() {
                        context.show(&all)?;
                    }
                    return Err(failure);
                }
            }
        }
        context.show(&all)
    }
}

async fn observe(context: &Context, chain: &OnChain, sourced: &Sourced) -> Result<Observed, Failure> {
    let asset = chain.market.listed().get(usize::from(sourced.asset)).map_or_else(String::new, |one| name(&one.name));
    let missing = || Failure::usage(format!("{asset}: its new source has no account; name one with --account"));
    let oracle = sourced.candidate.as_ref().ok_or_else(missing)?;
    let Some(before) = candidate(chain, sourced.asset) else { return Err(missing()) };
    let source = source_text(&chain.market, &before.source);
    let request = Request {
        preview: vec![format!("Compare {source} at {} with the price of {asset}", oracle.address)],
        instructions: vec![observe_candidate(&chain.address, sourced.asset, &oracle.address)],
        signers: vec![],
    };
    let sent = send(context, request).await?;
    let after = match sent {
        Sent::Confirmed { .. } => candidate(&context.market_at(chain.address).await?, sourced.asset),
        _ => Some(before),
    };
    Ok(Observed {
        asset,
        source,
        account: oracle.address.to_string(),
        checks: after.map_or(before.needed, |now| now.checks),
        needed: before.needed,
        took_over: after.is_none(),
        sent,
    })
}
