//! `close_draft`.

use ballast_client::{Draft, change};
use ballast_tests::slots::{DRAFT, replaced, transfer, unsigned};
use ballast_tests::*;

fn market() -> Fixture {
    let market = Fixture::new();
    market.opens_draft("quant").unwrap();
    market
}

#[test]
fn the_author_gets_the_rent_back() {
    let market = market();
    let drafting = market.drafting("quant");
    let rent = market.account(&drafting.draft).unwrap().lamports;
    assert_eq!(rent, market.world().svm.minimum_balance_for_rent_exemption(Draft::SPACE));
    let before = market.account(&drafting.author).unwrap().lamports;
    let payer = market.payer();
    market.sends(&[drafting.close()], &[&payer, &key("quant")]).unwrap();
    assert_eq!(market.account(&drafting.author).unwrap().lamports, before + rent);
    assert!(market.account(&drafting.draft).is_none_or(|account| account.lamports == 0));
    // Its address can be used again.
    market.opens_draft("quant").unwrap();
    assert_eq!(market.draft(&drafting.draft).loadings_written, 0);
}

#[test]
fn what_was_taken_over_stays() {
    let market = market();
    market.adopts(2, 2);
    let before = market.account(&market.market_address());
    market.sends(&[market.drafting("quant").close()], &[&key("quant")]).unwrap();
    assert_eq!(market.account(&market.market_address()), before);
}

#[test]
fn only_the_author_closes() {
    let market = market();
    let mallory = market.newcomer("mallory");
    let close = market.drafting("quant").close();
    let forged = replaced(&close, DRAFT, "author", &mallory.address());
    expect_refusal(mallory.sends(&[forged]), BallastError::NotDraftAuthor);
    let forged = replaced(&close, DRAFT, "author", &market.governance().pubkey());
    expect_refusal(market.governs(forged), BallastError::NotDraftAuthor);
    expect_refusal(mallory.sends(&[unsigned(&close, DRAFT, "author")]), ErrorCode::AccountNotSigner);
}

#[test]
fn atk_a16_a_draft_closed_in_a_transaction_is_gone_in_it() {
    let market = market();
    let (drafting, rows) = (market.drafting("quant"), market.loadings(|_| governance::moves(0, 0)));
    market.writes_loadings("quant", &rows);
    let author = key("quant");
    // Lamports sent after it keep the account alive, but not the draft.
    let revive = transfer(&drafting.author, &drafting.draft, 100_000_000);
    let write = drafting.write_loadings(&rows).remove(0);
    let refusal = market.sends(&[drafting.close(), revive.clone(), write], &[&author]).unwrap_err();
    assert!(matches!(refusal.fault, Fault::Framework(_)), "{refusal:#?}");
    let proposal = drafting.proposal(&market.market(), governance::one_factor([100; 3], 0), &rows, &[]);
    market.proposes("a model", proposal).unwrap();
    market.advances(86_400);
    let (address, governor) = (market.market_address(), market.governance().pubkey());
    let execute = change::execute(&address, &market.change("a model"), &governor, Some(drafting.draft));
    let refusal = market.sends(&[drafting.close(), revive, execute], &[&author]).unwrap_err();
    assert!(matches!(refusal.fault, Fault::Framework(_)), "{refusal:#?}");
    assert_eq!(market.market().model_version, 0);
    // The draft and the proposal are still there.
    market.executes_from("a model", Some("quant")).unwrap();
}

#[test]
fn nothing_else_is_closed_as_a_draft() {
    let market = market();
    let alice = market.actor("alice", &[]);
    let close = market.drafting("quant").close();
    let closes = |key: &Pubkey| market.sends(&[replaced(&close, DRAFT, "draft", key)], &[&ballast_tests::key("quant")]);
    expect_refusal(closes(&market.market_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(closes(&alice.vault_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(closes(&address("nothing")), ErrorCode::AccountOwnedByWrongProgram);
}
