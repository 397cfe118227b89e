//! The signed exposures of a vault, and sums of them that factors and scenarios are made of.
//!
//! **Why rounding exposures down is safe.** No requirement grows by more than a dollar when one exposure moves by a dollar:
//! the marginal haircut is at most one, and the validator sees to `lambda x volatility <= 1` and `multiplier x fall <= 1`.
//! So `E - R` never falls when any exposure rises. An exposure that is too low (a deposit too small, a debt too large) can
//! therefore only make a vault look worse than it is. The same statement makes missing prices safe (risk-model 2), and it
//! is why passing `Init` at its conservative prices implies passing `Maint`.

use crate::error::{Error, Result};
use crate::fixed::bit_length;
use crate::model::{Coefficients, MAX_FACTORS, MAX_SCENARIOS, Measure, ONE, Version, specific};
use crate::portfolio::factor_sums;

/// Most positions of a vault that factors and scenarios look at.
pub const MAX_EXPOSURES: usize = 32;
/// Bits that the sizes of the scaled exposures of a vault add up to.
pub const SCALED_BITS: u32 = 31;
/// Binary places of a column.
pub const PLACES: u32 = 30;

/// What slots without an exposure point to: the second of two, so that it never lies at address zero, where the read-only
/// data of a program begins. `Option<Exposures>` would be taken for `None` with such a pointer in it.
static NOWHERE: [Coefficients; 2] = [[[0; 16]; 2]; 2];

/// One exposure, with the coefficients of its asset.
#[derive(Clone, Copy, Debug)]
pub struct Exposure<'a> {
    /// Deposit less debt, micro-dollars; scaled once [`Exposures::scale`] has run.
    pub value: i64,
    pub columns: &'a Coefficients,
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
    /// Sums of the squares of `specific volatility x exposure`, of the models that were asked for.
    specific: [u64; 2],
}

impl Default for Exposures<'_> {
    fn default() -> Self {
        let [_, nowhere] = &NOWHERE;
        let none = Exposure { value: 0, columns: nowhere };
        Self { list: [none; MAX_EXPOSURES], count: 0, shift: 0, equity: 0, specific: [0; 2] }
    }
}

impl<'a> Exposures<'a> {
    /// # Errors
    /// [`Error::TooManyPositions`].
    #[inline(always)]
    pub fn push(&mut self, value: i64, columns: &'a Coefficients) -> Result<()> {
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
    #[inline(always)]
    pub const fn specific(&self, version: Version) -> u64 {
        *version.of(&self.specific)
    }

    /// Shifts all exposures down so that their sizes add up to less than `2^31 + 32`, each rounded down. `gross` is the
    /// sum of the sizes before. Adds up the specific squares of the model in force on the way, because a second loop would
    /// cost as much again.
    #[inline(always)]
    pub fn scale(&mut self, gross: u64) {
        self.shift = bit_length(gross).saturating_sub(SCALED_BITS);
        let count = self.count;
        let mut squares = 0u64;
        for exposure in self.list.iter_mut().take(count) {
            exposure.value = exposure.value.wrapping_shr(self.shift);
            self.equity = self.equity.wrapping_add(exposure.value);
            squares = squares.wrapping_add(exposure.specific_square_ceil(Version::Current));
        }
        self.specific = [squares, 0];
    }

    /// Adds up the specific squares of the model that is being replaced. Out of line, because there seldom is one.
    #[inline(never)]
    pub fn add_previous(&mut self) {
        let squares = self.used().iter().map(|exposure| exposure.specific_square_ceil(Version::Previous));
        let [current, _] = self.specific;
        self.specific = [current, squares.fold(0, u64::wrapping_add)];
    }

    /// Sums of coefficient times exposure for `N` columns of a model from column `FROM` on, in 2^-30 of a unit.
    ///
    /// Coefficients are below 3 x 2^30 as stored and sizes add up to less than 2^31 + 32: below 2^63.
    #[inline(always)]
    pub fn project<const FROM: usize, const N: usize>(&self, version: Version) -> [i64; N] {
        let mut sums = [0i64; N];
        for exposure in self.used() {
            let columns = version.of(exposure.columns);
            let Some(columns) = columns.get(FROM..).and_then(<[u32]>::first_chunk::<N>) else { return sums };
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = sum.wrapping_add(exposure.value.wrapping_mul(i64::from(*column)));
            }
        }
        let bias = self.equity.wrapping_mul(i64::from(ONE));
        sums.map(|sum| sum.wrapping_sub(bias))
    }

    /// The sums of all factors and of all scenarios that a measure asks for; zero for others. Out of line, for what happens
    /// seldom: the loops of the check itself are inline.
    #[inline(never)]
    pub fn project_all(&self, measure: &Measure) -> ([i64; MAX_FACTORS], [i64; MAX_SCENARIOS]) {
        let (mut factors, mut scenarios) = ([0; MAX_FACTORS], [0; MAX_SCENARIOS]);
        if measure.netting {
            factors = factor_sums(self, measure);
        }
        if measure.scenarios > 0 {
            let [a, b, c, d] = self.project::<8, 4>(measure.version);
            let [e, f, g, h] = self.project::<12, 4>(measure.version);
            scenarios = [a, b, c, d, e, f, g, h];
        }
        (factors, scenarios)
    }
}

impl Exposure<'_> {
    #[inline(always)]
    fn specific_square_ceil(&self, version: Version) -> u64 {
        specific_square_ceil(self.value, specific(version.of(self.columns)))
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
