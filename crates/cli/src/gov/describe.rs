//! A proposal as people and programs read it: old and new, direction, room, ways, dates.

use ballast_client::diff::{Direction, Line, Schedule, Ways, lines, ways};
use ballast_client::measure::{duration, write};
use ballast_client::refusal::Refusal;
use ballast_client::{Draft, Market, Proposal, Pubkey, Role, Source, SourceKind};
use ballast_cluster::definition::file::kind_name;
use serde::Serialize;

use super::terms::ModelChange;
use super::wanted::role_name;
use crate::context::name;
use crate::output::Table;

/// A number in both forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Value {
    /// As it is stored.
    pub raw: String,
    pub text: String,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterLine {
    pub parameter: &'static str,
    /// What it was written against.
    pub from: Value,
    pub to: Value,
    /// What counts now, where that is another value than `from`.
    pub in_force: Option<Value>,
    pub direction: &'static str,
    /// The furthest value that a proposal may name in this direction.
    pub furthest: Option<Value>,
    /// How much of the way there is used, basis points.
    pub room_used_bps: Option<u64>,
    /// Counts at Target or Maint after the notice, along a ramp.
    pub ramps: bool,
}

/// What a proposal changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Content {
    Parameters {
        asset: Option<String>,
        lines: Vec<ParameterLine>,
        /// Edits of parameters that nobody knows; the program refuses them.
        #[serde(skip_serializing_if = "is_zero")]
        unknown: usize,
        ramp_seconds: u32,
    },
    Source {
        asset: String,
        slot: u8,
        from: String,
        to: String,
    },
    Role {
        role: &'static str,
        from: String,
        to: String,
    },
    Model {
        #[serde(flatten)]
        change: ModelChange,
        digest: String,
        version: u32,
    },
}

/// Whether something may be done, or the program's reason why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct May {
    pub allowed: bool,
    pub error: Option<String>,
    pub reason: Option<String>,
}

impl May {
    pub fn of<T>(result: &Result<T, Refusal>) -> Self {
        let refusal = result.as_ref().err();
        Self {
            allowed: refusal.is_none(),
            error: refusal.map(|refusal| refusal.name.clone()),
            reason: refusal.map(|refusal| refusal.message.clone()),
        }
    }

    fn text(&self) -> String {
        match (&self.error, &self.reason) {
            (Some(error), Some(reason)) => format!("no: {reason} ({error})"),
            _ => "yes".to_owned(),
        }
    }
}

impl Described {
    /// Why the program would refuse it at once from this key, as it looks for who may; `None` for what it would do.
    pub fn refused_at_once(&self, market: &Market, key: &Pubkey) -> Option<String> {
        let [governs, guards, steers] =
            [Role::Governance, Role::Guardian, Role::Steward].map(|role| market.is(role, key));
        let (may, nobody) = match &self.set_up {
            Some(set_up) => (vec![governs.then_some(set_up)], "NotGovernance"),
            None => {
                let tightens = governs || guards;
                (vec![tightens.then_some(&self.at_once), steers.then_some(&self.steward)], "NotGuardian")
            }
        };
        let ways: Vec<&May> = may.into_iter().flatten().collect();
        match ways.first() {
            None => Some(format!("{key} holds no role that may ({nobody})")),
            Some(_) if ways.iter().any(|way| way.allowed) => None,
            Some(first) => Some(first.text().trim_start_matches("no: ").to_owned()),
        }
    }
}

/// When it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dates {
    pub delay_seconds: u64,
    /// Anybody may execute it from this second on,
    pub eta: u64,
    /// up to this one.
    pub expiry: u64,
    /// Between these a rise at Target and Maint moves, if it is executed at `eta`.
    pub ramp: Option<(u64, u64)>,
}

impl From<Schedule> for Dates {
    fn from(Schedule { delay, eta, expiry, ramp }: Schedule) -> Self {
        Self { delay_seconds: delay, eta, expiry, ramp }
    }
}

/// A proposal with its ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Described {
    #[serde(flatten)]
    pub content: Content,
    /// Governance, while the market is being set up.
    pub set_up: Option<May>,
    /// Governance or the guardian.
    pub at_once: May,
    pub steward: May,
    pub propose: May,
    /// If it were proposed now.
    pub dates: Option<Dates>,
    pub cancelled_by: Vec<&'static str>,
}

