//! Sends `refresh_prices` when it is due, and shows new sources to the market.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ballast_client::account::{CLOCK, Clock};
use ballast_client::{Market, Pubkey, instruction};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::hand::{Ended, Hand};
use crate::desk::Task;
use crate::journal::Key;
use crate::metrics::Metrics;
use crate::prices::due::name_of;
use crate::prices::{Accounts, Policy, Schedule, Shelf, candidates, schedule};
use crate::updates::Update;

/// After a refresh has landed the market is read as of its slot before the next one is decided; if nobody brings it for so
/// long, it is decided nevertheless.
const NEWS: Duration = Duration::from_secs(5);
/// Pause after a refresh that did not land.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The price refresher of one market.
pub struct Refresher {
    market: Pubkey,
    hand: Hand,
    metrics: Metrics,
    policy: Policy,
    check: Duration,
    enabled: bool,
    observes: bool,
    named: BTreeMap<String, [Option<Pubkey>; 2]>,
    accounts: Vec<Accounts>,
    shelf: Shelf,
    /// Something has arrived since the last look.
    news: bool,
    looked: Option<Instant>,
    /// Not before this time, or not before the market is known as of this slot.
    held: Option<(Instant, u64)>,
    /// What is said already of each asset that cannot be refreshed.
    troubles: BTreeMap<u8, String>,
    running: JoinSet<Vec<Ended>>,
    failures: usize,
}

/// What a refresher needs to know beside the market.
pub struct Habits {
    pub policy: Policy,
    pub check: Duration,
    pub enabled: bool,
    /// Whether sources on their way in are compared.
    pub observes: bool,
    pub named: BTreeMap<String, [Option<Pubkey>; 2]>,
}

impl Refresher {
    pub fn new(market: Pubkey, hand: Hand, habits: Habits, metrics: Metrics) -> Self {
        let Habits { policy, check, enabled, observes, named } = habits;
        Self {
            market,
            hand,
            metrics,
            policy,
            check,
            enabled,
            observes,
            named,
            accounts: Vec::new(),
            shelf: Shelf::default(),
            news: false,
            looked: None,
            held: None,
            troubles: BTreeMap::new(),
            running: JoinSet::new(),
            failures: 0,
        }
    }

    pub fn hand(&self) -> &Hand {
        &self.hand
    }

    /// Of each listed asset.
    pub fn accounts(&self) -> &[Accounts] {
        &self.accounts
    }

    /// The cluster's clock.
    pub fn now(&self) -> Option<&Clock> {
        self.shelf.now()
    }

