//! Codes of errors by the program that numbers them.

use anchor_lang::error::ErrorCode as F;
use ballast::ID_CONST as ID;

use super::logged::Logged;
use crate::token::{ASSOCIATED_TOKEN, SPL_TOKEN, TOKEN_2022};
use crate::{BallastError as B, Pubkey};

/// Every error of the program.
#[rustfmt::skip]
pub const ALL: [B; 108] = [
    // 6000
    B::AmountIsZero,
    B::AmountTooSmall,
    B::AmountOutOfRange,
    B::AssetUnknown,
    B::WrongMint,
    B::WrongTokenProgram,
    B::WrongCustody,
    B::OracleListMismatch,
    B::SameAsset,
    B::BadRiskParameters,
    B::BadRateCurve,
    B::BadPriceParameters,
    B::MintExtensionNotAllowed,
    B::MintAlreadyListed,
    B::MarketFull,
    B::TooManyDecimals,
    B::BadModel,
    B::BadSensitivities,
    B::BadRamp,
    B::RowsOutOfRange,
    B::ParameterUnknown,
    B::ParameterOutOfRange,
    B::ParametersOutOfOrder,
    B::BadSource,
    B::ChangeTooLarge,
    B::BadPatience,
    B::AssetNotReady,
    B::UnmatchedPair,
    B::NotFirst,
    B::DeadlinePassed,
    // 6100
    B::NotGovernance,
    B::NotVaultOwner,
    B::WrongMarket,
    B::WrongAuthority,
    B::NotDraftAuthor,
    B::NotGuardian,
    B::NotNamedForRole,
    B::DurableNonce,
    B::CalledByProgram,
    B::NotReceiver,
    B::NotNamedForVault,
    B::DestinationNotOwners,
    // 6200
    B::OracleWrongOwner,
    B::OracleWrongAccount,
    B::FeedMismatch,
    B::NotFullyVerified,
    B::PriceNotTrading,
    B::PriceNotPositive,
    B::ExponentOutOfRange,
    B::ConfidenceTooWide,
    B::PriceTooOld,
    B::PriceFromFuture,
    B::PriceOlderThanStored,
    B::PriceOutOfRange,
    B::PriceOutsideBand,
    B::TooFewSamples,
    B::StakePoolNotUpdated,
    B::BasePriceUnusable,
    B::NoCandidate,
    B::ObservedAlready,
    // 6300
    B::PriceUnusable,
    B::BelowInitMargin,
    B::VaultHealthy,
    B::LiquidationTooSmall,
    B::ValueOutOfRange,
    B::NoDebt,
    B::NoDeposit,
    B::CollateralLeft,
    B::SameVault,
    B::SeizedTooMuch,
    B::LiquidatedTooFar,
    B::VaultWorse,
    B::MarginBelowGuard,
    // 6400
    B::NotEnoughCash,
    B::DepositCapExceeded,
    B::DebtCapExceeded,
    B::InsufficientDeposit,
    B::VaultShareExceeded,
    B::UtilisationCapExceeded,
    B::OutflowLimitExceeded,
    B::TokenHalted,
    B::FlashLoansOff,
    // 6500
    B::DraftIncomplete,
    B::DraftChanged,
    B::NettingIsOff,
    B::MustWait,
    B::ValueChanged,
    B::StepTooLarge,
    B::StewardTooSoon,
    B::ChangeNotDue,
    B::ChangeExpired,
    B::ModelChanging,
    B::MarketOpen,
    B::MarketNotOpen,
    B::PauseTooLong,
    B::PauseBudgetSpent,
    B::Paused,
    B::GuardianReplaced,
    B::WrongChangeAccount,
    B::RampRunning,
    B::ListingPending,
    // 6600
    B::VaultFull,
    B::VaultNotEmpty,
    B::FlashLoanOpen,
    B::ReceivershipOpen,
    B::NoFlashLoan,
    B::NoReceivership,
    // 6900
    B::CustodyShort,
];

