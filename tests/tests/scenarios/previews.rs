//! What the client foresees is what the program does: every unit of every account, every refusal, every price at which a vault
//! becomes liquidatable.

use ballast_client::error::Failed;
use ballast_client::impact::Shock;
use ballast_client::local::Published;
use ballast_client::preview::{Action, Direction, Flow, Stage, preview, shocked_pico_dollars};
use ballast_client::table::Parameter;
use ballast_client::{Market, SourceKind, Vault};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::token22::{EXTENDED, Extension};
use ballast_tests::*;

use crate::play::Dice;

const ROUNDS: usize = 500;

/// A market with limits that are met now and then.
fn limited() -> Fixture {
    let market = Fixture::new().stocked();
    let asset = |symbol| Some(market.index(symbol));
    let outflow = Parameter::OutflowLimit;
    market.arranges(asset("SOL"), &[(outflow, outflow.row().least)]);
    market.arranges(asset("BTC"), &[(Parameter::DepositCap, market.worth("BTC", 10_050_000).units)]);
    market.arranges(asset("ETH"), &[(Parameter::DebtCap, market.worth("ETH", 30_000).units)]);
    market.arranges(asset("USDC"), &[(Parameter::VaultDebtShare, bps(1))]);
    market.arranges(asset("USDT"), &[(Parameter::UtilisationCap, bps(40))]);
    market
}

fn stage(market: &Fixture, vault: &Vault) -> Stage {
    Stage::new(&market.market(), vault, market.now().unsigned_abs())
}

/// An action of somebody, and for a liquidation somebody else, with the instruction that asks for it.
fn instruction(action: Action, owner: &Actor, other: &Actor) -> solana_instruction::Instruction {
    let (me, vault) = (owner.address(), owner.vault_address());
    owner.fixture.builds(|market| match action {
        Action::Deposit { asset, amount } => market.deposit(&me, &vault, asset, amount),
        Action::Withdraw { asset, amount } => market.withdraw(&me, &vault, asset, amount),
        Action::Borrow { asset, amount } => market.borrow(&me, &vault, asset, amount),
        Action::Repay { asset, amount } => market.repay(&me, &vault, asset, amount.unwrap_or(u64::MAX)),
        Action::Liquidate { debt_asset, collateral_asset, most_repaid } => {
            market.liquidate(&other.address(), &vault, debt_asset, collateral_asset, most_repaid)
        }
    })
}

fn random_action(market: &Fixture, vault: &Vault, dice: &mut Dice) -> Action {
    // Mostly what is there already, and at times an asset that does not exist.
    let held: Vec<u8> = vault.used().iter().map(|position| position.asset).collect();
    let any = dice.below(9) as u8;
    let asset = if held.is_empty() || dice.below(3) == 0 { any } else { dice.one_of(&held) };
    let symbol = assets::STANDARD.get(usize::from(asset)).copied().unwrap_or("SOL");
    let dollars = dice.one_of(&[1, 40, 900, 5_000, 20_000, 600_000]);
    let dust = dice.below(20) == 0;
    let amount = if dust { dice.below(3) } else { market.worth(symbol, dollars).units + dice.below(1_000) };
    match dice.below(6) {
        0 => Action::Deposit { asset, amount },
        1 => Action::Withdraw { asset, amount: (dice.below(4) > 0).then_some(amount) },
        2 | 3 => Action::Borrow { asset, amount },
        4 => Action::Repay { asset, amount: (dice.below(4) > 0).then_some(amount) },
        _ => {
            let other = if held.is_empty() { any } else { dice.one_of(&held) };
            Action::Liquidate { debt_asset: asset, collateral_asset: other, most_repaid: amount }
        }
    }
}

fn largest_loan(market: &Fixture, vault: &Vault) -> Action {
    let asset = market.index("USDC");
    let borrow = |amount| Action::Borrow { asset, amount };
    borrow(stage(market, vault).largest(market.asset("USDC").cash, borrow).unwrap_or(1))
}

