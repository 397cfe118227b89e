//! Which pair: all of them, the best one first; and what is left of a vault whatever liquidators choose (E15).

use std::cell::Cell;

use ballast_risk::health::Side;
use ballast_risk::liquidation::{Choice, MAX_PAIRS, best_first};
use ballast_risk::sizing::Sizing;
use ballast_risk::{Amount, Fraction};
use proptest::prelude::*;

use crate::reference::failing::*;
use crate::reference::source::Source;
use crate::reference::*;

/// All that [`Failing::preview`] answers, sorted by gain, of equal ones the first.
fn brute_force(case: &Failing, most: &[Amount], cash: &[Amount]) -> Vec<Choice> {
    let (debts, deposits) = (case.on(Side::Debt), case.on(Side::Deposit));
    let mut all = Vec::new();
    for (debt, d) in debts.iter().enumerate() {
        for (collateral, c) in deposits.iter().enumerate() {
            let Some(moved) = case.preview((*d, *c), most[*d]) else { continue };
            let value = |at: usize, amount: u64| case.worth(at, Amount::new(amount)).to_integer();
            let gain = value(*c, moved.seize.get()) - value(*d, moved.repay.get() + moved.to_reserve.get());
            let gain = i64::try_from(gain).unwrap();
            all.push(Choice { debt, collateral, moved, gain, in_cash: moved.seize <= cash[*c] });
        }
    }
    all.sort_by_key(|choice| -choice.gain);
    all
}

/// The list is what asking for each pair gives, sorted; a short one is the beginning of it.
#[test]
fn the_best_pair_comes_first() {
    let several = Cell::new([0u32; 2]);
    let cases = prop_oneof![mixed(), failing(8)];
    holds((cases, any::<u64>()), |(case, seed)| {
        let [tried, met] = several.get();
        several.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let s = &mut Source::new(seed, 0);
        let mut amounts = || -> Vec<_> {
            let any = |s: &mut Source| if s.one_in(2) { u64::MAX } else { s.word() };
            case.vault.held.iter().map(|_| Amount::new(any(s))).collect()
        };
        let (most, cash) = (amounts(), amounts());
        let expected = brute_force(&case, &most, &cash);
        let mut found = vec![Choice::default(); MAX_PAIRS];
        let room = if s.one_in(2) { MAX_PAIRS } else { usize::try_from(s.below(6)).unwrap() };
        let got = case.list(
            |at| most[at],
            |at| cash[at],
            |start, debts, deposits| best_first(start, debts, deposits, &mut found[..room]).to_vec(),
        );
        prop_assert_eq!(&got[..], &expected[..expected.len().min(room)]);
        several.set([tried + 1, met + u32::from(expected.len() > 1)]);
        Ok(())
    });
    let [tried, met] = several.into_inner();
    assert!(met * 4 >= tried, "{met} of {tried}");
}

/// What one of many liquidators takes: the best for him, or anything that he may.
fn chosen(case: &Failing, s: &mut Source, greedy: bool) -> Option<(usize, usize, Choice)> {
    let most = case.vault.held.iter().map(|held| match s.below(3) {
        0 => Amount::new(1 + held.shares / (1 + s.below(8))),
        _ => Amount::MAX,
    });
    let most: Vec<_> = most.collect();
    let mut found = [Choice::default(); 16];
    let all = |_| Amount::MAX;
    let choices =
        case.list(|at| most[at], all, |start, debts, deposits| best_first(start, debts, deposits, &mut found).to_vec());
    let which = if greedy { 0 } else { usize::try_from(s.bits() >> 1).unwrap() % choices.len().max(1) };
    let choice = choices.get(which).copied()?;
    Some((case.on(Side::Debt)[choice.debt], case.on(Side::Deposit)[choice.collateral], choice))
}

