//! The committed list of error codes. Codes are append-only: a line is added, never changed or removed.

use ballast_client::BallastError;
use ballast_client::BallastError::*;

/// Every error with its code and its name.
pub const COMMITTED: &[(BallastError, u32, &str)] = &[
    (AmountIsZero, 6000, "AmountIsZero"),
    (AmountTooSmall, 6001, "AmountTooSmall"),
    (AmountOutOfRange, 6002, "AmountOutOfRange"),
    (AssetUnknown, 6003, "AssetUnknown"),
    (WrongMint, 6004, "WrongMint"),
    (WrongTokenProgram, 6005, "WrongTokenProgram"),
    (WrongCustody, 6006, "WrongCustody"),
    (OracleListMismatch, 6007, "OracleListMismatch"),
    (SameAsset, 6008, "SameAsset"),
    (BadRiskParameters, 6009, "BadRiskParameters"),
    (BadRateCurve, 6010, "BadRateCurve"),
    (BadPriceParameters, 6011, "BadPriceParameters"),
    (MintExtensionNotAllowed, 6012, "MintExtensionNotAllowed"),
    (MintAlreadyListed, 6013, "MintAlreadyListed"),
    (MarketFull, 6014, "MarketFull"),
    (TooManyDecimals, 6015, "TooManyDecimals"),
    (BadModel, 6016, "BadModel"),
    (BadSensitivities, 6017, "BadSensitivities"),
    (BadRamp, 6018, "BadRamp"),
    (RowsOutOfRange, 6019, "RowsOutOfRange"),
    (NotGovernance, 6100, "NotGovernance"),
    (NotVaultOwner, 6101, "NotVaultOwner"),
    (WrongMarket, 6102, "WrongMarket"),
    (WrongAuthority, 6103, "WrongAuthority"),
    (NotDraftAuthor, 6104, "NotDraftAuthor"),
    (OracleWrongOwner, 6200, "OracleWrongOwner"),
    (OracleWrongAccount, 6201, "OracleWrongAccount"),
    (FeedMismatch, 6202, "FeedMismatch"),
    (NotFullyVerified, 6203, "NotFullyVerified"),
    (PriceNotTrading, 6204, "PriceNotTrading"),
    (PriceNotPositive, 6205, "PriceNotPositive"),
    (ExponentOutOfRange, 6206, "ExponentOutOfRange"),
    (ConfidenceTooWide, 6207, "ConfidenceTooWide"),
    (PriceTooOld, 6208, "PriceTooOld"),
    (PriceFromFuture, 6209, "PriceFromFuture"),
    (PriceOlderThanStored, 6210, "PriceOlderThanStored"),
    (PriceOutOfRange, 6211, "PriceOutOfRange"),
    (PriceUnusable, 6300, "PriceUnusable"),
    (BelowInitMargin, 6301, "BelowInitMargin"),
    (VaultHealthy, 6302, "VaultHealthy"),
    (LiquidationTooSmall, 6303, "LiquidationTooSmall"),
    (ValueOutOfRange, 6304, "ValueOutOfRange"),
    (NoDebt, 6305, "NoDebt"),
    (NoDeposit, 6306, "NoDeposit"),
    (NotEnoughCash, 6400, "NotEnoughCash"),
    (DepositCapExceeded, 6401, "DepositCapExceeded"),
    (DebtCapExceeded, 6402, "DebtCapExceeded"),
    (InsufficientDeposit, 6403, "InsufficientDeposit"),
    (DraftIncomplete, 6500, "DraftIncomplete"),
    (DraftChanged, 6501, "DraftChanged"),
    (NettingIsOff, 6502, "NettingIsOff"),
    (VaultFull, 6600, "VaultFull"),
    (VaultNotEmpty, 6601, "VaultNotEmpty"),
    (CustodyShort, 6900, "CustodyShort"),
];

/// The error of a code.
pub fn by_code(code: u32) -> Option<&'static BallastError> {
    COMMITTED.iter().find(|(_, committed, _)| *committed == code).map(|(error, ..)| error)
}
