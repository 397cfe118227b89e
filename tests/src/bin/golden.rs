//! `golden` writes `tests/golden/health.json`; `golden --check` fails when that is not what this client computes.
//! Run it as `cargo xtask golden`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ballast_tests::golden::{self, Golden};

/// What a test or a page can load without thinking about it.
const LARGEST: usize = 900_000;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            eprintln!("usage: golden [--check]");
            return Ok(ExitCode::from(2));
        }
    };
    let (path, golden) = (golden::path(), Golden::generate());
    let text = golden.text()?;
    if text.len() > LARGEST {
        bail!("{} bytes of golden vectors are more than {LARGEST}", text.len());
    }
    if !check {
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("tests/golden/health.json: {} vectors, {} bytes", golden.vectors.len(), text.len());
        return Ok(ExitCode::SUCCESS);
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = present.lines().zip(text.lines()).position(|(present, wanted)| present != wanted);
    if present != text {
        let line = differing.unwrap_or_else(|| present.lines().count().min(text.lines().count())) + 1;
        bail!(
            "tests/golden/health.json is out of date from line {line} on. If the change is intended, type `cargo \
             xtask golden` and commit the result; other implementations have to follow"
        );
    }
    Ok(ExitCode::SUCCESS)
}
