//! `list_asset`: adds an asset with its parameters and creates its custody account.

use anchor_lang::prelude::*;
use anchor_lang::system_program;
use anchor_spl::token_2022::spl_token_2022::extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions};
use anchor_spl::token_2022::spl_token_2022::state::Mint as MintState;
use anchor_spl::token_interface::{InitializeAccount3, Mint, TokenInterface, initialize_account3};
use ballast_risk::haircut::Depth;
use ballast_risk::interest::{CURVE_POINTS, Pool};
use ballast_risk::liquidation::Bonus;
use ballast_risk::model::{Model, Sensitivities};
use ballast_risk::params::{
    Levels, PriceParameters, RiskParameters, check_curve, check_price, check_risk, check_sensitivities,
};
use ballast_risk::variance::MULTIPLIER_ONE;
use ballast_risk::{Fraction, Usd};

use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::event::AssetListed;
use crate::oracle::unix_seconds;
use crate::seeds;
use crate::state::{Asset, Market, OracleKind, RatePoint};

/// Parameters of an asset. Fractions are in 2^-32 (the largest number stands for one), rates per second in 2^-52.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct AssetParameters {
    /// For people, zero-padded UTF-8.
    pub name: [u8; 16],
    pub oracle_kind: OracleKind,
    /// Feed id (pull) or address of the price account (push).
    pub oracle: Pubkey,
    /// Oldest price accepted, seconds.
    pub max_age: u32,
    /// Averaging period of the time-weighted price, seconds.
    pub average_period: u32,
    /// Widest confidence interval accepted, as a part of the price.
    pub max_confidence: u32,
    /// Multiple of the confidence interval taken off at `Init`, in hundredths.
    pub confidence_multiple: u16,
    /// Haircuts of deposits at Init, Target, Maint.
    pub haircuts: [u32; 3],
    /// Add-ons of debts at Init, Target, Maint.
    pub addons: [u32; 3],
    /// Liquidity depth, micro-dollars; 0 is off.
    pub depth: u64,
    pub bonus_least: u32,
    pub bonus_most: u32,
    pub bonus_slope: u32,
    /// Part of the interest that goes to the reserve.
    pub reserve_factor: u32,
    pub curve: [RatePoint; CURVE_POINTS],
    /// Native units.
    pub deposit_cap: u64,
    /// Native units.
    pub debt_cap: u64,
    /// Averaging period of the realised variance, seconds.
    pub variance_period: u32,
    /// Variance per second that the haircuts are calibrated for, in 2^-64; 0 turns the volatility multiplier off.
    pub calibrated_variance: u64,
    /// Largest volatility multiplier, in 2^-16.
    pub volatility_limit: u32,
    /// Factor loadings and specific volatility, in 2^-30; zero in a market without netting.
    pub loadings: [i32; 7],
    /// Shocks by scenario, in 2^-30; zero in a market without scenarios.
    pub shocks: [i32; 8],
}

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
}

/// Largest number of decimals of a mint.
const MAX_DECIMALS: u8 = 18;
/// Extensions that cannot touch balances or transfers. Everything else, also what does not exist yet, is refused.
const ALLOWED_EXTENSIONS: [ExtensionType; 2] = [ExtensionType::MetadataPointer, ExtensionType::TokenMetadata];

impl ListAsset<'_> {
    fn validate(&self) -> Result<()> {
        let market = self.market.load()?;
        let mint = self.mint.key();
        ensure!(self.governance.key() == market.governance, NotGovernance);
        ensure!(self.authority.key() == market.authority, WrongAuthority);
        ensure!(market.listed().len() < market.assets.len(), MarketFull);
        ensure!(market.listed().iter().all(|asset| asset.mint != mint), MintAlreadyListed);
        ensure!(self.mint.decimals <= MAX_DECIMALS, TooManyDecimals);
        check_extensions(&self.mint.to_account_info())
    }
}

fn check_extensions(mint: &AccountInfo) -> Result<()> {
    if *mint.owner == anchor_spl::token::ID {
        return Ok(());
    }
    let data = mint.try_borrow_data()?;
    let state = StateWithExtensions::<MintState>::unpack(&data)?;
    let allowed = state.get_extension_types()?.iter().all(|kind| ALLOWED_EXTENSIONS.contains(kind));
    ensure!(allowed, MintExtensionNotAllowed);
    Ok(())
}

pub fn list_asset(context: Context<ListAsset>, parameters: AssetParameters) -> Result<()> {
    context.accounts.validate()?;
    let depth = check_parameters(&parameters)?;
    let sensitivities = check_columns(&context.accounts.market.load()?.model(), &parameters)?;
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
    asset.set_parameters(&parameters, depth);
    asset.columns = sensitivities.columns();
    asset.set_pool(Pool::new(unix_seconds(&Clock::get()?)))?;
    let (mint, oracle) = (asset.mint, asset.oracle);
    emit!(AssetListed { market: accounts.market.key(), asset: index, mint, oracle });
    Ok(())
}

