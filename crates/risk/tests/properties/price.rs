//! Prices against exact arithmetic: what an oracle's decimal becomes, how it moves, what it makes of amounts.
use crate::reference::*;
use ballast_risk::price::{MAX_SHIFT, MIN_SHIFT, Price, Unit, average_weight, pico_dollars_floor};
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Amount, Error, Index, Rate, Shares, Usd};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

/// `number x 10^exponent` dollars a token in micro-dollars a native unit.
fn decimal(number: u64, exponent: i32, decimals: u8) -> BigRational {
    let power = exponent + 6 - i32::from(decimals);
    let ten = BigInt::from(10).pow(power.unsigned_abs());
    if power < 0 { rational(number, ten) } else { rational(BigInt::from(number) * ten, 1) }
}

fn binary(price: Price) -> BigRational {
    rational(price.mantissa(), BigInt::from(1) << u32::from(price.shift()))
}

/// Never above the exact price, and below it by less than 2^-62 of it: the quotient or product that is rounded down
/// has at least 63 bits. Refused exactly when the price is not in [2^(63 - MAX_SHIFT), 2^(64 - MIN_SHIFT)), or the
/// decimal power does not lie within 27 of zero; rounding down cannot leave that range, its ends being dyadic.
#[test]
fn a_decimal_rounds_down_and_is_refused_only_when_it_does_not_fit() {
    let input = (word(), -30i32..=12, 0u8..=18);
    holds(input, |(number, exponent, decimals)| {
        let exact = decimal(number, exponent, decimals);
        let power = exponent + 6 - i32::from(decimals);
        let low = rational(1, BigInt::from(1) << (MAX_SHIFT - 63));
        let high = rational(BigInt::from(1) << (64 - MIN_SHIFT), 1);
        let fits = exact >= low && exact < high && power.abs() <= 27;
        match Price::from_decimal_floor(number, exponent, decimals) {
            Ok(price) => {
                prop_assert!(fits);
                let lost = &exact - binary(price);
                prop_assert!(lost >= rational(0, 1));
                prop_assert!(lost * (BigInt::from(1) << 62) < exact);
            }
            Err(error) => {
                prop_assert_eq!(error, Error::PriceOutOfRange);
                prop_assert!(!fits);
            }
        }
        Ok(())
    });
}

/// What the model promises to hold: 1e-15 to 1e9 dollars a token at 0 to 18 decimals, as far as one native unit is worth
/// at least 2^-117 and less than 2^31 micro-dollars, from any oracle exponent with which the number has 64 bits.
#[test]
fn every_price_of_the_model_fits() {
    let input = (-15i32..=9, any::<u64>(), 0i32..=9, 0u8..=18);
    holds(input, |(magnitude, digits, places, decimals)| {
        // One to ten significant digits, shifted to the magnitude.
        let number = (digits % 10u64.pow(u32::try_from(places).unwrap() + 1)).max(1);
        let exponent = magnitude - places;
        let exact = decimal(number, exponent, decimals);
        let listed = exact < rational(1u64 << 31, 1) && exponent + 6 - i32::from(decimals) >= -27;
        prop_assert_eq!(Price::from_decimal_floor(number, exponent, decimals).is_ok(), listed);
        Ok(())
    });
}

/// The quotient has 63 or 64 bits and is that of the long division, whichever way it was made.
#[test]
fn a_decimal_divides_exactly() {
    holds((word(), 1u32..=27), |(number, power)| {
        let number = number.max(1);
        let five = BigInt::from(5).pow(power);
        let places = u64::from(number.leading_zeros()) + 63 - (64 - five.bits());
        let quotient = u64::try_from((BigInt::from(number) << places) / five).unwrap();
        let exponent = -6 - i32::try_from(power).unwrap();
        let shift = quotient.leading_zeros();
        if let Ok(price) = Price::from_decimal_floor(number, exponent, 0) {
            prop_assert_eq!(price.mantissa(), quotient << shift);
        }
        Ok(())
    });
}

/// Nonsense exponents and decimals are refused, not computed.
#[test]
fn any_decimal_is_decided() {
    holds((word(), any::<i32>(), any::<u8>()), |(number, exponent, decimals)| {
        let _ = Price::from_decimal_floor(number, exponent, decimals);
        Ok(())
    });
}

