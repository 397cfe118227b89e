//! Programs of the Rust registry that some commands need, compiled once per machine.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    cache, paths,
    process::{self, say},
};

/// The program `name` in exactly this version; compiles it when the cache does not have it. `options` go to `cargo install`.
pub fn installed(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let cache = paths::cache()?;
    let _lock = cache::lock(&cache)?;
    let folder = cache::folder(&cache.join(format!("{name}-{version}")), |scratch| {
        say(format!("building {name} {version} (some minutes, once per machine)"));
        process::run(
            process::host("cargo")
                .args(["install", name, "--version"])
                .arg(format!("={version}"))
                .args(["--locked", "--quiet"])
                .args(options)
                .arg("--root")
                .arg(scratch)
                .env("CARGO_TARGET_DIR", scratch.join("build")),
        )?;
        cache::remove(&scratch.join("build"))
    })?;
    Ok(folder.join("bin").join(name))
}
