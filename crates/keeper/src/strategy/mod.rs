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
    /// Whether bad debt is written off although nobody pays for it.
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
    found.retain(|plan| plan.profit >= terms.least_profit);
    found.sort_by_key(|plan| (std::cmp::Reverse(plan.profit), plan.kind));
    let (address, vault) = situation.vault;
    // Whoever seizes the last of it writes the debts off on the way; here there is nothing to seize.
    if terms.absorb && rehearsal::is_bad_debt(situation.market.market, vault, situation.now) {
        found.extend(Plan::new(situation, Kind::Absorb, vec![Step::Absorb], vec![], address));
    }
    found
}
