//! Pairs of instructions in shapes that no client would build: called by programs (B02), mismatched (B03), among instructions
//! with hardly any data (B04).

use ballast_client::event::{Action, FlashLoaned, ReceivershipEnded};
use ballast_client::instruction;
use ballast_client::table::Parameter;
use ballast_client::{ID, Kind, Scopes};
use ballast_tests::assets::WHOLE;
use ballast_tests::caller::{CALLER, through_a_program};
use ballast_tests::outcome::token_fault;
use ballast_tests::slots::*;
use ballast_tests::*;
use solana_instruction::Instruction;

/// A market with somebody to liquidate, and a second one of equal indexes.
struct Stage {
    market: Fixture,
    abroad: Fixture,
    /// Has tokens and a healthy vault.
    alice: Actor,
    /// Has tokens.
    bob: Actor,
    victim: Actor,
    /// Can be liquidated as well.
    other: Actor,
}

impl Stage {
    fn new() -> Self {
        let market = Fixture::new().stocked();
        let abroad = market.parallel_market().stocked();
        market.adds_caller();
        let alice = market.actor("alice", &[sol("200"), usdc("5000")]);
        alice.deposits(sol("100")).unwrap();
        alice.borrows(usdc("1000")).unwrap();
        let [victim, other] = ["victim", "other"].map(|name| {
            let actor = market.actor(name, &[lst("100")]);
            actor.deposits(lst("100")).unwrap();
            actor.borrows(usdc("10000")).unwrap();
            actor
        });
        let abroads = abroad.actor("victim", &[lst("100")]);
        abroads.deposits(lst("100")).unwrap();
        abroads.borrows(usdc("10000")).unwrap();
        let bob = market.actor("bob", &[usdc("50000"), sol("50"), lst("1")]);
        market.price_moves("LST", "115");
        abroad.price_moves("LST", "115");
        market.refreshes_all();
        abroad.refreshes_all();
        Self { market, abroad, alice, bob, victim, other }
    }

    /// Whoever of alice and bob has to signs; bob pays the fee.
    fn sends(&self, all: &[Instruction]) -> Outcome {
        let alice = self.alice.address();
        let signs = all.iter().flat_map(|one| &one.accounts).any(|meta| meta.is_signer && meta.pubkey == alice);
        let signers = [&self.bob.key, &self.alice.key];
        self.market.sends(all, if signs { &signers } else { &signers[..1] })
    }

    fn refuses(&self, shapes: Vec<Shape>) {
        for Shape { name, all, fault } in shapes {
            match self.sends(&all) {
                Ok(_) => panic!("{name}: accepted"),
                Err(refusal) => {
                    assert_eq!(refusal.fault, fault, "{name}: {:#?}", refusal.logs);
                    assert_eq!(refusal.changed, [], "{name}");
                }
            }
        }
    }

    /// What is accepted leaves nothing open.
    fn accepts(&self, shapes: &[(&str, Vec<Instruction>)]) {
        for (name, all) in shapes {
            if let Err(refusal) = self.sends(all) {
                panic!("{name}: {refusal:#?}");
            }
            assert_eq!(self.market.market().in_flight.kind, Kind::Nothing as u8, "{name}");
        }
    }

    /// A copy of the sysvar that shows what the attacker likes.
    fn faked(&self) -> Pubkey {
        let sysvar = Pubkey::from_str_const("Sysvar1111111111111111111111111111111111111");
        let copy = ballast_tests::address("instructions, or so they say");
        self.market.writes_data(&copy, &sysvar, vec![0; 64]);
        copy
    }
}

/// A transaction that must fail, and why.
struct Shape {
    name: &'static str,
    all: Vec<Instruction>,
    fault: Fault,
}

fn shape(name: &'static str, all: &[&Instruction], fault: impl Into<Fault>) -> Shape {
    Shape { name, all: all.iter().copied().cloned().collect(), fault: fault.into() }
}

/// The same with one thing changed.
fn but(instruction: &Instruction, change: impl FnOnce(&mut Instruction)) -> Instruction {
    let mut changed = instruction.clone();
    change(&mut changed);
    changed
}

