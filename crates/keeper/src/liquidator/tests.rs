use ballast_cluster::connection::Connection;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::*;
use crate::desk;
use crate::endpoints::{Node, Policy};
use crate::journal::{Identity, Journal};
use crate::strategy::Kind;

fn liquidator(folder: &std::path::Path) -> Liquidator {
    let node = Node { name: "one".to_owned(), connection: Connection::new("http://127.0.0.1:1") };
    let policy = Policy { least_healthy: 1, ..Policy::default() };
    let endpoints = Arc::new(Endpoints::new(vec![node], policy).unwrap());
    let signer = Keypair::new();
    let identity = Identity { signer: signer.pubkey().to_string(), genesis: "of the test".to_owned() };
    let (journal, _) = Journal::open(&folder.join("journal"), identity).unwrap();
    let metrics = Metrics::new();
    let terms = desk::Terms::default();
    let desk = Desk::new(Arc::clone(&endpoints), Arc::new(signer), journal, terms, metrics.clone());
    let terms = Terms { most_in_flight: 1, ..Terms::default() };
    Liquidator::new(Pubkey::new_from_array([1; 32]), endpoints, Arc::new(desk), terms, metrics)
}

/// Panics.
fn index_error(at: usize) -> Option<(Key, Outcome)> {
    let none = [Some(()); 2];
    none[at].map(|()| (Key::Liquidate(Pubkey::default()), Outcome::Busy))
}

fn plan(vault: Pubkey) -> Plan {
    let (steps, flows) = (vec![], vec![]);
    Plan { kind: Kind::Pair, vault, steps, flows, gain: 0, units: 0, lamports: 0, profit: 0, least: 0 }
}

#[tokio::test]
async fn a_task_that_panics_gives_its_place_back_and_its_vault_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut liquidator = liquidator(folder.path());
    let vault = Pubkey::new_from_array([2; 32]);
    let at = std::hint::black_box(3);
    let broken = async move { Done::Settled(index_error(at).into_iter().collect()) };
    liquidator.reserved.insert(vault, plan(vault));
    liquidator.attempts.insert(liquidator.running.spawn(broken).id(), vault);
    assert_eq!(liquidator.places(), 0);
    assert!(liquidator.finish(Duration::from_secs(60)).await);
    assert_eq!((liquidator.places(), liquidator.attempts.len()), (1, 0));
    assert_eq!(liquidator.backoff.quarantined(), 1);
    assert!(liquidator.touched.contains_key(&vault));
}

#[tokio::test]
async fn a_settling_that_panics_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut liquidator = liquidator(folder.path());
    let at = std::hint::black_box(3);
    let broken = async move { Done::Settled(index_error(at).into_iter().collect()) };
    liquidator.settling = Some(liquidator.running.spawn(broken).id());
    assert!(liquidator.finish(Duration::from_secs(60)).await);
    assert_eq!(liquidator.settling, None);
}