/// One liquidator after the other, until nobody can take anything. Each takes what seizes no more than the bonus allows.
fn liquidated(mut case: Failing, s: &mut Source, greedy: bool) -> Result<Failing, TestCaseError> {
    for _ in 0..400 {
        let any = chosen(&case, s, greedy);
        let Some((debt, collateral, Choice { moved, .. })) = any.or_else(|| unlimited(&case)) else { return Ok(case) };
        let repaid = case.worth(debt, moved.repay);
        prop_assert!(case.worth(collateral, moved.seize) <= repaid * (Exact::one() + fraction(moved.bonus)));
        case = case.after((debt, collateral), &moved);
    }
    Err(TestCaseError::fail("no end"))
}

/// The first pair of which something moves for who can pay anything.
fn unlimited(case: &Failing) -> Option<(usize, usize, Choice)> {
    case.pairs().into_iter().find_map(|(debt, collateral)| {
        let moved = case.preview((debt, collateral), Amount::MAX)?;
        Some((debt, collateral, Choice { moved, ..Choice::default() }))
    })
}

fn left(case: &Failing, side: Side) -> bool {
    case.on(side).into_iter().any(|at| case.vault.held[at].shares > 0)
}

/// Counts nothing, or pays no bonus.
fn junk(case: &Failing, at: usize) -> bool {
    case.vault.held[at].to.maint == Fraction::MAX || case.listings[at].bonus.most.is_zero()
}

/// Good collateral and junk, in the order that pays best or in any: the vault ends healthy, or without any debt, or so
/// close to it that nothing need move, or without any collateral, junk included. What is left of an insolvent vault
/// otherwise is a debt that does not buy one native unit.
#[test]
fn atk_e15_a_loss_remains_only_when_all_collateral_is_gone() {
    let considered = Cell::new([0u32; 3]);
    holds((mixed(), any::<bool>(), any::<u64>()), |(case, greedy, seed)| {
        let [tried, gone, with_junk] = considered.get();
        considered.set([tried + 1, gone, with_junk]);
        let Some(case) = case else { return Ok(()) };
        let had_junk = case.on(Side::Deposit).iter().any(|at| junk(&case, *at));
        let end = liquidated(case, &mut Source::new(seed, 0), greedy)?;
        if end.maint().passes() {
            return Ok(());
        }
        if !left(&end, Side::Deposit) {
            considered.set([tried + 1, gone + 1, with_junk + u32::from(had_junk)]);
            return Ok(());
        }
        if end.maint().equity() >= 0 {
            prop_assert!(end.tiny(), "{end:?}");
            return Ok(());
        }
        for pair in end.pairs() {
            let bonus = end.ask(pair, Amount::MAX, |request| Sizing::new(request).bonus());
            let all = end.worth(pair.0, Amount::new(end.vault.held[pair.0].shares));
            let unit = end.worth(pair.1, Amount::new(1)) + Exact::int(2);
            let none = end.vault.held[pair.1].shares == 0;
            prop_assert!(none || all * (Exact::one() + fraction(bonus)) <= unit, "{end:?}");
        }
        Ok(())
    });
    let [tried, gone, with_junk] = considered.into_inner();
    assert!(gone * 20 >= tried && with_junk * 50 >= tried, "{with_junk} of {gone} of {tried}");
}

/// No order of liquidations makes a loss of its own. Every bonus above the least one is at most `E / D`, which then does not
/// fall; so a vault whose equity pays the largest of the least bonuses on all of its debts never becomes insolvent.
#[test]
fn atk_e15_no_order_makes_a_loss() {
    let considered = Cell::new([0u32; 2]);
    holds((mixed(), any::<bool>(), any::<u64>()), |(case, greedy, seed)| {
        let [tried, met] = considered.get();
        considered.set([tried + 1, met]);
        let Some(case) = case else { return Ok(()) };
        let (equity, debts) = case.equity();
        let least = case.on(Side::Deposit).into_iter().map(|at| case.listings[at].bonus.least).max();
        if equity < debts * fraction(least.unwrap_or_default()) {
            return Ok(());
        }
        considered.set([tried + 1, met + 1]);
        let end = liquidated(case, &mut Source::new(seed, 0), greedy)?;
        prop_assert!(!end.equity().0.negative(), "{end:?}");
        Ok(())
    });
    let [tried, met] = considered.into_inner();
    assert!(met * 4 >= tried, "{met} of {tried}");
}
