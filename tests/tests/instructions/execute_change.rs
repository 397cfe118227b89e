//! `execute_change`: anybody, when it is due, once, exactly as it was proposed or not at all.

use ballast_client::event::ChangeMade;
use ballast_client::parameters::levels;
use ballast_client::table::Parameter::*;
use ballast_client::{Change, ID, Role, account, change};
use ballast_tests::fixture::DELAY;
use ballast_tests::slots::{read_only, replaced};
use ballast_tests::*;
use solana_instruction::Instruction;

const EXECUTE: &[&str] = &["market", "change", "proposer", "draft"];
const DAY: i64 = 86_400;

fn part(bps: u16) -> u64 {
    u64::from(levels([bps; 3], "part").unwrap()[0])
}

/// A market in which governance has proposed to lower the deposit cap of SOL to 500.
fn market() -> Fixture {
    let market = Fixture::new();
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 500)])).unwrap();
    market
}

fn execute(market: &Fixture, name: &str) -> Instruction {
    change::execute(&market.market_address(), &market.change(name), &market.governance().pubkey(), None)
}

fn cap(market: &Fixture) -> u64 {
    market.asset("SOL").deposit_cap
}

#[test]
fn anybody_executes_what_is_due_and_the_proposer_gets_the_rent() {
    let market = market();
    let before = market.market();
    market.advances(DAY);
    let governance = market.governance().pubkey();
    let rent = market.account(&market.change("cap")).unwrap().lamports;
    assert_eq!(rent, market.world().svm.minimum_balance_for_rent_exemption(Change::SPACE));
    let lamports = market.account(&governance).unwrap().lamports;
    let mallory = market.newcomer("mallory");

    let receipt = mallory.sends(&[execute(&market, "cap")]).unwrap();

    assert_eq!(cap(&market), 500);
    assert_eq!(market.account(&market.change("cap")), None);
    assert_eq!(market.account(&governance).unwrap().lamports, lamports + rent);
    let event: ChangeMade = receipt.event();
    assert_eq!((event.market, event.by, event.waited), (market.market_address(), governance, true));
    // Nothing else, but for the interest of that asset up to now.
    let mut expected = before;
    (expected.assets[0].deposit_cap, expected.assets[0].accrued_at) = (500, market.now() as u64);
    assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*expected));
}

#[test]
fn a_change_is_executed_from_the_second_it_is_due_to_the_second_it_expires() {
    let (due, expires) = (DELAY as i64, DELAY as i64 + 3 * DAY);
    for (seconds, fault) in [
        (0, Some(BallastError::ChangeNotDue)),
        (due - 1, Some(BallastError::ChangeNotDue)),
        (due, None),
        (due + DAY, None),
        (expires, None),
        (expires + 1, Some(BallastError::ChangeExpired)),
        (1_000_000_000, Some(BallastError::ChangeExpired)),
    ] {
        let market = market();
        market.advances(seconds);
        match fault {
            Some(fault) => {
                expect_refusal(market.executes("cap"), fault);
                assert_eq!(cap(&market), u64::MAX / 4);
            }
            None => {
                market.executes("cap").unwrap();
                assert_eq!(cap(&market), 500);
            }
        }
    }
}

#[test]
fn atk_g09_a_clock_that_goes_back_makes_nothing_due() {
    let market = market();
    market.advances(DAY);
    market.sets_clock(market.now() - 1, 2_000_000);
    expect_refusal(market.executes("cap"), BallastError::ChangeNotDue);
    market.sets_clock(-5, 2_000_000);
    expect_refusal(market.executes("cap"), BallastError::ChangeNotDue);
}

#[test]
fn an_expired_change_can_be_proposed_again_and_its_account_closed() {
    let market = market();
    market.advances(DAY + 3 * DAY + 1);
    expect_refusal(market.executes("cap"), BallastError::ChangeExpired);
    market.cancels(Role::Governance, "cap").unwrap();
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 500)])).unwrap();
    market.advances(DAY);
    market.executes("cap").unwrap();
}

#[test]
fn the_window_of_the_market_is_how_long_a_change_can_be_executed() {
    let market = Fixture::setting_up(1);
    market.applies(Role::Governance, market.values(&[(Window, 86_400)])).unwrap();
    market.opens_market().unwrap();
    for (late, fits) in [(0, true), (DAY, true), (DAY + 1, false)] {
        let name = format!("{late} late");
        let to = cap(&market) - 1;
        market.proposes(&name, market.values_of("SOL", &[(DepositCap, to)])).unwrap();
        market.advances(DAY + late);
        if fits {
            market.executes(&name).unwrap();
        } else {
            expect_refusal(market.executes(&name), BallastError::ChangeExpired);
        }
    }
}

