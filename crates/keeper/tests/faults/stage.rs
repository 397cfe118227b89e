//! What happens to the keeper from slot to slot, as its script has it.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use ballast_client::account::CLOCK;
use ballast_keeper::journal::records;
use ballast_keeper::liquidator::Ledger;
use ballast_keeper::updates::Update;
use ballast_tests::random::Random;

use crate::case::{Outcome, missed};
use crate::chain::{HIGH, Weather, Which};
use crate::life::{Life, Place};
use crate::node::Trouble;
use crate::script::{CRASH, Damage, Fault, Scene, Script, Step};

/// Prices are published again so often, slots.
const REFRESH: u64 = 400;
/// Micro-lamports for a compute unit, when everybody wants a place.
const SPIKE: u64 = 50_000_000;
/// A slot.
const BLOCK: Duration = Duration::from_millis(400);
/// What the last life has to end in order, slots: longer than it waits itself.
const LAST_SLOTS: u64 = 400;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics holding it")
}

/// The keeper, its world, and what has happened so far.
pub struct Stage {
    place: Place,
    pub script: Script,
    random: Random,
    life: Option<Life>,
    /// The next life begins in this slot.
    reborn: u64,
    pub outcome: Outcome,
    /// Updates that the stream holds back.
    held: Vec<Update>,
    last: Vec<Vec<u8>>,
}

impl Stage {
    pub fn new(place: Place, script: Script, random: Random, outcome: Outcome) -> Self {
        Self { place, script, random, life: None, reborn: 0, outcome, held: vec![], last: vec![] }
    }

