//! Compute units per operation and the events of the program, from the logs of confirmed transactions.

use std::collections::BTreeMap;

use anchor_lang::{AnchorDeserialize, Discriminator};
use ballast_client::ID;
use base64::Engine;

use crate::rpc::Receipt;

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

/// Name and compute units (token transfers included) of each of the program's instructions in a transaction.
///
/// The runtime prints `Program ID invoke [1]` and `Program ID consumed N of M compute units`; between them the program
/// prints its instruction's name.
pub fn operations(logs: &[String]) -> Vec<(String, u64)> {
    let program = ID.to_string();
    let mut depth = 0usize;
    let mut name = None;
    let mut found = Vec::new();
    for line in logs {
        if let Some(instruction) = line.strip_prefix("Program log: Instruction: ") {
            if depth == 1 && name.is_none() {
                name = Some(snake(instruction));
            }
            continue;
        }
        let Some(rest) = line.strip_prefix("Program ") else { continue };
        let mut words = rest.split_whitespace();
        let (who, what, amount) = (words.next(), words.next(), words.next());
        match what {
            Some("invoke") => {
                depth += 1;
                if depth == 1 {
                    name = None;
                }
            }
            Some("consumed") if depth == 1 && who == Some(&program) => {
                if let (Some(name), Some(units)) = (name.take(), amount.and_then(|amount| amount.parse().ok())) {
                    found.push((name, units));
                }
            }
            Some("success") | Some("failed:") => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// All events of one type that the program emitted in a transaction.
pub fn events<T: Discriminator + AnchorDeserialize>(logs: &[String]) -> Vec<T> {
    let decode = |line: &String| {
        let bytes = base64::prelude::BASE64_STANDARD.decode(line.strip_prefix("Program data: ")?).ok()?;
        T::try_from_slice(bytes.strip_prefix(T::DISCRIMINATOR)?).ok()
    };
    logs.iter().filter_map(decode).collect()
}

/// `RefreshPrices` to `refresh_prices`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
