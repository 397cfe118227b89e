//! Debts that nobody pays: written off once and to the unit whatever way leads there, paid by those who are there at that moment,
//! and nothing that somebody brings about for a profit.

use ballast_client::event::{BadDebtAbsorbed, Liquidated};
use ballast_client::risk::Amount;
use ballast_client::risk::health::Side;
use ballast_client::risk::liquidation::Shortfall;
use ballast_client::risk::receivership::{cost_ceil, liquidators_part_floor};
use ballast_client::risk::{Fraction, Usd};
use ballast_client::{Asset, StateView};
use ballast_tests::*;
use client::event::Action;

use crate::attacker::SYMBOLS;
use crate::play::Dice;
use crate::profit::{attacks, bounty, dollars, equity, fills, market, wealth, worth};
use crate::wide::Wide;

/// In 2^-52 of a unit: cash with debts, and what depositors own of it. What is left is the reserve.
fn books(asset: &Asset) -> [i128; 2] {
    let worth = |shares: u64, index: u64| i128::from(shares) * i128::from(index);
    let there = (i128::from(asset.cash) << 52) + worth(asset.debt_shares, asset.borrow_index);
    [there, worth(asset.deposit_shares, asset.supply_index)]
}

/// Assets of a vault on a side, with amounts.
fn on(of: &Actor, side: Side) -> Vec<(&'static str, u64)> {
    let vault = of.vault();
    let held = vault.used().iter().filter(|held| held.side() == side);
    held.map(|held| {
        let symbol = SYMBOLS[usize::from(held.asset)];
        (symbol, if side == Side::Deposit { of.deposited(symbol) } else { of.owes(symbol) })
    })
    .collect()
}

/// Everything is seized at the least that it costs, and that is repaid.
fn administers_all(by: &Actor, ruined: &Actor) -> Outcome {
    let market = by.fixture.market();
    let now = by.fixture.now() as u64;
    let shortfall = Shortfall::of(&market.spot_health(&ruined.vault(), now, &mut None).unwrap().maint);
    let (mut steps, mut owed) = (vec![], 0);
    for (symbol, units) in on(ruined, Side::Deposit) {
        let asset = by.fixture.asset(symbol);
        let bonus = liquidators_part_floor(asset.bonus().at(&shortfall), Fraction::ZERO);
        owed += cost_ceil(asset.spot().unwrap(), Amount::new(units), bonus).unwrap().get();
        steps.push(by.seize(ruined, native(symbol, units)));
    }
    for (symbol, units) in on(ruined, Side::Debt) {
        let price = by.fixture.asset(symbol).spot().unwrap();
        let pays = price.amount_ceil(Usd::new(owed)).get().min(units);
        owed = owed.saturating_sub(price.value_floor(Amount::new(pays)).unwrap().get());
        if pays > 0 {
            steps.push(by.repay_for(ruined, native(symbol, pays)));
        }
    }
    by.administers(ruined, &steps)
}

/// A step towards the end of a vault, by a liquidator with tokens and a vault.
fn attempts(bob: &Actor, eve: &Actor, dice: &mut Dice) -> Outcome {
    let (debts, deposits) = (on(eve, Side::Debt), on(eve, Side::Deposit));
    let ((debt, owed), (collateral, _)) = (dice.one_of(&debts), dice.one_of(&deposits));
    // In parts or to the end.
    let pays = native(debt, if dice.below(3) == 0 { owed / 3 + 1 } else { owed.saturating_mul(2) });
    match dice.below(5) {
        0 => administers_all(bob, eve),
        1 | 2 => bob.takes_over(eve, pays, collateral),
        _ => bob.liquidates(eve, pays, collateral),
    }
}

