//! What a pair weighs in a requirement, and the bonus that it leaves, by hand.

use ballast_risk::Fraction;
use ballast_risk::exposure::Exposures;
use ballast_risk::line::{Line, Weighed, Weights};
use ballast_risk::model::{Coefficients, Measure, ONE, Sensitivities, TIMES_ONE, Version};

const DOLLAR: i64 = 1_000_000;

/// Of an asset that moves so in one model and not in the other.
fn only(version: Version, moves: &Sensitivities) -> Coefficients {
    match version {
        Version::Current => [*moves, Sensitivities::NONE],
        Version::Previous => [Sensitivities::NONE, *moves],
    }
    .map(|moves| moves.columns())
}

/// The weights of a deposit of 1,000 dollars against a debt of 700 that nothing moves.
fn weights(rules: &Measure, deposit: &Sensitivities, of: impl Fn(&Line, &Measure) -> Weighed) -> Weights {
    let (deposit, debt) = (only(rules.version, deposit), only(rules.version, &Sensitivities::NONE));
    let mut exposures = Exposures::default();
    exposures.push(1_000 * DOLLAR, &deposit).unwrap();
    exposures.push(-700 * DOLLAR, &debt).unwrap();
    exposures.scale((1_700 * DOLLAR).unsigned_abs());
    exposures.add_previous();
    let (owed, held) = ((700 * DOLLAR).unsigned_abs(), (1_000 * DOLLAR).unsigned_abs());
    let Weighed { requirement, weights } = of(&Line::new(&exposures, rules, (owed, &debt), (held, &deposit)), rules);
    // The debt does not move, so a dollar of the deposit requires what its weight lacks: to a millionth, as in `near`.
    let lacks = (1_000 * DOLLAR * ((1 << 32) - weights.collateral).max(0)) >> 16;
    assert!((requirement.cast_signed() - lacks).abs() < (1_000 * DOLLAR) >> 4, "{requirement} {lacks}");
    weights
}

/// Thousandths of one in 2^-32, to a millionth.
fn near(weight: i64, thousandths: i64) -> bool {
    (weight - (thousandths << 32) / 1_000).abs() < 1 << 12
}

fn thousandths(part: i32) -> i32 {
    i32::try_from(i64::from(part) * i64::from(ONE) / 1_000).unwrap()
}

/// `1 + multiplier x mean shock of the worst`.
#[test]
fn weights_in_the_stress_requirement() {
    let mut deposit = Sensitivities::NONE;
    deposit.shocks = [-200, -400, 300, -100, 0, 0, 0, 0].map(thousandths);
    for (tail, multiplier, expected) in [
        (1, TIMES_ONE, 600),
        (1, TIMES_ONE / 2, 800),
        (2, TIMES_ONE, 700),
        (2, 2 * TIMES_ONE, 400),
        (4, TIMES_ONE, 900),
    ] {
        for version in [Version::Current, Version::Previous] {
            let rules = Measure { version, scenarios: 4, tail, multiplier, ..Measure::OFF };
            let Weights { debt, collateral } = weights(&rules, &deposit, Line::stress_weights);
            assert!(near(collateral, expected) && debt == 1 << 32, "{tail} {multiplier}: {debt} {collateral}");
            // Of a model that counts by a quarter, a quarter of what it takes off.
            let rules = Measure { progress: Fraction::new(1 << 30), ..rules };
            let Weights { debt, collateral } = weights(&rules, &deposit, Line::stress_weights);
            assert!(
                near(collateral, 750 + expected / 4) && debt == 1 << 32,
                "{tail} {multiplier}: {debt} {collateral}"
            );
        }
    }
    // What falls with the deposit's price is a gain for who owes it.
    let rules = Measure { scenarios: 1, tail: 1, multiplier: TIMES_ONE, ..Measure::OFF };
    let mut rising = Sensitivities::NONE;
    rising.shocks[0] = thousandths(500);
    assert!(near(weights(&rules, &rising, Line::stress_weights).collateral, 1_500));
}

/// `1 - lambda x d sqrt(Q) / de`: of a single risky deposit, `1 - lambda x volatility`.
#[test]
fn weights_in_the_portfolio_requirement() {
    let specific = |part| Sensitivities { specific: thousandths(part).unsigned_abs(), ..Sensitivities::NONE };
    let factor = |part| {
        let mut moves = Sensitivities::NONE;
        moves.loadings[2] = thousandths(part);
        moves
    };
    for (moves, lambda, expected) in [
        (specific(200), 2 * TIMES_ONE, 600),
        (specific(250), 3 * TIMES_ONE, 250),
        (factor(200), 2 * TIMES_ONE, 600),
        (factor(-200), 2 * TIMES_ONE, 600),
    ] {
        for version in [Version::Current, Version::Previous] {
            let rules = Measure { version, netting: true, factors: 4, lambda, ..Measure::OFF };
            let Weights { debt, collateral } = weights(&rules, &moves, Line::portfolio_weights);
            assert!(near(collateral, expected) && near(debt, 1_000), "{lambda}: {debt} {collateral}");
            let rules = Measure { progress: Fraction::new(1 << 31), ..rules };
            let Weights { debt, collateral } = weights(&rules, &moves, Line::portfolio_weights);
            assert!(near(collateral, 500 + expected / 2) && near(debt, 1_000), "{lambda}: {debt} {collateral}");
        }
    }
}
