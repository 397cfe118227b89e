//! What the index answers is what the program would decide about every vault by itself.

use std::collections::{BTreeSet, HashMap};

use ballast_client::account::encode;
use ballast_client::{ID, Market, Pubkey, StateView, Vault, snapshot};
use ballast_keeper::index::{Applied, Fault, Index};
use ballast_keeper::updates::Update;
use ballast_tests::Fixture;
use ballast_tests::address;
use ballast_tests::random::Random;
use ballast_tests::vault::holding;

use crate::crowd;

const ASSETS: u8 = 6;

fn update(address: Pubkey, data: Vec<u8>, slot: u64) -> Update {
    Update { address, owner: ID, data: Some(data), slot }
}

/// A market with prices, with or without factors and scenarios.
fn market(modelled: bool) -> (Pubkey, Box<Market>, u64) {
    let fixture = Fixture::with_assets(usize::from(ASSETS) + 1);
    if modelled {
        fixture.adopts(6, 8);
        fixture.refreshes_all();
    }
    let now = u64::try_from(fixture.now()).expect("after 1970");
    (fixture.market_address(), fixture.market(), now)
}

/// What is known by plain rules, to compare with.
struct Reference {
    market: Box<Market>,
    /// The slot of the last good word about a vault, and the vault if it is there and nothing is wrong with it.
    vaults: HashMap<Pubkey, (u64, Option<Vault>)>,
}

impl Reference {
    fn liquidatable(&self, now: u64) -> BTreeSet<Pubkey> {
        let known = self.vaults.iter().filter_map(|(address, (_, vault))| Some((address, vault.as_ref()?)));
        let listed = known.filter(|(_, vault)| vault.used().iter().all(|at| at.asset < self.market.asset_count));
        let broken = listed.filter(|(_, vault)| {
            let state = snapshot::health(&self.market, vault, now).state;
            matches!(state, StateView::Liquidatable | StateView::Insolvent)
        });
        broken.map(|(address, _)| *address).collect()
    }

    /// An update of a vault that is good, or one that is not.
    fn hears(&mut self, address: Pubkey, slot: u64, vault: Result<Option<Vault>, Fault>) {
        let (known, state) = self.vaults.entry(address).or_insert((0, None));
        if slot < *known {
            return;
        }
        match vault {
            Ok(vault) => (*known, *state) = (slot, vault),
            Err(_) => *state = None,
        }
    }
}

/// Bytes of a vault that something is wrong with, and what.
fn poisoned(random: &mut Random, mut vault: Vault, address: Pubkey, slot: u64) -> (Update, Fault) {
    let good = encode(&vault);
    let spoiled = |data: Vec<u8>, fault| (update(address, data, slot), fault);
    match random.between(0, 8) {
        0 => (Update { owner: address, ..update(address, good, slot) }, Fault::Owner),
        1 => spoiled(good[..good.len() - 1].to_vec(), Fault::Size),
        2 => spoiled([vec![0; 8], good[8..].to_vec()].concat(), Fault::Discriminator),
        3 => {
            vault.version = 2;
            spoiled(encode(&vault), Fault::Version)
        }
        4 => {
            vault.market = address;
            spoiled(encode(&vault), Fault::Market)
        }
        5 => {
            vault.position_count = 33;
            spoiled(encode(&vault), Fault::Count)
        }
        6 => {
            vault.positions[..2]
                .copy_from_slice(&holding(&vault.market, &[(3, false, 1), (2, true, 1)]).positions[..2]);
            vault.position_count = 2;
            spoiled(encode(&vault), Fault::Positions)
        }
        7 => {
            vault.positions[0] = holding(&vault.market, &[(64, false, 1)]).positions[0];
            vault.position_count = 1;
            spoiled(encode(&vault), Fault::Positions)
        }
        _ => {
            vault.positions[0] = holding(&vault.market, &[(1, false, 0)]).positions[0];
            vault.position_count = 1;
            spoiled(encode(&vault), Fault::Positions)
        }
    }
}

/// What there was to compare.
#[derive(Default, Debug)]
struct Tally {
    /// Vaults that could be liquidated, those that a scan did not look at, and those that their tolerance spared a
    /// check.
    found: usize,
    spared: usize,
    screened: usize,
}

/// An index with and one without tolerances, and what is known by plain rules.
struct Course {
    random: Random,
    address: Pubkey,
    index: Index,
    plain: Index,
    reference: Reference,
    now: u64,
    slot: u64,
}

impl Course {
    fn new(seed: u64, modelled: bool) -> Self {
        let (address, market, now) = market(modelled);
        let (index, mut plain) = (Index::new(address), Index::new(address));
        plain.screens(false);
        let reference = Reference { market, vaults: HashMap::new() };
        let mut course = Self { random: Random::new(seed), address, index, plain, reference, now, slot: 1_000 };
        course.tells_market();
        course
    }

    fn tells(&mut self, word: &Update) -> Applied {
        self.plain.apply(word);
        self.index.apply(word)
    }

