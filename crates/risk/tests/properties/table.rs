//! The parameter table: its numbers as people write them, and what its rows decide.
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::table::{Parameter, Row, Step, Tightens};
use proptest::prelude::*;

const DAY: u64 = 86_400;
const WEEK: u32 = 604_800;

/// Ends of ranges, steps and delays in the units that people think in.
#[test]
fn rows_by_hand() {
    use Parameter as P;
    // A part of the whole, in basis points, rounded up.
    let bps = |points: u64| (points << 32).div_ceil(10_000);
    let haircut = P::HaircutMaint.row();
    assert_eq!((haircut.least, haircut.most, haircut.delay), (0, (1 << 32) - 1, 86_400));
    assert_eq!((haircut.step, haircut.tightening, haircut.ramps), (Step::By(bps(1_000)), Step::By(bps(1_000)), true));
    assert_eq!(P::HaircutInit.row().steward, Step::By(bps(100)));
    assert_eq!(P::BonusMost.row().step, Step::By(bps(200)));
    let cap = P::DepositCap.row();
    assert_eq!((cap.tightens, cap.step, cap.steward), (Tightens::Down, Step::Growth, Step::Part(10)));
    assert_eq!((cap.least, cap.most, cap.grows(), haircut.grows()), (0, u64::MAX, true, false));
    let outflow = P::OutflowLimit.row();
    assert_eq!((outflow.least, outflow.step, outflow.delay), (bps(500), Step::Double, WEEK));
    // 50 % a year, per second in 2^-52.
    let Step::By(rate) = P::Rate3.row().step else { panic!("a rate moves by an amount") };
    let exact = (1u64 << 51) / 31_536_000;
    assert!(rate.abs_diff(exact) <= exact / 500, "{rate} {exact}");
    let delay = P::Delay.row();
    assert_eq!((delay.least, delay.most, delay.delay), (DAY, 14 * DAY, WEEK));
    assert_eq!(P::Window.row().most, 14 * DAY);
    assert_eq!(P::RecoveryGap.row().most, 7 * DAY);
    assert_eq!(P::BreakerVariance.row().least, 2 << 16);
    assert_eq!((P::VolatilityLimit.row().least, P::VolatilityLimit.row().most), (1 << 16, 16 << 16));
    assert_eq!((P::BreakerJump.row().least, P::Agreement.row().most), (bps(100), bps(2_000)));
    assert!(P::Depth.row().zero_is_off && P::BandLow.row().zero_is_off && !P::BandHigh.row().zero_is_off);
}

#[test]
fn a_code_stands_for_one_parameter() {
    let found: Vec<_> = (0..=u8::MAX).filter_map(Parameter::from_code).collect();
    assert_eq!(found, Parameter::ALL);
    for (parameter, code) in found.iter().zip((0..=u8::MAX).filter(|code| Parameter::from_code(*code).is_some())) {
        assert_eq!(parameter.code(), code);
    }
}

/// Zero counts as more than the largest number where it turns a parameter off.
fn rank(row: &Row, value: u64) -> u128 {
    if row.zero_is_off && value == 0 { u128::from(row.most) + 1 } else { value.into() }
}

fn fits(step: Step, from: u128, to: u128, first: u64) -> bool {
    match step {
        Step::Any => true,
        Step::None => false,
        Step::By(most) => from.abs_diff(to) <= most.into(),
        Step::Double => to <= 2 * from && from <= 2 * to,
        Step::Growth => to <= (2 * from).max(first.into()),
        Step::Part(parts) => from.abs_diff(to) * u128::from(parts) <= from,
    }
}

/// A number near another one, near its half or double, near an end of the row, or any.
fn near(s: &mut Source, row: &Row, from: u64) -> u64 {
    let step = |step: Step| if let Step::By(most) = step { most } else { from / 10 };
    let around = match s.below(9) {
        0 => from,
        1 => from / 2,
        2 => from.saturating_mul(2),
        3 => row.least,
        4 => row.most,
        5 => from.saturating_add(step(row.step)),
        6 => from.saturating_sub(step(row.step)),
        7 => 0,
        _ => s.word(),
    };
    around.saturating_add(s.below(3)).saturating_sub(1)
}

/// Every row, and rows that nobody has written: ranges, directions and steps against wide numbers.
#[test]
fn rows_decide_as_they_say() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let at = usize::try_from(s.below(u64::try_from(Parameter::ALL.len()).unwrap())).unwrap();
        let mut row = *Parameter::ALL[at].row();
        if s.one_in(3) {
            let steps =
                [Step::Any, Step::None, Step::By(s.word()), Step::Double, Step::Growth, Step::Part(1 + s.below(20))];
            let mut any = || steps[usize::try_from(s.below(6)).unwrap()];
            (row.step, row.tightening) = (any(), any());
        }
        let from = if s.one_in(2) { s.word() } else { row.least.midpoint(row.most) };
        let from = near(s, &row, from);
        let (to, first, waited) = (near(s, &row, from), s.word(), s.one_in(2));

        let in_range = (row.zero_is_off && to == 0) || (row.least..=row.most).contains(&to);
        prop_assert_eq!(row.allows(to), in_range);
        // Off is beyond every other number, so only values in range have a direction.
        if !(row.allows(from) && row.allows(to)) {
            return Ok(());
        }
        let tightened = match row.tightens {
            Tightens::Up => rank(&row, to) > rank(&row, from),
            Tightens::Down => rank(&row, to) < rank(&row, from),
            Tightens::Never => false,
        };
        prop_assert!(row.most < u64::MAX || !row.zero_is_off || from != 0 || to != u64::MAX || !tightened);
        // Where nothing is larger than the largest number, off is as large.
        if row.most == u64::MAX && row.zero_is_off {
            return Ok(());
        }
        prop_assert_eq!(row.tightened(from, to), tightened);
        let off = if row.zero_is_off { 0 } else { u64::MAX };
        let step = if tightened { row.tightening } else { row.step };
        let small = (waited && from == off) || fits(step, rank(&row, from), rank(&row, to), first);
        prop_assert_eq!(row.within_step(from, to, first, waited), small, "{:?} from {} to {}", row, from, to);
        prop_assert_eq!(row.within_steward(from, to), fits(row.steward, from.into(), to.into(), 0));
        Ok(())
    });
}
