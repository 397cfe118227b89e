//! The search for a profit without risk: while no price moves, no sequence of moves of one person with two vaults ends above
//! where it began.
//!
//! One thing is not covered by that, and is known: where a vault cannot pay the least bonus to its end, because its collateral
//! is worth less than its debts or hardly more, a liquidator gets that bonus at the cost of reserve and depositors. Whoever owns
//! such a vault can be the liquidator. There the gain is at most what any liquidator of it would get: [`bounty`].

use ballast_client::Market;
use ballast_client::risk::health::Side;
use ballast_client::table::Parameter;
use ballast_tests::*;

use crate::attacker::{Attacker, Kind, SYMBOLS, View};
use crate::play::Dice;
use crate::stage::{Stage, Start};
use crate::wide::Wide;

const ONE: i128 = 1 << 32;

/// The price of a native unit in the smallest unit of value that any price of the market has: exact.
fn price(market: &Market, asset: u8) -> u128 {
    let prices = market.listed().iter().map(|asset| asset.spot().expect("a price"));
    let finest = prices.map(|price| price.shift()).max().expect("an asset");
    let price = market.assets[usize::from(asset)].spot().expect("a price");
    u128::from(price.mantissa()) << (finest - price.shift())
}

/// The same for native units.
pub fn worth(market: &Market, asset: u8, units: u64) -> i128 {
    i128::from(units) * price(market, asset).cast_signed()
}

/// What a vault has, asset by asset and rounded down to native units, and what it owes in all, rounded up.
pub fn sides(view: &View, vault: usize) -> (Vec<(u8, i128)>, i128) {
    let value = |(asset, units): (u8, u64)| (asset, worth(&view.market, asset, units));
    let held: Vec<_> = view.on(vault, Side::Deposit).into_iter().map(value).collect();
    (held, view.on(vault, Side::Debt).into_iter().map(|owed| value(owed).1).sum())
}

/// What a vault is worth, exactly: not in units that somebody would get, but in shares, in 2^-52 of the unit of value.
pub fn equity(view: &View, vault: usize) -> Wide {
    let held = view.vaults[vault].iter().flat_map(|vault| vault.used());
    held.map(|held| {
        let asset = &view.market.assets[usize::from(held.asset)];
        let index = if held.side == 0 { asset.supply_index } else { asset.borrow_index };
        let value = Wide::product(u128::from(held.shares) * u128::from(index), price(&view.market, held.asset));
        if held.side == 0 { value } else { -value }
    })
    .sum()
}

/// What the attacker has: tokens, and vaults that he would not walk away from.
pub fn wealth(view: &View) -> Wide {
    let wallets = view.wallets.iter().flat_map(|wallet| (0..).zip(wallet));
    let tokens: Wide =
        wallets.map(|(asset, units)| Wide::product(u128::from(*units) << 52, price(&view.market, asset))).sum();
    tokens + equity(view, 0).max(Wide::default()) + equity(view, 1).max(Wide::default())
}

/// `ceil(value x part / whole)` without overflow.
fn share_ceil(value: i128, part: i128, whole: i128) -> i128 {
    value / whole * part + (value % whole * part + whole - 1) / whole
}

/// The most that a liquidator gains from a vault at the cost of others: the bonus of all collateral, less the equity that pays
/// for it. Exactly nothing where every least bonus is covered.
pub fn bounty(view: &View, vault: usize) -> i128 {
    let (held, owed) = sides(view, vault);
    let least = |asset: u8| i128::from(view.market.assets[usize::from(asset)].bonus_least);
    let equity = held.iter().map(|(_, value)| value).sum::<i128>() - owed;
    if held.iter().all(|(asset, _)| equity >= share_ceil(owed, least(*asset), ONE)) {
        return 0;
    }
    // `E / D` rounded up, digit by digit.
    let (mut cover, mut rest) = (0, equity.max(0));
    for _ in 0..32 {
        (cover, rest) = (cover * 2 + i128::from(rest * 2 >= owed), rest * 2 % owed);
    }
    let bonus = |(asset, value): &(u8, i128)| {
        let bonus = least(*asset).max(cover + 1);
        share_ceil(*value + worth(&view.market, *asset, 1), bonus, ONE + bonus)
    };
    (held.iter().map(bonus).sum::<i128>() - equity.max(0)).max(0)
}

