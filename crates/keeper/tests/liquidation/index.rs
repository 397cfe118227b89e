//! What the index answers is what the program would decide about every vault by itself.

use std::collections::{BTreeSet, HashMap};

use ballast_client::account::encode;
use ballast_client::{ID, Market, Pubkey, StateView, Vault, snapshot};
use ballast_keeper::index::{Applied, Fault, Index};
use ballast_keeper::updates::Update;
use ballast_tests::Fixture;
use ballast_tests::address;

use crate::crowd;
use crate::random::Random;

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
    match random.within(0, 8) {
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
                .copy_from_slice(&crowd::vault(&vault.market, &[(3, false, 1), (2, true, 1)]).positions[..2]);
            vault.position_count = 2;
            spoiled(encode(&vault), Fault::Positions)
        }
        7 => {
            vault.positions[0] = crowd::vault(&vault.market, &[(64, false, 1)]).positions[0];
            vault.position_count = 1;
            spoiled(encode(&vault), Fault::Positions)
        }
        _ => {
            vault.positions[0] = crowd::vault(&vault.market, &[(1, false, 0)]).positions[0];
            vault.position_count = 1;
            spoiled(encode(&vault), Fault::Positions)
        }
    }
}

/// What there was to compare.
#[derive(Default, Debug)]
struct Tally {
    /// Vaults that could be liquidated, those that a scan did not look at, and those that their tolerance spared a check.
    found: usize,
    spared: usize,
    screened: usize,
}

/// A thousand things happen to sixty vaults; after each, every decision is the program's.
fn hears_and_scans(seed: u64, modelled: bool, tally: &mut Tally) {
    let mut random = Random(seed);
    let (address, market, mut now) = market(modelled);
    let addresses: Vec<Pubkey> = (0..60).map(|at| self::address(&format!("vault {at}"))).collect();
    let mut index = Index::new(address);
    // The same without tolerances.
    let mut plain = Index::new(address);
    plain.screens(false);
    let mut reference = Reference { market, vaults: HashMap::new() };
    let mut slot = 1_000;
    let word = update(address, encode(&*reference.market), slot);
    index.apply(&word);
    plain.apply(&word);
    for _ in 0..1_000 {
        now += random.within(0, 3);
        slot += random.within(0, 2);
        let at = addresses[usize::try_from(random.within(0, 59)).expect("small")];
        // Some come late.
        let seen = slot - if random.once_in(4) { random.within(0, 40) } else { 0 };
        match random.within(0, 9) {
            0..=3 => {
                let vault = crowd::close_call(&mut random, &reference.market, &address, ASSETS + 1, 7);
                let word = update(at, encode(&vault), seen);
                index.apply(&word);
                plain.apply(&word);
                if random.once_in(3) {
                    let again = index.apply(&word);
                    assert!(matches!(again, Applied::Unchanged | Applied::Stale), "{again:?}");
                }
                reference.hears(at, seen, Ok(Some(vault)));
            }
            4 => {
                let word = Update { address: at, owner: ID, data: None, slot: seen };
                index.apply(&word);
                plain.apply(&word);
                reference.hears(at, seen, Ok(None));
            }
            5 => {
                let vault = crowd::close_call(&mut random, &reference.market, &address, ASSETS, 7);
                let (word, fault) = poisoned(&mut random, vault, at, seen);
                let applied = index.apply(&word);
                plain.apply(&word);
                assert!(
                    applied == Applied::Quarantined(fault) || applied == Applied::Stale,
                    "{applied:?} for {fault:?}"
                );
                reference.hears(at, seen, Err(fault));
            }
            6 => {
                crowd::market_changes(&mut random, &mut reference.market, now);
                if random.once_in(5) {
                    // The last asset is listed, or its listing has not been seen yet.
                    reference.market.asset_count ^= ASSETS ^ (ASSETS + 1);
                }
                let word = update(address, encode(&*reference.market), slot);
                index.apply(&word);
                plain.apply(&word);
            }
            _ => {
                let asset = usize::try_from(random.within(0, u64::from(ASSETS))).expect("small");
                crowd::price_moves(&mut random, &mut reference.market, asset, now);
                let word = update(address, encode(&*reference.market), slot);
                index.apply(&word);
                plain.apply(&word);
            }
        }
        let judged = |index: &mut Index| -> BTreeSet<Pubkey> {
            index.scan(now).liquidatable.iter().map(|found| found.address).collect()
        };
        let without = judged(&mut plain);
        let scan = index.scan(now);
        tally.screened += scan.counts.touched - scan.counts.evaluated;
        tally.spared += scan.counts.vaults - scan.counts.evaluated;
        let liquidatable: BTreeSet<Pubkey> = scan.liquidatable.iter().map(|found| found.address).collect();
        assert_eq!(liquidatable.len(), scan.liquidatable.len(), "none twice");
        assert_eq!(liquidatable, reference.liquidatable(now));
        assert_eq!(liquidatable, without);
        tally.found += liquidatable.len();
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
    let bytes = encode(&crowd::vault(&market, &held));
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
