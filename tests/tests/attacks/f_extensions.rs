//! F10: every extension there is, and numbers that are none yet, at listing and when tokens move.

use anchor_spl::token_2022::spl_token_2022::state::Mint;
use ballast_client::token::TOKEN_2022;
use ballast_tests::fixture::DUST;
use ballast_tests::token22::{ExtensionType, appends_extension, token22};
use ballast_tests::*;

/// The last number that the library of the program knows.
const LAST: u16 = 27;
const ACCOUNT_STATE: u16 = 6;

/// What the program says to an extension whose value is all zero: no fee, no hook, not paused. The default state of
/// accounts, which must not be zero, is the usual one.
fn is_allowed(kind: u16) -> bool {
    match kind {
        // Padding: nothing follows.
        0 => true,
        // Transfer fee, and what an account has of it.
        1 => true,
        2 => false,
        // Close authority; confidential transfer of mint and account.
        3..=5 => false,
        ACCOUNT_STATE => true,
        // Immutable owner and memo of an account; not transferable.
        7..=9 => false,
        // Interest-bearing.
        10 => true,
        // CPI guard of an account; permanent delegate; account of what cannot be transferred.
        11..=13 => false,
        // Transfer hook, and what an account has of it.
        14 => true,
        15 => false,
        // Confidential fee of mint and account.
        16..=17 => false,
        // Metadata, group and member, each with its pointer.
        18..=23 => true,
        // Confidential mint and burn.
        24 => false,
        // Scaled amounts.
        25 => true,
        // Pausable, and what an account has of it.
        26 => true,
        27 => false,
        // 28 is a permission to burn, which the library does not know yet; nobody knows the others.
        _ => false,
    }
}

/// All numbers up to well beyond the last, and the ends of the range.
fn kinds() -> impl Iterator<Item = u16> {
    (0..=LAST + 40).chain([255, 256, 999, 0x1200, u16::MAX - 2, u16::MAX - 1, u16::MAX])
}

fn length(kind: u16) -> u16 {
    let known = ExtensionType::try_from(kind).ok();
    let whole = known.and_then(|kind| ExtensionType::try_calculate_account_len::<Mint>(&[kind]).ok());
    // Metadata have no fixed size: two addresses, three texts and a list, all empty.
    whole.map_or(80, |whole| (whole - 166 - 4) as u16)
}

/// Adds an extension of this kind to the bytes of a mint.
fn extends(mint: &mut Vec<u8>, kind: u16) {
    appends_extension(mint, kind, length(kind));
    if kind == ACCOUNT_STATE {
        *mint.last_mut().unwrap() = 1;
    }
}

fn plain_mint() -> Vec<u8> {
    client::local::mint(&address("mint authority"), 6, 0)
}

fn empty_market() -> Fixture {
    let network = Fixture::without_market();
    network.creates_market(DUST).unwrap();
    network
}

/// A library that knows more asks for a decision on what it knows.
#[test]
fn atk_f10_the_table_decides_on_everything_that_the_library_knows() {
    let known = (0..=u16::MAX).filter(|kind| ExtensionType::try_from(*kind).is_ok());
    assert_eq!(known.collect::<Vec<_>>(), (0..=LAST).collect::<Vec<_>>());
}

#[test]
fn atk_f10_at_listing_every_extension_but_those_of_the_list_is_refused() {
    let market = empty_market();
    let mut listed = vec![];
    for kind in kinds() {
        let token = token22(Box::leak(format!("X{kind}").into_boxed_str()));
        let mut mint = plain_mint();
        extends(&mut mint, kind);
        market.writes_data(&token.mint, &TOKEN_2022, mint);
        if is_allowed(kind) {
            listed.push(token.symbol);
            market.lists(token).unwrap();
        } else {
            expect_refusal(market.lists_bare(token), BallastError::MintExtensionNotAllowed);
        }
    }
    assert_eq!(listed.len(), 13);

    // What is listed goes in and out, through accounts that the token program made.
    market.refreshes_all();
    let alice = market.actor("alice", &[]);
    for symbol in listed {
        alice.is_given(native(symbol, 1_000));
        alice.deposits(native(symbol, 1_000)).unwrap();
        alice.withdraws(native(symbol, 400)).unwrap();
        assert_eq!((alice.balance(symbol), alice.deposited(symbol)), (400, 600));
    }
}

