//! Somebody who has stolen a key: what he has, what he controls, and how he takes all that he can reach.

use ballast_tests::assets::{Feed, token};
use ballast_tests::client::table::Parameter as P;
use ballast_tests::client::{Proposal, Role, SourceKind, change};
use ballast_tests::money::units;
use ballast_tests::oracle::published;
use ballast_tests::*;
use client::event::Action;

use crate::judge::last;

pub const DAY: u64 = 86_400;
pub const HOUR: u64 = 3_600;
/// What the lenders have in the bank, with the dollars that they are worth; true prices never move.
pub const REAL: [&str; 5] = ["SOL", "BTC", "ETH", "USDC", "USDT"];
/// Dollars of every asset that lenders have deposited, and that collateral is worth beside it.
pub const LENT: u64 = 10_000_000;
/// A dollar, in micro-dollars.
pub const DOLLAR: i128 = 1_000_000;

/// A bank as the program's own defaults guard it, with the shortest delay and notice that the table allows; lenders,
/// borrowers, a model with netting and scenarios. A week has passed, so that no flow of its beginning counts.
pub fn bank() -> Fixture {
    bank_with(true)
}

/// The same with a model, or with haircuts alone.
pub fn bank_with(model: bool) -> Fixture {
    let tokens = REAL.map(|symbol| {
        let mut token = token(symbol);
        token.listing.more.clear();
        token
    });
    let bank = Fixture::of(tokens.to_vec());
    for symbol in REAL {
        let caps = [(P::DepositCap, 5 * LENT), (P::DebtCap, 5 * LENT)];
        let caps = caps.map(|(cap, dollars)| (cap, bank.worth(symbol, dollars).units));
        bank.applies(Role::Governance, bank.values_of(symbol, &caps)).unwrap();
    }
    if model {
        bank.adopts(3, 4);
    }
    let bank = bank.stocked();
    for (name, has, owes) in [("ann", "SOL", "USDC"), ("ben", "BTC", "USDT"), ("cleo", "USDC", "ETH")] {
        let person = bank.actor(name, &[bank.worth(has, 1_000_000)]);
        person.deposits(bank.worth(has, 1_000_000)).unwrap();
        person.borrows(bank.worth(owes, 500_000)).unwrap();
    }
    for _ in 0..14 {
        bank.advances(43_200);
        bank.refreshes_all();
    }
    // Nor any outage.
    bank.advances(1_200);
    bank.refreshes_all();
    bank
}

/// Micro-dollars that tokens are worth in truth.
pub fn truth(symbol: &str, units_of_it: i128) -> i128 {
    let token = token(REAL.into_iter().find(|real| *real == symbol).expect("a real asset"));
    units_of_it * i128::from(units(token.price, 6)) / 10i128.pow(u32::from(token.decimals))
}

/// A change that waits.
struct Pending {
    name: String,
    proposer: Keypair,
    due: u64,
    expiry: u64,
}

pub struct Thief {
    pub bank: Fixture,
    /// His wallet, and a vault.
    pub me: Actor,
    /// What he signs with for governance: the stolen key, his own once he has the role, or nothing.
    pub governance: Option<Keypair>,
    pending: Vec<Pending>,
    wallet: Vec<u64>,
    proposed: usize,
    /// A token that he prints, and a feed that says what he wants.
    pub fake: Feed,
}

/// The token that he prints.
pub const FAKE: &str = "FAKE";

impl Thief {
    pub fn new(bank: &Fixture) -> Self {
        let me = bank.actor("thief", &[]);
        let wallet = REAL.iter().map(|symbol| me.balance(symbol)).collect();
        let fake = Feed::new(FAKE, SourceKind::SwitchboardPull, "1");
        let governance = Some(bank.governance());
        Self { bank: bank.clone(), me, governance, pending: vec![], wallet, proposed: 0, fake }
    }

    pub fn second(&self) -> u64 {
        self.bank.second()
    }

    /// Honest oracles and keepers: all real prices are fresh and what they always were.
    pub fn prices_are_fresh(&self) {
        for symbol in REAL {
            let token = self.bank.token(symbol);
            self.bank.publishes(symbol, &published(token.price, self.bank.now()));
        }
        self.bank.refreshes(&REAL).expect("fresh prices");
    }

    /// Time passes, and keepers do not sleep.
    pub fn waits_until(&self, second: u64) {
        while self.second() < second {
            self.bank.goes_to((self.second() + 1_500).min(second));
            self.prices_are_fresh();
        }
    }

    /// Tokens of an asset that he has more than in the beginning.
    pub fn took(&self, symbol: &str) -> i128 {
        let place = REAL.iter().position(|real| *real == symbol).expect("a real asset");
        i128::from(self.me.balance(symbol)) - i128::from(self.wallet[place])
    }

    /// Micro-dollars that he has taken, at true prices. What he leaves in vaults is lost to him.
    pub fn gain(&self) -> i128 {
        REAL.into_iter().map(|symbol| truth(symbol, self.took(symbol))).sum()
    }

    /// Buys tokens; that is no gain.
    pub fn buys(&mut self, money: Money) {
        self.me.is_given(money);
        let place = REAL.iter().position(|real| *real == money.symbol).expect("a real asset");
        self.wallet[place] += money.units;
    }

