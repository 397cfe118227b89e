//! The parameter table: every number that governance can change, with its bounds and with who may change it how fast.
//!
//! One row for each parameter. The program obeys the table, the client and the command line print it, the book shows it, and
//! the tests walk over it. A change is judged by its row alone; what several parameters must fulfil together is in
//! [`crate::params`].

use crate::haircut::MIN_DEPTH;
use crate::params::{
    MAX_AGE_LIMIT, MAX_AVERAGE_PERIOD, MAX_BONUS, MAX_BONUS_RESERVE, MAX_CONFIDENCE_MULTIPLE, MAX_VARIANCE_PERIOD,
};
use crate::units::{MAX_VALUE, Rate};
use crate::variance::{MAX_MULTIPLIER, MULTIPLIER_ONE};

/// What a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Asset,
    Market,
}

/// What the number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Native units of the token.
    Native,
    /// 2^-32; the largest number stands for one.
    Fraction,
    /// Rate per second in 2^-52.
    Rate,
    /// Variance per second in 2^-64.
    Variance,
    /// Multiple in 2^-16.
    Times,
    /// Hundredths.
    Hundredths,
    Seconds,
    /// Micro-dollars.
    MicroDollars,
    /// 10^-12 dollars for a whole token.
    PicoDollars,
    /// A number of things.
    Count,
    /// 0 is no, 1 is yes.
    Switch,
}

/// The direction that only reduces risk, and may therefore be taken at once by governance or the guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tightens {
    Up,
    Down,
    /// Neither direction is proven to be harmless, so both wait.
    Never,
}

/// The largest change at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Any,
    /// By an absolute amount, in either direction.
    By(u64),
    /// To between half and double.
    Double,
    /// To at most double; down as far as wanted. What is small grows to a first value: one that the market sets, or what is
    /// there already.
    Growth,
    /// By at most a part of the present value: one in so many.
    Part(u64),
    /// Not at all.
    None,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub least: u64,
    pub most: u64,
    pub tightens: Tightens,
    /// The largest loosening of one proposal; in either direction for what never tightens.
    pub step: Step,
    /// The largest tightening at once.
    pub tightening: Step,
    /// A proposal waits at least this long, in seconds, whatever the delay of the market.
    pub delay: u32,
    /// The largest step of the steward.
    pub steward: Step,
    /// Zero turns the parameter off, and counts as the largest number.
    pub zero_is_off: bool,
    /// It counts at `Target` or `Maint`: a rise of the requirement begins after the notice period and moves along a ramp.
    pub ramps: bool,
}

const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;
const FORTNIGHT: u64 = 14 * 86_400;
/// Double, as a multiple.
const TWICE: u64 = 2 << 16;
/// The whole, as a fraction.
const ONE: u64 = 0xffff_ffff;
/// Rounded up, like [`crate::units::Fraction::from_bps`], so that "ten points" is what people write.
const fn bps(part: u64) -> u64 {
    part.wrapping_mul(1 << 32).div_ceil(10_000)
}
/// Half of the principal in a year, as a rate per second in 2^-52.
const HALF_A_YEAR: u64 = match Rate::from_yearly_bps(5_000) {
    Some(rate) => rate.get() as u64,
    None => 0,
};

/// A row that waits in both directions, for a day at least, in steps of any size.
const ROW: Row = Row {
    least: 0,
    most: u64::MAX,
    tightens: Tightens::Never,
    step: Step::Any,
    tightening: Step::Any,
    delay: DAY,
    steward: Step::None,
    zero_is_off: false,
    ramps: false,
};
const CAP: Row = Row { tightens: Tightens::Down, step: Step::Growth, steward: Step::Part(10), ..ROW };
const SHARE: Row = Row { least: 1, most: ONE, tightens: Tightens::Down, ..ROW };
/// Down in one step as far as the target, so that what the guardian has done in a crisis is undone in one.
const INIT: Row = Row { most: ONE, tightens: Tightens::Up, steward: Step::By(bps(100)), ..ROW };
const TENTH: Step = Step::By(bps(1_000));
const SPOT: Row = Row { most: ONE, tightens: Tightens::Up, step: TENTH, tightening: TENTH, ramps: true, ..ROW };
const BONUS: Row = Row { most: MAX_BONUS.get() as u64, step: Step::By(bps(200)), ..ROW };
const PART: Row = Row { most: ONE, ..ROW };
const POINT: Row = Row { most: Rate::LIMIT.get() as u64, step: Step::By(HALF_A_YEAR), ..ROW };
const TIMES: Row = Row { least: MULTIPLIER_ONE as u64, most: MAX_MULTIPLIER as u64, tightens: Tightens::Up, ..ROW };
const BREAKER: Row = Row { least: bps(100), most: ONE, tightens: Tightens::Down, step: Step::Double, ..ROW };
const PERIOD: Row = Row { least: 1, step: Step::Double, ..ROW };
const PATIENCE: Row =
    Row { least: DAY as u64, most: FORTNIGHT, tightens: Tightens::Up, step: Step::Double, delay: WEEK, ..ROW };

