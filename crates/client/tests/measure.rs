//! Values of parameters as text: what is printed is read back, and nothing is rounded unsaid.

use ballast_client::measure::{duration, read, read_coefficient, seconds, write};
use ballast_client::parameters::{Row, variance_per_second};
use ballast_client::risk::{Fraction, Rate};
use ballast_client::table::Parameter::{self, *};

/// Numbers that look like nothing in particular.
fn numbers() -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ (state >> 29)
    })
}

#[test]
fn what_is_printed_is_read_back_to_the_same_number() {
    for parameter in Parameter::ALL {
        let row = parameter.row();
        let edges = [row.least, row.most, 0, 1, row.most / 2, row.most / 3, u64::from(u32::MAX) / 7];
        let random = numbers().take(2_000).map(|number| row.least + number % row.most.saturating_sub(row.least).max(1));
        for value in edges.into_iter().chain(random) {
            let text = write(*parameter, 9, value);
            assert_eq!(read(*parameter, 9, &text), Ok(value), "{} {text}", parameter.name());
        }
    }
}

#[test]
fn numbers_are_those_of_the_program_and_print_as_people_write_them() {
    let part = |bps| u64::from(Fraction::from_bps(bps).unwrap().get());
    let rate = |bps| u64::from(Rate::from_yearly_bps(bps).unwrap().get());
    for (parameter, text, value) in [
        (DepositCap, "250,000.5", 250_000_500_000_000),
        (HaircutInit, "12.5%", part(1_250)),
        (HaircutInit, "0%", 0),
        (HaircutInit, "0.01%", part(1)),
        (HaircutInit, "100%", u64::from(u32::MAX)),
        (Rate3, "4.5%", rate(450)),
        (Rate3, "200%", rate(20_000)),
        (CalibratedVariance, "5%", variance_per_second(500)),
        (CalibratedVariance, "off", 0),
        (Caution, "1.5x", 98_304),
        (ConfidenceMultiple, "2.12x", 212),
        (MaxAge, "90s", 90),
        (Delay, "2d", 172_800),
        (Delay, "36h", 129_600),
        (Depth, "$60,000,000", 60_000_000_000_000),
        (Depth, "off", 0),
        (BandHigh, "$1.02", 1_020_000_000_000),
        (BandHigh, "none", u64::MAX),
        (SourceChecks, "10", 10),
        (Conservative, "yes", 1),
    ] {
        assert_eq!(read(parameter, 9, text), Ok(value), "{text}");
        assert_eq!(write(parameter, 9, value), text);
    }
}

#[test]
fn other_ways_to_write_a_number_are_read_too() {
    for (parameter, text, value) in [
        (HaircutInit, "1250bps", read(HaircutInit, 0, "12.5%").unwrap()),
        (DepositCap, "1_000", 1_000_000_000_000),
        (DepositCap, "1,000", 1_000_000_000_000),
        (DepositCap, "12,345,678.5", 12_345_678_500_000_000),
        (Depth, "60000000", 60_000_000_000_000),
        (Caution, "1.5", 98_304),
        (Delay, "86400", 86_400),
        (MaxAge, "15min", 900),
        (Conservative, "off", 0),
        (HaircutInit, "raw:536870912", 536_870_912),
    ] {
        assert_eq!(read(parameter, 9, text), Ok(value), "{text}");
    }
}

#[test]
fn what_cannot_be_said_exactly_or_has_no_unit_is_refused_with_an_example() {
    for (parameter, text) in [
        (DepositCap, "0.0000001"),
        (DepositCap, "-5"),
        (DepositCap, ""),
        (HaircutInit, "0.5"),
        (HaircutInit, "100.1%"),
        (HaircutInit, "ten%"),
        (HaircutInit, "off"),
        (Rate0, "4.5"),
        (MaxAge, "1.5"),
        (MaxAge, "soon"),
        (Dust, "$0.0000001"),
        (Conservative, "maybe"),
        (DepositCap, "99999999999999999999999999"),
        (HaircutInit, "raw:x"),
        (Dust, "$$5"),
        (BandHigh, "$$5"),
        (Caution, "1.5xx"),
        (ConfidenceMultiple, "2.12xx"),
        // One and a half, and not fifteen.
        (HaircutInit, "1,5%"),
        (DepositCap, "1,5"),
        (DepositCap, "1,50"),
        (DepositCap, "1,5000"),
        (DepositCap, "1234,567"),
        (DepositCap, ",500"),
        (DepositCap, "1,000,"),
        (DepositCap, "1.000,5"),
        (DepositCap, "1.000,500"),
        (DepositCap, "1,000_000"),
    ] {
        let error = read(parameter, 6, text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{text}` is not ")), "{error}");
    }
}

#[test]
fn times_are_printed_in_the_largest_unit_that_is_exact() {
    let read_well = [0, 59, 60, 90, 3_600, 5_400, 86_400, 90_000, 604_800].map(duration);
    assert_eq!(read_well, ["0s", "59s", "1min", "90s", "1h", "90min", "1d", "25h", "7d"]);
    assert_eq!(["0s", "90", "1.5h", "7d", "x"].map(seconds), [Some(0), Some(90), Some(5_400), Some(604_800), None]);
}

#[test]
fn coefficients_are_those_that_basis_points_stand_for() {
    for (text, bps) in [("9%", 900i16), ("-25%", -2_500), ("+0.05%", 5), ("0%", 0), ("-0.01%", -1), ("199.99%", 19_999)]
    {
        let row = Row { loadings_bps: [bps, 0, 0, 0, 0, 0], ..Row::default() };
        assert_eq!(read_coefficient(text), Some(row.loadings()[0]), "{text}");
    }
    assert_eq!(["25", "%", "--1%", "++1%", "300%"].map(read_coefficient), [None; 5]);
}
