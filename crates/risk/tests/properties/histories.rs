//! Histories of a pool: whatever happens, it owns what it owes (INV-01).

use crate::interest::curves;
use crate::reference::*;
use ballast_risk::health::Side;
use ballast_risk::holding::{self, Holding};
use ballast_risk::interest::{CurvePoint, Pool, amount_ceil, amount_floor};
use ballast_risk::params::check_curve;
use ballast_risk::{Amount, Error, Fraction, Index, Rate, Shares};
use num_bigint::BigInt;
use proptest::prelude::*;

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

/// The four moves in small numbers, from one holding to the next: at an index of one and a half for deposits and two for
/// debts, shares and tokens round differently at each step, and the other side of a holding comes first.
#[test]
fn moves_of_one_holding() {
    let mut pool = Pool::new(0);
    let half = Index::ONE.get() / 2;
    (pool.supply_index, pool.borrow_index) = (Index::new(3 * half), Index::new(4 * half));
    (pool.cash, pool.deposit_shares) = (Amount::new(1_000), Shares::new(500));
    let mut holding = Holding::EMPTY;
    let mut check = |step: &str, side, shares, tokens, worth, books| {
        let (kind, amount) = step.split_once(' ').unwrap();
        let x = amount.parse().map(Amount::new);
        let moved = match kind {
            "deposit" => holding::deposit(&mut pool, holding, x.unwrap()),
            "withdraw" => holding::withdraw(&mut pool, holding, x.ok()),
            "borrow" => holding::borrow(&mut pool, holding, x.unwrap()),
            _ => holding::repay(&mut pool, holding, x.unwrap()),
        };
        let moved = moved.unwrap();
        holding = moved.holding;
        assert_eq!(holding, Holding { side, shares: Shares::new(shares) }, "{step}");
        assert_eq!(moved.tokens.get(), tokens, "{step}");
        assert_eq!(holding.amount(&pool).unwrap().get(), worth, "{step}");
        assert_eq!((pool.cash.get(), pool.deposit_shares.get(), pool.debt_shares.get()), books, "{step}");
    };
    // 100 / 1.5 rounded down; worth 99.
    check("deposit 100", Side::Deposit, 66, 100, 99, (1_100, 566, 0));
    // A withdrawal costs 10 / 1.5 rounded up.
    check("withdraw 10", Side::Deposit, 59, 10, 88, (1_090, 559, 0));
    // What fits the deposit is no loan.
    check("borrow 20", Side::Deposit, 45, 20, 67, (1_070, 545, 0));
    // All that a deposit is worth leaves no fraction of a share behind; one unit more is lent.
    check("borrow 68", Side::Debt, 1, 68, 2, (1_002, 500, 1));
    check("borrow 9", Side::Debt, 6, 9, 12, (993, 500, 6));
    check("repay 5", Side::Debt, 4, 5, 8, (998, 500, 4));
    check("deposit 3", Side::Debt, 3, 3, 6, (1_001, 500, 3));
    // A deposit repays first. The rest of 1 buys no share and is not taken.
    check("deposit 7", Side::Deposit, 0, 6, 0, (1_007, 500, 0));
    check("borrow 10", Side::Debt, 5, 10, 10, (997, 500, 5));
    check("deposit 14", Side::Deposit, 2, 14, 3, (1_011, 502, 0));
    check("borrow 3", Side::Deposit, 0, 3, 0, (1_008, 500, 0));
    check("borrow 1", Side::Debt, 1, 1, 2, (1_007, 500, 1));
    // More than the debt is not taken.
    check("repay 50", Side::Debt, 0, 2, 0, (1_009, 500, 0));
    check("deposit 100", Side::Deposit, 66, 100, 99, (1_109, 566, 0));
    check("withdraw 99", Side::Deposit, 0, 99, 0, (1_010, 500, 0));
    check("deposit 20", Side::Deposit, 13, 20, 19, (1_030, 513, 0));
    check("withdraw all", Side::Deposit, 0, 19, 0, (1_011, 500, 0));
}

