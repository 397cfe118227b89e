//! The one health check (risk-model 2 to 4). Program, keeper, command line and tests all call [`assess`].
//!
//! Cheap per position (see benches/cu.md): a unit value, one product for the value, one for the haircut; with netting one
//! for each factor, with stress one for each scenario. No division and no root is needed to decide.

mod modelled;

pub use modelled::Modelled;

use crate::error::{Error, Result};
use crate::exposure::Exposures;
use crate::fixed::{ceil_root, scale_ceil};
use crate::haircut::{Depth, collateral_at_floor, debt_addon_at_ceil, size_cost_at_ceil};
use crate::model::{Coefficients, Rules};
use crate::price::{MAX_FORWARD_SECONDS, Unit};
use crate::units::{Fraction, Rate, Shares, Usd};

/// The question a check answers, and with it the prices and parameters that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// May the vault take on more risk? Conservative prices.
    Init,
    /// How far may a liquidation go? Spot prices.
    Target,
    /// May the vault be liquidated? Spot prices.
    Maint,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Init, Self::Target, Self::Maint];

    /// The one of three values, in the order of [`Level::ALL`], that belongs to the level.
    #[inline(always)]
    pub fn of<T: Copy>(self, [init, target, maint]: [T; 3]) -> T {
        match self {
            Self::Init => init,
            Self::Target => target,
            Self::Maint => maint,
        }
    }

    pub const fn prices(self) -> Prices {
        match self {
            Self::Init => Prices::Conservative,
            Self::Target | Self::Maint => Prices::Spot,
        }
    }
}

/// The prices that a check values positions at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prices {
    /// For `Init`: the lower or higher of spot and average, less or plus the confidence interval.
    Conservative,
    /// For `Target` and `Maint`.
    Spot,
}

/// The side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Deposit,
    Debt,
}

/// What the check reads of one asset, for one side, at the `N` levels that are asked.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a, const N: usize> {
    /// Micro-dollars per share at the last accrual.
    pub unit: Unit,
    /// Interest since then.
    pub rate: Rate,
    /// Seconds since then.
    pub elapsed: u64,
    /// False when the price is missing, too old, or otherwise not to be used now.
    pub usable: bool,
    /// The haircut of a deposit or the add-on of a debt, by level.
    pub haircuts: [Fraction; N],
    pub depth: Depth,
    pub columns: &'a Coefficients,
}

/// One position as the check sees it.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a, const N: usize> {
    pub side: Side,
    pub shares: Shares,
    pub quote: Quote<'a, N>,
}

impl<const N: usize> Position<'_, N> {
    /// Value in micro-dollars: deposits rounded down, debts up.
    ///
    /// # Errors
    /// [`Error::PriceUnusable`], [`Error::ValueOutOfRange`].
    #[inline(always)]
    pub fn value(&self) -> Result<u64> {
        let quote = &self.quote;
        if !quote.usable || quote.unit.mantissa == 0 || quote.elapsed >= MAX_FORWARD_SECONDS {
            return Err(Error::PriceUnusable);
        }
        let value = match self.side {
            Side::Deposit => quote.unit.value_floor(self.shares, quote.rate, quote.elapsed),
            Side::Debt => quote.unit.value_ceil(self.shares, quote.rate, quote.elapsed),
        };
        value.ok_or(Error::ValueOutOfRange)
    }
}

/// The requirement that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    Haircuts,
    Portfolio,
    Stress,
}

/// The result of a check at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Value of all deposits.
    pub assets: Usd,
    /// Value of all debts.
    pub debts: Usd,
    /// `H`. Saturates.
    pub haircuts: Usd,
    /// What is required of it: `H` itself; with netting the cost of size, and the floor of the rest.
    pub floor: Usd,
    /// All zero in a market without netting and scenarios.
    pub modelled: Modelled,
}

impl Health {
    /// Assets less debts.
    pub fn equity(&self) -> i64 {
        // Both are below 2^62, see `MAX_VALUE`.
        self.assets.get().cast_signed().wrapping_sub(self.debts.get().cast_signed())
    }

