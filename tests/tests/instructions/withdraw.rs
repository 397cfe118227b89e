//! `withdraw`.

use ballast_client::event::{Action, PositionChanged};
use ballast_client::parameters::Row;
use ballast_client::token::TOKEN_2022;
use ballast_client::{BindingView, StateView};
use ballast_tests::governance::{joined, moves, one_factor, shocked, stressed, worst_of};
use ballast_tests::outcome::token_fault;
use ballast_tests::slots::{PAY_OUT, replaced, unsigned};
use ballast_tests::*;

#[test]
fn tokens_come_back_and_shares_go() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10")]);
    alice.deposits(sol("10")).unwrap();

    let receipt = alice.withdraws(sol("4")).unwrap();

    assert_eq!((alice.balance("SOL"), alice.deposited("SOL")), (sol("4").units, sol("6").units));
    assert_eq!(market.asset("SOL").cash, sol("6").units);
    let event: PositionChanged = receipt.event();
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    assert_eq!((event.action, event.asset, event.amount), (Action::Withdraw, market.index("SOL"), 4_000_000_000));
    assert_eq!((event.shares_before, event.shares_after), (10_000_000_000, 6_000_000_000));
}

#[test]
fn everything_frees_the_position() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10"), gold("3")]);
    alice.deposits(sol("10")).unwrap();
    alice.deposits(gold("3")).unwrap();
    alice.withdraws_all("SOL").unwrap();
    assert_eq!((alice.balance("SOL"), alice.vault().used().len()), (sol("10").units, 1));
    // Naming the exact amount is the same.
    alice.withdraws(gold("3")).unwrap();
    assert_eq!((alice.balance("GOLD"), alice.vault().used().len()), (gold("3").units, 0));
    assert_eq!(market.asset("GOLD").deposit_shares, 0);
}

#[test]
fn the_destination_may_be_anybodys() {
    let market = Fixture::new();
    let (alice, bob) = (market.actor("alice", &[sol("1")]), market.newcomer("bob"));
    alice.deposits(sol("1")).unwrap();
    let gift = replaced(&alice.instruction(Action::Withdraw, sol("1")), PAY_OUT, "destination", &bob.wallet("SOL"));
    alice.sends(&[gift]).unwrap();
    assert_eq!(bob.balance("SOL"), sol("1").units);
}

#[test]
fn nothing_is_no_amount() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    alice.deposits(sol("1")).unwrap();
    expect_refusal(alice.withdraws(sol("0")), BallastError::AmountIsZero);
}

#[test]
fn more_than_the_deposit_is_refused() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("1")]);
    alice.deposits(sol("1")).unwrap();
    expect_refusal(alice.withdraws(sol("1.000000001")), BallastError::InsufficientDeposit);
    expect_refusal(alice.withdraws(native("SOL", u64::MAX)), BallastError::InsufficientDeposit);
}

#[test]
fn what_is_not_deposited_is_not_withdrawn() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("10")]);
    expect_refusal(alice.withdraws(sol("1")), BallastError::NoDeposit);
    expect_refusal(alice.withdraws_all("SOL"), BallastError::NoDeposit);
    alice.deposits(sol("10")).unwrap();
    alice.borrows(usdc("100")).unwrap();
    // A debt is not a deposit.
    expect_refusal(alice.withdraws(usdc("50")), BallastError::NoDeposit);
    expect_refusal(alice.withdraws_all("USDC"), BallastError::NoDeposit);
}

#[test]
fn what_is_lent_is_not_there() {
    let market = Fixture::new();
    let (lender, alice) = (market.actor("lender", &[usdc("1000")]), market.actor("alice", &[sol("100")]));
    lender.deposits(usdc("1000")).unwrap();
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("600")).unwrap();
    expect_refusal(lender.withdraws(usdc("400.000001")), BallastError::NotEnoughCash);
    expect_refusal(lender.withdraws_all("USDC"), BallastError::NotEnoughCash);
    lender.withdraws(usdc("400")).unwrap();
    expect_refusal(lender.withdraws(native("USDC", 1)), BallastError::NotEnoughCash);
}

