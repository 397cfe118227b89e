//! Mints and token accounts of users.

use anchor_lang::prelude::Pubkey;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};

pub use anchor_spl::token::ID as SPL_TOKEN;
pub use anchor_spl::token_2022::ID as TOKEN_2022;

/// The associated token program.
pub const ASSOCIATED_TOKEN: Pubkey = Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// The mint of native SOL as a token of the SPL Token program.
pub const NATIVE_MINT: Pubkey = Pubkey::from_str_const("So11111111111111111111111111111111111111112");

/// The associated token account of a wallet.
pub fn address(wallet: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[wallet.as_ref(), token_program.as_ref(), mint.as_ref()], &ASSOCIATED_TOKEN).0
}

/// Creates the associated token account of a wallet unless it exists.
pub fn create(payer: &Pubkey, wallet: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*payer, true),
        AccountMeta::new(address(wallet, mint, token_program), false),
        AccountMeta::new_readonly(*wallet, false),
        AccountMeta::new_readonly(*mint, false),
        AccountMeta::new_readonly(anchor_lang::system_program::ID, false),
        AccountMeta::new_readonly(*token_program, false),
    ];
    // 1: create idempotently.
    Instruction { program_id: ASSOCIATED_TOKEN, accounts, data: vec![1] }
}

/// Makes lamports of a wallet tokens in its associated account of native SOL, which has to exist.
pub fn wrap(wallet: &Pubkey, lamports: u64) -> [Instruction; 2] {
    let account = address(wallet, &NATIVE_MINT, &SPL_TOKEN);
    // 17: sync native.
    let sync = Instruction { program_id: SPL_TOKEN, accounts: vec![AccountMeta::new(account, false)], data: vec![17] };
    [solana_system_interface::instruction::transfer(wallet, &account, lamports), sync]
}

/// Closes the wallet's associated account of native SOL: all its tokens, and its rent, become lamports of the wallet.
pub fn unwrap(wallet: &Pubkey) -> Instruction {
    let account = address(wallet, &NATIVE_MINT, &SPL_TOKEN);
    let accounts = vec![
        AccountMeta::new(account, false),
        AccountMeta::new(*wallet, false),
        AccountMeta::new_readonly(*wallet, true),
    ];
    // 9: close account.
    Instruction { program_id: SPL_TOKEN, accounts, data: vec![9] }
}
