//! `deposit`.

use ballast_client::event::{Action, PositionChanged};
use ballast_client::risk::health::Side;
use ballast_client::token::TOKEN_2022;
use ballast_tests::outcome::token_fault;
use ballast_tests::slots::{PAY_IN, replaced, unsigned};
use ballast_tests::*;

#[test]
fn tokens_go_into_custody_and_shares_into_the_vault() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10")]);

    let receipt = alice.deposits(sol("1.5")).unwrap();

    assert_eq!(alice.balance("SOL"), sol("8.5").units);
    assert_eq!(market.balance(&market.custody("SOL")), sol("1.5").units);
    assert_eq!(alice.deposited("SOL"), sol("1.5").units);
    let asset = market.asset("SOL");
    assert_eq!((asset.cash, asset.deposit_shares, asset.debt_shares), (1_500_000_000, 1_500_000_000, 0));
    let event: PositionChanged = receipt.event();
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    assert_eq!((event.action, event.asset, event.amount), (Action::Deposit, market.index("SOL"), 1_500_000_000));
    assert_eq!((event.shares_before, event.shares_after), (0, 1_500_000_000));
}

#[test]
fn more_is_added_to_what_is_there() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10"), gold("2"), bonk("1000000")]);
    alice.deposits(sol("1")).unwrap();
    alice.deposits(bonk("1000000")).unwrap();
    alice.deposits(gold("2")).unwrap();

    let event: PositionChanged = alice.deposits(sol("2.25")).unwrap().event();

    assert_eq!((event.shares_before, event.shares_after), (1_000_000_000, 3_250_000_000));
    assert_eq!(alice.deposited("SOL"), sol("3.25").units);
    assert_eq!(alice.deposited("GOLD"), gold("2").units);
    assert_eq!(alice.vault().used().len(), 3);
}

#[test]
fn what_is_owed_is_repaid_first() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("10"), usdc("1000")]);
    alice.deposits(sol("10")).unwrap();
    alice.borrows(usdc("500")).unwrap();

    // A part of the debt.
    let event: PositionChanged = alice.deposits(usdc("200")).unwrap().event();
    assert_eq!((event.action, event.amount), (Action::Deposit, 200_000_000));
    assert_eq!((event.shares_before, event.shares_after), (-500_000_000, -300_000_000));
    assert_eq!((alice.owes("USDC"), alice.deposited("USDC")), (300_000_000, 0));

    // The rest of it and something on top.
    let event: PositionChanged = alice.deposits(usdc("800")).unwrap().event();
    assert_eq!((event.shares_before, event.shares_after), (-300_000_000, 500_000_000));
    assert_eq!((alice.owes("USDC"), alice.deposited("USDC")), (0, 500_000_000));
    assert_eq!(market.asset("USDC").debt_shares, 0);
    assert_eq!(alice.balance("USDC"), usdc("500").units);
}

#[test]
fn a_deposit_of_exactly_the_debt_frees_the_position() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("10")]);
    alice.deposits(sol("10")).unwrap();
    alice.borrows(usdc("500")).unwrap();
    alice.deposits(usdc("500")).unwrap();
    assert_eq!(alice.vault().used().len(), 1);
    assert!(alice.holding("USDC").shares.is_zero());
}

/// A market in which one share of USDC is worth more than one unit, on both sides.
fn aged() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let bob = market.actor("bob", &[btc("200")]);
    bob.deposits(btc("200")).unwrap();
    bob.borrows(usdc("7000000")).unwrap();
    market.advances(365 * 86_400);
    market.refreshes_all();
    let asset = market.asset("USDC");
    assert!(asset.supply_index > 1 << 52 && asset.borrow_index > asset.supply_index);
    (market, bob)
}

#[test]
fn less_than_a_share_is_too_small() {
    let (market, _) = aged();
    let alice = market.actor("alice", &[usdc("1")]);
    expect_refusal(alice.deposits(native("USDC", 1)), BallastError::AmountTooSmall);
    alice.deposits(native("USDC", 2)).unwrap();
}

#[test]
fn a_rest_of_less_than_a_share_is_not_taken() {
    let (market, bob) = aged();
    let owed = bob.owes("USDC");
    bob.is_given(native("USDC", owed));
    let before = bob.balance("USDC");

    let event: PositionChanged = bob.deposits(native("USDC", owed + 1)).unwrap().event();

    assert_eq!((event.amount, event.shares_after), (owed, 0));
    assert_eq!(bob.balance("USDC"), before - owed);
    assert_eq!(bob.holding("USDC").side, Side::Deposit);
    assert_eq!(market.asset("USDC").debt_shares, 0);
}

#[test]
fn the_index_of_shares_rounds_against_the_depositor() {
    let (market, _) = aged();
    let alice = market.actor("alice", &[usdc("2000")]);
    let index = u128::from(market.asset("USDC").supply_index);
    for units in [2u64, 3, 1_000, 999_999_937] {
        let before = alice.holding("USDC").shares.get();
        alice.deposits(native("USDC", units)).unwrap();
        let shares = alice.holding("USDC").shares.get() - before;
        assert_eq!(u128::from(shares), (u128::from(units) << 52) / index);
    }
}

#[test]
fn nothing_is_no_amount() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    expect_refusal(alice.deposits(sol("0")), BallastError::AmountIsZero);
}

