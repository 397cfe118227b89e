//! `ballast-demo`: see `--help`, or start it as `cargo xtask demo`.

use std::io::Write;
use std::process::ExitCode;

use ballast_demo::args::{self, Arguments};
use ballast_demo::run;
use ballast_localnet::prices::{Path, file::BadFile, generated, replay};

/// A bad command line or file.
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let arguments = match args::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("error: {wrong}\n\n{}", args::USAGE);
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let (path, program_bytes) = match inputs(&arguments) {
        Ok(inputs) => inputs,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(USAGE_ERROR);
        }
    };
    match start(&arguments, path, program_bytes) {
        Ok(passed) => {
            if passed {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads and checks all files, before anything starts.
fn inputs(arguments: &Arguments) -> Result<(Path, u64), BadFile> {
    let unreadable = |error| BadFile {
        file: arguments.program.clone(),
        line: None,
        what: format!("cannot be read: {error}; `cargo xtask build-program` makes it"),
    };
    let program = std::fs::metadata(&arguments.program).map_err(unreadable)?;
    let path = match &arguments.prices {
        Some(file) => replay::load(file)?,
        None => generated::path(arguments.seed),
    };
    Ok((path, program.len()))
}

fn start(arguments: &Arguments, path: Path, program_bytes: u64) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run::run(arguments, path, program_bytes))?;
    // A reader that has gone away changes nothing about the verdict.
    let _ = std::io::stdout().write_all(report.to_string().as_bytes());
    Ok(report.passed())
}
