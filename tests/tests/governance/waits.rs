//! Waiting: how long each row waits, to the second; what a ramp counts from; how often the steward may.

use ballast_tests::client::account::encode;
use ballast_tests::client::risk::health::{Level, Side};
use ballast_tests::client::table::{Measure, Parameter as P, Scope, Step};
use ballast_tests::client::{Asset, Pausable, Role};
use ballast_tests::*;

use crate::judge::{
    ONE, Values, agrees, broken, follow, in_range, last, of, proposal, small_enough, targets, tightens, within,
};
use crate::table::{ASSET, used};

const DAY: u64 = 86_400;

/// Where a parameter stands when it is proposed to move: somewhere inside of its range, or at both ends of one without
/// an inside.
fn inside(listed: &Values, parameter: P) -> Vec<Values> {
    let row = parameter.row();
    let middle = if row.most == u64::MAX { 1 << 40 } else { row.least.midpoint(row.most) };
    let values = if row.most - row.least == 1 { vec![row.least, row.most] } else { vec![middle] };
    let moved = values.into_iter().map(|value| follow(listed, &[(parameter, value)]));
    moved.filter(|values| broken(values).is_empty()).collect()
}

/// The smallest changes in both directions, with whatever has to move along.
fn neighbours(present: &Values, parameter: P) -> Vec<(u64, Values)> {
    let from = present.get(parameter);
    let next = [from.checked_sub(1), from.checked_add(1)].into_iter().flatten();
    let fits = |(_, values): &(u64, Values)| {
        broken(values).is_empty()
            && values.unlike(present).iter().all(|(moved, to)| {
                in_range(moved.row(), *to) && small_enough(moved.row(), present.get(*moved), *to, 0, true)
            })
    };
    next.map(|to| (to, follow(present, &[(parameter, to)]))).filter(fits).collect()
}

/// Each row in both directions, in markets of three delays: due after the longer of the market's delay and its own, and not a
/// second before; to be executed up to the last second of the window.
#[test]
fn a_proposal_waits_for_the_longer_of_two_delays_to_the_second_and_expires() {
    let market = used();
    market.arranges(None, &[(P::Window, 2 * DAY)]);
    let begin = market.second();
    let mut directions = std::collections::HashSet::new();
    for delay in [DAY, 3 * DAY, 10 * DAY] {
        market.arranges(None, &[(P::Delay, delay)]);
        let base = market.market();
        for &parameter in P::ALL {
            let asset = (parameter.scope() == Scope::Asset).then_some(ASSET);
            let listed = Values::of(&base, asset);
            for arranged in inside(&listed, parameter) {
                market.restores(&base);
                market.arranges(asset, &arranged.unlike(&listed));
                let account = market.market();
                for (to, wanted) in neighbours(&arranged, parameter) {
                    let edits = wanted.unlike(&arranged);
                    let slowest = edits.iter().map(|(moved, _)| moved.row().delay).max().unwrap();
                    let wait = u64::from(account.delay.max(slowest));
                    let name = format!("{delay} {} {to}", parameter.name());
                    market.proposes(&name, proposal(asset, &arranged, &edits)).unwrap();
                    let same = encode(&*market.market()) == encode(&*account);
                    assert!(same, "{name}: a proposal changes nothing");
                    let change = market.waiting(&name);
                    assert_eq!((change.eta, change.expiry), (begin + wait, begin + wait + u64::from(account.window)));

                    let at = |second| {
                        market.goes_to(second);
                        market.foresees_execution(&name)
                    };
                    agrees(&at(change.eta - 1), &[BallastError::ChangeNotDue.into()], &name);
                    agrees(&at(change.expiry + 1), &[BallastError::ChangeExpired.into()], &name);
                    for second in [change.eta, change.expiry] {
                        let after = at(second).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
                        assert_eq!(Values::of(&after, asset), wanted, "{name}");
                    }
                    // What is not the value any more when it is due, is refused.
                    if listed.get(parameter) != arranged.get(parameter) {
                        market.restores(&base);
                        agrees(&at(change.eta), &[BallastError::ValueChanged.into()], &name);
                    }
                    market.restores(&account);
                    market.goes_to(begin);
                    directions.insert((delay, parameter.code(), to > arranged.get(parameter)));
                }
            }
        }
    }
    // All but the two ends of the curve, which have one value.
    assert_eq!(directions.len(), 3 * 2 * (P::ALL.len() - 2));
}

