//! One case: a market, a crash, a script of faults, and what has to be true when they have ended.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ballast_client::snapshot::best_liquidation;
use ballast_keeper::clock::Clock;
use ballast_keeper::journal::{Record, records};
use ballast_keeper::liquidator::{Ledger, Proceeds};
use ballast_keeper::updates::Update;
use ballast_tests::Signer;

use crate::chain::{Base, Chain, Included, Weather, liquidator};
use crate::judge;
use crate::life::{Life, Place};
use crate::node::{Mood, Trouble};
use crate::random::Random;
use crate::script::{CRASH, Damage, Fault, Scene, Script};

/// Slots after which a case has failed.
const MOST_SLOTS: u64 = 2_000;
/// What a liquidation has to gain so that it must not be missed, micro-dollars: the keeper's least profit and its costs.
pub const MISSED: i64 = 20_000;
/// Prices are refreshed so often, slots.
const REFRESH: u64 = 400;
/// Micro-lamports for a compute unit, when everybody wants a place.
const SPIKE: u64 = 50_000_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics holding it")
}

/// What a case left behind, for the judge.
pub struct Outcome {
    pub chain: Arc<Mutex<Chain>>,
    pub before: Vec<u64>,
    /// What the lives of the keeper had counted.
    pub ledger: Ledger,
    /// Records of every journal that there was.
    pub journals: Vec<Vec<Record>>,
    pub kills: usize,
    pub lost: bool,
    pub disk_was_full: bool,
    pub settled: bool,
    /// The last life ended by itself.
    pub stopped: bool,
    pub landed: usize,
}

struct Stage {
    place: Place,
    script: Script,
    random: Random,
    life: Option<Life>,
    /// The next life begins in this slot.
    reborn: u64,
    outcome: Outcome,
    /// Updates that the stream holds back.
    held: Vec<Update>,
    last: Vec<Vec<u8>>,
}

/// Runs a case. Its violations, and its script.
pub async fn run(base: &Base, seed: u64, folder: &Path, clock: Clock) -> (Script, Vec<String>, Outcome) {
    let script = Script::of(seed);
    let chain = Chain::new(base);
    let before = chain.balances();
    let chain = Arc::new(Mutex::new(chain));
    let place = Place {
        chain: Arc::clone(&chain),
        moods: (0..script.nodes).map(|_| Arc::new(Mutex::new(Mood::default()))).collect(),
        market: base.market,
        journal: folder.join("journal"),
        full: Arc::new(AtomicBool::new(false)),
        clock,
    };
    let outcome = Outcome {
        chain,
        before,
        ledger: Ledger::default(),
        journals: Vec::new(),
        kills: 0,
        lost: false,
        disk_was_full: false,
        settled: false,
        stopped: false,
        landed: 0,
    };
    let random = Random::new(seed ^ 0x5eed);
    let mut stage = Stage { place, script, random, life: None, reborn: 0, outcome, held: vec![], last: vec![] };
    for slot in 0..MOST_SLOTS {
        stage.slot(slot).await;
        if slot > stage.script.end() && slot.is_multiple_of(8) && stage.is_settled() {
            stage.outcome.settled = true;
            break;
        }
    }
    stage.end().await;
    let violations = judge::violations(&stage.outcome);
    (stage.script, violations, stage.outcome)
}

impl Stage {
    async fn slot(&mut self, slot: u64) {
        {
            let mut chain = lock(&self.place.chain);
            chain.step();
            let price = match slot {
                CRASH => Some(self.script.crash),
                _ if slot == CRASH + 20 && self.script.second.is_some() => self.script.second,
                _ if slot > 0 && slot.is_multiple_of(REFRESH) => Some(chain.sol),
                _ => None,
            };
            if let Some(price) = price {
                chain.price(price);
            }
        }
        self.weather(slot);
        self.deliver(slot);
        self.live_and_die(slot).await;
        self.place.clock.sleep(Duration::from_millis(400)).await;
    }

