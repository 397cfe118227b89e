//! Liquidations in vaults where correlation and stress matter (risk model 5).

use std::cell::{Cell, RefCell};

use ballast_risk::health::{Health, Level, Prices, Side, assess};
use ballast_risk::liquidation::{Bonus, Leg, Liquidation, Request, preview};
use ballast_risk::model::{Rules, Sensitivities, TIMES_ONE, Terms};
use ballast_risk::ramp::Ramp;
use ballast_risk::sizing::bonus_limit;
use ballast_risk::{Amount, Error, Fraction, Index, Rate, Usd};
use proptest::prelude::*;

use crate::reference::generate::modelled;
use crate::reference::model::Needs;
use crate::reference::pair::reserve_shares;
use crate::reference::source::Source;
use crate::reference::vault::*;
use crate::reference::*;

/// A vault that fails `Maint` by little or much, and what a liquidation of it pays.
#[derive(Clone, Debug)]
struct Failing {
    vault: Vault,
    bonus: Bonus,
    reserve_share: Fraction,
    dust: Usd,
}

/// Indexes are one and no interest is pending, so that shares are native units.
fn failing(most: u32) -> impl Strategy<Value = Option<Failing>> {
    let bonus = prop_oneof![
        Just([0, 0, 0]),
        Just([200, 1_000, 2_000]),
        Just([2_500, 2_500, 0]),
        prop::array::uniform3(0u16..2_500).prop_map(|[a, b, slope]| [a.min(b), a.max(b), slope]),
    ];
    let vault = (modelled(most), any::<u64>(), 0u32..40).prop_map(|(vault, which, beyond)| {
        let mut vault = vault;
        for held in &mut vault.held {
            (held.index, held.rate, held.elapsed) = (Index::ONE, Rate::ZERO, 0);
        }
        let vault = vault.fitting();
        let threshold = vault.threshold(Level::Maint, which)?;
        let more = threshold.fails >> beyond;
        let shares = match vault.held[threshold.at].side {
            Side::Debt => threshold.fails.saturating_add(more),
            Side::Deposit => threshold.fails - more / 2,
        };
        let vault = vault.with_shares(threshold.at, shares);
        let fails = vault.check(Level::Maint).is_ok_and(|health| !health.passes());
        // A requirement beyond 64 bits is taken for all there is, and a step out of it lands anywhere.
        let counted = vault.check(Level::Target).is_ok_and(|health| health.haircuts < Usd::MAX);
        // A change may have left a market with haircuts alone.
        let modelled = vault.model.rules(Level::Target, vault.now).modelled();
        (fails && counted && modelled).then_some(vault)
    });
    let dust = prop_oneof![Just(0), between(0, 1 << 40)];
    (vault, bonus, reserve_shares(), dust).prop_map(|(vault, bps, reserve_share, dust)| {
        let [least, most, slope] = bps.map(|bps| Fraction::from_bps(bps).unwrap());
        Some(Failing { vault: vault?, bonus: Bonus { least, most, slope }, reserve_share, dust: Usd::new(dust) })
    })
}

impl Failing {
    fn on(&self, side: Side) -> Vec<usize> {
        (0..self.vault.held.len()).filter(|at| self.vault.held[*at].side == side).collect()
    }

