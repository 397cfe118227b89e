//! What the logs of a transaction tell: the program's instructions with their compute units, and its events.

use anchor_lang::{AnchorDeserialize, Discriminator};
use ballast::ID;
use base64::Engine;

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
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
