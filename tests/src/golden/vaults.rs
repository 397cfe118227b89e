//! The vaults of the golden vectors: at random until every kind is there often enough, then at the edges.

use ballast_client::risk::price::{MAX_FORWARD_SECONDS, Unit};
use ballast_client::{Asset, BindingView, HealthView, LevelView, Market, Position, StateView};

use super::markets::START;
use super::{MarketCase, STATES, Vector, position};
use crate::random::Random;

const DEBT: u8 = 1;
/// Vectors for each margin state, and for each requirement at each level.
const PER_STATE: usize = 120;
const PER_BINDING: usize = 90;
const BINDINGS: [BindingView; 3] = [BindingView::Haircuts, BindingView::Portfolio, BindingView::Stress];

/// The levels of a view, from Init down.
pub fn levels(view: &HealthView) -> [&LevelView; 3] {
    [&view.init, &view.target, &view.maint]
}

/// How often each state, and each requirement at each level, has occurred.
#[derive(Default)]
struct Tally {
    states: [usize; 5],
    bindings: [[usize; 3]; 3],
}

impl Tally {
    fn add(&mut self, view: &HealthView) {
        self.states[at(&STATES, view.state)] += 1;
        for (counts, level) in self.bindings.iter_mut().zip(levels(view)).filter(|(_, level)| level.decided) {
            counts[at(&BINDINGS, level.binding)] += usize::from(level.requirement > 0);
        }
    }

    fn wants(&self, view: &HealthView) -> bool {
        let state = self.states[at(&STATES, view.state)] < PER_STATE;
        let mut parts = self.bindings.iter().zip(levels(view)).filter(|(_, level)| level.requirement > 0);
        let binding = parts.any(|(counts, level)| counts[at(&BINDINGS, level.binding)] < PER_BINDING);
        // Vaults without anything unusual come by themselves.
        state || (binding && view.state != StateView::Healthy)
    }

    fn full(&self) -> bool {
        self.states.iter().all(|count| *count >= PER_STATE)
            && self.bindings.iter().flatten().all(|count| *count >= PER_BINDING)
    }
}

fn at<T: PartialEq>(all: &[T], one: T) -> usize {
    all.iter().position(|other| *other == one).expect("one of all")
}

struct Draw<'a> {
    random: Random,
    accounts: Vec<Box<Market>>,
    markets: &'a [MarketCase],
}

/// All vectors.
pub fn all(markets: &[MarketCase]) -> Vec<Vector> {
    let accounts = markets.iter().map(MarketCase::account).collect();
    let mut draw = Draw { random: Random::new(0x90_1de4), accounts, markets };
    let mut vectors = draw.edges();
    vectors.extend(draw.thresholds(90));
    let mut tally = Tally::default();
    vectors.iter().for_each(|vector| tally.add(&vector.view));
    for _ in 0..100_000 {
        if tally.full() {
            break;
        }
        let market = draw.random.below(markets.len());
        let most = draw.random.pick(&[1, 7, 20, 32, 5, 3, 10]);
        let count = draw.random.between(1, most) as usize;
        let vector = draw.vector(market, count);
        if tally.wants(&vector.view) {
            tally.add(&vector.view);
            vectors.push(vector);
        }
    }
    assert!(tally.full(), "{:?} {:?}", tally.states, tally.bindings);
    vectors
}

