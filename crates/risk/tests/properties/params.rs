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

/// A price used at `Init` may be as old as one that is used at all, not older; a band may be a single price, not less.
#[test]
fn price_parameters_are_checked_together() {
    for (max_age, max_age_init, good) in [(60, 60, true), (60, 1, true), (60, 61, false), (1, 2, false)] {
        for (band_low, band_high, open) in [(0, u64::MAX, true), (5, 5, true), (6, 5, false)] {
            let expected = if good && open { Ok(()) } else { Err(Error::BadPriceParameters) };
            assert_eq!(check_price(&PriceParameters { max_age, max_age_init, band_low, band_high }), expected);
        }
    }
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
