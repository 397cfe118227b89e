//! A second opinion: what the table's columns mean, and what values must fulfil together, as the book says it
//! (docs/src/governance.md). It reads the rows, and calls nothing of the program or of the risk crate that decides.

use ballast_tests::client::table::{Parameter as P, Row, Scope, Step, Tightens};
use ballast_tests::client::{Asset, Edit, Market, Proposal, change};
use ballast_tests::{BallastError, Fault};

/// The whole, as a fraction.
pub const ONE: u64 = 0xffff_ffff;

/// The parameters of a scope.
pub fn of(scope: Scope) -> impl Iterator<Item = P> {
    P::ALL.iter().copied().filter(move |parameter| parameter.scope() == scope)
}

/// The numbers of one scope, by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values([Option<u64>; 256]);

impl Values {
    pub fn of_asset(asset: &Asset) -> Self {
        Self(std::array::from_fn(|code| P::from_code(code as u8).and_then(|known| change::value(asset, known))))
    }

    pub fn of_market(market: &Market) -> Self {
        Self(std::array::from_fn(|code| P::from_code(code as u8).and_then(|known| change::market_value(market, known))))
    }

    /// Those of an asset, or of the market itself.
    pub fn of(market: &Market, asset: Option<u8>) -> Self {
        match asset {
            Some(index) => Self::of_asset(&market.assets[usize::from(index)]),
            None => Self::of_market(market),
        }
    }

    pub fn get(&self, parameter: P) -> u64 {
        self.find(parameter).unwrap_or_else(|| panic!("{} is of another scope", parameter.name()))
    }

    pub fn find(&self, parameter: P) -> Option<u64> {
        self.0[usize::from(parameter.code())]
    }

    pub fn with(&self, values: &[(P, u64)]) -> Self {
        let mut changed = self.clone();
        for (parameter, value) in values {
            changed.0[usize::from(parameter.code())] = Some(*value);
        }
        changed
    }

    /// What differs from other numbers.
    pub fn unlike(&self, others: &Self) -> Vec<(P, u64)> {
        let both = P::ALL.iter().filter_map(|parameter| Some((*parameter, self.find(*parameter)?)));
        both.filter(|(parameter, value)| others.find(*parameter) != Some(*value)).collect()
    }
}

/// A proposal with these edits as they are, in the order of their codes.
pub fn proposal(asset: Option<u8>, present: &Values, values: &[(P, u64)]) -> Proposal {
    let edit =
        |(parameter, to): &(P, u64)| Edit { parameter: parameter.code(), from: present.get(*parameter), to: *to };
    let mut edits: Vec<_> = values.iter().map(edit).collect();
    edits.sort_by_key(|edit| edit.parameter);
    Proposal::Parameters { asset, edits, ramp: 0 }
}

// One number.

pub fn in_range(row: &Row, value: u64) -> bool {
    (value == 0 && row.zero_is_off) || (row.least..=row.most).contains(&value)
}

/// Off is one more than the largest number.
pub fn rank(row: &Row, value: u64) -> u64 {
    if row.zero_is_off && value == 0 { row.most.saturating_add(1) } else { value }
}

pub fn tightens(row: &Row, from: u64, to: u64) -> bool {
    match row.tightens {
        Tightens::Up => rank(row, to) > rank(row, from),
        Tightens::Down => rank(row, to) < rank(row, from),
        Tightens::Never => false,
    }
}

/// Whether a step is allowed. `first` is what a cap of zero may grow to.
pub fn within(step: Step, from: u64, to: u64, first: u64) -> bool {
    let (wide_from, wide_to, gap) = (u128::from(from), u128::from(to), u128::from(from.abs_diff(to)));
    match step {
        Step::Any => true,
        Step::None => false,
        Step::By(most) => gap <= u128::from(most),
        Step::Double => wide_to <= 2 * wide_from && wide_from <= 2 * wide_to,
        Step::Growth => wide_to <= (2 * wide_from).max(u128::from(first)),
        Step::Part(parts) => parts != 0 && gap * u128::from(parts) <= wide_from,
    }
}

/// Whether the step of a proposal, or of a tightening at once, is small enough. A proposal turns on what is off at any value.
pub fn small_enough(row: &Row, from: u64, to: u64, first: u64, proposed: bool) -> bool {
    let off = if row.zero_is_off { 0 } else { u64::MAX };
    if proposed && from == off {
        return true;
    }
    let step = if tightens(row, from, to) { row.tightening } else { row.step };
    within(step, rank(row, from), rank(row, to), first)
}

