//! `propose_change`: what is written down, when it is due, and what is refused at once because it could not be executed.

use ballast_client::event::ChangeProposed;
use ballast_client::parameters::levels;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Change, Edit, ID, Proposal, Role, SourceKind, change};
use ballast_tests::fixture::DELAY;
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::slots::{read_only, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

const PROPOSE: &[&str] = &["governance", "market", "change", "instructions"];
const DAY: u64 = 86_400;

fn part(bps: u16) -> u64 {
    u64::from(levels([bps; 3], "part").unwrap()[0])
}

/// The instruction alone, for the account of a change that exists.
fn prepared(market: &Fixture, name: &str) -> Instruction {
    market.writes_data(&market.change(name), &ID, vec![0; Change::SPACE]);
    let (governance, address) = (market.governance().pubkey(), market.market_address());
    let proposal = market.values_of("SOL", &[(DepositCap, 5)]);
    let [_, propose] = change::propose(&governance, &governance, &address, &market.change(name), 0, proposal);
    propose
}

fn sends(market: &Fixture, instruction: Instruction) -> Outcome {
    market.sends(&[instruction], &[&market.payer(), &market.governance()])
}

#[test]
fn the_account_says_what_is_to_happen_and_when() {
    let market = Fixture::new();
    let before = market.market();
    let proposal = market.values_of("SOL", &[(DepositCap, 5), (HaircutInit, part(4_000))]);

    let receipt = market.proposes("change", proposal.clone()).unwrap();

    let change = market.waiting("change");
    let now = market.now() as u64;
    assert_eq!((change.version, change.market), (1, market.market_address()));
    assert_eq!((change.proposer, change.eta), (market.governance().pubkey(), now + DELAY));
    assert_eq!(change.expiry, change.eta + u64::from(before.window));
    assert_eq!(change.read().unwrap().proposal, proposal);
    let event: ChangeProposed = receipt.event();
    assert_eq!((event.market, event.change), (market.market_address(), market.change("change")));
    assert_eq!((event.proposer, event.proposal.proposal), (change.proposer, proposal));
    assert_eq!((event.eta, event.expiry), (change.eta, change.expiry));
    // Nothing has changed yet.
    assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*before));
}

#[test]
fn atk_g01_the_market_is_left_as_it_was_by_every_kind_of_proposal() {
    let market = Fixture::new().stocked();
    let before = market.market();
    let rows = market.loadings(|_| moves(500, 100));
    let proposals = [
        market
            .values_of("SOL", &[(HaircutMaint, part(2_000)), (Depth, 1_000_000_000_000_000), (Rate0, 5), (MaxAge, 90)]),
        market.values(&[(Delay, 2 * DELAY), (RefuseNonces, 1), (Dust, 7)]),
        change::source(&before, 0, 0, assets::token("BTC").listing.source()),
        change::role(&before, Role::Guardian, Pubkey::default()),
        change::role(&before, Role::Governance, address("another")),
        market.drafting("quant").proposal(&before, one_factor([300, 250, 200], 0), &rows, &[]),
    ];
    for (at, proposal) in proposals.into_iter().enumerate() {
        market.advances(1);
        market.proposes(&format!("change {at}"), proposal).unwrap();
        assert_eq!(bytemuck::bytes_of(&*market.market()), bytemuck::bytes_of(&*before));
    }
}

/// Each kind waits as long as it needs, and at least as long as the market wants.
#[test]
fn the_longest_of_all_delays_counts() {
    let market = Fixture::new();
    let delay = |at: &str, proposal| {
        let name = format!("{at} at {}", market.now());
        market.proposes(&name, proposal).unwrap();
        market.waiting(&name).eta - market.now() as u64
    };
    let of = |values: &[(Parameter, u64)]| market.values_of("SOL", values);
    let rows = market.loadings(|_| moves(500, 100));
    let check = |least: u64| {
        assert_eq!(delay("cap", of(&[(DepositCap, 5)])), least.max(DAY));
        assert_eq!(delay("limit", of(&[(OutflowLimit, 1 << 31)])), least.max(7 * DAY));
        assert_eq!(delay("both", of(&[(DepositCap, 5), (OutflowPeriod, 43_200)])), least.max(7 * DAY));
        assert_eq!(delay("delay", market.values(&[(Delay, 6 * DAY)])), least.max(7 * DAY));
        assert_eq!(delay("notice", market.values(&[(Dust, 5), (Notice, DAY)])), least.max(DAY));
        let source = change::source(&market.market(), 0, 0, assets::token("BTC").listing.source());
        assert_eq!(delay("source", source), least.max(2 * DAY));
        assert_eq!(delay("role", change::role(&market.market(), Role::Steward, address("x"))), least.max(3 * DAY));
        let model = market.drafting("quant").proposal(&market.market(), one_factor([200; 3], 0), &rows, &[]);
        assert_eq!(delay("model", model), least.max(DAY));
    };
    check(DAY);
    market.applies(Role::Guardian, market.values(&[(Delay, 5 * DAY)])).unwrap();
    market.advances(1);
    check(5 * DAY);
}

