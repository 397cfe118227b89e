//! `cargo xtask <command>`: the one entry point for everything a person types in this repository.
//!
//! A Rust program instead of a Makefile or shell scripts, so that the same code runs on a laptop
//! and in continuous integration and needs nothing but Rust to start.

use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{bench, build_program, crash, demo, docs, golden, idl, localnet, migrate, mutants, scan, test};

const USAGE: &str = "\
usage: cargo xtask <command>

  test [--deep] [filter ...]
      The whole check: format, lints, program, benchmarks, tests. --deep gives randomised tests
      more cases; everything else goes to the test runner.
  demo [argument ...]
      The protocol on a local network, in this terminal.
  localnet [argument ...]
      A local network to work with: program, market, vaults, a price feed that moves, the keeper.
      --help lists the arguments; Ctrl-C ends everything.
  migrate [argument ...]
      The market definitions in migrations/, applied to a cluster: what `ballast migrate` takes, such as
      -u URL, --market ADDRESS, --market-keypair FILE, --dry-run. The second run has nothing to do.
  bench [--accept]
      Measure every instruction and write benches/. --accept takes over figures that drifted.
  build-program [--force-registry-route]
      Compile programs/ballast to target/deploy/ballast.so. The flag ignores Solana's own tools.
  docs [--check | --book]
      Write the figures of the book in docs, or fail when they are out of date. --book makes the pages
      as well, in docs/book.
  scan
      Measure how fast the keeper judges vaults after a price change, and write benches/scan.md.
  crash
      Play a crash of 2,000 vaults with the keeper on a local network, and write benches/crash.md.
  golden [--check]
      Write tests/golden/health.json, or fail when it is out of date.
  idl [--check]
      Write idl/ballast.json, or fail when it is out of date.
  mutants [argument ...]
      Break crates/risk in every small way and see that a test fails; writes benches/mutants.md. With
      arguments for cargo-mutants (--file crates/risk/src/price.rs, --shard 1/4) it prints instead.

Tools and build folders are kept in $BALLAST_CACHE, by default ~/.cache/ballast.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        return usage();
    };
    let outcome = match command.as_str() {
        "test" => run_tests(rest),
        "demo" => demo::run(rest),
        "bench" => flag(rest, "--accept").and_then(bench::run),
        "build-program" => build(rest),
        "docs" => docs::run(rest),
        "golden" => flag(rest, "--check").and_then(golden::run),
        "idl" => describe(rest),
        "localnet" => localnet::run(rest),
        "migrate" => migrate::run(rest),
        "crash" => none(rest).and_then(|()| crash::run()),
        "scan" => none(rest).and_then(|()| scan::run()),
        "mutants" => mutants::run(rest),
        _ => return usage(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

fn run_tests(arguments: &[String]) -> Result<ExitCode> {
    let (deep, filter): (Vec<_>, Vec<_>) = arguments.iter().cloned().partition(|argument| argument == "--deep");
    test::run(!deep.is_empty(), &filter)
}

fn build(arguments: &[String]) -> Result<ExitCode> {
    let route = if flag(arguments, "--force-registry-route")? {
        build_program::Route::Registry
    } else {
        build_program::Route::Any
    };
    build_program::run(route)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(arguments: &[String]) -> Result<ExitCode> {
    let check = flag(arguments, "--check")?;
    let generator = idl::build_generator()?;
    if check {
        idl::check(&generator)?
    } else {
        idl::write(&generator)?
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether `name` is given, where it is the only argument there may be.
fn none(arguments: &[String]) -> Result<()> {
    if arguments.is_empty() { Ok(()) } else { bail!("there are no arguments here") }
}

fn flag(arguments: &[String], name: &str) -> Result<bool> {
    match arguments {
        [] => Ok(false),
        [given] if given == name => Ok(true),
        _ => bail!("the only argument here is {name}"),
    }
}