/// What is wrong with an instruction that ends something, apart from its arguments.
fn distorted(last: &Instruction) -> Vec<(&'static str, Instruction)> {
    vec![
        ("is of another program", but(last, |last| last.program_id = CALLER)),
        ("has another discriminator", but(last, |last| last.data[0] ^= 1)),
        ("has the last bit of its discriminator wrong", but(last, |last| last.data[7] ^= 128)),
        ("has a byte more", but(last, |last| last.data.push(0))),
        ("has a byte less", but(last, |last| last.data.truncate(last.data.len() - 1))),
        ("has half a discriminator", but(last, |last| last.data.truncate(4))),
        ("has no data", but(last, |last| last.data.clear())),
        ("has its first accounts in another order", but(last, |last| last.accounts.swap(0, 1))),
        ("has no accounts", but(last, |last| last.accounts.clear())),
        ("has one account", but(last, |last| last.accounts.truncate(1))),
        ("has other accounts in front", but(last, |last| last.accounts.insert(0, last.accounts[1].clone()))),
        ("is made by another program", through_a_program(std::slice::from_ref(last))),
    ]
}

#[test]
fn atk_b02_no_leg_is_called_by_another_program() {
    let stage = Stage::new();
    let Stage { bob, victim, .. } = &stage;
    for [first, last] in [bob.flash_loan(usdc("1000")), bob.receivership(victim)] {
        let [called_first, called_last] = [&first, &last].map(|leg| through_a_program(std::slice::from_ref(leg)));
        let called = through_a_program(&[first.clone(), last.clone()]);
        let by_program = BallastError::CalledByProgram;
        stage.refuses(vec![
            shape("both in one call", &[&called], by_program),
            shape("both in two calls", &[&called_first, &called_last], by_program),
            shape("the first one alone", &[&called_first], by_program),
            shape("the last one alone", &[&called_last], by_program),
            shape("the first one, with its end", &[&called_first, &last], by_program),
            shape("the last one, before it comes", &[&first, &called_last, &last], by_program),
            shape("both within the real ones", &[&first, &called, &last], by_program),
            shape("the last one in place of it", &[&first, &called_last], BallastError::UnmatchedPair),
        ]);
        stage.accepts(&[("neither", vec![first, last])]);
    }
}

/// What happens between the ends is the receiver's: his program may do it.
#[test]
fn atk_b02_another_program_may_seize_and_repay() {
    let stage = Stage::new();
    let Stage { bob, victim, .. } = &stage;
    let [begin, end] = bob.receivership(victim);
    let steps = through_a_program(&[bob.seize(victim, lst("1")), bob.repay_for(victim, usdc("200"))]);
    let receipt = stage.sends(&[begin, steps, end]).unwrap();
    assert_eq!(receipt.event::<ReceivershipEnded>().repaid_value, 200_000_000);
}

