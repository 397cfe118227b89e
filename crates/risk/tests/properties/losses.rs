//! Bad debt: who pays for it, to the unit, and what deposits are worth below an index of one.
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::health::Side;
use ballast_risk::holding::{Holding, withdraw};
use ballast_risk::interest::{Loss, Pool, amount_floor, flash_fee_ceil};
use ballast_risk::price::Unit;
use ballast_risk::{Amount, Error, Fraction, Index, Rate, Shares};
use num_bigint::BigInt;
use proptest::prelude::*;

/// In 2^-52 native units.
fn scaled(shares: Shares, index: Index) -> BigInt {
    BigInt::from(shares.get()) * index.get()
}

fn cash(pool: &Pool) -> BigInt {
    (BigInt::from(pool.cash.get()) + pool.flash.get()) << 52
}

/// A solvent pool, with or without a reserve, after losses or before any.
fn pool(s: &mut Source) -> Pool {
    let index = |s: &mut Source, least: u64| Index::new(s.between(least, 1 << 54));
    let least = if s.one_in(3) { 0 } else { 1 << 52 };
    let mut pool = Pool {
        deposit_shares: Shares::new(s.word() >> 4),
        debt_shares: Shares::new(s.word() >> 4),
        supply_index: index(s, least),
        borrow_index: index(s, 1 << 52),
        ..Pool::new(0)
    };
    let owe = scaled(pool.deposit_shares, pool.supply_index);
    let lacks: BigInt = (owe - scaled(pool.debt_shares, pool.borrow_index)).max(BigInt::ZERO);
    let least = u64::try_from((lacks + ((1u64 << 52) - 1)) >> 52).unwrap();
    let reserve = if s.one_in(2) { 0 } else { s.word() >> 3 };
    pool.cash = Amount::new(least.saturating_add(reserve));
    // Also in the middle of a flash loan.
    if s.one_in(4) {
        pool.lend_flash(Amount::new(s.below(pool.cash.get().max(1)))).unwrap();
    }
    pool
}

/// The loss lands exactly once: the reserve pays while it lasts, the depositors the rest, to 2^-52 of a unit. The index falls
/// no more than it has to.
#[test]
fn a_loss_is_paid_once() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let before = pool(s);
        let lost =
            Shares::new(if s.one_in(4) { before.debt_shares.get() } else { s.below(before.debt_shares.get() + 1) });
        let mut after = before;
        let Ok(Loss { debt, reserve, deposits }) = after.write_off(lost) else {
            // Only what 64 bits do not hold.
            prop_assert!(
                scaled(lost, before.borrow_index) > (BigInt::from(u64::MAX) << 52u32)
                    || before.deposits_ceil().is_err()
            );
            return Ok(());
        };
        prop_assert_eq!(after.debt_shares, before.debt_shares.minus(lost).unwrap());
        let left = |pool: &Pool| {
            cash(pool) + scaled(pool.debt_shares, pool.borrow_index) - scaled(pool.deposit_shares, pool.supply_index)
        };
        let by_reserve: BigInt = left(&before) - left(&after);
        let by_deposits: BigInt =
            scaled(before.deposit_shares, before.supply_index) - scaled(after.deposit_shares, after.supply_index);
        prop_assert_eq!(&by_reserve + &by_deposits, scaled(lost, before.borrow_index));
        prop_assert!(left(&after) >= BigInt::ZERO && by_deposits >= BigInt::ZERO);
        if by_deposits > BigInt::ZERO {
            // One tick of the index more would be too much.
            prop_assert!(left(&after) < BigInt::from(after.deposit_shares.get()));
        }
        // What is told, in units.
        let unit = BigInt::from(1u64 << 52);
        let told = |amount: Amount| BigInt::from(amount.get());
        prop_assert_eq!(told(debt), (scaled(lost, before.borrow_index) + &unit - 1) / &unit);
        prop_assert_eq!(told(deposits), by_deposits / &unit);
        // A tick of the index may be more than is missing, and goes to the reserve.
        prop_assert_eq!(told(reserve), (by_reserve.max(BigInt::ZERO) + &unit - 1) / &unit);
        // Nothing is left to lose a second time.
        prop_assert_eq!(after.write_off(Shares::ZERO).unwrap(), Loss::default());
        Ok(())
    });
}

