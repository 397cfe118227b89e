//! What a user may ask for beyond the rules: a last slot, and a least margin afterwards.

use ballast_client::Guard;
use ballast_client::instruction::MarketRef;
use ballast_tests::*;
use solana_instruction::Instruction;

/// Alice has 100 SOL and owes 1,000 USDC; a victim can be liquidated; bob has a vault and tokens.
fn market() -> (Fixture, [Actor; 3]) {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("101"), usdc("10")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("1000")).unwrap();
    let victim = market.actor("victim", &[lst("100")]);
    victim.deposits(lst("100")).unwrap();
    victim.borrows(usdc("10000")).unwrap();
    let bob = market.actor("bob", &[eth("20"), usdc("5000")]);
    bob.deposits(eth("20")).unwrap();
    bob.wallet("LST");
    market.price_moves("LST", "115");
    (market, [alice, victim, bob])
}

fn build(market: &Fixture, guard: Guard, build: impl FnOnce(MarketRef<'_>) -> Instruction) -> Instruction {
    market.builds(|at| build(at.guarded(guard)))
}

/// Every instruction that takes a deadline, with who sends it.
fn all(market: &Fixture, [alice, victim, bob]: &[Actor; 3], guard: Guard) -> Vec<(Vec<Instruction>, Keypair)> {
    let [sol_at, usdc_at, lst_at] = ["SOL", "USDC", "LST"].map(|symbol| market.index(symbol));
    let (a, v) = (alice.address(), alice.vault_address());
    let (b, into, victims) = (bob.address(), bob.vault_address(), victim.vault_address());
    let of_alice = [
        build(market, guard, |at| at.deposit(&a, &v, sol_at, 1_000)),
        build(market, guard, |at| at.repay(&a, &v, usdc_at, 1_000)),
        build(market, guard, |at| at.borrow(&a, &v, usdc_at, 1_000)),
        build(market, guard, |at| at.withdraw(&a, &v, sol_at, Some(1_000))),
        build(market, guard, |at| at.fund_reserve(&a, usdc_at, 1_000)),
    ];
    let of_bob = [
        build(market, guard, |at| at.liquidate(&b, &victims, usdc_at, lst_at, 1_000_000)),
        build(market, guard, |at| at.liquidate_into(&b, &victims, &into, usdc_at, lst_at, 1_000_000)),
    ];
    let mut all: Vec<_> = of_alice.map(|instruction| (vec![instruction], alice.key.insecure_clone())).into();
    all.extend(of_bob.map(|instruction| (vec![instruction], bob.key.insecure_clone())));
    all.push((
        market.builds(|at| at.guarded(guard).flash_loan(&b, usdc_at, 1_000_000)).into(),
        bob.key.insecure_clone(),
    ));
    all.push((market.builds(|at| at.guarded(guard).receivership(&b, &victims)).into(), bob.key.insecure_clone()));
    all
}

#[test]
fn nothing_happens_after_the_deadline() {
    let (market, people) = market();
    let slot = market.clock().slot;
    let at = |last| Guard { deadline_slot: Some(last), ..Guard::default() };
    for (instructions, key) in all(&market, &people, at(slot - 1)) {
        expect_refusal(market.sends(&instructions, &[&key]), BallastError::DeadlinePassed);
    }
    // The deadline itself is in time, and none is none.
    for guard in [at(slot), at(u64::MAX), Guard::default()] {
        for (instructions, key) in all(&market, &people, guard) {
            market.simulates(&instructions, &[&key]).unwrap();
        }
    }
}

#[test]
fn a_loan_or_a_withdrawal_leaves_the_margin_that_was_asked_for() {
    let (market, [alice, ..]) = market();
    let (a, v) = (alice.address(), alice.vault_address());
    let [sol_at, usdc_at] = ["SOL", "USDC"].map(|symbol| market.index(symbol));
    for takes_out in [false, true] {
        let action = |least: u32| {
            let guard = Guard { least_margin_bps: Some(least), deadline_slot: None };
            build(&market, guard, |at| match takes_out {
                true => at.withdraw(&a, &v, sol_at, Some(sol("1").units)),
                false => at.borrow(&a, &v, usdc_at, usdc("100").units),
            })
        };
        let passes = |least| market.simulates(&[action(least)], &[&alice.key]).is_ok();
        // The largest margin that passes is what is left.
        let (mut good, mut bad) = (10_000, u32::MAX);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if passes(middle) { good = middle } else { bad = middle }
        }
        expect_refusal(alice.sends(&[action(bad)]), BallastError::MarginBelowGuard);
        alice.sends(&[action(good)]).unwrap();
        let init = alice.health().init;
        let margin = u128::from(init.equity.unsigned_abs()) * 10_000 / u128::from(init.requirement);
        assert_eq!(margin, u128::from(good));
    }
}

#[test]
fn without_debts_any_margin_is_left() {
    let (market, _) = market();
    let saver = market.actor("saver", &[sol("1")]);
    saver.deposits(sol("1")).unwrap();
    let guard = Guard { least_margin_bps: Some(u32::MAX), deadline_slot: None };
    let (s, v) = (saver.address(), saver.vault_address());
    saver.sends(&[build(&market, guard, |at| at.withdraw(&s, &v, market.index("SOL"), None))]).unwrap();
}

/// What the market asks for holds whatever somebody asks for.
#[test]
fn a_guard_loosens_nothing() {
    let (market, [alice, ..]) = market();
    let (a, v) = (alice.address(), alice.vault_address());
    let guard = Guard { least_margin_bps: Some(0), deadline_slot: None };
    let much = build(&market, guard, |at| at.borrow(&a, &v, market.index("USDC"), usdc("20000").units));
    expect_refusal(alice.sends(&[much]), BallastError::BelowInitMargin);
}
