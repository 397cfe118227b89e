//! From a table to a path: gaps, stand-ins, the chosen rows.

use ballast_localnet::catalogue::{BTC, ETH, JITOSOL, SOL, USDC, USDT};
use ballast_localnet::prices::replay::PriceFile;
use ballast_localnet::prices::{Path, replay};

use crate::Scratch;

fn load(name: &str, content: &str, rows: usize, from: Option<i64>, to: Option<i64>) -> Result<Path, String> {
    let file = Scratch::new(name, content);
    replay::load(&PriceFile { path: file.0.clone(), rows, from, to }).map_err(|wrong| wrong.to_string())
}

fn column(path: &Path, asset: usize) -> Vec<f64> {
    path.frames.iter().map(|frame| frame.prices[asset].as_f64()).collect()
}

const TABLE: &str = "\
timestamp,SOL,BTC,ETH,USDC
1000,,100,10,
2000,4,100,10,
3000,,90,9,0.99
4000,2,,8,
5000,3,80,8,1.01
";

#[test]
fn gaps_repeat_the_last_price_and_early_rows_are_left_out() {
    let path = load("gaps", TABLE, 120, None, None).unwrap();
    let times: Vec<_> = path.frames.iter().map(|frame| frame.time).collect();
    assert_eq!(times, [2000, 3000, 4000, 5000]);
    assert_eq!(column(&path, SOL), [4.0, 4.0, 2.0, 3.0]);
    assert_eq!(column(&path, BTC), [100.0, 90.0, 90.0, 80.0]);
    assert_eq!(column(&path, ETH), [10.0, 9.0, 8.0, 8.0]);
}

#[test]
fn a_column_that_starts_later_is_not_mixed_with_its_stand_in() {
    let path = load("late", TABLE, 120, None, None).unwrap();
    assert_eq!(column(&path, USDC), [1.0; 4]);
    assert!(path.notes[0].contains("USDC at 1.00 dollar (its column starts later)"), "{:?}", path.notes);
    let path = load("in-time", TABLE, 120, Some(3000), None).unwrap();
    assert_eq!(column(&path, USDC), [0.99, 0.99, 1.01]);
    assert!(!path.notes[0].contains("USDC"), "{:?}", path.notes);
}

#[test]
fn stand_ins_are_named() {
    let path = load("named", TABLE, 120, None, None).unwrap();
    assert_eq!(column(&path, USDT), [1.0; 4]);
    let first = path.frames[0].prices[JITOSOL].as_f64();
    assert!((first - 4.0 * 1.15).abs() < 1e-9, "{first}");
    assert!(column(&path, JITOSOL)[3] > 3.0 * 1.15, "grows with time");
    for name in ["JitoSOL", "USDT", "JUP", "JTO", "BONK", "PYTH", "RAY", "WBTC"] {
        assert!(path.notes[0].contains(name), "{name}: {:?}", path.notes);
    }
}

#[test]
fn the_chosen_rows() {
    let path = load("chosen", TABLE, 2, None, None).unwrap();
    // The deepest fall over one row is that of SOL from 3000 to 4000.
    assert_eq!(path.frames.iter().map(|frame| frame.time).collect::<Vec<_>>(), [3000, 4000]);
    let path = load("to", TABLE, 120, None, Some(3000)).unwrap();
    assert_eq!(path.frames.len(), 2);
    assert!(path.source.contains("lines 3 to 4: 2 rows from 1970-01-01 00:33"), "{}", path.source);
}

#[test]
fn too_little_is_refused_with_the_last_line() {
    let wrong = load("none", "timestamp,SOL,BTC,ETH\n1,,2,3\n2,,2,3\n", 120, None, None).unwrap_err();
    assert!(wrong.contains(":3: ") && wrong.contains("fewer than two rows"), "{wrong}");
    let wrong = load("outside", TABLE, 120, Some(9000), None).unwrap_err();
    assert!(wrong.contains(":6: "), "{wrong}");
}
