//! Receiverships of random vaults with random steps: accepted exactly when what was seized is paid for, the vault is not further
//! from its target than before, nor pays better in the next step, and not beyond its target by more than dust. And one by somebody who has nothing.

use ballast_client::risk::health::Side;
use ballast_client::risk::liquidation::Shortfall;
use ballast_client::risk::receivership::{cost_ceil, liquidators_part_floor};
use ballast_client::risk::{Amount, Fraction, Usd, holding};
use ballast_client::table::Parameter;
use ballast_client::{Market, StateView, Vault, snapshot};
use ballast_tests::fixture::MAX_TRANSACTION_BYTES;
use ballast_tests::*;

use crate::play::Dice;
use crate::stage::Stage;

#[derive(Clone, Copy, Debug)]
enum Step {
    Seize(u8, u64),
    Repay(u8, u64),
}

/// `R_target - E`, or for an insolvent vault `H_target - E`, from decoded accounts.
fn missing(market: &Market, vault: &Vault, now: u64, solvent: bool) -> i64 {
    let target = market.spot_health(vault, now, &mut None).unwrap().target;
    let required = if solvent { target.requirement() } else { target.haircuts };
    required.get().cast_signed() - target.equity()
}

/// What a receiver keeps of the bonus of an asset, by the state of the vault as he finds it.
fn bonus(market: &Market, vault: &Vault, asset: u8, now: u64) -> Fraction {
    let shortfall = Shortfall::of(&market.spot_health(vault, now, &mut None).unwrap().maint);
    kept(market, vault, market.assets[usize::from(asset)].bonus().at(&shortfall))
}

/// The same of the least bonus of an asset.
fn least_bonus(market: &Market, vault: &Vault, asset: u8) -> Fraction {
    kept(market, vault, market.assets[usize::from(asset)].bonus().least)
}

fn kept(market: &Market, vault: &Vault, bonus: Fraction) -> Fraction {
    let debts = vault.used().iter().filter(|held| held.side() == Side::Debt);
    let share = debts.map(|held| market.assets[usize::from(held.asset)].bonus_reserve).max().unwrap();
    liquidators_part_floor(bonus, Fraction::new(share))
}

/// What the program should say about steps that each are possible, from the accounts before.
fn expected(market: &Market, vault: &Vault, now: u64, steps: &[Step]) -> Result<(), BallastError> {
    let health = market.spot_health(vault, now, &mut None).unwrap();
    if health.maint.passes() {
        return Err(BallastError::VaultHealthy);
    }
    let solvent = health.target.equity() > 0;
    let mut market_after = Box::new(*market);
    let mut after = *vault;
    let (mut owed, mut owed_at_least, mut repaid) = (0, 0, 0);
    for step in steps {
        let (Step::Seize(index, amount) | Step::Repay(index, amount)) = *step;
        let asset = &mut market_after.assets[usize::from(index)];
        let (mut pool, held, price) = (asset.accrued_pool(now), after.holding(index), asset.spot().unwrap());
        let moved = if let Step::Seize(..) = step {
            let bonus = bonus(market, vault, index, now);
            owed += cost_ceil(price, Amount::new(amount), bonus).unwrap().get();
            let least = least_bonus(market, vault, index);
            owed_at_least += cost_ceil(price, Amount::new(amount), least).unwrap().get();
            holding::withdraw(&mut pool, held, Some(Amount::new(amount))).unwrap()
        } else {
            let moved = holding::repay(&mut pool, held, Amount::new(amount)).unwrap();
            repaid += price.value_floor(moved.tokens).unwrap().get();
            moved
        };
        asset.set_pool(pool).unwrap();
        after.set_holding(index, moved.holding).unwrap();
    }
    let margin_after = Shortfall::of(&market_after.spot_health(&after, now, &mut None).unwrap().maint).margin;
    let pays_better = margin_after < Shortfall::of(&health.maint).margin && repaid < owed_at_least;
    let ruined = after.used().iter().all(|held| held.side() == Side::Debt);
    if repaid < owed {
        Err(BallastError::SeizedTooMuch)
    } else if missing(&market_after, &after, now, solvent) > missing(market, vault, now, solvent) && !ruined {
        Err(BallastError::VaultWorse)
    } else if pays_better {
        // More than the least bonus was paid, and the next step would be paid even better.
        Err(BallastError::VaultWorse)
    } else if missing(&market_after, &after, now, true) < -market.dust.cast_signed() {
        Err(BallastError::LiquidatedTooFar)
    } else {
        Ok(())
    }
}

