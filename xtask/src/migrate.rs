//! `cargo xtask migrate`: the market definitions of this repository, applied to a cluster by the command line.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{host, paths, process};

/// Starts `ballast migrate` on the definitions here with `arguments`; its exit code is ours.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let ballast = host::build_binary("ballast")?;
    let status = process::host(&ballast)
        .arg("migrate")
        .arg(paths::workspace()?.join("migrations"))
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {}", ballast.display()))?;
    Ok(process::exit_code(status))
}
