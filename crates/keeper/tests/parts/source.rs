//! Prices that somebody writes to a file.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ballast_keeper::prices::hermes::update::Price;
use ballast_keeper::prices::source::{PriceSource, hex, read};
use ballast_keeper::prices::{Quotes, Written};
use serde_json::json;

const FEED: [u8; 32] = [3; 32];

fn parsed(price: &str) -> String {
    let said = json!({"price": price, "conf": "7000", "expo": -8, "publish_time": 1_750_000_060});
    json!({"parsed": [{"id": hex(&FEED), "price": said}]}).to_string()
}

async fn ask(text: &str, age: Duration, feeds: &[[u8; 32]]) -> Result<Quotes, String> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("prices.json");
    fs::write(&path, text).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    let source = Written::new(path, Duration::from_secs(60));
    assert_eq!(source.name(), "file");
    source.latest(feeds).await.map_err(|error| format!("{error:#}"))
}

#[tokio::test]
async fn a_file_without_proofs_has_prices_to_compare_and_none_to_post() {
    let quotes = ask(&parsed("15000000000"), Duration::ZERO, &[FEED]).await.unwrap();
    let price =
        Price { feed: FEED, price: 15_000_000_000, confidence: 7_000, exponent: -8, publish_time: 1_750_000_060 };
    assert_eq!(quotes, Quotes { prices: vec![price], updates: vec![] });
}

#[tokio::test]
async fn a_file_that_nobody_writes_any_more_says_nothing() {
    let error = ask(&parsed("1"), Duration::from_secs(90), &[FEED]).await.unwrap_err();
    assert!(error.contains("has not been written for 90 s; prices.file.most_age_seconds is 60"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_names_the_file() {
    for (text, part) in [
        ("{", "it is not the JSON of prices"),
        ("{}", "there is not one price in it"),
        (parsed("150.25").as_str(), "the price \"150.25\" is not a whole number"),
        (parsed("1").replace("0303", "zz").as_str(), "is not hexadecimal"),
        (parsed("1").replacen("03", "", 1).as_str(), "does not have 32 bytes"),
    ] {
        let error = ask(text, Duration::ZERO, &[FEED]).await.unwrap_err();
        assert!(error.contains("prices.json") && error.contains(part), "{error}");
    }
    let error = ask(&parsed("1"), Duration::ZERO, &[[4; 32]]).await.unwrap_err();
    assert!(error.ends_with("prices.json has no price of this market"), "{error}");
}

#[test]
fn updates_are_read_in_hexadecimal_too() {
    let cut = json!({"binary": {"encoding": "hex", "data": ["504e4155"]}}).to_string();
    assert!(format!("{:#}", read(cut.as_bytes()).unwrap_err()).contains("cut off"));
}
