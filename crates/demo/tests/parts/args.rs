//! The command line.

use ballast_demo::args::{Arguments, parse};
use ballast_localnet::prices::replay::PriceFile;

fn read(line: &str) -> Result<Option<Arguments>, String> {
    parse(line.split_whitespace().map(str::to_owned))
}

fn refused(line: &str, because: &str) {
    let wrong = read(line).unwrap_err();
    assert!(wrong.contains(because), "{line}: {wrong}");
}

#[test]
fn defaults() {
    let arguments = read("--program a.so").unwrap().unwrap();
    assert_eq!(arguments, Arguments { program: "a.so".into(), vaults: 64, seed: 7, prices: None });
}

#[test]
fn everything() {
    let line = "--program a.so --vaults=100 --seed 3 --prices p.csv --rows 50 --from 10 --to=20";
    let arguments = read(line).unwrap().unwrap();
    assert_eq!((arguments.vaults, arguments.seed), (100, 3));
    let prices = PriceFile { path: "p.csv".into(), rows: 50, from: Some(10), to: Some(20) };
    assert_eq!(arguments.prices, Some(prices));
}

#[test]
fn help_is_no_error() {
    assert_eq!(read("--help"), Ok(None));
    assert_eq!(read("--program a.so -h"), Ok(None));
}

#[test]
fn what_is_refused() {
    refused("", "--program is missing");
    refused("--program", "--program needs a value");
    refused("--program a.so --vaults 59", "60 to 1000");
    refused("--program a.so --vaults many", "whole number");
    refused("--program a.so --seed -1", "whole number");
    refused("--program a.so --colour red", "no option --colour");
    refused("--program a.so --program b.so", "given twice");
    refused("--program a.so --rows 50", "belong to --prices");
    refused("--program a.so --prices p.csv --from 20 --to 20", "not before");
}
