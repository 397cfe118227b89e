//! The ways of a proposal and its room, told beforehand, are those that the program grants.

use ballast_client::diff::{Direction, holds, lines, schedule, ways};
use ballast_client::risk::health::{Level, Side};
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Proposal, Role, SourceKind, change};
use ballast_tests::assets::{Feed, bps};
use ballast_tests::*;

const DAY: u64 = 86_400;

fn market() -> Fixture {
    let market = Fixture::new();
    let saver = market.actor("saver", &[sol("1000"), btc("1")]);
    saver.deposits(sol("1000")).unwrap();
    saver.deposits(btc("1")).unwrap();
    market
}

fn now(market: &Fixture) -> u64 {
    market.now() as u64
}

fn named(outcome: &Outcome) -> Option<String> {
    let refusal = outcome.as_ref().err()?;
    let line = refusal.logs.iter().find_map(|line| line.split_once("Error Code: "))?;
    Some(line.1.split('.').next()?.to_owned())
}

/// What was told of each way, and what the program says to it.
fn tells(market: &Fixture, proposal: &Proposal) {
    let told = ways(&market.market(), proposal, now(market));
    let simulated = |role: Role| {
        let holder = market.holder(role);
        let apply = change::apply(&holder.pubkey(), &market.market_address(), None, proposal.clone());
        named(&market.simulates(&[apply], &[&market.payer(), &holder]))
    };
    let name = |result: &Result<(), ballast_client::refusal::Refusal>| {
        result.as_ref().err().map(|refusal| refusal.name.clone())
    };
    assert_eq!(name(&told.at_once), simulated(Role::Guardian), "{proposal:?}");
    assert_eq!(name(&told.at_once), simulated(Role::Governance), "{proposal:?}");
    assert_eq!(name(&told.steward), simulated(Role::Steward), "{proposal:?}");
    let outcome = market.proposes(&format!("{proposal:?}"), proposal.clone());
    assert_eq!(told.proposed.as_ref().err().map(|refusal| refusal.name.clone()), named(&outcome), "{proposal:?}");
    if let (Ok(schedule), Ok(receipt)) = (told.proposed, outcome) {
        let event: ballast_client::event::ChangeProposed = receipt.event();
        assert_eq!((schedule.eta, schedule.expiry), (event.eta, event.expiry));
    }
}

#[test]
fn every_way_that_is_told_is_the_one_that_the_program_grants() {
    let market = market();
    let record = market.market();
    let [cap, depth] = [record.assets[0].deposit_cap, record.assets[0].depth];
    for values in [
        vec![(DepositCap, cap / 2)],
        vec![(DepositCap, cap - cap / 10)],
        vec![(DepositCap, cap * 2)],
        vec![(DepositCap, cap * 3)],
        vec![(HaircutInit, bps(2_600))],
        vec![(HaircutInit, bps(2_400))],
        vec![(HaircutInit, bps(1_900))],
        vec![(HaircutMaint, bps(1_900))],
        vec![(HaircutTarget, bps(3_100))],
        vec![(Depth, depth * 2), (BonusMost, bps(1_100))],
        vec![(BonusMost, bps(1_500))],
        vec![(MaxAge, 120)],
        vec![(OutflowLimit, bps(5_000))],
        vec![],
    ] {
        tells(&market, &market.values_of("SOL", &values));
    }
    tells(&market, &market.values(&[(Delay, 2 * DAY)]));
    tells(&market, &market.values(&[(Notice, 2 * DAY)]));
    let feed = Feed::new("another", SourceKind::PythPush, "150");
    tells(&market, &market.source_of("SOL", 0, &feed));
    for role in Role::ALL {
        tells(&market, &change::role(&record, role, address("somebody")));
        tells(&market, &change::role(&record, role, Pubkey::default()));
    }
}

