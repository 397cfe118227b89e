//! What an integrator's program gets from the committed IDL with `declare_program!` is what our own builders make: the same
//! bytes, the same accounts, the same layout of a market. The integrators' page of the book shows such a program.

use anchor_lang::prelude::{AccountLoader, CpiContext, ProgramError, Result};
use anchor_lang::{InstructionData, ToAccountMetas};
use ballast_client::instruction::MarketRef;
use ballast_client::{Guard, Market, Pubkey, account, token};

// The macro names conditions that this crate does not have.
#[allow(unexpected_cfgs)]
mod declared {
    use anchor_lang::prelude::*;

    anchor_lang::declare_program!(ballast);
}
use declared::ballast;

use declared::ballast::client::{accounts, args};

// ANCHOR: cpi
/// What a program calls to put tokens of its own into a vault of its own: `accounts.payer` is an address that it signs for.
pub fn deposit<'info>(
    accounts: ballast::cpi::accounts::Deposit<'info>,
    signer_seeds: &[&[&[u8]]],
    asset: u8,
    amount: u64,
) -> Result<()> {
    let call = CpiContext::new_with_signer(ballast::ID, accounts, signer_seeds);
    ballast::cpi::deposit(call, asset, amount, None)
}

/// What the program says about a vault: the return data of `view_health`.
pub fn health<'info>(accounts: ballast::cpi::accounts::ViewHealth<'info>) -> Result<ballast::types::HealthView> {
    let answer = ballast::cpi::view_health(CpiContext::new(ballast::ID, accounts))?;
    Ok(answer.get())
}

/// A market, as an account of an instruction: the macro's type checks owner and discriminator.
pub fn cash(market: &AccountLoader<'_, ballast::accounts::Market>, asset: u8) -> Result<u64> {
    let market = market.load()?;
    let listed = &market.assets[..usize::from(market.asset_count)];
    listed.get(usize::from(asset)).map(|asset| asset.cash).ok_or_else(|| ProgramError::InvalidArgument.into())
}
// ANCHOR_END: cpi

/// A market of one asset, none of whose addresses equals another.
fn market() -> Box<Market> {
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    market.asset_count = 1;
    market.authority = Pubkey::new_from_array([5; 32]);
    market.assets[0].mint = Pubkey::new_from_array([6; 32]);
    market.assets[0].custody = Pubkey::new_from_array([7; 32]);
    market.assets[0].cash = 1_234_567;
    market
}

#[test]
fn the_program_id_is_ours() {
    assert_eq!(ballast::ID, ballast_client::ID);
}

#[test]
fn a_deposit_is_the_same_instruction() {
    let (market, at, vault, payer) = (market(), Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
    let ours = MarketRef::new(at, &market).deposit(&payer, &vault, 0, 42);
    let asset = &market.assets[0];
    let declared = accounts::Deposit {
        payer,
        market: at,
        vault,
        source: token::address(&payer, &asset.mint, &asset.token_program()),
        custody: asset.custody,
        mint: asset.mint,
        token_program: asset.token_program(),
    };
    assert_eq!(declared.to_account_metas(None), ours.accounts);
    assert_eq!(args::Deposit { asset: 0, amount: 42, deadline_slot: None }.data(), ours.data);
}

#[test]
fn a_guarded_loan_is_the_same_instruction() {
    let (market, at, vault, owner) = (market(), Pubkey::new_unique(), Pubkey::new_unique(), Pubkey::new_unique());
    let guard = Guard { least_margin_bps: Some(12_000), deadline_slot: Some(99) };
    let ours = MarketRef::new(at, &market).guarded(guard).borrow(&owner, &vault, 0, 7);
    let guard = ballast::types::Guard { least_margin_bps: Some(12_000), deadline_slot: Some(99) };
    assert_eq!(args::Borrow { asset: 0, amount: 7, guard }.data(), ours.data);
}

#[test]
fn a_market_reads_the_same() {
    let market = market();
    let bytes = account::encode(&*market);
    let declared: &ballast::accounts::Market = bytemuck::from_bytes(&bytes[8..]);
    assert_eq!(declared.asset_count, 1);
    assert_eq!(declared.authority, market.authority);
    assert_eq!(declared.assets[0].cash, 1_234_567);
    assert_eq!(size_of::<ballast::accounts::Market>(), size_of::<Market>());
}
