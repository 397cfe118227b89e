//! More of a position, and less of all of them: properties 1 and 2 of risk model 3.4.
use crate::health::{agrees, levels};
use crate::reference::generate::*;
use crate::reference::*;
use ballast_risk::health::Side;
use ballast_risk::price::Price;
use proptest::prelude::*;

/// Property 1, for half of the vaults at the threshold. Exactly: more deposit never fails a check that passed, more debt
/// never passes one that failed. As computed: only where exact arithmetic has no more than the slack to spare.
#[test]
fn more_deposit_helps_and_more_debt_does_not() {
    let more = prop_oneof![word(), 1u64..=4];
    holds_for(
        PROMISED,
        (levels(), vaults(16), any::<u64>(), more, any::<bool>()),
        |(level, vault, which, more, close)| {
            let mut before = vault.fitting();
            if before.held.is_empty() {
                return Ok(());
            }
            let mut at = usize::try_from(which % 16).unwrap() % before.held.len();
            if close && let Some(threshold) = before.threshold(level, which) {
                at = threshold.at;
                before = before.with_shares(at, if more & 1 == 0 { threshold.passes } else { threshold.fails });
            }
            let shares = before.held[at].shares.saturating_add(more);
            let after = before.clone().with_shares(at, shares);
            let (Ok(first), Ok(second)) = (before.check(level), after.check(level)) else { return Ok(()) };
            // From the better one to the worse one.
            let (better, worse) = match before.held[at].side {
                Side::Deposit => ((&after, second), (&before, first)),
                Side::Debt => ((&before, first), (&after, second)),
            };
            let exact = worse.0.needs(level, End::Low).met();
            if exact {
                prop_assert!(better.0.needs(level, End::Low).met(), "the model itself");
            }
            if worse.1.passes() {
                prop_assert!(exact, "unsafe");
                agrees(better.0, level, better.1.passes())?;
            }
            Ok(())
        },
    );
}

/// Property 2. A vault that passes does so at a half, a quarter and so on, all positions scaled alike: exactly, and as
/// computed up to the slack of the smaller vault. Shares are scaled where that is exact, else what each is worth.
#[test]
fn a_smaller_vault_passes_too() {
    let input = (levels(), vaults(16), 1u32..=20, any::<u64>(), any::<bool>());
    holds_for(PROMISED, input, |(level, vault, halvings, which, close)| {
        let mut large = vault.fitting();
        let mut small;
        if close && let Some(threshold) = large.threshold(level, which) {
            large = large.with_shares(threshold.at, threshold.passes);
            small = large.clone();
            for held in &mut small.held {
                held.price = halved(held.price, halvings);
                held.careful = halved(held.careful, halvings);
            }
        } else {
            small = large.clone();
            for (large, small) in large.held.iter_mut().zip(&mut small.held) {
                small.shares >>= halvings;
                large.shares = small.shares << halvings;
            }
        }
        let (Ok(first), Ok(second)) = (large.check(level), small.check(level)) else { return Ok(()) };
        let exact = large.needs(level, End::Low).met();
        if exact {
            prop_assert!(small.needs(level, End::Low).met(), "the model itself");
        }
        if first.passes() {
            prop_assert!(exact, "unsafe");
            agrees(&small, level, second.passes())?;
        }
        Ok(())
    });
}

fn halved(price: Price, places: u32) -> Price {
    Price::from_parts(price.mantissa(), price.shift() + u8::try_from(places).unwrap()).unwrap()
}
