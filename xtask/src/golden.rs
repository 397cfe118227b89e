//! `cargo xtask golden`: the vectors that every implementation of the health check has to reproduce.

use std::process::ExitCode;

use anyhow::Result;

use crate::{host, paths, process};

/// Writes `tests/golden/health.json`, or with `check` fails when it is out of date.
pub fn run(check: bool) -> Result<ExitCode> {
    let mut command = process::host(host::build_binary("golden")?);
    command.current_dir(paths::workspace()?);
    if check {
        command.arg("--check");
    }
    Ok(process::exit_code(process::status(&mut command)?))
}