    fn tells_market(&mut self) {
        let word = update(self.address, encode(&*self.reference.market), self.slot);
        self.tells(&word);
    }

    /// A vault is written, closed or poisoned, or the market changes; some of it is heard late, some twice.
    fn something_happens(&mut self, at: Pubkey) {
        let seen = self.slot - if self.random.once_in(4) { self.random.between(0, 40) } else { 0 };
        match self.random.between(0, 9) {
            0..=3 => {
                let vault = crowd::close_call(&mut self.random, &self.reference.market, &self.address, ASSETS + 1, 7);
                let word = update(at, encode(&vault), seen);
                self.tells(&word);
                if self.random.once_in(3) {
                    let again = self.tells(&word);
                    assert!(matches!(again, Applied::Unchanged | Applied::Stale), "{again:?}");
                }
                self.reference.hears(at, seen, Ok(Some(vault)));
            }
            4 => {
                self.tells(&Update { address: at, owner: ID, data: None, slot: seen });
                self.reference.hears(at, seen, Ok(None));
            }
            5 => {
                let vault = crowd::close_call(&mut self.random, &self.reference.market, &self.address, ASSETS, 7);
                let (word, fault) = poisoned(&mut self.random, vault, at, seen);
                let applied = self.tells(&word);
                let expected = [Applied::Quarantined(fault), Applied::Stale];
                assert!(expected.contains(&applied), "{applied:?} for {fault:?}");
                self.reference.hears(at, seen, Err(fault));
            }
            6 => {
                crowd::market_changes(&mut self.random, &mut self.reference.market, self.now);
                if self.random.once_in(5) {
                    // The last asset is listed, or its listing has not been seen yet.
                    self.reference.market.asset_count ^= ASSETS ^ (ASSETS + 1);
                }
                self.tells_market();
            }
            _ => {
                let asset = usize::try_from(self.random.between(0, u64::from(ASSETS))).expect("small");
                crowd::price_moves(&mut self.random, &mut self.reference.market, asset, self.now);
                self.tells_market();
            }
        }
    }

    /// Every decision is the program's, with and without tolerances.
    fn compares(&mut self, tally: &mut Tally) {
        let without: BTreeSet<Pubkey> = self.plain.scan(self.now).liquidatable.iter().map(|at| at.address).collect();
        let scan = self.index.scan(self.now);
        tally.screened += scan.counts.touched - scan.counts.evaluated;
        tally.spared += scan.counts.vaults - scan.counts.evaluated;
        let liquidatable: BTreeSet<Pubkey> = scan.liquidatable.iter().map(|found| found.address).collect();
        assert_eq!(liquidatable.len(), scan.liquidatable.len(), "none twice");
        assert_eq!(liquidatable, self.reference.liquidatable(self.now));
        assert_eq!(liquidatable, without);
        tally.found += liquidatable.len();
    }
}

/// A thousand things happen to sixty vaults.
fn hears_and_scans(seed: u64, modelled: bool, tally: &mut Tally) {
    let mut course = Course::new(seed, modelled);
    let addresses: Vec<Pubkey> = (0..60).map(|at| address(&format!("vault {at}"))).collect();
    for _ in 0..1_000 {
        course.now += course.random.between(0, 3);
        course.slot += course.random.between(0, 2);
        let at = usize::try_from(course.random.between(0, 59)).expect("small");
        course.something_happens(addresses[at]);
        course.compares(tally);
    }
}

/// Four times; no count may be so small that nothing was compared.
fn hears_and_scans_from(seed: u64, modelled: bool) {
    let mut tally = Tally::default();
    for seed in seed..seed + 4 {
        hears_and_scans(seed, modelled, &mut tally);
    }
    assert!(tally.found > 4_000 && tally.spared > 4_000 && tally.screened > 1_000, "{tally:?}");
}

#[test]
fn a_scan_says_what_the_program_would_decide_whatever_happened_before() {
    hears_and_scans_from(0, false);
}

#[test]
fn a_scan_says_what_the_program_would_decide_in_a_market_with_a_model() {
    hears_and_scans_from(10, true);
}

/// Bytes for each of some vaults, the most of any number up to 5,000 of them.
fn most_bytes(positions: u8) -> usize {
    let market = address("a market");
    let held: Vec<(u8, bool, u64)> = (0..positions).map(|asset| (asset, asset % 3 == 0, 1 << 30)).collect();
    let bytes = encode(&holding(&market, &held));
    let mut index = Index::new(market);
    let mut most = 0;
    for number in 0..5_000u64 {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        assert_eq!(index.apply(&update(Pubkey::from(key), bytes.clone(), 1)), Applied::Vault);
        if number > 100 {
            most = most.max(index.bytes() / index.len());
        }
    }
    most
}

#[test]
fn a_vault_takes_at_most_two_kilobytes_of_memory() {
    assert!(most_bytes(8) <= 1_300, "{}", most_bytes(8));
    assert!(most_bytes(32) <= 2_048, "{}", most_bytes(32));
}
