//! The rate of a liquid-staking token, and the limit of its growth.
use crate::reference::*;
use ballast_risk::staking::{grown_floor, rate_floor};
use ballast_risk::{Error, Fraction};
use num_bigint::BigInt;
use proptest::prelude::*;

const YEAR: u64 = 31_536_000;

#[test]
fn a_rate_rounds_down() {
    holds((word(), word()), |(base, tokens)| {
        let exact = (u128::from(base) << 32).checked_div(u128::from(tokens)).and_then(|rate| u64::try_from(rate).ok());
        prop_assert_eq!(rate_floor(base, tokens).ok(), exact);
        Ok(())
    });
}

/// `rate x (1 + limit x elapsed / year)`: the growth lacks less than 2^-32 of the rate and one tick, and is never too large.
/// It saturates, and counts at most 2^32 seconds.
#[test]
fn growth_is_at_most_the_limit() {
    // Half to four base tokens, two years.
    let usual = (between(1 << 31, 1 << 34), fractions(), between(0, 2 * YEAR));
    holds(prop_oneof![usual, (word(), fractions(), word())], |(rate, limit, elapsed)| {
        let got = grown_floor(rate, limit, elapsed);
        let seconds = elapsed.min(u64::from(u32::MAX));
        let year: BigInt = BigInt::from(YEAR) << 32;
        let grown: BigInt = BigInt::from(rate) * limit.get() * seconds / year;
        let most = (grown + rate).min(BigInt::from(u64::MAX));
        prop_assert!(got >= rate && BigInt::from(got) <= most);
        let lost = most - got;
        prop_assert!(lost <= BigInt::from(rate >> 32) + 2, "{}", lost);
        Ok(())
    });
}

/// More time or a higher limit never allows less.
#[test]
fn growth_is_monotone() {
    holds((word(), fractions(), fractions(), word(), word()), |(rate, a, b, s, t)| {
        let grown = |limit, elapsed| grown_floor(rate, limit, elapsed);
        prop_assert!(grown(a, s.min(t)) <= grown(a, s.max(t)));
        prop_assert!(grown(a.min(b), s) <= grown(a.max(b), s));
        Ok(())
    });
}

#[test]
fn staking_by_hand() {
    const ONE: u64 = 1 << 32;
    assert_eq!(rate_floor(6, 5), Ok(ONE + ONE / 5));
    assert_eq!(rate_floor(0, 5), Ok(0));
    assert_eq!(rate_floor(5, 0), Err(Error::PriceOutOfRange));
    assert_eq!(rate_floor(u64::MAX, 1), Err(Error::PriceOutOfRange));
    let eighth = Fraction::new(1 << 29);
    assert_eq!(grown_floor(ONE, eighth, 0), ONE);
    assert_eq!(grown_floor(ONE, eighth, YEAR), ONE + ONE / 8);
    assert_eq!(grown_floor(2 * ONE, eighth, YEAR / 2), 2 * ONE + ONE / 8);
    assert_eq!(grown_floor(ONE, eighth, 4 * YEAR), ONE + ONE / 2);
    assert_eq!(grown_floor(ONE, Fraction::ZERO, YEAR), ONE);
    assert_eq!(grown_floor(u64::MAX, eighth, YEAR), u64::MAX);
    assert_eq!(grown_floor(ONE, Fraction::MAX, u64::MAX), grown_floor(ONE, Fraction::MAX, u64::from(u32::MAX)));
}