/// `self x (1 - f)`: the part taken off is at most one unit of the mantissa too large, so at most 2^-63 of the price.
/// Refused only when what is left lies (within that) below the smallest price.
#[test]
fn lowered_rounds_down() {
    holds((prices(), fractions()), |(p, f)| {
        let exact = price(p) * (Exact::one() - fraction(f));
        let unit = Exact::tick(u32::from(p.shift()));
        match p.lowered_floor(f) {
            Ok(low) => {
                let low = price(low);
                prop_assert!(low <= exact);
                prop_assert!(exact - low <= unit);
            }
            Err(_) => prop_assert!(exact - unit < Exact::tick(MAX_SHIFT - 63)),
        }
        Ok(())
    });
}

/// `self x (1 + f)`: the part added is at most one unit of the mantissa too large; a sum of 65 bits is halved, each
/// term rounded down, plus one, so at most two units more. Three units are less than 2^-61 of the price.
#[test]
fn raised_rounds_up() {
    holds((prices(), fractions()), |(p, f)| {
        let exact = price(p) * (Exact::one() + fraction(f));
        let bound = Exact::new(3, u32::from(p.shift()));
        match p.raised_ceil(f) {
            Ok(high) => {
                let high = price(high);
                prop_assert!(high >= exact);
                prop_assert!(high - exact <= bound);
            }
            Err(_) => prop_assert!(exact + bound >= Exact::int(1u64 << (64 - MIN_SHIFT))),
        }
        Ok(())
    });
}

#[test]
fn the_smaller_and_the_larger_of_two() {
    holds((prices(), prices()), |(a, b)| {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!((low == a && high == b) || (low == b && high == a));
        prop_assert!(price(low) <= price(high));
        Ok(())
    });
}

#[test]
fn between_half_and_double() {
    let near = (prices(), any::<u64>(), 0u64..4, 0u64..4).prop_map(|(p, m, up, nudge)| {
        let shift = u64::from(p.shift()) + up;
        // Also exactly half, the same and double, and their neighbours.
        let mantissa = if nudge == 3 { m } else { p.mantissa().wrapping_add(nudge).wrapping_sub(1) };
        (p, priced(mantissa, shift.saturating_sub(1)))
    });
    holds(prop_oneof![near, (prices(), prices())], |(a, b)| {
        let exact = price(a).halved(1) <= price(b) && price(b).halved(1) <= price(a);
        prop_assert_eq!((a.within_double(b), b.within_double(a)), (exact, exact));
        Ok(())
    });
}

/// `self x rate`: the product without its lower half has 63 bits at least, so it lost less than 2^-62 of itself. Refused
/// exactly when the product is not in the range of a price, which is dyadic; never above.
#[test]
fn a_price_times_a_rate_rounds_down() {
    let usual = (prices(), between(1 << 30, 1 << 36));
    holds(prop_oneof![usual, (prices(), word())], |(p, rate)| {
        let exact = price(p) * Exact::new(rate, 32);
        let fits = exact >= Exact::tick(MAX_SHIFT - 63) && exact < Exact::int(1u64 << (64 - MIN_SHIFT));
        match p.times_floor(rate) {
            Ok(product) => {
                prop_assert!(fits);
                let lost = &exact - price(product);
                prop_assert!(!lost.negative() && lost < exact.halved(62));
            }
            Err(error) => {
                prop_assert_eq!(error, Error::PriceOutOfRange);
                prop_assert!(!fits);
            }
        }
        Ok(())
    });
}

/// Never too high, and too low by less than 2^-30 of it and one; `u64::MAX` stands for what has more bits.
#[test]
fn pico_dollars_of_a_whole_token() {
    // Prices whose number of pico-dollars has any number of bits, or any.
    let sized = (word(), 0u8..=18, 0u64..=70).prop_map(|(m, decimals, bits)| {
        let power = u64::from(decimals) + 6;
        (priced(m, (64 + power + power * 7 / 3).saturating_sub(bits)), decimals)
    });
    holds(prop_oneof![sized, (prices(), 0u8..=18)], |(p, decimals)| {
        let exact = (price(p) * Exact::int(BigInt::from(10).pow(u32::from(decimals) + 6))).to_integer();
        let got = BigInt::from(p.pico_dollars_floor(decimals));
        let most = BigInt::from(u64::MAX);
        prop_assert!(got <= exact || got == most);
        if got == most {
            prop_assert!(exact >= most, "saturated too early");
        } else {
            let allowed: BigInt = (exact.clone() >> 30u32) + 1;
            prop_assert!(exact - got <= allowed);
        }
        Ok(())
    });
}

