//! `cargo xtask idl`: the program's interface description, from which clients are generated.
//!
//! Anchor's builder compiles the program with the feature `idl-build` and reads the description
//! from a test's output. That is a smaller set of crates with other features and flags than any
//! other build here, so it has a build folder of its own and disturbs no other.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    paths,
    process::{self, say},
};

/// Writes `idl/ballast.json`.
pub fn write(generator: &Path) -> Result<()> {
    let path = committed()?;
    let idl = generate(generator)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(&path, &idl).with_context(|| format!("cannot write {}", path.display()))?;
    say(format!("idl/ballast.json: {} bytes", idl.len()));
    Ok(())
}

/// Fails when `idl/ballast.json` is not what [`write`] would write.
pub fn check(generator: &Path) -> Result<()> {
    let path = committed()?;
    let wanted = generate(generator)?;
    let present = fs::read_to_string(&path).unwrap_or_default();
    if present == wanted {
        return Ok(());
    }
    let line = present
        .lines()
        .zip(wanted.lines())
        .position(|(present, wanted)| present != wanted)
        .unwrap_or_else(|| present.lines().count().min(wanted.lines().count()));
    bail!(
        "idl/ballast.json is out of date: line {} should be `{}`. Type `cargo xtask idl` and \
         commit the result",
        line + 1,
        wanted.lines().nth(line).unwrap_or("(the end)").trim()
    )
}

/// Compiles the program that [`write`] and [`check`] start.
pub fn build_generator() -> Result<PathBuf> {
    let folder = build_folder()?;
    process::run(
        process::host("cargo")
            .args(["build", "--quiet", "--locked", "--package", "xtask-idl"])
            .current_dir(paths::workspace()?)
            .env("CARGO_TARGET_DIR", &folder),
    )?;
    Ok(folder.join("debug/print-idl"))
}

/// The description as it should be committed.
pub fn generate(generator: &Path) -> Result<String> {
    let mut idl = process::output(
        // Without rustup's variables: Anchor's builder would make a toolchain name of them.
        process::outside_rustup(generator)
            .arg(paths::workspace()?.join("programs/ballast"))
            .env("PATH", path_with_this_toolchain()?)
            .env("CARGO_TARGET_DIR", build_folder()?),
    )?;
    idl.push('\n');
    Ok(idl)
}

/// `PATH` with the toolchain in use first, now that no variable names it.
fn path_with_this_toolchain() -> Result<OsString> {
    let sysroot = process::output(process::host("rustc").args(["--print", "sysroot"]))?;
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = [Path::new(&sysroot).join("bin")].into_iter().chain(env::split_paths(&inherited));
    env::join_paths(folders).context("cannot extend PATH")
}

fn committed() -> Result<PathBuf> {
    Ok(paths::workspace()?.join("idl/ballast.json"))
}

fn build_folder() -> Result<PathBuf> {
    Ok(paths::cache()?.join("target-idl"))
}
