//! `liquidate`.

use ballast_client::StateView;
use ballast_client::event::Liquidated;
use ballast_client::snapshot;
use ballast_client::token::TOKEN_2022;
use ballast_tests::outcome::token_fault;
use ballast_tests::slots::{LIQUIDATE, replaced, unsigned};
use ballast_tests::*;

/// Alice owes 10,000 USDC against 100 SOL; bob has a million USDC. Below 120 dollars alice can be liquidated.
fn market() -> (Fixture, Actor, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[usdc("1000000")]);
    (market, alice, bob)
}

/// Seized value is at most the repaid value and the bonus on it, both at the market's prices.
fn bonus_is_kept(event: &Liquidated) {
    let most = (u128::from(event.repaid_value) * ((1 << 32) + u128::from(event.bonus))) >> 32;
    assert!(u128::from(event.seized_value) <= most, "{} of {most}", event.seized_value);
}

#[test]
fn a_part_is_repaid_and_collateral_taken_with_a_bonus() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "115");
    let health = alice.health();
    assert_eq!(health.state, StateView::Liquidatable);
    let owed = alice.owes("USDC");

    let receipt = bob.liquidates(&alice, usdc("1000"), "SOL").unwrap();

    let event: Liquidated = receipt.event();
    assert_eq!((event.market, event.vault), (market.market_address(), alice.vault_address()));
    assert_eq!((event.liquidator, event.debt_asset), (bob.address(), market.index("USDC")));
    assert_eq!((event.collateral_asset, event.repaid), (market.index("SOL"), usdc("1000").units));
    assert_eq!((event.equity_before, event.requirement_before), (health.maint.equity, health.maint.requirement));
    // 2 % and a fifth of the shortfall: the equity of 1,500 covers 78 % of the 1,925 required.
    let bonus = f64::from(event.bonus) / 2f64.powi(32);
    let expected = 0.02 + 0.2 * (1.0 - health.maint.equity as f64 / health.maint.requirement as f64);
    assert!((bonus - expected).abs() < 1e-6, "{bonus} {expected}");
    bonus_is_kept(&event);
    // 1,000 dollars and the bonus, in SOL at 115.
    let seized = 1_000.0 * (1.0 + bonus) / 115.0 * 1e9;
    assert!((event.seized as f64 - seized).abs() < 100.0, "{} {seized}", event.seized);

    assert_eq!(bob.balance("USDC"), usdc("999000").units);
    assert_eq!(bob.balance("SOL"), event.seized);
    assert_eq!(alice.deposited("SOL"), sol("100").units - event.seized);
    let left = owed - usdc("1000").units;
    assert!((left..=left + 1).contains(&alice.owes("USDC")), "a debt rounds up");
    let after = alice.health();
    let shortfall = |health: &client::HealthView| health.target.requirement as i64 - health.target.equity;
    assert!(shortfall(&after) < shortfall(&health), "it heals");
}

#[test]
fn it_goes_to_the_target_and_not_beyond() {
    for price in ["119.9", "119", "117", "115"] {
        let (market, alice, bob) = market();
        market.price_moves("SOL", price);
        let event: Liquidated = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap().event();
        bonus_is_kept(&event);
        assert!(event.repaid < usdc("10000").units, "not all of it at {price}");
        let target = alice.health().target;
        let missing = target.requirement as i64 - target.equity;
        // A unit value has 31 bits: that much of 12,000 dollars, on either side.
        let rounding = 12;
        assert!((-rounding..=2_000_000).contains(&missing), "{missing} micro-dollars below the target at {price}");
        expect_refusal(bob.liquidates(&alice, usdc("1000000"), "SOL"), BallastError::VaultHealthy);
    }
}

#[test]
fn the_deepest_takes_the_whole_debt() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110.001");
    let owed = alice.owes("USDC");
    let event: Liquidated = bob.liquidates(&alice, native("USDC", u64::MAX), "SOL").unwrap().event();
    bonus_is_kept(&event);
    assert_eq!((event.repaid, alice.owes("USDC")), (owed, 0));
    assert!(alice.deposited("SOL") > 0);
}