/// Rounded down exactly, saturating.
#[test]
fn pico_dollars_of_a_decimal() {
    holds((word(), prop_oneof![-18i32..=0, -40i32..=40]), |(number, exponent)| {
        let power = exponent + 12;
        let ten = BigInt::from(10).pow(power.unsigned_abs());
        let exact = if power < 0 { BigInt::from(number) / ten } else { BigInt::from(number) * ten };
        prop_assert_eq!(BigInt::from(pico_dollars_floor(number, exponent)), exact.min(BigInt::from(u64::MAX)));
        Ok(())
    });
}

#[test]
fn pico_dollars_by_hand() {
    assert_eq!(pico_dollars_floor(15_000_000_000, -8), 150_000_000_000_000);
    assert_eq!(pico_dollars_floor(1_999_999, -18), 1);
    assert_eq!(pico_dollars_floor(18_446_744, 0), 18_446_744_000_000_000_000);
    assert_eq!(pico_dollars_floor(18_446_745, 0), u64::MAX);
    assert_eq!((pico_dollars_floor(7, -12), pico_dollars_floor(0, 1), pico_dollars_floor(1, 8)), (7, 0, u64::MAX));
    assert_eq!((pico_dollars_floor(5, i32::MIN), pico_dollars_floor(5, i32::MAX)), (0, u64::MAX));

    // A dollar for a token of six decimals is a micro-dollar for a unit.
    let whole = Price::from_parts(1 << 63, 63).unwrap();
    assert_eq!(whole.pico_dollars_floor(6), 1_000_000_000_000);
    let price = |number, exponent, decimals| Price::from_decimal_floor(number, exponent, decimals).unwrap();
    // The upper word of 5^15 lacks a part in 2^33 or less.
    let got = price(15_000_000_000, -8, 9).pico_dollars_floor(9);
    assert!((149_999_999_900_000..=150_000_000_000_000).contains(&got), "{got}");
    // 18.4 million dollars are what 64 bits hold.
    let millions = |dollars| price(dollars, 0, 6).pico_dollars_floor(6).div_ceil(1_000_000_000_000);
    assert_eq!([1_000, 2_000].map(millions), [1_000, 2_000]);
    let millions = |millions: u64| price(millions * 1_000_000, 0, 9).pico_dollars_floor(9) / 10_000_000_000_000_000;
    assert_eq!([5, 9, 10, 18].map(millions), [499, 899, 999, 1_799]);
    assert_eq!(price(19_000_000, 0, 9).pico_dollars_floor(9), u64::MAX);
    // Below 10^-12 dollars.
    assert_eq!(price(1, -13, 6).pico_dollars_floor(6), 0);
    assert_eq!(price(1, -15, 18).pico_dollars_floor(18), 0);
    assert_eq!(Price::from_parts(u64::MAX, 180).unwrap().pico_dollars_floor(0), 0);
    // More decimals than a mint may have: decided.
    assert_eq!(whole.pico_dollars_floor(255), u64::MAX);
}

/// `self x (1 - w) + price x w`: the smaller price loses less than one unit of the larger one's mantissa when it is
/// aligned, the weighted sum less than one more; so at most 2^-62 of the larger price, never above, and never outside
/// the two prices by more than that.
#[test]
fn an_average_rounds_down_and_does_not_drift() {
    // Close together as prices are, or anything.
    let near = (prices(), any::<u64>(), 0u8..3, fractions(), any::<bool>()).prop_map(|(p, m, up, w, swap)| {
        let q = priced(m, u64::from(p.shift() + up));
        if swap { (q, p, w) } else { (p, q, w) }
    });
    let far = (prices(), prices(), fractions());
    holds(prop_oneof![near, far], |(old, new, w)| {
        let average = price(old.averaged(new, w));
        let exact = price(old) * (Exact::one() - fraction(w)) + price(new) * fraction(w);
        let bound = Exact::tick(u32::from(old.shift().min(new.shift())) - 1);
        prop_assert!(average <= exact, "above");
        prop_assert!(exact - average <= bound, "too low");
        Ok(())
    });
}

