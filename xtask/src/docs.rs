//! `cargo xtask docs`: the tables and plots of the book, and the book itself.
//!
//! `crates/lab` computes and writes the figures. It needs a handful of small crates, so it has a build folder of its own and
//! nobody waits for the rest of the workspace. That folder is in the checkout: in a shared one, cargo would run for one
//! clone what it compiled for another.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{
    paths,
    process::{self, say},
    tool,
};

/// The version that the book was last looked at with.
const MDBOOK: &str = "0.5.4";

/// `--check` fails when a committed figure is out of date, `--book` writes pages to `docs/book` as well; without either,
/// the figures alone are written.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => figures(&[])?,
        ["--check"] => figures(&["--check"])?,
        ["--book"] => {
            figures(&[])?;
            book()?;
        }
        _ => bail!("the only argument here is --check or --book"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the program of `crates/lab`.
fn figures(arguments: &[&str]) -> Result<()> {
    process::run(
        process::host("cargo")
            .args(["run", "--quiet", "--locked", "--package", "ballast-lab", "--"])
            .args(arguments)
            .current_dir(paths::workspace()?)
            .env("CARGO_TARGET_DIR", paths::workspace()?.join("target/lab")),
    )
}

/// The pages. mdBook tells what is wrong with them by warnings, which are errors here.
fn book() -> Result<()> {
    // Without the server and the watcher: two thirds of what mdBook is made of.
    let mdbook = tool::installed("mdbook", MDBOOK, &["--no-default-features", "--features", "search"])?;
    let output = process::host(mdbook).args(["build", "docs"]).current_dir(paths::workspace()?).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    eprint!("{text}");
    if !output.status.success() || text.contains("WARN") || text.contains("ERROR") {
        bail!("the book is not as it should be");
    }
    say("docs/book/index.html");
    Ok(())
}