/// The furthest value passes, the next one does not.
#[test]
fn the_room_that_is_told_ends_where_the_program_refuses() {
    let market = market();
    let record = market.market();
    let asset = &record.assets[0];
    let cases: [(Parameter, u64, Option<u64>); 7] = [
        (DepositCap, asset.deposit_cap + 1, Some(asset.deposit_cap * 2)),
        (HaircutMaint, bps(1_600), Some(bps(2_000))),
        (HaircutTarget, bps(2_100), Some(bps(2_500))),
        (HaircutTarget, bps(1_900), Some(bps(1_500))),
        (BonusMost, bps(1_050), Some(bps(1_000) + bps(200))),
        (MaxAge, 70, Some(120)),
        (HaircutInit, bps(9_000), Some(u64::from(u32::MAX))),
    ];
    for (parameter, to, expected) in cases {
        let proposal = market.values_of("SOL", &[(parameter, to)]);
        let [line] = lines(&record, &proposal, now(&market))[..] else { panic!("one line") };
        assert_eq!((line.parameter, line.to, line.furthest), (parameter, to, expected));
        let furthest = line.furthest.unwrap();
        let up = to > line.from;
        let next = if up { furthest + 1 } else { furthest - 1 };
        market.proposes(&format!("{parameter:?} {to}"), market.values_of("SOL", &[(parameter, furthest)])).unwrap();
        let beyond =
            market.proposes(&format!("{parameter:?} {to} beyond"), market.values_of("SOL", &[(parameter, next)]));
        assert!(beyond.is_err() || u32::try_from(next).is_err(), "{parameter:?}");
    }
}

#[test]
fn directions_and_the_part_of_the_room_are_told_in_numbers() {
    let market = market();
    let line = |values: &[(Parameter, u64)]| lines(&market.market(), &market.values_of("SOL", values), now(&market))[0];
    let rise = line(&[(HaircutMaint, bps(1_750))]);
    assert_eq!((rise.direction, rise.ramps, rise.used_bps()), (Direction::Tightens, true, Some(5_000)));
    let fall = line(&[(HaircutTarget, bps(1_750))]);
    assert_eq!((fall.direction, fall.ramps, fall.used_bps()), (Direction::Loosens, false, Some(5_001)), "rounded up");
    let bonus = line(&[(BonusLeast, bps(250))]);
    assert_eq!((bonus.direction, bonus.ramps), (Direction::Neither, false));
    let off = line(&[(Depth, 0)]);
    assert_eq!((off.direction, off.furthest, off.used_bps()), (Direction::Loosens, None, None));
}

#[test]
fn the_schedule_names_the_ramp_that_is_then_run() {
    let market = market();
    let proposal = market.values_of("SOL", &[(HaircutMaint, bps(1_900))]);
    let told = schedule(&market.market(), &proposal, now(&market));
    market.proposes("rise", proposal.clone()).unwrap();
    market.advances(told.delay as i64);
    assert_eq!(told.eta, now(&market));
    market.executes("rise").unwrap();
    let asset = market.asset("SOL");
    assert_eq!(told.ramp, Some((asset.ramp_start, asset.ramp_end)));
    // In the middle of the ramp another line starts from what is in force.
    market.advances((DAY + DAY / 2) as i64);
    let another = market.values_of("SOL", &[(HaircutMaint, bps(2_000))]);
    let [line] = lines(&market.market(), &another, now(&market))[..] else { panic!("one line") };
    let in_force = market.asset("SOL").haircut(Level::Maint, Side::Deposit, now(&market));
    assert_eq!((line.present, line.in_force), (bps(1_900), u64::from(in_force.get())));
    let unused = market.values_of("ETH", &[(HaircutMaint, bps(1_900))]);
    assert_eq!(schedule(&market.market(), &unused, now(&market)).ramp, None);
}

#[test]
fn a_proposal_holds_until_somebody_changes_what_it_was_written_against() {
    let market = market();
    let raise = market.values_of("SOL", &[(HaircutInit, bps(3_000))]);
    let role = change::role(&market.market(), Role::Steward, address("new steward"));
    assert_eq!([&raise, &role].map(|proposal| holds(&market.market(), proposal).is_ok()), [true; 2]);
    market.applies(Role::Guardian, market.values_of("SOL", &[(HaircutInit, bps(2_600))])).unwrap();
    assert_eq!(holds(&market.market(), &raise).unwrap_err().name, "ValueChanged");
    market.applies(Role::Guardian, change::role(&market.market(), Role::Steward, Pubkey::default())).unwrap();
    assert_eq!(holds(&market.market(), &role).unwrap_err().name, "ValueChanged");
}
