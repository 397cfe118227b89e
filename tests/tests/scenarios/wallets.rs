//! Token accounts as wallets make them: by the associated token program, wrapped SOL, Token-2022.

use ballast_client::local;
use ballast_client::token::{self, SPL_TOKEN, TOKEN_2022};
use ballast_tests::assets::Token;
use ballast_tests::fixture::DUST;
use ballast_tests::*;
use solana_instruction::{AccountMeta, Instruction};

const NATIVE_MINT: Pubkey = Pubkey::from_str_const("So11111111111111111111111111111111111111112");

fn empty_market() -> Fixture {
    let network = Fixture::without_market();
    network.creates_market(DUST).unwrap();
    network
}

/// Creates the wallet's account of an asset through the associated token program.
fn creates_account(who: &Actor, symbol: &str) -> Pubkey {
    let token = who.fixture.token(symbol);
    let create = token::create(&who.address(), &who.address(), &token.mint, &token.token_program);
    who.sends(&[create]).unwrap();
    token::address(&who.address(), &token.mint, &token.token_program)
}

#[test]
fn accounts_of_the_associated_token_program_work_with_both_token_programs() {
    let market = Fixture::new();
    for (symbol, size) in [("SOL", 165), ("GOLD", 170)] {
        let who = market.newcomer(Box::leak(format!("owner of {symbol}").into_boxed_str()));
        who.opens_vault().unwrap();
        let account = creates_account(&who, symbol);
        // Token-2022 adds an extension: the owner cannot be changed.
        assert_eq!(market.account(&account).unwrap().data.len(), size);
        who.is_given(native(symbol, 1_000));
        who.deposits(native(symbol, 900)).unwrap();
        who.withdraws(native(symbol, 300)).unwrap();
        assert_eq!((who.balance(symbol), who.deposited(symbol)), (400, 600));
    }
}

/// A Token-2022 mint whose metadata pointer names itself.
fn mint_with_metadata_pointer(mint: &Pubkey) -> Vec<u8> {
    let mut data = local::mint(&address("mint authority"), 6, 0);
    data.resize(165, 0);
    data.push(1);
    data.extend(18u16.to_le_bytes());
    data.extend(64u16.to_le_bytes());
    data.extend(address("mint authority").to_bytes());
    data.extend(mint.to_bytes());
    data
}

#[test]
fn a_mint_with_metadata_goes_in_and_out() {
    let market = empty_market();
    let token = Token { token_program: TOKEN_2022, ..assets::token("META") };
    market.writes_data(&token.mint, &TOKEN_2022, mint_with_metadata_pointer(&token.mint));
    market.lists(token).unwrap();
    market.refreshes_all();
    market.opens_market().unwrap();
    let alice = market.newcomer("alice");
    alice.opens_vault().unwrap();
    creates_account(&alice, "META");
    alice.is_given(native("META", 5_000));
    alice.deposits(native("META", 5_000)).unwrap();
    alice.borrows(native("META", 1_000)).unwrap();
    alice.withdraws_all("META").unwrap();
    assert_eq!(alice.balance("META"), 5_000);
}

/// `sync_native` of the token program: what lamports an account of wrapped SOL has, become its tokens.
fn sync_native(account: &Pubkey) -> Instruction {
    Instruction { program_id: SPL_TOKEN, accounts: vec![AccountMeta::new(*account, false)], data: vec![17] }
}

fn transfer(from: &Pubkey, to: &Pubkey, lamports: u64) -> Instruction {
    let data = [2u32.to_le_bytes().as_slice(), &lamports.to_le_bytes()].concat();
    let accounts = vec![AccountMeta::new(*from, true), AccountMeta::new(*to, false)];
    Instruction { program_id: Pubkey::default(), accounts, data }
}

#[test]
fn atk_f11_wrapped_sol_goes_in_and_out_and_lamports_sent_to_custody_are_a_donation() {
    let market = empty_market();
    market.lists(assets::token("USDC")).unwrap();
    // The mint of wrapped SOL has no authority.
    let mut mint = local::mint(&address("nobody"), 9, 0);
    mint[..36].fill(0);
    market.writes_data(&NATIVE_MINT, &SPL_TOKEN, mint);
    // Lamports at the custody address before it exists become tokens of nobody.
    let custody = client::address::custody(&market.market_address(), &NATIVE_MINT);
    market.writes(&custody, solana_account::Account { lamports: 7_000_000, ..Default::default() });
    market.lists(Token { mint: NATIVE_MINT, ..assets::token("SOL") }).unwrap();
    market.counts_as_donated(native("SOL", market.balance(&custody)));
    market.refreshes_all();
    let lender = market.actor("lender", &[usdc("1000")]);
    lender.deposits(usdc("1000")).unwrap();

    let alice = market.newcomer("alice");
    alice.opens_vault().unwrap();
    let wrapped = creates_account(&alice, "SOL");
    alice.sends(&[transfer(&alice.address(), &wrapped, 5_000_000_000), sync_native(&wrapped)]).unwrap();
    assert_eq!(alice.balance("SOL"), sol("5").units);
    alice.deposits(sol("4")).unwrap();
    alice.borrows(usdc("100")).unwrap();

    // Anybody can send lamports to custody and turn them into tokens there: the books do not care.
    let record = market.account(&market.market_address());
    alice.sends(&[transfer(&alice.address(), &custody, 2_000_000_000), sync_native(&custody)]).unwrap();
    market.counts_as_donated(sol("2"));
    assert_eq!(market.account(&market.market_address()), record);

    alice.repays(usdc("100")).unwrap();
    alice.withdraws_all("SOL").unwrap();
    assert_eq!(alice.balance("SOL"), sol("5").units);
    assert_eq!(market.asset("SOL").cash, 0);
}
