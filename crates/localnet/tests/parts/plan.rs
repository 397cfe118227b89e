//! The crowd.

use std::collections::HashSet;

use ballast_localnet::catalogue::COUNT;
use ballast_localnet::plan::{POSITIONS, crowd};

#[test]
fn two_to_twelve_positions_of_distinct_assets() {
    for seed in 0..50 {
        let plans = crowd(seed, 66);
        let sizes: Vec<_> = plans.iter().map(|plan| plan.deposits.len() + plan.debts.len()).collect();
        for size in POSITIONS {
            assert_eq!(sizes.iter().filter(|found| **found == size).count(), 6, "seed {seed}");
        }
        for plan in &plans {
            let assets: HashSet<_> =
                plan.deposits.iter().map(|(asset, _)| asset).chain(plan.debts.iter().map(|(asset, _)| asset)).collect();
            assert_eq!(assets.len(), plan.deposits.len() + plan.debts.len(), "seed {seed}: {plan:?}");
            assert!(assets.iter().all(|asset| **asset < COUNT));
            assert!(!plan.debts.is_empty() && !plan.deposits.is_empty());
            assert!(plan.deposits.iter().all(|(_, value)| *value > 0));
            assert!(plan.debts.iter().all(|(_, weight)| *weight > 0));
            assert!(plan.use_bps < 10_000);
        }
    }
}

#[test]
fn the_same_seed_is_the_same_crowd() {
    assert_eq!(crowd(7, 64), crowd(7, 64));
    assert_ne!(crowd(7, 64), crowd(8, 64));
}
