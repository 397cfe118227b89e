//! The exact reference, written from the risk model, and the generators that look for its edges.
//!
//! Every number of the model except a quotient is dyadic, so [`Exact`] carries an unbounded integer and a count of
//! binary places: exact, and much cheaper than a fraction that is reduced after each step. The only quotient in the
//! requirement is `V^2 / L`; it is bracketed to 2^-[`QUOTIENT_PLACES`] and each test says which end it needs.
#![allow(dead_code)]

pub mod anything;
pub mod failing;
pub mod generate;
pub mod market;
pub mod model;
pub mod pair;
pub mod source;
pub mod vault;

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use ballast_risk::haircut::{Depth, MIN_DEPTH};
use ballast_risk::price::{MAX_SHIFT, MIN_SHIFT, Price};
use ballast_risk::units::MAX_VALUE;
use ballast_risk::{Amount, Fraction, Index, Rate, Shares, Usd};
use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

/// Cases of each property, a hundred times as many with `BALLAST_DEEP=1`. `BALLAST_CASES` chooses a smaller number, for
/// `cargo xtask mutants`, which runs the tests hundreds of times.
pub const USUAL: u32 = 200_000;
/// Cases of the properties of risk model 3.4, which promises them.
pub const PROMISED: u32 = 1_000_000;

fn cases(usual: u32) -> u32 {
    let wanted = if deep() { 100 * usual } else { usual };
    match std::env::var("BALLAST_CASES") {
        Ok(chosen) => wanted.min(chosen.parse().unwrap()),
        Err(_) => wanted,
    }
}

fn deep() -> bool {
    std::env::var("BALLAST_DEEP").is_ok_and(|value| value == "1")
}

/// Runs a property over [`USUAL`] inputs. The normal run always draws the same ones; a deep run starts somewhere else
/// each time and prints the smallest failing input like any other.
pub fn holds<S: Strategy>(input: S, property: impl Fn(S::Value) -> TestCaseResult) {
    holds_for(USUAL, input, property);
}

/// The same over another number of inputs.
pub fn holds_for<S: Strategy>(usual: u32, input: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let mut seed = *b"ballast-risk-ref";
    if deep() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        seed = now.as_nanos().to_le_bytes();
    }
    let config = Config { cases: cases(usual), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::XorShift, &seed));
    if let Err(error) = runner.run(&input, property) {
        panic!("{error}");
    }
}

// ---------------------------------------------------------------------------------------------- exact numbers

/// `n * 2^-places`.
#[derive(Clone, Debug)]
pub struct Exact {
    n: BigInt,
    places: u32,
}

/// Binary places of the bracket around a quotient.
pub const QUOTIENT_PLACES: u32 = 640;

/// Which end of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Low,
    High,
}

impl Exact {
    pub fn new(n: impl Into<BigInt>, places: u32) -> Self {
        Self { n: n.into(), places }
    }

    pub fn int(n: impl Into<BigInt>) -> Self {
        Self::new(n, 0)
    }

    pub fn zero() -> Self {
        Self::int(0)
    }

    pub fn one() -> Self {
        Self::int(1)
    }

    /// `2^-places`.
    pub fn tick(places: u32) -> Self {
        Self::new(1, places)
    }

    pub fn negative(&self) -> bool {
        self.n.sign() == Sign::Minus
    }

    /// `self * 2^-places`.
    pub fn halved(mut self, places: u32) -> Self {
        self.places += places;
        self
    }

    /// `self / divisor`, one end of a bracket of width 2^-[`QUOTIENT_PLACES`].
    pub fn over(&self, divisor: u64, end: End) -> Self {
        self.over_at(divisor, QUOTIENT_PLACES, end)
    }

    /// The same with another width.
    pub fn over_at(&self, divisor: u64, places: u32, end: End) -> Self {
        assert!(self.places <= places && !self.negative());
        let scaled = &self.n << (places - self.places);
        let extra = if end == End::High { divisor - 1 } else { 0 };
        Self::new((scaled + extra) / divisor, places)
    }

