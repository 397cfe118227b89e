//! `list_asset`.

use ballast_client::event::AssetListed;
use ballast_client::parameters::Listing;
use ballast_client::risk::model::Sensitivities;
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{AssetParameters, MAX_ASSETS, address, instruction};
use ballast_tests::assets::{self, Token};
use ballast_tests::fixture::DUST;
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

/// Lists SOL with a change to its parameters in people's units.
fn lists_with(change: impl FnOnce(&mut Listing)) -> Outcome {
    let market = empty_market();
    let mut token = assets::token("SOL");
    change(&mut token.listing);
    market.lists(token)
}

/// Lists SOL with a change to its parameters in the program's units.
fn lists_raw(change: impl FnOnce(&mut AssetParameters)) -> Outcome {
    let market = empty_market();
    let token = assets::token("SOL");
    market.mints(&token);
    let mut parameters = token.listing.parameters().unwrap();
    change(&mut parameters);
    let (governance, payer) = (market.governance().pubkey(), market.payer().pubkey());
    let (mint, program) = (&token.mint, &token.token_program);
    let instruction = instruction::list_asset(&governance, &payer, &market.market_address(), mint, program, parameters);
    sends(&market, instruction)
}

#[test]
fn the_record_holds_what_was_asked_for_and_custody_is_empty() {
    let market = empty_market();
    let token = assets::token("BTC");
    let asked = token.listing.parameters().unwrap();

    let receipt = market.lists(token.clone()).unwrap();

    let asset = market.asset("BTC");
    assert_eq!(market.market().asset_count, 1);
    assert_eq!((asset.mint, asset.token_program(), asset.decimals), (token.mint, SPL_TOKEN, 8));
    assert_eq!((asset.name, asset.oracle), (asked.name, asked.oracle));
    assert_eq!((asset.max_age, asset.average_period), (asked.max_age, asked.average_period));
    assert_eq!((asset.max_confidence, asset.confidence_multiple), (asked.max_confidence, asked.confidence_multiple));
    assert_eq!((asset.haircuts, asset.addons, asset.depth), (asked.haircuts, asked.addons, asked.depth));
    assert_eq!(asset.bonus_least, asked.bonus_least);
    assert_eq!((asset.bonus_most, asset.bonus_slope), (asked.bonus_most, asked.bonus_slope));
    assert_eq!((asset.reserve_factor, asset.curve), (asked.reserve_factor, asked.curve));
    assert_eq!((asset.deposit_cap, asset.debt_cap), (asked.deposit_cap, asked.debt_cap));
    assert_eq!((asset.cash, asset.deposit_shares, asset.debt_shares), (0, 0, 0));
    assert_eq!((asset.supply_index, asset.borrow_index), (1 << 52, 1 << 52));
    assert_eq!(asset.accrued_at, market.now().unsigned_abs());
    assert_eq!((asset.publish_time, asset.usable_until), (0, 0), "no price yet");

    let custody = market.account(&market.custody("BTC")).unwrap();
    let (owner, mint, amount) = client::account::token(&custody.data).unwrap();
    assert_eq!((owner, mint, amount), (address::authority(&market.market_address()), token.mint, 0));
    assert_eq!((asset.custody, custody.owner), (market.custody("BTC"), SPL_TOKEN));

    let event: AssetListed = receipt.event();
    assert_eq!((event.market, event.asset), (market.market_address(), 0));
    assert_eq!((event.mint, event.oracle), (token.mint, token.listing.oracle));
}

#[test]
fn a_token_2022_mint_gets_a_token_2022_custody() {
    let market = empty_market();
    market.lists(assets::token("GOLD")).unwrap();
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
    expect_refusal(market.lists(market.token("SOL")), BallastError::MintAlreadyListed);
}

#[test]
fn the_65th_asset_finds_the_market_full() {
    let market = Fixture::with_assets(MAX_ASSETS);
    expect_refusal(market.lists(assets::token("P64")), BallastError::MarketFull);
}

#[test]
fn eighteen_decimals_are_the_most() {
    let market = empty_market();
    for (decimals, fits) in [(0, true), (18, true), (19, false), (255, false)] {
        let symbol = Box::leak(format!("D{decimals}").into_boxed_str());
        let outcome = market.lists(Token { decimals, ..assets::token(symbol) });
        if fits {
            outcome.unwrap();
        } else {
            expect_refusal(outcome, BallastError::TooManyDecimals);
        }
    }
}

#[test]
fn haircuts_and_addons_fall_from_init_to_maint() {
    for change in [
        |listing: &mut Listing| listing.haircut_bps = [1_999, 2_000, 1_500],
        |listing: &mut Listing| listing.haircut_bps = [2_500, 1_499, 1_500],
        |listing: &mut Listing| listing.addon_bps = [700, 750, 500],
        |listing: &mut Listing| listing.addon_bps = [1_000, 400, 500],
    ] {
        expect_refusal(lists_with(change), BallastError::BadRiskParameters);
    }
    lists_with(|listing| listing.haircut_bps = [2_000; 3]).unwrap();
}

