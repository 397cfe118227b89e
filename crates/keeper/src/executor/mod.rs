//! Carrying out changes of the market that have waited long enough. Anybody may, so it is no secret and no race: who comes
//! second finds nothing to do.

use std::fmt;

use ballast_client::{Change, Market, Proposal, Pubkey, Role, account, change};
use solana_instruction::Instruction;

use crate::updates::Update;

/// Where a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Can be carried out up to a second, for so long already.
    Due { since: u64, until: u64 },
    /// Can be carried out from this second on.
    Waiting { until: u64 },
    /// Too late.
    Expired { since: u64 },
    /// Who proposed it does not govern any more.
    Void,
    /// No proposal can be read from it.
    Unreadable,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due { until, .. } => write!(f, "due, up to {until}"),
            Self::Waiting { until } => write!(f, "waiting, up to {until}"),
            Self::Expired { since } => write!(f, "expired at {since}"),
            Self::Void => f.write_str("void: its proposer does not govern any more"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}

/// A change of a market in its account.
#[derive(Clone, Debug)]
pub struct Pending {
    pub address: Pubkey,
    pub change: Box<Change>,
    pub state: State,
}

impl Pending {
    /// A change as it stands at a time.
    pub fn of(address: Pubkey, change: Box<Change>, market: &Market, now: u64) -> Self {
        let state = if !market.is(Role::Governance, &change.proposer) {
            State::Void
        } else if now > change.expiry {
            State::Expired { since: change.expiry }
        } else if change.read().is_err() {
            State::Unreadable
        } else if now < change.eta {
            State::Waiting { until: change.eta }
        } else {
            State::Due { since: change.eta, until: change.expiry }
        };
        Self { address, change, state }
    }

    /// Whether it needs rows from a draft.
    pub fn needs_draft(&self) -> bool {
        let proposal = self.change.read().map(|written| written.proposal);
        matches!(proposal, Ok(Proposal::Model { model, .. }) if model.netting || model.scenarios > 0)
    }

    /// What carries it out. `draft`: where the rows are that it needs.
    pub fn instruction(&self, market: &Pubkey, draft: Option<Pubkey>) -> Instruction {
        change::execute(market, &self.address, &self.change.proposer, draft)
    }
}

/// What the metrics say of pending changes: how many wait or are due, for how many seconds the oldest due one has been due, and
/// in how many the first due one expires.
pub fn summary(pending: &[Pending], now: u64) -> (usize, u64, Option<u64>) {
    let open =
        pending.iter().filter(|pending| matches!(pending.state, State::Due { .. } | State::Waiting { .. })).count();
    let due = pending.iter().filter_map(|pending| match pending.state {
        State::Due { since, until } => Some((now.saturating_sub(since), until.saturating_sub(now))),
        _ => None,
    });
    let overdue = due.clone().map(|(overdue, _)| overdue).max().unwrap_or(0);
    (open, overdue, due.map(|(_, expiry)| expiry).min())
}

/// The changes of a market among accounts, the one that is due for longest first. What is no change is left out.
pub fn changes(found: &[Update], address: &Pubkey, market: &Market, now: u64) -> Vec<Pending> {
    let pending = found.iter().filter_map(|update| {
        let change = account::change(&update.owner, update.data.as_deref()?).ok()?;
        (change.market == *address).then(|| Pending::of(update.address, change, market, now))
    });
    let mut pending: Vec<Pending> = pending.collect();
    pending.sort_by_key(|pending| (pending.state, pending.address.to_bytes()));
    pending
}

/// A draft of a market, among accounts, that has the rows for all listed assets that a change was signed for.
pub fn draft_for(pending: &Pending, found: &[Update], address: &Pubkey, market: &Market) -> Option<Pubkey> {
    let Ok(Proposal::Model { model, digest, .. }) = pending.change.read().map(|written| written.proposal) else {
        return None;
    };
    let complete = |update: &&Update| {
        let draft = update.data.as_deref().and_then(|data| account::draft(&update.owner, data).ok());
        let draft = draft.filter(|draft| draft.market == *address);
        draft.is_some_and(|draft| draft.checked_rows(market.listed().len(), &model, &digest).is_ok())
    };
    found.iter().find(complete).map(|update| update.address)
}
