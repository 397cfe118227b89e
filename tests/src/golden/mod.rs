//! Golden vectors of the health check: markets, vaults, and every integer that comes of them.
//!
//! `cargo xtask golden` writes `tests/golden/health.json` with what this client computes; the tests run it through the
//! client and through the compiled program, other implementations through themselves. See `tests/golden/README.md`.

pub mod codec;
mod markets;
mod vaults;

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ballast_client::instruction::MarketRef;
use ballast_client::{HealthView, LevelView, Market, Position, Pubkey, StateView, Vault, snapshot};
use serde_json::{Value, json};

use codec::{AssetCase, Plan, Record};

pub use markets::START;

/// What a liquidator's pool holds in these vectors: enough for any seizure.
const CASH: u64 = u64::MAX;

#[derive(Clone)]
pub struct MarketCase {
    pub market: Box<Market>,
    pub assets: Vec<AssetCase>,
}

/// One vault at one time, and what is said of it.
#[derive(Clone)]
pub struct Vector {
    /// Index of the market.
    pub market: usize,
    /// Unix seconds.
    pub now: u64,
    /// Sorted by asset.
    pub positions: Vec<Position>,
    pub view: HealthView,
    pub plan: Option<Plan>,
}

#[derive(Clone)]
pub struct Golden {
    pub markets: Vec<MarketCase>,
    pub vectors: Vec<Vector>,
}

impl MarketCase {
    /// The account: the market with its assets.
    pub fn account(&self) -> Box<Market> {
        let mut market = self.market.clone();
        market.version = 1;
        market.asset_count = self.assets.len() as u8;
        for (place, case) in market.assets.iter_mut().zip(&self.assets) {
            *place = case.asset;
            place.cash = CASH;
        }
        market
    }
}

impl Vector {
    /// What the client says of the positions.
    pub fn new(market: usize, account: &Market, now: u64, positions: Vec<Position>, most: u64) -> Self {
        let vault = vault(&positions, &Pubkey::default());
        let view = snapshot::health(account, &vault, now);
        let best = snapshot::best_liquidation(account, Pubkey::default(), &vault, now, |_| most);
        let plan = best.map(|best| Plan::new(best.debt_asset, best.collateral_asset, most, &best.liquidation));
        Self { market, now, positions, view, plan }
    }

    /// The account, in a market of this address.
    pub fn account(&self, market: &MarketRef<'_>) -> Vault {
        vault(&self.positions, &market.address)
    }
}

fn vault(positions: &[Position], market: &Pubkey) -> Vault {
    let mut vault: Vault = bytemuck::Zeroable::zeroed();
    (vault.version, vault.market) = (1, *market);
    vault.position_count = positions.len() as u8;
    vault.positions[..positions.len()].copy_from_slice(positions);
    vault
}

/// A position from its parts.
pub fn position(asset: u8, side: u8, shares: u64) -> Position {
    Position { shares, asset, side, padding: [0; 6] }
}

/// The committed file.
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/health.json")
}

impl Golden {
    /// All vectors, computed anew. Takes some seconds.
    pub fn generate() -> Self {
        let markets = markets::all();
        let vectors = vaults::all(&markets);
        Self { markets, vectors }
    }

    /// The committed vectors.
    pub fn committed() -> Result<Self> {
        let path = path();
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text)
    }

    /// The file's contents: one line for each asset and each vector, so that a change shows where it is.
    pub fn text(&self) -> Result<String> {
        let (asset, market) = (&self.markets[0].assets[0], &self.markets[0].market);
        let mut text = String::from("{\n\"format\":1,\n");
        for (name, fields) in [
            ("market_fields", market.names()),
            ("asset_fields", asset.names()),
            ("level_fields", LevelView::default().names()),
            ("plan_fields", Plan::default().names()),
            ("vector_fields", vec!["market", "now", "positions", "state", "init", "target", "maint", "plan"]),
        ] {
            writeln!(text, "\"{name}\":{},", json!(fields))?;
        }
        text.push_str("\"markets\":[\n");
        for (at, case) in self.markets.iter().enumerate() {
            let assets: Vec<_> = case.assets.iter().map(|asset| asset.json().to_string()).collect();
            let comma = if at + 1 < self.markets.len() { "," } else { "" };
            writeln!(text, "{{\"market\":{},\"assets\":[\n{}\n]}}{comma}", case.market.json(), assets.join(",\n"))?;
        }
        let vectors: Vec<_> = self.vectors.iter().map(|vector| vector.json().to_string()).collect();
        writeln!(text, "],\n\"vectors\":[\n{}\n]\n}}", vectors.join(",\n"))?;
        Ok(text)
    }

    fn parse(text: &str) -> Result<Self> {
        let file: Value = serde_json::from_str(text)?;
        let list = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_array).cloned().with_context(|| format!("no {name}"))
        };
        let market = |value: &Value| {
            let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
            market.read(value.get("market").context("no market")?)?;
            let asset = |value: &Value| {
                let mut case = AssetCase { asset: bytemuck::Zeroable::zeroed(), number: 0, exponent: 0 };
                case.read(value).map(|()| case)
            };
            let assets = list(value, "assets")?.iter().map(asset).collect::<Result<_>>()?;
            Ok(MarketCase { market, assets })
        };
        let markets = list(&file, "markets")?.iter().map(market).collect::<Result<_>>()?;
        let vectors = list(&file, "vectors")?.iter().map(Vector::parse).collect::<Result<_>>()?;
        Ok(Self { markets, vectors })
    }
}

impl Vector {
    fn json(&self) -> Value {
        let level = |level: &LevelView| if level.decided { level.json() } else { Value::Null };
        let positions: Vec<_> =
            self.positions.iter().map(|held| json!([held.asset, held.side, held.shares.to_string()])).collect();
        let HealthView { init, target, maint, state } = &self.view;
        let plan = self.plan.map_or(Value::Null, |plan| plan.json());
        let state = format!("{state:?}");
        json!([self.market, self.now.to_string(), positions, state, level(init), level(target), level(maint), plan])
    }

    fn parse(from: &Value) -> Result<Self> {
        let Some([market, now, positions, state, init, target, maint, plan]) =
            from.as_array().and_then(|items| <&[Value; 8]>::try_from(items.as_slice()).ok())
        else {
            bail!("{from} is no vector");
        };
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok()).context("no number");
        let held = |value: &Value| {
            let byte = |at: usize| value[at].as_u64().and_then(|byte| u8::try_from(byte).ok()).context("no position");
            Ok(position(byte(0)?, byte(1)?, number(&value[2])?))
        };
        let level = |value: &Value| {
            let mut level = LevelView { decided: !value.is_null(), ..LevelView::default() };
            if level.decided { level.read(value).map(|()| level) } else { Ok(level) }
        };
        let mut read = Plan::default();
        let plan = if plan.is_null() { None } else { Some(read.read(plan).map(|()| read)?) };
        let state = STATES.into_iter().find(|known| state.as_str() == Some(&format!("{known:?}")));
        Ok(Self {
            market: market.as_u64().and_then(|at| usize::try_from(at).ok()).context("no market")?,
            now: number(now)?,
            positions: positions.as_array().context("no positions")?.iter().map(held).collect::<Result<_>>()?,
            view: HealthView {
                init: level(init)?,
                target: level(target)?,
                maint: level(maint)?,
                state: state.context("no state")?,
            },
            plan,
        })
    }
}

/// All margin states.
pub const STATES: [StateView; 5] =
    [StateView::Healthy, StateView::Restricted, StateView::Liquidatable, StateView::Insolvent, StateView::Unpriced];