#[test]
fn the_bonus_is_ordered_small_and_covered_by_the_haircut() {
    expect_refusal(lists_with(|listing| listing.bonus_least_bps = 1_001), BallastError::BadRiskParameters);
    // A quarter is the most, even if the haircut covers more.
    let generous = |bonus: u16| {
        lists_with(|listing| {
            listing.haircut_bps = [5_000; 3];
            listing.bonus_most_bps = bonus;
        })
    };
    generous(2_500).unwrap();
    expect_refusal(generous(2_501), BallastError::BadRiskParameters);
    // 15 % taken off leaves 85 %, on which 17.6 % more are the whole again.
    lists_with(|listing| listing.bonus_most_bps = 1_764).unwrap();
    expect_refusal(lists_with(|listing| listing.bonus_most_bps = 1_765), BallastError::BadRiskParameters);
}

#[test]
fn a_depth_is_off_or_within_its_range() {
    lists_with(|listing| listing.depth_dollars = 0).unwrap();
    lists_raw(|raw| raw.depth = 1 << 33).unwrap();
    lists_raw(|raw| raw.depth = (1 << 56) - 1).unwrap();
    for depth in [1, (1 << 33) - 1, 1 << 56, u64::MAX] {
        expect_refusal(lists_raw(|raw| raw.depth = depth), BallastError::BadRiskParameters);
    }
}

#[test]
fn ages_periods_and_multiples_have_limits() {
    for change in [
        |listing: &mut Listing| listing.max_age = 0,
        |listing: &mut Listing| listing.max_age = 601,
        |listing: &mut Listing| listing.average_period = 0,
        |listing: &mut Listing| listing.average_period = 86_401,
        |listing: &mut Listing| listing.confidence_multiple = 99,
        |listing: &mut Listing| listing.confidence_multiple = 1_001,
    ] {
        expect_refusal(lists_with(change), BallastError::BadPriceParameters);
    }
    lists_with(|listing| {
        (listing.max_age, listing.average_period, listing.confidence_multiple) = (600, 86_400, 1_000);
    })
    .unwrap();
    lists_with(|listing| {
        (listing.max_age, listing.average_period, listing.confidence_multiple) = (1, 1, 100);
    })
    .unwrap();
}

#[test]
fn a_rate_curve_rises_from_empty_to_full() {
    for curve in [
        // Starts late, ends early, falls, goes back.
        vec![(1, 0), (10_000, 100)],
        vec![(0, 0), (9_999, 100)],
        vec![(0, 200), (10_000, 100)],
        vec![(0, 0), (8_000, 100), (7_000, 200), (10_000, 300)],
    ] {
        expect_refusal(lists_with(|listing| listing.curve = curve), BallastError::BadRateCurve);
    }
    // The largest rate that the format holds, and one more.
    lists_raw(|raw| raw.curve[7].rate = 1 << 31).unwrap();
    expect_refusal(lists_raw(|raw| raw.curve[7].rate = (1 << 31) + 1), BallastError::BadRateCurve);
}

/// A Token-2022 mint with one extension of a type, its bytes all zero.
fn extended_mint(kind: u16, length: u16) -> Vec<u8> {
    let mut data = client::local::mint(&address("mint authority"), 6, 0);
    data.resize(165, 0);
    // The account type of a mint, then the extension: type, length, value.
    data.push(1);
    data.extend(kind.to_le_bytes());
    data.extend(length.to_le_bytes());
    data.resize(data.len() + usize::from(length), 0);
    data
}

#[test]
fn atk_f10_extensions_are_refused_unless_they_cannot_touch_a_transfer() {
    const METADATA_POINTER: u16 = 18;
    const TOKEN_METADATA: u16 = 19;
    // Fee, close authority, confidential, frozen, non-transferable, interest, delegate, hook, confidential fee, groups
    // and members with their pointers, confidential burn, scaled amount, pausable.
    let sizes = [
        (1, 108),
        (3, 32),
        (4, 65),
        (6, 1),
        (9, 0),
        (10, 52),
        (12, 32),
        (14, 64),
        (16, 129),
        (METADATA_POINTER, 64),
        (TOKEN_METADATA, 76),
        (20, 64),
        (21, 80),
        (22, 64),
        (23, 72),
        (24, 196),
        (25, 56),
        (26, 33),
    ];
    let market = empty_market();
    for (kind, length) in sizes {
        let symbol = Box::leak(format!("X{kind}").into_boxed_str());
        let token = Token { token_program: TOKEN_2022, ..assets::token(symbol) };
        market.writes_data(&token.mint, &TOKEN_2022, extended_mint(kind, length));
        let outcome = market.lists(token);
        if [METADATA_POINTER, TOKEN_METADATA].contains(&kind) {
            outcome.unwrap();
        } else {
            expect_refusal(outcome, BallastError::MintExtensionNotAllowed);
        }
    }
    // What does not exist yet cannot be read, so it is refused as well.
    let token = Token { token_program: TOKEN_2022, ..assets::token("FUTURE") };
    market.writes_data(&token.mint, &TOKEN_2022, extended_mint(999, 8));
    expect_refusal(market.lists(token), Fault::Runtime("InvalidAccountData"));
}

