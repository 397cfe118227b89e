//! `cargo xtask mutants`: whether the tests of `crates/risk` notice when its arithmetic is wrong.
//!
//! cargo-mutants makes one small change to the crate at a time (a mutant) and runs the tests, which have to fail. The
//! score is a committed promise, and so is a reason for every survivor.
//!
//! Each mutant costs a build and a run of the tests, so both are kept short. On two cores that are otherwise idle, with
//! two mutants at a time, one takes about two seconds. cargo and nextest need two seconds, twice per mutant, to resolve the
//! whole workspace; so the crate is copied to a workspace of its own, from where nothing reaches the checkout. The
//! properties run over few cases: almost every wrong rule is wrong everywhere.
//!
//! Operators are changed, and what functions return; the `wrapping_` and `checked_` methods that the crate calculates
//! with are not, so the score says more about conditions than about formulas.

mod accepted;
mod report;
#[cfg(test)]
mod tests;

use std::{fs, num::NonZero, path::Path, process::ExitCode, thread};

use anyhow::{Context, Result, ensure};

use crate::{
    cache, paths,
    process::{self, say},
    tool,
};
use accepted::Accepted;
use report::Report;

/// The newest that the toolchain of this repository compiles.
const CARGO_MUTANTS: &str = "27.1.0";

/// Cases of each property: a run of all tests without optimisation takes a few seconds.
const CASES: &str = "1000";

/// The part of the mutants that must not survive, in percent.
const LEAST_SCORE: f64 = 90.0;

const REPORT: &str = "benches/mutants.md";
const ACCEPTED: &str = "crates/risk/mutants-survivors.toml";

/// Tests all mutants and writes the report. With `arguments` for cargo-mutants, which select some of them, the report
/// is only printed, and judged by the reasons alone.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    ensure!(
        process::works("cargo", &["nextest", "--version"]),
        "cargo-nextest is not installed: type `cargo install cargo-nextest --locked`"
    );
    let tool = tool::installed("cargo-mutants", CARGO_MUTANTS, &[])?;
    let folder = paths::cache()?.join("mutants");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let _lock = cache::lock(&folder)?;
    let workspace = folder.join("workspace");
    copy_crate(&workspace)?;
    test_mutants(&tool, &workspace, &folder, arguments)?;

    let report = Report::read(&folder.join("mutants.out"), &workspace)?;
    let accepted = Accepted::parse(&read(&paths::workspace()?.join(ACCEPTED))?)
        .with_context(|| format!("cannot understand {ACCEPTED}"))?;
    let text = report.text(&accepted);
    let mut complaints = report.without_reason(&accepted);
    if arguments.is_empty() {
        let path = paths::workspace()?.join(REPORT);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        complaints.extend(report.reasons_for_nothing(&accepted));
        if report.total().score() < LEAST_SCORE {
            complaints.push(format!("{:.1} % is below {LEAST_SCORE} %", report.total().score()));
        }
        say(format!("{REPORT}: {:.1} %", report.total().score()));
    } else {
        print!("{text}");
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes `workspace` hold what this checkout has of the crate, and nothing else.
///
/// Its build folder stays, and dependencies are compiled once per machine.
fn copy_crate(workspace: &Path) -> Result<()> {
    let checkout = paths::workspace()?;
    cache::remove(&workspace.join("crates"))?;
    copy_folder(&checkout.join("crates/risk"), &workspace.join("crates/risk"))?;
    let manifest = alone(&read(&checkout.join("Cargo.toml"))?)?;
    fs::write(workspace.join("Cargo.toml"), manifest).context("cannot write the manifest")?;
    // cargo drops what is not needed here and keeps the versions.
    fs::copy(checkout.join("Cargo.lock"), workspace.join("Cargo.lock")).context("cannot copy Cargo.lock")?;
    say("compiling the tests without a mutant");
    process::run(
        process::host("cargo")
            .args(["nextest", "run", "--no-run", "--cargo-profile", "mutants", "--cargo-quiet"])
            .current_dir(workspace),
    )
}

/// The workspace's manifest with one member.
fn alone(manifest: &str) -> Result<String> {
    let mut members = 0;
    let mut lines = Vec::new();
    for line in manifest.lines() {
        if line.starts_with("members = ") {
            members += 1;
            lines.push("members = [\"crates/risk\"]");
        } else if !line.starts_with("default-members = ") {
            lines.push(line);
        }
    }
    ensure!(members == 1, "Cargo.toml should have one line that starts with `members = `");
    Ok(lines.join("\n"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &copy)?;
        } else {
            fs::copy(&source, &copy).with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

/// Leaves the outcomes in `output/mutants.out`.
fn test_mutants(tool: &Path, workspace: &Path, output: &Path, arguments: &[String]) -> Result<()> {
    let mut command = process::host(tool);
    command.args(["mutants", "--no-shuffle", "--dir"]).arg(workspace).arg("--output").arg(output);
    // A selection without mutants writes nothing, and the outcomes of an earlier run would be read.
    cache::remove(&output.join("mutants.out"))?;
    command.arg("--config").arg(paths::workspace()?.join(".cargo/mutants.toml"));
    // Half of a build or a run has only one thing to do, so as many at a time as there are processors.
    let jobs = thread::available_parallelism().map_or(1, NonZero::get);
    let chosen = |argument: &String| ["-j", "--jobs", "--in-place"].iter().any(|name| argument.starts_with(name));
    if !arguments.iter().any(chosen) {
        command.arg(format!("--jobs={jobs}"));
    }
    // That a test fails is enough; the smallest input for it is not looked for.
    command.args(arguments).env("BALLAST_CASES", CASES).env("PROPTEST_MAX_SHRINK_ITERS", "0");
    let status = process::status(&mut command)?;
    // 2 and 3: some were missed, or ran into the time limit. Everything else means that there is no result.
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants failed: {status}");
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
