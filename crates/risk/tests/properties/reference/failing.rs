//! Vaults that fail their maintenance requirement, in any market, with what a liquidation of each position pays.

use std::cell::Cell;

use ballast_risk::health::{Health, Level, Prices, Side, assess};
use ballast_risk::liquidation::{Bonus, Leg, Liquidation, Owed, Pledged, Request, Start, preview};
use ballast_risk::params::{Levels, MAX_BONUS_RESERVE, RiskParameters, check_risk};
use ballast_risk::{Amount, Error, Fraction, Index, Rate, Usd};
use proptest::prelude::*;

use super::generate::modelled;
use super::model::{Governed, Needs};
use super::pair::{SPOT, modelling};
use super::source::Source;
use super::vault::*;
use super::*;

/// What is listed of an asset beside its haircuts.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// When it is seized.
    pub bonus: Bonus,
    /// When it is repaid.
    pub reserve_share: Fraction,
}

/// A vault that fails `Maint` by little or much, and what a liquidation of each position pays.
#[derive(Clone, Debug)]
pub struct Failing {
    pub vault: Vault,
    pub listings: Vec<Listing>,
    pub dust: Usd,
}

/// In a market with netting or scenarios. Indexes are one and no interest is pending, so that shares are native units.
pub fn failing(most: u32) -> impl Strategy<Value = Option<Failing>> {
    failing_by(most, 40)
}

/// The same, by at least one in `2^least` of a position.
pub fn failing_by(most: u32, least: u32) -> impl Strategy<Value = Option<Failing>> {
    (modelled(most), any::<u64>(), 0..least, any::<u64>(), dusts()).prop_map(|(vault, which, beyond, seed, dust)| {
        let mut vault = vault;
        for held in &mut vault.held {
            (held.index, held.rate, held.elapsed) = (Index::ONE, Rate::ZERO, 0);
        }
        let vault = beyond_maint(vault.fitting(), which, beyond)?;
        // A requirement beyond 64 bits is taken for all there is, and a step out of it lands anywhere.
        let counted = vault.check(Level::Target).is_ok_and(|health| health.haircuts < Usd::MAX);
        // A change may have left a market with haircuts alone.
        let modelled = vault.model.rules(Level::Target, vault.now).modelled();
        let s = &mut Source::new(seed, 0);
        let listings = vault.held.iter().map(|_| Listing { bonus: any_bonus(s), reserve_share: share(s) }).collect();
        (counted && modelled).then_some(Failing { vault, listings, dust })
    })
}

/// In a market with haircuts alone: one to three debts against one to four deposits, good ones and junk, of comparable
/// worth, and listed with parameters that the validator accepts.
pub fn mixed() -> impl Strategy<Value = Option<Failing>> {
    let beyond = prop_oneof![1 => 0u32..4, 2 => 0u32..40];
    (any::<u64>(), beyond, dusts()).prop_map(|(seed, beyond, dust)| {
        let s = &mut Source::new(seed, 0);
        let (debts, deposits) = (1 + s.below(3), 1 + s.below(4));
        let sides = (0..debts).map(|_| Side::Debt).chain((0..deposits).map(|_| Side::Deposit));
        let (held, listings) = sides.map(|side| listed(s, side)).unzip();
        let rules = Governed::plain();
        let vault = Vault { model: rules.model(), rules, now: 0, held };
        Some(Failing { vault: beyond_maint(vault, s.bits(), beyond)?, listings, dust })
    })
}

/// With one position of the vault beyond the threshold of `Maint`.
fn beyond_maint(vault: Vault, which: u64, beyond: u32) -> Option<Vault> {
    let threshold = vault.threshold(Level::Maint, which)?;
    let more = threshold.fails >> beyond;
    let shares = match vault.held[threshold.at].side {
        Side::Debt => threshold.fails.saturating_add(more),
        Side::Deposit => threshold.fails - more / 2,
    };
    let vault = vault.with_shares(threshold.at, shares);
    vault.check(Level::Maint).is_ok_and(|health| !health.passes()).then_some(vault)
}

