//! The figures of one check, by hand: what passes, what decides, and what is shown (risk model 3 and 4).
use crate::reference::model::Governed;
use crate::reference::vault::*;
use ballast_risk::health::{Binding, Health, Level, Modelled, Prices, Side, assess};
use ballast_risk::model::{Rules, Sensitivities};
use ballast_risk::params::Levels;
use ballast_risk::{Error, Fraction, Rate, Usd};

fn health(assets: u64, debts: u64, floor: u64, modelled: Modelled) -> Health {
    let [assets, debts, floor] = [assets, debts, floor].map(Usd::new);
    Health { assets, debts, haircuts: floor, floor, modelled }
}

/// Each of the three requirements to the unit.
#[test]
fn what_passes() {
    let none = Modelled::default();
    for (assets, debts, floor, passes) in [
        (0, 0, 0, true),
        (100, 60, 40, true),
        (99, 60, 40, false),
        (100, 61, 40, false),
        (100, 60, 41, false),
        (u64::MAX >> 2, 1, u64::MAX, false),
    ] {
        assert_eq!(health(assets, debts, floor, none).passes(), passes, "{assets} {debts} {floor}");
    }
    // Equity in units, its square, and the loss: `loss / tail` in 2^-16.
    let whole = 1 << 16;
    for (equity, squared, loss, tail, passes) in [
        (10, 100, 0, 0, true),
        (10, 101, 0, 0, false),
        (9, 100, 0, 0, false),
        (-10, 100, 0, 0, false),
        (-1, 0, 0, 0, true),
        (-1, 0, 1, 1, false),
        (10, 0, 10 * whole, 1, true),
        (10, 0, 10 * whole + 1, 1, false),
        (10, 0, 20 * whole, 2, true),
        (10, 0, 20 * whole + 1, 2, false),
        (10, 100, 30 * whole, 3, true),
        (10, 101, 30 * whole, 3, false),
        (10, 100, 30 * whole + 1, 3, false),
    ] {
        let modelled = Modelled { equity, squared, loss, tail, ..none };
        assert_eq!(health(1 << 40, 0, 0, modelled).passes(), passes, "{modelled:?}");
        assert!(!health(0, 1, 0, modelled).passes());
    }
}

#[test]
fn what_is_shown() {
    let modelled = Modelled { shift: 3, equity: 0, squared: 10, loss: 7 << 16, tail: 2, worst: 1 };
    let of = |floor| health(1_000, 300, floor, modelled);
    // The root of 10 is 4 rounded up, the half of 7 as well, and a unit is 8 micro-dollars.
    let shown = of(31);
    assert_eq!((shown.portfolio().get(), shown.portfolio_squared(), shown.stress().get()), (32, 640, 32));
    // Of the equity of 700, 700 are lost by rounding the exposures; they are required as well.
    assert_eq!((shown.requirement().get(), shown.binding(), shown.equity()), (732, Binding::Portfolio, 700));
    let whole = |equity| health(1_000, 300, 31, Modelled { equity, ..modelled }).requirement().get();
    assert_eq!((whole(87), whole(88), whole(80)), (32 + 4, 32, 32 + 60));
    // Of equal ones the first decides.
    assert_eq!((of(32).requirement().get(), of(32).binding()), (732, Binding::Haircuts));
    assert_eq!((of(733).requirement().get(), of(733).binding()), (733, Binding::Haircuts));
    let more = |squared, loss| health(0, 5, 31, Modelled { squared, loss, ..modelled });
    assert_eq!((more(9, 7 << 16).requirement().get(), more(9, 7 << 16).binding()), (32, Binding::Stress));
    assert_eq!((more(9, (6 << 16) + 1).stress().get(), more(9, 6 << 16).stress().get()), (32, 24));
    assert_eq!((more(9, 6 << 16).binding(), more(9, 6 << 16).equity()), (Binding::Haircuts, -5));
    let large = health(0, 0, 0, Modelled { shift: 31, squared: u64::MAX, ..Modelled::default() });
    assert_eq!(large.portfolio_squared(), u128::from(u64::MAX) << 62);
    // Nothing to divide by.
    assert_eq!(health(1, 0, 0, Modelled { loss: 1 << 16, ..Modelled::default() }).stress().get(), 1);
    assert_eq!(health(1, 0, 0, Modelled::default()).binding(), Binding::Haircuts);
}

#[test]
fn levels_and_their_prices() {
    assert_eq!(Level::ALL.map(|level| level.of([1, 2, 3])), [1, 2, 3]);
    assert_eq!(Level::ALL.map(Level::prices), [Prices::Conservative, Prices::Spot, Prices::Spot]);
}