/// Of a pair that the vault has.
fn liquidation(vault: &Vault, dice: &mut Dice) -> Action {
    let on = |side| -> Vec<u8> {
        vault.used().iter().filter(|held| held.side == side).map(|held| held.asset).collect::<Vec<_>>()
    };
    let pick = |of: Vec<u8>, dice: &mut Dice| if of.is_empty() { 0 } else { dice.one_of(&of) };
    let (debt_asset, collateral_asset) = (pick(on(1), dice), pick(on(0), dice));
    Action::Liquidate {
        debt_asset,
        collateral_asset,
        most_repaid: dice.one_of(&[7, 1_000_000, 1_000_000_000, u64::MAX]),
    }
}

/// All bytes of the market: the books, the rates, the units.
fn same(foreseen: &Market, found: &Market) {
    for (index, (foreseen, found)) in foreseen.listed().iter().zip(found.listed()).enumerate() {
        assert_eq!(
            bytemuck::bytes_of(foreseen),
            bytemuck::bytes_of(found),
            "asset {index}: {foreseen:?} and {found:?}"
        );
    }
    assert_eq!(bytemuck::bytes_of(foreseen), bytemuck::bytes_of(found));
}

#[test]
fn what_is_foreseen_is_what_happens_to_the_unit() {
    let market = limited();
    let wallet: Vec<_> = assets::STANDARD.iter().map(|symbol| market.worth(symbol, 50_000_000)).collect();
    let [alice, bob] = ["alice", "bob"].map(|name| market.actor(name, &wallet));
    alice.deposits(market.worth("SOL", 20_000)).unwrap();
    let mut dice = Dice(11);
    let (mut done, mut refused, mut liquidated) = (0, 0, 0);
    let mut reasons = std::collections::BTreeSet::new();
    for round in 0..ROUNDS {
        market.advances(1 + dice.below(30) as i64);
        let act = round % 25;
        match (act, dice.below(40)) {
            // A crash, and its end.
            (1 | 9, _) => {
                let price = |symbol| assets::token(symbol).price;
                let moved = |symbol| (symbol, if act == 1 { prices::lowered(price(symbol)) } else { price(symbol) });
                market.prices_move(&["SOL", "BTC", "ETH", "LST", "GOLD", "BONK"].map(moved));
            }
            // Stale prices.
            (_, 0) => market.advances(61),
            _ => market.refreshes_all(),
        }
        let vault = alice.vault();
        let action = match act {
            // All that the vault carries.
            0 => largest_loan(&market, &vault),
            1..9 => liquidation(&vault, &mut dice),
            _ => random_action(&market, &vault, &mut dice),
        };
        let mut stage = stage(&market, &vault);
        let outcome = stage.act(action);
        let sent = instruction(action, &alice, &bob);
        let signer = if matches!(action, Action::Liquidate { .. }) { &bob } else { &alice };
        match signer.sends(&[sent]) {
            Ok(_) => {
                assert_eq!(outcome.refusal, None, "{action:?}");
                assert_eq!(bytemuck::bytes_of(&stage.vault), bytemuck::bytes_of(&alice.vault()), "{action:?}");
                same(&stage.market, &market.market());
                assert_eq!(stage.health(), alice.health());
                done += 1;
                liquidated += usize::from(outcome.flows.len() == 2);
            }
            Err(refusal) => {
                let foreseen = outcome.refusal.unwrap_or_else(|| panic!("{action:?} was refused: {:?}", refusal.fault));
                assert_eq!(Fault::Ballast(foreseen.code), refusal.fault, "{action:?}");
                // What the logs say is what the client's own words for it are.
                let custom = solana_instruction::error::InstructionError::Custom(foreseen.code);
                let error = solana_transaction::TransactionError::InstructionError(0, custom);
                let failed = Failed::of(&error, &refusal.logs);
                assert_eq!((failed.name, failed.message), (foreseen.name.clone(), foreseen.message));
                reasons.insert(foreseen.name);
                refused += 1;
            }
        }
    }
    println!("{done} done, {liquidated} of them liquidations, {refused} refused: {reasons:?}");
    assert!(done > ROUNDS / 4 && liquidated > 3 && reasons.len() > 8, "{done} {liquidated} {reasons:?}");
}