/// `2026-11-22 18:00:00 UTC`.
pub fn date(seconds: u64) -> String {
    let rest = seconds % 60;
    format!("{}:{rest:02} UTC", ballast_cluster::text::date(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key, or nobody.
pub fn holder(key: &Pubkey) -> String {
    if *key == Pubkey::default() { "nobody".to_owned() } else { key.to_string() }
}

/// A source as `--set` takes it.
pub fn source_text(market: &Market, source: &Source) -> String {
    let kind = kind_name(source.kind());
    match source.kind() {
        SourceKind::None => kind.to_owned(),
        SourceKind::PythPull | SourceKind::PythPullCore => format!("{kind}:{}", hex(source.key.as_ref())),
        SourceKind::PythPush | SourceKind::SwitchboardPull => format!("{kind}:{}", source.key),
        SourceKind::StakePool => format!("{kind}:{}@{}", source.key, asset_name(market, source.base)),
    }
}

/// The name of an asset, or its index where it is not listed.
pub fn asset_name(market: &Market, index: u8) -> String {
    let listed = market.listed().get(usize::from(index));
    listed.map_or_else(|| format!("asset {index}"), |asset| name(&asset.name))
}

/// What a proposal changes in a market; `draft` has the rows of a model, where it is known.
pub fn content(market: &Market, proposal: &Proposal, draft: Option<&Draft>, now: u64) -> Content {
    match proposal {
        Proposal::Parameters { asset, edits, ramp } => {
            let decimals = asset.and_then(|index| market.listed().get(usize::from(index))).map_or(0, |a| a.decimals);
            let known: Vec<_> = lines(market, proposal, now);
            let unknown = edits.len().saturating_sub(known.len());
            let lines = known.iter().map(|line| parameter_line(line, decimals)).collect();
            let asset = asset.map(|index| asset_name(market, index));
            Content::Parameters { asset, lines, unknown, ramp_seconds: *ramp }
        }
        Proposal::Source { asset, slot, from, to } => Content::Source {
            asset: asset_name(market, *asset),
            slot: *slot,
            from: source_text(market, from),
            to: source_text(market, to),
        },
        Proposal::Role { role, from, to } => {
            Content::Role { role: role_name(*role), from: holder(from), to: holder(to) }
        }
        Proposal::Model { model, digest, version } => {
            let change = ModelChange::of(market, model, digest, draft);
            Content::Model { change, digest: hex(digest), version: *version }
        }
    }
}

fn parameter_line(line: &Line, decimals: u8) -> ParameterLine {
    let value = |raw: u64| Value { raw: raw.to_string(), text: write(line.parameter, decimals, raw) };
    ParameterLine {
        parameter: line.parameter.name(),
        from: value(line.from),
        to: value(line.to),
        in_force: (line.in_force != line.from).then(|| value(line.in_force)),
        direction: match line.direction {
            Direction::Tightens => "tightens",
            Direction::Loosens => "loosens",
            Direction::Neither => "neither",
        },
        furthest: line.furthest.map(value),
        room_used_bps: line.used_bps(),
        ramps: line.ramps,
    }
}

/// A proposal with the ways that it may go now.
pub fn described(market: &Market, proposal: &Proposal, draft: Option<&Draft>, now: u64) -> Described {
    let Ways { set_up, at_once, steward, proposed, cancellers } = ways(market, proposal, now);
    Described {
        content: content(market, proposal, draft, now),
        set_up: set_up.as_ref().map(May::of),
        at_once: May::of(&at_once),
        steward: May::of(&steward),
        propose: May::of(&proposed),
        dates: proposed.ok().map(Dates::from),
        cancelled_by: cancellers.iter().copied().map(role_name).collect(),
    }
}

impl Content {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::Parameters { asset, lines, unknown, ramp_seconds } => {
                let whose = asset.as_deref().unwrap_or("the market");
                let mut table = Table::new(&["Parameter", ">From", ">To", "Direction", ">Room used", ">Furthest"]);
                for line in lines {
                    let used = line.room_used_bps.map_or("-".to_owned(), percent);
                    let furthest = line.furthest.as_ref().map_or("-".to_owned(), |value| value.text.clone());
                    let direction =
                        if line.ramps { format!("{}, ramps", line.direction) } else { line.direction.into() };
                    let from = match &line.in_force {
                        Some(now) => format!("{} (now {})", line.from.text, now.text),
                        None => line.from.text.clone(),
                    };
                    table.row([line.parameter.to_owned(), from, line.to.text.clone(), direction, used, furthest]);
                }
                let ramp = match ramp_seconds {
                    0 => String::new(),
                    seconds => format!("Rises take {} after the notice\n", duration(u64::from(*seconds))),
                };
                let unknown = match unknown {
                    0 => String::new(),
                    count => format!("AND {count} EDITS OF UNKNOWN PARAMETERS\n"),
                };
                format!("Parameters of {whose}\n{table}{unknown}{ramp}")
            }
            Self::Source { asset, slot, from, to } => {
                let which = if *slot == 0 { "First" } else { "Second" };
                format!("{which} price source of {asset}\n  from {from}\n  to   {to}\n")
            }
            Self::Role { role, from, to } => format!("Role {role}\n  from {from}\n  to   {to} (has to accept)\n"),
            Self::Model { change, digest, version } => {
                format!("Model {version} is replaced\n{}", change.text(digest))
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn percent(bps: u64) -> String {
    format!("{}.{:02}%", bps / 100, bps % 100)
}

impl Described {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = self.content.text();
        let mut fact = |name: &str, value: String| out.push_str(&format!("  {name:<29}{value}\n"));
        if let Some(set_up) = &self.set_up {
            fact("in the set-up, governance:", set_up.text());
        } else {
            fact("at once, guardian:", self.at_once.text());
            fact("at once, steward:", self.steward.text());
            fact("proposed by governance:", self.propose.text());
        }
        if let Some(Dates { delay_seconds, eta, expiry, ramp }) = &self.dates {
            fact("waits:", format!("{}, due {}", duration(*delay_seconds), date(*eta)));
            fact("executable by anybody until:", date(*expiry));
            if let Some((start, end)) = ramp {
                fact("rises:", format!("from {} to {}", date(*start), date(*end)));
            }
            fact("cancelled by:", self.cancelled_by.join(", "));
        }
        out
    }
}

/// Names of the roles that a key holds.
pub fn roles_of(market: &Market, key: &Pubkey) -> Vec<&'static str> {
    Role::ALL.into_iter().filter(|role| market.is(*role, key)).map(role_name).collect()
}
