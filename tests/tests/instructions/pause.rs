//! `pause` and `resume`: what stops, what goes on, for how long, and how often.

use ballast_client::event::PauseSet;
use ballast_client::{LONGEST_PAUSE, PAUSE_BUDGET, Pausable, Role, StateView, change};
use ballast_tests::slots::{GOVERN, read_only, replaced, unsigned};
use ballast_tests::*;

const DAY: u32 = LONGEST_PAUSE as u32;

/// Alice owes 10,000 USDC against 100 SOL and 1 BTC, bob has a deposit of SOL and no debt, carol has money.
fn market() -> (Fixture, [Actor; 3]) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100"), btc("1"), usdc("1000")]);
    alice.deposits(sol("100")).unwrap();
    alice.deposits(btc("1")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[sol("10")]);
    bob.deposits(sol("5")).unwrap();
    let carol = market.actor("carol", &[usdc("100000")]);
    (market, [alice, bob, carol])
}

/// What can never be paused.
fn people_come_and_go([alice, bob, _]: &[Actor; 3]) {
    alice.deposits(usdc("1")).unwrap();
    alice.repays(usdc("1")).unwrap();
    alice.is_given(sol("1"));
    alice.deposits(sol("1")).unwrap();
    bob.deposits(sol("1")).unwrap();
    bob.withdraws(sol("1")).unwrap();
}

#[test]
fn nobody_borrows_while_that_is_paused() {
    let (market, people) = market();
    let [alice, ..] = &people;
    let event: PauseSet = market.pauses(Role::Guardian, Pausable::Borrow, 100).unwrap().event();
    let now = market.now() as u64;
    assert_eq!((event.market, event.paused), (market.market_address(), Pausable::Borrow));
    assert_eq!((event.until, event.spent, event.by), (now + 100, 100, market.holder(Role::Guardian).pubkey()));
    expect_refusal(alice.borrows(usdc("1")), BallastError::Paused);
    // Also of a deposit, which only withdraws.
    expect_refusal(alice.borrows(sol("1")), BallastError::Paused);
    alice.withdraws(sol("1")).unwrap();
    people_come_and_go(&people);
}

#[test]
fn nobody_with_a_debt_withdraws_while_that_is_paused() {
    let (market, people) = market();
    let [alice, bob, _] = &people;
    market.pauses(Role::Governance, Pausable::Withdraw, 100).unwrap();
    expect_refusal(alice.withdraws(sol("1")), BallastError::Paused);
    expect_refusal(alice.withdraws_all("BTC"), BallastError::Paused);
    alice.borrows(usdc("1")).unwrap();
    people_come_and_go(&people);
    bob.withdraws_all("SOL").unwrap();
    // Without the debt the way is free.
    alice.is_given(usdc("20000"));
    alice.repays(usdc("20000")).unwrap();
    alice.withdraws_all("SOL").unwrap();
}

#[test]
fn a_paused_asset_is_worth_nothing_to_who_wants_more_risk() {
    let (market, people) = market();
    let [alice, bob, _] = &people;
    market.pauses(Role::Guardian, Pausable::Asset(0), 100).unwrap();
    assert_eq!((market.asset("SOL").usable_until, market.asset("SOL").init_until), (0, 0));
    // A bitcoin alone carries the debt; the SOL count nothing, and can neither be borrowed.
    alice.borrows(usdc("1")).unwrap();
    alice.withdraws(sol("1")).unwrap();
    expect_refusal(alice.withdraws_all("BTC"), BallastError::BelowInitMargin);
    bob.is_given(eth("100"));
    bob.withdraws_all("SOL").unwrap();
    bob.deposits(eth("100")).unwrap();
    expect_refusal(bob.borrows(sol("1")), BallastError::PriceUnusable);
    bob.borrows(usdc("1")).unwrap();
    let dave = market.actor("dave", &[sol("100")]);
    dave.deposits(sol("100")).unwrap();
    expect_refusal(dave.borrows(usdc("1")), BallastError::BelowInitMargin);
    dave.withdraws_all("SOL").unwrap();
}

