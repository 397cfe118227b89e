//! Transactions of every version: what they cost, how large they are, and that they arrive as they were made.

use ballast_client::Pubkey;
use ballast_client::error::COMPUTE_BUDGET;
use ballast_client::transaction::{Budget, CompileError, MAX_ACCOUNTS, Version, compile, transaction_bytes};
use solana_instruction::{AccountMeta, Instruction};
use solana_message::{AddressLookupTableAccount, Hash, VersionedMessage};
use solana_transaction::Signature;
use solana_transaction::versioned::VersionedTransaction;

const PAYER: Pubkey = Pubkey::new_from_array([1; 32]);
const ALL: [Version; 3] = [Version::Legacy, Version::V0, Version::V1];
const BUDGET: Option<Budget> = Some(Budget { units: 300_000, price: 1_500 });

/// The address of a number.
fn address(number: usize) -> Pubkey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Pubkey::new_from_array(bytes)
}

/// An instruction with so many accounts beside the payer and the program, and so many bytes.
fn instruction(accounts: usize, bytes: usize) -> Instruction {
    let mut metas = vec![AccountMeta::new(PAYER, true)];
    metas.extend((0..accounts).map(|number| AccountMeta::new(address(number), false)));
    Instruction { program_id: ballast_client::ID, accounts: metas, data: vec![3; bytes] }
}

fn made(version: Version, instruction: &Instruction, budget: Option<Budget>) -> Result<VersionedMessage, CompileError> {
    compile(version, &PAYER, std::slice::from_ref(instruction), budget, &[], Hash::new_from_array([5; 32]))
}

fn transaction(message: VersionedMessage) -> VersionedTransaction {
    let signatures = vec![Signature::default(); usize::from(message.header().num_required_signatures)];
    VersionedTransaction { signatures, message }
}

#[test]
fn a_priority_fee_is_rounded_up_as_the_cluster_does() {
    let fee = |units, price| Budget { units, price }.priority_fee_ceil();
    assert_eq!([fee(300_000, 1_500), fee(1, 1), fee(0, 9), fee(1_000_000, 1)], [450, 1, 0, 1]);
    assert_eq!(fee(1_000_001, 1), 2);
    assert_eq!(fee(u32::MAX, u64::MAX), u64::MAX);
}

#[test]
fn legacy_and_version_0_carry_their_budget_as_instructions() {
    for version in [Version::Legacy, Version::V0] {
        let message = made(version, &instruction(2, 10), BUDGET).unwrap();
        assert_eq!(message.instructions().len(), 3);
        let program =
            |at: usize| message.static_account_keys()[usize::from(message.instructions()[at].program_id_index)];
        assert_eq!([program(0), program(1), program(2)], [COMPUTE_BUDGET, COMPUTE_BUDGET, ballast_client::ID]);
        assert_eq!(message.instructions()[0].data, [&[2][..], &300_000u32.to_le_bytes()].concat());
        assert_eq!(message.instructions()[1].data, [&[3][..], &1_500u64.to_le_bytes()].concat());
        assert_eq!(made(version, &instruction(2, 10), None).unwrap().instructions().len(), 1);
    }
}

#[test]
fn version_1_carries_its_budget_in_the_message() {
    let VersionedMessage::V1(message) = made(Version::V1, &instruction(2, 10), BUDGET).unwrap() else {
        panic!("version 1");
    };
    assert_eq!(message.instructions.len(), 1);
    assert_eq!((message.config.compute_unit_limit, message.config.priority_fee), (Some(300_000), Some(450)));
}

#[test]
fn the_size_that_is_computed_is_that_of_the_bytes() {
    for version in ALL {
        for (accounts, bytes) in [(0, 0), (3, 100), (20, 300), (5, 127), (5, 128)] {
            let message = made(version, &instruction(accounts, bytes), BUDGET).unwrap();
            let expected = transaction_bytes(&message);
            let written = wincode::serialize(&transaction(message)).unwrap();
            assert_eq!(written.len(), expected, "{version:?} {accounts} {bytes}");
        }
    }
}

/// The most data that fits beside so many accounts.
fn most_data(version: Version, accounts: usize) -> usize {
    let fits = |bytes| made(version, &instruction(accounts, bytes), None).is_ok();
    (0..version.max_bytes()).rev().find(|bytes| fits(*bytes)).unwrap()
}

#[test]
fn the_last_byte_that_fits_is_the_last_one_that_is_accepted() {
    for (version, limit) in [(Version::Legacy, 1_232), (Version::V0, 1_232), (Version::V1, 4_096)] {
        let most = most_data(version, 4);
        assert_eq!(transaction_bytes(&made(version, &instruction(4, most), None).unwrap()), limit, "{version:?}");
        let error = made(version, &instruction(4, most + 1), None).unwrap_err();
        assert_eq!(error, CompileError::TooLarge { bytes: limit + 1, most: limit }, "{version:?}");
    }
    assert!(most_data(Version::V1, 4) > most_data(Version::V0, 4) + 2_800);
}

#[test]
fn lookup_tables_shorten_version_0_and_nothing_else() {
    let long = instruction(30, 200);
    let addresses: Vec<_> = (0..30).map(address).collect();
    let table = AddressLookupTableAccount { key: address(999), addresses };
    let with = |version| {
        compile(version, &PAYER, std::slice::from_ref(&long), BUDGET, std::slice::from_ref(&table), Hash::default())
    };
    assert!(matches!(made(Version::V0, &long, BUDGET), Err(CompileError::TooLarge { .. })));
    assert!(matches!(with(Version::Legacy), Err(CompileError::TooLarge { .. })));
    let message = with(Version::V0).unwrap();
    assert_eq!(message.address_table_lookups().unwrap()[0].writable_indexes.len(), 30);
    assert_eq!(message.static_account_keys().len(), 3);
    // Thirty addresses of 32 bytes are thirty indexes, the address of the table, and three numbers.
    let plain = transaction_bytes(&made(Version::V0, &instruction(0, 200), BUDGET).unwrap());
    assert_eq!(transaction_bytes(&message), plain + 2 * 30 + 32 + 2);
    // Version 1 has none, and room instead.
    let inline = with(Version::V1).unwrap();
    assert_eq!((inline.address_table_lookups(), inline.static_account_keys().len()), (None, 32));
}

#[test]
fn no_version_names_more_accounts_than_can_be_locked() {
    let addresses: Vec<_> = (0..70).map(address).collect();
    let tables = [AddressLookupTableAccount { key: address(999), addresses }];
    let with = |version, accounts| {
        compile(version, &PAYER, &[instruction(accounts, 1)], None, &tables, Hash::default()).map(|_| ())
    };
    // Payer and program are two of them.
    let most = MAX_ACCOUNTS - 2;
    assert_eq!(with(Version::V0, most), Ok(()));
    assert_eq!(with(Version::V0, most + 1), Err(CompileError::TooManyAccounts(65)));
    assert_eq!(with(Version::V1, most), Ok(()));
    assert!(with(Version::V1, most + 1).is_err());
}

#[test]
fn a_transaction_of_every_version_comes_back_as_it_was_made() {
    for version in ALL {
        let message = made(version, &instruction(6, 90), BUDGET).unwrap();
        let sent = transaction(message);
        let bytes = wincode::serialize(&sent).unwrap();
        let found: VersionedTransaction = wincode::deserialize(&bytes).unwrap();
        assert_eq!(found, sent, "{version:?}");
        assert!(found.sanitize().is_ok());
    }
}
