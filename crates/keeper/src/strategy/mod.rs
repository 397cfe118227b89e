//! How to liquidate one vault: all plans that would be carried out and pay, the best first. No input or output.
//!
//! | kind | what moves | what it takes |
//! |---|---|---|
//! | pair | a debt is repaid from the purse, a deposit arrives in it | tokens of the debt, cash in the other pool |
//! | receivership | several of both in one transaction | the same of each |
//! | into | an own vault takes a debt and a deposit over | a vault that meets its initial requirement afterwards |
//! | absorb | nothing: debts without any deposit are written off | nothing, and pays nothing |
//!
//! Every plan was rehearsed on copies of the accounts by the program's own bookings, so the tokens that it names are
//! those that move if nothing changes until it lands.

mod costs;
mod into;
mod pair;
mod plan;
mod purse;
mod receivership;

use ballast_client::instruction::MarketRef;
use ballast_client::rehearsal;
use ballast_client::risk::Amount;
use ballast_client::risk::health::Side;
use ballast_client::transaction::Version;
use ballast_client::{Pubkey, Vault};

pub use costs::{Costs, LamportPrice};
pub use plan::{Flow, Kind, Plan, Step};
pub use purse::{Purse, Token};

/// What to look for.
#[derive(Clone, Debug)]
pub struct Terms {
    pub pair: bool,
    pub receivership: bool,
    /// Whether an own vault takes over. It takes on risk instead of tokens.
    pub into: bool,
    /// Whether bad debt is written off although nobody pays for it, and crumbs that hold one up are taken at a loss.
    pub absorb: bool,
    /// Least profit of a plan, micro-dollars after costs.
    pub least_profit: i64,
    /// What a receivership leaves on the table so that a price that moves meanwhile does not refuse it: hundredths of a
    /// percent of what is repaid.
    pub margin_bps: u16,
    pub costs: Costs,
    pub version: Version,
    /// Bytes of the transaction that are kept free: for price refreshes in front.
    pub room: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            pair: true,
            receivership: true,
            into: true,
            absorb: false,
            least_profit: 0,
            margin_bps: 10,
            costs: Costs::default(),
            version: Version::V0,
            room: 0,
        }
    }
}

/// A vault that can be liquidated, and who would do it.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    pub market: MarketRef<'a>,
    /// The vault, with its address.
    pub vault: (Pubkey, &'a Vault),
    pub liquidator: Pubkey,
    /// What the liquidator has.
    pub purse: &'a Purse,
    /// An own vault in the same market.
    pub own: Option<(Pubkey, &'a Vault)>,
    pub terms: &'a Terms,
    /// Unix seconds.
    pub now: u64,
}

/// How many plans of one kind are worth keeping: if the best ones are refused, prices have moved.
const MOST_OF_A_KIND: usize = 4;

/// Most that taking crumbs may lose, in costs of the transaction: one, and as much for fees that rise meanwhile.
const MOST_LOST: i64 = 2;

/// All plans for a vault that would be carried out, the most profitable first; of equal ones in the order of [`Kind`].
/// Empty where nothing pays.
pub fn plans(situation: &Situation<'_>) -> Vec<Plan> {
    let terms = situation.terms;
    let mut found = vec![];
    if terms.pair {
        found.extend(pair::plans(situation).into_iter().take(MOST_OF_A_KIND));
    }
    if terms.receivership {
        found.extend(receivership::plan(situation));
    }
    if terms.into {
        found.extend(into::plans(situation).into_iter().take(MOST_OF_A_KIND));
    }
    let crumbs = terms.absorb.then(|| crumbs(situation)).flatten();
    for plan in &mut found {
        plan.least = least(plan, crumbs, situation);
    }
    found.retain(|plan| plan.profit >= plan.least);
    found.sort_by_key(|plan| (std::cmp::Reverse(plan.profit), plan.kind));
    let (address, vault) = situation.vault;
    // Whoever seizes the last of it writes the debts off on the way; here there is nothing to seize.
    if terms.absorb && rehearsal::is_bad_debt(situation.market.market, vault, situation.now) {
        found.extend(Plan::new(situation, Kind::Absorb, vec![Step::Absorb], vec![], address));
    }
    found
}

/// What a plan has to bring. A debt without cover is written off with the last deposit of its vault: where so little is
/// earned by taking all deposits that nobody would, they would stay, and the debt with them. What would be earned follows from
/// the plan, whether it takes all of them or a part.
fn least(plan: &Plan, crumbs: Option<i64>, situation: &Situation<'_>) -> i64 {
    let usual = situation.terms.least_profit;
    let cost = plan.gain.saturating_sub(plan.profit);
    let earned = crumbs.and_then(|has| {
        let received = i128::from(received(plan, situation)?.max(1));
        i128::from(plan.gain.max(0)).checked_mul(i128::from(has)).map(|product| product / received)
    });
    match earned {
        Some(earned) if earned < i128::from(cost.saturating_add(usual)) => usual.min(cost.saturating_mul(-MOST_LOST)),
        _ => usual,
    }
}

/// What a plan receives is worth, micro-dollars. `None` where a price is missing.
fn received(plan: &Plan, situation: &Situation<'_>) -> Option<i64> {
    let listed = situation.market.market.listed();
    plan.flows.iter().try_fold(0i64, |sum, flow| {
        let price = listed.get(usize::from(flow.asset))?.usable_spot(situation.now).ok()?;
        sum.checked_add(i64::try_from(price.value_floor(Amount::new(flow.received)).ok()?.get()).ok()?)
    })
}

/// What the deposits of a vault that owes more than it has are worth, micro-dollars. `None` for other vaults, and where
/// a price is missing.
fn crumbs(situation: &Situation<'_>) -> Option<i64> {
    let (market, now) = (situation.market.market, situation.now);
    let (_, vault) = situation.vault;
    let worth = |side: Side| {
        let mut positions = vault.used().iter().filter(|position| position.side() == side);
        positions.try_fold(0i64, |sum, position| {
            let record = market.listed().get(usize::from(position.asset))?;
            let amount = vault.holding(position.asset).amount(&record.accrued_pool(now)).ok()?;
            let value = record.usable_spot(now).ok()?.value_floor(amount).ok()?;
            sum.checked_add(i64::try_from(value.get()).ok()?)
        })
    };
    let (has, owes) = (worth(Side::Deposit)?, worth(Side::Debt)?);
    (has < owes).then_some(has)
}