    /// The integer that a whole number is.
    pub fn to_integer(&self) -> BigInt {
        &self.n >> self.places
    }

    pub fn at_least(self, other: Self) -> Self {
        if self < other { other } else { self }
    }

    pub fn at_most(self, other: Self) -> Self {
        if self > other { other } else { self }
    }

    pub fn min_one(self) -> Self {
        self.at_most(Self::one())
    }

    fn aligned(&self, places: u32) -> BigInt {
        if places == self.places { self.n.clone() } else { &self.n << (places - self.places) }
    }
}

impl Add for &Exact {
    type Output = Exact;
    fn add(self, other: &Exact) -> Exact {
        let places = self.places.max(other.places);
        Exact::new(self.aligned(places) + other.aligned(places), places)
    }
}

impl Sub for &Exact {
    type Output = Exact;
    fn sub(self, other: &Exact) -> Exact {
        let places = self.places.max(other.places);
        Exact::new(self.aligned(places) - other.aligned(places), places)
    }
}

impl Mul for &Exact {
    type Output = Exact;
    fn mul(self, other: &Exact) -> Exact {
        Exact::new(&self.n * &other.n, self.places + other.places)
    }
}

impl Neg for Exact {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.n, self.places)
    }
}

macro_rules! by_value {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Exact {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                (&self).$method(&other)
            }
        }
        impl $trait<&Exact> for Exact {
            type Output = Self;
            fn $method(self, other: &Self) -> Self {
                (&self).$method(other)
            }
        }
        impl $trait<Exact> for &Exact {
            type Output = Exact;
            fn $method(self, other: Exact) -> Exact {
                self.$method(&other)
            }
        }
    )*};
}
by_value!(Add add, Sub sub, Mul mul);

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let places = self.places.max(other.places);
        Some(self.aligned(places).cmp(&other.aligned(places)))
    }
}

pub fn fraction(x: Fraction) -> Exact {
    Exact::new(x.get(), 32)
}

/// A haircut: `MAX` stands for the whole.
pub fn haircut(x: Fraction) -> Exact {
    if x == Fraction::MAX { Exact::one() } else { fraction(x) }
}

pub fn index(x: Index) -> Exact {
    Exact::new(x.get(), 52)
}

pub fn price(x: Price) -> Exact {
    Exact::new(x.mantissa(), u32::from(x.shift()))
}

pub fn amount(x: Amount) -> Exact {
    Exact::int(x.get())
}

pub fn shares(x: Shares) -> Exact {
    Exact::int(x.get())
}

pub fn usd(x: Usd) -> Exact {
    Exact::int(x.get())
}

/// `1 + rate x elapsed`.
pub fn growth(rate: Rate, elapsed: u64) -> Exact {
    Exact::new((1u128 << 52) + u128::from(rate.get()) * u128::from(elapsed), 52)
}

pub fn rational(n: impl Into<BigInt>, d: impl Into<BigInt>) -> BigRational {
    BigRational::new(n.into(), d.into())
}

// ---------------------------------------------------------------------------------------------- risk model 3.1

/// `integral from 0 to V of min(1, h + 2 v / L) dv`.
pub fn hair(value: &Exact, h: Fraction, depth: Depth, end: End) -> Exact {
    hair_at(value, &haircut(h), depth, end)
}

/// The same with any number as haircut.
pub fn hair_at(value: &Exact, h: &Exact, depth: Depth, end: End) -> Exact {
    let l = depth.parts().0;
    if l == 0 {
        return value * h;
    }
    let rest = Exact::one() - h;
    // The margin reaches one where 2 v / L = 1 - h.
    let full = (&rest * &Exact::int(l)).halved(1);
    if *value < full {
        return value * h + (value * value).over(l, end);
    }
    // Up to there h v + v^2 / L = (1 - h) L (1 + h) / 4; slope one after.
    let there = (&full * &(Exact::one() + h)).halved(1);
    there + (value - &full)
}

