//! The account slots of every instruction by name, and instructions with one slot changed: what an attacker would send.

use ballast_client::Pubkey;
use solana_instruction::{AccountMeta, Instruction};

pub const CREATE_MARKET: &[&str] = &["market", "authority", "governance"];
pub const LIST_ASSET: &[&str] = &[
    "governance",
    "payer",
    "market",
    "mint",
    "custody",
    "authority",
    "token_program",
    "system_program",
    "instructions",
];
pub const REFRESH_PRICES: &[&str] = &["market", "oracle"];
pub const OPEN_VAULT: &[&str] = &["owner", "payer", "market", "vault", "system_program"];
pub const CLOSE_VAULT: &[&str] = &["owner", "vault", "receiver"];
/// `deposit` and `repay`.
pub const PAY_IN: &[&str] = &["payer", "market", "vault", "source", "custody", "mint", "token_program"];
/// `withdraw`, `borrow` and `seize`.
pub const PAY_OUT: &[&str] =
    &["signer", "market", "vault", "custody", "destination", "authority", "mint", "token_program"];
pub const LIQUIDATE: &[&str] = &[
    "liquidator",
    "market",
    "vault",
    "source",
    "debt_custody",
    "debt_mint",
    "debt_token_program",
    "collateral_custody",
    "destination",
    "authority",
    "collateral_mint",
    "collateral_token_program",
];
pub const VIEW_HEALTH: &[&str] = &["market", "vault"];
pub const ABSORB_BAD_DEBT: &[&str] = &["market", "vault"];
pub const LIQUIDATE_INTO: &[&str] = &["owner", "market", "vault", "into"];
/// `fund_reserve` and `flash_repay`.
pub const PAY_POOL: &[&str] = &["payer", "market", "source", "custody", "mint", "token_program"];
pub const FLASH_BORROW: &[&str] =
    &["borrower", "market", "custody", "destination", "authority", "mint", "token_program", "instructions"];
pub const BEGIN_LIQUIDATION: &[&str] = &["liquidator", "market", "vault", "instructions"];
pub const END_LIQUIDATION: &[&str] = &["liquidator", "market", "vault"];
pub const SET_DELEGATE: &[&str] = &["owner", "vault"];
/// `transfer_vault` and `accept_vault`.
pub const TRANSFER_VAULT: &[&str] = &["signer", "market", "vault"];
pub const OPEN_DRAFT: &[&str] = &["author", "market", "draft"];
/// `write_loadings`, `write_shocks` and `close_draft`.
pub const DRAFT: &[&str] = &["author", "draft"];
/// `set_risk_model` and `set_scenarios`.
pub const TAKE_OVER: &[&str] = &["governance", "market", "draft"];
/// `confirm_risk_model` and `set_haircuts`.
pub const GOVERN: &[&str] = &["governance", "market"];

fn at(slots: &[&str], name: &str) -> usize {
    slots.iter().position(|slot| *slot == name).unwrap_or_else(|| panic!("no slot {name}"))
}

/// The instruction with another account in a slot.
pub fn replaced(instruction: &Instruction, slots: &[&str], name: &str, key: &Pubkey) -> Instruction {
    let mut instruction = instruction.clone();
    instruction.accounts[at(slots, name)].pubkey = *key;
    instruction
}

/// The instruction without the signature of a slot.
pub fn unsigned(instruction: &Instruction, slots: &[&str], name: &str) -> Instruction {
    let mut instruction = instruction.clone();
    let meta = &mut instruction.accounts[at(slots, name)];
    assert!(meta.is_signer, "{name} does not sign anyway");
    meta.is_signer = false;
    instruction
}

/// The instruction with a slot that is only read.
pub fn read_only(instruction: &Instruction, slots: &[&str], name: &str) -> Instruction {
    let mut instruction = instruction.clone();
    let meta = &mut instruction.accounts[at(slots, name)];
    assert!(meta.is_writable, "{name} is only read anyway");
    meta.is_writable = false;
    instruction
}

/// A transfer of the system program.
pub fn transfer(from: &Pubkey, to: &Pubkey, lamports: u64) -> Instruction {
    let data = [2u32.to_le_bytes().as_slice(), &lamports.to_le_bytes()].concat();
    let accounts = vec![AccountMeta::new(*from, true), AccountMeta::new(*to, false)];
    Instruction { program_id: Pubkey::default(), accounts, data }
}
