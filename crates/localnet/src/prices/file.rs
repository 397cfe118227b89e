//! Reading a table of prices: `timestamp,SOL,BTC,..`, one row per time, unix seconds, dollars.
//!
//! Everything is checked before anything starts, the cells of columns that nobody needs included: a table with text
//! where a number belongs is not one to trust elsewhere.

use std::fmt;
use std::path::{Path, PathBuf};

use ballast_cluster::decimal::Decimal;

/// A time after which a number can only be milliseconds (the year 2200).
const LATEST: i64 = 7_258_118_400;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct BadFile {
    pub file: PathBuf,
    /// `None` when the file could not be read at all.
    pub line: Option<u64>,
    pub what: String,
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.what),
            None => write!(f, "{}: {}", self.file.display(), self.what),
        }
    }
}

impl std::error::Error for BadFile {}

/// A table that was read and found good.
#[derive(Debug)]
pub struct Table {
    pub file: PathBuf,
    /// Names without `timestamp`.
    pub columns: Vec<String>,
    /// At least one, times rising.
    pub rows: Vec<Row>,
}

/// One time of a table.
#[derive(Debug)]
pub struct Row {
    pub line: u64,
    /// Unix seconds.
    pub time: i64,
    /// `None` for an empty cell.
    pub prices: Vec<Option<Decimal>>,
}

impl Table {
    /// Reads and checks a file. `required` columns must be there.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn read(file: &Path, required: &[&str]) -> Result<Self, BadFile> {
        let unreadable =
            |error| BadFile { file: file.to_owned(), line: None, what: format!("cannot be read: {error}") };
        let bytes = std::fs::read(file).map_err(unreadable)?;
        parse(&bytes, required)
            .map_err(|Wrong { line, what }| BadFile { file: file.to_owned(), line: Some(line), what })
            .map(|(columns, rows)| Self { file: file.to_owned(), columns, rows })
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }

    /// An error about one of its lines.
    pub fn wrong(&self, line: u64, what: String) -> BadFile {
        BadFile { file: self.file.clone(), line: Some(line), what }
    }
}

struct Wrong {
    line: u64,
    what: String,
}

fn wrong<T>(line: u64, what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { line, what: what.into() })
}

fn parse(bytes: &[u8], required: &[&str]) -> Result<(Vec<String>, Vec<Row>), Wrong> {
    // Quotes are not special: a stray one would otherwise swallow the lines after it.
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .quoting(false)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut columns = None;
    let mut rows: Vec<Row> = Vec::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    for record in reader.records() {
        let record = record
            .map_err(|error| Wrong { line: lines.line(error.position()), what: "is not text in UTF-8".to_owned() })?;
        let line = lines.line(record.position());
        match &columns {
            None => columns = Some(header(line, &record, required)?),
            Some(columns) => rows.push(row(line, &record, columns, rows.last())?),
        }
    }
    match columns {
        None => wrong(1, "the file is empty; it begins with timestamp,SOL,BTC,ETH"),
        Some(_) if rows.is_empty() => wrong(1, "there is no row after the header"),
        Some(columns) => Ok((columns, rows)),
    }
}

/// Counts lines as editors do. The reader's own count takes a record to begin before the line ends that precede it:
/// one line too early after a carriage return or a blank line.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first text at or after a position. Positions only go forward.
    fn line(&mut self, position: Option<&csv::Position>) -> u64 {
        let target = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                // Ends a line by itself or together with the line feed after it.
                b'\r' if self.bytes.get(self.at + 1) != Some(&b'\n') => self.line += 1,
                b'\r' => {}
                _ if self.at >= target => break,
                _ => {}
            }
            self.at += 1;
        }
        self.line
    }
}

fn header(line: u64, record: &csv::StringRecord, required: &[&str]) -> Result<Vec<String>, Wrong> {
    let mut names = record.iter();
    let first = names.next().unwrap_or_default();
    if first != "timestamp" {
        return wrong(line, format!("the first column is {first:?} instead of \"timestamp\""));
    }
    let mut columns: Vec<String> = Vec::new();
    for name in names {
        if name.is_empty() {
            return wrong(line, "a column has no name");
        }
        if columns.iter().any(|column| column.eq_ignore_ascii_case(name)) {
            return wrong(line, format!("there are two columns {name}"));
        }
        columns.push(name.to_owned());
    }
    let missing = |name: &&&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let missing: Vec<&str> = required.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        return wrong(line, format!("missing column {}", missing.join(", ")));
    }
    Ok(columns)
}

fn row(line: u64, record: &csv::StringRecord, columns: &[String], last: Option<&Row>) -> Result<Row, Wrong> {
    let expected = columns.len() + 1;
    if record.len() != expected {
        return wrong(line, format!("{} fields instead of {expected}", record.len()));
    }
    let text = record.get(0).unwrap_or_default();
    let Ok(time) = text.parse::<i64>() else {
        return wrong(line, format!("timestamp {text:?} is not a whole number of seconds"));
    };
    if !(1..=LATEST).contains(&time) {
        return wrong(line, format!("timestamp {time} is not in unix seconds"));
    }
    match last {
        Some(last) if last.time == time => {
            return wrong(line, format!("timestamp {time} stands twice, first in line {}", last.line));
        }
        Some(last) if last.time > time => {
            return wrong(line, format!("timestamp {time} is before the one of line {}; sort the rows", last.line));
        }
        _ => {}
    }
    let mut prices = Vec::with_capacity(columns.len());
    for (text, column) in record.iter().skip(1).zip(columns) {
        prices.push(match text {
            "" => None,
            text => match Decimal::parse(text) {
                Ok(price) => Some(price),
                Err(reason) => return wrong(line, format!("the price of {column}, {text:?}, {reason}")),
            },
        });
    }
    Ok(Row { line, time, prices })
}
