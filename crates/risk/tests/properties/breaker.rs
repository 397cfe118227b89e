//! Circuit breakers: what trips them, for how long, and the peak that they measure a fall from.
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::Fraction;
use ballast_risk::breaker::{Breaker, Limits, Sight, State, peak_floor, trips};
use ballast_risk::price::Price;
use proptest::prelude::*;

const STATES: [State; 3] = [State::Normal, State::Cautious, State::ReduceOnly];
const OFF: Limits =
    Limits { jump: Fraction::MAX, confidence: Fraction::MAX, drawdown: Fraction::MAX, variance: u32::MAX };

/// A price around another one: mostly within some per cent, or at some multiple of `limit` from it.
fn around(s: &mut Source, from: Price) -> Price {
    let shift = u64::from(from.shift());
    match s.below(6) {
        0 => priced(s.word(), s.between(40, 170)),
        1 => priced(s.word(), shift + 1),
        2 => priced(s.word(), shift - 1),
        3 => from,
        4 => priced(from.mantissa().wrapping_sub(s.bits() >> 6), shift),
        _ => priced(from.mantissa().wrapping_add(s.bits() >> 6), shift),
    }
}

fn sight(s: &mut Source) -> Sight {
    let average = priced(s.word(), s.between(40, 170));
    let price = around(s, average);
    let peak = around(s, average);
    Sight { price, average, peak, confidence: s.fraction(), variance: s.between_u32(0, u32::MAX) }
}

fn limits(s: &mut Source) -> Limits {
    let mut limit = || match s.below(4) {
        0 => Fraction::MAX,
        1 => s.fraction(),
        _ => Fraction::new(s.between_u32(1 << 24, 1 << 30)),
    };
    let (jump, confidence, drawdown) = (limit(), limit(), limit());
    Limits { jump, confidence, drawdown, variance: limit().get() }
}

/// Whether `|to - from|` is beyond `limit x from`, or `None` where the words of the prices are too coarse to tell.
fn beyond(from: Price, to: Price, limit: Exact) -> Option<bool> {
    let (from, to) = (price(from), price(to));
    let gap = if to < from { &from - &to } else { &to - &from };
    let line = &from * &limit;
    let coarse = ((Exact::one() + limit) * from.at_least(to)).halved(30);
    let off = if gap < line { &line - &gap } else { &gap - &line };
    if off <= coarse { None } else { Some(gap > line) }
}

/// Each breaker alone, against exact arithmetic.
#[test]
fn what_trips() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (seen, limits) = (sight(s), limits(s));

        let got = trips(&seen, &Limits { jump: limits.jump, ..OFF });
        if limits.jump == Fraction::MAX {
            prop_assert_eq!(got, State::Normal);
        } else {
            let (once, twice) = (fraction(limits.jump), fraction(limits.jump) + fraction(limits.jump));
            if let Some(over) = beyond(seen.average, seen.price, once) {
                prop_assert_eq!(got >= State::Cautious, over);
            }
            if let Some(over) = beyond(seen.average, seen.price, twice) {
                prop_assert_eq!(got == State::ReduceOnly, over);
            }
        }

        let got = trips(&seen, &Limits { drawdown: limits.drawdown, ..OFF });
        prop_assert!(got <= State::Cautious);
        if limits.drawdown == Fraction::MAX || price(seen.price) >= price(seen.peak) {
            prop_assert_eq!(got, State::Normal);
        } else if let Some(over) = beyond(seen.peak, seen.price, fraction(limits.drawdown)) {
            prop_assert_eq!(got == State::Cautious, over);
        }

        let wide = seen.confidence > limits.confidence;
        let got = trips(&seen, &Limits { confidence: limits.confidence, ..OFF });
        prop_assert_eq!(got, if wide { State::ReduceOnly } else { State::Normal });
        let wild = seen.variance > limits.variance;
        let got = trips(&seen, &Limits { variance: limits.variance, ..OFF });
        prop_assert_eq!(got, if wild { State::Cautious } else { State::Normal });
        Ok(())
    });
}

