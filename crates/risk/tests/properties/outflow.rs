//! The outflow limiter: what can leave within a time, whatever anybody does.
use crate::reference::source::Source;
use crate::reference::*;
use ballast_risk::outflow::{Limit, Outflow};
use ballast_risk::{Amount, Error, Fraction};
use num_bigint::BigInt;
use proptest::prelude::*;

const DAY: u32 = 86_400;

fn limit(s: &mut Source) -> Limit {
    let period = match s.below(4) {
        0 => s.between_u32(1, u32::MAX),
        1 => s.between_u32(1, 100),
        _ => s.between_u32(3_600, DAY),
    };
    Limit { share: s.fraction(), period, cash: Amount::new(s.word()) }
}

/// A level of any size on either side, written at any time.
fn bucket(s: &mut Source) -> Outflow {
    let size = s.word().cast_signed();
    Outflow { level: size.max(i64::MIN + 1), at: s.word() }
}

/// A time at, before or within some periods after another.
fn after(s: &mut Source, at: u64, period: u32) -> u64 {
    match s.below(5) {
        0 => at,
        1 => at.saturating_add(s.below(u64::from(period) + 1)),
        2 => at.saturating_add(u64::from(period)).saturating_sub(s.below(3)),
        3 => s.word(),
        _ => at.saturating_add(s.below(4 * u64::from(period))),
    }
}

/// What is left of a level at a time.
fn level(bucket: Outflow, limit: &Limit, now: u64) -> i64 {
    bucket.give(Amount::ZERO, limit, now).level
}

/// Against exact arithmetic: a level shrinks by its size, or by the capacity if that is more, in a period. What is left is
/// never less than exact, and more by 2^-32 of that and two units at most; after a period it is nothing.
#[test]
fn a_level_leaks_along_a_line() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let now = after(s, bucket.at, limit.period);
        let (size, elapsed) = (bucket.level.unsigned_abs(), now.saturating_sub(bucket.at));
        let got = level(bucket, &limit, now);
        prop_assert!(got.signum() == bucket.level.signum() || got == 0, "no side becomes the other");
        let pace = size.max(limit.capacity_floor(bucket.level));
        let (period, left) = (BigInt::from(limit.period), BigInt::from(got.unsigned_abs()));
        let exact = (BigInt::from(size) * &period - BigInt::from(pace) * elapsed).max(BigInt::ZERO);
        prop_assert!(&left * &period >= exact, "{} left", left);
        let slack = BigInt::from(pace >> 32) + 2;
        prop_assert!((left - slack) * &period <= exact);
        if elapsed >= u64::from(limit.period) {
            prop_assert_eq!(got, 0);
        }
        Ok(())
    });
}

/// More time, more capacity and less of a level never leave more of it.
#[test]
fn leaking_is_monotone() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let (early, late) = (after(s, bucket.at, limit.period), after(s, bucket.at, limit.period));
        let (early, late) = (early.min(late), early.max(late));
        let size = |bucket, limit: &Limit, now| level(bucket, limit, now).unsigned_abs();
        prop_assert!(size(bucket, &limit, late) <= size(bucket, &limit, early));
        let more = Limit { cash: limit.cash.plus(Amount::new(s.word())).unwrap_or(Amount::MAX), ..limit };
        prop_assert!(size(bucket, &more, late) <= size(bucket, &limit, late));
        let longer = Limit { period: s.between_u32(limit.period, u32::MAX), ..limit };
        prop_assert!(size(bucket, &limit, late) <= size(bucket, &longer, late));
        Ok(())
    });
}

/// An amount leaves exactly when the level stays within the capacity, and then the level is that.
#[test]
fn taking_is_exact() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let now = after(s, bucket.at, limit.period);
        let before = level(bucket, &limit, now);
        let (capacity, before) = (i128::from(limit.capacity_floor(before)), i128::from(before));
        // Often at the edge.
        let edge = u64::try_from(capacity - before).unwrap_or(0);
        let amount = match s.below(3) {
            0 => s.word(),
            1 => edge,
            _ => edge.saturating_add(1),
        };
        let after = before + i128::from(amount);
        // Levels are numbers of 63 bits; no larger amount leaves at once.
        let fits = amount <= i64::MAX.unsigned_abs() && after <= i128::from(i64::MAX);
        match bucket.take(Amount::new(amount), &limit, now) {
            Ok(taken) => {
                prop_assert!(fits && after <= capacity);
                prop_assert_eq!((i128::from(taken.level), taken.at), (after, now.max(bucket.at)));
            }
            Err(error) => {
                prop_assert_eq!(error, Error::OutflowExceeded);
                prop_assert!(!fits || after > capacity);
            }
        }
        Ok(())
    });
}

