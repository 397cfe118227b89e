//! The direction column, without asking the table what it means: whatever passes at once improves nobody's check at `Init`,
//! moves nobody's at `Target` and `Maint`, and opens nothing that was closed, at the moment and with the next price.

use ballast_tests::assets::{Feed, token};
use ballast_tests::client::risk::health::Level;
use ballast_tests::client::table::{Parameter as P, Scope, Tightens};
use ballast_tests::client::{LevelView, Market, Role, SourceKind, Vault, instruction, local, snapshot};

use ballast_tests::oracle::published;
use ballast_tests::*;
use client::event::Action;
use client::risk::Usd;

use crate::crowd::{beyond, level, on_the_brink};
use crate::judge::{Values, broken, follow, in_range, last, of, proposal, small_enough, tightens};
use crate::random::{Random, more};

/// Assets that people use: one with two sources, a plain one, one that a stake pool values. Guards are on.
const USED: [&str; 3] = ["SOL", "BTC", "LST"];
const ALL: [u8; 4] = [0, 1, 2, 3];

/// The tokens that this many dollars are now, whatever values them.
fn worth(market: &Fixture, symbol: &'static str, dollars: u64) -> Money {
    native(symbol, market.asset(symbol).spot().expect("a price").amount_floor(Usd::new(dollars * 1_000_000)).get())
}

/// Somebody who borrows and withdraws.
struct People {
    market: Fixture,
    /// Has deposits and no debts.
    saver: Actor,
    /// Has both.
    borrower: Actor,
}

fn people() -> People {
    let guards = [
        (P::OutflowLimit, 1 << 30),
        (P::BreakerJump, 1 << 28),
        (P::BreakerDrawdown, 1 << 29),
        (P::BreakerVariance, 4 << 16),
        (P::Conservative, 1),
        (P::Agreement, 1 << 29),
        (P::CalibratedVariance, 1 << 20),
        (P::VolatilityLimit, 3 << 16),
        (P::Caution, 3 << 15),
        (P::GrowthLimit, 1 << 29),
    ];
    let second = Feed::new("SOL again", SourceKind::PythPullCore, "150");
    let pool = Feed::new("LST pool", SourceKind::StakePool, "1.1");
    let tokens = vec![
        token("SOL").with(&guards).checked_by(second),
        token("BTC").with(&guards),
        token("LST").with(&guards).priced_by(pool),
        token("USDC").with(&guards),
    ];
    let market = Fixture::of(tokens);
    let (saver, borrower) = (market.actor("saver", &[]), market.actor("borrower", &[]));
    for symbol in ["SOL", "BTC", "LST", "USDC"] {
        saver.is_given(worth(&market, symbol, 40_000_000));
        saver.deposits(worth(&market, symbol, 10_000_000)).unwrap();
    }
    borrower.is_given(worth(&market, "USDC", 40_000_000));
    borrower.deposits(worth(&market, "USDC", 30_000_000)).unwrap();
    for symbol in USED {
        borrower.borrows(worth(&market, symbol, 1_000_000)).unwrap();
    }
    market.advances(3_600);
    market.refreshes_all();
    People { market, saver, borrower }
}

/// A value from which a parameter can be tightened: anything that a random number leads to.
fn somewhere(random: &mut Random, parameter: P, there: &[u64]) -> u64 {
    let row = parameter.row();
    let value = match random.below(4) {
        0 => random.between(row.least, row.most),
        1 => random.pick(there).saturating_mul(random.between(8, 20)) / 10,
        2 => row.least.saturating_add(random.scale(1, 40)),
        _ => row.most.saturating_sub(random.scale(1, 40)),
    };
    if row.zero_is_off && random.percent(20) { 0 } else { value.clamp(row.least, row.most) }
}

/// Values from which a parameter can be tightened, and to what; `None` for an unlucky draw.
fn draw(random: &mut Random, listed: &Values, parameter: P, there: &[u64]) -> Option<(Values, u64)> {
    let row = parameter.row();
    let [a, b] = [(); 2].map(|()| somewhere(random, parameter, there));
    let (from, mut to) = if tightens(row, a, b) { (a, b) } else { (b, a) };
    if !small_enough(row, from, to, u64::MAX, false) {
        // A step, where not everything is one.
        let step = |part: u64| {
            let far = ((u128::from(from.abs_diff(to)) * u128::from(part)) >> 16) as u64;
            if to > from { from + far } else { from - far }
        };
        to = step(last(1 << 16, |part| small_enough(row, from, step(part), u64::MAX, false))?);
    }
    let arranged = follow(listed, &[(parameter, from)]);
    let fits = [from, to].iter().all(|value| in_range(row, *value)) && tightens(row, from, to);
    let together = broken(&arranged).is_empty() && broken(&arranged.with(&[(parameter, to)])).is_empty();
    (fits && together).then_some((arranged, to))
}