#[test]
fn a_refused_action_is_shown_as_if_the_limit_were_not_there() {
    let market = limited();
    let alice = market.actor("alice", &[sol("100"), market.worth("BTC", 200_000)]);
    alice.deposits(sol("100")).unwrap();
    let vault = alice.vault();
    let usdc = market.index("USDC");
    // 15,000 dollars of SOL carry no such debt.
    let seen = preview(stage(&market, &vault), &[], &[Action::Borrow { asset: usdc, amount: 14_000_000_000 }]).unwrap();
    assert_eq!(seen.refusal().unwrap().code, u32::from(BallastError::BelowInitMargin));
    assert_eq!(seen.outcomes[0].flows, [Flow { asset: usdc, direction: Direction::Out, tokens: 14_000_000_000 }]);
    assert_eq!((seen.before.maint.debts, seen.after.maint.debts), (0, 14_000_000_027));
    // The cap of BTC leaves room for 50,000 dollars.
    let btc = Action::Deposit { asset: market.index("BTC"), amount: market.worth("BTC", 100_000).units };
    let seen = preview(stage(&market, &vault), &[], &[btc]).unwrap();
    assert_eq!(seen.refusal().unwrap().code, u32::from(BallastError::DepositCapExceeded));
    assert!(seen.after.maint.assets > seen.before.maint.assets + 99_000_000_000);
    // More than anybody has.
    let seen = preview(stage(&market, &vault), &[], &[Action::Withdraw { asset: 0, amount: Some(u64::MAX) }]).unwrap();
    assert_eq!(seen.refusal().unwrap().code, u32::from(BallastError::InsufficientDeposit));
    assert_eq!((seen.outcomes[0].flows.len(), seen.before), (0, seen.after));
}

#[test]
fn the_largest_loan_is_accepted_and_one_unit_more_is_not() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    let usdc = market.index("USDC");
    let stage = stage(&market, &alice.vault());
    let limit = market.asset("USDC").cash;
    let most = stage.largest(limit, |amount| Action::Borrow { asset: usdc, amount }).unwrap();
    expect_refusal(alice.borrows(native("USDC", most + 1)), BallastError::BelowInitMargin);
    alice.borrows(native("USDC", most)).unwrap();
    assert_eq!(stage.largest(0, |amount| Action::Borrow { asset: usdc, amount }), None);
}

/// A feed publishes a number of pico-dollars, and somebody refreshes it.
fn refreshed_at(market: &Fixture, symbol: &str, number: u64) {
    let price = i64::try_from(number).unwrap();
    let seen = Published { price, confidence: number / 2_000, exponent: -12, publish_time: market.now() };
    market.publishes(symbol, &seen);
    market.refreshes(&[symbol]).unwrap();
}

#[test]
fn a_shock_is_what_a_refresh_at_that_price_does_to_spot() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100"), market.worth("BONK", 10_000)]);
    alice.deposits(sol("100")).unwrap();
    alice.deposits(market.worth("BONK", 10_000)).unwrap();
    alice.borrows(market.worth("ETH", 9_000)).unwrap();
    for (symbol, moved) in [("SOL", -2_000), ("ETH", 1_234), ("BONK", -9_900), ("SOL", 3_333), ("ETH", 0)] {
        market.advances(7);
        let index = market.index(symbol);
        let mut stage = stage(&market, &alice.vault());
        let number = shocked_pico_dollars(&stage.market.assets[usize::from(index)], moved).unwrap();
        stage.shock(&[Shock { asset: Some(index), bps: moved }]).unwrap();
        refreshed_at(&market, symbol, number);
        let (foreseen, found) = (stage.market.assets[usize::from(index)], market.asset(symbol));
        assert_eq!((foreseen.spot, foreseen.price_shifts[0]), (found.spot, found.price_shifts[0]), "{symbol} {moved}");
        assert_eq!(foreseen.units[..2], found.units[..2]);
        // The other assets have not been accrued; their interest is added on the way.
        let (foreseen, found) = (stage.health(), alice.health());
        for (foreseen, found) in [(foreseen.maint, found.maint), (foreseen.target, found.target)] {
            assert!(foreseen.assets.abs_diff(found.assets) <= 2 && foreseen.debts.abs_diff(found.debts) <= 2);
            assert_eq!(foreseen.passes, found.passes);
        }
    }
}

/// Whether somebody can liquidate the vault: the smallest liquidation there is.
fn liquidatable(owner: &Actor) -> bool {
    let maint = owner.health().maint;
    assert!(maint.decided);
    !maint.passes
}

