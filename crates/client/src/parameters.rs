//! Parameters in the units that people use, turned into those of the program.

use ballast::AssetParameters;
use ballast::state::{OracleKind, RatePoint};
use ballast_risk::interest::CURVE_POINTS;
use ballast_risk::{Fraction, Rate};

use crate::Pubkey;

/// Parameters of an asset with fractions in basis points, rates in basis points a year, money in whole dollars.
#[derive(Clone, Debug)]
pub struct Listing {
    pub name: &'static str,
    pub oracle_kind: OracleKind,
    pub oracle: Pubkey,
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
    /// In the units of the program; it checks the rest.
    pub fn parameters(&self) -> Result<AssetParameters, OutOfRange> {
        let mut name = [0; 16];
        let bytes = self.name.as_bytes();
        name.get_mut(..bytes.len()).ok_or(OutOfRange("name"))?.copy_from_slice(bytes);
        Ok(AssetParameters {
            name,
            oracle_kind: self.oracle_kind,
            oracle: self.oracle,
            max_age: self.max_age,
            average_period: self.average_period,
            max_confidence: fraction(self.max_confidence_bps, "confidence")?,
            confidence_multiple: self.confidence_multiple,
            haircuts: levels(self.haircut_bps, "haircut")?,
            addons: levels(self.addon_bps, "add-on")?,
            depth: self.depth_dollars.checked_mul(1_000_000).ok_or(OutOfRange("depth"))?,
            bonus_least: fraction(self.bonus_least_bps, "bonus")?,
            bonus_most: fraction(self.bonus_most_bps, "bonus")?,
            bonus_slope: fraction(self.bonus_slope_bps, "bonus")?,
            reserve_factor: fraction(self.reserve_factor_bps, "reserve factor")?,
            curve: curve(&self.curve)?,
            deposit_cap: self.deposit_cap,
            debt_cap: self.debt_cap,
        })
    }
}

fn fraction(bps: u16, what: &'static str) -> Result<u32, OutOfRange> {
    Fraction::from_bps(bps).map(Fraction::get).ok_or(OutOfRange(what))
}

fn levels(bps: [u16; 3], what: &'static str) -> Result<[u32; 3], OutOfRange> {
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
