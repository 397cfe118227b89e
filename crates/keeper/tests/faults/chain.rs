//! One chain: the compiled program in a virtual machine, blocks, a place where transactions wait, and what became of them.

use std::collections::{BTreeSet, HashMap};

use ballast_client::risk::price::Price;
use ballast_client::{Market, Pubkey, StateView, Vault, account, snapshot};
use ballast_tests::client::local::Published;
use ballast_tests::{Keypair, Signer, key, oracle};
use litesvm::LiteSVM;
use solana_account::Account;
use solana_clock::Clock;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature, Transaction, TransactionError};

use crate::base::Base;
use crate::script::Fault;

/// Blocks for which a transaction can land after the one that it names.
pub const LIFETIME: u64 = 150;

/// The assets of the market, in order.
pub const SYMBOLS: [&str; 4] = ["SOL", "BTC", "USDC", "USDT"];

/// What a transaction of the keeper is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    Liquidation(Pubkey),
    Change,
    Prices,
}

/// Which transactions a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    All,
    Prices,
    Liquidations,
}

impl Which {
    fn holds(self, aim: Aim) -> bool {
        match self {
            Self::All => true,
            Self::Prices => aim == Aim::Prices,
            Self::Liquidations => matches!(aim, Aim::Liquidation(_)),
        }
    }
}

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct Included {
    pub slot: u64,
    pub aim: Aim,
    /// How many times the prices of the market had changed before.
    pub prices: usize,
    /// It landed, and there is nothing left to liquidate in its vault.
    pub heals: bool,
    pub fee: u64,
    pub logs: Vec<String>,
    pub error: Option<TransactionError>,
    pub bytes: Vec<u8>,
}

/// What the keeper has sent, whatever became of it.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub signature: Signature,
    /// It can land up to this height.
    pub last: u64,
}

/// What the chain does with transactions that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// What arrives is not kept.
    pub drops: Option<Which>,
    /// What arrives waits for so many slots.
    pub delay: Option<(Which, u64)>,
    /// The price of SOL is above where anybody can be liquidated when the next liquidation lands, and falls again after it.
    pub recovers: bool,
    /// The oracle has gone back to the first price for a while.
    pub rebounds: bool,
}

pub struct Chain {
    pub base: Base,
    pub svm: LiteSVM,
    pub slot: u64,
    pub height: u64,
    waiting: Vec<(u64, VersionedTransaction, Vec<u8>)>,
    pub statuses: HashMap<Signature, usize>,
    pub included: Vec<Included>,
    pub sent: Vec<Sent>,
    pub weather: Weather,
    /// Pairs of transactions that could both have landed when the second was sent.
    pub overlaps: Vec<(Signature, Signature)>,
    /// What the oracle of SOL says, dollars, and since which second it does.
    pub sol: &'static str,
    moved: u64,
    /// When they published last, milliseconds.
    published: i64,
    /// The prices that the market has had, by asset, oldest first.
    pub prices: Vec<Vec<Option<Price>>>,
    /// The faults that made a difference, by name.
    pub felt: BTreeSet<String>,
    /// Accounts that were written in the last block.
    pub written: bool,
    milliseconds: i64,
}

pub const HIGH: &str = "150";

/// The hash of the block of a height.
pub fn hash_of(height: u64) -> Hash {
    let mut bytes = [0xb1; 32];
    bytes[..8].copy_from_slice(&height.to_le_bytes());
    Hash::new_from_array(bytes)
}

/// The price that everything begins with.
fn published(symbol: &str, sol: &str, time: i64) -> Published {
    let price = match symbol {
        "SOL" => sol,
        "BTC" => "60000",
        _ => "1",
    };
    oracle::published(price, time)
}

/// The liquidator's key.
pub fn liquidator() -> Keypair {
    key("keeper")
}

impl Chain {
    pub fn new(base: &Base) -> Self {
        let svm = base.svm.clone();
        let clock: Clock = svm.get_sysvar();
        let mut chain = Self {
            base: base.clone(),
            svm,
            slot: clock.slot,
            height: clock.slot - 500,
            waiting: Vec::new(),
            statuses: HashMap::new(),
            included: Vec::new(),
            sent: Vec::new(),
            weather: Weather::default(),
            overlaps: Vec::new(),
            sol: HIGH,
            moved: 0,
            published: clock.unix_timestamp * 1_000,
            prices: Vec::new(),
            felt: BTreeSet::new(),
            written: false,
            milliseconds: clock.unix_timestamp * 1_000,
        };
        chain.note_prices();
        chain
    }

