//! The health check of whole vaults against exact arithmetic: rounding, order of the levels, missing prices (risk model 2,
//! 3.4 and 4). The other properties of 3.4 are in monotone.rs, portfolio.rs and totality.rs.
use std::cell::Cell;

use crate::reference::generate::*;
use crate::reference::source::Source;
use crate::reference::vault::*;
use crate::reference::*;
use ballast_risk::health::{Binding, Health, Level, MarginState, Position, Prices, Side, assess};
use ballast_risk::price::{MAX_FORWARD_SECONDS, Unit};
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Error, Usd};
use proptest::prelude::*;

pub fn levels() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::ALL.to_vec())
}

/// Property 5 for one vault: it passes only if it does exactly, and is refused only if exactly no more than
/// [`Vault::slack`] is to spare.
pub fn agrees(vault: &Vault, level: Level, passes: bool) -> Result<(), TestCaseError> {
    let needs = vault.needs(level, if passes { End::High } else { End::Low });
    if passes {
        prop_assert!(needs.met(), "unsafe");
    } else {
        prop_assert!(!needs.met_with(&vault.slack(level, &needs)), "refused too early");
    }
    Ok(())
}

/// Property 5. Refused for its size only with a position within rounding of 2^56 micro-dollars or more.
#[test]
fn a_check_is_never_wrong_in_favour_of_the_vault() {
    holds_for(PROMISED, (levels(), vaults(32)), |(level, vault)| {
        let health = match vault.check(level) {
            Ok(health) => health,
            Err(error) => {
                prop_assert_eq!(error, Error::ValueOutOfRange);
                let limit = Exact::int(MAX_VALUE) * (Exact::one() - Exact::new(6, 31)) - Exact::int(2);
                prop_assert!(vault.held.iter().any(|held| held.value(level.prices()) >= limit));
                return Ok(());
            }
        };
        agrees(&vault, level, health.passes())
    });
}

/// Property 5 at the threshold itself, where every requirement gets its turn to decide.
#[test]
fn at_the_threshold_exact_arithmetic_agrees() {
    let decided = [(); 3].map(|()| Cell::new(0u32));
    let tried = Cell::new(0u32);
    holds_for(PROMISED, (levels(), vaults(32), any::<u64>()), |(level, vault, which)| {
        tried.set(tried.get() + 1);
        let Some(threshold) = vault.threshold(level, which) else { return Ok(()) };
        let vault = vault.with_shares(threshold.at, threshold.passes);
        let health = vault.check(level).unwrap();
        let binding = match health.binding() {
            Binding::Haircuts => 0,
            Binding::Portfolio => 1,
            Binding::Stress => 2,
        };
        decided[binding].set(decided[binding].get() + 1);
        agrees(&vault, level, true)?;
        let vault = vault.with_shares(threshold.at, threshold.fails);
        // Unless the value itself is refused.
        if vault.check(level).is_ok() { agrees(&vault, level, false) } else { Ok(()) }
    });
    for binding in &decided {
        assert!(binding.get() > tried.get() / 20, "too few thresholds of one kind: {decided:?} of {tried:?}");
    }
}

/// What property 5 promises: [`Vault::slack`] is below a third of 1e-6 of the gross value and 600 micro-dollars, for any
/// vault and any parameters.
#[test]
fn the_slack_is_what_is_promised() {
    holds((levels(), vaults(32)), |(level, vault)| {
        let needs = vault.needs(level, End::Low);
        let slack = vault.slack(level, &needs);
        prop_assert!((slack - Exact::int(600)) * Exact::int(3_000_000) <= needs.gross);
        Ok(())
    });
}

/// What is shown of a check is what the check decided by: each figure within the slack of the exact one.
#[test]
fn figures_are_those_of_the_check() {
    holds((levels(), vaults(16)), |(level, vault)| {
        let Ok(health) = vault.check(level) else { return Ok(()) };
        let needs = vault.needs(level, End::High);
        let slack = vault.slack(level, &needs);
        let equity = Exact::int(health.equity());
        prop_assert!(equity <= needs.equity && &needs.equity - &equity <= slack);
        let gross = usd(health.assets) + usd(health.debts);
        prop_assert!(&gross - &needs.gross <= slack && &needs.gross - &gross <= slack);
        if health.haircuts == Usd::MAX {
            return Ok(());
        }
        // A haircut that is too high by the slack of a vault that passes may be more in one that does not.
        let requirement = usd(health.requirement());
        if needs.met() {
            prop_assert!(needs.requires_at_most(&(&requirement + &slack)), "shown too low");
            let below = requirement - &slack - Exact::one();
            prop_assert!(below.negative() || !vault.needs(level, End::Low).requires_at_most(&below), "shown too high");
        }
        let largest = match health.binding() {
            Binding::Haircuts => health.floor,
            Binding::Portfolio => health.portfolio(),
            Binding::Stress => health.stress(),
        };
        // What rounding took from the equity comes on top, so that the two agree.
        prop_assert!(largest <= health.requirement() && usd(health.requirement()) <= usd(largest) + &slack);
        let reached = i128::from(health.equity()) >= i128::from(health.requirement().get());
        prop_assert_eq!(reached, health.passes(), "shown and decided differ");
        prop_assert!(u128::from(health.portfolio().get()).pow(2) >= health.portfolio_squared());
        Ok(())
    });
}

