//! `flash_borrow` and `flash_repay`: what they move, what they cost, and what they are good for. Malformed ones are in the attacks.

use ballast_client::Role;
use ballast_client::event::{Action, FlashLoaned, Liquidated};
use ballast_client::table::Parameter;
use ballast_client::{Kind, Pausable};
use ballast_tests::assets::{WHOLE, bps};
use ballast_tests::outcome::token_fault;
use ballast_tests::*;

/// Bob has 10 USDC for fees.
fn market() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let bob = market.actor("bob", &[usdc("10")]);
    (market, bob)
}

#[test]
fn the_fee_is_the_reserves() {
    let (market, bob) = market();
    let before = market.asset("USDC");
    let loan: FlashLoaned = bob.borrows_flash(usdc("1000"), &[]).unwrap().event();
    // Nine basis points, rounded up.
    assert_eq!((loan.borrower, loan.asset, loan.amount), (bob.address(), market.index("USDC"), usdc("1000").units));
    assert!((usdc("0.9").units..=usdc("0.9").units + 2).contains(&loan.fee));
    assert_eq!(bob.balance("USDC"), usdc("10").units - loan.fee);
    let after = market.asset("USDC");
    assert_eq!(after.cash, before.cash + loan.fee);
    let rest = |asset: &client::Asset| (asset.flash, asset.deposit_shares, asset.debt_shares, asset.supply_index);
    assert_eq!(rest(&after), rest(&before));
    assert_eq!(after.pool().reserve_floor().unwrap().get() - before.pool().reserve_floor().unwrap().get(), loan.fee);
    assert!(market.market().in_flight.is(Kind::Nothing));
}

#[test]
fn all_of_a_pool_can_be_borrowed_and_no_more() {
    let (market, bob) = market();
    let all = native("SOL", market.asset("SOL").cash);
    bob.is_given(sol("1000"));
    bob.borrows_flash(all, &[]).unwrap();
    let more = native("SOL", market.asset("SOL").cash + 1);
    expect_refusal(bob.borrows_flash(more, &[]), BallastError::NotEnoughCash);
    expect_refusal(bob.borrows_flash(usdc("0"), &[]), BallastError::AmountIsZero);
}

#[test]
fn who_cannot_pay_the_fee_borrows_nothing() {
    let (market, _) = market();
    let poor = market.actor("poor", &[]);
    expect_refusal(poor.borrows_flash(usdc("1"), &[]), token_fault::INSUFFICIENT_FUNDS);
}

#[test]
fn they_are_off_until_governance_sets_a_fee_and_stop_at_once() {
    let (market, bob) = market();
    market.applies(Role::Guardian, market.values_of("USDC", &[(Parameter::FlashFee, WHOLE)])).unwrap();
    expect_refusal(bob.borrows_flash(usdc("1"), &[]), BallastError::FlashLoansOff);
    let on = market.values_of("USDC", &[(Parameter::FlashFee, bps(9))]);
    expect_refusal(market.applies(Role::Governance, on), BallastError::MustWait);
    // That is how an asset is listed.
    let young = Fixture::setting_up(1);
    young.lists_bare(assets::token("P01")).unwrap();
    assert_eq!(u64::from(young.asset("P01").flash_fee), WHOLE);
}

#[test]
fn a_pause_of_loans_or_of_the_asset_stops_them() {
    for paused in [Pausable::Borrow, Pausable::Asset(0)] {
        let (market, bob) = market();
        market.pauses(Role::Guardian, paused, 60).unwrap();
        bob.is_given(sol("1"));
        expect_refusal(bob.borrows_flash(sol("100"), &[]), BallastError::Paused);
        market.advances(60);
        bob.borrows_flash(sol("100"), &[]).unwrap();
    }
}

#[test]
fn no_price_is_needed() {
    let (market, bob) = market();
    market.advances(1_000_000);
    bob.borrows_flash(usdc("1000"), &[]).unwrap();
}

/// The borrower pays back his own loan, takes his collateral out, and pays with it: the sale is somebody else's signature.
#[test]
fn a_vault_is_wound_up_without_capital() {
    let (market, _) = market();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    let maker = market.actor("maker", &[usdc("20000")]);
    // What she borrowed is spent.
    let spent = alice.balance("USDC");
    let away = alice.pay(&maker, usdc("0").with(spent));
    alice.sends(&[away]).unwrap();

    let [borrow, repay] = alice.flash_loan(usdc("5001"));
    let steps = [
        borrow,
        alice.instruction(Action::Repay, usdc("5001")),
        alice.instruction(Action::Withdraw, sol("100")),
        alice.pay(&maker, sol("40")),
        maker.pay(&alice, usdc("6000")),
        repay,
    ];
    market.sends(&steps, &[&alice.key, &maker.key]).unwrap();
    assert!(alice.vault().used().is_empty());
    assert_eq!(alice.balance("SOL"), sol("60").units);
}

#[test]
fn a_vault_is_liquidated_with_borrowed_tokens() {
    let (market, _) = market();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    market.price_moves("SOL", "115");
    let bob = market.newcomer("poor bob");
    let maker = market.actor("maker", &[usdc("20000")]);
    bob.wallet("SOL");
    let liquidation = bob.liquidate(&alice, usdc("1000"), "SOL");
    let seen: Liquidated = {
        let rich = market.actor("rich", &[usdc("1000")]);
        market.simulates(&[rich.liquidate(&alice, usdc("1000"), "SOL")], &[&rich.key]).unwrap().event()
    };
    let [borrow, repay] = bob.flash_loan(usdc("1000"));
    let price = usdc("115").units * seen.seized / sol("1").units;
    let steps = [
        borrow,
        liquidation,
        bob.pay(&maker, native("SOL", seen.seized)),
        maker.pay(&bob, native("USDC", price)),
        repay,
    ];
    market.sends(&steps, &[&bob.key, &maker.key]).unwrap();
    assert!(bob.balance("USDC") > 0, "the bonus is more than the fee");
}
