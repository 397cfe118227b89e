//! Liquidations that would pay too much, too often or not at all.

use ballast_client::StateView;
use ballast_client::event::Liquidated;
use ballast_tests::fixture::MAX_TRANSACTION_BYTES;
use ballast_tests::*;

/// Alice owes 10,000 USDC against 100 SOL, which have fallen to a price.
fn fallen(price: &'static str) -> (Fixture, Actor, Actor) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    market.price_moves("SOL", price);
    let bob = market.actor("bob", &[usdc("20000")]);
    (market, alice, bob)
}

/// Exact, from the event: seized x price <= repaid x price x (1 + bonus), in 10^-18 dollars.
fn seized_is_covered(event: &Liquidated, price: u128) {
    let seized = u128::from(event.seized) * price * 10u128.pow(9);
    let repaid = u128::from(event.repaid) * 10u128.pow(12);
    let most = repaid + ((repaid * u128::from(event.bonus)) >> 32);
    // USDC at one dollar and SOL at a whole number of dollars are exact in the market but for the last of 63 bits.
    assert!(seized <= most + most / (1 << 60), "{seized} of {most}");
}

#[test]
fn atk_e03_no_liquidation_worsens_the_distance_to_the_target() {
    for (price, whole) in [("119", 119), ("116", 116), ("112", 112), ("110", 110)] {
        for amount in ["1", "10", "333.333333", "2500", "20000"] {
            let (market, alice, bob) = fallen(price);
            let before = alice.health().target;
            let event: Liquidated = bob.liquidates(&alice, usdc(amount), "SOL").unwrap().event();
            seized_is_covered(&event, whole);
            let after = alice.health().target;
            let distance = |level: client::LevelView| level.requirement as i64 - level.equity;
            // Unit values have 31 bits: both sides of 12,000 dollars carry that much rounding.
            assert!(distance(after) <= distance(before) + 24, "{amount} at {price}");
            market.conservation();
        }
    }
}

#[test]
fn atk_e02_liquidating_oneself_gains_nothing() {
    let (market, alice, _) = fallen("112");
    alice.is_given(usdc("20000"));
    let wealth = |alice: &Actor| {
        let sol = i128::from(alice.balance("SOL")) + i128::from(alice.deposited("SOL"));
        let usdc = i128::from(alice.balance("USDC")) - i128::from(alice.owes("USDC"));
        // Micro-dollars x 1,000, at 112 dollars.
        sol * 112 + usdc * 1_000
    };
    let before = wealth(&alice);
    alice.liquidates(&alice, usdc("3000"), "SOL").unwrap();
    assert!(wealth(&alice) <= before);
    market.conservation();
}

#[test]
fn atk_e14_many_small_liquidations_take_no_more_than_one() {
    for price in ["118", "115", "112"] {
        let (_, alice, bob) = fallen(price);
        let once: Liquidated = bob.liquidates(&alice, usdc("1000000"), "SOL").unwrap().event();
        for parts in [2u64, 5, 20, 100] {
            let (_, alice, bob) = fallen(price);
            let (mut repaid, mut seized, mut steps) = (0, 0, 0u64);
            loop {
                let part = native("USDC", once.repaid / parts + 1);
                match bob.liquidates(&alice, part, "SOL") {
                    Ok(receipt) => {
                        let event: Liquidated = receipt.event();
                        repaid += event.repaid;
                        seized += event.seized;
                        steps += 1;
                    }
                    Err(refusal) => {
                        let ends = [BallastError::VaultHealthy, BallastError::LiquidationTooSmall];
                        assert!(ends.map(Fault::from).contains(&refusal.fault), "{refusal:#?}");
                        break;
                    }
                }
            }
            // Parts end where the vault meets its maintenance requirement, the whole goes on to the target.
            assert!(steps >= 1 && seized <= once.seized + steps, "{seized} in {steps}, {} at once", once.seized);
            assert!(repaid <= once.repaid + steps + usdc("1").units, "{repaid} of {}", once.repaid);
        }
    }
}

