//! One asset of a market: its pool, its price and its parameters, and the conversions to the types of `ballast-risk`.

use anchor_lang::prelude::*;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Level, Prices, Quote, Side};
use ballast_risk::interest::{CURVE_POINTS, Curve, CurvePoint, Pool};
use ballast_risk::liquidation::{Bonus, Leg};
use ballast_risk::price::{Price, Unit};
use ballast_risk::ramp::Ramp;
use ballast_risk::variance::{multiplied_ceil, multiplier_ceil, renewed_ceil};
use ballast_risk::{Amount, Fraction, Index, Rate, Shares, Usd};

use crate::error::OrRefuse;

/// The record of one asset inside the market account. Fractions are in 2^-32, rates per second in 2^-52.
#[zero_copy]
#[derive(Debug)]
pub struct Asset {
    pub mint: Pubkey,
    /// Token account that holds the asset, PDA `["custody", market, mint]`.
    pub custody: Pubkey,
    /// Pyth pull: the feed id. Pyth push: the address of the price account.
    pub oracle: Pubkey,

    /// Tokens in custody that the books know of, native units.
    pub cash: u64,
    /// Sum of the deposit shares of all vaults.
    pub deposit_shares: u64,
    /// Sum of the debt shares of all vaults.
    pub debt_shares: u64,
    /// Native units per deposit share, in 2^-52.
    pub supply_index: u64,
    /// Native units per debt share, in 2^-52.
    pub borrow_index: u64,
    /// Unix seconds up to which interest is in the indexes.
    pub accrued_at: u64,
    /// Largest total of deposits, native units.
    pub deposit_cap: u64,
    /// Largest total of debts, native units.
    pub debt_cap: u64,

    /// Mantissas of the prices (micro-dollars per native unit), see `ballast_risk::price::Price`: the last accepted,
    pub spot: u64,
    /// its time-weighted average,
    pub average: u64,
    /// the lower one less its confidence interval: what a deposit counts at `Init`,
    pub low: u64,
    /// the higher one plus its confidence interval: what a debt counts at `Init`.
    pub high: u64,
    /// Publish time of the last accepted price, unix seconds. Never falls.
    pub publish_time: u64,
    /// The price may be used up to this second.
    pub usable_until: u64,
    /// Slot in which the price was accepted.
    pub price_slot: u64,

    /// The window in which haircuts and add-ons move, see `ballast_risk::ramp::Ramp`; unix seconds.
    pub ramp_start: u64,
    pub ramp_end: u64,
    pub ramp_reciprocal: u64,

    /// Realised variance of the price per second, in 2^-64.
    pub variance: u64,
    /// The variance that haircuts were calibrated for, per second, in 2^-64; 0 turns the multiplier off.
    pub calibrated_variance: u64,

    /// Liquidity depth in micro-dollars; 0 turns the size-dependent requirement off.
    pub depth: u64,
    pub depth_reciprocal: u32,

    pub supply_rate: u32,
    pub borrow_rate: u32,
    /// Part of the interest that depositors do not get.
    pub reserve_factor: u32,
    /// Rate curve, sorted by utilisation.
    pub curve: [RatePoint; CURVE_POINTS],

    /// Haircuts of deposits at Init, Target, Maint, from the end of the ramp on; before its start `haircuts_before`.
    pub haircuts: [u32; 3],
    /// Add-ons of debts, likewise.
    pub addons: [u32; 3],
    pub haircuts_before: [u32; 3],
    pub addons_before: [u32; 3],
    /// Liquidation bonus when this asset is seized.
    pub bonus_least: u32,
    pub bonus_most: u32,
    pub bonus_slope: u32,

    /// Volatility multiplier of haircuts and add-ons at `Init`, in 2^-16; kept at price refresh.
    pub volatility: u32,
    /// Largest volatility multiplier, in 2^-16.
    pub volatility_limit: u32,
    /// Averaging period of the variance, seconds.
    pub variance_period: u32,
    /// Loadings, specific volatility and shocks, see `ballast_risk::model::Columns`.
    pub columns: [u32; 16],

    /// Mantissas of the unit values at `accrued_at`: deposit and debt at spot, deposit and debt at `Init`.
    pub units: [u32; 4],
    /// Widened confidence interval of the last price as a part of it.
    pub confidence: u32,
    /// Widest confidence interval accepted.
    pub max_confidence: u32,
    /// Oldest price accepted, seconds.
    pub max_age: u32,
    /// Averaging period of the time-weighted price, seconds.
    pub average_period: u32,
    /// Multiple of the confidence interval taken off at `Init`, in hundredths.
    pub confidence_multiple: u16,

