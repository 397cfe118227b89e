//! Losses: in `liquidate` when the last collateral goes, in `absorb_bad_debt` for what other paths leave; `fund_reserve`.

use ballast_client::event::{BadDebtAbsorbed, Liquidated, ReserveFunded};
use ballast_client::{Asset, StateView};
use ballast_tests::slots::{PAY_POOL, replaced, unsigned};
use ballast_tests::*;
use client::event::Action;

/// A saver with 100,000 USDC, and alice, who owes 10,000 of them against 100 SOL; bob has a million USDC.
fn market() -> (Fixture, [Actor; 3]) {
    let market = Fixture::new();
    let saver = market.actor("saver", &[usdc("100000")]);
    saver.deposits(usdc("100000")).unwrap();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[usdc("1000000")]);
    (market, [saver, alice, bob])
}

/// In 2^-52 of a unit: what is there, and what depositors own of it.
fn books(asset: &Asset) -> (u128, u128) {
    let worth = |shares: u64, index: u64| u128::from(shares) * u128::from(index);
    let there = (u128::from(asset.cash) << 52) + worth(asset.debt_shares, asset.borrow_index);
    (there, worth(asset.deposit_shares, asset.supply_index))
}

fn reserve(market: &Fixture, symbol: &str) -> u64 {
    let (there, owned) = books(&market.asset(symbol));
    ((there - owned) >> 52) as u64
}

#[test]
fn atk_e07_a_loss_without_a_reserve_lands_on_the_depositors_once() {
    let (market, [saver, alice, bob]) = market();
    market.price_moves("SOL", "60");
    let (owed, before) = (alice.owes("USDC"), saver.deposited("USDC"));
    let old = reserve(&market, "USDC");
    let receipt = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap();

    let (moved, loss): (Liquidated, BadDebtAbsorbed) = (receipt.event(), receipt.event());
    assert_eq!((loss.market, loss.vault), (market.market_address(), alice.vault_address()));
    assert_eq!(loss.asset, market.index("USDC"));
    assert!((owed - moved.repaid).abs_diff(loss.debt) <= 1);
    // Interest of an instant is all that there was in the reserve.
    assert!(loss.by_reserve <= old + 1 && loss.by_depositors > usdc("4000").units);
    assert!((loss.by_reserve + loss.by_depositors).abs_diff(loss.debt) <= 1);
    assert!((before - saver.deposited("USDC")).abs_diff(loss.by_depositors) <= 1);
    assert!(alice.vault().used().is_empty());
    assert_eq!(market.asset("USDC").debt_shares, 0);

    // Nothing is left to be lost a second time.
    expect_refusal(bob.absorbs(&alice), BallastError::NoDebt);
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::NoDebt);
    // And what is left is there.
    saver.withdraws_all("USDC").unwrap();
    alice.closes_vault().unwrap();
}

#[test]
fn atk_e07_the_reserve_pays_first_and_no_more_than_the_loss() {
    // More than the loss, a part of it, exactly it but for a dollar.
    for gift in ["20000", "1000", "4117"] {
        let (market, [saver, alice, bob]) = market();
        bob.funds(usdc(gift)).unwrap();
        market.price_moves("SOL", "60");
        let (before, old) = (saver.deposited("USDC"), reserve(&market, "USDC"));
        let loss: BadDebtAbsorbed = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap().event();
        assert!((loss.by_reserve + loss.by_depositors).abs_diff(loss.debt) <= 1);
        assert_eq!(loss.by_reserve.min(old + 1), loss.by_reserve, "{gift}");
        if loss.debt < old {
            assert_eq!((loss.by_depositors, saver.deposited("USDC")), (0, before));
            assert!((old - reserve(&market, "USDC")).abs_diff(loss.debt) <= 1);
        } else {
            assert!(reserve(&market, "USDC") <= 1, "{}", reserve(&market, "USDC"));
            assert!((before - saver.deposited("USDC")).abs_diff(loss.debt - old) <= 1);
        }
    }
}

