//! Many vaults against one state of a market: the decision at `Maint`, for whoever watches all of them.
//!
//! The quotes of all assets are made once; then each vault costs what [`assess`] costs, because it is what decides.
//! Beside the decision a vault gets a [tolerance](Judgement::tolerance): as long as no price has moved further, nobody
//! has to ask again.
//!
//! **Why a tolerance is safe.** Let `v` be the values of a vault that passed, `G` their sum, and `E - R` its slack.
//! Prices, and with them values, then move, while nothing else changes; `a` is the sum of the relative moves, of each
//! step the largest of any asset of the vault, and at most a quarter.
//!
//! * No deposit is below `(1 - a) v`, no debt above `e^a v`, which is at most `(1 + 8/7 a) v` for `a <= 1/4`.
//! * `E - R` never falls when an exposure rises ([`crate::exposure`]). So the vault is no worse off than with all
//!   deposits at the lower and all debts at the upper end.
//! * When an exposure falls by a dollar, `E` falls by one, and `R` rises by at most one by haircuts (marginal haircuts
//!   are capped at one; add-ons are at most a half, and a tolerance is only given where the debts are an eighth of each
//!   depth at most, so that `2 V / L` is below a third after the move), by `lambda x volatility <= 1` through the
//!   portfolio, and by `multiplier x |shock|` through a scenario. That makes [`Sheet::steepness`] in all.
//! * Together: `E - R` falls by at most `steepness x 8/7 a x G`.
//! * A check is wrong by less than a third of a millionth of the sum of the values and 600 micro-dollars (risk-model
//!   3.4, property 5), against the vault alone. What goes in its favour counts a sixteenth of a move, so the sum stays
//!   below `e^4 < 55` times what it was. `G / 2^14` and 4,096 micro-dollars cover that and the error of the first
//!   check.
//! * Values stay below [`crate::units::MAX_VALUE`], because a tolerance is only given where `G` is below a sixty-fourth
//!   of it.
//!
//! So a tolerance of `(slack - G / 2^14) / (steepness x 8/7 x G)` is enough. It is proven here and tested against
//! [`assess`].

use crate::error::Error;
use crate::fixed::bit_length;
use crate::haircut::Depth;
use crate::health::{Health, Position, Prices, Quote, Side, assess};
use crate::model::{Coefficients, ONE, Rules, TIMES_ONE};
use crate::price::{MAX_FORWARD_SECONDS, Unit};
use crate::units::{Fraction, MAX_VALUE, Shares};

/// What a vault has of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub shares: Shares,
    /// Index of the asset in the market.
    pub asset: u8,
    pub side: Side,
}

/// Whether a vault can be liquidated (risk-model 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A price is missing that the decision needs: nobody liquidates it.
    Unpriced,
    /// `E >= R_maint`.
    Sound,
    /// `E < R_maint`.
    Liquidatable,
    /// `E < 0`.
    Insolvent,
}

/// A decision, and how long it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub standing: Standing,
    /// How far prices may move before the vault could be anything but sound, see [`Footing::strain`]; zero where every
    /// move asks again. In 2^-32, at most a quarter.
    pub tolerance: u32,
}

/// One state of a market at one time.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    rules: [Rules; 1],
    /// By asset; the deposit first, then the debt.
    quotes: &'a [[Quote<'a, 1>; 2]],
    /// What `E - R` falls by at most for each dollar that an exposure falls by, in 2^-16.
    steepness: u64,
}

/// The largest tolerance: a quarter.
const MOST_TOLERANCE: u32 = 1 << 30;
/// The largest sum of values with a tolerance.
const MOST_GROSS: u64 = MAX_VALUE >> 6;
/// The largest add-on with a tolerance: a half.
const MOST_ADDON: Fraction = Fraction::new(1 << 31);
/// Seven eighths, in 2^-16.
const SEVEN_EIGHTHS: u64 = 57_344;