    pub unit_shifts: [u8; 4],
    /// Shifts of spot, average, low and high.
    pub price_shifts: [u8; 4],
    pub depth_shift: u8,
    pub decimals: u8,
    /// See [`OracleKind`].
    pub oracle_kind: u8,
    /// 0 for SPL Token, 1 for Token-2022.
    pub token_program: u8,
    /// Fills up to a multiple of 8.
    pub padding: [u8; 10],
    /// Name for people, zero-padded UTF-8.
    pub name: [u8; 16],
    /// For later versions; zero.
    pub reserved: [u8; 96],
}

/// A point of the rate curve.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, AnchorSerialize, AnchorDeserialize, bytemuck::Pod, bytemuck::Zeroable,
)]
#[repr(C)]
pub struct RatePoint {
    /// Utilisation in 2^-32.
    pub utilisation: u32,
    /// Borrow rate per second in 2^-52.
    pub rate: u32,
}

const _: () = assert!(size_of::<Asset>() == 648);

/// Where the price of an asset comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AnchorSerialize, AnchorDeserialize)]
pub enum OracleKind {
    /// `PriceUpdateV2` of the first receiver program (`rec5...`).
    PythPull,
    /// `PriceUpdateV2` of the second receiver program (`rec2...`).
    PythPullCore,
    /// Legacy price account at a fixed address.
    PythPush,
}

impl OracleKind {
    pub const fn code(self) -> u8 {
        match self {
            Self::PythPull => 0,
            Self::PythPullCore => 1,
            Self::PythPush => 2,
        }
    }

    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::PythPull),
            1 => Some(Self::PythPullCore),
            2 => Some(Self::PythPush),
            _ => None,
        }
    }
}

impl Asset {
    /// The address of its token program.
    pub fn token_program(&self) -> Pubkey {
        if self.token_program == 0 { anchor_spl::token::ID } else { anchor_spl::token_2022::ID }
    }

    #[inline(always)]
    pub fn pool(&self) -> Pool {
        Pool {
            cash: Amount::new(self.cash),
            deposit_shares: Shares::new(self.deposit_shares),
            debt_shares: Shares::new(self.debt_shares),
            supply_index: Index::new(self.supply_index),
            borrow_index: Index::new(self.borrow_index),
            supply_rate: Rate::new(self.supply_rate),
            borrow_rate: Rate::new(self.borrow_rate),
            accrued_at: self.accrued_at,
        }
    }

    /// The pool with its indexes brought up to now.
    #[inline(always)]
    pub fn accrued_pool(&self, now: u64) -> Pool {
        let mut pool = self.pool();
        pool.accrue(now);
        pool
    }

    /// Brings interest and unit values up to now. Rates stay: they follow the utilisation, which only bookings change,
    /// and interest alone raises debts at least as fast as deposits, so the supply rate stays covered.
    pub fn accrue(&mut self, now: u64) {
        let pool = self.accrued_pool(now);
        self.supply_index = pool.supply_index.get();
        self.borrow_index = pool.borrow_index.get();
        self.accrued_at = pool.accrued_at;
        self.renew_units();
    }

    /// Commits a pool: rates from its new utilisation, unit values from its new indexes.
    pub fn set_pool(&mut self, mut pool: Pool) -> Result<()> {
        pool.update_rates(&self.curve(), Fraction::new(self.reserve_factor)).or_refuse()?;
        self.cash = pool.cash.get();
        self.deposit_shares = pool.deposit_shares.get();
        self.debt_shares = pool.debt_shares.get();
        self.supply_index = pool.supply_index.get();
        self.borrow_index = pool.borrow_index.get();
        self.supply_rate = pool.supply_rate.get();
        self.borrow_rate = pool.borrow_rate.get();
        self.accrued_at = pool.accrued_at;
        self.renew_units();
        Ok(())
    }

    /// The rate curve in the types of the risk crate.
    pub fn curve(&self) -> Curve {
        self.curve
            .map(|point| CurvePoint { utilisation: Fraction::new(point.utilisation), rate: Rate::new(point.rate) })
    }

    pub fn spot(&self) -> Option<Price> {
        Price::stored(self.spot, self.price_shifts[0])
    }

    pub fn average(&self) -> Option<Price> {
        Price::stored(self.average, self.price_shifts[1])
    }

    pub fn low(&self) -> Option<Price> {
        Price::stored(self.low, self.price_shifts[2])
    }

    pub fn high(&self) -> Option<Price> {
        Price::stored(self.high, self.price_shifts[3])
    }

