//! The chain of a case: a market, vaults, oracle accounts and the clock, in slots. Every state of an account bears a number that
//! only grows, so that it can be seen when an older one has won.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use ballast_client::account::{CLOCK, SYSVAR, encode};
use ballast_client::{ID, Market, Pubkey};
use ballast_keeper::updates::Update;
use ballast_tests::random::Random;
use ballast_tests::vault::holding;
use tokio::sync::broadcast;

/// Whose the oracle accounts are: of no program that exists.
const PUBLISHER: Pubkey = Pubkey::new_from_array([7; 32]);
/// Far enough from zero that a slot can be long ago.
const FIRST_SLOT: u64 = 100_000;
/// Writes that wait for a connection at most. More are never made while one is written to.
const WAITING: usize = 4_096;
/// Few, so that each of them is written often.
const MOST_VAULTS: usize = 6;

/// An account as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub owner: Pubkey,
    pub data: Vec<u8>,
}

pub struct Chain {
    pub slot: u64,
    pub market: Pubkey,
    /// All of them: the market, the clock, oracle accounts, vaults.
    pub accounts: BTreeMap<Pubkey, Held>,
    pub vaults: Vec<Pubkey>,
    pub oracles: Vec<Pubkey>,
    template: Box<Market>,
    random: Random,
    /// The last number that a state has got.
    states: u64,
    named: u8,
    /// The present slot is a new one, made by a write.
    hurried: bool,
    /// What is written, for whoever has subscribed.
    written: broadcast::Sender<Update>,
}

pub type Shared = Arc<Mutex<Chain>>;

pub fn lock(chain: &Shared) -> MutexGuard<'_, Chain> {
    chain.lock().expect("nobody panics holding it")
}

/// The number of a state.
pub fn state_of_market(market: &Market) -> u64 {
    market.assets[0].publish_time
}

/// The number of a state.
pub fn state_of_vault(vault: &ballast_client::Vault) -> u64 {
    vault.used().first().map_or(0, |position| position.shares)
}

/// The number of a state.
pub fn state_of_oracle(data: &[u8]) -> u64 {
    data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl Chain {
    pub fn new(market: Pubkey, template: Box<Market>, seed: u64) -> Shared {
        let (written, _) = broadcast::channel(WAITING);
        let mut chain = Self {
            slot: FIRST_SLOT,
            market,
            accounts: BTreeMap::new(),
            vaults: Vec::new(),
            oracles: Vec::new(),
            template,
            random: Random::new(seed),
            states: 0,
            named: 0,
            hurried: false,
            written,
        };
        chain.tick();
        chain.write_market();
        for _ in 0..2 {
            chain.list_oracle();
        }
        for _ in 0..chain.random.between(1, 6) {
            chain.open_vault();
        }
        Arc::new(Mutex::new(chain))
    }

    /// What is written from now on.
    pub fn listen(&self) -> broadcast::Receiver<Update> {
        self.written.subscribe()
    }

    /// What the keeper watches beside the vaults.
    pub fn watched(&self) -> Vec<Pubkey> {
        [&[self.market, CLOCK], &self.oracles[..]].concat()
    }

    /// The number of the market's state.
    pub fn market_state(&self) -> u64 {
        state_of_market(&self.template)
    }

    /// An address that nobody has had.
    pub fn unused(&mut self) -> Pubkey {
        self.named += 1;
        let mut bytes = [0xaa; 32];
        bytes[0] = self.named;
        Pubkey::new_from_array(bytes)
    }

    fn next_state(&mut self) -> u64 {
        self.states += 1;
        self.states
    }

    fn put(&mut self, address: Pubkey, owner: Pubkey, data: Vec<u8>) {
        let update = Update { address, owner, data: Some(data.clone()), slot: self.slot };
        self.accounts.insert(address, Held { owner, data });
        // Before anybody has subscribed nobody listens.
        let _ = self.written.send(update);
    }

    /// A slot passes, and the clock shows it.
    pub fn tick(&mut self) {
        self.slot += 1;
        let clock = [self.slot, 0, 0, 1, 1_750_000_000 + self.slot];
        self.put(CLOCK, SYSVAR, clock.iter().flat_map(|number| number.to_le_bytes()).collect());
    }

    /// Time goes by: a slot passes unless a write has just made one.
    pub fn pass(&mut self) {
        if !std::mem::take(&mut self.hurried) {
            self.tick();
        }
    }

    /// A slot begins in which something happens. Whoever reads or listens sees the slot as it ends.
    fn begin(&mut self) {
        self.tick();
        self.hurried = true;
    }

    /// Something happens.
    pub fn write(&mut self) {
        self.begin();
        match self.random.between(0, 9) {
            0 => self.write_market(),
            1 | 2 => self.write_oracle(),
            3 if self.vaults.len() < MOST_VAULTS => self.open_vault(),
            _ => self.write_vault(),
        }
    }

    fn write_market(&mut self) {
        self.template.assets[0].publish_time = self.next_state();
        let data = encode(&*self.template);
        self.put(self.market, ID, data);
    }

    fn write_oracle(&mut self) {
        let address = self.random.pick(&self.oracles);
        let state = self.next_state();
        self.put(address, PUBLISHER, [&state.to_le_bytes()[..], &[3; 92]].concat());
    }

    /// The market has another price source.
    pub fn list_oracle(&mut self) {
        self.begin();
        let address = self.unused();
        self.oracles.push(address);
        let state = self.next_state();
        self.put(address, PUBLISHER, [&state.to_le_bytes()[..], &[3; 92]].concat());
    }

    fn open_vault(&mut self) {
        let address = self.unused();
        self.vaults.push(address);
        self.put_vault(address);
    }

    fn write_vault(&mut self) {
        let address = self.random.pick(&self.vaults);
        self.put_vault(address);
    }

    fn put_vault(&mut self, address: Pubkey) {
        let state = self.next_state();
        let vault = holding(&self.market, &[(0, false, state), (1, true, 1)]);
        self.put(address, ID, encode(&vault));
    }

    /// A vault is closed. Nodes do not tell those who listen to a program of accounts that it has given up.
    pub fn close_vault(&mut self) {
        if self.vaults.len() < 2 {
            return;
        }
        self.begin();
        let at = self.random.below(self.vaults.len());
        let address = self.vaults.remove(at);
        self.accounts.remove(&address);
    }
}
