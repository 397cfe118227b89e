//! Random play by several people, with prices and time that move, and what must hold after every step.

use ballast_client::event::BadDebtAbsorbed;
use ballast_client::{Asset, StateView};
use ballast_tests::*;

pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Exact reserve of an asset in 2^-52 of a unit.
fn reserve(asset: &Asset) -> u128 {
    let worth = |shares: u64, index: u64| u128::from(shares) * u128::from(index);
    (u128::from(asset.cash) << 52) + worth(asset.debt_shares, asset.borrow_index)
        - worth(asset.deposit_shares, asset.supply_index)
}

/// What never goes down, whatever anybody does, but for debts that were written off.
fn only_grows(before: &[Asset], after: &[Asset], losses: &[BadDebtAbsorbed]) {
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        assert!(after.borrow_index >= before.borrow_index);
        assert!(after.accrued_at >= before.accrued_at && after.publish_time >= before.publish_time);
        match losses.iter().find(|loss| usize::from(loss.asset) == index) {
            None => {
                assert!(after.supply_index >= before.supply_index);
                assert!(reserve(after) >= reserve(before), "the reserve pays for nobody");
            }
            // Paid once: what was owed is missing, of the one or of the other, and no more (but for the unit of rounding).
            Some(loss) => {
                assert!((loss.by_reserve + loss.by_depositors).abs_diff(loss.debt) <= 1);
                let owned = |asset: &Asset| u128::from(asset.deposit_shares) * u128::from(asset.supply_index);
                let units = |units: u64| u128::from(units + 1) << 52;
                assert!(owned(after) + units(loss.by_depositors) >= owned(before));
                assert!(reserve(after) + units(loss.by_reserve) >= reserve(before));
            }
        }
    }
}