fn ruins(seed: u64) {
    let vaults = if std::env::var_os("BALLAST_DEEP").is_some() { 1_000 } else { 80 };
    let mut dice = Dice(seed);
    let (market, bystanders) = market(&[]);
    let bob = market.actor("bob", &[usdc("5000000")]);
    bob.deposits(usdc("4000000")).unwrap();
    let (attacker, [eve, _]) = attacks(&market, &bob);
    let mut watched = SYMBOLS.map(|symbol| bob.wallet(symbol)).to_vec();
    watched.push(bob.vault_address());
    let rest = crate::stage::Stage::new(&market, eve.address(), watched);
    let (base, base_of_bob) = (attacker.stage.start(), rest.start());
    let (mut losses, mut by_reserve, mut by_depositors, mut paths) = (0, 0, 0, [0; 3]);
    for _ in 0..vaults {
        attacker.stage.resets(&base);
        rest.resets(&base_of_bob);
        for symbol in SYMBOLS {
            market.sets_price(symbol, assets::token(symbol).price);
        }
        market.refreshes_all();
        let percent = 40 + dice.below(58);
        let moves = fills(&eve, &mut dice, percent);
        if moves.is_empty() || dice.below(3) == 0 {
            // A unit of something that is nobody's reason to come.
            eve.is_given(native("BONK", 1));
            let _ = eve.deposits(native("BONK", 1));
        }
        market.advances(1);
        for (symbol, factor) in moves {
            let start: f64 = assets::token(symbol).price.parse().unwrap();
            let price = format!("{:.*}", if start < 0.01 { 10 } else { 6 }, start * factor.clamp(0.2, 1.0));
            market.sets_price(symbol, Box::leak(price.into_boxed_str()));
        }
        market.refreshes_all();
        for symbol in SYMBOLS {
            bob.is_given(dollars(&market, symbol, 500_000));
            bob.funds(dollars(&market, symbol, 1 + dice.below(8_000))).unwrap();
        }
        if eve.state() != StateView::Insolvent {
            continue;
        }
        let mut seen = vec![];
        for round in 0.. {
            assert!(round < 60, "it comes to an end");
            // While anything is left, nothing is written off.
            expect_refusal(bob.absorbs(&eve), BallastError::CollateralLeft);
            let before = SYMBOLS.map(|symbol| market.asset(symbol));
            let owed = on(&eve, Side::Debt);
            let Ok(receipt) = attempts(&bob, &eve, &mut dice) else { continue };
            let absorbed = receipt.events::<BadDebtAbsorbed>();
            for (asset, symbol) in before.iter().zip(SYMBOLS) {
                let after = market.asset(symbol);
                let ([there, owned], [there_after, owned_after]) = (books(asset), books(&after));
                let reserve = there_after - owned_after;
                assert!(reserve >= 0);
                let loss = absorbed.iter().find(|loss| loss.asset == market.index(symbol));
                if after.supply_index < asset.supply_index {
                    let loss = loss.expect("depositors lose by losses alone");
                    // Reserve first, to the last part of a unit that can be shared out.
                    assert!(reserve < i128::from(after.deposit_shares).max(1));
                    assert!(loss.by_depositors > 0 || loss.debt < 2);
                }
                let Some(loss) = loss else { continue };
                assert!((loss.by_reserve + loss.by_depositors).abs_diff(loss.debt) <= 1);
                // Nothing of it was paid: it is missing, in reserve and deposits together, to the last share.
                if owed.iter().any(|(debt, units)| *debt == symbol && *units == loss.debt) && there - there_after > 0 {
                    let shares = i128::from(asset.debt_shares - after.debt_shares);
                    assert_eq!(there - there_after, shares * i128::from(asset.borrow_index));
                }
                assert!(owned_after <= owned || after.supply_index == asset.supply_index);
                assert!(!seen.contains(&loss.asset), "written off twice");
                seen.push(loss.asset);
                (losses, by_reserve, by_depositors) =
                    (losses + 1, by_reserve + loss.by_reserve, by_depositors + loss.by_depositors);
            }
            market.conservation();
            if eve.vault().used().is_empty() {
                let names = ["EndLiquidation", "LiquidateInto", "Instruction: Liquidate"];
                let path = names.iter().position(|name| receipt.logs.iter().any(|line| line.contains(name)));
                paths[path.unwrap()] += 1;
                break;
            }
            assert_eq!(absorbed.len(), 0);
        }
        // Nothing is left that could be lost again.
        expect_refusal(bob.absorbs(&eve), BallastError::NoDebt);
        expect_refusal(bob.liquidates(&eve, usdc("1"), "SOL"), BallastError::NoDebt);
        expect_refusal(bob.administers(&eve, &[]), BallastError::VaultHealthy);
    }
    println!("seed {seed}: {losses} losses, {by_reserve} units by reserves, {by_depositors} by depositors; {paths:?}");
    assert!(losses > 30 && by_reserve > 0 && by_depositors > 0 && paths.iter().all(|count| *count > 0));
    attacker.stage.resets(&base);
    rest.resets(&base_of_bob);
    drop(bystanders);
}

