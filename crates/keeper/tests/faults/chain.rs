//! One chain: the compiled program in a virtual machine, blocks, a place where transactions wait, and what became of them.

use std::collections::HashMap;

use ballast_client::{Market, Pubkey, Vault, account};
use ballast_tests::client::local::Published;
use ballast_tests::{Fixture, Keypair, Signer, assets, key, oracle};
use litesvm::LiteSVM;
use solana_account::Account;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature, Transaction, TransactionError};

/// Blocks for which a transaction can land after the one that it names.
pub const LIFETIME: u64 = 150;

/// The assets of the market, in order.
pub const SYMBOLS: [&str; 4] = ["SOL", "BTC", "USDC", "USDT"];

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct Included {
    pub slot: u64,
    pub fee: u64,
    pub logs: Vec<String>,
    pub error: Option<TransactionError>,
    pub bytes: Vec<u8>,
}

/// What the keeper has sent, whatever became of it.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub signature: Signature,
    pub vault: Option<Pubkey>,
    /// It can land up to this height.
    pub last: u64,
}

/// A price source.
#[derive(Clone)]
pub struct Oracle {
    address: Pubkey,
    owner: Pubkey,
    feed: [u8; 32],
    kind: ballast_client::SourceKind,
}

/// What is the same at the beginning of every case.
#[derive(Clone)]
pub struct Base {
    pub svm: LiteSVM,
    pub market: Pubkey,
    pub vaults: Vec<Pubkey>,
    /// Vault accounts that are not what they seem, for whoever puts them there.
    pub poison: Vec<(Pubkey, Account)>,
    pub oracles: Vec<Oracle>,
    pub refresh: Instruction,
}

/// What the chain does with transactions that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Nothing that arrives is kept.
    pub drops: bool,
    /// What arrives waits for so many slots.
    pub delay: u64,
    /// The price of SOL is above where anybody can be liquidated when the next transaction lands, and falls again after it.
    pub recovers: bool,
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
    /// Pairs of transactions of one vault that could both have landed.
    pub overlaps: Vec<(Signature, Signature)>,
    /// Price of SOL, dollars.
    pub sol: &'static str,
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

impl Base {
    /// A market with lenders and four borrowers, and a keeper with tokens.
    pub fn new() -> Self {
        use ballast_tests::client::table::Parameter::MaxAge;
        let tokens: Vec<_> = SYMBOLS.iter().map(|symbol| assets::token(symbol).with(&[(MaxAge, 600)])).collect();
        let market = Fixture::of(tokens).stocked();
        let mut vaults = Vec::new();
        let borrowers = [
            ("100", "0", "10400", "0"),
            ("200", "0.05", "19000", "2000"),
            ("50", "0", "0", "5150"),
            ("60", "0.2", "9000", "5000"),
        ];
        for (at, (sol, btc, usdc, usdt)) in borrowers.into_iter().enumerate() {
            let deposits = [ballast_tests::sol(sol), ballast_tests::btc(btc)];
            let borrower = market.actor(&format!("borrower {at}"), &deposits);
            for deposit in deposits.into_iter().filter(|money| money.units > 0) {
                borrower.deposits(deposit).expect("a deposit");
            }
            for loan in [ballast_tests::usdc(usdc), ballast_tests::usdt(usdt)] {
                if loan.units > 0 {
                    borrower.borrows(loan).expect("a loan");
                }
            }
            vaults.push(borrower.vault_address());
        }
        let keeper = market.newcomer("keeper");
        for symbol in SYMBOLS {
            keeper.wallet(symbol);
        }
        keeper.is_given(ballast_tests::usdc("200000"));
        keeper.is_given(ballast_tests::usdt("200000"));
        let poison = poison(&market, &vaults);
        let oracle = |symbol: &&str| {
            let token = market.token(symbol);
            let kind = token.listing.source_kind;
            Oracle { address: token.oracle, owner: token.oracle_program(), feed: token.feed(), kind }
        };
        let svm = market.world().svm.clone().with_blockhash_check(false).with_sigverify(false);
        Self {
            svm,
            market: market.market_address(),
            vaults,
            poison,
            oracles: SYMBOLS.iter().map(oracle).collect(),
            refresh: market.refresh_instruction(&SYMBOLS),
        }
    }
}

