//! From the table of inputs to what a health check reads, by the same steps as the program takes.

use ballast_risk::exposure::Exposures;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Health, Level, MarginState, Position, Prices, Quote, Side, assess};
use ballast_risk::model::{
    Coefficients, MAX_FACTORS, MAX_SCENARIOS, Model, ONE, Rules, Sensitivities, TIMES_ONE, Terms,
};
use ballast_risk::params::Levels;
use ballast_risk::price::{Price, Unit};
use ballast_risk::ramp::Ramp;
use ballast_risk::{Error, Fraction, Index, Rate, Result, Shares, Usd};

use crate::inputs::{self, Bps};

/// Micro-dollars of a million dollars.
const MILLION: u64 = 1_000_000_000_000;

/// An asset as a health check sees it: a pool without interest, so that a share is one native unit.
#[derive(Clone, Debug)]
pub struct Asset {
    pub decimals: u8,
    /// Deposit and debt, at spot and at conservative prices.
    units: [[Unit; 2]; 2],
    pub haircuts: Levels,
    pub addons: Levels,
    pub depth: Depth,
    pub sensitivities: Sensitivities,
    columns: Coefficients,
}

/// A position of a vault, in native units.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    pub asset: &'a Asset,
    pub side: Side,
    pub amount: u64,
}

/// Spot, and what counts at `Init`: the average, and the confidence interval as a part of the price.
struct Quoted {
    spot: Price,
    average: Price,
    confidence: Fraction,
}

impl Asset {
    pub fn new(input: &inputs::Asset) -> Result<Self> {
        let price = |number| Price::from_decimal_floor(number, inputs::PRICE_EXPONENT, input.decimals);
        let confidence = part(input.confidence);
        let quoted = Quoted { spot: price(input.spot)?, average: price(input.average)?, confidence };
        Self::quoted(input, input.decimals, &quoted)
    }

    /// The same asset with a native unit worth one micro-dollar at every level, for plots over dollars.
    pub fn by_the_dollar(input: &inputs::Asset) -> Result<Self> {
        let one = Price::from_decimal_floor(1, 0, 6)?;
        Self::quoted(input, 6, &Quoted { spot: one, average: one, confidence: Fraction::ZERO })
    }

    fn quoted(input: &inputs::Asset, decimals: u8, quoted: &Quoted) -> Result<Self> {
        let Quoted { spot, average, confidence } = *quoted;
        let low = spot.min(average).lowered_floor(confidence)?;
        let high = spot.max(average).raised_ceil(confidence)?;
        let sides = |low: Price, high: Price| [low.unit_floor(Index::ONE), high.unit_ceil(Index::ONE)];
        let depth = Depth::new(Usd::new(input.depth * MILLION)).ok_or(Error::BadRiskParameters)?;
        let sensitivities = sensitivities(input);
        Ok(Self {
            decimals,
            units: [sides(spot, spot), sides(low, high)],
            haircuts: levels(input.haircuts),
            addons: levels(input.addons),
            depth,
            sensitivities,
            columns: [sensitivities.columns(); 2],
        })
    }

    /// The same asset with other sensitivities, or another depth.
    pub fn with(mut self, sensitivities: Sensitivities, depth: Depth) -> Self {
        (self.sensitivities, self.columns, self.depth) = (sensitivities, [sensitivities.columns(); 2], depth);
        self
    }

    /// The same asset with the sensitivities of a model that replaces another one, as the program takes them over.
    pub fn replaced(mut self, sensitivities: Sensitivities) -> Self {
        let [current, _] = self.columns;
        (self.sensitivities, self.columns) = (sensitivities, [sensitivities.columns(), current]);
        self
    }

    fn quote<const N: usize>(&self, at: [Level; N], prices: Prices, side: Side) -> Quote<'_, N> {
        let [spot, conservative] = self.units;
        let [deposit, debt] = match prices {
            Prices::Spot => spot,
            Prices::Conservative => conservative,
        };
        let (unit, Levels { init, target, maint }) = match side {
            Side::Deposit => (deposit, self.haircuts),
            Side::Debt => (debt, self.addons),
        };
        Quote {
            unit,
            rate: Rate::ZERO,
            elapsed: 0,
            usable: true,
            haircuts: at.map(|level| level.of([init, target, maint])),
            depth: self.depth,
            columns: &self.columns,
        }
    }
}

impl Holding<'_> {
    pub fn position<const N: usize>(&self, at: [Level; N], prices: Prices) -> Position<'_, N> {
        let quote = self.asset.quote(at, prices, self.side);
        Position { side: self.side, shares: Shares::new(self.amount), quote }
    }
}