#[test]
fn atk_a07b_more_than_the_debt_pulls_exactly_the_debt() {
    for more in [|owed: u64| owed + 1, |owed: u64| owed * 2, |_: u64| u64::MAX] {
        let (market, alice, bob) = market();
        alice.borrows(eth("0.1")).unwrap();
        bob.is_given(eth("10"));
        market.price_moves("SOL", "115");
        let (owed, before) = (alice.owes("ETH"), bob.balance("ETH"));
        let event: Liquidated = bob.liquidates(&alice, native("ETH", more(owed)), "SOL").unwrap().event();
        assert_eq!((event.repaid, bob.balance("ETH")), (owed, before - owed));
        bonus_is_kept(&event);
        assert_eq!(alice.vault().used().len(), 2);
    }
}

#[test]
fn an_insolvent_vault_gives_what_it_has() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "60");
    assert_eq!(alice.state(), StateView::Insolvent);

    let event: Liquidated = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap().event();

    bonus_is_kept(&event);
    assert_eq!((event.seized, alice.deposited("SOL")), (sol("100").units, 0));
    // Nothing is left to pay a larger bonus with: 6,000 dollars of SOL buy 5,882 of the debt at the least one, 2 %.
    assert!((usdc("5882").units..=usdc("5883").units).contains(&event.repaid), "{}", event.repaid);
    // What is left is nobody's debt any more, see `losses`.
    assert!(alice.vault().used().is_empty());
}

#[test]
fn what_is_left_below_the_dust_value_goes_too() {
    let (market, alice, bob) = market();
    // Almost all would be repaid on the way to the target; less than a dollar would be left.
    let mut closed = false;
    let mut left_open = false;
    for price in ["110.0005", "110.001", "110.0015", "110.002", "110.0025", "110.003", "110.004", "110.005"] {
        market.price_moves("SOL", price);
        let instruction = bob.liquidate(&alice, usdc("1000000"), "SOL");
        let event: Liquidated = market.simulates(&[instruction], &[&bob.key]).unwrap().event();
        let left = alice.owes("USDC") - event.repaid;
        assert!(left == 0 || left >= usdc("1").units, "{left} left at {price}");
        closed |= left == 0;
        left_open |= left > 0;
    }
    assert!(closed && left_open);
}

#[test]
fn the_preview_of_the_client_is_what_happens() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "113");
    market.advances(7);
    let now = market.now() as u64;
    let best =
        snapshot::best_liquidation(&market.market(), alice.vault_address(), &alice.vault(), now, |_| 3_000_000_000)
            .unwrap();
    assert_eq!((best.debt_asset, best.collateral_asset), (market.index("USDC"), market.index("SOL")));
    let event: Liquidated = bob.liquidates(&alice, native("USDC", 3_000_000_000), "SOL").unwrap().event();
    assert_eq!((event.repaid, event.seized), (best.liquidation.repay.get(), best.liquidation.seize.get()));
    assert_eq!(event.repaid_value, best.liquidation.repaid_value.get());
    assert_eq!(event.seized_value, best.liquidation.seized_value.get());
}

#[test]
fn the_liquidator_chooses_the_pair() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("50"), gold("3")]);
    alice.deposits(sol("50")).unwrap();
    alice.deposits(gold("3")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    alice.borrows(eth("1.5")).unwrap();
    market.prices_move(&[("SOL", "85"), ("ETH", "3500")]);
    assert_eq!(alice.state(), StateView::Liquidatable);
    let bob = market.actor("bob", &[usdc("100"), eth("1")]);
    for (pays, takes) in [(usdc("50"), "SOL"), (usdc("50"), "GOLD"), (eth("0.01"), "SOL"), (eth("0.01"), "GOLD")] {
        let event: Liquidated = bob.liquidates(&alice, pays, takes).unwrap().event();
        bonus_is_kept(&event);
        assert_eq!((event.repaid, event.seized), (pays.units, event.seized.max(1)));
    }
}

