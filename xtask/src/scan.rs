//! `cargo xtask scan`: how fast the keeper judges vaults, and what a vault takes of memory; written to
//! `benches/scan.md`.

use std::fs;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{
    build_program::{self, Route},
    host, paths, process,
};

/// Measures and writes the table. Nothing is compared: times differ from machine to machine.
pub fn run() -> Result<ExitCode> {
    build_program::run(Route::Any)?;
    let scan = host::build_binary("examples/scan")?;
    let workspace = paths::workspace()?;
    let run = process::host(&scan).current_dir(&workspace).stderr(Stdio::inherit()).output();
    let run = run.with_context(|| format!("cannot start {}", scan.display()))?;
    ensure!(run.status.success(), "the measurement failed");
    let file = workspace.join("benches/scan.md");
    fs::write(&file, run.stdout).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(ExitCode::SUCCESS)
}
