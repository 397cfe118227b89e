//! The keys of the guardian and the steward in wrong hands: what each can do by itself, in figures.

use ballast_tests::assets::WHOLE;
use ballast_tests::client::table::{Parameter as P, Scope, Step};
use ballast_tests::client::{PAUSE_BUDGET, Pausable, Proposal, Role, StateView, change};
use ballast_tests::*;
use client::event::Action;

use crate::judge::{Values, in_range, of, proposal, small_enough, targets, tightens, within};
use crate::thief::{DAY, HOUR, REAL, Thief, bank, bank_with, truth};

const SOL: u8 = 0;

/// All pauses as long and as often as they go. Of thirty days he gets three, and a tenth of the thirty.
#[test]
fn a_stolen_guardian_key_pauses_three_days_and_a_tenth_of_the_time() {
    let bank = bank();
    let thief = Thief::new(&bank);
    let lender = bank.newcomer("lender");
    lender.is_given(usdc("100"));
    let ann = bank.newcomer("ann");
    ann.is_given(usdc("100"));
    let begin = bank.second();
    let base = bank.market();
    for paused in [Pausable::Borrow, Pausable::Withdraw, Pausable::Asset(SOL)] {
        bank.goes_to(begin);
        bank.restores(&base);
        let (mut total, mut pauses) = (0, 0);
        while bank.second() < begin + 30 * DAY {
            let pause = *bank.market().pause_mut(paused).expect("an asset");
            // He waits for a day, or for what is left of the budget, to be worth a transaction.
            let left = PAUSE_BUDGET + (bank.second() - pause.counted_at) / 10 - pause.spent.min(PAUSE_BUDGET);
            let seconds = left.min(PAUSE_BUDGET).min(DAY).min(begin + 30 * DAY - bank.second());
            if pause.active(bank.second()) || (seconds < HOUR && bank.second() + HOUR < begin + 30 * DAY) {
                bank.advances(600);
                continue;
            }
            if bank.pauses(Role::Guardian, paused, seconds as u32).is_err() {
                bank.advances(600);
                continue;
            }
            (total, pauses) = (total + seconds, pauses + 1);
            // These go on, whatever he pauses.
            thief.prices_are_fresh();
            for (who, action, money) in [
                (&lender, Action::Deposit, usdc("1")),
                (&lender, Action::Withdraw, usdc("1")),
                (&ann, Action::Repay, usdc("1")),
            ] {
                let instruction = who.instruction(action, money);
                bank.foresees(&[instruction], &[&who.key]).unwrap_or_else(|fault| panic!("{paused:?}: {fault:?}"));
            }
            bank.advances(seconds as i64 + 1);
        }
        let most = PAUSE_BUDGET + 30 * DAY / 10;
        println!("{paused:?}: {total} s in {pauses} pauses, of {most} s");
        assert!(total <= most && total > most * 9 / 10, "{paused:?}: {total} of {most}");
        assert_eq!(most, 6 * DAY);
    }
}

