//! A vault below its maintenance requirement, and the pair that a liquidation is about.

use ballast_risk::Error;
use ballast_risk::exposure::Exposures;
use ballast_risk::health::{Level, Prices, Side, assess};
use ballast_risk::interest::{amount_ceil, amount_floor};
use ballast_risk::liquidation::{Bonus, Leg, Liquidation, Modelling, Request};
use ballast_risk::model::Rules;
use ballast_risk::params::{Levels, MAX_BONUS, MAX_BONUS_RESERVE};
use proptest::prelude::*;

use super::generate::vaults;
use super::model::Governed;
use super::vault::*;
use super::*;

/// A vault whose first position is the debt and whose second is the collateral. These two have an index of one and no
/// interest pending, so that shares are native units; the other positions are anything.
#[derive(Clone, Debug)]
pub struct Pair {
    pub vault: Vault,
    pub bonus: Bonus,
    pub reserve_share: Fraction,
    pub dust: Usd,
}

/// The levels that a liquidation looks at.
pub const SPOT: [Level; 2] = [Level::Target, Level::Maint];

/// By the rules of these levels.
pub fn modelling<'a>([target, maint]: &'a [Rules; 2], exposures: &'a Option<Exposures<'a>>) -> Option<Modelling<'a>> {
    exposures.as_ref().map(|exposures| Modelling { target, maint, exposures })
}

impl Pair {
    pub fn debt(&self) -> &Held {
        &self.vault.held[0]
    }

    pub fn collateral(&self) -> &Held {
        &self.vault.held[1]
    }

    fn leg<'h>(&self, held: &'h Held) -> Option<Leg<'h>> {
        let (shares, index) = (Shares::new(held.shares), held.index);
        let amount = if held.side == Side::Debt { amount_ceil(shares, index) } else { amount_floor(shares, index) };
        let value = held.position([], Prices::Spot, 0).value().ok()?;
        let [haircut, maint_haircut] = SPOT.map(|level| held.haircut(level, self.vault.now));
        let (price, depth, columns) = (held.price, held.depth, &held.columns);
        Some(Leg { amount: amount.ok()?, value: Usd::new(value), price, haircut, maint_haircut, depth, columns })
    }

    /// In a market without a model.
    pub fn request(&self, most: Amount) -> Option<Request<'_>> {
        let [target, maint] = self.vault.at(SPOT, Prices::Spot).ok()?;
        let (debt, collateral) = (self.leg(self.debt())?, self.leg(self.collateral())?);
        let Self { bonus, reserve_share, dust, .. } = *self;
        Some(Request { maint, target, model: None, debt, collateral, bonus, reserve_share, dust, most })
    }

    /// In any market: what the crate answers when asked.
    pub fn ask<T>(&self, most: Amount, answer: impl FnOnce(&Request) -> T) -> Option<T> {
        let Vault { model, now, held, .. } = &self.vault;
        let rules = SPOT.map(|level| model.rules(level, *now));
        let mut exposures = None;
        let positions = held.iter().map(|held| Ok(held.position(SPOT, Prices::Spot, *now)));
        assess::<2, Error>(&rules, Prices::Spot, positions, &mut exposures).ok()?;
        let model = modelling(&rules, &exposures);
        Some(answer(&Request { model, ..self.request(most)? }))
    }

    /// The vault after it.
    pub fn after(&self, moved: &Liquidation) -> Self {
        let mut pair = self.clone();
        pair.vault.held[0].shares -= moved.repay.get();
        pair.vault.held[1].shares -= moved.seize.get();
        pair
    }

    /// `E - R` at `Target` as computed.
    pub fn to_target(&self) -> Option<i128> {
        net(&self.vault.check(Level::Target).ok()?)
    }

    /// Value of one native unit, rounded up to micro-dollars.
    pub fn unit_value(held: &Held) -> u64 {
        held.price.value_floor(Amount::new(1)).unwrap().get() + 1
    }
}

/// The time of the check in a market without a model.
const NOW: u64 = 1_700_000_000;

/// Haircuts of 2 to 60 % as they are listed, or any.
fn listed() -> impl Strategy<Value = Levels> {
    let usual = prop::array::uniform3(200u16..6_000).prop_map(|mut bps| {
        bps.sort();
        let [maint, target, init] = bps.map(|bps| Fraction::from_bps(bps).unwrap());
        Levels { maint, target, init }
    });
    prop_oneof![usual, levels()]
}

