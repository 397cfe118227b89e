//! `ballast-localnet`: see `--help`, or start it as `cargo xtask localnet`.

mod args;
mod scene;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Arguments;

/// A bad command line or file.
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::from(USAGE_ERROR) };
        }
    };
    if let Err(error) = std::fs::metadata(&arguments.program) {
        eprintln!("error: {}: {error}; `cargo xtask build-program` makes it", arguments.program.display());
        return ExitCode::from(USAGE_ERROR);
    }
    let path = match arguments.path() {
        Ok(path) => path,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(USAGE_ERROR);
        }
    };
    let run = || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(scene::run(&arguments, &path))
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started this may be gone.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