#[test]
fn a_change_is_executed_once() {
    let market = market();
    market.advances(DAY);
    market.executes("cap").unwrap();
    expect_refusal(market.executes("cap"), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn atk_a16_also_within_one_transaction_and_when_its_account_is_funded_again() {
    let market = Fixture::new();
    // A change that could be executed any number of times: it names the value that it leaves.
    let cap = cap(&market);
    let edit = client::Edit { parameter: DepositCap.code(), from: cap, to: cap };
    let proposal = client::Proposal::Parameters { asset: Some(0), edits: vec![edit], ramp: 0 };
    market.proposes("again", proposal).unwrap();
    market.advances(DAY);
    let once = execute(&market, "again");
    let revive = slots::transfer(&market.payer().pubkey(), &market.change("again"), 50_000_000);
    let refusal = market.sends(&[once.clone(), once.clone()], &[&market.payer()]).unwrap_err();
    assert_eq!(refusal.fault, ErrorCode::AccountOwnedByWrongProgram.into());
    let refusal = market.sends(&[once.clone(), revive, once.clone()], &[&market.payer()]).unwrap_err();
    assert_eq!(refusal.fault, ErrorCode::AccountOwnedByWrongProgram.into());
    market.sends(&[once], &[&market.payer()]).unwrap();
}

#[test]
fn a_cancelled_change_is_gone() {
    let market = market();
    market.cancels(Role::Guardian, "cap").unwrap();
    market.advances(DAY);
    expect_refusal(market.executes("cap"), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn a_change_fails_when_a_value_that_it_was_written_against_has_changed() {
    let market = market();
    market.proposes("both", market.values_of("SOL", &[(DebtCap, 7), (HaircutInit, part(4_000))])).unwrap();
    // Whoever may change a value at once voids proposals about it.
    market.applies(Role::Guardian, market.values_of("SOL", &[(DepositCap, 499), (HaircutInit, part(2_600))])).unwrap();
    market.advances(DAY);
    expect_refusal(market.executes("cap"), BallastError::ValueChanged);
    expect_refusal(market.executes("both"), BallastError::ValueChanged);
    assert_eq!((cap(&market), market.asset("SOL").debt_cap), (499, u64::MAX / 4), "all or nothing");
}

#[test]
fn of_two_proposals_about_one_value_one_is_executed() {
    let market = market();
    market.proposes("another", market.values_of("SOL", &[(DepositCap, 600)])).unwrap();
    market.advances(DAY);
    market.executes("another").unwrap();
    expect_refusal(market.executes("cap"), BallastError::ValueChanged);
    // Proposals about different values do not hinder each other.
    market.proposes("debts", market.values_of("SOL", &[(DebtCap, 7)])).unwrap();
    market.proposes("bitcoin", market.values_of("BTC", &[(DepositCap, 7)])).unwrap();
    market.advances(DAY);
    market.executes("bitcoin").unwrap();
    market.executes("debts").unwrap();
}

#[test]
fn roles_and_sources_are_written_against_what_they_replace_too() {
    let market = Fixture::new();
    let somebody = |name: &str| change::role(&market.market(), Role::Steward, address(name));
    market.proposes("one", somebody("one")).unwrap();
    market.proposes("two", somebody("two")).unwrap();
    let source = |symbol| change::source(&market.market(), 0, 1, assets::token(symbol).listing.source());
    market.proposes("btc", source("BTC")).unwrap();
    market.advances(3 * DAY);
    market.executes("one").unwrap();
    // Named is not yet in office: the other one replaces the name.
    market.executes("two").unwrap();
    assert_eq!(market.market().named[2], address("two"));
    market.applies(Role::Guardian, change::role(&market.market(), Role::Steward, Pubkey::default())).unwrap();
    market.executes("btc").unwrap();

    market.proposes("three", change::role(&market.market(), Role::Steward, address("three"))).unwrap();
    market.advances(3 * DAY);
    market.executes("three").unwrap();
}

#[test]
fn what_a_former_governance_proposed_is_void() {
    let market = market();
    let heir = market.newcomer("heir");
    market.proposes("heir", change::role(&market.market(), Role::Governance, heir.address())).unwrap();
    market.advances(3 * DAY);
    market.executes("heir").unwrap();
    // Until the heir accepts, governance is who it was.
    market.proposes("debts", market.values_of("SOL", &[(DebtCap, 7)])).unwrap();
    heir.sends(&[change::accept_role(&heir.address(), &market.market_address(), Role::Governance)]).unwrap();
    expect_refusal(market.executes("cap"), BallastError::NotGovernance);
    market.advances(DAY);
    expect_refusal(market.executes("debts"), BallastError::NotGovernance);
    // The new one has to propose it again; the rent of the old ones goes to who paid it.
    market.proposes_as(&heir.key, "anew", market.values_of("SOL", &[(DebtCap, 7)])).unwrap();
    let (address, old) = (market.market_address(), market.governance().pubkey());
    let cancel = change::cancel(&heir.address(), &address, &market.change("debts"), &old);
    let lamports = market.account(&old).unwrap().lamports;
    heir.sends(&[cancel]).unwrap();
    assert!(market.account(&old).unwrap().lamports > lamports);
    market.advances(DAY);
    heir.sends(&[change::execute(&address, &market.change("anew"), &heir.address(), None)]).unwrap();
    assert_eq!(market.asset("SOL").debt_cap, 7);
}

#[test]
fn atk_a02_a_change_of_another_market_is_refused() {
    let market = market();
    let twin = market.parallel_market();
    // Also one with the same governance: the proposer would pass.
    market.tampers_with_market(|_| {});
    let mut account = market.account(&twin.market_address()).unwrap();
    account.data[8 + 8..8 + 40].copy_from_slice(market.governance().pubkey().as_ref());
    market.writes(&twin.market_address(), account);
    assert_eq!(twin.market().roles[0], market.governance().pubkey());
    market.advances(DAY);
    let crossed = replaced(&execute(&market, "cap"), EXECUTE, "market", &twin.market_address());
    expect_refusal(market.sends(&[crossed], &[&market.payer()]), BallastError::WrongMarket);
}

#[test]
fn the_rent_goes_to_the_proposer_and_nobody_else() {
    let market = market();
    market.advances(DAY);
    let mallory = market.newcomer("mallory");
    let others = [mallory.address(), market.holder(Role::Guardian).pubkey(), market.change("cap")];
    for other in others {
        let theft = replaced(&execute(&market, "cap"), EXECUTE, "proposer", &other);
        let refusal = mallory.sends(&[theft]).unwrap_err();
        assert_eq!(refusal.changed, []);
        let expected = [BallastError::WrongChangeAccount.into(), Fault::from(ErrorCode::ConstraintClose)];
        assert!(expected.contains(&refusal.fault), "{refusal:?}");
    }
    let theft = replaced(&execute(&market, "cap"), EXECUTE, "proposer", &mallory.address());
    expect_refusal(mallory.sends(&[theft]), BallastError::WrongChangeAccount);
    for slot in ["market", "change", "proposer"] {
        let frozen = read_only(&execute(&market, "cap"), EXECUTE, slot);
        expect_refusal(mallory.sends(&[frozen]), ErrorCode::ConstraintMut);
    }
}

#[test]
fn atk_a09_what_is_executed_is_a_change() {
    let market = market();
    let alice = market.actor("alice", &[]);
    market.opens_draft("quant").unwrap();
    market.advances(DAY);
    let with =
        |key: &Pubkey| market.sends(&[replaced(&execute(&market, "cap"), EXECUTE, "change", key)], &[&market.payer()]);
    for other in [alice.vault_address(), market.drafting("quant").draft, market.market_address()] {
        expect_refusal(with(&other), ErrorCode::AccountDiscriminatorMismatch);
    }
    expect_refusal(with(&address("nothing")), ErrorCode::AccountOwnedByWrongProgram);
    // A copy of the change in an account of another program.
    let forged = market.account(&market.change("cap")).unwrap().data;
    market.writes_data(&address("forged"), &client::token::SPL_TOKEN, forged);
    expect_refusal(with(&address("forged")), ErrorCode::AccountOwnedByWrongProgram);
}

/// No instruction writes such an account: a length that reaches beyond it, and bytes that are no proposal.
#[test]
fn bytes_that_no_proposal_wrote_are_refused() {
    let market = market();
    market.advances(DAY);
    let good = market.waiting("cap");
    let with = |change: &dyn Fn(&mut Change)| {
        let mut bad = good.clone();
        change(&mut bad);
        market.writes_data(&market.change("cap"), &ID, account::encode(&*bad));
        market.executes("cap")
    };
    let bad: [&dyn Fn(&mut Change); 5] = [
        &|change| change.length = 1_025,
        &|change| change.length = u32::MAX,
        &|change| change.length = 0,
        &|change| change.length += 1,
        &|change| change.proposal[0] = 9,
    ];
    for change in bad {
        expect_refusal(with(change), BallastError::ChangeTooLarge);
    }
    with(&|_| ()).unwrap();
}
