//! `open_market`: the end of the set-up, and what is different before and after it.

use ballast_client::event::MarketOpened;
use ballast_client::table::Parameter;
use ballast_client::{Role, change};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::slots::{GOVERN, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

fn open(market: &Fixture) -> Instruction {
    change::open_market(&market.governance().pubkey(), &market.market_address())
}

#[test]
fn the_market_knows_since_when_it_is_open() {
    let market = Fixture::setting_up(2);
    let before = market.market();
    assert!(before.in_setup());
    market.advances(100);

    let receipt = market.opens_market().unwrap();

    let after = market.market();
    assert!(!after.in_setup());
    let event: MarketOpened = receipt.event();
    assert_eq!((event.market, event.opened_at), (market.market_address(), market.now() as u64));
    // Nothing else.
    let mut expected = before;
    expected.opened_at = market.now() as u64;
    assert_eq!(bytemuck::bytes_of(&*expected), bytemuck::bytes_of(&*after));
}

#[test]
fn a_market_is_opened_once() {
    let market = Fixture::new();
    expect_refusal(market.opens_market(), BallastError::MarketOpen);
    market.advances(1_000_000);
    expect_refusal(market.opens_market(), BallastError::MarketOpen);
}

#[test]
fn atk_g09_a_clock_before_1970_opens_it_all_the_same_and_once() {
    let market = Fixture::setting_up(1);
    market.sets_clock(-1_000, 2_000);
    market.opens_market().unwrap();
    assert_eq!(market.market().opened_at, 1);
    expect_refusal(market.opens_market(), BallastError::MarketOpen);
}

#[test]
fn atk_a04_only_its_governance_opens_a_market() {
    let market = Fixture::setting_up(1);
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let others = [mallory.key, foreign.governance(), market.holder(Role::Guardian), market.holder(Role::Steward)];
    for other in &others {
        let forged = replaced(&open(&market), GOVERN, "governance", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGovernance);
    }
    let silent = unsigned(&open(&market), GOVERN, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn what_governance_did_at_once_before_waits_afterwards() {
    let market = Fixture::setting_up(8);
    market.opens_draft("quant").unwrap();
    let rows = market.loadings(|_| moves(500, 100));
    market.writes_loadings("quant", &rows);
    let model = || market.drafting("quant").proposal(&market.market(), one_factor([300, 250, 200], 3_000), &rows, &[]);
    let source = || change::source(&market.market(), 0, 0, assets::token("BTC").listing.source());
    let role = || change::role(&market.market(), Role::Governance, address("another"));
    let loosened = || market.values_of("SOL", &[(Parameter::HaircutInit, 1 << 30)]);

    // A haircut of 50 % and back, a source, a name, a model: all of it counts.
    market.applies(Role::Governance, market.values_of("SOL", &[(Parameter::HaircutInit, 1 << 31)])).unwrap();
    market.applies(Role::Governance, loosened()).unwrap();
    market.applies(Role::Governance, source()).unwrap();
    market.applies(Role::Governance, role()).unwrap();
    market.applies_from(Role::Governance, Some("quant"), model()).unwrap();
    assert_eq!((market.asset("SOL").haircuts[0], market.market().model_version), (1 << 30, 1));

    market.applies(Role::Governance, market.values_of("SOL", &[(Parameter::HaircutInit, 1 << 31)])).unwrap();
    market.opens_market().unwrap();
    for proposal in [loosened(), source(), role()] {
        expect_refusal(market.applies(Role::Governance, proposal), BallastError::MustWait);
    }
    expect_refusal(market.applies_from(Role::Governance, Some("quant"), model()), BallastError::MustWait);
}

#[test]
fn while_a_market_is_set_up_only_governance_changes_it() {
    let market = Fixture::setting_up(1);
    let tightened = || market.values_of("SOL", &[(Parameter::DepositCap, 5)]);
    for role in [Role::Guardian, Role::Steward] {
        expect_refusal(market.applies(role, tightened()), BallastError::NotGovernance);
    }
    market.applies(Role::Governance, tightened()).unwrap();
}

/// What people saw when they came must not get worse without the delay.
#[test]
fn atk_g01_a_proposal_from_the_set_up_does_not_count_as_waited_for() {
    let market = Fixture::setting_up(8);
    let least = u64::from(market.asset("SOL").haircuts[1]);
    let trap = market.proposes("trap", market.values_of("SOL", &[(Parameter::HaircutInit, least)]));
    expect_refusal(trap, BallastError::MarketNotOpen);
}
