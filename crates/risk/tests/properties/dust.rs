//! Small vaults and small rests: nothing is left that nobody would come for (risk model 5, E04).

use std::cell::Cell;

use ballast_risk::haircut::Depth;
use ballast_risk::health::Side;
use ballast_risk::liquidation::{Bonus, preview};
use ballast_risk::params::Levels;
use ballast_risk::sizing::Sizing;
use ballast_risk::{Amount, Error, Fraction, Usd};
use proptest::prelude::*;

use crate::reference::failing::*;
use crate::reference::model::Governed;
use crate::reference::pair::Pair;
use crate::reference::vault::{Held, Vault};
use crate::reference::*;

/// Native units of a debt and of a deposit, worth so many micro-dollars each in 2^-10.
fn small(debt: (u64, u64), deposit: (u64, u64), haircut: Fraction, bonus: u16, dust: u64) -> Failing {
    let held = |side, (units, worth): (u64, u64), part| {
        let lead = worth.leading_zeros();
        let price = priced(worth << lead, u64::from(lead) + 10);
        let levels = Levels { init: part, target: part, maint: part };
        Held {
            side,
            shares: units,
            price,
            careful: price,
            from: levels,
            to: levels,
            depth: Depth::OFF,
            ..Held::plain()
        }
    };
    let held = vec![held(Side::Debt, debt, Fraction::ZERO), held(Side::Deposit, deposit, haircut)];
    let rules = Governed::plain();
    let vault = Vault { model: rules.model(), rules, now: 0, held };
    let most = Fraction::from_bps(bonus).unwrap();
    let bonus = Bonus { least: Fraction::new(most.get() / 2), most, slope: Fraction::MAX };
    let listing = Listing { bonus, reserve_share: Fraction::new(1 << 30) };
    Failing { vault, listings: vec![listing; 2], dust: Usd::new(dust) }
}

/// Worth of a native unit: 2^-10, a third, one, seven, a thousand and a million micro-dollars.
const WORTHS: [u64; 6] = [1, 341, 1 << 10, 7 << 10, 1_000 << 10, 1_000_000 << 10];

/// Every small vault: up to six units of each.
fn small_vaults(mut of: impl FnMut(&Failing)) {
    let units = |most: u64| (1..=most).flat_map(|units| WORTHS.map(|worth| (units, worth)));
    for debt in units(6) {
        for deposit in units(6) {
            for haircut in [Fraction::ZERO, Fraction::from_bps(1_000).unwrap(), Fraction::MAX] {
                for (bonus, dust) in [(0, 0), (800, 0), (0, 1), (800, 1_000), (800, 1 << 40)] {
                    of(&small(debt, deposit, haircut, bonus, dust));
                }
            }
        }
    }
}

const PAIR: (usize, usize) = (0, 1);

fn shares(case: &Failing) -> [u64; 2] {
    [case.vault.held[0].shares, case.vault.held[1].shares]
}

/// A small vault that can be liquidated at all ends with nothing on one side as soon as what would be left is dust: one unit
/// against one unit at zero and zero. What is refused as too small is a debt that does not buy a unit of the collateral, or
/// lies so close to its target that nothing need move; it stays as it is.
#[test]
fn atk_e04_small_vaults_end_at_zero() {
    let (mut tried, mut ended, mut refused) = (0, 0, 0);
    small_vaults(|case| {
        let [debt, deposit] = shares(case);
        match case.ask(PAIR, Amount::MAX, preview) {
            Err(Error::Healthy) => return,
            Err(error) => {
                assert_eq!(error, Error::LiquidationTooSmall);
                refused += 1;
                let bonus = case.ask(PAIR, Amount::MAX, |request| Sizing::new(request).bonus());
                let buys = case.worth(0, Amount::new(debt)) * (Exact::one() + fraction(bonus));
                let unit = case.worth(1, Amount::new(1)) + Exact::int(2);
                assert!(case.dust < Usd::new(1 << 40) || buys < unit, "{case:?}");
            }
            Ok(moved) => {
                let [owed, held] = shares(&case.after(PAIR, &moved));
                let over = owed == 0 || held == 0;
                assert!(case.dust < Usd::new(1 << 40) || over, "{moved:?} {case:?}");
                assert!((debt, deposit) != (1, 1) || (owed, held) == (0, 0), "{moved:?} {case:?}");
                ended += u32::from(over);
            }
        }
        tried += 1;
    });
    assert!(ended * 2 >= tried && refused * 20 >= tried, "{ended} and {refused} of {tried}");
}

