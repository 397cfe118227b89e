//! The build itself: Debian's cargo, our copy of std, and the flags that make bitcode into sBPF v3.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::debian::Compiler;
use crate::{
    cache, paths,
    process::{self, say},
};

const TARGET: &str = "bpfel-solana-std";
const TARGET_JSON: &str = include_str!("../../sbf/bpfel-solana-std.json");
const THUNKS: &str = include_str!("../../sbf/thunks.ll");

/// Compiles `programs/ballast` and returns the ELF's path.
pub fn program(cache: &Path, toolchain: &Path, compiler: &Compiler, linker: &Path, library: &Path) -> Result<PathBuf> {
    let support = support_files(toolchain)?;
    let mut flags = rustc_flags(linker, &support.join("thunks.ll"));
    // Source paths are part of the program (errors carry them): not those of this machine.
    flags.push(format!("--remap-path-prefix={}=/std", library.display()));
    flags.push(format!("--remap-path-prefix={}=/cargo", paths::cargo_home()?.display()));
    let folder = cache.join("target-sbf");
    discard_if_stale(&folder, compiler, linker, library, &flags)?;

    let elf = folder.join(TARGET).join("release/libballast.so");
    // Every clone builds to this path. Removed first, what is there afterwards is this run's.
    match fs::remove_file(&elf) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", elf.display()));
        }
        _ => {}
    }
    forget_other_clone(&folder)?;
    process::run(
        process::outside_rustup(&compiler.cargo)
            .args(["build", "--release", "--locked", "--quiet", "--target"])
            .arg(support.join(format!("{TARGET}.json")))
            .args(["-Zjson-target-spec", "-Zbuild-std=std,panic_abort", "-Zbuild-std-features="])
            .arg("--manifest-path")
            .arg(paths::workspace()?.join("programs/ballast/Cargo.toml"))
            .env("RUSTC", &compiler.rustc)
            // The flags below are unstable, and this is not a nightly compiler.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env("CARGO_TARGET_DIR", &folder)
            // Cargo's own switch for building std from another place than the sysroot.
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", library),
    )
    .context("cannot compile the program")?;
    Ok(elf)
}

/// Cargo keeps the program of all clones at one path in its build folder, so that for the clone which built before the last one
/// it would take the other's for its own.
fn forget_other_clone(folder: &Path) -> Result<()> {
    let (stamp, clone) = (folder.join("built-for"), paths::workspace()?.display().to_string());
    if fs::read_to_string(&stamp).is_ok_and(|last| last == clone) {
        return Ok(());
    }
    match fs::remove_file(folder.join(TARGET).join("release/deps/libballast.so")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context("the build folder"),
        _ => {}
    }
    fs::write(&stamp, clone).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The target description and the thunks, at a path that is the same for every clone: paths are
/// part of the flags, and other flags mean building std and all dependencies again.
fn support_files(toolchain: &Path) -> Result<PathBuf> {
    let name = format!("support-{}", cache::fingerprint([TARGET_JSON, THUNKS]));
    cache::folder(&toolchain.join(name), |scratch| {
        for (name, text) in [(format!("{TARGET}.json"), TARGET_JSON), ("thunks.ll".into(), THUNKS)] {
            let path = scratch.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    })
}

/// The flags of every crate, not of the program only: a dependency (solana-zk-sdk) asks for a
/// dynamic library of its own, which is linked, too.
fn rustc_flags(linker: &Path, thunks: &Path) -> Vec<String> {
    let mut flags: Vec<String> = [
        // What the Solana crates test for. rustc wants to own target_os, hence the allowance.
        "--cfg",
        "target_os=\"solana\"",
        "-Aexplicit_builtin_cfgs_in_flags",
        // A panic ends in an abort without formatting a message.
        "-Zunstable-options",
        "-Cpanic=immediate-abort",
        // There is one thread: atomics become plain loads and stores.
        "-Cpasses=lower-atomic",
        // The instruction set; what sBPF v3 lacks of v4 is switched off below.
        "-Ctarget-cpu=v4",
    ]
    .map(str::to_owned)
    .to_vec();
    flags.push(format!("-Clinker={}", linker.display()));

    let link_arguments = [
        "--arch=v3".to_owned(),
        "--deploy=false".to_owned(),
        thunks.display().to_string(),
        // Calls of these appear only during instruction selection. Not exported, they would
        // have been dropped as unused by then.
        "--export=__multi3,__udivti3,__umodti3,__divti3,__modti3".to_owned(),
        "--llvm-args=--bpf-stack-size=4096".to_owned(),
        "--llvm-args=--disable-movsx".to_owned(),
        "--llvm-args=--disable-ldsx".to_owned(),
        "--llvm-args=--disable-bswap".to_owned(),
        "--llvm-args=--disable-gotol".to_owned(),
        // No jump tables: the instruction they need does not exist.
        "--llvm-args=--bpf-min-jump-table-entries=1000000".to_owned(),
        // Less inlining than the default: a clearly smaller program for slightly more compute units.
        "--llvm-args=--inline-threshold=150".to_owned(),
    ];
    flags.extend(link_arguments.map(|argument| format!("-Clink-arg={argument}")));
    flags
}

/// cargo notices neither other tools behind the same path nor an edited std, so the build folder
/// remembers what it was made with and is thrown away when that changes.
fn discard_if_stale(folder: &Path, compiler: &Compiler, linker: &Path, library: &Path, flags: &[String]) -> Result<()> {
    let made_with = [
        compiler.version.clone(),
        linker.display().to_string(),
        library.display().to_string(),
        flags.join("\n"),
        TARGET_JSON.to_owned(),
        THUNKS.to_owned(),
    ];
    let stamp = cache::fingerprint(made_with.iter().map(String::as_str));
    let path = folder.join("made-with");
    if fs::read_to_string(&path).is_ok_and(|present| present == stamp) {
        return Ok(());
    }
    say("building the standard library and the program's dependencies (2 to 3 minutes)");
    cache::remove(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(&path, stamp).with_context(|| format!("cannot write {}", path.display()))
}
