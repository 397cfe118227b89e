//! `ballast gov status`: what waits, what has been decided and is not over, who holds which role.

use ballast_client::diff::holds;
use ballast_client::explain::explain;
use ballast_client::impact::in_force;
use ballast_client::{Draft, Market, Role, measure};
use clap::Args;
use serde::Serialize;

use super::accounts::{Pending, all_pending, draft_for};
use super::describe::{Content, May, asset_name, content, date, holder, source_text};
use super::wanted::role_name;
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::output::Report;

/// List pending changes, and what is under way
#[derive(Args, Debug)]
pub struct Status {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    change: String,
    #[serde(flatten)]
    content: Content,
    /// `waiting`, `due`, `expired`, or `void`: it can never be executed.
    state: &'static str,
    proposer: String,
    /// Anybody may execute it from this second on,
    eta: u64,
    /// up to this one.
    expiry: u64,
    /// Whether what it was written against still holds, and the proposer still governs.
    holds: May,
    /// What its execution would say when it is due, with the market as it is now.
    execution: May,
}

/// Something that was decided and is not over yet.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnderWay {
    what: String,
    /// Unix seconds; absent for what has no end.
    until: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    market: String,
    /// The cluster's clock, unix seconds.
    now: u64,
    /// Whether the market is still being set up.
    set_up: bool,
    delay_seconds: u32,
    notice_seconds: u32,
    window_seconds: u32,
    changes: Vec<Waiting>,
    under_way: Vec<UnderWay>,
    /// Accounts of the size of a change that cannot be read.
    unreadable: Vec<String>,
}

impl Report for State {
    fn text(&self) -> String {
        let Self { now, delay_seconds, notice_seconds, window_seconds, .. } = self;
        let times = [delay_seconds, notice_seconds, window_seconds].map(|seconds| measure::duration((*seconds).into()));
        let [delay, notice, window] = times;
        let mut out = format!("Market {}\nIt is {}. ", self.market, date(*now));
        out.push_str(&if self.set_up {
            "The market is being set up: governance changes it at once.\n".to_owned()
        } else {
            format!("Delay {delay}, notice {notice}, window {window}.\n")
        });
        if self.changes.is_empty() {
            out.push_str("\nNo change is pending.\n");
        }
        for Waiting { change, content, state, proposer, eta, expiry, holds, execution } in &self.changes {
            out.push_str(&format!("\nChange {change}: {state}\n{}", content.text()));
            out.push_str(&format!("  executable by anybody from {} until {}\n", date(*eta), date(*expiry)));
            out.push_str(&format!("  proposed by {proposer}\n"));
            for (what, may) in [("what it was written against", holds), ("execution", execution)] {
                if let (Some(error), Some(reason)) = (&may.error, &may.reason) {
                    out.push_str(&format!("  {what}: {reason} ({error})\n"));
                }
            }
        }
        if !self.under_way.is_empty() {
            out.push_str("\nUnder way\n");
        }
        for UnderWay { what, until } in &self.under_way {
            let until = until.map_or(String::new(), |until| format!(" until {}", date(until)));
            out.push_str(&format!("  {what}{until}\n"));
        }
        self.unreadable.iter().for_each(|line| out.push_str(&format!("\nCannot be read: {line}\n")));
        out
    }
}

impl Status {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let (pending, unreadable) = all_pending(context, &chain).await?;
        let mut changes = vec![];
        for found in &pending {
            let draft = draft_for(context, &chain, &found.proposal).await?;
            changes.push(waiting(&chain, found, draft.as_ref().map(|(_, draft)| &**draft)));
        }
        let market = &chain.market;
        context.show(&State {
            market: chain.address.to_string(),
            now: chain.now,
            set_up: market.in_setup(),
            delay_seconds: market.delay,
            notice_seconds: market.notice,
            window_seconds: market.window,
            changes,
            under_way: under_way(market, chain.now),
            unreadable,
        })
    }
}

fn waiting(chain: &OnChain, found: &Pending, draft: Option<&Draft>) -> Waiting {
    let Pending { address, change, proposal } = found;
    let (market, now) = (&chain.market, chain.now);
    let governs = market.is(Role::Governance, &change.proposer);
    let still = holds(market, proposal);
    let execution = match found.dead(chain) {
        Some((error, why)) => May { allowed: false, error: Some(error.to_owned()), reason: Some(why.to_owned()) },
        None => May::of(&in_force(market, proposal, draft, now.max(change.eta))),
    };
    let state = match () {
        () if !governs || still.is_err() => "void",
        () if now > change.expiry => "expired",
        () if now >= change.eta => "due",
        () => "waiting",
    };
    let mut holds = May::of(&still);
    if !governs {
        holds = execution.clone();
    }
    Waiting {
        change: address.to_string(),
        content: content(market, proposal, draft, now),
        state,
        proposer: change.proposer.to_string(),
        eta: change.eta,
        expiry: change.expiry,
        holds,
        execution,
    }
}

fn under_way(market: &Market, now: u64) -> Vec<UnderWay> {
    let mut found = vec![];
    let mut add = |what: String, until: Option<u64>| found.push(UnderWay { what, until });
    for role in Role::ALL {
        let named = role.of(&market.named);
        if *named != Default::default() {
            add(format!("{} is named for {} and has to accept", holder(named), role_name(role)), None);
        }
    }
    if now < market.change_end {
        add(format!("the model phases in from {}", date(market.change_start)), Some(market.change_end));
    }
    if market.model().current.netting {
        let what =
            if now <= market.valid_until { "the model is confirmed" } else { "the model is NOT confirmed; confirmed" };
        add(what.to_owned(), Some(market.valid_until));
    }
    for (what, pause) in [("borrowing", &market.borrow_pause), ("withdrawing with debts", &market.withdraw_pause)] {
        if pause.active(now) {
            add(format!("{what} is paused"), Some(pause.until));
        }
    }
    for (index, asset) in (0u8..).zip(market.listed()) {
        let name = asset_name(market, index);
        let told = explain(asset, now);
        if let Some(until) = told.paused_until {
            add(format!("{name} is paused"), Some(until));
        }
        if !asset.ramp().over(now) {
            add(format!("requirements of {name} move from {}", date(asset.ramp_start)), Some(asset.ramp_end));
        }
        if let Some(candidate) = told.candidate {
            let source = source_text(market, &candidate.source);
            add(format!("{name}: {source} has agreed {} of {} times", candidate.checks, candidate.needed), None);
        }
    }
    found
}
