use std::time::{Duration, Instant};

use super::standing::{Record, judge};
use super::*;

fn at(slot: u64) -> Option<Position> {
    Some(Position { slot, height: slot - 1_000 })
}

fn judged(positions: &[Option<Position>], needed: usize) -> (Vec<Option<Standing>>, Option<Position>) {
    let (standings, reference) = judge(positions, needed, 50, Instant::now());
    (standings, reference.map(|reference| reference.position))
}

#[test]
fn a_node_that_lags_is_left_out() {
    let (standings, reference) = judged(&[at(5_000), at(4_990), at(4_900)], 2);
    assert_eq!(standings, [Some(Standing::Healthy), Some(Standing::Healthy), Some(Standing::Behind(90))]);
    assert_eq!(reference, at(4_990));
}

#[test]
fn a_node_that_claims_to_be_far_ahead_does_not_make_the_others_lag() {
    let (standings, reference) = judged(&[at(u64::MAX / 2), at(5_000), at(4_990)], 2);
    let ahead = Standing::Ahead(u64::MAX / 2 - 5_000);
    assert_eq!(standings, [Some(ahead), Some(Standing::Healthy), Some(Standing::Healthy)]);
    assert_eq!(reference, at(4_990));
}

#[test]
fn of_two_nodes_that_disagree_neither_decides() {
    let (standings, reference) = judged(&[at(5_000), at(4_000)], 2);
    assert_eq!(standings, [Some(Standing::Ahead(1_000)), Some(Standing::Behind(1_000))]);
    assert_eq!(reference, None);
}

#[test]
fn too_few_answers_are_no_answer() {
    assert_eq!(judged(&[at(5_000), None], 2), (vec![None, None], None));
    assert_eq!(judged(&[at(5_000), None], 1), (vec![Some(Standing::Healthy), None], at(5_000)));
}

#[test]
fn the_ceiling_is_never_below_where_a_healthy_node_is() {
    let now = Instant::now();
    let (_, reference) = judge(&[at(5_000), at(5_040)], 2, 50, now);
    let ceiling = reference.unwrap().ceiling(now + Duration::from_secs(3), 50);
    assert_eq!(ceiling, Position { slot: 5_040 + 50 + 10, height: 4_040 + 50 + 10 });
}

#[test]
fn the_ceiling_grows_while_the_nodes_stand_still() {
    let begun = Instant::now();
    let judged = |slot, seconds| judge(&[at(slot), at(slot)], 2, 50, begun + Duration::from_secs(seconds)).1.unwrap();
    let first = judged(5_000, 0);
    let second = judged(5_000, 15).after(Some(first), 50);
    assert_eq!(second.ceiling(begun + Duration::from_secs(15), 50).slot, 5_000 + 50 + 50);
    let third = judged(5_020, 18).after(Some(second), 50);
    assert_eq!(third.ceiling(begun + Duration::from_secs(18), 50).slot, 5_020 + 50);
    // A network that was started again is not where the former one was.
    let again = judged(2_000, 20).after(Some(third), 50);
    assert_eq!(again.ceiling(begun + Duration::from_secs(20), 50).slot, 2_000 + 50);
}

#[test]
fn a_slot_that_stands_still_for_twenty_seconds_is_stuck_until_it_moves() {
    let begun = Instant::now();
    let mut record = Record::new();
    let mut moves = |slot, seconds| record.moves(slot, 50, begun + Duration::from_secs(seconds));
    assert_eq!(moves(100, 0), Ok(()));
    assert_eq!(moves(100, 19), Ok(()));
    assert_eq!(moves(100, 20), Err(Standing::Stuck(20)));
    // A little back is no movement, far back is a node that was started again.
    assert_eq!(moves(60, 25), Err(Standing::Stuck(25)));
    assert_eq!(moves(101, 26), Ok(()));
    assert_eq!(moves(10, 60), Ok(()));
}

#[test]
fn who_answers_nonsense_is_left_out_for_longer_each_time() {
    let now = Instant::now();
    let mut record = Record::new();
    for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        record.suspend("nonsense".to_owned(), now);
        assert!(record.is_suspended(now + Duration::from_secs(seconds) - Duration::from_millis(1)));
        assert!(!record.is_suspended(now + Duration::from_secs(seconds)));
    }
    record.praise();
    record.miss("silent".to_owned(), now + Duration::from_secs(1_000));
    assert!(!record.is_suspended(now + Duration::from_secs(1_000)));
    assert!(!record.is_healthy());
}

#[test]
fn one_node_is_refused_where_two_have_to_agree() {
    let node = || Node { name: "one".to_owned(), connection: Connection::new("http://127.0.0.1:1") };
    assert!(Endpoints::new(vec![node()], Policy::default()).is_err());
    assert!(Endpoints::new(vec![node(), node()], Policy::default()).is_ok());
    assert!(Endpoints::new(vec![node()], Policy { least_healthy: 1, ..Policy::default() }).is_ok());
}