#[test]
fn the_rest_must_meet_the_initial_requirement() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    expect_refusal(alice.withdraws_all("SOL"), BallastError::BelowInitMargin);
    expect_refusal(alice.withdraws(sol("55")), BallastError::BelowInitMargin);
    alice.withdraws(sol("50")).unwrap();
    assert_eq!(alice.state(), StateView::Healthy);

    // Nothing more can be taken out after a fall, although it is far from being liquidated.
    market.price_moves("SOL", "135");
    assert_eq!(alice.state(), StateView::Restricted);
    expect_refusal(alice.withdraws(native("SOL", 1)), BallastError::BelowInitMargin);
}

#[test]
fn with_a_debt_prices_must_be_fresh() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100"), eth("1")]);
    alice.deposits(sol("100")).unwrap();
    alice.deposits(eth("1")).unwrap();
    alice.borrows(usdc("100")).unwrap();
    market.advances(61);
    expect_refusal(alice.withdraws(sol("1")), BallastError::PriceUnusable);
    // The debt's price is needed; without that of the deposit it counts nothing.
    market.sets_price("USDC", "1");
    market.refreshes(&["USDC"]).unwrap();
    expect_refusal(alice.withdraws(eth("1")), BallastError::BelowInitMargin);
    market.sets_price("SOL", "150");
    market.refreshes(&["SOL"]).unwrap();
    alice.withdraws(eth("1")).unwrap();
}

#[test]
fn without_a_debt_no_price_is_needed() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    alice.deposits(sol("1")).unwrap();
    market.advances(1_000_000_000);
    alice.withdraws_all("SOL").unwrap();
    assert_eq!(alice.balance("SOL"), sol("1").units);
}

#[test]
fn a_position_beyond_the_number_format_decides_nothing() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("1000"), btc("1")]);
    alice.deposits(btc("1")).unwrap();
    alice.borrows(usdc("1")).unwrap();
    // 2^56 micro-dollars are 72 billion dollars: 500 million SOL at 150 are 75 billion.
    alice.is_given(sol("500000000"));
    alice.deposits(sol("500000000")).unwrap();
    expect_refusal(alice.withdraws(sol("1")), BallastError::ValueOutOfRange);
    // It is not a trap: what needs no check goes on, and without a debt everything can leave.
    alice.is_given(usdc("1"));
    alice.repays(usdc("2")).unwrap();
    alice.withdraws_all("SOL").unwrap();
}