/// Custody has what the books say, apart from gifts, and the books of all vaults add up.
fn books_balance(attacker: &Attacker, view: &View, bystanders: &[Actor]) {
    let vaults: Vec<_> = bystanders.iter().map(Actor::vault).chain(view.vaults.iter().flatten().copied()).collect();
    for (index, asset) in view.market.listed().iter().enumerate() {
        let sum = |side: u8| {
            let held = vaults.iter().flat_map(|vault| vault.used());
            held.filter(|at| usize::from(at.asset) == index && at.side == side).map(|at| at.shares).sum::<u64>()
        };
        assert_eq!((sum(0), sum(1)), (asset.deposit_shares, asset.debt_shares));
        assert!(attacker.stage.fixture.balance(&asset.custody) >= asset.cash && asset.flash == 0);
        asset.pool().reserve_floor().expect("INV-01");
    }
}

/// What was tried and what was accepted, of each kind alone, and inside flash loans.
#[derive(Default)]
struct Tally {
    steps: [[u32; 2]; Kind::ALL.len()],
    in_flash: [[u32; 2]; Kind::ALL.len()],
    sequences: u32,
    /// Of those: with a vault that cannot pay the least bonus.
    ruined: u32,
    /// With a gain, all of them of those; and the largest, as a percentage of what is possible.
    gained: u32,
    closest: i128,
}

pub fn dollars(market: &Fixture, symbol: &'static str, dollars: u64) -> Money {
    market.worth(symbol, dollars)
}

/// The market with a lender, and two borrowers who stay healthy whatever the attacker's prices are.
pub fn market(values: &[(Parameter, u64)]) -> (Fixture, Vec<Actor>) {
    let tokens = SYMBOLS.map(|symbol| assets::token(symbol).with(values));
    let market = Fixture::of(tokens.to_vec());
    let lender = market.actor("lender", &[]);
    for symbol in SYMBOLS {
        lender.is_given(dollars(&market, symbol, 400_000));
        lender.deposits(dollars(&market, symbol, 400_000)).unwrap();
    }
    let (ivo, ina) = (market.actor("ivo", &[]), market.actor("ina", &[]));
    for (person, has, owes) in [(&ivo, ("USDC", 400_000), ["SOL", "BONK"]), (&ina, ("SOL", 900_000), ["USDC", "ETH"])] {
        person.is_given(dollars(&market, has.0, has.1));
        person.deposits(dollars(&market, has.0, has.1)).unwrap();
        for symbol in owes {
            person.borrows(dollars(&market, symbol, 80_000)).unwrap();
        }
    }
    // So that no share is worth a whole number of units.
    market.advances(40 * 86_400);
    market.refreshes_all();
    (market, vec![lender, ivo, ina])
}

/// A vault with some collateral, some of the others borrowed, and by how much the collateral has to fall so that it is worth
/// `percent` of the debts.
pub fn fills(owner: &Actor, dice: &mut Dice, percent: u64) -> Vec<(&'static str, f64)> {
    let market = &owner.fixture;
    let first = dice.below(3) as usize;
    let has: Vec<_> = ["SOL", "ETH", "BONK"].into_iter().cycle().skip(first).take(1 + dice.below(2) as usize).collect();
    let mut worth = 0;
    for symbol in &has {
        let value = 2_000 + dice.below(20_000);
        worth += value;
        owner.is_given(dollars(market, symbol, value));
        owner.deposits(dollars(market, symbol, value)).unwrap();
    }
    let mut owed = 0;
    for symbol in ["USDC", "ETH", "SOL", "BONK"].into_iter().filter(|symbol| !has.contains(symbol)) {
        let value = worth * (10 + dice.below(40)) / 100;
        if dice.below(3) > 0 && owner.borrows(dollars(market, symbol, value)).is_ok() {
            owed += value;
        }
    }
    let factor = (owed * percent) as f64 / (worth * 100) as f64;
    has.into_iter().filter(|_| owed > 0).map(|symbol| (symbol, factor)).collect()
}