    /// What the script says about this slot.
    fn weather(&mut self, slot: u64) {
        let scenes = self.script.scenes.clone();
        let holds = |scene: &&Scene| scene.from <= slot && slot < scene.to;
        let mut troubles = vec![Trouble::default(); self.place.moods.len()];
        let mut weather = Weather { recovers: lock(&self.place.chain).weather.recovers, ..Weather::default() };
        let mut full = false;
        for scene in scenes.iter().filter(holds) {
            match scene.fault {
                Fault::Refused(at) => troubles[at].refuses = true,
                Fault::AllRefused => troubles.iter_mut().for_each(|trouble| trouble.refuses = true),
                Fault::Slow(at) => troubles[at].slow = true,
                Fault::Lying(at, lie) => troubles[at].lie = Some(lie),
                Fault::Forgetful => troubles.iter_mut().for_each(|trouble| trouble.forgets = true),
                Fault::FeeSpike => troubles.iter_mut().for_each(|trouble| trouble.fee = SPIKE),
                Fault::Dropped => weather.drops = true,
                Fault::Late(slots) => weather.delay = slots,
                Fault::DiskFull => full = true,
                _ => {}
            }
        }
        for scene in &scenes {
            match scene.fault {
                Fault::Lagging(at) if scene.from == slot => {
                    lock(&self.place.moods[at]).freeze(&lock(&self.place.chain));
                }
                Fault::Lagging(at) if scene.to == slot => lock(&self.place.moods[at]).thaw(),
                Fault::Recovers if scene.from.max(CRASH + 1) == slot => weather.recovers = true,
                // A price that recovered before anybody acted stays where it is.
                Fault::Recovers if scene.to.max(CRASH + 2) == slot => weather.recovers = false,
                Fault::Poison if scene.from == slot => {
                    let mut chain = lock(&self.place.chain);
                    for (address, account) in chain.base.poison.clone() {
                        chain.svm.set_account(address, account).expect("an account");
                    }
                }
                _ => {}
            }
        }
        for (mood, trouble) in self.place.moods.iter().zip(troubles) {
            lock(mood).trouble = trouble;
        }
        lock(&self.place.chain).weather = weather;
        self.place.full.store(full, Ordering::SeqCst);
        self.outcome.disk_was_full |= full;
    }

    /// The stream brings what has changed.
    fn deliver(&mut self, slot: u64) {
        if !self.script.stream {
            return;
        }
        let holds = |fault: Fault| {
            self.script.scenes.iter().any(|scene| scene.fault == fault && scene.from <= slot && slot < scene.to)
        };
        let [silent, twice, mixed, lies] =
            [Fault::StreamSilent, Fault::StreamDuplicated, Fault::StreamReordered, Fault::StreamLying].map(holds);
        let mut updates = self.changed();
        if silent {
            return;
        }
        if lies {
            for update in &mut updates {
                update.slot += 1_000_000;
                update.data = update.data.take().map(|data| data[..data.len() / 2].to_vec());
            }
        }
        if twice {
            updates.extend(updates.clone());
        }
        if mixed {
            self.held.extend(updates);
            let at = self.random.within(0..6);
            if at > 0 {
                return;
            }
            updates = std::mem::take(&mut self.held);
            updates.reverse();
        } else {
            updates.extend(std::mem::take(&mut self.held));
        }
        if let Some(life) = &self.life {
            for update in updates {
                // A life that has ended hears nothing.
                let _ = life.stream.send(update);
            }
        }
    }

    /// Accounts that are not as they were a slot ago.
    fn changed(&mut self) -> Vec<Update> {
        let chain = lock(&self.place.chain);
        let watched: Vec<_> = [chain.base.market].into_iter().chain(chain.base.vaults.clone()).collect();
        let first = self.last.is_empty();
        if !first && !chain.written {
            return vec![];
        }
        self.last.resize(watched.len(), vec![]);
        let mut updates = Vec::new();
        for (address, last) in watched.into_iter().zip(&mut self.last) {
            let Some(account) = chain.account(&address) else { continue };
            if account.data != *last {
                last.clone_from(&account.data);
                updates.push(Update { address, owner: account.owner, data: Some(account.data), slot: chain.slot });
            }
        }
        if first { vec![] } else { updates }
    }

