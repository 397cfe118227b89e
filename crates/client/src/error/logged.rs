//! What the logs of a failed transaction say.

use crate::Pubkey;
use crate::logs::snake;

/// An error as the program prints it when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The account that it is about, by its name in the instruction.
    pub account: Option<String>,
    pub name: String,
    pub code: u32,
    /// Without a full stop.
    pub message: String,
}

/// Reads a line such as `Program log: AnchorError caused by account: vault. Error Code: ConstraintMut. Error Number: 2000.
/// Error Message: A mut constraint was violated.`
pub fn logged(line: &str) -> Option<Logged> {
    let (_, text) = line.split_once("AnchorError ")?;
    let (place, rest) = text.split_once("Error Code: ")?;
    let (name, rest) = rest.split_once(". Error Number: ")?;
    let (code, message) = rest.split_once(". Error Message: ")?;
    let account = place.strip_prefix("caused by account: ").map(|name| name.trim_end_matches(['.', ' ']).to_owned());
    let message = message.trim_end_matches('.').to_owned();
    Some(Logged { account, name: name.to_owned(), code: code.parse().ok()?, message })
}

/// What failed first: the innermost program, within an instruction of the transaction.
pub struct Failing {
    pub program: Pubkey,
    /// Name of the instruction of the transaction.
    pub instruction: Option<String>,
}

/// The runtime prints `Program ID invoke [1]`, then what the program says, which begins with its instruction's name, and in
/// the end `Program ID success` or `Program ID failed: ..`. The innermost program fails first.
pub fn failing(logs: &[String]) -> Option<Failing> {
    let mut depth = 0usize;
    let mut instruction = None;
    for line in logs {
        if let Some(name) = line.strip_prefix("Program log: Instruction: ") {
            if depth == 1 && instruction.is_none() {
                instruction = Some(snake(name));
            }
            continue;
        }
        let Some(rest) = line.strip_prefix("Program ") else { continue };
        let mut words = rest.split_whitespace();
        let (program, what) = (words.next(), words.next());
        match what {
            Some("invoke") => {
                depth += 1;
                if depth == 1 {
                    instruction = None;
                }
            }
            Some("success") => depth = depth.saturating_sub(1),
            Some("failed:") => {
                let program = program.and_then(|program| program.parse().ok())?;
                return Some(Failing { program, instruction });
            }
            _ => {}
        }
    }
    None
}