#[test]
fn atk_e07_every_debt_is_written_off_once_and_to_the_unit_1() {
    ruins(1);
}

#[test]
fn atk_e07_every_debt_is_written_off_once_and_to_the_unit_2() {
    ruins(2);
}

/// Deposits in a pool that has lost everything are worth no unit. They neither keep a debt alive nor are they paid for.
#[test]
fn atk_e07_a_deposit_in_a_dead_pool_does_not_keep_a_debt_alive() {
    let market = Fixture::new();
    let saver = market.actor("saver", &[usdc("100000")]);
    saver.deposits(usdc("100000")).unwrap();
    let alice = market.actor("alice", &[sol("100"), eth("1")]);
    alice.deposits(sol("100")).unwrap();
    alice.deposits(eth("1")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    // Gus has borrowed all ETH that there is, and pays back none of it.
    let gus = market.actor("gus", &[sol("1000")]);
    gus.deposits(sol("1000")).unwrap();
    gus.borrows(eth("1")).unwrap();
    gus.borrows(usdc("1000")).unwrap();
    let bob = market.actor("bob", &[usdc("100000")]);
    market.price_moves("SOL", "0.01");
    assert_eq!(bob.liquidates(&gus, usdc("900"), "SOL").unwrap().events::<BadDebtAbsorbed>().len(), 2);
    assert_eq!((market.asset("ETH").supply_index, alice.deposited("ETH")), (0, 0));
    market.refreshes_all();

    expect_refusal(bob.absorbs(&alice), BallastError::CollateralLeft);
    let receipt = bob.liquidates(&alice, usdc("10000"), "SOL").unwrap();
    assert!(receipt.events::<BadDebtAbsorbed>().is_empty());
    let owed = alice.owes("USDC");
    let loss: BadDebtAbsorbed = bob.absorbs(&alice).unwrap().event();
    assert_eq!(loss.debt, owed);
    assert!((loss.by_reserve + loss.by_depositors).abs_diff(owed) <= 1);
    assert!(alice.vault().used().is_empty() && market.asset("ETH").deposit_shares == 0);
    expect_refusal(bob.absorbs(&alice), BallastError::NoDebt);
}

/// Two savers with 100,000 USDC each; alice owes 10,000 of them against 100 SOL, which are worth 6,000. Bob has a million.
fn market_in_ruins() -> (Fixture, [Actor; 4]) {
    let market = Fixture::new();
    let [saver, late] = ["saver", "late"].map(|name| {
        let saver = market.actor(name, &[usdc("100000")]);
        saver.deposits(usdc("100000")).unwrap();
        saver
    });
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[usdc("1000000")]);
    market.price_moves("SOL", "60");
    (market, [saver, late, alice, bob])
}

