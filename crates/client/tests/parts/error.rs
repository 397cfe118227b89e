//! Errors in words: every code of the program, and what the runtime and other programs say.

use ballast_client::error::{ALL, Class, Failed, Remedy, by_code, logged};
use ballast_client::token::SPL_TOKEN;
use ballast_client::{BallastError, ID, Pubkey};
use serde_json::Value;
use solana_instruction::error::InstructionError;
use solana_transaction::TransactionError;

fn custom(index: u8, code: u32) -> TransactionError {
    TransactionError::InstructionError(index, InstructionError::Custom(code))
}

fn lines(logs: &[&str]) -> Vec<String> {
    logs.iter().map(|line| line.replace("OURS", &ID.to_string()).replace("TOKEN", &SPL_TOKEN.to_string())).collect()
}

/// Logs as the runtime prints them: a budget instruction, then one of ours that the program refuses.
fn refused() -> Vec<String> {
    lines(&[
        "Program ComputeBudget111111111111111111111111111111 invoke [1]",
        "Program ComputeBudget111111111111111111111111111111 success",
        "Program OURS invoke [1]",
        "Program log: Instruction: Borrow",
        "Program log: AnchorError occurred. Error Code: BelowInitMargin. Error Number: 6301. Error Message: The vault would \
         fall below its initial margin requirement.",
        "Program OURS consumed 21034 of 200000 compute units",
        "Program OURS failed: custom program error: 0x189d",
    ])
}

#[test]
fn the_list_of_errors_is_that_of_the_idl() {
    let idl: Value = serde_json::from_str(include_str!("../../../../idl/ballast.json")).unwrap();
    let errors = idl["errors"].as_array().unwrap();
    assert_eq!(errors.len(), ALL.len());
    for (error, described) in ALL.into_iter().zip(errors) {
        let code = u32::try_from(described["code"].as_u64().unwrap()).unwrap();
        assert_eq!(u32::from(error), code);
        assert_eq!(error.name(), described["name"]);
        assert_eq!(error.to_string(), described["msg"].as_str().unwrap());
        assert_eq!(by_code(code).map(u32::from), Some(code));
        // Without any logs.
        let failed = Failed::of(&custom(0, code), &[]);
        assert_eq!((failed.name.as_str(), failed.code, failed.program), (error.name().as_str(), Some(code), Some(ID)));
        assert_ne!(failed.class, Class::Foreign);
    }
}

#[test]
fn each_range_of_codes_is_a_class() {
    let of = |error: BallastError| Class::of(u32::from(error));
    assert_eq!(of(BallastError::AmountIsZero), Class::Input);
    assert_eq!(of(BallastError::NotVaultOwner), Class::Authority);
    assert_eq!(of(BallastError::PriceTooOld), Class::Oracle);
    assert_eq!(of(BallastError::BelowInitMargin), Class::Risk);
    assert_eq!(of(BallastError::OutflowLimitExceeded), Class::Liquidity);
    assert_eq!(of(BallastError::ChangeNotDue), Class::Governance);
    assert_eq!(of(BallastError::VaultFull), Class::State);
    assert_eq!(of(BallastError::CustodyShort), Class::Bug);
    // The framework's own, and what is nobody's of ours.
    assert_eq!([2_000, 3_012, 6_700, 1].map(Class::of), [Class::Input, Class::Input, Class::Foreign, Class::Foreign]);
}

#[test]
fn a_refusal_of_the_program_is_named_with_its_instruction() {
    let failed = Failed::of(&custom(1, 6_301), &refused());
    assert_eq!(failed.instruction.as_deref(), Some("borrow"));
    assert_eq!((failed.index, failed.program, failed.class), (Some(1), Some(ID), Class::Risk));
    assert_eq!(failed.ballast().map(u32::from), Some(6_301));
    assert_eq!(
        failed.to_string(),
        "borrow: The vault would fall below its initial margin requirement (BelowInitMargin, 6301)"
    );
}

