//! Input that no constructor makes and no validator accepts, for functions that must answer all the same.

use ballast_risk::exposure::Exposures;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Health, Modelled, Position, Quote, Side};
use ballast_risk::model::{Coefficients, Measure, Model, Rules, Terms, Version};
use ballast_risk::price::Unit;
use ballast_risk::ramp::Ramp;
use ballast_risk::{Rate, Shares, Usd};

use super::source::Source;

pub fn any_u32(s: &mut Source) -> u32 {
    s.between_u32(0, u32::MAX)
}

pub fn any_u8(s: &mut Source) -> u8 {
    u8::try_from(s.bits() >> 56).unwrap()
}

pub fn any_coefficients(s: &mut Source) -> Coefficients {
    [[0; 16]; 2].map(|columns| columns.map(|_| any_u32(s)))
}

/// Factors, scenarios and tail; in half of the cases as many as there may be.
fn any_counts(s: &mut Source) -> (u8, u8, u8) {
    let usual = s.one_in(2);
    let mut count = |most: u64| if usual { u8::try_from(s.below(most + 1)).unwrap() } else { any_u8(s) };
    (count(6), count(8), count(8))
}

fn any_measure(s: &mut Source) -> Measure {
    let (factors, scenarios, tail) = any_counts(s);
    Measure {
        version: s.one_of(&[Version::Current, Version::Previous]),
        netting: s.one_in(2),
        factors,
        scenarios,
        tail,
        lambda: any_u32(s),
        multiplier: any_u32(s),
        progress: s.fraction(),
    }
}

pub fn any_rules(s: &mut Source) -> Rules {
    let (first, second) = (any_measure(s), any_measure(s));
    Rules { floor: s.fraction(), first, second: s.one_in(2).then_some(second) }
}

fn any_terms(s: &mut Source) -> Terms {
    let (factors, scenarios, tail) = any_counts(s);
    Terms {
        netting: s.one_in(2),
        factors,
        scenarios,
        tail,
        lambdas: [0; 3].map(|_| any_u32(s)),
        multipliers: [0; 3].map(|_| any_u32(s)),
        floor: s.fraction(),
    }
}

pub fn any_ramp(s: &mut Source) -> Ramp {
    Ramp::from_parts(s.word(), s.word(), s.word())
}

pub fn any_model(s: &mut Source) -> Model {
    Model { current: any_terms(s), previous: any_terms(s), change: any_ramp(s), fallback: any_ramp(s) }
}

pub fn any_exposures<'a>(s: &mut Source, columns: &'a [Coefficients; 4]) -> Exposures<'a> {
    let mut exposures = Exposures::default();
    for _ in 0..s.below(34) {
        // One too many is refused.
        let _ = exposures.push(s.word().cast_signed(), s.one_of(&[&columns[0], &columns[1], &columns[2], &columns[3]]));
    }
    exposures.scale(s.word());
    exposures.add_previous();
    exposures
}

pub fn any_depth(s: &mut Source) -> Depth {
    Depth::from_parts(s.word(), any_u32(s), any_u8(s))
}

pub fn any_health(s: &mut Source) -> Health {
    Health {
        assets: Usd::new(s.word()),
        debts: Usd::new(s.word()),
        haircuts: Usd::new(s.word()),
        floor: Usd::new(s.word()),
        modelled: Modelled {
            shift: any_u32(s),
            equity: s.word().cast_signed(),
            squared: s.word(),
            loss: s.word(),
            tail: any_u8(s),
            worst: any_u8(s),
        },
    }
}

pub fn any_position<'a, const N: usize>(s: &mut Source, columns: &'a [Coefficients; 4]) -> Position<'a, N> {
    let quote = Quote {
        unit: Unit { mantissa: any_u32(s), shift: any_u8(s) },
        rate: Rate::new(any_u32(s)),
        elapsed: s.word() & ((1 << 21) - 1),
        usable: !s.one_in(16),
        haircuts: [0; N].map(|_| s.fraction()),
        depth: any_depth(s),
        columns: s.one_of(&[&columns[0], &columns[1], &columns[2], &columns[3]]),
    };
    Position { side: s.one_of(&[Side::Deposit, Side::Debt]), shares: Shares::new(s.word()), quote }
}
