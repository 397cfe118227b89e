//! Which prices are refreshed when, on the real program.

use std::collections::BTreeMap;

use ballast_client::account::{CLOCK, Clock, SYSVAR};
use ballast_client::local::RECEIVER;
use ballast_client::{Pubkey, SourceKind, change, instruction};
use ballast_keeper::prices::{
    Accounts, Due, Policy, Reason, Schedule, Shelf, Trouble, candidates, schedule, sponsored,
};
use ballast_keeper::updates::Update;
use ballast_tests::assets::{Feed, Token};
use ballast_tests::*;

const POLICY: Policy = Policy { seconds: 30, bps: 20, batch: 2 };

/// What the keeper knows of a fixture's market.
struct Seen {
    accounts: Vec<Accounts>,
    shelf: Shelf,
}

impl Seen {
    fn of(market: &Fixture) -> Self {
        let tokens = market.tokens();
        let second = |token: &Token| token.second.as_ref().map(|feed| feed.oracle);
        let named = tokens.iter().map(|token| (token.symbol.to_owned(), [Some(token.oracle), second(token)]));
        let accounts = Accounts::of_market(&market.market(), &named.collect());
        let mut seen = Self { accounts, shelf: Shelf::default() };
        seen.looks(market);
        seen
    }

    /// Reads all oracle accounts.
    fn looks(&mut self, market: &Fixture) {
        let slot = market.clock().slot;
        for address in self.accounts.iter().flat_map(Accounts::all) {
            let account = market.account(&address);
            let owner = account.as_ref().map_or_else(Pubkey::default, |account| account.owner);
            self.shelf.put(&Update { address, owner, data: account.map(|account| account.data), slot });
        }
    }

    fn schedule(&self, market: &Fixture) -> Schedule {
        schedule(&market.market(), &self.accounts, &self.shelf, &now(market), &POLICY)
    }
}

fn now(market: &Fixture) -> Clock {
    let clock = market.clock();
    Clock { slot: clock.slot, epoch: clock.epoch, unix: u64::try_from(clock.unix_timestamp).unwrap() }
}

fn due(schedule: &Schedule) -> Vec<(u8, Reason)> {
    schedule.due.iter().map(|due| (due.asset, due.reason)).collect()
}

/// Sends what a schedule says.
fn carries_out(market: &Fixture, schedule: &Schedule) {
    for batch in schedule.batches(&POLICY) {
        let refresh = instruction::refresh_prices(&market.market_address(), &batch);
        market.sends(&[refresh], &[&market.payer()]).expect("accepted prices");
    }
}

#[test]
fn nothing_is_sent_while_prices_are_young_and_where_they_were() {
    let market = Fixture::with_assets(3);
    market.advances(29);
    for symbol in ["SOL", "BTC"] {
        let token = market.token(symbol);
        market.publishes(symbol, &oracle::published(token.price, market.now()));
    }
    assert_eq!(due(&Seen::of(&market).schedule(&market)), []);
}

#[test]
fn an_old_price_is_refreshed_once_and_then_left_alone() {
    let market = Fixture::with_assets(3);
    market.advances(30);
    market.sets_price("SOL", market.token("SOL").price);
    let mut seen = Seen::of(&market);
    let first = seen.schedule(&market);
    assert_eq!(due(&first), [(market.index("SOL"), Reason::Age)]);
    assert_eq!(first.ages.iter().map(|(_, age)| *age).collect::<Vec<_>>(), [30, 30, 30]);
    carries_out(&market, &first);
    seen.looks(&market);
    let second = seen.schedule(&market);
    assert_eq!(due(&second), []);
    assert!(second.ages.contains(&(market.index("SOL"), 0)));
}

#[test]
fn a_price_that_moved_by_more_than_the_limit_is_refreshed_and_one_that_moved_by_less_is_not() {
    let market = Fixture::with_assets(2);
    market.price_moves("SOL", "100");
    market.advances(1);
    // Stored prices are a billionth too low at most, so the limit itself is either.
    market.sets_price("SOL", "100.19");
    assert_eq!(due(&Seen::of(&market).schedule(&market)), []);
    market.sets_price("SOL", "100.21");
    let schedule = Seen::of(&market).schedule(&market);
    assert_eq!(due(&schedule), [(market.index("SOL"), Reason::Moved)]);
    carries_out(&market, &schedule);
}

#[test]
fn a_price_that_is_not_believed_is_brought_once_and_its_return_as_soon_as_it_is() {
    let market = Fixture::with_assets(2);
    market.advances(1);
    let sol = market.token("SOL").price;
    let wide = ballast_client::local::Published { confidence: u64::MAX / 4, ..oracle::published(sol, market.now()) };
    market.publishes("SOL", &wide);
    let mut seen = Seen::of(&market);
    let doubted = seen.schedule(&market);
    assert_eq!(due(&doubted), [(market.index("SOL"), Reason::Doubt)]);
    carries_out(&market, &doubted);
    seen.looks(&market);
    assert_eq!(due(&seen.schedule(&market)), []);
    market.advances(1);
    market.sets_price("SOL", sol);
    seen.looks(&market);
    let back = seen.schedule(&market);
    assert_eq!(due(&back), [(market.index("SOL"), Reason::Returns)]);
    carries_out(&market, &back);
}

