//! What the validator accepts, and what that promises.
use crate::reference::*;
use ballast_risk::haircut::Depth;
use ballast_risk::liquidation::Bonus;
use ballast_risk::params::{
    Levels, MAX_BONUS, PriceParameters, RiskParameters, check_price, check_risk, check_validity,
};
use ballast_risk::{Error, Fraction};
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

const GOOD: PriceParameters = PriceParameters {
    max_age: 60,
    average_period: 3_600,
    confidence_multiple: 212,
    variance_period: 86_400,
    volatility_limit: 3 << 16,
};

/// Each bound by itself: the least and the largest value are accepted, their neighbours outside are not.
#[test]
fn price_parameters_are_checked() {
    let accepted = |change: &dyn Fn(&mut PriceParameters)| {
        let mut parameters = GOOD;
        change(&mut parameters);
        check_price(&parameters).is_ok()
    };
    for (x, good) in [(0, false), (1, true), (600, true), (601, false), (u32::MAX, false)] {
        assert_eq!(accepted(&|p| p.max_age = x), good, "age {x}");
    }
    for (x, good) in [(0, false), (1, true), (86_400, true), (86_401, false)] {
        assert_eq!(accepted(&|p| p.average_period = x), good, "average {x}");
    }
    for (x, good) in [(99, false), (100, true), (1_000, true), (1_001, false)] {
        assert_eq!(accepted(&|p| p.confidence_multiple = x), good, "confidence {x}");
    }
    for (x, good) in [(0, false), (1, true), (2_592_000, true), (2_592_001, false)] {
        assert_eq!(accepted(&|p| p.variance_period = x), good, "variance {x}");
    }
    for (x, good) in [(0xffff, false), (0x1_0000, true), (0x10_0000, true), (0x10_0001, false)] {
        assert_eq!(accepted(&|p| p.volatility_limit = x), good, "volatility {x}");
    }
    let wrong = PriceParameters { max_age: 0, ..GOOD };
    assert_eq!(check_price(&wrong), Err(Error::BadPriceParameters));
}

#[test]
fn validity_and_grace_are_checked() {
    for (validity, grace, good) in [
        (1, 86_400, true),
        (31_536_000, 1 << 24, true),
        (0, 86_400, false),
        (31_536_001, 86_400, false),
        (1, 86_399, false),
        (1, (1 << 24) + 1, false),
        (0, 0, false),
    ] {
        let expected = if good { Ok(()) } else { Err(Error::BadModel) };
        assert_eq!(check_validity(validity, grace), expected, "{validity} and {grace}");
    }
}

#[test]
fn the_largest_bonus_is_a_quarter() {
    assert_eq!(MAX_BONUS, Fraction::from_bps(2_500).unwrap());
}
