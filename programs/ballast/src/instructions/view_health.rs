//! `view_health`: what the program decides about a vault, as return data. Call it by simulation.

use anchor_lang::prelude::*;
use ballast_risk::health::{Binding, Health, MarginState};

use crate::ensure;
use crate::oracle::unix_seconds;
use crate::state::{Market, Vault};

#[derive(Accounts)]
pub struct ViewHealth<'info> {
    pub market: AccountLoader<'info, Market>,
    pub vault: AccountLoader<'info, Vault>,
}

/// The requirement that decides, see risk-model 3.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindingView {
    #[default]
    Haircuts,
    Portfolio,
    Stress,
}

/// One level of the check, in micro-dollars.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelView {
    /// False when a price that the level needs is missing; the numbers are then zero.
    pub decided: bool,
    /// Whether the equity covers every requirement.
    pub passes: bool,
    /// The largest requirement.
    pub binding: BindingView,
    pub assets: u64,
    pub debts: u64,
    /// Assets less debts.
    pub equity: i64,
    /// The haircut requirement `H`.
    pub haircuts: u64,
    /// What counts of it: all, or its floor with netting.
    pub floor: u64,
    /// The portfolio requirement `P` as its square, in square micro-dollars.
    pub portfolio_squared: u128,
    /// The stress requirement `S`.
    pub stress: u64,
    /// Index of the worst scenario and of its name in the market; means nothing without scenarios.
    pub worst_scenario: u8,
    /// The largest of floor, `P` and `S`.
    pub requirement: u64,
}

/// The margin state, see risk-model 4.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateView {
    Healthy,
    Restricted,
    Liquidatable,
    Insolvent,
    /// A deposit has no usable price, so that nothing can be said; the vault cannot be liquidated.
    Unpriced,
}

#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthView {
    pub init: LevelView,
    pub target: LevelView,
    pub maint: LevelView,
    pub state: StateView,
}

impl From<Health> for LevelView {
    fn from(health: Health) -> Self {
        Self {
            decided: true,
            passes: health.passes(),
            binding: match health.binding() {
                Binding::Haircuts => BindingView::Haircuts,
                Binding::Portfolio => BindingView::Portfolio,
                Binding::Stress => BindingView::Stress,
            },
            assets: health.assets.get(),
            debts: health.debts.get(),
            equity: health.equity(),
            haircuts: health.haircuts.get(),
            floor: health.floor.get(),
            portfolio_squared: health.portfolio_squared(),
            stress: health.stress().get(),
            worst_scenario: health.modelled.worst,
            requirement: health.requirement().get(),
        }
    }
}

impl HealthView {
    /// The view of a vault at a time; clients call the same function on decoded accounts.
    pub fn of(market: &Market, vault: &Vault, now: u64) -> Self {
        let init = market.init_health(vault, now).ok();
        let spot = market.spot_health(vault, now, &mut None).ok();
        let (target, maint) = (spot.map(|spot| spot.target), spot.map(|spot| spot.maint));
        let view = |health: Option<Health>| health.map_or_else(LevelView::default, LevelView::from);
        let state = match maint.map(|maint| MarginState::of(init.as_ref(), &maint)) {
            // Without debts nothing can be asked of a vault.
            _ if !vault.has_debt() => StateView::Healthy,
            None => StateView::Unpriced,
            Some(MarginState::Healthy) => StateView::Healthy,
            Some(MarginState::Restricted) => StateView::Restricted,
            Some(MarginState::Liquidatable) => StateView::Liquidatable,
            Some(MarginState::Insolvent) => StateView::Insolvent,
        };
        Self { init: view(init), target: view(target), maint: view(maint), state }
    }
}

pub fn view_health(context: Context<ViewHealth>) -> Result<HealthView> {
    let vault = context.accounts.vault.load()?;
    ensure!(vault.market == context.accounts.market.key(), WrongMarket);
    let market = context.accounts.market.load()?;
    Ok(HealthView::of(&market, &vault, unix_seconds(&Clock::get()?)))
}
