//! The pool of one asset: its rate, its accrual, and that it always owns what it owes (INV-01).
use crate::reference::*;
use ballast_risk::interest::{CURVE_POINTS, Curve, CurvePoint, Pool, amount_ceil, borrow_rate_floor};
use ballast_risk::params::check_curve;
use ballast_risk::{Error, Fraction, Index, Rate, Shares};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Curves that the validator accepts: sorted points from utilisation zero to full, some repeated, some vertical steps.
pub fn curves() -> impl Strategy<Value = Curve> {
    let points = prop::array::uniform8((fractions(), rates(), 0u8..8));
    (points, 2usize..=CURVE_POINTS).prop_map(|(points, used)| {
        let mut across: Vec<Fraction> = points.iter().map(|(u, _, _)| *u).collect();
        let mut up: Vec<Rate> = points.iter().map(|(_, r, _)| *r).collect();
        across.sort();
        up.sort();
        let mut curve = Curve::default();
        for (k, point) in curve.iter_mut().enumerate() {
            let k = k.min(used - 1);
            // An eighth of the points stands above the one before.
            let same = k > 1 && points[k].2 == 0;
            *point = CurvePoint { utilisation: across[if same { k - 1 } else { k }], rate: up[k] };
        }
        curve[0].utilisation = Fraction::ZERO;
        for point in &mut curve[used - 1..] {
            point.utilisation = Fraction::MAX;
        }
        curve
    })
}

/// The exact rate is interpolated between the points around the utilisation; the answer is it, rounded down.
#[test]
fn a_rate_is_interpolated_and_rounded_down() {
    let at = prop_oneof![
        fractions().prop_map(|u| (u, None)),
        (0usize..CURVE_POINTS, -1i64..=1).prop_map(|near| (Fraction::ZERO, Some(near))),
    ];
    holds((curves(), at), |(curve, (u, near))| {
        check_curve(&curve).unwrap();
        let u = match near {
            None => u,
            Some((k, off)) => Fraction::new(
                u32::try_from((i64::from(curve[k].utilisation.get()) + off).clamp(0, 0xffff_ffff)).unwrap(),
            ),
        };
        let right = curve.iter().position(|p| p.utilisation >= u).unwrap();
        let (r, l) = (curve[right], curve[right.saturating_sub(1)]);
        let exact = if right == 0 || r.utilisation == u {
            rational(r.rate.get(), 1)
        } else {
            let along = rational(u.get() - l.utilisation.get(), r.utilisation.get() - l.utilisation.get());
            rational(l.rate.get(), 1) + along * BigInt::from(r.rate.get() - l.rate.get())
        };
        prop_assert_eq!(BigInt::from(borrow_rate_floor(&curve, u).get()), exact.floor().to_integer());
        Ok(())
    });
}

