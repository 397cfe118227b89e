//! From the vaults that can be liquidated to tasks of the desk, and from what became of them to the books.

use std::cmp::Reverse;
use std::sync::Arc;

use ballast_client::instruction::MarketRef;
use ballast_client::{Market, Pubkey};

use super::{Done, Liquidator, Proceeds, Tick, Time, purse};
use crate::desk::{Judge, Outcome, Prospect, Task};
use crate::endpoints::Unready;
use crate::journal::Key;
use crate::strategy::{Costs, Plan, Purse, Situation, plans};

impl Liquidator {
    /// Plans for all candidates that nobody is at, and hands the most profitable ones to the desk.
    pub(super) async fn act(&mut self, candidates: Vec<Pubkey>, time: Time, tick: &mut Tick) -> Result<(), Unready> {
        let Some(market) = self.market() else { return Ok(()) };
        let now = self.endpoints.clock().now();
        let free = |vault: &Pubkey| {
            let started = self.reserved.contains_key(vault) || self.desk.is_busy(&Key::Liquidate(*vault));
            !started && !self.touched.contains_key(vault)
        };
        let (waiting, ready): (Vec<Pubkey>, Vec<Pubkey>) = candidates
            .into_iter()
            .filter(free)
            .partition(|vault| self.backoff.waits(vault, self.index.vault_slot(vault), now));
        tick.waiting = waiting.len();
        if ready.is_empty() {
            return Ok(());
        }
        if !self.terms.dry_run && self.places() == 0 {
            return Ok(());
        }
        self.purse = purse::read(&self.endpoints, &market, &self.desk.address(), time.epoch).await?;
        let mut left = self.purse.clone();
        for plan in self.reserved.values() {
            purse::reserve(&mut left, &market, plan);
        }
        for vault in self.rank(&market, ready, &left, time) {
            if !self.terms.dry_run && self.places() == 0 {
                break;
            }
            // Purse and pools may have changed since it was ranked.
            let plan = self.plan(&market, &vault, &left, time);
            self.ranking.remember(vault, self.index.vault_slot(&vault), plan.as_ref().map(|plan| plan.profit), now);
            let Some(plan) = plan else { continue };
            let start = !self.terms.dry_run;
            if start {
                purse::reserve(&mut left, &market, &plan);
                self.start(&market, &plan);
            }
            tick.plans.push((plan, start));
        }
        Ok(())
    }

    /// How many more liquidations may be under way.
    fn places(&self) -> usize {
        self.terms.most_in_flight.max(1).saturating_sub(self.reserved.len())
    }

