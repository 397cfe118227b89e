//! Vaults from draws, and what brings them to their threshold.

use ballast_risk::haircut::{Depth, MIN_DEPTH};
use ballast_risk::health::{Level, Position, Side, assess};
use ballast_risk::model::{Sensitivities, Terms};
use ballast_risk::params::Levels;
use ballast_risk::price::{MAX_FORWARD_SECONDS, Price};
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Error, Fraction, Index, Rate, Shares, Usd};
use proptest::prelude::*;

use super::market::{governed, sensitivities, window};
use super::model::Governed;
use super::priced;
use super::source::{Draw, Features, Source, draws};
use super::vault::{Held, ONE, Vault};

/// Streams of a [`Draw`], each followed by one for every position.
const SHAPE: u64 = 2;
const WORTH: u64 = 1_000;
const TERMS: u64 = 2_000;
const MOVES: u64 = 3_000;
const MOVED: u64 = 4_000;

/// From this shift of a price on, there is a unit at every index; one more for a price that is raised.
const LISTED: u64 = 47;

/// How the positions of a vault relate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing in common.
    Any,
    /// Every second one is a debt that moves like the deposit before it and is worth almost the same.
    Hedged,
    /// One is much larger than the others.
    Concentrated,
    /// Deposits, and debts of a fraction of their value.
    Solvent,
}

struct Shape {
    kind: Kind,
    /// Bits of a value.
    size: u64,
}

/// 0 to `most` positions in any market.
pub fn vaults(most: u32) -> impl Strategy<Value = Vault> {
    draws(most).prop_map(|draw| vault(&draw))
}

/// The same where correlation and scenarios matter, whatever else there is.
pub fn modelled(most: u32) -> impl Strategy<Value = Vault> {
    draws(most).prop_map(|mut draw| {
        draw.features = draw.features.with(Features::NETTING);
        vault(&draw)
    })
}

/// The same in a market whose model changes: soon, now, or until a moment ago.
pub fn changing(most: u32) -> impl Strategy<Value = Vault> {
    draws(most).prop_map(|mut draw| {
        draw.features = draw.features.with(Features::CHANGING);
        vault(&draw)
    })
}

fn vault(draw: &Draw) -> Vault {
    let (rules, now) = governed(draw);
    let s = &mut draw.of(SHAPE);
    let kind = s.one_of(&[Kind::Any, Kind::Hedged, Kind::Hedged, Kind::Concentrated, Kind::Solvent]);
    let shape = Shape { kind, size: s.below(57) };
    let kept = (0..32u64).filter(|k| draw.keep >> k & 1 == 1);
    let held = kept.map(|k| held(draw, &rules, now, &shape, k)).collect();
    Vault { model: rules.model(), rules, now, held }
}

fn held(draw: &Draw, rules: &Governed, now: u64, shape: &Shape, k: u64) -> Held {
    let (hedged, on) = (shape.kind == Kind::Hedged, draw.features);
    // The two of a hedge share what they are worth and how they move.
    let alike = if hedged { k / 2 } else { k };
    let mut held = worth(&mut draw.of(WORTH + alike), shape, k, on);
    let s = &mut draw.of(TERMS + k);
    held.side = match shape.kind {
        Kind::Hedged if k.is_multiple_of(2) => Side::Deposit,
        Kind::Hedged => Side::Debt,
        _ => s.one_of(&[Side::Deposit, Side::Debt]),
    };
    if held.side == Side::Debt && matches!(shape.kind, Kind::Hedged | Kind::Solvent) {
        held.shares -= held.shares >> s.below(24);
    }
    held.careful = careful(s, held.side, held.price);
    let moves = |stream, terms: &Terms| sensitivities(draw, stream + alike, terms);
    held.moves = moves(MOVES, &rules.terms());
    // A model may be set anew with the same coefficients, in part.
    let stream = if s.one_in(4) { MOVES } else { MOVED };
    held.before = rules.change.map_or(Sensitivities::NONE, |change| moves(stream, &change.before));
    held.columns = [held.moves, held.before].map(|moves| moves.columns());
    if on.has(Features::DEPTH) {
        held.depth = depth(s, shape.size);
    }
    if on.has(Features::MARGINS) {
        held.from = levels(s);
        held.to = held.from;
        if on.has(Features::RAMP) {
            held.to = levels(s);
            held.window = window(s, now);
        }
    }
    if on.has(Features::VOLATILITY) {
        held.volatility = match s.below(4) {
            0 => ONE,
            1 => 16 << 16,
            _ => s.between_u32(ONE, 16 << 16),
        };
    }
    held
}