impl<'a> Sheet<'a> {
    /// `rules` and `quotes` are those of `Maint`.
    pub fn new(rules: Rules, quotes: &'a [[Quote<'a, 1>; 2]]) -> Self {
        let multiplier = [Some(rules.first), rules.second].iter().flatten().map(|measure| measure.multiplier).max();
        let columns = quotes.iter().flat_map(|[quote, _]| quote.columns.iter());
        let shocks = columns.flat_map(|columns| columns.iter().skip(8));
        // As stored, one is added to a shock; below 3 x 2^30.
        let shock = shocks.map(|stored| i64::from(*stored).wrapping_sub(i64::from(ONE)).unsigned_abs()).max();
        // Two numbers below 2^19 and 2^32.
        let stress = shock.unwrap_or(0).wrapping_mul(u64::from(multiplier.unwrap_or(0))) >> 30;
        let one = u64::from(TIMES_ONE);
        Self { rules: [rules], quotes, steepness: stress.max(one).wrapping_add(one).wrapping_add(1) }
    }

    /// What `E - R` falls by at most for each dollar that an exposure falls by, in 2^-16.
    pub const fn steepness(&self) -> u64 {
        self.steepness
    }

    /// Where a vault stands, and how far prices may move until somebody has to ask again.
    pub fn judge(&self, vault: &[Held]) -> Judgement {
        let positions = vault.iter().map(|held| {
            let quote = *self.quote(held).ok_or(Error::PriceUnusable)?;
            Ok(Position { side: held.side, shares: held.shares, quote })
        });
        let checked: Result<_, Error> = assess(&self.rules, Prices::Spot, positions, &mut None);
        let (standing, tolerance) = match checked {
            Err(_) => (Standing::Unpriced, 0),
            Ok([maint]) if maint.equity() < 0 => (Standing::Insolvent, 0),
            Ok([maint]) if maint.passes() => (Standing::Sound, self.tolerance(&maint, vault)),
            Ok(_) => (Standing::Liquidatable, 0),
        };
        Judgement { standing, tolerance }
    }

    #[inline(always)]
    fn quote(&self, held: &Held) -> Option<&Quote<'a, 1>> {
        let [deposit, debt] = self.quotes.get(usize::from(held.asset))?;
        Some(match held.side {
            Side::Deposit => deposit,
            Side::Debt => debt,
        })
    }

    /// See the module.
    #[inline(always)]
    fn tolerance(&self, maint: &Health, vault: &[Held]) -> u32 {
        let debts = maint.debts.get();
        let gross = maint.assets.get().wrapping_add(debts);
        let equity = u64::try_from(maint.equity()).unwrap_or(0);
        let rounding = (gross >> 14).wrapping_add(4_096);
        let slack = equity.saturating_sub(maint.requirement().get()).saturating_sub(rounding);
        let gentle = |held: &Held| {
            let quote = self.quote(held);
            quote.is_some_and(|Quote { haircuts: [addon], depth, .. }| {
                let (depth, ..) = depth.parts();
                // A missing debt counts nothing, and the one that comes back would be new to the vault: its footing
                // differs then.
                held.side == Side::Deposit || *addon <= MOST_ADDON && (depth == 0 || debts <= depth >> 3)
            })
        };
        if slack == 0 || gross >= MOST_GROSS || !vault.iter().all(gentle) {
            return 0;
        }
        // Both with 31 bits; the divisor rounded up.
        let drop = bit_length(gross).saturating_sub(31);
        let part = (slack >> drop).wrapping_shl(32).checked_div((gross >> drop).wrapping_add(1)).unwrap_or(0);
        // At most 2^32 x 2^16.
        let tolerance = part.wrapping_mul(SEVEN_EIGHTHS).checked_div(self.steepness).unwrap_or(0);
        u32::try_from(tolerance).unwrap_or(u32::MAX).min(MOST_TOLERANCE)
    }
}

/// All of a quote that a decision depends on: while it stays the same, so does every decision that reads nothing else
/// that changed. The quote itself changes with every second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footing {
    unit: Unit,
    /// The interest since the last accrual, in 2^-32: rate and time come into a value only by this.
    growth: u64,
    haircut: Fraction,
    depth: Depth,
    columns: Coefficients,
}

impl Footing {
    /// `None` where the quote has no usable price: nothing else of it counts then.
    pub fn of(quote: &Quote<'_, 1>) -> Option<Self> {
        let Quote { unit, rate, elapsed, usable, haircuts: [haircut], depth, columns } = *quote;
        let priced = usable && unit.mantissa != 0 && elapsed < MAX_FORWARD_SECONDS;
        // At most 2^31 x 2^20.
        let growth = u64::from(rate.get()).wrapping_mul(elapsed) >> 20;
        priced.then_some(Self { unit, growth, haircut, depth, columns: *columns })
    }

