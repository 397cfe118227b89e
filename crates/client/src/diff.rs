//! What a proposal changes, which way it may go, and how much of the room that the table leaves it uses. All of it is
//! asked of the program's own functions on copies of the market.

use ballast::changes::Path;
use ballast::error::BallastError;
use ballast::state::change::{Edit, Proposal};
use ballast::state::{Asset, Market, Role};
use ballast_risk::health::{Level, Side};
use ballast_risk::table::{Parameter, Row, Scope};

use crate::change::{market_value, value};
use crate::impact::copied;
use crate::refusal::Refusal;

/// The direction of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It only reduces risk.
    Tightens,
    /// The parameter can tighten, and this is the other way.
    Loosens,
    /// Neither direction is proven to be harmless.
    Neither,
}

/// One new value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub parameter: Parameter,
    /// What it was written against.
    pub from: u64,
    pub to: u64,
    /// What the market says now.
    pub present: u64,
    /// What counts now: another value than `present` in the middle of a ramp.
    pub in_force: u64,
    pub direction: Direction,
    /// The furthest value in this direction that a proposal may name now, beside the other edits; `None` when even the
    /// value in force is refused, and where something is turned on or off, or bounds nothing.
    pub furthest: Option<u64>,
    /// It begins to count at `Target` and `Maint` after the notice, and moves along a ramp.
    pub ramps: bool,
}

impl Line {
    /// How much of the way to the furthest value it goes, in basis points, rounded up.
    pub fn used_bps(&self) -> Option<u64> {
        let furthest = self.furthest?;
        let (way, room) = (self.in_force.abs_diff(self.to), self.in_force.abs_diff(furthest));
        let parts = (u128::from(way) * 10_000).checked_div(u128::from(room))?;
        let exact = parts * u128::from(room) == u128::from(way) * 10_000;
        u64::try_from(parts + u128::from(!exact)).ok()
    }
}

/// When a proposal would be carried out if it were made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds that it waits.
    pub delay: u64,
    /// From this second on anybody may execute it; unix seconds.
    pub eta: u64,
    /// Up to this one.
    pub expiry: u64,
    /// What rises at `Target` and `Maint` moves from the first of these to the second, if it is executed at `eta`.
    pub ramp: Option<(u64, u64)>,
}

/// The ways of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Everything at once, by governance, because the market is being set up; `None` in an open market.
    pub set_up: Option<Result<(), Refusal>>,
    /// At once, by governance or the guardian.
    pub at_once: Result<(), Refusal>,
    /// At once, by the steward.
    pub steward: Result<(), Refusal>,
    /// Proposed by governance.
    pub proposed: Result<Schedule, Refusal>,
    /// Who can cancel it while it waits.
    pub cancellers: &'static [Role],
}

/// The lines of a proposal for parameters, in its order; none for others, and for codes that nobody knows.
pub fn lines(market: &Market, proposal: &Proposal, now: u64) -> Vec<Line> {
    let Proposal::Parameters { asset, edits, .. } = proposal else { return vec![] };
    let record = asset.map(|index| market.asset(index)).transpose().ok().flatten();
    let line = |(at, edit): (usize, &Edit)| {
        let parameter = Parameter::from_code(edit.parameter)?;
        let present = match record {
            Some(record) => value(record, parameter)?,
            None => market_value(market, parameter)?,
        };
        let in_force = record.and_then(|record| ramped(record, parameter, now)).unwrap_or(present);
        let row = parameter.row();
        Some(Line {
            parameter,
            from: edit.from,
            to: edit.to,
            present,
            in_force,
            direction: direction(row, edit),
            furthest: furthest(market, proposal, at, in_force, now),
            ramps: row.ramps && row.tightened(in_force, edit.to) && !record.is_some_and(|record| free(market, record)),
        })
    };
    edits.iter().enumerate().filter_map(line).collect()
}

/// Whether values of an asset need no ramp, because nobody can be harmed by them.
const fn free(market: &Market, record: &Asset) -> bool {
    market.in_setup() || (record.deposit_shares == 0 && record.debt_shares == 0)
}

/// What counts at the moment of what moves along a ramp.
fn ramped(record: &Asset, parameter: Parameter, now: u64) -> Option<u64> {
    let part = |level, side| Some(u64::from(record.haircut_before_volatility(level, side, now).get()));
    match parameter {
        Parameter::HaircutTarget => part(Level::Target, Side::Deposit),
        Parameter::HaircutMaint => part(Level::Maint, Side::Deposit),
        Parameter::AddonTarget => part(Level::Target, Side::Debt),
        Parameter::AddonMaint => part(Level::Maint, Side::Debt),
        Parameter::Depth => Some(record.depth(now).parts().0),
        _ => None,
    }
}

fn direction(row: &Row, edit: &Edit) -> Direction {
    if row.tightened(edit.from, edit.to) {
        Direction::Tightens
    } else if row.tightened(edit.to, edit.from) {
        Direction::Loosens
    } else {
        Direction::Neither
    }
}

