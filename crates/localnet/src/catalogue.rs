//! The assets of the demo's market: what they are called, how they are margined, and what stands in for a price that a
//! table does not have.

/// The assets in the order in which they are listed. The first six are the core of the market; the others are there so
/// that a vault can hold up to twelve positions (a position is one side of one asset).
pub const ASSETS: [Entry; 12] = [
    entry("SOL", 9, [2_800, 2_300, 1_800], [1_200, 1_000, 800], 60, VOLATILE),
    entry("BTC", 8, [2_200, 1_800, 1_400], [1_000, 800, 600], 150, VOLATILE),
    entry("ETH", 8, [2_400, 2_000, 1_500], [1_000, 800, 600], 100, VOLATILE),
    Entry {
        stand_in: StandIn::Staked { start_e6: 1_150_000, yearly_e6: 70_000 },
        ..entry("JitoSOL", 9, [3_200, 2_600, 2_000], [1_500, 1_200, 900], 25, VOLATILE)
    },
    Entry { stand_in: StandIn::Dollar, ..entry("USDC", 6, [500, 400, 300], [200, 150, 100], 200, STABLE) },
    Entry { stand_in: StandIn::Dollar, ..entry("USDT", 6, [700, 550, 400], [300, 250, 200], 150, STABLE) },
    Entry { stand_in: StandIn::Sol { e12: 5_600_000_000 }, ..entry("JUP", 6, [5_000, 4_500, 4_000], ALT, 8, VOLATILE) },
    Entry {
        stand_in: StandIn::Sol { e12: 14_000_000_000 },
        token_2022: true,
        ..entry("JTO", 9, [5_000, 4_500, 4_000], ALT, 8, VOLATILE)
    },
    Entry { stand_in: StandIn::Sol { e12: 130_000 }, ..entry("BONK", 5, [6_000, 5_500, 4_800], ALT, 6, VOLATILE) },
    Entry {
        stand_in: StandIn::Sol { e12: 2_400_000_000 },
        ..entry("PYTH", 6, [5_000, 4_500, 4_000], ALT, 8, VOLATILE)
    },
    Entry {
        stand_in: StandIn::Sol { e12: 13_000_000_000 },
        ..entry("RAY", 6, [4_500, 4_000, 3_500], ALT, 8, VOLATILE)
    },
    Entry { stand_in: StandIn::Bitcoin, ..entry("WBTC", 8, [2_500, 2_000, 1_600], [1_000, 800, 600], 60, VOLATILE) },
];

/// Number of assets.
pub const COUNT: usize = ASSETS.len();
/// The assets that the issue of the market is about.
pub const CORE: usize = 6;

/// Positions in [`ASSETS`].
pub const SOL: usize = 0;
pub const BTC: usize = 1;
pub const ETH: usize = 2;
pub const JITOSOL: usize = 3;
pub const USDC: usize = 4;
pub const USDT: usize = 5;

/// Columns that a table of prices must have.
pub const REQUIRED: [usize; 3] = [SOL, BTC, ETH];

/// An asset of the market.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub name: &'static str,
    pub decimals: u8,
    /// Under Token-2022 instead of SPL Token.
    pub token_2022: bool,
    /// Basis points: Init, Target, Maint.
    pub haircuts: [u16; 3],
    /// Basis points: Init, Target, Maint.
    pub addons: [u16; 3],
    /// Millions of dollars that move the price by about the whole of it.
    pub depth: u64,
    /// Daily volatility that the haircuts are meant for, basis points.
    pub volatility: u16,
    /// Least, most and slope of the liquidation bonus in basis points.
    pub bonus: [u16; 3],
    /// (utilisation, yearly rate) in basis points.
    pub curve: &'static [(u16, u32)],
    pub reserve_factor: u16,
    pub stand_in: StandIn,
}

/// What a price is made from when a table has no column for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// The column is required.
    None,
    /// One dollar.
    Dollar,
    /// The price of BTC.
    Bitcoin,
    /// A fixed part of the price of SOL, in 10^-12.
    Sol { e12: u64 },
    /// SOL times an exchange rate that grows with time, in 10^-6.
    Staked { start_e6: u64, yearly_e6: u64 },
}

struct Class {
    volatility: u16,
    bonus: [u16; 3],
    curve: &'static [(u16, u32)],
    reserve_factor: u16,
}

const VOLATILE: Class = Class {
    volatility: 500,
    bonus: [200, 900, 2_500],
    curve: &[(0, 0), (4_500, 400), (7_500, 1_500), (9_000, 6_000), (10_000, 20_000)],
    reserve_factor: 1_500,
};
const STABLE: Class = Class {
    volatility: 30,
    bonus: [75, 300, 1_500],
    curve: &[(0, 0), (8_000, 600), (9_200, 1_600), (10_000, 9_000)],
    reserve_factor: 1_000,
};
const ALT: [u16; 3] = [2_500, 2_000, 1_600];

const fn entry(
    name: &'static str,
    decimals: u8,
    haircuts: [u16; 3],
    addons: [u16; 3],
    depth: u64,
    class: Class,
) -> Entry {
    let Class { volatility, bonus, curve, reserve_factor } = class;
    Entry {
        name,
        decimals,
        token_2022: false,
        haircuts,
        addons,
        depth,
        volatility,
        bonus,
        curve,
        reserve_factor,
        stand_in: StandIn::None,
    }
}

impl StandIn {
    /// For the report.
    pub fn describe(self, name: &str) -> String {
        match self {
            Self::None => format!("{name}: no stand-in"),
            Self::Dollar => format!("{name} at 1.00 dollar"),
            Self::Bitcoin => format!("{name} at the price of BTC"),
            Self::Sol { e12 } => format!("{name} at {} SOL", e12 as f64 / 1e12),
            Self::Staked { start_e6, yearly_e6 } => format!(
                "{name} at {:.2} SOL growing {:.0} % a year",
                start_e6 as f64 / 1e6,
                yearly_e6 as f64 / start_e6 as f64 * 100.0
            ),
        }
    }
}
