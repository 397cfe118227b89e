//! `begin_liquidation`, `seize`, `repay`, `end_liquidation`: a liquidation in several steps by somebody without capital. Malformed
//! transactions are in the attacks, random ones in the scenarios.

use ballast_client::event::{Action, BadDebtAbsorbed, Liquidated, PositionChanged, ReceivershipEnded};
use ballast_client::table::Parameter;
use ballast_client::{Kind, StateView};
use ballast_tests::assets::bps;
use ballast_tests::*;

/// Alice owes 6,000 USDC and 4,000 USDT against 60 SOL and 2 BTC's worth of LST; prices fall so that she can be liquidated. Bob
/// has an empty wallet; a market maker buys what he seizes.
fn market() -> (Fixture, [Actor; 3]) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("60"), lst("40")]);
    alice.deposits(sol("60")).unwrap();
    alice.deposits(lst("40")).unwrap();
    alice.borrows(usdc("6000")).unwrap();
    alice.borrows(usdt("4000")).unwrap();
    market.prices_move(&[("SOL", "120"), ("LST", "115")]);
    assert_eq!(alice.state(), StateView::Liquidatable);
    let bob = market.newcomer("bob");
    for symbol in ["SOL", "LST", "USDC", "USDT"] {
        bob.wallet(symbol);
    }
    let maker = market.actor("maker", &[usdc("50000"), usdt("50000")]);
    (market, [alice, bob, maker])
}

fn missing(actor: &Actor) -> i64 {
    let target = actor.health().target;
    target.requirement as i64 - target.equity
}

#[test]
fn a_liquidator_with_an_empty_wallet_takes_two_assets_for_two_debts() {
    let (market, [alice, bob, maker]) = market();
    let before = missing(&alice);
    let [begin, end] = bob.receivership(&alice);
    let steps = [
        begin,
        bob.seize(&alice, sol("5")),
        bob.seize(&alice, lst("5")),
        // 600 and 575 dollars' worth, sold at the price.
        bob.pay(&maker, sol("5")),
        bob.pay(&maker, lst("5")),
        maker.pay(&bob, usdc("600")),
        maker.pay(&bob, usdt("575")),
        bob.repay_for(&alice, usdc("590")),
        bob.repay_for(&alice, usdt("563")),
        end,
    ];
    let receipt = market.sends(&steps, &[&bob.key, &maker.key]).unwrap();
    let told: ReceivershipEnded = receipt.event();
    assert_eq!((told.vault, told.liquidator), (alice.vault_address(), bob.address()));
    assert_eq!(told.missing_before, before);
    assert!(told.repaid_value >= told.owed_value && told.repaid_value <= usdc("1153").units);
    assert!(told.missing_after < told.missing_before);
    assert_eq!(told.missing_after, missing(&alice));
    let actions: Vec<_> = receipt.events::<PositionChanged>().iter().map(|event| event.action).collect();
    assert_eq!(actions, [Action::Seize, Action::Seize, Action::Repay, Action::Repay]);
    // The bonus stays with him.
    assert_eq!([bob.balance("USDC"), bob.balance("USDT")], [usdc("10").units, usdt("12").units]);
    assert!(market.market().in_flight.is(Kind::Nothing));
}

#[test]
fn a_step_costs_what_a_liquidation_of_the_pair_costs() {
    let (market, [alice, bob, _]) = market();
    bob.is_given(usdc("1001"));
    let pair = bob.liquidate(&alice, usdc("1000"), "SOL");
    let seen: Liquidated = market.simulates(&[pair], &[&bob.key]).unwrap().event();
    let repay = bob.repay_for(&alice, native("USDC", seen.repaid + 2));
    bob.administers(&alice, &[repay, bob.seize(&alice, native("SOL", seen.seized))]).unwrap();
    // One and a half micro-dollars less do not pay for it, nor does a cent more of collateral.
    let (_, [alice, bob, _]) = self::market();
    bob.is_given(usdc("1000"));
    let (less, more) = (native("USDC", seen.repaid - 4), native("SOL", seen.seized + 100_000));
    for (pays, takes) in [(less, seen.seized), (usdc("0").with(seen.repaid), more.units)] {
        let steps = [bob.repay_for(&alice, pays), bob.seize(&alice, native("SOL", takes))];
        expect_refusal(bob.administers(&alice, &steps), BallastError::SeizedTooMuch);
    }
}

