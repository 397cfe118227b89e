//! Parameters in the units that people use, turned into those of the program.

use ballast::state::draft::{LoadingRow, ShockRow};
use ballast::state::{RatePoint, Source, SourceKind};
use ballast_risk::interest::CURVE_POINTS;
use ballast_risk::model::{MAX_FACTORS, MAX_SCENARIOS, ONE, TIMES_ONE};
use ballast_risk::table::Parameter;
use ballast_risk::{Fraction, Rate};

use crate::Pubkey;

/// Parameters of an asset with fractions in basis points, rates in basis points a year, money in whole dollars.
#[derive(Clone, Debug)]
pub struct Listing {
    pub name: &'static str,
    pub source_kind: SourceKind,
    /// Feed id or address.
    pub oracle: Pubkey,
    /// Oldest price accepted and used, seconds.
    pub max_age: u32,
    pub average_period: u32,
    pub max_confidence_bps: u16,
    /// In hundredths.
    pub confidence_multiple: u16,
    /// Init, Target, Maint.
    pub haircut_bps: [u16; 3],
    /// Init, Target, Maint.
    pub addon_bps: [u16; 3],
    /// 0 is off.
    pub depth_dollars: u64,
    pub bonus_least_bps: u16,
    pub bonus_most_bps: u16,
    pub bonus_slope_bps: u16,
    pub reserve_factor_bps: u16,
    /// (utilisation in basis points, yearly rate in basis points), from 0 to 10,000; at most 8.
    pub curve: Vec<(u16, u32)>,
    /// Native units.
    pub deposit_cap: u64,
    /// Native units.
    pub debt_cap: u64,
    /// Seconds.
    pub variance_period: u32,
    /// Daily volatility that the haircuts are calibrated for, in basis points; 0 turns the volatility multiplier off.
    pub daily_volatility_bps: u16,
    /// Largest volatility multiplier, in hundredths.
    pub volatility_limit: u16,
    /// Further values, or others, in the units of the table. What is not named stays as the program lists it.
    pub more: Vec<(Parameter, u64)>,
}

/// How an asset moves, in basis points: 10,000 is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub loadings_bps: [i16; MAX_FACTORS],
    /// Volatility that no factor explains.
    pub specific_bps: u16,
    pub shocks_bps: [i16; MAX_SCENARIOS],
}

impl Row {
    /// Loadings and specific volatility as a draft holds them.
    pub fn loadings(&self) -> LoadingRow {
        let [a, b, c, d, e, f] = self.loadings_bps.map(coefficient);
        [a, b, c, d, e, f, coefficient_of(i64::from(self.specific_bps))]
    }

    /// Shocks as a draft holds them.
    pub fn shocks(&self) -> ShockRow {
        self.shocks_bps.map(coefficient)
    }
}

/// Basis points to 2^-30, towards zero. Anything beyond 32 bits is out of range for the program as well.
fn coefficient(bps: i16) -> i32 {
    coefficient_of(i64::from(bps))
}

fn coefficient_of(bps: i64) -> i32 {
    let scaled = bps * i64::from(ONE) / 10_000;
    i32::try_from(scaled).unwrap_or(if bps < 0 { i32::MIN } else { i32::MAX })
}

/// Hundredths to 2^-16, rounded down.
pub fn times(hundredths: u16) -> u32 {
    u32::from(hundredths) * TIMES_ONE / 100
}

/// Variance per second in 2^-64 of a daily volatility in basis points.
pub fn variance_per_second(daily_volatility_bps: u16) -> u64 {
    let square = u128::from(daily_volatility_bps) * u128::from(daily_volatility_bps);
    u64::try_from((square << 64) / (100_000_000 * 86_400)).unwrap_or(u64::MAX)
}

/// What of a [`Listing`] lies outside what the program's types can express.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfRange(pub &'static str);

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is out of range", self.0)
    }
}

impl std::error::Error for OutOfRange {}

impl Listing {
    /// Its first price source.
    pub fn source(&self) -> Source {
        Source::new(self.source_kind, self.oracle, 0)
    }

    /// The name as an asset holds it.
    ///
    /// # Errors
    /// [`OutOfRange`] beyond 16 bytes.
    pub fn padded_name(&self) -> Result<[u8; 16], OutOfRange> {
        padded(self.name)
    }