#[test]
fn only_the_owner_withdraws() {
    let market = Fixture::new();
    let (alice, mallory) = (market.actor("alice", &[sol("1")]), market.actor("mallory", &[sol("1")]));
    alice.deposits(sol("1")).unwrap();
    mallory.deposits(sol("1")).unwrap();
    let theft = replaced(&mallory.instruction(Action::Withdraw, sol("1")), PAY_OUT, "vault", &alice.vault_address());
    expect_refusal(mallory.sends(&[theft]), BallastError::NotVaultOwner);

    let silent = unsigned(&alice.instruction(Action::Withdraw, sol("1")), PAY_OUT, "signer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_vault_is_of_this_market() {
    let market = Fixture::new();
    let foreign = market.foreign_market();
    let (alice, abroad) = (market.actor("alice", &[sol("2")]), foreign.actor("alice", &[]));
    alice.deposits(sol("1")).unwrap();
    abroad.deposits(sol("1")).unwrap();
    let crossed = replaced(&alice.instruction(Action::Withdraw, sol("1")), PAY_OUT, "vault", &abroad.vault_address());
    expect_refusal(alice.sends(&[crossed]), BallastError::WrongMarket);
}

#[test]
fn the_asset_is_listed() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    alice.deposits(sol("1")).unwrap();
    for index in [8, 64, 255] {
        let instruction =
            market.builds(|market| market.withdraw(&alice.address(), &alice.vault_address(), index, None));
        expect_refusal(alice.sends(&[instruction]), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a11_the_accounts_are_those_of_the_asset() {
    let market = Fixture::new();
    let foreign = market.foreign_market();
    let alice = market.actor("alice", &[sol("1"), btc("1")]);
    alice.deposits(sol("1")).unwrap();
    let good = alice.instruction(Action::Withdraw, sol("1"));
    let with = |slot, key: &Pubkey| alice.sends(&[replaced(&good, PAY_OUT, slot, key)]);
    expect_refusal(with("mint", &market.token("BTC").mint), BallastError::WrongMint);
    expect_refusal(with("custody", &market.custody("BTC")), BallastError::WrongCustody);
    expect_refusal(with("custody", &foreign.custody("SOL")), BallastError::WrongCustody);
    expect_refusal(with("token_program", &TOKEN_2022), BallastError::WrongTokenProgram);
    expect_refusal(with("authority", &foreign.market().authority), BallastError::WrongAuthority);
    expect_refusal(with("authority", &alice.address()), BallastError::WrongAuthority);
    expect_refusal(with("destination", &alice.wallet("BTC")), token_fault::MINT_MISMATCH);
}

#[test]
fn custody_that_holds_less_than_the_books_is_noticed() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10")]);
    alice.deposits(sol("5")).unwrap();
    market.takes_from_custody("SOL", 1);
    expect_refusal(alice.withdraws(sol("1")), BallastError::CustodyShort);
    expect_refusal(alice.withdraws_all("SOL"), token_fault::INSUFFICIENT_FUNDS);
}

/// LST and SOL move alike, but for 1 % each.
fn hedged(symbol: &str) -> Row {
    if ["SOL", "LST"].contains(&symbol) { moves(2_000, 100) } else { Row::default() }
}

/// Bob has 100 LST (16,500 dollars) and 10,000 USDC, and owes 60 SOL (9,000 dollars).
fn hedger() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let bob = market.actor("bob", &[lst("100"), usdc("10000")]);
    bob.deposits(lst("100")).unwrap();
    bob.deposits(usdc("10000")).unwrap();
    bob.borrows(sol("60")).unwrap();
    (market, bob)
}

#[test]
fn the_portfolio_requirement_keeps_the_hedge_in_place() {
    let (market, bob) = hedger();
    market.models(&one_factor([300, 250, 200], 0), hedged);
    // Without the LST, 60 % of the 9,000 dollars of SOL are required, and 1,000 are there.
    expect_refusal(bob.withdraws_all("LST"), BallastError::BelowInitMargin);
    assert_eq!(bob.health().init.binding, BindingView::Portfolio);
    // The dollars hedge nothing.
    bob.withdraws_all("USDC").unwrap();
}

#[test]
fn the_stress_requirement_keeps_what_covers_it() {
    let (market, bob) = hedger();
    // SOL doubles, LST stays where it is.
    market.models(&worst_of(1, [100; 3]), |symbol| if symbol == "SOL" { shocked(&[10_000]) } else { Row::default() });
    assert_eq!(bob.health().init.binding, BindingView::Stress);
    // 17,461 are there, 9,009 required: 8,455 can go.
    expect_refusal(bob.withdraws(usdc("8500")), BallastError::BelowInitMargin);
    bob.withdraws(usdc("8400")).unwrap();
}

#[test]
fn without_a_debt_neither_model_nor_price_matters() {
    let (market, bob) = hedger();
    bob.is_given(sol("1"));
    bob.repays(sol("61")).unwrap();
    let model = stressed(one_factor([300, 250, 200], 10_000), worst_of(1, [100; 3]));
    market.models(&model, |_| joined(moves(3_000, 0), shocked(&[-10_000])));
    market.sets_clock(market.market().fallback_until as i64 + 1_000, 9_000_000);
    bob.withdraws(lst("1")).unwrap();
    bob.withdraws_all("LST").unwrap();
    bob.withdraws_all("USDC").unwrap();
    bob.closes_vault().unwrap();
}

#[test]
fn with_netting_and_a_debt_a_missing_price_lets_nothing_out() {
    let (market, bob) = hedger();
    market.models(&one_factor([300, 250, 200], 3_000), hedged);
    let only = |symbols: &[&str]| {
        market.advances(61);
        for symbol in symbols {
            market.sets_price(symbol, market.token(symbol).price);
        }
        market.refreshes(symbols).unwrap();
    };
    only(&["LST", "USDC"]);
    expect_refusal(bob.withdraws(native("USDC", 1)), BallastError::PriceUnusable);
    only(&["SOL", "USDC"]);
    expect_refusal(bob.withdraws(native("USDC", 1)), BallastError::BelowInitMargin);
    // The deposits that have a price carry the debt by themselves.
    only(&["SOL", "LST"]);
    bob.withdraws(native("USDC", 1)).unwrap();
}