#[test]
fn atk_a18_lamports_sent_to_the_custody_address_before_do_not_matter() {
    for lamports in [1, 2_039_280, 1_000_000_000] {
        let market = empty_market();
        let token = assets::token("SOL");
        market.mints(&token);
        let custody = address::custody(&market.market_address(), &token.mint);
        market.writes(&custody, solana_account::Account { lamports, ..Default::default() });
        market.lists(token).unwrap();
        assert_eq!(market.account(&custody).unwrap().lamports, lamports.max(2_039_280));
    }
}

#[test]
fn atk_g02_parameters_of_the_variance_have_limits() {
    const ONE: u32 = 1 << 16;
    for period in [1, 2_592_000] {
        lists_raw(|raw| raw.variance_period = period).unwrap();
    }
    for period in [0, 2_592_001, u32::MAX] {
        expect_refusal(lists_raw(|raw| raw.variance_period = period), BallastError::BadPriceParameters);
    }
    for limit in [ONE, 16 * ONE] {
        lists_raw(|raw| raw.volatility_limit = limit).unwrap();
    }
    for limit in [0, ONE - 1, 16 * ONE + 1, u32::MAX] {
        expect_refusal(lists_raw(|raw| raw.volatility_limit = limit), BallastError::BadPriceParameters);
    }
    for calibrated in [0, 1, u64::MAX] {
        lists_raw(|raw| raw.calibrated_variance = calibrated).unwrap();
    }
}

#[test]
fn a_new_asset_starts_as_calm_as_calibrated_with_its_coefficients() {
    let market = Fixture::new();
    market.adopts(2, 2);
    let mut token = assets::token("P08");
    token.listing.daily_volatility_bps = 300;
    token.listing.row = model::row("P08", 8, 2, 2);
    let (asked, row) = (token.listing.parameters().unwrap(), token.listing.row);
    market.lists(token).unwrap();
    let asset = market.asset("P08");
    assert_eq!((asset.variance, asset.calibrated_variance), (asked.calibrated_variance, asked.calibrated_variance));
    assert_eq!((asset.volatility, asset.volatility_limit), (1 << 16, asked.volatility_limit));
    assert_eq!((asset.haircuts_before, asset.addons_before), (asked.haircuts, asked.addons));
    let columns = Sensitivities::from_columns(&asset.columns);
    assert_eq!(columns.loadings, row.loadings()[..6]);
    assert_eq!((columns.specific as i32, columns.shocks), (row.loadings()[6], row.shocks()));
}

/// Lists an asset in a market of two factors (the largest lambda is 3.3) and three scenarios (the largest multiplier 1.1).
fn lists_into_a_model(change: impl FnOnce(&mut AssetParameters)) -> Outcome {
    let market = Fixture::with_assets(1);
    market.adopts(2, 3);
    let token = assets::token("BTC");
    market.mints(&token);
    let mut parameters = token.listing.parameters().unwrap();
    change(&mut parameters);
    let (governance, payer) = (market.governance().pubkey(), market.payer().pubkey());
    let (mint, program) = (&token.mint, &token.token_program);
    let instruction = instruction::list_asset(&governance, &payer, &market.market_address(), mint, program, parameters);
    sends(&market, instruction)
}

#[test]
fn coefficients_fit_the_active_model() {
    const ONE: i32 = 1 << 30;
    // Nothing at all is an asset that never moves: governance's own risk.
    lists_into_a_model(|_| {}).unwrap();
    lists_into_a_model(|raw| raw.loadings[1] = ONE / 100 * 30).unwrap();
    lists_into_a_model(|raw| raw.shocks[2] = -ONE / 100 * 90).unwrap();
    for change in [
        // Volatility: 3.3 times 0.31.
        |raw: &mut AssetParameters| raw.loadings[0] = ONE / 100 * 31,
        |raw: &mut AssetParameters| raw.loadings[0] = -ONE / 100 * 31,
        |raw: &mut AssetParameters| raw.loadings[6] = ONE / 100 * 31,
        |raw: &mut AssetParameters| raw.loadings[6] = -1,
        |raw: &mut AssetParameters| raw.loadings[0] = i32::MIN,
        // A factor and a scenario that there is not.
        |raw: &mut AssetParameters| raw.loadings[2] = 1,
        |raw: &mut AssetParameters| raw.shocks[3] = -1,
        // A fall: 1.1 times 0.91.
        |raw: &mut AssetParameters| raw.shocks[0] = -ONE / 100 * 91,
        |raw: &mut AssetParameters| raw.shocks[0] = i32::MIN,
    ] {
        expect_refusal(lists_into_a_model(change), BallastError::BadSensitivities);
    }
}

#[test]
fn without_a_model_there_are_no_coefficients() {
    for at in 0..7 {
        expect_refusal(lists_raw(|raw| raw.loadings[at] = 1), BallastError::BadSensitivities);
    }
    for at in 0..8 {
        expect_refusal(lists_raw(|raw| raw.shocks[at] = -1), BallastError::BadSensitivities);
    }
}
