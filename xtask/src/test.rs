//! `cargo xtask test`: the whole check, the same here and in continuous integration.
//!
//! Everything is prepared first, and a table tells where that time went. Then the test runner has
//! the terminal to itself: its summary is the last thing that is printed.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    bench,
    build_program::{self, Route, Tools},
    host, idl, paths,
    process::{self, say},
};

const SELECTION: [&str; 5] = ["--locked", "--workspace", "--lib", "--bins", "--tests"];

/// Prepares and runs the tests. `deep` asks the randomised ones for more cases; `filter` goes to
/// the test runner.
pub fn run(deep: bool, filter: &[String]) -> Result<ExitCode> {
    let mut preparation = Preparation::default();
    preparation.step("format", check_format)?;
    let tools = preparation.step("program", || build_program::run(Route::Any))?;
    preparation.step("build and lints", host::build_all)?;
    // Compiled here, so that the test which compares the IDL does not do it beside the others.
    preparation.step("idl", || idl::generate(&host::binary("print-idl")?).map(drop))?;
    match tools {
        Tools::Pinned => preparation.step("benchmarks", bench::check)?,
        Tools::Official => say("benchmarks skipped: they compare only for programs that the pinned tools built"),
    }
    preparation.print();

    let mut runner = host::cargo()?;
    if process::works("cargo", &["nextest", "--version"]) {
        runner.args(["nextest", "run"]);
    } else {
        runner.arg("test");
    }
    runner.args(SELECTION).arg("--no-fail-fast").args(filter);
    if deep {
        runner.env("BALLAST_DEEP", "1");
    }
    Ok(process::exit_code(process::status(&mut runner)?))
}

fn check_format() -> Result<()> {
    process::run(process::host("cargo").args(["fmt", "--all", "--check"]).current_dir(paths::workspace()?))
        .context("the format is not rustfmt's: type `cargo fmt --all`")
}

/// The steps before the tests, and how long each took.
#[derive(Default)]
struct Preparation {
    steps: Vec<(&'static str, Duration)>,
}

impl Preparation {
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = work()?;
        self.steps.push((name, start.elapsed()));
        Ok(result)
    }

    fn print(&self) {
        let total: Duration = self.steps.iter().map(|(_, time)| *time).sum();
        eprintln!();
        for (name, time) in self.steps.iter().chain(&[("before the tests", total)]) {
            eprintln!("{name:<18}{:>7.1} s", time.as_secs_f64());
        }
        eprintln!();
    }
}
