//! Choosing the rows around the deepest fall.

use ballast_localnet::prices::window::{around_deepest_fall, deepest_fall};

fn column(values: &[f64]) -> Vec<[f64; 1]> {
    values.iter().map(|value| [*value]).collect()
}

#[test]
fn finds_the_fall_within_the_length() {
    let prices = column(&[10.0, 9.0, 20.0, 15.0, 10.0, 12.0, 4.0]);
    let fall = deepest_fall(&prices, 2).unwrap();
    assert_eq!((fall.from, fall.to), (5, 6));
    let fall = deepest_fall(&prices, 4).unwrap();
    assert_eq!((fall.from, fall.to), (2, 6));
    assert!((fall.depth - 0.8).abs() < 1e-12);
}

#[test]
fn averages_over_assets() {
    // The first halves, the second doubles: in the mean they rise.
    let prices = [[10.0, 1.0], [5.0, 2.0], [5.0, 1.9]];
    let fall = deepest_fall(&prices, 2).unwrap();
    assert_eq!((fall.from, fall.to), (1, 2));
}

#[test]
fn nothing_falls() {
    assert_eq!(deepest_fall(&column(&[1.0, 2.0, 3.0]), 2), None);
    assert_eq!(around_deepest_fall(&column(&[1.0, 2.0, 3.0, 4.0]), 2), 0..2);
}

#[test]
fn the_window_has_its_length_at_both_ends() {
    let mut values = vec![100.0; 100];
    values[98] = 1.0;
    assert_eq!(around_deepest_fall(&column(&values), 40), 60..100);
    let mut values = vec![100.0; 100];
    values[1] = 1.0;
    assert_eq!(around_deepest_fall(&column(&values), 40), 0..40);
    assert_eq!(around_deepest_fall(&column(&[3.0, 2.0, 1.0]), 40), 0..3);
}