/// Taking again and again comes to an end: with nothing on one side, with a healthy vault, or refused.
#[test]
fn atk_e04_small_vaults_are_not_taken_forever() {
    small_vaults(|case| {
        let mut now = case.clone();
        let mut calls = 0;
        while let Some(moved) = now.preview(PAIR, Amount::MAX) {
            now = now.after(PAIR, &moved);
            calls += 1;
            // Each takes a unit of both sides at least.
            assert!(calls <= 6, "{case:?}");
            if shares(&now).contains(&0) {
                break;
            }
        }
    });
}

/// Either one side of a pair ends, or what is left on both is worth the dust value at least: of the debt up to the rounding of
/// its value (tests/shares.rs).
#[test]
fn atk_e04_both_sides_keep_more_than_dust() {
    let considered = Cell::new([0u32; 2]);
    holds((mixed(), any::<u64>()), |(case, which)| {
        let [tried, ended] = considered.get();
        considered.set([tried + 1, ended]);
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let pair = pairs[usize::try_from(which).unwrap() % pairs.len()];
        let Some(moved) = case.preview(pair, Amount::MAX) else { return Ok(()) };
        let after = case.after(pair, &moved);
        let left = |at: usize| Amount::new(after.vault.held[at].shares);
        if left(pair.0).is_zero() || left(pair.1).is_zero() {
            considered.set([tried + 1, ended + u32::from(!case.dust.is_zero())]);
            return Ok(());
        }
        let dust = usd(case.dust);
        prop_assert!(after.worth(pair.1, left(pair.1)) >= dust, "{moved:?}");
        let rounding = case.worth(pair.0, Amount::new(case.vault.held[pair.0].shares)) * Exact::new(3, 30);
        prop_assert!(after.worth(pair.0, left(pair.0)) + rounding + Exact::int(2) >= dust, "{moved:?}");
        Ok(())
    });
    let [tried, ended] = considered.into_inner();
    assert!(ended * 8 >= tried, "{ended} of {tried}");
}

/// The dust rule takes a pair to its end or changes nothing, and only where less than the dust would be left on one side. The
/// price is the same.
#[test]
fn only_dust_is_taken_beyond_the_target() {
    let considered = Cell::new([0u32; 2]);
    holds((mixed(), any::<u64>(), prop_oneof![Just(u64::MAX), word()]), |(case, which, most)| {
        let [tried, met] = considered.get();
        considered.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let pair = pairs[usize::try_from(which).unwrap() % pairs.len()];
        let plain = Failing { dust: Usd::ZERO, ..case.clone() };
        let [moved, plain] = [&case, &plain].map(|case| case.preview(pair, Amount::new(most)));
        let (Some(moved), Some(plain)) = (moved, plain) else { return Ok(()) };
        if (moved.repay, moved.seize) == (plain.repay, plain.seize) {
            prop_assert_eq!(moved, plain);
            return Ok(());
        }
        considered.set([tried + 1, met + 1]);
        let ended = case.after(pair, &moved);
        let rest = case.after(pair, &plain);
        let [owed, held] = [pair.0, pair.1].map(|at| ended.vault.held[at].shares);
        prop_assert!(owed == 0 || held == 0);
        prop_assert_eq!(moved.bonus, plain.bonus);
        let left = |at: usize| rest.worth(at, Amount::new(rest.vault.held[at].shares));
        // A repayment of a value is rounded down by less than a native unit.
        let unit = Exact::int(Pair::unit_value(&case.vault.held[pair.0]) + 1);
        let dust = usd(case.dust);
        prop_assert!(left(pair.0) <= &dust + unit || left(pair.1) < dust + Exact::one());
        Ok(())
    });
    let [tried, met] = considered.into_inner();
    assert!(met * 50 >= tried, "{met} of {tried}");
}
