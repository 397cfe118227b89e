//! A disk that is full, or on which a life of the keeper ends. Nothing is synced: what dies here is a process, not a machine.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use ballast_keeper::journal::{Medium, Mount};

use crate::chain::Chain;
use crate::node::Doom;
use crate::script::{Fault, Step};

pub struct Disk {
    file: File,
    plan: Arc<Plan>,
    /// Where the last write began.
    begun: u64,
}

/// What becomes of writes.
pub struct Plan {
    pub full: Arc<AtomicBool>,
    pub doom: Arc<Doom>,
    pub step: Option<Step>,
    pub writes: AtomicI64,
    /// Who remembers what made a difference.
    pub chain: Arc<Mutex<Chain>>,
}

impl Disk {
    pub fn mount(plan: Arc<Plan>) -> Mount {
        Box::new(move |file| Box::new(Self { file, plan: Arc::clone(&plan), begun: 0 }))
    }

    fn die(&self) -> io::Result<()> {
        self.plan.doom.dead.store(true, Ordering::SeqCst);
        Err(io::Error::other("the keeper is dead"))
    }
}

impl Medium for Disk {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.plan.doom.is_dead() {
            return self.die();
        }
        let number = self.plan.writes.fetch_add(1, Ordering::SeqCst);
        self.begun = at;
        match self.plan.step {
            Some(Step::BeforeWrite(fatal)) if fatal == number => return self.die(),
            Some(Step::WithinWrite(fatal)) if fatal == number => {
                Medium::write(&mut self.file, at, &bytes[..bytes.len() / 2])?;
                return self.die();
            }
            _ => {}
        }
        if self.plan.full.load(Ordering::SeqCst) {
            // As much as still fits.
            self.plan.chain.lock().expect("nobody panics holding it").feel(Fault::DiskFull);
            Medium::write(&mut self.file, at, &bytes[..bytes.len() / 3])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Medium::write(&mut self.file, at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let number = self.plan.writes.load(Ordering::SeqCst) - 1;
        match self.plan.step {
            // The power fails: what was not on the disk is lost.
            Some(Step::BeforeSync(fatal)) if fatal == number => {
                self.file.set_len(self.begun)?;
                self.die()
            }
            Some(Step::AfterWrite(fatal)) if fatal == number => self.die(),
            _ if self.plan.doom.is_dead() => self.die(),
            _ => Ok(()),
        }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        // The dead cut nothing off.
        if self.plan.doom.is_dead() { self.die() } else { self.file.set_len(length) }
    }
}