#[test]
fn losses_by_hand() {
    // 100 deposited, 60 of them lent, a reserve of 5.
    let mut pool =
        Pool { cash: Amount::new(45), deposit_shares: Shares::new(100), debt_shares: Shares::new(60), ..Pool::new(0) };
    let loss = |debt, reserve, deposits| {
        Ok(Loss { debt: Amount::new(debt), reserve: Amount::new(reserve), deposits: Amount::new(deposits) })
    };
    assert_eq!(pool.write_off(Shares::new(61)), Err(Error::Insufficient));
    let mut again = pool;
    assert_eq!(again.write_off(Shares::new(3)), loss(3, 3, 0));
    assert_eq!(again.supply_index, Index::ONE);
    assert_eq!(pool.write_off(Shares::new(25)), loss(25, 5, 20));
    assert_eq!(pool.deposits_ceil(), Ok(Amount::new(80)));
    // All that is left, and nothing in the end.
    pool.cash = Amount::ZERO;
    assert_eq!(pool.write_off(Shares::new(35)), loss(35, 0, 79));
    assert_eq!(pool.supply_index, Index::ZERO);
    assert_eq!(pool.deposit(Amount::new(7)), Err(Error::AmountOutOfRange));
    let held = Holding { side: Side::Deposit, shares: Shares::new(100) };
    let out = withdraw(&mut pool, held, None).unwrap();
    assert_eq!((out.tokens, out.holding), (Amount::ZERO, Holding::EMPTY));
}

/// The value of deposits below an index of one: as above it, less by at most 2^-28 and a micro-dollar, never more.
#[test]
fn deposits_that_lost_value_are_valued_as_exactly() {
    holds((word(), word(), any::<u64>(), 0u64..=60), |(n, i, m, bits)| {
        let i = Index::new(i & ((1 << 52) - 1));
        let length = (64 - u64::from(n.leading_zeros())) + (12 - u64::from(i.get().leading_zeros()).min(12));
        let p = priced(m, (length + 64).saturating_sub(bits).min(180));
        let n = Shares::new(n);
        let unit = p.unit_floor(i);
        if unit == Unit::NONE {
            return Ok(());
        }
        let exact = shares(n) * index(i) * price(p);
        match unit.value_floor(n, Rate::ZERO, 0) {
            Some(value) => {
                let value = Exact::int(value);
                prop_assert!(value <= exact);
                prop_assert!(&exact - &value <= &exact * Exact::tick(28) + Exact::one());
            }
            None => prop_assert!(exact >= Exact::int(1u64 << 56)),
        }
        Ok(())
    });
    // Nothing is a price all the same.
    let unit = priced(1 << 63, 40).unit_floor(Index::ZERO);
    assert_ne!(unit, Unit::NONE);
    assert_eq!(unit.value_floor(Shares::MAX, Rate::ZERO, 0), Some(0));
    assert_eq!(amount_floor(Shares::MAX, Index::ZERO), Ok(Amount::ZERO));
}

/// A flash loan changes neither what the pool owes nor what it is worth, until its fee makes the reserve larger.
#[test]
fn a_flash_loan_leaves_the_pool_as_it_was() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let before = Pool { flash: Amount::ZERO, ..pool(s) };
        let (amount, fee) = (Amount::new(s.word()), Amount::new(s.word() >> 4));
        let mut after = before;
        if after.lend_flash(amount).is_err() {
            prop_assert!(amount > before.cash);
            return Ok(());
        }
        prop_assert_eq!(after.reserve_floor(), before.reserve_floor());
        prop_assert_eq!(after.cash.get(), before.cash.get() - amount.get());
        if after.settle_flash(fee).is_ok() {
            prop_assert_eq!(after, Pool { cash: before.cash.plus(fee).unwrap(), ..before });
        }
        Ok(())
    });
}

/// What is kept is nobody's deposit: it is the reserve's, to the unit.
#[test]
fn what_is_kept_is_the_reserves() {
    let mut pool = Pool::new(0);
    pool.deposit(Amount::new(100)).unwrap();
    pool.keep(Amount::new(7)).unwrap();
    assert_eq!((pool.cash, pool.reserve_floor()), (Amount::new(107), Ok(Amount::new(7))));
    assert_eq!(pool.keep(Amount::MAX), Err(Error::AmountOutOfRange));
}

/// The fee is never below its rate, above it by less than two units, and never nothing.
#[test]
fn atk_b05_flash_fees_are_rounded_up() {
    holds((word(), any::<u32>()), |(amount, rate)| {
        // Amounts of 64 bits that a pool may hold.
        let amount = amount >> 1;
        let fee = flash_fee_ceil(Amount::new(amount), Fraction::new(rate)).get();
        let exact = Exact::int(amount) * fraction(Fraction::new(rate));
        prop_assert!(fee >= 1 && Exact::int(fee) >= exact);
        prop_assert!(fee == 1 || Exact::int(fee - 2) <= exact);
        Ok(())
    });
}
