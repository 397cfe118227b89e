//! What a liquidation moves, in vaults of two assets and of up to ten (risk model 5).
use crate::reference::anything::*;
use crate::reference::pair::*;
use crate::reference::source::Source;
use crate::reference::vault::*;
use crate::reference::*;
use ballast_risk::health::{Health, Level, Prices};
use ballast_risk::liquidation::{Bonus, Leg, Liquidation, Modelling, Request, Shortfall, preview};
use ballast_risk::{Amount, Error, Fraction, Usd};
use num_bigint::BigInt;
use proptest::prelude::*;

/// A liquidatable vault, and how much the liquidator has: without limit in one case of two.
fn offers() -> impl Strategy<Value = (Pair, Amount)> {
    (pairs(8), prop_oneof![Just(u64::MAX), word()]).prop_map(|(pair, most)| (pair, Amount::new(most)))
}

/// The request and what it moves, where anything does.
fn moved(pair: &Pair, most: Amount) -> Option<(Request<'_>, Liquidation)> {
    let request = pair.request(most)?;
    let moved = preview(&request).ok()?;
    Some((request, moved))
}

fn value(held: &Held, amount: Amount) -> Exact {
    price(held.price) * Exact::int(amount.get())
}

/// Refused as healthy exactly when the maintenance requirement is met; otherwise something moves, or it is too small:
/// either nothing is missing, or the repayment buys not a unit. Never more than the debt, the collateral or the offer.
#[test]
fn only_what_fails_maintenance_is_liquidated() {
    let input = (prop_oneof![4 => offers(), 1 => (pairs(8), Just(Amount::ZERO))], any::<u8>());
    holds(input, |((mut pair, most), less)| {
        if less < 64 {
            let shares = &mut pair.vault.held[0].shares;
            *shares -= 1 + (*shares >> 8).min(u64::from(less));
        }
        let Some(request) = pair.request(most) else { return Ok(()) };
        match preview(&request) {
            Err(Error::Healthy) => prop_assert!(request.maint.passes()),
            Err(error) => {
                prop_assert!(!request.maint.passes());
                prop_assert_eq!(error, Error::LiquidationTooSmall);
            }
            Ok(moved) => {
                prop_assert!(!request.maint.passes());
                prop_assert!(moved.repay <= most && moved.repay <= request.debt.amount);
                prop_assert!(moved.seize <= request.collateral.amount);
                prop_assert!(!moved.repay.is_zero() && !moved.seize.is_zero());
            }
        }
        Ok(())
    });
}

/// The bonus: never above `clamp(least + slope x (1 - E / R), least, most)` and `max(E / D, least)`, below by less than 3 of
/// 2^-32 (the ratio is rounded down, its complement is one tick short, the product is rounded down). In a liquidation it is
/// never above that, nor above what keeps `E - R_target` from getting worse.
#[test]
fn a_bonus_grows_with_the_shortfall() {
    let bonus =
        prop::array::uniform3(fractions()).prop_map(|[a, b, slope]| Bonus { least: a.min(b), most: a.max(b), slope });
    let health =
        (between(0, 1 << 61), between(0, 1 << 61), between(0, 1 << 61)).prop_map(|(assets, debts, requirement)| {
            Health {
                assets: Usd::new(assets),
                debts: Usd::new(debts),
                floor: Usd::new(requirement),
                ..Health::default()
            }
        });
    // Equity within a multiple of the requirement.
    let close =
        (between(0, 1 << 60), between(1, 1 << 60), any::<u64>()).prop_map(|(debts, requirement, part)| Health {
            assets: Usd::new(debts + part % (requirement + 1)),
            debts: Usd::new(debts),
            floor: Usd::new(requirement),
            ..Health::default()
        });
    holds((bonus, prop_oneof![1 => health, 3 => close]), |(bonus, health)| {
        let got = rational(bonus.at(&Shortfall::of(&health)).get(), 1u64 << 32);
        let part = |x: Fraction| rational(x.get(), 1u64 << 32);
        let (equity, requirement) = (health.equity().max(0), health.requirement().get());
        let margin = if requirement == 0 { rational(1, 1) } else { rational(equity, requirement) };
        let short = (rational(1, 1) - margin).max(rational(0, 1));
        let debts = health.debts.get();
        let left = if debts == 0 { rational(1, 1) } else { rational(equity, debts) };
        let exact = (part(bonus.least) + part(bonus.slope) * short).min(part(bonus.most));
        let exact = exact.min(left.max(part(bonus.least)));
        prop_assert!(got <= exact);
        prop_assert!(exact - got < rational(3, 1u64 << 32));
        Ok(())
    });
}