/// Init, Target, Maint.
pub fn levels([init, target, maint]: [u32; 3]) -> Levels {
    Levels { init: Fraction::new(init), target: Fraction::new(target), maint: Fraction::new(maint) }
}

/// Checks the coefficients against the model of the market.
fn check_columns(model: &Model, parameters: &AssetParameters) -> Result<Sensitivities> {
    let [loadings @ .., specific] = parameters.loadings;
    let specific = u32::try_from(specific).map_err(|_| refuse(BallastError::BadSensitivities))?;
    let sensitivities = Sensitivities { loadings, specific, shocks: parameters.shocks };
    check_sensitivities(model, &sensitivities).or_refuse()?;
    Ok(sensitivities)
}

/// Checks what is asked for and returns the depth with its reciprocal.
fn check_parameters(parameters: &AssetParameters) -> Result<Depth> {
    let depth = Depth::new(Usd::new(parameters.depth)).ok_or_else(|| refuse(BallastError::BadRiskParameters))?;
    let bonus = Bonus {
        least: Fraction::new(parameters.bonus_least),
        most: Fraction::new(parameters.bonus_most),
        slope: Fraction::new(parameters.bonus_slope),
    };
    let (haircuts, addons) = (levels(parameters.haircuts), levels(parameters.addons));
    check_risk(&RiskParameters { haircuts, addons, depth, bonus }).or_refuse()?;
    let AssetParameters { max_age, average_period, confidence_multiple, variance_period, volatility_limit, .. } =
        *parameters;
    check_price(&PriceParameters { max_age, average_period, confidence_multiple, variance_period, volatility_limit })
        .or_refuse()?;
    let mut probe: Asset = bytemuck::Zeroable::zeroed();
    probe.curve = parameters.curve;
    check_curve(&probe.curve()).or_refuse()?;
    Ok(depth)
}

/// Creates the custody account. An account that somebody sent lamports to before is taken over all the same.
fn create_custody(context: &Context<ListAsset>) -> Result<()> {
    let accounts = &context.accounts;
    let custody = accounts.custody.to_account_info();
    let (market, mint) = (accounts.market.key(), accounts.mint.key());
    let signer: &[&[&[u8]]] = &[&[seeds::CUSTODY, market.as_ref(), mint.as_ref(), &[context.bumps.custody]]];
    let token_program = accounts.token_program.key();
    // Without extensions on the mint a custody account needs none either; both programs use the same 165 bytes.
    let space = 165u64;
    let system = accounts.system_program.key();
    let missing = Rent::get()?.minimum_balance(165).saturating_sub(custody.lamports());
    if missing > 0 {
        let from = accounts.payer.to_account_info();
        system_program::transfer(
            CpiContext::new(system, system_program::Transfer { from, to: custody.clone() }),
            missing,
        )?;
    }
    let account_to_allocate = custody.clone();
    let allocate = system_program::Allocate { account_to_allocate };
    system_program::allocate(CpiContext::new_with_signer(system, allocate, signer), space)?;
    let assign = system_program::Assign { account_to_assign: custody.clone() };
    system_program::assign(CpiContext::new_with_signer(system, assign, signer), &token_program)?;
    let initialize = InitializeAccount3 {
        account: custody,
        mint: accounts.mint.to_account_info(),
        authority: accounts.authority.to_account_info(),
    };
    initialize_account3(CpiContext::new(token_program, initialize))
}

impl Asset {
    /// Stores checked parameters.
    fn set_parameters(&mut self, parameters: &AssetParameters, depth: Depth) {
        self.name = parameters.name;
        self.oracle_kind = parameters.oracle_kind.code();
        self.oracle = parameters.oracle;
        self.max_age = parameters.max_age;
        self.average_period = parameters.average_period;
        self.max_confidence = parameters.max_confidence;
        self.confidence_multiple = parameters.confidence_multiple;
        (self.haircuts, self.haircuts_before) = (parameters.haircuts, parameters.haircuts);
        (self.addons, self.addons_before) = (parameters.addons, parameters.addons);
        (self.depth, self.depth_reciprocal, self.depth_shift) = depth.parts();
        self.bonus_least = parameters.bonus_least;
        self.bonus_most = parameters.bonus_most;
        self.bonus_slope = parameters.bonus_slope;
        self.reserve_factor = parameters.reserve_factor;
        self.curve = parameters.curve;
        self.deposit_cap = parameters.deposit_cap;
        self.debt_cap = parameters.debt_cap;
        self.variance_period = parameters.variance_period;
        self.calibrated_variance = parameters.calibrated_variance;
        // As calm as calibrated until prices say otherwise.
        self.variance = parameters.calibrated_variance;
        self.volatility = MULTIPLIER_ONE;
        self.volatility_limit = parameters.volatility_limit;
    }
}