    /// The vaults of which something is to be gained, the most profitable first.
    fn rank(&mut self, market: &Arc<Market>, vaults: Vec<Pubkey>, purse: &Purse, time: Time) -> Vec<Pubkey> {
        let now = self.endpoints.clock().now();
        self.ranking.renew(market.listed().iter().map(ballast_client::Asset::spot).collect(), now);
        let mut ranked = Vec::with_capacity(vaults.len());
        for vault in vaults {
            let slot = self.index.vault_slot(&vault);
            let profit = self.ranking.known(&vault, slot).unwrap_or_else(|| {
                let profit = self.plan(market, &vault, purse, time).map(|plan| plan.profit);
                self.ranking.remember(vault, slot, profit, now);
                profit
            });
            ranked.extend(profit.map(|profit| (Reverse(profit), vault)));
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, vault)| vault).collect()
    }

    /// The best plan for a vault; after a refusal the next best, and so on.
    fn plan(&self, market: &Arc<Market>, address: &Pubkey, purse: &Purse, time: Time) -> Option<Plan> {
        let vault = self.index.vault(address)?;
        let own = self.terms.own.and_then(|own| Some((own, self.index.vault(&own)?)));
        let situation = Situation {
            market: MarketRef::new(*self.index.address(), market),
            vault: (*address, &vault),
            liquidator: self.desk.address(),
            purse,
            own: own.as_ref().map(|(address, vault)| (*address, vault)),
            terms: &self.terms.strategy,
            now: time.now(self.endpoints.clock()),
        };
        let mut found = plans(&situation);
        if found.is_empty() {
            return None;
        }
        let refusals = usize::try_from(self.backoff.refusals(address)).unwrap_or_default();
        let at = refusals % found.len();
        Some(found.swap_remove(at))
    }

    /// What the desk is asked to do for a plan.
    pub fn task(&self, plan: &Plan) -> Option<Task> {
        self.market().map(|market| self.task_in(&market, plan))
    }

    fn task_in(&self, market: &Arc<Market>, plan: &Plan) -> Task {
        Task {
            key: Key::Liquidate(plan.vault),
            what: format!("{} of {}, for {} micro-dollars", plan.kind.name(), plan.vault, plan.profit),
            instructions: plan.instructions(&MarketRef::new(*self.index.address(), market), &self.desk.address()),
            judge: Some(self.judge(market, plan)),
        }
    }

    fn start(&mut self, market: &Arc<Market>, plan: &Plan) {
        let (vault, kind) = (plan.vault, plan.kind.name());
        let task = self.task_in(market, plan);
        self.metrics.liquidation_attempted(kind);
        self.reserved.insert(vault, plan.clone());
        let desk = Arc::clone(&self.desk);
        self.running.spawn(async move { Done::Attempt { vault, kind, outcome: desk.carry_out(task).await } });
    }

    /// What was simulated has to bring as much as it has to, after the fee that it really costs.
    fn judge(&self, market: &Arc<Market>, plan: &Plan) -> Judge {
        let (market, purse, liquidator) = (Arc::clone(market), self.purse.clone(), self.desk.address());
        let (costs, least, vault) = (self.terms.strategy.costs, self.terms.strategy.least_profit, plan.vault);
        // Rent for new token accounts is in the plan's lamports, and in no fee.
        let rent = plan.lamports.saturating_sub(costs.lamports(plan.units, 0));
        let free = plan.kind == crate::strategy::Kind::Absorb;
        let now = self.time.map_or(0, |time| time.now(self.endpoints.clock()));
        Arc::new(move |prospect: &Prospect<'_>| {
            if free {
                return Ok(());
            }
            let proceeds = Proceeds::of(prospect.logs, &liquidator).with_transfer_fees(&market, &purse);
            if proceeds.vaults != [vault] {
                return Err("the simulation liquidates something else".to_owned());
            }
            let lamports = prospect.fee.saturating_add(rent);
            let profit = profit(&proceeds, &market, &costs, lamports, now);
            match profit {
                Some(profit) if profit >= least => Ok(()),
                Some(profit) => Err(format!("it would bring {profit} micro-dollars after costs, less than {least}")),
                None => Err("nobody knows what it would bring: a price is missing".to_owned()),
            }
        })
    }

    /// Enters what became of a liquidation into the books.
    pub(super) fn conclude(&mut self, vault: Pubkey, kind: &str, outcome: Outcome) {
        let (seen, now) = (self.index.vault_slot(&vault), self.endpoints.clock().now());
        match &outcome {
            Outcome::Landed { included, .. } => {
                self.backoff.forget(&vault);
                let proceeds = Proceeds::of(&included.logs, &self.desk.address());
                let Some(market) = self.market() else { return };
                let proceeds = proceeds.with_transfer_fees(&market, &self.purse);
                let at = self.time.map_or(0, |time| time.now(self.endpoints.clock()));
                let profit = profit(&proceeds, &market, &self.terms.strategy.costs, included.fee, at).unwrap_or(0);
                self.ledger.add(&proceeds, profit, included.fee);
                self.metrics.liquidation_landed(kind, profit);
            }
            Outcome::Failed { included, .. } => {
                self.ledger.fees = self.ledger.fees.saturating_add(included.fee);
                let cause = format!("failed on chain: {:?}", included.error);
                self.backoff.refuse(vault, cause, true, seen, now);
                self.metrics.liquidation_failed(outcome.name());
            }
            Outcome::Refused(refusal) => {
                self.backoff.refuse(vault, refusal.to_string(), refusal.is_of_the_task(), seen, now);
                self.metrics.liquidation_failed(refusal.name());
            }
            Outcome::Expired(_) | Outcome::Unknown(_) => self.metrics.liquidation_failed(outcome.name()),
            Outcome::Busy => {}
        }
        let known_from = match &outcome {
            Outcome::Landed { included, .. } | Outcome::Failed { included, .. } => included.slot,
            Outcome::Refused(_) | Outcome::Expired(_) | Outcome::Busy | Outcome::Unknown(_) => 0,
        };
        self.touched.insert(vault, known_from);
    }
}

/// Micro-dollars after costs.
fn profit(proceeds: &Proceeds, market: &Market, costs: &Costs, lamports: u64, now: u64) -> Option<i64> {
    let cost = i64::try_from(costs.value_ceil(market, lamports, now)?).ok()?;
    proceeds.value(market)?.checked_sub(cost)
}