/// What a refresh of an asset at other prices would make of the market.
fn refreshed(market: &Fixture, symbol: &str, factors: [u64; 2]) -> drill::Foresight {
    let (token, index) = (market.token(symbol), market.index(symbol));
    let seen = |feed: &Feed, factor: u64| {
        let seen = published(feed.price, market.now());
        let price = (i128::from(seen.price) * i128::from(factor) / 1_000) as i64;
        let confidence = price.unsigned_abs() / (1_000 + factor % 7 * 300);
        market.feed_publishes(feed, &token.mint, &local::Published { price, confidence, ..seen });
    };
    seen(&token.first(), factors[0]);
    if let Some(feed) = &token.second {
        seen(feed, factors[1]);
    }
    if token.listing.source_kind == SourceKind::StakePool {
        // It is worth what its base is, which is refreshed before.
        let base = market.token("SOL");
        market.feed_publishes(&base.first(), &base.mint, &published(base.price, market.now()));
        let feed = base.second.as_ref().expect("a second source");
        market.feed_publishes(feed, &base.mint, &published(feed.price, market.now()));
        let both = market.refresh_instruction(&["SOL", symbol]);
        return market.foresees(&[both], &[&market.payer()]);
    }
    let prices = [(index, token.oracle, token.second.as_ref().map(|feed| feed.oracle))];
    market.foresees(&[instruction::refresh_prices(&market.market_address(), &prices)], &[&market.payer()])
}

/// Nobody's check got better, and nobody's check for liquidation is another one.
fn compare(before: &Market, after: &Market, vaults: &[Vault], now: u64, about: &str) {
    for vault in vaults {
        let [old, new] = [before, after].map(|market| snapshot::health(market, vault, now));
        for at in [Level::Target, Level::Maint] {
            assert_eq!(level(&new, at), level(&old, at), "{about}: {at:?}");
        }
        let (old, new) = (old.init, new.init);
        assert!(!new.passes || old.passes, "{about}: passes now\n{old:#?}\n{new:#?}");
        if new.decided {
            assert!(old.decided, "{about}: is decided now");
            let margin = |view: &LevelView| i128::from(view.equity) - i128::from(view.requirement);
            assert!(new.equity <= old.equity && margin(&new) <= margin(&old), "{about}: {old:#?}\n{new:#?}");
        }
    }
}

/// The largest amounts that can be deposited, withdrawn and borrowed.
fn room(people: &People, symbol: &'static str) -> Vec<(Action, bool, u64)> {
    let actions =
        [(Action::Deposit, true), (Action::Withdraw, true), (Action::Borrow, false), (Action::Withdraw, false)];
    let largest =
        |(action, saver)| (action, saver, last(1 << 10, |part| part == 0 || does(people, symbol, action, saver, part)));
    actions
        .map(largest)
        .into_iter()
        .map(|(action, saver, most)| (action, saver, most.expect("nothing is possible")))
        .collect()
}

/// Whether somebody could move this part of 40 million dollars, in 2^-10.
fn does(people: &People, symbol: &'static str, action: Action, saver: bool, part: u64) -> bool {
    let who = if saver { &people.saver } else { &people.borrower };
    let symbol = if matches!(action, Action::Withdraw) && !saver { "USDC" } else { symbol };
    let whole = worth(&people.market, symbol, 40_000_000);
    let money = whole.with(((u128::from(whole.units) * u128::from(part)) >> 10) as u64);
    people.market.foresees(&[who.instruction(action, money)], &[&who.key]).is_ok()
}

