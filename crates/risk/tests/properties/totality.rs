//! Property 6 of risk model 3.4: whatever comes in is decided or refused.
use crate::health::agrees;
use crate::reference::anything::*;
use crate::reference::generate::*;
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::Error;
use ballast_risk::health::{Health, Level, MarginState, Position, Prices, assess};
use ballast_risk::model::Sensitivities;
use ballast_risk::price::{Price, Unit};
use proptest::prelude::*;

/// Everything that a result can be asked.
fn asked(health: &Health) {
    let _ = (health.passes(), health.equity(), health.binding(), health.requirement(), health.portfolio_squared());
    let _ = MarginState::of(Some(health), health);
}

/// Property 6. Whatever positions, columns and rules are made of: decided or refused, never a panic.
#[test]
fn any_vault_is_decided() {
    holds_for(PROMISED, (any::<u64>(), 0u64..=33), |(seed, n)| {
        let s = &mut Source::new(seed, 0);
        let columns = [0; 4].map(|_| any_coefficients(s));
        let n = if s.one_in(4) { n } else { n / 6 };
        let positions: Vec<Position<2>> = (0..n).map(|_| any_position(s, &columns)).collect();
        let rules = [any_rules(s), any_rules(s)];
        let prices = s.one_of(&[Prices::Spot, Prices::Conservative]);
        let mut exposures = None;
        match assess::<2, Error>(&rules, prices, positions.into_iter().map(Ok), &mut exposures) {
            Ok(healths) => healths.iter().for_each(asked),
            Err(error) => {
                prop_assert!(matches!(error, Error::PriceUnusable | Error::ValueOutOfRange | Error::TooManyPositions))
            }
        }
        asked(&any_health(s));
        let _ = Sensitivities::from_columns(&columns[0][0]);
        Ok(())
    });
}

/// Property 6 from the oracle's number on: decimals 0 to 18, prices of 1e-15 to 1e9 dollars a token, amounts of any 64 bits,
/// up to 32 positions. What a format cannot hold is refused where it enters; everything else is decided, and rightly.
#[test]
fn anything_listed_is_decided() {
    holds_for(PROMISED, (vaults(32), any::<u64>()), |(mut vault, seed)| {
        let s = &mut Source::new(seed, 0);
        let level = s.one_of(&Level::ALL);
        let alike = s.one_in(2);
        let (exponent, decimals) = (s.below(19), s.below(19));
        for held in &mut vault.held {
            let (exponent, decimals) = if alike { (exponent, decimals) } else { (s.below(19), s.below(19)) };
            let (number, exponent) = listed(s, exponent);
            let decimals = u8::try_from(decimals).unwrap();
            // Refused at listing or refresh.
            let Ok(price) = Price::from_decimal_floor(number, exponent, decimals) else { return Ok(()) };
            (held.price, held.careful) = (price, price);
            held.shares = s.word();
        }
        // A price so high that a share is worth more than a unit holds counts as missing; tests/health.rs has those.
        vault.held.retain(|held| held.unit(level.prices()) != Unit::NONE);
        match vault.check(level) {
            Ok(health) => agrees(&vault, level, health.passes()),
            Err(error) => {
                prop_assert_eq!(error, Error::ValueOutOfRange);
                Ok(())
            }
        }
    });
}

/// A number and its exponent, between 1e-15 and 1e9: at both ends, a power of ten, or any digits.
fn listed(s: &mut Source, digits: u64) -> (u64, i32) {
    let exponent = -i32::try_from(digits).unwrap();
    // In units of 10^exponent.
    let ten = |power: u64| 10u64.checked_pow(u32::try_from(power).unwrap()).unwrap_or(u64::MAX);
    let least = if digits > 15 { ten(digits - 15) } else { 1 };
    let most = ten(digits + 9);
    let number = match s.below(4) {
        0 => least,
        1 => most,
        2 => ten(s.below(20)).clamp(least, most),
        _ => s.between(least, most),
    };
    (number, exponent)
}
