//! `repay`.

use ballast_client::event::{Action, PositionChanged};
use ballast_client::token::TOKEN_2022;
use ballast_tests::outcome::token_fault;
use ballast_tests::slots::{PAY_IN, replaced, unsigned};
use ballast_tests::*;

/// A stocked market, and alice who owes 5,000 USDC against 100 SOL.
fn market() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    (market, alice)
}

#[test]
fn a_part_of_the_debt_is_paid_back() {
    let (market, alice) = market();
    let before = market.asset("USDC");

    let receipt = alice.repays(usdc("2000")).unwrap();

    assert_eq!((alice.owes("USDC"), alice.balance("USDC")), (usdc("3000").units, usdc("3000").units));
    let after = market.asset("USDC");
    assert_eq!((after.cash, after.debt_shares), (before.cash + 2_000_000_000, 3_000_000_000));
    let event: PositionChanged = receipt.event();
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    assert_eq!((event.action, event.asset, event.amount), (Action::Repay, market.index("USDC"), 2_000_000_000));
    assert_eq!((event.shares_before, event.shares_after), (-5_000_000_000, -3_000_000_000));
}

#[test]
fn atk_e17_more_than_the_debt_pulls_exactly_the_debt() {
    for more in [|owed: u64| owed, |owed: u64| owed + 1, |owed: u64| owed * 2, |_: u64| u64::MAX] {
        let (market, alice) = market();
        market.advances(30 * 86_400);
        alice.is_given(usdc("10000"));
        let (owed, before) = (alice.owes("USDC"), alice.balance("USDC"));
        assert!(owed > usdc("5000").units, "a month of interest");

        let event: PositionChanged = alice.repays(native("USDC", more(owed))).unwrap().event();

        assert_eq!((event.amount, event.shares_after), (owed, 0));
        assert_eq!(alice.balance("USDC"), before - owed);
        assert_eq!((alice.vault().used().len(), market.asset("USDC").debt_shares), (1, 0));
    }
}

#[test]
fn anybody_may_pay() {
    let (market, alice) = market();
    let bob = market.newcomer("bob");
    bob.is_given(usdc("9000"));
    bob.repays_for(&alice, usdc("9000")).unwrap();
    assert_eq!((alice.owes("USDC"), bob.balance("USDC")), (0, usdc("4000").units));
}

#[test]
fn no_price_is_needed() {
    let (market, alice) = market();
    market.advances(1_000_000);
    alice.is_given(usdc("1000"));
    alice.repays(usdc("1000")).unwrap();
    alice.repays(native("USDC", u64::MAX)).unwrap();
    assert_eq!(alice.owes("USDC"), 0);
}

#[test]
fn nothing_is_no_amount() {
    let (_, alice) = market();
    expect_refusal(alice.repays(usdc("0")), BallastError::AmountIsZero);
}

#[test]
fn less_than_a_share_is_too_small() {
    let (market, alice) = market();
    market.advances(86_400);
    expect_refusal(alice.repays(native("USDC", 1)), BallastError::AmountTooSmall);
    alice.repays(native("USDC", 2)).unwrap();
}

#[test]
fn what_is_not_owed_is_not_repaid() {
    let (_, alice) = market();
    alice.is_given(eth("1"));
    expect_refusal(alice.repays(eth("1")), BallastError::NoDebt);
    // A deposit is not a debt.
    alice.is_given(sol("1"));
    expect_refusal(alice.repays(sol("1")), BallastError::NoDebt);
}

#[test]
fn nobody_pays_more_than_he_has() {
    let (market, alice) = market();
    let bob = market.actor("bob", &[usdc("10")]);
    expect_refusal(bob.repays_for(&alice, usdc("10.000001")), token_fault::INSUFFICIENT_FUNDS);
    expect_refusal(bob.repays_for(&alice, native("USDC", u64::MAX)), token_fault::INSUFFICIENT_FUNDS);
}

#[test]
fn the_payer_signs() {
    let (market, alice) = market();
    let silent = unsigned(&alice.instruction(Action::Repay, usdc("1")), PAY_IN, "payer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_vault_is_of_this_market() {
    let (market, alice) = market();
    let abroad = market.foreign_market().actor("alice", &[]);
    let crossed = replaced(&alice.instruction(Action::Repay, usdc("1")), PAY_IN, "vault", &abroad.vault_address());
    expect_refusal(alice.sends(&[crossed]), BallastError::WrongMarket);
}

#[test]
fn the_asset_is_listed() {
    let (market, alice) = market();
    for index in [8, 64, 255] {
        let instruction = market.builds(|market| market.repay(&alice.address(), &alice.vault_address(), index, 1));
        expect_refusal(alice.sends(&[instruction]), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a11_mint_custody_and_token_program_are_those_of_the_asset() {
    let (market, alice) = market();
    let foreign = market.foreign_market();
    let good = alice.instruction(Action::Repay, usdc("1"));
    let with = |slot, key: &Pubkey| alice.sends(&[replaced(&good, PAY_IN, slot, key)]);
    expect_refusal(with("mint", &market.token("BTC").mint), BallastError::WrongMint);
    expect_refusal(with("custody", &market.custody("BTC")), BallastError::WrongCustody);
    expect_refusal(with("custody", &foreign.custody("USDC")), BallastError::WrongCustody);
    expect_refusal(with("token_program", &TOKEN_2022), BallastError::WrongTokenProgram);
    alice.is_given(btc("1"));
    expect_refusal(with("source", &alice.wallet("BTC")), token_fault::MINT_MISMATCH);
    let bob = market.actor("bob", &[usdc("1")]);
    expect_refusal(with("source", &bob.wallet("USDC")), token_fault::OWNER_MISMATCH);
}

#[test]
fn custody_that_holds_less_than_the_books_is_noticed() {
    let (market, alice) = market();
    market.takes_from_custody("USDC", 1);
    expect_refusal(alice.repays(usdc("1")), BallastError::CustodyShort);
}
