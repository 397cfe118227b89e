//! Compute units per operation, from the logs of confirmed transactions.

use std::collections::BTreeMap;

use ballast_client::logs::operations;
use ballast_cluster::connection::Receipt;

/// Units that each operation took.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    operations: BTreeMap<String, Vec<u64>>,
}

/// Fewest, median and most of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub operation: String,
    pub count: usize,
    pub least: u64,
    pub median: u64,
    pub most: u64,
}

impl Meter {
    pub fn record(&mut self, receipt: &Receipt) {
        for (operation, units) in operations(&receipt.logs) {
            self.operations.entry(operation).or_default().push(units);
        }
    }

    pub fn record_all<'a>(&mut self, receipts: impl IntoIterator<Item = &'a Receipt>) {
        receipts.into_iter().for_each(|receipt| self.record(receipt));
    }

    /// Sorted by name.
    pub fn readings(&self) -> Vec<Reading> {
        let read = |(operation, units): (&String, &Vec<u64>)| {
            let mut units = units.clone();
            units.sort_unstable();
            Some(Reading {
                operation: operation.clone(),
                count: units.len(),
                least: *units.first()?,
                median: *units.get(units.len() / 2)?,
                most: *units.last()?,
            })
        };
        self.operations.iter().filter_map(read).collect()
    }
}
