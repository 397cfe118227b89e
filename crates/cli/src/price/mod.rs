//! `ballast price ..`: whether prices count, and bringing them up to date.

use clap::Subcommand;

use crate::context::{Context, OnChain};
use crate::failure::Failure;

pub mod accounts;
mod check;
mod observe;
pub mod refresh;

/// Commands on prices.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring prices up to date; anybody may
    Refresh(refresh::Refresh),
    /// Compare the new source of an asset with its price; anybody may, and often enough it takes over
    Observe(observe::Observe),
    /// Show source, age, confidence and guards of prices, and what is refused meanwhile
    Check(check::Check),
}

impl Command {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Refresh(refresh) => refresh.run(context).await,
            Self::Observe(observe) => observe.run(context).await,
            Self::Check(check) => check.run(context).await,
        }
    }
}

/// Which way digits that are not shown are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    Nearest,
    Down,
    Up,
}

/// 10^-12 dollars as dollars with ten significant digits and all in front of the point: what feeds publish is shown exactly, and
/// the last digits, which are those of the program's number format, are not.
pub fn dollars(pico: u64, rounding: Rounding) -> String {
    let dropped = pico.checked_ilog10().unwrap_or(0).saturating_sub(9).min(12);
    let unit = 10u64.pow(dropped);
    let shown = match rounding {
        Rounding::Nearest => pico.saturating_add(unit / 2) / unit,
        Rounding::Down => pico / unit,
        Rounding::Up => pico.div_ceil(unit),
    };
    format!("${}", ballast_client::measure::places(shown, 12 - dropped))
}

/// The assets that were named, or all.
fn chosen(chain: &OnChain, names: &[String]) -> Result<Vec<u8>, Failure> {
    if names.is_empty() {
        return Ok((0..chain.market.asset_count).collect());
    }
    names.iter().map(|name| chain.asset(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Rounding, dollars};

    #[test]
    fn a_price_has_ten_significant_digits_rounded_as_asked() {
        let shown = |pico| [Rounding::Down, Rounding::Nearest, Rounding::Up].map(|rounding| dollars(pico, rounding));
        assert_eq!(shown(193_890_007_500_000), ["$193.8900075"; 3]);
        assert_eq!(shown(193_890_007_549_999), ["$193.8900075", "$193.8900075", "$193.8900076"]);
        assert_eq!(shown(193_890_007_550_000), ["$193.8900075", "$193.8900076", "$193.8900076"]);
        assert_eq!(shown(21_918_000), ["$0.000021918"; 3]);
        assert_eq!(shown(18_446_744_073_709_551_615)[0], "$18,446,744.07");
        assert_eq!(shown(0), ["$0"; 3]);
    }
}