/// The numbers around which something changes: the ends of the range, the neighbours, the ends of every step and what is
/// one beyond.
pub fn targets(row: &Row, from: u64, first: u64) -> Vec<u64> {
    let mut found = vec![0, 1, row.least.saturating_sub(1), row.least, row.most, row.most.saturating_add(1), u64::MAX];
    found.push(row.least.midpoint(row.most));
    for step in [row.step, row.tightening, row.steward, Step::By(0)] {
        let fits = |to: u64| within(step, from, to, first);
        let down = last(from, |below| fits(from - below)).map_or(from, |below| from - below);
        let up = last(u64::MAX - from, |above| fits(from + above)).map_or(from, |above| from + above);
        found.extend([down, up, down.saturating_sub(1), up.saturating_add(1)]);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The largest number up to `most` for which something holds that holds up to a point.
pub fn last(most: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if !holds(0) {
        return None;
    }
    let (mut good, mut beyond) = (0u64, u128::from(most) + 1);
    while u128::from(good) + 1 < beyond {
        let middle = ((u128::from(good) + beyond) / 2) as u64;
        if holds(middle) {
            good = middle;
        } else {
            beyond = u128::from(middle);
        }
    }
    Some(good)
}

// Several numbers.

/// What numbers must fulfil together, and the error where they do not.
#[derive(Clone, Copy)]
pub enum Rule {
    /// The first is at most the second.
    Ordered(P, P, BallastError),
    /// There is one value that is allowed.
    Exactly(P, u64, BallastError),
    /// `bonus x (1 - haircut) <= haircut`.
    Pays { bonus: P, haircut: P, error: BallastError },
}

impl Rule {
    pub fn error(&self) -> BallastError {
        let (Self::Ordered(_, _, error) | Self::Exactly(_, _, error) | Self::Pays { error, .. }) = self;
        *error
    }

    /// `None` where the numbers are of another scope.
    pub fn holds(&self, values: &Values) -> Option<bool> {
        Some(match self {
            Self::Ordered(small, large, _) => values.find(*small)? <= values.find(*large)?,
            Self::Exactly(parameter, value, _) => values.find(*parameter)? == *value,
            Self::Pays { bonus, haircut, .. } => pays(values.find(*bonus)?, values.find(*haircut)?),
        })
    }
}

/// In 2^-32, exactly; a haircut of the whole is written as [`ONE`].
fn pays(bonus: u64, haircut: u64) -> bool {
    let whole = 1u128 << 32;
    u128::from(bonus) * (whole - u128::from(haircut)) <= u128::from(haircut) * whole
}

pub fn rules() -> Vec<Rule> {
    use BallastError::{BadPatience, BadPriceParameters, BadRateCurve, BadRiskParameters};
    let place = |first: P, at: u8| P::from_code(first.code() + at).expect("a point of the curve");
    let mut rules = vec![
        Rule::Ordered(P::HaircutMaint, P::HaircutTarget, BadRiskParameters),
        Rule::Ordered(P::HaircutTarget, P::HaircutInit, BadRiskParameters),
        Rule::Ordered(P::AddonMaint, P::AddonTarget, BadRiskParameters),
        Rule::Ordered(P::AddonTarget, P::AddonInit, BadRiskParameters),
        Rule::Ordered(P::BonusLeast, P::BonusMost, BadRiskParameters),
        Rule::Pays { bonus: P::BonusMost, haircut: P::HaircutMaint, error: BadRiskParameters },
        Rule::Exactly(P::Utilisation0, 0, BadRateCurve),
        Rule::Exactly(P::Utilisation7, ONE, BadRateCurve),
        Rule::Ordered(P::MaxAgeInit, P::MaxAge, BadPriceParameters),
        Rule::Ordered(P::BandLow, P::BandHigh, BadPriceParameters),
        Rule::Ordered(P::Notice, P::Delay, BadPatience),
    ];
    for at in 0..7 {
        for first in [P::Utilisation0, P::Rate0] {
            rules.push(Rule::Ordered(place(first, at), place(first, at + 1), BadRateCurve));
        }
    }
    rules
}

/// The errors of all rules that do not hold.
pub fn broken(values: &Values) -> Vec<Fault> {
    let failed = rules().into_iter().filter(|rule| rule.holds(values) == Some(false));
    failed.map(|rule| rule.error().into()).collect()
}

/// The values with some pinned, and whatever else has to move along so that all rules hold: what a rule relates to a number
/// that moved follows it.
pub fn follow(values: &Values, pinned: &[(P, u64)]) -> Values {
    let (rules, mut values) = (rules(), values.with(pinned));
    let mut fixed: Vec<P> = pinned.iter().map(|(parameter, _)| *parameter).collect();
    loop {
        let free = |parameter: &P| !fixed.contains(parameter);
        let step = rules.iter().filter(|rule| rule.holds(&values) == Some(false)).find_map(|rule| match rule {
            Rule::Ordered(small, large, _) if !free(small) && free(large) => Some((*large, values.get(*small))),
            Rule::Ordered(small, large, _) if !free(large) && free(small) => Some((*small, values.get(*large))),
            Rule::Pays { bonus, haircut, .. } if !free(bonus) && free(haircut) => {
                let bonus = values.get(*bonus);
                Some((*haircut, ONE - last(ONE, |less| pays(bonus, ONE - less))?))
            }
            Rule::Pays { bonus, haircut, .. } if !free(haircut) && free(bonus) => {
                let haircut = values.get(*haircut);
                Some((*bonus, last(ONE, |bonus| pays(bonus, haircut))?))
            }
            _ => None,
        });
        let Some((parameter, value)) = step else { return values };
        values = values.with(&[(parameter, value)]);
        fixed.push(parameter);
    }
}

/// Checks what became of a change against what was expected: acceptance, or one of some refusals.
#[track_caller]
pub fn agrees<T>(got: &Result<T, Fault>, expected: &[Fault], about: &str) {
    match got {
        Ok(_) => assert!(expected.is_empty(), "{about}: accepted instead of {expected:?}"),
        Err(fault) => assert!(expected.contains(fault), "{about}: {fault:?} instead of {expected:?}"),
    }
}