#[test]
fn atk_b03_a_flash_loan_has_one_shape() {
    let stage = Stage::new();
    let Stage { market, abroad, alice, bob, victim, .. } = &stage;
    let [borrow, repay] = &bob.flash_loan(usdc("1000"));
    let [borrow_sol, repay_sol] = &bob.flash_loan(sol("10"));
    let [borrow_less, repay_less] = &bob.flash_loan(native("USDC", 999_999_999));
    let [_, repay_more] = &bob.flash_loan(native("USDC", 1_000_000_001));
    let [borrow_nothing, repay_nothing] = &bob.flash_loan(native("USDC", 0));
    let [borrow_all, repay_all] = &bob.flash_loan(native("USDC", u64::MAX));
    let [_, repay_of_alice] = &alice.flash_loan(usdc("1000"));
    let there = Actor { fixture: abroad.clone(), key: bob.key.insecure_clone(), id: 0 };
    let [borrow_abroad, repay_abroad] = &there.flash_loan(usdc("1000"));
    let repay_other_asset = &but(repay, |repay| repay.data[8] = market.index("SOL"));
    let [borrow_unknown, repay_unknown] = &[borrow, repay].map(|leg| but(leg, |leg| leg.data[8] = 63));
    let fund = &market.builds(|at| at.fund_reserve(&bob.address(), market.index("USDC"), 1_000_000_000));
    let debt = &bob.repay_for(victim, usdc("1000"));
    let from_alice = &replaced(repay, PAY_POOL, "source", &alice.wallet("USDC"));
    let elsewhere = &replaced(repay, PAY_POOL, "custody", &market.custody("SOL"));
    let in_sol = &replaced(borrow, FLASH_BORROW, "destination", &bob.wallet("SOL"));
    let blind = &replaced(borrow, FLASH_BORROW, "instructions", &stage.faked());
    let patient = &market.builds(|at| {
        let deadline_slot = Some(u64::MAX);
        at.guarded(client::Guard { deadline_slot, ..client::Guard::default() }).flash_loan(
            &bob.address(),
            market.index("USDC"),
            1_000_000_000,
        )
    })[0];
    let stub = &Instruction { program_id: ID, accounts: vec![], data: vec![1; 5] };
    let (pair, none) = (BallastError::UnmatchedPair, BallastError::NoFlashLoan);

    let mut shapes = vec![
        shape("no repayment", &[borrow], pair),
        shape("no loan", &[repay], none),
        shape("the repayment first", &[repay, borrow], none),
        shape("repayments before and after", &[repay, borrow, repay], none),
        shape("two loans, one repayment", &[borrow, borrow, repay], pair),
        shape("two loans with other data, one repayment", &[borrow, patient, repay], pair),
        shape("two loans around the repayment", &[borrow, repay, borrow], pair),
        shape("one loan, two repayments", &[borrow, repay, repay], pair),
        shape("nested", &[borrow, borrow, repay, repay], pair),
        shape("nested, of two assets", &[borrow, borrow_sol, repay_sol, repay], pair),
        shape("crossed, of two assets", &[borrow, borrow_sol, repay, repay_sol], pair),
        shape("one after another", &[borrow, repay, borrow, repay], pair),
        shape("one after another, of two assets", &[borrow, repay, borrow_sol, repay_sol], pair),
        shape("one after another, in two markets", &[borrow, repay, borrow_abroad, repay_abroad], pair),
        shape("a unit less", &[borrow, repay_less], pair),
        shape("a unit more", &[borrow, repay_more], pair),
        shape("less and the rest", &[borrow_less, repay_less, repay], pair),
        shape("another asset", &[borrow, repay_other_asset], pair),
        shape("another asset, as it should be", &[borrow, repay_sol], pair),
        shape("another market", &[borrow, repay_abroad], pair),
        shape("in another market", &[borrow_abroad, repay], pair),
        shape("another borrower", &[borrow, repay_of_alice], pair),
        shape("a gift in place of the repayment", &[borrow, fund], pair),
        shape("somebody's debt in place of the loan", &[borrow, debt], pair),
        shape("tokens of another", &[borrow, from_alice], token_fault::OWNER_MISMATCH),
        shape("into another pool", &[borrow, elsewhere], BallastError::WrongCustody),
        shape("to an account of another mint", &[in_sol, repay], token_fault::MINT_MISMATCH),
        shape("a sysvar of the attacker's", &[blind, repay], ErrorCode::ConstraintAddress),
        shape("an asset that is not listed", &[borrow_unknown, repay_unknown], BallastError::AssetUnknown),
        shape("nothing", &[borrow_nothing, repay_nothing], BallastError::AmountIsZero),
        shape("more than there is", &[borrow_all, repay_all], BallastError::NotEnoughCash),
        shape("a stub of ours before", &[stub, borrow, repay], ErrorCode::InstructionFallbackNotFound),
        shape("a stub of ours within", &[borrow, stub, repay], ErrorCode::InstructionFallbackNotFound),
        shape("a stub of ours after", &[borrow, repay, stub], ErrorCode::InstructionFallbackNotFound),
    ];
    shapes.extend(distorted(repay).into_iter().map(|(name, last)| shape(name, &[borrow, &last], pair)));
    assert_eq!(shapes.len(), 46);
    stage.refuses(shapes);
    let trailing = but(repay, |repay| repay.accounts.push(borrow.accounts[2].clone()));
    stage.accepts(&[
        ("a pair", vec![borrow.clone(), repay.clone()]),
        ("of another form", vec![patient.clone(), repay.clone()]),
        ("with an account that nobody asks for", vec![borrow.clone(), trailing]),
        ("with everything else around", vec![fund.clone(), borrow.clone(), debt.clone(), repay.clone(), fund.clone()]),
    ]);
}