#[test]
fn atk_e01_no_action_of_the_owner_makes_a_healthy_vault_liquidatable() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100"), eth("3"), usdc("5000")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("9000")).unwrap();
    let mut refused = 0;
    for round in 0..60u64 {
        let outcome = match round % 6 {
            0 => alice.borrows(usdc("400")),
            1 => alice.withdraws(sol("5")),
            2 => alice.deposits(eth("0.1")),
            3 => alice.borrows(bonk("30000000")),
            4 => alice.repays(usdc("100")),
            _ => alice.borrows(eth("0.3")),
        };
        refused += u32::from(outcome.is_err());
        assert_eq!(alice.state(), StateView::Healthy, "round {round}");
    }
    assert!(refused > 5);
}

#[test]
fn atk_e04_a_debt_of_a_unit_can_be_closed() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[native("USDT", 20)]);
    alice.deposits(native("USDT", 20)).unwrap();
    alice.borrows(native("USDC", 8)).unwrap();
    market.price_moves("USDT", "0.42");
    let bob = market.actor("bob", &[usdc("1")]);
    assert!(matches!(alice.state(), StateView::Liquidatable | StateView::Insolvent), "{:?}", alice.health());
    bob.liquidates(&alice, usdc("1"), "USDT").unwrap();
    assert!(alice.owes("USDC") <= 1 || alice.deposited("USDT") == 0);
    market.conservation();
}

#[test]
fn atk_e05_caps_do_not_stand_in_the_way() {
    let market = Fixture::without_market();
    market.creates_market(0).unwrap();
    for symbol in ["SOL", "USDC"] {
        let mut token = assets::token(symbol);
        token.listing.deposit_cap = usdc("20000").units;
        token.listing.debt_cap = usdc("10000").units;
        if symbol == "SOL" {
            token.listing.deposit_cap = sol("100").units;
        }
        market.lists(token).unwrap();
    }
    market.refreshes_all();
    let lender = market.actor("lender", &[usdc("20000")]);
    lender.deposits(usdc("20000")).unwrap();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("10000")).unwrap();
    market.price_moves("SOL", "115");
    let bob = market.actor("bob", &[usdc("20000")]);
    expect_refusal(bob.deposits(usdc("1")), BallastError::DepositCapExceeded);
    bob.liquidates(&alice, usdc("2000"), "SOL").unwrap();
}

#[test]
fn atk_e06_the_largest_vault_is_liquidated_in_one_plain_transaction() {
    let market = Fixture::with_assets(32).stocked();
    let alice = market.actor("alice", &[]);
    let tokens = market.tokens();
    let (deposits, debts) = tokens.split_at(16);
    for token in deposits {
        let money = market.worth(token.symbol, 2_000);
        alice.is_given(money);
        alice.deposits(money).unwrap();
    }
    for token in debts {
        alice.borrows(market.worth(token.symbol, 1_000)).unwrap();
    }
    assert_eq!(alice.vault().used().len(), 32);
    let rise: Vec<_> = debts.iter().map(|token| (token.symbol, "17.5")).collect();
    market.prices_move(&rise);
    assert_eq!(alice.state(), StateView::Liquidatable);
    market.advances(1);

    let bob = market.actor("bob", &[]);
    for (at, token) in debts.iter().enumerate() {
        let takes = deposits[at].symbol;
        bob.is_given(market.worth(token.symbol, 10_000));
        match bob.liquidates(&alice, market.worth(token.symbol, 10_000), takes) {
            Ok(receipt) => {
                assert!(receipt.bytes <= MAX_TRANSACTION_BYTES && receipt.accounts <= 64, "{receipt:?}");
                assert!(receipt.compute_units < 100_000, "{}", receipt.compute_units);
                let event: Liquidated = receipt.event();
                let most = (u128::from(event.repaid_value) * ((1 << 32) + u128::from(event.bonus))) >> 32;
                assert!(u128::from(event.seized_value) <= most);
            }
            Err(refusal) => {
                assert_eq!(refusal.fault, BallastError::VaultHealthy.into(), "{refusal:#?}");
                assert!(at > 0 && alice.state() != StateView::Liquidatable);
                return;
            }
        }
    }
}
