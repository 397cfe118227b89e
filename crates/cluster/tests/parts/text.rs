//! Numbers and times for people.

use ballast_cluster::text::{date, dollars, grouped, percent, price, tokens};

#[test]
fn numbers() {
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped(1_234_567), "1,234,567");
    assert_eq!(dollars(1_499_999), "$1");
    assert_eq!(dollars(1_234_500_000), "$1,235");
    assert_eq!(percent(0.12345), "12.35 %");
    assert_eq!(price(64_250.0), "64250.00");
    assert_eq!(price(0.0000221), "0.0000221000");
}

#[test]
fn amounts_of_tokens() {
    assert_eq!(tokens(0, 9), "0");
    assert_eq!(tokens(1_500_000, 6), "1.500");
    assert_eq!(tokens(12_345_000_000, 9), "12.35");
    assert_eq!(tokens(20_495_070_000_000, 9), "20.50k");
    assert_eq!(tokens(3_235_504_057_615_000, 5), "32.36B");
    assert_eq!(tokens(9_999_000_000, 6), "9999");
    assert_eq!(tokens(u64::MAX, 0), "18446744T");
    assert_eq!(tokens(123_449_999_999_999_999, 9), "123.4M");
    assert_eq!((tokens(49_999, 9), tokens(50_000, 9)), ("0.0000".to_owned(), "0.0001".to_owned()));
    assert_eq!((tokens(u64::MAX, 39), tokens(u64::MAX, 38)), ("0".to_owned(), "0.0000".to_owned()));
}

#[test]
fn dates() {
    assert_eq!(date(0), "1970-01-01 00:00");
    assert_eq!(date(1_583_971_199), "2020-03-11 23:59");
    assert_eq!(date(1_709_164_800), "2024-02-29 00:00");
    assert_eq!(date(1_735_689_600), "2025-01-01 00:00");
}