#[test]
fn atk_e07_while_any_collateral_is_left_nothing_is_written_off() {
    let (market, [_, alice, bob]) = market();
    alice.is_given(eth("0.001"));
    alice.deposits(eth("0.001")).unwrap();
    market.price_moves("SOL", "60");
    let receipt = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap();
    assert!(receipt.events::<BadDebtAbsorbed>().is_empty());
    assert_eq!(alice.state(), StateView::Insolvent);
    expect_refusal(bob.absorbs(&alice), BallastError::CollateralLeft);
    // Three dollars of it; whoever takes them ends it.
    let receipt = bob.liquidates(&alice, usdc("10"), "ETH").unwrap();
    receipt.event::<BadDebtAbsorbed>();
    assert!(alice.vault().used().is_empty());
}

#[test]
fn atk_e04_a_last_unit_of_collateral_does_not_keep_a_debt_alive() {
    let (market, [_, alice, bob]) = market();
    alice.is_given(native("BONK", 1));
    alice.deposits(native("BONK", 1)).unwrap();
    market.price_moves("SOL", "60");
    bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap();
    assert_eq!(alice.vault().used().len(), 2);
    // A billionth of a dollar: one unit of the debt buys it.
    bob.liquidates(&alice, native("USDC", 10), "BONK").unwrap().event::<BadDebtAbsorbed>();
    assert!(alice.vault().used().is_empty());
}

#[test]
fn every_debt_of_the_vault_is_written_off_each_in_its_asset() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    alice.borrows(eth("1")).unwrap();
    let bob = market.actor("bob", &[usdc("1000000")]);
    market.price_moves("SOL", "45");
    let before = ["SOL", "USDC", "ETH"].map(|symbol| books(&market.asset(symbol)));
    let receipt = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap();
    let losses = receipt.events::<BadDebtAbsorbed>();
    let assets: Vec<_> = losses.iter().map(|loss| loss.asset).collect();
    let mut expected = vec![market.index("USDC"), market.index("ETH")];
    expected.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(assets, expected);
    // A whole ETH was owed; nobody repaid any of it.
    assert!(losses.iter().any(|loss| (eth("1").units..eth("1").units + 1_000).contains(&loss.debt)));
    let after = ["SOL", "USDC", "ETH"].map(|symbol| books(&market.asset(symbol)));
    assert!(after[0].1 < before[0].1, "SOL was taken, and its index stays");
    for (before, after) in before.iter().zip(&after).skip(1) {
        assert!(after.1 < before.1 && after.0 >= after.1);
    }
    assert!(alice.vault().used().is_empty());
}

#[test]
fn atk_e07_whoever_withdraws_in_the_same_transaction_pays_his_part() {
    let (market, [saver, alice, bob]) = market();
    let late = market.actor("late", &[usdc("100000")]);
    late.deposits(usdc("100000")).unwrap();
    market.price_moves("SOL", "60");
    let take = bob.liquidate(&alice, usdc("1000000"), "SOL");
    let leave = late.instruction(Action::Withdraw, usdc("99999"));
    let refusal = market.sends(&[take.clone(), leave], &[&bob.key, &late.key]).unwrap_err();
    assert_eq!(refusal.fault, BallastError::InsufficientDeposit.into());
    market.sends(&[take], &[&bob.key]).unwrap();
    assert!(saver.deposited("USDC").abs_diff(late.deposited("USDC")) <= 1_000, "both alike, but for interest");
    // Who comes after it pays for nothing.
    let new = market.actor("new", &[usdc("1000")]);
    new.deposits(usdc("1000")).unwrap();
    assert!(usdc("1000").units - new.deposited("USDC") <= 1);
}

