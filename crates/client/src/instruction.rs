//! Builders for every instruction of the program.

use anchor_lang::prelude::Pubkey;
use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};
use anchor_lang::{InstructionData, ToAccountMetas};
use ballast::ID;
use ballast::state::{Asset, Market};
use ballast::{Guard, Scopes};

use crate::{address, token};

/// The instructions sysvar.
pub(crate) const INSTRUCTIONS: Pubkey = Pubkey::from_str_const("Sysvar1nstructions1111111111111111111111111");

pub(crate) fn build(accounts: &impl ToAccountMetas, data: &impl InstructionData) -> Instruction {
    Instruction { program_id: ID, accounts: accounts.to_account_metas(None), data: data.data() }
}

/// Creates the market account (`rent` lamports, paid by `payer`) and makes it a market to be set up. Both in one
/// transaction, signed by the market's key. `guardian` and `steward` may be the default key: nobody.
pub fn create_market(
    payer: &Pubkey,
    market: &Pubkey,
    [governance, guardian, steward]: [Pubkey; 3],
    rent: u64,
) -> [Instruction; 2] {
    let space = Market::SPACE as u64;
    let accounts =
        ballast::accounts::CreateMarket { market: *market, authority: address::authority(market), governance };
    [
        solana_system_interface::instruction::create_account(payer, market, rent, space, &ID),
        build(&accounts, &ballast::instruction::CreateMarket { guardian, steward }),
    ]
}

/// Adds an asset that nobody can use yet. `mint` belongs to `token_program`.
pub fn list_asset(
    governance: &Pubkey,
    payer: &Pubkey,
    market: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
    name: [u8; 16],
) -> Instruction {
    let accounts = ballast::accounts::ListAsset {
        governance: *governance,
        payer: *payer,
        market: *market,
        mint: *mint,
        custody: address::custody(market, mint),
        authority: address::authority(market),
        token_program: *token_program,
        system_program: anchor_lang::system_program::ID,
        instructions: INSTRUCTIONS,
    };
    build(&accounts, &ballast::instruction::ListAsset { name })
}

/// Refreshes prices: the index of each asset with the account of its first source, and of its second if it has
/// one.
pub fn refresh_prices(market: &Pubkey, prices: &[(u8, Pubkey, Option<Pubkey>)]) -> Instruction {
    let assets = prices.iter().map(|(asset, ..)| *asset).collect();
    let mut instruction =
        build(&ballast::accounts::RefreshPrices { market: *market }, &ballast::instruction::RefreshPrices { assets });
    let accounts = prices.iter().flat_map(|(_, first, second)| [Some(*first), *second]).flatten();
    instruction.accounts.extend(accounts.map(|oracle| AccountMeta::new_readonly(oracle, false)));
    instruction
}

/// Compares the candidate source of an asset with its price.
pub fn observe_candidate(market: &Pubkey, asset: u8, oracle: &Pubkey) -> Instruction {
    let accounts = ballast::accounts::ObserveCandidate { market: *market, oracle: *oracle };
    build(&accounts, &ballast::instruction::ObserveCandidate { asset })
}

pub fn open_vault(owner: &Pubkey, payer: &Pubkey, market: &Pubkey, id: u16) -> Instruction {
    let accounts = ballast::accounts::OpenVault {
        owner: *owner,
        payer: *payer,
        market: *market,
        vault: address::vault(market, owner, id),
        system_program: anchor_lang::system_program::ID,
    };
    build(&accounts, &ballast::instruction::OpenVault { id })
}

pub fn close_vault(owner: &Pubkey, vault: &Pubkey, receiver: &Pubkey) -> Instruction {
    let accounts = ballast::accounts::CloseVault { owner: *owner, vault: *vault, receiver: *receiver };
    build(&accounts, &ballast::instruction::CloseVault {})
}

/// Lets somebody act for a vault up to a second of unix time; the default key is nobody.
pub fn set_delegate(owner: &Pubkey, vault: &Pubkey, delegate: Pubkey, scopes: Scopes, until: u64) -> Instruction {
    let accounts = ballast::accounts::SetDelegate { owner: *owner, vault: *vault };
    build(&accounts, &ballast::instruction::SetDelegate { delegate, scopes, until })
}

/// A market's address with its decoded account: what the builders below take the accounts of an asset from.
#[derive(Clone, Copy)]
pub struct MarketRef<'a> {
    pub address: Pubkey,
    pub market: &'a Market,
    /// What every instruction built with it asks for; by default nothing.
    pub guard: Guard,
}

impl<'a> MarketRef<'a> {
    pub fn new(address: Pubkey, market: &'a Market) -> Self {
        Self { address, market, guard: Guard::default() }
    }

