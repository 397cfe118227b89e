//! One way to liquidate a vault: what moves, what is left of it, and the instructions.

use std::collections::BTreeMap;

use ballast_client::instruction::MarketRef;
use ballast_client::risk::{Amount, Usd};
use ballast_client::transaction::{self, Budget};
use ballast_client::{Pubkey, token};
use solana_instruction::Instruction;

use super::Situation;

/// The kind of a plan. In this order where the profit is the same: tokens first, a position that has to be carried
/// last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Pair,
    Receivership,
    Into,
    Absorb,
}

impl Kind {
    /// A short name, for labels and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Receivership => "receivership",
            Self::Into => "into",
            Self::Absorb => "absorb",
        }
    }
}

/// One instruction of a plan. Amounts are native units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A token account to receive an asset in.
    Create {
        asset: u8,
    },
    /// `most` is sent at most.
    Liquidate {
        debt: u8,
        collateral: u8,
        most: u64,
    },
    Begin,
    /// `most` is sent at most.
    Repay {
        asset: u8,
        most: u64,
    },
    Seize {
        asset: u8,
        amount: u64,
    },
    End,
    TakeOver {
        into: Pubkey,
        debt: u8,
        collateral: u8,
        most: u64,
    },
    Absorb,
}

/// What the liquidator pays and gets of one asset, native units: tokens, or for an own vault debts and deposits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    pub asset: u8,
    /// With the reserve's part, and with the fee of the transfer.
    pub paid: u64,
    /// Less the fee of the transfer.
    pub received: u64,
}

/// One way to liquidate a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub kind: Kind,
    pub vault: Pubkey,
    pub steps: Vec<Step>,
    /// By asset.
    pub flows: Vec<Flow>,
    /// What is received less what is paid, at the present prices, micro-dollars: what comes in rounded down, what goes
    /// out up.
    pub gain: i64,
    /// Compute units, a rough guess for the costs: whoever sends it asks a simulation.
    pub units: u32,
    /// Lamports that it costs.
    pub lamports: u64,
    /// `gain` less what it costs, micro-dollars.
    pub profit: i64,
    /// Least profit for which it is carried out, micro-dollars.
    pub least: i64,
}

impl Plan {
    /// `None` when it does not fit a transaction, or a price is missing to say what it is worth.
    pub(super) fn new(
        situation: &Situation<'_>,
        kind: Kind,
        mut steps: Vec<Step>,
        flows: Vec<Flow>,
        vault: Pubkey,
    ) -> Option<Self> {
        let market = situation.market.market;
        let records = market.listed();
        // What is received in tokens needs an account; into a vault no tokens move.
        let missing = flows.iter().filter(|flow| {
            kind != Kind::Into && flow.received > 0 && {
                records.get(usize::from(flow.asset)).is_some_and(|at| !situation.purse.token(flow.asset, at).exists)
            }
        });
        let created: Vec<Step> = missing.map(|flow| Step::Create { asset: flow.asset }).collect();
        let accounts = created.len();
        steps.splice(0..0, created);
        let gain = gain(situation, &flows)?;
        let units = steps.iter().map(|step| step.units()).sum();
        let costs = &situation.terms.costs;
        let lamports = costs.lamports(units, accounts);
        let cost = i64::try_from(costs.value_ceil(market, lamports, situation.now)?).ok()?;
        let (profit, least) = (gain.saturating_sub(cost), situation.terms.least_profit);
        let plan = Self { kind, vault, steps, flows, gain, units, lamports, profit, least };
        plan.fits(situation).then_some(plan)
    }

    /// The instructions, in the order of the steps.
    pub fn instructions(&self, market: &MarketRef<'_>, liquidator: &Pubkey) -> Vec<Instruction> {
        let vault = &self.vault;
        let [begin, end] = market.receivership(liquidator, vault);
        let instruction = |step: &Step| match *step {
            Step::Create { asset } => {
                let listed = market.market.listed();
                let record = listed.get(usize::from(asset)).unwrap_or(&market.market.assets[0]);
                token::create(liquidator, liquidator, &record.mint, &record.token_program())
            }
            Step::Liquidate { debt, collateral, most } => market.liquidate(liquidator, vault, debt, collateral, most),
            Step::Begin => begin.clone(),
            Step::Repay { asset, most } => market.repay(liquidator, vault, asset, most),
            Step::Seize { asset, amount } => market.seize(liquidator, vault, asset, amount),
            Step::End => end.clone(),
            Step::TakeOver { into, debt, collateral, most } => {
                market.liquidate_into(liquidator, vault, &into, debt, collateral, most)
            }
            Step::Absorb => market.absorb_bad_debt(vault),
        };
        self.steps.iter().map(instruction).collect()
    }

    /// Whether it fits a transaction that the liquidator pays for and signs, with the room that is kept free.
    fn fits(&self, situation: &Situation<'_>) -> bool {
        let payer = &situation.liquidator;
        let instructions = self.instructions(&situation.market, payer);
        let (version, budget) = (situation.terms.version, Some(Budget { units: self.units, price: 1 }));
        let compiled = transaction::compile(version, payer, &instructions, budget, &[], Default::default());
        let most = version.max_bytes().saturating_sub(situation.terms.room);
        compiled.is_ok_and(|message| transaction::transaction_bytes(&message) <= most)
    }
}

impl Step {
    /// About what it costs in compute units, see benches/cu.md: the largest figures of a vault of 32 positions, rounded
    /// up.
    const fn units(&self) -> u32 {
        match self {
            Self::Create { .. } => 30_000,
            Self::Liquidate { .. } => 50_000,
            Self::TakeOver { .. } => 40_000,
            Self::Begin | Self::End => 30_000,
            Self::Repay { .. } | Self::Seize { .. } => 15_000,
            Self::Absorb => 60_000,
        }
    }
}

/// Adds up flows by asset.
pub(super) fn flows(parts: impl IntoIterator<Item = Flow>) -> Vec<Flow> {
    let mut sums: BTreeMap<u8, Flow> = BTreeMap::new();
    for part in parts {
        let sum = sums.entry(part.asset).or_insert(Flow { asset: part.asset, ..Flow::default() });
        sum.paid = sum.paid.saturating_add(part.paid);
        sum.received = sum.received.saturating_add(part.received);
    }
    sums.into_values().collect()
}

/// What flows are worth at spot prices, micro-dollars.
fn gain(situation: &Situation<'_>, flows: &[Flow]) -> Option<i64> {
    flows.iter().try_fold(0i64, |sum, flow| {
        let record = situation.market.market.listed().get(usize::from(flow.asset))?;
        let price = record.usable_spot(situation.now).ok()?;
        let value = |units| price.value_floor(Amount::new(units)).map(Usd::get).ok();
        let paid = if flow.paid == 0 { 0 } else { value(flow.paid)?.checked_add(1)? };
        let [received, paid] = [i64::try_from(value(flow.received)?).ok()?, i64::try_from(paid).ok()?];
        sum.checked_add(received)?.checked_sub(paid)
    })
}
