//! The health check of whole vaults against exact arithmetic (risk model 2, 3.4 and 4).
use crate::reference::vault::*;
use crate::reference::*;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Health, Level, MarginState, Position, Quote, Side, assess};
use ballast_risk::price::{MAX_FORWARD_SECONDS, Unit};
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Error, Fraction, Rate, Shares, Usd};
use proptest::prelude::*;

fn levels_of_check() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::ALL.to_vec())
}

/// Only values that fit, as far as exact arithmetic can tell; used where a refused vault would say nothing.
fn fitting(mut vault: Vec<Held>) -> Vec<Held> {
    vault.retain(|held| held.position(Level::Maint).value().is_ok());
    vault
}

/// How far `E - R` may be computed too low for a vault that passes exactly. By tests/shares.rs a deposit A is valued up
/// to 2.25 x 2^-30 of it and a micro-dollar too low, a debt D 2.26 x 2^-30 and a micro-dollar too high; by
/// tests/haircut.rs the haircut is 2^-30 A + 3 too high, the add-on 3 x 2^-32 D + 1 and a 2^-31st part of D^2 / L.
/// With the slope of the requirement (at most 1 for A, 2 + 2 D / L for D):
///     A: 3.25 x 2^-30, D: 5.3 x 2^-30, D^2 / L: 5.1 x 2^-30, and 2 D / L micro-dollars: below 1, or below 2^-31 D^2 / L.
/// A vault that passes has D^2 / L below its deposits, so all is below 8.9 x 2^-30 of the gross value, and 5 a position.
fn slack(vault: &[Held]) -> Exact {
    slack_of(&gross(vault), vault.len())
}

fn slack_of(gross: &Exact, positions: usize) -> Exact {
    gross * &Exact::new(9, 30) + Exact::int(5 * positions)
}

/// Property 5. Never passes a vault that exact arithmetic fails: `E - R` is never above the exact one. A vault that exact
/// arithmetic passes has it too low by at most [`slack`], a hundredth of the promised 1e-6 of the gross value (and a few
/// micro-dollars). Refused only for a position within rounding of 2^56 micro-dollars or more.
#[test]
fn a_check_is_never_wrong_in_favour_of_the_vault() {
    holds((levels_of_check(), vaults(32)), |(level, vault)| {
        let health = match check(level, &vault) {
            Ok(health) => health,
            Err(error) => {
                prop_assert_eq!(error, Error::ValueOutOfRange);
                let limit = Exact::int(MAX_VALUE) * (Exact::one() - Exact::new(5, 31)) - Exact::int(2);
                prop_assert!(vault.iter().any(|held| held.value() >= limit));
                return Ok(());
            }
        };
        let (mut exact, mut assets, mut debts) = (Exact::zero(), Exact::zero(), Exact::zero());
        for held in &vault {
            let value = held.value();
            exact = exact + held.counts(&value, level, End::Low);
            match held.side {
                Side::Deposit => assets = assets + value,
                Side::Debt => debts = debts + value,
            }
        }
        prop_assert!(usd(health.assets) <= assets && usd(health.debts) >= debts);
        prop_assert!(!health.passes() || !exact.negative(), "unsafe");
        let Some(net) = net(&health) else {
            prop_assert!(exact.negative() && !health.passes());
            return Ok(());
        };
        prop_assert_eq!(health.passes(), net >= 0);
        prop_assert!(Exact::int(net) <= exact, "too high");
        if !exact.negative() {
            let slack = slack_of(&(assets + debts), vault.len());
            prop_assert!(exact - Exact::int(net) <= slack, "too low");
        }
        Ok(())
    });
}