    /// Stores the four prices; unit values follow with the next commit of the pool.
    pub fn set_prices(&mut self, spot: Price, average: Price, low: Price, high: Price) {
        self.spot = spot.mantissa();
        self.average = average.mantissa();
        self.low = low.mantissa();
        self.high = high.mantissa();
        self.price_shifts = [spot.shift(), average.shift(), low.shift(), high.shift()];
    }

    fn renew_units(&mut self) {
        let (supply, borrow) = (Index::new(self.supply_index), Index::new(self.borrow_index));
        let spot = self.spot();
        let units = [
            spot.map_or(Unit::NONE, |price| price.unit_floor(supply)),
            spot.map_or(Unit::NONE, |price| price.unit_ceil(borrow)),
            self.low().map_or(Unit::NONE, |price| price.unit_floor(supply)),
            self.high().map_or(Unit::NONE, |price| price.unit_ceil(borrow)),
        ];
        self.units = units.map(|unit| unit.mantissa);
        self.unit_shifts = units.map(|unit| unit.shift);
    }

    /// What a health check at some levels, which all use these prices, reads of this asset.
    #[inline(always)]
    pub fn quote<const N: usize>(&self, levels: [Level; N], prices: Prices, side: Side, now: u64) -> Quote<'_, N> {
        let [deposit, debt, init_deposit, init_debt] = self.units;
        let [deposit_shift, debt_shift, init_deposit_shift, init_debt_shift] = self.unit_shifts;
        let (mantissa, shift) = match (prices, side) {
            (Prices::Conservative, Side::Deposit) => (init_deposit, init_deposit_shift),
            (Prices::Conservative, Side::Debt) => (init_debt, init_debt_shift),
            (Prices::Spot, Side::Deposit) => (deposit, deposit_shift),
            (Prices::Spot, Side::Debt) => (debt, debt_shift),
        };
        let rate = match side {
            Side::Deposit => self.supply_rate,
            Side::Debt => self.borrow_rate,
        };
        Quote {
            unit: Unit { mantissa, shift },
            rate: Rate::new(rate),
            elapsed: now.saturating_sub(self.accrued_at),
            usable: now <= self.usable_until,
            haircuts: levels.map(|level| self.haircut(level, side, now)),
            depth: self.depth(),
            columns: &self.columns,
        }
    }

    #[inline(always)]
    pub fn ramp(&self) -> Ramp {
        Ramp::from_parts(self.ramp_start, self.ramp_end, self.ramp_reciprocal)
    }

    /// The haircut of a deposit or the add-on of a debt at a time: along the ramp, at `Init` times the volatility multiplier.
    #[inline(always)]
    pub fn haircut(&self, level: Level, side: Side, now: u64) -> Fraction {
        let part = self.haircut_before_volatility(level, side, now);
        match level {
            Level::Init => multiplied_ceil(part, self.volatility),
            Level::Target | Level::Maint => part,
        }
    }

    /// The same without the multiplier.
    #[inline(always)]
    pub fn haircut_before_volatility(&self, level: Level, side: Side, now: u64) -> Fraction {
        let (before, after) = match side {
            Side::Deposit => (self.haircuts_before, self.haircuts),
            Side::Debt => (self.addons_before, self.addons),
        };
        let (before, after) = (Fraction::new(level.of(before)), Fraction::new(level.of(after)));
        self.ramp().value_ceil(before, after, now)
    }

    /// Takes a move of the price within some seconds into the variance, and renews the volatility multiplier.
    pub fn watch_volatility(&mut self, moved: Fraction, elapsed: u64) {
        self.variance = renewed_ceil(self.variance, moved, elapsed, self.variance_period);
        self.volatility = multiplier_ceil(self.variance, self.calibrated_variance, self.volatility_limit);
    }

    #[inline(always)]
    pub fn depth(&self) -> Depth {
        Depth::from_parts(self.depth, self.depth_reciprocal, self.depth_shift)
    }

    pub fn bonus(&self) -> Bonus {
        Bonus {
            least: Fraction::new(self.bonus_least),
            most: Fraction::new(self.bonus_most),
            slope: Fraction::new(self.bonus_slope),
        }
    }

    /// One side of a liquidation: an amount of this asset and the value that the health check gave it.
    pub fn leg(&self, side: Side, amount: Amount, value: Usd, now: u64) -> Option<Leg<'_>> {
        let price = self.spot()?;
        let haircut = self.haircut(Level::Target, side, now);
        Some(Leg { amount, value, price, haircut, depth: self.depth(), columns: &self.columns })
    }
}
