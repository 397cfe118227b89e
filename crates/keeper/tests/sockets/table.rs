//! What the keeper would act on: the index of market and vaults, and the shelf of oracle accounts and clock, fed as its main
//! loop feeds them. After every account it is asked whether something older has won, or something that never was.

use std::collections::BTreeMap;

use ballast_client::Pubkey;
use ballast_client::account::{CLOCK, encode};
use ballast_keeper::endpoints::Endpoints;
use ballast_keeper::index::{Applied, Index};
use ballast_keeper::prices::Shelf;
use ballast_keeper::updates::Update;
use ballast_tests::vault::holding;

use crate::chain::{Chain, Held, state_of_market, state_of_oracle, state_of_vault};

/// What became of the accounts that arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Vaults that were older than what was known.
    pub stale: u64,
    /// Vaults that were what was known.
    pub repeated: u64,
    pub quarantined: u64,
    pub removed: u64,
}

pub struct Table {
    index: Index,
    shelf: Shelf,
    /// The newest state of each account that was ever known.
    reached: BTreeMap<Pubkey, u64>,
    pub counts: Counts,
    /// How often all accounts had been read.
    pub complete: u64,
    /// What must not be.
    pub wrong: Vec<String>,
}

impl Table {
    pub fn new(market: Pubkey) -> Self {
        Self {
            index: Index::new(market),
            shelf: Shelf::default(),
            reached: BTreeMap::new(),
            counts: Counts::default(),
            complete: 0,
            wrong: Vec::new(),
        }
    }

    /// Takes in an account, as the main loop does. `beside`: one that is watched beside market and vaults.
    pub fn take(&mut self, update: &Update, beside: bool, endpoints: &Endpoints) {
        if beside {
            if endpoints.is_credible(update) {
                self.shelf.put(update);
            }
        } else if endpoints.is_plausible(update.slot) {
            let applied = self.index.apply(update);
            let vault = update.address != *self.index.address();
            match applied {
                Applied::Stale if vault => self.counts.stale += 1,
                Applied::Unchanged if vault => self.counts.repeated += 1,
                Applied::Quarantined(_) => self.counts.quarantined += 1,
                Applied::Removed => self.counts.removed += 1,
                _ => {}
            }
        }
        self.check(update, beside);
    }

    /// The number of the state that is known of an account.
    fn state(&self, address: &Pubkey, beside: bool) -> Option<u64> {
        if *address == CLOCK {
            self.shelf.now().map(|clock| clock.slot)
        } else if beside {
            self.shelf.oracle(Some(*address)).map(|oracle| state_of_oracle(&oracle.data))
        } else if address == self.index.address() {
            self.index.market().map(state_of_market)
        } else {
            self.index.vault(address).as_ref().map(state_of_vault)
        }
    }

    fn check(&mut self, update: &Update, beside: bool) {
        let Some(state) = self.state(&update.address, beside) else { return };
        let reached = self.reached.entry(update.address).or_insert(state);
        if state < *reached {
            self.wrong.push(format!("{} went back from {reached} to {state} in slot {}", update.address, update.slot));
        }
        *reached = state.max(*reached);
        let market = *self.index.address();
        if let Some(vault) = self.index.vault(&update.address)
            && encode(&vault) != encode(&holding(&market, &[(0, false, state), (1, true, 1)]))
        {
            self.wrong.push(format!("{} is what it never was", update.address));
        }
    }

    /// What is not as on the chain; the clock may be of any slot from this one on.
    pub fn difference(&self, chain: &Chain, since: u64) -> Option<String> {
        let known = |address: &Pubkey| self.index.vault(address).map(|vault| encode(&vault));
        let held = |address: &Pubkey| chain.accounts.get(address).map(|Held { data, .. }| data.clone());
        if self.index.market().map(state_of_market) != Some(chain.market_state()) {
            return Some("the market".to_owned());
        }
        if let Some(vault) = chain.vaults.iter().find(|address| known(address) != held(address)) {
            return Some(format!("vault {vault}, of {:?}", self.state(vault, false)));
        }
        if self.index.len() != chain.vaults.len() {
            return Some(format!("{} vaults, and on the chain {}", self.index.len(), chain.vaults.len()));
        }
        let shelved = |address: &Pubkey| {
            let oracle = self.shelf.oracle(Some(*address))?;
            Some(Held { owner: oracle.owner, data: oracle.data.clone() })
        };
        if let Some(oracle) =
            chain.oracles.iter().find(|address| shelved(address).as_ref() != chain.accounts.get(address))
        {
            return Some(format!("oracle account {oracle}"));
        }
        let now = self.shelf.now().map(|clock| clock.slot);
        if now.is_none_or(|slot| slot < since) {
            return Some(format!("a clock of {now:?}, and it is {since}"));
        }
        // It is large: all of it is looked at when nothing else is wrong.
        (self.index.market().map(encode) != held(&chain.market)).then(|| "the market's bytes".to_owned())
    }
}