/// Some of what is there, seized and repaid in pieces, in any order.
fn steps(market: &Market, vault: &Vault, now: u64, dice: &mut Dice) -> Vec<Step> {
    let on = |side: Side| -> Vec<_> {
        let held = vault.used().iter().filter(|held| held.side() == side);
        held.map(|held| {
            let asset = &market.assets[usize::from(held.asset)];
            let amount = vault.holding(held.asset).amount(&asset.accrued_pool(now)).unwrap();
            (held.asset, amount.get(), asset.spot().unwrap())
        })
        .collect()
    };
    let depth = snapshot::best_liquidation(market, Pubkey::default(), vault, now, |_| u64::MAX / 8);
    let depth = depth.map_or(1_000_000_000, |found| found.liquidation.repaid_value.get());
    // As deep as the best pair goes, somewhat less or more, or everything.
    let all = dice.below(4) == 0;
    let value = if all { u64::MAX >> 12 } else { depth / 1_000 * (100 + dice.below(1_300)) };
    let (mut left, mut owed, mut steps) = (value, 0, vec![]);
    for (asset, amount, price) in on(Side::Deposit) {
        let most = if all { amount } else { amount.min(price.amount_floor(Usd::new(left)).get()) };
        // In two pieces, now and then.
        let first = if dice.below(3) == 0 { most / (2 + dice.below(5)) } else { most };
        for piece in [first, most - first].into_iter().filter(|piece| *piece > 0) {
            owed += cost_ceil(price, Amount::new(piece), bonus(market, vault, asset, now)).unwrap().get();
            steps.push(Step::Seize(asset, piece));
        }
        left = left.saturating_sub(price.value_floor(Amount::new(most)).unwrap().get());
        if !all && dice.below(2) == 0 {
            break;
        }
    }
    // Enough, or a bit too little, or far too much.
    let mut pays = match dice.below(8) {
        0 => owed / 1_000 * (900 + dice.below(100)),
        1 => owed / 1_000 * (1_000 + dice.below(900)),
        2 => owed - owed.min(3),
        _ => owed + dice.below(4),
    };
    for (asset, amount, price) in on(Side::Debt) {
        let most = price.amount_ceil(Usd::new(pays)).get().min(amount);
        let first = if dice.below(3) == 0 { most / (2 + dice.below(5)) } else { most };
        for piece in [first, most - first].into_iter().filter(|piece| *piece > 1) {
            steps.insert(dice.below(steps.len() as u64 + 1) as usize, Step::Repay(asset, piece));
        }
        pays = pays.saturating_sub(price.value_floor(Amount::new(most)).unwrap().get());
        if pays == 0 {
            break;
        }
    }
    steps
}

/// 2 to 8 positions, near the limit, and then prices that fall or rise.
fn vault(owner: &Actor, dice: &mut Dice) {
    let market = &owner.fixture;
    for symbol in assets::STANDARD {
        market.sets_price(symbol, assets::token(symbol).price);
    }
    market.refreshes_all();
    let (deposits, debts) = (1 + dice.below(4) as usize, 1 + dice.below(4) as usize);
    let first = dice.below(8) as usize;
    let order: Vec<_> = assets::STANDARD.into_iter().cycle().skip(first).take(deposits + debts).collect();
    for symbol in &order[..deposits] {
        let some = market.worth(symbol, 500 + dice.below(20_000));
        owner.is_given(some);
        owner.deposits(some).unwrap();
    }
    for symbol in &order[deposits..] {
        let dollars = dice.one_of(&[60_000, 50_000, 42_000, 4_000]);
        (0..9).find(|half| owner.borrows(market.worth(symbol, dollars >> half)).is_ok());
    }
    market.advances(1);
    let mut fall = 50 + dice.below(45);
    for symbol in &order[..deposits] {
        let start: f64 = assets::token(symbol).price.parse().unwrap();
        let decimals = if start < 0.01 { 10 } else { 6 };
        let price = format!("{:.decimals$}", start * fall as f64 / 100.0);
        market.sets_price(symbol, Box::leak(price.into_boxed_str()));
        fall = (fall + dice.below(5)).min(110);
    }
    market.refreshes_all();
}