    /// How many transactions did not end well.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// Takes over which accounts the market names. Returns them, and the clock.
    pub fn follow(&mut self, market: &Market) -> Vec<Pubkey> {
        self.accounts = Accounts::of_market(market, &self.named);
        let mut addresses: Vec<Pubkey> = self.accounts.iter().flat_map(Accounts::all).collect();
        addresses.push(CLOCK);
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Whether an account is one of those.
    pub fn wants(&self, address: &Pubkey) -> bool {
        *address == CLOCK || self.accounts.iter().flat_map(Accounts::all).any(|wanted| wanted == *address)
    }

    pub fn take(&mut self, update: &Update) {
        let new = self.shelf.put(update);
        // The clock alone is news at every interval, not at every slot.
        self.news |= new && update.address != CLOCK;
    }

    /// Decides and starts what is due.
    pub fn round(&mut self, market: &Market, slot: u64) {
        while let Some(done) = self.running.try_join_next() {
            self.conclude(done.unwrap_or_default());
        }
        let Some(now) = self.shelf.now().copied() else { return };
        let due = self.news || self.looked.is_none_or(|at| self.hand.clock().since(at) >= self.check);
        if !due || self.hand.is_tied() || !self.running.is_empty() || self.waits(market, slot) {
            return;
        }
        (self.news, self.looked) = (false, Some(self.hand.clock().now()));
        let schedule = schedule(market, &self.accounts, &self.shelf, &now, &self.policy);
        self.report(market, &schedule);
        let mut tasks: Vec<(Task, Vec<Task>)> = Vec::new();
        if self.enabled {
            tasks.extend(self.refreshes(market, &schedule));
        }
        if self.observes {
            tasks.extend(candidates(market, &self.accounts, &self.shelf, &now).into_iter().map(|(asset, oracle)| {
                let what = format!("comparison of the new source of {}", name_of(market, asset));
                (self.task(what, instruction::observe_candidate(&self.market, asset, &oracle)), Vec::new())
            }));
        }
        if !tasks.is_empty() {
            let hand = self.hand.clone();
            self.running.spawn(async move { carry_out_all(&hand, tasks).await });
        }
    }

    /// The market may have been read in the slot in which a refresh landed, and before it.
    fn waits(&mut self, market: &Market, slot: u64) -> bool {
        let Some((until, known)) = self.held else { return false };
        let shows = market.listed().iter().any(|asset| asset.price_slot >= known);
        if self.hand.clock().now() >= until || slot > known || shows {
            self.held = None;
        }
        self.held.is_some()
    }

    /// Each batch, with what to send instead when the batch is refused.
    fn refreshes(&self, market: &Market, schedule: &Schedule) -> Vec<(Task, Vec<Task>)> {
        let refresh = |batch: &[(u8, Pubkey, Option<Pubkey>)]| {
            let names: Vec<String> = batch.iter().map(|(asset, ..)| name_of(market, *asset)).collect();
            self.task(format!("prices of {}", names.join(", ")), instruction::refresh_prices(&self.market, batch))
        };
        let batches = schedule.batches(&self.policy);
        let single = |batch: &[(u8, Pubkey, Option<Pubkey>)]| batch.chunks(1).map(refresh).collect();
        batches.iter().map(|batch| (refresh(batch), if batch.len() > 1 { single(batch) } else { Vec::new() })).collect()
    }

    fn task(&self, what: String, instruction: solana_instruction::Instruction) -> Task {
        Task { key: Key::Refresh(self.market), what, instructions: vec![instruction], judge: None }
    }

    fn report(&mut self, market: &Market, schedule: &Schedule) {
        for (asset, age) in &schedule.ages {
            self.metrics.oracle_age(&name_of(market, *asset), *age);
        }
        let found: BTreeMap<u8, String> =
            schedule.troubles.iter().map(|(asset, trouble)| (*asset, trouble.to_string())).collect();
        self.metrics.price_troubles(found.len());
        for (asset, reason) in found.iter().filter(|(asset, reason)| self.troubles.get(asset) != Some(reason)) {
            warn!(asset = name_of(market, *asset), reason, "the price cannot be refreshed");
        }
        for asset in self.troubles.keys().filter(|asset| !found.contains_key(asset)) {
            info!(asset = name_of(market, *asset), "the price can be refreshed again");
        }
        self.troubles = found;
    }

    fn conclude(&mut self, all: Vec<Ended>) {
        let present = self.hand.clock().now();
        for ended in all {
            self.metrics.prices_refreshed(ended.name);
            match ended.landed {
                Some(slot) => {
                    let known = self.held.map_or(slot, |(_, known)| known.max(slot));
                    self.held = Some((present + NEWS, known));
                }
                None if self.hand.is_dry() => self.held = Some((present + NEWS, u64::MAX)),
                None => {
                    self.failures = self.failures.saturating_add(usize::from(!ended.busy));
                    self.held = Some((present + AFTER_FAILURE, u64::MAX));
                }
            }
        }
    }

    /// Nothing is under way, and what has arrived has been looked at.
    pub fn is_idle(&self) -> bool {
        let waiting = self.held.is_some() && !self.hand.is_dry();
        self.running.is_empty() && self.looked.is_some() && !self.news && !waiting
    }

    /// Waits until nothing is under way, or for so long.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let clock = self.hand.clock().clone();
        let all = async {
            while let Some(done) = self.running.join_next().await {
                self.conclude(done.unwrap_or_default());
            }
        };
        clock.timeout(patience, all).await.is_ok()
    }
}

/// One after the other: the next is valued by the one before.
async fn carry_out_all(hand: &Hand, tasks: Vec<(Task, Vec<Task>)>) -> Vec<Ended> {
    let mut all = Vec::with_capacity(tasks.len());
    for (task, instead) in tasks {
        let ended = hand.carry_out(task).await;
        // One that is refused must not keep the others back.
        if ended.hopeless && !instead.is_empty() {
            for task in instead {
                all.push(hand.carry_out(task).await);
            }
        } else {
            all.push(ended);
        }
    }
    all
}
