//! No liquidation makes it worse: `R_target - E` of a vault never grows (risk model 5, E03).

use std::cell::Cell;

use ballast_risk::haircut::{Depth, MIN_DEPTH};
use ballast_risk::health::{Level, Prices, Side};
use ballast_risk::liquidation::Bonus;
use ballast_risk::model::{Sensitivities, Terms};
use ballast_risk::params::{Levels, RiskParameters, check_risk};
use ballast_risk::{Amount, Fraction, Usd};
use proptest::prelude::*;

use crate::reference::failing::*;
use crate::reference::model::Governed;
use crate::reference::vault::{Held, Vault, coefficients};
use crate::reference::*;

const DOLLAR: u64 = 1_000_000;
/// Dollars of collateral.
const WORTH: u64 = 1_000_000;

fn part(bps: u64) -> Fraction {
    Fraction::from_bps(u16::try_from(bps).unwrap()).unwrap()
}

fn levels(maint: u64, more: u64) -> Levels {
    let target = part((maint + more).min(10_000));
    Levels { init: target, target, maint: part(maint) }
}

/// A position in native units of half a micro-dollar.
fn held(side: Side, dollars: u64, margins: Levels, depth: u64) -> Held {
    let depth = if depth == 0 { Depth::OFF } else { Depth::new(Usd::new(depth).max(MIN_DEPTH)).unwrap() };
    Held { side, shares: 2 * dollars * DOLLAR, from: margins, to: margins, depth, ..Held::plain() }
}

/// Vaults of a million dollars of collateral at several distances below maintenance: a little, an eighth of the debt at the
/// threshold, a quarter, and insolvent.
fn indebted(held: Vec<Held>, rules: &Governed, bonus: Bonus, reserve_share: Fraction, mut of: impl FnMut(&Failing)) {
    let listings = vec![Listing { bonus, reserve_share }; held.len()];
    let vault = Vault { model: rules.model(), rules: rules.clone(), now: 0, held };
    let mut case = Failing { vault, listings, dust: Usd::new(100 * DOLLAR) };
    let Some(threshold) = case.vault.threshold(Level::Maint, 0) else { return };
    assert_eq!(threshold.at, 0);
    for more in [threshold.fails >> 16, threshold.fails >> 3, threshold.fails >> 2, 2 * threshold.fails] {
        case.vault.held[0].shares = threshold.fails + more;
        if case.vault.check(Level::Maint).is_ok_and(|health| !health.passes()) {
            of(&case);
        }
    }
}

/// `E - R` at `Target` where haircuts alone count, as far as the pair is concerned, exactly.
fn counts(case: &Failing, pair: (usize, usize), end: End) -> Exact {
    let counts = |at: usize| case.vault.held[at].counts(Level::Target, Prices::Spot, case.vault.now, end);
    counts(pair.0) + counts(pair.1)
}

/// Exactly, without any tolerance but the bracket of the quotients. Returns whether anything moved.
fn heals(case: &Failing, pair: (usize, usize), most: Amount) -> bool {
    let Some(moved) = case.preview(pair, most) else { return false };
    let after = case.after(pair, &moved);
    let heals = counts(&after, pair, End::Low) + Exact::tick(600) >= counts(case, pair, End::High);
    assert!(heals, "{moved:?} {case:?}");
    true
}

/// Bonuses beside a haircut, up to the largest that the validator accepts, with its slope.
fn bonuses(haircut: u64) -> Vec<Bonus> {
    let fits = (haircut * 10_000).checked_div(10_000 - haircut).unwrap_or(2_500).min(2_500);
    let shapes = [(0, 0, 0), (fits / 4, fits, 10_000), (0, fits, 3_000), (fits, fits, 0)];
    shapes.map(|(least, most, slope)| Bonus { least: part(least), most: part(most), slope: part(slope) }).to_vec()
}

/// All vaults of a grid where haircuts alone count: haircuts and add-ons at both levels, bonuses, shares of the reserve, sizes
/// against the depth, and beside the pair nothing, a good deposit or junk.
fn grid(mut of: impl FnMut(&Failing)) {
    for haircut in [50, 200, 1_000, 3_000, 6_000, 9_000, 10_000] {
        for (more, addon) in [0, 500, 2_000].into_iter().flat_map(|more| [0, 300, 1_000].map(|addon| (more, addon))) {
            let (margins, addons) = (levels(haircut, more), levels(addon, more / 2));
            for bonus in bonuses(haircut) {
                let parameters = RiskParameters { haircuts: margins, addons, depth: Depth::OFF, bonus };
                assert!(check_risk(&parameters).is_ok());
                // In quarters of the collateral.
                for (deposit_depth, debt_depth) in [(0, 0), (10, 0), (1, 3), (4, 1)] {
                    for (other, share) in [(None, 0), (Some(500), 1_000), (Some(10_000), 5_000)] {
                        let mut positions = vec![
                            held(Side::Debt, 1, addons, debt_depth * WORTH * DOLLAR / 4),
                            held(Side::Deposit, WORTH, margins, deposit_depth * WORTH * DOLLAR / 4),
                        ];
                        positions.extend(other.map(|other| held(Side::Deposit, WORTH / 2, levels(other, 0), 0)));
                        indebted(positions, &Governed::plain(), bonus, part(share), &mut of);
                    }
                }
            }
        }
    }
}