fn receives(seed: u64, values: &[(Parameter, u64)]) {
    let vaults = if std::env::var_os("BALLAST_DEEP").is_some() { 2_000 } else { 60 };
    let mut dice = Dice(seed);
    let tokens = assets::STANDARD.map(|symbol| assets::token(symbol).with(values));
    let market = Fixture::of(tokens.to_vec()).stocked();
    market.advances(30 * 86_400);
    market.refreshes_all();
    let (alice, bob) = (market.actor("alice", &[]), market.actor("bob", &[]));
    let mut watched = vec![alice.vault_address()];
    for symbol in assets::STANDARD {
        bob.is_given(market.worth(symbol, 1_000_000));
        watched.extend([alice.wallet(symbol), bob.wallet(symbol)]);
    }
    let stage = Stage::new(&market, bob.address(), watched);
    let base = stage.start();
    let refusals = [BallastError::SeizedTooMuch, BallastError::VaultWorse, BallastError::LiquidatedTooFar];
    let (mut accepted, mut ruined, mut refused) = (0, 0, [0; 3]);
    for _ in 0..vaults {
        stage.resets(&base);
        vault(&alice, &mut dice);
        let start = stage.start();
        if !matches!(alice.state(), StateView::Liquidatable | StateView::Insolvent) {
            continue;
        }
        for _ in 0..12 {
            stage.resets(&start);
            let (before, state, now) = (market.market(), alice.vault(), market.now() as u64);
            let steps = steps(&before, &state, now, &mut dice);
            let [begin, end] = bob.receivership(&alice);
            let mut sent = vec![begin];
            sent.extend(steps.iter().map(|step| match *step {
                Step::Seize(asset, units) => bob.seize(&alice, native(assets::STANDARD[usize::from(asset)], units)),
                Step::Repay(asset, units) => bob.repay_for(&alice, native(assets::STANDARD[usize::from(asset)], units)),
            }));
            sent.push(end);
            let outcome = stage.sends(&sent);
            let expected = expected(&before, &state, now, &steps);
            assert_eq!(outcome, expected.map_err(u32::from), "{steps:?}");
            match expected {
                Ok(()) => {
                    accepted += 1;
                    // Written off to the end, or an account that is still sound.
                    let used = alice.vault().used().to_vec();
                    assert!(used.is_empty() || used.iter().any(|held| held.side() == Side::Deposit));
                    ruined += u32::from(used.is_empty());
                    assert_eq!(market.market().in_flight.kind, 0);
                    market.conservation();
                }
                Err(error) => {
                    refused[refusals.iter().position(|known| *known as u32 == error as u32).unwrap()] += 1;
                    assert!(
                        alice
                            .vault()
                            .used()
                            .iter()
                            .map(|held| held.shares)
                            .eq(state.used().iter().map(|held| held.shares))
                    );
                }
            }
        }
    }
    stage.resets(&base);
    println!("seed {seed}: {accepted} accepted, {ruined} to the end, refused {refused:?}");
    let [too_much, worse, too_far] = refused;
    assert!(accepted > 50 && ruined > 5 && too_much > 20 && worse > 5 && too_far > 10);
}

#[test]
fn receiverships_are_accepted_exactly_when_they_keep_the_rules_1() {
    receives(1, &[]);
}

#[test]
fn receiverships_are_accepted_exactly_when_they_keep_the_rules_2() {
    receives(2, &[(Parameter::BonusReserve, assets::bps(2_500))]);
}

#[test]
fn a_receiver_with_an_empty_wallet_keeps_the_bonus() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    market.price_moves("SOL", "115");
    let bob = market.newcomer("bob");
    let dealer = market.actor("dealer", &[usdc("100000")]);
    let now = market.now() as u64;
    let found =
        snapshot::best_liquidation(&market.market(), alice.vault_address(), &alice.vault(), now, |_| u64::MAX / 8);
    let seized = sol("1").with(found.expect("an unhealthy vault").liquidation.seize.get());
    // The dealer pays the price of the market for all of it.
    let price = usdc("115").units;
    let proceeds = usdc("1").with((u128::from(seized.units) * u128::from(price) / 1_000_000_000) as u64);
    let bonus = bonus(&market.market(), &alice.vault(), market.index("SOL"), now);
    let price = market.asset("SOL").spot().unwrap();
    let cost = cost_ceil(price, Amount::new(seized.units), bonus).unwrap().get();
    let steps = |repaid: u64| {
        let [begin, end] = bob.receivership(&alice);
        vec![
            begin,
            bob.seize(&alice, seized),
            bob.pay(&dealer, seized),
            dealer.pay(&bob, proceeds),
            bob.repay_for(&alice, usdc("1").with(repaid)),
            end,
        ]
    };
    assert_eq!((bob.balance("SOL"), bob.balance("USDC")), (0, 0));
    let signers = [&bob.key, &dealer.key];
    // A unit is lost when a price is multiplied, so that one more is enough, and two less are not.
    expect_refusal(market.sends(&steps(cost - 2), &signers), BallastError::SeizedTooMuch);
    let receipt = market.sends(&steps(cost + 1), &signers).unwrap();
    assert!(receipt.bytes <= MAX_TRANSACTION_BYTES, "{} bytes", receipt.bytes);
    assert_eq!((bob.balance("SOL"), bob.balance("USDC")), (0, proceeds.units - cost - 1));
    assert!(bob.balance("USDC") > usdc("50").units, "{}", bob.balance("USDC"));
    assert_eq!(alice.state(), StateView::Restricted);
}