macro_rules! parameters {
    ($($(#[$doc:meta])* $code:literal $name:ident $text:literal $scope:ident $measure:ident $row:expr;)*) => {
        /// A parameter, by the code that stands for it in a change. Codes are append-only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Parameter {
            $($(#[$doc])* $name = $code,)*
        }

        impl Parameter {
            /// All of them, by code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name in files and on screens.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub const fn measure(self) -> Measure {
                match self {
                    $(Self::$name => Measure::$measure,)*
                }
            }

            pub const fn scope(self) -> Scope {
                match self {
                    $(Self::$name => Scope::$scope,)*
                }
            }

            pub const fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => {
                        const ROW_OF: Row = $row;
                        &ROW_OF
                    })*
                }
            }
        }
    };
}

parameters! {
    /// Largest total of deposits.
    0 DepositCap "deposit_cap" Asset Native CAP;
    /// Largest total of debts.
    1 DebtCap "debt_cap" Asset Native CAP;
    /// The part of the deposit cap that one vault may hold.
    2 VaultDepositShare "vault_deposit_share" Asset Fraction SHARE;
    /// The part of the debt cap that one vault may owe.
    3 VaultDebtShare "vault_debt_share" Asset Fraction SHARE;
    /// Largest part of the deposits that may be lent.
    4 UtilisationCap "utilisation_cap" Asset Fraction Row { most: ONE, tightens: Tightens::Down, ..ROW };
    /// The part of the tokens in the pool that may leave within [`Parameter::OutflowPeriod`].
    5 OutflowLimit "outflow_limit" Asset Fraction
        Row { least: bps(500), most: ONE, tightens: Tightens::Down, step: Step::Double, delay: WEEK, ..ROW };
    /// See [`Parameter::OutflowLimit`].
    6 OutflowPeriod "outflow_period" Asset Seconds
        Row { least: 3_600, most: DAY as u64, tightens: Tightens::Up, step: Step::Double, delay: WEEK, ..ROW };
    /// Haircut of deposits at `Init`.
    7 HaircutInit "haircut_init" Asset Fraction INIT;
    8 HaircutTarget "haircut_target" Asset Fraction SPOT;
    9 HaircutMaint "haircut_maint" Asset Fraction SPOT;
    /// Add-on of debts at `Init`.
    10 AddonInit "addon_init" Asset Fraction INIT;
    11 AddonTarget "addon_target" Asset Fraction SPOT;
    12 AddonMaint "addon_maint" Asset Fraction SPOT;
    /// Liquidity depth.
    13 Depth "depth" Asset MicroDollars Row {
        least: MIN_DEPTH.get(),
        most: MAX_VALUE - 1,
        tightens: Tightens::Down,
        step: Step::Double,
        tightening: Step::Double,
        zero_is_off: true,
        ramps: true,
        ..ROW
    };
    /// Liquidation bonus when the asset is seized.
    14 BonusLeast "bonus_least" Asset Fraction BONUS;
    15 BonusMost "bonus_most" Asset Fraction BONUS;
    16 BonusSlope "bonus_slope" Asset Fraction PART;
    /// Part of the interest that depositors do not get.
    17 ReserveFactor "reserve_factor" Asset Fraction Row { most: ONE, step: TENTH, ..ROW };
    /// The rate curve, point by point.
    18 Utilisation0 "utilisation_0" Asset Fraction PART;
    19 Utilisation1 "utilisation_1" Asset Fraction PART;
    20 Utilisation2 "utilisation_2" Asset Fraction PART;
    21 Utilisation3 "utilisation_3" Asset Fraction PART;
    22 Utilisation4 "utilisation_4" Asset Fraction PART;
    23 Utilisation5 "utilisation_5" Asset Fraction PART;
    24 Utilisation6 "utilisation_6" Asset Fraction PART;
    25 Utilisation7 "utilisation_7" Asset Fraction PART;
    26 Rate0 "rate_0" Asset Rate POINT;
    27 Rate1 "rate_1" Asset Rate POINT;
    28 Rate2 "rate_2" Asset Rate POINT;
    29 Rate3 "rate_3" Asset Rate POINT;
    30 Rate4 "rate_4" Asset Rate POINT;
    31 Rate5 "rate_5" Asset Rate POINT;
    32 Rate6 "rate_6" Asset Rate POINT;
    33 Rate7 "rate_7" Asset Rate POINT;
    /// Oldest price accepted, and used at `Target` and `Maint`.
    34 MaxAge "max_age" Asset Seconds Row { most: MAX_AGE_LIMIT as u64, ..PERIOD };
    /// Oldest price used at `Init`.
    35 MaxAgeInit "max_age_init" Asset Seconds
        Row { least: 1, most: MAX_AGE_LIMIT as u64, tightens: Tightens::Down, ..ROW };
    /// Averaging period of the time-weighted price.
    36 AveragePeriod "average_period" Asset Seconds Row { most: MAX_AVERAGE_PERIOD as u64, ..PERIOD };
    /// Widest confidence interval accepted.
    37 MaxConfidence "max_confidence" Asset Fraction PART;
    /// Multiple of the confidence interval taken off at `Init`.
    38 ConfidenceMultiple "confidence_multiple" Asset Hundredths
        Row { least: 100, most: MAX_CONFIDENCE_MULTIPLE as u64, tightens: Tightens::Up, ..ROW };
    /// Averaging period of the realised variance.
    39 VariancePeriod "variance_period" Asset Seconds Row { most: MAX_VARIANCE_PERIOD as u64, ..PERIOD };
    /// Variance that the haircuts were calibrated for.
    40 CalibratedVariance "calibrated_variance" Asset Variance
        Row { least: 1, tightens: Tightens::Down, zero_is_off: true, ..ROW };
    /// Largest volatility multiplier.
    41 VolatilityLimit "volatility_limit" Asset Times TIMES;
    /// Prices outside of the band are withheld.
    42 BandLow "band_low" Asset PicoDollars Row { least: 1, step: Step::Double, zero_is_off: true, ..ROW };
    43 BandHigh "band_high" Asset PicoDollars Row { least: 1, step: Step::Double, ..ROW };
    /// Both sources count at `Init`: the lower for deposits, the higher for debts.
    44 Conservative "conservative" Asset Switch Row { most: 1, tightens: Tightens::Up, ..ROW };
    /// Largest difference between two sources, as a part of the first.
    45 Agreement "agreement" Asset Fraction Row { least: bps(10), most: bps(2_000), ..ROW };
    /// How often a new source must have agreed with the present price before it takes over.
    46 SourceChecks "source_checks" Asset Count Row { least: 3, most: 100, tightens: Tightens::Up, ..ROW };
    /// Distance from the own average that trips the breaker; double of it stops new risk.
    47 BreakerJump "breaker_jump" Asset Fraction BREAKER;
    /// Confidence interval that stops new risk.
    48 BreakerConfidence "breaker_confidence" Asset Fraction Row { least: bps(10), ..BREAKER };
    /// Fall from the recent peak that trips the breaker.
    49 BreakerDrawdown "breaker_drawdown" Asset Fraction BREAKER;
    /// Realised over calibrated variance that trips the breaker.
    50 BreakerVariance "breaker_variance" Asset Times Row {
        least: TWICE,
        most: ONE,
        tightens: Tightens::Down,
        ..ROW
    };
    /// How long a breaker stays tripped.
    51 BreakerSeconds "breaker_seconds" Asset Seconds
        Row { least: 60, most: DAY as u64, tightens: Tightens::Up, ..ROW };
    /// What haircuts and add-ons at `Init` are multiplied with while the breaker asks for caution.
    52 Caution "caution" Asset Times TIMES;
    /// Growth of a liquid-staking rate in a year that counts at `Init`.
    53 GrowthLimit "growth_limit" Asset Fraction Row { most: ONE, tightens: Tightens::Down, ..ROW };
    /// A price that was missing for longer than this does not liquidate at once, see [`Parameter::RecoveryGrace`].
    54 RecoveryGap "recovery_gap" Asset Seconds Row { least: 600, most: WEEK as u64, ..ROW };
    /// How long it does not.
    55 RecoveryGrace "recovery_grace" Asset Seconds Row { most: 14_400, ..ROW };
    /// The part of the liquidation bonus that goes to the reserve, when the asset is repaid.
    56 BonusReserve "bonus_reserve" Asset Fraction Row { most: MAX_BONUS_RESERVE.get() as u64, step: TENTH, ..ROW };
    /// Fee of a flash loan as a part of it; the whole switches them off.
    57 FlashFee "flash_fee" Asset Fraction Row { most: ONE, tightens: Tightens::Up, ..ROW };

    /// A proposal waits this long.
    64 Delay "delay" Market Seconds PATIENCE;
    /// A rise of a requirement at `Target` and `Maint` begins after this time and takes as long again at least.
    65 Notice "notice" Market Seconds PATIENCE;
    /// A change can be executed for this long once it is due.
    66 Window "window" Market Seconds Row { least: DAY as u64, most: FORTNIGHT, ..ROW };
    /// A debt left smaller than this by a liquidation is closed whole.
    67 Dust "dust" Market MicroDollars Row { most: 1_000_000_000, ..ROW };
    /// Instructions of governance in transactions with a durable nonce are refused, but those that only stop something.
    68 RefuseNonces "refuse_nonces" Market Switch Row { most: 1, tightens: Tightens::Up, ..ROW };
    /// A cap of zero grows to at most this.
    69 FirstCap "first_cap" Market MicroDollars
        Row { least: 1, most: 10_000_000_000_000, tightens: Tightens::Down, step: Step::Double, ..ROW };
}

