//! Amounts of named assets, written as people write them.

use crate::assets;

/// An amount of an asset, in native units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub symbol: &'static str,
    pub units: u64,
}

impl Money {
    /// The same asset, another number of native units.
    pub fn with(self, units: u64) -> Self {
        Self { units, ..self }
    }
}

/// A decimal string in units of `10^-decimals`.
pub fn units(text: &str, decimals: u8) -> u64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= usize::from(decimals), "{text} has more than {decimals} decimals");
    let digits: String = whole.chars().filter(|c| *c != '_').chain(part.chars()).collect();
    let scale = 10u64.pow(u32::from(decimals) - part.len() as u32);
    digits.parse::<u64>().expect("a decimal number").checked_mul(scale).expect("fits 64 bits")
}

/// Native units of an asset.
pub fn native(symbol: &'static str, units: u64) -> Money {
    Money { symbol, units }
}

macro_rules! currency {
    ($($name:ident $symbol:literal),*) => {
        $(
            pub fn $name(text: &str) -> Money {
                native($symbol, units(text, assets::decimals($symbol)))
            }
        )*
    };
}

currency!(sol "SOL", btc "BTC", eth "ETH", lst "LST", usdc "USDC", usdt "USDT", gold "GOLD", bonk "BONK");