    /// The same, for instructions that are refused after a slot, or where less margin would be left.
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// The record of an asset; that of the first for an index that is not listed, so that the program refuses the index.
    fn asset(&self, index: u8) -> &Asset {
        self.market.listed().get(usize::from(index)).unwrap_or(&self.market.assets[0])
    }

    fn pay_in(&self, payer: &Pubkey, vault: &Pubkey, index: u8) -> ballast::accounts::PayIn {
        let asset = self.asset(index);
        let token_program = asset.token_program();
        ballast::accounts::PayIn {
            payer: *payer,
            market: self.address,
            vault: *vault,
            source: token::address(payer, &asset.mint, &token_program),
            custody: asset.custody,
            mint: asset.mint,
            token_program,
        }
    }

    /// To the associated token account of `to`.
    fn pay_out(&self, signer: &Pubkey, to: &Pubkey, vault: &Pubkey, index: u8) -> ballast::accounts::PayOut {
        let asset = self.asset(index);
        let token_program = asset.token_program();
        ballast::accounts::PayOut {
            signer: *signer,
            market: self.address,
            vault: *vault,
            custody: asset.custody,
            destination: token::address(to, &asset.mint, &token_program),
            authority: self.market.authority,
            mint: asset.mint,
            token_program,
        }
    }

    /// From the associated token account of the payer: the owner, or a delegate.
    pub fn deposit(&self, payer: &Pubkey, vault: &Pubkey, asset: u8, amount: u64) -> Instruction {
        let deadline_slot = self.guard.deadline_slot;
        build(&self.pay_in(payer, vault, asset), &ballast::instruction::Deposit { asset, amount, deadline_slot })
    }

    /// From the payer's associated token account.
    pub fn repay(&self, payer: &Pubkey, vault: &Pubkey, asset: u8, amount: u64) -> Instruction {
        let deadline_slot = self.guard.deadline_slot;
        build(&self.pay_in(payer, vault, asset), &ballast::instruction::Repay { asset, amount, deadline_slot })
    }

    /// To the owner's associated token account; `None` is everything.
    pub fn withdraw(&self, owner: &Pubkey, vault: &Pubkey, asset: u8, amount: Option<u64>) -> Instruction {
        self.withdraw_for(owner, owner, vault, asset, amount)
    }

    /// To the owner's associated token account.
    pub fn borrow(&self, owner: &Pubkey, vault: &Pubkey, asset: u8, amount: u64) -> Instruction {
        self.borrow_for(owner, owner, vault, asset, amount)
    }

    /// By a delegate.
    pub fn withdraw_for(
        &self,
        delegate: &Pubkey,
        owner: &Pubkey,
        vault: &Pubkey,
        asset: u8,
        amount: Option<u64>,
    ) -> Instruction {
        let data = ballast::instruction::Withdraw { asset, amount, guard: self.guard };
        build(&self.pay_out(delegate, owner, vault, asset), &data)
    }

    /// By a delegate.
    pub fn borrow_for(&self, delegate: &Pubkey, owner: &Pubkey, vault: &Pubkey, asset: u8, amount: u64) -> Instruction {
        let data = ballast::instruction::Borrow { asset, amount, guard: self.guard };
        build(&self.pay_out(delegate, owner, vault, asset), &data)
    }

    /// Repays from and seizes to the liquidator's associated token accounts.
    pub fn liquidate(
        &self,
        liquidator: &Pubkey,
        vault: &Pubkey,
        debt_asset: u8,
        collateral_asset: u8,
        most_repaid: u64,
    ) -> Instruction {
        let (debt, collateral) = (self.asset(debt_asset), self.asset(collateral_asset));
        let accounts = ballast::accounts::Liquidate {
            liquidator: *liquidator,
            market: self.address,
            vault: *vault,
            source: token::address(liquidator, &debt.mint, &debt.token_program()),
            debt_custody: debt.custody,
            debt_mint: debt.mint,
            debt_token_program: debt.token_program(),
            collateral_custody: collateral.custody,
            destination: token::address(liquidator, &collateral.mint, &collateral.token_program()),
            authority: self.market.authority,
            collateral_mint: collateral.mint,
            collateral_token_program: collateral.token_program(),
        };
        let deadline_slot = self.guard.deadline_slot;
        let data = ballast::instruction::Liquidate { debt_asset, collateral_asset, most_repaid, deadline_slot };
        build(&accounts, &data)
    }

