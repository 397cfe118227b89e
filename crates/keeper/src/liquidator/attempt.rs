//! From the vaults that can be liquidated to tasks of the desk, and from what became of them to the books.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use ballast_client::instruction::MarketRef;
use ballast_client::{Market, Pubkey};
use ballast_cluster::sending::FeePolicy;

use super::{Done, Liquidator, Proceeds, Tick, Time, guard, purse, ranking};
use crate::desk::{Judge, Outcome, Prospect, Task};
use crate::endpoints::Unready;
use crate::journal::Key;
use crate::strategy::{Costs, Plan, Purse, Situation};

/// How long a tick may rank, and how long it may plan anew what it hands to the desk. What is left over comes at the next
/// tick: meanwhile the loop hears what has changed.
const PLANNING: Duration = Duration::from_millis(50);
/// How old what others pay for a place may be.
const PRICED: Duration = Duration::from_secs(2);

impl Liquidator {
    /// Plans for the candidates that nobody is at, and hands the most profitable ones to the desk.
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
            .partition(|vault| self.backoff.waits(vault, self.index.vault_revision(vault), now));
        tick.waiting = waiting.len();
        let promising = tick.waiting.saturating_add(self.reserved.len());
        if ready.is_empty() {
            self.metrics.profitable(promising);
            return Ok(());
        }
        if !self.terms.dry_run && self.places() == 0 {
            return Ok(());
        }
        let liquidator = self.desk.address();
        let purse = purse::read(&self.endpoints, &market, &liquidator, time.epoch);
        let (purse, price) = tokio::join!(purse, self.price_of_a_place());
        self.purse = purse?;
        if let Some(price) = price {
            (self.priced, self.terms.strategy.costs.unit_price) = (Some(now), price);
        }
        let mut left = self.purse.clone();
        for plan in self.reserved.values() {
            purse::reserve(&mut left, &market, plan);
        }
        let ranked = self.rank(&market, ready, &left, time, tick);
        self.metrics.profitable(ranked.len().saturating_add(promising));
        let begun = self.endpoints.clock().now();
        for (done, vault) in ranked.into_iter().enumerate() {
            if !self.terms.dry_run && self.places() == 0 {
                tick.unfinished = false;
                break;
            }
            if !self.terms.dry_run && done > 0 && self.endpoints.clock().since(begun) >= PLANNING {
                tick.unfinished = true;
                break;
            }
            // Purse and pools may have changed since it was ranked.
            let plan = self.plan(&market, &vault, &left, time);
            self.ranking.remember(vault, self.index.vault_revision(&vault), plan.as_ref().map(|plan| plan.profit), now);
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

    /// What others pay for a place beside the market's account now and then: every liquidation writes it. Where nobody says
    /// so, what was said last goes on. `None`: nothing new.
    async fn price_of_a_place(&self) -> Option<u64> {
        if self.priced.is_some_and(|at| self.endpoints.clock().since(at) < PRICED) {
            return None;
        }
        let FeePolicy { percentile, least, most } = self.terms.fees;
        let price = self.endpoints.recent_price(&[*self.index.address()], percentile).await.ok()?;
        Some(price.min(most).max(least))
    }

    /// How many more liquidations may be under way.
    pub(super) fn places(&self) -> usize {
        self.terms.most_in_flight.max(1).saturating_sub(self.reserved.len())
    }

    /// The vaults of which something is to be gained, the most profitable first. When there are more to plan than there is
    /// time for, those that promise most are planned, and the tick is unfinished.
    fn rank(
        &mut self,
        market: &Arc<Market>,
        vaults: Vec<Pubkey>,
        purse: &Purse,
        time: Time,
        tick: &mut Tick,
    ) -> Vec<Pubkey> {
        let clock = self.endpoints.clock().clone();
        let now = clock.now();
        self.ranking.renew(market.listed().iter().map(ballast_client::Asset::spot).collect(), now);
        let (mut ranked, mut queue) = (Vec::with_capacity(vaults.len()), Vec::new());
        for vault in vaults {
            match self.ranking.known(&vault, self.index.vault_revision(&vault), now) {
                Some(profit) => ranked.extend(profit.map(|profit| (Reverse(profit), vault))),
                None => {
                    let promise = || self.index.vault(&vault).map_or(0, |known| ranking::promise(market, &known));
                    queue.push((self.ranking.order(&vault, promise), vault));
                }
            }
        }
        queue.sort_unstable();
        for (done, (_, vault)) in queue.into_iter().enumerate() {
            if done > 0 && clock.since(now) >= PLANNING {
                tick.unfinished = true;
                break;
            }
            let profit = self.plan(market, &vault, purse, time).map(|plan| plan.profit);
            self.ranking.remember(vault, self.index.vault_revision(&vault), profit, now);
            ranked.extend(profit.map(|profit| (Reverse(profit), vault)));
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, vault)| vault).collect()
    }