/// What is accepted stays so for less, a larger share, a lower level, or later.
#[test]
fn taking_is_monotone() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let now = after(s, bucket.at, limit.period);
        let here = level(bucket, &limit, now);
        let edge = i128::from(limit.capacity_floor(here)) - i128::from(here);
        let amount = u64::try_from(edge).unwrap_or(0).min(s.word());
        let taken = |amount, limit: &Limit, bucket: Outflow| bucket.take(Amount::new(amount), limit, now).is_ok();
        if taken(amount, &limit, bucket) {
            prop_assert!(taken(s.below(amount.max(1)), &limit, bucket));
            let lower =
                Outflow { level: bucket.level.saturating_sub(s.word().cast_signed().saturating_abs()), ..bucket };
            if bucket.level <= 0 || lower.level >= 0 {
                prop_assert!(taken(amount, &limit, lower));
            }
            // A larger share makes a credit go away faster, where it is smaller than the capacity.
            if bucket.level >= 0 {
                let share = Fraction::new(s.between_u32(limit.share.get(), u32::MAX));
                let wider = Limit { share, ..limit };
                prop_assert!(taken(amount, &wider, bucket));
                let later = after(s, now, limit.period).max(now);
                prop_assert!(bucket.take(Amount::new(amount), &limit, later).is_ok());
            }
        }
        Ok(())
    });
}

/// The limit after some tokens came in, or left.
fn with(limit: &Limit, came: u64, left: u64) -> Limit {
    Limit { cash: Amount::new(limit.cash.get() + came - left), ..*limit }
}

/// With the tokens that a credit says came in.
fn at_least(limit: Limit, bucket: Outflow) -> Limit {
    let came = Amount::new(bucket.level.min(0).unsigned_abs());
    Limit { cash: limit.cash.max(came), ..limit }
}

/// Money that only passes through fills nothing and frees nothing: in either order, in one second.
#[test]
fn what_comes_and_goes_leaves_the_level_as_it_was() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let limit = Limit { cash: Amount::new(limit.cash.get() >> 2), ..limit };
        let now = after(s, bucket.at, limit.period);
        let here = Outflow { level: level(bucket, &limit, now), at: now.max(bucket.at) };
        let amount = s.word() >> 2;
        let given = bucket.give(Amount::new(amount), &limit, now);
        if i128::from(here.level) - i128::from(amount) > i128::from(i64::MIN) {
            if let Ok(back) = given.take(Amount::new(amount), &with(&limit, amount, 0), now) {
                prop_assert_eq!(back, here);
            } else {
                prop_assert!(here.level > 0 && here.level.unsigned_abs() > limit.capacity_floor(here.level));
            }
        }
        let amount = amount.min(limit.cash.get());
        if let Ok(taken) = bucket.take(Amount::new(amount), &limit, now) {
            prop_assert_eq!(taken.give(Amount::new(amount), &with(&limit, 0, amount), now), here);
        }
        Ok(())
    });
}

/// Nobody makes it larger: after tokens came in, exactly as many more may leave; after some left, exactly as many fewer.
#[test]
fn a_flow_frees_or_fills_its_own_size() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let (bucket, now) = (Outflow { level: bucket.level >> 2, ..bucket }, bucket.at);
        let limit = at_least(Limit { cash: Amount::new(limit.cash.get() >> 2), ..limit }, bucket);
        let free =
            |bucket: Outflow, limit: &Limit| i128::from(limit.capacity_floor(bucket.level)) - i128::from(bucket.level);
        let before = free(bucket, &limit);
        let came = s.word() >> 4;
        let given = bucket.give(Amount::new(came), &limit, now);
        prop_assert_eq!(free(given, &with(&limit, came, 0)), before + i128::from(came));
        let left = s.word().min(limit.cash.get());
        if let Ok(taken) = bucket.take(Amount::new(left), &limit, now) {
            prop_assert_eq!(free(taken, &with(&limit, 0, left)), before - i128::from(left));
        }
        Ok(())
    });
}

