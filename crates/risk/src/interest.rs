//! One asset's pool: who owns it (shares), who owes it (shares), what they are worth (indexes), and the rate.
//!
//! The reserve is not a counter. It is what remains: `cash + debts - deposits`, computed exactly, so every rounding
//! ends up in it by construction and it cannot drift from the books (invariant INV-01: it is never negative).
//! Interest is linear between two accruals and compounds at each (risk-model 6).

use crate::error::{Error, Result};
use crate::fixed::{
    bit_length, mul_shift_ceil, mul_shift_floor, scale_ceil, scale_floor, shift_div_ceil, shift_div_floor,
};
use crate::units::{Amount, Fraction, Index, Rate, Shares};

/// Indexes stop growing here: at the largest rate allowed that takes half a year of full utilisation, at 100 % a
/// year it takes eight. A pool that reaches it goes on working without interest.
const INDEX_LIMIT: u64 = u64::MAX;

/// The largest index at which so many shares fit 64 bits. Beyond it nobody could pay or be paid any more.
fn index_limit(shares: Shares) -> Index {
    Index::new(shift_div_floor(u64::MAX, Index::BITS, shares.get()).unwrap_or(INDEX_LIMIT))
}

/// What the shares are worth, rounded down: for what users own.
///
/// # Errors
/// [`Error::AmountOutOfRange`] beyond 64 bits.
#[inline(always)]
pub fn amount_floor(shares: Shares, index: Index) -> Result<Amount> {
    mul_shift_floor(shares.get(), index.get(), Index::BITS).map(Amount::new).ok_or(Error::AmountOutOfRange)
}

/// What the shares are worth, rounded up: for what users owe.
///
/// # Errors
/// [`Error::AmountOutOfRange`] beyond 64 bits.
#[inline(always)]
pub fn amount_ceil(shares: Shares, index: Index) -> Result<Amount> {
    mul_shift_ceil(shares.get(), index.get(), Index::BITS).map(Amount::new).ok_or(Error::AmountOutOfRange)
}

/// Shares for an amount, rounded down: issued for a deposit, cancelled by a repayment.
///
/// # Errors
/// [`Error::AmountOutOfRange`] beyond 64 bits (impossible for an index of at least one).
#[inline(always)]
pub fn shares_floor(amount: Amount, index: Index) -> Result<Shares> {
    shift_div_floor(amount.get(), Index::BITS, index.get()).map(Shares::new).ok_or(Error::AmountOutOfRange)
}

/// Shares for an amount, rounded up: taken for a withdrawal, issued for a loan.
///
/// # Errors
/// [`Error::AmountOutOfRange`] beyond 64 bits (impossible for an index of at least one).
#[inline(always)]
pub fn shares_ceil(amount: Amount, index: Index) -> Result<Shares> {
    shift_div_ceil(amount.get(), Index::BITS, index.get()).map(Shares::new).ok_or(Error::AmountOutOfRange)
}

/// A point of the borrow rate curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurvePoint {
    /// Debts over deposits; `MAX` is full.
    pub utilisation: Fraction,
    pub rate: Rate,
}

/// Piecewise linear borrow rate. Points are sorted; unused ones repeat the last. See [`crate::params`].
pub type Curve = [CurvePoint; CURVE_POINTS];

/// Points of a curve.
pub const CURVE_POINTS: usize = 8;

/// Borrow rate at a utilisation, by linear interpolation, rounded down.
pub fn borrow_rate_floor(curve: &Curve, utilisation: Fraction) -> Rate {
    let mut left = CurvePoint::default();
    for right in curve {
        if utilisation <= right.utilisation {
            let width = u64::from(right.utilisation.get().saturating_sub(left.utilisation.get()));
            let along = u64::from(utilisation.get().saturating_sub(left.utilisation.get()));
            let rise = u64::from(right.rate.get().saturating_sub(left.rate.get()));
            // rise <= 2^31 and along < 2^32: the product fits. along <= width, so the step is at most rise.
            let step = rise.wrapping_mul(along).checked_div(width).unwrap_or(rise);
            let rate = u64::from(left.rate.get()).saturating_add(step);
            return Rate::new(u32::try_from(rate).unwrap_or(u32::MAX));
        }
        left = *right;
    }
    left.rate
}