#[test]
fn an_error_of_a_token_program_is_not_taken_for_one_of_ours() {
    let logs = lines(&[
        "Program OURS invoke [1]",
        "Program log: Instruction: Deposit",
        "Program TOKEN invoke [2]",
        "Program log: Instruction: TransferChecked",
        "Program log: Error: insufficient funds",
        "Program TOKEN consumed 1000 of 90000 compute units",
        "Program TOKEN failed: custom program error: 0x1",
        "Program OURS consumed 9000 of 100000 compute units",
        "Program OURS failed: custom program error: 0x1",
    ]);
    let failed = Failed::of(&custom(0, 1), &logs);
    assert_eq!((failed.class, failed.ballast().is_none()), (Class::Foreign, true));
    assert_eq!(
        failed.to_string(),
        "deposit: the token account does not hold that many tokens (InsufficientFunds, 1 of SPL Token)"
    );
    // Nothing is guessed without the logs.
    assert_eq!(
        Failed::of(&custom(0, 1), &[]).to_string(),
        "instruction 1: a program failed with its error 1 (Custom, 1)"
    );
}

#[test]
fn an_error_of_the_framework_names_the_account() {
    let mut logs = refused();
    let line = "Program log: AnchorError caused by account: vault. Error Code: AccountOwnedByWrongProgram. Error Number: 3007. \
                Error Message: The given account is owned by a different program than expected.";
    logs[4] = line.to_owned();
    let failed = Failed::of(&custom(1, 3_007), &logs);
    assert_eq!((failed.account.as_deref(), failed.class), (Some("vault"), Class::Input));
    assert_eq!(
        failed.to_string(),
        "borrow: The given account is owned by a different program than expected, account `vault` \
         (AccountOwnedByWrongProgram, 3007)"
    );
}

#[test]
fn an_error_of_an_unknown_program_says_what_it_printed() {
    let stranger = Pubkey::new_from_array([3; 32]);
    let logs = vec![
        format!("Program {stranger} invoke [1]"),
        "Program log: AnchorError thrown in src/lib.rs:7. Error Code: Slippage. Error Number: 6301. Error Message: Too much \
         slippage."
            .to_owned(),
        format!("Program {stranger} failed: custom program error: 0x189d"),
    ];
    let failed = Failed::of(&custom(2, 6_301), &logs);
    assert_eq!((failed.ballast().is_none(), failed.class), (true, Class::Foreign));
    assert_eq!(failed.to_string(), format!("instruction 3: Too much slippage (Slippage, 6301 of {stranger})"));
}

#[test]
fn what_fails_before_any_instruction_says_what_to_do() {
    let failed = Failed::of(&TransactionError::BlockhashNotFound, &[]);
    assert_eq!((failed.index, failed.remedy()), (None, Remedy::Resign));
    assert_eq!(
        failed.to_string(),
        "the blockhash is unknown or too old; sign again with a new one (BlockhashNotFound)"
    );
    let rent = Failed::of(&TransactionError::InsufficientFundsForRent { account_index: 2 }, &[]);
    assert_eq!(rent.name, "InsufficientFundsForRent");
    let signature = TransactionError::InstructionError(0, InstructionError::MissingRequiredSignature);
    assert_eq!(Failed::of(&signature, &[]).class, Class::Authority);
    let spent = TransactionError::InstructionError(3, InstructionError::ComputationalBudgetExceeded);
    assert_eq!(Failed::of(&spent, &[]).remedy(), Remedy::Resign);
}

#[test]
fn what_to_do_follows_from_the_error() {
    let remedy = |error: BallastError| Failed::of(&custom(0, u32::from(error)), &[]).remedy();
    assert_eq!(remedy(BallastError::PriceUnusable), Remedy::Refresh);
    assert_eq!(remedy(BallastError::VaultHealthy), Remedy::Read);
    assert_eq!(remedy(BallastError::OutflowLimitExceeded), Remedy::Wait);
    assert_eq!(remedy(BallastError::BelowInitMargin), Remedy::Change);
    assert_eq!(remedy(BallastError::DeadlinePassed), Remedy::Resign);
}

#[test]
fn lines_that_are_no_errors_are_passed_over() {
    for line in
        ["", "Program log: Instruction: Borrow", "AnchorError ", "Program log: AnchorError occurred. Error Code: X."]
    {
        assert_eq!(logged(line), None, "{line}");
    }
    let logs: Vec<_> = ["Program failed:", "Program x failed: y", "Log truncated"].map(str::to_owned).to_vec();
    assert_eq!(Failed::of(&custom(0, 6_301), &logs).ballast().map(u32::from), Some(6_301));
}
