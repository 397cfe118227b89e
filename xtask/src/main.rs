//! `cargo xtask <command>`: the one entry point for everything a person types in this repository.
//!
//! A Rust program instead of a Makefile or shell scripts, so that the same code runs on a
//! laptop and in continuous integration and needs nothing but Rust to start.

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  build-program [--force-registry-route]
                 compile programs/ballast to target/deploy/ballast.so
  idl [--check]  write idl/ballast.json, or fail when it is out of date

Downloads and build folders are kept in $BALLAST_CACHE, by default ~/.cache/ballast.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        return usage();
    };
    let outcome = match command.as_str() {
        "build-program" => build_program(rest),
        "idl" => idl(rest),
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

fn build_program(arguments: &[String]) -> Result<ExitCode> {
    let route = match arguments {
        [] => xtask::build_program::Route::Any,
        [flag] if flag == "--force-registry-route" => xtask::build_program::Route::Registry,
        _ => bail!("build-program takes only --force-registry-route"),
    };
    xtask::build_program::run(route)?;
    Ok(ExitCode::SUCCESS)
}

fn idl(arguments: &[String]) -> Result<ExitCode> {
    let generator = xtask::idl::build_generator()?;
    match arguments {
        [] => xtask::idl::write(&generator)?,
        [flag] if flag == "--check" => xtask::idl::check(&generator)?,
        _ => bail!("idl takes only --check"),
    }
    Ok(ExitCode::SUCCESS)
}
