//! `list_asset`: adds an asset that nobody can use yet, and creates its custody account. Its parameters and its price
//! source are changes like any other.

use anchor_lang::prelude::*;
use anchor_spl::token_interface::{InitializeAccount3, Mint, TokenInterface, initialize_account3};
use ballast_risk::interest::Pool;
use ballast_risk::model::Sensitivities;
use ballast_risk::variance::MULTIPLIER_ONE;

use crate::creation::Creation;
use crate::ensure;
use crate::event::AssetListed;
use crate::instructions::governance::propose_change::refuse_nonce;
use crate::mints;
use crate::oracle::unix_seconds;
use crate::seeds;
use crate::state::{Asset, Market, Role};

#[derive(Accounts)]
pub struct ListAsset<'info> {
    pub governance: Signer<'info>,
    /// Pays for the custody account.
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    #[account(mint::token_program = token_program)]
    pub mint: InterfaceAccount<'info, Mint>,
    /// CHECK: created here, at the one address it can have.
    #[account(mut, seeds = [seeds::CUSTODY, market.key().as_ref(), mint.key().as_ref()], bump)]
    pub custody: UncheckedAccount<'info>,
    /// CHECK: compared with the address stored in the market.
    pub authority: UncheckedAccount<'info>,
    pub token_program: Interface<'info, TokenInterface>,
    pub system_program: Program<'info, System>,
    /// CHECK: the instructions sysvar, by its address.
    #[account(address = solana_instructions_sysvar::ID)]
    pub instructions: UncheckedAccount<'info>,
}

/// Largest number of decimals of a mint.
const MAX_DECIMALS: u8 = 18;

impl ListAsset<'_> {
    fn validate(&self) -> Result<()> {
        let market = self.market.load()?;
        let mint = self.mint.key();
        ensure!(market.is(Role::Governance, self.governance.key), NotGovernance);
        refuse_nonce(&market, &self.instructions)?;
        ensure!(self.authority.key() == market.authority, WrongAuthority);
        ensure!(market.listed().len() < market.assets.len(), MarketFull);
        // Places are few, and a source waits: nobody fills them all in an hour.
        let pending = market.listed().last().is_some_and(|asset| asset.sources[0].is_none());
        ensure!(market.in_setup() || !pending, ListingPending);
        ensure!(market.listed().iter().all(|asset| asset.mint != mint), MintAlreadyListed);
        ensure!(self.mint.decimals <= MAX_DECIMALS, TooManyDecimals);
        mints::check(self.mint.as_ref())?;
        Ok(())
    }
}

/// `name`: for people, zero-padded UTF-8.
pub fn list_asset(context: Context<ListAsset>, name: [u8; 16]) -> Result<()> {
    context.accounts.validate()?;
    create_custody(&context)?;

    let accounts = &context.accounts;
    let mut market = accounts.market.load_mut()?;
    let index = market.asset_count;
    market.asset_count = index.saturating_add(1);
    let asset = market.asset_mut(index)?;
    asset.mint = accounts.mint.key();
    asset.custody = accounts.custody.key();
    asset.decimals = accounts.mint.decimals;
    asset.token_program = u8::from(accounts.token_program.key() != anchor_spl::token::ID);
    asset.name = name;
    asset.set_defaults();
    asset.set_pool(Pool::new(unix_seconds(&Clock::get()?)))?;
    let mint = asset.mint;
    emit!(AssetListed { market: accounts.market.key(), asset: index, mint, name });
    Ok(())
}

/// Creates the custody account.
fn create_custody(context: &Context<ListAsset>) -> Result<()> {
    let accounts = &context.accounts;
    let (market, mint) = (accounts.market.key(), accounts.mint.key());
    let token_program = accounts.token_program.key();
    Creation {
        payer: &accounts.payer,
        account: &accounts.custody,
        system_program: accounts.system_program.key,
        space: mints::account_space(accounts.mint.as_ref())?,
        owner: &token_program,
        seeds: &[seeds::CUSTODY, market.as_ref(), mint.as_ref(), &[context.bumps.custody]],
    }
    .run()?;
    let initialize = InitializeAccount3 {
        account: accounts.custody.to_account_info(),
        mint: accounts.mint.to_account_info(),
        authority: accounts.authority.to_account_info(),
    };
    initialize_account3(CpiContext::new(token_program, initialize))
}

/// The whole, as a fraction.
const ONE: u32 = u32::MAX;
const PERCENT: u32 = ONE / 100;
const HOUR: u32 = 3_600;
/// One and a half, as a multiple.
const CAUTION: u32 = MULTIPLIER_ONE + MULTIPLIER_ONE / 2;

impl Asset {
    /// Nothing can happen with an asset that was just listed: no price source, caps of zero, haircuts and add-ons of the
    /// whole. The guards are set to values that suit many; every other value is a change.
    fn set_defaults(&mut self) {
        (self.haircuts, self.haircuts_before) = ([ONE; 3], [ONE; 3]);
        (self.addons, self.addons_before) = ([ONE; 3], [ONE; 3]);
        (self.vault_deposit_share, self.vault_debt_share, self.utilisation_cap) = (ONE, ONE, ONE);
        (self.outflow_limit, self.outflow_period) = (20 * PERCENT, 24 * HOUR);
        self.reserve_factor = 10 * PERCENT;
        for point in self.curve.iter_mut().skip(1) {
            point.utilisation = ONE;
        }
        (self.max_age, self.max_age_init, self.average_period) = (120, 120, HOUR);
        (self.max_confidence, self.confidence_multiple) = (2 * PERCENT, 212);
        (self.variance_period, self.volatility, self.volatility_limit) = (24 * HOUR, MULTIPLIER_ONE, MULTIPLIER_ONE);
        self.band_high = u64::MAX;
        (self.conservative, self.agreement, self.source_checks) = (1, 2 * PERCENT, 10);
        (self.breaker_jump, self.breaker_drawdown, self.breaker_confidence) = (10 * PERCENT, 20 * PERCENT, PERCENT);
        (self.breaker_variance, self.breaker_seconds, self.caution) = (4 * MULTIPLIER_ONE, HOUR, CAUTION);
        self.growth_limit = 15 * PERCENT;
        // Flash loans are off.
        (self.bonus_reserve, self.flash_fee) = (10 * PERCENT, ONE);
        (self.recovery_gap, self.recovery_grace) = (HOUR / 2, HOUR / 6);
        self.columns = [Sensitivities::NONE.columns(); 2];
    }
}