impl Draw<'_> {
    fn asset(&self, market: usize, index: u8) -> &Asset {
        &self.markets[market].assets[usize::from(index)].asset
    }

    fn at(&self, market: usize, now: u64, positions: Vec<Position>) -> Vector {
        Vector::new(market, &self.accounts[market], now, positions, u64::MAX)
    }

    fn vector(&mut self, market: usize, count: usize) -> Vector {
        let positions = self.positions(market, count);
        let now = START + self.random.between(0, 280);
        let vector = self.at(market, now, positions);
        // A liquidator who cannot pay for all of it.
        match vector.plan {
            Some(plan) if self.random.percent(30) => {
                let most = plan.repay / self.random.between(1, 9) + 1;
                Vector::new(market, &self.accounts[market], now, vector.positions, most)
            }
            _ => vector,
        }
    }

    /// Deposits worth something, and debts worth a part of it.
    fn positions(&mut self, market: usize, count: usize) -> Vec<Position> {
        let assets = self.markets[market].assets.len();
        let mut chosen: Vec<u8> = (0..assets as u8).collect();
        while chosen.len() > count {
            let at = self.random.below(chosen.len());
            chosen.remove(at);
        }
        // Micro-dollars: from a fraction of a cent to ten billion dollars.
        let worth = self.random.scale(12, 53);
        let debts = worth / 1_000 * self.random.between(50, 1_250);
        let is_debt: Vec<bool> = chosen.iter().map(|_| self.random.percent(45)).collect();
        let count = |side: bool| is_debt.iter().filter(|debt| **debt == side).count().max(1) as u64;
        let parts = [worth / count(false), debts / count(true)];
        let mut positions = vec![];
        for (index, debt) in chosen.iter().zip(&is_debt) {
            let part = parts[usize::from(*debt)];
            let value = part / 2 + self.random.between(0, part);
            let shares = shares(self.asset(market, *index), *debt, value).unwrap_or_else(|| self.random.scale(1, 64));
            positions.push(position(*index, u8::from(*debt), shares.max(1)));
        }
        positions
    }

    /// Debts on both sides of a limit: the largest that passes a level, and one share more.
    fn thresholds(&mut self, pairs: usize) -> Vec<Vector> {
        let mut vectors = vec![];
        while vectors.len() < 2 * pairs {
            let market = self.random.below(self.markets.len());
            let count = self.random.between(2, 9) as usize;
            let vector = self.vector(market, count);
            let level = vectors.len() / 2 % 3;
            let passes = |view: &HealthView| levels(view)[level].decided && levels(view)[level].passes;
            let Some(last) = vector.positions.iter().rposition(|held| held.side == DEBT) else { continue };
            let with = |shares: u64| {
                let mut positions = vector.positions.clone();
                positions[last].shares = shares;
                self.at(market, vector.now, positions)
            };
            let (mut good, mut bad) = (1, u64::MAX);
            if !passes(&with(good).view) || passes(&with(bad).view) {
                continue;
            }
            while bad - good > 1 {
                let middle = good + (bad - good) / 2;
                if passes(&with(middle).view) { good = middle } else { bad = middle }
            }
            // Beyond the number format nothing is decided; that is another edge.
            if levels(&with(bad).view)[level].decided {
                vectors.extend([with(good), with(bad)]);
            }
        }
        vectors
    }

    fn edges(&mut self) -> Vec<Vector> {
        let mut vectors = vec![];
        let largest = (0..self.markets.len()).max_by_key(|at| self.markets[*at].assets.len()).expect("a market");
        // Every number of positions, then all of one side.
        for count in 0..=32 {
            vectors.push(self.vector(largest, count));
        }
        for side in 0..=DEBT {
            let mut positions = self.positions(largest, 32);
            positions.iter_mut().for_each(|held| held.side = side);
            vectors.push(self.at(largest, START + 1, positions));
        }
        for market in 0..self.markets.len() {
            vectors.extend(self.times(market));
            vectors.extend(self.amounts(market));
        }
        vectors
    }

    /// Around every second at which something changes.
    fn times(&mut self, market: usize) -> Vec<Vector> {
        let positions = self.positions(market, 6);
        let first = *self.asset(market, positions[0].asset);
        let (valid, fallback) = (self.markets[market].market.valid_until, self.markets[market].market.fallback_until);
        let mut seconds = vec![0, first.accrued_at - 1, first.usable_until, first.usable_until + 1];
        seconds.push(first.accrued_at + MAX_FORWARD_SECONDS);
        if valid > 0 && valid < START + 1_000 {
            seconds.extend([valid, valid + 1, fallback - 1, fallback]);
        }
        if first.ramp_end > START {
            seconds.extend([first.ramp_start, first.ramp_start + 1, first.ramp_end - 1, first.ramp_end]);
        }
        // Prices that stay usable, so that it is the second that decides.
        seconds.into_iter().map(|now| self.at(market, now, positions.clone())).collect()
    }

    /// One share, all shares, and the largest value that a position may have.
    fn amounts(&mut self, market: usize) -> Vec<Vector> {
        let index = self.random.below(self.markets[market].assets.len().min(3)) as u8;
        let now = START + 60;
        let one = |side, shares| self.at(market, now, vec![position(index, side, shares)]);
        let mut vectors = vec![one(0, 1), one(DEBT, u64::MAX), one(0, u64::MAX)];
        for side in 0..=DEBT {
            let fits = |shares| one(side, shares).view.maint.decided;
            let (mut good, mut bad) = (1, u64::MAX);
            if !fits(good) || fits(bad) {
                continue;
            }
            while bad - good > 1 {
                let middle = good + (bad - good) / 2;
                if fits(middle) { good = middle } else { bad = middle }
            }
            vectors.extend([one(side, good), one(side, bad)]);
        }
        vectors
    }
}

/// Shares that are worth a value, as far as 64 bits go; `None` without a price.
fn shares(asset: &Asset, debt: bool, value: u64) -> Option<u64> {
    let at = usize::from(debt);
    let unit = Unit { mantissa: asset.units[at], shift: asset.unit_shifts[at] };
    if unit.mantissa == 0 {
        return None;
    }
    // Beyond this it is more than 64 bits anyway.
    if u32::from(unit.shift) + u64::BITS - value.leading_zeros() > 120 {
        return Some(u64::MAX);
    }
    let exact = (u128::from(value) << unit.shift) / u128::from(unit.mantissa);
    Some(u64::try_from(exact).unwrap_or(u64::MAX))
}
