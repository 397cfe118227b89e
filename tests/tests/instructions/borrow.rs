//! `borrow`.

use ballast_client::event::{Action, PositionChanged};
use ballast_client::parameters::Row;
use ballast_client::risk::health::Side;
use ballast_client::token::TOKEN_2022;
use ballast_client::{BindingView, StateView};
use ballast_tests::governance::{moves, one_factor, shocked, worst_of};
use ballast_tests::outcome::token_fault;
use ballast_tests::slots::{PAY_OUT, replaced, unsigned};
use ballast_tests::*;

/// A stocked market, and alice with 100 SOL (15,000 dollars) in her vault.
fn market() -> (Fixture, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    (market, alice)
}

#[test]
fn tokens_come_out_and_a_debt_remains() {
    let (market, alice) = market();
    let before = market.asset("USDC");

    let receipt = alice.borrows(usdc("5000")).unwrap();

    assert_eq!((alice.balance("USDC"), alice.owes("USDC")), (usdc("5000").units, usdc("5000").units));
    let after = market.asset("USDC");
    assert_eq!((after.cash, after.debt_shares), (before.cash - usdc("5000").units, usdc("5000").units));
    assert_eq!(after.deposit_shares, before.deposit_shares);
    assert_eq!(alice.state(), StateView::Healthy);
    let event: PositionChanged = receipt.event();
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    assert_eq!((event.action, event.asset, event.amount), (Action::Borrow, market.index("USDC"), 5_000_000_000));
    assert_eq!((event.shares_before, event.shares_after), (0, -5_000_000_000));
}

#[test]
fn a_deposit_of_the_asset_is_withdrawn_first() {
    let (market, alice) = market();
    alice.is_given(usdc("300"));
    alice.deposits(usdc("300")).unwrap();

    // Less than the deposit.
    let event: PositionChanged = alice.borrows(usdc("100")).unwrap().event();
    assert_eq!((event.action, event.amount), (Action::Borrow, 100_000_000));
    assert_eq!((event.shares_before, event.shares_after), (300_000_000, 200_000_000));
    assert_eq!(market.asset("USDC").debt_shares, 0);

    // More than it.
    let event: PositionChanged = alice.borrows(usdc("1000")).unwrap().event();
    assert_eq!((event.shares_before, event.shares_after), (200_000_000, -800_000_000));
    assert_eq!((alice.owes("USDC"), alice.deposited("USDC")), (usdc("800").units, 0));
    assert_eq!(alice.balance("USDC"), usdc("1100").units);
    assert_eq!(alice.vault().used().len(), 2);
}

#[test]
fn a_loan_of_exactly_the_deposit_frees_the_position() {
    let (_, alice) = market();
    alice.is_given(usdc("300"));
    alice.deposits(usdc("300")).unwrap();
    alice.borrows(usdc("300")).unwrap();
    assert!(alice.holding("USDC").shares.is_zero());
    assert_eq!(alice.vault().used().len(), 1);
}

#[test]
fn debts_in_several_assets_stand_beside_several_deposits() {
    let (market, alice) = market();
    alice.is_given(gold("4"));
    alice.deposits(gold("4")).unwrap();
    for money in [usdc("3000"), eth("1"), bonk("1000000"), lst("2")] {
        alice.borrows(money).unwrap();
        assert_eq!(alice.balance(money.symbol), money.units);
        assert_eq!(alice.holding(money.symbol).side, Side::Debt);
    }
    assert_eq!(alice.vault().used().len(), 6);
    assert!(market.asset("BONK").borrow_rate > 0 || market.asset("BONK").cash > 0);
}

#[test]
fn nothing_is_no_amount() {
    let (_, alice) = market();
    expect_refusal(alice.borrows(usdc("0")), BallastError::AmountIsZero);
}