impl Row {
    /// Zero as more than the largest number where it means "off".
    const fn rank(&self, value: u64) -> u64 {
        if self.zero_is_off && value == 0 { self.most.saturating_add(1) } else { value }
    }

    pub const fn allows(&self, value: u64) -> bool {
        (self.zero_is_off && value == 0) || (self.least <= value && value <= self.most)
    }

    /// Whether the change only reduces risk.
    pub const fn tightened(&self, from: u64, to: u64) -> bool {
        match self.tightens {
            Tightens::Up => self.rank(to) > self.rank(from),
            Tightens::Down => self.rank(to) < self.rank(from),
            Tightens::Never => false,
        }
    }

    /// Whether a change is no larger than the table allows. `first` is what a [`Step::Growth`] may start with; `waited`
    /// whether it was proposed: then what is off, or bounds nothing, may be turned on at any value.
    pub const fn within_step(&self, in_force: u64, to: u64, first: u64, waited: bool) -> bool {
        let off = if self.zero_is_off { 0 } else { u64::MAX };
        if waited && in_force == off {
            return true;
        }
        let step = if self.tightened(in_force, to) { self.tightening } else { self.step };
        step.allows(self.rank(in_force), self.rank(to), first)
    }

    /// Whether it starts small even where nobody could be harmed: a cap.
    pub const fn grows(&self) -> bool {
        matches!(self.step, Step::Growth)
    }

    /// Whether the steward may do it.
    pub const fn within_steward(&self, from: u64, to: u64) -> bool {
        self.steward.allows(from, to, 0)
    }
}

impl Step {
    const fn allows(self, from: u64, to: u64, first: u64) -> bool {
        match self {
            Self::Any => true,
            Self::By(most) => from.abs_diff(to) <= most,
            Self::Double => to <= from.saturating_mul(2) && to >= from.div_ceil(2),
            Self::Growth => {
                let doubled = from.saturating_mul(2);
                to <= if doubled > first { doubled } else { first }
            }
            Self::Part(parts) => match from.checked_div(parts) {
                Some(most) => from.abs_diff(to) <= most,
                None => false,
            },
            Self::None => false,
        }
    }
}
