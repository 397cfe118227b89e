//! What issuers and owners of tokens can do to us: hooks, delegates, freezing, pauses, memos. Fees are in `f_fees`, the
//! list of extensions in `f_extensions`; wrapped SOL (F11) goes in and out in the scenarios of wallets.
//!
//! A token that does not move halts itself alone: its debts and deposits are still taken over, everything else goes on.

use anchor_spl::token_2022::spl_token_2022::extension::{
    cpi_guard, interest_bearing_mint, memo_transfer, pausable, scaled_ui_amount,
};
use anchor_spl::token_2022::spl_token_2022::instruction as token_instruction;
use ballast_client::event::{Action, Liquidated};
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_tests::fixture::DUST;
use ballast_tests::slots::{LIQUIDATE, PAY_OUT, replaced};
use ballast_tests::token22::{AccountState, EXTENDED, Extension, ExtensionType, issuer, token22_fault};
use ballast_tests::*;
use outcome::token_fault;
use solana_instruction::Instruction;

const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

fn token(units: u64) -> Money {
    native(EXTENDED, units)
}

/// Alice owes the token and dollars against SOL, bob owes dollars against the token, carol liquidates.
struct Scene {
    market: Fixture,
    alice: Actor,
    bob: Actor,
    carol: Actor,
}

impl Scene {
    fn new(extensions: &[Extension]) -> Self {
        let market = Fixture::with_extensions(extensions);
        let alice = market.actor("alice", &[sol("110"), token(1_000_000)]);
        alice.deposits(sol("100")).unwrap();
        alice.borrows(token(500_000_000)).unwrap();
        alice.borrows(usdc("5000")).unwrap();
        let bob = market.actor("bob", &[token(2_001_000_000)]);
        bob.deposits(token(2_000_000_000)).unwrap();
        bob.borrows(usdc("13000")).unwrap();
        let carol = market.actor("carol", &[token(1_000_000_000), usdc("200000")]);
        carol.deposits(usdc("100000")).unwrap();
        Self { market, alice, bob, carol }
    }

    /// Everything by which the token moves, while all vaults are healthy.
    fn movements(&self) -> [Outcome; 6] {
        let Self { alice, bob, carol, .. } = self;
        [
            alice.repays(token(1_000)),
            alice.deposits(token(1_000)),
            alice.borrows(token(1_000)),
            bob.deposits(token(1_000)),
            bob.withdraws(token(1_000)),
            carol.funds(token(1_000)),
        ]
    }

    fn prices_fall(&self) {
        self.market.prices_move(&[("SOL", "100"), (EXTENDED, "7.5")]);
    }

    fn liquidations(&self) -> [Outcome; 2] {
        let Self { alice, bob, carol, .. } = self;
        [carol.liquidates(alice, token(10_000_000), "SOL"), carol.liquidates(bob, usdc("100"), EXTENDED)]
    }

    /// What does not need the token to move.
    fn the_rest_goes_on(&self) {
        let Self { alice, bob, carol, .. } = self;
        alice.deposits(sol("2")).unwrap();
        alice.withdraws(sol("1")).unwrap();
        alice.repays(usdc("1")).unwrap();
        bob.repays(usdc("1")).unwrap();
        carol.borrows(sol("1")).unwrap();
        carol.repays(sol("1")).unwrap();
    }

    fn takeovers_go_on(&self) {
        let Self { alice, bob, carol, market } = self;
        let held = market.balance(&market.custody(EXTENDED));
        let event: Liquidated = carol.takes_over(alice, token(10_000_000), "SOL").unwrap().event();
        assert_eq!(event.repaid, 10_000_000);
        let event: Liquidated = carol.takes_over(bob, usdc("100"), EXTENDED).unwrap().event();
        assert!(event.seized > 0);
        assert_eq!(market.balance(&market.custody(EXTENDED)), held);
        // And so does a liquidation of the same vault with another pair.
        let event: Liquidated = carol.liquidates(alice, usdc("100"), "SOL").unwrap().event();
        assert_eq!(event.repaid, 100_000_000);
    }

