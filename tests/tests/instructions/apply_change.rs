//! `apply_change` in an open market: what reduces risk, at once, by governance and the guardian; nothing else.

use ballast_client::event::ChangeMade;
use ballast_client::parameters::levels;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Edit, Proposal, RiskModel, Role, SourceKind, change};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::slots::{read_only, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

const APPLY: &[&str] = &["signer", "market", "draft", "instructions"];
const DAY: u64 = 86_400;

fn part(bps: u16) -> u64 {
    u64::from(levels([bps; 3], "part").unwrap()[0])
}

fn apply(market: &Fixture, proposal: Proposal) -> Instruction {
    change::apply(&market.governance().pubkey(), &market.market_address(), None, proposal)
}

/// A market in which everything is used, with guards that can be tightened and loosened.
fn market() -> Fixture {
    let market = Fixture::setting_up(8);
    let middle = [
        (UtilisationCap, part(8_000)),
        (OutflowLimit, part(5_000)),
        (OutflowPeriod, DAY / 2),
        (CalibratedVariance, 1 << 40),
        (Caution, 2 << 16),
        (BreakerJump, part(2_000)),
        (GrowthLimit, part(2_000)),
        (RecoveryGrace, 600),
    ];
    market.applies(Role::Governance, market.values_of("SOL", &middle)).unwrap();
    market.stocked()
}

#[test]
fn governance_and_guardian_tighten_at_once() {
    for role in [Role::Governance, Role::Guardian] {
        let market = market();
        for (parameter, to) in [
            (DepositCap, 0),
            (DebtCap, 17),
            (VaultDepositShare, 1),
            (VaultDebtShare, part(100)),
            (UtilisationCap, 0),
            (OutflowLimit, part(500)),
            (OutflowPeriod, DAY),
            (HaircutInit, u64::from(u32::MAX)),
            (AddonInit, part(9_000)),
            (MaxAgeInit, 1),
            (ConfidenceMultiple, 1_000),
            (CalibratedVariance, 1),
            (VolatilityLimit, 16 << 16),
            (Conservative, 1),
            (SourceChecks, 100),
            (BreakerJump, part(100)),
            (BreakerSeconds, DAY),
            (Caution, 16 << 16),
            (GrowthLimit, 0),
        ] {
            let proposal = market.values_of("SOL", &[(parameter, to)]);
            let event: ChangeMade = market.applies(role, proposal).unwrap().event();
            assert_eq!((event.by, event.waited), (market.holder(role).pubkey(), false));
            assert_eq!(change::value(&market.asset("SOL"), parameter), Some(to), "{}", parameter.name());
        }
        for (parameter, to) in [(Delay, 14 * DAY), (Notice, 14 * DAY), (RefuseNonces, 1), (FirstCap, 1)] {
            market.applies(role, market.values(&[(parameter, to)])).unwrap();
            assert_eq!(change::market_value(&market.market(), parameter), Some(to));
        }
    }
}

#[test]
fn atk_g04_what_does_not_tighten_waits() {
    let market = market();
    let sol = market.asset("SOL");
    let of = |parameter| change::value(&sol, parameter).unwrap();
    for (parameter, to) in [
        (DepositCap, of(DepositCap) + 1),
        (UtilisationCap, of(UtilisationCap) + 1),
        (OutflowLimit, of(OutflowLimit) + 1),
        (OutflowLimit, u64::from(u32::MAX)),
        (OutflowPeriod, DAY / 2 - 1),
        (HaircutInit, of(HaircutInit) - 1),
        (HaircutTarget, of(HaircutTarget) - 1),
        (HaircutMaint, of(HaircutMaint) - 1),
        (AddonMaint, of(AddonMaint) - 1),
        (Depth, of(Depth) + 1),
        (Depth, 0),
        (CalibratedVariance, (1 << 40) + 1),
        (CalibratedVariance, 0),
        (Caution, 1 << 16),
        (BreakerJump, part(2_001)),
        (GrowthLimit, part(2_001)),
    ] {
        for role in [Role::Governance, Role::Guardian] {
            let outcome = market.applies(role, market.values_of("SOL", &[(parameter, to)]));
            expect_refusal(outcome, BallastError::MustWait);
        }
    }
    for (parameter, to) in [(FirstCap, 100_000_000_001), (Dust, 0), (Dust, 2_000_000), (Window, 2 * DAY)] {
        let outcome = market.applies(Role::Guardian, market.values(&[(parameter, to)]));
        expect_refusal(outcome, BallastError::MustWait);
    }
    market.applies(Role::Guardian, market.values(&[(Delay, 2 * DAY), (Notice, 2 * DAY), (RefuseNonces, 1)])).unwrap();
    for (parameter, to) in [(Delay, 2 * DAY - 1), (Notice, DAY), (RefuseNonces, 0)] {
        let outcome = market.applies(Role::Governance, market.values(&[(parameter, to)]));
        expect_refusal(outcome, BallastError::MustWait);
    }
}

#[test]
fn atk_g04_where_neither_direction_is_harmless_both_wait() {
    let market = market();
    let sol = market.asset("SOL");
    for parameter in [
        BonusLeast,
        BonusMost,
        BonusSlope,
        ReserveFactor,
        Utilisation3,
        Rate3,
        MaxAge,
        AveragePeriod,
        MaxConfidence,
        VariancePeriod,
        BandLow,
        BandHigh,
        Agreement,
        RecoveryGap,
        RecoveryGrace,
    ] {
        let value = change::value(&sol, parameter).unwrap();
        let near = [value.checked_sub(1), value.checked_add(1)];
        for to in near.into_iter().flatten().filter(|to| parameter.row().allows(*to)) {
            let outcome = market.applies(Role::Governance, market.values_of("SOL", &[(parameter, to)]));
            expect_refusal(outcome, BallastError::MustWait);
        }
    }
}

#[test]
fn a_change_of_several_parameters_tightens_every_one_of_them() {
    let market = market();
    let both =
        |second: (Parameter, u64)| market.applies(Role::Guardian, market.values_of("SOL", &[(DepositCap, 5), second]));
    let rate = change::value(&market.asset("SOL"), Rate7).unwrap();
    for loosening in [(HaircutInit, part(2_400)), (OutflowLimit, part(5_001)), (MaxAge, 61), (Rate7, rate + 1)] {
        expect_refusal(both(loosening), BallastError::MustWait);
    }
    assert_eq!(market.asset("SOL").deposit_cap, u64::MAX / 4);
    // A value that stays is no tightening.
    let still =
        [Edit { parameter: 0, from: u64::MAX / 4, to: 5 }, Edit { parameter: 7, from: part(2_500), to: part(2_500) }];
    let proposal = Proposal::Parameters { asset: Some(0), edits: still.to_vec(), ramp: 0 };
    expect_refusal(market.applies(Role::Guardian, proposal), BallastError::MustWait);
    both((HaircutInit, part(2_600))).unwrap();
}

#[test]
fn a_tightening_keeps_ranges_rules_and_its_largest_step() {
    let market = market();
    let sets = |values: &[(Parameter, u64)]| market.applies(Role::Guardian, market.values_of("SOL", values));
    expect_refusal(sets(&[(MaxAgeInit, 0)]), BallastError::ParameterOutOfRange);
    expect_refusal(sets(&[(OutflowLimit, part(499))]), BallastError::ParameterOutOfRange);
    expect_refusal(sets(&[(HaircutMaint, part(2_001))]), BallastError::BadRiskParameters);
    expect_refusal(sets(&[(AddonMaint, part(751))]), BallastError::BadRiskParameters);
    let high = [(HaircutInit, part(9_000)), (HaircutTarget, part(8_000)), (HaircutMaint, part(2_600))];
    expect_refusal(sets(&high), BallastError::StepTooLarge);
    let outcome = market.applies(Role::Guardian, market.values(&[(Notice, 2 * DAY)]));
    expect_refusal(outcome, BallastError::BadPatience);
    let changed = Edit { parameter: DepositCap.code(), from: 6, to: 5 };
    let stale = Proposal::Parameters { asset: Some(0), edits: vec![changed], ramp: 0 };
    expect_refusal(market.applies(Role::Guardian, stale), BallastError::ValueChanged);
}

#[test]
fn sources_roles_and_models_wait_whoever_asks() {
    let market = market();
    let rows = market.loadings(|_| moves(500, 100));
    market.opens_draft("quant").unwrap();
    market.writes_loadings("quant", &rows);
    let present = market.market();
    let drafting = market.drafting("quant");
    let model = |model| drafting.proposal(&present, model, &rows, &[]);
    let proposals = [
        change::source(&present, 0, 0, assets::token("BTC").listing.source()),
        change::source(&present, 0, 1, assets::token("BTC").listing.source()),
        change::source(&present, 0, 1, client::Source::new(SourceKind::None, Pubkey::default(), 0)),
        change::role(&present, Role::Governance, address("another")),
        change::role(&present, Role::Guardian, address("another")),
        change::role(&present, Role::Guardian, Pubkey::default()),
        change::role(&present, Role::Steward, address("another")),
        model(one_factor([300, 250, 200], 10_000)),
        model(RiskModel::default()),
    ];
    for proposal in proposals {
        for role in Role::ALL {
            let outcome = market.applies_from(role, Some("quant"), proposal.clone());
            expect_refusal(outcome, BallastError::MustWait);
        }
    }
}

#[test]
fn governance_and_guardian_send_the_steward_away_at_once_and_he_not_himself() {
    let away = |market: &Fixture| change::role(&market.market(), Role::Steward, Pubkey::default());
    for role in [Role::Governance, Role::Guardian] {
        let market = Fixture::new();
        expect_refusal(market.applies(Role::Steward, away(&market)), BallastError::MustWait);
        market.applies(role, away(&market)).unwrap();
        assert_eq!(market.market().roles[2], Pubkey::default());
        let step = market.values_of("SOL", &[(DepositCap, u64::MAX / 4 - 1)]);
        expect_refusal(market.applies(Role::Steward, step), BallastError::NotGuardian);
        let named = Proposal::Role { role: Role::Steward, from: address("x"), to: Pubkey::default() };
        expect_refusal(market.applies(role, named), BallastError::ValueChanged);
    }
    // With him goes who was named to follow him.
    let market = Fixture::new();
    let heir = market.newcomer("heir");
    market.changes(change::role(&market.market(), Role::Steward, heir.address())).unwrap();
    market.applies(Role::Guardian, away(&market)).unwrap();
    let accept = change::accept_role(&heir.address(), &market.market_address(), Role::Steward);
    expect_refusal(heir.sends(&[accept]), BallastError::NotNamedForRole);
}

#[test]
fn a_lower_cap_forces_nobody_out() {
    let market = market();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("1000")).unwrap();
    market.applies(Role::Guardian, market.values_of("SOL", &[(DepositCap, 0), (DebtCap, 0)])).unwrap();
    market.applies(Role::Guardian, market.values_of("USDC", &[(DepositCap, 0), (DebtCap, 0)])).unwrap();
    alice.is_given(sol("1"));
    expect_refusal(alice.deposits(sol("1")), BallastError::DepositCapExceeded);
    expect_refusal(alice.borrows(usdc("1")), BallastError::DebtCapExceeded);
    alice.repays(usdc("1000")).unwrap();
    alice.withdraws_all("SOL").unwrap();
}

#[test]
fn atk_a04_only_the_roles_of_this_market_change_it() {
    let market = market();
    let foreign = market.foreign_market();
    let mallory = market.newcomer("mallory");
    let good = apply(&market, market.values_of("SOL", &[(DepositCap, 5)]));
    let others = [mallory.key, foreign.governance(), foreign.holder(Role::Guardian), key("quant")];
    for other in &others {
        let forged = replaced(&good, APPLY, "signer", &other.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), other]), BallastError::NotGuardian);
    }
    let silent = unsigned(&good, APPLY, "signer");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
    let crossed = replaced(&good, APPLY, "market", &foreign.market_address());
    expect_refusal(market.governs(crossed), BallastError::NotGuardian);
    expect_refusal(market.governs(read_only(&good, APPLY, "market")), ErrorCode::ConstraintMut);
    for other in [address("somewhere"), client::ID] {
        let forged = replaced(&good, APPLY, "instructions", &other);
        expect_refusal(market.governs(forged), ErrorCode::ConstraintAddress);
    }
    market.governs(good).unwrap();
}
