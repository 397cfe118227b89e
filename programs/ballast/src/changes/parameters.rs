//! Parameters of the table: what an edit must fulfil, and what follows from it.

use anchor_lang::prelude::*;
use ballast_risk::haircut::Depth;
use ballast_risk::health::{Level, Side};
use ballast_risk::model::{MAX_SCENARIOS, Sensitivities};
use ballast_risk::params::{Levels, PriceParameters, RiskParameters, check_curve, check_price, check_risk};
use ballast_risk::price::Price;
use ballast_risk::ramp::{MAX_RAMP_SECONDS, Ramp};
use ballast_risk::table::{Parameter, Scope};
use ballast_risk::{Amount, Fraction, Usd};

use super::Path;
use crate::ensure;
use crate::error::{BallastError, OrRefuse, refuse};
use crate::state::change::Edit;
use crate::state::{Asset, Market, parameters};

/// The exponent of the price band.
const PICO_DOLLARS: i32 = -12;
/// Seconds between two changes of one asset by the steward.
const STEWARD_PERIOD: u64 = 86_400;

/// The longest delay that a row of the table asks for.
pub fn least_delay(edits: &[Edit]) -> u32 {
    let rows = edits.iter().filter_map(|edit| Parameter::from_code(edit.parameter));
    rows.map(|parameter| parameter.row().delay).max().unwrap_or(0)
}

/// What an edit is judged against besides its row.
struct Bench {
    scope: Scope,
    path: Path,
    /// No step is too large.
    free: bool,
    /// There is a cap above zero.
    capped: bool,
    /// What caps of deposits and debts may grow to from zero, native units.
    first_caps: [u64; 2],
    in_force: InForce,
}

/// What counts at the moment of what moves along a ramp.
#[derive(Clone, Copy, Default)]
struct InForce {
    haircuts: [u32; 3],
    addons: [u32; 3],
    depth: Depth,
}

impl InForce {
    fn of(&self, parameter: Parameter) -> Option<u64> {
        let [_, haircut_target, haircut_maint] = self.haircuts;
        let [_, addon_target, addon_maint] = self.addons;
        match parameter {
            Parameter::HaircutTarget => Some(u64::from(haircut_target)),
            Parameter::HaircutMaint => Some(u64::from(haircut_maint)),
            Parameter::AddonTarget => Some(u64::from(addon_target)),
            Parameter::AddonMaint => Some(u64::from(addon_maint)),
            Parameter::Depth => Some(self.depth.parts().0),
            _ => None,
        }
    }
}

impl Bench {
    /// Writes the new values into a record. Says whether it took the steward's right.
    #[inline(never)]
    fn write(&self, record: &mut [u8], edits: &[Edit]) -> Result<bool> {
        let (mut last, mut by_steward) = (None, false);
        for edit in edits {
            ensure!(last < Some(edit.parameter), ParametersOutOfOrder);
            last = Some(edit.parameter);
            let parameter = Parameter::from_code(edit.parameter).filter(|known| known.scope() == self.scope);
            let parameter = parameter.ok_or_else(|| refuse(BallastError::ParameterUnknown))?;
            ensure!(parameters::read(record, parameter) == Some(edit.from), ValueChanged);
            by_steward |= self.judge(parameter, edit)?;
            parameters::write(record, parameter, edit.to)?;
        }
        ensure!(last.is_some(), ParametersOutOfOrder);
        Ok(by_steward)
    }

    fn judge(&self, parameter: Parameter, edit: &Edit) -> Result<bool> {
        let row = parameter.row();
        ensure!(row.allows(edit.to), ParameterOutOfRange);
        let mut by_steward = false;
        if let Path::AtOnce { tightens, steward } = self.path {
            by_steward = !(tightens && row.tightened(edit.from, edit.to));
            ensure!(!by_steward || (steward && row.within_steward(edit.from, edit.to)), MustWait);
        }
        let in_force = self.in_force.of(parameter).unwrap_or(edit.from);
        // A cap starts small also where nobody has a deposit yet, and is worth no more later on.
        let bounded = row.grows() || (self.capped && parameter == Parameter::BandHigh);
        let free = self.free && (matches!(self.path, Path::SetUp) || !bounded);
        let [deposits, debts] = self.first_caps;
        let first = if parameter == Parameter::DebtCap { debts } else { deposits };
        let waited = matches!(self.path, Path::Waited);
        ensure!(free || row.within_step(in_force, edit.to, first, waited), StepTooLarge);
        Ok(by_steward)
    }
}

