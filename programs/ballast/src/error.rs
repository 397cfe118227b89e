//! Every way an instruction can refuse. Codes are append-only within their group; the name is the condition.

use anchor_lang::prelude::*;
use ballast_risk::Error as RiskError;

#[error_code]
pub enum BallastError {
    // 6000: input
    #[msg("The amount is zero")]
    AmountIsZero = 0,
    #[msg("The amount is worth less than one share; use a larger one")]
    AmountTooSmall = 1,
    #[msg("The amount or a total does not fit 64 bits")]
    AmountOutOfRange = 2,
    #[msg("The market has no asset of this index")]
    AssetUnknown = 3,
    #[msg("The mint is not the one of this asset")]
    WrongMint = 4,
    #[msg("The token program is not the one of this asset")]
    WrongTokenProgram = 5,
    #[msg("The custody account is not the one of this asset")]
    WrongCustody = 6,
    #[msg("Pass the oracle account of each source of each asset named, in the same order, at least one")]
    OracleListMismatch = 7,
    #[msg("Debt and collateral must be different assets")]
    SameAsset = 8,
    #[msg("Haircuts, add-ons, depth or bonus are out of order or out of range")]
    BadRiskParameters = 9,
    #[msg("The rate curve must rise from utilisation 0 to full and stay below the largest rate")]
    BadRateCurve = 10,
    #[msg("Ages or the price band are out of order")]
    BadPriceParameters = 11,
    #[msg("The mint has an extension that is not on the allow-list")]
    MintExtensionNotAllowed = 12,
    #[msg("The mint is listed in this market already")]
    MintAlreadyListed = 13,
    #[msg("The market holds its 64 assets already")]
    MarketFull = 14,
    #[msg("The mint has more than 18 decimals")]
    TooManyDecimals = 15,
    #[msg("The portfolio or stress parameters are out of order or out of range")]
    BadModel = 16,
    #[msg("A loading, volatility or shock is out of range, or lambda x volatility or multiplier x fall exceeds one")]
    BadSensitivities = 17,
    #[msg("The ramp is longer than 2^24 seconds")]
    BadRamp = 18,
    #[msg("The rows are none, or reach beyond the 64th asset")]
    RowsOutOfRange = 19,
    #[msg("No such parameter, or not one of this record")]
    ParameterUnknown = 20,
    #[msg("The parameter leaves its range; see the parameter table")]
    ParameterOutOfRange = 21,
    #[msg("Name parameters in the order of their codes, each once, at least one")]
    ParametersOutOfOrder = 22,
    #[msg("A price source lacks its key or base, or does not fit the other source or the caps")]
    BadSource = 23,
    #[msg("The change is too large for its account")]
    ChangeTooLarge = 24,
    #[msg("The delay must be at least as long as the notice")]
    BadPatience = 25,
    #[msg("An asset needs a price source before its caps rise, and with netting a volatility")]
    AssetNotReady = 26,

    #[msg("The transaction needs exactly one matching instruction that ends this, after it and not by another program")]
    UnmatchedPair = 27,
    #[msg("Only refresh_prices may come before begin_liquidation")]
    NotFirst = 28,
    #[msg("The deadline slot has passed")]
    DeadlinePassed = 29,

    // 6100: authority
    #[msg("Only governance may do this")]
    NotGovernance = 100,
    #[msg("Only the owner of the vault may do this")]
    NotVaultOwner = 101,
    #[msg("The vault belongs to another market")]
    WrongMarket = 102,
    #[msg("The authority is not the one of this market")]
    WrongAuthority = 103,
    #[msg("Only the author of the draft may do this")]
    NotDraftAuthor = 104,
    #[msg("Only the guardian or governance may do this")]
    NotGuardian = 105,
    #[msg("Only the key that was named for the role may accept it")]
    NotNamedForRole = 106,
    #[msg("Governance of this market does not use durable nonces")]
    DurableNonce = 107,

    #[msg("Only a transaction may call this, no other program")]
    CalledByProgram = 108,
    #[msg("Only the liquidator who began the receivership may do this")]
    NotReceiver = 109,
    #[msg("Only the key that the owner named may take the vault over")]
    NotNamedForVault = 110,
    #[msg("A delegate moves tokens to token accounts of the owner only")]
    DestinationNotOwners = 111,