/// Two vaults of the attacker, and then a jump of prices: a vault is healthy after it, or not, or worth less than it owes.
fn begins(attacker: &Attacker, people: &[Actor; 2], dice: &mut Dice) {
    let market = &attacker.stage.fixture;
    for symbol in SYMBOLS {
        market.sets_price(symbol, assets::token(symbol).price);
    }
    market.refreshes_all();
    let [eve, mal] = people;
    // Covered with a bonus, hardly, not at all, healthy.
    let percent = match dice.below(8) {
        0..4 => 103 + dice.below(14),
        4 => 99 + dice.below(7),
        5 | 6 => 50 + dice.below(50),
        _ => 130 + dice.below(100),
    };
    let mut moves = fills(eve, dice, percent);
    if dice.below(2) == 0 {
        moves.extend(fills(&eve.with_vault(1), dice, percent + 6));
    } else {
        let some = dollars(market, "USDC", 1 + dice.below(30_000));
        eve.is_given(some);
        eve.with_vault(1).deposits(some).unwrap();
    }
    for symbol in SYMBOLS {
        eve.is_given(dollars(market, symbol, 5_000 + dice.below(20_000)));
        mal.is_given(dollars(market, symbol, dice.below(15_000)));
    }
    market.advances(1);
    for (symbol, factor) in moves {
        // What both vaults have falls for the first.
        let start: f64 = assets::token(symbol).price.parse().unwrap();
        let decimals = if start < 0.01 { 10 } else { 6 };
        let price = format!("{:.decimals$}", start * factor.clamp(0.3, 1.1));
        market.sets_price(symbol, Box::leak(price.into_boxed_str()));
    }
    market.refreshes_all();
}

/// What moves most between vaults comes up twice as often.
fn kind(dice: &mut Dice) -> Kind {
    let often = [Kind::Liquidate, Kind::LiquidateInto, Kind::Receivership, Kind::FlashLoan, Kind::Several];
    if dice.below(4) == 0 { dice.one_of(&often) } else { dice.one_of(&Kind::ALL) }
}

/// One sequence from a start.
fn plays(attacker: &mut Attacker, start: &Start, bystanders: &[Actor], dice: &mut Dice, tally: &mut Tally) {
    attacker.stage.resets(start);
    let mut view = attacker.view();
    let (before, most) = (wealth(&view), bounty(&view, 0) + bounty(&view, 1));
    let mut story = vec![];
    for at in 0..5 + dice.below(11) {
        // One in four begins with all tokens of a pool.
        let kind = if at == 0 && dice.below(4) == 0 { Kind::FlashLoan } else { kind(dice) };
        let Some(step) = attacker.step(kind, &view, dice) else { continue };
        let accepted = attacker.stage.accepts(&step.instructions);
        tally.steps[kind as usize][0] += 1;
        tally.steps[kind as usize][1] += u32::from(accepted);
        if kind == Kind::FlashLoan {
            for part in &step.parts {
                tally.in_flash[*part as usize][0] += 1;
                tally.in_flash[*part as usize][1] += u32::from(accepted);
            }
        }
        if accepted {
            view = attacker.view();
            story.push((kind, step.parts));
        }
    }
    let gain = (wealth(&view) - before).shifted_ceil(52);
    assert!(gain <= most, "{gain} gained, at most {most}: {story:?}");
    assert_eq!(view.market.in_flight.kind, 0);
    books_balance(attacker, &view, bystanders);
    tally.sequences += 1;
    tally.ruined += u32::from(most > 0);
    if gain > 0 {
        tally.gained += 1;
        tally.closest = tally.closest.max(gain / (most / 100 + 1));
    }
}

/// How many sequences each test plays. All of them are 100,000 when somebody asks for a deep search.
fn sequences() -> u32 {
    if std::env::var_os("BALLAST_DEEP").is_some() { 25_000 } else { 3_000 }
}

