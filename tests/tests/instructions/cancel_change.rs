//! `cancel_change`: governance and the guardian, at any time; but nobody prevents his own replacement.

use ballast_client::event::ChangeCancelled;
use ballast_client::table::Parameter::*;
use ballast_client::{Role, change};
use ballast_tests::slots::{read_only, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

const CANCEL: &[&str] = &["signer", "market", "change", "proposer"];
const DAY: i64 = 86_400;

/// A market in which governance has proposed to lower the deposit cap of SOL.
fn market() -> Fixture {
    let market = Fixture::new();
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 500)])).unwrap();
    market
}

fn cancel(market: &Fixture, name: &str) -> Instruction {
    let governance = market.governance().pubkey();
    change::cancel(&governance, &market.market_address(), &market.change(name), &governance)
}

#[test]
fn governance_and_guardian_cancel_at_any_time() {
    for (role, seconds) in [
        (Role::Governance, 0),
        (Role::Guardian, 0),
        (Role::Guardian, DAY),
        (Role::Governance, 100 * DAY),
        (Role::Guardian, 100 * DAY),
    ] {
        let market = market();
        let before = market.market();
        market.advances(seconds);
        let rent = market.account(&market.change("cap")).unwrap().lamports;
        let lamports = market.account(&market.governance().pubkey()).unwrap().lamports;

        let receipt = market.cancels(role, "cap").unwrap();

        assert_eq!(market.account(&market.change("cap")), None);
        let event: ChangeCancelled = receipt.event();
        assert_eq!((event.market, event.change), (market.market_address(), market.change("cap")));
        assert_eq!(event.by, market.holder(role).pubkey());
        // The rent goes to the proposer, and the market has not changed.
        assert_eq!(market.account(&market.governance().pubkey()).unwrap().lamports, lamports + rent);
        assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*before));
    }
}

#[test]
fn a_change_is_cancelled_once_and_its_address_is_free_again() {
    let market = market();
    market.cancels(Role::Guardian, "cap").unwrap();
    expect_refusal(market.cancels(Role::Guardian, "cap"), ErrorCode::AccountOwnedByWrongProgram);
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 400)])).unwrap();
}

#[test]
fn atk_a04_nobody_else_cancels() {
    let market = market();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let others = [mallory.key, market.holder(Role::Steward), foreign.governance(), foreign.holder(Role::Guardian)];
    for other in &others {
        let forged = replaced(&cancel(&market, "cap"), CANCEL, "signer", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGuardian);
    }
    let silent = unsigned(&cancel(&market, "cap"), CANCEL, "signer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_guardian_cannot_prevent_his_own_replacement_and_can_prevent_everybody_elses() {
    let market = Fixture::new();
    for (role, to, stops) in [
        (Role::Guardian, address("another"), false),
        (Role::Guardian, Pubkey::default(), false),
        (Role::Governance, address("another"), true),
        (Role::Steward, address("another"), true),
    ] {
        let name = format!("{role:?} {to}");
        market.proposes(&name, change::role(&market.market(), role, to)).unwrap();
        let outcome = market.cancels(Role::Guardian, &name);
        if stops {
            outcome.unwrap();
        } else {
            expect_refusal(outcome, BallastError::GuardianReplaced);
            // Governance may change its mind.
            market.cancels(Role::Governance, &name).unwrap();
        }
    }
}

/// Also when he has nothing to lose: the one who is named, or a former one.
#[test]
fn a_guardian_who_was_replaced_cancels_nothing_any_more() {
    let market = Fixture::new();
    let heir = market.newcomer("heir");
    market.changes(change::role(&market.market(), Role::Guardian, heir.address())).unwrap();
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 500)])).unwrap();
    let forged = replaced(&cancel(&market, "cap"), CANCEL, "signer", &heir.address());
    expect_refusal(heir.sends(std::slice::from_ref(&forged)), BallastError::NotGuardian);
    heir.sends(&[change::accept_role(&heir.address(), &market.market_address(), Role::Guardian)]).unwrap();
    expect_refusal(market.cancels(Role::Guardian, "cap"), BallastError::NotGuardian);
    heir.sends(&[forged]).unwrap();
}

#[test]
fn a_key_that_is_governance_and_guardian_cancels_all() {
    let market = Fixture::setting_up(1);
    let governance = market.governance().pubkey();
    market.applies(Role::Governance, change::role(&market.market(), Role::Guardian, governance)).unwrap();
    market.governs(change::accept_role(&governance, &market.market_address(), Role::Guardian)).unwrap();
    market.opens_market().unwrap();
    market.proposes("another", change::role(&market.market(), Role::Guardian, address("another"))).unwrap();
    market.cancels(Role::Governance, "another").unwrap();
}

#[test]
fn atk_a02_a_change_of_another_market_is_refused() {
    let market = market();
    let twin = market.parallel_market();
    let crossed = replaced(&cancel(&market, "cap"), CANCEL, "market", &twin.market_address());
    expect_refusal(market.governs(crossed), BallastError::WrongMarket);
    // The guardian of another market, with his own.
    let guardian = twin.holder(Role::Guardian);
    let (address, governance) = (twin.market_address(), market.governance().pubkey());
    let theirs = change::cancel(&guardian.pubkey(), &address, &market.change("cap"), &governance);
    expect_refusal(market.sends(&[theirs], &[&market.payer(), &guardian]), BallastError::WrongMarket);
}

#[test]
fn the_rent_goes_to_the_proposer_and_nobody_else() {
    let market = market();
    let guardian = market.holder(Role::Guardian);
    let (address, change) = (market.market_address(), market.change("cap"));
    let theft = change::cancel(&guardian.pubkey(), &address, &change, &guardian.pubkey());
    expect_refusal(market.sends(&[theft], &[&guardian]), BallastError::WrongChangeAccount);
    for slot in ["change", "proposer"] {
        // Another payer, so that the signer is not writable for another reason.
        let governance = market.governance().pubkey();
        let good = change::cancel(&guardian.pubkey(), &address, &change, &governance);
        let outcome = market.sends(&[read_only(&good, CANCEL, slot)], &[&market.payer(), &guardian]);
        expect_refusal(outcome, ErrorCode::ConstraintMut);
    }
}

#[test]
fn atk_a09_what_is_cancelled_is_a_change() {
    let market = market();
    let alice = market.actor("alice", &[]);
    market.opens_draft("quant").unwrap();
    let with = |key: &Pubkey| market.governs(replaced(&cancel(&market, "cap"), CANCEL, "change", key));
    for other in [alice.vault_address(), market.drafting("quant").draft, market.market_address()] {
        expect_refusal(with(&other), ErrorCode::AccountDiscriminatorMismatch);
    }
    expect_refusal(with(&address("nothing")), ErrorCode::AccountOwnedByWrongProgram);
}