/// The fee of a flash loan, rounded up, at least one unit: nobody moves the tokens of others for nothing.
pub fn flash_fee_ceil(amount: Amount, rate: Fraction) -> Amount {
    Amount::new(scale_ceil(amount.get(), rate).max(1))
}

/// Who paid for a debt that nobody repays, native units. Debt and reserve are rounded up, deposits down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    pub debt: Amount,
    /// Out of the reserve.
    pub reserve: Amount,
    /// Out of all deposits alike, by the supply index.
    pub deposits: Amount,
}

/// The money of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Tokens in custody that the books know of. A donation is not one.
    pub cash: Amount,
    /// Tokens lent within the transaction, which brings them back before it ends.
    pub flash: Amount,
    pub deposit_shares: Shares,
    pub debt_shares: Shares,
    pub supply_index: Index,
    pub borrow_index: Index,
    pub supply_rate: Rate,
    pub borrow_rate: Rate,
    /// Unix seconds of the last accrual.
    pub accrued_at: u64,
}

impl Pool {
    /// An empty pool.
    pub const fn new(now: u64) -> Self {
        Self {
            cash: Amount::ZERO,
            flash: Amount::ZERO,
            deposit_shares: Shares::ZERO,
            debt_shares: Shares::ZERO,
            supply_index: Index::ONE,
            borrow_index: Index::ONE,
            supply_rate: Rate::ZERO,
            borrow_rate: Rate::ZERO,
            accrued_at: now,
        }
    }

    /// All deposits, rounded up: what the pool must be able to pay.
    pub fn deposits_ceil(&self) -> Result<Amount> {
        amount_ceil(self.deposit_shares, self.supply_index)
    }

    /// All debts, rounded down: what the pool can count on.
    pub fn debts_floor(&self) -> Result<Amount> {
        amount_floor(self.debt_shares, self.borrow_index)
    }

    /// Where the borrow and the supply index stop.
    #[inline(always)]
    fn index_limits(&self) -> (Index, Index) {
        // Fewer than 2^52 shares are below 2^64 units at any index.
        if (self.debt_shares.get() | self.deposit_shares.get()) >> Index::BITS == 0 {
            return (Index::new(INDEX_LIMIT), Index::new(INDEX_LIMIT));
        }
        (index_limit(self.debt_shares), index_limit(self.deposit_shares))
    }

