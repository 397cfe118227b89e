//! `open_draft`.

use ballast_client::{Draft, ID};
use ballast_tests::slots::{OPEN_DRAFT, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

/// The account of quant's draft exists already, without anything in it.
fn prepared() -> (Fixture, Instruction) {
    let market = Fixture::new();
    market.gives_lamports(&address("quant"));
    let drafting = market.drafting("quant");
    market.writes_data(&drafting.draft, &ID, vec![0; Draft::SPACE]);
    let [_, open] = drafting.open(0);
    (market, open)
}

fn sends(market: &Fixture, instruction: Instruction) -> Outcome {
    market.sends(&[instruction], &[&key("quant"), &key("draft of quant")])
}

#[test]
fn a_draft_knows_its_market_and_its_author_and_has_no_rows() {
    let market = Fixture::new();
    market.opens_draft("quant").unwrap();
    let draft = market.draft(&market.drafting("quant").draft);
    assert_eq!((draft.version, draft.market, draft.author), (1, market.market_address(), address("quant")));
    assert_eq!((draft.loadings_written, draft.shocks_written), (0, 0));
    assert_eq!(draft.loadings, [[0; 7]; 64]);
    assert_eq!(draft.shocks, [[0; 8]; 64]);
}

#[test]
fn anybody_may_open_one_and_everybody_his_own() {
    let market = Fixture::new();
    for author in ["quant", "mallory", "governance of market"] {
        market.opens_draft(author).unwrap();
        assert_eq!(market.draft(&market.drafting(author).draft).author, address(author));
    }
}

#[test]
fn author_and_draft_sign() {
    let (market, open) = prepared();
    let silent = unsigned(&open, OPEN_DRAFT, "author");
    let outcome = market.sends(&[silent], &[&market.payer(), &key("draft of quant")]);
    expect_refusal(outcome, ErrorCode::AccountNotSigner);
    let silent = unsigned(&open, OPEN_DRAFT, "draft");
    expect_refusal(market.sends(&[silent], &[&key("quant")]), ErrorCode::ConstraintSigner);
    sends(&market, open).unwrap();
}

#[test]
fn a_draft_is_opened_once() {
    let (market, open) = prepared();
    sends(&market, open.clone()).unwrap();
    market.writes_loadings("quant", &[[1; 7]]);
    expect_refusal(sends(&market, open), ErrorCode::ConstraintZero);
    assert_eq!(market.draft(&market.drafting("quant").draft).loadings_written, 1);
}

#[test]
fn the_account_is_ours_and_has_room() {
    let (market, open) = prepared();
    let draft = market.drafting("quant").draft;
    market.writes_data(&draft, &ID, vec![0; Draft::SPACE - 1]);
    let refusal = sends(&market, open.clone()).unwrap_err();
    assert_eq!(refusal.changed, []);
    market.writes_data(&draft, &Pubkey::default(), vec![0; Draft::SPACE]);
    expect_refusal(sends(&market, open), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn a_market_is_not_made_a_draft() {
    let (market, open) = prepared();
    let over = replaced(&open, OPEN_DRAFT, "draft", &market.market_address());
    let outcome = market.sends(&[over], &[&key("quant"), &market.market_key()]);
    expect_refusal(outcome, ErrorCode::ConstraintZero);
}

#[test]
fn the_market_is_one() {
    let (market, open) = prepared();
    let astray = replaced(&open, OPEN_DRAFT, "market", &address("nothing"));
    expect_refusal(sends(&market, astray), ErrorCode::AccountOwnedByWrongProgram);
    let other = replaced(&open, OPEN_DRAFT, "market", &market.drafting("quant").draft);
    assert!(sends(&market, other).is_err(), "a draft is no market");
}
