//! Paying in parts does not pay better (risk model 5, E14).

use std::cell::Cell;

use ballast_risk::health::{Level, Prices};
use ballast_risk::liquidation::{Liquidation, Shortfall};
use ballast_risk::{Amount, Fraction};
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use proptest::prelude::*;

use crate::reference::failing::*;
use crate::reference::pair::{Pair, pairs};
use crate::reference::source::Source;
use crate::reference::*;

/// One, in the ticks of a bonus.
const ONE: u64 = 1 << 32;

/// One of the parts, and the vault before it.
struct Part {
    before: Failing,
    moved: Liquidation,
}

/// A liquidation in parts of which each is at least a 32nd of the whole: what of them moves.
fn parts(case: &Failing, pair: (usize, usize), whole: &Liquidation, s: &mut Source) -> Vec<Part> {
    let weights: Vec<u64> = (0..2 + s.below(7)).map(|_| 1 + s.below(4)).collect();
    let paid = u128::from(whole.repay.get()) + u128::from(whole.to_reserve.get());
    let all: u64 = weights.iter().sum();
    let mut parts: Vec<Part> = Vec::new();
    for weight in weights {
        let most = u64::try_from(paid * u128::from(weight) / u128::from(all)).unwrap();
        let before = parts.last().map_or_else(|| case.clone(), |part| part.before.after(pair, &part.moved));
        let Some(moved) = before.preview(pair, Amount::new(most)) else { break };
        parts.push(Part { before, moved });
    }
    parts
}

/// How much more than the one before a part may be paid through rounding alone, in ticks.
///
/// The limits of a bonus are slopes of convex functions. A slope that is computed at rounded values is one of a function
/// within `unsure` of the exact one, so over a way of `t` dollars repaid it is off by `unsure / t` on average, and that is all
/// that the argument needs. In `R - 2 E` a bonus has the weight one and more, in `E / R` at least `1 - E / R`; above the least
/// bonus it is no more than that either. The schedule follows `E / R`, `E / D` is known as well as its parts are. With lambda,
/// slopes are computed to 20 x 2^-26 of it (`SLOPE_SLACK`).
fn ticks(pair: (usize, usize), last: &Part, now: &Failing) -> u64 {
    let needs = now.vault.needs(Level::Target, End::High);
    // At both ends of the way, and where the slope is taken.
    let unsure = (now.tolerance(&needs, pair) * Exact::int(3 + now.depths(pair.0))).to_integer() + 1;
    let maint = now.maint();
    let short = u64::from(Shortfall::of(&maint).margin.complement_floor().get()).max(1);
    let per = |dollars: u64| (&unsure * ONE) / dollars.max(1) + 1;
    let slopes = 20 * 64 * u64::from(now.lambda() >> 16) + 64;
    let moved = BigInt::from(last.moved.repaid_value.get());
    let limit = (&unsure * ONE) / moved.max(1.into()) + slopes;
    let of_margin = BigInt::from(short).min(&limit * ONE / short);
    let total: BigInt = limit + of_margin + per(maint.requirement().get()) + per(maint.debts.get());
    total.to_u64().unwrap_or(u64::MAX)
}

/// The bonus of every part is at most that of the whole, and what they seize together is at most what the whole seizes, to the
/// unit, if they repay no more. Returns whether rounding was small enough, a thousandth, for this to say something.
fn not_paid_better(case: &Failing, pair: (usize, usize), s: &mut Source) -> Result<bool, TestCaseError> {
    let Some(whole) = case.preview(pair, Amount::MAX) else { return Ok(false) };
    let parts = parts(case, pair, &whole, s);
    let (mut repaid, mut seized) = (0, 0);
    let (mut allowed, mut by_bonus) = (u64::from(whole.bonus.get()), Exact::zero());
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            allowed = allowed.saturating_add(ticks(pair, &parts[at - 1], &part.before)).min(2 * ONE);
        }
        // Insolvent, a vault with a model pays the least bonus, whatever its weights were.
        if part.before.target().equity() <= 0 {
            allowed = allowed.max(u64::from(case.listings[pair.1].bonus.least.get()));
        }
        let got = u64::from(part.moved.bonus.get());
        prop_assert!(got <= allowed, "part {at} of {}: {got} above {allowed}, {:?}", parts.len(), whole.bonus);
        (repaid, seized) = (repaid + part.moved.repay.get(), seized + part.moved.seize.get());
        by_bonus = by_bonus + case.worth(pair.0, part.moved.repay) * Exact::new(ONE + allowed, 32);
    }
    let seized = case.worth(pair.1, Amount::new(seized));
    prop_assert!(seized <= by_bonus);
    let small = allowed <= u64::from(whole.bonus.get()) + ONE / 1_000;
    if small && repaid <= whole.repay.get() {
        // A unit that the whole did not get for its last fraction, and micro-dollars of rounding with their bonus.
        let units = Exact::int(case.native(pair.1) + 2 + 2 * u128::try_from(parts.len()).unwrap());
        let rounding = case.worth(pair.0, whole.repay) * Exact::new(allowed - u64::from(whole.bonus.get()), 32);
        prop_assert!(seized <= case.worth(pair.1, whole.seize) + units + rounding, "{whole:?}");
    }
    Ok(small && parts.len() > 1)
}