/// In a transaction the longest of its delays counts.
#[test]
fn a_proposal_of_several_parameters_waits_for_the_slowest() {
    let market = used();
    let present = Values::of(&market.market(), Some(ASSET));
    let slowest = of(Scope::Asset).map(|parameter| parameter.row().delay).max().unwrap();
    let mut pairs = 0;
    for slow in of(Scope::Asset).filter(|parameter| parameter.row().delay == slowest) {
        for other in [P::DepositCap, P::RecoveryGrace] {
            let values = [slow, other].map(|parameter| (parameter, neighbours(&present, parameter)[0].0));
            let name = format!("{} and {}", slow.name(), other.name());
            market.proposes(&name, proposal(Some(ASSET), &present, &values)).unwrap();
            assert_eq!(market.waiting(&name).eta, market.second() + u64::from(slowest), "{name}");
            pairs += 1;
        }
    }
    assert!(pairs > 0 && u64::from(slowest) > DAY);
}

/// What a parameter of a ramp is in force at a time.
fn in_force(asset: &Asset, parameter: P, now: u64) -> u64 {
    if parameter.measure() != Measure::Fraction {
        return asset.depth(now).parts().0;
    }
    // By what moves: the one of six whose end is the value of the parameter.
    let sides = [Side::Deposit, Side::Debt].into_iter().flat_map(|side| Level::ALL.map(|level| (side, level)));
    let ends = sides.filter(|(side, level)| {
        let mut marked = *asset;
        let all = if *side == Side::Deposit { &mut marked.haircuts } else { &mut marked.addons };
        let place = Level::ALL.iter().position(|other| other == level).unwrap();
        all[place] ^= 1;
        Values::of_asset(&marked).get(parameter) != Values::of_asset(asset).get(parameter)
    });
    let found: Vec<_> = ends.map(|(side, level)| asset.haircut_before_volatility(level, side, now).get()).collect();
    assert_eq!(found.len(), 1, "{}", parameter.name());
    u64::from(found[0])
}

/// In the middle of a ramp the next step counts from what is in force, and not from where the ramp ends.
#[test]
fn in_the_middle_of_a_ramp_steps_count_from_what_is_in_force() {
    let market = used();
    let base = market.market();
    let listed = Values::of(&base, Some(ASSET));
    let begin = market.second();
    let mut tested = 0;
    for parameter in of(Scope::Asset).filter(|parameter| parameter.row().ramps) {
        let row = parameter.row();
        market.restores(&base);
        market.goes_to(begin);
        // Room on all sides: what lies above moves up, what lies below stays.
        let third = if row.most > ONE { 1 << 50 } else { ONE / 3 };
        let others: Vec<_> = of(Scope::Asset).filter(|other| other.row().tightens == row.tightens).collect();
        let above =
            others.iter().filter(|other| other.measure() == parameter.measure() && other.code() < parameter.code());
        let mut values = vec![(parameter, third)];
        if row.most == ONE {
            values.extend(
                above.filter(|other| listed.get(**other) > 0 && other.row().most == ONE).map(|other| (*other, ONE)),
            );
        }
        let arranged = follow(&listed, &values);
        assert_eq!(broken(&arranged), []);
        market.arranges(Some(ASSET), &arranged.unlike(&listed));
        let present = Values::of(&market.market(), Some(ASSET));

        // The largest tightening at once, of those that fit.
        let fits = |to: &u64| {
            let whole = present.with(&[(parameter, *to)]);
            let small = small_enough(row, third, *to, 0, true) && in_range(row, *to);
            tightens(row, third, *to) && small && broken(&whole).is_empty()
        };
        let to = targets(row, third, 0).into_iter().filter(fits).max_by_key(|to| to.abs_diff(third)).unwrap();
        market.applies(Role::Guardian, proposal(Some(ASSET), &present, &[(parameter, to)])).unwrap();
        let asset = market.market().assets[usize::from(ASSET)];
        let notice = u64::from(base.notice);
        assert_eq!((asset.ramp_start, asset.ramp_end), (begin + notice, begin + 2 * notice), "{}", parameter.name());
        assert_eq!(in_force(&asset, parameter, begin + notice), third);

        market.goes_to(begin + notice + notice / 2);
        let now = in_force(&asset, parameter, market.second());
        assert!(now != third && now != to, "{}", parameter.name());
        let present = Values::of(&market.market(), Some(ASSET));
        for step in [row.step, row.tightening] {
            let edge = |up: bool| {
                let room = if up { row.most - now } else { now - row.least };
                let at = |far: u64| if up { now + far } else { now - far };
                let fits = |far: u64| within(step, now, at(far), 0);
                last(room, fits).map(|far| (at(far), (far < room).then(|| at(far + 1))))
            };
            for (most, beyond) in [edge(false), edge(true)].into_iter().flatten() {
                let tried = |to: u64| market.foresees_proposal(&proposal(Some(ASSET), &present, &[(parameter, to)]));
                let about = format!("{}: {now} to {most}", parameter.name());
                if small_enough(row, now, most, 0, true) && broken(&present.with(&[(parameter, most)])).is_empty() {
                    assert!(tried(most).is_ok(), "{about}");
                    tested += 1;
                }
                if let Some(beyond) = beyond.filter(|beyond| !small_enough(row, now, *beyond, 0, true)) {
                    agrees(&tried(beyond), &[BallastError::StepTooLarge.into()], &about);
                    tested += 1;
                }
            }
        }
        // At once nothing of the ramp moves now.
        let more = proposal(Some(ASSET), &present, &[(parameter, to)]);
        agrees(&market.foresees_change(Role::Governance, &more), &[BallastError::MustWait.into()], parameter.name());
        for other in of(Scope::Asset).filter(|other| other.row().ramps) {
            let from = present.get(other);
            let row = other.row();
            let small = |to: &u64| in_range(row, *to) && tightens(row, from, *to);
            let Some(to) = [from.wrapping_add(1), from.wrapping_sub(1)].into_iter().find(small) else { continue };
            let change = proposal(Some(ASSET), &present, &[(other, to)]);
            let expected = [BallastError::RampRunning.into(), BallastError::StepTooLarge.into()];
            agrees(&market.foresees_change(Role::Governance, &change), &expected, other.name());
        }
    }
    assert!(tested > 10, "{tested}");
}