/// Everything tightened at once as far as it goes: for the notice nobody's check for liquidation moves by a unit, and the
/// first ramp adds ten points of what is held and owed, and once more the cost of size.
#[test]
fn a_stolen_guardian_key_liquidates_nobody_within_the_notice() {
    let bank = bank();
    let thief = Thief::new(&bank);
    let begin = bank.second();
    thief.prices_are_fresh();
    let people = ["ann", "ben", "cleo"].map(|name| bank.newcomer(name));
    let healthy = people.each_ref().map(Actor::health);
    let before = bank.market();
    let mut tightened = 0;
    for asset in (0..before.asset_count).map(Some) {
        for parameter in of(Scope::Asset) {
            let present = Values::of(&bank.market(), asset);
            let (row, from) = (parameter.row(), present.get(parameter));
            let fits =
                |to: &u64| in_range(row, *to) && tightens(row, from, *to) && small_enough(row, from, *to, 0, false);
            let mut wanted: Vec<_> = targets(row, from, 0).into_iter().filter(fits).collect();
            wanted.sort_by_key(|to| std::cmp::Reverse(to.abs_diff(from)));
            // What ramps goes together, below.
            if row.ramps {
                continue;
            }
            let done = |to: &u64| bank.applies(Role::Guardian, proposal(asset, &present, &[(parameter, *to)])).is_ok();
            tightened += usize::from(wanted.iter().any(done));
        }
        let present = Values::of(&bank.market(), asset);
        let edits: Vec<_> = of(Scope::Asset)
            .filter(|parameter| parameter.row().ramps)
            .filter_map(|parameter| {
                let (row, from) = (parameter.row(), present.get(parameter));
                let fits =
                    |to: &u64| in_range(row, *to) && tightens(row, from, *to) && small_enough(row, from, *to, 0, false);
                let to = targets(row, from, 0).into_iter().filter(fits).max_by_key(|to| to.abs_diff(from))?;
                Some((parameter, to))
            })
            .collect();
        assert!(edits.len() >= 4);
        bank.applies(Role::Guardian, proposal(asset, &present, &edits)).unwrap();
        tightened += edits.len();
    }
    assert!(tightened > 5 * 10, "{tightened}");
    let notice = u64::from(before.notice);
    for second in [1, HOUR, notice / 2, notice - 1, notice] {
        thief.waits_until(begin + second);
        for (person, before) in people.iter().zip(&healthy) {
            let now = person.health().maint;
            // Interest alone: a hundredth of a day's part at most.
            assert!(now.decided && now.passes);
            assert!(now.requirement <= before.maint.requirement + before.maint.requirement / 1_000, "{second}");
        }
        thief.grabs();
        assert_eq!(thief.gain(), 0);
    }
    thief.waits_until(begin + 2 * notice);
    for (person, before) in people.iter().zip(&healthy) {
        let (before, now) = (before.maint, person.health().maint);
        // By haircuts; with netting the floor of them counts.
        let points = (before.assets + before.debts) / 10;
        let risen = now.haircuts - before.haircuts;
        assert!(risen >= points * 99 / 100 && risen <= points + before.haircuts / 5, "{risen} of {points}");
        assert!(now.requirement <= before.requirement + risen);
    }
}

/// He cancels everything but his own replacement, which takes three days; or as long as he could make it: the longest delay
/// that the table has.
#[test]
fn a_stolen_guardian_key_is_replaced_by_governance_whatever_it_cancels() {
    for delays_first in [false, true] {
        let bank = bank();
        let begin = bank.second();
        let longest = P::Delay.row().most;
        if delays_first {
            for parameter in [P::Delay, P::Notice] {
                bank.applies(Role::Guardian, bank.values(&[(parameter, longest)])).unwrap();
            }
        }
        let new = key("the new guardian");
        bank.gives_lamports(&new.pubkey());
        bank.proposes("new guardian", change::role(&bank.market(), Role::Guardian, new.pubkey())).unwrap();
        bank.proposes("new steward", change::role(&bank.market(), Role::Steward, new.pubkey())).unwrap();
        bank.proposes("cap", bank.values_of("SOL", &[(P::DepositCap, 1 << 40)])).unwrap();
        expect_refusal(bank.cancels(Role::Guardian, "new guardian"), BallastError::GuardianReplaced);
        bank.cancels(Role::Guardian, "new steward").unwrap();
        bank.cancels(Role::Guardian, "cap").unwrap();
        if !delays_first {
            // Too late.
            bank.applies(Role::Guardian, bank.values(&[(P::Delay, longest)])).unwrap();
        }

        let days = if delays_first { longest / DAY } else { 3 };
        bank.goes_to(begin + days * DAY - 1);
        expect_refusal(bank.executes("new guardian"), BallastError::ChangeNotDue);
        bank.goes_to(begin + days * DAY);
        bank.executes("new guardian").unwrap();
        let accept = change::accept_role(&new.pubkey(), &bank.market_address(), Role::Guardian);
        bank.sends(&[accept], &[&new]).unwrap();
        expect_refusal(bank.pauses(Role::Guardian, Pausable::Borrow, 60), BallastError::NotGuardian);
        assert!(days <= 14);
    }
}