/// 2,000 dollars against 1,000: haircuts of a tenth and add-ons of a fifth, at `Init` times 1.5, a quarter of it by the floor.
#[test]
fn a_vault_by_hand() {
    const DOLLAR: u64 = 1_000_000;
    let part = |x: u32| Fraction::new(x);
    let margins = |maint: u32| Levels { init: part(2 * maint), target: part(maint + (1 << 20)), maint: part(maint) };
    let moves = Sensitivities { loadings: [1 << 28, 0, 0, 0, 0, 0], ..Sensitivities::NONE };
    let held = |side, dollars: u64, maint| Held {
        // Half a micro-dollar a share.
        shares: 2 * dollars * DOLLAR,
        side,
        from: margins(maint),
        to: margins(maint),
        volatility: 3 << 15,
        moves,
        columns: coefficients(&moves),
        ..Held::plain()
    };
    let mut rules = Governed::plain();
    (rules.netting, rules.factors, rules.lambdas) = (true, 1, [4 << 16, 2 << 16, 1 << 16]);
    (rules.floor, rules.valid_until) = (part(1 << 30), 1_000);
    // An eighth and a quarter.
    let held = vec![held(Side::Deposit, 2_000, 1 << 29), held(Side::Debt, 1_000, 1 << 30)];
    let vault = Vault { model: rules.model(), rules, now: 1_000, held };
    let [target, maint] = vault.at([Level::Target, Level::Maint], Prices::Spot).unwrap();
    // The unit of the debt is two parts of 2^30 too high and its value rounded up; haircut, add-on and floor round up too.
    assert_eq!((maint.assets.get(), maint.debts.get()), (2_000 * DOLLAR, 1_000 * DOLLAR + 2));
    let near = |got: Usd, dollars: u64| got.get() >= dollars * DOLLAR && got.get() <= dollars * DOLLAR + 4;
    assert!(near(maint.haircuts, 250 + 250) && near(maint.floor, 125), "{maint:?}");
    // A quarter of a net thousand, times lambda. A unit is two micro-dollars.
    assert_eq!(maint.modelled.shift, 1);
    assert!(near(maint.portfolio(), 250) && near(target.portfolio(), 500));
    assert_eq!((maint.binding(), target.binding()), (Binding::Portfolio, Binding::Portfolio));
    // The target's margins are 2^20 of 2^32 more: 488,281.25 and 244,140.625 micro-dollars.
    let more = target.haircuts.get() - maint.haircuts.get();
    assert!((732_421..=732_424).contains(&more), "{more}");
    // Three eighths and three quarters at `Init`, where lambda is four: exactly the net thousand, and a little.
    let init = vault.check(Level::Init).unwrap();
    assert!(near(init.haircuts, 750 + 750) && near(init.floor, 375) && near(init.portfolio(), 1_000));
    assert!(!init.passes() && target.passes() && maint.passes());
}

/// A haircut requirement beyond 64 bits counts as that, whatever the floor: only the cost of size gets so large.
#[test]
fn what_is_saturated_stays_so() {
    let depth = ballast_risk::haircut::Depth::new(Usd::new(1 << 33)).unwrap();
    let debt = Held { side: Side::Debt, shares: 1 << 55, depth, ..Held::plain() };
    let deposit = Held { shares: 1 << 56, ..Held::plain() };
    let held = [deposit, debt];
    let of = |floor: u32| {
        let rules = [Rules { floor: Fraction::new(floor), ..Rules::HAIRCUTS }];
        let positions = held.iter().map(|held| Ok(held.position([Level::Maint], Prices::Spot, 0)));
        assess::<1, Error>(&rules, Prices::Spot, positions, &mut None).unwrap()[0]
    };
    for floor in [0, 1, u32::MAX] {
        assert_eq!((of(floor).haircuts, of(floor).floor, of(floor).passes()), (Usd::MAX, Usd::MAX, false));
    }
}

#[test]
fn yearly_rates_become_rates_per_second() {
    let rate = |bps| Rate::from_yearly_bps(bps).map(Rate::get);
    // 2^52 / 31,536,000, rounded down.
    assert_eq!((rate(0), rate(10_000)), (Some(0), Some(142_808_207)));
    assert_eq!((rate(150_375), rate(150_376), rate(u32::MAX)), (Some(2_147_478_418), None, None));
    let part = |bps| Fraction::from_bps(bps);
    assert_eq!((part(10_000), part(10_001), part(0)), (Some(Fraction::MAX), None, Some(Fraction::ZERO)));
}