    /// Brings both indexes to `now`: supply rounded down, borrow rounded up. A clock that went back changes nothing.
    pub fn accrue(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.accrued_at);
        if elapsed == 0 {
            return;
        }
        // A rate is at most 2^31; beyond 2^32 seconds (136 years) the time counts as that.
        let elapsed = elapsed.min(u64::from(u32::MAX));
        let supply = u64::from(self.supply_rate.get()).wrapping_mul(elapsed);
        let borrow = u64::from(self.borrow_rate.get()).wrapping_mul(elapsed);
        let grow = |index: Index, part: Option<u64>| {
            Index::new(part.and_then(|part| index.get().checked_add(part)).unwrap_or(INDEX_LIMIT))
        };
        let borrowed = mul_shift_ceil(self.borrow_index.get(), borrow, Index::BITS);
        let (limit, supply_limit) = self.index_limits();
        let next = grow(self.borrow_index, borrowed).min(limit);
        // At its limit the borrow index earns nothing more, so depositors must not either (INV-01).
        if next != limit {
            let supplied = mul_shift_floor(self.supply_index.get(), supply, Index::BITS);
            let next = grow(self.supply_index, supplied).min(supply_limit);
            self.supply_index = self.supply_index.max(next);
        }
        self.borrow_index = self.borrow_index.max(next);
        self.accrued_at = now;
    }

    /// Adds tokens for new deposit shares. The pool is accrued.
    ///
    /// # Errors
    /// [`Error::AmountTooSmall`] when the amount buys no share.
    pub fn deposit(&mut self, amount: Amount) -> Result<Shares> {
        let shares = shares_floor(amount, self.supply_index)?;
        if shares.is_zero() {
            return Err(Error::AmountTooSmall);
        }
        self.deposit_shares = self.deposit_shares.plus(shares)?;
        self.cash = self.cash.plus(amount)?;
        self.deposits_ceil()?;
        Ok(shares)
    }

    /// Takes tokens out for deposit shares; returns the shares it costs.
    ///
    /// # Errors
    /// [`Error::NotEnoughCash`] when too much is lent.
    pub fn withdraw(&mut self, amount: Amount) -> Result<Shares> {
        let shares = shares_ceil(amount, self.supply_index)?;
        self.pay_out(amount)?;
        self.deposit_shares = self.deposit_shares.minus(shares)?;
        Ok(shares)
    }

    /// Cancels deposit shares whole; returns the tokens they are worth.
    ///
    /// # Errors
    /// [`Error::NotEnoughCash`] when too much is lent.
    pub fn withdraw_shares(&mut self, shares: Shares) -> Result<Amount> {
        let amount = amount_floor(shares, self.supply_index)?;
        self.pay_out(amount)?;
        self.deposit_shares = self.deposit_shares.minus(shares)?;
        Ok(amount)
    }

    /// Lends tokens; returns the debt shares.
    ///
    /// # Errors
    /// [`Error::NotEnoughCash`] when too much is lent already.
    pub fn borrow(&mut self, amount: Amount) -> Result<Shares> {
        let shares = shares_ceil(amount, self.borrow_index)?;
        self.pay_out(amount)?;
        self.debt_shares = self.debt_shares.plus(shares)?;
        amount_ceil(self.debt_shares, self.borrow_index)?;
        Ok(shares)
    }

    /// Pays back part of a debt of `owed` shares; returns the shares cancelled and the tokens to take, which are
    /// less than `amount` when that is more than the debt.
    ///
    /// # Errors
    /// [`Error::AmountTooSmall`] when the amount cancels no share.
    pub fn repay(&mut self, owed: Shares, amount: Amount) -> Result<(Shares, Amount)> {
        let debt = amount_ceil(owed, self.borrow_index)?;
        let (shares, amount) =
            if amount >= debt { (owed, debt) } else { (shares_floor(amount, self.borrow_index)?, amount) };
        if shares.is_zero() {
            return Err(Error::AmountTooSmall);
        }
        self.debt_shares = self.debt_shares.minus(shares)?;
        self.cash = self.cash.plus(amount)?;
        Ok((shares, amount))
    }

    /// Cancels debt shares that nobody will repay. The reserve pays for them, by being what is left; what it lacks the
    /// depositors pay, each in proportion. The pool is accrued.
    ///
    /// # Errors
    /// [`Error::Insufficient`] when so many shares are not owed.
    #[inline(never)]
    pub fn write_off(&mut self, shares: Shares) -> Result<Loss> {
        let debt = amount_ceil(shares, self.borrow_index)?;
        let owed = scaled(self.deposit_shares, self.supply_index);
        self.debt_shares = self.debt_shares.minus(shares)?;
        let have = self.assets()?;
        if have < owed {
            // Less than the present index, so it fits.
            let index = have.checked_div(u128::from(self.deposit_shares.get())).unwrap_or(0);
            self.supply_index = Index::new(u64::try_from(index).unwrap_or(u64::MAX));
        }
        let lost = owed.saturating_sub(scaled(self.deposit_shares, self.supply_index));
        let paid = scaled(shares, self.borrow_index).saturating_sub(lost);
        // Parts of amounts that fit 64 bits.
        let units = |scaled: u128| Amount::new(u64::try_from(scaled.wrapping_shr(Index::BITS)).unwrap_or(u64::MAX));
        let almost = (1u128 << Index::BITS).wrapping_sub(1);
        Ok(Loss { debt, reserve: units(paid.saturating_add(almost)), deposits: units(lost) })
    }

    /// Takes tokens for the reserve.
    pub fn keep(&mut self, amount: Amount) -> Result<()> {
        self.cash = self.cash.plus(amount)?;
        Ok(())
    }

    /// Lends tokens for the length of a transaction. They stay the pool's own: neither rates nor the reserve change.
    ///
    /// # Errors
    /// [`Error::NotEnoughCash`].
    pub fn lend_flash(&mut self, amount: Amount) -> Result<()> {
        self.pay_out(amount)?;
        self.flash = self.flash.plus(amount)?;
        Ok(())
    }

    /// Takes back all that was lent within the transaction. The fee is nobody's deposit, so it is the reserve's.
    pub fn settle_flash(&mut self, fee: Amount) -> Result<()> {
        self.cash = self.cash.plus(self.flash)?.plus(fee)?;
        self.flash = Amount::ZERO;
        Ok(())
    }

    fn pay_out(&mut self, amount: Amount) -> Result<()> {
        self.cash = self.cash.minus(amount).map_err(|_| Error::NotEnoughCash)?;
        Ok(())
    }

    /// Debts over deposits, rounded down, at most one.
    pub fn utilisation_floor(&self) -> Result<Fraction> {
        Ok(utilisation(self.debts_floor()?, self.deposits_ceil()?))
    }

    /// Sets both rates from the utilisation. Called last, after every change of cash or shares.
    ///
    /// Depositors get `borrow rate x utilisation x (1 - reserve factor)`, every step rounded down, so that they never
    /// get more than borrowers pay. Both are zero while an index is at its limit.
    pub fn update_rates(&mut self, curve: &Curve, reserve_factor: Fraction) -> Result<()> {
        let utilisation = self.utilisation_floor()?;
        let (borrow_limit, supply_limit) = self.index_limits();
        if self.borrow_index >= borrow_limit || self.supply_index >= supply_limit {
            // Nothing accrues now, so a health check must not bring anything forward either.
            self.borrow_rate = Rate::ZERO;
            self.supply_rate = Rate::ZERO;
            return Ok(());
        }
        self.borrow_rate = borrow_rate_floor(curve, utilisation);
        let all = scale_floor(u64::from(self.borrow_rate.get()), utilisation);
        let shared = scale_floor(all, reserve_factor.complement_floor());
        self.supply_rate = Rate::new(u32::try_from(shared).unwrap_or(0));
        Ok(())
    }

    /// What neither depositors nor the books owe to anybody: `cash + debts - deposits`, exact, then rounded down.
    ///
    /// # Errors
    /// [`Error::Insufficient`] when it would be negative: the pool is insolvent.
    pub fn reserve_floor(&self) -> Result<Amount> {
        let owe = scaled(self.deposit_shares, self.supply_index);
        let rest = self.assets()?.checked_sub(owe).ok_or(Error::Insufficient)?.wrapping_shr(Index::BITS);
        u64::try_from(rest).map(Amount::new).map_err(|_| Error::AmountOutOfRange)
    }

    /// Tokens of the pool, wherever they are during a flash loan.
    #[inline(always)]
    pub fn in_pool(&self) -> Result<Amount> {
        self.cash.plus(self.flash)
    }

    /// Cash, with what is lent within the transaction, and debts, in 2^-52 native units.
    fn assets(&self) -> Result<u128> {
        // Below 2^64, and takes 52 places.
        let cash = u128::from(self.in_pool()?.get()).wrapping_shl(Index::BITS);
        scaled(self.debt_shares, self.borrow_index).checked_add(cash).ok_or(Error::AmountOutOfRange)
    }
}

/// What shares are worth, exactly, in 2^-52 native units.
fn scaled(shares: Shares, index: Index) -> u128 {
    // Two 64-bit factors.
    u128::from(shares.get()).wrapping_mul(u128::from(index.get()))
}

/// `debts / deposits`, rounded down, at most one. One cheap 64-bit division: both are first shifted down until the
/// deposits have 32 bits.
fn utilisation(debts: Amount, deposits: Amount) -> Fraction {
    if debts.is_zero() {
        return Fraction::ZERO;
    }
    if debts >= deposits {
        return Fraction::MAX;
    }
    let drop = bit_length(deposits.get()).saturating_sub(31);
    let (debts, deposits) = (debts.get() >> drop, (deposits.get() >> drop).wrapping_add(u64::from(drop != 0)));
    // debts < 2^31, so its shift by 32 fits; the divisor is not 0, since it is above the debts.
    let quotient = debts.wrapping_shl(32).checked_div(deposits).unwrap_or(0);
    Fraction::new(u32::try_from(quotient).unwrap_or(u32::MAX))
}
