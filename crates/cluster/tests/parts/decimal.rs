//! Prices as decimals, exactly.

use ballast_cluster::decimal::{Decimal, NotAPrice};

fn parsed(text: &str) -> (i64, i32) {
    let Decimal { number, exponent } = Decimal::parse(text).unwrap();
    (number, exponent)
}

#[test]
fn the_usual_exponent_where_it_fits() {
    assert_eq!(parsed("1"), (100_000_000, -8));
    assert_eq!(parsed("29374.15"), (2_937_415_000_000, -8));
    assert_eq!(parsed("+0.10"), (10_000_000, -8));
    assert_eq!(parsed(".5"), (50_000_000, -8));
    assert_eq!(parsed("5."), (500_000_000, -8));
    assert_eq!(parsed("007"), (700_000_000, -8));
}

#[test]
fn finer_numbers_keep_their_digits() {
    assert_eq!(parsed("0.000022193"), (22_193, -9));
    assert_eq!(parsed("1.5e-05"), (1_500, -8));
    assert_eq!(parsed("2.2193E-5"), (22_193, -9));
    assert_eq!(parsed("0.000000000000000001"), (1, -18));
    assert_eq!(parsed("12e3"), (1_200_000_000_000, -8));
}

#[test]
fn large_numbers_stop_before_they_overflow() {
    assert_eq!(parsed("9223372036854775807"), (i64::MAX, 0));
    assert_eq!(parsed("922337203685.4775807"), (i64::MAX, -7));
    assert_eq!(Decimal::parse("9223372036854775808"), Err(NotAPrice::OutOfRange));
    assert_eq!(Decimal::parse("1e19"), Err(NotAPrice::OutOfRange));
}

#[test]
fn what_is_no_price() {
    for text in
        ["", "-", "n/a", "NaN", "nan", "inf", "-inf", "Infinity", "1,5", "1.2.3", "0x10", "1e", "1e1.5", "--1", "1 2"]
    {
        assert_eq!(Decimal::parse(text), Err(NotAPrice::NotANumber), "{text:?}");
    }
    assert_eq!(Decimal::parse("-1.5"), Err(NotAPrice::Negative));
    assert_eq!(Decimal::parse("0"), Err(NotAPrice::Zero));
    assert_eq!(Decimal::parse("-0.000"), Err(NotAPrice::Zero));
    assert_eq!(Decimal::parse("0.0000000000000000001"), Err(NotAPrice::OutOfRange));
    assert_eq!(Decimal::parse("1e-2147483648"), Err(NotAPrice::OutOfRange));
    assert_eq!(Decimal::parse("0.1e-2147483648"), Err(NotAPrice::OutOfRange));
    assert_eq!(Decimal::parse("1e2147483647"), Err(NotAPrice::OutOfRange));
}

#[test]
fn products_are_rounded_down() {
    // 3.3333 x 0.5.
    let half = Decimal { number: 33_333, exponent: -4 }.times_e12(500_000_000_000).unwrap();
    assert_eq!((half.number, half.exponent), (16_666_500_000_000_000, -16));
    // A tiny part of a small number keeps its digits.
    let part = Decimal::in_e8(150_000_000).times_e12(130_000).unwrap();
    assert!((part.as_f64() / 1.95e-7 - 1.0).abs() < 1e-9, "{part:?}");
    assert_eq!(Decimal { number: 1, exponent: -18 }.times_e12(1), None);
}