/// Who is gone before a loss is written off does not pay for it, in the same transaction or before; who comes after pays
/// nothing either. There is no moment between the last collateral and the loss.
#[test]
fn atk_e08_a_transaction_gives_nobody_more_than_the_order_of_its_steps_does() {
    let outcome = |together: bool| {
        let (market, [saver, late, alice, bob]) = market_in_ruins();
        let all = native("USDC", late.deposited("USDC"));
        let leave = late.instruction(Action::Withdraw, all);
        let take = bob.liquidate(&alice, usdc("1000000"), "SOL");
        let back = late.instruction(Action::Deposit, all);
        if together {
            market.sends(&[leave, take, back], &[&bob.key, &late.key]).unwrap();
        } else {
            late.sends(&[leave]).unwrap();
            bob.sends(&[take]).unwrap();
            late.sends(&[back]).unwrap();
        }
        let late_has = late.balance("USDC") + late.deposited("USDC");
        assert!(late_has <= all.units);
        // The other saver pays for both.
        (late_has, saver.deposited("USDC"), bob.balance("USDC"), market.asset("USDC").supply_index)
    };
    let (together, apart) = (outcome(true), outcome(false));
    assert_eq!(together, apart);
    assert!(together.0 >= usdc("100000").units - 2 && together.1 < usdc("96000").units, "{together:?}");
}

#[test]
fn atk_e08_who_is_there_pays_in_proportion_and_who_comes_after_pays_nothing() {
    let (market, [saver, late, alice, bob]) = market_in_ruins();
    let before = market.asset("USDC");
    let [has, had] = [&saver, &late].map(|person| person.vault().used()[0].shares);
    let lend = usdc("50000");
    let take = bob.liquidate(&alice, usdc("1000000"), "SOL");
    let [deposit, withdraw] = [Action::Deposit, Action::Withdraw].map(|action| bob.instruction(action, lend));
    // Deposited before and withdrawn after it in one transaction: not all of it is there any more.
    let refusal = market.sends(&[deposit.clone(), take.clone(), withdraw.clone()], &[&bob.key]).unwrap_err();
    assert_eq!((refusal.fault, refusal.changed.len()), (BallastError::InsufficientDeposit.into(), 0));
    // Deposited after it: all but the unit of rounding is.
    let less = bob.instruction(Action::Withdraw, usdc("1").with(lend.units - 1));
    let receipt = market.sends(&[take, deposit, less], &[&bob.key]).unwrap();
    let (moved, loss): (Liquidated, BadDebtAbsorbed) = (receipt.event(), receipt.event());
    assert!(moved.repaid > 0 && loss.by_depositors > usdc("3900").units);
    // One index for everybody: each loses in proportion to his shares.
    let after = market.asset("USDC");
    assert!(after.supply_index < before.supply_index);
    assert_eq!((saver.vault().used()[0].shares, late.vault().used()[0].shares), (has, had));
}

/// With the tokens of a flash loan nobody gets out of a loss, nor does it fall on others.
#[test]
fn atk_e08_a_flash_loan_around_the_last_liquidation_gains_nothing() {
    let wealth = |with: &[bool; 3]| {
        let (market, [saver, _, alice, bob]) = market_in_ruins();
        let cash = usdc("1").with(market.asset("USDC").cash);
        let [lend, back] = bob.flash_loan(cash);
        let take = bob.liquidate(&alice, usdc("1000000"), "SOL");
        let deposit = bob.instruction(Action::Deposit, cash);
        // As much of it as is there after the loss; the rest he pays himself.
        let withdraw = bob.instruction(Action::Withdraw, usdc("1").with(cash.units / 1_000 * 975));
        let steps = [with[0].then_some(lend), with[1].then_some(deposit), Some(take), with[1].then_some(withdraw)];
        let mut steps: Vec<_> = steps.into_iter().flatten().collect();
        steps.extend(with[2].then_some(back));
        bob.sends(&steps).unwrap();
        (
            i128::from(bob.balance("USDC") + bob.deposited("USDC")) + i128::from(bob.balance("SOL")) * 60 / 1_000,
            saver.deposited("USDC"),
        )
    };
    let (plain, others) = wealth(&[false; 3]);
    let (flash, _) = wealth(&[true, false, true]);
    let (deposited, relieved) = wealth(&[true, true, true]);
    assert!(flash < plain && deposited < flash, "{plain} {flash} {deposited}");
    // He bears part of what others would have.
    assert!(relieved > others);
}

