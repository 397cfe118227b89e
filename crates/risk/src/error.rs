//! What arithmetic on money can refuse. The program maps every variant to one of its own codes.

/// Why a calculation was refused. Nothing is ever returned half done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An amount, a share count or a total does not fit 64 bits.
    AmountOutOfRange,
    /// More was to be taken than is there.
    Insufficient,
    /// The amount is worth less than one share, so nothing could be booked for it.
    AmountTooSmall,
    /// The pool does not hold that many tokens at the moment.
    NotEnoughCash,
    /// A price that the number format cannot hold (see [`crate::price::Price`]).
    PriceOutOfRange,
    /// The confidence interval is wider than the asset allows.
    ConfidenceTooWide,
    /// A position worth [`crate::units::MAX_VALUE`] or more.
    ValueOutOfRange,
    /// A price that the check depends on is missing or too old.
    PriceUnusable,
    /// The vault meets its maintenance requirement.
    Healthy,
    /// Nothing would be repaid or nothing would be seized.
    LiquidationTooSmall,
    /// Haircuts, add-ons or bonus are not ordered or leave their range.
    BadRiskParameters,
    /// The rate curve is not monotone, does not start at 0 or does not end at full utilisation.
    BadRateCurve,
    /// Maximum ages or the price band are out of order.
    BadPriceParameters,
    /// A ramp is longer than [`crate::ramp::MAX_RAMP_SECONDS`].
    BadRamp,
    /// The parameters of the portfolio or stress requirement are out of order or leave their range.
    BadModel,
    /// A coefficient of an asset leaves its range, or one more unit of the asset could cost more than it is worth.
    BadSensitivities,
    /// More positions than [`crate::exposure::MAX_EXPOSURES`].
    TooManyPositions,
    /// More would leave within a period than the outflow limit of the asset allows.
    OutflowExceeded,
}

pub type Result<T> = core::result::Result<T, Error>;
