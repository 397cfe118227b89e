//! The signed exposures of a vault, and sums of them that factors and scenarios are made of.
//!
//! **Why rounding exposures down is safe.** No requirement grows by more than a dollar when one exposure moves by a dollar:
//! the marginal haircut is at most one, and the validator sees to `lambda x volatility <= 1` and `multiplier x fall <= 1`.
//! So `E - R` never falls when any exposure rises. An exposure that is too low (a deposit too small, a debt too large) can
//! therefore only make a vault look worse than it is. The same statement makes missing prices safe (risk-model 2), and it
//! is why passing `Init` at its conservative prices implies passing `Maint`.

use crate::error::{Error, Result};
use crate::fixed::bit_length;
use crate::model::{Columns, ONE, specific};

/// Most positions of a vault that factors and scenarios look at.
pub const MAX_EXPOSURES: usize = 32;
/// Bits that the sizes of the scaled exposures of a vault add up to.
pub const SCALED_BITS: u32 = 31;
/// Binary places of a column.
pub const PLACES: u32 = 30;

const NOWHERE: Columns = [0; 16];

/// One exposure, with the coefficients of its asset.
#[derive(Clone, Copy, Debug)]
pub struct Exposure<'a> {
    /// Deposit less debt, micro-dollars; scaled once [`Exposures::scale`] has run.
    pub value: i64,
    pub columns: &'a Columns,
}

/// The exposures of one vault.
#[derive(Clone, Copy, Debug)]
pub struct Exposures<'a> {
    list: [Exposure<'a>; MAX_EXPOSURES],
    count: usize,
    /// One unit of a scaled exposure is `2^shift` micro-dollars.
    shift: u32,
    /// Sum of the scaled exposures.
    equity: i64,
    /// Sum of the squares of `specific volatility x exposure`.
    specific: u64,
}

impl Default for Exposures<'_> {
    fn default() -> Self {
        let none = Exposure { value: 0, columns: &NOWHERE };
        Self { list: [none; MAX_EXPOSURES], count: 0, shift: 0, equity: 0, specific: 0 }
    }
}

impl<'a> Exposures<'a> {
    /// # Errors
    /// [`Error::TooManyPositions`].
    #[inline(always)]
    pub fn push(&mut self, value: i64, columns: &'a Columns) -> Result<()> {
        let slot = self.list.get_mut(self.count).ok_or(Error::TooManyPositions)?;
        *slot = Exposure { value, columns };
        self.count = self.count.wrapping_add(1);
        Ok(())
    }

    #[inline(always)]
    pub fn used(&self) -> &[Exposure<'a>] {
        self.list.get(..self.count).unwrap_or(&self.list)
    }

    /// Micro-dollars per unit of a scaled exposure, as a power of two.
    pub const fn shift(&self) -> u32 {
        self.shift
    }

    /// Sum of the scaled exposures.
    pub const fn equity(&self) -> i64 {
        self.equity
    }

    /// Sum over all exposures of `(s x e)^2` in square units, each product rounded up: what no factor explains.
    pub const fn specific(&self) -> u64 {
        self.specific
    }

    /// Shifts all exposures down so that their sizes add up to less than `2^31 + 32`, each rounded down. `gross` is the
    /// sum of the sizes before. Adds up the specific squares on the way, because a second loop would cost as much again.
    #[inline(always)]
    pub fn scale(&mut self, gross: u64) {
        self.shift = bit_length(gross).saturating_sub(SCALED_BITS);
        let count = self.count;
        for exposure in self.list.iter_mut().take(count) {
            exposure.value = exposure.value.wrapping_shr(self.shift);
            self.equity = self.equity.wrapping_add(exposure.value);
            self.specific =
                self.specific.wrapping_add(specific_square_ceil(exposure.value, specific(exposure.columns)));
        }
    }

    /// Sums of coefficient times exposure for `N` columns from column `FROM` on, in 2^-30 of a unit.
    ///
    /// Coefficients are below 3 x 2^30 as stored and sizes add up to less than 2^31 + 32: below 2^63.
    #[inline(always)]
    pub fn project<const FROM: usize, const N: usize>(&self) -> [i64; N] {
        let mut sums = [0i64; N];
        for exposure in self.used() {
            let Some(columns) = exposure.columns.get(FROM..).and_then(<[u32]>::first_chunk::<N>) else { return sums };
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = sum.wrapping_add(exposure.value.wrapping_mul(i64::from(*column)));
            }
        }
        let bias = self.equity.wrapping_mul(i64::from(ONE));
        sums.map(|sum| sum.wrapping_sub(bias))
    }
}

/// `(s x e)^2` of one exposure in square units, the product rounded up.
#[inline(always)]
pub const fn specific_square_ceil(value: i64, specific: u32) -> u64 {
    // A size below 2^31 + 32 times at most 2^30, then 32 bits squared.
    let moved = size_ceil(value.wrapping_mul(specific as i64));
    moved.wrapping_mul(moved)
}

/// A sum of [`Exposures::project`] in whole units, rounded up.
#[inline(always)]
pub const fn units_ceil(sum: i64) -> i64 {
    // Below 2^63 - 2^30 in size, see `project`.
    sum.wrapping_add((1 << PLACES) - 1).wrapping_shr(PLACES)
}

/// The size of such a sum in whole units, rounded up.
#[inline(always)]
pub const fn size_ceil(sum: i64) -> u64 {
    sum.unsigned_abs().wrapping_add((1 << PLACES) - 1).wrapping_shr(PLACES)
}
