//! `ballast-lab [--check]`: writes the generated files of the book, or fails when they are out of date. It is started as
//! `cargo xtask docs`, from the root of the repository.

use std::path::Path;
use std::process::ExitCode;

use ballast_lab::files;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => files::write(Path::new(".")),
        ["--check"] => files::outdated(Path::new(".")).and_then(|wrong| match wrong.is_empty() {
            true => Ok(()),
            false => Err(format!("out of date: {wrong:?}. Type `cargo xtask docs` and commit the result").into()),
        }),
        _ => Err("usage: ballast-lab [--check]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