/// Accounts of the program of the size of a vault of this market that are none: another type, another version, positions that
/// cannot be, and an asset that is not listed.
fn poison(market: &Fixture, vaults: &[Pubkey]) -> Vec<(Pubkey, Account)> {
    let good = market.account(&vaults[0]).expect("a vault");
    let changed = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut account = good.clone();
        change(&mut account.data);
        (ballast_tests::address(name), account)
    };
    let with = |change: &dyn Fn(&mut Vault)| {
        let mut vault = market.vault(&vaults[0]);
        change(&mut vault);
        account::encode(&vault)
    };
    vec![
        changed("poisoned type", &|data| data[3] ^= 0xff),
        changed("poisoned version", &|data| data[8] = 77),
        changed("poisoned order", &|data| *data = with(&|vault| vault.positions.swap(0, 1))),
        changed("poisoned asset", &|data| *data = with(&|vault| vault.positions[1].asset = 60)),
        changed("poisoned count", &|data| *data = with(&|vault| vault.position_count = 255)),
    ]
}

impl Chain {
    pub fn new(base: &Base) -> Self {
        let svm = base.svm.clone();
        let clock: Clock = svm.get_sysvar();
        Self {
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
            written: false,
            milliseconds: clock.unix_timestamp * 1_000,
        }
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
        let recovers = std::mem::take(&mut self.weather.recovers);
        let before = self.sol;
        if recovers {
            self.milliseconds += 1_000;
            self.price(HIGH);
        }
        let (meta, error) = match self.svm.send_transaction(transaction) {
            Ok(meta) => (meta, None),
            Err(failed) => (failed.meta, Some(failed.err)),
        };
        self.written = true;
        self.statuses.insert(signature, self.included.len());
        let (slot, fee, logs) = (self.slot, meta.fee, meta.logs);
        self.included.push(Included { slot, fee, logs, error, bytes });
        if recovers {
            self.milliseconds += 1_000;
            self.price(before);
        }
    }

    /// Takes a transaction that somebody sends.
    pub fn take(&mut self, transaction: VersionedTransaction, bytes: Vec<u8>) {
        let signature = transaction.signatures[0];
        self.note(&transaction, signature);
        let known = self.statuses.contains_key(&signature)
            || self.waiting.iter().any(|(_, waiting, _)| waiting.signatures[0] == signature);
        if !self.weather.drops && !known {
            self.waiting.push((self.slot + 1 + self.weather.delay, transaction, bytes));
        }
    }

    /// Remembers what was sent, and whether an earlier one for the same vault could still land.
    fn note(&mut self, transaction: &VersionedTransaction, signature: Signature) {
        if self.sent.iter().any(|sent| sent.signature == signature) {
            return;
        }
        let keys = transaction.message.static_account_keys();
        let vault = self.base.vaults.iter().find(|vault| keys.contains(vault)).copied();
        let named = self.height_of(transaction.message.recent_blockhash());
        let last = named.map_or(0, |height| height + LIFETIME);
        for earlier in self.sent.iter().filter(|earlier| vault.is_some() && earlier.vault == vault) {
            if !self.statuses.contains_key(&earlier.signature) && self.height <= earlier.last {
                self.overlaps.push((earlier.signature, signature));
            }
        }
        transaction.verify_and_hash_message().expect("a signature that holds");
        self.sent.push(Sent { signature, vault, last });
    }

    /// All oracles publish, SOL at this price, and somebody refreshes the market.
    pub fn price(&mut self, sol: &'static str) {
        self.sol = sol;
        let clock: Clock = self.svm.get_sysvar();
        let time = self.milliseconds / 1_000;
        self.svm.set_sysvar(&Clock { unix_timestamp: time, ..clock });
        for (symbol, oracle) in SYMBOLS.iter().zip(self.base.oracles.clone()) {
            let data = oracle::account(oracle.kind, &oracle.feed, &published(symbol, sol, time), self.slot);
            let lamports = self.svm.minimum_balance_for_rent_exemption(data.len());
            let account = Account { lamports, data, owner: oracle.owner, executable: false, rent_epoch: u64::MAX };
            self.svm.set_account(oracle.address, account).expect("a price");
        }
        let payer = key("payer");
        let mut transaction =
            Transaction::new_with_payer(std::slice::from_ref(&self.base.refresh), Some(&payer.pubkey()));
        transaction.sign(&[&payer], self.blockhash());
        self.svm.send_transaction(transaction).expect("fresh prices");
        self.written = true;
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
