//! One case: the keeper's sources on two nodes, and a few faults one after the other. After each of them everything is right
//! again, and a subscription is there.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ballast_client::account::CLOCK;
use ballast_client::{Market, Pubkey};
use ballast_keeper::config::Config;
use ballast_keeper::metrics::Metrics;
use ballast_keeper::stream::{self, Event};
use ballast_tests::random::Random;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::chain::{Chain, Shared, lock};
use crate::fault::{Effect, FAULTS, Fault};
use crate::node;
use crate::server::{Mood, Server};
use crate::table::{Counts, Table};

/// Faults of a case.
const STEPS: usize = 4;
/// Between two slots.
const SLOT: Duration = Duration::from_millis(50);
/// Between two writes while something is wrong.
const WRITE: Duration = Duration::from_millis(40);
/// The subscription that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_millis(400);
/// Between two complete readings, where something needs them.
const READING: Duration = Duration::from_millis(300);
/// Between two looks at whether something has come true, and how long it may take.
const LOOK: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(90);

/// What a case led to.
#[derive(Default)]
pub struct Outcome {
    pub script: Vec<Fault>,
    /// Those that made a difference.
    pub felt: Vec<Fault>,
    pub violations: Vec<String>,
    /// Subscriptions that were given up.
    pub losses: u64,
}

/// What is there as long as the case lasts.
struct Case {
    chain: Shared,
    mood: Arc<Mutex<Mood>>,
    table: Arc<Mutex<Table>>,
    metrics: Metrics,
    watched: watch::Sender<Vec<Pubkey>>,
    random: Random,
    /// Whether all accounts are read again now and then.
    reads: bool,
    _running: JoinSet<()>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics holding it")
}

/// The faults of a case, and whether it reads everything again now and then.
fn script(random: &mut Random) -> (Vec<Fault>, bool) {
    let reads = random.once_in(3);
    let (others, reading): (Vec<Fault>, Vec<Fault>) = FAULTS.into_iter().partition(|fault| !fault.needs_reading());
    let draw = |_| if reads && random.once_in(2) { random.pick(&reading) } else { random.pick(&others) };
    ((0..STEPS).map(draw).collect(), reads)
}

/// The keeper's configuration. Its RPC URLs are asked by nobody: the nodes of the case are handed to it.
fn configuration(market: &Pubkey, sockets: &[String], reads: bool) -> Config {
    let mut text = format!("market = \"{market}\"\njournal = \"unused\"\n");
    for (name, socket) in ["one", "two"].iter().zip(sockets) {
        text.push_str(&format!(
            "[[endpoint]]\nname = \"{name}\"\nurl = \"https://{name}.example\"\nwebsocket = \"{socket}\"\n"
        ));
    }
    let mut config = Config::parse(&text, &|_| None).expect("a configuration");
    config.stream.silence = SILENCE;
    if reads {
        (config.stream.poll, config.stream.resync) = (READING, READING);
    } else {
        config.stream.resync = Duration::from_secs(86_400);
    }
    config
}

impl Case {
    async fn begin(market: Pubkey, template: Box<Market>, mut random: Random, reads: bool) -> Self {
        let chain = Chain::new(market, template, random.number());
        let mood = Mood::new(random.number());
        let server = Server { chain: Arc::clone(&chain), mood: Arc::clone(&mood) };
        let sockets = [server.clone().open().await, server.open().await];
        let config = configuration(&market, &sockets, reads);
        let names: Vec<String> = config.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        let endpoints = node::endpoints(&chain, &names);
        endpoints.survey().await.expect("nodes that agree");
        let mut running = JoinSet::new();
        let surveyed = Arc::clone(&endpoints);
        running.spawn(async move {
            loop {
                // As the keeper does. Whether they agree, the nodes' tests ask.
                let _ = surveyed.keep_surveyed().await;
                sleep(SLOT).await;
            }
        });
        let ticking = Arc::clone(&chain);
        running.spawn(async move {
            loop {
                sleep(SLOT).await;
                lock(&ticking).pass();
            }
        });
        let metrics = Metrics::new();
        let (watched, seen) = watch::channel(lock(&chain).watched());
        let table = Arc::new(Mutex::new(Table::new(market)));
        let (mut events, sources) = stream::start(&config, Arc::clone(&endpoints), seen, &metrics);
        let (known, fed) = (Arc::clone(&chain), Arc::clone(&table));
        running.spawn(async move {
            let _sources = sources;
            while let Some(event) = events.recv().await {
                match event {
                    Event::Update(update) => {
                        let beside = update.address == CLOCK || lock(&known).oracles.contains(&update.address);
                        held(&fed).take(&update, beside, &endpoints);
                    }
                    Event::Complete => held(&fed).complete += 1,
                    Event::Failed(why) => held(&fed).wrong.push(format!("a reading failed: {why}")),
                }
            }
        });
        Self { chain, mood, table, metrics, watched, random, reads, _running: running }
    }