    // 6200: oracle
    #[msg("The oracle account is not owned by the oracle program of this asset")]
    OracleWrongOwner = 200,
    #[msg("The oracle account is not the one of this asset, or not a price account")]
    OracleWrongAccount = 201,
    #[msg("The price update is for another feed")]
    FeedMismatch = 202,
    #[msg("The price update is only partially verified")]
    NotFullyVerified = 203,
    #[msg("The feed is not trading")]
    PriceNotTrading = 204,
    #[msg("The price is zero or negative")]
    PriceNotPositive = 205,
    #[msg("The price exponent is positive or below -18")]
    ExponentOutOfRange = 206,
    #[msg("The confidence interval is wider than the asset allows")]
    ConfidenceTooWide = 207,
    #[msg("The price is older than the asset allows; post a newer update")]
    PriceTooOld = 208,
    #[msg("The publish time lies in the future")]
    PriceFromFuture = 209,
    #[msg("A newer price has been accepted already")]
    PriceOlderThanStored = 210,
    #[msg("The price of one native unit leaves the range of the number format")]
    PriceOutOfRange = 211,
    #[msg("The price lies outside the band of the asset")]
    PriceOutsideBand = 212,
    #[msg("The feed has fewer samples than it asks for")]
    TooFewSamples = 213,
    #[msg("The stake pool has not been updated in this or the last epoch")]
    StakePoolNotUpdated = 214,
    #[msg("The price of the base asset is missing or too old; refresh it first")]
    BasePriceUnusable = 215,
    #[msg("No source is waiting to take over")]
    NoCandidate = 216,
    #[msg("The same update was observed already, or too short a time ago")]
    ObservedAlready = 217,

    // 6300: risk
    #[msg("A price that this needs is missing, too old or withheld by a guard; refresh it first")]
    PriceUnusable = 300,
    #[msg("The vault would fall below its initial margin requirement")]
    BelowInitMargin = 301,
    #[msg("The vault meets its maintenance requirement and cannot be liquidated")]
    VaultHealthy = 302,
    #[msg("The liquidation would repay or seize nothing")]
    LiquidationTooSmall = 303,
    #[msg("A position is worth more than the number format holds")]
    ValueOutOfRange = 304,
    #[msg("The vault has no debt in this asset")]
    NoDebt = 305,
    #[msg("The vault has no deposit in this asset")]
    NoDeposit = 306,
    #[msg("The vault still has collateral that can be liquidated")]
    CollateralLeft = 307,
    #[msg("A vault cannot take over from itself")]
    SameVault = 308,

    #[msg("More was seized than the repayments and the bonus pay for")]
    SeizedTooMuch = 309,
    #[msg("The vault would end beyond its target by more than the dust value")]
    LiquidatedTooFar = 310,
    #[msg("The vault would end further from its target, or with a smaller part of what Maint requires")]
    VaultWorse = 311,
    #[msg("The margin would be less than the instruction asks for")]
    MarginBelowGuard = 312,

