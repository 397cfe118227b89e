//! Every way in which a table of prices is refused, with its line.

use ballast_localnet::prices::file::Table;

use crate::Scratch;

const REQUIRED: [&str; 3] = ["SOL", "BTC", "ETH"];

fn refused(name: &str, content: impl AsRef<[u8]>, line: u64, because: &str) {
    let file = Scratch::new(name, content);
    let wrong = Table::read(&file.0, &REQUIRED).unwrap_err();
    let text = wrong.to_string();
    assert_eq!(wrong.line, Some(line), "{text}");
    assert!(text.starts_with(&format!("{}:{line}: ", file.0.display())), "{text}");
    assert!(wrong.what.contains(because), "{text}");
}

/// A good header and a good first row, then `rows`.
fn after(rows: &str) -> String {
    format!("timestamp,SOL,BTC,ETH\n1600000000,3.5,10000,350\n{rows}\n")
}

#[test]
fn a_good_table() {
    let file = Scratch::new("good", "timestamp,eth,DAI,BTC,SOL\r\n10, 350 ,,10000,3.5\r\n\r\n20,351,1.0,,2e-3\r\n");
    let table = Table::read(&file.0, &REQUIRED).unwrap();
    assert_eq!(table.columns, ["eth", "DAI", "BTC", "SOL"]);
    assert_eq!(table.column("ETH"), Some(0));
    let times: Vec<_> = table.rows.iter().map(|row| (row.line, row.time)).collect();
    assert_eq!(times, [(2, 10), (4, 20)]);
    let given: Vec<_> = table.rows[1].prices.iter().map(Option::is_some).collect();
    assert_eq!(given, [true, true, false, true]);
}

#[test]
fn no_file() {
    let wrong = Table::read("/no/such/table.csv".as_ref(), &REQUIRED).unwrap_err();
    assert!(wrong.to_string().starts_with("/no/such/table.csv: cannot be read: "), "{wrong}");
}

#[test]
fn headers() {
    refused("empty", "", 1, "the file is empty");
    refused("time", "time,SOL,BTC,ETH\n1,1,1,1\n", 1, "\"time\" instead of \"timestamp\"");
    refused("missing", "timestamp,SOL,ETH\n1,1,1\n", 1, "missing column BTC");
    refused("missing-two", "timestamp,ETH\n1,1\n", 1, "missing column SOL, BTC");
    refused("twice", "timestamp,SOL,BTC,ETH,btc\n1,1,1,1,1\n", 1, "two columns btc");
    refused("unnamed", "timestamp,SOL,,BTC,ETH\n1,1,1,1,1\n", 1, "no name");
}

#[test]
fn no_rows() {
    refused("rows", "timestamp,SOL,BTC,ETH\n", 1, "no row");
    refused("blank-rows", "timestamp,SOL,BTC,ETH\n\n\n", 1, "no row");
}

#[test]
fn field_counts() {
    refused("few", after("1600003600,3.5,10000"), 3, "3 fields instead of 4");
    refused("many", after("1600003600,3.5,10000,350,1"), 3, "5 fields instead of 4");
}

#[test]
fn times() {
    refused("duplicate", after("1600000000,3.5,10000,350"), 3, "stands twice, first in line 2");
    refused("unsorted", after("1599999999,3.5,10000,350"), 3, "is before the one of line 2");
    refused("text-time", after("2020-09-13,3.5,10000,350"), 3, "whole number of seconds");
    refused("fraction", after("1600003600.5,3.5,10000,350"), 3, "whole number of seconds");
    refused("no-time", after(",3.5,10000,350"), 3, "whole number of seconds");
    refused("milliseconds", after("1600003600000,3.5,10000,350"), 3, "not in unix seconds");
    refused("before-1970", "timestamp,SOL,BTC,ETH\n-5,1,1,1\n", 2, "not in unix seconds");
}

#[test]
fn prices() {
    refused("text", after("1600003600,3.5,abc,350"), 3, "the price of BTC, \"abc\", is not a decimal number");
    refused("negative", after("1600003600,-3.5,10000,350"), 3, "the price of SOL, \"-3.5\", is negative");
    refused("zero", after("1600003600,3.5,10000,0.00"), 3, "is zero");
    refused("nan", after("1600003600,3.5,NaN,350"), 3, "is not a decimal number");
    refused("inf", after("1600003600,3.5,10000,inf"), 3, "is not a decimal number");
    refused("huge", after("1600003600,3.5,1e30,350"), 3, "too large");
    refused("quoted", after("1600003600,3.5,\"10000\",350"), 3, "is not a decimal number");
}

#[test]
fn lines_are_counted_with_blank_ones_and_carriage_returns() {
    refused("blank", after("\n\n1600003600,3.5,x,350"), 5, "is not a decimal number");
    refused("crlf", "timestamp,SOL,BTC,ETH\r\n10,1,1,1\r\n20,1,x,1\r\n", 3, "is not a decimal number");
}

#[test]
fn columns_that_nobody_needs_are_checked_too() {
    refused("other", "timestamp,SOL,BTC,ETH,DOGE\n10,1,1,1,much\n", 2, "the price of DOGE");
}

#[test]
fn not_text() {
    refused("latin", b"timestamp,SOL,BTC,ETH\n10,1,\xe9,1\n", 2, "UTF-8");
}
