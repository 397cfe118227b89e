//! Shares, rounding, donations, time: nobody gains what nobody loses.

use ballast_client::event::Action;
use ballast_client::instruction;
use ballast_tests::*;

/// A small generator, so that every run tries the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What the pool has beyond what it owes, in 2^-52 of a unit.
fn reserve(market: &Fixture, symbol: &str) -> u128 {
    let asset = market.asset(symbol);
    let worth = |shares: u64, index: u64| u128::from(shares) * u128::from(index);
    (u128::from(asset.cash) << 52) + worth(asset.debt_shares, asset.borrow_index)
        - worth(asset.deposit_shares, asset.supply_index)
}

/// A market in which a share of USDC is worth a crooked number of units, on both sides.
fn aged() -> Fixture {
    let market = Fixture::new().stocked();
    let bob = market.actor("bob", &[btc("400")]);
    bob.deposits(btc("400")).unwrap();
    bob.borrows(usdc("9300000")).unwrap();
    for _ in 0..3 {
        market.advances(97 * 86_400);
        market.refreshes_all();
    }
    let asset = market.asset("USDC");
    assert!(asset.supply_index > (1 << 52) + (1 << 46) && asset.borrow_index > asset.supply_index);
    market
}

#[test]
fn atk_c01_ten_thousand_tiny_steps_gain_nothing() {
    let market = aged();
    let mallory = market.actor("mallory", &[usdc("1"), sol("10")]);
    mallory.deposits(sol("10")).unwrap();
    let start = mallory.balance("USDC");
    let mut before = reserve(&market, "USDC");
    let mut dice = Dice(1);
    let mut steps = 0;
    while steps < 10_000 {
        // Ten steps in one transaction: into the vault and out again, or borrowed and paid back.
        let mut some = vec![];
        for _ in 0..5 {
            let units = native("USDC", 2 + dice.below(9));
            if dice.below(2) == 0 {
                some.push(mallory.instruction(Action::Deposit, units));
                some.push(mallory.instruction(Action::Withdraw, native("USDC", units.units - 1)));
            } else {
                some.push(mallory.instruction(Action::Borrow, native("USDC", units.units - 1)));
                some.push(mallory.instruction(Action::Repay, units));
            }
        }
        if mallory.sends(&some).is_ok() {
            steps += some.len();
        } else {
            // A rest of a share was in the way; take it out and go on.
            steps += 1;
            let _ = mallory.withdraws_all("USDC");
            let _ = mallory.repays(native("USDC", 100));
        }
        let after = reserve(&market, "USDC");
        assert!(after >= before, "the pool became poorer");
        before = after;
        let vault = mallory.deposited("USDC");
        assert!(mallory.balance("USDC") + vault <= start + mallory.owes("USDC"), "mallory became richer");
    }
    let _ = mallory.repays(native("USDC", u64::MAX));
    let _ = mallory.withdraws_all("USDC");
    assert!(mallory.balance("USDC") <= start);
}

#[test]
fn atk_c01_what_is_deposited_never_comes_back_as_more() {
    let market = aged();
    let alice = market.actor("alice", &[usdc("200000")]);
    for units in (2..40).chain([99, 1_000, 4_095, 4_097, 1_000_003, 99_999_999_999]) {
        let before = alice.balance("USDC");
        alice.deposits(native("USDC", units)).unwrap();
        let worth = alice.deposited("USDC");
        // A share is worth less than two units, and the rest of one is lost.
        assert!(worth <= units && worth + 2 >= units, "{units} became {worth}");
        alice.withdraws_all("USDC").unwrap();
        assert_eq!(alice.balance("USDC"), before - units + worth);
        assert_eq!(alice.vault().used().len(), 0);
    }
}

#[test]
fn atk_c01_what_is_borrowed_costs_at_least_as_much() {
    let market = aged();
    let alice = market.actor("alice", &[usdc("1000"), sol("1000")]);
    alice.deposits(sol("1000")).unwrap();
    for units in (1..40).chain([99, 1_000, 4_095, 4_097, 1_000_003, 9_999_999_999]) {
        let before = alice.balance("USDC");
        alice.borrows(native("USDC", units)).unwrap();
        let owed = alice.owes("USDC");
        // A share is worth less than two units, and a part of one is owed whole.
        assert!(owed >= units && owed <= units + 2, "{units} became {owed}");
        alice.repays(native("USDC", u64::MAX)).unwrap();
        assert_eq!(alice.balance("USDC"), before + units - owed);
    }
}