/// Every move has something that it refuses, and says what.
#[test]
fn refusals_of_one_holding() {
    let pool =
        Pool { cash: Amount::new(50), deposit_shares: Shares::new(100), debt_shares: Shares::new(50), ..Pool::new(0) };
    let owns = |shares| Holding { side: Side::Deposit, shares: Shares::new(shares) };
    let owes = |shares| Holding { side: Side::Debt, shares: Shares::new(shares) };
    let take = |holding, amount: u64| holding::withdraw(&mut pool.clone(), holding, Some(Amount::new(amount)));
    assert_eq!(take(owns(40), 41), Err(Error::Insufficient));
    assert_eq!(take(owns(60), 51), Err(Error::NotEnoughCash));
    assert_eq!(take(owes(40), 1), Err(Error::Insufficient));
    assert_eq!(holding::withdraw(&mut pool.clone(), owns(60), None), Err(Error::NotEnoughCash));
    assert_eq!(holding::withdraw(&mut pool.clone(), Holding::EMPTY, None), Err(Error::Insufficient));
    let borrow = |holding, amount| holding::borrow(&mut pool.clone(), holding, Amount::new(amount));
    assert_eq!(borrow(Holding::EMPTY, 51), Err(Error::NotEnoughCash));
    assert_eq!(borrow(owns(40), 51), Err(Error::NotEnoughCash));
    let repay = |holding, amount| holding::repay(&mut pool.clone(), holding, Amount::new(amount));
    assert_eq!(repay(owns(40), 1), Err(Error::Insufficient));
    assert_eq!(repay(owes(40), 0), Err(Error::AmountTooSmall));
    assert_eq!(holding::deposit(&mut pool.clone(), owns(1), Amount::ZERO), Err(Error::AmountTooSmall));
    assert_eq!(holding::deposit(&mut pool.clone(), owes(1), Amount::ZERO), Err(Error::AmountTooSmall));
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
    let pools = (prop::array::uniform7(word()), any::<(u32, u32)>()).prop_map(|(w, (supply_rate, borrow_rate))| Pool {
        cash: Amount::new(w[0]),
        deposit_shares: Shares::new(w[1]),
        debt_shares: Shares::new(w[2]),
        supply_index: Index::new(w[3]),
        borrow_index: Index::new(w[4]),
        supply_rate: Rate::new(supply_rate),
        borrow_rate: Rate::new(borrow_rate),
        accrued_at: w[5],
        flash: Amount::new(w[6]),
    });
    let curve = prop::array::uniform8((any::<u32>(), any::<u32>()))
        .prop_map(|p| p.map(|(u, r)| CurvePoint { utilisation: Fraction::new(u), rate: Rate::new(r) }));
    holds((pools, word(), word(), curve, fractions()), |(pool, now, x, curve, factor)| {
        let (x, n) = (Amount::new(x), Shares::new(x));
        let _ = check_curve(&curve);
        let tries: [fn(&mut Pool, Shares, Amount) -> bool; 13] = [
            |p, _, x| p.deposit(x).is_ok(),
            |p, _, x| p.withdraw(x).is_ok(),
            |p, n, _| p.withdraw_shares(n).is_ok(),
            |p, _, x| p.borrow(x).is_ok(),
            |p, n, x| p.repay(n, x).is_ok(),
            |p, n, x| holding::deposit(p, Holding { side: Side::Debt, shares: n }, x).is_ok(),
            |p, n, x| holding::withdraw(p, Holding { side: Side::Deposit, shares: n }, Some(x)).is_ok(),
            |p, n, x| holding::borrow(p, Holding { side: Side::Deposit, shares: n }, x).is_ok(),
            |p, n, x| holding::repay(p, Holding { side: Side::Debt, shares: n }, x).is_ok(),
            |p, n, _| p.write_off(n).is_ok(),
            |p, _, x| p.keep(x).is_ok(),
            |p, _, x| p.lend_flash(x).is_ok(),
            |p, _, x| p.settle_flash(x).is_ok(),
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