    /// The token is halted for this reason, and nothing else is.
    #[track_caller]
    fn is_halted(&self, reason: impl Into<Fault> + Copy) {
        for outcome in self.movements() {
            expect_refusal(outcome, reason);
        }
        self.the_rest_goes_on();
        self.prices_fall();
        for outcome in self.liquidations() {
            expect_refusal(outcome, reason);
        }
        self.takeovers_go_on();
    }

    /// The token moves, in every way.
    fn moves(&self) {
        for outcome in self.movements() {
            outcome.unwrap();
        }
    }

    /// After [`Self::is_halted`] liquidations work as well.
    fn moves_again(&self) {
        for outcome in self.liquidations() {
            outcome.unwrap();
        }
        self.market.prices_move(&[("SOL", "150"), (EXTENDED, "10")]);
        self.moves();
    }
}

/// A market that is being set up, where the issuer's mints are not accepted.
#[track_caller]
fn is_not_listed(extension: Extension, reason: BallastError) {
    let market = Fixture::without_market();
    market.creates_market(DUST).unwrap();
    expect_refusal(market.lists_issued(EXTENDED, &[extension]), reason);
}

#[test]
fn atk_f02_a_hook_that_the_issuer_sets_after_listing_halts_the_token() {
    let scene = Scene::new(&[Extension::Hook(None)]);
    scene.moves();
    scene.market.sets_hook(EXTENDED, Some(address("hook")));
    scene.is_halted(BallastError::TokenHalted);
    scene.market.sets_hook(EXTENDED, None);
    scene.moves_again();
}

#[test]
fn atk_f02_a_token_with_a_hook_is_not_listed() {
    is_not_listed(Extension::Hook(Some(address("hook"))), BallastError::TokenHalted);
}

#[test]
fn atk_f03_a_token_whose_issuer_can_take_it_from_anybody_is_not_listed() {
    is_not_listed(Extension::PermanentDelegate, BallastError::MintExtensionNotAllowed);
}

/// However it comes about.
#[test]
fn atk_f03_a_drained_custody_halts_its_token_alone() {
    let scene = Scene::new(&[]);
    scene.moves();
    scene.market.takes_from_custody(EXTENDED, 1);
    scene.is_halted(BallastError::CustodyShort);
    // Whoever pays the hole ends that.
    let custody = scene.market.custody(EXTENDED);
    scene.market.adds_tokens(&custody, token(1));
    scene.moves_again();
}

#[test]
fn atk_f03_a_custody_without_anything_left_halts_its_token_alone() {
    let scene = Scene::new(&[]);
    let cash = scene.market.asset(EXTENDED).cash;
    scene.market.takes_from_custody(EXTENDED, cash);
    let Scene { alice, bob, .. } = &scene;
    expect_refusal(alice.repays(token(1_000)), BallastError::CustodyShort);
    expect_refusal(alice.borrows(token(1_000)), token_fault::INSUFFICIENT_FUNDS);
    expect_refusal(bob.withdraws(token(1_000)), token_fault::INSUFFICIENT_FUNDS);
    scene.the_rest_goes_on();
    scene.prices_fall();
    scene.takeovers_go_on();
}

#[test]
fn atk_f04_a_token_whose_accounts_begin_frozen_is_not_listed() {
    is_not_listed(Extension::DefaultState(AccountState::Frozen), BallastError::TokenHalted);
}

#[test]
fn atk_f04_a_token_whose_accounts_begin_frozen_from_now_on_is_halted() {
    let scene = Scene::new(&[Extension::DefaultState(AccountState::Initialized)]);
    scene.moves();
    scene.market.sets_default_state(EXTENDED, AccountState::Frozen);
    scene.is_halted(BallastError::TokenHalted);
    scene.market.sets_default_state(EXTENDED, AccountState::Initialized);
    scene.moves_again();
}

