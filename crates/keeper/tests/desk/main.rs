//! The desk alone, on a small cluster: that nothing is signed twice, and that nothing waits for what it need not wait for.

mod cluster;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballast_client::Pubkey;
use ballast_cluster::sending::FeePolicy;
use ballast_keeper::desk::{Desk, Outcome, Refusal, Task, Terms};
use ballast_keeper::journal::{Identity, Intent, Journal, Key, Record, records};
use ballast_keeper::metrics::Metrics;
use ballast_tests::{Signer, key};
use cluster::{Cluster, play};
use solana_instruction::Instruction;
use solana_transaction::Hash;
use tempfile::TempDir;

/// Most that is paid for a compute unit, micro-lamports.
const MOST: u64 = 1_000_000;

fn terms() -> Terms {
    let fees = FeePolicy { percentile: 50, least: 0, most: MOST };
    Terms { fees, most_in_flight: 2, first_life: true, ..Terms::default() }
}

fn place() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    (folder, path)
}

fn program(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

/// A program that liquidates, and one that does anything else.
fn task(key: Key) -> Task {
    let liquidates = matches!(key, Key::Liquidate(_));
    let address = match key {
        Key::Liquidate(address) | Key::Refresh(address) | Key::Execute(address) | Key::Prepare(address) => address,
        Key::RefreshAsset(market, _) | Key::Compare(market, _) => market,
    };
    let called = if liquidates { program(7) } else { program(8) };
    let instruction = Instruction { program_id: called, accounts: vec![], data: address.to_bytes().to_vec() };
    Task { key, what: key.to_string(), instructions: vec![instruction], judge: None }
}

fn liquidation(number: u8) -> Task {
    task(Key::Liquidate(program(number)))
}

fn refresh(number: u8) -> Task {
    task(Key::Refresh(program(number)))
}

fn identity(cluster: &Cluster) -> Identity {
    Identity { signer: key("keeper").pubkey().to_string(), genesis: cluster.chain().genesis.to_string() }
}

/// A desk of a keeper that has just been started.
async fn begun(cluster: &Cluster, path: &Path, terms: Terms) -> (Arc<Desk>, Metrics) {
    let (journal, _) = Journal::open(path, identity(cluster)).unwrap();
    let metrics = Metrics::new();
    let desk = Desk::new(cluster.endpoints(), Arc::new(key("keeper")), journal, terms, metrics.clone());
    desk.recover().await.unwrap();
    (Arc::new(desk), metrics)
}

/// Hands a task to the desk, and waits until it has sent something.
async fn sent(cluster: &Cluster, desk: &Arc<Desk>, task: Task) -> tokio::task::JoinHandle<Outcome> {
    let (before, desk) = (cluster.chain().sent.len(), Arc::clone(desk));
    let running = tokio::spawn(async move { desk.carry_out(task).await });
    for _ in 0..1_000 {
        if cluster.chain().sent.len() > before {
            return running;
        }
        cluster.clock.sleep(Duration::from_millis(50)).await;
    }
    match running.is_finished() {
        true => panic!("not sent: {:?}", running.await),
        false => panic!("not sent within 50 s"),
    }
}

fn is_sealed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(Refusal::Sealed { .. }))
}

#[test]
fn a_blockhash_is_good_for_at_least_as_long_as_it_really_is_when_the_clock_stood_still() {
    play(|cluster| async move {
        let endpoints = cluster.endpoints();
        endpoints.survey().await.unwrap();
        for leap in [0, 300, 50_000] {
            cluster.chain().leap = leap;
            let found = endpoints.blockhash().await.unwrap();
            let height = cluster.chain().height_of(&found.hash).unwrap();
            assert!(found.last_valid_block_height >= height + 150, "after {leap} blocks: {found:?} of {height}");
            assert!(found.last_valid_block_height <= height + 400, "after {leap} blocks: {found:?} of {height}");
            cluster.passes(5).await;
        }
    });
}

#[test]
fn what_a_torn_journal_may_have_held_is_waited_for() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.chain().dropped = vec![program(7)];
        let (desk, _) = begun(&cluster, &path, terms()).await;
        let running = sent(&cluster, &desk, liquidation(1)).await;
        running.abort();
        let _ = running.await;
        drop(desk);
        let bytes = std::fs::read(&path).unwrap();
        assert!(matches!(records(&path).unwrap().last(), Some(Record::Signed { .. })));
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let terms = Terms { first_life: false, ..terms() };
        let (desk, _) = begun(&cluster, &path, terms).await;
        desk.settle().await;
        assert!(is_sealed(&desk.carry_out(liquidation(1)).await));
        let outcome = loop {
            match desk.carry_out(liquidation(1)).await {
                refused if is_sealed(&refused) => cluster.passes(1).await,
                Outcome::Expired(_) => cluster.chain().dropped.clear(),
                outcome => break outcome,
            }
        };
        assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
        let chain = cluster.chain();
        assert_eq!((chain.sent.len(), chain.overlaps()), (3, 0));
    });
}

