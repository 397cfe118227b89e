//! What liquidations moved, by the events of the transactions that carried them out. The keeper keeps books of the same; these
//! are what they are checked against, so nothing of them is used here.

use std::collections::BTreeMap;

use ballast_client::Pubkey;
use ballast_client::event::{Action, Liquidated, PositionChanged, ReceivershipEnded};
use ballast_client::logs::events;

/// Native units that a liquidator paid and got of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// With the reserve's part.
    pub paid: u64,
    pub received: u64,
}

/// What a liquidator did in one transaction, or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    /// One for each liquidation.
    pub vaults: Vec<Pubkey>,
    /// By asset.
    pub flows: BTreeMap<u8, Flow>,
    /// Micro-dollars by the program's own prices: what was repaid, less the reserve's part.
    pub repaid_value: u64,
}

impl Takings {
    /// Of the logs of a transaction that succeeded. Liquidations into a vault move no tokens and do not belong here.
    pub fn of(logs: &[String], liquidator: &Pubkey) -> Self {
        let mut takings = Self::default();
        for event in events::<Liquidated>(logs).into_iter().filter(|event| event.liquidator == *liquidator) {
            takings.vaults.push(event.vault);
            takings.repaid_value = takings.repaid_value.saturating_add(event.repaid_value);
            takings.pay(event.debt_asset, event.repaid.saturating_add(event.to_reserve));
            takings.receive(event.collateral_asset, event.seized);
        }
        for ended in events::<ReceivershipEnded>(logs).into_iter().filter(|event| event.liquidator == *liquidator) {
            takings.vaults.push(ended.vault);
            takings.repaid_value = takings.repaid_value.saturating_add(ended.repaid_value);
            let steps = events::<PositionChanged>(logs).into_iter().filter(|step| step.vault == ended.vault);
            for step in steps {
                match step.action {
                    Action::Repay => takings.pay(step.asset, step.amount),
                    Action::Seize => takings.receive(step.asset, step.amount),
                    Action::Deposit | Action::Withdraw | Action::Borrow => {}
                }
            }
        }
        takings
    }

    /// Adds those of another transaction.
    pub fn add(&mut self, other: Self) {
        self.vaults.extend(other.vaults);
        self.repaid_value = self.repaid_value.saturating_add(other.repaid_value);
        for (asset, flow) in other.flows {
            self.pay(asset, flow.paid);
            self.receive(asset, flow.received);
        }
    }

    fn pay(&mut self, asset: u8, units: u64) {
        let flow = self.flows.entry(asset).or_default();
        flow.paid = flow.paid.saturating_add(units);
    }

    fn receive(&mut self, asset: u8, units: u64) {
        let flow = self.flows.entry(asset).or_default();
        flow.received = flow.received.saturating_add(units);
    }
}
