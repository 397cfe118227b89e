//! `ballast gov impact`: how many vaults, and how much money, a change restricts or makes liquidatable.

use std::path::PathBuf;

use ballast_client::impact::{
    Affected, Group, Impact as Numbers, Shock, Standing, Tally, compared, copied, in_force, shocked,
};
use ballast_client::{Market, Proposal, Pubkey};
use ballast_cluster::books::Books;
use clap::Args;
use serde::Serialize;

use super::accounts::{draft_for, pending};
use super::describe::{Content, content};
use super::wanted::Wanted;
use crate::amounts::signed_dollars;
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::output::{Report, Table};
use crate::vault::state_name;

/// Count the vaults and the money that changes would restrict or make liquidatable
#[derive(Args, Debug)]
pub struct Impact {
    /// Address of a pending change, or a TOML file
    #[arg(value_name = "ADDRESS|FILE.toml")]
    what: Option<String>,
    /// As for `gov diff`
    #[arg(long = "set", value_name = "WHAT=VALUE")]
    set: Vec<String>,
    /// The same after prices have moved: `SOL=-20%`, or `all=-20%`; each is counted by itself
    #[arg(long = "shock", value_name = "ASSET=PERCENT", allow_hyphen_values = true)]
    shocks: Vec<String>,
    /// How many of the worst vaults are named
    #[arg(long, default_value_t = 10)]
    worst: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    changes: Vec<Content>,
    /// The cluster's clock, unix seconds.
    now: u64,
    #[serde(flatten)]
    numbers: NumbersView,
    shocks: Vec<ShockView>,
    /// Accounts of vaults that cannot be read; they are in none of the numbers.
    unreadable: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShockView {
    shock: String,
    #[serde(flatten)]
    numbers: NumbersView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NumbersView {
    before: TallyView,
    after: TallyView,
    /// Vaults that lose something.
    affected: u64,
    worst: Vec<AffectedView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TallyView {
    indebted: GroupView,
    restricted: GroupView,
    below_target: GroupView,
    liquidatable: GroupView,
    insolvent: GroupView,
    unpriced: u64,
}

/// Money in micro-dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupView {
    vaults: u64,
    debts: String,
    collateral: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AffectedView {
    vault: String,
    owner: String,
    before: StandingView,
    after: StandingView,
}

/// Money in micro-dollars.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StandingView {
    state: &'static str,
    below_target: bool,
    debts: String,
    collateral: String,
    /// Equity less the requirement at Maint; absent without a price.
    above_maint: Option<String>,
}

impl From<&Group> for GroupView {
    fn from(Group { vaults, debts, collateral }: &Group) -> Self {
        Self { vaults: *vaults, debts: debts.to_string(), collateral: collateral.to_string() }
    }
}

impl From<&Tally> for TallyView {
    fn from(tally: &Tally) -> Self {
        Self {
            indebted: (&tally.indebted).into(),
            restricted: (&tally.restricted).into(),
            below_target: (&tally.below_target).into(),
            liquidatable: (&tally.liquidatable).into(),
            insolvent: (&tally.insolvent).into(),
            unpriced: tally.unpriced,
        }
    }
}

impl From<&Standing> for StandingView {
    fn from(standing: &Standing) -> Self {
        Self {
            state: state_name(standing.state),
            below_target: standing.below_target,
            debts: standing.debts.to_string(),
            collateral: standing.collateral.to_string(),
            above_maint: standing.above_maint.map(|above| above.to_string()),
        }
    }
}

impl From<&Numbers> for NumbersView {
    fn from(Numbers { before, after, worst, affected }: &Numbers) -> Self {
        let view = |vault: &Affected| AffectedView {
            vault: vault.vault.to_string(),
            owner: vault.owner.to_string(),
            before: (&vault.before).into(),
            after: (&vault.after).into(),
        };
        let worst = worst.iter().map(view).collect();
        Self { before: before.into(), after: after.into(), affected: *affected, worst }
    }
}

impl NumbersView {
    fn text(&self) -> String {
        let mut table = Table::new(&["", ">Vaults", ">", ">Debts", ">", ">Collateral", ">"]);
        let (before, after) = (&self.before, &self.after);
        for (name, was, is) in [
            ("in debt", &before.indebted, &after.indebted),
            ("restricted (below Init)", &before.restricted, &after.restricted),
            ("below Target", &before.below_target, &after.below_target),
            ("liquidatable (below Maint)", &before.liquidatable, &after.liquidatable),
            ("insolvent", &before.insolvent, &after.insolvent),
        ] {
            table.row([
                name.to_owned(),
                was.vaults.to_string(),
                is.vaults.to_string(),
                dollars(&was.debts),
                dollars(&is.debts),
                dollars(&was.collateral),
                dollars(&is.collateral),
            ]);
        }
        let mut out = format!("Before and after\n{table}");
        for (when, tally) in [("before", before), ("after", after)] {
            if tally.unpriced > 0 {
                out.push_str(&format!("{} vaults cannot be valued {when}: a price is missing\n", tally.unpriced));
            }
        }
        out.push_str(&format!("{} vaults lose something\n", self.affected));
        if !self.worst.is_empty() {
            let mut table = Table::new(&["Vault", "Before", "After", ">Debts", ">Above Maint"]);
            for vault in &self.worst {
                let above = vault.after.above_maint.as_deref().map_or("?".to_owned(), dollars);
                let state = |standing: &StandingView| {
                    let target =
                        if standing.below_target && standing.state == "restricted" { ", below Target" } else { "" };
                    format!("{}{target}", standing.state)
                };
                let debts = dollars(&vault.after.debts);
                table.row([vault.vault.clone(), state(&vault.before), state(&vault.after), debts, above]);
            }
            out.push_str(&table.to_string());
        }
        out
    }
}

/// Micro-dollars of a report.
fn dollars(micro: &str) -> String {
    signed_dollars(micro.parse().unwrap_or(i64::MAX))
}

impl Report for Counted {
    fn text(&self) -> String {
        let mut out: String = self.changes.iter().map(Content::text).collect();
        out.push_str(&format!("\n{}", self.numbers.text()));
        for ShockView { shock, numbers } in &self.shocks {
            out.push_str(&format!("\nAt {shock}: {}", numbers.text()));
        }
        self.unreadable.iter().for_each(|line| out.push_str(&format!("\nLeft out, cannot be read: {line}\n")));
        out
    }
}

impl Impact {
    /// # Errors
    /// [`Failure`]; a change that would be refused fails with the program's reason.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let address = context.market().await?.address;
        let books = Books::read(&context.connection, address).await?;
        let unreadable = books.unreadable.iter().map(|(address, why)| format!("{address}: {why}")).collect();
        let chain = OnChain { address, market: books.market, now: books.now };
        let shocks = self.shocks.iter().map(|text| shock(&chain, text)).collect::<Result<Vec<_>, _>>()?;
        let proposals = self.proposals(context, &chain).await?;
        let mut changed = copied(&chain.market);
        let mut changes = vec![];
        for proposal in &proposals {
            let draft = draft_for(context, &chain, proposal).await?;
            let draft = draft.as_ref().map(|(_, draft)| &**draft);
            changes.push(content(&changed, proposal, draft, chain.now));
            changed = in_force(&changed, proposal, draft, chain.now)?;
        }
        let count = |before: &Market, after: &Market| {
            NumbersView::from(&compared(before, after, &books.vaults, chain.now, self.worst))
        };
        let numbers = count(&chain.market, &changed);
        let mut counted = vec![];
        for (text, shock) in self.shocks.iter().zip(shocks) {
            let moved = |market| shocked(market, &[shock], chain.now);
            let numbers = count(&*moved(&chain.market)?, &*moved(&changed)?);
            counted.push(ShockView { shock: text.clone(), numbers });
        }
        context.show(&Counted { changes, now: chain.now, numbers, shocks: counted, unreadable })
    }

    async fn proposals(&self, context: &Context, chain: &OnChain) -> Result<Vec<Proposal>, Failure> {
        let address = self.what.as_ref().and_then(|what| what.parse::<Pubkey>().ok());
        let mut proposals = match address {
            Some(address) => vec![pending(context, chain, address).await?.proposal],
            None => vec![],
        };
        let file = self.what.as_ref().filter(|_| address.is_none()).map(PathBuf::from);
        if proposals.is_empty() || file.is_some() || !self.set.is_empty() {
            let wanted = Wanted { file, set: self.set.clone(), ramp: None };
            proposals.extend(wanted.proposals(chain)?);
        }
        Ok(proposals)
    }
}

/// `SOL=-20%`, `all=+5.5%`.
fn shock(chain: &OnChain, text: &str) -> Result<Shock, Failure> {
    let wrong = || Failure::usage(format!("{text} is no shock: write SOL=-20% or all=-20%"));
    let (asset, percent) = text.split_once('=').ok_or_else(wrong)?;
    let asset = if asset == "all" { None } else { Some(chain.asset(asset)?) };
    let digits = percent.strip_suffix('%').ok_or_else(wrong)?;
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let bps = crate::amounts::native(digits, 2).ok().and_then(|bps| i32::try_from(bps).ok()).ok_or_else(wrong)?;
    Ok(Shock { asset, bps: sign * bps })
}