    /// A fault has made a difference.
    pub fn feel(&mut self, fault: Fault) {
        self.felt.insert(fault.name());
    }

    /// The newest blockhash.
    pub fn blockhash(&self) -> Hash {
        hash_of(self.height)
    }

    /// The height of the block that a hash names, if there is one.
    pub fn height_of(&self, hash: &Hash) -> Option<u64> {
        let height = hash.to_bytes().first_chunk().map(|bytes| u64::from_le_bytes(*bytes))?;
        (hash_of(height) == *hash && height <= self.height).then_some(height)
    }

    /// Makes a block.
    pub fn step(&mut self) {
        self.written = false;
        self.slot += 1;
        self.height += 1;
        self.milliseconds += 400;
        let clock: Clock = self.svm.get_sysvar();
        let clock = Clock { slot: self.slot, unix_timestamp: self.milliseconds / 1_000, ..clock };
        self.svm.set_sysvar(&clock);
        let (due, later) = std::mem::take(&mut self.waiting).into_iter().partition(|(slot, ..)| *slot <= self.slot);
        self.waiting = later;
        for (_, transaction, bytes) in due {
            self.land(transaction, bytes);
        }
    }

    fn land(&mut self, transaction: VersionedTransaction, bytes: Vec<u8>) {
        let signature = transaction.signatures[0];
        let named = self.height_of(transaction.message.recent_blockhash());
        let valid = named.is_some_and(|height| self.height <= height + LIFETIME);
        if !valid || self.statuses.contains_key(&signature) {
            return;
        }
        let aim = self.aim(transaction.message.static_account_keys());
        let recovers = self.weather.recovers && matches!(aim, Aim::Liquidation(_));
        let before = self.sol;
        if recovers {
            self.weather.recovers = false;
            self.milliseconds += 1_000;
            self.price(HIGH);
        }
        let prices = self.prices.len();
        let (meta, error) = match self.svm.send_transaction(transaction) {
            Ok(meta) => (meta, None),
            Err(failed) => (failed.meta, Some(failed.err)),
        };
        if error.is_some() && matches!(aim, Aim::Liquidation(_)) {
            if recovers {
                self.feel(Fault::Recovers);
            } else if self.weather.rebounds {
                self.feel(Fault::Rebounds);
            }
        }
        self.written = true;
        self.statuses.insert(signature, self.included.len());
        let (slot, fee, logs) = (self.slot, meta.fee, meta.logs);
        let heals = error.is_none() && self.is_sound(aim);
        self.included.push(Included { slot, aim, prices, heals, fee, logs, error, bytes });
        self.note_prices();
        if recovers {
            self.milliseconds += 1_000;
            self.price(before);
        }
    }

    /// Whether the vault of a liquidation may not be liquidated now.
    fn is_sound(&self, aim: Aim) -> bool {
        let Aim::Liquidation(address) = aim else { return false };
        let state = snapshot::health(&self.market(), &self.vault(&address), self.now()).state;
        !matches!(state, StateView::Liquidatable | StateView::Insolvent)
    }

    /// What a transaction with these accounts is about.
    fn aim(&self, keys: &[Pubkey]) -> Aim {
        match self.base.vaults.iter().find(|vault| keys.contains(vault)) {
            Some(vault) => Aim::Liquidation(*vault),
            None if keys.contains(&self.base.change) => Aim::Change,
            None => Aim::Prices,
        }
    }

    /// Takes a transaction that somebody sends.
    pub fn take(&mut self, transaction: VersionedTransaction, bytes: Vec<u8>) {
        let signature = transaction.signatures[0];
        self.note(&transaction, signature);
        let known = self.statuses.contains_key(&signature)
            || self.waiting.iter().any(|(_, waiting, _)| waiting.signatures[0] == signature);
        if known {
            return;
        }
        let aim = self.aim(transaction.message.static_account_keys());
        if let Some(which) = self.weather.drops.filter(|which| which.holds(aim)) {
            self.feel(Fault::Dropped(which));
            return;
        }
        let delay = self.weather.delay.filter(|(which, _)| which.holds(aim));
        if let Some((which, slots)) = delay {
            self.feel(Fault::Late(which, slots));
        }
        self.waiting.push((self.slot + 1 + delay.map_or(0, |(_, slots)| slots), transaction, bytes));
    }

