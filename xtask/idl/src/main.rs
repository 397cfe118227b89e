//! Prints the IDL of the program in the folder that is its only argument.
//!
//! A package of its own, because its dependencies take longer to compile than all of xtask and
//! only one command needs them. A process of its own, because Anchor's builder reads and passes on
//! the environment: `xtask::idl` starts it with a clean one.

mod memory;

use std::{path::PathBuf, process::ExitCode};

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result};

fn main() -> ExitCode {
    match print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print() -> Result<()> {
    let program = std::env::args_os().nth(1).map(PathBuf::from).context("usage: print-idl <program folder>")?;
    let mut idl = IdlBuilder::new()
        .program_path(program)
        .cargo_args(["--locked", "--lib"].map(str::to_owned).to_vec())
        .build()
        .context("cannot build the IDL")?;
    memory::complete(&mut idl);
    println!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}
