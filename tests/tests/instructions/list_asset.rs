//! `list_asset`: what it makes, that nobody can use it, and every way it refuses.

use ballast_client::event::AssetListed;
use ballast_client::risk::model::Sensitivities;
use ballast_client::table::Parameter;
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{MAX_ASSETS, Role, Source, address, change};
use ballast_tests::assets::Token;
use ballast_tests::fixture::DUST;
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::slots::{LIST_ASSET, replaced, unsigned};
use ballast_tests::*;
use solana_instruction::Instruction;

fn empty_market() -> Fixture {
    let network = Fixture::without_market();
    network.creates_market(DUST).unwrap();
    network
}

fn sends(market: &Fixture, instruction: Instruction) -> Outcome {
    market.sends(&[instruction], &[&market.payer(), &market.governance()])
}

#[test]
fn the_record_holds_mint_and_name_and_custody_is_empty() {
    let market = empty_market();
    let token = assets::token("BTC");

    let receipt = market.lists_bare(token.clone()).unwrap();

    let asset = market.asset("BTC");
    assert_eq!(market.market().asset_count, 1);
    assert_eq!((asset.mint, asset.token_program(), asset.decimals), (token.mint, SPL_TOKEN, 8));
    assert_eq!(asset.name, *b"BTC\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!((asset.cash, asset.deposit_shares, asset.debt_shares), (0, 0, 0));
    assert_eq!((asset.supply_index, asset.borrow_index), (1 << 52, 1 << 52));
    assert_eq!(asset.accrued_at, market.now().unsigned_abs());

    let custody = market.account(&market.custody("BTC")).unwrap();
    let held = client::account::token(&custody.owner, &custody.data).unwrap();
    assert_eq!((held.owner, held.mint, held.amount), (address::authority(&market.market_address()), token.mint, 0));
    assert_eq!((asset.custody, custody.owner), (market.custody("BTC"), SPL_TOKEN));

    let event: AssetListed = receipt.event();
    assert_eq!((event.market, event.asset), (market.market_address(), 0));
    assert_eq!((event.mint, event.name), (token.mint, asset.name));
}

#[test]
fn it_starts_without_a_source_and_with_guards_but_no_caps() {
    let market = empty_market();
    market.lists_bare(assets::token("BTC")).unwrap();
    let asset = market.asset("BTC");
    assert_eq!((asset.sources, asset.candidate), ([Source::NONE; 2], Source::NONE));
    assert_eq!((asset.deposit_cap, asset.debt_cap), (0, 0));
    assert_eq!([asset.haircuts, asset.addons, asset.haircuts_before, asset.addons_before], [[u32::MAX; 3]; 4]);
    assert_eq!((asset.publish_time, asset.usable_until, asset.init_until), (0, 0, 0), "no price");
    let nothing = Sensitivities::NONE.columns();
    assert_eq!(asset.columns, [nothing; 2]);
    // Every value but those of caps and source is one that the table allows.
    for parameter in Parameter::ALL {
        if let Some(value) = change::value(&asset, *parameter) {
            assert!(parameter.row().allows(value), "{} is {value}", parameter.name());
        }
    }
    let part = |parameter| change::value(&asset, parameter).unwrap() as f64 / 2f64.powi(32);
    assert!((part(Parameter::OutflowLimit) - 0.2).abs() < 1e-6);
    assert_eq!(change::value(&asset, Parameter::OutflowPeriod), Some(86_400));
    assert!(change::value(&asset, Parameter::SourceChecks) >= Some(3));
    assert!(change::value(&asset, Parameter::RecoveryGrace) > Some(0));
}

#[test]
fn atk_g01_nobody_can_use_an_asset_that_was_only_listed() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    let before = alice.health();
    let record = market.market();

    market.lists_bare(assets::token("P08")).unwrap();

    alice.is_given(native("P08", 1_000_000_000));
    expect_refusal(alice.deposits(native("P08", 1)), BallastError::DepositCapExceeded);
    expect_refusal(alice.borrows(native("P08", 1)), BallastError::NotEnoughCash);
    expect_refusal(alice.withdraws_all("P08"), BallastError::NoDeposit);
    expect_refusal(alice.repays(native("P08", 1)), BallastError::NoDebt);
    expect_refusal(market.refreshes(&["P08"]), BallastError::OracleWrongAccount);
    // Tokens in its custody are nobody's.
    market.donates(native("P08", 1_000_000));
    expect_refusal(alice.borrows(native("P08", 1)), BallastError::NotEnoughCash);
    // It counts nothing for anybody, and nothing else of the market has changed.
    assert_eq!(alice.health(), before);
    let mut after = market.market();
    (after.asset_count, after.assets[8]) = (record.asset_count, record.assets[8]);
    assert_eq!(bytemuck::bytes_of(&*after), bytemuck::bytes_of(&*record));
}

#[test]
fn under_a_model_a_new_asset_moves_nobody() {
    let market = Fixture::setting_up(8);
    market.models(&one_factor([300, 250, 200], 3_000), |_| moves(500, 100));
    let market = market.stocked();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(usdc("5000")).unwrap();
    let before = alice.health();
    market.lists_bare(assets::token("P08")).unwrap();
    assert_eq!(alice.health(), before);
    alice.borrows(usdc("1")).unwrap();
}

#[test]
fn a_token_2022_mint_gets_a_token_2022_custody() {
    let market = empty_market();
    market.lists_bare(assets::token("GOLD")).unwrap();
    assert_eq!(market.asset("GOLD").token_program(), TOKEN_2022);
    assert_eq!(market.account(&market.custody("GOLD")).unwrap().owner, TOKEN_2022);
}

