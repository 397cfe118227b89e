//! Which pair, and how much of it: every liquidation of a vault that is possible, the best one first.
//!
//! For keepers and whoever shows a vault. Each pair is asked of [`preview`], so what is listed is what would be moved.

use super::{Bonus, Leg, Liquidation, Modelling, Request, preview};
use crate::error::Result;
use crate::health::Health;
use crate::units::{Amount, Fraction, Usd};

/// The most pairs that the 32 positions of a vault make: 16 debts by 16 deposits.
pub const MAX_PAIRS: usize = 256;

/// What all liquidations of a vault start from.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    pub maint: Health,
    pub target: Health,
    /// In a market with netting or scenarios.
    pub model: Option<Modelling<'a>>,
    pub dust: Usd,
}

/// A debt of the vault.
#[derive(Clone, Copy, Debug)]
pub struct Owed<'a> {
    pub leg: Leg<'a>,
    pub reserve_share: Fraction,
    /// The most that the liquidator can pay in this asset.
    pub most: Amount,
}

/// A deposit of the vault.
#[derive(Clone, Copy, Debug)]
pub struct Pledged<'a> {
    pub leg: Leg<'a>,
    pub bonus: Bonus,
    /// What the pool has in tokens at the moment.
    pub cash: Amount,
}

/// One of the liquidations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Places in the lists of debts and deposits.
    pub debt: usize,
    pub collateral: usize,
    pub moved: Liquidation,
    /// Micro-dollars: what is seized less all that is paid, also to the reserve; both values rounded down. Negative where the
    /// bonus is less than a native unit.
    pub gain: i64,
    /// Whether the pool has the tokens. If not, the deposit can still be taken over into a vault.
    pub in_cash: bool,
}

/// All pairs of which anything can be liquidated, the largest gain first, of equal ones in the order of the lists. If there are
/// more than `found` has room for, the best.
pub fn best_first<'f>(start: &Start, debts: &[Owed], deposits: &[Pledged], found: &'f mut [Choice]) -> &'f [Choice] {
    let mut count = 0;
    for (debt, owed) in debts.iter().enumerate() {
        for (collateral, pledged) in deposits.iter().enumerate() {
            // What is refused is no choice.
            if let Ok(choice) = choice(start, owed, pledged) {
                count = insert(found, count, Choice { debt, collateral, ..choice });
            }
        }
    }
    found.get(..count).unwrap_or_default()
}

fn choice(start: &Start, owed: &Owed, pledged: &Pledged) -> Result<Choice> {
    let Start { maint, target, model, dust } = *start;
    let (debt, collateral) = (owed.leg, pledged.leg);
    let (bonus, reserve_share, most) = (pledged.bonus, owed.reserve_share, owed.most);
    let moved = preview(&Request { maint, target, model, debt, collateral, bonus, reserve_share, dust, most })?;
    let paid = debt.price.value_floor(moved.repay.plus(moved.to_reserve)?)?;
    // Values are below 2^56.
    let gain = moved.seized_value.get().cast_signed().wrapping_sub(paid.get().cast_signed());
    Ok(Choice { moved, gain, in_cash: moved.seize <= pledged.cash, ..Choice::default() })
}

/// Behind all that are as good. The last one falls out of a list that is full.
fn insert(found: &mut [Choice], count: usize, choice: Choice) -> usize {
    let at = found.iter().take(count).take_while(|other| other.gain >= choice.gain).count();
    let end = count.saturating_add(1).min(found.len());
    if let Some(from) = found.get_mut(at..end)
        && let Some(last) = from.last_mut()
    {
        *last = choice;
        from.rotate_right(1);
    }
    end
}
