//! `sbpf-linker` on top of LLVM 23: turns LLVM bitcode into an sBPF ELF.
//!
//! The LLVM that Debian has lacks what sBPF v3 needs, and building LLVM takes hours. A PyPI package
//! carries it as static libraries; they end up inside the linker, so that one binary is all that
//! stays. Compiling it takes some minutes, once per machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::debian;
use crate::{
    cache,
    process::{self, say},
};

const LINKER: &str = "0.2.6";
const LLVM: &str = "23.1.1.post0";

/// Packages that this step needs from a Debian system which has little more than Rust.
const PACKAGES: [&str; 2] = ["python3-venv", "g++"];

/// The linker's path; builds it when the cache does not have it.
pub fn installed(toolchain: &Path) -> Result<PathBuf> {
    let wanted = toolchain.join(format!("linker-{LINKER}-llvm-{LLVM}"));
    let folder = cache::folder(&wanted, build)?;
    Ok(folder.join("bin/sbpf-linker"))
}

fn build(scratch: &Path) -> Result<()> {
    require_build_tools()?;
    let python_folder = scratch.join("python");
    say(format!("installing LLVM {LLVM} (static libraries)"));
    process::run(process::outside_rustup("python3").args(["-m", "venv"]).arg(&python_folder))
        .context("cannot make a Python environment")?;
    let python = python_folder.join("bin/python");
    process::run(
        process::outside_rustup(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("mlc-llvm-static[all]=={LLVM}")),
    )
    .context("cannot install LLVM's static libraries")?;
    let llvm = process::output(process::outside_rustup(&python).args(["-m", "mlc_llvm_static.config", "--prefix"]))?;
    let libraries = Path::new(&llvm).join("lib");

    say(format!("building sbpf-linker {LINKER} (3 to 5 minutes, once per machine)"));
    let build_folder = scratch.join("build");
    process::run(
        process::host("cargo")
            .args(["install", "sbpf-linker", "--version", LINKER, "--locked", "--quiet"])
            .args(["--no-default-features", "--features"])
            .arg("bpf-linker/llvm-23,bpf-linker/llvm-link-static")
            .arg("--root")
            .arg(scratch)
            .current_dir(scratch)
            .env("CARGO_TARGET_DIR", &build_folder)
            .env("LLVM_PREFIX", &llvm)
            .env("ZLIB_PATH", &libraries)
            .env("LIBZSTD_PATH", &libraries),
    )
    .context("cannot build sbpf-linker")?;
    // A gigabyte that nothing reads any more.
    cache::remove(&build_folder)?;
    cache::remove(&python_folder)
}

fn require_build_tools() -> Result<()> {
    let complete =
        process::works("python3", &["-c", "import venv, ensurepip"]) && process::works("c++", &["--version"]);
    if complete {
        return Ok(());
    }
    let missing = debian::missing(&PACKAGES)?;
    if missing.is_empty() {
        bail!(
            "cannot build the program's linker: python3 with the modules venv and ensurepip and a C++ compiler \
             named c++ must work when typed. Both are installed as Debian packages but not on PATH, or another \
             python3 comes first."
        );
    }
    debian::install(&missing)
}