    // Changes.

    /// Proposes, if he can.
    pub fn proposes(&mut self, proposal: Proposal) -> bool {
        let Some(key) = &self.governance else { return false };
        self.proposed += 1;
        let name = format!("{} of the thief", self.proposed);
        let accepted = self.bank.proposes_as(key, &name, proposal).is_ok();
        if accepted {
            let change = self.bank.waiting(&name);
            let proposer = key.insecure_clone();
            self.pending.push(Pending { name, proposer, due: change.eta, expiry: change.expiry });
        }
        accepted
    }

    /// Executes all that can be executed. What is refused when it is due is void, unless a model is phasing in.
    pub fn executes(&mut self) {
        let (now, bank) = (self.bank.second(), self.bank.clone());
        self.pending.retain(|change| {
            if now < change.due || now > change.expiry {
                return now <= change.expiry;
            }
            let address = bank.change(&change.name);
            let execute = change::execute(&bank.market_address(), &address, &change.proposer.pubkey(), None);
            let done = bank.sends(&[execute], &[&bank.payer()]);
            done.is_err_and(|refusal| refusal.fault == BallastError::ModelChanging.into())
        });
    }

    /// When something is due next.
    pub fn next(&self) -> Option<u64> {
        self.pending.iter().map(|change| change.due).filter(|due| *due > self.second()).min()
    }

    /// What waits, with who proposed it.
    pub fn waiting(&self) -> Vec<(Pubkey, Pubkey)> {
        self.pending.iter().map(|change| (self.bank.change(&change.name), change.proposer.pubkey())).collect()
    }

    pub fn count(&self) -> usize {
        self.pending.len()
    }

    /// Takes over every role that he was named for.
    pub fn accepts(&mut self) -> bool {
        let mut any = false;
        for role in Role::ALL {
            let accept = change::accept_role(&self.me.address(), &self.bank.market_address(), role);
            any |= self.me.sends(&[accept]).is_ok();
        }
        if self.bank.market().is(Role::Governance, &self.me.address()) {
            self.governance = Some(self.me.key.insecure_clone());
        }
        any
    }

    /// Whether he could do something at once with the stolen key.
    pub fn can_apply(&self, proposal: Proposal) -> bool {
        let Some(key) = &self.governance else { return false };
        let apply = change::apply(&key.pubkey(), &self.bank.market_address(), None, proposal);
        self.bank.foresees(&[apply], &[&self.bank.payer(), key]).is_ok()
    }

    // Money.

    /// His feed says so many dollars, and the market hears it if it listens.
    pub fn fake_is_worth(&self, dollars: &str) -> bool {
        let said = published(dollars, self.bank.now());
        self.bank.feed_publishes(&self.fake, &self.bank.token(FAKE).mint, &said);
        let prices = [(self.bank.index(FAKE), self.fake.oracle, None)];
        let refresh = client::instruction::refresh_prices(&self.bank.market_address(), &prices);
        self.bank.sends(&[refresh], &[&self.bank.payer()]).is_ok()
    }

    /// Prints fake tokens and deposits as many as are let in.
    pub fn deposits_fakes(&self) {
        let asset = self.bank.asset(FAKE);
        let there = asset.accrued_pool(self.second()).deposits_ceil().expect("fits 64 bits").get();
        let money = native(FAKE, asset.deposit_cap.saturating_sub(there));
        if money.units > 0 {
            self.me.is_given(money);
            // One less, should it round up.
            let _ = self.me.deposits(money).or_else(|_| self.me.deposits(money.with(money.units - 1)));
        }
    }

    /// Borrows of every asset as much as there is and as he is let.
    pub fn grabs(&self) {
        for symbol in REAL {
            self.grabs_of(symbol);
        }
    }

    /// The same of one asset.
    pub fn grabs_of(&self, symbol: &'static str) {
        let cash = u128::from(self.bank.asset(symbol).cash);
        let part = |part: u64| native(symbol, (cash * u128::from(part) / (1 << 24)) as u64);
        let borrow = |money: Money| self.me.instruction(Action::Borrow, money);
        let can = |money: Money| self.bank.foresees(&[borrow(money)], &[&self.me.key]).is_ok();
        // Mostly nothing at all.
        if !can(native(symbol, 1_000)) {
            return;
        }
        let most = last(1 << 24, |some| some == 0 || can(part(some))).expect("nothing is always possible");
        if most > 0 {
            self.me.borrows(part(most)).expect("as foreseen");
        }
    }

    /// A feed of his takes over as the first source of an asset, which an executed change has named: it says the truth until
    /// it has. From then on it is what the fixture publishes for the asset.
    pub fn takes_over(&self, symbol: &str, feed: &Feed) {
        let (index, truth) = (usize::from(self.bank.index(symbol)), self.bank.token(symbol));
        while self.bank.market().assets[index].sources[0] != feed.source() {
            self.prices_are_fresh();
            self.bank.feed_publishes(feed, &truth.mint, &published(truth.price, self.bank.now()));
            self.bank.observes(symbol, &feed.oracle).expect("an observation that agrees");
            self.bank.advances(30);
        }
        self.bank.knows(symbol, |token| *token = truth.clone().priced_by(Feed { price: truth.price, ..feed.clone() }));
        self.prices_are_fresh();
    }
}
