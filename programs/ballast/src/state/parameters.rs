//! Where the parameters of the table (`ballast_risk::table`) lie in the market account.

use core::mem::offset_of;

use anchor_lang::prelude::*;
use ballast_risk::table::Parameter;

use crate::error::{BallastError, refuse};
use crate::state::{Asset, Market};

/// Bytes of a record that hold one number, little-endian.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    width: usize,
}

const fn place(offset: usize, width: usize) -> Place {
    Place { offset, width }
}

/// Entry `at` of an array of such entries.
const fn entry(offset: usize, stride: usize, at: usize, within: usize) -> Place {
    place(offset.wrapping_add(at.wrapping_mul(stride)).wrapping_add(within), 4)
}

macro_rules! field {
    ($record:ident.$field:ident, $width:literal) => {
        place(offset_of!($record, $field), $width)
    };
}

const fn of_parameter(parameter: Parameter) -> Place {
    use Parameter as P;
    const HAIRCUTS: usize = offset_of!(Asset, haircuts);
    const ADDONS: usize = offset_of!(Asset, addons);
    const CURVE: usize = offset_of!(Asset, curve);
    match parameter {
        P::DepositCap => field!(Asset.deposit_cap, 8),
        P::DebtCap => field!(Asset.debt_cap, 8),
        P::VaultDepositShare => field!(Asset.vault_deposit_share, 4),
        P::VaultDebtShare => field!(Asset.vault_debt_share, 4),
        P::UtilisationCap => field!(Asset.utilisation_cap, 4),
        P::OutflowLimit => field!(Asset.outflow_limit, 4),
        P::OutflowPeriod => field!(Asset.outflow_period, 4),
        P::HaircutInit => entry(HAIRCUTS, 4, 0, 0),
        P::HaircutTarget => entry(HAIRCUTS, 4, 1, 0),
        P::HaircutMaint => entry(HAIRCUTS, 4, 2, 0),
        P::AddonInit => entry(ADDONS, 4, 0, 0),
        P::AddonTarget => entry(ADDONS, 4, 1, 0),
        P::AddonMaint => entry(ADDONS, 4, 2, 0),
        P::Depth => field!(Asset.depth, 8),
        P::BonusLeast => field!(Asset.bonus_least, 4),
        P::BonusMost => field!(Asset.bonus_most, 4),
        P::BonusSlope => field!(Asset.bonus_slope, 4),
        P::ReserveFactor => field!(Asset.reserve_factor, 4),
        P::Utilisation0 => entry(CURVE, 8, 0, 0),
        P::Utilisation1 => entry(CURVE, 8, 1, 0),
        P::Utilisation2 => entry(CURVE, 8, 2, 0),
        P::Utilisation3 => entry(CURVE, 8, 3, 0),
        P::Utilisation4 => entry(CURVE, 8, 4, 0),
        P::Utilisation5 => entry(CURVE, 8, 5, 0),
        P::Utilisation6 => entry(CURVE, 8, 6, 0),
        P::Utilisation7 => entry(CURVE, 8, 7, 0),
        P::Rate0 => entry(CURVE, 8, 0, 4),
        P::Rate1 => entry(CURVE, 8, 1, 4),
        P::Rate2 => entry(CURVE, 8, 2, 4),
        P::Rate3 => entry(CURVE, 8, 3, 4),
        P::Rate4 => entry(CURVE, 8, 4, 4),
        P::Rate5 => entry(CURVE, 8, 5, 4),
        P::Rate6 => entry(CURVE, 8, 6, 4),
        P::Rate7 => entry(CURVE, 8, 7, 4),
        P::MaxAge => field!(Asset.max_age, 4),
        P::MaxAgeInit => field!(Asset.max_age_init, 4),
        P::AveragePeriod => field!(Asset.average_period, 4),
        P::MaxConfidence => field!(Asset.max_confidence, 4),
        P::ConfidenceMultiple => field!(Asset.confidence_multiple, 2),
        P::VariancePeriod => field!(Asset.variance_period, 4),
        P::CalibratedVariance => field!(Asset.calibrated_variance, 8),
        P::VolatilityLimit => field!(Asset.volatility_limit, 4),
        P::BandLow => field!(Asset.band_low, 8),
        P::BandHigh => field!(Asset.band_high, 8),
        P::Conservative => field!(Asset.conservative, 1),
        P::Agreement => field!(Asset.agreement, 4),
        P::SourceChecks => field!(Asset.source_checks, 1),
        P::BreakerJump => field!(Asset.breaker_jump, 4),
        P::BreakerConfidence => field!(Asset.breaker_confidence, 4),
        P::BreakerDrawdown => field!(Asset.breaker_drawdown, 4),
        P::BreakerVariance => field!(Asset.breaker_variance, 4),
        P::BreakerSeconds => field!(Asset.breaker_seconds, 4),
        P::Caution => field!(Asset.caution, 4),
        P::GrowthLimit => field!(Asset.growth_limit, 4),
        P::RecoveryGap => field!(Asset.recovery_gap, 4),
        P::RecoveryGrace => field!(Asset.recovery_grace, 4),
        P::BonusReserve => field!(Asset.bonus_reserve, 4),
        P::FlashFee => field!(Asset.flash_fee, 4),
        P::Delay => field!(Market.delay, 4),
        P::Notice => field!(Market.notice, 4),
        P::Window => field!(Market.window, 4),
        P::Dust => field!(Market.dust, 8),
        P::RefuseNonces => field!(Market.refuse_nonces, 1),
        P::FirstCap => field!(Market.first_cap, 8),
    }
}

/// The number that a parameter has in a record of its scope; `None` for a record of another size.
pub fn read(record: &[u8], parameter: Parameter) -> Option<u64> {
    let Place { offset, width } = of_parameter(parameter);
    let mut word = [0; 8];
    word.get_mut(..width)?.copy_from_slice(record.get(offset..)?.get(..width)?);
    Some(u64::from_le_bytes(word))
}

/// Gives it another number. Whoever calls it has checked the range, which fits the width.
///
/// # Errors
/// `ParameterUnknown` for a record of another size.
pub fn write(record: &mut [u8], parameter: Parameter, value: u64) -> Result<()> {
    let Place { offset, width } = of_parameter(parameter);
    let word = value.to_le_bytes();
    let target = record.get_mut(offset..).and_then(|rest| rest.get_mut(..width));
    let (Some(target), Some(bytes)) = (target, word.get(..width)) else {
        return Err(refuse(BallastError::ParameterUnknown));
    };
    target.copy_from_slice(bytes);
    Ok(())
}