/// In pieces as much leaves as at once.
#[test]
fn pieces_add_up() {
    holds(any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let (limit, bucket) = (limit(s), bucket(s));
        let limit = at_least(limit, bucket);
        let now = after(s, bucket.at, limit.period);
        let half = limit.cash.get() / 2;
        let (a, b) = (s.word().min(half) >> 2, s.word().min(half) >> 2);
        let (first, second) = (Amount::new(a), Amount::new(b));
        let rest = with(&limit, 0, a);
        let pieces = bucket.take(first, &limit, now).and_then(|bucket| bucket.take(second, &rest, now));
        prop_assert_eq!(pieces, bucket.take(Amount::new(a + b), &limit, now));
        Ok(())
    });
}

/// One thing that happened: when, and what left (or came in, below zero).
struct Flow {
    at: u64,
    tokens: i128,
    /// The level just before.
    before: i64,
}

/// The promise: no more than the share leaves in any period, of what there is at most meanwhile; but for credit, what came
/// within a period before. Between any two moments the net outflow is at most the capacity, what leaks in that time (a
/// capacity in a period), and the credit that there was at the beginning. Liquidations change the cash on the way; the
/// largest capacity counts.
///
/// Each flow raises the level by itself; the level ends within the capacity; what it rose by more has leaked in between,
/// where a level that is at most the capacity leaks at most a capacity in a period, and credit that is forgotten only makes
/// the level higher.
#[test]
fn no_more_leaves_than_the_capacity_and_what_leaks() {
    holds_for(USUAL / 10, any::<u64>(), |seed| {
        let s = &mut Source::new(seed, 0);
        let mut limit = limit(s);
        limit.cash = Amount::new(limit.cash.get() >> 2);
        let full = i64::try_from(limit.capacity_floor(0)).unwrap();
        let mut bucket = Outflow { level: s.word().cast_signed().clamp(-full, full), at: s.word() >> 8 };
        let mut most = limit.capacity_floor(bucket.level.max(0));
        let (mut now, mut flows) = (bucket.at, vec![]);
        for _ in 0..24 {
            now += match s.below(3) {
                0 => 0,
                1 => s.below(u64::from(limit.period)),
                _ => s.below(u64::from(limit.period).div_ceil(16)),
            };
            if s.one_in(4) {
                limit.cash = Amount::new(s.word() >> 2);
            }
            let before = level(bucket, &limit, now);
            let capacity = limit.capacity_floor(before);
            most = most.max(capacity).max(limit.capacity_floor(bucket.level));
            let free = i128::from(capacity) - i128::from(before);
            let free = u64::try_from(free).unwrap_or(0);
            let some = if s.one_in(2) { free } else { s.below(free.saturating_add(2)) };
            if s.one_in(3) {
                let some = some.min(i64::MAX.unsigned_abs() >> 8);
                bucket = bucket.give(Amount::new(some), &limit, now);
                limit = with(&limit, some, 0);
                flows.push(Flow { at: now, tokens: -i128::from(some), before });
            } else if some <= limit.cash.get()
                && let Ok(taken) = bucket.take(Amount::new(some), &limit, now)
            {
                bucket = taken;
                limit = with(&limit, 0, some);
                flows.push(Flow { at: now, tokens: i128::from(some), before });
            }
        }
        for (at, first) in flows.iter().enumerate() {
            let mut net = 0;
            for last in &flows[at..] {
                net += last.tokens;
                let beyond = BigInt::from(net) - most + first.before;
                let leaked = BigInt::from(most) * (last.at - first.at);
                prop_assert!(beyond * limit.period <= leaked, "{} left", net);
                if last.at - first.at <= u64::from(limit.period) && first.before >= 0 {
                    // Twice the capacity is the share.
                    prop_assert!(net <= 2 * i128::from(most), "more than the share within a period");
                }
            }
        }
        Ok(())
    });
}