/// What the delay is when a change is proposed counts.
#[test]
fn a_longer_delay_does_not_hold_up_what_waits_already() {
    let market = Fixture::new();
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 5)])).unwrap();
    market.applies(Role::Guardian, market.values(&[(Delay, 14 * DAY)])).unwrap();
    assert_eq!(market.waiting("cap").eta, market.now() as u64 + DELAY);
    market.advances(DELAY as i64);
    market.executes("cap").unwrap();
}

#[test]
fn what_could_not_be_executed_is_not_proposed() {
    let market = Fixture::new().stocked();
    let cap = u64::MAX / 4;
    let raw = |asset, edits: &[(u8, u64, u64)]| {
        let edits = edits.iter().map(|(parameter, from, to)| Edit { parameter: *parameter, from: *from, to: *to });
        Proposal::Parameters { asset, edits: edits.collect(), ramp: 0 }
    };
    let present = market.market();
    let source = |kind, key| client::Source::new(kind, key, 0);
    let somewhere = address("somewhere");
    for (proposal, refusal) in [
        (raw(Some(0), &[]), BallastError::ParametersOutOfOrder),
        (raw(Some(0), &[(1, cap, 5), (0, cap, 5)]), BallastError::ParametersOutOfOrder),
        (raw(Some(0), &[(0, cap, 5), (0, cap, 5)]), BallastError::ParametersOutOfOrder),
        (raw(Some(0), &[(64, DAY, DAY)]), BallastError::ParameterUnknown),
        (raw(None, &[(0, 0, 0)]), BallastError::ParameterUnknown),
        (raw(Some(0), &[(60, 0, 0)]), BallastError::ParameterUnknown),
        (raw(Some(0), &[(0, cap - 1, 5)]), BallastError::ValueChanged),
        (raw(Some(8), &[(0, 0, 5)]), BallastError::AssetUnknown),
        (market.values_of("SOL", &[(MaxAge, 601)]), BallastError::ParameterOutOfRange),
        (market.values_of("SOL", &[(MaxAge, 121)]), BallastError::StepTooLarge),
        (market.values_of("SOL", &[(MaxAge, 30)]), BallastError::BadPriceParameters),
        (market.values_of("SOL", &[(HaircutMaint, part(2_100))]), BallastError::BadRiskParameters),
        (market.values_of("SOL", &[(Utilisation0, 1)]), BallastError::BadRateCurve),
        (market.values(&[(Notice, 2 * DAY)]), BallastError::BadPatience),
        (market.values(&[(FirstCap, 200_000_000_001)]), BallastError::StepTooLarge),
        (change::source(&present, 0, 0, source(SourceKind::None, Pubkey::default())), BallastError::BadSource),
        (change::source(&present, 0, 2, source(SourceKind::PythPull, somewhere)), BallastError::BadSource),
        (change::source(&present, 9, 0, source(SourceKind::PythPull, somewhere)), BallastError::AssetUnknown),
        (change::role(&present, Role::Governance, Pubkey::default()), BallastError::NotNamedForRole),
        (Proposal::Role { role: Role::Steward, from: somewhere, to: somewhere }, BallastError::ValueChanged),
    ] {
        expect_refusal(market.proposes("bad", proposal), refusal);
    }
    // What would be refused at once for tightening nothing is just what waits.
    market.proposes("good", raw(Some(0), &[(0, cap, cap)])).unwrap();
}

#[test]
fn atk_g02_a_step_is_judged_when_it_is_proposed_and_again_when_it_is_executed() {
    let market = Fixture::new().stocked();
    market.proposes("more", market.values_of("SOL", &[(MaxAge, 120)])).unwrap();
    market.proposes("less", market.values_of("SOL", &[(MaxAge, 60)])).unwrap_err();
    market.advances(DAY as i64);
    market.executes("more").unwrap();
    expect_refusal(
        market.proposes("too little", market.values_of("SOL", &[(MaxAge, 59), (MaxAgeInit, 59)])),
        BallastError::StepTooLarge,
    );
}