/// The last price of an asset times a factor, as text, not too far from where it started.
fn moved(market: &Fixture, symbol: &'static str, factor: f64) -> &'static str {
    let start: f64 = assets::token(symbol).price.parse().unwrap();
    let last: f64 = market.token(symbol).price.parse().unwrap();
    let price = (last * factor).clamp(start / 4.0, start * 4.0);
    let decimals = if start < 0.01 { 10 } else { 6 };
    Box::leak(format!("{price:.decimals$}").into_boxed_str())
}

/// The positions of everybody but one.
fn others<'a>(people: &'a [Actor], but: &'a Actor) -> impl Iterator<Item = Vec<u8>> + 'a {
    let other = people.iter().filter(|person| person.address() != but.address());
    other.map(|person| bytemuck::bytes_of(&person.vault()).to_vec())
}

/// A debt of somebody and a deposit of his.
fn pair(of: &Actor, dice: &mut Dice) -> Option<(&'static str, &'static str)> {
    let vault = of.vault();
    let on = |side: u8| -> Vec<_> {
        let held = vault.used().iter().filter(|held| held.side == side);
        held.map(|held| assets::STANDARD[usize::from(held.asset)]).collect()
    };
    let (debts, deposits) = (on(1), on(0));
    (!debts.is_empty() && !deposits.is_empty()).then(|| (dice.one_of(&debts), dice.one_of(&deposits)))
}

fn plays(seed: u64, rounds: usize) {
    let mut dice = Dice(seed);
    let market = Fixture::new().stocked();
    let symbols = assets::STANDARD;
    let people: Vec<_> = ["ann", "ben", "cyd", "dea"]
        .map(|name| {
            let wallet: Vec<_> = symbols.iter().map(|symbol| market.worth(symbol, 20_000)).collect();
            let person = market.actor(name, &wallet);
            person.deposits(market.worth("SOL", 5_000)).unwrap();
            person
        })
        .into();
    let (mut done, mut liquidated, mut lost) = (0, 0, 0);
    for round in 0..rounds {
        let before = market.market().listed().to_vec();
        let person = &people[dice.below(4) as usize];
        let symbol = dice.one_of(&symbols);
        let dollars = dice.one_of(&[1, 50, 900, 4_000, 15_000]);
        let some = market.worth(symbol, dollars);
        let bystanders: Vec<_> = others(&people, person).collect();
        let mut victim = None;
        let action = dice.below(14);
        let outcome = match action {
            0 => person.deposits(some),
            1 | 2 => person.withdraws(some),
            3 | 4 => person.borrows(some),
            // As much as there is to get, nearly.
            5 | 6 => [64_000, 32_000, 16_000, 8_000, 4_000, 2_000, 1_000]
                .iter()
                .find_map(|dollars| person.borrows(market.worth(symbol, *dollars)).ok())
                .map_or_else(|| person.borrows(some), Ok),
            7 => person.repays(some),
            8 => person.withdraws_all(symbol),
            9 | 10 => {
                market.advances(dice.one_of(&[1, 59, 600, 86_400]) as i64);
                // One price moves, or a crash or a rally moves all but the stable ones.
                let of: Vec<_> = match action {
                    9 => vec![symbol],
                    _ => symbols.iter().copied().filter(|symbol| !symbol.starts_with("USD")).collect(),
                };
                let factor = 0.75 + dice.below(5_500) as f64 / 10_000.0;
                let prices: Vec<_> = of.iter().map(|symbol| (*symbol, moved(&market, symbol, factor))).collect();
                market.prices_move(&prices);
                continue;
            }
            _ => {
                let unhealthy = |person: &&Actor| person.state() == StateView::Liquidatable;
                let other = people.iter().find(unhealthy).unwrap_or(&people[dice.below(4) as usize]);
                victim = Some(other.address());
                let (pays, takes) = pair(other, &mut dice).unwrap_or((symbol, dice.one_of(&symbols)));
                let some = market.worth(pays, dollars);
                person.is_given(some);
                person.liquidates(other, some, takes)
            }
        };
        let mut losses = vec![];
        match outcome {
            Ok(receipt) => {
                done += 1;
                losses = receipt.events::<BadDebtAbsorbed>();
                lost += losses.len();
                liquidated += usize::from(victim.is_some());
                if (1..=6).contains(&action) || action == 8 {
                    // More risk was taken: the vault meets its initial requirement.
                    assert_eq!(person.state(), StateView::Healthy, "round {round}");
                }
                if victim.is_none() {
                    assert!(others(&people, person).eq(bystanders), "somebody else's vault changed");
                }
            }
            Err(refusal) => {
                assert_eq!(refusal.changed, []);
                assert!(matches!(refusal.fault, Fault::Ballast(6000..6900) | Fault::Token(1)), "{refusal:#?}");
            }
        }
        only_grows(&before, market.market().listed(), &losses);
        market.conservation();
    }
    println!("seed {seed}: {done} of {rounds} accepted, {liquidated} liquidations, {lost} losses");
    assert!(done > rounds / 5 && liquidated >= 3, "the play is too tame");

    // In the end everybody can pay back everything, without a price.
    market.advances(1_000);
    for person in &people {
        for symbol in symbols {
            if person.owes(symbol) > 0 {
                person.is_given(native(symbol, person.owes(symbol)));
                person.repays(native(symbol, u64::MAX)).unwrap();
            }
        }
    }
    for person in &people {
        for held in person.vault().used().to_vec() {
            person.withdraws_all(symbols[usize::from(held.asset)]).unwrap();
        }
        assert!(person.vault().used().is_empty());
    }
    let lender = market.newcomer("lender");
    for symbol in symbols {
        lender.withdraws_all(symbol).unwrap();
        let asset = market.asset(symbol);
        assert_eq!((asset.deposit_shares, asset.debt_shares), (0, 0));
    }
}

/// More rounds when somebody asks for them.
fn rounds() -> usize {
    if std::env::var_os("BALLAST_DEEP").is_some() { 5_000 } else { 400 }
}

#[test]
fn random_play_keeps_every_promise_1() {
    plays(11, rounds());
}

#[test]
fn random_play_keeps_every_promise_2() {
    plays(22, rounds());
}

#[test]
fn random_play_keeps_every_promise_3() {
    plays(33, rounds());
}

#[test]
fn random_play_keeps_every_promise_4() {
    plays(44, rounds());
}
