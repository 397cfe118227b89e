//! `accept_role`: a role is handed over by the one who gives, the delay, and the one who takes.

use ballast_client::event::RoleAccepted;
use ballast_client::table::Parameter::*;
use ballast_client::{Pausable, Role, change};
use ballast_tests::slots::{GOVERN, replaced, unsigned};
use ballast_tests::*;

const DAY: i64 = 86_400;

fn accepts(who: &Actor, role: Role) -> Outcome {
    who.sends(&[change::accept_role(&who.address(), &who.fixture.market_address(), role)])
}

/// Somebody was named for a role.
fn named(market: &Fixture, role: Role, name: &str) -> Actor {
    let heir = market.newcomer(name);
    market.changes(change::role(&market.market(), role, heir.address())).unwrap();
    heir
}

#[test]
fn who_was_named_takes_the_role_over_and_nobody_has_it_twice() {
    for role in Role::ALL {
        let market = Fixture::new();
        let old = market.holder(role).pubkey();
        let heir = market.newcomer("heir");
        expect_refusal(accepts(&heir, role), BallastError::NotNamedForRole);
        let before = market.now();
        market.changes(change::role(&market.market(), role, heir.address())).unwrap();
        assert!(market.now() >= before + 3 * DAY, "three days at least");
        // Named is not in office.
        assert_eq!((*role.of(&market.market().roles), *role.of(&market.market().named)), (old, heir.address()));

        let receipt = accepts(&heir, role).unwrap();

        let after = market.market();
        assert_eq!((*role.of(&after.roles), *role.of(&after.named)), (heir.address(), Pubkey::default()));
        let event: RoleAccepted = receipt.event();
        assert_eq!((event.market, event.role, event.holder), (market.market_address(), role, heir.address()));
        expect_refusal(accepts(&heir, role), BallastError::NotNamedForRole);
        // The other two are who they were.
        for other in Role::ALL.into_iter().filter(|other| *other != role) {
            assert_eq!(*other.of(&after.roles), market.holder(other).pubkey());
        }
    }
}

#[test]
fn the_old_holder_keeps_the_role_until_the_new_one_accepts() {
    let market = Fixture::new();
    let heir = named(&market, Role::Governance, "heir");
    market.proposes("still", market.values_of("SOL", &[(DepositCap, 5)])).unwrap();
    let cap = || market.values_of("SOL", &[(DepositCap, market.asset("SOL").deposit_cap - 1)]);
    expect_refusal(market.proposes_as(&heir.key, "early", cap()), BallastError::NotGovernance);
    market.applies(Role::Governance, cap()).unwrap();
    accepts(&heir, Role::Governance).unwrap();
    expect_refusal(market.proposes("late", cap()), BallastError::NotGovernance);
    expect_refusal(market.applies(Role::Governance, cap()), BallastError::NotGuardian);
    expect_refusal(market.confirms_risk_model(), BallastError::NotGovernance);
    market.proposes_as(&heir.key, "new", cap()).unwrap();
}

#[test]
fn a_guardian_and_a_steward_lose_what_they_could() {
    let market = Fixture::new();
    let pause = |market: &Fixture| market.pauses(Role::Guardian, Pausable::Borrow, 10);
    let step = |market: &Fixture| {
        let cap = market.asset("SOL").deposit_cap;
        market.applies(Role::Steward, market.values_of("SOL", &[(DepositCap, cap + 1)]))
    };
    pause(&market).unwrap();
    step(&market).unwrap();
    for (role, name) in [(Role::Guardian, "guard"), (Role::Steward, "hand")] {
        accepts(&named(&market, role, name), role).unwrap();
    }
    expect_refusal(pause(&market), BallastError::NotGuardian);
    expect_refusal(step(&market), BallastError::NotGuardian);
}

#[test]
fn a_name_is_for_one_role_and_another_name_replaces_it() {
    let market = Fixture::new();
    let (first, second) = (market.newcomer("first"), market.newcomer("second"));
    market.proposes("first", change::role(&market.market(), Role::Guardian, first.address())).unwrap();
    market.proposes("second", change::role(&market.market(), Role::Guardian, second.address())).unwrap();
    market.advances(3 * DAY);
    market.executes("first").unwrap();
    for role in [Role::Governance, Role::Steward] {
        expect_refusal(accepts(&first, role), BallastError::NotNamedForRole);
    }
    market.executes("second").unwrap();
    expect_refusal(accepts(&first, Role::Guardian), BallastError::NotNamedForRole);
    // A name has no end.
    market.advances(1_000 * DAY);
    accepts(&second, Role::Guardian).unwrap();
}

#[test]
fn a_name_can_be_taken_back_by_naming_the_holder() {
    let market = Fixture::new();
    let heir = named(&market, Role::Guardian, "heir");
    let guardian = market.holder(Role::Guardian).pubkey();
    market.changes(change::role(&market.market(), Role::Guardian, guardian)).unwrap();
    expect_refusal(accepts(&heir, Role::Guardian), BallastError::NotNamedForRole);
    assert_eq!(market.market().roles[1], guardian);
}