#[test]
fn the_reserves_part_of_the_bonus_is_not_the_receivers() {
    let (_, [alice, bob, _]) = market();
    let tokens = assets::tokens(8).into_iter().map(|token| token.with(&[(Parameter::BonusReserve, bps(5_000))]));
    let other = Fixture::of(tokens.collect()).stocked();
    let twin = other.actor("alice", &[sol("60"), lst("40")]);
    twin.deposits(sol("60")).unwrap();
    twin.deposits(lst("40")).unwrap();
    twin.borrows(usdc("6000")).unwrap();
    twin.borrows(usdt("4000")).unwrap();
    other.prices_move(&[("SOL", "120"), ("LST", "115")]);
    let rob = other.actor("rob", &[usdc("2000")]);
    bob.is_given(usdc("2000"));
    let cost = |actor: &Actor, victim: &Actor| {
        let steps = [actor.repay_for(victim, usdc("1190")), actor.seize(victim, sol("10"))];
        let told: ReceivershipEnded = actor.administers(victim, &steps).unwrap().event();
        told.owed_value
    };
    let (all, half) = (cost(&bob, &alice), cost(&rob, &twin));
    // 1,200 dollars at a bonus, and at half of it.
    let bonus = |owed: u64| 1_200_000_000 - owed;
    assert!(bonus(half).abs_diff(bonus(all) / 2) < bonus(all) / 50, "{all} {half}");
}

#[test]
fn a_healthy_vault_is_left_alone() {
    let (market, [alice, bob, _]) = market();
    market.prices_move(&[("SOL", "150"), ("LST", "165")]);
    expect_refusal(bob.administers(&alice, &[]), BallastError::VaultHealthy);
}

#[test]
fn nothing_beyond_the_target_but_dust() {
    let (market, [alice, bob, _]) = market();
    bob.is_given(usdc("6000"));
    bob.is_given(usdt("4000"));
    let all = [bob.repay_for(&alice, usdc("5000")), bob.seize(&alice, sol("42"))];
    expect_refusal(bob.administers(&alice, &all), BallastError::LiquidatedTooFar);
    // Up to the target, by as small steps as there are.
    let mut low = 0;
    let mut high = 5_000;
    while high - low > 1 {
        let middle = (low + high) / 2;
        let steps = [bob.repay_for(&alice, native("USDC", middle * 1_000_000))];
        let [begin, end] = bob.receivership(&alice);
        let outcome = market.simulates(&[&[begin][..], &steps, &[end]].concat(), &[&bob.key]);
        if outcome.is_ok() { low = middle } else { high = middle }
    }
    bob.administers(&alice, &[bob.repay_for(&alice, native("USDC", low * 1_000_000))]).unwrap();
    assert!(missing(&alice) < 1_000_000 && missing(&alice) >= -1_000_000);
}

#[test]
fn the_vault_is_never_worse_off() {
    let (_, [alice, bob, _]) = market();
    let before = missing(&alice);
    let told: ReceivershipEnded = bob.administers(&alice, &[]).unwrap().event();
    assert_eq!((told.missing_before, told.missing_after), (before, before));
    // Nothing repaid pays for nothing.
    let steps = [bob.seize(&alice, native("SOL", 1_000))];
    expect_refusal(bob.administers(&alice, &steps), BallastError::SeizedTooMuch);
}

/// A collateral with a haircut of nothing at `Target`: whoever takes it with a bonus makes the vault worse.
#[test]
fn a_collateral_that_relieves_nothing_pays_no_bonus() {
    use Parameter::{BonusLeast, HaircutInit, HaircutMaint, HaircutTarget};
    let safe = [(HaircutInit, 0), (HaircutTarget, 0), (HaircutMaint, 0), (BonusLeast, 0), (Parameter::BonusMost, 0)];
    let tokens = assets::tokens(8).into_iter();
    let market =
        Fixture::of(tokens.map(|token| if token.symbol == "ETH" { token.with(&safe) } else { token }).collect())
            .stocked();
    let alice = market.actor("alice", &[sol("60"), eth("1")]);
    alice.deposits(sol("60")).unwrap();
    alice.deposits(eth("1")).unwrap();
    alice.borrows(usdc("8000")).unwrap();
    market.price_moves("SOL", "100");
    assert_eq!(alice.state(), StateView::Liquidatable);
    let bob = market.actor("bob", &[usdc("5000")]);
    // A bonus in the record alone: governance cannot set one that harms.
    let at = usize::from(market.index("ETH"));
    market.tampers_with_market(|market| {
        let asset = &mut market.assets[at];
        (asset.bonus_least, asset.bonus_most) = (1 << 29, 1 << 29);
    });
    let steps = [bob.repay_for(&alice, usdc("900")), bob.seize(&alice, eth("0.33"))];
    expect_refusal(bob.administers(&alice, &steps), BallastError::VaultWorse);
}