/// Errors that the framework gives in the program's name.
#[rustfmt::skip]
const FRAMEWORK: [F; 52] = [
    F::InstructionMissing,
    F::InstructionFallbackNotFound,
    F::InstructionDidNotDeserialize,
    F::InstructionDidNotSerialize,
    F::ConstraintMut,
    F::ConstraintHasOne,
    F::ConstraintSigner,
    F::ConstraintRaw,
    F::ConstraintOwner,
    F::ConstraintRentExempt,
    F::ConstraintSeeds,
    F::ConstraintExecutable,
    F::ConstraintAssociated,
    F::ConstraintAssociatedInit,
    F::ConstraintClose,
    F::ConstraintAddress,
    F::ConstraintZero,
    F::ConstraintTokenMint,
    F::ConstraintTokenOwner,
    F::ConstraintMintDecimals,
    F::ConstraintSpace,
    F::ConstraintAccountIsNone,
    F::ConstraintTokenTokenProgram,
    F::ConstraintMintTokenProgram,
    F::ConstraintAssociatedTokenTokenProgram,
    F::ConstraintDuplicateMutableAccount,
    F::RequireViolated,
    F::RequireEqViolated,
    F::RequireKeysEqViolated,
    F::RequireNeqViolated,
    F::RequireKeysNeqViolated,
    F::RequireGtViolated,
    F::RequireGteViolated,
    F::AccountDiscriminatorAlreadySet,
    F::AccountDiscriminatorNotFound,
    F::AccountDiscriminatorMismatch,
    F::AccountDidNotDeserialize,
    F::AccountDidNotSerialize,
    F::AccountNotEnoughKeys,
    F::AccountNotMutable,
    F::AccountOwnedByWrongProgram,
    F::InvalidProgramId,
    F::InvalidProgramExecutable,
    F::AccountNotSigner,
    F::AccountNotSystemOwned,
    F::AccountNotInitialized,
    F::AccountNotProgramData,
    F::AccountNotAssociatedTokenAccount,
    F::AccountSysvarMismatch,
    F::AccountReallocExceedsLimit,
    F::AccountDuplicateReallocs,
    F::DeclaredProgramIdMismatch,
];

/// Errors of both token programs by their code. Token-2022 has more, which only its extensions give.
const TOKEN: [(&str, &str); 20] = [
    ("NotRentExempt", "the token account has fewer lamports than its rent asks for"),
    ("InsufficientFunds", "the token account does not hold that many tokens"),
    ("InvalidMint", "the mint is not one"),
    ("MintMismatch", "the token account is for another mint"),
    ("OwnerMismatch", "the token account belongs to somebody else"),
    ("FixedSupply", "the supply of the token is fixed"),
    ("AlreadyInUse", "the account is in use already"),
    ("InvalidNumberOfProvidedSigners", "too many or too few signers were given"),
    ("InvalidNumberOfRequiredSigners", "too many or too few signers are asked for"),
    ("UninitializedState", "the account is not initialised"),
    ("NativeNotSupported", "not with wrapped SOL"),
    ("NonNativeHasBalance", "the token account still holds tokens"),
    ("InvalidInstruction", "the instruction is not one of the token program"),
    ("InvalidState", "not in the state of this account"),
    ("Overflow", "the number of tokens does not fit 64 bits"),
    ("AuthorityTypeNotSupported", "the account has no authority of this kind"),
    ("MintCannotFreeze", "the mint cannot freeze accounts"),
    ("AccountFrozen", "the token account is frozen by the issuer of the token"),
    ("MintDecimalsMismatch", "the mint has another number of decimals"),
    ("NonNativeNotSupported", "only with wrapped SOL"),
];

/// Errors of the system program by their code.
const SYSTEM: [(&str, &str); 9] = [
    ("AccountAlreadyInUse", "the account exists already"),
    ("ResultWithNegativeLamports", "the account that pays does not have that many lamports"),
    ("InvalidProgramId", "the account cannot be given to this program"),
    ("InvalidAccountDataLength", "the account cannot have that many bytes"),
    ("MaxSeedLengthExceeded", "the seed is too long"),
    ("AddressWithSeedMismatch", "the address is not the one of the seed"),
    ("NonceNoRecentBlockhashes", "there is no recent blockhash for the nonce"),
    ("NonceBlockhashNotExpired", "the nonce was advanced in this block already"),
    ("NonceUnexpectedBlockhashValue", "the nonce holds another value"),
];

/// Name and message of a code. `said` is what the program printed about it.
pub fn words(program: Option<Pubkey>, code: u32, said: Option<&Logged>) -> (String, String) {
    let table = |table: &[(&str, &str)]| {
        let found = usize::try_from(code).ok().and_then(|at| table.get(at));
        found.map(|(name, message)| ((*name).to_owned(), (*message).to_owned()))
    };
    let known = match program {
        Some(ID) => ours(code),
        Some(SPL_TOKEN | TOKEN_2022) => table(&TOKEN),
        Some(anchor_lang::system_program::ID) => table(&SYSTEM),
        Some(ASSOCIATED_TOKEN) => table(&[("InvalidOwner", "the associated token account belongs to somebody else")]),
        _ => None,
    };
    let printed = || said.map(|said| (said.name.clone(), said.message.clone()));
    known.or_else(printed).unwrap_or_else(|| {
        let by = program.map_or_else(|| "a program".to_owned(), |program| super::program_name(&program));
        ("Custom".to_owned(), format!("{by} failed with its error {code}"))
    })
}

/// Of the program or of its framework.
fn ours(code: u32) -> Option<(String, String)> {
    let own = super::by_code(code).map(|error| (error.name(), error.to_string()));
    own.or_else(|| {
        let error = FRAMEWORK.into_iter().find(|error| u32::from(*error) == code)?;
        Some((error.name(), error.to_string()))
    })
}