/// Seized value <= repaid value x (1 + bonus), with exact values; the values that are reported are these, rounded down.
#[test]
fn the_liquidator_never_gets_more_than_the_bonus() {
    holds(offers(), |(pair, most)| {
        let Some((request, moved)) = moved(&pair, most) else { return Ok(()) };
        let (seized, repaid) = (value(pair.collateral(), moved.seize), value(pair.debt(), moved.repay));
        let factor = Exact::one() + fraction(moved.bonus);
        prop_assert!(seized <= &repaid * &factor);
        prop_assert!(usd(moved.seized_value) <= seized && usd(moved.repaid_value) <= repaid);
        prop_assert!(usd(moved.seized_value) <= usd(moved.repaid_value) * factor);
        prop_assert!(moved.bonus <= request.bonus.at(&Shortfall::of(&request.maint)));
        prop_assert!(moved.bonus <= pair.bonus.most);
        Ok(())
    });
}

/// `E - R_target` is not worse afterwards: exactly, without any tolerance but the bracket of the quotients. What is
/// seized counts `(1 + b) (1 - h)` of the repayment at most, what is repaid counts `1 + g` at least. With any bonus, not
/// only one that the validator accepts: haircuts may have changed since.
#[test]
fn a_liquidation_never_moves_away_from_the_target() {
    let any_bonus = prop::option::of(prop::array::uniform3(fractions()));
    holds((offers(), any_bonus), |((mut pair, most), bonus)| {
        if let Some([least, most, slope]) = bonus {
            pair.bonus = Bonus { least: least.min(most), most: most.max(least), slope };
        }
        let Some((_, moved)) = moved(&pair, most) else { return Ok(()) };
        let after = pair.after(&moved);
        let count = |held: &Held, end| held.counts(Level::Target, Prices::Spot, pair.vault.now, end);
        let before = count(pair.debt(), End::High) + count(pair.collateral(), End::High);
        let after = count(after.debt(), End::Low) + count(after.collateral(), End::Low);
        prop_assert!(after + Exact::tick(600) >= before);
        Ok(())
    });
}

/// What the sizing and the check after it may disagree about, in micro-dollars: the sizing subtracts exact values from
/// the computed ones, the check computes them anew. By tests/shares.rs a computed value is up to 1.5 x 2^-30 and a unit off
/// (no interest is pending here), so two of them 3 x 2^-30 of the larger; the haircut's own rounding is below 2^-30 of
/// the collateral and 3, twice; the debt counts with its slope 1 + g + 2 D / L, and its rounding 2^-30 (D + D^2 / L), twice.
fn rounding(request: &Request) -> BigInt {
    let (c, d) = (&request.collateral, &request.debt);
    let owed = Exact::int(d.value.get());
    let square = addon(&owed, Fraction::ZERO, d.depth, End::High);
    let part = Exact::int(c.value.get()) * Exact::int(5) + owed * Exact::int(8) + square * Exact::int(8);
    (part * Exact::tick(30)).to_integer() + 12 + 4 * slope(request)
}

/// The largest slope of the debt's part, `1 + g + 2 D / L`, rounded up.
fn slope(request: &Request) -> BigInt {
    let (value, l) = (request.debt.value.get(), request.debt.depth.parts().0);
    BigInt::from(3 + value.checked_div(l).map_or(0, |times| 2 * times + 2))
}

