//! An sBPF v3 ELF from package registries alone: Debian, PyPI and crates.io.
//!
//! Solana's own compiler comes from a download server. Where that is out of reach, or nobody wants
//! to install it for a first look, four public packages do the same: Debian's rustc 1.96, which
//! has the BPF backend, the matching library sources, LLVM 23 as static libraries from PyPI, and
//! `sbpf-linker`. Every version is pinned, because each piece was chosen to fit the others.
//!
//! | step | module | kept in the cache as |
//! |---|---|---|
//! | compiler and library sources | [`debian`] | (system packages) |
//! | linker | [`linker`] | `sbf-toolchain/linker-…` |
//! | standard library with three edits | [`std_copy`] | `sbf-toolchain/std-…` |
//! | the build | [`compile`] | `target-sbf` |

mod compile;
mod debian;
mod linker;
mod std_copy;

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Builds the program and returns the ELF's path. The caller holds the cache's lock.
pub fn build(cache: &Path) -> Result<PathBuf> {
    let toolchain = cache.join("sbf-toolchain");
    let compiler = debian::compiler()?;
    let linker = linker::installed(&toolchain)?;
    let library = std_copy::ready(&toolchain, &compiler)?;
    compile::program(cache, &toolchain, &compiler, &linker, &library)
}
