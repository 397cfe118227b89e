//! Liquidations rehearsed on decoded accounts: the program's own bookings on copies, so that what is planned is what
//! will be moved. For whoever chooses among ways to liquidate a vault.

use ballast::liquidate::{Offer, plan};
use ballast::state::{Asset, Kind, Market, SpotHealth, Vault};
use ballast_risk::health::Side;
use ballast_risk::liquidation::{Liquidation, Shortfall};
use ballast_risk::receivership::{cost_ceil, liquidators_part_floor, missing};
use ballast_risk::{Amount, Fraction, Usd, holding};

use crate::preview::Stage;
pub use crate::preview::Takeover as Taken;

/// A pair, and the most that is paid for it: native units of the debt that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub debt_asset: u8,
    pub collateral_asset: u8,
    pub most_repaid: u64,
}

/// What `liquidate` would move. `None` when it would be refused.
pub fn liquidation(market: &Market, vault: &Vault, pair: Pair, now: u64) -> Option<Liquidation> {
    let Pair { debt_asset, collateral_asset, most_repaid } = pair;
    let offer = Offer { debt_asset, collateral_asset, most_repaid, now };
    plan(market, vault, &offer).ok().map(|(moved, _)| moved)
}

/// What `liquidate_into` would move. `None` when it would be refused, as where the vault that takes over would not meet
/// its initial requirement.
pub fn take_over(market: &Market, [vault, into]: [&Vault; 2], pair: Pair, now: u64) -> Option<Taken> {
    let assets = [pair.debt_asset, pair.collateral_asset];
    Stage::new(market, vault, now).hand_over(&mut { *into }, assets, pair.most_repaid).ok()
}

/// Native units of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub asset: u8,
    pub amount: u64,
}

/// A vault as `begin_liquidation` finds it.
#[derive(Clone, Copy, Debug)]
pub struct Receivership<'a> {
    market: &'a Market,
    vault: &'a Vault,
    now: u64,
    shortfall: Shortfall,
    solvent: bool,
    missing: i64,
    /// The largest part of a bonus that any of its debts keeps for the reserve.
    reserve_share: Fraction,
}

/// What `end_liquidation` would say of some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All would be well.
    Settled,
    /// The repayments do not pay for the seizures.
    SeizedTooMuch,
    /// The vault would be further from its target, or its margin worse without the least bonus being paid for.
    VaultWorse,
    /// The vault would be beyond its target by more than the dust value.
    TooFar,
    /// A step would be refused.
    Refused,
}

impl<'a> Receivership<'a> {
    /// `None` when the vault cannot be liquidated, or something else is open in the market.
    pub fn begin(market: &'a Market, vault: &'a Vault, now: u64) -> Option<Self> {
        let SpotHealth { target, maint, .. } = market.spot_health(vault, now, &mut None).ok()?;
        if maint.passes() || !market.in_flight.is(Kind::Nothing) {
            return None;
        }
        let solvent = target.equity() > 0;
        let debts = vault.used().iter().filter(|position| position.side() == Side::Debt);
        let shares = debts.filter_map(|position| market.listed().get(usize::from(position.asset)));
        let reserve_share = Fraction::new(shares.map(|asset| asset.bonus_reserve).max().unwrap_or(0));
        let (shortfall, missing) = (Shortfall::of(&maint), missing(&target, solvent));
        Some(Self { market, vault, now, shortfall, solvent, missing, reserve_share })
    }

    /// The part of the bonus of an asset that is left to the receiver: in full, and at its least.
    pub fn bonuses(&self, asset: &Asset) -> [Fraction; 2] {
        let bonus = asset.bonus();
        [bonus.at(&self.shortfall), bonus.least].map(|bonus| liquidators_part_floor(bonus, self.reserve_share))
    }

    /// The value that has to be repaid for a seizure at a bonus. `None` without a usable price.
    pub fn cost(&self, step: Step, bonus: Fraction) -> Option<Usd> {
        let price = self.market.listed().get(usize::from(step.asset))?.usable_spot(self.now).ok()?;
        cost_ceil(price, Amount::new(step.amount), bonus).ok()
    }

    /// What would become of the vault.
    pub fn end(&self, repayments: &[Step], seizures: &[Step]) -> Outcome {
        self.settle(repayments, seizures).unwrap_or(Outcome::Refused)
    }

    fn settle(&self, repayments: &[Step], seizures: &[Step]) -> Option<Outcome> {
        let (mut market, mut vault, now) = (Box::new(*self.market), *self.vault, self.now);
        let (mut repaid, mut owed, mut owed_at_least) = (0u64, 0u64, 0u64);
        for step in repayments {
            let amount = Amount::new(step.amount);
            let booked = market.move_one(&mut vault, step.asset, now, |pool, held| holding::repay(pool, held, amount));
            let tokens = Amount::new(booked.ok()?.tokens);
            let price = market.listed().get(usize::from(step.asset))?.usable_spot(now).ok()?;
            repaid = repaid.saturating_add(price.value_floor(tokens).ok()?.get());
        }
        for step in seizures {
            let asset = market.listed().get(usize::from(step.asset))?;
            let [bonus, least] = self.bonuses(asset);
            owed = owed.saturating_add(self.cost(*step, bonus)?.get());
            owed_at_least = owed_at_least.saturating_add(self.cost(*step, least)?.get());
            let amount = Some(Amount::new(step.amount));
            market.move_one(&mut vault, step.asset, now, |pool, held| holding::withdraw(pool, held, amount)).ok()?;
        }
        if repaid < owed {
            return Some(Outcome::SeizedTooMuch);
        }
        let SpotHealth { target, maint, .. } = market.spot_health(&vault, now, &mut None).ok()?;
        let ruined = vault.used().iter().all(|position| position.side() == Side::Debt);
        let worse = missing(&target, self.solvent) > self.missing && !ruined;
        if worse || Shortfall::of(&maint).margin < self.shortfall.margin && repaid < owed_at_least {
            return Some(Outcome::VaultWorse);
        }
        let beyond = missing(&target, true).min(0).unsigned_abs();
        Some(if beyond > market.dust { Outcome::TooFar } else { Outcome::Settled })
    }
}

/// Whether `absorb_bad_debt` would write off what a vault owes: nothing is left of its deposits.
pub fn is_bad_debt(market: &Market, vault: &Vault, now: u64) -> bool {
    let worthless = |asset: u8| {
        let pool = market.listed().get(usize::from(asset)).map(|asset| asset.accrued_pool(now));
        pool.is_some_and(|pool| vault.holding(asset).amount(&pool) == Ok(Amount::ZERO))
    };
    let mut deposits = vault.used().iter().filter(|position| position.side() == Side::Deposit);
    vault.has_debt() && deposits.all(|position| worthless(position.asset))
}