#[test]
fn what_is_left_without_collateral_is_written_off_at_the_end() {
    let (market, [alice, bob, _]) = market();
    market.prices_move(&[("SOL", "60"), ("LST", "58")]);
    bob.is_given(usdc("6000"));
    bob.is_given(usdt("4000"));
    let steps = [
        bob.repay_for(&alice, usdc("5000")),
        bob.repay_for(&alice, usdt("920")),
        bob.seize(&alice, sol("60")),
        bob.seize(&alice, lst("40")),
    ];
    let receipt = bob.administers(&alice, &steps).unwrap();
    let lost: Vec<BadDebtAbsorbed> = receipt.events();
    assert_eq!(lost.len(), 2);
    assert!(alice.vault().used().is_empty());
    market.conservation();
}

#[test]
fn only_the_receiver_seizes_and_only_from_that_vault() {
    let (market, [alice, bob, maker]) = market();
    let carol = market.actor("carol", &[sol("1")]);
    carol.deposits(sol("1")).unwrap();
    let [begin, end] = bob.receivership(&alice);
    maker.wallet("SOL");
    let by_another = [begin.clone(), maker.seize(&alice, sol("1")), end.clone()];
    expect_refusal(market.sends(&by_another, &[&bob.key, &maker.key]), BallastError::NotReceiver);
    expect_refusal(bob.administers(&alice, &[bob.seize(&carol, sol("1"))]), BallastError::NoReceivership);
    expect_refusal(bob.sends(&[bob.seize(&alice, sol("1"))]), BallastError::NoReceivership);
    expect_refusal(bob.administers(&alice, &[bob.seize(&alice, sol("0"))]), BallastError::AmountIsZero);
    expect_refusal(bob.administers(&alice, &[bob.seize(&alice, usdc("1"))]), BallastError::NoDeposit);
    expect_refusal(bob.administers(&alice, &[bob.seize(&alice, sol("61"))]), BallastError::InsufficientDeposit);
}

#[test]
fn prices_must_be_usable() {
    let (market, [alice, bob, _]) = market();
    bob.is_given(usdc("1000"));
    market.advances(61);
    expect_refusal(bob.administers(&alice, &[]), BallastError::PriceUnusable);
    // A debt without a price counts nothing, so nothing is owed.
    market.price_of_one_moves("SOL", "120");
    market.price_of_one_moves("LST", "115");
    expect_refusal(bob.administers(&alice, &[bob.repay_for(&alice, usdc("100"))]), BallastError::VaultHealthy);
}

#[test]
fn it_stops_for_no_cap_and_no_outflow_limit() {
    let (market, [alice, bob, _]) = market();
    let nothing = [(Parameter::DepositCap, 0), (Parameter::DebtCap, 0), (Parameter::OutflowLimit, bps(500))];
    for symbol in ["SOL", "USDC"] {
        market.applies(client::Role::Guardian, market.values_of(symbol, &nothing)).unwrap();
    }
    bob.is_given(usdc("1190"));
    let steps = [bob.repay_for(&alice, usdc("1190")), bob.seize(&alice, sol("10"))];
    bob.administers(&alice, &steps).unwrap();
}

/// Alice has good collateral and junk. Taking the good one at the bonus of the schedule would lower `E / R_maint`, so that the next
/// step would pay better; a liquidation of the pair pays less for that reason, and a receivership may not pay more.
#[test]
fn atk_e14_it_pays_no_better_than_the_pair() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("40")]);
    let junk = market.worth("BONK", 4_000);
    alice.is_given(junk);
    alice.deposits(sol("40")).unwrap();
    alice.deposits(junk).unwrap();
    alice.borrows(usdt("6000")).unwrap();
    market.prices_move(&[("SOL", "112.5"), ("BONK", "0.00001")]);
    let bob = market.actor("bob", &[usdt("1000")]);
    let pair = bob.liquidate(&alice, usdt("100"), "SOL");
    let seen: Liquidated = market.simulates(&[pair], &[&bob.key]).unwrap().event();
    let cover = alice.health().maint.equity as u64 * 10_000 / alice.health().maint.debts;
    // Of all that the lenders could bear, the pair pays three quarters.
    let paid = (seen.seized_value - seen.repaid_value) * 10_000 / seen.repaid_value;
    assert!((600..700).contains(&paid) && (800..900).contains(&cover), "{paid} of {cover}");
    let steps = |takes: &str| [bob.repay_for(&alice, usdt("100")), bob.seize(&alice, sol(takes))];
    expect_refusal(bob.administers(&alice, &steps("0.962")), BallastError::VaultWorse);
    bob.administers(&alice, &steps("0.942")).unwrap();
}