/// Shares, index and price of a position whose value has about as many bits as its place in the shape asks for.
fn worth(s: &mut Source, shape: &Shape, k: u64, on: Features) -> Held {
    let bits = match shape.kind {
        Kind::Any if on.has(Features::SIZES) => s.below(58),
        Kind::Concentrated if k > 0 => shape.size.saturating_sub(6 + s.below(24)),
        _ => shape.size.saturating_sub(s.below(5)),
    };
    let shares = s.word();
    let (mut index, mut rate, mut elapsed) = (Index::ONE, Rate::ZERO, 0);
    if on.has(Features::INTEREST) {
        index = Index::new(s.between(Index::ONE.get(), u64::MAX));
        rate = Rate::new(s.between_u32(0, Rate::LIMIT.get()));
        elapsed = s.between(0, MAX_FORWARD_SECONDS - 1);
    }
    let length = u64::from(64 - shares.leading_zeros()) + u64::from(12 - index.get().leading_zeros());
    let price = priced(s.bits(), (length + 64).saturating_sub(bits).max(LISTED));
    Held { shares, index, price, careful: price, rate, elapsed, ..Held::plain() }
}

/// The same price, a few per cent off, or up to a half.
fn careful(s: &mut Source, side: Side, price: Price) -> Price {
    let off = Fraction::new(match s.below(4) {
        0 => 0,
        1 => s.between_u32(0, 1 << 31),
        _ => s.between_u32(0, 1 << 27),
    });
    let moved = if side == Side::Deposit { price.lowered_floor(off) } else { price.raised_ceil(off) };
    moved.unwrap_or(price)
}

/// Any depth, or one that a value of so many bits feels.
fn depth(s: &mut Source, bits: u64) -> Depth {
    let low = MIN_DEPTH.get();
    let depth = match s.below(4) {
        0 => 0,
        1 => s.between(low, MAX_VALUE - 1),
        _ => ((1 << (bits + s.below(4))) + s.bits() % (1 << bits)).clamp(low, MAX_VALUE - 1),
    };
    Depth::new(Usd::new(depth)).unwrap()
}

fn levels(s: &mut Source) -> Levels {
    let mut part = [s.fraction(), s.fraction(), s.fraction()];
    if s.one_in(4) {
        part = [part[0]; 3];
    }
    part.sort_unstable();
    Levels { maint: part[0], target: part[1], init: part[2] }
}

/// The shares of one position with which a check just passes, and just fails.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    pub at: usize,
    pub passes: u64,
    pub fails: u64,
}

impl Vault {
    pub fn with_shares(mut self, at: usize, shares: u64) -> Self {
        self.held[at].shares = shares;
        self
    }

    /// The threshold of a level, by one debt; by one deposit where the vault fails without that debt or has none. Vaults
    /// drawn at random are rarely close to it.
    pub fn threshold(&self, level: Level, which: u64) -> Option<Threshold> {
        self.by(Side::Debt, level, which).or_else(|| self.by(Side::Deposit, level, which))
    }

    fn by(&self, side: Side, level: Level, which: u64) -> Option<Threshold> {
        let of_side: Vec<usize> = (0..self.held.len()).filter(|at| self.held[*at].side == side).collect();
        let at = *of_side.get(usize::try_from(which % u64::try_from(of_side.len().max(1)).unwrap()).unwrap())?;
        let mut positions: Vec<Position<1>> =
            self.held.iter().map(|held| held.position([level], level.prices(), self.now)).collect();
        let rules = [self.model.rules(level, self.now)];
        let mut pass = |shares: u64| {
            positions[at].shares = Shares::new(shares);
            // A position that is refused for its size does not pass either.
            let health = assess::<1, Error>(&rules, level.prices(), positions.iter().copied().map(Ok), &mut None);
            health.is_ok_and(|[health]| health.passes())
        };
        let (mut passes, mut fails) = if side == Side::Debt { (0, u64::MAX) } else { (u64::MAX, 0) };
        if side == Side::Deposit {
            // The largest deposit that is not refused.
            let unit = &self.held[at].clone();
            let fits = |shares: u64| Held { shares, ..*unit }.fits(level.prices());
            while passes > 0 && !fits(passes) {
                passes /= 2;
            }
        }
        if !pass(passes) || pass(fails) {
            return None;
        }
        while passes.abs_diff(fails) > 1 {
            let middle = passes.min(fails) + passes.abs_diff(fails) / 2;
            if pass(middle) { passes = middle } else { fails = middle }
        }
        Some(Threshold { at, passes, fails })
    }
}
