//! `write_loadings` and `write_shocks`.

use ballast_client::instruction::MarketRef;
use ballast_client::model::{LOADING_ROWS, SHOCK_ROWS};
use ballast_client::{LoadingRow, MAX_ASSETS, ShockRow};
use ballast_tests::fixture::MAX_TRANSACTION_BYTES;
use ballast_tests::slots::{DRAFT, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

fn market() -> Fixture {
    let market = Fixture::new();
    market.opens_draft("quant").unwrap();
    market
}

/// Rows that tell which asset they are of.
fn loadings(count: usize) -> Vec<LoadingRow> {
    (0..count).map(|asset| [0, 1, 2, 3, 4, 5, 6].map(|at| (asset * 10) as i32 + at - 100)).collect()
}

fn shocks(count: usize) -> Vec<ShockRow> {
    (0..count).map(|asset| [0, 1, 2, 3, 4, 5, 6, 7].map(|at| (asset * 10) as i32 - at)).collect()
}

/// Loadings of some assets from one on; also of none.
fn from(market: &Fixture, first: u8, rows: &[LoadingRow]) -> Instruction {
    let mut padded = rows.to_vec();
    padded.push([0; 7]);
    let mut instruction = market.drafting("quant").write_loadings(&padded).remove(0);
    let length = instruction.data.len() - size_of::<LoadingRow>();
    instruction.data.truncate(length);
    instruction.data[8] = first;
    instruction.data[9] = rows.len() as u8;
    instruction
}

fn sends(market: &Fixture, instruction: Instruction) -> Outcome {
    market.sends(&[instruction], &[&key("quant")])
}

#[test]
fn rows_of_64_assets_take_several_transactions_that_each_fit() {
    let market = market();
    let (asked, wanted) = (loadings(MAX_ASSETS), shocks(MAX_ASSETS));
    let wrote = market.writes_loadings("quant", &asked);
    assert_eq!(wrote.len(), MAX_ASSETS.div_ceil(LOADING_ROWS));
    let stressed = market.writes_shocks("quant", &wanted);
    assert_eq!(stressed.len(), MAX_ASSETS.div_ceil(SHOCK_ROWS));
    for receipt in wrote.iter().chain(&stressed) {
        assert!(receipt.bytes <= MAX_TRANSACTION_BYTES, "{}", receipt.bytes);
    }
    let draft = market.draft(&market.drafting("quant").draft);
    assert_eq!((draft.loadings.to_vec(), draft.shocks.to_vec()), (asked, wanted));
    assert_eq!((draft.loadings_written, draft.shocks_written), (u64::MAX, u64::MAX));
}

#[test]
fn rows_come_in_any_order_and_the_last_one_counts() {
    let market = market();
    let rows = loadings(4);
    sends(&market, from(&market, 2, &rows[2..])).unwrap();
    assert_eq!(market.draft(&market.drafting("quant").draft).loadings_written, 0b1100);
    sends(&market, from(&market, 0, &[[9; 7]; 3])).unwrap();
    sends(&market, from(&market, 0, &rows[..2])).unwrap();
    let draft = market.draft(&market.drafting("quant").draft);
    assert_eq!(draft.loadings_written, 0b1111);
    assert_eq!(draft.loadings[..4], [rows[0], rows[1], [9; 7], rows[3]]);
    assert_eq!(draft.shocks_written, 0, "shocks are other rows");
}

#[test]
fn any_number_can_be_drafted_because_taking_over_judges() {
    let market = market();
    for number in [i32::MIN, -1, 0, 1, i32::MAX] {
        market.writes_loadings("quant", &[[number; 7]]);
        market.writes_shocks("quant", &[[number; 8]]);
        let draft = market.draft(&market.drafting("quant").draft);
        assert_eq!((draft.loadings[0], draft.shocks[0]), ([number; 7], [number; 8]));
    }
}

#[test]
fn no_row_reaches_beyond_the_64th_asset() {
    let market = market();
    for (first, count) in [(0, 0), (63, 0), (64, 0), (63, 2), (64, 1), (40, 25), (255, 1)] {
        let outcome = sends(&market, from(&market, first, &loadings(count)));
        expect_refusal(outcome, BallastError::RowsOutOfRange);
    }
    sends(&market, from(&market, 63, &loadings(1))).unwrap();
    sends(&market, from(&market, 40, &loadings(24))).unwrap();
    assert_eq!(market.draft(&market.drafting("quant").draft).loadings_written, u64::MAX << 40);

    let mut astray = market.drafting("quant").write_shocks(&shocks(2)).remove(0);
    astray.data[8] = 63;
    expect_refusal(sends(&market, astray), BallastError::RowsOutOfRange);
}

#[test]
fn only_the_author_writes_not_even_governance() {
    let market = market();
    let mallory = market.newcomer("mallory");
    let drafting = market.drafting("quant");
    for good in [drafting.write_loadings(&loadings(1)).remove(0), drafting.write_shocks(&shocks(1)).remove(0)] {
        let forged = replaced(&good, DRAFT, "author", &mallory.address());
        expect_refusal(mallory.sends(&[forged]), BallastError::NotDraftAuthor);
        let forged = replaced(&good, DRAFT, "author", &market.governance().pubkey());
        expect_refusal(market.governs(forged), BallastError::NotDraftAuthor);
        let silent = unsigned(&good, DRAFT, "author");
        expect_refusal(mallory.sends(&[silent]), ErrorCode::AccountNotSigner);
    }
}

#[test]
fn what_is_written_to_is_a_draft() {
    let market = market();
    let alice = market.actor("alice", &[]);
    let good = market.drafting("quant").write_loadings(&loadings(1)).remove(0);
    let into = |key: &Pubkey| sends(&market, replaced(&good, DRAFT, "draft", key));
    expect_refusal(into(&market.market_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(into(&alice.vault_address()), ErrorCode::AccountDiscriminatorMismatch);
    expect_refusal(into(&address("nothing")), ErrorCode::AccountOwnedByWrongProgram);
    market.builds(|MarketRef { market, .. }| assert_eq!(market.assets[0].columns[0][0], 1 << 30, "a loading of zero"));
}