#[test]
fn nobody_deposits_more_than_he_has() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    expect_refusal(alice.deposits(sol("1.000000001")), token_fault::INSUFFICIENT_FUNDS);
    expect_refusal(alice.deposits(native("SOL", u64::MAX / 4)), token_fault::INSUFFICIENT_FUNDS);
}

#[test]
fn amounts_that_do_not_fit_are_refused() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    expect_refusal(alice.deposits(native("SOL", u64::MAX)), BallastError::DepositCapExceeded);
    alice.deposits(sol("1")).unwrap();
    expect_refusal(alice.deposits(native("SOL", u64::MAX)), BallastError::AmountOutOfRange);
}

#[test]
fn the_deposit_cap_holds() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    let mut token = assets::token("SOL");
    token.listing.deposit_cap = sol("100").units;
    market.lists(token).unwrap();
    let (alice, bob) = (market.actor("alice", &[sol("90")]), market.actor("bob", &[sol("20")]));
    alice.deposits(sol("90")).unwrap();
    expect_refusal(bob.deposits(sol("10.000000001")), BallastError::DepositCapExceeded);
    bob.deposits(sol("10")).unwrap();
    expect_refusal(bob.deposits(native("SOL", 1)), BallastError::DepositCapExceeded);
    alice.withdraws(native("SOL", 1)).unwrap();
    bob.deposits(native("SOL", 1)).unwrap();
}

#[test]
fn a_full_pool_still_takes_repayments() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    for symbol in ["SOL", "USDC"] {
        let mut token = assets::token(symbol);
        token.listing.deposit_cap = usdc("1000000").units;
        market.lists(token).unwrap();
    }
    market.refreshes_all();
    let (alice, bob) = (market.actor("alice", &[sol("1")]), market.actor("bob", &[usdc("1000000")]));
    bob.deposits(usdc("1000000")).unwrap();
    alice.deposits(sol("1")).unwrap();
    alice.borrows(usdc("50")).unwrap();
    // The cap is for new deposits; paying back is none.
    alice.deposits(usdc("50")).unwrap();
    bob.is_given(native("USDC", 1));
    expect_refusal(bob.deposits(native("USDC", 1)), BallastError::DepositCapExceeded);
}

#[test]
fn the_33rd_position_finds_the_vault_full() {
    let market = Fixture::with_assets(33);
    let alice = market.actor("alice", &[]);
    let tokens = market.tokens();
    for token in &tokens {
        alice.is_given(native(token.symbol, 20));
    }
    for token in &tokens[..32] {
        alice.deposits(native(token.symbol, 10)).unwrap();
    }
    expect_refusal(alice.deposits(native(tokens[32].symbol, 10)), BallastError::VaultFull);
    // What is there already can grow.
    alice.deposits(native(tokens[31].symbol, 10)).unwrap();
    // A place that becomes free can be taken.
    alice.withdraws_all(tokens[5].symbol).unwrap();
    alice.deposits(native(tokens[32].symbol, 10)).unwrap();
}

#[test]
fn only_the_owner_deposits() {
    let market = Fixture::new();
    let (alice, mallory) = (market.actor("alice", &[]), market.actor("mallory", &[sol("1")]));
    let dusting = replaced(&mallory.instruction(Action::Deposit, sol("1")), PAY_IN, "vault", &alice.vault_address());
    expect_refusal(mallory.sends(&[dusting]), BallastError::NotVaultOwner);

    let silent = unsigned(&alice.instruction(Action::Deposit, sol("1")), PAY_IN, "payer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_vault_is_of_this_market() {
    let market = Fixture::new();
    let foreign = market.foreign_market();
    let alice = market.actor("alice", &[sol("1")]);
    let abroad = foreign.actor("alice", &[]);
    let crossed = replaced(&alice.instruction(Action::Deposit, sol("1")), PAY_IN, "vault", &abroad.vault_address());
    expect_refusal(alice.sends(&[crossed]), BallastError::WrongMarket);
}

#[test]
fn the_asset_is_listed() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    for index in [8, 63, 64, 255] {
        let instruction =
            market.builds(|market| market.deposit(&alice.address(), &alice.vault_address(), index, 1_000));
        expect_refusal(alice.sends(&[instruction]), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a11_mint_custody_and_token_program_are_those_of_the_asset() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1"), btc("100")]);
    let good = alice.instruction(Action::Deposit, sol("1"));
    let with = |slot, key: &Pubkey| alice.sends(&[replaced(&good, PAY_IN, slot, key)]);
    expect_refusal(with("mint", &market.token("BTC").mint), BallastError::WrongMint);
    expect_refusal(with("custody", &market.custody("BTC")), BallastError::WrongCustody);
    expect_refusal(with("custody", &alice.wallet("SOL")), BallastError::WrongCustody);
    expect_refusal(with("token_program", &TOKEN_2022), BallastError::WrongTokenProgram);
    expect_refusal(with("token_program", &client::ID), BallastError::WrongTokenProgram);
    expect_refusal(with("source", &alice.wallet("BTC")), token_fault::MINT_MISMATCH);
    let bob = market.actor("bob", &[sol("1")]);
    expect_refusal(with("source", &bob.wallet("SOL")), token_fault::OWNER_MISMATCH);
}

#[test]
fn custody_that_holds_less_than_the_books_is_noticed() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10")]);
    alice.deposits(sol("5")).unwrap();
    // No instruction of ours leads there; a token program's own rules might.
    market.takes_from_custody("SOL", 1);
    expect_refusal(alice.deposits(sol("1")), BallastError::CustodyShort);
}
