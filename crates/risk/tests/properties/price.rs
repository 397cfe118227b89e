//! Prices against exact arithmetic: what an oracle's decimal becomes, how it moves, what it makes of amounts.
use crate::reference::*;
use ballast_risk::price::{MAX_SHIFT, MIN_SHIFT, Price, Unit, average_weight, confidence_ceil};
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

/// Two roundings up: less than `multiple / 100 + 1` units of 2^-32 above. Refused exactly when the interval, rounded up
/// to 2^-32, is above the limit, or what it is widened to reaches the price.
#[test]
fn confidence_rounds_up() {
    let tight = (word(), any::<u64>(), 0u32..40, any::<u16>(), fractions())
        .prop_map(|(number, part, bits, multiple, limit)| (number, part & (number >> bits), multiple, limit));
    let any_ = (word(), word(), any::<u16>(), fractions());
    holds(prop_oneof![3 => tight, 1 => any_], |(number, confidence, multiple, limit)| {
        let answer = confidence_ceil(number, confidence, multiple, limit);
        if number == 0 {
            prop_assert_eq!(answer, Err(Error::ConfidenceTooWide));
            return Ok(());
        }
        let scaled: BigInt = BigInt::from(confidence) << 32;
        let plain = (scaled.clone() + number - 1) / number;
        let widened = (&plain * multiple + 99) / 100;
        if plain > BigInt::from(limit.get()) || widened >= BigInt::from(1u64 << 32) {
            prop_assert_eq!(answer, Err(Error::ConfidenceTooWide));
            return Ok(());
        }
        let got = rational(answer.unwrap().get(), 1);
        let exact = rational(scaled * multiple, BigInt::from(number) * 100);
        prop_assert!(got >= exact);
        prop_assert!(got - exact < rational(i64::from(multiple) + 100, 100));
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
    // An index below one is none.
    assert_eq!(whole.unit_floor(Index::new(Index::ONE.get() - 1)), Unit::NONE);
    assert_ne!(whole.unit_floor(Index::ONE), Unit::NONE);
    // A quarter of a micro-dollar for a share: 2^58 shares are too many.
    let quarter = Unit { mantissa: 1 << 30, shift: 32 };
    let value = |shares| quarter.value_floor(Shares::new(shares), Rate::ZERO, 0);
    assert_eq!((value((1 << 58) - 4), value(1 << 58)), (Some(MAX_VALUE - 1), None));
}
