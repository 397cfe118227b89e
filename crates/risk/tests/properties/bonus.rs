//! What a liquidator gets and passes on, against rational numbers: the limits of the bonus, and its share for the reserve.

use std::cell::Cell;

use ballast_risk::health::Side;
use ballast_risk::liquidation::{Bonus, Leg, Request, Shortfall, preview};
use ballast_risk::params::Levels;
use ballast_risk::sizing::Sizing;
use ballast_risk::{Amount, Error, Fraction, Usd};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

use crate::reference::failing::*;
use crate::reference::model::Governed;
use crate::reference::pair::pairs;
use crate::reference::vault::{Held, Vault};
use crate::reference::*;

fn part(x: Fraction) -> BigRational {
    rational(x.get(), 1u64 << 32)
}

fn ticks(n: i32) -> BigRational {
    rational(n, 1u64 << 32)
}

/// A haircut: `MAX` stands for the whole.
fn whole_or(x: Fraction) -> BigRational {
    if x == Fraction::MAX { rational(1, 1) } else { part(x) }
}

/// `2 V / L`.
fn twice_the_size(leg: &Leg) -> BigRational {
    match leg.depth.parts().0 {
        0 => rational(0, 1),
        depth => rational(2u128 * u128::from(leg.value.get()), depth),
    }
}

/// Both ends of the bracket around the bonus where haircuts alone count. The crate knows `E / R` and `E / D` to a tick, its
/// marginal haircuts are up to 8 ticks and 2^-30 of them too high, and each of its products and quotients is a tick off.
fn bracket(request: &Request) -> [BigRational; 2] {
    let (debt, collateral) = (&request.debt, &request.collateral);
    let Bonus { least, most, slope } = request.bonus;
    let (least, most, slope) = (part(least), part(most), part(slope));
    let one = rational(1, 1);
    let ratio = |a: i64, b: u64| if b == 0 { one.clone() } else { rational(a.max(0), b).min(one.clone()) };
    let equity = request.maint.equity();
    let margin = ratio(equity, request.maint.requirement().get());
    let cover = ratio(equity, request.maint.debts.get());
    let haircut = (whole_or(collateral.maint_haircut) + twice_the_size(collateral)).min(one.clone());
    let addon = part(debt.maint_haircut) + twice_the_size(debt);
    let linear = |off: i32| {
        let (h, g) = (part(collateral.haircut), part(debt.haircut));
        (&h + g) / (&one - h) - ticks(off)
    };
    [true, false].map(|low| {
        let off = i32::from(low);
        let schedule = (&least + &slope * (&one - &margin) - ticks(3 * off)).min(most.clone());
        let cover = (&cover - ticks(off)).max(least.clone());
        let wide = |x: &BigRational| if low { x.clone() } else { x + x * rational(1, 1u64 << 30) + ticks(8) };
        let (haircut, addon) = (wide(&haircut).min(one.clone()), wide(&addon));
        let margin = (&margin - ticks(off)).max(rational(0, 1));
        let kept = &one - &margin * &haircut + ticks(2 * off);
        let gain = &margin * (haircut + addon) - ticks(2 * off);
        let of_margin = if kept <= rational(0, 1) { one.clone() } else { gain / kept - ticks(off) };
        schedule.min(cover).min(of_margin.max(least.clone())).min(linear(off))
    })
}

/// The schedule; above the least bonus no more than `E / D`, nor than what keeps `E / R_maint` from falling,
/// `(h + g) m / (1 - h m)`; never more than what keeps `E - R_target` from falling, `(h + g) / (1 - h)`.
#[test]
fn a_bonus_is_the_least_of_its_limits() {
    let of_pairs = pairs(4).prop_filter_map("refused", |pair| {
        let _ = pair.request(Amount::MAX)?;
        let listing = Listing { bonus: pair.bonus, reserve_share: pair.reserve_share };
        let Vault { held, .. } = &pair.vault;
        let two = Vault { held: held[..2].to_vec(), ..pair.vault.clone() };
        Some(Some(Failing { vault: two, listings: vec![listing; 2], dust: pair.dust }))
    });
    let limited = Cell::new([0u32; 2]);
    holds((prop_oneof![3 => mixed(), 1 => of_pairs], any::<u64>()), |(case, which)| {
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let pair = pairs[usize::try_from(which).unwrap() % pairs.len()];
        case.ask(pair, Amount::MAX, |request| {
            if request.maint.passes() {
                return Ok(());
            }
            let got = Sizing::new(request).bonus();
            let [low, high] = bracket(request);
            prop_assert!(low <= part(got) && part(got) <= high, "{:?} not in {} to {}", got, low, high);
            let [tried, met] = limited.get();
            let schedule = request.bonus.at(&Shortfall::of(&request.maint));
            limited.set([tried + 1, met + u32::from(got < schedule)]);
            Ok(())
        })
    });
    let [tried, met] = limited.into_inner();
    assert!(met * 150 >= tried, "{met} of {tried}");
}

fn ceil(x: &BigRational) -> BigInt {
    x.ceil().to_integer()
}