/// Together they trip what the strongest one alone does; all off, nothing; a lower limit never trips less.
#[test]
fn the_strongest_one_counts() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 1);
        let (seen, a, b) = (sight(s), limits(s), limits(s));
        let alone = [
            Limits { jump: a.jump, ..OFF },
            Limits { confidence: a.confidence, ..OFF },
            Limits { drawdown: a.drawdown, ..OFF },
            Limits { variance: a.variance, ..OFF },
        ];
        let strongest = alone.iter().map(|limits| trips(&seen, limits)).max();
        prop_assert_eq!(Some(trips(&seen, &a)), strongest);
        prop_assert_eq!(trips(&seen, &OFF), State::Normal);
        let lower = Limits {
            jump: a.jump.min(b.jump),
            confidence: a.confidence.min(b.confidence),
            drawdown: a.drawdown.min(b.drawdown),
            variance: a.variance.min(b.variance),
        };
        prop_assert!(trips(&seen, &lower) >= trips(&seen, &a));
        Ok(())
    });
}

/// A history of prices: tripped at least as long and as much as each of them asks for unless something stronger was under
/// way, never longer than the last one that counted, and Normal by itself after that.
#[test]
fn a_breaker_ends_by_itself_and_not_before() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 2);
        let seconds = s.between_u32(1, 86_400);
        let (mut now, mut breaker) = (s.between(0, 1 << 40), Breaker::default());
        let mut counted: Option<u64> = None;
        for _ in 0..s.between(1, 12) {
            now += s.between(0, 2 * u64::from(seconds));
            let by = s.one_of(&STATES);
            let before = breaker;
            breaker = breaker.tripped(by, now, seconds);

            prop_assert!(breaker.state_at(now) >= by);
            prop_assert!(breaker.state_at(now) >= before.state_at(now), "weakened");
            prop_assert_eq!(breaker.state_at(now), by.max(before.state_at(now)));
            prop_assert_eq!(breaker.state, breaker.state_at(now), "what is over is forgotten");
            if before.state_at(now) != State::Normal {
                prop_assert!(breaker.until >= before.until, "shortened");
            }
            if by != State::Normal && by >= before.state_at(now) {
                counted = Some(now);
                prop_assert_eq!(breaker.until, now + u64::from(seconds));
            }
            match counted {
                Some(last) if now <= last + u64::from(seconds) => {
                    prop_assert_eq!(breaker.until, last + u64::from(seconds));
                    prop_assert_ne!(breaker.state_at(breaker.until), State::Normal);
                    prop_assert_eq!(breaker.state_at(breaker.until + 1), State::Normal);
                }
                _ => prop_assert_eq!(breaker, Breaker::default()),
            }
        }
        Ok(())
    });
}

/// Between the price and the old peak, but for what averaging rounds down; a new peak is taken over exactly.
#[test]
fn a_peak_falls_towards_the_price() {
    holds((any::<u64>(), fractions()), |(seed, weight)| {
        let s = &mut Source::new(seed, 3);
        let old = priced(s.word(), s.between(40, 170));
        let now = around(s, old);
        let new = price(peak_floor(old, now, weight));
        prop_assert!(new >= price(now) && new <= price(old).at_least(price(now)));
        if price(now) >= price(old) {
            prop_assert!(new == price(now));
        } else {
            let exact = price(old) * (Exact::one() - fraction(weight)) + price(now) * fraction(weight);
            prop_assert!(new <= exact.clone().at_least(price(now)));
            prop_assert!(exact - new <= price(old).halved(62));
        }
        Ok(())
    });
}