/// An attacker borrows as much as he can against what falls, and the other way round against what rises; one jump; then he
/// liquidates himself to the end. Up to a jump that collateral pays for, he ends with no more than the market gave him, and
/// nobody else lost. Beyond it, with no more than the least bonus of what is left, and the others lose no more than what that
/// does not pay.
#[test]
fn atk_e09_a_jump_pays_the_owner_of_both_sides_no_more_than_the_market() {
    let (fixture, bystanders) = market(&[]);
    let (attacker, [eve, mal]) = attacks(&fixture, &bystanders[1]);
    let base = attacker.stage.start();
    let (mut within, mut beyond) = (0, 0);
    for (long, short) in [("SOL", "USDC"), ("ETH", "USDC"), ("BONK", "USDC"), ("SOL", "ETH"), ("USDC", "SOL")] {
        for jump in (-70..=70i32).step_by(5).chain([-27, -26, -24]) {
            attacker.stage.resets(&base);
            for symbol in SYMBOLS {
                fixture.sets_price(symbol, assets::token(symbol).price);
            }
            fixture.refreshes_all();
            for (vault, (has, owes)) in [(long, short), (short, long)].into_iter().enumerate() {
                let eve = eve.with_vault(vault as u16);
                eve.is_given(dollars(&fixture, has, 10_000));
                eve.deposits(dollars(&fixture, has, 10_000)).unwrap();
                (50..100).find(|part| eve.borrows(dollars(&fixture, owes, 15_000 - 150 * part)).is_ok()).unwrap();
            }
            for symbol in SYMBOLS {
                mal.is_given(dollars(&fixture, symbol, 60_000));
            }
            fixture.advances(1);
            let start: f64 = assets::token(long).price.parse().unwrap();
            let (start, moves) = if long == "USDC" { (150.0, "SOL") } else { (start, long) };
            let price = format!("{:.*}", if start < 0.01 { 10 } else { 6 }, start * f64::from(100 + jump) / 100.0);
            fixture.sets_price(moves, Box::leak(price.into_boxed_str()));
            fixture.refreshes_all();

            let view = attacker.view();
            let (before, most) = (wealth(&view), bounty(&view, 0) + bounty(&view, 1));
            // What the jump left unpaid, and with the least bonus on top: what others can lose.
            let unpaid: Wide = (0..2).map(|vault| (-equity(&view, vault)).max(Wide::default())).sum();
            // The last fraction of a unit of collateral goes to the pool of the collateral instead.
            let fraction: i128 = [long, short].map(|symbol| worth(&view.market, fixture.index(symbol), 1)).iter().sum();
            let may_lose = unpaid.shifted_ceil(52) + most + fraction;
            let mut lost = 0;
            for vault in [0, 1] {
                let eve = eve.with_vault(vault);
                for _ in 0..40 {
                    let (debts, deposits) = (on(&eve, Side::Debt), on(&eve, Side::Deposit));
                    let (&[(debt, owed)], &[(collateral, _)]) = (&debts[..], &deposits[..]) else {
                        break;
                    };
                    let Ok(receipt) = mal.liquidates(&eve, native(debt, owed * 2), collateral) else { break };
                    for loss in receipt.events::<BadDebtAbsorbed>() {
                        // Less the unit that a debt is rounded up by.
                        let units = (loss.by_reserve + loss.by_depositors).saturating_sub(2);
                        lost += worth(&view.market, loss.asset, units);
                    }
                }
            }
            let gain = (wealth(&attacker.view()) - before).shifted_ceil(52);
            assert!(gain <= most, "{long}/{short} {jump} %: {gain} of {most}");
            assert!(lost <= may_lose, "{long}/{short} {jump} %: {lost} of {may_lose}");
            if most == 0 {
                assert!(lost <= fraction, "{long}/{short} {jump} %: {lost}");
                within += 1;
            } else {
                assert!(lost > 0);
                beyond += 1;
            }
            // The initial requirement is meant to last for a fall of 25 % of a major asset against dollars.
            assert!(most == 0 || jump.abs() > 25 || short != "USDC" || long == "BONK", "{long}/{short} {jump} %");
        }
    }
    println!("{within} jumps that collateral pays for, {beyond} beyond");
    assert!(within > 30 && beyond > 30);
    attacker.stage.resets(&base);
}
