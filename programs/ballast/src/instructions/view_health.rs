//! `view_health`: what the program decides about a vault, as return data. Call it by simulation.

use anchor_lang::prelude::*;
use ballast_risk::health::{Health, Level, MarginState};

use crate::ensure;
use crate::oracle::unix_seconds;
use crate::state::{Market, Vault};

#[derive(Accounts)]
pub struct ViewHealth<'info> {
    pub market: AccountLoader<'info, Market>,
    pub vault: AccountLoader<'info, Vault>,
}

/// One level of the check, in micro-dollars.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelView {
    /// False when a price that the level needs is missing; the numbers are then zero.
    pub decided: bool,
    pub assets: u64,
    pub debts: u64,
    /// Assets less debts.
    pub equity: i64,
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
            assets: health.assets.get(),
            debts: health.debts.get(),
            equity: health.equity(),
            requirement: health.requirement.get(),
        }
    }
}

impl HealthView {
    /// The view of a vault at a time; clients call the same function on decoded accounts.
    pub fn of(market: &Market, vault: &Vault, now: u64) -> Self {
        let [init, target, maint] = Level::ALL.map(|level| market.health(vault, level, now).ok());
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
