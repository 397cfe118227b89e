//! `cargo xtask bench`: what every instruction costs, written to `benches/`.
//!
//! The committed figures are a promise. A drift fails, in either direction, until a person has
//! accepted it. They are measured with the pinned tools of [`crate::registry_route`] only: other
//! compilers arrive at other figures.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    build_program::{self, Route},
    host, paths, process,
};

/// Measures and writes the tables; with `accept` also when they moved by more than the tolerance.
pub fn run(accept: bool) -> Result<ExitCode> {
    build_program::run(Route::Registry)?;
    let bench = host::build_binary("bench")?;
    let mut command = process::host(bench);
    command.current_dir(paths::workspace()?);
    if accept {
        command.arg("--accept");
    }
    Ok(process::exit_code(process::status(&mut command)?))
}

/// Fails when the committed tables are not what this build measures. Builds nothing itself.
pub fn check() -> Result<()> {
    process::run(process::host(host::binary("bench")?).arg("--check").current_dir(paths::workspace()?))
}
