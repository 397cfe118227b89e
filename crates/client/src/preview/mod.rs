//! What an action would do, before anybody signs it: the program's own bookings and checks on copies of the accounts, so that
//! every number is the program's.
//!
//! A [`Stage`] is a market, a vault and a second. Actions change it as instructions of one transaction would; where a limit
//! refuses, the refusal is the program's, and the stage goes on as if the limit were not there as far as that is possible, so
//! that people see what they asked for.

mod book;
mod prices;
mod threshold;

use ballast::Guard;
use ballast::state::{Market, Vault};

use crate::impact::{Shock, copied, shocked};
use crate::refusal::Refusal;
use crate::{Fee, HealthView, LevelView};

pub use book::Takeover;
pub(crate) use prices::set;
pub use prices::{pico_dollars, price_of, shocked_pico_dollars};
pub use threshold::{Threshold, Thresholds};

/// One instruction on a vault. Amounts in native units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The most that the payer sends.
    Deposit {
        asset: u8,
        amount: u64,
    },
    /// `None` is everything.
    Withdraw {
        asset: u8,
        amount: Option<u64>,
    },
    Borrow {
        asset: u8,
        amount: u64,
    },
    /// The most that the payer sends; `None` is as much as is owed.
    Repay {
        asset: u8,
        amount: Option<u64>,
    },
    /// The most that the liquidator sends.
    Liquidate {
        debt_asset: u8,
        collateral_asset: u8,
        most_repaid: u64,
    },
}

/// Where tokens go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the pool.
    In,
    /// Out of the pool.
    Out,
}

/// Tokens that move between the pool and somebody's wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub asset: u8,
    pub direction: Direction,
    /// What the pool gets or gives, native units: beside what a token withholds from a transfer.
    pub tokens: u64,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What moves, or would if no limit refused it; nothing where that cannot be.
    pub flows: Vec<Flow>,
    /// What the program says, if it refuses.
    pub refusal: Option<Refusal>,
}

/// A vault in its market at a second.
#[derive(Clone)]
pub struct Stage {
    pub market: Box<Market>,
    pub vault: Vault,
    /// Unix seconds.
    pub now: u64,
    /// What the owner asks for beyond the rules of the market; its deadline is not looked at.
    pub guard: Guard,
    /// What an asset's token withholds from a transfer, see [`Fee::of`].
    fees: [Fee; crate::MAX_ASSETS],
}

impl Stage {
    /// The accounts as they are now, without transfer fees.
    pub fn new(market: &Market, vault: &Vault, now: u64) -> Self {
        let fees = [Fee::default(); crate::MAX_ASSETS];
        Self { market: copied(market), vault: *vault, now, guard: Guard::default(), fees }
    }

    /// The same with what an asset's token withholds from a transfer.
    pub fn with_fee(mut self, asset: u8, fee: Fee) -> Self {
        if let Some(known) = self.fees.get_mut(usize::from(asset)) {
            *known = fee;
        }
        self
    }

    /// What the program says about the vault.
    pub fn health(&self) -> HealthView {
        HealthView::of(&self.market, &self.vault, self.now)
    }

    /// Moves prices, see [`shocked`].
    ///
    /// # Errors
    /// `AssetUnknown`; `PriceOutOfRange` for what leaves no price.
    pub fn shock(&mut self, shocks: &[Shock]) -> Result<(), Refusal> {
        self.market = shocked(&self.market, shocks, self.now)?;
        Ok(())
    }

    /// Carries an action out.
    pub fn act(&mut self, action: Action) -> Outcome {
        match self.try_act(action) {
            Ok(flows) => Outcome { flows, refusal: None },
            Err(book::Refused { refusal, flows }) => Outcome { flows, refusal: Some(refusal) },
        }
    }

    /// What the program would say to an action, and nothing is changed.
    pub fn refusal(&self, action: Action) -> Option<Refusal> {
        self.clone().act(action).refusal
    }

    /// The largest amount of a kind of action, at most `limit` native units, that the program accepts; `None` when it accepts
    /// none. Found by bisection: what it accepts of one amount it accepts of every smaller one that is not too small.
    pub fn largest(&self, limit: u64, action: impl Fn(u64) -> Action) -> Option<u64> {
        let accepts = |amount: u64| amount > 0 && self.refusal(action(amount)).is_none();
        if accepts(limit) {
            return Some(limit);
        }
        let (mut fits, mut fails) = (0u64, limit);
        while fails.saturating_sub(fits) > 1 {
            let middle = fits.midpoint(fails);
            if accepts(middle) {
                fits = middle;
            } else {
                fails = middle;
            }
        }
        (fits > 0).then_some(fits)
    }
}

/// Before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub before: HealthView,
    /// After all, also after what is refused, see [`Stage::act`].
    pub after: HealthView,
    /// In the order of the actions.
    pub outcomes: Vec<Outcome>,
    /// Prices at which the vault would become liquidatable afterwards.
    pub thresholds: Thresholds,
}

impl Preview {
    /// The first refusal: what a transaction with these actions would fail with.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.outcomes.iter().find_map(|outcome| outcome.refusal.as_ref())
    }
}

/// Moves prices, then carries out actions, on copies.
///
/// # Errors
/// `AssetUnknown`, `PriceOutOfRange`, of the shocks alone: what actions are refused for stands in the preview.
pub fn preview(mut stage: Stage, shocks: &[Shock], actions: &[Action]) -> Result<Preview, Refusal> {
    let before = stage.health();
    if !shocks.is_empty() {
        stage.shock(shocks)?;
    }
    let outcomes = actions.iter().map(|action| stage.act(*action)).collect();
    Ok(Preview { before, after: stage.health(), outcomes, thresholds: stage.thresholds() })
}

/// Equity over requirement in basis points, rounded down: 10,000 is just enough. `None` without prices, and where nothing is
/// required.
pub fn margin_bps(level: &LevelView) -> Option<i64> {
    if !level.decided || level.requirement == 0 {
        return None;
    }
    let ratio = (i128::from(level.equity) * 10_000).div_euclid(i128::from(level.requirement));
    Some(i64::try_from(ratio).unwrap_or(if ratio < 0 { i64::MIN } else { i64::MAX }))
}
