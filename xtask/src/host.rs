//! Building everything that runs on this machine: tests, the demo, the benchmarks.
//!
//! The dependencies are some 900 crates and a quarter of an hour. So every command here builds the
//! same packages with the same features and flags into the same folder, and what one command has
//! built, the next finds.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{paths, process};

/// Our own crates are compiled by clippy, which is rustc with more lints.
///
/// `cargo clippy` would do the same in a pass of its own, and for that check all dependencies a
/// second time. Warnings are errors; the odd word is how clippy separates its arguments.
const LINTS: (&str, &str) = ("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");

/// cargo in this workspace, with the build folder that all clones share.
pub fn cargo() -> Result<Command> {
    ensure!(
        process::works("clippy-driver", &["--version"]),
        "clippy is not installed for this toolchain: type `rustup component add clippy rustfmt`"
    );
    let mut command = process::host("cargo");
    command.current_dir(paths::workspace()?).env("CARGO_TARGET_DIR", folder()?);
    command.env(LINTS.0, LINTS.1).env("RUSTC_WORKSPACE_WRAPPER", wrapper()?);
    Ok(command)
}

/// clippy's compiler under a path of this checkout.
///
/// cargo tells the packages of two clones apart by their path within the workspace, which is the same. In a shared
/// build folder one clone would run what the other compiled. The path of the wrapper is part of the identity of our
/// own crates, and not of the dependencies, which stay shared.
fn wrapper() -> Result<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let driver = std::env::split_paths(&search).map(|folder| folder.join("clippy-driver")).find(|path| path.is_file());
    let driver = driver.context("clippy-driver is not on PATH")?;
    let folder = paths::workspace()?.join("target/lints");
    let wrapper = folder.join("clippy-driver");
    if fs::read_link(&wrapper).ok().as_ref() != Some(&driver) {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Absent is as good as removed.
        let _ = fs::remove_file(&wrapper);
        std::os::unix::fs::symlink(&driver, &wrapper)
            .with_context(|| format!("cannot link {} to {}", wrapper.display(), driver.display()))?;
    }
    Ok(wrapper)
}

/// Builds all libraries, programs, tests and examples.
pub fn build_all() -> Result<()> {
    let everything = ["--lib", "--bins", "--tests", "--examples"];
    process::run(cargo()?.args(["build", "--locked", "--workspace"]).args(everything).arg("--keep-going"))
        .context("the build failed")
}

/// Builds all programs and returns the path of one.
///
/// `--examples` is there even for those who want none: it makes cargo take the features that
/// development dependencies ask for into account, as a build with tests does. Without it some
/// crates would be built once more.
pub fn build_binary(name: &str) -> Result<PathBuf> {
    process::run(cargo()?.args(["build", "--locked", "--workspace", "--bins", "--examples"]))
        .context("the build failed")?;
    binary(name)
}

/// The path of a program that has been built.
pub fn binary(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join("debug").join(name))
}

fn folder() -> Result<PathBuf> {
    Ok(paths::cache()?.join("target"))
}
