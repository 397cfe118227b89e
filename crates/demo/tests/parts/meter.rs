//! Reading compute units and events from logs.

use ballast_client::logs::{events, operations};
use ballast_client::{ID, event::Liquidated};
use ballast_cluster::connection::Receipt;
use ballast_demo::meter::{Meter, Reading};

/// The log of a transaction with a foreign instruction and two of the program's, each with a transfer inside.
fn logs() -> Vec<String> {
    let lines = format!(
        "Program ComputeBudget111111111111111111111111111111 invoke [1]
Program ComputeBudget111111111111111111111111111111 success
Program {ID} invoke [1]
Program log: Instruction: OpenVault
Program 11111111111111111111111111111111 invoke [2]
Program 11111111111111111111111111111111 success
Program {ID} consumed 6257 of 400000 compute units
Program {ID} success
Program {ID} invoke [1]
Program log: Instruction: Deposit
Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA invoke [2]
Program log: Instruction: TransferChecked
Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA consumed 105 of 390000 compute units
Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA success
Program data: AAAAAAAAAAA=
Program {ID} consumed 5292 of 393743 compute units
Program {ID} success"
    );
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn each_instruction_of_the_program_and_only_those() {
    assert_eq!(operations(&logs()), [("open_vault".to_owned(), 6257), ("deposit".to_owned(), 5292)]);
}

#[test]
fn least_median_most() {
    let mut meter = Meter::default();
    for units in [30, 10, 20] {
        let mut logs = logs();
        logs[6] = format!("Program {ID} consumed {units} of 400000 compute units");
        meter.record(&Receipt { logs });
    }
    let readings = meter.readings();
    let open = Reading { operation: "open_vault".to_owned(), count: 3, least: 10, median: 20, most: 30 };
    assert_eq!(readings[1], open);
}

#[test]
fn foreign_data_is_no_event() {
    assert!(events::<Liquidated>(&logs()).is_empty());
}
