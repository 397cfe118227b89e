//! Shares and amounts, both ways, and the value of shares through a unit.
use crate::reference::*;
use ballast_risk::interest::{amount_ceil, amount_floor, shares_ceil, shares_floor};
use ballast_risk::price::{MAX_FORWARD_SECONDS, MIN_SHIFT, Price, Unit};
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Amount, Fraction, Index, Rate, Shares, Usd};
use proptest::prelude::*;

/// Each direction differs from the exact quotient or product by less than one, and is refused only beyond 64 bits.
#[test]
fn conversions_round_by_less_than_one() {
    holds((word(), indexes()), |(x, i)| {
        let (as_shares, as_amount) = (Shares::new(x), Amount::new(x));
        let exact = shares(as_shares) * index(i);
        let limit = Exact::int(1u128 << 64);
        match amount_floor(as_shares, i) {
            Ok(a) => prop_assert!(amount(a) <= exact && &exact - amount(a) < Exact::one()),
            Err(_) => prop_assert!(exact >= limit),
        }
        match amount_ceil(as_shares, i) {
            Ok(a) => prop_assert!(amount(a) >= exact && amount(a) - &exact < Exact::one()),
            Err(_) => prop_assert!(exact > limit - Exact::one()),
        }
        // n shares are worth the amount or less, n + 1 more; and the other way round. An index of one or more always fits.
        let (low, high) = (shares_floor(as_amount, i).unwrap(), shares_ceil(as_amount, i).unwrap());
        let worth = |n: u128| Exact::int(n) * index(i);
        let n = u128::from(low.get());
        prop_assert!(worth(n) <= amount(as_amount) && worth(n + 1) > amount(as_amount));
        let n = u128::from(high.get());
        prop_assert!(worth(n) >= amount(as_amount) && (n == 0 || worth(n - 1) < amount(as_amount)));
        Ok(())
    });
}

/// What was deposited is never worth more a moment later; what was borrowed never costs less.
#[test]
fn no_way_there_and_back_gains() {
    holds((word(), indexes()), |(x, i)| {
        let x = Amount::new(x);
        prop_assert!(amount_floor(shares_floor(x, i).unwrap(), i).unwrap() <= x);
        if let Ok(owed) = amount_ceil(shares_ceil(x, i).unwrap(), i) {
            prop_assert!(owed >= x);
        }
        // Taking all that a holding is worth costs no more shares than are held; repaying it cancels no more.
        let held = Shares::new(x.get());
        if let Ok(worth) = amount_floor(held, i) {
            prop_assert!(shares_ceil(worth, i).unwrap() <= held);
        }
        if let Ok(debt) = amount_ceil(held, i) {
            prop_assert!(shares_floor(debt, i).unwrap() >= held);
        }
        Ok(())
    });
}

/// Many small steps never beat one large one: deposits and withdrawals, loans and repayments.
#[test]
fn parts_never_beat_the_whole() {
    let parts = prop::collection::vec(between(0, u64::MAX >> 3), 1..=8);
    holds((parts, indexes()), |(parts, i)| {
        let whole = Amount::new(parts.iter().sum());
        let total = |f: fn(Amount, Index) -> ballast_risk::Result<Shares>| -> u64 {
            parts.iter().map(|part| f(Amount::new(*part), i).unwrap().get()).sum()
        };
        let k = u64::try_from(parts.len()).unwrap();
        let (low, high) = (shares_floor(whole, i).unwrap().get(), shares_ceil(whole, i).unwrap().get());
        // Each part loses less than one share, and so may the whole.
        prop_assert!(total(shares_floor) <= low && low - total(shares_floor) < k);
        prop_assert!(total(shares_ceil) >= high && total(shares_ceil) - high < k);
        Ok(())
    });
}

/// Shares, index, price, rate and time such that the value may have any number of bits up to 60.
fn holdings() -> impl Strategy<Value = (Shares, Index, Price, Rate, u64)> {
    (word(), indexes(), any::<u64>(), 0u64..=60, rates(), between(0, MAX_FORWARD_SECONDS - 1)).prop_map(
        |(n, i, m, bits, rate, elapsed)| {
            let length = u64::from(64 - n.leading_zeros()) + u64::from(12 - i.get().leading_zeros());
            (Shares::new(n), i, priced(m, (length + 64).saturating_sub(bits)), rate, elapsed)
        },
    )
}

fn exact_value(n: Shares, i: Index, p: Price, rate: Rate, elapsed: u64) -> Exact {
    shares(n) * index(i) * price(p) * growth(rate, elapsed)
}

/// A deposit's value is never above the exact one. Lost, relative to it: the price's upper word less than 1 of at least 2^31,
/// the unit's mantissa less than 1 of at least 2^30; the growth less than 2^-32; its product with the mantissa less than 1
/// of 2^30 again, and nothing when there is no growth; then less than a micro-dollar. Together less than
/// 2.75 x 2^-30 = 2.6e-9, 1.5 x 2^-30 without interest.
#[test]
fn a_deposit_is_never_valued_too_high() {
    holds(holdings(), |(n, i, p, rate, elapsed)| {
        let unit = p.unit_floor(i);
        if unit == Unit::NONE {
            return refused_for_size(p, i);
        }
        let exact = exact_value(n, i, p, rate, elapsed);
        let quarters = if rate.is_zero() || elapsed == 0 { 6 } else { 11 };
        let lost = &exact * &Exact::new(quarters, 32) + Exact::one();
        match unit.value_floor(n, rate, elapsed) {
            Some(value) => {
                prop_assert!(value < MAX_VALUE);
                prop_assert!(Exact::int(value) <= exact);
                prop_assert!(&exact - Exact::int(value) < lost);
            }
            None => prop_assert!(exact >= Exact::int(MAX_VALUE)),
        }
        Ok(())
    });
}