#[test]
fn the_initial_requirement_limits_the_loan() {
    let (_, alice) = market();
    expect_refusal(alice.borrows(usdc("12000")), BallastError::BelowInitMargin);
    // The limit lies where equity meets the requirement, to the smallest unit.
    let (mut fits, mut fails) = (usdc("1").units, usdc("12000").units);
    while fails - fits > 1 {
        let middle = fits.midpoint(fails);
        match alice.fixture.simulates(&[alice.instruction(Action::Borrow, native("USDC", middle))], &[&alice.key]) {
            Ok(_) => fits = middle,
            Err(refusal) => {
                assert_eq!(refusal.fault, BallastError::BelowInitMargin.into());
                fails = middle;
            }
        }
    }
    alice.borrows(native("USDC", fits)).unwrap();
    let init = alice.health().init;
    let slack = init.equity - init.requirement as i64;
    assert!((0..=3).contains(&slack), "{init:?}");
    expect_refusal(alice.borrows(native("USDC", 10)), BallastError::BelowInitMargin);
    // 15,000 dollars less margins, a quarter and the depth, over a debt with margins and 3 %.
    assert!((usdc("10850").units..usdc("10950").units).contains(&fits), "{fits}");
}

#[test]
fn without_collateral_there_is_no_loan() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[]);
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::BelowInitMargin);
}

#[test]
fn nobody_borrows_more_than_there_is() {
    let market = Fixture::new();
    let (lender, alice) = (market.actor("lender", &[usdc("1000")]), market.actor("alice", &[sol("100")]));
    lender.deposits(usdc("1000")).unwrap();
    alice.deposits(sol("100")).unwrap();
    expect_refusal(alice.borrows(usdc("1000.000001")), BallastError::NotEnoughCash);
    expect_refusal(alice.borrows(native("USDC", u64::MAX)), BallastError::NotEnoughCash);
    alice.borrows(usdc("1000")).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::NotEnoughCash);
}

#[test]
fn the_debt_cap_holds() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    market.lists(assets::token("SOL")).unwrap();
    let mut token = assets::token("USDC");
    token.listing.debt_cap = usdc("500").units;
    market.lists(token).unwrap();
    market.refreshes_all();
    let (lender, alice) = (market.actor("lender", &[usdc("1000")]), market.actor("alice", &[sol("100")]));
    lender.deposits(usdc("1000")).unwrap();
    alice.deposits(sol("100")).unwrap();
    expect_refusal(alice.borrows(usdc("500.000001")), BallastError::DebtCapExceeded);
    alice.borrows(usdc("500")).unwrap();
    expect_refusal(alice.borrows(native("USDC", 1)), BallastError::DebtCapExceeded);
    // Interest carries the total above the cap; that is no reason to refuse a repayment or a deposit.
    market.advances(86_400);
    alice.repays(usdc("100")).unwrap();
    lender.withdraws(usdc("100")).unwrap();
    market.refreshes_all();
    alice.borrows(usdc("99")).unwrap();
}

#[test]
fn prices_must_be_fresh() {
    let (market, alice) = market();
    market.advances(60);
    alice.borrows(usdc("1")).unwrap();
    market.advances(1);
    // A deposit without a price counts nothing, a debt without a price decides nothing.
    expect_refusal(alice.borrows(usdc("1")), BallastError::PriceUnusable);
    market.sets_price("USDC", "1");
    market.refreshes(&["USDC"]).unwrap();
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
    market.sets_price("SOL", "150");
    market.refreshes(&["SOL"]).unwrap();
    alice.borrows(usdc("1")).unwrap();
}

#[test]
fn an_asset_whose_price_nobody_ever_refreshed_is_not_lent() {
    let market = Fixture::setting_up(8);
    market.lists(assets::token("P08")).unwrap();
    let market = market.stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    expect_refusal(alice.borrows(native("P08", 1)), BallastError::PriceUnusable);
}

#[test]
fn a_position_beyond_the_number_format_decides_nothing() {
    let (_, alice) = market();
    alice.is_given(sol("500000000"));
    alice.deposits(sol("500000000")).unwrap();
    expect_refusal(alice.borrows(usdc("1")), BallastError::ValueOutOfRange);
}

#[test]
fn the_33rd_position_finds_the_vault_full() {
    let market = Fixture::with_assets(33).stocked();
    let alice = market.actor("alice", &[]);
    alice.fills_vault(32);
    expect_refusal(alice.borrows(native("P32", 1_000)), BallastError::VaultFull);
    // What is there already can grow.
    alice.borrows(native("P31", 1_000)).unwrap();
}