/// Property 4 at equal prices: equity is the same and requirements are ordered, to the unit; and so are the exact ones.
#[test]
fn levels_are_ordered() {
    holds_for(PROMISED, vaults(32), |vault| {
        let vault = vault.fitting();
        let [init, target, maint] = vault.at(Level::ALL, Prices::Spot).unwrap();
        for (low, high) in [(maint, target), (target, init)] {
            prop_assert_eq!(low.equity(), high.equity());
            prop_assert!(low.haircuts <= high.haircuts && low.floor <= high.floor);
            prop_assert!(low.modelled.squared <= high.modelled.squared);
            // Means of as many losses as each says.
            let times = |loss: u64, tail: u8| u128::from(loss) * u128::from(tail.max(1));
            let (less, more) = (low.modelled, high.modelled);
            prop_assert!(times(less.loss, more.tail) <= times(more.loss, less.tail));
            prop_assert!(low.requirement() <= high.requirement());
            prop_assert!(!high.passes() || low.passes());
        }
        let sums = vault.sums(Prices::Spot);
        let [init, target, maint] = Level::ALL.map(|level| vault.needs_of(&sums, level, End::Low));
        for (low, high) in [(&maint, &target), (&target, &init)] {
            prop_assert!(low.floored <= high.floored && low.square <= high.square && low.stress <= high.stress);
        }
        Ok(())
    });
}

/// Asking for several levels at once answers as asking for each.
#[test]
fn levels_can_be_asked_together() {
    holds(vaults(16), |vault| {
        let vault = vault.fitting();
        let [target, maint] = vault.at([Level::Target, Level::Maint], Prices::Spot).unwrap();
        prop_assert_eq!(target, vault.check(Level::Target).unwrap());
        prop_assert_eq!(maint, vault.check(Level::Maint).unwrap());
        Ok(())
    });
}

/// Property 4 with the prices of each level: a vault that passes `Init` passes `Maint`. Exactly, and as computed up to the
/// slack: a loan is never liquidated in the same second.
#[test]
fn what_may_borrow_may_not_be_liquidated() {
    holds_for(PROMISED, (vaults(16), any::<u64>(), any::<bool>()), |(vault, which, close)| {
        let mut vault = vault.fitting();
        if close && let Some(threshold) = vault.threshold(Level::Init, which) {
            vault = vault.with_shares(threshold.at, threshold.passes);
        }
        if vault.needs(Level::Init, End::Low).met() {
            prop_assert!(vault.needs(Level::Maint, End::Low).met(), "the model itself");
        }
        if vault.passes(Level::Init) {
            let Ok(maint) = vault.check(Level::Maint) else { return Ok(()) };
            agrees(&vault, Level::Maint, maint.passes())?;
            prop_assert!(vault.needs(Level::Maint, End::High).met());
        }
        Ok(())
    });
}

/// Section 2. A missing deposit price counts nothing for `Init` and refuses the others; a missing debt price refuses
/// `Init` and counts nothing for the others. Missing is: not usable, no unit, or too long without accrual.
#[test]
fn missing_prices_count_nothing_or_refuse() {
    holds((levels(), vaults(32), any::<u64>()), |(level, vault, seed)| {
        let vault = vault.fitting();
        let s = &mut Source::new(seed, 0);
        let gone: Vec<bool> = vault.held.iter().map(|_| s.one_in(8)).collect();
        let prices = level.prices();
        let positions: Vec<Position<1>> = vault
            .held
            .iter()
            .zip(&gone)
            .map(|(held, gone)| {
                let mut position = held.position([level], prices, vault.now);
                match s.below(3) {
                    _ if !gone => {}
                    0 => position.quote.usable = false,
                    1 => position.quote.unit = Unit::NONE,
                    _ => position.quote.elapsed = MAX_FORWARD_SECONDS.saturating_add(s.word()),
                }
                position
            })
            .collect();
        let rules = [vault.model.rules(level, vault.now)];
        let got = assess::<1, Error>(&rules, prices, positions.into_iter().map(Ok), &mut None).map(|[health]| health);
        let refused = if level == Level::Init { Side::Debt } else { Side::Deposit };
        if vault.held.iter().zip(&gone).any(|(held, gone)| *gone && held.side == refused) {
            prop_assert_eq!(got, Err(Error::PriceUnusable));
            return Ok(());
        }
        let mut rest = vault.clone();
        let mut kept = gone.iter().map(|gone| !gone);
        rest.held.retain(|_| kept.next().unwrap());
        let got = got.unwrap();
        prop_assert_eq!(got, rest.check(level).unwrap());
        // So a price that goes missing never turns a healthy vault into a liquidatable one, nor passes a failing `Init`.
        if level == Level::Init && got.passes() {
            prop_assert!(vault.needs(level, End::High).met());
        } else if level != Level::Init && vault.passes(level) {
            prop_assert!(rest.needs(level, End::High).met());
        }
        Ok(())
    });
}

/// Section 4, word by word.
#[test]
fn states_have_their_words() {
    let health = || {
        prop::array::uniform3(between(0, 1 << 61)).prop_map(|[assets, debts, floor]| Health {
            assets: Usd::new(assets),
            debts: Usd::new(debts),
            floor: Usd::new(floor),
            ..Health::default()
        })
    };
    holds((health(), health(), any::<bool>()), |(init, maint, known)| {
        let equity = |health: &Health| i128::from(health.assets.get()) - i128::from(health.debts.get());
        let passes = |health: &Health| equity(health) >= i128::from(health.floor.get());
        prop_assert_eq!(i128::from(maint.equity()), equity(&maint));
        prop_assert_eq!(maint.passes(), passes(&maint));
        let word = if equity(&maint) < 0 {
            MarginState::Insolvent
        } else if !passes(&maint) {
            MarginState::Liquidatable
        } else if known && passes(&init) {
            MarginState::Healthy
        } else {
            MarginState::Restricted
        };
        prop_assert_eq!(MarginState::of(known.then_some(&init), &maint), word);
        Ok(())
    });
}