/// A debt's value is never below the exact one. Added, relative to it: the price's upper word at most 1 of 2^31, the mantissa
/// at most 1 of 2^30; the growth at most 2^-32; the product at most 1 of 2^30, never zero; then at most a micro-dollar.
/// Products of these stay below a hundredth of 2^-30. Together less than 2.76 x 2^-30 = 2.6e-9. The largest value returned
/// is 2^56 itself.
#[test]
fn a_debt_is_never_valued_too_low() {
    holds(holdings(), |(n, i, p, rate, elapsed)| {
        let unit = p.unit_ceil(i);
        if unit == Unit::NONE {
            return refused_for_size(p, i);
        }
        let exact = exact_value(n, i, p, rate, elapsed);
        let added = &exact * &Exact::new(707, 38) + Exact::one();
        match unit.value_ceil(n, rate, elapsed) {
            Some(value) => {
                prop_assert!(value <= MAX_VALUE);
                prop_assert!(Exact::int(value) >= exact);
                prop_assert!(Exact::int(value) - &exact <= added);
            }
            None => prop_assert!(&exact + &added >= Exact::int(MAX_VALUE)),
        }
        Ok(())
    });
}

/// There is no unit only where one share is worth 2^30 micro-dollars or more: 31 bits with no binary place left.
fn refused_for_size(p: Price, i: Index) -> Result<(), TestCaseError> {
    prop_assert!(price(p) * index(i) >= Exact::int(1u64 << 30));
    Ok(())
}

/// Every price at an index below two has a unit, and every price of less than 2^19 micro-dollars at any index.
#[test]
fn units_exist_for_all_listed_prices() {
    holds((prices(), indexes()), |(p, i)| {
        let small = u32::from(p.shift()) >= MIN_SHIFT + 12;
        if i.get() < 2 * Index::ONE.get() && u32::from(p.shift()) > MIN_SHIFT || small {
            prop_assert!(p.unit_floor(i) != Unit::NONE && p.unit_ceil(i) != Unit::NONE);
        }
        for unit in [p.unit_floor(i), p.unit_ceil(i)] {
            prop_assert!(unit == Unit::NONE || (1 << 30..=1 << 31).contains(&unit.mantissa));
        }
        Ok(())
    });
}

/// Any unit, rate and time whatever: decided, never a panic.
#[test]
fn any_unit_is_decided() {
    let unit = (any::<u32>(), any::<u8>()).prop_map(|(mantissa, shift)| Unit { mantissa, shift });
    holds((unit, word(), any::<u32>(), word(), any::<u64>()), |(unit, n, rate, elapsed, i)| {
        let (n, rate) = (Shares::new(n), Rate::new(rate));
        let _ = (unit.value_floor(n, rate, elapsed), unit.value_ceil(n, rate, elapsed));
        let (x, i) = (Amount::new(n.get()), Index::new(i));
        let _ = (amount_floor(n, i), amount_ceil(n, i), shares_floor(x, i), shares_ceil(x, i));
        let p = priced(i.get(), elapsed);
        let _ = (p.unit_floor(i), p.unit_ceil(i), p.unit_floor(Index::new(elapsed)));
        Ok(())
    });
}

/// Yearly rates round down by less than 2^-52 a second; basis points up by at most 2^-32, only the whole being less.
#[test]
fn basis_points() {
    holds((any::<u32>(), any::<u16>()), |(yearly, bps)| {
        let exact = (u128::from(yearly) << 52, 10_000 * u128::from(Rate::YEAR));
        match Rate::from_yearly_bps(yearly) {
            Some(rate) => prop_assert_eq!(u128::from(rate.get()), exact.0 / exact.1),
            None => prop_assert!(exact.0 / exact.1 > u128::from(Rate::LIMIT.get())),
        }
        match Fraction::from_bps(bps) {
            Some(Fraction::MAX) => prop_assert_eq!(bps, 10_000),
            Some(part) => prop_assert_eq!(u64::from(part.get()), (u64::from(bps) << 32).div_ceil(10_000)),
            None => prop_assert!(bps > 10_000),
        }
        Ok(())
    });
}

/// Sums and differences of units refuse what does not fit.
#[test]
fn sums_and_differences() {
    holds((word(), word()), |(a, b)| {
        let (x, y) = (Usd::new(a), Usd::new(b));
        prop_assert_eq!(x.plus(y).ok().map(Usd::get), a.checked_add(b));
        prop_assert_eq!(x.minus(y).ok().map(Usd::get), a.checked_sub(b));
        prop_assert_eq!(x.minus_or_zero(y).get(), a.saturating_sub(b));
        Ok(())
    });
}
