//! What a command prints: a table for people or JSON for programs on stdout, everything else on stderr.
//!
//! Nothing here panics when the reader has gone, as `println!` does.

use std::io::{ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;
use crate::origin::redacted;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    JsonCompact,
}

/// A result that can be printed in every format.
pub trait Report: Serialize {
    /// For people.
    fn text(&self) -> String;
}

/// Prints a result.
///
/// # Errors
/// [`Failure::ClosedPipe`].
pub fn show(format: Format, report: &impl Report) -> Result<(), Failure> {
    let invalid = |error: serde_json::Error| Failure::Usage(format!("the result cannot be printed: {error}"));
    let text = match format {
        Format::Table => report.text(),
        Format::Json => serde_json::to_string_pretty(report).map_err(invalid)?,
        Format::JsonCompact => serde_json::to_string(report).map_err(invalid)?,
    };
    print(text.trim_end())
}

/// Prints text on stdout, with the end of its last line.
///
/// # Errors
/// [`Failure::ClosedPipe`].
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
        Err(error) => Err(Failure::Usage(format!("the result cannot be printed: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Prints a line on stderr, without the keys that URLs may have. Where nobody reads it, it is lost.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", redacted(line));
}

/// Prints why a command failed: the last line on stderr.
pub fn fail(format: Format, failure: &Failure) {
    match format {
        Format::Table => note(&format!("Error: {failure}")),
        // One line in both forms: other lines of stderr are not JSON.
        Format::Json | Format::JsonCompact => {
            let told = serde_json::to_string(&failure.told());
            note(&told.unwrap_or_else(|error| format!("Error: {failure} ({error})")));
        }
    }
}

/// Emphasises where colours are wanted: on a terminal, unless `NO_COLOR` is set.
pub fn bold(text: &str) -> String {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Rows with a head. Columns whose head begins with `>` are numbers, aligned to the right.
#[derive(Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&cell| cell.to_owned()).collect(), rows: Vec::new() }
    }

    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let right: Vec<bool> = self.head.iter().map(|cell| cell.starts_with('>')).collect();
        let head: Vec<String> = self.head.iter().map(|cell| cell.trim_start_matches('>').to_owned()).collect();
        let all = || std::iter::once(&head).chain(&self.rows);
        let width = |at: usize| all().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        for (number, row) in all().enumerate() {
            let cells = row.iter().zip(&widths).zip(&right).map(|((cell, width), right)| {
                if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            let line = line.trim_end();
            writeln!(f, "{}", if number == 0 { bold(line) } else { line.to_owned() })?;
        }
        Ok(())
    }
}

/// `Name:  value` lines, aligned.
pub fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let facts: Vec<_> = facts.into_iter().collect();
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 1;
    facts.iter().map(|(name, value)| format!("{:<width$} {value}\n", format!("{name}:"))).collect()
}