#[test]
fn atk_f04_a_frozen_custody_halts_its_token_alone() {
    let scene = Scene::new(&[]);
    let custody = scene.market.custody(EXTENDED);
    scene.market.freezes(&custody, EXTENDED);
    scene.is_halted(token_fault::ACCOUNT_FROZEN);
    scene.market.thaws(&custody, EXTENDED);
    scene.moves_again();
}

#[test]
fn atk_f04_a_frozen_account_concerns_its_owner_alone() {
    let scene = Scene::new(&[]);
    let Scene { market, alice, bob, carol } = &scene;
    market.freezes(&alice.wallet(EXTENDED), EXTENDED);
    expect_refusal(alice.repays(token(1_000)), token_fault::ACCOUNT_FROZEN);
    expect_refusal(alice.borrows(token(1_000)), token_fault::ACCOUNT_FROZEN);
    bob.withdraws(token(1_000)).unwrap();
    // Somebody else pays, somebody else receives.
    carol.repays_for(alice, token(1_000)).unwrap();
    let to_bob =
        replaced(&alice.instruction(Action::Borrow, token(1_000)), PAY_OUT, "destination", &bob.wallet(EXTENDED));
    alice.sends(&[to_bob]).unwrap();
    // Nor does it protect her.
    scene.prices_fall();
    for outcome in scene.liquidations() {
        outcome.unwrap();
    }
}

#[test]
fn atk_f05_a_confidential_token_is_not_listed() {
    is_not_listed(Extension::Confidential, BallastError::MintExtensionNotAllowed);
}

#[test]
fn atk_f06_a_mint_that_can_be_closed_and_made_again_is_not_listed() {
    is_not_listed(Extension::CloseAuthority, BallastError::MintExtensionNotAllowed);
}

/// Decimals are stored at listing, and the token program compares them with every transfer.
#[test]
fn atk_f06_a_mint_with_other_decimals_does_not_move() {
    let scene = Scene::new(&[]);
    scene.market.tampers_with_mint(EXTENDED, |mint| mint[44] = 9);
    scene.is_halted(token22_fault::DECIMALS_MISMATCH);
    scene.market.tampers_with_mint(EXTENDED, |mint| mint[44] = 6);
    scene.moves_again();
}

/// The record of the token after the same story, with something in between.
fn record_after(extension: Option<Extension>, between: impl FnOnce(&Fixture)) -> Vec<u8> {
    let scene = Scene::new(extension.as_slice());
    scene.moves();
    between(&scene.market);
    scene.market.advances(10);
    scene.moves();
    scene.prices_fall();
    for outcome in scene.liquidations() {
        outcome.unwrap();
    }
    bytemuck::bytes_of(&scene.market.asset(EXTENDED)).to_vec()
}

#[test]
fn atk_f07_rates_and_multipliers_are_for_people() {
    let plain = record_after(None, |_| {});
    let (me, mint) = (issuer().pubkey(), token22::token22(EXTENDED).mint);
    let bearing = record_after(Some(Extension::Interest(5_000)), |market| {
        market.issuer_sends(interest_bearing_mint::instruction::update_rate(&TOKEN_2022, &mint, &me, &[], -9_999));
    });
    assert_eq!(bearing, plain);
    let scaled = record_after(Some(Extension::ScaledUi(3.0)), |market| {
        let update = scaled_ui_amount::instruction::update_multiplier;
        market.issuer_sends(update(&TOKEN_2022, &mint, &me, &[], 1e9, market.now()));
    });
    assert_eq!(scaled, plain);
}

#[test]
fn atk_f08_a_pause_of_the_issuer_halts_the_token() {
    let scene = Scene::new(&[Extension::Pausable]);
    scene.moves();
    scene.market.sets_pause(EXTENDED, true);
    scene.is_halted(BallastError::TokenHalted);
    scene.market.sets_pause(EXTENDED, false);
    scene.moves_again();
}

#[test]
fn atk_f08_a_paused_token_is_not_listed() {
    let market = Fixture::new();
    let token = token22::token22("P08");
    market.issues(&token, &[Extension::Pausable]);
    let (mint, me) = (token.mint, issuer().pubkey());
    market.issuer_sends(pausable::instruction::pause(&TOKEN_2022, &mint, &me, &[]));
    expect_refusal(market.lists_bare(token.clone()), BallastError::TokenHalted);
    market.issuer_sends(pausable::instruction::resume(&TOKEN_2022, &mint, &me, &[]));
    market.lists_bare(token).unwrap();
}