    async fn live_and_die(&mut self, slot: u64) {
        if self.life.is_none() && slot >= self.reborn {
            let kill = self.script.scenes.iter().filter(|scene| matches!(scene.fault, Fault::Kill(..)));
            let step = kill.filter(|scene| slot < scene.to).find_map(|scene| match scene.fault {
                Fault::Kill(step, _) => Some(step),
                _ => None,
            });
            // The first life is the one that ends, and so is every one that begins while the script says so.
            let first = self.outcome.kills == 0 && self.script.first;
            self.life = Some(self.place.start(step, first));
            return;
        }
        let Some(life) = &self.life else { return };
        let due = |scene: &Scene| matches!(scene.fault, Fault::Kill(..)) && scene.to == slot;
        let ends = life.doom.is_dead() || self.script.scenes.iter().any(due);
        if ends {
            self.kill(slot).await;
        }
    }

    async fn kill(&mut self, slot: u64) {
        let Some(life) = self.life.take() else { return };
        life.doom.dead.store(true, Ordering::SeqCst);
        life.handle.abort();
        let _ = life.handle.await;
        let seen = lock(&life.seen).clone();
        self.count(&seen.ledger);
        self.outcome.kills += 1;
        if let Ok(found) = records(&self.place.journal) {
            self.outcome.journals.push(found);
        }
        let damage = self.script.scenes.iter().find_map(|scene| match scene.fault {
            Fault::Kill(_, damage) if slot <= scene.to => Some(damage),
            _ => None,
        });
        self.damage(damage.unwrap_or(Damage::None));
        self.reborn = slot + 1 + self.random.within(0..12);
    }

    fn damage(&mut self, damage: Damage) {
        let path = &self.place.journal;
        let Ok(mut bytes) = std::fs::read(path) else { return };
        if bytes.len() < 60 {
            return;
        }
        let last = bytes.len() - 1;
        match damage {
            Damage::None => return,
            Damage::Torn => bytes.truncate(last - self.random.within(0..20) as usize),
            Damage::Tail => bytes[last] ^= 0x20,
            Damage::Middle => bytes[30] ^= 0x20,
            Damage::Lost => {
                std::fs::remove_file(path).expect("a journal");
                self.outcome.lost = true;
                return;
            }
        }
        self.outcome.lost = true;
        std::fs::write(path, bytes).expect("a journal");
    }

    fn count(&mut self, ledger: &Ledger) {
        let sum = &mut self.outcome.ledger;
        sum.liquidations += ledger.liquidations;
        sum.profit += ledger.profit;
        sum.fees += ledger.fees;
        for flow in ledger.tokens.values() {
            let kept = sum
                .tokens
                .entry(flow.asset)
                .or_insert(ballast_keeper::strategy::Flow { asset: flow.asset, ..Default::default() });
            kept.paid += flow.paid;
            kept.received += flow.received;
        }
    }

    /// Whether nothing is under way and nothing is left to be done.
    fn is_settled(&self) -> bool {
        let Some(life) = &self.life else { return false };
        let seen = lock(&life.seen).clone();
        let chain = lock(&self.place.chain);
        let landing = chain.sent.iter().any(|sent| chain.could_land(&sent.signature));
        seen.ticks > 1 && seen.in_flight == 0 && !landing && missed(&chain).is_empty()
    }

    async fn end(&mut self) {
        if let Some(life) = self.life.take() {
            // What has just been decided is counted at the next tick.
            self.place.clock.sleep(Duration::from_secs(3)).await;
            self.outcome.stopped = life.handle.is_finished();
            life.handle.abort();
            let _ = life.handle.await;
            let seen = lock(&life.seen).clone();
            self.count(&seen.ledger);
        }
        if let Ok(found) = records(&self.place.journal) {
            self.outcome.journals.push(found);
        }
        self.outcome.landed =
            lock(&self.place.chain).included.iter().filter(|included| included.error.is_none()).count();
    }
}

/// The vaults that could be liquidated with a gain.
pub fn missed(chain: &Chain) -> Vec<String> {
    let (market, now, balances) = (chain.market(), chain.now(), chain.balances());
    let most = |asset: u8| balances.get(usize::from(asset)).copied().unwrap_or(0);
    let left = |address: &ballast_client::Pubkey| {
        let found = best_liquidation(&market, *address, &chain.vault(address), now, most)?;
        (found.gain >= MISSED).then(|| format!("{address} could be liquidated for {} micro-dollars", found.gain))
    };
    chain.base.vaults.iter().filter_map(left).collect()
}

/// What the keeper's liquidations moved, by the events of a transaction.
pub fn proceeds(included: &Included) -> Proceeds {
    Proceeds::of(&included.logs, &liquidator().pubkey())
}
