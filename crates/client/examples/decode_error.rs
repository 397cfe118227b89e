//! What a failed transaction means, from its logs. No network is needed.
//!
//! ```text
//! solana confirm -v SIGNATURE | cargo run --example decode_error -- 0 6301
//! ```
//!
//! The arguments are the index of the instruction and its custom error code, in decimal or as `0x189d`; the logs come on
//! standard input and may be left out (`< /dev/null`): then nothing but the code is known.

use std::io::Read;
use std::process::ExitCode;

use ballast_client::error::Failed;
use solana_instruction::error::InstructionError;
use solana_transaction::TransactionError;

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [index, code] = arguments.as_slice() else {
        eprintln!("usage: decode_error INSTRUCTION CODE < LOGS");
        return ExitCode::from(2);
    };
    let (Ok(index), Some(code)) = (index.parse(), number(code)) else {
        eprintln!("the instruction is a number up to 255, the code one of 32 bits");
        return ExitCode::from(2);
    };
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        eprintln!("the logs cannot be read: {error}");
        return ExitCode::from(2);
    }
    let logs: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
    let failed = Failed::of(&TransactionError::InstructionError(index, InstructionError::Custom(code)), &logs);
    println!("{failed}\nclass: {}\nremedy: {:?}", failed.class.name(), failed.remedy());
    ExitCode::SUCCESS
}
