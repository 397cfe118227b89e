//! `cargo xtask localnet`: a local network for people, with the keeper beside it.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Error, Result};

use crate::{
    build_program::{self, Route},
    host, paths, process,
};

/// Becomes `ballast-localnet` with `arguments`.
///
/// It takes the place of this process instead of running below it: a signal to what the person started is then a signal to
/// the network, which ends what it started itself, and the prompt comes back when that is done.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    build_program::run(Route::Any)?;
    let localnet = host::build_binary("ballast-localnet")?;
    let mut command = process::host(&localnet);
    command.arg("--program").arg(paths::program_binary()?).args(arguments);
    // Returns only when it fails.
    let error = command.exec();
    Err(Error::new(error).context(format!("cannot start {}", localnet.display())))
}
