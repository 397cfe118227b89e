//! Sends `refresh_prices` when it is due, and shows new sources to the market. Each batch and each comparison goes its own
//! way: one that is lost holds up its own assets until that is certain, and no others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use ballast_client::account::{CLOCK, Clock};
use ballast_client::{Market, Pubkey, instruction};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{info, warn};

use super::hand::{Ended, Hand};
use crate::desk::Task;
use crate::journal::Key;
use crate::metrics::Metrics;
use crate::prices::due::{is_derived, name_of};
use crate::prices::{Accounts, Policy, Schedule, Shelf, candidates, schedule};
use crate::updates::Update;

/// After a refresh has landed the market is read as of its slot before the next one is decided; if nobody brings it for so
/// long, it is decided nevertheless.
const NEWS: Duration = Duration::from_secs(5);
/// Pause after a refresh that did not land, doubled with each in a row.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Sixteen seconds at most.
const MOST_DOUBLINGS: u32 = 3;
/// What has been under way for so long is probably lost.
const LOST: Duration = Duration::from_secs(10);

/// What is done for one asset, never twice at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Refresh(u8),
    Compare(u8),
}

/// An asset, with the accounts of its sources.
type Price = (u8, Pubkey, Option<Pubkey>);

/// What one transaction does.
#[derive(Clone, Debug)]
enum Job {
    /// Refreshes the prices of these assets.
    Refresh(Vec<Price>),
    /// Compares the account of a source on its way in.
    Compare(u8, Pubkey),
}

