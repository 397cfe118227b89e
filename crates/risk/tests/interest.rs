//! The pool of one asset: its rate, its accrual, and that it always owns what it owes (INV-01).
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod reference;

use ballast_risk::health::Side;
use ballast_risk::holding::{self, Holding};
use ballast_risk::interest::{CURVE_POINTS, Curve, CurvePoint, Pool, amount_ceil, amount_floor, borrow_rate_floor};
use ballast_risk::params::check_curve;
use ballast_risk::{Amount, Error, Fraction, Index, Rate, Shares};
use num_bigint::BigInt;
use proptest::prelude::*;
use reference::*;

/// Curves that the validator accepts: sorted points from utilisation zero to full, some repeated, some vertical steps.
fn curves() -> impl Strategy<Value = Curve> {
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

// ---------------------------------------------------------------------------------------------- sequences

const USERS: usize = 3;

/// One step of a history.
#[derive(Clone, Copy, Debug)]
struct Step {
    user: usize,
    kind: u8,
    amount: u64,
    wait: u64,
}

/// The reserve without rounding, in 2^-52: `cash + debts - deposits`.
fn reserve(pool: &Pool) -> BigInt {
    let product = |shares: Shares, index: Index| BigInt::from(u128::from(shares.get()) * u128::from(index.get()));
    BigInt::from(u128::from(pool.cash.get()) << 52) + product(pool.debt_shares, pool.borrow_index)
        - product(pool.deposit_shares, pool.supply_index)
}

/// The amount of a step: a word cut down to what the pool and the holding are about, so that most steps succeed.
fn sized(pool: &Pool, holding: Holding, step: Step) -> Amount {
    let worth = holding.amount(pool).map_or(u64::MAX, Amount::get);
    let range = match (step.kind, holding.side) {
        (2, _) => pool.cash.get().min(worth),
        (3, Side::Debt) => pool.cash.get(),
        (3, Side::Deposit) => pool.cash.get().max(worth),
        (4, _) => worth,
        _ => return Amount::new(step.amount >> 6),
    };
    // Half of the time everything or nearly.
    let part = if step.amount & 1 == 0 {
        step.amount % range.saturating_add(1).max(1)
    } else {
        range - (range & (step.amount >> 60))
    };
    Amount::new(part)
}

/// Any history of deposits, withdrawals, loans, repayments and gaps, with rates renewed after each step as the program
/// does: the pool never owes more than it has, nobody's books differ from the pool's, indexes never fall, a move changes
/// what its user has by the tokens that moved and at most a unit and the value of a share to his disadvantage.
#[test]
fn a_pool_always_owns_what_it_owes() {
    let wait = prop_oneof![4 => between(0, 1 << 22), 1 => Just(0), 1 => between(0, 3_200_000_000)];
    let step =
        (0..USERS, 0u8..6, word(), wait).prop_map(|(user, kind, amount, wait)| Step { user, kind, amount, wait });
    let steps = prop::collection::vec(step, 1..=24);
    holds((curves(), fractions(), between(0, 1 << 40), steps), |(curve, factor, start, steps)| {
        let mut pool = Pool::new(start);
        let mut users = [Holding::EMPTY; USERS];
        let mut now = start;
        for step in steps {
            now += step.wait;
            let (before, reserve_before) = (pool, reserve(&pool));
            pool.accrue(now);
            prop_assert!(pool.supply_index >= before.supply_index && pool.borrow_index >= before.borrow_index);
            prop_assert!(reserve(&pool) >= reserve_before, "interest took from the reserve");
            let held = users[step.user];
            let amount = sized(&pool, held, step);
            let (accrued, reserve_before) = (pool, reserve(&pool));
            let moved = match step.kind {
                0 | 1 => holding::deposit(&mut pool, held, amount),
                2 => holding::withdraw(&mut pool, held, if step.amount & 2 == 0 { Some(amount) } else { None }),
                3 => holding::borrow(&mut pool, held, amount),
                4 => holding::repay(&mut pool, held, amount),
                _ => Err(Error::Insufficient),
            };
            // The program drops the copy when anything fails, the new rates included.
            let (Ok(moved), Ok(())) = (moved, pool.update_rates(&curve, factor)) else {
                pool = accrued;
                if pool.update_rates(&curve, factor).is_err() {
                    return Ok(());
                }
                continue;
            };
            users[step.user] = moved.holding;
            let incoming = matches!(step.kind, 0 | 1 | 4);
            let cash = if incoming { accrued.cash.plus(moved.tokens) } else { accrued.cash.minus(moved.tokens) };
            prop_assert_eq!(pool.cash, cash.unwrap(), "cash moves by the tokens");
            prop_assert!(moved.tokens <= amount || step.kind == 2 && step.amount & 2 != 0);
            prop_assert!(reserve(&pool) >= reserve_before, "a move took from the reserve");
            prop_assert!(!num_traits::Signed::is_negative(&reserve(&pool)));
            if let Err(error) = pool.reserve_floor() {
                prop_assert_eq!(error, Error::AmountOutOfRange, "INV-01");
            }
            for side in [Side::Deposit, Side::Debt] {
                let sum: u64 = users.iter().filter(|h| h.side == side).map(|h| h.shares.get()).sum();
                let books = if side == Side::Deposit { pool.deposit_shares } else { pool.debt_shares };
                prop_assert_eq!(sum, books.get());
            }
            gained_nothing(&pool, held, moved.holding, moved.tokens, incoming)?;
        }
        Ok(())
    });
}

/// Exact worth of a holding, debts negative.
fn worth(pool: &Pool, held: Holding) -> Exact {
    match held.side {
        Side::Deposit => shares(held.shares) * index(pool.supply_index),
        Side::Debt => -(shares(held.shares) * index(pool.borrow_index)),
    }
}

/// A move is never worth more to its user than the tokens; it costs him less than a share of either side and a unit.
fn gained_nothing(
    pool: &Pool,
    old: Holding,
    new: Holding,
    tokens: Amount,
    incoming: bool,
) -> Result<(), TestCaseError> {
    let paid = if incoming { amount(tokens) } else { -amount(tokens) };
    let gain = worth(pool, new) - worth(pool, old) - paid;
    prop_assert!(gain <= Exact::zero(), "a gain");
    let bound = index(pool.supply_index) + index(pool.borrow_index) + Exact::one();
    prop_assert!(-gain < bound, "a loss of {:?}", bound);
    Ok(())
}

/// Repaying and withdrawing everything empties a holding whenever there is cash, and the pool can then pay the last one.
#[test]
fn everybody_can_leave() {
    let input = (curves(), fractions(), between(1, 1 << 60), word(), prop::collection::vec(between(0, 1 << 24), 1..=8));
    holds(input, |(curve, factor, deposit, part, waits)| {
        let mut pool = Pool::new(0);
        let Ok(lender) = holding::deposit(&mut pool, Holding::EMPTY, Amount::new(deposit)) else { return Ok(()) };
        let Ok(borrower) = holding::borrow(&mut pool, Holding::EMPTY, Amount::new(part % (deposit + 1))) else {
            return Ok(());
        };
        let mut now = 0;
        for wait in waits {
            now += wait;
            pool.accrue(now);
            if pool.update_rates(&curve, factor).is_err() {
                return Ok(());
            }
        }
        if !borrower.holding.shares.is_zero() {
            let Ok(debt) = amount_ceil(borrower.holding.shares, pool.borrow_index) else { return Ok(()) };
            let repaid = holding::repay(&mut pool, borrower.holding, debt);
            let Ok(repaid) = repaid else { return Ok(()) };
            prop_assert!(repaid.holding.shares.is_zero() && repaid.tokens == debt);
        }
        let due = amount_floor(lender.holding.shares, pool.supply_index);
        let Ok(due) = due else { return Ok(()) };
        let left = holding::withdraw(&mut pool, lender.holding, None).unwrap();
        prop_assert!(left.tokens == due && left.holding.shares.is_zero());
        prop_assert!(pool.deposit_shares.is_zero() && pool.debt_shares.is_zero());
        prop_assert_eq!(pool.reserve_floor().unwrap(), pool.cash);
        Ok(())
    });
}

/// Any books, even ones that no history makes: decided, never a panic.
#[test]
fn any_pool_is_decided() {
    let pools = (prop::array::uniform6(word()), any::<(u32, u32)>()).prop_map(|(w, (supply_rate, borrow_rate))| Pool {
        cash: Amount::new(w[0]),
        deposit_shares: Shares::new(w[1]),
        debt_shares: Shares::new(w[2]),
        supply_index: Index::new(w[3]),
        borrow_index: Index::new(w[4]),
        supply_rate: Rate::new(supply_rate),
        borrow_rate: Rate::new(borrow_rate),
        accrued_at: w[5],
    });
    let curve = prop::array::uniform8((any::<u32>(), any::<u32>()))
        .prop_map(|p| p.map(|(u, r)| CurvePoint { utilisation: Fraction::new(u), rate: Rate::new(r) }));
    holds((pools, word(), word(), curve, fractions()), |(pool, now, x, curve, factor)| {
        let (x, n) = (Amount::new(x), Shares::new(x));
        let _ = check_curve(&curve);
        let tries: [fn(&mut Pool, Shares, Amount) -> bool; 9] = [
            |p, _, x| p.deposit(x).is_ok(),
            |p, _, x| p.withdraw(x).is_ok(),
            |p, n, _| p.withdraw_shares(n).is_ok(),
            |p, _, x| p.borrow(x).is_ok(),
            |p, n, x| p.repay(n, x).is_ok(),
            |p, n, x| holding::deposit(p, Holding { side: Side::Debt, shares: n }, x).is_ok(),
            |p, n, x| holding::withdraw(p, Holding { side: Side::Deposit, shares: n }, Some(x)).is_ok(),
            |p, n, x| holding::borrow(p, Holding { side: Side::Deposit, shares: n }, x).is_ok(),
            |p, n, x| holding::repay(p, Holding { side: Side::Debt, shares: n }, x).is_ok(),
        ];
        for step in tries {
            let mut copy = pool;
            copy.accrue(now);
            let _ = step(&mut copy, n, x);
            let _ = (copy.update_rates(&curve, factor), copy.reserve_floor());
        }
        Ok(())
    });
}