/// `elapsed / period`, less than 2^-32 too low, 1 - 2^-32 from there on.
#[test]
fn the_weight_of_a_price() {
    holds((word(), any::<u32>()), |(elapsed, period)| {
        let weight = fraction(average_weight(elapsed, period));
        let exact = if elapsed >= u64::from(period) { rational(1, 1) } else { rational(elapsed, period) };
        let weight = (weight * Exact::int(1u64 << 32)).to_integer();
        let lost = exact * BigInt::from(1u64 << 32) - weight;
        prop_assert!(lost >= rational(0, 1) && lost <= rational(1, 1));
        Ok(())
    });
}

/// Amounts whose value at the price has any number of bits up to 60.
fn amounts_at_prices() -> impl Strategy<Value = (Amount, Price)> {
    (word(), any::<u64>(), 0u64..=60).prop_map(|(a, m, bits)| {
        let length = u64::from(64 - a.leading_zeros());
        (Amount::new(a), priced(m, (length + 64).saturating_sub(bits)))
    })
}

/// Rounded down by less than a micro-dollar; refused exactly from 2^56 on.
#[test]
fn the_value_of_an_amount() {
    holds(prop_oneof![amounts_at_prices(), (word().prop_map(Amount::new), prices())], |(a, p)| {
        let exact = amount(a) * price(p);
        match p.value_floor(a) {
            Ok(value) => {
                let lost = &exact - usd(value);
                prop_assert!(!lost.negative() && lost < Exact::one());
                prop_assert!(exact < Exact::int(MAX_VALUE));
            }
            Err(error) => {
                prop_assert_eq!(error, Error::ValueOutOfRange);
                prop_assert!(exact >= Exact::int(MAX_VALUE));
            }
        }
        Ok(())
    });
}

/// `amount_floor`: the largest amount worth no more than the value. `amount_ceil`: one unit more, so worth more.
/// Both saturate.
#[test]
fn the_amount_for_a_value() {
    let sized = (word(), any::<u64>(), 0u64..=70).prop_map(|(v, m, bits)| {
        // value / price has about `bits` bits.
        let length = u64::from(64 - v.leading_zeros());
        (Usd::new(v), priced(m, (64 + bits).saturating_sub(length)))
    });
    holds(prop_oneof![sized, (word().prop_map(Usd::new), prices())], |(value, p)| {
        let (low, high) = (p.amount_floor(value), p.amount_ceil(value));
        prop_assert!(amount(low) * price(p) <= usd(value));
        let next = Exact::int(u128::from(low.get()) + 1) * price(p);
        prop_assert!(low == Amount::MAX || next > usd(value));
        prop_assert!(high == Amount::MAX || amount(high) * price(p) >= usd(value));
        prop_assert!(high.get() - low.get() <= 1);
        prop_assert!(high == Amount::MAX || high > low);
        Ok(())
    });
}

#[test]
fn a_stored_price_is_one_with_its_top_bit_set() {
    let whole = Price::from_parts(1 << 63, 63).unwrap();
    assert_eq!(Price::stored(1 << 63, 63), Some(whole));
    assert_eq!(Price::stored(u64::MAX, 200).map(Price::mantissa), Some(u64::MAX));
    assert_eq!((Price::stored(0, 63), Price::stored((1 << 63) - 1, 63)), (None, None));
    // One micro-dollar for a native unit: 2^56 units are too many.
    assert_eq!(whole.value_floor(Amount::new(MAX_VALUE - 1)), Ok(Usd::new(MAX_VALUE - 1)));
    assert_eq!(whole.value_floor(Amount::new(MAX_VALUE)), Err(Error::ValueOutOfRange));
}

#[test]
fn units_at_their_bounds() {
    let whole = Price::from_parts(1 << 63, 63).unwrap();
    assert_eq!(whole.unit_floor(Index::ONE), Unit { mantissa: 1 << 30, shift: 30 });
    // Below one, down to nothing.
    assert_eq!(whole.unit_floor(Index::new(Index::ONE.get() >> 1)), Unit { mantissa: 1 << 30, shift: 31 });
    assert_eq!(whole.unit_floor(Index::new(1)), Unit { mantissa: 1 << 30, shift: 82 });
    assert_eq!(whole.unit_floor(Index::ZERO), Unit { mantissa: 1 << 30, shift: u8::MAX });
    // A quarter of a micro-dollar for a share: 2^58 shares are too many.
    let quarter = Unit { mantissa: 1 << 30, shift: 32 };
    let value = |shares| quarter.value_floor(Shares::new(shares), Rate::ZERO, 0);
    assert_eq!((value((1 << 58) - 4), value(1 << 58)), (Some(MAX_VALUE - 1), None));
}