#[test]
fn atk_a04_only_the_governance_of_this_market_proposes() {
    let market = Fixture::new();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let others = [mallory.key, foreign.governance(), market.holder(Role::Guardian), market.holder(Role::Steward)];
    for other in &others {
        // Also what would only tighten.
        let tightened = market.values_of("SOL", &[(DepositCap, 5)]);
        expect_refusal(market.proposes_as(other, "coup", tightened), BallastError::NotGovernance);
    }
    let silent = unsigned(&prepared(&market, "silent"), PROPOSE, "governance");
    let outcome = market.sends(&[silent], &[&market.payer()]);
    expect_refusal(outcome, ErrorCode::AccountNotSigner);
}

#[test]
fn the_account_of_a_change_is_written_once() {
    let market = Fixture::new();
    let good = prepared(&market, "change");
    sends(&market, good.clone()).unwrap();
    let before = market.account(&market.change("change"));
    expect_refusal(sends(&market, good), ErrorCode::ConstraintZero);
    assert_eq!(market.account(&market.change("change")), before);
}

#[test]
fn the_account_is_ours_and_has_room() {
    let market = Fixture::new();
    let good = prepared(&market, "change");
    market.writes_data(&market.change("change"), &ID, vec![0; Change::SPACE - 1]);
    let refusal = sends(&market, good.clone()).unwrap_err();
    assert_eq!(refusal.changed, []);
    market.writes_data(&market.change("change"), &Pubkey::default(), vec![0; Change::SPACE]);
    expect_refusal(sends(&market, good.clone()), ErrorCode::AccountOwnedByWrongProgram);
    market.writes_data(&market.change("change"), &ID, vec![0; Change::SPACE]);
    expect_refusal(sends(&market, read_only(&good, PROPOSE, "change")), ErrorCode::ConstraintMut);
    let over = replaced(&good, PROPOSE, "change", &market.market_address());
    expect_refusal(sends(&market, over), ErrorCode::ConstraintZero);
}

/// Somebody has created the account of a market or a draft and makes it one in the next transaction. Whoever governs some
/// market must not take it for a change of his own, which he could cancel for its rent.
#[test]
fn atk_a15_an_empty_account_of_another_kind_is_no_change() {
    let market = Fixture::new();
    let foreign = market.foreign_market();
    let mallory = foreign.governance();
    for space in [client::Market::SPACE, client::Draft::SPACE, Change::SPACE + 1] {
        let blank = address("blank");
        market.writes_data(&blank, &ID, vec![0; space]);
        let proposal = foreign.values_of("SOL", &[(DepositCap, 5)]);
        let address = foreign.market_address();
        let [_, seize] = change::propose(&mallory.pubkey(), &mallory.pubkey(), &address, &blank, 0, proposal);
        let refusal = market.sends(&[seize], &[&mallory]).unwrap_err();
        assert_eq!(refusal.changed, []);
    }
}

#[test]
fn atk_a01_the_instructions_sysvar_is_the_one() {
    let market = Fixture::new();
    let good = prepared(&market, "change");
    for other in [address("somewhere"), market.market_address(), client::ID] {
        let forged = replaced(&good, PROPOSE, "instructions", &other);
        expect_refusal(sends(&market, forged), ErrorCode::ConstraintAddress);
    }
}

#[test]
fn a_market_that_is_being_set_up_takes_no_proposals() {
    let market = Fixture::setting_up(1);
    let cap = market.proposes("cap", market.values_of("SOL", &[(DepositCap, 5)]));
    expect_refusal(cap, BallastError::MarketNotOpen);
}

/// Every proposal that makes sense fits a legacy transaction beside two signatures of governance.
#[test]
fn all_parameters_of_a_new_asset_fit_one_proposal() {
    let market = Fixture::new();
    market.lists_bare(assets::token("P08")).unwrap();
    let mut values = assets::token("P08").listing.values().unwrap();
    values.retain(|(parameter, _)| ![DepositCap, DebtCap].contains(parameter));
    let receipt = market.proposes("values", market.values_of("P08", &values)).unwrap();
    assert!(receipt.bytes <= 1_232, "{}", receipt.bytes);
}