/// Add-ons: none, up to 20 %, or any.
fn addons() -> impl Strategy<Value = Levels> {
    let usual = prop::array::uniform3(0u16..2_000).prop_map(|mut bps| {
        bps.sort();
        let [maint, target, init] = bps.map(|bps| Fraction::from_bps(bps).unwrap());
        Levels { maint, target, init }
    });
    prop_oneof![Just(Levels::default()), usual, levels()]
}

/// A bonus that the validator accepts beside the haircut: `b (1 - h) <= h`, at most a quarter.
fn bonus(h: Fraction, w: (u64, u64, u64), k: (u16, u16, u16)) -> Bonus {
    let (h, one) = (u64::from(h.get()), 1u64 << 32);
    let fits = if h == one - 1 {
        one
    } else {
        (u128::from(h) << 32).div_euclid(u128::from(one - h)).try_into().unwrap_or(one)
    };
    let most = pick(0, fits.min(u64::from(MAX_BONUS.get())), w.0, k.0);
    let part = |x: u64| Fraction::new(u32::try_from(x).unwrap());
    Bonus { least: part(pick(0, most, w.1, k.1)), most: part(most), slope: part(pick(0, one - 1, w.2, k.2)) }
}

/// Nothing, or up to the most that the table allows.
pub fn reserve_shares() -> impl Strategy<Value = Fraction> {
    let most = u64::from(MAX_BONUS_RESERVE.get());
    prop_oneof![Just(Fraction::ZERO), between(0, most).prop_map(|x| Fraction::new(u32::try_from(x).unwrap()))]
}

fn leg(side: Side, shares: u64, bits: u64, m: u64, margins: Levels, depth: Depth) -> Held {
    let length = u64::from(64 - shares.leading_zeros());
    let price = priced(m, (length + 64).saturating_sub(bits).max(46));
    Held { side, shares, price, careful: price, from: margins, to: margins, depth, ..Held::plain() }
}

/// Raises the debt until the vault fails `Maint`, and on by `beyond` (a part of the debt in 2^-64, squared twice so that
/// most vaults are just below).
fn indebted(mut pair: Pair, beyond: u64) -> Pair {
    let mut health = |shares: u64| {
        pair.vault.held[0].shares = shares;
        pair.vault.check(Level::Maint)
    };
    let (mut low, mut high) = (0u64, u64::MAX);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        // A debt that is refused for its size is too high as well.
        if health(middle).is_ok_and(|health| health.passes()) { low = middle } else { high = middle }
    }
    let part = |x: u64| u64::try_from((u128::from(x) * u128::from(x)) >> 64).unwrap();
    let more = u64::try_from((u128::from(high) * u128::from(part(part(beyond)))) >> 64).unwrap();
    let raised = high.saturating_add(more);
    let fails = health(raised).is_ok_and(|health| !health.passes());
    pair.vault.held[0].shares = if fails { raised } else { high };
    pair
}

/// Liquidatable vaults of two assets, or of up to eight more.
pub fn pairs(others: u32) -> impl Strategy<Value = Pair> {
    let side = || (word(), any::<u64>(), depths());
    let collateral = (side(), listed(), prop_oneof![4 => 24u64..=56, 1 => 0u64..=56]);
    let debt = (side(), addons(), prop_oneof![3 => 0u64..=20, 1 => 0u64..=40]);
    let rest = prop_oneof![Just(Vec::new()), vaults(others).prop_map(|vault| vault.held)];
    let bonuses = (any::<(u64, u64, u64)>(), any::<(u16, u16, u16)>());
    let dust = prop_oneof![Just(0), between(0, 1 << 40)];
    let terms = (bonuses, reserve_shares(), dust);
    (collateral, debt, rest, terms, any::<u64>()).prop_map(|(collateral, debt, rest, terms, beyond)| {
        let ((w, k), reserve_share, dust) = terms;
        let ((shares, m, depth), margins, bits) = collateral;
        let collateral = leg(Side::Deposit, shares, bits, m, margins, depth);
        let ((_, m, depth), addons, coarse) = debt;
        // A native unit of the debt is worth 2^-20 to 2^20 micro-dollars.
        let debt = leg(Side::Debt, 1, 0, m, addons, depth);
        let debt = Held { price: priced(m, 43 + coarse), ..debt };
        let bonus = bonus(margins.maint, w, k);
        let rules = Governed::plain();
        let held = [debt, collateral].into_iter().chain(rest).collect();
        let vault = Vault { model: rules.model(), rules, now: NOW, held };
        indebted(Pair { vault, bonus, reserve_share, dust: Usd::new(dust) }, beyond)
    })
}
