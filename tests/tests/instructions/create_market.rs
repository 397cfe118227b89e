//! `create_market`.

use ballast_client::event::MarketCreated;
use ballast_client::{ID, Market, address, instruction};
use ballast_tests::fixture::DUST;
use ballast_tests::slots::{CREATE_MARKET, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

/// The instruction alone, for a market account that exists.
fn initialise(network: &Fixture) -> Instruction {
    let [_, initialise] = both(network);
    initialise
}

fn both(network: &Fixture) -> [Instruction; 2] {
    let rent = network.world().svm.minimum_balance_for_rent_exemption(Market::SPACE);
    let (payer, market) = (network.payer().pubkey(), network.market_address());
    instruction::create_market(&payer, &market, &network.governance().pubkey(), rent, DUST)
}

fn signers(network: &Fixture) -> [Keypair; 3] {
    [network.payer(), network.market_key(), network.governance()]
}

fn sends(network: &Fixture, instruction: Instruction) -> Outcome {
    network.sends(&[instruction], &signers(network).each_ref())
}

#[test]
fn an_empty_account_becomes_a_market() {
    let network = Fixture::without_market();

    let receipt = network.creates_market(DUST).unwrap();

    let market = network.market();
    assert_eq!((market.version, market.asset_count, market.dust), (1, 0, DUST));
    assert_eq!(market.governance, network.governance().pubkey());
    assert_eq!(market.authority, address::authority(&network.market_address()));
    let event: MarketCreated = receipt.event();
    assert_eq!((event.market, event.governance), (network.market_address(), network.governance().pubkey()));
}

#[test]
fn a_market_is_created_once() {
    let market = Fixture::new();
    expect_refusal(sends(&market, initialise(&market)), ErrorCode::ConstraintZero);
}

#[test]
fn its_key_and_its_governance_sign() {
    let network = Fixture::without_market();
    network.writes_data(&network.market_address(), &ID, vec![0; Market::SPACE]);
    let instruction = initialise(&network);

    let without_key = unsigned(&instruction, CREATE_MARKET, "market");
    let outcome = network.sends(&[without_key], &[&network.payer(), &network.governance()]);
    expect_refusal(outcome, ErrorCode::ConstraintSigner);

    let without_governance = unsigned(&instruction, CREATE_MARKET, "governance");
    let outcome = network.sends(&[without_governance], &[&network.payer(), &network.market_key()]);
    expect_refusal(outcome, ErrorCode::AccountNotSigner);

    sends(&network, instruction).unwrap();
}

#[test]
fn the_authority_has_one_address() {
    let network = Fixture::without_market();
    network.writes_data(&network.market_address(), &ID, vec![0; Market::SPACE]);
    let stranger = replaced(&initialise(&network), CREATE_MARKET, "authority", &address("stranger"));
    expect_refusal(sends(&network, stranger), ErrorCode::ConstraintSeeds);
}

#[test]
fn an_account_of_another_program_becomes_no_market() {
    let network = Fixture::without_market();
    network.writes_data(&network.market_address(), &client::token::SPL_TOKEN, vec![0; Market::SPACE]);
    expect_refusal(sends(&network, initialise(&network)), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn an_account_that_is_too_small_becomes_no_market() {
    let network = Fixture::without_market();
    network.writes_data(&network.market_address(), &ID, vec![0; Market::SPACE - 1]);
    let refusal = sends(&network, initialise(&network)).unwrap_err();
    assert_eq!(refusal.changed, []);
    assert!(matches!(refusal.fault, Fault::Runtime(_) | Fault::Framework(_)), "{refusal:?}");
}
