//! What one vault has of one asset, and the four moves that change it.
//!
//! A holding has one side at a time: what is deposited into a debt repays first, what is borrowed against a deposit
//! withdraws first (risk-model 1). So nobody pays the spread to himself, and n positions are n distinct assets.
//! The pool is accrued before any of these is called.

use crate::error::{Error, Result};
use crate::health::Side;
use crate::interest::{Pool, amount_ceil, amount_floor};
use crate::units::{Amount, Shares};

/// Shares on one side. Zero shares are an empty holding of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub side: Side,
    pub shares: Shares,
}

impl Holding {
    pub const EMPTY: Self = Self { side: Side::Deposit, shares: Shares::ZERO };

    const fn deposit(shares: Shares) -> Self {
        Self { side: Side::Deposit, shares }
    }

    const fn debt(shares: Shares) -> Self {
        Self { side: Side::Debt, shares }
    }

    /// The shares of one side.
    fn of(self, side: Side) -> Shares {
        if self.side == side { self.shares } else { Shares::ZERO }
    }

    /// Native units: deposits rounded down, debts up.
    pub fn amount(self, pool: &Pool) -> Result<Amount> {
        match self.side {
            Side::Deposit => amount_floor(self.shares, pool.supply_index),
            Side::Debt => amount_ceil(self.shares, pool.borrow_index),
        }
    }
}

/// The holding after a move, and the tokens that move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub holding: Holding,
    pub tokens: Amount,
}

/// Repays a debt of the asset first, deposits the rest. A rest worth less than a share is not taken.
///
/// # Errors
/// [`Error::AmountTooSmall`] when nothing could be booked.
pub fn deposit(pool: &mut Pool, holding: Holding, amount: Amount) -> Result<Move> {
    let owed = holding.of(Side::Debt);
    if owed.is_zero() {
        let shares = pool.deposit(amount)?;
        return Ok(Move { holding: Holding::deposit(holding.shares.plus(shares)?), tokens: amount });
    }
    let (cancelled, repaid) = pool.repay(owed, amount)?;
    let left = owed.minus(cancelled)?;
    let rest = amount.minus(repaid)?;
    if !left.is_zero() {
        return Ok(Move { holding: Holding::debt(left), tokens: repaid });
    }
    match pool.deposit(rest) {
        Ok(shares) => Ok(Move { holding: Holding::deposit(shares), tokens: amount }),
        Err(Error::AmountTooSmall) => Ok(Move { holding: Holding::EMPTY, tokens: repaid }),
        Err(error) => Err(error),
    }
}

/// Takes out an amount, or everything for `None`.
///
/// # Errors
/// [`Error::Insufficient`] when there is less; [`Error::NotEnoughCash`] when the pool has lent it.
pub fn withdraw(pool: &mut Pool, holding: Holding, amount: Option<Amount>) -> Result<Move> {
    let held = holding.of(Side::Deposit);
    let worth = amount_floor(held, pool.supply_index)?;
    let amount = amount.unwrap_or(worth);
    if held.is_zero() || amount > worth {
        return Err(Error::Insufficient);
    }
    // The last unit takes the last fraction of a share with it, so that nobody is left with an unusable rest.
    let cost = if amount == worth {
        pool.withdraw_shares(held)?;
        held
    } else {
        pool.withdraw(amount)?
    };
    Ok(Move { holding: Holding::deposit(held.minus(cost)?), tokens: amount })
}

/// Withdraws a deposit of the asset first, borrows the rest.
///
/// # Errors
/// [`Error::NotEnoughCash`].
pub fn borrow(pool: &mut Pool, holding: Holding, amount: Amount) -> Result<Move> {
    let held = holding.of(Side::Deposit);
    let worth = amount_floor(held, pool.supply_index)?;
    if !held.is_zero() && amount <= worth {
        return withdraw(pool, holding, Some(amount));
    }
    if !held.is_zero() {
        pool.withdraw_shares(held)?;
    }
    let shares = pool.borrow(amount.minus(worth)?)?;
    Ok(Move { holding: Holding::debt(holding.of(Side::Debt).plus(shares)?), tokens: amount })
}

/// Repays at most the debt; more is not taken.
///
/// # Errors
/// [`Error::Insufficient`] without a debt; [`Error::AmountTooSmall`] when nothing could be booked.
pub fn repay(pool: &mut Pool, holding: Holding, amount: Amount) -> Result<Move> {
    let owed = holding.of(Side::Debt);
    if owed.is_zero() {
        return Err(Error::Insufficient);
    }
    let (cancelled, tokens) = pool.repay(owed, amount)?;
    Ok(Move { holding: Holding::debt(owed.minus(cancelled)?), tokens })
}