/// The same at the threshold itself: one debt is raised until the check just fails. Vaults drawn at random are rarely
/// close to it.
#[test]
fn at_the_threshold_exact_arithmetic_agrees() {
    holds((levels_of_check(), vaults(12), word()), |(level, mut vault, pick)| {
        vault = fitting(vault);
        let Some(debt) = vault.iter().position(|held| held.side == Side::Debt) else { return Ok(()) };
        let pass = |vault: &[Held]| check(level, vault).is_ok_and(|health| health.passes());
        let (mut low, mut high) = (0u64, u64::MAX);
        vault[debt].shares = 0;
        if !pass(&vault) {
            return Ok(());
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            vault[debt].shares = middle;
            if pass(&vault) { low = middle } else { high = middle }
        }
        vault[debt].shares = low;
        prop_assert!(!exact_net(level, &vault, End::Low).negative(), "unsafe");
        // Below the threshold everything passes: less debt never fails.
        vault[debt].shares = pick % (low + 1);
        prop_assert!(pass(&vault));
        // One share more fails, unless the value itself is refused: exactly, it passes by no more than the slack.
        vault[debt].shares = high;
        if check(level, &vault).is_ok_and(|health| !health.passes()) {
            prop_assert!(exact_net(level, &vault, End::High) <= slack(&vault), "refused too early");
        }
        Ok(())
    });
}

/// Property 4 at equal prices: equity is the same and requirements are ordered, to the unit.
#[test]
fn levels_are_ordered() {
    holds(vaults(32), |vault| {
        let vault = fitting(vault);
        let [init, target, maint] = Level::ALL.map(|level| check(level, &vault).unwrap());
        prop_assert_eq!(init.equity(), maint.equity());
        prop_assert_eq!(target.equity(), maint.equity());
        prop_assert!(maint.requirement <= target.requirement && target.requirement <= init.requirement);
        prop_assert!(!init.passes() || target.passes() && maint.passes());
        Ok(())
    });
}

/// Property 1. More of a debt never raises `E - R`. More of a deposit never lowers it by more than 2^-32 of that deposit
/// and a micro-dollar (see tests/haircut.rs), and not at all without a depth.
#[test]
fn more_deposit_helps_and_more_debt_does_not() {
    let input = (levels_of_check(), vaults(8), any::<u8>(), prop_oneof![word(), 1u64..=4]);
    holds(input, |(level, vault, which, more)| {
        let mut vault = fitting(vault);
        if vault.is_empty() {
            return Ok(());
        }
        let before = check(level, &vault).unwrap();
        let which = usize::from(which) % vault.len();
        vault[which].shares = vault[which].shares.saturating_add(more);
        let Ok(after) = check(level, &vault) else { return Ok(()) };
        let held = vault[which];
        match held.side {
            Side::Debt => prop_assert!(before.passes() || !after.passes()),
            Side::Deposit if held.depth == Depth::OFF => prop_assert!(after.passes() || !before.passes()),
            Side::Deposit => {}
        }
        let (Some(before), Some(after)) = (net(&before), net(&after)) else { return Ok(()) };
        let value = held.position(level).value().unwrap();
        let tick = if held.depth == Depth::OFF { 0 } else { i128::from(value >> 32) + 1 };
        match held.side {
            Side::Debt => prop_assert!(after <= before),
            Side::Deposit => prop_assert!(after + tick >= before),
        }
        Ok(())
    });
}

/// Property 2. A vault that passes does so at a half, a quarter and so on, all positions scaled alike: exactly, and as
/// computed up to the slack of the smaller vault.
#[test]
fn a_smaller_vault_passes_too() {
    holds((levels_of_check(), vaults(12), 1u32..=20), |(level, mut vault, halvings)| {
        for held in &mut vault {
            held.shares = held.shares >> halvings << halvings;
        }
        let vault = fitting(vault);
        let passes = check(level, &vault).unwrap().passes();
        let small: Vec<Held> = vault.iter().map(|h| Held { shares: h.shares >> halvings, ..*h }).collect();
        let exact = exact_net(level, &small, End::Low);
        if !exact_net(level, &vault, End::Low).negative() {
            prop_assert!(!exact.negative(), "the model itself");
        }
        if passes {
            let net = net(&check(level, &small).unwrap()).unwrap();
            prop_assert!(Exact::int(net) + slack(&small) >= exact);
        }
        Ok(())
    });
}