    /// A vault of the liquidator takes debt and collateral over, without tokens.
    pub fn liquidate_into(
        &self,
        owner: &Pubkey,
        vault: &Pubkey,
        into: &Pubkey,
        debt_asset: u8,
        collateral_asset: u8,
        most_repaid: u64,
    ) -> Instruction {
        let accounts =
            ballast::accounts::LiquidateInto { owner: *owner, market: self.address, vault: *vault, into: *into };
        let deadline_slot = self.guard.deadline_slot;
        let data = ballast::instruction::LiquidateInto { debt_asset, collateral_asset, most_repaid, deadline_slot };
        build(&accounts, &data)
    }

    fn pay_pool(&self, payer: &Pubkey, index: u8) -> ballast::accounts::PayPool {
        let asset = self.asset(index);
        let token_program = asset.token_program();
        ballast::accounts::PayPool {
            payer: *payer,
            market: self.address,
            source: token::address(payer, &asset.mint, &token_program),
            custody: asset.custody,
            mint: asset.mint,
            token_program,
        }
    }

    /// From the payer's associated token account.
    pub fn fund_reserve(&self, payer: &Pubkey, asset: u8, amount: u64) -> Instruction {
        let deadline_slot = self.guard.deadline_slot;
        build(&self.pay_pool(payer, asset), &ballast::instruction::FundReserve { asset, amount, deadline_slot })
    }

    /// Both legs of a flash loan, to and from the borrower's associated token account. The transaction must contain both, in this
    /// order; anything may stand between them.
    pub fn flash_loan(&self, borrower: &Pubkey, asset: u8, amount: u64) -> [Instruction; 2] {
        let record = self.asset(asset);
        let token_program = record.token_program();
        let borrow = ballast::accounts::FlashBorrow {
            borrower: *borrower,
            market: self.address,
            custody: record.custody,
            destination: token::address(borrower, &record.mint, &token_program),
            authority: self.market.authority,
            mint: record.mint,
            token_program,
            instructions: INSTRUCTIONS,
        };
        let deadline_slot = self.guard.deadline_slot;
        [
            build(&borrow, &ballast::instruction::FlashBorrow { asset, amount, deadline_slot }),
            build(&self.pay_pool(borrower, asset), &ballast::instruction::FlashRepay { asset, amount }),
        ]
    }

    /// Both ends of a receivership. The transaction must contain both, in this order, with seizures, repayments and whatever other
    /// programs do between them, and nothing of this program before but `refresh_prices`.
    pub fn receivership(&self, liquidator: &Pubkey, vault: &Pubkey) -> [Instruction; 2] {
        let begin = ballast::accounts::BeginLiquidation {
            liquidator: *liquidator,
            market: self.address,
            vault: *vault,
            instructions: INSTRUCTIONS,
        };
        let end = ballast::accounts::EndLiquidation { liquidator: *liquidator, market: self.address, vault: *vault };
        let deadline_slot = self.guard.deadline_slot;
        [
            build(&begin, &ballast::instruction::BeginLiquidation { deadline_slot }),
            build(&end, &ballast::instruction::EndLiquidation {}),
        ]
    }

    /// To the receiver's associated token account.
    pub fn seize(&self, receiver: &Pubkey, vault: &Pubkey, asset: u8, amount: u64) -> Instruction {
        build(&self.pay_out(receiver, receiver, vault, asset), &ballast::instruction::Seize { asset, amount })
    }

    fn of_vault(&self, signer: &Pubkey, vault: &Pubkey) -> ballast::accounts::TransferVault {
        ballast::accounts::TransferVault { signer: *signer, market: self.address, vault: *vault }
    }

    /// Offers the vault to somebody; the default key takes the offer back.
    pub fn transfer_vault(&self, owner: &Pubkey, vault: &Pubkey, to: Pubkey) -> Instruction {
        build(&self.of_vault(owner, vault), &ballast::instruction::TransferVault { to })
    }

    /// Takes over a vault that was offered.
    pub fn accept_vault(&self, named: &Pubkey, vault: &Pubkey) -> Instruction {
        build(&self.of_vault(named, vault), &ballast::instruction::AcceptVault {})
    }

    pub fn absorb_bad_debt(&self, vault: &Pubkey) -> Instruction {
        let accounts = ballast::accounts::AbsorbBadDebt { market: self.address, vault: *vault };
        build(&accounts, &ballast::instruction::AbsorbBadDebt {})
    }

    /// Simulate it and decode the return data as [`ballast::HealthView`].
    pub fn view_health(&self, vault: &Pubkey) -> Instruction {
        let accounts = ballast::accounts::ViewHealth { market: self.address, vault: *vault };
        build(&accounts, &ballast::instruction::ViewHealth {})
    }
}