    /// Remembers what was sent, and which earlier ones could still land then.
    fn note(&mut self, transaction: &VersionedTransaction, signature: Signature) {
        if self.sent.iter().any(|sent| sent.signature == signature) {
            return;
        }
        let named = self.height_of(transaction.message.recent_blockhash());
        let last = named.map_or(0, |height| height + LIFETIME);
        for earlier in &self.sent {
            if !self.statuses.contains_key(&earlier.signature) && self.height <= earlier.last {
                self.overlaps.push((earlier.signature, signature));
            }
        }
        transaction.verify_and_hash_message().expect("signatures that hold");
        self.sent.push(Sent { signature, last });
    }

    /// All oracles publish, SOL at this price.
    pub fn publish(&mut self, sol: &'static str) {
        let clock: Clock = self.svm.get_sysvar();
        // A price of the same second is no new one.
        self.milliseconds = self.milliseconds.max(self.published + 1_000);
        self.published = self.milliseconds;
        let time = self.milliseconds / 1_000;
        if self.sol != sol {
            (self.sol, self.moved) = (sol, time.unsigned_abs());
        }
        self.svm.set_sysvar(&Clock { unix_timestamp: time, ..clock });
        for (symbol, oracle) in SYMBOLS.iter().zip(self.base.oracles.clone()) {
            let data = oracle::account(oracle.kind, &oracle.feed, &published(symbol, sol, time), self.slot);
            let lamports = self.svm.minimum_balance_for_rent_exemption(data.len());
            let account = Account { lamports, data, owner: oracle.owner, executable: false, rent_epoch: u64::MAX };
            self.svm.set_account(oracle.address, account).expect("a price");
        }
        self.written = true;
    }

    /// All oracles publish, SOL at this price, and somebody else refreshes the market.
    pub fn price(&mut self, sol: &'static str) {
        self.publish(sol);
        let payer = key("payer");
        let mut transaction =
            Transaction::new_with_payer(std::slice::from_ref(&self.base.refresh), Some(&payer.pubkey()));
        transaction.sign(&[&payer], self.blockhash());
        self.svm.send_transaction(transaction).expect("fresh prices");
        self.note_prices();
    }

    fn note_prices(&mut self) {
        let prices: Vec<_> = self.market().listed().iter().map(ballast_client::Asset::spot).collect();
        if self.prices.last() != Some(&prices) {
            self.prices.push(prices);
        }
    }

    /// Whether the market knows what the oracle of SOL says.
    pub fn is_priced(&self) -> bool {
        self.market().listed()[0].publish_time >= self.moved
    }

    /// Whether the change waits although it could have been carried out.
    pub fn owes_change(&self) -> bool {
        let found = self.account(&self.base.change);
        let change = found.and_then(|found| account::change(&found.owner, &found.data).ok());
        change.is_some_and(|change| change.eta <= self.now())
    }

    pub fn now(&self) -> u64 {
        (self.milliseconds / 1_000) as u64
    }

    pub fn account(&self, address: &Pubkey) -> Option<Account> {
        self.svm.get_account(address)
    }

    pub fn market(&self) -> Box<Market> {
        let found = self.account(&self.base.market).expect("a market");
        account::market(&found.owner, &found.data).expect("a market")
    }

    pub fn vault(&self, address: &Pubkey) -> Vault {
        let found = self.account(address).expect("a vault");
        account::vault(&found.owner, &found.data).expect("a vault")
    }

    /// What the keeper holds of each asset.
    pub fn balances(&self) -> Vec<u64> {
        let (owner, market) = (liquidator().pubkey(), self.market());
        let held = |asset: &ballast_client::Asset| {
            let address = ballast_client::token::address(&owner, &asset.mint, &asset.token_program());
            let found = self.account(&address)?;
            account::token(&found.owner, &found.data).ok().map(|held| held.amount)
        };
        market.listed().iter().map(|asset| held(asset).unwrap_or(0)).collect()
    }

    /// What could still land.
    pub fn could_land(&self, signature: &Signature) -> bool {
        let sent = self.sent.iter().find(|sent| sent.signature == *signature);
        sent.is_some_and(|sent| !self.statuses.contains_key(signature) && self.height <= sent.last)
    }
}
