//! `cargo xtask crash`: how fast the keeper handles a crash of 2,000 vaults on a local network; written to `benches/crash.md`.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    build_program::{self, Route},
    host, paths, process,
};

/// Plays the crash and writes the figures. Nothing is compared: times differ from machine to machine.
pub fn run() -> Result<ExitCode> {
    build_program::run(Route::Any)?;
    let mut test = host::cargo()?;
    test.args(["test", "--locked", "--workspace", "--test", "crash", "--", "--nocapture"]);
    test.env("BALLAST_DEEP", "1").env("BALLAST_CRASH_FIGURES", paths::workspace()?.join("benches/crash.md"));
    Ok(process::exit_code(process::status(&mut test)?))
}
