//! How much somebody could take: the question behind every fault of an oracle.

use ballast_client::event::Action;
use ballast_tests::*;

/// The largest number up to `most` that passes; whatever is smaller passes as well.
pub fn largest(most: u64, mut passes: impl FnMut(u64) -> bool) -> u64 {
    let (mut good, mut bad) = (0, most + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if passes(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

/// The most native units that somebody could borrow, or withdraw, at this moment.
pub fn most(actor: &Actor, action: Action, symbol: &'static str) -> u64 {
    let fixture = &actor.fixture;
    let cash = fixture.asset(symbol).cash;
    largest(cash, |units| {
        let instruction = actor.instruction(action, native(symbol, units));
        fixture.simulates(&[instruction], &[&actor.key]).is_ok()
    })
}

/// Borrows as much as there is to be had, and says how much that was.
pub fn borrows_most(actor: &Actor, symbol: &'static str) -> u64 {
    let units = most(actor, Action::Borrow, symbol);
    if units > 0 {
        actor.borrows(native(symbol, units)).expect("what was simulated");
    }
    units
}

/// Whether a transaction was refused because the asset lends nothing: its price is withheld, or it counts nothing.
#[track_caller]
pub fn lends_nothing(outcome: Outcome) {
    let refusal = outcome.expect_err("nothing is lent");
    let reasons = [BallastError::PriceUnusable, BallastError::BelowInitMargin].map(Fault::from);
    assert!(reasons.contains(&refusal.fault), "{refusal:#?}");
    assert_eq!(refusal.changed, []);
}
