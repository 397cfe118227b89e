//! `confirm_risk_model`.

use ballast_client::event::RiskModelConfirmed;
use ballast_client::{RiskModel, Role, change};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::model::{GRACE, VALIDITY};
use ballast_tests::slots::{GOVERN, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

fn market() -> Fixture {
    let market = Fixture::setting_up(8);
    market.models(&one_factor([300, 250, 200], 3_000), |_| moves(500, 100));
    market.opens_market().unwrap();
    market
}

fn confirm(market: &Fixture) -> Instruction {
    change::confirm_risk_model(&market.governance().pubkey(), &market.market_address())
}

#[test]
fn the_model_is_valid_anew_from_now() {
    let market = market();
    let adopted = market.market();
    assert_eq!(adopted.valid_until, market.now() as u64 + u64::from(VALIDITY));
    assert_eq!(adopted.fallback_until, adopted.valid_until + u64::from(GRACE));

    market.advances(1_000_000);
    let receipt = market.confirms_risk_model().unwrap();

    let after = market.market();
    assert_eq!(after.valid_until, market.now() as u64 + u64::from(VALIDITY));
    assert_eq!(after.fallback_until, after.valid_until + u64::from(GRACE), "the grace period stays");
    assert_eq!(after.fallback_reciprocal, adopted.fallback_reciprocal);
    let event: RiskModelConfirmed = receipt.event();
    assert_eq!((event.market, event.valid_until), (market.market_address(), after.valid_until));
    // Nothing else.
    let mut expected = adopted;
    (expected.valid_until, expected.fallback_until) = (after.valid_until, after.fallback_until);
    assert_eq!(bytemuck::bytes_of(&*expected), bytemuck::bytes_of(&*after));
}

#[test]
fn the_steward_may_confirm_it_as_well_and_the_guardian_may_not() {
    let market = market();
    market.advances(1_000);
    let by = |role| {
        let holder = market.holder(role);
        market
            .sends(&[replaced(&confirm(&market), GOVERN, "governance", &holder.pubkey())], &[&market.payer(), &holder])
    };
    expect_refusal(by(Role::Guardian), BallastError::NotGovernance);
    by(Role::Steward).unwrap();
    assert_eq!(market.market().valid_until, market.now() as u64 + u64::from(VALIDITY));
}

#[test]
fn an_expired_model_can_be_confirmed() {
    let market = market();
    for seconds in [i64::from(VALIDITY) + 1, i64::from(VALIDITY) + i64::from(GRACE) / 2, 400_000_000] {
        market.advances(seconds);
        assert!(market.market().valid_until < market.now() as u64);
        market.confirms_risk_model().unwrap();
        assert_eq!(market.market().valid_until, market.now() as u64 + u64::from(VALIDITY));
    }
}

#[test]
fn a_model_that_is_phasing_in_can_be_confirmed() {
    let market = Fixture::new();
    market.opens_draft("quant").unwrap();
    let rows = market.loadings(|_| moves(500, 100));
    market.writes_loadings("quant", &rows);
    market.sets_model("quant", &one_factor([300, 250, 200], 3_000), &rows, &[]).unwrap();
    market.advances(1_000);
    let before = market.market();
    market.confirms_risk_model().unwrap();
    let after = market.market();
    assert_eq!(after.valid_until, before.valid_until + 1_000);
    assert_eq!((after.change_start, after.change_end), (before.change_start, before.change_end));
}

#[test]
fn without_netting_there_is_nothing_to_confirm() {
    let market = Fixture::setting_up(8);
    expect_refusal(market.confirms_risk_model(), BallastError::NettingIsOff);
    market.adopts(0, 3);
    expect_refusal(market.confirms_risk_model(), BallastError::NettingIsOff);
    market.models(&one_factor([300, 250, 200], 3_000), |_| moves(500, 100));
    market.confirms_risk_model().unwrap();
    market.models(&RiskModel::default(), |_| moves(0, 0));
    expect_refusal(market.confirms_risk_model(), BallastError::NettingIsOff);
    market.opens_market().unwrap();
    expect_refusal(market.confirms_risk_model(), BallastError::NettingIsOff);
}

#[test]
fn atk_a04_only_the_roles_of_this_market_confirm() {
    let market = market();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let good = confirm(&market);
    for other in [&mallory.key, &foreign.governance(), &foreign.holder(Role::Steward)] {
        let forged = replaced(&good, GOVERN, "governance", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGovernance);
    }
    let silent = unsigned(&good, GOVERN, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}