impl Market {
    /// Sets parameters of an asset, or of the market.
    ///
    /// # Errors
    /// `AssetUnknown`, those of [`Bench::write`], and of what parameters must fulfil together.
    pub fn set_parameters(&mut self, asset: Option<u8>, edits: &[Edit], ramp: u32, path: Path, now: u64) -> Result<()> {
        let bench = self.bench(asset, path, now)?;
        let Some(index) = asset else {
            bench.write(bytemuck::bytes_of_mut(self), edits)?;
            return self.check_market();
        };
        let notice = u64::from(self.notice);
        let netting = self.model().current.netting;
        let record = self.asset_mut(index)?;
        // Interest so far is at the rates so far, and what has leaked has leaked by the limit so far.
        record.accrue(now);
        if edits.iter().any(|edit| limits_outflow(edit.parameter)) {
            record.settle_outflow(now);
        }
        if bench.write(bytemuck::bytes_of_mut(record), edits)? {
            ensure!(now >= record.steward_at.saturating_add(STEWARD_PERIOD), StewardTooSoon);
            record.steward_at = now;
        }
        let depth = Depth::new(Usd::new(record.depth)).ok_or_else(|| refuse(BallastError::ParameterOutOfRange))?;
        (record.depth, record.depth_reciprocal, record.depth_shift) = depth.parts();
        // Init jumps.
        (record.haircuts_before[0], record.addons_before[0]) = (record.haircuts[0], record.addons[0]);
        if edits.iter().any(|edit| ramps(edit.parameter)) {
            // Or whoever may tighten could put off what governance has started, or slow it down.
            let at_once = matches!(path, Path::AtOnce { .. });
            ensure!(!at_once || (record.ramp().over(now) && ramp == 0), RampRunning);
            let seconds = if bench.free { None } else { Some(notice.max(u64::from(ramp))) };
            record.start_ramp(&bench.in_force, now.saturating_add(notice), seconds)?;
        }
        record.check_parameters(now)?;
        record.check_readiness(edits, netting)?;
        let pool = record.pool();
        record.set_pool(pool)?;
        record.renew_windows(now);
        Ok(())
    }

    /// Whether these edits would be accepted now. Undoes them.
    ///
    /// # Errors
    /// As [`Market::set_parameters`]; the record is then left changed.
    pub fn check_parameters(&mut self, asset: Option<u8>, edits: &[Edit], ramp: u32, now: u64) -> Result<()> {
        ensure!(u64::from(ramp) <= MAX_RAMP_SECONDS, BadRamp);
        let Some(index) = asset else {
            self.set_parameters(None, edits, ramp, Path::Waited, now)?;
            return undo(bytemuck::bytes_of_mut(self), edits);
        };
        // Interest and a ramp come with the edits.
        let before = Box::new(*self.asset(index)?);
        self.set_parameters(asset, edits, ramp, Path::Waited, now)?;
        *self.asset_mut(index)? = *before;
        Ok(())
    }

    fn bench(&self, asset: Option<u8>, path: Path, now: u64) -> Result<Bench> {
        let Some(index) = asset else {
            let free = matches!(path, Path::SetUp);
            let in_force = InForce::default();
            return Ok(Bench { scope: Scope::Market, path, free, capped: false, first_caps: [0; 2], in_force });
        };
        let record = self.asset(index)?;
        let in_force = |side| Level::ALL.map(|level| record.haircut_before_volatility(level, side, now).get());
        let pool = record.accrued_pool(now);
        // At the highest price that the band allows: a price that is to rise later opens no larger cap.
        let highest = Price::from_decimal_floor(record.band_high, PICO_DOLLARS, record.decimals);
        let open = record.band_high == u64::MAX;
        let first =
            highest.ok().filter(|_| !open).map_or(0, |price| price.amount_floor(Usd::new(self.first_cap)).get());
        // Who has nothing in an asset cannot be harmed by it.
        let unused = record.deposit_shares == 0 && record.debt_shares == 0;
        Ok(Bench {
            scope: Scope::Asset,
            path,
            free: unused || matches!(path, Path::SetUp),
            capped: record.deposit_cap != 0 || record.debt_cap != 0,
            // Or what is there already, or a cap that the guardian has closed would take weeks to come back.
            first_caps: [pool.deposits_ceil(), pool.debts_floor()].map(|all| all.map_or(0, Amount::get).max(first)),
            in_force: InForce {
                haircuts: in_force(Side::Deposit),
                addons: in_force(Side::Debt),
                depth: record.depth(now),
            },
        })
    }

