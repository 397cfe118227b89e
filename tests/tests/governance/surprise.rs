//! Nobody is liquidated by surprise: random markets, random vaults on the brink, and everything that governance, guardian,
//! steward and anybody may do, in any order. Prices never move. For the notice after the first of it every vault that would
//! be healthy without it is healthy; no requirement jumps when something happens, then or later; and what rises, rises by
//! its share of the time that it takes.

use ballast_tests::client::risk::health::Level;
use ballast_tests::client::{Asset, Market, Vault, snapshot};

use crate::crowd::{falls, level, on_the_brink};
use crate::moves::Event;
use crate::play::Play;
use crate::random::{Random, more};

/// The market as it would be without anything that governance did since `base`: its interest and its prices are what they
/// are now, and everybody can see them.
fn without(base: &Market, now: &Market) -> Box<Market> {
    let mut twin: Box<Market> = bytemuck::allocation::zeroed_box();
    *twin = *base;
    for (asset, present) in twin.assets.iter_mut().zip(&now.assets).take(usize::from(base.asset_count)) {
        assert_eq!(
            (asset.spot, asset.price_shifts[0]),
            (present.spot, present.price_shifts[0]),
            "prices do not move: what governance did has moved one"
        );
        (asset.supply_index, asset.borrow_index) = (present.supply_index, present.borrow_index);
        (asset.supply_rate, asset.borrow_rate) = (present.supply_rate, present.borrow_rate);
        (asset.accrued_at, asset.units, asset.unit_shifts) = (present.accrued_at, present.units, present.unit_shifts);
        (asset.usable_until, asset.init_until) = (u64::MAX, u64::MAX);
    }
    twin
}

/// Every price counts.
fn shown(market: &Market) -> Box<Market> {
    let mut shown: Box<Market> = bytemuck::allocation::zeroed_box();
    *shown = *market;
    for asset in &mut shown.assets {
        (asset.usable_until, asset.init_until) = (u64::MAX, u64::MAX);
    }
    shown
}

/// The market without governance that has earned interest by itself since `base`.
struct Twin(Box<Market>);

impl Twin {
    fn accrues(&mut self, now: u64) {
        let count = usize::from(self.0.asset_count);
        self.0.assets[..count].iter_mut().for_each(|asset| asset.accrue(now));
    }

    /// Whether rates follow the same curves in both. A change of a curve waits for longer than the notice, but what it costs
    /// from then on is interest, and no ramp.
    fn earns_like(&self, other: &Market) -> bool {
        let count = usize::from(self.0.asset_count);
        let same = |(a, b): (&Asset, &Asset)| (a.curve, a.reserve_factor) == (b.curve, b.reserve_factor);
        self.0.assets[..count].iter().zip(&other.assets).all(same)
    }
}

/// What was seen.
#[derive(Default, Debug)]
struct Seen {
    sequences: usize,
    accepted: usize,
    refused: usize,
    healthy: usize,
    brink: usize,
    interest: usize,
    jumps: usize,
    steps: usize,
}

/// Nothing that happens in a second moves a requirement up in that second, whether a price is withheld or not.
fn no_jump(before: &Market, after: &Market, vaults: &[Vault], now: u64, about: &str) {
    let [before, after] = [before, after].map(|market| {
        let mut market = shown(market);
        let count = usize::from(market.asset_count);
        market.assets[..count].iter_mut().for_each(|asset| asset.accrue(now));
        market
    });
    for vault in vaults {
        let [old, new] = [&before, &after].map(|market| snapshot::health(market, vault, now));
        for at in [Level::Target, Level::Maint] {
            let (old, new) = (level(&old, at), level(&new, at));
            assert_eq!((new.assets, new.debts), (old.assets, old.debts), "{about}");
            assert!(
                new.requirement <= old.requirement,
                "{about}: {at:?} from {} to {}",
                old.requirement,
                new.requirement
            );
            assert!(new.passes || !old.passes, "{about}: {at:?} fails");
        }
    }
}

fn plays(seed: u64, markets: usize, sequences: usize) {
    let random = &mut Random::new(seed);
    let mut seen = Seen::default();
    for _ in 0..markets {
        let mut play = Play::new(random);
        for sequence in 0..sequences {
            let about = format!("seed {seed}, sequence {sequence}");
            one(&mut play, random, &mut seen, &about);
        }
    }
    println!("seed {seed}: {seen:?}");
    assert!(seen.accepted > 3 * seen.sequences && seen.healthy > 10 * seen.sequences);
    assert!(seen.brink > seen.sequences, "the vaults are too comfortable");
}

