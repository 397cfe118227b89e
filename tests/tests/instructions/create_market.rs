//! `create_market`.

use ballast_client::event::MarketCreated;
use ballast_client::table::Parameter;
use ballast_client::{Change, ID, Market, Role, address, change, instruction};
use ballast_tests::slots::{CREATE_MARKET, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

/// The instruction alone, for a market account that exists.
fn initialise(network: &Fixture) -> Instruction {
    let [_, initialise] = both(network, Role::ALL.map(|role| network.holder(role).pubkey()));
    initialise
}

fn both(network: &Fixture, roles: [Pubkey; 3]) -> [Instruction; 2] {
    let rent = network.world().svm.minimum_balance_for_rent_exemption(Market::SPACE);
    instruction::create_market(&network.payer().pubkey(), &network.market_address(), roles, rent)
}

fn signers(network: &Fixture) -> [Keypair; 3] {
    [network.payer(), network.market_key(), network.governance()]
}

fn sends(network: &Fixture, instruction: Instruction) -> Outcome {
    network.sends(&[instruction], &signers(network).each_ref())
}

#[test]
fn an_empty_account_becomes_a_market_to_be_set_up() {
    let network = Fixture::without_market();
    let roles = Role::ALL.map(|role| network.holder(role).pubkey());

    let receipt = network.sends(&both(&network, roles), &signers(&network).each_ref()).unwrap();

    let market = network.market();
    assert_eq!((market.version, market.asset_count, market.opened_at), (1, 0, 0));
    assert!(market.in_setup());
    assert_eq!((market.roles, market.named), (roles, [Pubkey::default(); 3]));
    assert_eq!(market.authority, address::authority(&network.market_address()));
    let [governance, guardian, steward] = roles;
    let event: MarketCreated = receipt.event();
    assert_eq!((event.market, event.governance), (network.market_address(), governance));
    assert_eq!((event.guardian, event.steward), (guardian, steward));
}

#[test]
fn a_new_market_waits_two_days_and_gives_a_day_of_notice() {
    let network = Fixture::without_market();
    let roles = Role::ALL.map(|role| network.holder(role).pubkey());
    network.sends(&both(&network, roles), &signers(&network).each_ref()).unwrap();
    let market = network.market();
    for (parameter, value) in [
        (Parameter::Delay, 2 * 86_400),
        (Parameter::Notice, 86_400),
        (Parameter::Window, 3 * 86_400),
        (Parameter::Dust, 1_000_000),
        (Parameter::RefuseNonces, 0),
        (Parameter::FirstCap, 100_000_000_000),
    ] {
        assert_eq!(change::market_value(&market, parameter), Some(value), "{}", parameter.name());
        assert!(parameter.row().allows(value));
    }
    // Nothing else is there: no model, no pause.
    assert_eq!((market.model_version, market.terms), (0, Default::default()));
    assert_eq!((market.borrow_pause.until, market.withdraw_pause.until), (0, 0));
}

#[test]
fn guardian_and_steward_may_be_nobody() {
    let network = Fixture::without_market();
    let roles = [network.governance().pubkey(), Pubkey::default(), Pubkey::default()];
    network.sends(&both(&network, roles), &signers(&network).each_ref()).unwrap();
    let market = network.market();
    assert_eq!(market.roles, roles);
    // And nobody holds them.
    for role in [Role::Guardian, Role::Steward] {
        assert!(!market.is(role, &Pubkey::default()));
    }
}

#[test]
fn one_key_may_hold_all_roles() {
    let network = Fixture::without_market();
    let governance = network.governance().pubkey();
    network.sends(&both(&network, [governance; 3]), &signers(&network).each_ref()).unwrap();
    assert!(Role::ALL.iter().all(|role| network.market().is(*role, &governance)));
}

/// The vault of a multi-signature signs by the program that it belongs to, and has no key. Signatures are not looked at here:
/// to a program, a signer is a signer.
#[test]
fn a_role_may_be_an_address_that_a_program_signs_for() {
    let network = Fixture::without_market();
    let (squads, _) = Pubkey::find_program_address(&[b"vault"], &client::token::SPL_TOKEN);
    network.gives_lamports(&squads);
    {
        let mut world = network.world_mut();
        world.svm = std::mem::take(&mut world.svm).with_sigverify(false);
    }
    let sends = |instructions: &[Instruction]| network.sends(instructions, &[&network.payer()]).unwrap();
    sends(&both(&network, [squads; 3]));
    let address = network.market_address();
    let apply = |proposal| sends(&[change::apply(&squads, &address, None, proposal)]);
    apply(network.values(&[(Parameter::Dust, 5)]));
    sends(&[change::open_market(&squads, &address)]);
    apply(network.values(&[(Parameter::FirstCap, 7)]));
    let rent = network.world().svm.minimum_balance_for_rent_exemption(Change::SPACE);
    let proposal = network.values(&[(Parameter::Dust, 6)]);
    sends(&change::propose(&network.payer().pubkey(), &squads, &address, &network.change("dust"), rent, proposal));
    network.advances(2 * 86_400);
    sends(&[change::execute(&address, &network.change("dust"), &squads, None)]);
    assert_eq!((network.market().dust, network.market().first_cap), (6, 7));
}

/// Somebody sees the account of a market before it is one, and would like to govern it.
#[test]
fn atk_a15_nobody_slips_in_between_the_account_and_the_market() {
    let network = Fixture::without_market();
    let mallory = network.newcomer("mallory");
    network.writes_data(&network.market_address(), &ID, vec![0; Market::SPACE]);
    let seizing = replaced(&initialise(&network), CREATE_MARKET, "governance", &mallory.address());
    expect_refusal(mallory.sends(&[unsigned(&seizing, CREATE_MARKET, "market")]), ErrorCode::ConstraintSigner);
    sends(&network, initialise(&network)).unwrap();
    assert_eq!(network.market().roles[0], network.governance().pubkey());
    let again = network.sends(&[seizing], &[&mallory.key, &network.market_key()]);
    expect_refusal(again, ErrorCode::ConstraintZero);
}

#[test]
fn a_market_is_created_once() {
    for market in [Fixture::new(), Fixture::setting_up(1)] {
        expect_refusal(sends(&market, initialise(&market)), ErrorCode::ConstraintZero);
    }
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