    /// Pairs of debt and collateral.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let collateral = self.on(Side::Deposit);
        self.on(Side::Debt).into_iter().flat_map(|debt| collateral.iter().map(move |at| (debt, *at))).collect()
    }

    fn ask<T>(&self, (debt, collateral): (usize, usize), most: Amount, answer: impl FnOnce(&Request) -> T) -> T {
        let Vault { model, now, held, .. } = &self.vault;
        let levels = [Level::Target, Level::Maint];
        let rules = levels.map(|level| model.rules(level, *now));
        let mut exposures = None;
        let positions = held.iter().map(|held| Ok(held.position(levels, Prices::Spot, *now)));
        let [target, maint] = assess::<2, Error>(&rules, Prices::Spot, positions, &mut exposures).unwrap();
        let leg = |at: usize| {
            let held = &held[at];
            let value = held.position([], Prices::Spot, *now).value().unwrap();
            Leg {
                amount: Amount::new(held.shares),
                value: Usd::new(value),
                price: held.price,
                haircut: held.haircut(Level::Target, *now),
                depth: held.depth,
                columns: &held.columns,
            }
        };
        answer(&Request {
            maint,
            target,
            model: exposures.as_ref().map(|exposures| (&rules[0], exposures)),
            debt: leg(debt),
            collateral: leg(collateral),
            bonus: self.bonus,
            reserve_share: self.reserve_share,
            dust: self.dust,
            most,
        })
    }

    fn preview(&self, pair: (usize, usize), most: Amount) -> Option<Liquidation> {
        self.ask(pair, most, |request| preview(request).ok())
    }

    fn after(&self, (debt, collateral): (usize, usize), moved: &Liquidation) -> Self {
        let mut after = self.clone();
        after.vault.held[debt].shares -= moved.repay.get();
        after.vault.held[collateral].shares -= moved.seize.get();
        after
    }

    fn target(&self) -> Health {
        self.vault.check(Level::Target).unwrap()
    }

    /// What sizing and check may disagree about: the rounding of both, native units that are not moved, and the units of the
    /// exposures. A dollar of exposure moves `E - R` by at most one and twice the multiplier of the stress (a shock is
    /// below two), a dollar of debt by as much as its marginal add-on as well.
    fn tolerance(&self, needs: &Needs, pair: (usize, usize)) -> Exact {
        let unit = |at: usize| {
            let held = &self.vault.held[at];
            let value = held.position([], Prices::Spot, self.vault.now).value().unwrap();
            let size = value.checked_div(held.depth.parts().0).unwrap_or(0);
            let slope = 4 + 2 * u128::from(size) + self.twice_the_multiplier();
            Exact::int(self.native(at) * slope)
        };
        let rounding = self.vault.slack(Level::Target, needs);
        &rounding + &rounding + (unit(pair.0) + unit(pair.1)) * Exact::int(2)
    }

    /// What a native unit is worth, rounded up.
    fn native(&self, at: usize) -> u128 {
        u128::from(self.vault.held[at].price.value_floor(Amount::new(1)).unwrap().get()) + 1
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
        let debt = &self.vault.held[pair.0];
        let value = debt.position([], Prices::Spot, self.vault.now).value().unwrap();
        let size = value.checked_div(debt.depth.parts().0).unwrap_or(0);
        let relief = 5 + 2 * u128::from(size) + self.twice_the_multiplier();
        let rounding = self.vault.slack(Level::Target, needs);
        &rounding + &rounding + Exact::int((self.native(pair.0) + self.native(pair.1) + 4) * relief)
    }

    /// Whether what is missing is so little that nothing need move.
    fn tiny(&self) -> bool {
        let needs = self.vault.needs(Level::Target, End::High);
        let least = self.pairs().iter().map(|pair| self.least(&needs, *pair)).reduce(Exact::at_least);
        least.is_none_or(|least| missing(&self.target()) <= least)
    }

    /// Whether two models count.
    fn changing(&self) -> bool {
        self.vault.model.rules(Level::Target, self.vault.now).second.is_some()
    }
}

/// How many cases a property was about, of how many, and how many of them in the course of a change.
#[derive(Default)]
struct Considered(Cell<[u32; 3]>);

impl Considered {
    fn tried(&self) {
        let [tried, met, changing] = self.0.get();
        self.0.set([tried + 1, met, changing]);
    }

    fn met(&self, case: &Failing) {
        let [tried, met, changing] = self.0.get();
        self.0.set([tried, met + 1, changing + u32::from(case.changing())]);
    }

    /// Met by one case in so many, and one in so many of those during a change.
    fn assert(self, one_in: u32, changing_one_in: u32) {
        let [tried, met, changing] = self.0.into_inner();
        assert!(met * one_in >= tried && changing * changing_one_in >= met, "{changing} of {met} of {tried}");
    }
}

fn missing(health: &Health) -> Exact {
    Exact::int(i128::from(health.requirement().get()) - i128::from(health.equity()))
}

/// `R_target - E` is not larger afterwards, by exact arithmetic, while the vault is solvent.
#[test]
fn a_netted_liquidation_never_moves_away_from_the_target() {
    let considered = Considered::default();
    holds((failing(8), any::<u64>(), prop_oneof![Just(u64::MAX), word()]), |(case, which, most)| {
        considered.tried();
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let Some(pair) = pairs.get(usize::try_from(which).unwrap() % pairs.len().max(1)) else { return Ok(()) };
        let before = case.target();
        let Some(moved) = case.preview(*pair, Amount::new(most)) else { return Ok(()) };
        if before.equity() <= 0 {
            return Ok(());
        }
        considered.met(&case);
        let after = case.after(*pair, &moved);
        let needs = after.vault.needs(Level::Target, End::Low);
        let allowed = missing(&before) + case.tolerance(&case.vault.needs(Level::Target, End::Low), *pair);
        prop_assert!(needs.requires_at_most(&(&needs.equity + &allowed)), "{pair:?} {moved:?}");
        Ok(())
    });
    considered.assert(8, 8);
}

/// Never past the target, unless all of the debt is repaid.
#[test]
fn a_netted_liquidation_stops_at_the_target() {
    let considered = Considered::default();
    holds((failing(8), any::<u64>()), |(case, which)| {
        considered.tried();
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let Some(pair) = pairs.get(usize::try_from(which).unwrap() % pairs.len().max(1)) else { return Ok(()) };
        let Some(moved) = case.preview(*pair, Amount::MAX) else { return Ok(()) };
        if moved.repay.get() == case.vault.held[pair.0].shares {
            return Ok(());
        }
        considered.met(&case);
        let after = case.after(*pair, &moved);
        let beyond = Exact::zero() - missing(&after.target());
        let allowed = case.tolerance(&case.vault.needs(Level::Target, End::High), *pair);
        prop_assert!(beyond <= allowed, "{beyond:?} past, {allowed:?} allowed, {pair:?} {moved:?}");
        Ok(())
    });
    considered.assert(8, 8);
}