/// Not before this time, or not before the market is known as of this slot.
#[derive(Clone, Copy, Debug)]
struct Hold {
    until: Instant,
    known: u64,
}

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
    /// Accounts that the market named once.
    former: BTreeSet<Pubkey>,
    shelf: Shelf,
    /// The cluster's time as it was last seen, unix seconds, and when that was.
    time: Option<(u64, Instant)>,
    /// Something has arrived, or is over, since the last look.
    news: bool,
    looked: Option<Instant>,
    /// What is under way, since when.
    busy: BTreeMap<Work, Instant>,
    /// What has to wait.
    held: BTreeMap<Work, Hold>,
    /// Failures in a row.
    setbacks: BTreeMap<Work, u32>,
    /// What is said already of each asset that cannot be refreshed.
    troubles: BTreeMap<u8, String>,
    running: JoinSet<Ended>,
    /// Which work the tasks under way do.
    tasks: HashMap<Id, Job>,
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
            former: BTreeSet::new(),
            shelf: Shelf::default(),
            time: None,
            news: false,
            looked: None,
            busy: BTreeMap::new(),
            held: BTreeMap::new(),
            setbacks: BTreeMap::new(),
            troubles: BTreeMap::new(),
            running: JoinSet::new(),
            tasks: HashMap::new(),
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

    /// The oracle accounts as they were last seen.
    pub const fn shelf(&self) -> &Shelf {
        &self.shelf
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
        self.former.extend(self.accounts.iter().flat_map(Accounts::all));
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

    /// Whether it was one of those. What was under way when the market changed still arrives, and is no vault.
    pub fn wanted(&self, address: &Pubkey) -> bool {
        self.former.contains(address)
    }

    pub fn take(&mut self, update: &Update) {
        let new = self.shelf.put(update);
        if update.address == CLOCK && new {
            let present = self.hand.clock().now();
            self.time = self.shelf.now().map(|clock| (clock.unix, present));
        }
        // The clock alone is news at every interval, not at every slot.
        self.news |= new && update.address != CLOCK;
    }

    /// Decides and starts what is due. What is under way holds up nothing but its own assets.
    pub fn round(&mut self, market: &Market, slot: u64) {
        while let Some(done) = self.running.try_join_next_with_id() {
            self.conclude(market, done);
        }
        self.report_ages(market);
        self.release(market, slot);
        let Some(now) = self.shelf.now().copied() else { return };
        let clock = self.hand.clock().clone();
        if !self.news && self.looked.is_some_and(|at| clock.since(at) < self.check) {
            return;
        }
        (self.news, self.looked) = (false, Some(clock.now()));
        let schedule = schedule(market, &self.accounts, &self.shelf, &now, &self.policy);
        self.report_troubles(market, &schedule);
        if self.hand.is_tied() {
            self.news = true;
            return;
        }
        if self.enabled {
            for batch in self.batches(market, schedule) {
                self.start(market, Job::Refresh(batch));
            }
        }
        if self.observes {
            for (asset, oracle) in candidates(market, &self.accounts, &self.shelf, &now) {
                if self.is_free(Work::Compare(asset)) {
                    self.start(market, Job::Compare(asset, oracle));
                }
            }
        }
    }

    fn is_free(&self, work: Work) -> bool {
        !self.busy.contains_key(&work) && !self.held.contains_key(&work)
    }

    /// What is due and nobody is at, for one transaction each. What is valued by another asset waits for that one if it is on
    /// its way, but not for long: a transaction can be lost.
    fn batches(&self, market: &Market, mut schedule: Schedule) -> Vec<Vec<Price>> {
        let derived = |asset: u8| market.listed().get(usize::from(asset)).is_some_and(is_derived);
        let due = &mut schedule.due;
        due.retain(|due| self.is_free(Work::Refresh(due.asset)));
        let clock = self.hand.clock();
        let fresh = |(work, since): (&Work, &Instant)| match work {
            Work::Refresh(asset) => !derived(*asset) && clock.since(*since) < LOST,
            Work::Compare(_) => false,
        };
        let apart = due.len() > self.policy.batch.max(1) && due.iter().any(|due| !derived(due.asset));
        if apart || self.busy.iter().any(fresh) {
            due.retain(|due| !derived(due.asset));
        }
        schedule.batches(&self.policy)
    }

    fn start(&mut self, market: &Market, job: Job) {
        let now = self.hand.clock().now();
        self.busy.extend(job.works().into_iter().map(|work| (work, now)));
        let (hand, task) = (self.hand.clone(), job.task(&self.market, market));
        let spawned = self.running.spawn(async move { hand.carry_out(task).await });
        self.tasks.insert(spawned.id(), job);
    }

    /// The market may have been read in the slot in which a refresh landed, and before it.
    fn release(&mut self, market: &Market, slot: u64) {
        let (now, before) = (self.hand.clock().now(), self.held.len());
        self.held.retain(|work, hold| {
            let shows = || match work {
                Work::Refresh(asset) => {
                    market.listed().get(usize::from(*asset)).is_some_and(|asset| asset.price_slot >= hold.known)
                }
                Work::Compare(_) => false,
            };
            now < hold.until && slot <= hold.known && !shows()
        });
        self.news |= self.held.len() < before;
    }

    /// Ages of the stored prices, by the cluster's time carried on by our clock: they grow whether anything arrives or not.
    fn report_ages(&self, market: &Market) {
        let Some((unix, at)) = self.time else { return };
        let now = unix.saturating_add(self.hand.clock().since(at).as_secs());
        for (index, asset) in (0u8..).zip(market.listed()).filter(|(_, asset)| asset.publish_time > 0) {
            self.metrics.oracle_age(&name_of(market, index), now.saturating_sub(asset.publish_time));
        }
    }

    fn report_troubles(&mut self, market: &Market, schedule: &Schedule) {
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

    fn conclude(&mut self, market: &Market, done: Result<(Id, Ended), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(job) = self.tasks.remove(&id) else { return };
        for work in job.works() {
            self.busy.remove(&work);
        }
        self.news = true;
        let ended = match done {
            Ok((_, ended)) => ended,
            Err(error) => {
                warn!("a refresh ended early: {error}");
                self.failures = self.failures.saturating_add(1);
                self.set_back(&job.works());
                return;
            }
        };
        match job.singles() {
            // One that is refused, or may still land, must not keep the others back.
            Some(singles) if ended.hopeless || ended.busy => {
                for single in singles {
                    self.start(market, single);
                }
            }
            _ => self.book(&job, &ended),
        }
    }

    fn book(&mut self, job: &Job, ended: &Ended) {
        self.metrics.prices_refreshed(ended.name);
        let until = self.hand.clock().now() + NEWS;
        match ended.landed {
            Some(known) => {
                for work in job.works() {
                    self.setbacks.remove(&work);
                    self.held.insert(work, Hold { until, known });
                }
            }
            None if self.hand.is_dry() => {
                self.held.extend(job.works().into_iter().map(|work| (work, Hold { until, known: u64::MAX })));
            }
            None => {
                self.failures = self.failures.saturating_add(usize::from(!ended.busy));
                self.set_back(&job.works());
            }
        }
    }

    /// What did not land waits, longer each time: every failure on chain costs a fee.
    fn set_back(&mut self, works: &[Work]) {
        let now = self.hand.clock().now();
        for work in works {
            let setbacks = self.setbacks.entry(*work).or_default();
            let until = now + AFTER_FAILURE.saturating_mul(1 << (*setbacks).min(MOST_DOUBLINGS));
            *setbacks = setbacks.saturating_add(1);
            self.held.insert(*work, Hold { until, known: u64::MAX });
        }
    }

    /// Nothing is under way, and what has arrived has been looked at.
    pub fn is_idle(&self) -> bool {
        let waiting = !self.held.is_empty() && !self.hand.is_dry();
        self.running.is_empty() && self.looked.is_some() && !self.news && !waiting
    }

    /// Waits until nothing is under way, or for so long. Nothing more is begun.
    pub async fn finish(&mut self, patience: Duration) -> bool {
        let clock = self.hand.clock().clone();
        let all = async {
            while let Some(done) = self.running.join_next_with_id().await {
                if let Ok((id, ended)) = done
                    && let Some(job) = self.tasks.remove(&id)
                {
                    self.book(&job, &ended);
                }
            }
        };
        clock.timeout(patience, all).await.is_ok()
    }
}

impl Job {
    fn works(&self) -> Vec<Work> {
        match self {
            Self::Refresh(batch) => batch.iter().map(|(asset, ..)| Work::Refresh(*asset)).collect(),
            Self::Compare(asset, _) => vec![Work::Compare(*asset)],
        }
    }

    /// The same one by one, where it is more than one.
    fn singles(&self) -> Option<Vec<Self>> {
        match self {
            Self::Refresh(batch) if batch.len() > 1 => {
                Some(batch.iter().map(|price| Self::Refresh(vec![*price])).collect())
            }
            Self::Refresh(_) | Self::Compare(..) => None,
        }
    }

    /// The key is that of the first asset: while it may still land, nothing else is signed for that one. Another price of the
    /// others would be refused or newer, and costs a fee at most.
    fn task(&self, address: &Pubkey, market: &Market) -> Task {
        let (key, what, instruction) = match self {
            Self::Refresh(batch) => {
                let names: Vec<String> = batch.iter().map(|(asset, ..)| name_of(market, *asset)).collect();
                let first = batch.first().map_or(u8::MAX, |(asset, ..)| *asset);
                let what = format!("prices of {}", names.join(", "));
                (Key::RefreshAsset(*address, first), what, instruction::refresh_prices(address, batch))
            }
            Self::Compare(asset, oracle) => {
                let what = format!("comparison of the new source of {}", name_of(market, *asset));
                (Key::Compare(*address, *asset), what, instruction::observe_candidate(address, *asset, oracle))
            }
        };
        Task { key, what, instructions: vec![instruction], judge: None }
    }
}
