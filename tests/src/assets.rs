//! The assets of the standard market, and plain ones to fill it up.

use ballast_client::Pubkey;
use ballast_client::local::{PUSH_PROGRAM, RECEIVER, RECEIVER_CORE, STAKE_POOL, SWITCHBOARD};
use ballast_client::parameters::Listing;
use ballast_client::table::Parameter;
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{MAX_ASSETS, Source, SourceKind};

use crate::address;

/// A token with its price source, before and after it is listed.
#[derive(Clone, Debug)]
pub struct Token {
    pub symbol: &'static str,
    pub decimals: u8,
    pub token_program: Pubkey,
    pub mint: Pubkey,
    /// The account that the price is read from.
    pub oracle: Pubkey,
    /// Dollars for one whole token at the start; base tokens where a stake pool says it.
    pub price: &'static str,
    pub listing: Listing,
    /// Where else its price comes from.
    pub second: Option<Feed>,
}

/// A price source with the account that it is read from.
#[derive(Clone, Debug)]
pub struct Feed {
    pub kind: SourceKind,
    /// Feed id or address.
    pub key: Pubkey,
    /// Index of the base asset of a stake pool.
    pub base: u8,
    pub oracle: Pubkey,
    /// Dollars for one whole token at the start; base tokens where a stake pool says it.
    pub price: &'static str,
}

impl Feed {
    /// A source that nobody has heard of before; a stake pool is of the first asset.
    pub fn new(name: &str, kind: SourceKind, price: &'static str) -> Self {
        let oracle = address(&format!("oracle {name}"));
        let key = match kind {
            SourceKind::PythPull | SourceKind::PythPullCore => address(&format!("feed {name}")),
            _ => oracle,
        };
        Self { kind, key, base: 0, oracle, price }
    }

    /// As governance names it.
    pub fn source(&self) -> Source {
        Source::new(self.kind, self.key, self.base)
    }
}

impl Token {
    /// The feed of a pull oracle.
    pub fn feed(&self) -> [u8; 32] {
        self.listing.oracle.to_bytes()
    }

    /// The program that owns its price account.
    pub fn oracle_program(&self) -> Pubkey {
        oracle_program(self.listing.source_kind)
    }

    /// The first source.
    pub fn first(&self) -> Feed {
        let Listing { source_kind: kind, oracle: key, .. } = self.listing;
        Feed { kind, key, base: 0, oracle: self.oracle, price: self.price }
    }

    /// The same token with other values of parameters.
    pub fn with(mut self, values: &[(Parameter, u64)]) -> Self {
        self.listing.more.retain(|(known, _)| values.iter().all(|(other, _)| other != known));
        self.listing.more.extend(values);
        self
    }

    /// The same token with another first source.
    pub fn priced_by(mut self, feed: Feed) -> Self {
        (self.listing.source_kind, self.listing.oracle) = (feed.kind, feed.key);
        (self.oracle, self.price) = (feed.oracle, feed.price);
        self
    }

    /// The same token with a second source.
    pub fn checked_by(mut self, feed: Feed) -> Self {
        self.second = Some(feed);
        self
    }
}

/// The program that owns the price accounts of a kind.
pub fn oracle_program(kind: SourceKind) -> Pubkey {
    match kind {
        SourceKind::PythPull => RECEIVER,
        SourceKind::PythPullCore => RECEIVER_CORE,
        SourceKind::PythPush => PUSH_PROGRAM,
        SourceKind::SwitchboardPull => SWITCHBOARD,
        SourceKind::StakePool => STAKE_POOL,
        SourceKind::None => Pubkey::default(),
    }
}

/// The guards as loose as the table allows: a test that wants one sets it.
pub const GUARDS_OFF: [(Parameter, u64); 12] = [
    (Parameter::OutflowLimit, WHOLE),
    (Parameter::BreakerJump, WHOLE),
    (Parameter::BreakerConfidence, WHOLE),
    (Parameter::BreakerDrawdown, WHOLE),
    (Parameter::BreakerVariance, WHOLE),
    (Parameter::RecoveryGrace, 0),
    (Parameter::Conservative, 0),
    (Parameter::SourceChecks, 3),
    (Parameter::BreakerSeconds, 600),
    (Parameter::GrowthLimit, WHOLE),
    (Parameter::BonusReserve, 0),
    (Parameter::FlashFee, bps(9)),
];
/// The largest fraction.
pub const WHOLE: u64 = u32::MAX as u64;