fn one(play: &mut Play, random: &mut Random, seen: &mut Seen, about: &str) {
    play.starts(random);
    seen.sequences += 1;
    let base = play.market();
    let notice = u64::from(base.notice);
    let vaults: Vec<_> = (0..6)
        .map(|_| {
            let at = play.begin + random.between(0, notice);
            let mut then = shown(&base);
            for asset in then.assets.iter_mut().take(usize::from(base.asset_count)) {
                asset.accrue(at);
            }
            let assets: Vec<u8> = (0..play.assets).collect();
            let by = random.pick(&[Level::Maint, Level::Maint, Level::Maint, Level::Target]);
            on_the_brink(random, &then, &assets, by, at)
        })
        .collect();

    let (mut first, mut twin) = (None, Twin(shown(&base)));
    while let Some(event) = play.next_event(random, notice) {
        play.goes_to(event.at());
        play.refreshes();
        twin.accrues(event.at());
        let before = play.market();
        let accepted = play.does(random, &event);
        let (after, now) = (play.market(), play.fixture.second());
        let about = format!("{about}, {event:?}");
        if accepted {
            seen.accepted += 1;
            if !matches!(event, Event::Propose(..)) {
                first.get_or_insert(now);
            }
            no_jump(&before, &after, &vaults, now, &about);
            seen.jumps += vaults.len();
        } else {
            seen.refused += usize::from(!matches!(event, Event::Look(_)));
        }
        if first.is_none_or(|first| now <= first + notice) {
            everybody_is_well(play, (&base, &twin), &after, &vaults, now, seen, &about);
        }
    }
    // The end of the notice, to the second.
    if let Some(first) = first {
        play.goes_to((first + notice).max(play.fixture.second()));
        play.refreshes();
        let (after, now) = (play.market(), play.fixture.second());
        twin.accrues(now);
        if now == first + notice {
            everybody_is_well(play, (&base, &twin), &after, &vaults, now, seen, about);
        }
        rises_by_its_share(&after, &vaults, now, random, seen, about);
    }
    play.ends();
}

/// Whoever would be healthy without governance is healthy.
fn everybody_is_well(
    play: &Play,
    (base, alone): (&Market, &Twin),
    market: &Market,
    vaults: &[Vault],
    now: u64,
    seen: &mut Seen,
    about: &str,
) {
    let twin = without(base, market);
    let all = shown(market);
    for vault in vaults {
        // At rates of its own, but for what it adds to interest when somebody looks at a pool in between.
        let would_be = snapshot::health(&alone.0, vault, now).maint;
        if alone.earns_like(market) && would_be.equity > (would_be.requirement + would_be.debts / 1_000_000) as i64 {
            seen.interest += 1;
            let is = snapshot::health(&all, vault, now);
            assert!(!falls(&is), "{about} at {now}, by interest: {would_be:#?} is {is:#?}");
        }
        let would_be = snapshot::health(&twin, vault, now);
        if !would_be.maint.passes {
            continue;
        }
        seen.healthy += 1;
        let (room, requirement) =
            (would_be.maint.equity as u64 - would_be.maint.requirement, would_be.maint.requirement);
        seen.brink += usize::from(room < requirement / 100_000);
        for market in [market, &*all] {
            let is = snapshot::health(market, vault, now);
            assert!(!falls(&is), "{about} at {now}: {would_be:#?} is {is:#?}");
        }
    }
    if seen.healthy.is_multiple_of(50) {
        play.compares_with_the_program(&vaults[0]);
    }
}

/// From the end of the notice on, as the market is then: no requirement rises faster than its ramps say.
fn rises_by_its_share(market: &Market, vaults: &[Vault], from: u64, random: &mut Random, seen: &mut Seen, about: &str) {
    // Interest stands still, so that all that moves is a ramp.
    let mut still = shown(market);
    for asset in still.assets.iter_mut().take(usize::from(market.asset_count)) {
        asset.accrue(from);
        (asset.supply_rate, asset.borrow_rate, asset.accrued_at) = (0, 0, u64::MAX);
    }
    let ends = still.listed().iter().map(|asset| asset.ramp_end).chain([still.change_end, still.fallback_until]);
    let end = ends.max().unwrap_or(0).min(from + 40 * 86_400) + 3_600;
    for vault in vaults {
        let mut now = from;
        let mut last = snapshot::health(&still, vault, now);
        while now < end {
            let then = now;
            now += if random.percent(20) { random.between(1, 60) } else { random.between(60, 43_200) };
            let next = snapshot::health(&still, vault, now);
            for at in [Level::Target, Level::Maint] {
                let most = crate::slope::most_risen(&still, vault, at, then, now);
                let (old, new) = (level(&last, at), level(&next, at));
                assert!(old.decided && new.decided);
                let risen = new.requirement.saturating_sub(old.requirement);
                assert!(
                    risen as f64 <= most,
                    "{about}: {at:?} by {risen}, at most {most} from {then} to {now}\n{old:#?}\n{new:#?}"
                );
            }
            last = next;
            seen.steps += 1;
        }
    }
}

#[test]
fn nobody_is_liquidated_by_surprise_1() {
    plays(1, more(6, 60), 20);
}

#[test]
fn nobody_is_liquidated_by_surprise_2() {
    plays(2, more(6, 60), 20);
}

#[test]
fn nobody_is_liquidated_by_surprise_3() {
    plays(3, more(6, 60), 20);
}