#[test]
fn atk_f10_custody_has_the_extensions_that_the_mint_asks_for() {
    let market = empty_market();
    for (kinds, size) in
        [(vec![], 165), (vec![18], 165), (vec![1], 178), (vec![14], 171), (vec![26], 170), (vec![1, 14, 26], 187)]
    {
        let token = token22(Box::leak(format!("Y{kinds:?}").into_boxed_str()));
        let mut mint = plain_mint();
        kinds.iter().for_each(|kind| extends(&mut mint, *kind));
        market.writes_data(&token.mint, &TOKEN_2022, mint);
        let symbol = token.symbol;
        market.lists_bare(token).unwrap();
        let custody = market.account(&market.custody(symbol)).unwrap();
        assert_eq!(custody.data.len(), size, "{kinds:?}");
    }
}

/// Nothing can add one to a mint that exists, today. The program does not rely on it.
#[test]
fn atk_f10_at_use_every_extension_but_those_of_the_list_is_refused() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[gold("10")]);
    let before = market.account(&market.token("GOLD").mint).unwrap().data;
    let mut accepted = 0;
    for kind in kinds() {
        market.tampers_with_mint("GOLD", |mint| extends(mint, kind));
        let outcome = alice.deposits(native("GOLD", 1_000));
        if is_allowed(kind) {
            outcome.unwrap();
            accepted += 1;
        } else {
            expect_refusal(outcome, BallastError::MintExtensionNotAllowed);
            expect_refusal(alice.borrows(native("GOLD", 1_000)), BallastError::MintExtensionNotAllowed);
        }
        let supply = market.account(&market.token("GOLD").mint).unwrap().data[36..44].to_vec();
        market.tampers_with_mint("GOLD", |mint| {
            mint.clone_from(&before);
            mint[36..44].copy_from_slice(&supply);
        });
    }
    assert_eq!((accepted, alice.deposited("GOLD")), (13, 13_000));
}

#[test]
fn atk_f10_one_that_is_refused_does_not_hide_among_others() {
    let market = empty_market();
    for (at, kinds) in [[12, 18, 19], [18, 12, 19], [18, 19, 12], [1, 14, 28], [25, 999, 26]].into_iter().enumerate() {
        let token = token22(Box::leak(format!("Z{at}").into_boxed_str()));
        let mut mint = plain_mint();
        kinds.iter().for_each(|kind| extends(&mut mint, *kind));
        market.writes_data(&token.mint, &TOKEN_2022, mint);
        expect_refusal(market.lists_bare(token), BallastError::MintExtensionNotAllowed);
    }
}

#[test]
fn atk_f10_what_cannot_be_read_is_refused() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[gold("10")]);
    let before = market.account(&market.token("GOLD").mint).unwrap().data;
    let cut_off: [fn(&mut Vec<u8>); 5] = [
        // Bytes behind the mint, but no type of account.
        |mint| mint.push(0),
        |mint| mint.resize(165, 0),
        // A token account with extensions.
        |mint| {
            mint.resize(165, 0);
            mint.push(2);
        },
        // An extension longer than the account.
        |mint| {
            appends_extension(mint, 18, 64);
            mint.pop();
        },
        // A fee shorter than a fee.
        |mint| appends_extension(mint, 1, 107),
    ];
    for change in cut_off {
        market.tampers_with_mint("GOLD", change);
        expect_refusal(alice.deposits(native("GOLD", 1_000)), BallastError::MintExtensionNotAllowed);
        market.tampers_with_mint("GOLD", |mint| mint.clone_from(&before));
    }
    alice.deposits(native("GOLD", 1_000)).unwrap();
}