#[test]
fn atk_e03_no_spiral_on_the_grid() {
    let (mut tried, mut moved) = (0, 0);
    grid(|case| {
        let owed = case.vault.held[0].shares;
        for most in [u64::MAX, owed / 3, 1_000] {
            for pair in case.pairs() {
                tried += 1;
                moved += u32::from(heals(case, pair, Amount::new(most)));
            }
        }
    });
    assert!(tried > 40_000 && moved * 10 >= tried * 9, "{moved} of {tried}");
}

/// Any pair of debts, good collateral and junk, with any offer.
#[test]
fn atk_e03_no_spiral() {
    let considered = Cell::new([0u32; 2]);
    holds((mixed(), any::<u64>(), prop_oneof![Just(u64::MAX), word()]), |(case, which, most)| {
        let [tried, met] = considered.get();
        considered.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let pairs = case.pairs();
        let pair = pairs[usize::try_from(which).unwrap() % pairs.len()];
        considered.set([tried + 1, met + u32::from(heals(&case, pair, Amount::new(most)))]);
        Ok(())
    });
    let [tried, met] = considered.into_inner();
    assert!(met * 2 >= tried, "{met} of {tried}");
}

/// Hundredths.
fn moving(mut held: Held, loading: i32, specific: u32, shocks: [i32; 2]) -> Held {
    let hundredth = ballast_risk::model::ONE / 100;
    let mut moves = Sensitivities { specific: specific * hundredth.unsigned_abs(), ..Sensitivities::NONE };
    moves.loadings[0] = loading * hundredth;
    (moves.shocks[0], moves.shocks[1]) = (shocks[0] * hundredth, shocks[1] * hundredth);
    (held.moves, held.columns) = (moves, coefficients(&moves));
    held
}

/// The same with netting and two scenarios: how a deposit and a debt move together, lambda, the floor, haircuts and bonuses.
fn netted_grid(mut of: impl FnMut(&Failing)) {
    for (lambda, multiplier, floor) in [(2, 1, 0), (3, 1, 2_000), (2, 2, 10_000), (3, 0, 0)] {
        let (lambdas, multipliers) = ([lambda << 16, lambda << 16, (lambda << 16) - 9_000], [multiplier << 16; 3]);
        let floor = part(floor);
        let terms = Terms { netting: true, factors: 1, scenarios: 2, tail: 1, lambdas, multipliers, floor };
        let rules = Governed { valid_until: 1, grace: 86_400, ..Governed::plain() }.with(terms);
        for (deposit, specific, debt) in
            [(10, 2), (25, 5), (5, 20)].into_iter().flat_map(|(a, b)| [-10, 0, 8, 25].map(|debt| (a, b, debt)))
        {
            for [shocks, debt_shocks] in [[[-30, -10], [0, 10]], [[-30, 20], [-25, 25]], [[0, 0], [0, 0]]] {
                for haircut in [200, 2_000] {
                    let positions = || {
                        vec![
                            moving(held(Side::Debt, 1, levels(0, 100), 0), debt, 1, debt_shocks),
                            moving(held(Side::Deposit, WORTH, levels(haircut, 300), 0), deposit, specific, shocks),
                            moving(
                                held(Side::Deposit, WORTH / 3, levels(1_000, 300), 3 * WORTH * DOLLAR),
                                8,
                                10,
                                shocks,
                            ),
                        ]
                    };
                    for bonus in bonuses(haircut) {
                        indebted(positions(), &rules, bonus, Fraction::ZERO, &mut of);
                    }
                }
            }
        }
    }
}

#[test]
fn atk_e03_no_spiral_on_the_grid_with_a_model() {
    let (mut tried, mut moved) = (0, 0);
    netted_grid(|case| {
        let before = case.target();
        if before.equity() <= 0 {
            return;
        }
        for pair in case.pairs() {
            tried += 1;
            let Some(got) = case.preview(pair, Amount::MAX) else { continue };
            moved += 1;
            assert!(no_further(case, pair, &case.after(pair, &got)), "{got:?} {case:?}");
        }
    });
    assert!(tried > 4_000 && moved * 4 >= tried * 3, "{moved} of {tried}");
}

/// `R_target - E` is not larger in the second vault, by exact arithmetic.
fn no_further(before: &Failing, pair: (usize, usize), after: &Failing) -> bool {
    let needs = after.vault.needs(Level::Target, End::Low);
    let allowed = missing(&before.target()) + before.tolerance(&before.vault.needs(Level::Target, End::Low), pair);
    needs.requires_at_most(&(&needs.equity + &allowed))
}
