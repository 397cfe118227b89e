//! What a pair weighs in a requirement, and the bonus that it leaves, by hand.

use ballast_risk::Fraction;
use ballast_risk::exposure::Exposures;
use ballast_risk::line::{Line, Weights};
use ballast_risk::model::{ONE, Rules, Sensitivities, TIMES_ONE};

const DOLLAR: i64 = 1_000_000;

/// The weights of a deposit of 1,000 dollars against a debt of 700 that nothing moves.
fn weights(rules: &Rules, deposit: &Sensitivities, of: impl Fn(&Line) -> Weights) -> Weights {
    let (deposit, debt) = (deposit.columns(), Sensitivities::NONE.columns());
    let mut exposures = Exposures::default();
    exposures.push(1_000 * DOLLAR, &deposit).unwrap();
    exposures.push(-700 * DOLLAR, &debt).unwrap();
    exposures.scale((1_700 * DOLLAR).unsigned_abs());
    let (owed, held) = ((700 * DOLLAR).unsigned_abs(), (1_000 * DOLLAR).unsigned_abs());
    of(&Line::new(&exposures, rules, (owed, &debt), (held, &deposit), Fraction::ZERO))
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
        let rules = Rules { scenarios: 4, tail, multiplier, ..Rules::HAIRCUTS };
        let Weights { debt, collateral } = weights(&rules, &deposit, Line::stress_weights);
        assert!(near(collateral, expected) && debt == 1 << 32, "{tail} {multiplier}: {debt} {collateral}");
    }
    // What falls with the deposit's price is a gain for who owes it.
    let rules = Rules { scenarios: 1, tail: 1, multiplier: TIMES_ONE, ..Rules::HAIRCUTS };
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
        let rules = Rules { netting: true, factors: 4, lambda, floor: Fraction::ZERO, ..Rules::HAIRCUTS };
        let Weights { debt, collateral } = weights(&rules, &moves, Line::portfolio_weights);
        assert!(near(collateral, expected) && near(debt, 1_000), "{lambda}: {debt} {collateral}");
    }
}