/// Basis points as a part of one.
fn part(bps: Bps) -> Fraction {
    u16::try_from(bps).ok().and_then(Fraction::from_bps).expect("from 0 to 10,000 basis points")
}

fn levels(bps: [Bps; 3]) -> Levels {
    let [init, target, maint] = bps.map(part);
    Levels { init, target, maint }
}

/// Basis points in 2^-30, rounded towards zero.
pub fn coefficient(bps: Bps) -> i32 {
    i32::try_from(i64::from(bps) * i64::from(ONE) / 10_000).expect("below two")
}

fn sensitivities(input: &inputs::Asset) -> Sensitivities {
    let mut result = Sensitivities::NONE;
    for (to, from) in result.loadings.iter_mut().zip(input.loadings) {
        *to = coefficient(from);
    }
    for (to, from) in result.shocks.iter_mut().zip(input.shocks) {
        *to = coefficient(from);
    }
    result.specific = coefficient(input.specific).unsigned_abs();
    result
}

/// All assets of the table, in its order.
pub fn assets() -> Result<Vec<Asset>> {
    inputs::ASSETS.iter().map(Asset::new).collect()
}

/// A vault in native units.
pub fn holdings<'a>(assets: &'a [Asset], vault: &inputs::Vault) -> Vec<Holding<'a>> {
    let holding = |position: &inputs::Position| {
        let asset = &assets[position.asset];
        Holding { asset, side: position.side, amount: position.tokens * 10u64.pow(u32::from(asset.decimals)) }
    };
    vault.positions.iter().map(holding).collect()
}

/// Hundredths in 2^-16.
fn times(hundredths: u32) -> u32 {
    hundredths * TIMES_ONE / 100
}

/// A market that has nothing but haircuts.
pub fn haircuts_alone() -> Model {
    Model::default()
}

/// The model of the table: netting with all its factors and scenarios, confirmed at second 0.
pub fn netting() -> Model {
    let count = |length: usize, most: usize| u8::try_from(length.min(most)).expect("single digits");
    let terms = Terms {
        netting: true,
        factors: count(inputs::FACTORS.len(), MAX_FACTORS),
        scenarios: count(inputs::SCENARIOS.len(), MAX_SCENARIOS),
        tail: inputs::TAIL,
        lambdas: inputs::LAMBDAS.map(times),
        multipliers: inputs::MULTIPLIERS.map(times),
        floor: Fraction::from_bps(inputs::FLOOR).expect("a part"),
    };
    let fallback = Ramp::new(inputs::VALIDITY, inputs::GRACE).expect("a ramp of days");
    Model { current: terms, fallback, ..Model::default() }
}

/// The same model from second 0 on, when it replaces one with the same terms: after the notice it phases in for as long
/// again. What changes is the sensitivities, see [`Asset::replaced`].
pub fn phasing_in() -> Model {
    let model = netting();
    let change = Ramp::new(inputs::NOTICE, inputs::NOTICE).expect("a ramp of days");
    Model { previous: model.current, change, ..model }
}

/// The checks of a vault at all levels.
#[derive(Clone, Copy, Debug)]
pub struct Checked {
    /// Init, Target, Maint.
    pub levels: [Health; 3],
    pub state: MarginState,
}

/// Checks a vault as the program does: `Init` at conservative prices, the other levels in one pass at spot.
pub fn check(model: &Model, vault: &[Holding], now: u64) -> Result<Checked> {
    let [init] = one_pass(model, vault, [Level::Init], Prices::Conservative, now, &mut None)?;
    let [target, maint] = one_pass(model, vault, [Level::Target, Level::Maint], Prices::Spot, now, &mut None)?;
    Ok(Checked { levels: [init, target, maint], state: MarginState::of(Some(&init), &maint) })
}

/// One level at prices of one's choice, and the scaled exposures, where the model has a use for them.
pub fn check_at<'a>(
    model: &Model,
    vault: &'a [Holding],
    level: Level,
    prices: Prices,
) -> Result<(Health, Option<Exposures<'a>>)> {
    let mut exposures = None;
    let [health] = one_pass(model, vault, [level], prices, 0, &mut exposures)?;
    Ok((health, exposures))
}

fn one_pass<'a, const N: usize>(
    model: &Model,
    vault: &'a [Holding],
    at: [Level; N],
    prices: Prices,
    now: u64,
    exposures: &mut Option<Exposures<'a>>,
) -> Result<[Health; N]> {
    let rules: [Rules; N] = at.map(|level| model.rules(level, now));
    let positions = vault.iter().map(|holding| Ok::<_, Error>(holding.position(at, prices)));
    assess(&rules, prices, positions, exposures)
}