/// A pair of any vault, and an offer.
fn offers() -> impl Strategy<Value = (Option<Failing>, u64, u64)> {
    let cases = prop_oneof![2 => mixed(), 1 => failing(6)];
    (cases, any::<u64>(), prop_oneof![Just(u64::MAX), word()])
}

/// What goes to the reserve is the repayment times the bonus times the share, rounded up: the rate to 2^-32, the product to a
/// native unit. With the repayment it is within the offer, and a repayment that the offer limits is the largest such one.
#[test]
fn the_reserve_gets_its_share_of_the_bonus() {
    let limited = Cell::new([0u32; 2]);
    holds(offers(), |(case, which, most)| {
        let [tried, met] = limited.get();
        limited.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let Some(pair) = pairs.get(usize::try_from(which).unwrap() % pairs.len().max(1)) else { return Ok(()) };
        let Some(moved) = case.preview(*pair, Amount::new(most)) else { return Ok(()) };
        let share = case.listings[pair.0].reserve_share;
        let rate = rational(ceil(&(part(moved.bonus) * part(share) * rational(1u64 << 32, 1))), 1u64 << 32);
        let of = |repay: u64| ceil(&(rational(repay, 1) * &rate));
        let (repay, to_reserve) = (moved.repay.get(), BigInt::from(moved.to_reserve.get()));
        prop_assert_eq!(&to_reserve, &of(repay));
        prop_assert!(rational(to_reserve.clone(), 1) >= rational(repay, 1) * part(moved.bonus) * part(share));
        prop_assert!(to_reserve + repay <= BigInt::from(most));
        // Without the dust, for which an offer may be too small by more.
        let whole = Failing { dust: Usd::ZERO, ..case.clone() }.preview(*pair, Amount::MAX);
        let all = case.vault.held[pair.1].shares == moved.seize.get();
        if whole.is_some_and(|whole| repay < whole.repay.get()) && !all {
            prop_assert!(of(repay + 1) + repay + 1 > BigInt::from(most), "{moved:?} of {most}");
            limited.set([tried + 1, met + u32::from(!share.is_zero())]);
        }
        Ok(())
    });
    let [tried, met] = limited.into_inner();
    assert!(met * 50 >= tried, "{met} of {tried}");
}

/// What the liquidator pays to the reserve leaves the rest of a liquidation as it is: as without a share, for an offer of what
/// is left of his.
#[test]
fn a_share_moves_nothing_else() {
    let considered = Cell::new([0u32; 2]);
    holds((offers(), fractions()), |((case, which, most), share)| {
        let [tried, met] = considered.get();
        considered.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let Some(pair) = pairs.get(usize::try_from(which).unwrap() % pairs.len().max(1)) else { return Ok(()) };
        case.ask(*pair, Amount::new(most), |request| {
            let with = Request { reserve_share: share, ..*request };
            let rate = ceil(&(part(Sizing::new(request).bonus()) * part(share) * rational(1u64 << 32, 1)));
            let left = (rational(most, 1) / (rational(1, 1) + rational(rate, 1u64 << 32))).floor().to_integer();
            let most = Amount::new(u64::try_from(left).unwrap());
            let without = Request { reserve_share: Fraction::ZERO, most, ..*request };
            match (preview(&with), preview(&without)) {
                (Ok(with), Ok(without)) => {
                    prop_assert!(without.to_reserve.is_zero());
                    prop_assert_eq!(
                        ballast_risk::liquidation::Liquidation { to_reserve: Amount::ZERO, ..with },
                        without
                    );
                    considered.set([tried + 1, met + u32::from(!with.to_reserve.is_zero())]);
                }
                (with, without) => prop_assert_eq!(with, without),
            }
            Ok(())
        })
    });
    let [tried, met] = considered.into_inner();
    assert!(met * 8 >= tried, "{met} of {tried}");
}

/// A debt of 1,000 units against plenty, at a bonus of an eighth of which a half goes to the reserve: closing it takes 1,062.5.
#[test]
fn closing_takes_the_share_as_well() {
    let held = |side, units, bps| {
        let part = Fraction::from_bps(bps).unwrap();
        let levels = Levels { init: part, target: part, maint: part };
        Held { side, shares: units, from: levels, to: levels, ..Held::plain() }
    };
    let rules = Governed::plain();
    let held = vec![held(Side::Debt, 1_000, 0), held(Side::Deposit, 1_400, 5_000)];
    let vault = Vault { model: rules.model(), rules, now: 0, held };
    let eighth = Fraction::new(1 << 29);
    let bonus = Bonus { least: eighth, most: eighth, slope: Fraction::ZERO };
    let listing = Listing { bonus, reserve_share: Fraction::new(1 << 31) };
    let case = Failing { vault, listings: vec![listing; 2], dust: Usd::new(1_000_000) };
    let moved = |most| case.ask((0, 1), Amount::new(most), preview);
    let whole = moved(1_063).unwrap();
    assert_eq!((whole.repay.get(), whole.to_reserve.get()), (1_000, 63));
    let less = moved(1_062).unwrap();
    assert!(less.repay.get() < 1_000 && less.repay.get() + less.to_reserve.get() <= 1_062, "{less:?}");
    // One unit for the debt needs one for the reserve.
    assert_eq!(moved(1), Err(Error::LiquidationTooSmall));
}