#[test]
fn liquidations_that_do_not_land_hold_up_neither_prices_nor_changes() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.chain().dropped = vec![program(7)];
        let (desk, _) = begun(&cluster, &path, terms()).await;
        let mut liquidations = Vec::new();
        for number in 1..=2 {
            liquidations.push(sent(&cluster, &desk, liquidation(number)).await);
        }
        let begun = cluster.clock.now();
        for task in [refresh(1), task(Key::Execute(program(1)))] {
            let outcome = desk.carry_out(task).await;
            assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
        }
        assert!(cluster.clock.since(begun) < Duration::from_secs(10));
        assert!(liquidations.iter().all(|running| !running.is_finished()));
    });
}

#[test]
fn an_intent_that_nobody_will_sign_any_more_holds_its_key_until_it_is_settled() {
    let (_folder, path) = place();
    play(|cluster| async move {
        let (mut journal, _) = Journal::open(&path, identity(&cluster)).unwrap();
        journal.completes().unwrap();
        let (intended, unclaimed) = (liquidation(1).key, liquidation(2).key);
        for key in [intended, unclaimed] {
            journal.intend(Intent { key, digest: String::new(), what: String::new(), at: 0 }).unwrap();
        }
        let metrics = Metrics::new();
        let desk = Desk::new(cluster.endpoints(), Arc::new(key("keeper")), journal, terms(), metrics);
        assert!(desk.is_busy(&intended) && desk.is_busy(&unclaimed));
        assert!(desk.settle().await.is_empty());
        assert!(!desk.is_busy(&intended) && !desk.is_busy(&unclaimed));
        let outcome = desk.carry_out(liquidation(1)).await;
        assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
    });
}

#[test]
fn of_receipts_that_differ_in_what_was_cut_off_the_longest_counts() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.manner(0).cuts_logs = true;
        let (desk, _) = begun(&cluster, &path, terms()).await;
        for number in 1..=2 {
            let Outcome::Landed { included, .. } = desk.carry_out(liquidation(number)).await else {
                panic!("not landed")
            };
            assert_eq!((included.fee, included.logs.len()), (5_000, 2));
        }
    });
}

#[test]
fn a_transaction_without_receipts_has_landed_all_the_same() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.manner(0).has_no_receipts = true;
        let (desk, _) = begun(&cluster, &path, terms()).await;
        let begun = cluster.clock.now();
        let Outcome::Landed { included, .. } = desk.carry_out(liquidation(1)).await else { panic!("not landed") };
        assert_eq!((included.fee, included.logs.len()), (5_000, 2));
        cluster.manner(1).has_no_receipts = true;
        let Outcome::Landed { included, .. } = desk.carry_out(liquidation(2)).await else { panic!("not landed") };
        assert_eq!((included.fee, included.logs.len()), (5_000, 0));
        assert!(cluster.clock.since(begun) < Duration::from_secs(90));
        assert!(!desk.is_busy(&liquidation(2).key));
    });
}

#[test]
fn what_nodes_without_a_history_do_not_know_after_its_last_block_holds_its_key_no_longer() {
    for without in [&[0][..], &[0, 1]] {
        let (_folder, path) = place();
        play(|cluster| async move {
            without.iter().for_each(|node| cluster.manner(*node).has_no_history = true);
            cluster.chain().dropped = vec![program(7)];
            let (desk, _) = begun(&cluster, &path, terms()).await;
            let outcome = desk.carry_out(liquidation(1)).await;
            assert!(matches!(outcome, Outcome::Expired(_)), "{outcome:?}");
            cluster.chain().dropped.clear();
            let outcome = desk.carry_out(liquidation(1)).await;
            assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
            let chain = cluster.chain();
            assert_eq!((chain.sent.len(), chain.overlaps()), (2, 0));
        });
    }
}

#[test]
fn what_a_former_life_had_signed_is_settled_by_nodes_without_a_history() {
    // What they still remember has landed. Of what they have forgotten nobody knows, but it can land no more.
    for (seconds, landed) in [(80, true), (600, false)] {
        let (_folder, path) = place();
        play(|cluster| async move {
            (cluster.manner(0).has_no_history, cluster.manner(1).has_no_history) = (true, true);
            let (desk, _) = begun(&cluster, &path, terms()).await;
            let running = sent(&cluster, &desk, liquidation(1)).await;
            running.abort();
            let _ = running.await;
            drop(desk);
            cluster.passes(seconds).await;
            let (desk, _) = begun(&cluster, &path, terms()).await;
            assert!(desk.is_busy(&liquidation(1).key));
            let settled = desk.settle().await;
            match &settled[..] {
                [(_, Outcome::Landed { .. })] => assert!(landed, "{settled:?}"),
                [(_, Outcome::Expired(_))] => assert!(!landed, "{settled:?}"),
                _ => panic!("{settled:?}"),
            }
            assert!(!desk.is_busy(&liquidation(1).key));
            let chain = cluster.chain();
            assert_eq!((chain.sent.len(), chain.landed.len()), (1, 1));
        });
    }
}