/// `V g + V^2 / L`.
pub fn addon(value: &Exact, g: Fraction, depth: Depth, end: End) -> Exact {
    addon_at(value, &fraction(g), depth, end)
}

/// The same with any number as add-on.
pub fn addon_at(value: &Exact, g: &Exact, depth: Depth, end: End) -> Exact {
    let linear = value * g;
    match depth.parts().0 {
        0 => linear,
        l => linear + (value * value).over(l, end),
    }
}

// ---------------------------------------------------------------------------------------------- generators

/// Half of the words have a random number of bits; the rest are whole, powers of two and their neighbours, and ends.
fn edgy(word: u64, kind: u16) -> u64 {
    let n = u32::from(kind >> 3) & 63;
    match kind & 7 {
        0 | 1 => word,
        2..=4 => word >> n,
        5 => (1 << n) + (word & 1),
        6 => (1 << n) - 1,
        _ if n & 1 == 0 => u64::MAX - (word & 7),
        _ => word & 7,
    }
}

pub fn word() -> impl Strategy<Value = u64> {
    (any::<u64>(), any::<u16>()).prop_map(|(word, kind)| edgy(word, kind))
}

/// Both ends and everything between, small distances from the lower end as likely as large ones.
pub fn between(low: u64, high: u64) -> impl Strategy<Value = u64> {
    (any::<u64>(), any::<u16>()).prop_map(move |(word, kind)| pick(low, high, word, kind))
}

pub fn pick(low: u64, high: u64, word: u64, kind: u16) -> u64 {
    let span = high - low;
    let x = edgy(word, kind);
    if x > u64::MAX - 8 {
        return high - (word & 7).min(span);
    }
    let mask = if span == 0 { 0 } else { u64::MAX >> span.leading_zeros() };
    let x = x & mask;
    low + if x > span { x - span } else { x }
}

pub fn fractions() -> impl Strategy<Value = Fraction> {
    (any::<u64>(), any::<u16>()).prop_map(|(word, kind)| {
        let x = u32::try_from(edgy(word, kind) & 0xffff_ffff).unwrap();
        match kind >> 12 {
            0 => Fraction::MAX,
            1 => Fraction::from_bps(u16::try_from(x % 10_001).unwrap()).unwrap(),
            _ => Fraction::new(x),
        }
    })
}

pub fn indexes() -> impl Strategy<Value = Index> {
    between(Index::ONE.get(), u64::MAX).prop_map(Index::new)
}

pub fn rates() -> impl Strategy<Value = Rate> {
    between(0, u64::from(Rate::LIMIT.get())).prop_map(|x| Rate::new(u32::try_from(x).unwrap()))
}

pub fn prices() -> impl Strategy<Value = Price> {
    (word(), between(u64::from(MIN_SHIFT), u64::from(MAX_SHIFT))).prop_map(|(m, s)| priced(m, s))
}

/// A price of any mantissa word, and a shift brought into range.
pub fn priced(mantissa: u64, shift: u64) -> Price {
    let shift = shift.clamp(u64::from(MIN_SHIFT), u64::from(MAX_SHIFT));
    Price::from_parts(mantissa | 1 << 63, u8::try_from(shift).unwrap()).unwrap()
}

pub fn depths() -> impl Strategy<Value = Depth> {
    (any::<u64>(), any::<u16>()).prop_map(|(word, kind)| {
        if kind >> 14 == 0 {
            return Depth::OFF;
        }
        Depth::new(Usd::new(pick(MIN_DEPTH.get(), MAX_VALUE - 1, word, kind))).unwrap()
    })
}

pub fn values() -> impl Strategy<Value = u64> {
    between(0, MAX_VALUE - 1)
}
