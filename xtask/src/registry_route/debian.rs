//! Debian's rustc 1.96 and the sources of its standard library.
//!
//! Why not rustup's compiler: the one that is pinned for the host has no BPF backend to trust, and
//! its library sources are an optional download. The packages are called by absolute path and only
//! for the program, so they never get in the way of rustup's.

use std::{fs, path::Path, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{self, say};

/// What the thunks, the linker's LLVM and the library edits were made for.
const VERSION: &str = "rustc 1.96.0 ";

const PACKAGES: [&str; 5] =
    ["rustc-web", "cargo-web", "libstd-rust-web-dev", "libstd-rust-web-dev-bpf", "rust-web-src"];

/// A compiler with the sources that belong to it.
pub struct Compiler {
    pub rustc: PathBuf,
    pub cargo: PathBuf,
    /// The `library` folder of the sources.
    pub library: PathBuf,
    /// Changes when any of the packages does.
    pub version: String,
}

/// The installed compiler; installs it first where this process may.
pub fn compiler() -> Result<Compiler> {
    if !has_dpkg() {
        bail!(
            "cannot build the program: neither `cargo build-sbf` nor Debian's package tools are on \
             this machine.\nInstall Solana's command line tools, so that `cargo build-sbf --version` \
             works, or use Debian 12, for instance in a container."
        );
    }
    let missing = missing(&PACKAGES)?;
    if !missing.is_empty() {
        install(&missing)?;
    }
    let compiler = Compiler {
        rustc: "/usr/bin/rustc".into(),
        cargo: "/usr/bin/cargo".into(),
        library: "/usr/src/rustc-1.96.0/library".into(),
        version: versions()?,
    };
    let version = process::output(process::outside_rustup(&compiler.rustc).arg("--version"))?;
    ensure!(
        version.starts_with(VERSION),
        "{} is `{version}`, but this build is made for `{VERSION}`: install that version of \
         {}, or Solana's command line tools",
        compiler.rustc.display(),
        PACKAGES.join(", ")
    );
    ensure!(
        compiler.library.join("std/src/lib.rs").is_file(),
        "{} has no standard library sources: reinstall rust-web-src",
        compiler.library.display()
    );
    Ok(compiler)
}

/// Installs what a Debian system may still lack; `packages` are known to be missing.
///
/// As another user than root it stops and says what to type.
pub fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let command = format!("apt-get update && apt-get install -y --no-install-recommends {names}");
    if !is_root()? {
        bail!(
            "cannot build the program: Debian packages are missing and only root may install \
             them.\nEither type this as root:\n  {command}\nor install Solana's command line tools, \
             so that `cargo build-sbf --version` works."
        );
    }
    say(format!("installing Debian packages: {names}"));
    let hint = || format!("cannot install the Debian packages {names}; to see why, type\n  {command}");
    process::run(process::outside_rustup("apt-get").args(["update", "-qq"])).with_context(hint)?;
    process::run(
        process::outside_rustup("apt-get")
            // --no-remove: stop rather than replace a compiler that somebody else installed.
            .args(["install", "-y", "-qq", "--no-install-recommends", "--no-remove"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
    .with_context(hint)
}

/// Those of `packages` that are not fully installed.
pub fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut missing = Vec::new();
    for package in packages {
        if status(package)?.is_none() {
            missing.push(*package);
        }
    }
    Ok(missing)
}

/// Whether this is a system with Debian packages.
pub fn has_dpkg() -> bool {
    process::works("dpkg-query", &["--version"])
}

fn versions() -> Result<String> {
    let mut versions = String::new();
    for package in PACKAGES {
        versions.push_str(&status(package)?.unwrap_or_default());
        versions.push('\n');
    }
    Ok(versions)
}

/// Name and version of an installed package.
fn status(package: &str) -> Result<Option<String>> {
    let output = process::outside_rustup("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Package} ${Version}", package])
        .output()
        .context("cannot start dpkg-query")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.strip_prefix("installed ").map(str::to_owned))
}

fn is_root() -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    // The owner of our own process entry is the effective user, without a call into libc.
    let own = Path::new("/proc/self");
    let entry = fs::metadata(own).with_context(|| format!("cannot read {}", own.display()))?;
    Ok(entry.uid() == 0)
}