#[test]
fn just_above_its_liquidation_price_a_vault_is_safe_and_at_it_it_is_not() {
    let market = Fixture::new().stocked();
    let bob = market.actor("bob", &[market.worth("USDC", 100_000), market.worth("ETH", 100_000)]);
    for (name, deposit, loan) in
        [("alice", "SOL", "USDC"), ("carol", "USDC", "ETH"), ("dave", "BTC", "SOL"), ("erin", "BONK", "USDT")]
    {
        market.refreshes_all();
        let owner = market.actor(name, &[market.worth(deposit, 10_000)]);
        owner.deposits(market.worth(deposit, 10_000)).unwrap();
        owner.borrows(market.worth(loan, 3_500)).unwrap();
        let (collateral, debt) = (market.index(deposit), market.index(loan));
        for (symbol, falls) in [(deposit, true), (loan, false)] {
            let index = market.index(symbol);
            market.advances(1);
            market.refreshes_all();
            market.advances(1);
            let found = stage(&market, &owner.vault()).thresholds();
            assert_eq!(found.assets.len(), 2);
            let found = found.assets.into_iter().find(|found| found.asset == index).unwrap();
            // A fall of what is owed never hurts, nor a rise of what is there but for what its depth costs.
            let number = if falls { found.below.unwrap() } else { found.above.unwrap() };
            assert!(falls == (number < found.price) && (falls || found.below.is_none()), "{found:?}");
            let safe = if falls { number + 1 } else { number - 1 };
            refreshed_at(&market, symbol, safe);
            assert!(!liquidatable(&owner), "{name}: {symbol} at {safe}");
            let most = market.worth(loan, 100);
            bob.is_given(most);
            let refusal = bob.liquidates(&owner, most, deposit);
            expect_refusal(refusal, BallastError::VaultHealthy);
            // The clock stands still, a second price is of the next second.
            let (time, slot) = (market.now(), market.clock().slot);
            let seen = i64::try_from(number).unwrap();
            let next = Published { price: seen, confidence: number / 2_000, exponent: -12, publish_time: time + 1 };
            market.publishes(symbol, &next);
            market.refreshes(&[symbol]).unwrap();
            assert_eq!((market.now(), market.clock().slot), (time, slot));
            assert!(liquidatable(&owner), "{name}: {symbol} at {number}");
            let action = Action::Liquidate { debt_asset: debt, collateral_asset: collateral, most_repaid: most.units };
            assert_eq!(stage(&market, &owner.vault()).refusal(action), None);
            market.advances(1);
        }
    }
}

#[test]
fn a_fall_of_everything_deposited_is_found_to_the_basis_point() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100"), market.worth("BTC", 15_000)]);
    alice.deposits(sol("100")).unwrap();
    alice.deposits(market.worth("BTC", 15_000)).unwrap();
    assert_eq!(stage(&market, &alice.vault()).thresholds(), Default::default(), "without debts there is none");
    alice.borrows(market.worth("USDC", 15_000)).unwrap();
    let found = stage(&market, &alice.vault()).thresholds();
    let fall = i32::from(found.fall_bps.unwrap());
    let after = |bps: i32| {
        let shock = |symbol| Shock { asset: Some(market.index(symbol)), bps };
        let mut stage = stage(&market, &alice.vault());
        stage.shock(&[shock("SOL"), shock("BTC")]).unwrap();
        stage.health().maint.passes
    };
    assert!(after(1 - fall) && !after(-fall), "{fall}");
    // One alone has to fall further than both together.
    let sol = found.assets.iter().find(|found| found.asset == market.index("SOL")).unwrap();
    assert!(sol.below.is_none_or(|below| below < sol.price / 10_000 * (10_000 - fall.unsigned_abs() as u64)));
}

