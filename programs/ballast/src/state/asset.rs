//! One asset of a market: its pool, its price and its parameters, and the conversions to the types of `ballast-risk`.

use anchor_lang::prelude::*;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Level, Prices, Quote, Side};
use ballast_risk::interest::{CURVE_POINTS, Curve, CurvePoint, Pool};
use ballast_risk::liquidation::{Bonus, Leg};
use ballast_risk::price::{Price, Unit};
use ballast_risk::ramp::Ramp;
use ballast_risk::variance::multiplied_ceil;
use ballast_risk::{Amount, Fraction, Index, Rate, Shares, Usd};

use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::pause::Pause;
use crate::state::source::Source;

/// The record of one asset inside the market account. Fractions are in 2^-32, rates per second in 2^-52.
#[zero_copy]
#[derive(Debug)]
pub struct Asset {
    pub mint: Pubkey,
    /// Token account that holds the asset, PDA `["custody", market, mint]`.
    pub custody: Pubkey,
    /// Where its price comes from: the first source, and a second one or none.
    pub sources: [Source; 2],
    /// A source on its way in: it takes over once it has agreed with the present price often enough.
    pub candidate: Source,

    /// Tokens in custody that the books know of, native units.
    pub cash: u64,
    /// Tokens of a flash loan, which come back within the transaction, native units.
    pub flash: u64,
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
    /// the higher one plus its confidence interval: what a debt counts at `Init`,
    pub high: u64,
    /// and the recent peak, which falls slowly towards the price.
    pub peak: u64,
    /// Publish time of the last accepted price, unix seconds. Never falls.
    pub publish_time: u64,
    /// The same of the second source.
    pub second_publish_time: u64,
    /// The price may be used at `Target` and `Maint` up to this second, at `Init` up to the next one; zero while a doubt, a
    /// pause, a breaker or a recovery withholds it. Renewed with every accepted price.
    pub usable_until: u64,
    pub init_until: u64,
    /// Publish time of the last price that was new but not believed. Where it is later than that of the price, the price is
    /// withheld.
    pub doubted_at: u64,
    /// Slot in which the price was accepted.
    pub price_slot: u64,

    /// The guardian withholds the price up to this second.
    pub pause: Pause,
    /// A breaker is tripped up to this second, see `breaker`.
    pub breaker_until: u64,
    /// After an outage the price is withheld at `Target` and `Maint` up to this second.
    pub grace_until: u64,
    /// Publish time of the last observation of the candidate.
    pub candidate_time: u64,
    /// Base tokens for one liquid-staking token, in 2^-32, as far as its growth is limited, and when that was.
    pub staking_rate: u64,
    pub staking_rate_at: u64,
    /// Prices outside of the band are not believed: 10^-12 dollars for a whole token.
    pub band_low: u64,
    pub band_high: u64,

    /// Net outflow, see `ballast_risk::outflow`.
    pub outflow_level: i64,
    pub outflow_at: u64,
    /// When the steward last changed something.
    pub steward_at: u64,

    /// The window in which haircuts and add-ons move, see `ballast_risk::ramp::Ramp`; unix seconds.
    pub ramp_start: u64,
    pub ramp_end: u64,
    pub ramp_reciprocal: u64,

    /// Realised variance of the price per second, in 2^-64.
    pub variance: u64,
    /// The variance that haircuts were calibrated for, per second, in 2^-64; 0 turns the multiplier off.
    pub calibrated_variance: u64,

    /// Liquidity depth in micro-dollars, from the end of the ramp on; before its start the next one. 0 turns the
    /// size-dependent requirement off.
    pub depth: u64,
    pub depth_before: u64,
    pub depth_reciprocal: u32,
    pub depth_before_reciprocal: u32,

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
    /// Loadings, specific volatility and shocks under the model in force and under the one before, see
    /// `ballast_risk::model::Coefficients`.
    pub columns: [[u32; 16]; 2],