/// Section 2. A missing deposit price counts nothing for `Init` and refuses the others; a missing debt price refuses
/// `Init` and counts nothing for the others. Missing is: not usable, no unit, or too long without accrual.
#[test]
fn missing_prices_count_nothing_or_refuse() {
    let vault = prop::collection::vec((any::<u8>(), word()), 32);
    holds((levels_of_check(), vaults(32), vault), |(level, vault, missing)| {
        let vault = fitting(vault);
        let gone = |k: usize| missing[k].0 < 32;
        let positions: Vec<Position> = vault
            .iter()
            .enumerate()
            .map(|(k, held)| {
                let mut position = held.position(level);
                if gone(k) {
                    match missing[k].0 % 3 {
                        0 => position.quote.usable = false,
                        1 => position.quote.unit = Unit::NONE,
                        _ => position.quote.elapsed = MAX_FORWARD_SECONDS.saturating_add(missing[k].1),
                    }
                }
                position
            })
            .collect();
        let got: Result<Health, Error> = assess(level, positions.into_iter().map(Ok));
        let refused = if level == Level::Init { Side::Debt } else { Side::Deposit };
        if vault.iter().enumerate().any(|(k, held)| gone(k) && held.side == refused) {
            prop_assert_eq!(got, Err(Error::PriceUnusable));
            return Ok(());
        }
        let rest: Vec<Held> = vault.iter().enumerate().filter(|(k, _)| !gone(*k)).map(|(_, held)| *held).collect();
        prop_assert_eq!(got, check(level, &rest));
        // So a price that goes missing never turns a healthy vault into a liquidatable one, nor passes a failing `Init`.
        let (whole, got) = (check(level, &vault).unwrap(), got.unwrap());
        if level == Level::Init {
            prop_assert!(whole.passes() || !got.passes());
        } else {
            prop_assert!(got.passes() || !whole.passes());
        }
        Ok(())
    });
}

/// Section 4, word by word.
#[test]
fn states_have_their_words() {
    let health = || {
        prop::array::uniform3(between(0, 1 << 61)).prop_map(|[assets, debts, requirement]| Health {
            assets: Usd::new(assets),
            debts: Usd::new(debts),
            requirement: Usd::new(requirement),
        })
    };
    holds((health(), health(), any::<bool>()), |(init, maint, known)| {
        let equity = i128::from(maint.assets.get()) - i128::from(maint.debts.get());
        prop_assert_eq!(i128::from(maint.equity()), equity);
        let passes = |health: &Health| net(health).is_some_and(|net| net >= 0);
        prop_assert_eq!(maint.passes(), passes(&maint));
        let word = if equity < 0 {
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

/// Property 6. Whatever the positions are made of: decided or refused, never a panic.
#[test]
fn any_vault_is_decided() {
    let quote = (any::<(u32, u8, u32, bool, u32)>(), word(), word(), any::<u32>(), any::<u8>()).prop_map(
        |((mantissa, shift, rate, usable, haircut), elapsed, l, reciprocal, depth_shift)| Quote {
            unit: Unit { mantissa, shift },
            rate: Rate::new(rate),
            elapsed: elapsed & ((1 << 21) - 1),
            usable,
            haircut: Fraction::new(haircut),
            depth: Depth::from_parts(l, reciprocal, depth_shift),
        },
    );
    let position = (any::<bool>(), word(), quote).prop_map(|(side, shares, quote)| Position {
        side: if side { Side::Debt } else { Side::Deposit },
        shares: Shares::new(shares),
        quote,
    });
    holds((levels_of_check(), prop::collection::vec(position, 0..=32)), |(level, positions)| {
        let health: Result<Health, Error> = assess(level, positions.into_iter().map(Ok));
        if let Ok(health) = health {
            let _ = (health.passes(), health.equity(), MarginState::of(Some(&health), &health));
        }
        Ok(())
    });
}
