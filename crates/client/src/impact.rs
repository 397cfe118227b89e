//! What a change of a market would do to those who are in it: how many vaults, and how much money, lose which right.
//!
//! The change is carried out on a copy of the market by the program's own function and counted when it is in force whole:
//! notices and ramps are over, prices are those of the market, and the clock stands still. So what is counted is the
//! change and nothing else.

use ballast::changes::Path;
use ballast::state::change::Proposal;
use ballast::state::{Asset, Draft, Market, SourceKind, Vault};
use ballast::{HealthView, LevelView, StateView};
use ballast_risk::Error as RiskError;
use ballast_risk::price::Price;

use crate::Pubkey;
use crate::preview::{set, shocked_pico_dollars};
use crate::refusal::Refusal;

/// A move of prices by which something is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shock {
    /// Index of the asset; `None` for all.
    pub asset: Option<u8>,
    /// Basis points of the price: -2,000 is a fall by a fifth.
    pub bps: i32,
}

/// Some vaults together, at spot prices, rounded as the health check rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub vaults: u64,
    /// Micro-dollars.
    pub debts: u64,
    /// Micro-dollars.
    pub collateral: u64,
}

/// A market's vaults with debts by what they have lost. Who has lost more is counted in every row above as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub indebted: Group,
    /// Below `Init`, or without a price for it: no new risk.
    pub restricted: Group,
    /// Below `Target`: as far as a liquidation would go.
    pub below_target: Group,
    /// Below `Maint`.
    pub liquidatable: Group,
    /// They owe more than they have.
    pub insolvent: Group,
    /// Of which nothing can be said at spot prices; in `indebted` and `restricted` without their money.
    pub unpriced: u64,
}

/// Where a vault stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: StateView,
    pub below_target: bool,
    /// Micro-dollars at spot prices.
    pub debts: u64,
    /// Micro-dollars at spot prices.
    pub collateral: u64,
    /// Equity less the requirement at `Maint`, micro-dollars; `None` without a price.
    pub above_maint: Option<i64>,
}

/// A vault that loses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affected {
    pub vault: Pubkey,
    pub owner: Pubkey,
    pub before: Standing,
    pub after: Standing,
}

/// The market before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    pub before: Tally,
    pub after: Tally,
    /// The vaults that cross a line to the worse, the gravest first, then the largest debts.
    pub worst: Vec<Affected>,
    /// How many they are.
    pub affected: u64,
}

/// The market with a change in force whole. `draft` for a model with rows.
///
/// # Errors
/// What `execute_change` would say now, but for the delay.
pub fn in_force(market: &Market, proposal: &Proposal, draft: Option<&Draft>, now: u64) -> Result<Box<Market>, Refusal> {
    let mut changed = copied(market);
    let path = if market.in_setup() { Path::SetUp } else { Path::Waited };
    changed.carry_out(proposal, path, draft, now)?;
    match proposal {
        Proposal::Parameters { asset: Some(index), .. } => finish_ramp(changed.asset_mut(*index)?),
        Proposal::Model { .. } => {
            (changed.change_start, changed.change_end, changed.change_reciprocal) = (0, 0, 0);
        }
        _ => {}
    }
    Ok(changed)
}

/// The state at the end of a ramp, now.
fn finish_ramp(asset: &mut Asset) {
    (asset.ramp_start, asset.ramp_end, asset.ramp_reciprocal) = (0, 0, 0);
    (asset.haircuts_before, asset.addons_before) = (asset.haircuts, asset.addons);
    (asset.depth_before, asset.depth_before_reciprocal) = (asset.depth, asset.depth_reciprocal);
    asset.depth_before_shift = asset.depth_shift;
}

/// A market on the heap: it is large.
pub fn copied(market: &Market) -> Box<Market> {
    let mut copy: Box<Market> = bytemuck::allocation::zeroed_box();
    bytemuck::bytes_of_mut(&mut *copy).copy_from_slice(bytemuck::bytes_of(market));
    copy
}

/// The market after prices have moved. Spot becomes what a refresh at the moved price would store; the other prices that
/// are kept of an asset move by the same part, rounded down. What a stake pool values moves with its base. Breakers and
/// the volatility multiplier stay as they are.
///
/// # Errors
/// `AssetUnknown`; `PriceOutOfRange` for what leaves no price.
pub fn shocked(market: &Market, shocks: &[Shock], now: u64) -> Result<Box<Market>, Refusal> {
    let mut moved = copied(market);
    for shock in shocks {
        if let Some(index) = shock.asset {
            market.asset(index)?;
        }
    }
    for index in 0..market.asset_count {
        let own = |index: u8| shocks.iter().filter(move |shock| shock.asset.is_none_or(|asset| asset == index));
        let [first, _] = &market.asset(index)?.sources;
        let base = (first.kind() == SourceKind::StakePool).then_some(first.base);
        let named = |index: u8| shocks.iter().any(|shock| shock.asset == Some(index));
        // Who names the token itself means the token.
        let of = base.filter(|base| named(*base) && !named(index)).unwrap_or(index);
        for shock in own(of) {
            move_prices(moved.asset_mut(index)?, shock.bps).map_err(|error| Refusal::from(refusal(error)))?;
        }
        moved.asset_mut(index)?.accrue(now);
    }
    Ok(moved)
}