#[test]
fn atk_g06_liquidation_stops_for_the_paused_asset_and_for_no_other() {
    let (market, [alice, _, carol]) = market();
    let dave = market.actor("dave", &[eth("5")]);
    dave.deposits(eth("5")).unwrap();
    dave.borrows(usdc("10000")).unwrap();
    alice.withdraws_all("BTC").unwrap();
    market.prices_move(&[("SOL", "115"), ("ETH", "2300")]);
    assert_eq!((alice.state(), dave.state()), (StateView::Liquidatable, StateView::Liquidatable));
    market.pauses(Role::Guardian, Pausable::Asset(0), DAY).unwrap();
    expect_refusal(carol.liquidates(&alice, usdc("1"), "SOL"), BallastError::PriceUnusable);
    assert_eq!(alice.state(), StateView::Unpriced);
    carol.liquidates(&dave, usdc("100"), "ETH").unwrap();
    // Pauses of actions stop no liquidation.
    market.resumes(Role::Guardian, Pausable::Asset(0)).unwrap();
    for paused in [Pausable::Borrow, Pausable::Withdraw] {
        market.pauses(Role::Guardian, paused, DAY).unwrap();
    }
    carol.liquidates(&alice, usdc("100"), "SOL").unwrap();
    // A paused debt counts nothing, so it makes nobody liquidatable either.
    market.pauses(Role::Guardian, Pausable::Asset(market.index("USDC")), DAY).unwrap();
    expect_refusal(carol.liquidates(&alice, usdc("1"), "SOL"), BallastError::PriceUnusable);
    assert_eq!(alice.state(), StateView::Restricted);
}

#[test]
fn atk_g06_with_everything_paused_people_bring_repay_and_leave() {
    let (market, people) = market();
    let [alice, bob, _] = &people;
    for index in 0..8 {
        market.pauses(Role::Guardian, Pausable::Asset(index), DAY).unwrap();
    }
    for paused in [Pausable::Borrow, Pausable::Withdraw] {
        market.pauses(Role::Governance, paused, DAY).unwrap();
    }
    for seconds in [0, 43_200, 43_199] {
        market.advances(seconds);
        people_come_and_go(&people);
        expect_refusal(alice.borrows(native("USDC", 1)), BallastError::Paused);
        expect_refusal(alice.withdraws(native("SOL", 1)), BallastError::Paused);
    }
    alice.is_given(usdc("20000"));
    alice.repays(native("USDC", u64::MAX)).unwrap();
    for symbol in ["SOL", "BTC"] {
        alice.withdraws_all(symbol).unwrap();
    }
    bob.withdraws_all("SOL").unwrap();
    alice.closes_vault().unwrap();
}

#[test]
fn a_pause_ends_by_itself_after_its_last_second() {
    let (market, [alice, ..]) = market();
    market.pauses(Role::Guardian, Pausable::Borrow, 50).unwrap();
    market.pauses(Role::Guardian, Pausable::Withdraw, 50).unwrap();
    market.advances(49);
    expect_refusal(alice.borrows(usdc("1")), BallastError::Paused);
    expect_refusal(alice.withdraws(sol("1")), BallastError::Paused);
    market.advances(1);
    alice.borrows(usdc("1")).unwrap();
    alice.withdraws(sol("1")).unwrap();
}

#[test]
fn the_price_of_an_asset_is_back_with_the_next_one_after_its_pause() {
    let (market, [alice, ..]) = market();
    market.pauses(Role::Guardian, Pausable::Asset(0), 50).unwrap();
    // Prices go on to be refreshed, and stay withheld.
    market.price_moves("SOL", "151");
    assert_eq!(market.asset("SOL").usable_until, 0);
    market.advances(50);
    expect_refusal(alice.withdraws_all("BTC"), BallastError::BelowInitMargin);
    market.price_moves("SOL", "152");
    let asset = market.asset("SOL");
    assert_eq!(asset.usable_until, market.now() as u64 + 60);
    alice.withdraws_all("BTC").unwrap();
}

#[test]
fn resuming_counts_at_once_and_gives_back_what_was_not_used() {
    let (market, [alice, ..]) = market();
    market.pauses(Role::Guardian, Pausable::Asset(0), 50).unwrap();
    market.pauses(Role::Guardian, Pausable::Borrow, 1_000).unwrap();
    market.advances(10);
    let event: PauseSet = market.resumes(Role::Guardian, Pausable::Asset(0)).unwrap().event();
    assert_eq!((event.paused, event.spent), (Pausable::Asset(0), 9), "ten used, one recovered");
    assert_eq!(event.until, market.now() as u64);
    // The last price is ten seconds old and still good.
    alice.withdraws_all("BTC").unwrap();
    expect_refusal(alice.borrows(usdc("1")), BallastError::Paused);
    market.resumes(Role::Governance, Pausable::Borrow).unwrap();
    alice.borrows(usdc("1")).unwrap();
    // What is not paused can be resumed, and nothing happens.
    let before = market.account(&market.market_address());
    market.resumes(Role::Guardian, Pausable::Borrow).unwrap();
    assert_eq!(market.account(&market.market_address()), before);
}

#[test]
fn a_pause_lasts_a_second_to_a_day() {
    let (market, _) = market();
    for seconds in [0, DAY + 1, u32::MAX] {
        expect_refusal(market.pauses(Role::Guardian, Pausable::Borrow, seconds), BallastError::PauseTooLong);
    }
    for seconds in [1, DAY] {
        market.pauses(Role::Guardian, Pausable::Borrow, seconds).unwrap();
    }
}