    /// Mantissas of the unit values at `accrued_at`: deposit and debt at spot, deposit and debt at `Init`.
    pub units: [u32; 4],
    /// Widened confidence interval of the last price as a part of it.
    pub confidence: u32,
    /// Widest confidence interval accepted.
    pub max_confidence: u32,
    /// Oldest price accepted, and used at `Target` and `Maint`, seconds.
    pub max_age: u32,
    /// Oldest price used at `Init`, seconds.
    pub max_age_init: u32,
    /// Averaging period of the time-weighted price, seconds.
    pub average_period: u32,
    /// The part of a cap that one vault may use.
    pub vault_deposit_share: u32,
    pub vault_debt_share: u32,
    /// Largest part of the deposits that may be lent.
    pub utilisation_cap: u32,
    /// The part of the tokens in the pool that may leave within a period, and the period in seconds.
    pub outflow_limit: u32,
    pub outflow_period: u32,
    /// Largest difference between two sources, as a part of the first.
    pub agreement: u32,
    /// Distance from the own average, confidence, fall from the peak that trip the breaker, as parts of the price; realised
    /// over calibrated variance that does, in 2^-16.
    pub breaker_jump: u32,
    pub breaker_confidence: u32,
    pub breaker_drawdown: u32,
    pub breaker_variance: u32,
    /// How long it stays tripped.
    pub breaker_seconds: u32,
    /// Multiplier of haircuts and add-ons at `Init` meanwhile, in 2^-16.
    pub caution: u32,
    /// Growth of a liquid-staking rate in a year that counts at `Init`.
    pub growth_limit: u32,
    /// After a price was missing for the first of these times it does not liquidate for the second, seconds.
    pub recovery_gap: u32,
    pub recovery_grace: u32,
    /// Part of a liquidation bonus that goes to the reserve when this asset is the debt.
    pub bonus_reserve: u32,
    /// Fee of a flash loan as a part of it; the whole switches flash loans off.
    pub flash_fee: u32,
    /// Multiple of the confidence interval taken off at `Init`, in hundredths.
    pub confidence_multiple: u16,

    pub unit_shifts: [u8; 4],
    /// Shifts of spot, average, low, high and peak.
    pub price_shifts: [u8; 5],
    pub depth_shift: u8,
    pub depth_before_shift: u8,
    pub decimals: u8,
    /// 0 for SPL Token, 1 for Token-2022.
    pub token_program: u8,
    /// 1 when both sources count at `Init`: the lower for deposits, the higher for debts.
    pub conservative: u8,
    /// See `ballast_risk::breaker::State`.
    pub breaker: u8,
    /// How often a new source must have agreed.
    pub source_checks: u8,
    /// How often the candidate has.
    pub candidate_checks: u8,
    /// Which of the sources the candidate replaces.
    pub candidate_slot: u8,
    /// Name for people, zero-padded UTF-8.
    pub name: [u8; 16],
    /// For later versions; zero.
    pub reserved: [u64; 9],
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

const _: () = assert!(size_of::<Asset>() == 1000);

impl Asset {
    /// The address of its token program.
    pub fn token_program(&self) -> Pubkey {
        if self.token_program == 0 { anchor_spl::token::ID } else { anchor_spl::token_2022::ID }
    }

    #[inline(always)]
    pub fn pool(&self) -> Pool {
        Pool {
            cash: Amount::new(self.cash),
            flash: Amount::new(self.flash),
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

    pub fn peak(&self) -> Option<Price> {
        Price::stored(self.peak, self.price_shifts[4])
    }

    /// Stores the prices; unit values follow with the next commit of the pool.
    pub fn set_prices(&mut self, spot: Price, average: Price, low: Price, high: Price, peak: Price) {
        let prices = [spot, average, low, high, peak];
        [self.spot, self.average, self.low, self.high, self.peak] = prices.map(Price::mantissa);
        self.price_shifts = prices.map(Price::shift);
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
            usable: now <= self.usable_until(prices),
            haircuts: levels.map(|level| self.haircut(level, side, now)),
            depth: self.depth(now),
            columns: &self.columns,
        }
    }

    /// The second up to which the price may be used.
    #[inline(always)]
    pub const fn usable_until(&self, prices: Prices) -> u64 {
        match prices {
            Prices::Conservative => self.init_until,
            Prices::Spot => self.usable_until,
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

    /// The liquidity depth at a time, along the ramp.
    #[inline(always)]
    pub fn depth(&self, now: u64) -> Depth {
        let after = Depth::from_parts(self.depth, self.depth_reciprocal, self.depth_shift);
        if self.ramp().over(now) { after } else { self.depth_on_ramp(after, now) }
    }

    /// Out of line: most of the time no ramp is under way.
    #[cold]
    #[inline(never)]
    fn depth_on_ramp(&self, after: Depth, now: u64) -> Depth {
        let before = Depth::from_parts(self.depth_before, self.depth_before_reciprocal, self.depth_before_shift);
        Depth::ramped(before, after, self.ramp(), now)
    }

    /// The price at which a liquidation moves this asset.
    ///
    /// # Errors
    /// `PriceUnusable`.
    pub fn usable_spot(&self, now: u64) -> Result<Price> {
        let usable = now <= self.usable_until(Prices::Spot);
        self.spot().filter(|_| usable).ok_or_else(|| refuse(BallastError::PriceUnusable))
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
        let [haircut, maint_haircut] = [Level::Target, Level::Maint].map(|level| self.haircut(level, side, now));
        Some(Leg { amount, value, price, haircut, maint_haircut, depth: self.depth(now), columns: &self.columns })
    }
}
