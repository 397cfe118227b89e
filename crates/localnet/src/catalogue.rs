//! The assets of the local market: what they are called, and what stands in for a price that a table does not have. How
//! they are margined stands in `migrations/0001-local.toml`, which names the same assets in the same order.

/// The assets in the order in which they are listed. The first six are the core of the market; the others are there so
/// that a vault can hold up to twelve positions (a position is one side of one asset).
pub const ASSETS: [Entry; 12] = [
    entry("SOL", 9, StandIn::None),
    entry("BTC", 8, StandIn::None),
    entry("ETH", 8, StandIn::None),
    entry("JitoSOL", 9, StandIn::Staked { start_e6: 1_150_000, yearly_e6: 70_000 }),
    entry("USDC", 6, StandIn::Dollar),
    entry("USDT", 6, StandIn::Dollar),
    entry("JUP", 6, StandIn::Sol { e12: 5_600_000_000 }),
    Entry { token_2022: true, ..entry("JTO", 9, StandIn::Sol { e12: 14_000_000_000 }) },
    entry("BONK", 5, StandIn::Sol { e12: 130_000 }),
    entry("PYTH", 6, StandIn::Sol { e12: 2_400_000_000 }),
    entry("RAY", 6, StandIn::Sol { e12: 13_000_000_000 }),
    entry("WBTC", 8, StandIn::Bitcoin),
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

const fn entry(name: &'static str, decimals: u8, stand_in: StandIn) -> Entry {
    Entry { name, decimals, token_2022: false, stand_in }
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
