//! What a liquidation brought, to the unit, from the events of its transaction.

use std::collections::BTreeMap;

use ballast_client::event::{Action, Liquidated, PositionChanged, ReceivershipEnded};
use ballast_client::logs::{events, operations};
use ballast_client::risk::Amount;
use ballast_client::{Market, Pubkey};

use crate::strategy::{Flow, Purse};

/// What the liquidator paid and got in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proceeds {
    /// The vaults that were liquidated.
    pub vaults: Vec<Pubkey>,
    /// Tokens by asset, native units, before the fees of the tokens' own programs.
    pub tokens: BTreeMap<u8, Flow>,
    /// Debts and deposits that an own vault took over instead, native units.
    pub positions: BTreeMap<u8, Flow>,
}

impl Proceeds {
    /// From the logs of a transaction that this liquidator sent.
    pub fn of(logs: &[String], liquidator: &Pubkey) -> Self {
        let mut proceeds = Self::default();
        let into = operations(logs).iter().any(|(name, _)| name == "liquidate_into");
        for event in events::<Liquidated>(logs).iter().filter(|event| event.liquidator == *liquidator) {
            let flows = if into { &mut proceeds.positions } else { &mut proceeds.tokens };
            pay(flows, event.debt_asset, event.repaid.saturating_add(event.to_reserve));
            receive(flows, event.collateral_asset, event.seized);
            proceeds.vaults.push(event.vault);
        }
        let ended = events::<ReceivershipEnded>(logs);
        for receivership in ended.iter().filter(|event| event.liquidator == *liquidator) {
            let steps = events::<PositionChanged>(logs);
            for step in steps.iter().filter(|step| step.vault == receivership.vault) {
                match step.action {
                    Action::Repay => pay(&mut proceeds.tokens, step.asset, step.amount),
                    Action::Seize => receive(&mut proceeds.tokens, step.asset, step.amount),
                    Action::Deposit | Action::Withdraw | Action::Borrow => {}
                }
            }
            proceeds.vaults.push(receivership.vault);
        }
        proceeds
    }

    /// What leaves the liquidator's accounts and what arrives there, with the fees of the tokens' own programs.
    pub fn with_transfer_fees(mut self, market: &Market, purse: &Purse) -> Self {
        for flow in self.tokens.values_mut() {
            let Some(record) = market.listed().get(usize::from(flow.asset)) else { continue };
            let Some(fee) = purse.token(flow.asset, record).fee else { continue };
            flow.paid = fee.payment(flow.paid).map_or(flow.paid, |payment| payment.sent);
            flow.received = fee.arrives_floor(flow.received).unwrap_or(flow.received);
        }
        self
    }

    /// What it is worth at the market's prices, micro-dollars: what came in rounded down, what went out up. `None` where the
    /// market has no price.
    pub fn value(&self, market: &Market) -> Option<i64> {
        self.tokens.values().chain(self.positions.values()).try_fold(0i64, |sum, flow| {
            let price = market.listed().get(usize::from(flow.asset))?.spot()?;
            let value = |units: u64| i64::try_from(price.value_floor(Amount::new(units)).ok()?.get()).ok();
            let paid = if flow.paid == 0 { 0 } else { value(flow.paid)?.checked_add(1)? };
            sum.checked_add(value(flow.received)?)?.checked_sub(paid)
        })
    }
}

fn pay(flows: &mut BTreeMap<u8, Flow>, asset: u8, units: u64) {
    let flow = flows.entry(asset).or_insert(Flow { asset, ..Flow::default() });
    flow.paid = flow.paid.saturating_add(units);
}

fn receive(flows: &mut BTreeMap<u8, Flow>, asset: u8, units: u64) {
    let flow = flows.entry(asset).or_insert(Flow { asset, ..Flow::default() });
    flow.received = flow.received.saturating_add(units);
}

/// What all liquidations of this life brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub liquidations: u64,
    /// Micro-dollars after costs, each at the prices when it was counted.
    pub profit: i64,
    /// Lamports for transactions, those that failed included.
    pub fees: u64,
    pub tokens: BTreeMap<u8, Flow>,
    pub positions: BTreeMap<u8, Flow>,
}

impl Ledger {
    pub fn add(&mut self, proceeds: &Proceeds, profit: i64, fee: u64) {
        self.liquidations = self.liquidations.saturating_add(proceeds.vaults.len() as u64);
        self.profit = self.profit.saturating_add(profit);
        self.fees = self.fees.saturating_add(fee);
        for (into, flows) in [(&mut self.tokens, &proceeds.tokens), (&mut self.positions, &proceeds.positions)] {
            for flow in flows.values() {
                pay(into, flow.asset, flow.paid);
                receive(into, flow.asset, flow.received);
            }
        }
    }
}
