//! The decisions of a sheet, and the tolerances that go with them.

use std::cell::Cell;

use crate::reference::generate::*;
use crate::reference::holds_for;
use crate::reference::vault::Vault;
use ballast_risk::health::{Health, Level, Prices, Quote, Side};
use ballast_risk::price::Unit;
use ballast_risk::sheet::{Footing, Held, Sheet, Standing, Strains};
use ballast_risk::units::Shares;
use proptest::prelude::*;

const CASES: u32 = 4_000;

/// The vault with one asset for each of its positions.
fn held(vault: &Vault) -> Vec<Held> {
    let held = (0u8..).zip(&vault.held);
    held.map(|(asset, held)| Held { shares: Shares::new(held.shares), asset, side: held.side }).collect()
}

fn quotes(vault: &Vault) -> Vec<[Quote<'_, 1>; 2]> {
    let quotes = vault.held.iter().map(|held| [held.position([Level::Maint], Prices::Spot, vault.now).quote; 2]);
    quotes.collect()
}

fn footings(quotes: &[[Quote<'_, 1>; 2]]) -> Vec<[Option<Footing>; 2]> {
    quotes.iter().map(|[deposit, debt]| [Footing::of(deposit), Footing::of(debt)]).collect()
}

/// Bits of the assets of a side.
fn bits(vault: &[Held], side: Side) -> u64 {
    vault.iter().filter(|held| held.side == side).fold(0, |bits, held| bits | 1 << held.asset)
}

/// The vault a little or far inside of its threshold.
fn inside(vault: Vault, which: u64, by: u32) -> Vault {
    let Some(threshold) = vault.threshold(Level::Maint, which) else { return vault };
    let shares = threshold.passes;
    let part = u64::try_from((u128::from(shares) * u128::from(by)) >> 32).unwrap();
    let shares = if threshold.passes < threshold.fails { shares - part } else { shares.saturating_add(part) };
    vault.with_shares(threshold.at, shares)
}

/// A unit that is worth more or less by a part, in 2^-32.
fn moved(unit: Unit, part: u32, up: bool) -> Unit {
    let mantissa = u64::from(unit.mantissa);
    let size = (mantissa * u64::from(part)) >> 32;
    let mantissa = if up { mantissa + size } else { mantissa - size };
    // In [2^30, 2^31], as units are.
    if mantissa > 1 << 31 {
        Unit { mantissa: u32::try_from(mantissa / 2).unwrap(), shift: unit.shift - 1 }
    } else if mantissa < 1 << 30 {
        Unit { mantissa: u32::try_from(mantissa * 2).unwrap(), shift: unit.shift + 1 }
    } else {
        Unit { mantissa: u32::try_from(mantissa).unwrap(), ..unit }
    }
}

fn standing(health: &Result<Health, ballast_risk::Error>) -> Standing {
    match health {
        Err(_) => Standing::Unpriced,
        Ok(health) if health.equity() < 0 => Standing::Insolvent,
        Ok(health) if health.passes() => Standing::Sound,
        Ok(_) => Standing::Liquidatable,
    }
}

#[test]
fn a_sheet_decides_what_the_check_decides() {
    holds_for(CASES, (changing(32), any::<u64>(), any::<u32>()), |(vault, which, by)| {
        let vault = inside(vault, which, by);
        let quotes = quotes(&vault);
        let sheet = Sheet::new(vault.model.rules(Level::Maint, vault.now), &quotes);
        let judgement = sheet.judge(&held(&vault));
        prop_assert_eq!(judgement.standing, standing(&vault.check(Level::Maint)));
        prop_assert!(judgement.tolerance == 0 || judgement.standing == Standing::Sound);
        Ok(())
    });
}

/// Several moves of all prices, `times` as far as the tolerance allows: usually in the harmful direction. How many
/// moves were made, and whether the vault was sound after each of them.
fn after_moves(vault: &Vault, mut steps: u64, times: u32) -> (u32, bool) {
    let held = held(vault);
    let mut quotes = quotes(vault);
    let rules = vault.model.rules(Level::Maint, vault.now);
    let mut left = Sheet::new(rules, &quotes).judge(&held).tolerance.saturating_mul(times);
    let (deposits, debts) = (bits(&held, Side::Deposit), bits(&held, Side::Debt));
    let mut made = 0;
    while left > 8 && steps & 7 != 0 {
        let before = footings(&quotes);
        for (held, pair) in held.iter().zip(&mut quotes) {
            let harmful = steps >> 3 & 7 != 0;
            let up = harmful == (held.side == Side::Debt);
            // A move in the vault's favour costs a sixteenth.
            let whole = if harmful { left } else { left.saturating_mul(8) }.min(1 << 30);
            let part = if steps >> 6 & 1 == 0 { whole - 8 } else { whole / 2 };
            for quote in pair {
                if quote.unit.mantissa != 0 && (1..255).contains(&quote.unit.shift) {
                    quote.unit = moved(quote.unit, part, up);
                }
            }
            steps = steps.rotate_right(3);
        }
        let strain = Strains::between(&before, &footings(&quotes)).of(deposits, debts);
        if strain > left {
            break;
        }
        left -= strain;
        made += 1;
        if Sheet::new(rules, &quotes).judge(&held).standing != Standing::Sound {
            return (made, false);
        }
        steps = steps.rotate_right(9);
    }
    (made, true)
}

/// How many moves are made with vaults of every kind, and how many vaults are not sound after one.
fn moves_and_falls(times: u32) -> (u32, u32) {
    let (moves, falls) = (Cell::new(0), Cell::new(0));
    let inputs = (prop_oneof![vaults(8), modelled(8), changing(8)], any::<u64>(), any::<u32>(), 0u32..32, any::<u64>());
    holds_for(3 * CASES, inputs, |(vault, which, by, smaller, steps)| {
        let (made, sound) = after_moves(&inside(vault, which, by >> smaller), steps, times);
        moves.set(moves.get() + made);
        falls.set(falls.get() + u32::from(!sound));
        prop_assert!(sound || times > 1);
        Ok(())
    });
    (moves.get(), falls.get())
}

#[test]
fn within_its_tolerance_a_vault_stays_sound() {
    let (moves, _) = moves_and_falls(1);
    assert!(moves > CASES / 4, "too few moves were tried: {moves}");
}

#[test]
fn beyond_it_some_do_not_so_that_the_tolerance_is_no_idle_one() {
    let (moves, falls) = moves_and_falls(4);
    assert!(falls > moves / 100, "{falls} of {moves}");
}