    // 6400: liquidity and caps
    #[msg("The pool does not hold that many tokens at the moment")]
    NotEnoughCash = 400,
    #[msg("The deposit cap of the asset would be exceeded")]
    DepositCapExceeded = 401,
    #[msg("The debt cap of the asset would be exceeded")]
    DebtCapExceeded = 402,
    #[msg("The vault holds less than that")]
    InsufficientDeposit = 403,
    #[msg("The vault would use more than its share of the cap of the asset")]
    VaultShareExceeded = 404,
    #[msg("More of the asset would be lent than its utilisation cap allows")]
    UtilisationCapExceeded = 405,
    #[msg("More would leave within a period than the outflow limit of the asset allows; try less, or later")]
    OutflowLimitExceeded = 406,
    #[msg(
        "The issuer of the token has paused it, set a transfer hook or freezes new accounts; it does not move until he ends that"
    )]
    TokenHalted = 407,

    #[msg("Flash loans of the asset are off")]
    FlashLoansOff = 410,

    // 6500: governance
    #[msg("The draft is missing, or lacks the row of a listed asset")]
    DraftIncomplete = 500,
    #[msg("The rows of the draft are not those of this digest")]
    DraftChanged = 501,
    #[msg("Netting is off, so there is no model to confirm")]
    NettingIsOff = 502,
    #[msg("This is not proven to reduce risk, so it must wait: propose it")]
    MustWait = 503,
    #[msg("A value is not the one that the change was written against")]
    ValueChanged = 504,
    #[msg("The step is larger than the parameter table allows")]
    StepTooLarge = 505,
    #[msg("The steward has changed this asset within a day")]
    StewardTooSoon = 506,
    #[msg("The change is not due yet")]
    ChangeNotDue = 507,
    #[msg("The change has expired; propose it again")]
    ChangeExpired = 508,
    #[msg("The last change of the model is still phasing in")]
    ModelChanging = 509,
    #[msg("The market is open already")]
    MarketOpen = 510,
    #[msg("The market is not open yet")]
    MarketNotOpen = 511,
    #[msg("A pause lasts a second to a day")]
    PauseTooLong = 512,
    #[msg("The budget of pauses is spent; it comes back with time")]
    PauseBudgetSpent = 513,
    #[msg("The action is paused at the moment")]
    Paused = 514,
    #[msg("The guardian cannot prevent his own replacement")]
    GuardianReplaced = 515,
    #[msg("The account is not the one that the change names")]
    WrongChangeAccount = 516,
    #[msg("A rise at Target and Maint is under way; only a proposal replaces it")]
    RampRunning = 517,
    #[msg("The asset that was listed last has no price source yet")]
    ListingPending = 518,

    // 6600: state
    #[msg("All 32 positions of the vault are in use")]
    VaultFull = 600,
    #[msg("The vault still holds deposits or debts")]
    VaultNotEmpty = 601,

    #[msg("Not while a flash loan is open")]
    FlashLoanOpen = 602,
    #[msg("Not while a receivership is open, or not for this vault")]
    ReceivershipOpen = 603,
    #[msg("No flash loan of this amount is open")]
    NoFlashLoan = 604,
    #[msg("The vault is not under receivership")]
    NoReceivership = 605,

    // 6900: a bug of ours; nothing was changed
    #[msg("Custody holds less than the books say; please report this")]
    CustodyShort = 900,
}

impl From<RiskError> for BallastError {
    fn from(error: RiskError) -> Self {
        match error {
            RiskError::AmountOutOfRange => Self::AmountOutOfRange,
            RiskError::Insufficient => Self::InsufficientDeposit,
            RiskError::AmountTooSmall => Self::AmountTooSmall,
            RiskError::NotEnoughCash => Self::NotEnoughCash,
            RiskError::PriceOutOfRange => Self::PriceOutOfRange,
            RiskError::ConfidenceTooWide => Self::ConfidenceTooWide,
            RiskError::ValueOutOfRange => Self::ValueOutOfRange,
            RiskError::PriceUnusable => Self::PriceUnusable,
            RiskError::Healthy => Self::VaultHealthy,
            RiskError::LiquidationTooSmall => Self::LiquidationTooSmall,
            RiskError::BadRiskParameters => Self::BadRiskParameters,
            RiskError::BadRateCurve => Self::BadRateCurve,
            RiskError::BadPriceParameters => Self::BadPriceParameters,
            RiskError::BadRamp => Self::BadRamp,
            RiskError::BadModel => Self::BadModel,
            RiskError::BadSensitivities => Self::BadSensitivities,
            RiskError::TooManyPositions => Self::VaultFull,
            RiskError::OutflowExceeded => Self::OutflowLimitExceeded,
        }
    }
}

/// The refusal as the framework's error. Out of line, because building one takes some hundred bytes of code and every
/// check has one. In place of the framework's own conversion, whose function for the name takes 13 KB.
#[cold]
#[inline(never)]
pub fn refuse(error: BallastError) -> Error {
    Error::from(AnchorError {
        error_name: format!("{error:?}"),
        error_code_number: error.into(),
        error_msg: format!("{error}"),
        error_origin: None,
        compared_values: None,
    })
}

/// Refuses with an error of [`BallastError`] unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $error:ident) => {
        if !$condition {
            return Err($crate::error::refuse($crate::error::BallastError::$error));
        }
    };
}

#[cold]
#[inline(never)]
fn refuse_risk(error: RiskError) -> Error {
    refuse(error.into())
}

/// A risk result with the program's error, for use with `?`.
pub trait OrRefuse<T> {
    fn or_refuse(self) -> Result<T>;
}

impl<T> OrRefuse<T> for ballast_risk::Result<T> {
    #[inline(always)]
    fn or_refuse(self) -> Result<T> {
        self.map_err(refuse_risk)
    }
}
