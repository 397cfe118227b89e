//! The book does what it says: the console blocks of its pages are carried out, and every command that it, the README and the
//! migrations name is one that the programs take.
//!
//! `BALLAST_ACCEPT=1` writes what was printed into the pages.

mod named;
mod page;
mod walk;

use std::path::PathBuf;

/// The repository.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Whether pages are written instead of compared.
fn accepts() -> bool {
    std::env::var_os("BALLAST_ACCEPT").is_some()
}

/// Carries a page of the book out.
fn follow(page: &str) {
    let path = PathBuf::from(WORKSPACE).join("docs/src").join(page);
    let text = std::fs::read_to_string(&path).expect("the page");
    let done = page::carried_out(&text);
    if accepts() {
        std::fs::write(&path, done).expect("the page");
    } else {
        assert_eq!(done, text);
    }
}

#[test]
fn the_first_liquidation_goes_as_the_page_says() {
    follow("first-liquidation.md");
}

#[test]
fn the_commands_of_the_runbook_do_what_it_shows() {
    follow("runbook.md");
}

#[test]
fn every_command_of_the_command_line_prints_what_its_page_shows() {
    follow("command-line.md");
}

#[test]
fn every_command_that_is_named_is_one_that_the_programs_take() {
    let wrong = named::wrong();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