#[test]
fn breakers_by_hand() {
    let price = |number| Price::from_decimal_floor(number, 0, 6).unwrap();
    let tenth = Fraction::new(429_496_730);
    let of = |average, peak, number| Sight {
        price: price(number),
        average: price(average),
        peak: price(peak),
        confidence: Fraction::ZERO,
        variance: 1 << 16,
    };
    let jump = |number| trips(&of(1_000, 1_000, number), &Limits { jump: tenth, ..OFF });
    for (number, state) in [
        (1_000, State::Normal),
        (1_099, State::Normal),
        (901, State::Normal),
        (1_101, State::Cautious),
        (899, State::Cautious),
        (1_199, State::Cautious),
        (801, State::Cautious),
        (1_201, State::ReduceOnly),
        (799, State::ReduceOnly),
        (100_000, State::ReduceOnly),
        (1, State::ReduceOnly),
    ] {
        assert_eq!(jump(number), state, "{number}");
    }
    // More than twice a limit of more than a half.
    let half = Limits { jump: Fraction::new(6 << 29), ..OFF };
    assert_eq!(trips(&of(1_000, 1_000, 1), &half), State::Cautious);
    assert_eq!(trips(&of(1_000, 1_000, 2_499), &half), State::Cautious);
    assert_eq!(trips(&of(1_000, 1_000, 2_501), &half), State::ReduceOnly);
    // Nothing moved, and nothing may.
    assert_eq!(trips(&of(1_000, 1_000, 1_000), &Limits { jump: Fraction::ZERO, ..OFF }), State::Normal);

    let fall = |number| trips(&of(700, 1_000, number), &Limits { drawdown: tenth, ..OFF });
    assert_eq!([901, 899, 100, 1_200].map(fall), [State::Normal, State::Cautious, State::Cautious, State::Normal]);

    let confident = |part| Sight { confidence: Fraction::new(part), ..of(1, 1, 1) };
    let limits = Limits { confidence: Fraction::new(100), ..OFF };
    assert_eq!([100, 101].map(|part| trips(&confident(part), &limits)), [State::Normal, State::ReduceOnly]);
    let wild = |variance| Sight { variance, ..of(1, 1, 1) };
    let limits = Limits { variance: 2 << 16, ..OFF };
    let answers = [2 << 16, (2 << 16) + 1].map(|variance| trips(&wild(variance), &limits));
    assert_eq!(answers, [State::Normal, State::Cautious]);

    assert_eq!(STATES.map(State::code), [0, 1, 2]);
    assert_eq!(STATES.map(|state| State::from_code(state.code())), STATES);
    assert_eq!([3, 255].map(State::from_code), [State::ReduceOnly; 2]);

    let none = Breaker::default();
    let cautious = none.tripped(State::Cautious, 100, 50);
    assert_eq!(cautious, Breaker { state: State::Cautious, until: 150 });
    assert_eq!((cautious.state_at(150), cautious.state_at(151)), (State::Cautious, State::Normal));
    assert_eq!(cautious.tripped(State::Cautious, 120, 50).until, 170);
    // A shorter time set meanwhile takes nothing back.
    assert_eq!(cautious.tripped(State::ReduceOnly, 120, 10), Breaker { state: State::ReduceOnly, until: 150 });
    let reduce_only = cautious.tripped(State::ReduceOnly, 120, 50);
    assert_eq!(reduce_only.tripped(State::Cautious, 160, 50), reduce_only);
    assert_eq!(reduce_only.tripped(State::Cautious, 171, 50), Breaker { state: State::Cautious, until: 221 });
    assert_eq!(reduce_only.tripped(State::Normal, 170, 50), reduce_only);
    assert_eq!(reduce_only.tripped(State::Normal, 171, 50), none);
    assert_eq!(none.tripped(State::Cautious, u64::MAX, 50).until, u64::MAX);

    assert_eq!(peak_floor(price(1_000), price(900), Fraction::new(1 << 31)), price(950));
    assert_eq!(peak_floor(price(1_000), price(900), Fraction::ZERO), price(1_000));
    assert_eq!(peak_floor(price(1_000), price(1_100), Fraction::new(1 << 31)), price(1_100));
}