    /// `E >= R`, requirement by requirement, without a division or a root.
    #[inline(always)]
    pub fn passes(&self) -> bool {
        self.assets.get() >= self.debts.get().saturating_add(self.floor.get()) && self.modelled.passes()
    }

    /// `P^2` in square micro-dollars, rounded up.
    pub fn portfolio_squared(&self) -> u128 {
        // Below 2^64 and a shift of at most 31.
        u128::from(self.modelled.squared).wrapping_shl(self.modelled.shift.wrapping_mul(2))
    }

    /// `P`, rounded up.
    pub fn portfolio(&self) -> Usd {
        Usd::new(ceil_root(self.modelled.squared).wrapping_shl(self.modelled.shift))
    }

    /// `S`, rounded up.
    pub fn stress(&self) -> Usd {
        let Modelled { shift, loss, tail, .. } = self.modelled;
        let units = loss.div_ceil(u64::from(tail.max(1)).wrapping_shl(16));
        Usd::new(units.wrapping_shl(shift))
    }

    /// `R`: what the equity must reach, rounded up, so that `E >= R` says what [`Health::passes`] does. For display, and for
    /// the bonus of a liquidation: it takes a root.
    pub fn requirement(&self) -> Usd {
        let modelled = self.portfolio().max(self.stress());
        if modelled.is_zero() {
            return self.floor;
        }
        // Portfolio and stress are compared with the sum of exposures that were rounded down; what that cost is required
        // as well. Equity in units is at most 2^31, a unit 2^31.
        let units = self.modelled.equity.wrapping_shl(self.modelled.shift);
        let rounding = u64::try_from(self.equity().wrapping_sub(units)).unwrap_or(0);
        self.floor.max(Usd::new(modelled.get().saturating_add(rounding)))
    }

    /// Whether `E / R` is at least so many basis points.
    pub fn margin_at_least(&self, bps: u32) -> bool {
        // 64 bits times 32.
        let equity = u128::from(u64::try_from(self.equity()).unwrap_or(0)).wrapping_mul(10_000);
        equity >= u128::from(self.requirement().get()).wrapping_mul(u128::from(bps))
    }

    /// The largest requirement; of equal ones the first.
    pub fn binding(&self) -> Binding {
        let (portfolio, stress) = (self.portfolio(), self.stress());
        if self.floor >= portfolio && self.floor >= stress {
            Binding::Haircuts
        } else if portfolio >= stress {
            Binding::Portfolio
        } else {
            Binding::Stress
        }
    }
}

/// Sums over the positions of a vault.
struct Sums<const N: usize> {
    assets: u64,
    debts: u64,
    haircuts: [u64; N],
    /// The part of the haircuts that is the cost of size, where it matters.
    sizes: u64,
}

impl<const N: usize> Sums<N> {
    /// `sized`: whether the cost of size is wanted by itself.
    #[inline(always)]
    fn add(&mut self, position: &Position<N>, value: u64, sized: bool) {
        let Quote { haircuts, depth, .. } = position.quote;
        let ratio = depth.ratio_ceil(value);
        if sized {
            self.sizes = self.sizes.saturating_add(size_cost_at_ceil(value, position.side, depth, ratio));
        }
        // At most 64 values below 2^56: sums stay below 2^62. Only the requirement of a debt may saturate.
        match position.side {
            Side::Deposit => {
                self.assets = self.assets.wrapping_add(value);
                for (sum, haircut) in self.haircuts.iter_mut().zip(haircuts) {
                    let counted = collateral_at_floor(value, haircut, depth, ratio);
                    *sum = sum.saturating_add(value.wrapping_sub(counted));
                }
            }
            Side::Debt => {
                self.debts = self.debts.wrapping_add(value);
                for (sum, addon) in self.haircuts.iter_mut().zip(haircuts) {
                    *sum = sum.saturating_add(debt_addon_at_ceil(value, addon, ratio));
                }
            }
        }
    }
}