    /// The best plan for a vault; after a refusal the next best, and so on. A vault that cannot be planned without a panic is
    /// left alone.
    fn plan(&mut self, market: &Arc<Market>, address: &Pubkey, purse: &Purse, time: Time) -> Option<Plan> {
        match guard::watched(|| self.plan_of(market, address, purse, time)) {
            Ok(plan) => plan,
            Err(cause) => {
                self.quarantine(*address, &cause);
                None
            }
        }
    }

    fn plan_of(&self, market: &Arc<Market>, address: &Pubkey, purse: &Purse, time: Time) -> Option<Plan> {
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
        let mut found = (self.planner)(&situation);
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
        let (desk, arrival) = (Arc::clone(&self.desk), self.arrival);
        let attempt = async move { Done::Attempt { kind, outcome: desk.carry_out_since(task, arrival).await } };
        self.attempts.insert(self.running.spawn(attempt).id(), vault);
    }

    /// A vault that made us panic is left alone until it changes, or for long.
    pub(super) fn quarantine(&mut self, vault: Pubkey, cause: &str) {
        tracing::error!(%vault, cause, "left alone: it made the keeper panic");
        let (state, now) = (self.index.vault_revision(&vault), self.endpoints.clock().now());
        self.backoff.quarantine(vault, cause.to_owned(), state, now);
        self.failed.insert(vault);
    }

    /// What was simulated has to bring as much as it has to, after the fee that it really costs.
    fn judge(&self, market: &Arc<Market>, plan: &Plan) -> Judge {
        let (market, purse, liquidator) = (Arc::clone(market), self.purse.clone(), self.desk.address());
        let (costs, least, vault) = (self.terms.strategy.costs, plan.least, plan.vault);
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
        let (state, now) = (self.index.vault_revision(&vault), self.endpoints.clock().now());
        if outcome.is_failure() {
            self.failed.insert(vault);
        }
        match &outcome {
            Outcome::Landed { signature, included } => {
                self.backoff.forget(&vault);
                self.failed.remove(&vault);
                let proceeds = Proceeds::of(&included.logs, &self.desk.address());
                let Some(market) = self.market() else { return };
                let proceeds = proceeds.with_transfer_fees(&market, &self.purse);
                let at = self.time.map_or(0, |time| time.now(self.endpoints.clock()));
                let profit = profit(&proceeds, &market, &self.terms.strategy.costs, included.fee, at).unwrap_or(0);
                self.ledger.add(&proceeds, profit, included.fee);
                tracing::info!(%vault, %signature, profit, fee = included.fee, "entered into the books");
                self.metrics.liquidation_landed(kind, profit);
            }
            Outcome::Failed { included, .. } => {
                self.ledger.fees = self.ledger.fees.saturating_add(included.fee);
                let cause = format!("failed on chain: {:?}", included.error);
                self.backoff.refuse(vault, cause, true, state, now);
                self.metrics.liquidation_failed(outcome.name());
            }
            Outcome::Refused(refusal) => {
                self.backoff.refuse(vault, refusal.to_string(), refusal.is_of_the_task(), state, now);
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