fn refusal(error: RiskError) -> anchor_lang::error::Error {
    ballast::error::refuse(error.into())
}

fn move_prices(asset: &mut Asset, bps: i32) -> ballast_risk::Result<()> {
    let (Some(spot), Some(average), Some(low), Some(high)) = (asset.spot(), asset.average(), asset.low(), asset.high())
    else {
        return Ok(());
    };
    if let Some(number) = shocked_pico_dollars(asset, bps) {
        return set(asset, number);
    }
    // More than the numbers of feeds hold.
    let parts = u64::try_from(10_000i64.saturating_add(i64::from(bps))).map_err(|_| RiskError::PriceOutOfRange)?;
    let rate = (parts << 32) / 10_000;
    let moved = |price: Price| price.times_floor(rate);
    let peak = asset.peak().map_or(Ok(spot), moved)?;
    asset.set_prices(moved(spot)?, moved(average)?, moved(low)?, moved(high)?, peak);
    Ok(())
}

/// Counts the vaults of a market.
pub fn tally<'a>(market: &Market, vaults: impl IntoIterator<Item = &'a Vault>, now: u64) -> Tally {
    let mut tally = Tally::default();
    for vault in vaults {
        if vault.has_debt() {
            tally.count(&HealthView::of(market, vault, now));
        }
    }
    tally
}

impl Tally {
    fn count(&mut self, view: &HealthView) {
        let HealthView { init, target, maint, .. } = view;
        let fails = |level: &LevelView| level.decided && !level.passes;
        self.unpriced = self.unpriced.saturating_add(u64::from(!maint.decided));
        self.indebted.add(maint);
        if !init.decided || !init.passes {
            self.restricted.add(maint);
        }
        if fails(target) {
            self.below_target.add(maint);
        }
        if fails(maint) {
            self.liquidatable.add(maint);
        }
        if maint.decided && maint.equity < 0 {
            self.insolvent.add(maint);
        }
    }
}

impl Group {
    fn add(&mut self, level: &LevelView) {
        self.vaults = self.vaults.saturating_add(1);
        self.debts = self.debts.saturating_add(level.debts);
        self.collateral = self.collateral.saturating_add(level.assets);
    }
}

impl Standing {
    fn of(view: &HealthView) -> Self {
        let HealthView { target, maint, .. } = view;
        let above = maint.equity.saturating_sub(i64::try_from(maint.requirement).unwrap_or(i64::MAX));
        Self {
            state: view.state,
            below_target: target.decided && !target.passes,
            debts: maint.debts,
            collateral: maint.assets,
            above_maint: maint.decided.then_some(above),
        }
    }

    /// How bad it is; what cannot be said at spot prices stands beside what is restricted.
    fn gravity(&self) -> u8 {
        match self.state {
            StateView::Healthy => 0,
            StateView::Unpriced => 1,
            StateView::Restricted if self.below_target => 2,
            StateView::Restricted => 1,
            StateView::Liquidatable => 3,
            StateView::Insolvent => 4,
        }
    }
}

/// Compares two states of a market for the same vaults at the same time; names the `most` worst vaults.
pub fn compared(before: &Market, after: &Market, vaults: &[(Pubkey, Vault)], now: u64, most: usize) -> Impact {
    let (mut was, mut is, mut worst) = (Tally::default(), Tally::default(), vec![]);
    for (address, vault) in vaults.iter().filter(|(_, vault)| vault.has_debt()) {
        let views = [before, after].map(|market| HealthView::of(market, vault, now));
        let [view_before, view_after] = &views;
        was.count(view_before);
        is.count(view_after);
        let [before, after] = views.each_ref().map(Standing::of);
        if after.gravity() > before.gravity() {
            worst.push(Affected { vault: *address, owner: vault.owner, before, after });
        }
    }
    let affected = u64::try_from(worst.len()).unwrap_or(u64::MAX);
    worst.sort_by_key(|vault| std::cmp::Reverse((vault.after.gravity(), vault.after.debts)));
    worst.truncate(most);
    Impact { before: was, after: is, worst, affected }
}