#[test]
fn a_role_can_be_vacant_but_for_governance() {
    let market = Fixture::new();
    let heir = named(&market, Role::Guardian, "heir");
    for role in [Role::Guardian, Role::Steward] {
        market.changes(change::role(&market.market(), role, Pubkey::default())).unwrap();
        assert_eq!(*role.of(&market.market().roles), Pubkey::default());
    }
    // A name from before is void with it.
    expect_refusal(accepts(&heir, Role::Guardian), BallastError::NotNamedForRole);
    expect_refusal(market.pauses(Role::Guardian, Pausable::Borrow, 10), BallastError::NotGuardian);
    let nobody = change::role(&market.market(), Role::Governance, Pubkey::default());
    expect_refusal(market.proposes("nobody", nobody), BallastError::NotNamedForRole);
    // And filled again.
    let again = named(&market, Role::Guardian, "again");
    accepts(&again, Role::Guardian).unwrap();
    assert_eq!(market.market().roles[1], again.address());
}

#[test]
fn atk_g05_nobody_cannot_even_be_governance_of_a_market_that_is_being_set_up() {
    let market = Fixture::setting_up(1);
    let nobody = change::role(&market.market(), Role::Governance, Pubkey::default());
    expect_refusal(market.applies(Role::Governance, nobody), BallastError::NotNamedForRole);
}

#[test]
fn in_a_market_that_is_being_set_up_a_name_counts_at_once_and_has_to_accept_all_the_same() {
    let market = Fixture::setting_up(1);
    let heir = market.newcomer("heir");
    market.applies(Role::Governance, change::role(&market.market(), Role::Governance, heir.address())).unwrap();
    assert_eq!(market.market().roles[0], market.governance().pubkey());
    accepts(&heir, Role::Governance).unwrap();
    expect_refusal(market.opens_market(), BallastError::NotGovernance);
    heir.sends(&[change::open_market(&heir.address(), &market.market_address())]).unwrap();
}

#[test]
fn one_key_may_take_several_roles() {
    let market = Fixture::new();
    let heir = named(&market, Role::Guardian, "heir");
    accepts(&heir, Role::Guardian).unwrap();
    market.changes(change::role(&market.market(), Role::Steward, heir.address())).unwrap();
    accepts(&heir, Role::Steward).unwrap();
    assert_eq!(market.market().roles[1..], [heir.address(); 2]);
}

#[test]
fn atk_a10_the_one_who_accepts_signs() {
    let market = Fixture::new();
    let heir = named(&market, Role::Guardian, "heir");
    let good = change::accept_role(&heir.address(), &market.market_address(), Role::Guardian);
    let silent = unsigned(&good, GOVERN, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
    // Not even governance accepts for him.
    let forged = replaced(&good, GOVERN, "governance", &market.governance().pubkey());
    expect_refusal(market.governs(forged), BallastError::NotNamedForRole);
}

#[test]
fn atk_a02_a_name_is_for_one_market() {
    let market = Fixture::new();
    let twin = market.parallel_market();
    let heir = named(&market, Role::Governance, "heir");
    let crossed = change::accept_role(&heir.address(), &twin.market_address(), Role::Governance);
    expect_refusal(heir.sends(&[crossed]), BallastError::NotNamedForRole);
}

/// The default key is the address of the system program. Nothing signs for it; if something did, it would still be nobody.
#[test]
fn atk_g05_the_default_key_passes_for_no_role() {
    let market = Fixture::new();
    for role in [Role::Guardian, Role::Steward] {
        market.changes(change::role(&market.market(), role, Pubkey::default())).unwrap();
    }
    {
        let mut world = market.world_mut();
        world.svm = std::mem::take(&mut world.svm).with_sigverify(false);
    }
    let (nobody, address) = (Pubkey::default(), market.market_address());
    let sends = |instruction| market.sends(&[instruction], &[&market.payer()]);
    // Signatures are not looked at, so anybody could be anybody else.
    let guardian_is = |signer: &Pubkey| sends(change::pause(signer, &address, Pausable::Borrow, 10));
    guardian_is(&market.governance().pubkey()).unwrap();

    expect_refusal(guardian_is(&nobody), BallastError::NotGuardian);
    expect_refusal(sends(change::resume(&nobody, &address, Pausable::Borrow)), BallastError::NotGuardian);
    let tightened = market.values_of("SOL", &[(DepositCap, 5)]);
    expect_refusal(sends(change::apply(&nobody, &address, None, tightened)), BallastError::NotGuardian);
    expect_refusal(sends(change::confirm_risk_model(&nobody, &address)), BallastError::NotGovernance);
    expect_refusal(sends(change::open_market(&nobody, &address)), BallastError::NotGovernance);
    for role in Role::ALL {
        expect_refusal(sends(change::accept_role(&nobody, &address, role)), BallastError::NotNamedForRole);
    }
    market.proposes("cap", market.values_of("SOL", &[(DepositCap, 5)])).unwrap();
    let governance = market.governance().pubkey();
    let cancel = change::cancel(&nobody, &address, &market.change("cap"), &governance);
    expect_refusal(sends(cancel), BallastError::NotGuardian);
}