    pub async fn slot(&mut self, slot: u64) {
        {
            let mut chain = lock(&self.place.chain);
            chain.step();
            let crash = self.script.second.filter(|_| slot >= CRASH + 20).unwrap_or(self.script.crash);
            let rebounds = self.script.scenes.iter().filter(|scene| scene.fault == Fault::Rebounds);
            let price = match slot {
                CRASH => Some(crash),
                _ if slot == CRASH + 20 && self.script.second.is_some() => Some(crash),
                _ if rebounds.clone().any(|scene| scene.from == slot) => Some(HIGH),
                _ if rebounds.clone().any(|scene| scene.to == slot) => Some(crash),
                _ if slot > 0 && slot.is_multiple_of(REFRESH) => Some(chain.sol),
                _ => None,
            };
            match price {
                Some(price) if slot == CRASH && self.script.foreign => chain.price(price),
                Some(price) => chain.publish(price),
                None => {}
            }
        }
        self.weather(slot);
        self.deliver(slot);
        self.live_and_die(slot).await;
        self.place.clock.sleep(BLOCK).await;
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
                Fault::Refused(at) => troubles[at].refuses = Some(Fault::Refused(at)),
                Fault::AllRefused => troubles.iter_mut().for_each(|trouble| trouble.refuses = Some(Fault::AllRefused)),
                Fault::Slow(at) => troubles[at].slow = true,
                Fault::Lying(at, lie) => troubles[at].lie = Some(lie),
                Fault::Forgetful => troubles.iter_mut().for_each(|trouble| trouble.forgets = true),
                Fault::FeeSpike => troubles.iter_mut().for_each(|trouble| trouble.fee = SPIKE),
                Fault::Dropped(which) => weather.drops = Some(which),
                Fault::Late(which, slots) => weather.delay = Some((which, slots)),
                Fault::Rebounds => weather.rebounds = true,
                Fault::DiskFull => full = true,
                _ => {}
            }
        }
        for scene in &scenes {
            match scene.fault {
                Fault::Lagging(at) if scene.from == slot => {
                    lock(&self.place.moods[at]).freeze(&lock(&self.place.chain), scene.fault);
                }
                Fault::Lagging(at) if scene.to == slot => lock(&self.place.moods[at]).thaw(),
                Fault::AllLagging if scene.from == slot => {
                    let chain = lock(&self.place.chain);
                    self.place.moods.iter().for_each(|mood| lock(mood).freeze(&chain, scene.fault));
                }
                Fault::AllLagging if scene.to == slot => self.place.moods.iter().for_each(|mood| lock(mood).thaw()),
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
        // The liquidations of a rebound wait until its price is there.
        let rebound = scenes.iter().find(|scene| scene.fault == Fault::Rebounds);
        if let Some(scene) = rebound.filter(|scene| (CRASH..scene.from + 8).contains(&slot)) {
            weather.delay = weather.delay.or(Some((Which::Liquidations, scene.from + 12 - slot)));
        }
        lock(&self.place.chain).weather = weather;
        self.place.full.store(full, Ordering::SeqCst);
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
        let present = [silent, twice, mixed, lies];
        let faults =
            [Fault::StreamSilent, Fault::StreamDuplicated, Fault::StreamReordered, Fault::StreamLying].into_iter();
        for (fault, _) in faults.zip(present).filter(|(_, present)| *present && !updates.is_empty()) {
            lock(&self.place.chain).feel(fault);
        }
        if let Some(life) = &self.life {
            life.link.set(!silent);
        }
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
            let at = self.random.between(0, 5);
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
                life.link.count(&update);
                // A life that has ended hears nothing.
                let _ = life.stream.send(update);
            }
        }
    }

    /// Accounts that are not as they were a slot ago.
    fn changed(&mut self) -> Vec<Update> {
        let chain = lock(&self.place.chain);
        let oracles = chain.base.oracles.iter().map(|oracle| oracle.address);
        let others = chain.base.vaults.iter().copied().chain(oracles).chain([CLOCK]);
        let watched: Vec<_> = [chain.base.market].into_iter().chain(others).collect();
        let first = self.last.is_empty();
        let quiet = !first && !chain.written;
        self.last.resize(watched.len(), vec![]);
        let mut updates = Vec::new();
        for (address, last) in watched.into_iter().zip(&mut self.last) {
            // Between two blocks that write something, only the clock goes on.
            if quiet && address != CLOCK {
                continue;
            }
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
            self.life = Some(self.place.start(step, first, self.script.stream));
            return;
        }
        let Some(life) = &self.life else { return };
        let due = |scene: &Scene| matches!(scene.fault, Fault::Kill(..)) && scene.to == slot;
        let ends = life.doom.is_dead() || self.script.scenes.iter().any(due);
        if ends {
            let reached =
                self.script.scenes.iter().find(|scene| matches!(scene.fault, Fault::Kill(..)) && slot <= scene.to);
            let fault = match reached.filter(|_| life.doom.is_dead()).map(|scene| scene.fault) {
                Some(Fault::Kill(step, _)) => Fault::Kill(step, Damage::None),
                _ => Fault::Killed,
            };
            lock(&self.place.chain).feel(fault);
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
        self.reborn = slot + 1 + self.random.between(0, 11);
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
            Damage::Torn => bytes.truncate(last - self.random.below(20)),
            Damage::Tail => bytes[last] ^= 0x20,
            Damage::Middle => bytes[30] ^= 0x20,
            Damage::Lost => {
                std::fs::remove_file(path).expect("a journal");
                self.outcome.lost = true;
                lock(&self.place.chain).feel(Fault::Kill(Step::BeforeWrite(0), damage));
                return;
            }
        }
        self.outcome.lost = true;
        lock(&self.place.chain).feel(Fault::Kill(Step::BeforeWrite(0), damage));
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
    pub fn is_settled(&self) -> bool {
        let Some(life) = &self.life else { return false };
        let seen = lock(&life.seen).clone();
        let chain = lock(&self.place.chain);
        let landing = chain.sent.iter().any(|sent| chain.could_land(&sent.signature));
        seen.turns > 1 && seen.in_flight == 0 && !landing && missed(&chain).is_empty()
    }

    /// Asks the last life to end, and waits for it.
    pub async fn end(&mut self) {
        if let Some(life) = self.life.take() {
            self.outcome.stopped = life.handle.is_finished();
            life.stop.store(true, Ordering::SeqCst);
            for _ in 0..LAST_SLOTS {
                if life.handle.is_finished() {
                    break;
                }
                lock(&self.place.chain).step();
                self.place.clock.sleep(BLOCK).await;
            }
            life.handle.abort();
            let _ = life.handle.await;
            let seen = lock(&life.seen).clone();
            self.outcome.end = seen.end;
            self.count(&seen.ledger);
        }
        self.outcome.disk_was_full = lock(&self.place.chain).felt.contains(&Fault::DiskFull.name());
        if let Ok(found) = records(&self.place.journal) {
            self.outcome.journals.push(found);
        }
    }
}