#[test]
fn atk_f09_what_cannot_be_transferred_is_not_listed() {
    is_not_listed(Extension::NonTransferable, BallastError::MintExtensionNotAllowed);
}

/// Makes room for an extension in somebody's account, and sends what sets it.
fn sets_up(who: &Actor, kind: ExtensionType, set: impl FnOnce(&Pubkey, &Pubkey) -> Instruction) {
    let (account, me) = (who.wallet(EXTENDED), who.address());
    let room = token_instruction::reallocate(&TOKEN_2022, &account, &me, &me, &[], &[kind]).unwrap();
    who.sends(&[room, set(&account, &me)]).unwrap();
}

fn demands_memos(who: &Actor) {
    sets_up(who, ExtensionType::MemoTransfer, |account, me| {
        memo_transfer::instruction::enable_required_transfer_memos(&TOKEN_2022, account, me, &[]).unwrap()
    });
}

#[test]
fn atk_f09_an_account_that_demands_memos_gets_nothing_from_a_program() {
    let scene = Scene::new(&[]);
    let Scene { alice, bob, carol, .. } = &scene;
    demands_memos(alice);
    alice.repays(token(1_000)).unwrap();
    expect_refusal(alice.borrows(token(1_000)), token22_fault::NO_MEMO);
    // A memo beside our instruction is not beside the transfer.
    let memo = Instruction { program_id: MEMO, accounts: vec![], data: b"rent".to_vec() };
    let borrow = alice.instruction(Action::Borrow, token(1_000));
    expect_refusal(alice.sends(&[memo, borrow.clone()]), token22_fault::NO_MEMO);
    // Any other account will do.
    alice.sends(&[replaced(&borrow, PAY_OUT, "destination", &bob.wallet(EXTENDED))]).unwrap();

    // A liquidation pays the liquidator, never the borrower.
    demands_memos(bob);
    scene.prices_fall();
    for outcome in scene.liquidations() {
        outcome.unwrap();
    }
    demands_memos(carol);
    expect_refusal(carol.liquidates(bob, usdc("100"), EXTENDED), token22_fault::NO_MEMO);
    let elsewhere = scene.market.newcomer("dave").wallet(EXTENDED);
    let seize = replaced(&carol.liquidate(bob, usdc("100"), EXTENDED), LIQUIDATE, "destination", &elsewhere);
    carol.sends(&[seize]).unwrap();
}

/// The first token program has a successor at its address, which leaves out most logs. Nothing of ours reads them, and
/// this network, with all its tests, runs the successor.
#[test]
fn atk_f12_the_successor_of_the_first_token_program_is_the_one_tested() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("1")]);
    let receipt = alice.deposits(sol("1")).unwrap();
    assert!(receipt.logs.contains(&format!("Program {SPL_TOKEN} success")));
    assert!(!receipt.logs.iter().any(|line| line.contains("Instruction: Transfer")), "{:#?}", receipt.logs);
}

#[test]
fn atk_f09_a_guarded_account_receives_and_does_not_pay() {
    let scene = Scene::new(&[]);
    let Scene { alice, .. } = &scene;
    sets_up(alice, ExtensionType::CpiGuard, |account, me| {
        cpi_guard::instruction::enable_cpi_guard(&TOKEN_2022, account, me, &[]).unwrap()
    });
    alice.borrows(token(1_000)).unwrap();
    expect_refusal(alice.repays(token(1_000)), token22_fault::CPI_GUARD);
    let (account, me) = (alice.wallet(EXTENDED), alice.address());
    let off = cpi_guard::instruction::disable_cpi_guard(&TOKEN_2022, &account, &me, &[]).unwrap();
    alice.sends(&[off, alice.instruction(Action::Repay, token(1_000))]).unwrap();
}