/// A solvent vault below maintenance has a pair whose liquidation helps and pays something, unless so little is missing that
/// nothing need move ([`Failing::least`]). With the weights of [`ballast_risk::sizing`]: `E < R` and `E >= 0` make the mean weight of the
/// debts larger than that of the deposits, so some pair has a positive gain.
#[test]
fn some_pair_can_be_liquidated() {
    let considered = Considered::default();
    holds(failing(6), |case| {
        considered.tried();
        let Some(case) = case else { return Ok(()) };
        let before = case.target();
        if before.equity() <= 0 || case.tiny() {
            return Ok(());
        }
        considered.met(&case);
        let pairs = case.pairs();
        let best = pairs.iter().map(|pair| case.ask(*pair, Amount::MAX, bonus_limit)).max();
        prop_assert!(best > Some(Fraction::ZERO), "no pair pays");
        let helps = pairs.iter().any(|pair| case.preview(*pair, Amount::MAX).is_some());
        prop_assert!(helps, "nothing can be liquidated, {:?} missing", missing(&before));
        Ok(())
    });
    considered.assert(8, 8);
}

/// What becomes of a vault when somebody always takes the pair that brings it closest to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It meets its maintenance requirement again.
    Healed,
    Insolvent,
    /// So little is missing that nothing need move.
    Tiny,
    /// Something is missing and no pair helps.
    Stuck,
    Slow,
}

fn outcome(mut case: Failing) -> Outcome {
    for _ in 0..24 {
        let maint = case.vault.check(Level::Maint).unwrap();
        if maint.passes() {
            return Outcome::Healed;
        }
        if maint.equity() <= 0 {
            return Outcome::Insolvent;
        }
        if case.tiny() {
            return Outcome::Tiny;
        }
        let reached = |pair: &(usize, usize)| {
            let moved = case.preview(*pair, Amount::MAX)?;
            let after = case.after(*pair, &moved);
            let health = after.target();
            Some((i128::from(health.requirement().get()) - i128::from(health.equity()), after))
        };
        let best = case.pairs().iter().filter_map(reached).min_by_key(|(left, _)| *left);
        let Some((_, after)) = best else { return Outcome::Stuck };
        case = after;
    }
    Outcome::Slow
}

/// Taking the best pair again and again heals a solvent vault. The exception is a vault in which two requirements bind at
/// once and no single pair relieves both (a hedge whose two halves lose in opposite scenarios): there the last part of
/// the way takes two pairs in one transaction. Among vaults drawn to be as odd as the validator allows, that is fewer than
/// one in 500.
#[test]
fn a_few_calls_heal_a_solvent_vault() {
    let counts = RefCell::new([0u32; 5]);
    let considered = Considered::default();
    holds(failing(6), |case| {
        considered.tried();
        let Some(case) = case else { return Ok(()) };
        let changing = case.clone();
        let outcome = outcome(case);
        counts.borrow_mut()[outcome as usize] += 1;
        if !matches!(outcome, Outcome::Tiny | Outcome::Insolvent) {
            considered.met(&changing);
        }
        Ok(())
    });
    considered.assert(8, 8);
    let counts = counts.into_inner();
    let [healed, _, _, stuck, slow] = counts;
    assert!((stuck + slow) * 500 <= healed.max(500), "{counts:?}");
}

/// When a change begins, a liquidation is the one that it was a moment before.
#[test]
fn a_change_begins_without_moving_a_liquidation() {
    let considered = Cell::new([0u32; 2]);
    holds((failing(8), any::<u64>(), any::<u64>()), |(case, which, seed)| {
        let [tried, met] = considered.get();
        considered.set([tried + 1, met]);
        let Some(old) = case else { return Ok(()) };
        let pairs = old.pairs();
        let Some(pair) = pairs.get(usize::try_from(which).unwrap() % pairs.len().max(1)) else { return Ok(()) };
        if old.changing() {
            return Ok(());
        }
        let Some(before) = old.preview(*pair, Amount::MAX) else { return Ok(()) };
        considered.set([tried + 1, met + 1]);
        // What is in force becomes what is replaced, by a model that says and knows anything valid.
        let mut new = old.clone();
        let Rules { floor, first, .. } = old.vault.model.rules(Level::Maint, old.vault.now);
        let s = &mut Source::new(seed, 0);
        let model = &mut new.vault.model;
        let both = [model.current, model.previous];
        model.previous = Terms { floor, ..*first.version.of(&both) };
        model.current = Terms { netting: true, floor: s.fraction(), lambdas: [TIMES_ONE; 3], ..Terms::OFF };
        model.change = Ramp::new(new.vault.now + s.below(2), 1 + s.below(1 << 24)).unwrap();
        for held in &mut new.vault.held {
            let specific = Sensitivities { specific: 1 << 30, ..Sensitivities::NONE };
            held.columns = [specific.columns(), *first.version.of(&held.columns)];
        }
        prop_assert_eq!(new.preview(*pair, Amount::MAX), Some(before));
        Ok(())
    });
    let [tried, met] = considered.into_inner();
    assert!(met * 8 >= tried, "{met} of {tried}");
}