/// Once a day for each asset, whatever he changes.
#[test]
fn the_steward_takes_a_step_a_day_on_each_asset() {
    let market = used();
    let base = market.market();
    let begin = market.second();
    let listed: Vec<P> = of(Scope::Asset).filter(|parameter| parameter.row().steward != Step::None).collect();
    assert!(listed.len() > 1);
    for &parameter in &listed {
        market.restores(&base);
        market.goes_to(begin);
        let present = Values::of(&market.market(), Some(ASSET));
        let step = |parameter: P, present: &Values, asset: u8| {
            let from = present.get(parameter);
            let fits = |to: &u64| {
                within(parameter.row().steward, from, *to, 0) && broken(&present.with(&[(parameter, *to)])).is_empty()
            };
            let to = [from.wrapping_add(1), from.wrapping_sub(1)].into_iter().find(fits).expect("a small step");
            proposal(Some(asset), present, &[(parameter, to)])
        };
        market.applies(Role::Steward, step(parameter, &present, ASSET)).unwrap();
        for &next in &listed {
            let about = format!("{} after {}", next.name(), parameter.name());
            let present = Values::of(&market.market(), Some(ASSET));
            let tried = |second| {
                market.goes_to(second);
                market.foresees_change(Role::Steward, &step(next, &present, ASSET))
            };
            for second in [begin, begin + DAY - 1] {
                agrees(&tried(second), &[BallastError::StewardTooSoon.into()], &about);
            }
            agrees(&tried(begin + DAY), &[], &about);
            market.goes_to(begin);
            let other = Values::of(&market.market(), Some(1));
            agrees(&market.foresees_change(Role::Steward, &step(next, &other, 1)), &[], &about);
        }
    }
}

/// The guardian and the steward propose nothing, and who holds no role does nothing at all.
#[test]
fn a_stranger_can_do_nothing_and_only_governance_proposes() {
    let market = used();
    let stranger = market.newcomer("stranger");
    for &parameter in P::ALL {
        let asset = (parameter.scope() == Scope::Asset).then_some(ASSET);
        let present = Values::of(&market.market(), asset);
        for (_, wanted) in neighbours(&present, parameter) {
            let change = proposal(asset, &present, &wanted.unlike(&present));
            let apply = client::change::apply(&stranger.address(), &market.market_address(), None, change.clone());
            let got = market.foresees(&[apply], &[&stranger.key]);
            agrees(&got, &[BallastError::NotGuardian.into()], parameter.name());
            for role in [Role::Guardian, Role::Steward] {
                let refusal = market.proposes_as(&market.holder(role), "one of them", change.clone());
                expect_refusal(refusal, BallastError::NotGovernance);
            }
        }
    }
    let pause = client::change::pause(&stranger.address(), &market.market_address(), Pausable::Borrow, 60);
    expect_refusal(stranger.sends(&[pause]), BallastError::NotGuardian);
}
