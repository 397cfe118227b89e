//! The codes of the errors: append-only, and each one provoked by a test.

use std::fs;
use std::path::Path;

use ballast_client::BallastError::{self, *};
use ballast_tests::errors::COMMITTED;

/// Every variant; the compiler refuses a new one here until it is in the committed list as well.
fn is_committed(error: &BallastError) -> bool {
    match error {
        AmountIsZero
        | AmountTooSmall
        | AmountOutOfRange
        | AssetUnknown
        | WrongMint
        | WrongTokenProgram
        | WrongCustody
        | OracleListMismatch
        | SameAsset
        | BadRiskParameters
        | BadRateCurve
        | BadPriceParameters
        | MintExtensionNotAllowed
        | MintAlreadyListed
        | MarketFull
        | TooManyDecimals
        | BadModel
        | BadSensitivities
        | BadRamp
        | RowsOutOfRange
        | ParameterUnknown
        | ParameterOutOfRange
        | ParametersOutOfOrder
        | BadSource
        | ChangeTooLarge
        | BadPatience
        | AssetNotReady
        | NotGovernance
        | NotVaultOwner
        | WrongMarket
        | WrongAuthority
        | NotDraftAuthor
        | NotGuardian
        | NotNamedForRole
        | DurableNonce
        | OracleWrongOwner
        | OracleWrongAccount
        | FeedMismatch
        | NotFullyVerified
        | PriceNotTrading
        | PriceNotPositive
        | ExponentOutOfRange
        | ConfidenceTooWide
        | PriceTooOld
        | PriceFromFuture
        | PriceOlderThanStored
        | PriceOutOfRange
        | PriceOutsideBand
        | TooFewSamples
        | StakePoolNotUpdated
        | BasePriceUnusable
        | NoCandidate
        | ObservedAlready
        | PriceUnusable
        | BelowInitMargin
        | VaultHealthy
        | LiquidationTooSmall
        | ValueOutOfRange
        | NoDebt
        | NoDeposit
        | CollateralLeft
        | SameVault
        | NotEnoughCash
        | DepositCapExceeded
        | DebtCapExceeded
        | InsufficientDeposit
        | VaultShareExceeded
        | UtilisationCapExceeded
        | OutflowLimitExceeded
        | TokenHalted
        | DraftIncomplete
        | DraftChanged
        | NettingIsOff
        | MustWait
        | ValueChanged
        | StepTooLarge
        | StewardTooSoon
        | ChangeNotDue
        | ChangeExpired
        | ModelChanging
        | MarketOpen
        | MarketNotOpen
        | PauseTooLong
        | PauseBudgetSpent
        | Paused
        | GuardianReplaced
        | WrongChangeAccount
        | RampRunning
        | ListingPending
        | VaultFull
        | VaultNotEmpty
        | CustodyShort => true,
    }
}

#[test]
fn codes_and_names_are_those_committed() {
    for (error, code, name) in COMMITTED {
        assert!(is_committed(error));
        assert_eq!(error.name(), *name);
        assert_eq!(u32::from(COMMITTED.iter().find(|(_, _, other)| other == name).map(|(e, ..)| *e).unwrap()), *code);
    }
    assert!(COMMITTED.windows(2).all(|pair| pair[0].1 < pair[1].1), "sorted, each code once");
    assert_eq!(COMMITTED.len(), 92, "a new error is added to the list and to the count");
}

#[test]
fn messages_say_what_to_read() {
    for (error, ..) in COMMITTED {
        let message = error.to_string();
        assert!(message.len() > 10 && !message.ends_with('.'), "{message}");
    }
}

#[test]
fn every_error_is_provoked_by_a_test() {
    let mut sources = String::new();
    let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
    for folder in ["instructions", "attacks", "scenarios", "governance"] {
        for entry in fs::read_dir(here.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "error_codes.rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }
    // The name as the expected reason of a refusal, whole.
    let expected: Vec<_> = sources
        .split("BallastError::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
        .collect();
    let missing: Vec<_> = COMMITTED.iter().map(|(_, _, name)| name).filter(|name| !expected.contains(name)).collect();
    assert!(missing.is_empty(), "no test expects {missing:?}");
}