/// Collateral whose price a stake pool derives from another moves with it: by the last basis point of a fall that the stored
/// prices survive, and the first that they do not, with prices that are refreshed for real.
#[test]
fn the_liquidation_price_of_a_base_counts_the_tokens_that_move_with_it() {
    let pool = Feed::new("pool", SourceKind::StakePool, "1.1");
    let fixture = || Fixture::of(vec![token("SOL"), token("USDC"), token("LST").priced_by(pool.clone())]).stocked();
    let market = fixture();
    let alice = borrows_on_both(&market);
    let found = stage(&market, &alice.vault()).thresholds();
    let [sol, lst] = ["SOL", "LST"]
        .map(|symbol| *found.assets.iter().find(|found| found.asset == market.index(symbol)).expect("a threshold"));
    let below = sol.below.unwrap();
    let shocked = |bps: i32| shocked_pico_dollars(&market.asset("SOL"), bps).unwrap();
    let fall = (1..10_000).find(|fall| shocked(-fall) <= below).expect("a fall that liquidates");
    for (fall, healthy) in [(fall - 1, true), (fall, false)] {
        let market = fixture();
        let alice = borrows_on_both(&market);
        let number = shocked(-fall);
        let mut foreseen = stage(&market, &alice.vault());
        foreseen.shock(&[Shock { asset: Some(market.index("SOL")), bps: -fall }]).unwrap();
        assert_eq!(foreseen.health().maint.passes, healthy, "{fall}");
        market.advances(1);
        refreshed_at(&market, "SOL", number);
        market.refreshes(&["LST"]).unwrap();
        assert_eq!(!liquidatable(&alice), healthy, "{fall}");
    }
    // The token alone has to fall further.
    assert!(lst.below.is_none_or(|alone| alone < lst.price - lst.price / 10_000 * fall.unsigned_abs() as u64));
}

/// As much of both as collateral, and half of it borrowed.
fn borrows_on_both(market: &Fixture) -> Actor {
    let both = ["SOL", "LST"].map(|symbol| market.worth(symbol, 10_000));
    let alice = market.actor("alice", &both);
    for money in both {
        alice.deposits(money).unwrap();
    }
    alice.borrows(market.worth("USDC", 10_000)).unwrap();
    alice
}

#[test]
fn a_takeover_is_foreseen_for_both_vaults() {
    let market = Fixture::new().stocked();
    let [alice, bob] = ["alice", "bob"].map(|name| market.actor(name, &[market.worth("SOL", 10_000), usdc("50_000")]));
    alice.deposits(market.worth("SOL", 10_000)).unwrap();
    alice.borrows(usdc("6_500")).unwrap();
    bob.deposits(usdc("50_000")).unwrap();
    market.price_moves("SOL", "110");
    let pair = [market.index("USDC"), market.index("SOL")];
    let (mut stage, mut into) = (stage(&market, &alice.vault()), bob.vault());
    let taken = stage.hand_over(&mut into, pair, 1_000_000_000).unwrap();
    assert!(taken.owed > 0 && taken.seized > 0);
    bob.takes_over(&alice, usdc("1_000"), "SOL").unwrap();
    assert_eq!(bytemuck::bytes_of(&stage.vault), bytemuck::bytes_of(&alice.vault()));
    assert_eq!(bytemuck::bytes_of(&into), bytemuck::bytes_of(&bob.vault()));
    same(&stage.market, &market.market());
    let healthy = stage.hand_over(&mut into, [9, 9], 1).unwrap_err();
    assert_eq!(healthy.code, u32::from(BallastError::SameAsset));
}

#[test]
fn what_a_token_withholds_is_not_booked() {
    let fee = Extension::TransferFee { bps: 100, most: u64::MAX };
    let market = Fixture::with_extensions(&[fee]);
    let alice = market.actor("alice", &[native(EXTENDED, 1_000_000_000), sol("10")]);
    alice.deposits(sol("10")).unwrap();
    let asset = market.index(EXTENDED);
    let stage = |vault: &Vault| stage(&market, vault).with_fee(asset, market.fee(EXTENDED));
    for action in [
        Action::Deposit { asset, amount: 1_000_001 },
        Action::Borrow { asset, amount: 2_000_003 },
        Action::Repay { asset, amount: Some(500_005) },
        Action::Repay { asset, amount: None },
    ] {
        market.advances(1);
        let mut stage = stage(&alice.vault());
        let outcome = stage.act(action);
        alice.sends(&[instruction(action, &alice, &alice)]).unwrap();
        assert_eq!(outcome.refusal, None);
        assert_eq!(bytemuck::bytes_of(&stage.vault), bytemuck::bytes_of(&alice.vault()), "{action:?}");
        same(&stage.market, &market.market());
    }
}
