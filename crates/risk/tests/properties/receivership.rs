//! What the steps of a receivership cost, against rational numbers.
use crate::reference::*;
use ballast_risk::health::Health;
use ballast_risk::receivership::{cost_ceil, liquidators_part_floor, missing};
use ballast_risk::{Amount, Error, Fraction, Usd};
use proptest::prelude::*;

/// What has to be repaid is never less than what is seized without its bonus, and above it by less than two micro-dollars.
#[test]
fn a_seizure_is_paid_for() {
    holds((prices(), word(), fractions()), |(at, amount, bonus)| {
        let amount = Amount::new(amount);
        let Ok(cost) = cost_ceil(at, amount, bonus) else {
            prop_assert!(at.value_floor(amount).is_err());
            return Ok(());
        };
        let (value, grown) = (price(at) * Exact::int(amount.get()), Exact::one() + fraction(bonus));
        prop_assert!(Exact::int(cost.get()) * grown.clone() >= value);
        prop_assert!((Exact::int(cost.get()) - Exact::int(2)) * grown <= value);
        Ok(())
    });
}

/// What the reserve keeps of a bonus is not the liquidator's; what is lost by rounding is less than two of 2^-32.
#[test]
fn the_reserves_part_is_taken_off() {
    holds((fractions(), fractions()), |(bonus, share)| {
        let part = liquidators_part_floor(bonus, share).get();
        let exact = (u128::from(bonus.get()) * ((1 << 32) - u128::from(share.get()))) >> 32;
        prop_assert!(u128::from(part) <= exact && u128::from(part) + 2 >= exact);
        Ok(())
    });
    assert_eq!(liquidators_part_floor(Fraction::MAX, Fraction::MAX), Fraction::ZERO);
}

#[test]
fn the_distance_is_that_of_the_requirement_or_of_the_haircuts() {
    let usd = Usd::new;
    let health = Health { assets: usd(100), debts: usd(70), haircuts: usd(60), floor: usd(20), ..Health::default() };
    assert_eq!((missing(&health, true), missing(&health, false)), (-10, 30));
    let lost = Health { assets: usd(10), floor: usd(u64::MAX), ..health };
    assert_eq!((missing(&lost, true), missing(&lost, false)), (i64::MAX, 120));
}

/// A value that the number format does not hold is refused, not cut.
#[test]
fn a_value_out_of_range_is_refused() {
    let dear = ballast_risk::price::Price::from_decimal_floor(1_000_000_000, 0, 6).unwrap();
    assert_eq!(cost_ceil(dear, Amount::MAX, Fraction::ZERO), Err(Error::ValueOutOfRange));
}