    /// The value of a series.
    fn metric(&self, series: &str) -> u64 {
        let text = self.metrics.text();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {series}"))
    }

    fn lost(&self, reason: &str) -> u64 {
        self.metric(&format!("ballast_keeper_stream_losses_total{{reason=\"{reason}\"}}"))
    }

    fn losses(&self) -> u64 {
        ["closed", "silent", "mute"].iter().map(|reason| self.lost(reason)).sum()
    }

    /// What an effect is counted by.
    fn gauge(&self, effect: Effect) -> u64 {
        let Counts { stale, repeated, quarantined, removed } = held(&self.table).counts;
        match effect {
            Effect::Lost(reason) => self.lost(reason),
            Effect::Stale => stale,
            Effect::Repeated => repeated,
            Effect::Quarantined => quarantined,
            Effect::Removed => removed,
            Effect::Done => held(&self.mood).done,
        }
    }

    /// One thing happens on the chain.
    fn write(&mut self) {
        let mut chain = lock(&self.chain);
        if self.reads && self.random.once_in(8) {
            chain.close_vault();
        } else {
            chain.write();
        }
    }

    /// Waits until the table is as the chain is and a subscription delivers. `Err`: what is wrong instead.
    async fn settles(&self) -> Result<(), String> {
        let since = lock(&self.chain).slot;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let live = self.metric("ballast_keeper_streaming") == 1;
            let different = {
                let chain = lock(&self.chain);
                held(&self.table).difference(&chain, since)
            };
            match different {
                None if live => return Ok(()),
                None if Instant::now() >= deadline => return Err("no subscription comes about".to_owned()),
                Some(what) if Instant::now() >= deadline => return Err(format!("not as on the chain: {what}")),
                _ => sleep(LOOK).await,
            }
        }
    }

    /// A fault, until it has made a difference, and what follows it. Whether it did.
    async fn suffers(&mut self, fault: Fault) -> Result<bool, String> {
        let effect = fault.effect();
        let before = if effect == Effect::Done { 0 } else { self.gauge(effect) };
        {
            let mut mood = held(&self.mood);
            (mood.fault, mood.done) = (Some(fault), 0);
        }
        if fault == Fault::Rewatched {
            lock(&self.chain).list_oracle();
            self.watched.send_replace(lock(&self.chain).watched());
        }
        let deadline = Instant::now() + PATIENCE;
        let felt = loop {
            self.write();
            sleep(WRITE).await;
            let done = fault == Fault::Rewatched || held(&self.mood).done > 0;
            if done && self.gauge(effect) > before {
                break true;
            }
            if Instant::now() >= deadline {
                break false;
            }
        };
        held(&self.mood).fault = None;
        for _ in 0..self.random.between(0, 3) {
            self.write();
            sleep(WRITE).await;
        }
        self.settles().await.map(|()| felt)
    }
}

/// Carries a case out.
pub async fn run(market: Pubkey, template: Box<Market>, seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let (script, reads) = script(&mut random);
    let mut outcome = Outcome { script: script.clone(), ..Outcome::default() };
    let mut case = Case::begin(market, template, random, reads).await;
    if let Err(why) = case.settles().await {
        outcome.violations.push(format!("at the beginning: {why}"));
        return outcome;
    }
    for fault in script {
        match case.suffers(fault).await {
            Ok(true) => outcome.felt.push(fault),
            Ok(false) => outcome.violations.push(format!("{fault:?} made no difference")),
            Err(why) => outcome.violations.push(format!("after {fault:?}: {why}")),
        }
    }
    outcome.losses = case.losses();
    outcome.violations.append(&mut held(&case.table).wrong);
    outcome.violations.append(&mut held(&case.mood).wrong);
    outcome
}
