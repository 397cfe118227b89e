//! `cargo xtask build-program`: the compiled program that every test, benchmark and demo runs.
//!
//! Two routes lead to it. Machines with Solana's tools use `cargo build-sbf`. Everybody else gets
//! the same kind of ELF from package registries alone (see [`crate::registry_route`]), so that a
//! newcomer and continuous integration need nothing but Rust. What goes to a public cluster is
//! always built with the official tools, in a verifiable build.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    cache, paths,
    process::{self, say},
    registry_route,
};

/// Deploying costs rent per byte, and the size is one of the numbers we promise.
const LARGEST: usize = 700_000;

/// Which tools may build the program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `cargo build-sbf` when it is there, package registries otherwise.
    Any,
    /// Package registries, also on machines with Solana's tools: to test that route.
    Registry,
}

/// Which tools have built it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tools {
    /// Solana's, in whatever version the machine has.
    Official,
    /// Those with pinned versions. Only figures measured with them can be compared.
    Pinned,
}

/// Leaves the program at [`paths::program_binary`].
pub fn run(route: Route) -> Result<Tools> {
    let cache = paths::cache()?;
    let official = route == Route::Any && process::works("cargo", &["build-sbf", "--version"]);
    let wanted = paths::program_binary()?;
    // Until the copy below, because the build folder is shared by all clones.
    let _lock = cache::lock(&cache)?;
    let (built, tools) = if official {
        say("building the program with cargo build-sbf");
        (build_sbf(&cache)?, Tools::Official)
    } else {
        (registry_route::build(&cache)?, Tools::Pinned)
    };
    let size = install(&built, &wanted)?;
    say(format!("target/deploy/ballast.so: {size} bytes of at most {LARGEST}"));
    ensure!(
        size <= LARGEST,
        "the program is {size} bytes, the limit is {LARGEST}: look for code that is generated \
         several times, such as generic functions and account types"
    );
    Ok(tools)
}

fn build_sbf(cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("target-build-sbf");
    let out = folder.join("deploy");
    process::run(
        process::outside_rustup("cargo")
            .args(["build-sbf", "--arch", "v3", "--manifest-path"])
            .arg(paths::workspace()?.join("programs/ballast/Cargo.toml"))
            .arg("--sbf-out-dir")
            .arg(&out)
            // The compiler in Solana's tools is older than the host's and builds the program as well.
            .args(["--", "--ignore-rust-version"])
            .env("CARGO_TARGET_DIR", &folder),
    )?;
    Ok(out.join("ballast.so"))
}

/// Copies the ELF into the checkout; returns its size.
fn install(built: &Path, wanted: &Path) -> Result<usize> {
    let bytes = fs::read(built).with_context(|| format!("the build left no {}", built.display()))?;
    ensure!(bytes.starts_with(b"\x7fELF"), "{} is not an ELF file", built.display());
    // An unchanged program keeps its time stamp, so that nothing downstream is rebuilt.
    if fs::read(wanted).is_ok_and(|present| present == bytes) {
        return Ok(bytes.len());
    }
    if let Some(folder) = wanted.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    // Renamed into place: a test that runs at this moment reads the old program or the new one.
    let scratch = wanted.with_extension("so.partial");
    fs::write(&scratch, &bytes).with_context(|| format!("cannot write {}", scratch.display()))?;
    fs::rename(&scratch, wanted).with_context(|| format!("cannot write {}", wanted.display()))?;
    Ok(bytes.len())
}
