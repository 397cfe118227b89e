//! `cargo xtask demo`: the whole protocol on a local network, in one terminal.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    build_program::{self, Route},
    host, paths, process,
};

/// Starts `ballast-demo` with `arguments`; its exit code is ours.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    build_program::run(Route::Any)?;
    let demo = host::build_binary("ballast-demo")?;
    let status = process::host(&demo)
        .arg("--program")
        .arg(paths::program_binary()?)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {}", demo.display()))?;
    Ok(process::exit_code(status))
}