/// What he can do to lenders is to make them wait: by the least outflow limit over the longest period a twentieth of an asset
/// leaves in a day. To take that back needs doublings, each of which waits for a week, or for the delay that he has set.
#[test]
fn a_stolen_guardian_key_slows_lenders_down_to_a_twentieth_a_day() {
    let bank = bank();
    let (limit, period) = (P::OutflowLimit.row(), P::OutflowPeriod.row());
    let before = u64::from(bank.asset("USDC").outflow_limit);
    let values = [(P::OutflowLimit, limit.least), (P::OutflowPeriod, period.most)];
    bank.applies(Role::Guardian, bank.values_of("USDC", &values)).unwrap();
    bank.advances(period.most as i64);
    let lender = bank.newcomer("lender");
    let (all, cash) = (lender.deposited("USDC"), bank.asset("USDC").cash);
    let withdraw = |part: u64| lender.instruction(Action::Withdraw, native("USDC", all / 10_000 * part));
    let can = |part: u64| bank.foresees(&[withdraw(part)], &[&lender.key]).is_ok();
    let most = crate::judge::last(10_000, |part| part == 0 || can(part)).unwrap();
    // Half of it at once, of what is there.
    let exact = u128::from(cash) * u128::from(limit.least) * 10_000 / u128::from(all) / (2 << 32);
    assert!(most.abs_diff(exact as u64) <= 1, "{most} of 10,000 instead of {exact}");

    let (mut doublings, mut now) = (0, limit.least);
    while now < before {
        now = (2 * now).min(before);
        doublings += 1;
    }
    assert_eq!((limit.step, limit.tightening, doublings), (Step::Double, Step::Any, 2));
    assert!((limit.least * 20).abs_diff(1 << 32) < 20, "a twentieth");
    assert_eq!((period.most, u64::from(limit.delay), P::Delay.row().most), (DAY, 7 * DAY, 14 * DAY));
}

/// A borrower who sleeps through the notice and the ramp pays for it; lenders do not. The thief gets no more than the largest
/// bonus on what he repays.
#[test]
fn a_borrower_who_sleeps_through_the_notice_pays_a_bonus_and_lenders_nothing() {
    let bank = bank_with(false);
    let dora = bank.actor("dora", &[bank.worth("SOL", 1_000_000)]);
    dora.deposits(bank.worth("SOL", 1_000_000)).unwrap();
    let owed = crate::judge::last(1_000, |part| {
        let borrow = dora.instruction(Action::Borrow, bank.worth("USDC", part * 1_000));
        part == 0 || bank.foresees(&[borrow], &[&dora.key]).is_ok()
    });
    dora.borrows(bank.worth("USDC", owed.unwrap() * 1_000)).unwrap();
    let begin = bank.second();
    let mut thief = Thief::new(&bank);
    thief.buys(bank.worth("USDC", 1_000_000));
    let more =
        |asset: u8, parameter: P| (parameter, Values::of(&bank.market(), Some(asset)).get(parameter) + WHOLE / 10);
    for (asset, parameters) in [
        (SOL, [P::HaircutInit, P::HaircutTarget, P::HaircutMaint]),
        (bank.index("USDC"), [P::AddonInit, P::AddonTarget, P::AddonMaint]),
    ] {
        let edits = parameters.map(|parameter| more(asset, parameter));
        bank.applies(Role::Guardian, change::parameters_of_asset(&bank.market(), asset, &edits, 0)).unwrap();
    }

    let (mut first, notice) = (None, u64::from(bank.market().notice));
    while bank.second() < begin + 2 * notice {
        bank.advances(600);
        thief.prices_are_fresh();
        let paid = thief.bank.worth("USDC", 1_000_000);
        if dora.state() == StateView::Liquidatable && thief.me.liquidates(&dora, paid, "SOL").is_ok() {
            first.get_or_insert(bank.second() - begin);
        }
    }
    let first = first.expect("a liquidation");
    assert!(first > notice, "{first}");
    let (took, paid) = (truth("SOL", thief.took("SOL")), -truth("USDC", thief.took("USDC")));
    let most = paid * i128::from(bank.asset("SOL").bonus_most) / i128::from(WHOLE);
    let dollars = |micro: i128| micro / 1_000_000;
    println!("first after {first} s: {} paid, {} gained", dollars(paid), dollars(thief.gain()));
    assert_eq!(thief.gain(), took - paid);
    assert!(thief.gain() > 0 && thief.gain() <= most, "{} of {most}", thief.gain());
    // No debt is left without collateral.
    assert!(dora.health().maint.equity > 0);
    for symbol in REAL {
        bank.asset(symbol).pool().reserve_floor().unwrap();
    }
}

