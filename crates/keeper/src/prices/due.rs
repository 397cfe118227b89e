//! Which prices have to be refreshed now.

use std::fmt;

use ballast_client::account::Clock;
use ballast_client::oracle::{Verdict, compared, refreshed};
use ballast_client::refusal::Refusal;
use ballast_client::{Asset, BallastError, Market, Pubkey, SourceKind};

use super::{Accounts, Shelf, name};

/// When a price is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Age of the stored price, seconds. Where an asset allows less than twice as much, half of that counts.
    pub seconds: u64,
    /// Difference to the stored price, basis points of it.
    pub bps: u32,
    /// Assets in one instruction at most.
    pub batch: usize,
}

/// Why a price is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The stored one is old.
    Age,
    /// The oracle says something else by so much.
    Moved,
    /// The stored one does not count, and the new one would.
    Returns,
    /// The new one is not believed, so the stored one must not count any longer.
    Doubt,
}

/// A price to be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub asset: u8,
    pub first: Pubkey,
    pub second: Option<Pubkey>,
    pub reason: Reason,
}

/// What keeps a price from being refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No account of the first (0) or second (1) source is known.
    Missing { source: u8 },
    /// The program would refuse the accounts.
    Refused(Refusal),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { source } => write!(f, "there is no account of source {source}; name it in prices.accounts"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
        }
    }
}

/// What is to be done, and how old everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// In the order in which they have to be sent: what is valued by another asset comes after it.
    pub due: Vec<Due>,
    pub troubles: Vec<(u8, Trouble)>,
    /// Age of every stored price that there is, seconds.
    pub ages: Vec<(u8, u64)>,
}

impl Schedule {
    /// The assets for one instruction each.
    pub fn batches(&self, policy: &Policy) -> Vec<Vec<(u8, Pubkey, Option<Pubkey>)>> {
        let prices = |batch: &[Due]| batch.iter().map(|due| (due.asset, due.first, due.second)).collect();
        self.due.chunks(policy.batch.max(1)).map(prices).collect()
    }
}

/// What is to be done about the prices of a market.
pub fn schedule(market: &Market, accounts: &[Accounts], shelf: &Shelf, now: &Clock, policy: &Policy) -> Schedule {
    let mut schedule = Schedule::default();
    let assets = || (0u8..).zip(market.listed()).zip(accounts);
    for ((index, asset), _) in assets().filter(|((_, asset), _)| asset.publish_time > 0) {
        schedule.ages.push((index, now.unix.saturating_sub(asset.publish_time)));
    }
    // Each is judged on the market as those before it will have left it.
    let mut state: Option<Box<Market>> = None;
    for derived in [false, true] {
        for ((index, asset), accounts) in assets().filter(|((_, asset), _)| is_derived(asset) == derived) {
            let [first, second] = accounts.sources;
            let oracles = [shelf.oracle(first), shelf.oracle(second)];
            let before = state.as_deref().unwrap_or(market);
            match judge(before, index, oracles, now, policy) {
                Ok(Some((reason, after))) => {
                    let Some(first) = first else { continue };
                    let second = second.filter(|_| asset.sources.iter().all(|source| !source.is_none()));
                    schedule.due.push(Due { asset: index, first, second, reason });
                    state = Some(after);
                }
                Ok(None) => {}
                Err(trouble) => schedule.troubles.push((index, trouble)),
            }
        }
    }
    schedule
}

/// Whether its price is that of another asset times a rate.
pub fn is_derived(asset: &Asset) -> bool {
    asset.sources.iter().any(|source| source.kind() == SourceKind::StakePool)
}

type Oracles<'a> = [Option<&'a ballast_client::oracle::Oracle>; 2];

/// Why an asset is due, with the market afterwards.
fn judge(
    market: &Market,
    index: u8,
    oracles: Oracles<'_>,
    now: &Clock,
    policy: &Policy,
) -> Result<Option<(Reason, Box<Market>)>, Trouble> {
    let (verdict, after) = refreshed(market, index, oracles, now).map_err(Trouble::Refused)?;
    let at = usize::from(index);
    let (Some(old), Some(new)) = (market.assets.get(at), after.assets.get(at)) else { return Ok(None) };
    let reason = match verdict {
        Verdict::Missing { slot } => return Err(Trouble::Missing { source: slot }),
        // Somebody has brought a newer one: the price is fresh.
        Verdict::Refused(refusal) if refusal.code == u32::from(BallastError::PriceOlderThanStored) => None,
        Verdict::Refused(refusal) => return Err(Trouble::Refused(refusal)),
        Verdict::Unchanged => None,
        Verdict::Withheld(_) => (old.usable_until >= now.unix).then_some(Reason::Doubt),
        Verdict::Accepted => why(old, new, now.unix, policy),
    };
    Ok(reason.map(|reason| (reason, after)))
}

/// Why a price that would be accepted is worth a transaction.
fn why(old: &Asset, new: &Asset, now: u64, policy: &Policy) -> Option<Reason> {
    let returns = |old: u64, new: u64| old < now && new >= now;
    if returns(old.usable_until, new.usable_until) || returns(old.init_until, new.init_until) {
        return Some(Reason::Returns);
    }
    let oldest = policy.seconds.min(u64::from(old.max_age / 2)).max(1);
    if now.saturating_sub(old.publish_time) >= oldest {
        return Some(Reason::Age);
    }
    let dollars = |asset: &Asset| asset.spot().map(|price| u128::from(price.pico_dollars_floor(asset.decimals)));
    let (before, after) = (dollars(old)?, dollars(new)?);
    let moved = before.abs_diff(after).saturating_mul(10_000);
    (moved > before.saturating_mul(u128::from(policy.bps))).then_some(Reason::Moved)
}

/// The sources on their way in that can be compared now: asset and account.
pub fn candidates(market: &Market, accounts: &[Accounts], shelf: &Shelf, now: &Clock) -> Vec<(u8, Pubkey)> {
    let assets = (0u8..).zip(market.listed()).zip(accounts);
    let waiting = assets.filter(|((_, asset), _)| !asset.candidate.is_none());
    let comparable = waiting.filter_map(|((index, _), accounts)| {
        let oracle = shelf.oracle(accounts.candidate)?;
        compared(market, index, oracle, now).ok().map(|_| (index, oracle.address))
    });
    comparable.collect()
}

/// The name of an asset of a market.
pub fn name_of(market: &Market, asset: u8) -> String {
    market.listed().get(usize::from(asset)).map_or_else(|| asset.to_string(), |asset| name(&asset.name))
}