#[test]
fn what_the_program_would_refuse_is_a_trouble_and_never_sent() {
    let market = Fixture::with_assets(2);
    market.advances(3_600);
    let seen = Seen::of(&market);
    let schedule = seen.schedule(&market);
    assert_eq!(schedule.due, []);
    let names: Vec<_> = schedule.troubles.iter().map(|(asset, trouble)| (*asset, trouble.to_string())).collect();
    assert_eq!(names.len(), 2);
    assert!(names.iter().all(|(_, what)| what.starts_with("PriceTooOld (")), "{names:?}");
}

#[test]
fn an_account_that_nobody_has_seen_is_a_trouble_with_what_to_do() {
    let market = Fixture::with_assets(1);
    let accounts = Accounts::of_market(&market.market(), &BTreeMap::new());
    let found = schedule(&market.market(), &accounts, &Shelf::default(), &now(&market), &POLICY);
    assert_eq!(found.troubles, [(0, Trouble::Missing { source: 0 })]);
    assert!(found.troubles[0].1.to_string().contains("prices.accounts"));
}

#[test]
fn a_liquid_staking_token_comes_after_its_base_in_the_same_instruction() {
    let pool = Feed::new("pool", SourceKind::StakePool, "1.1");
    let [first, second] = [assets::tokens(2)[0].clone(), assets::tokens(2)[1].clone().priced_by(pool)];
    let market = Fixture::of(vec![first, second]);
    market.advances(40);
    market.sets_price("SOL", market.token("SOL").price);
    let seen = Seen::of(&market);
    let schedule = seen.schedule(&market);
    assert_eq!(due(&schedule), [(0, Reason::Age), (1, Reason::Age)]);
    carries_out(&market, &schedule);
    assert_eq!(due(&seen.schedule(&market)), []);
}

#[test]
fn assets_are_sent_in_batches_in_their_order() {
    let due = |asset| Due { asset, first: Pubkey::default(), second: None, reason: Reason::Age };
    let schedule = Schedule { due: [3, 1, 2].map(due).to_vec(), ..Schedule::default() };
    let batches: Vec<Vec<u8>> =
        schedule.batches(&POLICY).iter().map(|batch| batch.iter().map(|(asset, ..)| *asset).collect()).collect();
    assert_eq!(batches, [vec![3, 1], vec![2]]);
}

#[test]
fn a_source_on_its_way_in_is_compared_every_thirty_seconds() {
    let market = Fixture::with_assets(2);
    let feed = Feed::new("other", SourceKind::PythPull, "150");
    let feed = Feed { oracle: sponsored(&RECEIVER, &feed.key.to_bytes()).unwrap(), ..feed };
    market.changes(change::source(&market.market(), 0, 0, feed.source())).unwrap();
    market.refreshes_all();
    market.feed_publishes(&feed, &market.token("SOL").mint, &oracle::published("150", market.now()));
    let mut seen = Seen::of(&market);
    let found = |seen: &Seen| candidates(&market.market(), &seen.accounts, &seen.shelf, &now(&market));
    assert_eq!(found(&seen), [(0, feed.oracle)]);
    market.observes("SOL", &feed.oracle).unwrap();
    market.advances(29);
    market.refreshes_all();
    market.feed_publishes(&feed, &market.token("SOL").mint, &oracle::published("150", market.now()));
    seen.looks(&market);
    assert_eq!(found(&seen), []);
}

#[test]
fn the_sponsored_account_of_a_feed_is_the_publishers_own() {
    let mut feed = [0; 32];
    let hex = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d";
    for (byte, at) in feed.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    }
    let account = sponsored(&RECEIVER, &feed).unwrap();
    assert_eq!(account.to_string(), "7UVimffxr9ow1uXYxsr4LHAcV58mLzhmwaeKvJ1pjLiE");
    assert_eq!(sponsored(&CLOCK, &feed), None);
}

#[test]
fn older_states_of_an_account_do_not_replace_newer_ones() {
    let mut shelf = Shelf::default();
    let address = Pubkey::new_from_array([3; 32]);
    let update = |slot, data: &[u8]| Update { address, owner: SYSVAR, data: Some(data.to_vec()), slot };
    assert!(shelf.put(&update(10, b"new")));
    assert!(!shelf.put(&update(9, b"old")));
    assert!(!shelf.put(&update(11, b"new")));
    assert_eq!(shelf.oracle(Some(address)).unwrap().data, b"new");
    assert!(shelf.put(&Update { data: None, ..update(12, b"") }));
    assert!(shelf.oracle(Some(address)).is_none());
}

#[test]
fn a_clock_that_lies_about_its_slot_is_replaced_by_the_next_one() {
    let mut shelf = Shelf::default();
    let update = |said: u64, slot| {
        let data = crate::nodes::clock_bytes(said, 1_750_000_000);
        Update { address: CLOCK, owner: SYSVAR, data: Some(data), slot }
    };
    assert!(shelf.put(&update(u64::MAX, 10)));
    assert!(shelf.put(&update(11, 11)));
    assert!(!shelf.put(&update(9, 9)));
    assert_eq!(shelf.now().unwrap().slot, 11);
}