/// Small steps, every day, in the worst direction: for ten days nobody's check for liquidation moves, no deposit leaves, and
/// what he opens is what the table says.
#[test]
fn a_stolen_steward_key_moves_by_a_step_a_day() {
    let bank = bank();
    let thief = Thief::new(&bank);
    let before = bank.market();
    let maint = ["ann", "ben", "cleo"].map(|name| bank.newcomer(name).health().maint.haircuts);
    let mut steps = 0;
    for day in 0..10 {
        thief.prices_are_fresh();
        for asset in (0..before.asset_count).map(Some) {
            let present = Values::of(&bank.market(), asset);
            let loosest = |parameter: P| {
                let (row, from) = (parameter.row(), present.get(parameter));
                let fits =
                    |to: &u64| in_range(row, *to) && within(row.steward, from, *to, 0) && !tightens(row, from, *to);
                let to = targets(row, from, 0).into_iter().filter(fits).max_by_key(|to| to.abs_diff(from))?;
                let change: Proposal = proposal(asset, &present, &[(parameter, to)]);
                (to != from && bank.foresees_change(Role::Steward, &change).is_ok()).then_some((parameter, to))
            };
            let edits: Vec<_> = of(Scope::Asset).filter_map(loosest).collect();
            if !edits.is_empty() {
                bank.applies(Role::Steward, proposal(asset, &present, &edits)).unwrap();
                steps += edits.len();
                let again = proposal(asset, &Values::of(&bank.market(), asset), &[edits[0]]);
                assert!(bank.foresees_change(Role::Steward, &again).is_err(), "day {day}");
            }
        }
        thief.grabs();
        assert_eq!(thief.gain(), 0);
        bank.advances(DAY as i64);
    }
    assert!(steps > 50, "{steps}");
    let after = bank.market();
    for (old, new) in before.listed().iter().zip(after.listed()) {
        let (old, new) = (Values::of_asset(old), Values::of_asset(new));
        for (parameter, value) in new.unlike(&old) {
            let (row, from) = (parameter.row(), old.get(parameter) as f64);
            let most = match row.steward {
                Step::By(step) => from - 10.0 * step as f64,
                Step::Part(parts) => from * (1.0 + 1.0 / parts as f64).powi(10),
                _ => panic!("{} is not his", parameter.name()),
            };
            let far = if matches!(row.steward, Step::By(_)) { value as f64 >= most } else { value as f64 <= most };
            assert!(far, "{}: {from} to {value}", parameter.name());
        }
        assert!(
            new.get(P::HaircutInit) >= old.get(P::HaircutTarget) && new.get(P::AddonInit) >= old.get(P::AddonTarget)
        );
    }
    // The time of grace after a day without prices, too.
    thief.prices_are_fresh();
    bank.advances(1_200);
    thief.prices_are_fresh();
    for (name, before) in ["ann", "ben", "cleo"].iter().zip(maint) {
        let now = bank.newcomer(name).health().maint.haircuts;
        assert!(now.abs_diff(before) <= before / 100, "interest of ten days alone: {before} to {now}");
    }
    // He is sent away at once.
    bank.applies(Role::Guardian, change::role(&bank.market(), Role::Steward, Pubkey::default())).unwrap();
    let present = Values::of(&bank.market(), Some(SOL));
    let step = proposal(Some(SOL), &present, &[(P::DepositCap, present.get(P::DepositCap) + 1)]);
    expect_refusal(bank.applies(Role::Steward, step), BallastError::NotGuardian);
}