/// Eve with two vaults, and her second key mal, on a stage.
pub fn attacks(market: &Fixture, victim: &Actor) -> (Attacker, [Actor; 2]) {
    let (eve, mal) = (market.actor("eve", &[]), market.newcomer("mal"));
    eve.with_vault(1).opens_vault().unwrap();
    let wallets = [&eve, &mal].map(|person| SYMBOLS.map(|symbol| person.wallet(symbol)));
    let vaults = [eve.vault_address(), eve.with_vault(1).vault_address(), victim.vault_address()];
    let mut watched: Vec<_> = wallets.as_flattened().to_vec();
    watched.extend(vaults);
    let stage = Stage::new(market, eve.address(), watched);
    (Attacker { stage, keys: [eve.address(), mal.address()], vaults, wallets }, [eve, mal])
}

fn searches(seed: u64, values: &[(Parameter, u64)]) {
    const PER_START: u32 = 50;
    let mut dice = Dice(seed);
    let (market, bystanders) = market(values);
    let (mut attacker, people) = attacks(&market, &bystanders[1]);
    let bystanders = [&bystanders[0], &bystanders[2]].map(|person| person.with_vault(0));

    let (base, mut tally) = (attacker.stage.start(), Tally::default());
    let begun = std::time::Instant::now();
    while tally.sequences < sequences() {
        attacker.stage.resets(&base);
        begins(&attacker, &people, &mut dice);
        let start = attacker.stage.start();
        for _ in 0..PER_START {
            plays(&mut attacker, &start, &bystanders, &mut dice, &mut tally);
        }
    }
    attacker.stage.resets(&base);
    tally.reports(seed, begun.elapsed());
    tally.is_not_tame();
}

impl Tally {
    fn reports(&self, seed: u64, time: std::time::Duration) {
        let Self { sequences, ruined, gained, closest, .. } = self;
        println!(
            "seed {seed}: {sequences} sequences in {time:.1?}; {ruined} with a vault that cannot pay the least bonus,"
        );
        println!("  {gained} of them with a gain, of at most {closest} % of what was possible");
        for kind in Kind::ALL {
            let ([tried, done], [flash, with]) = (self.steps[kind as usize], self.in_flash[kind as usize]);
            println!("  {kind:?}: {done} of {tried} accepted, in flash loans {with} of {flash}");
        }
    }

    /// Enough of every kind was accepted, but for two that never are.
    fn is_not_tame(&self) {
        for kind in Kind::ALL {
            let [tried, done] = self.steps[kind as usize];
            match kind {
                // A vault without collateral does not keep a debt, and the victim stays healthy.
                Kind::Absorb | Kind::LiquidateOthers => assert_eq!(done, 0, "{kind:?}"),
                _ => assert!(done > tried / 50, "{kind:?}: {done} of {tried}"),
            }
        }
        for kind in Kind::PARTS.into_iter().filter(|kind| *kind != Kind::Absorb) {
            let [tried, done] = self.in_flash[kind as usize];
            assert!(done > tried / 50, "{kind:?} within flash loans: {done} of {tried}");
        }
        assert!(self.ruined > self.sequences / 10 && self.ruined < self.sequences / 2, "{}", self.ruined);
        assert!(self.gained > 0 && self.closest > 50, "{} {}", self.gained, self.closest);
    }
}

#[test]
fn atk_b07_at_constant_prices_nobody_gains_1() {
    searches(1, &[]);
}

#[test]
fn atk_b07_at_constant_prices_nobody_gains_2() {
    searches(2, &[(Parameter::BonusReserve, assets::bps(1_000)), (Parameter::FlashFee, 0)]);
}

#[test]
fn atk_b07_at_constant_prices_nobody_gains_3() {
    searches(3, &[(Parameter::FlashFee, 0)]);
}

#[test]
fn atk_b07_at_constant_prices_nobody_gains_4() {
    searches(4, &[(Parameter::BonusReserve, assets::bps(5_000))]);
}