#[test]
fn a_healthy_vault_is_left_alone() {
    let (market, alice, bob) = market();
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
    // Also one that may not borrow any more.
    market.price_moves("SOL", "121");
    assert_eq!(alice.state(), StateView::Restricted);
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::VaultHealthy);
}

#[test]
fn nothing_is_no_amount() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    expect_refusal(bob.liquidates(&alice, usdc("0"), "SOL"), BallastError::AmountIsZero);
}

#[test]
fn debt_and_collateral_differ() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    for symbol in ["SOL", "USDC", "ETH"] {
        expect_refusal(bob.liquidates(&alice, native(symbol, 1), symbol), BallastError::SameAsset);
    }
}

#[test]
fn the_vault_owes_the_one_and_has_the_other() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    bob.is_given(eth("1"));
    expect_refusal(bob.liquidates(&alice, eth("1"), "SOL"), BallastError::NoDebt);
    expect_refusal(bob.liquidates(&alice, usdc("1"), "ETH"), BallastError::NoDeposit);
    // A deposit is no debt and a debt no deposit.
    expect_refusal(bob.liquidates(&alice, sol("1"), "USDC"), BallastError::NoDebt);
    alice.borrows(eth("0.001")).unwrap_err();
}

#[test]
fn what_moves_nothing_is_too_small() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    // A share of the debt is worth more than a unit by now, and a unit of USDC buys some SOL.
    expect_refusal(bob.liquidates(&alice, native("USDC", 1), "SOL"), BallastError::AmountTooSmall);

    // One unit of BONK is worth 2 x 10^-10 dollars, which is no unit of BTC.
    let carol = market.actor("carol", &[btc("0.1")]);
    carol.deposits(btc("0.1")).unwrap();
    carol.borrows(bonk("100000000")).unwrap();
    market.price_moves("BONK", "0.00008");
    assert!(matches!(carol.state(), StateView::Liquidatable | StateView::Insolvent));
    bob.is_given(bonk("1000"));
    expect_refusal(bob.liquidates(&carol, native("BONK", 2), "BTC"), BallastError::LiquidationTooSmall);
}

#[test]
fn a_missing_deposit_price_never_liquidates() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    market.advances(61);
    market.sets_price("USDC", "1");
    market.refreshes(&["USDC"]).unwrap();
    assert_eq!(alice.state(), StateView::Unpriced);
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::PriceUnusable);
}

#[test]
fn a_missing_debt_price_never_liquidates() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    market.advances(61);
    market.sets_price("SOL", "110");
    market.refreshes(&["SOL"]).unwrap();
    assert_eq!(alice.state(), StateView::Restricted);
    // The only debt counts nothing, and its leg cannot be valued either.
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::PriceUnusable);
}

#[test]
fn a_position_beyond_the_number_format_is_not_liquidated() {
    let (market, alice, bob) = market();
    alice.is_given(sol("700000000"));
    alice.deposits(sol("700000000")).unwrap();
    market.price_moves("SOL", "110");
    expect_refusal(bob.liquidates(&alice, usdc("1"), "SOL"), BallastError::ValueOutOfRange);
}

#[test]
fn collateral_that_is_lent_out_cannot_be_paid() {
    let market = Fixture::new();
    let lender = market.actor("lender", &[usdc("100000")]);
    lender.deposits(usdc("100000")).unwrap();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    // Somebody else has borrowed all SOL but one.
    let carol = market.actor("carol", &[btc("1")]);
    carol.deposits(btc("1")).unwrap();
    carol.borrows(sol("99")).unwrap();
    market.price_moves("SOL", "110");
    let bob = market.actor("bob", &[usdc("100000")]);
    expect_refusal(bob.liquidates(&alice, usdc("100000"), "SOL"), BallastError::NotEnoughCash);
    // As much as there is can be taken.
    bob.liquidates(&alice, usdc("99"), "SOL").unwrap();
    let now = market.now() as u64;
    let best = snapshot::best_liquidation(&market.market(), alice.vault_address(), &alice.vault(), now, |_| u64::MAX);
    assert!(best.is_none(), "the client knows what cannot be paid");
}