    /// The values in the units of the table; the program checks the rest.
    ///
    /// # Errors
    /// [`OutOfRange`] for what the table's types cannot express.
    pub fn values(&self) -> Result<Vec<(Parameter, u64)>, OutOfRange> {
        use Parameter as P;
        let part = |bps, what| fraction(bps, what).map(u64::from);
        let [haircut_init, haircut_target, haircut_maint] = levels(self.haircut_bps, "haircut")?;
        let [addon_init, addon_target, addon_maint] = levels(self.addon_bps, "add-on")?;
        let mut values = vec![
            (P::DepositCap, self.deposit_cap),
            (P::DebtCap, self.debt_cap),
            (P::HaircutInit, u64::from(haircut_init)),
            (P::HaircutTarget, u64::from(haircut_target)),
            (P::HaircutMaint, u64::from(haircut_maint)),
            (P::AddonInit, u64::from(addon_init)),
            (P::AddonTarget, u64::from(addon_target)),
            (P::AddonMaint, u64::from(addon_maint)),
            (P::Depth, self.depth_dollars.checked_mul(1_000_000).ok_or(OutOfRange("depth"))?),
            (P::BonusLeast, part(self.bonus_least_bps, "bonus")?),
            (P::BonusMost, part(self.bonus_most_bps, "bonus")?),
            (P::BonusSlope, part(self.bonus_slope_bps, "bonus")?),
            (P::ReserveFactor, part(self.reserve_factor_bps, "reserve factor")?),
            (P::MaxAge, u64::from(self.max_age)),
            (P::MaxAgeInit, u64::from(self.max_age)),
            (P::AveragePeriod, u64::from(self.average_period)),
            (P::MaxConfidence, part(self.max_confidence_bps, "confidence")?),
            (P::ConfidenceMultiple, u64::from(self.confidence_multiple)),
            (P::VariancePeriod, u64::from(self.variance_period)),
            (P::CalibratedVariance, variance_per_second(self.daily_volatility_bps)),
            (P::VolatilityLimit, u64::from(times(self.volatility_limit))),
        ];
        values.extend(curve_values(&curve(&self.curve)?));
        values.retain(|(parameter, _)| !self.more.iter().any(|(other, _)| other == parameter));
        values.extend(&self.more);
        Ok(values)
    }
}

/// A rate curve as parameters.
fn curve_values(curve: &[RatePoint; CURVE_POINTS]) -> Vec<(Parameter, u64)> {
    let place = |first: Parameter, at: u8| Parameter::from_code(first.code() + at);
    let values = (0u8..).zip(curve).flat_map(|(at, point)| {
        [
            place(Parameter::Utilisation0, at).map(|parameter| (parameter, u64::from(point.utilisation))),
            place(Parameter::Rate0, at).map(|parameter| (parameter, u64::from(point.rate))),
        ]
    });
    values.flatten().collect()
}

/// A name of at most 16 bytes.
///
/// # Errors
/// [`OutOfRange`] beyond that.
pub fn padded(text: &str) -> Result<[u8; 16], OutOfRange> {
    let mut name = [0; 16];
    name.get_mut(..text.len()).ok_or(OutOfRange("name"))?.copy_from_slice(text.as_bytes());
    Ok(name)
}

/// Three levels in hundredths to 2^-16.
pub fn times_levels(hundredths: [u16; 3]) -> [u32; 3] {
    hundredths.map(times)
}

fn fraction(bps: u16, what: &'static str) -> Result<u32, OutOfRange> {
    Fraction::from_bps(bps).map(Fraction::get).ok_or(OutOfRange(what))
}

/// Haircuts or add-ons at Init, Target, Maint.
///
/// # Errors
/// [`OutOfRange`] above 10,000.
pub fn levels(bps: [u16; 3], what: &'static str) -> Result<[u32; 3], OutOfRange> {
    let [init, target, maint] = bps;
    Ok([fraction(init, what)?, fraction(target, what)?, fraction(maint, what)?])
}

/// Unused points repeat the last.
fn curve(points: &[(u16, u32)]) -> Result<[RatePoint; CURVE_POINTS], OutOfRange> {
    let last = points.last().filter(|_| points.len() <= CURVE_POINTS).ok_or(OutOfRange("curve"))?;
    let mut curve = [RatePoint::default(); CURVE_POINTS];
    for (at, point) in curve.iter_mut().enumerate() {
        let (utilisation, rate) = points.get(at).unwrap_or(last);
        point.utilisation = fraction(*utilisation, "utilisation")?;
        point.rate = Rate::from_yearly_bps(*rate).ok_or(OutOfRange("rate"))?.get();
    }
    Ok(curve)
}