#[test]
fn atk_b03_a_receivership_has_one_shape() {
    let stage = Stage::new();
    let Stage { market, abroad, alice, bob, victim, other } = &stage;
    let [begin, end] = &bob.receivership(victim);
    let [begin_other, end_other] = &bob.receivership(other);
    let [begin_of_alice, end_of_alice] = &alice.receivership(victim);
    let there = |actor: &Actor| Actor { fixture: abroad.clone(), key: actor.key.insecure_clone(), id: 0 };
    let [begin_abroad, end_abroad] = &there(bob).receivership(&there(victim));
    let [begin_healthy, end_healthy] = &bob.receivership(alice);
    let foreign = there(victim).vault_address();
    let [begin_foreign, end_foreign] = &[begin, end].map(|leg| but(leg, |leg| leg.accounts[2].pubkey = foreign));
    let of_market_abroad = &but(end, |end| end.accounts[1].pubkey = abroad.market_address());
    let blind = &replaced(begin, BEGIN_LIQUIDATION, "instructions", &stage.faked());
    let (seize, repay) = (&bob.seize(victim, lst("1")), &bob.repay_for(victim, usdc("200")));
    let (seize_other, repay_other) = (&bob.seize(other, lst("1")), &bob.repay_for(other, usdc("200")));
    let seize_of_alice = &alice.seize(victim, lst("1"));
    let [seize_debt, seize_nothing] = &[usdc("1"), native("LST", 0)].map(|money| bob.seize(victim, money));
    let stub = &Instruction { program_id: ID, accounts: vec![], data: vec![1; 5] };
    let (pair, none, first) = (BallastError::UnmatchedPair, BallastError::NoReceivership, BallastError::NotFirst);

    let mut shapes = vec![
        shape("no end", &[begin], pair),
        shape("no beginning", &[end], none),
        shape("the end first", &[end, begin], none),
        shape("two beginnings, one end", &[begin, begin, end], pair),
        shape("one beginning, two ends", &[begin, end, end], pair),
        shape("nested", &[begin, begin, end, end], pair),
        shape("nested, of two vaults", &[begin, begin_other, end_other, end], pair),
        shape("crossed, of two vaults", &[begin, begin_other, end, end_other], pair),
        shape("one after another", &[begin, end, begin, end], pair),
        shape("one after another, of two vaults", &[begin, end, begin_other, end_other], pair),
        shape("one after another, in two markets", &[begin, end, begin_abroad, end_abroad], pair),
        shape("the end of another vault", &[begin, end_other], pair),
        shape("the ends of both vaults", &[begin, end, end_other], pair),
        shape("the end of another liquidator", &[begin, end_of_alice], pair),
        shape("the end of another liquidator before", &[begin_of_alice, end, end_of_alice], pair),
        shape("the end in another market", &[begin, end_abroad], pair),
        shape("the vault's end in another market", &[begin, of_market_abroad], pair),
        shape("a sysvar of the attacker's", &[blind, end], ErrorCode::ConstraintAddress),
        shape("a vault of another market", &[begin_foreign, end_foreign], BallastError::WrongMarket),
        shape("a healthy vault", &[begin_healthy, end_healthy], BallastError::VaultHealthy),
        shape("a seizure before", &[seize, begin, repay, end], none),
        shape("a seizure after", &[begin, repay, end, seize], none),
        shape("a seizure alone", &[seize], none),
        shape("a seizure from another vault", &[begin, seize_other, repay, end], none),
        shape("a seizure by another", &[begin, seize_of_alice, repay, end], BallastError::NotReceiver),
        shape("a seizure of a debt", &[begin, seize_debt, repay, end], BallastError::NoDeposit),
        shape("a seizure of nothing", &[begin, seize_nothing, repay, end], BallastError::AmountIsZero),
        shape("a seizure without a repayment", &[begin, seize, end], BallastError::SeizedTooMuch),
        shape("the repayment after", &[begin, seize, end, repay], BallastError::SeizedTooMuch),
        shape("the repayment of another vault", &[begin, seize, repay_other, end], BallastError::ReceivershipOpen),
        shape("the repayment before", &[repay, begin, seize, end], first),
        shape("a stub of ours before", &[stub, begin, end], ErrorCode::InstructionFallbackNotFound),
        shape("a stub of ours within", &[begin, stub, end], ErrorCode::InstructionFallbackNotFound),
    ];
    shapes.extend(distorted(end).into_iter().map(|(name, last)| shape(name, &[begin, &last], pair)));
    let last_account = but(end, |end| end.accounts.truncate(2));
    shapes.push(shape("lacks the vault", &[begin, &last_account], pair));
    for before in [
        alice.instruction(Action::Deposit, sol("1")),
        alice.instruction(Action::Borrow, usdc("1")),
        alice.instruction(Action::Withdraw, sol("1")),
        bob.liquidate(other, usdc("100"), "LST"),
        instruction::set_delegate(&alice.address(), &alice.vault_address(), bob.address(), Scopes::default(), 0),
        alice.with_vault(7).open_vault(),
        market.builds(|at| at.view_health(&alice.vault_address())),
        market.builds(|at| at.fund_reserve(&bob.address(), 0, 1)),
    ] {
        shapes.push(shape("something of ours before", &[&before, begin, end], first));
    }
    let [loan, back] = &bob.flash_loan(usdc("1000"));
    shapes.push(shape("a flash loan before", &[loan, back, begin, end], first));
    shapes.push(shape("a flash loan around", &[loan, begin, end, back], first));
    assert_eq!(shapes.len(), 56);
    stage.refuses(shapes);

    let refresh = market.refresh_instruction(&["LST", "USDC"]);
    let trailing = but(end, |end| end.accounts.push(begin.accounts[0].clone()));
    let deposit = through_a_program(&[alice.instruction(Action::Deposit, sol("1"))]);
    stage.accepts(&[
        ("a pair", vec![begin.clone(), end.clone()]),
        ("with an account that nobody asks for", vec![begin.clone(), trailing]),
        ("after prices", vec![refresh.clone(), refresh, begin.clone(), end.clone()]),
        ("with steps", vec![begin.clone(), seize.clone(), repay.clone(), end.clone()]),
        ("a flash loan afterwards", vec![begin.clone(), end.clone(), loan.clone(), back.clone()]),
        // What other programs call cannot be seen. Nothing rests on it: the vault is judged as it is found.
        ("after a call by another program", vec![deposit, begin.clone(), end.clone()]),
    ]);
}