#[test]
fn a_first_life_is_believed_of_a_new_journal_on_a_local_network_alone() {
    let (_folder, path) = place();
    play(|cluster| async move {
        let (desk, _) = begun(&cluster, &path, terms()).await;
        assert!(!desk.is_sealed());
        drop(desk);
        // Its last record is damaged.
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 0x20;
        std::fs::write(&path, bytes).unwrap();
        let (desk, _) = begun(&cluster, &path, terms()).await;
        assert!(is_sealed(&desk.carry_out(liquidation(1)).await));
        drop(desk);
        // All of it is.
        std::fs::write(&path, [7; 500]).unwrap();
        let (desk, _) = begun(&cluster, &path, terms()).await;
        assert!(is_sealed(&desk.carry_out(liquidation(1)).await));
    });
    let (_folder, path) = place();
    play(|cluster| async move {
        // Somebody forwards to the main network from this machine.
        cluster.chain().genesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d".parse().unwrap();
        let (desk, _) = begun(&cluster, &path, terms()).await;
        assert!(is_sealed(&desk.carry_out(liquidation(1)).await));
    });
}

#[test]
fn one_node_alone_does_not_say_what_a_place_in_a_block_costs_and_above_the_cap_the_cap_is_paid() {
    let (_folder, path) = place();
    play(|cluster| async move {
        let (desk, _) = begun(&cluster, &path, terms()).await;
        let offers = [((50_000_000, 700), 700), ((700, 50_000_000), 700), ((50_000_000, 40_000_000), MOST)];
        for (number, ((first, second), offered)) in (1..).zip(offers) {
            (cluster.manner(0).fee, cluster.manner(1).fee) = (first, second);
            for number in [number, number + 10] {
                let outcome = desk.carry_out(liquidation(number)).await;
                assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
                assert_eq!(cluster.chain().sent.last().unwrap().price, offered);
            }
        }
    });
}

#[test]
fn a_blockhash_that_one_node_alone_knows_is_not_signed_with() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.manner(0).invents = true;
        let (desk, _) = begun(&cluster, &path, terms()).await;
        for number in 1..=4 {
            let outcome = desk.carry_out(liquidation(number)).await;
            assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
        }
        assert!(cluster.chain().sent.iter().all(|sent| sent.hash != Hash::new_from_array([3; 32])));
        cluster.manner(1).invents = true;
        let outcome = desk.carry_out(liquidation(5)).await;
        assert!(matches!(outcome, Outcome::Refused(Refusal::Unready(_))), "{outcome:?}");
    });
}

/// The value of a metric.
fn value(metrics: &Metrics, name: &str) -> u64 {
    let text = metrics.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("ballast_keeper_{name} ")));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

#[test]
fn what_is_in_flight_and_what_was_paid_is_counted_when_it_happens() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.chain().dropped = vec![program(7)];
        let (desk, metrics) = begun(&cluster, &path, terms()).await;
        let running = sent(&cluster, &desk, liquidation(1)).await;
        assert_eq!((value(&metrics, "in_flight"), value(&metrics, "fees_lamports_total")), (1, 0));
        running.abort();
        let _ = running.await;
        cluster.chain().dropped.clear();
        let settled = desk.settle().await;
        assert!(matches!(settled[..], [(_, Outcome::Landed { .. })]), "{settled:?}");
        assert_eq!((value(&metrics, "in_flight"), value(&metrics, "fees_lamports_total")), (0, 5_000));
    });
}

#[test]
fn a_desk_that_is_closed_signs_nothing_more_and_follows_what_it_signed() {
    let (_folder, path) = place();
    play(|cluster| async move {
        cluster.chain().dropped = vec![program(7)];
        let (desk, _) = begun(&cluster, &path, Terms { most_in_flight: 1, ..terms() }).await;
        let first = sent(&cluster, &desk, liquidation(1)).await;
        let (waiting, task) = (Arc::clone(&desk), liquidation(2));
        let second = tokio::spawn(async move { waiting.carry_out(task).await });
        cluster.passes(5).await;
        assert!(!second.is_finished());
        desk.close();
        for outcome in [second.await.unwrap(), desk.carry_out(refresh(1)).await] {
            assert!(matches!(outcome, Outcome::Refused(Refusal::Closed)), "{outcome:?}");
        }
        cluster.chain().dropped.clear();
        let first = first.await.unwrap();
        assert!(matches!(first, Outcome::Landed { .. }), "{first:?}");
        assert_eq!(cluster.chain().sent.len(), 1);
    });
}

#[test]
fn refreshes_cost_no_more_in_an_hour_than_they_may() {
    let (_folder, path) = place();
    play(|cluster| async move {
        let (desk, _) = begun(&cluster, &path, Terms { most_for_prices: 12_000, ..terms() }).await;
        for number in 1..=2 {
            let outcome = desk.carry_out(refresh(number)).await;
            assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
        }
        let outcome = desk.carry_out(refresh(3)).await;
        assert!(matches!(outcome, Outcome::Refused(Refusal::Means { spent: 10_000, most: 12_000 })), "{outcome:?}");
        let outcome = desk.carry_out(liquidation(1)).await;
        assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
        cluster.passes(3_600).await;
        let outcome = desk.carry_out(refresh(3)).await;
        assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
    });
}
