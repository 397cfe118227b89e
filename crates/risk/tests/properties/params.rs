//! What the validator accepts, and what that promises.
use crate::reference::*;
use ballast_risk::Fraction;
use ballast_risk::haircut::Depth;
use ballast_risk::liquidation::Bonus;
use ballast_risk::params::{
    Levels, MAX_AGE_LIMIT, MAX_AVERAGE_PERIOD, MAX_BONUS, MAX_CONFIDENCE_MULTIPLE, RiskParameters, check_price,
    check_risk,
};
use proptest::prelude::*;

/// Ordered levels, an ordered bonus of at most a quarter, and `bonus x (1 - haircut) <= haircut` at maintenance: refused
/// if it fails by more than 2^-31 (the product is rounded down, and `1 - haircut` is 2^-32 short), accepted if it holds.
#[test]
fn risk_parameters_are_checked() {
    let three = || prop::array::uniform3(fractions());
    // Sorted in most cases, with a bonus around the largest that fits.
    let input = (three(), three(), three(), any::<u8>(), -4i64..=4).prop_map(|(mut h, mut g, mut b, keep, off)| {
        if keep & 7 != 0 {
            h.sort();
            g.sort();
            b[..2].sort();
        }
        if keep & 0x30 != 0 {
            let h = u128::from(h[0].get());
            let fits = (h << 32) / ((1u128 << 32) - h);
            let most = (i128::try_from(fits).unwrap() + i128::from(off)).clamp(0, 0xffff_ffff);
            b[1] = Fraction::new(u32::try_from(most).unwrap());
            b[0] = b[0].min(b[1]);
        }
        let levels = |x: [Fraction; 3]| Levels { maint: x[0], target: x[1], init: x[2] };
        let bonus = Bonus { least: b[0], most: b[1], slope: b[2] };
        RiskParameters { haircuts: levels(h), addons: levels(g), depth: Depth::OFF, bonus }
    });
    holds(input, |parameters| {
        let RiskParameters { haircuts, addons, bonus, .. } = parameters;
        let ordered = |l: Levels| l.maint <= l.target && l.target <= l.init;
        let plain = ordered(haircuts) && ordered(addons) && bonus.least <= bonus.most && bonus.most <= MAX_BONUS;
        let h = fraction(haircuts.maint);
        let taken = fraction(bonus.most) * (Exact::one() - &h);
        let accepted = check_risk(&parameters).is_ok();
        if !plain || taken > &h + Exact::tick(31) {
            prop_assert!(!accepted);
        } else if taken <= h {
            prop_assert!(accepted);
        }
        Ok(())
    });
}

#[test]
fn price_parameters_are_checked() {
    let near = |limit: u32| prop_oneof![Just(0), Just(1), Just(limit), Just(limit + 1), 1..=limit, any::<u32>()];
    let multiple = prop_oneof![95u16..=105, 995u16..=1005, any::<u16>()];
    holds((near(MAX_AGE_LIMIT), near(MAX_AVERAGE_PERIOD), multiple), |(age, period, multiple)| {
        let good = age > 0
            && age <= MAX_AGE_LIMIT
            && period > 0
            && period <= MAX_AVERAGE_PERIOD
            && (100..=MAX_CONFIDENCE_MULTIPLE).contains(&multiple);
        prop_assert_eq!(check_price(age, period, multiple).is_ok(), good);
        Ok(())
    });
}