#[test]
fn atk_b04_instructions_of_others_with_hardly_any_data_are_passed_over() {
    let stage = Stage::new();
    let Stage { bob, victim, .. } = &stage;
    let memo = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    let [begin, end] = bob.receivership(victim);
    for pair in [
        bob.flash_loan(usdc("1000")).to_vec(),
        vec![begin, bob.seize(victim, native("LST", 1_000)), bob.repay_for(victim, usdc("1")), end],
    ] {
        for length in 0..8 {
            for at in 0..=pair.len() {
                let mut all = pair.clone();
                all.insert(at, Instruction { program_id: memo, accounts: vec![], data: b"1234567"[..length].to_vec() });
                stage.accepts(&[("a note", all)]);
            }
            let note = Instruction { program_id: memo, accounts: vec![], data: b"1234567"[..length].to_vec() };
            let everywhere = pair.iter().flat_map(|one| [note.clone(), one.clone(), note.clone()]).collect();
            stage.accepts(&[("notes everywhere", everywhere)]);
        }
    }
}

#[test]
fn atk_b05_the_fee_rounds_up_and_is_a_unit_at_least() {
    let stage = Stage::new();
    let Stage { market, bob, .. } = &stage;
    let fee = |units: u64| {
        let receipt = market.simulates(&bob.flash_loan(native("USDC", units)), &[&bob.key]).unwrap();
        receipt.event::<FlashLoaned>().fee
    };
    // Nine basis points, up to beyond the second step.
    for units in (1..=1_200).chain(2_200..=2_240).chain([9_999, 10_000, 10_001, 1_000_000_007]) {
        assert!(fee(units) >= (units * 9).div_ceil(10_000), "{units}");
        assert!(fee(units) <= units * 9 / 10_000 + 1, "{units}");
    }
    assert_eq!([1, 1_111, 1_112, 2_222, 2_223].map(fee), [1, 1, 2, 2, 3]);
    expect_refusal(bob.borrows_flash(native("USDC", 0), &[]), BallastError::AmountIsZero);

    for units in [1, 2, 1_111, 1_112] {
        let (reserve, wallet) = (market.balance(&market.custody("USDC")), bob.balance("USDC"));
        bob.borrows_flash(native("USDC", units), &[]).unwrap();
        assert_eq!(market.balance(&market.custody("USDC")), reserve + fee(units));
        assert_eq!(bob.balance("USDC"), wallet - fee(units));
    }
    market.conservation();
}

#[test]
fn flash_loans_of_an_asset_can_be_off() {
    let tokens = assets::tokens(assets::STANDARD.len()).into_iter();
    let off = [(Parameter::FlashFee, WHOLE)];
    let market =
        Fixture::of(tokens.map(|token| if token.symbol == "USDC" { token.with(&off) } else { token }).collect())
            .stocked();
    let bob = market.actor("bob", &[usdc("10"), sol("1")]);
    expect_refusal(bob.borrows_flash(usdc("1000"), &[]), BallastError::FlashLoansOff);
    bob.borrows_flash(sol("10"), &[]).unwrap();
}
