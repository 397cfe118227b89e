//! Building everything that runs on this machine: tests, the demo, the benchmarks.
//!
//! The dependencies are some 900 crates and a quarter of an hour. So every command here builds the
//! same packages with the same features and flags into the same folder, and what one command has
//! built, the next finds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{paths, process};

/// Our own crates are compiled by clippy, which is rustc with more lints.
///
/// `cargo clippy` would do the same in a pass of its own, and for that check all dependencies a
/// second time. Warnings are errors; the odd word is how clippy separates its arguments.
const LINTS: (&str, &str) = ("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");

/// What makes cargo give the program's library a file name of its own in each checkout.
///
/// A package that is a `cdylib` has no hash in its file names, so all checkouts that share a build folder wrote the same
/// `libballast.rlib`, and one linked (or failed to link) what the other had compiled. Rust's own build uses this
/// variable for the same reason. Its value is part of the identity of all packages, so it is the same everywhere.
const NAMES: (&str, &str) = ("__CARGO_DEFAULT_LIB_METADATA", "ballast");

/// cargo in this workspace, with the build folder that all clones share.
pub fn cargo() -> Result<Command> {
    ensure!(
        process::works("clippy-driver", &["--version"]),
        "clippy is not installed for this toolchain: type `rustup component add clippy rustfmt`"
    );
    cargo_of(&paths::workspace()?, &folder()?)
}

/// cargo in a checkout, building into a folder.
fn cargo_of(checkout: &Path, folder: &Path) -> Result<Command> {
    let mut command = process::host("cargo");
    command.current_dir(checkout).env("CARGO_TARGET_DIR", folder).env(NAMES.0, NAMES.1);
    command.env(LINTS.0, LINTS.1).env("RUSTC_WORKSPACE_WRAPPER", wrapper(checkout)?);
    Ok(command)
}

/// clippy's compiler under a path of a checkout.
///
/// cargo tells the packages of two clones apart by their path within the workspace, which is the same. In a shared
/// build folder one clone would run what the other compiled. The path of the wrapper is part of the identity of our
/// own crates, and not of the dependencies, which stay shared.
fn wrapper(checkout: &Path) -> Result<PathBuf> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let driver = std::env::split_paths(&search).map(|folder| folder.join("clippy-driver")).find(|path| path.is_file());
    let driver = driver.context("clippy-driver is not on PATH")?;
    let folder = checkout.join("target/lints");
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

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "[package]\nname = \"program\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = \
                           [\"cdylib\", \"lib\"]\n\n[[example]]\nname = \"answer\"\n\n[workspace]\n";

    /// What a checkout's program of one constant says when it is built into `folder`.
    fn answer(checkout: &Path, folder: &Path) -> String {
        let mut build = cargo_of(checkout, folder).unwrap();
        process::run(build.args(["build", "--quiet", "--offline", "--lib"])).unwrap();
        let mut run = cargo_of(checkout, folder).unwrap();
        let output = run.args(["run", "--quiet", "--offline", "--example", "answer"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn two_checkouts_share_a_build_folder_and_each_runs_its_own_program() {
        let ground = tempfile::tempdir().unwrap();
        let folder = ground.path().join("build");
        let checkouts = [1, 2].map(|constant| {
            let checkout = ground.path().join(format!("checkout-{constant}"));
            fs::create_dir_all(checkout.join("src")).unwrap();
            fs::create_dir_all(checkout.join("examples")).unwrap();
            fs::write(checkout.join("Cargo.toml"), PACKAGE).unwrap();
            fs::write(checkout.join("src/lib.rs"), format!("pub const ANSWER: u8 = {constant};\n")).unwrap();
            fs::write(checkout.join("examples/answer.rs"), "fn main() {\n    print!(\"{}\", program::ANSWER);\n}\n")
                .unwrap();
            checkout
        });
        // The second build of the first finds what the second left behind.
        let answers = [0, 1, 0].map(|which| answer(&checkouts[which], &folder));
        assert_eq!(answers, ["1", "2", "1"]);
    }
}