#[test]
fn only_the_owner_borrows() {
    let (market, alice) = market();
    let mallory = market.actor("mallory", &[]);
    let theft = replaced(&mallory.instruction(Action::Borrow, usdc("1")), PAY_OUT, "vault", &alice.vault_address());
    expect_refusal(mallory.sends(&[theft]), BallastError::NotVaultOwner);

    let silent = unsigned(&alice.instruction(Action::Borrow, usdc("1")), PAY_OUT, "signer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_vault_is_of_this_market() {
    let (market, alice) = market();
    let abroad = market.foreign_market().actor("alice", &[sol("100")]);
    abroad.deposits(sol("100")).unwrap();
    let crossed = replaced(&alice.instruction(Action::Borrow, usdc("1")), PAY_OUT, "vault", &abroad.vault_address());
    expect_refusal(alice.sends(&[crossed]), BallastError::WrongMarket);
}

#[test]
fn the_asset_is_listed() {
    let (market, alice) = market();
    for index in [8, 64, 255] {
        let instruction = market.builds(|market| market.borrow(&alice.address(), &alice.vault_address(), index, 1));
        expect_refusal(alice.sends(&[instruction]), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a11_the_accounts_are_those_of_the_asset() {
    let (market, alice) = market();
    let foreign = market.foreign_market();
    let good = alice.instruction(Action::Borrow, usdc("1"));
    let with = |slot, key: &Pubkey| alice.sends(&[replaced(&good, PAY_OUT, slot, key)]);
    expect_refusal(with("mint", &market.token("BTC").mint), BallastError::WrongMint);
    expect_refusal(with("custody", &market.custody("BTC")), BallastError::WrongCustody);
    expect_refusal(with("custody", &foreign.custody("USDC")), BallastError::WrongCustody);
    expect_refusal(with("token_program", &TOKEN_2022), BallastError::WrongTokenProgram);
    expect_refusal(with("authority", &foreign.market().authority), BallastError::WrongAuthority);
    expect_refusal(with("destination", &alice.wallet("BTC")), token_fault::MINT_MISMATCH);
}

#[test]
fn custody_that_holds_less_than_the_books_is_noticed() {
    let (market, alice) = market();
    market.takes_from_custody("USDC", 1);
    expect_refusal(alice.borrows(usdc("1")), BallastError::CustodyShort);
}

/// SOL alone moves, by this part of itself.
fn only_sol(row: Row) -> impl Fn(&str) -> Row {
    move |symbol| if symbol == "SOL" { row } else { Row::default() }
}

#[test]
fn the_portfolio_requirement_limits_a_loan() {
    let (market, alice) = market();
    // 2.5 x 20 %: half of 14,984 dollars, less the margin on a debt. Haircuts would leave 10,900.
    market.models(&one_factor([250, 200, 150], 0), only_sol(moves(2_000, 0)));
    expect_refusal(alice.borrows(usdc("7485")), BallastError::BelowInitMargin);
    alice.borrows(usdc("7484")).unwrap();
    assert_eq!(alice.health().init.binding, BindingView::Portfolio);
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
}

#[test]
fn the_stress_requirement_limits_a_loan() {
    let (market, alice) = market();
    // 1.25 x 40 %: half of the deposit again.
    market.models(&worst_of(2, [125, 110, 100]), only_sol(shocked(&[1_000, -4_000])));
    expect_refusal(alice.borrows(usdc("7485")), BallastError::BelowInitMargin);
    alice.borrows(usdc("7484")).unwrap();
    assert_eq!((alice.health().init.binding, alice.health().init.worst_scenario), (BindingView::Stress, 1));
    expect_refusal(alice.borrows(usdc("1")), BallastError::BelowInitMargin);
}

/// LST and SOL move alike, but for 1 % each.
fn hedged(symbol: &str) -> Row {
    if ["SOL", "LST"].contains(&symbol) { moves(2_000, 100) } else { Row::default() }
}

#[test]
fn a_hedge_borrows_more_with_netting() {
    let (market, _) = market();
    let bob = market.actor("bob", &[lst("100")]);
    bob.deposits(lst("100")).unwrap();
    // 16,500 dollars less 25 %, less 10 % of the debt: 74 SOL are 11,100 dollars.
    expect_refusal(bob.borrows(sol("75")), BallastError::BelowInitMargin);
    market.models(&one_factor([300, 250, 200], 3_000), hedged);
    bob.borrows(sol("95")).unwrap();
    // What is not hedged does not benefit.
    expect_refusal(bob.borrows(usdc("2000")), BallastError::BelowInitMargin);
}

#[test]
fn a_model_that_nobody_confirmed_saves_nothing_at_init() {
    let (market, _) = market();
    let bob = market.actor("bob", &[lst("100")]);
    bob.deposits(lst("100")).unwrap();
    market.models(&one_factor([300, 250, 200], 3_000), hedged);
    let valid_until = market.market().valid_until as i64;
    market.sets_clock(valid_until, 9_000_000);
    market.refreshes_all();
    bob.borrows(sol("80")).unwrap();
    // A second later the haircuts count whole.
    market.advances(1);
    expect_refusal(bob.borrows(native("SOL", 1)), BallastError::BelowInitMargin);
    assert_eq!(bob.state(), StateView::Restricted);
    market.confirms_risk_model().unwrap();
    bob.borrows(native("SOL", 1)).unwrap();
}

#[test]
fn an_expired_model_still_asks_for_what_it_asked() {
    let (market, alice) = market();
    market.models(&one_factor([250, 200, 150], 0), only_sol(moves(2_000, 0)));
    market.sets_clock(market.market().fallback_until as i64 + 1, 9_000_000);
    market.refreshes_all();
    expect_refusal(alice.borrows(usdc("7485")), BallastError::BelowInitMargin);
    alice.borrows(usdc("7400")).unwrap();
    assert_eq!(alice.health().init.binding, BindingView::Portfolio);
}

#[test]
fn an_initial_haircut_counts_as_soon_as_it_is_executed() {
    let (market, alice) = market();
    // 25 %: 14,984 x 0.75, less the margin and 3 % of the debt.
    alice.borrows(usdc("9450")).unwrap();
    alice.repays(usdc("9450")).unwrap();
    market.sets_haircuts("SOL", [3_500, 2_000, 1_500], [1_000, 750, 500], 0).unwrap();
    // 35 %: 14,984 x 0.65.
    expect_refusal(alice.borrows(usdc("9446")), BallastError::BelowInitMargin);
    alice.borrows(usdc("9445")).unwrap();
    // Ten points more, and she may take no more risk; she is as far from being liquidated as before.
    let before = alice.health().maint;
    market.sets_haircuts("SOL", [4_500, 2_000, 1_500], [1_000, 750, 500], 0).unwrap();
    assert_eq!(alice.state(), StateView::Restricted);
    assert_eq!(alice.health().maint.assets, before.assets);
    assert!(alice.health().maint.requirement.abs_diff(before.requirement) < 100_000, "a day of interest");
}

#[test]
fn with_netting_a_missing_price_lends_nothing() {
    let (market, _) = market();
    let bob = market.actor("bob", &[lst("100")]);
    bob.deposits(lst("100")).unwrap();
    market.models(&one_factor([300, 250, 200], 3_000), hedged);
    bob.borrows(sol("50")).unwrap();
    market.advances(61);
    market.sets_price("LST", "165");
    market.refreshes(&["LST"]).unwrap();
    expect_refusal(bob.borrows(native("SOL", 1)), BallastError::PriceUnusable);
    market.advances(61);
    market.sets_price("SOL", "150");
    market.refreshes(&["SOL"]).unwrap();
    expect_refusal(bob.borrows(native("SOL", 1)), BallastError::BelowInitMargin);
    // Paying back and putting in more needs no price.
    market.advances(61);
    bob.is_given(lst("1"));
    bob.deposits(lst("1")).unwrap();
    bob.repays(sol("1")).unwrap();
}