#[test]
fn one_unit_at_a_time_rounds_against_the_user() {
    let market = aged();
    let alice = market.actor("alice", &[usdc("1"), sol("10")]);
    alice.deposits(sol("10")).unwrap();
    alice.deposits(native("USDC", 100)).unwrap();
    let before = alice.deposited("USDC");
    alice.withdraws(native("USDC", 1)).unwrap();
    assert!(before - alice.deposited("USDC") >= 1, "a unit costs at least a unit");
    alice.withdraws_all("USDC").unwrap();

    alice.borrows(native("USDC", 1)).unwrap();
    assert_eq!(alice.owes("USDC"), 2, "one unit is less than one share, which is worth more");
    expect_refusal(alice.repays(native("USDC", 1)), BallastError::AmountTooSmall);
    alice.repays(native("USDC", 2)).unwrap();
    assert_eq!(alice.owes("USDC"), 0);
}

#[test]
fn atk_c03_the_first_depositor_cannot_inflate_a_share() {
    let market = Fixture::new();
    let mallory = market.actor("mallory", &[usdc("1000000"), sol("1000")]);
    let victim = market.actor("victim", &[usdc("1000")]);
    mallory.deposits(native("USDC", 1)).unwrap();
    market.donates(usdc("500000"));
    victim.deposits(usdc("1000")).unwrap();
    assert_eq!(market.asset("USDC").supply_index, 1 << 52);
    mallory.withdraws_all("USDC").unwrap();
    assert_eq!(mallory.balance("USDC"), usdc("1000000").units);
    victim.withdraws_all("USDC").unwrap();
    assert_eq!(victim.balance("USDC"), usdc("1000").units);
}

#[test]
fn atk_c03_random_play_in_an_empty_pool_takes_nothing_from_the_next() {
    let market = Fixture::new();
    let mallory = market.actor("mallory", &[usdc("1000"), sol("1000")]);
    mallory.deposits(sol("1000")).unwrap();
    let mut dice = Dice(3);
    let mut given = 0;
    for round in 0..300 {
        let units = native("USDC", 1 + dice.below(20));
        match dice.below(6) {
            0 | 1 => drop(mallory.deposits(units)),
            2 => drop(mallory.withdraws(units)),
            3 => drop(mallory.withdraws_all("USDC")),
            4 => drop(mallory.borrows(units)),
            _ => {
                market.donates(units);
                given += units.units;
            }
        }
        if round % 50 == 49 {
            market.advances(3_600);
            market.refreshes_all();
        }
    }
    let _ = mallory.repays(native("USDC", u64::MAX));
    let victim = market.actor("victim", &[usdc("77.000001")]);
    victim.deposits(usdc("77.000001")).unwrap();
    assert!(victim.deposited("USDC") >= usdc("77").units);
    let _ = mallory.withdraws_all("USDC");
    assert!(mallory.balance("USDC") <= usdc("1000").units && given > 0);
    victim.withdraws_all("USDC").unwrap();
    assert!(victim.balance("USDC") >= usdc("77").units);
}

#[test]
fn atk_c04_a_donation_changes_nothing() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100"), usdc("10")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    let (record, health) = (market.account(&market.market_address()), alice.health());

    // Ten times all deposits, into the collateral's and into the debt's custody.
    market.donates(usdc("100000000"));
    market.donates(sol("660000"));

    assert_eq!(market.account(&market.market_address()), record);
    assert_eq!(alice.health(), health);
    // Neither can it be lent.
    let cash = market.asset("USDC").cash;
    let whale = market.actor("whale", &[btc("1000")]);
    whale.deposits(btc("1000")).unwrap();
    expect_refusal(whale.borrows(native("USDC", cash + 1)), BallastError::NotEnoughCash);
    // An action goes on as if nothing had happened.
    alice.repays(usdc("10")).unwrap();
    assert_eq!(market.asset("USDC").cash, cash + usdc("10").units);
}

#[test]
fn atk_c06_a_pool_of_a_few_units_never_becomes_poorer() {
    let market = aged();
    let people: Vec<_> = ["ann", "ben", "cyd"]
        .map(|name| {
            let person = market.actor(name, &[native("GOLD", 60), sol("100")]);
            person.deposits(sol("100")).unwrap();
            person
        })
        .into();
    // The lender leaves, so that a handful of units is all there is.
    let main = market.newcomer("lender");
    main.withdraws_all("GOLD").unwrap();
    let mut dice = Dice(7);
    let mut before = reserve(&market, "GOLD");
    let (mut done, mut refused) = (0, 0);
    for round in 0..600 {
        let person = &people[dice.below(3) as usize];
        let units = native("GOLD", 1 + dice.below(20));
        let outcome = match dice.below(4) {
            0 => person.deposits(units),
            1 => person.withdraws(units),
            2 => person.borrows(units),
            _ => person.repays(units),
        };
        match outcome {
            Ok(_) => done += 1,
            Err(refusal) => {
                refused += 1;
                assert!(matches!(refusal.fault, Fault::Ballast(_) | Fault::Token(_)), "{refusal:#?}");
                assert_eq!(refusal.changed, []);
            }
        }
        if round % 10 == 9 {
            market.advances(86_400);
            market.refreshes_all();
            market.conservation();
        }
        let after = reserve(&market, "GOLD");
        assert!(after >= before, "poorer in round {round}");
        before = after;
    }
    assert!(done > 100 && refused > 20, "{done} done, {refused} refused");
}