/// The furthest value of one edit that is accepted beside the others, between the value in force and the end of the
/// range.
fn furthest(market: &Market, proposal: &Proposal, at: usize, in_force: u64, now: u64) -> Option<u64> {
    let Proposal::Parameters { asset, edits, ramp } = proposal else { return None };
    let edit = edits.get(at)?;
    let row = Parameter::from_code(edit.parameter)?.row();
    let off = row.zero_is_off && (in_force == 0 || edit.to == 0);
    if off || in_force == u64::MAX || edit.to == u64::MAX {
        return None;
    }
    let mut tried = copied(market);
    let mut accepts = |to: u64| {
        let mut edits = edits.clone();
        if let Some(edit) = edits.get_mut(at) {
            edit.to = to;
        }
        bytemuck::bytes_of_mut(&mut *tried).copy_from_slice(bytemuck::bytes_of(market));
        let path = if market.in_setup() { Path::SetUp } else { Path::Waited };
        tried.set_parameters(*asset, &edits, *ramp, path, now).is_ok()
    };
    if !accepts(in_force) {
        return None;
    }
    let (mut fits, mut fails) = (in_force, if edit.to >= in_force { row.most } else { row.least });
    if accepts(fails) {
        return Some(fails);
    }
    while fits.abs_diff(fails) > 1 {
        let middle = fits.midpoint(fails);
        if accepts(middle) {
            fits = middle;
        } else {
            fails = middle;
        }
    }
    Some(fits)
}

/// Which ways a proposal may go now. A model's rows are not looked at.
pub fn ways(market: &Market, proposal: &Proposal, now: u64) -> Ways {
    let along = |path| -> Result<(), Refusal> { Ok(copied(market).carry_out(proposal, path, None, now)?) };
    let not_in_setup = |error| {
        if market.in_setup() { Err(Refusal::from(ballast::error::refuse(error))) } else { Ok(()) }
    };
    let at_once = |tightens, steward| {
        not_in_setup(BallastError::NotGovernance)?;
        along(Path::AtOnce { tightens, steward })
    };
    let proposed = || -> Result<Schedule, Refusal> {
        not_in_setup(BallastError::MarketNotOpen)?;
        let mut tried = copied(market);
        tried.check_proposal(proposal, now)?;
        Ok(schedule(market, proposal, now))
    };
    const BOTH: &[Role] = &[Role::Governance, Role::Guardian];
    // Or nobody could ever get rid of him.
    let own = matches!(proposal, Proposal::Role { role: Role::Guardian, .. });
    Ways {
        set_up: market.in_setup().then(|| match proposal {
            // The rows of a model come with the transaction.
            Proposal::Model { model, .. } => Ok(model.checked_terms().map(|_| ())?),
            _ => along(Path::SetUp),
        }),
        at_once: at_once(true, false),
        steward: at_once(false, true),
        proposed: proposed(),
        cancellers: if own { &BOTH[..1] } else { BOTH },
    }
}

/// When a proposal that is made now would be due.
pub fn schedule(market: &Market, proposal: &Proposal, now: u64) -> Schedule {
    let delay = proposal.delay(market.delay);
    let eta = now.saturating_add(delay);
    let start = eta.saturating_add(u64::from(market.notice));
    let notice = u64::from(market.notice);
    let seconds = match proposal {
        Proposal::Parameters { asset: Some(index), ramp, .. } => {
            let rises = market.asset(*index).is_ok_and(|record| !free(market, record)) && rises(market, proposal, now);
            rises.then(|| notice.max(u64::from(*ramp)))
        }
        Proposal::Model { .. } => Some(notice),
        _ => None,
    };
    Schedule {
        delay,
        eta,
        expiry: eta.saturating_add(u64::from(market.window)),
        ramp: seconds.map(|seconds| (start, start.saturating_add(seconds))),
    }
}

/// Whether a requirement at `Target` or `Maint` rises.
fn rises(market: &Market, proposal: &Proposal, now: u64) -> bool {
    let Proposal::Parameters { asset: Some(index), edits, .. } = proposal else { return false };
    let Ok(record) = market.asset(*index) else { return false };
    edits.iter().any(|edit| {
        let known = Parameter::from_code(edit.parameter).filter(|known| known.scope() == Scope::Asset);
        let in_force = known.and_then(|known| Some((known, ramped(record, known, now)?)));
        in_force.is_some_and(|(known, in_force)| known.row().tightened(in_force, edit.to))
    })
}

/// Whether what a proposal was written against is still so.
///
/// # Errors
/// `ValueChanged`, or `AssetUnknown`.
pub fn holds(market: &Market, proposal: &Proposal) -> Result<(), Refusal> {
    let changed = || Refusal::from(ballast::error::refuse(BallastError::ValueChanged));
    let same = match proposal {
        Proposal::Parameters { asset: None, edits, .. } => {
            edits.iter().all(|edit| read(edit, |parameter| market_value(market, parameter)))
        }
        Proposal::Parameters { asset: Some(index), edits, .. } => {
            let record = market.asset(*index)?;
            edits.iter().all(|edit| read(edit, |parameter| value(record, parameter)))
        }
        Proposal::Source { asset, slot, from, .. } => {
            market.asset(*asset)?.sources.get(usize::from(*slot)).is_some_and(|present| present == from)
        }
        Proposal::Role { role, from, .. } => role.of(&market.roles) == from,
        Proposal::Model { version, .. } => *version == market.model_version,
    };
    if same { Ok(()) } else { Err(changed()) }
}

fn read(edit: &Edit, present: impl Fn(Parameter) -> Option<u64>) -> bool {
    Parameter::from_code(edit.parameter).and_then(present) == Some(edit.from)
}