#[test]
fn a_rate_never_falls_with_utilisation() {
    let close = (fractions(), 0u32..3).prop_map(|(u, up)| (u, Fraction::new(u.get().saturating_add(up))));
    let any_ = (fractions(), fractions()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    holds((curves(), prop_oneof![close, any_]), |(curve, (low, high))| {
        let (low, high) = (borrow_rate_floor(&curve, low), borrow_rate_floor(&curve, high));
        prop_assert!(low <= high && high <= Rate::LIMIT);
        Ok(())
    });
}

/// The validator accepts exactly the curves that start at zero, end at full and at most at the limit, and never fall.
#[test]
fn a_curve_is_checked() {
    let broken = (curves(), 0usize..CURVE_POINTS, any::<u32>(), any::<u32>(), any::<u8>()).prop_map(
        |(mut curve, k, u, r, which)| {
            if which & 1 == 0 {
                curve[k].utilisation = Fraction::new(u);
            }
            if which & 2 == 0 {
                curve[k].rate = Rate::new(r);
            }
            curve
        },
    );
    holds(broken, |curve| {
        let sorted = curve.windows(2).all(|w| w[0].utilisation <= w[1].utilisation && w[0].rate <= w[1].rate);
        let last = curve[CURVE_POINTS - 1];
        let ends = curve[0].utilisation.is_zero() && last.utilisation == Fraction::MAX && last.rate <= Rate::LIMIT;
        prop_assert_eq!(check_curve(&curve).is_ok(), sorted && ends);
        Ok(())
    });
}

/// `debts / deposits`, both as the pool rounds them (debts down, deposits up). Never too high. With more than 31 bits both
/// lose their lower ones: the debts less than 1 of 2^30, the deposits gain at most 1 of 2^30, and the quotient is
/// rounded down to 2^-32. Together less than `(1 + u) x 2^-30 + 2^-32`, which is 2.25 x 2^-30.
#[test]
fn utilisation_is_rounded_down() {
    let close = (word(), any::<u64>(), 0u32..64).prop_map(|(d, x, n)| (d - ((x >> n) & d), d));
    let input = (prop_oneof![close, (word(), word())], indexes(), indexes(), 0u8..4);
    holds(input, |((debt, deposit), supply, borrow, plain)| {
        let mut pool = Pool::new(0);
        (pool.debt_shares, pool.deposit_shares) = (Shares::new(debt), Shares::new(deposit));
        if plain != 0 {
            (pool.supply_index, pool.borrow_index) = (supply, borrow);
        }
        let (Ok(debts), Ok(deposits)) = (pool.debts_floor(), pool.deposits_ceil()) else {
            prop_assert_eq!(pool.utilisation_floor(), Err(Error::AmountOutOfRange));
            return Ok(());
        };
        let got = u128::from(pool.utilisation_floor().unwrap().get());
        let (n, d) = (u128::from(debts.get()), u128::from(deposits.get()));
        if n >= d {
            prop_assert_eq!(got, if n == 0 { 0 } else { u128::from(u32::MAX) });
            return Ok(());
        }
        prop_assert!(got * d <= n << 32, "too high");
        // n / d - got 2^-32 < (1 + n / d) 2^-30 + 2^-32, multiplied by d 2^32.
        prop_assert!((n << 32) - got * d < 4 * (d + n) + d, "too low");
        Ok(())
    });
}

/// Linear interest over one gap of any length, up to 136 years: what is charged is the exact interest rounded up, what
/// is paid rounded down, each by less than one tick of its index; indexes never fall; at the limit both stop.
#[test]
fn an_accrual_charges_no_less_and_pays_no_more_than_exact() {
    let pools = (indexes(), indexes(), rates(), rates());
    let gaps = (word(), prop_oneof![3 => between(0, 1 << 32), 1 => word()], word());
    holds((pools, gaps), |((supply, borrow, supply_rate, borrow_rate), (start, gap, back))| {
        let mut pool = Pool::new(start);
        (pool.supply_index, pool.borrow_index) = (supply, borrow);
        (pool.supply_rate, pool.borrow_rate) = (supply_rate, borrow_rate);
        let before = pool;
        pool.accrue(start.saturating_sub(back));
        prop_assert_eq!(pool, before, "a clock that goes back");
        let now = start.saturating_add(gap);
        pool.accrue(now);
        prop_assert!(pool.accrued_at == now);
        prop_assert!(pool.supply_index >= supply && pool.borrow_index >= borrow);
        let elapsed = (now - start).min(u64::from(u32::MAX));
        let tick = Exact::tick(52);
        let exact = index(borrow) * growth(borrow_rate, elapsed);
        if pool.borrow_index == Index::MAX {
            prop_assert!(exact > index(Index::MAX) - &tick);
            prop_assert_eq!(pool.supply_index, if elapsed == 0 { supply } else { pool.supply_index });
            return Ok(());
        }
        let charged = index(pool.borrow_index);
        prop_assert!(charged >= exact && charged - exact < tick);
        let exact = index(supply) * growth(supply_rate, elapsed);
        let paid = index(pool.supply_index);
        prop_assert!(paid <= exact);
        prop_assert!(pool.supply_index == Index::MAX || exact - paid < tick);
        Ok(())
    });
}

/// However long nobody looks: what was payable in 64 bits stays payable, no index falls, and solvency stays.
#[test]
fn claims_never_outgrow_64_bits() {
    holds((word(), word(), rates(), rates(), word()), |(debts, deposits, borrow, supply, elapsed)| {
        let mut pool = Pool::new(0);
        (pool.debt_shares, pool.deposit_shares) = (Shares::new(debts.max(deposits)), Shares::new(debts.min(deposits)));
        (pool.borrow_rate, pool.supply_rate) = (borrow.max(supply), borrow.min(supply));
        pool.accrue(elapsed);
        prop_assert!(pool.borrow_index >= Index::ONE && pool.supply_index >= Index::ONE);
        prop_assert!(amount_ceil(pool.debt_shares, pool.borrow_index).is_ok());
        prop_assert!(pool.deposits_ceil().is_ok());
        prop_assert!(pool.reserve_floor() != Err(Error::Insufficient));
        Ok(())
    });
}

/// The same for round numbers of shares, which a test of a few bits could take for small ones: growth ends at the last
/// index at which the debts are payable.
#[test]
fn claims_of_one_bit_stay_payable() {
    for (debt, deposit) in (0..64).flat_map(|debt| (0..64).map(move |deposit| (debt, deposit))) {
        let mut pool = Pool::new(0);
        (pool.debt_shares, pool.deposit_shares) = (Shares::new(1 << debt), Shares::new(1 << deposit));
        (pool.borrow_rate, pool.supply_rate) = (Rate::LIMIT, Rate::LIMIT);
        // One gap counts for 136 years at most, in which an index grows to 2,049 at this rate.
        pool.accrue(u64::MAX >> 1);
        pool.accrue(u64::MAX);
        assert!(amount_ceil(pool.debt_shares, pool.borrow_index).is_ok(), "debt 2^{debt}, deposits 2^{deposit}");
        assert!(pool.deposits_ceil().is_ok(), "debt 2^{debt}, deposits 2^{deposit}");
        let next = pool.borrow_index.get().checked_add(1).map(Index::new);
        assert!(next.is_none_or(|next| amount_ceil(pool.debt_shares, next).is_err()), "debt 2^{debt} stops early");
    }
}

/// Depositors are never promised more than `borrow rate x debts / deposits x (1 - reserve factor)`, with exact totals.
/// Lost: less than one for each of two products, and the borrow rate times the utilisation's 2.25 x 2^-30 and the
/// factor's 2^-32; 2^31 x 2.5 x 2^-30 is five.
#[test]
fn the_supply_rate_is_no_more_than_its_share() {
    let books = (word(), any::<u64>(), 0u32..64, 0u8..8).prop_map(|(d, x, n, over)| {
        let part = (x >> n) & d;
        if over == 0 { (d.saturating_add(part), d) } else { (d - part, d) }
    });
    holds((books, curves(), fractions()), |((debt, deposit), curve, factor)| {
        let mut pool = Pool::new(0);
        (pool.debt_shares, pool.deposit_shares) = (Shares::new(debt), Shares::new(deposit));
        pool.update_rates(&curve, factor).unwrap();
        let (paid, charged) = (u128::from(pool.supply_rate.get()), u128::from(pool.borrow_rate.get()));
        // One more tick of the index would carry all claims past 64 bits: nothing accrues.
        let full = |shares: u64| u128::from(shares) * ((1 << 52) + 1) > u128::from(u64::MAX) << 52;
        if full(debt) || full(deposit) {
            prop_assert_eq!((paid, charged), (0, 0));
            return Ok(());
        }
        prop_assert_eq!(pool.borrow_rate, borrow_rate_floor(&curve, pool.utilisation_floor().unwrap()));
        let (n, d) = (u128::from(debt.min(deposit)), u128::from(deposit));
        let kept = (1u128 << 32) - u128::from(factor.get());
        // paid <= charged n / d kept / 2^32; rates have 31 bits, books 64, the factor 33: compared as big numbers.
        let left = BigInt::from(paid) * d * (1u64 << 32);
        let right = BigInt::from(charged) * n * kept;
        prop_assert!(left <= right, "too high");
        prop_assert!(d == 0 || right - left < BigInt::from(7u64 << 32) * d, "too low");
        Ok(())
    });
}

/// A pool whose borrow index has reached its limit works on without interest; so no rate may promise any, or a deposit
/// brought forward by its rate would be valued above what it will ever be worth.
#[test]
fn at_the_limit_of_the_index_rates_are_zero() {
    holds((curves(), fractions(), indexes(), word(), word()), |(curve, factor, supply, deposit, debt)| {
        let mut pool = Pool::new(0);
        (pool.supply_index, pool.borrow_index) = (supply, Index::MAX);
        (pool.deposit_shares, pool.debt_shares) = (Shares::new(deposit >> 13), Shares::new(debt >> 13));
        pool.update_rates(&curve, factor).unwrap();
        prop_assert!(pool.supply_rate.is_zero() && pool.borrow_rate.is_zero());
        Ok(())
    });
}
