//! What is believed of several nodes, asked over their own protocol.

use ballast_client::account::{CLOCK, SYSVAR, clock};
use ballast_keeper::endpoints::Standing;
use ballast_keeper::updates::Update;
use solana_transaction::Hash;

use crate::nodes::{GENESIS, Several, clock_bytes, now};

#[tokio::test]
async fn nodes_that_all_stand_still_are_not_relied_on_until_they_move() {
    let nodes = Several::at(&[5_000, 4_990]);
    for _ in 0..4 {
        nodes.endpoints.survey().await.unwrap();
        nodes.waits(5).await;
    }
    let unready = nodes.endpoints.survey().await.unwrap_err();
    assert_eq!((unready.healthy, unready.needed), (0, 2));
    let why = "a: stuck: it has been at the same slot for 20 s; b: stuck: it has been at the same slot for 20 s";
    assert_eq!(unready.why, why);
    for voice in &nodes.voices {
        voice.says().slot += 1;
    }
    nodes.endpoints.survey().await.unwrap();
}

#[tokio::test]
async fn one_node_that_stands_still_is_left_out_before_it_is_far_behind() {
    let nodes = Several::at(&[5_000, 5_000, 5_000]);
    for _ in 0..5 {
        nodes.endpoints.survey().await.unwrap();
        nodes.waits(5).await;
        nodes.voices[0].says().slot += 8;
        nodes.voices[1].says().slot += 8;
    }
    let standings: Vec<Standing> = nodes.endpoints.reports().into_iter().map(|report| report.standing).collect();
    assert_eq!(standings, [Standing::Healthy, Standing::Healthy, Standing::Stuck(20)]);
}

#[tokio::test]
async fn who_knows_the_cluster_is_not_misled_by_nodes_that_lie_about_it_together() {
    let Several { voices, endpoints, .. } = Several::at(&[5_000, 5_000]);
    let endpoints = endpoints.of_cluster(GENESIS);
    let lie = |hash| voices.iter().for_each(|voice| voice.says().genesis = hash);
    lie(Hash::new_from_array([8; 32]));
    let unready = endpoints.survey().await.unwrap_err();
    assert_eq!((unready.healthy, unready.needed), (0, 2));
    assert!(unready.why.starts_with("a: another cluster, with genesis "), "{}", unready.why);
    lie(GENESIS);
    endpoints.survey().await.unwrap();
}

/// A node lies about its clock: nobody takes that over, and the node is left out.
async fn lies_about_its_clock(slot: Option<u64>, unix: Option<u64>) {
    let nodes = Several::at(&[5_000, 5_000, 5_000]);
    nodes.endpoints.survey().await.unwrap();
    (nodes.voices[0].says().clock_slot, nodes.voices[0].says().unix) = (slot, unix);
    for _ in 0..6 {
        let found = nodes.endpoints.accounts(&[CLOCK]).await.unwrap().accounts.remove(0).unwrap();
        let seen = clock(&found.owner, &found.data).unwrap();
        assert!(seen.slot == 5_000 && seen.unix.abs_diff(now()) < 60, "{seen:?}");
    }
    assert!(matches!(nodes.endpoints.reports()[0].standing, Standing::Suspended(_)));
    let update =
        |slot, unix| Update { address: CLOCK, owner: SYSVAR, data: Some(clock_bytes(slot, unix)), slot: 5_000 };
    assert!(nodes.endpoints.is_credible(&update(5_000, now())));
    assert!(!nodes.endpoints.is_credible(&update(slot.unwrap_or(5_000), unix.unwrap_or_else(now))));
}

#[tokio::test]
async fn a_clock_of_a_slot_that_is_yet_to_come_is_not_believed() {
    lies_about_its_clock(Some(u64::MAX), None).await;
}

#[tokio::test]
async fn a_clock_that_is_years_ahead_of_ours_is_not_believed() {
    lies_about_its_clock(None, Some(4_102_444_800)).await;
}

#[tokio::test]
async fn slots_behind_count_from_the_node_that_is_furthest() {
    let behind = |nodes: &Several| nodes.endpoints.reports().iter().map(|report| report.behind).collect::<Vec<u64>>();
    let nodes = Several::at(&[5_000, 4_970]);
    nodes.endpoints.survey().await.unwrap();
    assert_eq!(behind(&nodes), [0, 30]);
    // Further apart than they may be, neither is believed, and the report still says which of them lags.
    nodes.voices[0].says().slot = 5_070;
    nodes.waits(25).await;
    let unready = nodes.endpoints.survey().await.unwrap_err();
    assert_eq!(unready.healthy, 0);
    assert_eq!(behind(&nodes), [0, 100]);
}

#[tokio::test]
async fn a_node_that_claims_what_cannot_be_makes_nobody_lag() {
    let nodes = Several::at(&[5_000, 5_000, 5_000]);
    nodes.endpoints.survey().await.unwrap();
    nodes.voices[2].says().slot = u64::MAX / 2;
    nodes.endpoints.survey().await.unwrap();
    let reports = nodes.endpoints.reports();
    assert_eq!(reports[2].standing, Standing::Ahead(u64::MAX / 2 - 5_000));
    assert_eq!(reports.iter().map(|report| report.behind).collect::<Vec<_>>(), [0, 0, 0]);
}

#[tokio::test]
async fn of_a_node_whose_others_are_dead_it_is_said_that_it_answers() {
    let nodes = Several::at(&[5_000, 5_000]);
    nodes.voices[1].says().silent = true;
    let standings = || nodes.endpoints.reports().into_iter().map(|report| report.standing).collect::<Vec<_>>();
    for _ in 0..2 {
        assert!(nodes.endpoints.survey().await.is_err());
        let [first, second] = &standings()[..] else { panic!("two nodes") };
        assert_eq!(*first, Standing::Alone);
        assert!(matches!(second, Standing::Silent(_) | Standing::Suspended(_)), "{second:?}");
        nodes.waits(2).await;
    }
    nodes.voices[1].says().silent = false;
    nodes.voices.iter().for_each(|voice| voice.says().slot += 5);
    nodes.waits(10).await;
    nodes.endpoints.survey().await.unwrap();
    assert_eq!(standings(), [Standing::Healthy, Standing::Healthy]);
    // The same of one that was relied on before.
    nodes.voices[1].says().silent = true;
    nodes.waits(2).await;
    assert!(nodes.endpoints.survey().await.is_err());
    assert_eq!(standings()[0], Standing::Alone);
}