#[test]
fn only_governance_lists() {
    let market = empty_market();
    let token = assets::token("SOL");
    market.mints(&token);
    let mallory = market.newcomer("mallory");

    let forged = replaced(&market.list_instruction(&token), LIST_ASSET, "governance", &mallory.address());
    let outcome = market.sends(&[forged], &[&market.payer(), &mallory.key]);
    expect_refusal(outcome, BallastError::NotGovernance);

    for role in [Role::Guardian, Role::Steward] {
        let holder = market.holder(role);
        let forged = replaced(&market.list_instruction(&token), LIST_ASSET, "governance", &holder.pubkey());
        expect_refusal(market.sends(&[forged], &[&market.payer(), &holder]), BallastError::NotGovernance);
    }
    let silent = unsigned(&market.list_instruction(&token), LIST_ASSET, "governance");
    expect_refusal(market.sends(&[silent], &[&market.payer()]), ErrorCode::AccountNotSigner);
}

#[test]
fn the_authority_is_that_of_the_market() {
    let market = empty_market();
    let token = assets::token("SOL");
    market.mints(&token);
    let other = replaced(&market.list_instruction(&token), LIST_ASSET, "authority", &address("mallory"));
    expect_refusal(sends(&market, other), BallastError::WrongAuthority);
}

#[test]
fn custody_has_one_address() {
    let market = empty_market();
    let token = assets::token("SOL");
    market.mints(&token);
    let other = replaced(&market.list_instruction(&token), LIST_ASSET, "custody", &address("mallory"));
    expect_refusal(sends(&market, other), ErrorCode::ConstraintSeeds);
}

#[test]
fn the_mint_belongs_to_the_token_program() {
    let market = empty_market();
    for (symbol, wrong) in [("SOL", TOKEN_2022), ("GOLD", SPL_TOKEN)] {
        let token = assets::token(symbol);
        market.mints(&token);
        let crossed = replaced(&market.list_instruction(&token), LIST_ASSET, "token_program", &wrong);
        expect_refusal(sends(&market, crossed), ErrorCode::ConstraintMintTokenProgram);
    }
}

#[test]
fn the_token_program_is_one_of_the_two() {
    let market = empty_market();
    let token = assets::token("SOL");
    market.mints(&token);
    let foreign = replaced(&market.list_instruction(&token), LIST_ASSET, "token_program", &client::ID);
    expect_refusal(sends(&market, foreign), ErrorCode::InvalidProgramId);
}

#[test]
fn a_mint_is_listed_once() {
    let market = Fixture::new();
    expect_refusal(market.lists_bare(market.token("SOL")), BallastError::MintAlreadyListed);
}

#[test]
fn indexes_are_given_in_order_and_stay() {
    let market = Fixture::setting_up(2);
    let before = market.market();
    for (symbol, index) in [("P02", 2), ("P03", 3), ("P04", 4)] {
        let event: AssetListed = market.lists_bare(assets::token(symbol)).unwrap().event();
        assert_eq!((event.asset, market.asset(symbol).mint), (index, assets::token(symbol).mint));
    }
    let after = market.market();
    assert_eq!(bytemuck::cast_slice::<_, u8>(&after.assets[..2]), bytemuck::cast_slice::<_, u8>(&before.assets[..2]));
}

/// Places are few, and nobody gives one back.
#[test]
fn atk_g01_in_an_open_market_the_next_listing_waits_for_the_source_of_the_last_one() {
    let market = Fixture::with_assets(2);
    market.lists_bare(assets::token("P02")).unwrap();
    expect_refusal(market.lists_bare(assets::token("P03")), BallastError::ListingPending);
    let source = assets::token("P02").listing.source();
    market.proposes("source", change::source(&market.market(), 2, 0, source)).unwrap();
    market.advances(2 * 86_400);
    expect_refusal(market.lists_bare(assets::token("P03")), BallastError::ListingPending);
    market.executes("source").unwrap();
    market.lists_bare(assets::token("P03")).unwrap();
    expect_refusal(market.lists_bare(assets::token("P04")), BallastError::ListingPending);
}

#[test]
fn the_65th_asset_finds_the_market_full() {
    let market = Fixture::with_assets(MAX_ASSETS);
    expect_refusal(market.lists_bare(assets::token("P64")), BallastError::MarketFull);
}

#[test]
fn eighteen_decimals_are_the_most() {
    let market = empty_market();
    for (decimals, fits) in [(0, true), (18, true), (19, false), (255, false)] {
        let symbol = Box::leak(format!("D{decimals}").into_boxed_str());
        let outcome = market.lists_bare(Token { decimals, ..assets::token(symbol) });
        if fits {
            outcome.unwrap();
        } else {
            expect_refusal(outcome, BallastError::TooManyDecimals);
        }
    }
}

#[test]
fn atk_a18_lamports_sent_to_the_custody_address_before_do_not_matter() {
    for lamports in [1, 2_039_280, 1_000_000_000] {
        let market = empty_market();
        let token = assets::token("SOL");
        market.mints(&token);
        let custody = address::custody(&market.market_address(), &token.mint);
        market.writes(&custody, solana_account::Account { lamports, ..Default::default() });
        market.lists_bare(token).unwrap();
        assert_eq!(market.account(&custody).unwrap().lamports, lamports.max(2_039_280));
    }
}