/// Whatever bytes an account holds: decided, never a panic, and a state that the next call accepts.
#[test]
fn any_bucket_is_decided() {
    let any_limit = (fractions(), any::<u32>(), word());
    holds((word(), word(), any_limit, word(), word()), |(level, at, (share, period, cash), amount, now)| {
        let bucket = Outflow { level: level.cast_signed(), at };
        let limit = Limit { share, period, cash: Amount::new(cash) };
        let given = bucket.give(Amount::new(amount), &limit, now);
        prop_assert!(given.level > i64::MIN && given.at == now.max(at));
        if let Ok(taken) = bucket.take(Amount::new(amount), &limit, now) {
            let capacity = limit.capacity_floor(self::level(bucket, &limit, now));
            prop_assert!(taken.level <= 0 || taken.level.unsigned_abs() <= capacity);
            prop_assert_eq!(taken.at, now.max(at));
        }
        // A clock that goes back leaks nothing.
        if now <= at && period > 0 && bucket.level > i64::MIN {
            prop_assert_eq!(bucket.give(Amount::ZERO, &limit, now).level, bucket.level);
        }
        Ok(())
    });
}

#[test]
fn outflows_by_hand() {
    // A quarter of 800 within a day: an eighth at once.
    let of_cash = |cash| Limit { share: Fraction::new(1 << 30), period: DAY, cash: Amount::new(cash) };
    let limit = of_cash(800);
    assert_eq!((limit.capacity_floor(0), limit.capacity_floor(80), limit.capacity_floor(-800)), (100, 110, 0));
    let of = |level, at| Outflow { level, at };
    let day = u64::from(DAY);
    let empty = Outflow::default();
    assert_eq!(empty, of(0, 0));
    assert_eq!(empty.take(Amount::new(101), &limit, 5), Err(Error::OutflowExceeded));
    let full = empty.take(Amount::new(100), &limit, 5).unwrap();
    assert_eq!(full, of(100, 5));
    let rest = of_cash(700);
    assert_eq!(full.take(Amount::new(1), &rest, 5), Err(Error::OutflowExceeded));
    assert_eq!(full.take(Amount::ZERO, &rest, 5), Ok(full));
    // Half of it leaks in half of a day, by a capacity in a day; then an eighth of 750 may have left. A smaller level leaks as
    // fast.
    assert_eq!(full.take(Amount::new(43), &rest, 5 + day / 2), Ok(of(93, 5 + day / 2)));
    assert_eq!(full.take(Amount::new(44), &rest, 5 + day / 2), Err(Error::OutflowExceeded));
    assert_eq!(level(of(60, 0), &of_cash(740), day / 2), 10);
    assert_eq!((level(of(60, 0), &of_cash(740), day * 6 / 10), level(of(60, 0), &of_cash(740), day)), (1, 0));
    // What is beyond, and credit, goes by its own size.
    assert_eq!((level(of(1_000, 0), &limit, day / 2), level(of(-1_000, 0), &limit, day / 2)), (500, -500));
    assert_eq!((level(of(1_000, 0), &limit, day - 1), level(of(1_000, 0), &limit, day)), (1, 0));
    // What comes in is taken off, also below zero, and can leave on top.
    assert_eq!(full.give(Amount::new(300), &rest, 5), of(-200, 5));
    assert_eq!(of(-200, 5).take(Amount::new(300), &of_cash(1_000), 5), Ok(full));
    assert_eq!(of(-200, 5).take(Amount::new(301), &of_cash(1_000), 5), Err(Error::OutflowExceeded));
    // At the edges of the format.
    let all = Limit { share: Fraction::MAX, period: 1, cash: Amount::MAX };
    assert_eq!(all.capacity_floor(0), (u64::MAX - (1 << 32)) / 2);
    assert_eq!(empty.give(Amount::MAX, &all, 0).level, -i64::MAX);
    assert_eq!(of(-i64::MAX, 0).give(Amount::MAX, &all, 0).level, -i64::MAX);
    assert_eq!(empty.take(Amount::new(1 << 63), &all, 0), Err(Error::OutflowExceeded));
    assert_eq!(of(5, 0).take(Amount::new(u64::MAX >> 1), &all, 0), Err(Error::OutflowExceeded));
    assert_eq!(empty.take(Amount::new(u64::MAX >> 1), &all, 0), Err(Error::OutflowExceeded));
    assert_eq!(
        empty.take(Amount::new((i64::MAX - (1 << 31)).unsigned_abs()), &all, 0),
        Ok(of(i64::MAX - (1 << 31), 0))
    );
    let nothing = Limit { share: Fraction::ZERO, ..limit };
    assert_eq!(empty.take(Amount::new(1), &nothing, 5), Err(Error::OutflowExceeded));
    assert_eq!(of(-7, 5).take(Amount::new(7), &nothing, 5), Ok(of(0, 5)));
}