/// Adds up the positions, and keeps their exposures where somebody asks for them. That is a branch for each position, not
/// a second copy of the loop, because the size of a program is limited.
///
/// Missing prices (risk-model 2): at `Init` a missing deposit counts nothing and a missing debt is refused; at `Maint`
/// and `Target` a missing debt counts nothing and a missing deposit is refused, so that neither ever liquidates.
#[inline(always)]
fn add_up<'a, const N: usize, E: From<Error>>(
    exposures: &mut Option<Exposures<'a>>,
    prices: Prices,
    positions: impl Iterator<Item = core::result::Result<Position<'a, N>, E>>,
) -> core::result::Result<Sums<N>, E> {
    let refused = match prices {
        Prices::Conservative => Side::Debt,
        Prices::Spot => Side::Deposit,
    };
    let mut sums = Sums { assets: 0, debts: 0, haircuts: [0; N], sizes: 0 };
    for position in positions {
        let position = position?;
        match position.value() {
            Ok(value) => {
                sums.add(&position, value, exposures.is_some());
                if let Some(exposures) = exposures {
                    // Below 2^56.
                    let size = value.cast_signed();
                    let exposure = if position.side == Side::Deposit { size } else { size.wrapping_neg() };
                    exposures.push(exposure, position.quote.columns)?;
                }
            }
            Err(Error::PriceUnusable) if position.side != refused => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sums)
}

impl<const N: usize> Sums<N> {
    #[inline(always)]
    fn health(&self, rules: &[Rules; N], modelled: [Modelled; N]) -> [Health; N] {
        let mut healths = [Health::default(); N];
        let parts = healths.iter_mut().zip(rules).zip(self.haircuts).zip(modelled);
        for (((health, rules), haircuts), modelled) in parts {
            let floor = floored_ceil(haircuts, self.sizes, rules.floor);
            *health = Health {
                assets: Usd::new(self.assets),
                debts: Usd::new(self.debts),
                haircuts: Usd::new(haircuts),
                floor: Usd::new(floor),
                modelled,
            };
        }
        healths
    }
}

/// What counts of a haircut requirement, rounded up: the cost of size, and the floor of the rest. What is saturated stays
/// so. The cost of size is never above the requirement that it is a part of, except by rounding.
#[inline(always)]
pub fn floored_ceil(haircuts: u64, sizes: u64, floor: Fraction) -> u64 {
    if floor == Fraction::MAX || haircuts == u64::MAX {
        return haircuts;
    }
    sizes.saturating_add(scale_ceil(haircuts.saturating_sub(sizes), floor))
}

/// Checks a vault at `N` levels that use the same prices. In a market with netting or scenarios it leaves the scaled
/// exposures for whoever sizes a liquidation.
///
/// # Errors
/// What the positions' iterator yields, [`Error::PriceUnusable`], [`Error::ValueOutOfRange`],
/// [`Error::TooManyPositions`].
#[inline(always)]
pub fn assess<'a, const N: usize, E: From<Error>>(
    rules: &[Rules; N],
    prices: Prices,
    positions: impl Iterator<Item = core::result::Result<Position<'a, N>, E>>,
    exposures: &mut Option<Exposures<'a>>,
) -> core::result::Result<[Health; N], E> {
    *exposures = rules.iter().any(Rules::modelled).then(Exposures::default);
    let sums = add_up(exposures, prices, positions)?;
    let mut parts = [Modelled::default(); N];
    if let Some(exposures) = exposures {
        exposures.scale(sums.assets.wrapping_add(sums.debts));
        parts = modelled::modelled(exposures, rules);
    }
    Ok(sums.health(rules, parts))
}

/// Where a vault stands, in the words shown everywhere (risk-model 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginState {
    /// `E >= R_init`.
    Healthy,
    /// `R_maint <= E < R_init`: may only reduce risk.
    Restricted,
    /// `E < R_maint`.
    Liquidatable,
    /// `E < 0` at `Maint` prices.
    Insolvent,
}

impl MarginState {
    /// The state from both checks; `init` is `None` when a price needed for it is missing.
    pub fn of(init: Option<&Health>, maint: &Health) -> Self {
        if maint.equity() < 0 {
            Self::Insolvent
        } else if !maint.passes() {
            Self::Liquidatable
        } else if init.is_some_and(Health::passes) {
            Self::Healthy
        } else {
            Self::Restricted
        }
    }
}