/// Some tightenings of each row of some, in random states of each of three assets.
pub fn tightened(seed: u64, cases: usize, chosen: impl Fn(P) -> bool) {
    let people = people();
    let market = &people.market;
    let begin = market.market();
    let start = market.second();
    let random = &mut Random::new(seed);
    let mut tried = 0;
    for parameter in of(Scope::Asset).filter(|known| known.row().tightens != Tightens::Never && chosen(*known)) {
        for case in 0..cases {
            let symbol = USED[case % USED.len()];
            let index = market.index(symbol);
            market.restores(&begin);
            market.goes_to(start);
            let record = begin.assets[usize::from(index)];
            let pool = record.accrued_pool(start);
            let there = [pool.deposits_ceil(), pool.debts_floor()].map(|amount| amount.unwrap().get());
            let listed = Values::of(&begin, Some(index));
            let Some((arranged, to)) = (0..50).find_map(|_| draw(random, &listed, parameter, &there)) else { continue };
            let from = arranged.get(parameter);
            market.arranges(Some(index), &arranged.unlike(&listed));
            // Any flow, and any candidate on its way in.
            let deposits = there[0];
            market.tampers_with_market(|market| {
                let asset = &mut market.assets[usize::from(index)];
                asset.outflow_level = (random.between(0, deposits) as i64) - (random.between(0, deposits) as i64);
                asset.outflow_at = start - random.between(0, 200_000);
                asset.breaker = random.below(3) as u8;
                asset.breaker_until = start + random.between(0, 600) - 300;
                asset.renew_windows(start);
            });
            let (before, about) =
                (market.market(), format!("seed {seed}: {} of {symbol} from {from} to {to}", parameter.name()));
            let mut vaults = vec![];
            for at in [Level::Init, Level::Init, Level::Maint, Level::Target] {
                let held = on_the_brink(random, &before, &ALL, at, start);
                vaults.extend([held, beyond(&held, random)]);
            }
            let change = proposal(Some(index), &arranged, &[(parameter, to)]);
            let role = random.pick(&[Role::Governance, Role::Guardian]);
            let after = market.foresees_change(role, &change).unwrap_or_else(|fault| panic!("{about}: {fault:?}"));
            compare(&before, &after, &vaults, start, &about);
            tried += 1;

            // What is possible after it was possible before.
            market.restores(&after);
            let possible = room(&people, symbol);
            market.restores(&before);
            for (action, saver, part) in possible.into_iter().filter(|(_, _, part)| *part > 0) {
                assert!(
                    does(&people, symbol, action, saver, part),
                    "{about}: {action:?} of {part}, by the saver: {saver}"
                );
            }

            // The next price.
            market.goes_to(start + random.between(1, 4_000));
            let factors = [random.between(700, 1_400), random.between(950, 1_050)];
            let factors = [factors[0], factors[0] * factors[1] / 1_000];
            market.restores(&after);
            let later = refreshed(market, symbol, factors);
            market.restores(&before);
            let earlier = refreshed(market, symbol, factors);
            if let Ok(later) = later {
                let earlier = earlier.unwrap_or_else(|fault| panic!("{about}: accepted after it alone: {fault:?}"));
                let notice = u64::from(begin.notice);
                assert!(market.second() < start + notice);
                compare(&earlier, &later, &vaults, market.second(), &format!("{about}, then {factors:?}"));
            }
        }
    }
    println!("seed {seed}: {tried} tightenings");
    assert!(tried >= cases);
}

/// All rows but one, see `findings`.
fn proven(parameter: P) -> bool {
    parameter != P::OutflowPeriod
}

#[test]
fn what_passes_at_once_improves_nobodys_position_and_liquidates_nobody_1() {
    tightened(1, more(3, 100), proven);
}

#[test]
fn what_passes_at_once_improves_nobodys_position_and_liquidates_nobody_2() {
    tightened(2, more(3, 100), proven);
}

/// Of the market: no proposal is due earlier, no rise begins earlier, no cap may grow further, and nobody's check moves.
#[test]
fn what_passes_at_once_of_the_market_hastens_nothing() {
    let people = people();
    let (market, random) = (&people.market, &mut Random::new(3));
    market.lists_bare(token("ETH")).unwrap();
    let eth = market.index("ETH");
    market.tampers_with_market(|market| {
        let (spot, shift) = (market.assets[1].spot, market.assets[1].price_shifts[0]);
        let asset = &mut market.assets[usize::from(eth)];
        (asset.spot, asset.price_shifts[0], asset.sources[0]) =
            (spot, shift, client::Source::new(SourceKind::PythPull, address("x"), 0));
    });
    let (begin, now) = (market.market(), market.second());
    let listed = Values::of(&begin, None);
    let asset = Values::of(&begin, Some(eth));
    let [cap, rise] = [P::DepositCap, P::HaircutMaint];
    // The largest first cap, when a proposal is due, and when a rise begins.
    let measure = |name: &str| {
        let propose = |to| proposal(Some(eth), &asset, &[(cap, to)]);
        let most = last(u64::MAX, |to| to == 0 || market.foresees_proposal(&propose(to)).is_ok()).unwrap();
        market.proposes(name, propose(most.min(1))).unwrap();
        let eta = market.waiting(name).eta;
        let raised = market.values_of("SOL", &[(rise, Values::of(&begin, Some(0)).get(rise) + 1)]);
        let risen = market.foresees_change(Role::Guardian, &raised).unwrap();
        (most, eta, risen.assets[0].ramp_start, risen.assets[0].ramp_end)
    };
    let mut tried = 0;
    for parameter in of(Scope::Market).filter(|parameter| parameter.row().tightens != Tightens::Never) {
        for case in 0..more(3, 100) {
            market.restores(&begin);
            let Some((arranged, to)) = (0..50).find_map(|_| draw(random, &listed, parameter, &[1 << 40])) else {
                continue;
            };
            market.arranges(None, &arranged.unlike(&listed));
            let (before, about) = (market.market(), format!("{} to {to}", parameter.name()));
            let change = proposal(None, &arranged, &[(parameter, to)]);
            let after = market.foresees_change(random.pick(&[Role::Governance, Role::Guardian]), &change).unwrap();
            let held = on_the_brink(random, &before, &ALL, Level::Init, now);
            compare(&before, &after, &[held, beyond(&held, random)], now, &about);
            let old = measure(&format!("before {case} {about}"));
            market.restores(&after);
            let new = measure(&format!("after {case} {about}"));
            assert!(new.0 <= old.0 && new.1 >= old.1 && new.2 >= old.2 && new.3 >= old.3, "{about}: {old:?}, {new:?}");
            tried += 1;
        }
    }
    assert!(tried > 8, "{tried}");
}
