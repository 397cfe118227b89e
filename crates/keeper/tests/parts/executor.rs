//! Which changes are carried out, on the real program.

use ballast_client::table::Parameter;
use ballast_client::{Change, ID, Pubkey};
use ballast_keeper::executor::{Pending, State, changes, draft_for, summary};
use ballast_keeper::updates::Update;
use ballast_tests::*;

const DAY: i64 = 86_400;

fn update(market: &Fixture, address: Pubkey) -> Update {
    let account = market.account(&address).expect("an account");
    Update { address, owner: account.owner, data: Some(account.data), slot: market.clock().slot }
}

fn pending(market: &Fixture, names: &[&str]) -> Vec<Pending> {
    let found: Vec<Update> = names.iter().map(|name| update(market, market.change(name))).collect();
    changes(&found, &market.market_address(), &market.market(), u64::try_from(market.now()).unwrap())
}

/// A market in which governance has proposed to lower the deposit cap of SOL.
fn market() -> Fixture {
    let market = Fixture::new();
    market.proposes("cap", market.values_of("SOL", &[(Parameter::DepositCap, 500)])).unwrap();
    market
}

#[test]
fn a_change_waits_is_due_and_expires() {
    let market = market();
    let eta = u64::try_from(market.now() + DAY).unwrap();
    let until = eta + 3 * DAY.unsigned_abs();
    assert_eq!(pending(&market, &["cap"])[0].state, State::Waiting { until: eta });
    market.advances(DAY);
    assert_eq!(pending(&market, &["cap"])[0].state, State::Due { since: eta, until });
    market.advances(3 * DAY + 1);
    assert_eq!(pending(&market, &["cap"])[0].state, State::Expired { since: until });
}

#[test]
fn a_due_change_is_carried_out_with_the_rent_to_its_proposer() {
    let market = market();
    market.advances(DAY);
    let found = pending(&market, &["cap"]);
    let governance = market.governance().pubkey();
    let before = market.account(&governance).unwrap().lamports;
    let rent = market.account(&market.change("cap")).unwrap().lamports;
    let mallory = market.newcomer("mallory");
    mallory.sends(&[found[0].instruction(&market.market_address(), None)]).unwrap();
    assert_eq!(market.asset("SOL").deposit_cap, 500);
    assert_eq!(market.account(&governance).unwrap().lamports, before + rent);
    assert_eq!(market.account(&market.change("cap")), None);
}

#[test]
fn the_summary_counts_what_is_open_and_how_late_it_is() {
    let market = market();
    market.advances(DAY);
    market.proposes("other", market.values_of("SOL", &[(Parameter::DebtCap, 400)])).unwrap();
    market.advances(100);
    let found = pending(&market, &["other", "cap"]);
    assert!(matches!(found[0].state, State::Due { .. }), "{:?}", found[0].state);
    assert_eq!(summary(&found, u64::try_from(market.now()).unwrap()), (2, 100, Some(3 * 86_400 - 100)));
    assert_eq!(summary(&[], 0), (0, 0, None));
}

#[test]
fn what_a_former_governance_proposed_is_void() {
    let market = market();
    market.tampers_with_market(|market| market.roles[0] = Pubkey::new_from_array([9; 32]));
    assert_eq!(pending(&market, &["cap"])[0].state, State::Void);
}

#[test]
fn accounts_of_others_and_of_other_markets_are_left_out() {
    let market = market();
    let good = update(&market, market.change("cap"));
    let stolen = Update { owner: Pubkey::default(), ..good.clone() };
    let short = Update { data: good.data.as_ref().map(|data| data[..Change::SPACE - 1].to_vec()), ..good.clone() };
    let gone = Update { data: None, ..good.clone() };
    let now = u64::try_from(market.now()).unwrap();
    assert_eq!(good.owner, ID);
    assert!(changes(&[stolen, short, gone], &market.market_address(), &market.market(), now).is_empty());
    assert!(changes(&[good], &Pubkey::default(), &market.market(), now).is_empty());
}

#[test]
fn a_model_is_carried_out_with_the_draft_that_has_its_rows() {
    let market = Fixture::with_assets(2);
    let model = governance::worst_of(1, [100; 3]);
    market.opens_draft("author").unwrap();
    let shocks = market.shocks(|_| governance::shocked(&[-1_000]));
    market.writes_shocks("author", &shocks);
    let proposal = market.drafting("author").proposal(&market.market(), model, &[], &shocks);
    market.proposes("model", proposal).unwrap();
    market.advances(DAY);
    let found = pending(&market, &["model"]);
    assert!(found[0].needs_draft());
    assert!(!pending(&self::market(), &["cap"])[0].needs_draft());
    let draft = market.drafting("author").draft;
    let (address, state) = (market.market_address(), market.market());
    assert_eq!(draft_for(&found[0], &[], &address, &state), None);
    let drafts = [update(&market, market.change("model")), update(&market, draft)];
    assert_eq!(draft_for(&found[0], &drafts, &address, &state), Some(draft));
    let execute = found[0].instruction(&address, Some(draft));
    market.sends(&[execute], &[&market.payer()]).unwrap();
    assert_eq!(market.account(&market.change("model")), None);
}