#[test]
fn atk_c11_interest_does_not_depend_on_who_asks_when() {
    let once = aged();
    let often = aged();
    let rate = once.asset("USDC").borrow_rate;
    once.advances(7_200);
    for _ in 0..72 {
        often.advances(100);
        often.sets_price("USDC", "1");
        often.refreshes(&["USDC"]).unwrap();
    }
    once.sets_price("USDC", "1");
    once.refreshes(&["USDC"]).unwrap();
    let (once, often) = (once.asset("USDC"), often.asset("USDC"));
    assert_eq!(once.accrued_at, often.accrued_at);
    // Compounding more often is worth a little more to both sides, and to none less: half the square of the growth.
    let growth = f64::from(rate) * 7_200.0 / 2f64.powi(52);
    for (once, often) in [(once.supply_index, often.supply_index), (once.borrow_index, often.borrow_index)] {
        let most = once as f64 * growth * growth / 2.0;
        assert!(often >= once && ((often - once) as f64) < most, "{once} {often} {most}");
    }
}

#[test]
fn atk_h04_whatever_anybody_may_call_takes_nothing_from_others() {
    let market = aged();
    let alice = market.actor("alice", &[usdc("1000")]);
    alice.deposits(usdc("1000")).unwrap();
    let mallory = market.newcomer("mallory");
    let mut before = alice.deposited("USDC");
    let bystander = market.vault(&alice.vault_address()).used().to_vec();
    for round in 0..500 {
        if round % 5 == 0 {
            market.advances(1);
            market.sets_price("USDC", "1");
        }
        let refresh = market.refresh_instruction(&["USDC"]);
        mallory.sends(&[refresh]).unwrap();
        let after = alice.deposited("USDC");
        assert!(after >= before);
        before = after;
    }
    assert_eq!(format!("{:?}", market.vault(&alice.vault_address()).used()), format!("{bystander:?}"));
}

#[test]
fn atk_g09_a_clock_that_goes_back_charges_nothing() {
    let market = aged();
    let alice = market.actor("alice", &[sol("100"), usdc("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("100")).unwrap();
    let before = market.asset("USDC");
    let clock = market.clock();
    market.sets_clock(clock.unix_timestamp - 5_000, clock.slot + 1);
    alice.deposits(usdc("10")).unwrap();
    alice.borrows(usdc("1")).unwrap();
    let after = market.asset("USDC");
    assert_eq!((after.supply_index, after.borrow_index), (before.supply_index, before.borrow_index));
    assert_eq!(after.accrued_at, before.accrued_at);
    market.sets_clock(-1, clock.slot + 2);
    alice.repays(usdc("1")).unwrap();
    assert_eq!(market.asset("USDC").borrow_index, before.borrow_index);
}

#[test]
fn atk_c15_one_mint_is_one_asset() {
    let market = Fixture::new();
    let again = market.list_instruction(&market.token("USDC"));
    let outcome = market.sends(&[again], &[&market.payer(), &market.governance()]);
    expect_refusal(outcome, BallastError::MintAlreadyListed);
}

#[test]
fn atk_e13_borrowing_what_is_deposited_goes_in_circles_for_nothing() {
    let market = aged();
    let alice = market.actor("alice", &[usdc("1000"), sol("100")]);
    alice.deposits(sol("100")).unwrap();
    let start = alice.balance("USDC");
    let mut before = reserve(&market, "USDC");
    for round in 1..200u64 {
        alice.deposits(native("USDC", 1_000 + round)).unwrap();
        alice.borrows(native("USDC", 1_500 + round * 3)).unwrap();
        alice.deposits(native("USDC", 700 + round * 2)).unwrap();
        let after = reserve(&market, "USDC");
        assert!(after >= before);
        before = after;
        let (has, owes) = (alice.balance("USDC") + alice.deposited("USDC"), alice.owes("USDC"));
        assert!(has <= start + owes, "{has} {start} {owes}");
    }
}

#[test]
fn another_market_is_not_touched() {
    let market = Fixture::new().stocked();
    let foreign = market.foreign_market();
    let untouched = foreign.account(&foreign.market_address());
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("1000")).unwrap();
    market.price_moves("SOL", "140");
    alice.repays(usdc("500")).unwrap();
    let prices = [(market.index("SOL"), market.token("SOL").oracle, None)];
    alice.sends(&[instruction::refresh_prices(&market.market_address(), &prices)]).unwrap();
    assert_eq!(foreign.account(&foreign.market_address()), untouched);
}