#[test]
fn a_pause_that_is_under_way_is_replaced() {
    let (market, [alice, ..]) = market();
    market.pauses(Role::Guardian, Pausable::Borrow, DAY).unwrap();
    market.advances(100);
    let event: PauseSet = market.pauses(Role::Guardian, Pausable::Borrow, 10).unwrap().event();
    assert_eq!((event.until, event.spent), (market.now() as u64 + 10, 100), "90 of the first, 10 of the second");
    market.advances(11);
    market.refreshes_all();
    alice.borrows(usdc("1")).unwrap();
}

#[test]
fn atk_g06_the_budget_is_three_days_at_a_stretch_and_then_a_tenth_of_the_time() {
    let (market, _) = market();
    let pause = |seconds| market.pauses(Role::Guardian, Pausable::Borrow, seconds);
    let spent = || market.market().borrow_pause.spent;
    for _ in 0..3 {
        pause(DAY).unwrap();
        market.advances(i64::from(DAY));
    }
    // Each second of them gave a tenth back.
    assert_eq!(PAUSE_BUDGET, 3 * u64::from(DAY));
    pause(DAY * 3 / 10).unwrap();
    assert_eq!(spent(), PAUSE_BUDGET);
    market.advances(i64::from(DAY) * 3 / 10);
    // 2,592 seconds came back meanwhile.
    expect_refusal(pause(2_593), BallastError::PauseBudgetSpent);
    pause(2_592).unwrap();
    expect_refusal(pause(2_593), BallastError::PauseBudgetSpent);
    market.resumes(Role::Guardian, Pausable::Borrow).unwrap();
    market.advances(100);
    expect_refusal(pause(2_592 + 11), BallastError::PauseBudgetSpent);
    pause(2_592 + 10).unwrap();
    // Other pauses have budgets of their own.
    for paused in [Pausable::Withdraw, Pausable::Asset(0), Pausable::Asset(7)] {
        market.pauses(Role::Guardian, paused, DAY).unwrap();
    }
    // All of it is back after a month.
    market.advances(30 * i64::from(DAY));
    pause(1).unwrap();
    assert_eq!(spent(), 1);
}

/// Whoever holds the key of the guardian, and however he goes about it.
#[test]
fn atk_g06_no_guardian_pauses_for_longer_than_his_budget() {
    let (market, _) = market();
    let mut pause = market.market().borrow_pause;
    let (start, length) = (market.now() as u64, 20 * u64::from(DAY));
    let mut paused = 0;
    for now in start..start + length {
        if !pause.active(now) {
            let _ = pause.start(now, 1);
        }
        paused += u64::from(pause.active(now));
    }
    let most = PAUSE_BUDGET + length / 10;
    assert!(paused <= most + 1, "{paused} seconds of pause, {most} in the budget");
}

#[test]
fn atk_a04_only_guardian_and_governance_of_this_market_pause() {
    let (market, _) = market();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let address = market.market_address();
    let both = |signer: &Pubkey| {
        [change::pause(signer, &address, Pausable::Borrow, 10), change::resume(signer, &address, Pausable::Borrow)]
    };
    let others = [mallory.key, market.holder(Role::Steward), foreign.holder(Role::Guardian), foreign.governance()];
    for other in &others {
        for instruction in both(&other.pubkey()) {
            expect_refusal(market.sends(&[instruction], &[&market.payer(), other]), BallastError::NotGuardian);
        }
    }
    let guardian = market.holder(Role::Guardian);
    for instruction in both(&guardian.pubkey()) {
        let silent = unsigned(&instruction, GOVERN, "governance");
        expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
        let crossed = replaced(&instruction, GOVERN, "market", &foreign.market_address());
        expect_refusal(market.sends(&[crossed], &[&market.payer(), &guardian]), BallastError::NotGuardian);
        let frozen = read_only(&instruction, GOVERN, "market");
        expect_refusal(market.sends(&[frozen], &[&market.payer(), &guardian]), ErrorCode::ConstraintMut);
    }
}

#[test]
fn the_asset_is_listed() {
    let (market, _) = market();
    for index in [8, 63, 64, 255] {
        let outcome = market.pauses(Role::Guardian, Pausable::Asset(index), 10);
        expect_refusal(outcome, BallastError::AssetUnknown);
        expect_refusal(market.resumes(Role::Guardian, Pausable::Asset(index)), BallastError::AssetUnknown);
    }
}

#[test]
fn an_asset_that_never_had_a_price_gets_none_from_a_pause() {
    let (market, _) = market();
    market.lists_bare(assets::token("P08")).unwrap();
    market.pauses(Role::Guardian, Pausable::Asset(8), 10).unwrap();
    market.resumes(Role::Guardian, Pausable::Asset(8)).unwrap();
    let asset = market.asset("P08");
    assert_eq!((asset.usable_until, asset.init_until), (0, 0));
}