fn dusts() -> impl Strategy<Value = Usd> {
    prop_oneof![Just(0), between(0, 1 << 40)].prop_map(Usd::new)
}

fn bps(points: u64) -> Fraction {
    Fraction::from_bps(u16::try_from(points).unwrap()).unwrap()
}

/// None, one that rises, the largest, or any.
fn any_bonus(s: &mut Source) -> Bonus {
    let (a, b) = (s.below(2_500), s.below(2_500));
    let [least, most, slope] = match s.below(4) {
        0 => [0, 0, 0],
        1 => [200, 1_000, 2_000],
        2 => [2_500, 2_500, 0],
        _ => [a.min(b), a.max(b), s.below(10_001)],
    };
    Bonus { least: bps(least), most: bps(most), slope: bps(slope) }
}

fn share(s: &mut Source) -> Fraction {
    if s.one_in(2) { Fraction::ZERO } else { Fraction::new(s.between_u32(0, MAX_BONUS_RESERVE.get())) }
}

/// A position of 1,000 to a million dollars, or a thousandth of that; one deposit in four is junk: it counts nothing, or
/// pays no bonus.
fn listed(s: &mut Source, side: Side) -> (Held, Listing) {
    let bits = 30 + s.below(10) - if s.one_in(8) { 10 } else { 0 };
    let shares = s.between(1 << 28, 1 << 40);
    let price = priced(s.bits(), 128 - u64::from(shares.leading_zeros()) - bits);
    let mut points = match side {
        Side::Debt => [0; 3].map(|_| s.below(1_000)),
        Side::Deposit => [0; 3].map(|_| 200 + s.below(4_000)),
    };
    points.sort_unstable();
    let junk = side == Side::Deposit && s.one_in(4);
    let points = if junk && s.one_in(2) { [10_000; 3] } else { points };
    let [maint, target, init] = points.map(bps);
    let levels = Levels { init, target, maint };
    let fits = (points[0] * 10_000).checked_div(10_000 - points[0]).unwrap_or(2_500).min(2_500);
    let most = if junk && points[0] < 10_000 { 0 } else { s.below(fits + 1) };
    let least = if s.one_in(4) { most } else { s.below(most + 1) / 4 };
    let bonus = Bonus { least: bps(least), most: bps(most), slope: bps(s.below(10_001)) };
    let depth = if s.one_in(2) { Usd::new((1 << bits) * (1 + s.below(64))).max(MIN_DEPTH) } else { Usd::ZERO };
    let depth = Depth::new(depth).unwrap();
    let parameters = RiskParameters { haircuts: levels, addons: levels, depth, bonus };
    assert!(check_risk(&parameters).is_ok(), "{parameters:?}");
    let held = Held { side, shares, price, careful: price, from: levels, to: levels, depth, ..Held::plain() };
    (held, Listing { bonus, reserve_share: share(s) })
}

impl Failing {
    pub fn on(&self, side: Side) -> Vec<usize> {
        (0..self.vault.held.len()).filter(|at| self.vault.held[*at].side == side).collect()
    }