/// All that a pool has is lost: the deposits are worth nothing, and nobody is kept from anything else by that.
#[test]
fn a_pool_that_has_lost_everything_is_dead_and_harms_nobody_else() {
    let market = Fixture::new();
    let saver = market.actor("saver", &[usdc("10000"), eth("10")]);
    saver.deposits(usdc("10000")).unwrap();
    saver.deposits(eth("10")).unwrap();
    let alice = market.actor("alice", &[sol("1000")]);
    alice.deposits(sol("1000")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    alice.borrows(eth("10")).unwrap();
    let bob = market.actor("bob", &[eth("10"), usdc("100")]);
    // SOL is worth nothing any more, and taken for the ETH that is owed.
    market.price_moves("SOL", "0.01");
    let receipt = bob.liquidates(&alice, eth("10"), "SOL").unwrap();
    assert_eq!(receipt.events::<BadDebtAbsorbed>().len(), 2);
    let asset = market.asset("USDC");
    assert_eq!((asset.supply_index, asset.debt_shares, saver.deposited("USDC")), (0, 0, 0));
    assert!(bob.deposits(usdc("100")).is_err());
    // A debt of the saver is judged by what he has else, and his dead deposit goes in one way or the other.
    market.refreshes_all();
    let saved = saver.health();
    assert!(saved.init.decided && saved.maint.decided);
    saver.withdraws_all("USDC").unwrap();
    assert_eq!(saver.balance("USDC"), 0);
    // A gift brings no deposit back to life.
    bob.funds(usdc("100")).unwrap();
    assert_eq!(reserve(&market, "USDC"), usdc("100").units);
}

/// Deposits that have become worthless are no collateral that somebody could take.
#[test]
fn worthless_deposits_are_swept_before_a_debt_is_absorbed() {
    let (market, [_, alice, bob]) = market();
    alice.is_given(eth("1"));
    alice.deposits(eth("1")).unwrap();
    for symbol in ["SOL", "ETH"] {
        let index = usize::from(market.index(symbol));
        market.tampers_with_market(|market| {
            let asset = &mut market.assets[index];
            (asset.supply_index, asset.supply_rate, asset.cash) = (0, 0, 0);
        });
    }
    let loss: BadDebtAbsorbed = bob.absorbs(&alice).unwrap().event();
    assert_eq!(loss.asset, market.index("USDC"));
    assert!(alice.vault().used().is_empty());
    let [sol, eth] = ["SOL", "ETH"].map(|symbol| market.asset(symbol).deposit_shares);
    assert_eq!((sol, eth), (0, 0));
}

#[test]
fn a_vault_without_debts_has_nothing_to_absorb() {
    let (market, [saver, alice, bob]) = market();
    expect_refusal(bob.absorbs(&saver), BallastError::NoDebt);
    expect_refusal(bob.absorbs(&alice), BallastError::CollateralLeft);
    let foreign = market.foreign_market();
    let vault = alice.vault_address();
    let abroad = foreign.builds(|market| market.absorb_bad_debt(&vault));
    expect_refusal(bob.sends(&[abroad]), BallastError::WrongMarket);
}

#[test]
fn a_gift_to_the_reserve_belongs_to_nobody() {
    let (market, [saver, _, bob]) = market();
    let (before, old) = (saver.deposited("USDC"), reserve(&market, "USDC"));
    let event: ReserveFunded = bob.funds(usdc("10")).unwrap().event();
    assert_eq!((event.market, event.asset), (market.market_address(), market.index("USDC")));
    assert_eq!((event.by, event.amount), (bob.address(), usdc("10").units));
    assert_eq!((saver.deposited("USDC"), reserve(&market, "USDC")), (before, old + usdc("10").units));
    expect_refusal(bob.funds(usdc("0")), BallastError::AmountIsZero);
    expect_refusal(bob.funds(native("USDC", u64::MAX)), BallastError::AmountOutOfRange);
    let good = market.builds(|at| at.fund_reserve(&bob.address(), market.index("USDC"), 1));
    let other = replaced(&good, PAY_POOL, "custody", &market.custody("SOL"));
    expect_refusal(bob.sends(&[other]), BallastError::WrongCustody);
    let silent = unsigned(&good, PAY_POOL, "payer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}
