//! The example market and its vaults, as a person would write them down.
//!
//! Plausible for a horizon of one day, calibrated from nothing. Haircuts, add-ons and depths are those of the demo.

use ballast_risk::health::Side;

/// Basis points: hundredths of a percent.
pub type Bps = i16;

/// One dollar as a price.
pub const DOLLAR: u64 = 10_000_000_000;
/// Decimal exponent of prices.
pub const PRICE_EXPONENT: i32 = -10;

/// Seconds.
pub const DAY: u64 = 86_400;

pub const FACTORS: [&str; 3] = ["market", "solana", "dollar"];

/// What moves together, and by how much: basis points for each asset of [`ASSETS`].
pub const SCENARIOS: [&str; 6] = ["crash", "rally", "rotation", "depeg", "unstaking", "collapse"];

pub struct Asset {
    pub name: &'static str,
    pub decimals: u8,
    /// For one whole token, in 10^-10 dollars.
    pub spot: u64,
    /// The time-weighted average.
    pub average: u64,
    /// The confidence interval, already widened by its multiple, as a part of the price.
    pub confidence: Bps,
    /// Init, Target, Maint.
    pub haircuts: [Bps; 3],
    pub addons: [Bps; 3],
    /// Millions of dollars.
    pub depth: u64,
    /// By factor.
    pub loadings: [Bps; FACTORS.len()],
    pub specific: Bps,
    /// By scenario.
    pub shocks: [Bps; SCENARIOS.len()],
}

pub const JITOSOL: usize = 0;
pub const SOL: usize = 1;
pub const BTC: usize = 2;
pub const ETH: usize = 3;
pub const BONK: usize = 4;
pub const USDC: usize = 5;

pub const ASSETS: [Asset; 6] = [
    Asset {
        name: "JitoSOL",
        decimals: 9,
        spot: 180 * DOLLAR,
        average: 179 * DOLLAR,
        confidence: 10,
        haircuts: [3_200, 2_600, 2_000],
        addons: [1_500, 1_200, 900],
        depth: 25,
        loadings: [320, 290, 0],
        specific: 50,
        shocks: [-2_300, 2_000, 0, 0, -800, 0],
    },
    Asset {
        name: "SOL",
        decimals: 9,
        spot: 150 * DOLLAR,
        average: 149 * DOLLAR,
        confidence: 5,
        haircuts: [2_800, 2_300, 1_800],
        addons: [1_200, 1_000, 800],
        depth: 60,
        loadings: [320, 290, 0],
        specific: 10,
        shocks: [-2_200, 2_000, 0, 0, 0, 0],
    },
    Asset {
        name: "BTC",
        decimals: 8,
        spot: 100_000 * DOLLAR,
        average: 99_800 * DOLLAR,
        confidence: 5,
        haircuts: [2_200, 1_800, 1_400],
        addons: [1_000, 800, 600],
        depth: 150,
        loadings: [240, 0, 0],
        specific: 100,
        shocks: [-1_500, 1_300, -300, 0, 0, 0],
    },
    Asset {
        name: "ETH",
        decimals: 8,
        spot: 3_500 * DOLLAR,
        average: 3_490 * DOLLAR,
        confidence: 5,
        haircuts: [2_400, 2_000, 1_500],
        addons: [1_000, 800, 600],
        depth: 100,
        loadings: [290, 0, 0],
        specific: 190,
        shocks: [-1_800, 1_600, 400, 0, 0, 0],
    },
    Asset {
        name: "BONK",
        decimals: 5,
        // 0.0000128 dollars, and 0.00001275.
        spot: 128_000,
        average: 127_500,
        confidence: 30,
        haircuts: [6_000, 5_500, 4_800],
        addons: [2_500, 2_000, 1_600],
        depth: 6,
        loadings: [350, 250, 0],
        specific: 600,
        shocks: [-3_500, 4_000, 0, 0, 0, -6_000],
    },
    Asset {
        name: "USDC",
        decimals: 6,
        spot: DOLLAR,
        average: DOLLAR,
        confidence: 2,
        haircuts: [500, 400, 300],
        addons: [200, 150, 100],
        depth: 200,
        loadings: [0, 0, 5],
        specific: 5,
        shocks: [0, 0, 0, -1_000, 0, 0],
    },
];

/// Hundredths, at Init, Target, Maint. 3.7 is about the 99 % expected shortfall of a Student t distribution with four
/// degrees of freedom, in standard deviations, and 2.7 about that of a normal distribution.
pub const LAMBDAS: [u32; 3] = [370, 320, 270];
/// Hundredths, at Init, Target, Maint.
pub const MULTIPLIERS: [u32; 3] = [100, 90, 80];
/// The single worst scenario counts.
pub const TAIL: u8 = 1;
/// Part of the haircut requirement that netting cannot save, beside the cost of size.
pub const FLOOR: u16 = 2_000;
/// How long a confirmation of the model is good for, and how long the way back to the haircuts takes: seconds.
pub const VALIDITY: u64 = 30 * DAY;
pub const GRACE: u64 = 7 * DAY;

/// How long nothing rises at Target and Maint after a new model was taken over: seconds. That of a new market.
pub const NOTICE: u64 = DAY;
/// What the next model says of [`JITOSOL`] in the scenario `unstaking`.
pub const NEXT_UNSTAKING: Bps = -1_800;
/// Its place in [`SCENARIOS`].
pub const UNSTAKING: usize = 4;

pub struct Vault {
    /// Part of the name of its file.
    pub file: &'static str,
    pub title: &'static str,
    pub positions: &'static [Position],
}

pub struct Position {
    /// Place in [`ASSETS`].
    pub asset: usize,
    pub side: Side,
    /// Whole tokens.
    pub tokens: u64,
}

const fn deposit(asset: usize, tokens: u64) -> Position {
    Position { asset, side: Side::Deposit, tokens }
}

const fn debt(asset: usize, tokens: u64) -> Position {
    Position { asset, side: Side::Debt, tokens }
}

pub const STAKED_PAIR: Vault = Vault {
    file: "staked-pair",
    title: "Staked SOL against SOL",
    positions: &[deposit(JITOSOL, 1_000), debt(SOL, 1_000)],
};

pub const LONG_SHORT: Vault = Vault {
    file: "long-short",
    title: "Long BTC, short ETH",
    positions: &[deposit(BTC, 3), deposit(USDC, 20_000), debt(ETH, 75)],
};

pub const PILE: Vault = Vault {
    file: "pile",
    title: "A pile of one small token",
    positions: &[deposit(BONK, 78_125_000_000), debt(USDC, 300_000)],
};

pub const VAULTS: [&Vault; 3] = [&STAKED_PAIR, &LONG_SHORT, &PILE];