    /// Pairs of debt and collateral.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        let collateral = self.on(Side::Deposit);
        self.on(Side::Debt).into_iter().flat_map(|debt| collateral.iter().map(move |at| (debt, *at))).collect()
    }

    /// What is asked of the whole vault: what it starts from, and the lists of its debts and deposits.
    pub fn list<T>(
        &self,
        most: impl Fn(usize) -> Amount,
        cash: impl Fn(usize) -> Amount,
        answer: impl FnOnce(&Start, &[Owed], &[Pledged]) -> T,
    ) -> T {
        let Vault { model, now, held, .. } = &self.vault;
        let rules = SPOT.map(|level| model.rules(level, *now));
        let mut exposures = None;
        let positions = held.iter().map(|held| Ok(held.position(SPOT, Prices::Spot, *now)));
        let [target, maint] = assess::<2, Error>(&rules, Prices::Spot, positions, &mut exposures).unwrap();
        let start = Start { maint, target, model: modelling(&rules, &exposures), dust: self.dust };
        let owed = |at: usize| {
            let Listing { reserve_share, .. } = self.listings[at];
            Owed { leg: self.leg(at), reserve_share, most: most(at) }
        };
        let pledged = |at: usize| Pledged { leg: self.leg(at), bonus: self.listings[at].bonus, cash: cash(at) };
        let debts: Vec<_> = self.on(Side::Debt).into_iter().map(owed).collect();
        let deposits: Vec<_> = self.on(Side::Deposit).into_iter().map(pledged).collect();
        answer(&start, &debts, &deposits)
    }

    fn leg(&self, at: usize) -> Leg<'_> {
        let held = &self.vault.held[at];
        let value = Usd::new(held.position([], Prices::Spot, self.vault.now).value().unwrap());
        let [haircut, maint_haircut] = SPOT.map(|level| held.haircut(level, self.vault.now));
        let (amount, price, depth) = (Amount::new(held.shares), held.price, held.depth);
        Leg { amount, value, price, haircut, maint_haircut, depth, columns: &held.columns }
    }

    /// What is asked of one pair.
    pub fn ask<T>(&self, pair: (usize, usize), most: Amount, answer: impl FnOnce(&Request) -> T) -> T {
        let all = |_| Amount::MAX;
        self.list(all, all, |start, _, _| {
            let Start { maint, target, model, dust } = *start;
            let (debt, collateral) = (self.leg(pair.0), self.leg(pair.1));
            let (bonus, reserve_share) = (self.listings[pair.1].bonus, self.listings[pair.0].reserve_share);
            answer(&Request { maint, target, model, debt, collateral, bonus, reserve_share, dust, most })
        })
    }

    pub fn preview(&self, pair: (usize, usize), most: Amount) -> Option<Liquidation> {
        self.ask(pair, most, |request| preview(request).ok())
    }

    pub fn after(&self, (debt, collateral): (usize, usize), moved: &Liquidation) -> Self {
        let mut after = self.clone();
        after.vault.held[debt].shares -= moved.repay.get();
        after.vault.held[collateral].shares -= moved.seize.get();
        after
    }

    /// What native units of a position are worth, exactly.
    pub fn worth(&self, at: usize, amount: Amount) -> Exact {
        price(self.vault.held[at].price) * super::amount(amount)
    }

    /// All deposits less all debts, exactly, and the debts.
    pub fn equity(&self) -> (Exact, Exact) {
        let sum = |side| {
            let worth = |at: usize| self.worth(at, Amount::new(self.vault.held[at].shares));
            self.on(side).into_iter().map(worth).fold(Exact::zero(), |sum, worth| sum + worth)
        };
        let debts = sum(Side::Debt);
        (sum(Side::Deposit) - &debts, debts)
    }

    pub fn maint(&self) -> Health {
        self.vault.check(Level::Maint).unwrap()
    }

    pub fn target(&self) -> Health {
        self.vault.check(Level::Target).unwrap()
    }

    /// What sizing and check may disagree about: the rounding of both, native units that are not moved, and the units of the
    /// exposures. A dollar of exposure moves `E - R` by at most one and twice the multiplier of the stress (a shock is
    /// below two), a dollar of debt by as much as its marginal add-on as well.
    pub fn tolerance(&self, needs: &Needs, pair: (usize, usize)) -> Exact {
        let unit = |at: usize| {
            let slope = 4 + 2 * self.depths(at) + self.twice_the_multiplier();
            Exact::int(self.native(at) * slope)
        };
        let rounding = self.vault.slack(Level::Target, needs);
        &rounding + &rounding + (unit(pair.0) + unit(pair.1)) * Exact::int(2)
    }

    /// What a native unit is worth, rounded up.
    pub fn native(&self, at: usize) -> u128 {
        u128::from(self.vault.held[at].price.value_floor(Amount::new(1)).unwrap().get()) + 1
    }

    /// The larger one while the model changes.
    pub fn lambda(&self) -> u32 {
        let before = self.vault.rules.changing(self.vault.now).map_or(0, |change| change.before.lambdas[1]);
        self.vault.rules.lambdas[1].max(before)
    }

    /// Rounded down; the larger one while the model changes.
    fn twice_the_multiplier(&self) -> u128 {
        let before = self.vault.rules.changing(self.vault.now).map_or(0, |change| change.before.multipliers[1]);
        u128::from(self.vault.rules.multipliers[1].max(before) >> 15)
    }

    /// From this distance on a pair that relieves anything moves something. The first step is worth the distance by the
    /// relief of a dollar. Of that a native unit of the debt is lost where the repayment is rounded down, and a micro-dollar
    /// for each of four quotients; the rest has to buy a native unit of the collateral. Per dollar repaid, the haircuts are
    /// relieved of at most `g + 2 D / L` and of `(1 + b) = 5 / 4` times a marginal haircut of at most one, P of `1 + 5 / 4`,
    /// S of twice the multiplier for the debt and 5 / 4 for the collateral. The distance itself is known up to the rounding of
    /// the check and of the sizing.
    ///
    /// A step that is too long for the pair is shortened and may then be less than that: another pair has to help.
    fn least(&self, needs: &Needs, pair: (usize, usize)) -> Exact {
        let rounding = self.vault.slack(Level::Target, needs);
        &rounding + &rounding + Exact::int((self.native(pair.0) + self.native(pair.1) + 4) * self.relief(pair.0))
    }

    /// The most that a dollar repaid can relieve of, see [`Failing::least`].
    pub fn relief(&self, debt: usize) -> u128 {
        5 + 2 * self.depths(debt) + self.twice_the_multiplier()
    }

    /// The value of a position in depths of its asset, rounded down.
    pub fn depths(&self, at: usize) -> u128 {
        let held = &self.vault.held[at];
        let value = held.position([], Prices::Spot, self.vault.now).value().unwrap();
        u128::from(value.checked_div(held.depth.parts().0).unwrap_or(0))
    }

    /// Whether what is missing is so little that nothing need move.
    pub fn tiny(&self) -> bool {
        let needs = self.vault.needs(Level::Target, End::High);
        let least = self.pairs().iter().map(|pair| self.least(&needs, *pair)).reduce(Exact::at_least);
        least.is_none_or(|least| missing(&self.target()) <= least)
    }

    /// Whether two models count.
    pub fn changing(&self) -> bool {
        self.vault.model.rules(Level::Target, self.vault.now).second.is_some()
    }
}

/// How many cases a property was about, of how many, and how many of them in the course of a change.
#[derive(Default)]
pub struct Considered(Cell<[u32; 3]>);

impl Considered {
    pub fn tried(&self) {
        let [tried, met, changing] = self.0.get();
        self.0.set([tried + 1, met, changing]);
    }

    pub fn met(&self, case: &Failing) {
        let [tried, met, changing] = self.0.get();
        self.0.set([tried, met + 1, changing + u32::from(case.changing())]);
    }

    /// Met by one case in so many, and one in so many of those during a change.
    pub fn assert(self, one_in: u32, changing_one_in: u32) {
        let [tried, met, changing] = self.0.into_inner();
        assert!(met * one_in >= tried && changing * changing_one_in >= met, "{changing} of {met} of {tried}");
    }
}

pub fn missing(health: &Health) -> Exact {
    Exact::int(i128::from(health.requirement().get()) - i128::from(health.equity()))
}