    /// What of a tolerance is used up by the way from this footing to a later one: the relative move of the value, in
    /// 2^-32, rounded up; a sixteenth of it where it is in the vault's favour. `None` where something else differs, or
    /// the move is larger than any tolerance.
    pub fn strain(&self, later: &Self, side: Side) -> Option<u32> {
        let fixed = |footing: &Self| (footing.haircut, footing.depth);
        if fixed(self) != fixed(later) || self.columns != later.columns {
            return None;
        }
        let (before, after) = (self.mantissa(side), later.mantissa(side));
        let shift = self.unit.shift.min(later.unit.shift);
        let align = |mantissa: u64, of: u8| {
            let places = u32::from(of.wrapping_sub(shift));
            // Less than 2^33 shifted by at most 8; a unit that differs by more has moved by more than half.
            if places > 8 { None } else { Some(mantissa.wrapping_shl(8).wrapping_shr(places)) }
        };
        let (before, after) = (align(before, self.unit.shift)?, align(after, later.unit.shift)?);
        let size = after.abs_diff(before);
        // Below 2^42; a move by half or more is none that a tolerance allows.
        if size >= before >> 1 {
            return None;
        }
        let part = u128::from(size).wrapping_shl(32).checked_div(u128::from(before))?.wrapping_add(2);
        let part = u32::try_from(part).ok()?;
        let harmful = (after < before) == (side == Side::Deposit);
        Some(if size == 0 {
            0
        } else if harmful {
            part
        } else {
            (part >> 4).wrapping_add(1)
        })
    }

    /// What values are made with, as [`Unit::value_floor`] and [`Unit::value_ceil`] bring it forward.
    fn mantissa(&self, side: Side) -> u64 {
        let (growth, more) = match side {
            Side::Deposit => (self.growth, 0),
            Side::Debt => (self.growth.wrapping_add(1), 1),
        };
        // At most 2^31 x 2^31.
        let mantissa = u64::from(self.unit.mantissa);
        mantissa.wrapping_add(mantissa.wrapping_mul(growth) >> 32).wrapping_add(more)
    }
}

/// What the way from one state of a market to another does to the vaults.
#[derive(Clone, Copy, Debug)]
pub struct Strains {
    /// Bits of the assets whose deposits, and whose debts, count differently.
    deposits: u64,
    debts: u64,
    /// See [`Footing::strain`]; `MAX` is more than any tolerance.
    by_asset: [[u32; 2]; 64],
}

impl Strains {
    /// Everything is different.
    pub const ALL: Self = Self { deposits: u64::MAX, debts: u64::MAX, by_asset: [[u32::MAX; 2]; 64] };

    /// The strains between two lists of footings, by asset, the deposit first; assets in only one of them are
    /// different.
    pub fn between(before: &[[Option<Footing>; 2]], after: &[[Option<Footing>; 2]]) -> Self {
        let mut strains = Self::ALL;
        let all = before.iter().zip(after).zip(&mut strains.by_asset).zip(0u32..);
        for ((([deposit, debt], [later_deposit, later_debt]), by_side), asset) in all {
            let strain = |side, before: &Option<Footing>, after: &Option<Footing>| match (before, after) {
                (Some(before), Some(after)) => before.strain(after, side).unwrap_or(u32::MAX),
                (None, None) => 0,
                _ => u32::MAX,
            };
            *by_side = [strain(Side::Deposit, deposit, later_deposit), strain(Side::Debt, debt, later_debt)];
            let keep = |same: bool| if same { !1u64.wrapping_shl(asset) } else { u64::MAX };
            strains.deposits &= keep(deposit == later_deposit);
            strains.debts &= keep(debt == later_debt);
        }
        strains
    }

    /// Whether a vault with deposits and debts in these assets has to be asked about at all.
    #[inline(always)]
    pub const fn concern(&self, deposits: u64, debts: u64) -> bool {
        self.deposits & deposits | self.debts & debts != 0
    }

    /// The largest strain of a vault with deposits and debts in these assets.
    pub fn of(&self, deposits: u64, debts: u64) -> u32 {
        let (mut deposits, mut debts, mut most) = (self.deposits & deposits, self.debts & debts, 0);
        while deposits != 0 {
            let asset = usize::try_from(deposits.trailing_zeros()).unwrap_or(0);
            most = self.by_asset.get(asset).map_or(u32::MAX, |[strain, _]| most.max(*strain));
            deposits &= deposits.wrapping_sub(1);
        }
        while debts != 0 {
            let asset = usize::try_from(debts.trailing_zeros()).unwrap_or(0);
            most = self.by_asset.get(asset).map_or(u32::MAX, |[_, strain]| most.max(*strain));
            debts &= debts.wrapping_sub(1);
        }
        most
    }
}