/// Basis points as a fraction of the table, rounded up.
pub const fn bps(part: u64) -> u64 {
    (part * (1 << 32)).div_ceil(10_000)
}

struct Kind {
    haircut_bps: [u16; 3],
    addon_bps: [u16; 3],
    depth_dollars: u64,
    bonus_bps: [u16; 2],
    curve: &'static [(u16, u32)],
}

const MAJOR: Kind = Kind {
    haircut_bps: [2_500, 2_000, 1_500],
    addon_bps: [1_000, 750, 500],
    depth_dollars: 2_000_000_000,
    bonus_bps: [200, 1_000],
    curve: &[(0, 0), (8_000, 700), (10_000, 15_000)],
};
const STABLE: Kind = Kind {
    haircut_bps: [700, 600, 500],
    addon_bps: [300, 250, 200],
    depth_dollars: 5_000_000_000,
    bonus_bps: [100, 300],
    curve: &[(0, 100), (9_000, 600), (10_000, 10_000)],
};
const MINOR: Kind = Kind {
    haircut_bps: [5_000, 4_000, 3_000],
    addon_bps: [4_000, 3_000, 2_000],
    depth_dollars: 50_000_000,
    bonus_bps: [500, 2_000],
    curve: &[(0, 0), (5_000, 2_000), (10_000, 100_000)],
};

const fn listing(symbol: &'static str) -> (u8, &'static str, &'static Kind) {
    match symbol.as_bytes() {
        b"SOL" => (9, "150", &MAJOR),
        b"BTC" => (8, "60000", &MAJOR),
        b"ETH" => (8, "3000", &MAJOR),
        b"LST" => (9, "165", &MAJOR),
        b"USDC" => (6, "1", &STABLE),
        b"USDT" => (6, "1", &STABLE),
        b"GOLD" => (8, "2650", &MAJOR),
        b"BONK" => (5, "0.00002", &MINOR),
        _ => (6, "10", &MAJOR),
    }
}

/// Decimals of an asset.
pub fn decimals(symbol: &'static str) -> u8 {
    listing(symbol).0
}

/// The first assets of the standard market. GOLD is a Token-2022 token priced by the second receiver program, BONK
/// has a legacy push price.
pub const STANDARD: [&str; 8] = ["SOL", "BTC", "ETH", "LST", "USDC", "USDT", "GOLD", "BONK"];

/// The first `count` assets of a market: the standard ones, then plain ones named by their index.
pub fn tokens(count: usize) -> Vec<Token> {
    assert!(count <= MAX_ASSETS);
    (0..count).map(|index| token(STANDARD.get(index).copied().unwrap_or_else(|| plain(index)))).collect()
}

/// The name of the plain asset of an index.
pub fn plain(index: usize) -> &'static str {
    Box::leak(format!("P{index:02}").into_boxed_str())
}

/// An asset by name.
pub fn token(symbol: &'static str) -> Token {
    let (decimals, price, kind) = listing(symbol);
    let token_program = if symbol == "GOLD" { TOKEN_2022 } else { SPL_TOKEN };
    let oracle = address(&format!("oracle {symbol}"));
    let (source_kind, source) = match symbol {
        "GOLD" => (SourceKind::PythPullCore, address(&format!("feed {symbol}"))),
        "BONK" => (SourceKind::PythPush, oracle),
        _ => (SourceKind::PythPull, address(&format!("feed {symbol}"))),
    };
    let listing = Listing {
        name: symbol,
        source_kind,
        oracle: source,
        max_age: 60,
        average_period: 3_600,
        max_confidence_bps: 200,
        confidence_multiple: 212,
        haircut_bps: kind.haircut_bps,
        addon_bps: kind.addon_bps,
        depth_dollars: kind.depth_dollars,
        bonus_least_bps: kind.bonus_bps[0],
        bonus_most_bps: kind.bonus_bps[1],
        bonus_slope_bps: 2_000,
        reserve_factor_bps: 1_000,
        curve: kind.curve.to_vec(),
        deposit_cap: u64::MAX / 4,
        debt_cap: u64::MAX / 4,
        variance_period: 86_400,
        // Off: a test that wants the volatility multiplier lists its own asset.
        daily_volatility_bps: 0,
        volatility_limit: 300,
        more: GUARDS_OFF.to_vec(),
    };
    let mint = address(&format!("mint {symbol}"));
    Token { symbol, decimals, token_program, mint, oracle, price, listing, second: None }
}