#[test]
fn nobody_repays_more_than_he_has() {
    let (market, alice, _) = market();
    market.price_moves("SOL", "110");
    let carol = market.actor("carol", &[usdc("10")]);
    expect_refusal(carol.liquidates(&alice, usdc("11"), "SOL"), token_fault::INSUFFICIENT_FUNDS);
    carol.liquidates(&alice, usdc("10"), "SOL").unwrap();
}

#[test]
fn the_liquidator_signs() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    let silent = unsigned(&bob.liquidate(&alice, usdc("1"), "SOL"), LIQUIDATE, "liquidator");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_vault_is_of_this_market() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    let abroad = market.foreign_market().actor("alice", &[]);
    let crossed = replaced(&bob.liquidate(&alice, usdc("1"), "SOL"), LIQUIDATE, "vault", &abroad.vault_address());
    expect_refusal(bob.sends(&[crossed]), BallastError::WrongMarket);
}

#[test]
fn the_assets_are_listed() {
    let (market, alice, bob) = market();
    market.price_moves("SOL", "110");
    let (usdc, sol) = (market.index("USDC"), market.index("SOL"));
    for (debt, collateral) in [(8, sol), (usdc, 8), (255, sol), (usdc, 64)] {
        let vault = alice.vault_address();
        let instruction = market.builds(|market| market.liquidate(&bob.address(), &vault, debt, collateral, 1_000));
        expect_refusal(bob.sends(&[instruction]), BallastError::AssetUnknown);
    }
}

#[test]
fn atk_a11_the_accounts_are_those_of_the_assets() {
    let (market, alice, bob) = market();
    let foreign = market.foreign_market();
    market.price_moves("SOL", "110");
    let good = bob.liquidate(&alice, usdc("100"), "SOL");
    let with = |slot, key: &Pubkey| bob.sends(&[replaced(&good, LIQUIDATE, slot, key)]);
    expect_refusal(with("authority", &foreign.market().authority), BallastError::WrongAuthority);
    for side in ["debt", "collateral"] {
        let slot = |what: &str| -> &'static str { Box::leak(format!("{side}_{what}").into_boxed_str()) };
        expect_refusal(with(slot("mint"), &market.token("ETH").mint), BallastError::WrongMint);
        expect_refusal(with(slot("custody"), &market.custody("ETH")), BallastError::WrongCustody);
        expect_refusal(with(slot("token_program"), &TOKEN_2022), BallastError::WrongTokenProgram);
    }
    expect_refusal(with("debt_custody", &foreign.custody("USDC")), BallastError::WrongCustody);
    expect_refusal(with("collateral_custody", &foreign.custody("SOL")), BallastError::WrongCustody);
    bob.is_given(eth("1"));
    expect_refusal(with("source", &bob.wallet("ETH")), token_fault::MINT_MISMATCH);
    expect_refusal(with("destination", &bob.wallet("ETH")), token_fault::MINT_MISMATCH);
    alice.is_given(usdc("100"));
    expect_refusal(with("source", &alice.wallet("USDC")), token_fault::OWNER_MISMATCH);
    bob.sends(&[good]).unwrap();
}

#[test]
fn custody_that_holds_less_than_the_books_is_noticed() {
    for symbol in ["SOL", "USDC"] {
        let (market, alice, bob) = market();
        market.price_moves("SOL", "110");
        market.takes_from_custody(symbol, 1);
        expect_refusal(bob.liquidates(&alice, usdc("100"), "SOL"), BallastError::CustodyShort);
    }
}