    fn check_market(&self) -> Result<()> {
        ensure!(self.delay >= self.notice, BadPatience);
        Ok(())
    }
}

fn limits_outflow(code: u8) -> bool {
    [Parameter::OutflowLimit, Parameter::OutflowPeriod].map(Parameter::code).contains(&code)
}

/// Whether a parameter is one of those that share a ramp.
fn ramps(code: u8) -> bool {
    Parameter::from_code(code).is_some_and(|parameter| parameter.row().ramps)
}

fn undo(record: &mut [u8], edits: &[Edit]) -> Result<()> {
    for edit in edits {
        if let Some(parameter) = Parameter::from_code(edit.parameter) {
            parameters::write(record, parameter, edit.from)?;
        }
    }
    Ok(())
}

/// Where values start from: where they are if they rise and count at `Target` or `Maint`, otherwise where they go, at once.
fn starts([init, target, maint]: [u32; 3], [_, target_now, maint_now]: [u32; 3]) -> [u32; 3] {
    [init, target.min(target_now), maint.min(maint_now)]
}

impl Asset {
    /// Starts the ramp of what rises at `Target` and `Maint`, at a time and for some seconds; `None` is no ramp at all.
    fn start_ramp(&mut self, in_force: &InForce, start: u64, seconds: Option<u64>) -> Result<()> {
        let depth = Depth::from_parts(self.depth, self.depth_reciprocal, self.depth_shift);
        let haircuts = starts(self.haircuts, in_force.haircuts);
        let addons = starts(self.addons, in_force.addons);
        let rises = haircuts != self.haircuts || addons != self.addons;
        let shallower = Parameter::Depth.row().tightened(in_force.depth.parts().0, depth.parts().0);
        let ramp = match seconds.filter(|_| rises || shallower) {
            Some(seconds) => Ramp::new(start, seconds).or_refuse()?,
            None => Ramp::default(),
        };
        (self.haircuts_before, self.addons_before) = (haircuts, addons);
        let before = if shallower { in_force.depth } else { depth };
        (self.depth_before, self.depth_before_reciprocal, self.depth_before_shift) = before.parts();
        (self.ramp_start, self.ramp_end, self.ramp_reciprocal) = ramp.parts();
        Ok(())
    }

    /// What the parameters of an asset must fulfil together, now and at the end of a ramp.
    fn check_parameters(&self, now: u64) -> Result<()> {
        let in_force = |side| Level::ALL.map(|level| self.haircut_before_volatility(level, side, now).get());
        for (haircuts, addons) in [(self.haircuts, self.addons), (in_force(Side::Deposit), in_force(Side::Debt))] {
            let (haircuts, addons) = (levels(haircuts), levels(addons));
            check_risk(&RiskParameters { haircuts, addons, depth: self.depth(now), bonus: self.bonus() })
                .or_refuse()?;
        }
        check_curve(&self.curve()).or_refuse()?;
        check_price(&PriceParameters {
            max_age: self.max_age,
            max_age_init: self.max_age_init,
            band_low: self.band_low,
            band_high: self.band_high,
        })
        .or_refuse()?;
        Ok(())
    }

    /// Nobody may come into an asset that has no price, or that the model says nothing about.
    fn check_readiness(&self, edits: &[Edit], netting: bool) -> Result<()> {
        let caps = [Parameter::DepositCap.code(), Parameter::DebtCap.code()];
        let opens = edits.iter().any(|edit| caps.contains(&edit.parameter) && edit.to > edit.from);
        let ([first, _], [columns, _]) = (&self.sources, &self.columns);
        let volatile = Sensitivities { shocks: [0; MAX_SCENARIOS], ..Sensitivities::from_columns(columns) };
        let ready = !first.is_none() && (!netting || volatile != Sensitivities::NONE);
        ensure!(!opens || ready, AssetNotReady);
        Ok(())
    }
}

/// Init, Target, Maint.
fn levels([init, target, maint]: [u32; 3]) -> Levels {
    Levels { init: Fraction::new(init), target: Fraction::new(target), maint: Fraction::new(maint) }
}