/// Never past the target, or by the dust where one side of the pair ends: at most by the [`rounding`], and by what one
/// native unit that is not seized, and one that is repaid for the last of the collateral, are worth.
#[test]
fn a_liquidation_stops_at_the_target() {
    holds(offers(), |(pair, most)| {
        let Some((request, moved)) = moved(&pair, most) else { return Ok(()) };
        let Some(after) = pair.after(&moved).to_target() else { return Ok(()) };
        let mut bound = rounding(&request) + Pair::unit_value(pair.collateral());
        if moved.seize == request.collateral.amount || moved.repay == request.debt.amount {
            bound += (Pair::unit_value(pair.debt()) + 4 + pair.dust.get()) * slope(&request);
        }
        prop_assert!(BigInt::from(after) <= bound, "{} past the target, {} allowed", after, bound);
        Ok(())
    });
}

/// The vault after the most that the pair can give: all of the debt repaid, or all of the collateral seized.
fn exhausted(pair: &Pair, request: &Request, moved: &Liquidation) -> Pair {
    let (c, d) = (&request.collateral, &request.debt);
    let one = 1u128 << 32;
    let factor = one + u128::from(moved.bonus.get());
    let usd = |x: u128| Usd::new(u64::try_from(x).unwrap());
    let seize = c.price.amount_floor(usd((u128::from(d.value.get()) * factor) / one)).min(c.amount);
    let repay = d.price.amount_floor(usd((u128::from(c.value.get()) * one) / factor)).min(d.amount);
    pair.after(&Liquidation { repay, seize, ..*moved })
}

/// One call without a limit either takes all of the debt or of the collateral, or brings the vault close to its target,
/// or, where the pair cannot bring it there, close to the least distance that the pair can. The distance is convex, below
/// the cap a parabola, of which a step of Newton's method leaves a quarter at most (the worst case is a double root; with
/// a least distance above zero the step is longer than for the rest alone); three leave a 64th. To that come the
/// [`rounding`], the native units that are not moved, and a micro-dollar for each step and for the rounded repayment,
/// all with the slope of the debt and the bonus.
#[test]
fn one_call_is_enough() {
    holds(pairs(8), |pair| {
        let Some((request, moved)) = moved(&pair, Amount::MAX) else { return Ok(()) };
        if moved.repay == request.debt.amount || moved.seize == request.collateral.amount {
            return Ok(());
        }
        let (Some(before), Some(after)) = (net(&request.target), pair.after(&moved).to_target()) else { return Ok(()) };
        let least = exhausted(&pair, &request, &moved).to_target().map_or(0, |net| (-net).max(0));
        let units =
            (slope(&request) + 2) * (2 * Pair::unit_value(pair.debt()) + Pair::unit_value(pair.collateral()) + 6);
        let bound = BigInt::from(least + (-before - least).max(0) / 64) + rounding(&request) + units;
        prop_assert!(BigInt::from(-after) <= bound, "{} left of {}, {} allowed", -after, -before, bound);
        Ok(())
    });
}

/// Any request, even one that no vault makes, with any model: decided, never a panic.
#[test]
fn any_request_is_decided() {
    holds((any::<u64>(), prices(), prices()), |(seed, price, other)| {
        let s = &mut Source::new(seed, 0);
        let columns = [0; 4].map(|_| any_coefficients(s));
        let (target, maint) = (&any_rules(s), &any_rules(s));
        let exposures = &any_exposures(s, &columns);
        let leg = |s: &mut Source, price, columns| Leg {
            amount: Amount::new(s.word()),
            value: Usd::new(s.word()),
            price,
            haircut: s.fraction(),
            maint_haircut: s.fraction(),
            depth: any_depth(s),
            columns,
        };
        let request = Request {
            maint: any_health(s),
            target: any_health(s),
            model: s.one_in(2).then_some(Modelling { target, maint, exposures }),
            debt: leg(s, price, &columns[0]),
            collateral: leg(s, other, &columns[1]),
            bonus: Bonus { least: s.fraction(), most: s.fraction(), slope: s.fraction() },
            reserve_share: s.fraction(),
            dust: Usd::new(s.word()),
            most: Amount::new(s.word()),
        };
        let _ = preview(&request);
        Ok(())
    });
}
