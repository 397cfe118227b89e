//! From a table to a path: choosing the rows, filling in what the table does not have.

use std::path::PathBuf;

use crate::catalogue::{ASSETS, BTC, COUNT, REQUIRED, SOL, StandIn};
use ballast_cluster::decimal::Decimal;

use super::file::{BadFile, Table};
use super::window::around_deepest_fall;
use super::{Frame, Path};

/// Which part of which table to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFile {
    pub path: PathBuf,
    pub rows: usize,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Seconds in a year of 365 days.
const YEAR: i64 = 31_536_000;

/// Reads the table and makes the path to replay.
///
/// An empty cell repeats the last price. Rows before all required prices are known are left out.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn load(file: &PriceFile) -> Result<Path, BadFile> {
    let table = Table::read(&file.path, &REQUIRED.map(|asset| ASSETS[asset].name))?;
    let rows = complete_rows(&table, file)?;
    let core: Vec<[f64; 3]> = rows.iter().map(|row| REQUIRED.map(|asset| price(row, asset).as_f64())).collect();
    let window = around_deepest_fall(&core, file.rows);
    let rows = &rows[window];
    let sources = sources(&rows[0]);
    let start = rows[0].time;
    let mut frames = Vec::with_capacity(rows.len());
    for row in rows {
        let mut prices = [Decimal::in_e8(100_000_000); COUNT];
        for (asset, slot) in prices.iter_mut().enumerate() {
            *slot = match sources[asset] {
                StandIn::None => Some(price(row, asset)),
                stand_in => made_from(stand_in, row, row.time - start),
            }
            .ok_or_else(|| table.wrong(row.line, format!("no price of {} can be made from SOL", ASSETS[asset].name)))?;
        }
        frames.push(Frame { time: row.time, prices });
    }
    Ok(Path { source: describe(&table, rows), notes: notes(&table, &sources), frames })
}

/// A row with empty cells filled by the last known price.
struct Filled {
    line: u64,
    time: i64,
    prices: [Option<Decimal>; COUNT],
}

/// A required price: the rows were chosen so that it is there.
fn price(row: &Filled, asset: usize) -> Decimal {
    row.prices[asset].unwrap_or(Decimal::in_e8(100_000_000))
}

fn complete_rows(table: &Table, file: &PriceFile) -> Result<Vec<Filled>, BadFile> {
    let columns: [Option<usize>; COUNT] = std::array::from_fn(|asset| table.column(ASSETS[asset].name));
    let mut last = [None; COUNT];
    let mut rows = Vec::new();
    for row in &table.rows {
        for (asset, column) in columns.iter().enumerate() {
            if let Some(price) = column.and_then(|column| row.prices[column]) {
                last[asset] = Some(price);
            }
        }
        let chosen = file.from.is_none_or(|from| row.time >= from) && file.to.is_none_or(|to| row.time <= to);
        if chosen && REQUIRED.iter().all(|asset| last[*asset].is_some()) {
            rows.push(Filled { line: row.line, time: row.time, prices: last });
        }
    }
    if rows.len() < 2 {
        let line = table.rows.last().map_or(1, |row| row.line);
        let what = "up to here fewer than two rows in the chosen time have prices of SOL, BTC and ETH";
        return Err(table.wrong(line, what.to_owned()));
    }
    Ok(rows)
}

/// What each asset is priced by: its column when the first row of the window has a value in it.
fn sources(first: &Filled) -> [StandIn; COUNT] {
    std::array::from_fn(|asset| match first.prices[asset] {
        Some(_) => StandIn::None,
        None => ASSETS[asset].stand_in,
    })
}

fn made_from(stand_in: StandIn, row: &Filled, elapsed: i64) -> Option<Decimal> {
    match stand_in {
        StandIn::None => None,
        StandIn::Dollar => Some(Decimal::in_e8(100_000_000)),
        StandIn::Bitcoin => Some(price(row, BTC)),
        StandIn::Sol { e12 } => price(row, SOL).times_e12(e12),
        StandIn::Staked { start_e6, yearly_e6 } => {
            let elapsed = u64::try_from(elapsed).ok()?;
            let grown = yearly_e6.checked_mul(1_000_000)?.checked_mul(elapsed)? / YEAR.unsigned_abs();
            price(row, SOL).times_e12(start_e6.checked_mul(1_000_000)?.checked_add(grown)?)
        }
    }
}

fn describe(table: &Table, rows: &[Filled]) -> String {
    let name = table.file.file_name().unwrap_or(table.file.as_os_str()).to_string_lossy();
    let (first, last) = (&rows[0], &rows[rows.len() - 1]);
    format!(
        "{name}, lines {} to {}: {} rows from {} to {}",
        first.line,
        last.line,
        rows.len(),
        ballast_cluster::text::date(first.time),
        ballast_cluster::text::date(last.time)
    )
}

fn notes(table: &Table, sources: &[StandIn; COUNT]) -> Vec<String> {
    let stand_ins = sources.iter().enumerate().filter(|(_, source)| **source != StandIn::None);
    let describe = |(asset, source): (usize, &StandIn)| {
        let name = ASSETS[asset].name;
        let why = if table.column(name).is_some() { " (its column starts later)" } else { "" };
        format!("{}{why}", source.describe(name))
    };
    let list: Vec<String> = stand_ins.map(describe).collect();
    if list.is_empty() { Vec::new() } else { vec![format!("stand-ins: {}", list.join("; "))] }
}