/// How many cases said something.
fn check(one_in: u32, cases: impl Strategy<Value = Option<Failing>>, first: bool) {
    let considered = Cell::new([0u32; 2]);
    holds((cases, any::<u64>()), |(case, seed)| {
        let [tried, met] = considered.get();
        considered.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let s = &mut Source::new(seed, 0);
        let pairs = if first { vec![(0, 1)] } else { case.pairs() };
        if pairs.is_empty() {
            return Ok(());
        }
        let said = not_paid_better(&case, s.one_of(&pairs), s)?;
        considered.set([tried + 1, met + u32::from(said)]);
        Ok(())
    });
    let [tried, met] = considered.into_inner();
    assert!(met * one_in >= tried, "{met} of {tried}");
}

/// In vaults of good collateral and junk, where taking the good one lowers `E / R`.
#[test]
fn atk_e14_parts_are_not_paid_better() {
    check(5, mixed(), false);
}

/// One pair in vaults of anything.
#[test]
fn atk_e14_parts_of_any_pair_are_not_paid_better() {
    let cases = pairs(4).prop_map(|pair| {
        let Pair { vault, bonus, reserve_share, dust } = pair;
        let listing = Listing { bonus, reserve_share };
        let fits = vault.check(Level::Maint).is_ok() && vault.held.iter().all(|held| held.fits(Prices::Spot));
        fits.then(|| Failing { listings: vec![listing; vault.held.len()], vault, dust })
    });
    check(12, cases, true);
}

/// With netting and stress.
#[test]
fn atk_e14_parts_are_not_paid_better_with_a_model() {
    check(60, failing_by(8, 10), false);
}

/// Good collateral of 1,000 dollars and junk of 500 that counts nothing, against 1,100: the equity is 400, the requirement
/// 100 + 500. A liquidation of the good collateral by the schedule alone, at 20 %, would lower `E / R` of two thirds: it
/// may pay no more than `h m / (1 - h m)`, 1/14 at a haircut of a tenth.
#[test]
fn a_bonus_does_not_lower_the_margin() {
    let case = by_hand();
    let whole = case.preview((0, 1), Amount::MAX).unwrap();
    let expected = ONE / 14;
    prop_assert_near(whole.bonus, expected);
    // Where it is the limit, it stays the same.
    let half = case.preview((0, 1), Amount::new(whole.repay.get() / 2)).unwrap();
    let rest = case.after((0, 1), &half).preview((0, 1), Amount::MAX).unwrap();
    prop_assert_near(rest.bonus, expected);
    // Junk pays by the schedule: it relieves the requirement of all that it counts.
    prop_assert_near(case.preview((0, 2), Amount::MAX).unwrap().bonus, ONE / 5);
}

fn prop_assert_near(bonus: Fraction, expected: u64) {
    assert!(u64::from(bonus.get()).abs_diff(expected) < 64, "{bonus:?}, not {expected}");
}

fn by_hand() -> Failing {
    use ballast_risk::health::Side;
    use ballast_risk::liquidation::Bonus;
    use ballast_risk::params::Levels;

    use crate::reference::model::Governed;
    use crate::reference::vault::{Held, Vault};

    // Haircuts at `Target` that would allow any bonus.
    let part = |bps| Fraction::from_bps(bps).unwrap();
    let held = |side, dollars: u64, maint, target| {
        let levels = Levels { init: part(target), target: part(target), maint: part(maint) };
        // Half a micro-dollar each.
        Held { side, shares: dollars * 2_000_000, from: levels, to: levels, ..Held::plain() }
    };
    let held = vec![
        held(Side::Debt, 1_100, 0, 0),
        held(Side::Deposit, 1_000, 1_000, 5_000),
        held(Side::Deposit, 500, 10_000, 10_000),
    ];
    let rules = Governed::plain();
    let vault = Vault { model: rules.model(), rules, now: 0, held };
    let bonus = Bonus { least: Fraction::ZERO, most: part(2_000), slope: part(10_000) };
    let listing = Listing { bonus, reserve_share: Fraction::ZERO };
    Failing { vault, listings: vec![listing; 3], dust: ballast_risk::Usd::ZERO }
}
